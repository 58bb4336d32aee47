"""The question templates: package data, read once, with the hash that names them in comparability keys."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from intergeneval.errors import ConfigError
from intergeneval.ids import sha256_bytes

QUESTION_IDS = tuple(range(1, 11))

_PLACEHOLDERS = frozenset({"subject", "object", "base", "third", "doing"})


@dataclass(frozen=True, slots=True)
class Templates:
    """One version of all question templates."""

    version: int
    """Version number; part of every question's `template` field."""
    sections: Mapping[str, Mapping[int, str]]
    """``common``, ``mutual``, pattern names and ``<pattern>.mutual`` -> question id -> text with placeholders."""
    sha256: str
    """Hash of the file's bytes."""

    def text(self, pattern: str, question_id: int, *, mutual: bool) -> tuple[str, str]:
        """Return (section, template) for one question: the most specific section that words it."""
        order = (f"{pattern}.mutual", "mutual", pattern, "common") if mutual else (pattern, "common")
        for section in order:
            text = self.sections.get(section, {}).get(question_id)
            if text is not None:
                return section, text
        raise KeyError(question_id)


def parse(content: bytes, where: str) -> Templates:
    """Read templates from the bytes of a TOML file. Raises ConfigError naming `where`, section and field."""
    try:
        data = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{where}: not a TOML file in UTF-8 ({error})") from None
    version = data.pop("version", None)
    if not isinstance(version, int):
        raise ConfigError(f"{where}: version is {version!r}; give a whole number")
    sections: dict[str, dict[int, str]] = {}
    for name, table in data.items():
        if not isinstance(table, dict):
            raise ConfigError(f"{where}: {name} is {table!r}; give a section of numbered questions")
        mutual = table.pop("mutual", None)
        sections[name] = _section(table, f"{where}: [{name}]")
        if mutual is not None and not isinstance(mutual, dict):
            raise ConfigError(f"{where}: [{name}] mutual is {mutual!r}; give a section of numbered questions")
        if mutual is not None:
            sections[f"{name}.mutual"] = _section(mutual, f"{where}: [{name}.mutual]")
    missing = [str(number) for number in QUESTION_IDS if number not in sections.get("common", {})]
    if missing:
        raise ConfigError(f"{where}: [common] lacks question {', '.join(missing)}; it must word all ten")
    return Templates(version, sections, sha256_bytes(content))


def _section(table: Mapping[str, object], where: str) -> dict[int, str]:
    texts: dict[int, str] = {}
    for key, text in table.items():
        if key not in {str(number) for number in QUESTION_IDS} or not isinstance(text, str):
            raise ConfigError(f"{where}: {key} = {text!r}; a question is a number from 1 to 10 and a text")
        try:
            text.format(**dict.fromkeys(_PLACEHOLDERS, ""))
        except (KeyError, IndexError, ValueError) as error:
            known = ", ".join(sorted(_PLACEHOLDERS))
            raise ConfigError(f"{where}: question {key} has the placeholder {error}; known are {known}") from None
        texts[int(key)] = text
    return texts


@functools.cache
def embedded() -> Templates:
    """Return the templates that come with the package."""
    return parse(resources.files("intergeneval.questions").joinpath("templates.toml").read_bytes(), "templates.toml")
