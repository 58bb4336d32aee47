"""Splitting a dataset into training and validation so that nothing of the one is shown in the other.

Clips that were cut from one source, that have one video, or that show the same fall on the same side, and so does whatever hangs
together through any of these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from intergeneval.errors import ConfigError
from intergeneval.ids import sha256_json
from matrix_train.data.clips import INDEX, TRAIN, VALIDATION, Clip, read_own, write_own
from matrix_train.data.reading import read_dataset
from matrix_train.datasets.likeness import alike, hashes_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """What a split came to."""

    train: int
    """Clips that are trained on."""
    validation: int
    """Clips that are not."""
    groups: int
    """Groups of clips that hang together."""
    largest: int
    """Clips of the largest one."""
    pairs: int
    """Pairs of clips of different sources that show the same."""
    unsourced: int
    """Clips whose source is not told: nothing but their looks says what they hang together with."""


def split_dataset(
    root: Path, *, share: float, seed: int, distance: float, report: Callable[[int, int, str], None] = lambda *_: None
) -> Split:
    """Write into each clip's line on which side it is; return what came of it.

    `share` of the clips, 0 to 1, are for validation, as nearly as whole groups allow; which ones follows from the seed and the
    groups alone; `report` is told (done, all, clip id) where videos are opened. Raises ConfigError for another layout than
    ours and where no side could be filled.
    """
    if not (root / INDEX).is_file():
        raise ConfigError(f"{root} holds no {INDEX}; 'matrix-train dataset from-release' makes a dataset of the release's layout")
    read_dataset(root)
    clips = read_own(root)
    pairs = tuple(alike(hashes_of(root, clips, report), distance))
    groups = groups_of(clips, pairs)
    chosen = choose(clips, groups, share=share, seed=seed)
    sides = tuple(replace(clip, split=VALIDATION if index in chosen else TRAIN) for index, clip in enumerate(clips))
    write_own(root, sides)
    return Split(
        train=len(clips) - len(chosen),
        validation=len(chosen),
        groups=len(groups),
        largest=max(map(len, groups)),
        pairs=sum(1 for first, second in pairs if _source(clips[first]) != _source(clips[second])),
        unsourced=sum(1 for clip in clips if not clip.source),
    )


def _source(clip: Clip) -> tuple[str, str]:
    """Return what a clip was cut from; where that is not told its own video."""
    return ("source", clip.source) if clip.source else ("video", clip.video)


def groups_of(clips: Sequence[Clip], pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Return the indices of clips that hang together by source, by video or by `pairs`, each group and all of them in order."""
    leader = list(range(len(clips)))

    def lead(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    first: dict[tuple[str, str], int] = {}
    links = list(pairs)
    for index, clip in enumerate(clips):
        links += [(first.setdefault(name, index), index) for name in (_source(clip), ("video", clip.video))]
    for one, other in links:
        low, high = sorted((lead(one), lead(other)))
        leader[high] = low
    groups: dict[int, list[int]] = {}
    for index in range(len(clips)):
        groups.setdefault(lead(index), []).append(index)
    return list(groups.values())


def choose(clips: Sequence[Clip], groups: Sequence[Sequence[int]], *, share: float, seed: int) -> frozenset[int]:
    """Return the clips for validation: in an order of the seed each group that fits into the share, then one more if nearer.

    Raises ConfigError where that is none, or all.
    """
    wanted = share * len(clips)
    order = sorted(groups, key=lambda group: sha256_json(["split", seed, min(clips[index].id for index in group)]))
    found: list[int] = []
    over: list[Sequence[int]] = []
    for group in order:
        if len(found) + len(group) <= wanted:
            found += group
        else:
            over.append(group)
    # A large group that came first would take the share far beyond what is wanted, though small ones would meet it.
    last = min(over, key=len, default=[])
    if abs(len(found) + len(last) - wanted) < abs(len(found) - wanted):
        found += last
    if not found or len(found) == len(clips):
        largest = max(map(len, groups))
        raise ConfigError(
            f"{share:g} of {len(clips)} clips cannot be kept apart: they hang together in {len(groups)} groups by source and "
            f"looks, the largest of {largest}; choose another share, or a smaller distance of what counts as the same"
        )
    return frozenset(found)
