"""What a person decided about clips of the dataset: kept beside the stages, and applied each time the dataset is written.

A decision is about one state of a clip's line (`Clip.state`): of another state it says nothing, so a clip that was made anew is
looked at anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intergeneval.errors import RecordError, UsageError
from intergeneval.ids import bounded_json, canonical_json
from intergeneval.records import Record
from intergeneval.records.disk import read_text, write_atomically
from matrix_train.curate.records import Dropped
from matrix_train.data.clips import Clip, clip_of, line_of

REVIEWS = "reviews.jsonl"
ACCEPT, FIX, DROP = "accept", "fix", "drop"
_KEPT = ("id", "video", "tracks", "masks")
"""Fields that no review changes: they say which clip it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Record):
    """What a person said of one clip: one line of a review."""

    clip: str
    """The clip."""
    state: str
    """`Clip.state` of the line that was looked at."""
    decision: str
    """``accept``, ``fix`` or ``drop``."""
    note: str = ""
    """Why."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the line that are to be otherwise, by name."""

    def __post_init__(self) -> None:
        if self.decision not in (ACCEPT, FIX, DROP):
            raise ValueError(f"decision {self.decision!r} is neither accept, fix nor drop")
        if (self.decision == FIX) != bool(self.fields):
            raise ValueError(f"a decision to {self.decision} with {len(self.fields)} fields; fix names fields, the others none")


def read_review(path: Path) -> tuple[Decision, ...]:
    """Return the decisions of a review, a JSON object a line. Raises UsageError naming the line."""
    try:
        lines = read_text(path).splitlines()
        return tuple(
            Decision.from_json(bounded_json(line), where=f"{path}:{number}")
            for number, line in enumerate(lines, start=1)
            if line.strip()
        )
    except (OSError, ValueError, RecordError) as error:
        raise UsageError(f"{path}: the review cannot be read ({error})") from None


def stored(out: Path) -> tuple[Decision, ...]:
    """Return the decisions that were taken into a curation before. Raises UsageError."""
    path = out / REVIEWS
    return read_review(path) if path.is_file() else ()


def store(out: Path, decisions: Iterable[Decision]) -> int:
    """Add decisions to those of before; return how many are new. Raises OSError."""
    before = stored(out)
    new = [one for one in dict.fromkeys(map(_text, decisions)) if one not in set(map(_text, before))]
    write_atomically(out / REVIEWS, "".join(f"{text}\n" for text in [*map(_text, before), *new]))
    return len(new)


def _text(decision: Decision) -> str:
    return canonical_json(decision.to_json())


def applied(clip: Clip, decisions: Iterable[Decision]) -> tuple[Clip, Dropped | None]:
    """Return a clip as it was decided to be, and why it was dropped where it was.

    Decisions count in their order, each only while the clip's line is the one that it is about. Raises UsageError for a fix that
    makes a line which cannot be.
    """
    for one in decisions:
        if one.state != clip.state:
            continue
        if one.decision == DROP:
            reason = one.note or "a person dropped it"
            return clip, Dropped(clip=clip.id, stage="review", kind="review", reason=reason)
        if one.decision == FIX:
            clip = fixed(clip, one)
    return clip, None


def fixed(clip: Clip, decision: Decision) -> Clip:
    """Return a clip with other fields. Raises UsageError naming the field that cannot be so."""
    if held := sorted(set(decision.fields) & set(_KEPT)):
        raise UsageError(f"review of {clip.id}: {held[0]} says which clip it is; leave it out of the fields")
    try:
        return clip_of({**line_of(clip), **decision.fields}, where=f"review of {clip.id}")
    except RecordError as error:
        raise UsageError(str(error)) from None
