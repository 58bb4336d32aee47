"""What the batch interface refuses for good, in one sentence that names the setting to change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from intergeneval.judges.openai.causes import Cause
from intergeneval.judges.openai.complaints import complaint_in
from intergeneval.judges.openai.refusals import refusal_for
from intergeneval.judges.openai.settings import OpenAISettings
from intergeneval.judges.openai_batch.api import JUDGE, ApiError, code_of

_OWN = "under [settings.openai-batch]"
_WAYS_OUT: tuple[tuple[Callable[[ApiError], bool], str], ...] = (
    (lambda error: "token_limit" in error.code, f"; let fewer tokens wait at once: waiting_tokens {_OWN}"),
    (lambda error: "too_many_tasks" in error.code, f"; set requests {_OWN} lower"),
    (
        lambda error: "url_mismatch" in error.code or error.code.endswith(("endpoint", "url")),
        f"; set endpoint {_OWN} to what it calls its chat",
    ),
    (lambda error: error.code.endswith("completion_window"), f"; set window {_OWN} to one it offers"),
    (lambda error: "model_mismatch" in error.code, f"; name the model as the server does with --judge {JUDGE}:MODEL"),
    (
        lambda error: "invalid_json_line" in error.code or "empty_file" in error.code,
        f"; what was handed in is whole, so it was cut off or changed on its way: call again, and if that does not help, set "
        f"megabytes {_OWN} lower",
    ),
)
"""What only a batch interface refuses, by its code."""
_OTHERWISE: tuple[tuple[Callable[[ApiError], bool], str], ...] = (
    (lambda error: error.status in (404, 405, 501), "; this server has no batch interface at base_url: use --judge openai:MODEL"),
    (
        lambda error: (
            error.status == 413
            or "too_large" in error.code
            or (error.refusal is not None and error.refusal.cause is Cause.PICTURE_SIZE)
        ),
        f"; set megabytes {_OWN} lower",
    ),
    (lambda error: "quota" in error.code or "billing" in error.code, "; the account has no credit left"),
)
"""What a status or code means here where no cause is known."""


def told(error: ApiError, *, handing_in: bool = True) -> str:
    """Return what to say of a refused call: in the words of the chat client where it knows the cause, with the way out.

    Of a batch that was handed in it is known that there is a batch interface and that the file was taken.
    """
    if way := _way_out(error, _WAYS_OUT):
        return f"{error}{way}"
    known = error.refusal
    if known is not None and known.everything and not (known.cause is Cause.ADDRESS and _way_out(error, _OTHERWISE)):
        return known.text
    return f"{error}{_way_out(error, _OTHERWISE)}" if handing_in else str(error)


def at_validation(name: str, batch: Mapping[str, Any], settings: OpenAISettings) -> str:
    """Return the sentence for a batch that did not pass the server's validation: codes, lines, and what to change."""
    errors = batch.get("errors")
    data = errors.get("data") if isinstance(errors, dict) else None
    faults = [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []
    said = ", ".join(_fault(item) for item in faults[:3])
    more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
    ways = (_way_out_of(item, settings) for item in faults[:3])
    hint = next((way for way in ways if way), "")
    return f"judge 'openai-batch': the server refused batch {name}: {said or 'it does not say why'}{more}{hint}"


def _fault(item: Mapping[str, Any]) -> str:
    line = item.get("line")
    place = f" in line {line}" if isinstance(line, int) and not isinstance(line, bool) else ""
    return f"{code_of({'error': item}) or 'no code'}{place}"


def _way_out_of(item: Mapping[str, Any], settings: OpenAISettings) -> str:
    fault = {"error": item}
    known = refusal_for(0, complaint_in(fault), settings, 0, JUDGE)
    error = ApiError("", 0, code_of(fault), refusal=known)
    if way := _way_out(error, _WAYS_OUT):
        return way
    return f"; {known.text}" if known is not None and known.everything else _way_out(error, _OTHERWISE)


def _way_out(error: ApiError, ways: tuple[tuple[Callable[[ApiError], bool], str], ...]) -> str:
    return next((text for applies, text in ways if applies(error)), "")
