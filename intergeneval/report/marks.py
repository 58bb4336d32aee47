"""What a reader should see beside a score: emergence, bodies that cannot be, doubted masks, foreign first frames, lost shares.

Only what the records already hold is said; nothing here enters a score.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from intergeneval.records import Answer, AnswerValue, Consistency, TrackState, Video, VideoStatus
from intergeneval.report.formats import percent, spans


class MarkKind(enum.StrEnum):
    """What a mark is about; the value is its word on the page."""

    FOREIGN = "foreign first frame"
    EMERGENCE = "emergence"
    MELTED = "impossible body"
    LOST = "lost"
    DOUBTED = "doubted mask"
    DOUBLE = "double seen"
    CUT = "cut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One thing beside a score."""

    kind: MarkKind
    """What it is about."""
    short: str
    """It in a few words, such as ``emergence 3/10``."""
    text: str
    """It in a sentence, with frames and names where the records have them."""


def marks_of(video: Video, answers: Sequence[Answer], check: Consistency | None, doubts: Sequence[str]) -> tuple[Mark, ...]:
    """Return the marks of one video, what spoils most first; `doubts` are the problems of its first-frame masks, in words."""
    return tuple(_marks(video, answers, check, doubts))


def _marks(video: Video, answers: Sequence[Answer], check: Consistency | None, doubts: Sequence[str]) -> Iterator[Mark]:
    if video.status is VideoStatus.FOREIGN_FIRST_FRAME:
        text = video.reason or "the video begins with another picture than the benchmark's"
        yield Mark(kind=MarkKind.FOREIGN, short=MarkKind.FOREIGN.value, text=text)
    if check is not None:
        yield from _frames(MarkKind.EMERGENCE, "something emerges", check, check.emergence)
        yield from _frames(MarkKind.MELTED, "a body or thing that cannot be", check, check.implausible)
    odd = [item.question_id for item in answers if item.verdict is AnswerValue.IMPLAUSIBLE]
    if odd:
        asked = "question" if len(odd) == 1 else "questions"
        text = f"{asked} {spans(set(odd))} answered no, visually implausible"
        yield Mark(kind=MarkKind.MELTED, short=f"implausible {len(odd)}×", text=text)
    if check is not None:
        yield from _lost(check)
    if doubts:
        count = f" {len(doubts)}×" if len(doubts) > 1 else ""
        yield Mark(kind=MarkKind.DOUBTED, short=f"{MarkKind.DOUBTED.value}{count}", text="; ".join(doubts))
    if check is not None and check.sightings:
        text = "; ".join(item.text for item in check.sightings) + "; not scored"
        yield Mark(kind=MarkKind.DOUBLE, short=MarkKind.DOUBLE.value, text=text)
    if video.cuts:
        at = ", ".join(map(str, video.cuts))
        yield Mark(
            kind=MarkKind.CUT,
            short=f"cut at {at}" if len(video.cuts) == 1 else f"{len(video.cuts)} cuts",
            text=f"another shot begins at frame {at}",
        )


def _frames(kind: MarkKind, what: str, check: Consistency, values: Sequence[bool | None] | None) -> Iterator[Mark]:
    """Give a mark of the frames of which a statement is true, over those of which there is one."""
    told = [(frame, value) for frame, value in zip(check.frames, values or (), strict=False) if value is not None]
    hits = [frame for frame, value in told if value]
    if hits:
        at = f"{'frame' if len(hits) == 1 else 'frames'} {', '.join(map(str, hits))}"
        text = f"{what} in {len(hits)} of {len(told)} sampled frames ({at})"
        yield Mark(kind=kind, short=f"{kind.value} {len(hits)}/{len(told)}", text=text)


def _lost(check: Consistency) -> Iterator[Mark]:
    """Give a mark of the largest share of sampled frames in which the tracker had lost an instance."""
    shares = {item.instance_id: item.lost_share for item in check.diagnostics}
    for name, states in (check.states or {}).items():
        if states:
            shares.setdefault(name, sum(state is TrackState.LOST for state in states) / len(states))
    gone = {name: share for name, share in shares.items() if share > 0}
    if gone:
        worst = max(gone, key=lambda name: gone[name])
        text = ", ".join(f"{name} in {percent(share)}" for name, share in sorted(gone.items()))
        yield Mark(
            kind=MarkKind.LOST,
            short=f"lost {percent(gone[worst])}",
            text=f"the tracker had lost {text} of the sampled frames after frame 0",
        )
