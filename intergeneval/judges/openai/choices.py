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
from intergeneval.judges.openai.inner_errors import errors_in, first_choice

_REFUSED = frozenset(
    word.replace("_", "")
    for line in (
        "content_filter content_filtered contentfilter content_moderation moderation safety image_safety refusal refused",
        "recitation image_recitation prohibited_content image_prohibited_content blocklist spii sensitive model_armor",
        "guardrail_intervened error_toxic",
    )
    for word in line.split()
)
"""How a choice says that the model, or a filter before or behind it, declined."""
_CUT = frozenset(
    word.replace("_", "")
    for line in (
        "length max_tokens maxtokens max_output_tokens max_completion_tokens max_new_tokens max_length model_length",
        "token_limit model_context_window_exceeded context_length context_length_exceeded",
    )
    for word in line.split()
)
"""How a choice says that a limit of tokens ended it."""
_BROKEN = frozenset(("error", "internalerror", "servererror", "internalservererror", "upstreamerror", "modelerror", "errorlimit"))
"""How a choice says that the server failed."""
_INTERRUPTED = frozenset(
    word.replace("_", "")
    for line in (
        "insufficient_system_resource insufficient_system_resources network_error abort aborted timeout timed_out",
        "cancelled canceled cancel user_cancel user_cancelled user_canceled interrupted disconnected connection_error",
        "deadline_exceeded preempted",
    )
    for word in line.split()
)
"""How a choice says that something other than the model and its limit ended it."""
_UNSPECIFIED = "unspecified"
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
    first = first_choice(reply)
    if isinstance(reply, dict) and ((first is not None and _says(first, _REFUSED)) or _blocked(reply)):
        return None
    errors = errors_in(reply)
    if isinstance(reply, dict) and any(_kinds(code) & _REFUSED for error in errors for code in _codes(error)):
        return None
    if errors or (first is not None and _says(first, _BROKEN)):
        codes = [code for error in errors for code in _codes(error) if str(code).isdecimal() and int(code) in _CODE]
        return "error in reply", "the server sent an error in place of a reply" + (f" (code {int(codes[0])})" if codes else "")
    if first is not None and _says(first, _INTERRUPTED) and not (_says(first, _CUT) or _is_whole(first)):
        return "error in reply", "the server broke the reply off"
    if first is None or not isinstance(first.get("message"), dict):
        return "empty choices", "the reply holds no choice"
    return None


def choice_of(reply: Mapping[str, Any]) -> Choice:
    """Return what a reply without a `fault` says."""
    first = first_choice(reply) or {}
    message = first.get("message")
    if not isinstance(message, dict):
        # Only what declines may come without a message.
        return Choice(text="", refused=True, cut=False)
    cut = _says(first, _CUT)
    content = message.get("content")
    declined = any(part.get("type") == "refusal" for part in _parts(content)) and not _words(content).strip()
    text = _words(content)
    blocked = _blocked(reply) and not text.strip()
    refused = _given(message.get("refusal")) or declined or blocked or _says(first, _REFUSED) or bool(errors_in(reply))
    return Choice(text=text if cut or not _silent(text) else _misplaced(message) or text, refused=refused, cut=cut)


def _says(choice: Mapping[str, Any], words: frozenset[str]) -> bool:
    details = choice.get("finish_details")
    found = [choice.get("finish_reason"), choice.get("native_finish_reason"), details]
    return any(_kinds(item.get("type") if isinstance(item, dict) else item) & words for item in found)


def _blocked(reply: Mapping[str, Any]) -> bool:
    """Return whether a filter blocked the prompt, as Gemini says it beside an empty list of choices."""
    for name in ("promptFeedback", "prompt_feedback"):
        feedback = reply.get(name)
        if isinstance(feedback, dict):
            reason = feedback.get("blockReason") or feedback.get("block_reason")
            if reason and _UNSPECIFIED not in str(reason)[:200].lower():
                return True
    return False


def _is_whole(choice: Mapping[str, Any]) -> bool:
    """Return whether what was said before the server broke off is one whole object, as strictly as of a reply that was cut off.

    Nothing is missing from it then, and it was paid for.
    """
    message = choice.get("message")
    if not isinstance(message, dict):
        return False
    try:
        wrapping.sole_object(_words(message.get("content")), cut=True)
    except (ValueError, RecursionError):
        return False
    return True


def _kinds(reason: Any) -> set[str]:
    """Return the words of a reason, joined: ``FinishReason.SAFETY`` and ``content_filter: SAFETY`` hold ``safety``."""
    if not isinstance(reason, str) or len(reason) > 200:
        return set()
    words = re.findall(r"[a-z_]+", reason.lower().replace("-", "_").replace(" ", "_"))
    return {word.replace("_", "").removeprefix("finishreason") for word in words}


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
