"""Errors within replies of status 200: some servers and routers report so what went wrong behind them.

Such an error stands beside the choices, in the first of them, in its message, or is the whole reply, and is read as the body of a
reply with an error status would be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from intergeneval.judges.openai.complaints import Complaint, complaint_in
from intergeneval.judges.openai.refusals import Refusal, refusal_for, refusal_without_status
from intergeneval.judges.openai.settings import OpenAISettings

_SIGNS = ("message", "detail", "msg", "error_message", "error_msg", "errors", "code")
"""What a reply without choices holds that is an error as a whole."""
_STATUSES = ("code", "status", "status_code", "statusCode", "http_status", "http_code")
_ERRORS = range(400, 600)
_BY_NAME = (
    (429, re.compile(r"rate.?limit|throttl|too.?many.?requests|resource.?exhausted|limit_requests|limit_burst")),
    (503, re.compile(r"overload|unavailable|busy")),
    (500, re.compile(r"internal|server.?error|time.?d?.?out|bad.?gateway|upstream|connection|deadline|aborted|cancell?ed")),
)
"""Statuses by what their codes are called where none is given as a number."""


def first_choice(reply: Any) -> dict[str, Any] | None:
    """Return the first choice of a reply; None where it holds none."""
    choices = reply.get("choices") if isinstance(reply, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else None


def errors_in(reply: Any) -> list[Any]:
    """Return the errors that a reply holds, the outermost first."""
    body = _unwrapped(reply)
    if not isinstance(body, dict):
        return []
    first = first_choice(body)
    message = first.get("message") if first is not None else None
    holders = [item for item in (body, first, message) if isinstance(item, dict)]
    errors = [item["error"] for item in holders if _says_something(item.get("error"))]
    # A message that is an object is one of another interface, and no error.
    signs = [
        name for name in _SIGNS if _says_something(body.get(name)) and not (name == "message" and isinstance(body[name], dict))
    ]
    whole = first is None and (bool(signs) or _says_something(body.get("base_resp")))
    return errors or ([body] if whole else [])


def refusal_within(reply: Any, settings: OpenAISettings, pictures: int, *, schema: bool) -> Refusal | None:
    """Return why a reply of status 200 refuses the request for good; None where another attempt may go well.

    `schema` says whether the request was held to one.
    """
    body = _unwrapped(reply)
    for error in errors_in(reply):
        outermost = isinstance(body, dict) and error is body.get("error")
        complaint = complaint_in(body if outermost else {"error": error})
        status = _number_in(error) or (_number_in(body) if outermost else None) or _named(complaint)
        if status is None:
            found = refusal_without_status(complaint, settings, pictures)
        else:
            found = refusal_for(status, complaint, settings, pictures, schema=schema)
        if found is not None:
            return found
    return None


def _unwrapped(reply: Any) -> Any:
    """Return a reply without the list of one that Gemini puts around its errors."""
    return reply[0] if isinstance(reply, list) and len(reply) == 1 else reply


def _says_something(error: Any) -> bool:
    """Return whether this is an error: some servers write one without a word, and with code 0, beside every good reply."""
    if isinstance(error, Mapping):
        return any(error.values())
    return bool(error.strip()) if isinstance(error, str) else bool(error)


def _number_in(error: Any) -> int | None:
    """Return the status of an error that gives it as a number, under one of many names."""
    if not isinstance(error, Mapping):
        return None
    for name in _STATUSES:
        value = error.get(name)
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= len("500"):
            value = int(value)
        if isinstance(value, int) and value in _ERRORS:
            return value
    return None


def _named(complaint: Complaint) -> int | None:
    if complaint.cause_by_code is not None:
        return None
    codes = " ".join(complaint.codes)
    return next((status for status, pattern in _BY_NAME if pattern.search(codes)), None)
