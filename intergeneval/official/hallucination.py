"""``_emergence_disappearance.json``: emergence and disappearance of one video, frame by frame.

The release's scorer counts a failed call as a perfect video (every frame "error" is not "yes"), and so does a reply that it could
not parse (every frame "no"). Here both leave the video without a score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from intergeneval.ids import canonical_json
from intergeneval.official.verification import LARGEST_FRAME, text_of, whole_number
from intergeneval.records import AnswerStatus, Consistency

_WORDS = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """One video of the file."""

    prompt: str
    """Prompt of the video."""
    entity: tuple[str, ...]
    """Classes of the instances."""
    colours: tuple[str, ...]
    """Box colour names, in the order of `entity`."""
    judge: str
    """Model that assessed it."""
    consistency: Consistency
    """Statements per frame after frame 0, or why there are none."""
    blank: str = ""
    """Why the video could not be looked at; empty where it could."""


def parse(entries: list[dict[str, Any]], sample_id: str, listed: int = 0) -> Assessed:
    """Read the entries of one video; several that differ contradict each other, and no statement is taken.

    `listed` is the number of frames that the answers of the same video list: how many statements there must be where the entry
    does not say how many frames were analysed. 0: not known either.
    """
    entry = entries[0]
    results = entry.get("hallucination_results")
    judge = text_of(entry.get("model_used"))
    seen = whole_number(entry.get("frames_analyzed"))
    few = seen is not None and seen < 2
    expected = listed if seen is None else seen
    return Assessed(
        prompt=text_of(entry.get("prompt")),
        entity=_texts(entry.get("entity")),
        colours=_texts(entry.get("colors")),
        judge=judge,
        consistency=_consistency(entries, sample_id, judge, expected),
        blank=(text_of(entry.get("error")) or "nothing after frame 0") if few and results == [] else "",
    )


def without_file(sample_id: str, reason: str) -> Consistency:
    """Return the record of a video that nobody assessed."""
    return Consistency(sample_id=sample_id, seed=0, frames=(), status=AnswerStatus.FAILED, reason=reason)


def _consistency(entries: list[dict[str, Any]], sample_id: str, judge: str, expected: int) -> Consistency:
    entry = entries[0]
    results = entry.get("hallucination_results")
    if len({canonical_json(other) for other in entries}) > 1:
        return _none(sample_id, AnswerStatus.UNPARSED, f"the file holds {len(entries)} different entries for this video")
    if not isinstance(results, list) or not results:
        said = text_of(entry.get("error")) or "the file has no statement on any frame"
        return _none(sample_id, AnswerStatus.FAILED, said)
    rows, problem = _rows(results)
    if problem:
        return _none(sample_id, AnswerStatus.UNPARSED, problem)
    frames = tuple(sorted(frame for frame in rows if frame > 0))
    statements = {part: [_statement(rows[frame].get(part)) for frame in frames] for part in ("emergence", "disappearance")}
    absent = all("emergence" not in rows[frame] for frame in frames)
    status, reason = _verdict(entry, rows, frames, statements, skip="emergence" if absent else "")
    if status is AnswerStatus.OK and len(frames) < expected - 1:
        status = AnswerStatus.FAILED
        reason = f"{expected} frames were analysed, but only {len(frames)} of {expected - 1} after frame 0 have a statement"
    return Consistency(
        sample_id=sample_id,
        seed=0,
        frames=frames,
        disappearance=tuple(statements["disappearance"]),
        emergence=None if absent and frames else tuple(statements["emergence"]),
        assessors={part: judge for part in statements if not (absent and part == "emergence")},
        reasons=tuple(_reason(rows[frame]) for frame in frames),
        status=status,
        reason=reason,
    )


def _rows(results: list[Any]) -> tuple[dict[int, dict[str, Any]], str]:
    """Return frame -> row, or what is wrong with the list."""
    rows: dict[int, dict[str, Any]] = {}
    for index, row in enumerate(results):
        frame = row.get("frame_idx") if isinstance(row, dict) else None
        if not isinstance(frame, int) or isinstance(frame, bool) or not 0 <= frame <= LARGEST_FRAME:
            return {}, f"entry {index} of hallucination_results names no frame ({row!r:.60})"
        if frame in rows and rows[frame] != row:
            return {}, f"frame {frame} has two different entries"
        rows[frame] = row
    return rows, ""


def _verdict(
    entry: dict[str, Any],
    rows: dict[int, dict[str, Any]],
    frames: tuple[int, ...],
    statements: dict[str, list[bool | None]],
    *,
    skip: str,
) -> tuple[AnswerStatus, str]:
    """Return whether every frame has its statements, and if not, the status and the first reason."""
    if not frames:
        return AnswerStatus.FAILED, "the file has no statement on any frame after frame 0"
    overall = entry.get("overall_analysis")
    if isinstance(overall, dict) and "parsing_error" in overall:
        said = text_of(overall["parsing_error"]) or "no reason given"
        return AnswerStatus.UNPARSED, f"the judge's reply was not parsed ({said}); the file's 'no' are not its word"
    for part, values in statements.items():
        for frame, value in zip(frames, values, strict=True):
            if value is None and part != skip:
                return _why(rows[frame], frame, part)
    return AnswerStatus.OK, ""


def _why(row: dict[str, Any], frame: int, part: str) -> tuple[AnswerStatus, str]:
    word = row.get(part)
    if "error" in row or (isinstance(word, str) and word.strip().casefold().startswith("error")):
        said = text_of(row.get("error"))
        return AnswerStatus.FAILED, f"frame {frame}: the call failed" + (f" ({said})" if said else "")
    return AnswerStatus.UNPARSED, f"frame {frame}: {part} is {word!r:.60}, neither yes nor no"


def _statement(word: Any) -> bool | None:
    return _WORDS.get(word.strip().casefold().rstrip(".")) if isinstance(word, str) else None


def _reason(row: dict[str, Any]) -> str:
    said = (text_of(row.get(f"{part}_reason")) for part in ("emergence", "disappearance"))
    return "; ".join(text for text in said if text)


def _none(sample_id: str, status: AnswerStatus, reason: str) -> Consistency:
    return Consistency(sample_id=sample_id, seed=0, frames=(), status=status, reason=reason)


def _texts(raw: Any) -> tuple[str, ...]:
    return tuple(text_of(item) for item in raw) if isinstance(raw, list) else ()
