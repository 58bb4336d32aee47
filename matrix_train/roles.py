"""Caption roles to text tokens: character spans of subject, verb and object phrases, by the tokenizer's own offsets.

A phrase is a noun with its modifiers, or a verb with particles and auxiliaries; it may lie in several spans (``picks ... up``).
Words of several pieces give all their pieces. Ids such as ``<id1>`` are optional marks that never reach the text encoder.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

Span = tuple[int, int]
"""First character and the one after the last."""

_MARK = re.compile(r"\s*<id(\d+)>\s*")


def strip_marks(prompt: str) -> tuple[str, dict[str, int]]:
    """Take ``<idN>`` marks out of a prompt; return the caption and, for each id, where its text begins.

    Spaces are made single, as text encoders do. A mark that stands twice keeps its first place.
    """
    caption, end = "", 0
    places: dict[str, int] = {}
    for match in _MARK.finditer(prompt):
        caption = _joined(caption, prompt[end : match.start()])
        end = match.end()
        rest = prompt[end:].lstrip()
        gap = bool(caption) and not caption.endswith(" ") and bool(re.match(r"\w", rest))
        places.setdefault(f"id{match.group(1)}", len(caption) + gap)
    return _joined(caption, prompt[end:]).strip(), places


def _joined(head: str, tail: str) -> str:
    tail = " ".join(tail.split())
    if not head or not tail:
        return head or tail
    return head + tail if tail[0] in ".,;:!?)'" else f"{head} {tail}"


def find_phrase(caption: str, phrase: str, start: int = 0) -> tuple[Span, ...]:
    """Return where a phrase stands in a caption, as whole words, upper and lower case alike; empty where it does not.

    ``...`` in the phrase stands for words between its pieces: ``picks ... up``. The first place at or after `start` is taken,
    or else the first of all.
    """
    pieces = [re.escape(" ".join(piece.split())) for piece in phrase.split("...") if piece.strip()]
    if not pieces:
        return ()
    pattern = re.compile(r"\b" + r"\b.*?\b".join(f"({piece})" for piece in pieces) + r"\b", re.IGNORECASE)
    match = pattern.search(caption, start) or pattern.search(caption)
    return tuple(match.span(index + 1) for index in range(len(pieces))) if match else ()


def word_at(caption: str, place: int) -> tuple[Span, ...]:
    """Return the span of the word that begins at or after `place`; empty where none does."""
    match = re.compile(r"\w+(?:['’-]\w+)*").search(caption, place)
    return (match.span(),) if match else ()


def token_indices(offsets: Sequence[Span], text: str, spans: Sequence[Span]) -> tuple[int, ...]:
    """Return the positions of the text tokens that cover the spans, rising.

    `offsets` are the characters of each token of the model's text sequence in `text`, special tokens having empty ones.
    """
    found = []
    for index, (start, end) in enumerate(offsets):
        # Some tokenizers count the space in front of a word as part of it.
        while start < end and text[start].isspace():
            start += 1  # noqa: PLW2901  # narrowed on purpose
        if start < end and any(start < last and end > first for first, last in spans):
            found.append(index)
    return tuple(found)


def through_template(offsets: Sequence[Span], kept: Sequence[int], prefix: int, length: int) -> tuple[Span, ...]:
    """Return the caption's characters of each token that is kept of a text in which a template surrounds the caption.

    `offsets` are the tokenizer's character ranges in the whole text, `kept` the tokens that reach the model, in its order,
    `prefix` the number of characters in front of the caption and `length` the caption's. The template's tokens get empty ranges.
    """
    found = []
    for index in kept:
        first, last = (min(max(place - prefix, 0), length) for place in offsets[index])
        found.append((first, last) if first < last else (0, 0))
    return tuple(found)


def is_cut(offsets: Sequence[Span], spans: Sequence[Span]) -> bool:
    """Return whether text of the spans lies behind the last token, because the text encoder takes no more tokens."""
    reach = max((last for _, last in offsets), default=0)
    return any(last > reach for _, last in spans)
