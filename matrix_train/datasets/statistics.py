"""What a dataset holds, in numbers: a pure summary of its lines, of one look at each video, and of what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from intergeneval.errors import ConfigError, MediaError, RecordError
from intergeneval.records import Record
from intergeneval.videos import Reader
from matrix_train.data.clips import Clip, inside, stated_rate
from matrix_train.datasets.kinds import UNTOLD, category_of, verb_of
from matrix_train.datasets.writing import Dropped

Report = Callable[[int, int, str], None]
"""Is told (done, all, clip id)."""
EDGES = (0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 60)
"""Seconds at which a bar of durations begins; the last has no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a video says of itself."""

    size: tuple[int, int]
    """Height and width in pixels."""
    frames: int
    """Number of frames that it announces."""
    rate: float | None
    """Frames per second; None where nothing tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageLoss(Record):
    """What a step left out."""

    stage: str
    """The step."""
    came: int
    """Clips that came to it."""
    kinds: Mapping[str, int]
    """Reason, in a word where there is one -> clips, the most frequent first."""

    @property
    def dropped(self) -> int:
        """Clips that it left out."""
        return sum(self.kinds.values())

    @property
    def left(self) -> int:
        """Clips that went on."""
        return self.came - self.dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics(Record):
    """What a dataset holds: counts of clips but where another thing is named, the most frequent first or in order."""

    clips: int
    """Clips."""
    seconds: float
    """Length of all clips whose rate is told, together."""
    untimed: int
    """Clips whose rate nothing tells."""
    unreadable: Mapping[str, str]
    """Clip -> why its video cannot be read."""
    sources: Mapping[str, int]
    """By source."""
    licences: Mapping[str, int]
    """By licence."""
    splits: Mapping[str, int]
    """By side of the split; empty where there is none."""
    instances: Mapping[str, int]
    """By number of instances."""
    interactions: Mapping[str, int]
    """By number of interactions."""
    categories: Mapping[str, int]
    """Interactions by category."""
    looked_up: int
    """Interactions whose category the dataset does not tell, so that the verb lexicon was asked."""
    verbs: Mapping[str, int]
    """Interactions by verb, in the form of the lexicon where it knows it."""
    classes: Mapping[str, int]
    """Instances by class noun."""
    words: Mapping[str, int]
    """By number of words of the caption, in tens."""
    lengths: Mapping[str, int]
    """By length in seconds."""
    sizes: Mapping[str, int]
    """By width and height in pixels."""
    rates: Mapping[str, int]
    """By frames per second."""
    funnel: tuple[StageLoss, ...]
    """Steps that left clips out, in their order; empty where nothing is known of any."""

    @property
    def acts(self) -> int:
        """Interactions in all."""
        return sum(self.categories.values())

    @property
    def bodies(self) -> int:
        """Instances in all."""
        return sum(self.classes.values())


def look(root: Path, clip: Clip) -> Look:
    """Open a clip's video and return what it says of itself; nothing but its beginning is decoded.

    Raises MediaError, RecordError or ConfigError naming the file.
    """
    path = inside(root, clip.video, "video")
    reader = Reader(path, keep=False)
    told = not path.is_dir() and not any(note.startswith("frame rate taken as") for note in reader.notes)
    return Look(size=reader.size, frames=reader.frames, rate=reader.fps if told else stated_rate(root, clip))


def looks_of(root: Path, clips: Sequence[Clip], report: Report = lambda *_: None) -> dict[str, Look | str]:
    """Return what each clip's video says of itself, or why it cannot be read, by clip; `report` is told (done, all, clip id)."""
    found: dict[str, Look | str] = {}
    for done, clip in enumerate(clips, 1):
        try:
            found[clip.id] = look(root, clip)
        except (MediaError, ConfigError, RecordError) as error:
            found[clip.id] = str(error)
        report(done, len(clips), clip.id)
    return found


def statistics(clips: Sequence[Clip], looks: Mapping[str, Look | str], dropped: Sequence[Dropped]) -> Statistics:
    """Return what clips hold; `looks` are their videos or why they cannot be read, `dropped` those that were left out."""
    seen = [item for item in looks.values() if isinstance(item, Look)]
    seconds = [item.frames / item.rate for item in seen if item.rate is not None]
    acts = [act for clip in clips for act in clip.interactions]
    return Statistics(
        clips=len(clips),
        seconds=sum(seconds),
        untimed=len(seen) - len(seconds),
        unreadable={name: item for name, item in looks.items() if isinstance(item, str)},
        sources=_most(clip.source or UNTOLD for clip in clips),
        licences=_most(clip.licence or UNTOLD for clip in clips),
        splits=_most(clip.split or UNTOLD for clip in clips) if any(clip.split for clip in clips) else {},
        instances=_numbers(len(clip.instances) for clip in clips),
        interactions=_numbers(len(clip.interactions) for clip in clips),
        categories=_most(category_of(act) for act in acts),
        looked_up=sum(act.category is None for act in acts),
        verbs=_most(verb_of(act) or UNTOLD for act in acts),
        classes=_most(one.class_ or UNTOLD for clip in clips for one in clip.instances),
        words=_tens(len(clip.caption.split()) for clip in clips),
        lengths=_binned(seconds),
        sizes=_most(f"{item.size[1]}x{item.size[0]}" for item in seen),
        rates=_most(UNTOLD if item.rate is None else f"{item.rate:.4g}" for item in seen),
        funnel=funnel(len(clips), dropped),
    )


def funnel(kept: int, dropped: Sequence[Dropped]) -> tuple[StageLoss, ...]:
    """Return what each step left out, in the order in which steps first stand among the dropped."""
    stages: dict[str, Counter[str]] = {}
    for item in dropped:
        stages.setdefault(item.stage, Counter())[item.group] += 1
    came, found = kept + len(dropped), []
    for stage, kinds in stages.items():
        found.append(StageLoss(stage=stage, came=came, kinds=_most(kinds.elements())))
        came = found[-1].left
    return tuple(found)


def _most(names: Iterable[str]) -> dict[str, int]:
    """Count names, the most frequent first; equal ones by name, so that the order of lines changes nothing."""
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))


def _numbers(values: Iterable[int]) -> dict[str, int]:
    return {str(value): count for value, count in sorted(Counter(values).items())}


def _tens(values: Iterable[int]) -> dict[str, int]:
    return {f"{10 * ten} to {10 * ten + 9}": count for ten, count in sorted(Counter(value // 10 for value in values).items())}


def _binned(seconds: Sequence[float]) -> dict[str, int]:
    """Count lengths in the bars of `EDGES`, without those that are empty."""
    found = {}
    for low, high in pairwise((*EDGES, float("inf"))):
        count = sum(low <= value < high for value in seconds)
        if count:
            found[f"{low} to {high:g}" if high < float("inf") else f"{low} and more"] = count
    return found
