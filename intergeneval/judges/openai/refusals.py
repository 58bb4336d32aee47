"""Why a server refuses a request for good, as one of the causes that are known, each with the setting that mends it.

What a server writes is matched against fixed patterns and goes no further: it may quote key or prompt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from intergeneval.judges.openai.causes import AT_MOST, NOT_TAKEN, SCHEMA, Cause, by_code, by_words
from intergeneval.judges.openai.complaints import Complaint, read_complaint
from intergeneval.judges.openai.refusal_words import Told
from intergeneval.judges.openai.settings import OpenAISettings
from intergeneval.judges.openai.tokens_name import NAMES

_ONE_VIDEO = frozenset(
    {Cause.PICTURE_COUNT, Cause.PICTURE_SIZE, Cause.CONTEXT, Cause.RATE, Cause.SCHEMA, Cause.FILTER, Cause.UNKNOWN},
)
_MAY_BE_SCHEMA = frozenset({400, 404, 415, 422, 501})
_SLOW_DOWN = frozenset({429, 503, 529})
PASSING = _SLOW_DOWN | {408, 409, 425, 500, 502, 504}
"""Statuses that mean another attempt may go well, unless the body names a cause that no attempt changes."""
_BROKEN_FOR_GOOD = frozenset({Cause.PICTURES, Cause.PICTURE_COUNT, Cause.CONTEXT, Cause.MODEL})
_MAY_BREAK_BY_SCHEMA = frozenset({500, 502})
_ADDRESSES = frozenset({404, 405})
_NOTHING_SAID = frozenset({"", "not found", "method not allowed"})
_OK, _BAD_REQUEST, _PAYMENT_REQUIRED = 200, 400, 402
_BY_STATUS = {401: Cause.KEY, 403: Cause.PERMISSION, 407: Cause.ADDRESS, 413: Cause.PICTURE_SIZE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request that need not be sent again as it is."""

    cause: Cause
    """What the server objects to."""
    status: int
    """The HTTP status it said so with."""
    text: str
    """One sentence in words of ours, with the setting to change."""

    most: int = 0
    """Pictures that the server takes in a request; 0: it does not say, or objects to something else."""

    @property
    def everything(self) -> bool:
        """Whether it would meet every request of a run; False where another video may fare better."""
        return self.cause not in _ONE_VIDEO

    @property
    def kind(self) -> str:
        """What its failures are counted as."""
        return f"http {self.status}" if self.cause in (Cause.UNKNOWN, Cause.REDIRECT) else self.cause.value

    @property
    def schema(self) -> bool:
        """Whether the same request without a JSON schema may be taken."""
        return self.cause is Cause.SCHEMA or (self.cause is Cause.UNKNOWN and self.status in _MAY_BE_SCHEMA)


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """What is kept of a refusal: all that its sentence is made of, and no word of the server."""

    cause: Cause
    """What the server objects to."""
    name: str = ""
    """The parameter of ours that it is about; empty for none."""
    most: int = 0
    """Pictures that the server takes; 0: it does not say."""

    def refusal(self, status: int, settings: OpenAISettings, pictures: int, judge: str = "openai") -> Refusal:
        """Return the refusal of a request with `pictures` pictures, in words for the judge called `judge`."""
        told = Told(settings=settings, status=status, name=self.name, pictures=pictures, most=self.most, judge=judge)
        return Refusal(cause=self.cause, status=status, text=told.sentence(self.cause), most=self.most)


def refusal_of(
    status: int, content: bytes, settings: OpenAISettings, pictures: int, judge: str = "openai", *, schema: bool = True
) -> Refusal | None:
    """Return why a request with `pictures` pictures was refused for good; None where another attempt may go well.

    `schema` says whether the request was held to one, without which it may go well.
    """
    return refusal_for(status, read_complaint(content), settings, pictures, judge, schema=schema)


def refusal_for(
    status: int, complaint: Complaint, settings: OpenAISettings, pictures: int, judge: str = "openai", *, schema: bool = True
) -> Refusal | None:
    """Do the same for a complaint that is read already."""
    found = objection_of(status, complaint, settings.parameters, schema=schema)
    return None if found is None else found.refusal(status, settings, pictures, judge)


def refusal_without_status(complaint: Complaint, settings: OpenAISettings, pictures: int) -> Refusal | None:
    """Do the same for an error that gives no status, in a reply of status 200: only a cause that is known counts."""
    found = objection_of(_BAD_REQUEST, complaint, settings.parameters, schema=False)
    return None if found is None or found.cause is Cause.UNKNOWN else found.refusal(_OK, settings, pictures)


def objection_of(status: int, complaint: Complaint, parameters: Mapping[str, Any], *, schema: bool = True) -> Objection | None:
    """Return what a complaint objects to for good in a request with these parameters; None where another attempt may go well."""
    cause, name = _cause(status, complaint, parameters)
    if cause is Cause.UNKNOWN and schema and status in _MAY_BREAK_BY_SCHEMA and SCHEMA.search(complaint.message):
        cause = Cause.SCHEMA
    if cause is Cause.UNKNOWN and status in PASSING:
        return None
    most = AT_MOST.search(complaint.message)
    return Objection(cause=cause, name=name, most=int(most.group(1)) if most else 0)


def _cause(status: int, complaint: Complaint, parameters: Mapping[str, Any]) -> tuple[Cause, str]:
    """Return the cause, and the parameter it is about where it is about one."""
    coded, worded = by_code(complaint.codes), by_words(complaint.message)
    if status == _PAYMENT_REQUIRED:
        return Cause.QUOTA, ""
    if status in _SLOW_DOWN:
        # Rate limits are worded like empty accounts; only what is said to be one by its code is taken for one.
        known = Cause.QUOTA if coded is Cause.QUOTA else worded if worded is Cause.RATE else Cause.UNKNOWN
        return known, ""
    if status in PASSING:
        found_out = coded or worded
        return (found_out if found_out in _BROKEN_FOR_GOOD and found_out is not None else Cause.UNKNOWN), ""
    sure = coded if coded in (Cause.QUOTA, Cause.FILTER, Cause.REGION, Cause.MODEL, Cause.CONTEXT) else None
    by_status = _BY_STATUS.get(status)
    if sure is None and by_status is None and (found := _parameter(complaint, parameters, worded)):
        return found
    if by_status is Cause.KEY and sure is None and worded not in (Cause.QUOTA, Cause.REGION):
        return Cause.KEY, ""
    return sure or worded or coded or by_status or _by_place(status, complaint), ""


def _by_place(status: int, complaint: Complaint) -> Cause:
    if 300 <= status < 400:  # redirections
        return Cause.REDIRECT
    if status in _ADDRESSES and (not complaint.structured or complaint.message.removesuffix(".") in _NOTHING_SAID):
        return Cause.ADDRESS
    return Cause.SCHEMA if SCHEMA.search(complaint.message) else Cause.UNKNOWN


def _parameter(complaint: Complaint, parameters: Mapping[str, Any], worded: Cause | None) -> tuple[Cause, str] | None:
    """Return whether the complaint is about one of the parameters that were sent, or about the schema, and how."""
    param = complaint.param.partition(".")[0].partition("[")[0]
    if param == "response_format":
        return Cause.SCHEMA, ""
    if worded in (Cause.CONTEXT, Cause.FILTER, Cause.QUOTA, Cause.REGION, Cause.PICTURE_COUNT, Cause.RATE):
        return None
    # The limit may have been sent under its other name.
    limit = next((name for name in NAMES if name in parameters), "")
    names = {**dict.fromkeys(parameters), **(dict.fromkeys(NAMES) if limit else {})}
    name = param if param in names else next(_named(complaint.message, names), "") if not param else ""
    name = limit if name in NAMES else name
    if not name:
        return None
    refused = bool(NOT_TAKEN.search(complaint.message)) or "unsupported_parameter" in complaint.codes
    value = "unsupported_value" in complaint.codes
    if name == "temperature" and (refused or value):
        return Cause.TEMPERATURE, name
    if value or not refused:
        return Cause.VALUE, name
    return (Cause.TOKENS_NAME if name in NAMES else Cause.PARAMETER), name


def _named(message: str, parameters: Mapping[str, Any]) -> Iterator[str]:
    """Give the parameters that a message names: in quotes, behind a word for one, or first; a quoted prompt may hold any word."""
    head = message[:400]
    for name in sorted(parameters, key=len, reverse=True):
        word = re.escape(name.lower())
        behind = rf"(?:parameters?|arguments?|property|field|supplied|extra)[ :]+{word}\b"
        if re.search(rf"['\"`]{word}['\"`]|{behind}|\A{word}\b", head):
            yield name
