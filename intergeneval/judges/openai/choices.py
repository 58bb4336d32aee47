"""What a reply of a server says: the model's words, that it declined, was cut off, or that something went wrong on the way.

Servers and routers write the same thing in many ways: ``length`` or ``MAX_TOKENS``, ``content_filter`` or ``SAFETY``, the words
in ``content`` or, where a parser of thinking misplaced them, in ``reasoning_content``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from intergeneval.judges import thinking, wrapping

_REFUSED = frozenset(
    word
    for line in (
        "content_filter content_filtered contentfilter content_moderation moderation safety image_safety refusal refused",
        "recitation image_recitation prohibited_content image_prohibited_content blocklist spii sensitive model_armor",
        "guardrail_intervened error_toxic",
    )
    for word in line.split()
)
"""How a choice says that the model, or a filter before or behind it, declined."""
_CUT = frozenset(
    word
    for line in (
        "length max_tokens maxtokens max_output_tokens max_completion_tokens max_new_tokens max_length model_length",
        "token_limit model_context_window_exceeded",
    )
    for word in line.split()
)
"""How a choice says that a limit of tokens ended it."""
_BROKEN = frozenset(("error", "internal_error", "server_error"))
_THOUGHT = re.compile(r"think|thought|reason|analysis|summary", re.IGNORECASE)
_CODE = range(100, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the first choice of a reply says."""

    text: str
    """The model's words; empty where it said none."""
    refused: bool
    """Whether it, or a filter, declined."""
    cut: bool
    """Whether a limit of tokens ended it."""


def fault(reply: Any) -> tuple[str, str] | None:
    """Return the kind and the sentence of what is wrong with a reply of status 200, None where it holds a choice.

    Of an error only a status code is told: what else a server writes may quote key or prompt.
    """
    choices = reply.get("choices") if isinstance(reply, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    if isinstance(first, dict) and _says(first, _REFUSED):
        return None
    holders = [item for item in (reply, first) if isinstance(item, dict)]
    errors = [item["error"] for item in holders if item.get("error")]
    if any(_kinds(code) & _REFUSED for error in errors for code in _codes(error)):
        return None
    if errors or (isinstance(first, dict) and _says(first, _BROKEN)):
        codes = [code for error in errors for code in _codes(error) if str(code).isdecimal() and int(code) in _CODE]
        return "error in reply", "the server sent an error in place of a reply" + (f" (code {int(codes[0])})" if codes else "")
    if not isinstance(first, dict) or not isinstance(first.get("message"), dict):
        return "empty choices", "the reply holds no choice"
    return None


def choice_of(reply: Mapping[str, Any]) -> Choice:
    """Return what a reply without a `fault` says."""
    choices = reply.get("choices")
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    message = first.get("message")
    if not isinstance(message, dict):
        # Only what declines may come without a message.
        return Choice(text="", refused=True, cut=False)
    cut = _says(first, _CUT)
    content = message.get("content")
    declined = any(part.get("type") == "refusal" for part in _parts(content)) and not _words(content).strip()
    errors = [item["error"] for item in (reply, first) if item.get("error")]
    refused = _given(message.get("refusal")) or declined or _says(first, _REFUSED) or bool(errors)
    text = _words(content)
    return Choice(text=text if cut or not _silent(text) else _misplaced(message) or text, refused=refused, cut=cut)


def _says(choice: Mapping[str, Any], words: frozenset[str]) -> bool:
    details = choice.get("finish_details")
    found = [choice.get("finish_reason"), choice.get("native_finish_reason")]
    found += [details.get("type")] if isinstance(details, dict) else []
    return any(_kinds(item) & words for item in found)


def _kinds(reason: Any) -> set[str]:
    """Return the words of a reason: ``FinishReason.SAFETY`` and ``content_filter: SAFETY`` hold ``safety``."""
    if not isinstance(reason, str) or len(reason) > 200:
        return set()
    words = re.findall(r"[a-z_]+", reason.lower().replace("-", "_").replace(" ", "_"))
    return {word.strip("_").removeprefix("finish_reason_") for word in words}


def _codes(error: Any) -> list[Any]:
    if not isinstance(error, dict):
        return []
    return [error[name] for name in ("code", "type", "status") if isinstance(error.get(name), str | int)]


def _given(refusal: Any) -> bool:
    return bool(refusal.strip()) if isinstance(refusal, str) else bool(refusal)


def _parts(content: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(content, list):
        yield from (part for part in content if isinstance(part, dict))


def _thinks(part: str | Mapping[str, Any]) -> bool:
    if isinstance(part, str):
        return False
    return part.get("thought") is True or (isinstance(part.get("type"), str) and _THOUGHT.search(part["type"]) is not None)


def _words(content: Any) -> str:
    """Return the words of a message, given as one text or in parts, without parts that are thinking."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    said = [
        part if isinstance(part, str) else _text(part) for part in content if isinstance(part, str | dict) and not _thinks(part)
    ]
    return "".join(said)


def _text(part: Mapping[str, Any]) -> str:
    """Return the text of a part, which some servers wrap once more; of thinking under its name."""
    for name in ("text", "content", *(("thinking", "reasoning") if _thinks(part) else ())):
        found = part.get(name)
        if isinstance(found, dict):
            found = found.get("value")
        if isinstance(found, list):
            found = "".join(_text(item) for item in found if isinstance(item, dict))
        if isinstance(found, str) and found:
            return found
    return ""


def _silent(text: str) -> bool:
    """Return whether nothing but thinking and special tokens was said."""
    try:
        return wrapping.is_blank(thinking.spoken(text))
    except ValueError:
        return False


def _misplaced(message: Mapping[str, Any]) -> str:
    """Return an answer that stands where thinking belongs, as the only text there and to its very end; else nothing."""
    found = [message.get(name) for name in ("reasoning_content", "reasoning", "thinking")]
    found.append("".join(_text(part) for part in _parts(message.get("reasoning_details"))))
    found.append("".join(_text(part) for part in _parts(message.get("content")) if _thinks(part)))
    texts = {item.strip() for item in found if isinstance(item, str) and item.strip()}
    # Routers repeat the text under several names; where two differ, neither is known to be the answer.
    text = texts.pop() if len(texts) == 1 else ""
    return text if wrapping.ends_in_object(text) else ""
