"""What a person decided about clips of the dataset: kept beside the stages, and applied each time the dataset is written.

A decision is about one state of a clip's line (`Clip.state`): of another state it says nothing, so a clip that was made anew is
looked at anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from intergeneval.errors import RecordError, UsageError
from intergeneval.ids import canonical_json
from intergeneval.records.disk import read_text, write_atomically
from matrix_train.curate.records import LeftOut
from matrix_train.data.clips import Clip
from matrix_train.datasets.carrying_out import STAGE, fixed
from matrix_train.datasets.decisions import DROP, FIX, Decision

REVIEWS = "reviews.jsonl"


def stored(out: Path) -> tuple[Decision, ...]:
    """Return the decisions that were taken into a curation before, in their order. Raises UsageError for a damaged file."""
    path = out / REVIEWS
    if not path.is_file():
        return ()
    try:
        lines = read_text(path).splitlines()
        return tuple(Decision.from_line(line, where=f"{path}:{number}") for number, line in enumerate(lines, start=1))
    except (OSError, UnicodeDecodeError, RecordError) as error:
        raise UsageError(f"{path}: cannot be read ({error}); move it away, and give the reviews again") from None


def store(out: Path, decisions: Iterable[Decision]) -> int:
    """Add decisions to those of before; return how many are new. Raises OSError, UsageError."""
    before = [canonical_json(one.to_json()) for one in stored(out)]
    new = [text for one in decisions if (text := canonical_json(one.to_json())) not in before]
    if new:
        write_atomically(out / REVIEWS, "".join(f"{text}\n" for text in [*before, *new]))
    return len(new)


def applied(clip: Clip, decisions: Sequence[Decision]) -> tuple[Clip, LeftOut | None, tuple[str, ...]]:
    """Return a clip as it was decided to be, why it is left out where it is, and the states that it was in on the way.

    Decisions count in their order, each only while the clip's line is the one that it is about. Raises UsageError for a fix that
    makes a line which cannot be.
    """
    states = [clip.state]
    for one in decisions:
        if one.state != clip.state:
            continue
        if one.decision == DROP:
            gone = LeftOut(clip=clip.id, stage=STAGE, kind=STAGE, reason=one.note or "a person dropped it")
            return clip, gone, tuple(states)
        if one.decision == FIX:
            clip = fixed(clip, one)
            states.append(clip.state)
    return clip, None, tuple(states)
