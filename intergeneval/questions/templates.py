"""The question templates: package data, one file a version, with the hash that names them in comparability keys.

A run keeps the version it began with, so every version stays.
"""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import resources

from intergeneval.errors import ConfigError
from intergeneval.ids import sha256_bytes
from intergeneval.records.disk import parse_toml

QUESTION_IDS = tuple(range(1, 11))
VERSIONS = (1, 2, 3)
"""The versions that come with the package, oldest first; the first one knows nothing of a benchmark's optional fields."""
NEWEST = VERSIONS[-1]
FIRST_MODES = ("after", "destination")
"""Modes that decide what a question is about, so that they win over the verb's own words; in the order of trial."""
MODES = ("touching", "instrument", "mutual")
"""Further modes, in the order of trial."""

_PLACEHOLDERS = frozenset(
    {"subject", "object", "base", "third", "doing", "actor", "tool", "with", "real", "End", "earlier", "destination"}
)
_VERBS = "verbs"
_AS = "as"
"""Key of a verb's table that names the verb in whose words it is asked."""
CONTROL = "control"
"""Section of the question that must be no; it stands under CONTROL_SLOT, whatever its number in a run."""
CONTROL_SLOT = 8


@dataclass(frozen=True, slots=True)
class Templates:
    """One version of all question templates."""

    version: int
    """Version number; part of every question's `template` field."""
    sections: Mapping[str, Mapping[int, str]]
    """``common``, modes, pattern names, ``<pattern>.<mode>``, ``verbs.<verb>`` and ``verbs.<verb>.<mode>`` -> question id -> text
    with placeholders."""
    sha256: str
    """Hash of the file's bytes."""

    def text(self, pattern: str, question_id: int, *, modes: Collection[str] = (), verb: str = "") -> tuple[str, str]:
        """Return (section, template) for one question: the most specific section that words it.

        `verb` is the lexicon's lemma, where it has one; `modes` are those of FIRST_MODES and MODES that the interaction is in.
        """
        own = f"{_VERBS}.{verb}"
        first = [name for mode in FIRST_MODES if mode in modes for name in (f"{own}.{mode}", f"{pattern}.{mode}", mode)]
        rest = [mode for mode in MODES if mode in modes]
        order = [
            *first,
            *(f"{own}.{mode}" for mode in rest),
            own,
            *(f"{pattern}.{mode}" for mode in rest),
            *rest,
            pattern,
            "common",
        ]
        for section in order:
            text = self.sections.get(section, {}).get(question_id)
            if text is not None:
                return section, text
        raise KeyError(question_id)


def placeholders(text: str) -> frozenset[str]:
    """Return the names of the placeholders of a template."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def parse(content: bytes, where: str) -> Templates:
    """Read templates from the bytes of a TOML file. Raises ConfigError naming `where`, section and field."""
    try:
        data = parse_toml(content.decode("utf-8"))
    except ValueError as error:
        raise ConfigError(f"{where}: not a TOML file in UTF-8 ({error})") from None
    version = data.pop("version", None)
    if not isinstance(version, int):
        raise ConfigError(f"{where}: version is {version!r}; give a whole number")
    sections: dict[str, dict[int, str]] = {}
    verbs = data.pop(_VERBS, {})
    if not isinstance(verbs, dict):
        raise ConfigError(f"{where}: {_VERBS} is {verbs!r}; give a section for each verb")
    same = {verb: table.pop(_AS) for verb, table in verbs.items() if isinstance(table, dict) and _AS in table}
    for name, table in {**data, **{f"{_VERBS}.{verb}": table for verb, table in verbs.items()}}.items():
        sections |= _sections(name, table, where)
    for verb, like in same.items():
        sections |= _alike(verb, like, sections, where)
    missing = [str(number) for number in QUESTION_IDS if number not in sections.get("common", {})]
    if missing:
        raise ConfigError(f"{where}: [common] lacks question {', '.join(missing)}; it must word all ten")
    return Templates(version, sections, sha256_bytes(content))


def _alike(verb: str, like: object, known: Mapping[str, dict[int, str]], where: str) -> dict[str, dict[int, str]]:
    """Return the sections of a verb that is asked in the words of another, its own words over them."""
    names = [f"{_VERBS}.{like}{mode}" for mode in ("", *(f".{one}" for one in (*FIRST_MODES, *MODES)))]
    found = {name: known[name] for name in names if name in known}
    if not found:
        raise ConfigError(f"{where}: [{_VERBS}.{verb}] {_AS} = {like!r}; there is no section of that verb")
    own = f"{_VERBS}.{verb}"
    renamed = {own + name.removeprefix(f"{_VERBS}.{like}"): texts for name, texts in found.items()}
    return {name: {**texts, **known.get(name, {})} for name, texts in renamed.items()}


def _sections(name: str, table: object, where: str) -> dict[str, dict[int, str]]:
    """Return a table's own section and those of its modes."""
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: {name} is {table!r}; give a section of numbered questions")
    found = {}
    for mode in (*FIRST_MODES, *MODES):
        inner = table.pop(mode, None)
        if inner is None:
            continue
        if not isinstance(inner, dict):
            raise ConfigError(f"{where}: [{name}] {mode} is {inner!r}; give a section of numbered questions")
        found[f"{name}.{mode}"] = _section(inner, f"{where}: [{name}.{mode}]")
    return {name: _section(table, f"{where}: [{name}]"), **found}


_LONGEST = 10_000
"""Characters of a question's template."""
_WIDTH = re.compile(r"\{[^{}]*:[^{}]*\d{3,}")
"""A placeholder that would be filled up to hundreds of characters and more."""


def _section(table: Mapping[str, object], where: str) -> dict[int, str]:
    texts: dict[int, str] = {}
    for key, text in table.items():
        if key not in {str(number) for number in QUESTION_IDS} or not isinstance(text, str):
            raise ConfigError(f"{where}: {key} = {text!r}; a question is a number from 1 to 10 and a text")
        if len(text) > _LONGEST or _WIDTH.search(text):
            raise ConfigError(f"{where}: question {key} is longer than {_LONGEST} characters, or holds a width behind a colon")
        try:
            text.format(**dict.fromkeys(_PLACEHOLDERS, ""))
        except (KeyError, IndexError, ValueError) as error:
            known = ", ".join(sorted(_PLACEHOLDERS))
            raise ConfigError(f"{where}: question {key} has the placeholder {error}; known are {known}") from None
        texts[int(key)] = text
    return texts


@functools.cache
def embedded(version: int = NEWEST) -> Templates:
    """Return the templates of a version that comes with the package. Raises ConfigError for another number.

    Those of version 1 are worded for samples without optional fields (`Sample.plain`).
    """
    if version not in VERSIONS:
        raise ConfigError(f"templates {version}: there is no such version; there are {', '.join(map(str, VERSIONS))}")
    name = f"templates-{version}.toml"
    return parse(resources.files("intergeneval.questions").joinpath(name).read_bytes(), name)
