"""What a person decided about clips, and what that says of the whole dataset: the share of wrong clips, by kind and by source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intergeneval.errors import ConfigError, RecordError, UsageError
from intergeneval.ids import bounded_json, few, sha256_file, sha256_json
from intergeneval.records import Record
from intergeneval.records.codec import LATER
from intergeneval.records.disk import read_text
from matrix_train.data.clips import Clip, inside
from matrix_train.datasets.error_rate import ErrorRate, error_rate
from matrix_train.datasets.kinds import UNTOLD, categories_of

ACCEPT, FIX, DROP = "accept", "fix", "drop"
CHOICES = (ACCEPT, FIX, DROP)
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Record):
    """What a person said of one clip: one line of ``review.json``."""

    clip: str
    """The clip."""
    state: str
    """Its `state` as the person saw it."""
    decision: str
    """``accept``, ``fix`` or ``drop``."""
    note: str = ""
    """What the person remarked."""
    masks: str = field(default="", metadata=LATER)
    """What `masks_state` said of its masks as the person saw them; empty: not told, as in a line written by hand."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """For ``fix``: fields of the clip's line that are to be otherwise, by name."""

    def __post_init__(self) -> None:
        if self.decision not in CHOICES:
            raise ValueError(f"decision {self.decision!r} is none of {', '.join(CHOICES)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed(Record):
    """What a review says of a dataset."""

    overall: ErrorRate
    """Of all clips."""
    categories: Mapping[str, ErrorRate]
    """Of the clips with an interaction of a category; a clip may count in several."""
    sources: Mapping[str, ErrorRate]
    """Of the clips of a source, those of which a clip was drawn."""
    wrong: tuple[Decision, ...]
    """Clips that are to be fixed or dropped, in the order of the dataset."""


def drawn(clips: Sequence[Clip], number: int | None, seed: int) -> tuple[Clip, ...]:
    """Return a random sample of so many clips, in their order; all for None.

    Which ones follows from the seed and the ids, so the same command draws the same, and a larger sample holds the smaller one.
    Raises UsageError for more than there are.
    """
    if number is None:
        return tuple(clips)
    if number > len(clips):
        raise UsageError(f"a sample of {number} cannot be drawn from {len(clips)} clips")
    order = sorted(clips, key=lambda clip: sha256_json(["review", seed, clip.id]))
    chosen = {clip.id for clip in order[:number]}
    return tuple(clip for clip in clips if clip.id in chosen)


def read_decisions(paths: Iterable[Path]) -> dict[str, Decision]:
    """Return what was decided, by clip. Raises UsageError naming file and line, also for a clip that two lines disagree on."""
    found: dict[str, Decision] = {}
    for path in paths:
        try:
            # At newlines alone: a note may hold what else ends a line, such as U+2028.
            lines = read_text(path).split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: the review cannot be read ({error})") from None
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            where = f"{path}:{number}"
            try:
                made = Decision.from_json(bounded_json(line), where=where)
            except (ValueError, RecordError) as error:
                raise UsageError(f"{where}: is no decision ({error}); the page saves one JSON object a line") from None
            if found.setdefault(made.clip, made) != made:
                raise UsageError(f"{where}: clip {made.clip!r} was decided about twice, and not alike; keep one")
    return found


def masks_state(root: Path, clip: Clip) -> str:
    """Return the sha256 of the files of a clip's masks; ``none`` where they cannot be read."""
    try:
        if clip.tracks:
            return sha256_file(inside(root, clip.tracks, "tracks"))
        folder = inside(root, clip.masks, "masks")
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return sha256_json([[path.relative_to(folder).as_posix(), sha256_file(path)] for path in files])
    except (OSError, ConfigError):
        return "none"


def check_masks(root: Path, clips: Sequence[Clip], decisions: Mapping[str, Decision]) -> None:
    """Raise UsageError for decisions about clips that have other masks now than the person saw."""
    own = ((clip, decisions[clip.id].masks) for clip in clips if clip.id in decisions)
    stale = [clip.id for clip, seen in own if seen and seen != masks_state(root, clip)]
    if stale:
        raise UsageError(f"{len(stale)} decisions are about other masks of their clips ({few(stale, _SHOWN)}); look at them anew")


def reviewed(clips: Sequence[Clip], sample: Sequence[Clip], decisions: Mapping[str, Decision]) -> Reviewed:
    """Return what the decisions about a sample say of all clips.

    Raises UsageError for decisions about other clips than the sample's, and about another state of one than it has now.
    """
    now = {clip.id: clip for clip in sample}
    strangers = [name for name in decisions if name not in now]
    if strangers:
        raise UsageError(
            f"{len(strangers)} decisions are about clips that were not drawn ({few(strangers, _SHOWN)}): "
            "give --sample and --seed as for the page, and the dataset as it was then"
        )
    stale = [name for name, made in decisions.items() if made.state != now[name].state]
    if stale:
        raise UsageError(
            f"{len(stale)} decisions are about another state of their clips ({few(stale, _SHOWN)}); look at them anew"
        )

    def rate(every: Sequence[Clip], own: Sequence[Clip]) -> ErrorRate:
        made = [decisions[clip.id] for clip in own if clip.id in decisions]
        wrong = sum(item.decision != ACCEPT for item in made)
        return error_rate(clips=len(every), sampled=len(own), decided=len(made), wrong=wrong)

    def by(names_of: Any) -> dict[str, ErrorRate]:
        every: dict[str, list[Clip]] = {}
        own: dict[str, list[Clip]] = {}
        for group, of in ((every, clips), (own, sample)):
            for clip in of:
                for name in names_of(clip):
                    group.setdefault(name, []).append(clip)
        return {name: rate(every[name], own[name]) for name in sorted(own)}

    return Reviewed(
        overall=rate(clips, sample),
        categories=by(categories_of),
        sources=by(lambda clip: (clip.source or UNTOLD,)),
        wrong=tuple(decisions[clip.id] for clip in sample if clip.id in decisions and decisions[clip.id].decision != ACCEPT),
    )
