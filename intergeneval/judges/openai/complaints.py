"""What a server says about a request it refuses, in the dialects of many servers; read to be classified, never shown or kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from intergeneval.judges.openai.causes import DAILY_QUOTA, NO_QUOTA, Cause, by_code
from intergeneval.judges.openai.server_words import load

_MOST_BYTES = 1 << 16
_MOST_CHARACTERS = 2000
_CODES = ("code", "type", "status", "reason", "error_type", "errorType", "error_code", "errorCode", "status_code")
_MESSAGES = ("message", "error", "detail", "msg", "error_message", "error_msg", "status_msg", "raw", "description")
_WITHIN = frozenset(
    ("error", "innererror", "inner_error", "metadata", "details", "detail", "errors", "provider_error", "violations", "base_resp")
)
_FLAGGED = "flagged_input"
_QUOTA_NAMES = ("quotaid", "quotalimit")
_QUOTA_VALUES = ("quotavalue", "quotalimitvalue")
_DEPTH = 8
_LOCATION = re.compile(r"'loc': \('body', '(\w{1,60})'")
_CODE_IN_WORDS = re.compile(r"['\"]code['\"]: ?['\"](\w{1,60})['\"]")
_PARAM_IN_WORDS = re.compile(r"['\"]param['\"]: ?['\"]([\w.\[\]]{1,60})['\"]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What can be told of a refusal."""

    codes: frozenset[str]
    """Codes, types and reasons, in small letters."""
    param: str
    """The part of the request that is complained about; empty where none is named."""
    message: str
    """The words, in small letters; for patterns only: they may quote key and prompt."""
    structured: bool
    """Whether the body was JSON at all, not the page of a proxy or of another server."""

    @property
    def cause_by_code(self) -> Cause | None:
        """The cause that the codes name; None for none."""
        return by_code(self.codes)


def read_complaint(content: bytes) -> Complaint:
    """Read the body of a refusal: an object, a list with one, a text, the ``detail`` of FastAPI, or a page."""
    try:
        found = load(content[:_MOST_BYTES])
    except (ValueError, RecursionError):
        text = content[:_MOST_BYTES].decode("utf-8", "replace")
        return Complaint(codes=frozenset(), param="", message=_short(re.sub(r"<[^>]{0,200}>", " ", text)), structured=False)
    return complaint_in(found)


def complaint_in(found: Any) -> Complaint:
    """Read an error that is JSON: the body of a refusal, or an error within a reply."""
    codes: set[str] = set()
    params: list[str] = []
    words: list[str] = []
    for name, value in _parts(found, 0):
        if name in _CODES and isinstance(value, str | int) and not isinstance(value, bool):
            codes.add(str(value)[:60].lower())
        elif name == _FLAGGED and value:
            codes.add(_FLAGGED)
        elif (quota := _quota(name, value)) is not None:
            codes.add(quota)
        elif name == "param" and isinstance(value, str):
            params.append(value[:60])
        elif name == "loc" and isinstance(value, list) and len(value) > 1 and value[0] == "body":
            params.append(str(value[1])[:60])
        elif isinstance(value, str) and (name in _MESSAGES or not name):
            words.append(value[:_MOST_CHARACTERS])
    message = _short(" ".join(words))
    # Proxies and Python servers put the whole of another error into the words of their own.
    codes.update(code.lower() for code in _CODE_IN_WORDS.findall(message))
    params += [*_PARAM_IN_WORDS.findall(message), *_LOCATION.findall(message)]
    return Complaint(codes=frozenset(codes), param=next(iter(params), ""), message=message, structured=True)


def _parts(value: Any, depth: int, name: str = "") -> Iterator[tuple[str, Any]]:
    """Give the named values of an error and of what is within it."""
    if depth > _DEPTH:
        return
    if isinstance(value, Mapping):
        for key, item in list(value.items())[:50]:
            yield str(key), item
            if key in _WITHIN and isinstance(item, Mapping | list):
                yield from _parts(item, depth + 1, str(key))
            elif key == "raw" and isinstance(item, str):
                yield from _parts(_inner(item), depth + 1)
    elif isinstance(value, list):
        for item in value[:10]:
            yield from _parts(item, depth + 1, name)
    elif isinstance(value, str) and not depth:
        yield "", value
    elif isinstance(value, str):
        yield name, value


def _quota(name: str, value: Any) -> str | None:
    """Return the code for a quota that no waiting of seconds fills again: one of a day, or of nothing at all."""
    kind = name.replace("_", "").lower()
    if kind in _QUOTA_NAMES and isinstance(value, str) and "perday" in value.lower().replace("_", "").replace("-", ""):
        return DAILY_QUOTA
    return NO_QUOTA if kind in _QUOTA_VALUES and str(value).strip() == "0" else None


def _inner(text: str) -> Any:
    try:
        return json.loads(text[:_MOST_BYTES])
    except (ValueError, RecursionError):
        return text


def _short(text: str) -> str:
    return " ".join(text.split())[:_MOST_CHARACTERS].lower()
