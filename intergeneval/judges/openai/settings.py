"""Settings of the API judge: ``[settings.openai]`` of the run's TOML file, and the key from the environment alone."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from intergeneval.errors import ConfigError, RecordError
from intergeneval.ids import canonical_json
from intergeneval.judges.openai.address import find_proxy, read_address
from intergeneval.plugins import secrets
from intergeneval.records import LATER, Record

BASE_URL = "https://api.openai.com/v1"
LEAST_PICTURES = 3
"""Fewest pictures with which anything can be compared with frame 0."""
BASE_URL_ENVIRONMENT = "OPENAI_BASE_URL"
_SECRET_NAME = re.compile(r"(^|_|-)(key|token|secret|password|credential|auth|authorization|headers?)s?($|_|-)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices(Record):
    """What a million tokens cost, in any one currency."""

    input: float
    """Tokens sent."""
    output: float
    """Tokens received."""
    cached_input: float | None = None
    """Tokens sent that the server had in its prefix cache; None: as `input`."""

    def __post_init__(self) -> None:
        for name, value in (("input", self.input), ("output", self.output), ("cached_input", self.cached_input)):
            if value is not None and not 0 <= value < float("inf"):
                raise ValueError(f"{name} {value} is not a price of 0 or more")

    def cost(self, sent: int, cached: int, received: int) -> float:
        """Return what tokens cost; `cached` are part of `sent`."""
        kept = self.input if self.cached_input is None else self.cached_input
        return ((sent - cached) * self.input + cached * kept + received * self.output) / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAISettings(Record):
    """Everything that can be set for ``openai:MODEL``."""

    model: str = ""
    """Name of the model; comes from the judge spec."""
    base_url: str = ""
    """Address up to and with ``/v1``; empty: ``$OPENAI_BASE_URL``, or OpenAI's own. In a file it may be a list of several."""
    key_variable: str = "OPENAI_API_KEY"
    """Environment variable that holds the key; the key itself is never a setting."""
    revision: str = ""
    """Your own name for what the server runs (weights, quantisation); part of the comparability key."""
    concurrency: int = 16
    """Most requests at once, to each server."""
    attempts: int = 6
    """How often one request is sent before it counts as failed."""
    timeout: float = 180.0
    """Seconds one attempt may take in all."""
    backoff: float = 1.0
    """Seconds before the second attempt, doubled each time, with jitter."""
    longest_wait: float = 300.0
    """Longest wait before an attempt, in seconds; a server that asks for more has failed the request."""
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"temperature": 0, "max_tokens": 4096})
    """Sampling parameters, sent as they stand; given, they replace these."""
    json_schema: bool = True
    """Whether to ask for replies that keep to a JSON schema; a server that refuses is asked without."""
    detail: str = field(default="", metadata=LATER)
    """``low``, ``high`` or ``auto``: how closely the server is to look at each picture; empty: it is not told."""
    pictures: int = field(default=0, metadata=LATER)
    """Most pictures in one request; 0: as many as there are, until the server names a number."""
    beyond: str = field(default="turns", metadata=LATER)
    """What to do with more frames than that: ``turns`` (frames are gone through in several requests, and the last one asks)
    or ``fewer`` (frames in even steps)."""
    clip: bool = field(default=False, metadata=LATER)
    """Whether to show the whole video with outlines as a data URL in place of the frames after frame 0 (``video_url``)."""
    prices: Prices | None = None
    """Price table; None: no costs are known."""
    image_tokens: int = 1000
    """Tokens of one picture, for the estimate before the run only."""
    prompts: str = ""
    """Folder with templates that replace ours; comes from ``--prompts``."""

    def __post_init__(self) -> None:
        for name, low in (("concurrency", 1), ("attempts", 1), ("image_tokens", 0)):
            if getattr(self, name) < low:
                raise ValueError(f"{name} {getattr(self, name)} is below {low}")
        if self.detail not in ("", "low", "high", "auto"):
            raise ValueError(f"detail {self.detail!r} is none of 'low', 'high', 'auto'")
        if self.pictures and self.pictures < LEAST_PICTURES:
            raise ValueError(
                f"pictures {self.pictures} is below {LEAST_PICTURES}: frame 0 twice and one frame more; 0 sets no limit"
            )
        if self.beyond not in ("turns", "fewer"):
            raise ValueError(f"beyond {self.beyond!r} is neither 'turns' nor 'fewer'")
        if taken := sorted({"model", "messages", "response_format", "stream", "n"} & set(self.parameters)):
            raise ValueError(f"parameters holds {taken[0]!r}, which the judge sets itself")
        canonical_json(dict(self.parameters))
        for name in ("timeout", "backoff", "longest_wait"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name} {getattr(self, name)} is not above 0")

    @property
    def place(self) -> str:
        """The base URL's host, with its port where that is not the scheme's own: part of every cache key."""
        return read_address(self.base_url, "[settings.openai]", self.key_variable).place

    @property
    def looking(self) -> str:
        """How pictures are shown, where that is not the usual way: part of the judge's revision; empty otherwise."""
        parts = [f"detail {self.detail}"] if self.detail else []
        parts += [f"{self.pictures} pictures, {self.beyond}"] if self.pictures else []
        parts += ["clip"] if self.clip else []
        return "".join(f", {part}" for part in parts)

    @property
    def key(self) -> str:
        """The key, read from the environment when asked for; empty where there is none."""
        return os.environ.get(self.key_variable, "").strip()

    @property
    def prompts_folder(self) -> Path | None:
        """Folder of the user's templates, or None."""
        return Path(self.prompts) if self.prompts else None


def read_settings(model: str, settings: Mapping[str, Any]) -> OpenAISettings:
    """Return the settings for a model. Raises ConfigError naming the field: nothing secret may stand in a config file.

    The config is stored in the run folder, so a key, a header or a URL with a password is refused rather than hidden.
    """
    if not model.strip():
        raise ConfigError("judge 'openai': say which model, as in openai:MODEL")
    if secret := _secret_name(settings):
        raise ConfigError(
            f"[settings.openai] {secret}: secrets do not belong into a config file; put the key into the environment variable "
            f"that key_variable names (OPENAI_API_KEY)"
        )
    known = secrets.surely()
    named_by = settings.get("key_variable", "")
    if isinstance(named_by, str) and named_by and not _is_variable(named_by):
        raise ConfigError(
            "[settings.openai] key_variable: is not the name of an environment variable (it may be the key itself, so it is not "
            "repeated here); write the name, such as OPENAI_API_KEY, and put the key into that variable"
        )
    if (place := secrets.place_of({"model": model, **settings}, known)) is not None:
        raise ConfigError(f"[settings.openai] {place}: holds a secret of the environment; take it out, a run stores its settings")
    try:
        read = OpenAISettings.from_json(dict(settings), where="[settings.openai]")
    except RecordError as error:
        raise ConfigError(secrets.blanked(str(error), known)) from None
    if (place := secrets.place_of(read.to_json(), secrets.surely(more=(read.key_variable,)))) is not None:
        raise ConfigError(f"[settings.openai] {place}: holds the key; take it out, it would be stored in the run")
    named = os.environ.get(BASE_URL_ENVIRONMENT, "").strip()
    where = "[settings.openai]" if read.base_url or not named else f"${BASE_URL_ENVIRONMENT}"
    if secrets.place_of(named, secrets.surely(more=(read.key_variable,))) is not None:
        raise ConfigError(
            f"${BASE_URL_ENVIRONMENT}: holds the key; give the bare address; the key stands in ${read.key_variable}"
        )
    address = read_address(read.base_url or named or BASE_URL, f"judge 'openai': {where}", read.key_variable)
    find_proxy(address)
    read = replace(read, model=model, base_url=address.url)
    if read.base_url == BASE_URL and not read.key:
        raise ConfigError(
            f"judge 'openai:{model}': ${read.key_variable} is not set; put the key there, or set base_url to your server"
        )
    if any(not 32 < ord(character) < 127 for character in read.key):
        raise ConfigError(f"${read.key_variable} holds characters that no key has; set it again")
    return read


def read_servers(model: str, settings: Mapping[str, Any]) -> tuple[OpenAISettings, ...]:
    """Return the settings for each server that ``base_url`` lists, equal but for that; raises as `read_settings` does.

    No address may stand there twice: two counts of what is in flight there would each be half the truth.
    """
    urls = settings.get("base_url", "")
    if not isinstance(urls, list | tuple):
        return (read_settings(model, settings),)
    if not urls or not all(isinstance(url, str) and url.strip() for url in urls):
        raise ConfigError("[settings.openai] base_url: a list holds the address of at least one server, and nothing else")
    found = tuple(read_settings(model, {**settings, "base_url": url}) for url in urls)
    places = [item.place for item in found]
    twice = next((place for place in places if places.count(place) > 1), None)
    if twice is not None:
        raise ConfigError(f"[settings.openai] base_url: {twice} is listed twice; name each server once")
    return found


def _is_variable(name: str) -> bool:
    """Whether a text is the name of a variable rather than a key: those are long, and mix small letters with digits."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", name) is not None
    likely_key = len(name) >= 20 and any(sign.islower() for sign in name) and any(sign.isdigit() for sign in name)
    return plain and (name in os.environ or not likely_key)


def _secret_name(settings: Mapping[str, Any], prefix: str = "") -> str:
    """Return the dotted name of the first setting that is called like a secret, or an empty text."""
    for name, value in settings.items():
        if name != "key_variable" and not name.endswith("_tokens") and _SECRET_NAME.search(name):
            return prefix + name
        if isinstance(value, Mapping) and (found := _secret_name(value, f"{prefix}{name}.")):
            return found
    return ""
