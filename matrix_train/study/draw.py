"""Which clips stand on the blind sheet: drawn evenly over the arms, shuffled, numbered, and told apart by a key alone."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from intergeneval.records import Record, Sample, Video, VideoStatus
from intergeneval.store import RunStore
from matrix_train.study.plan import StudyPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyClip(Record):
    """What a clip of the sheet is: kept from who labels it."""

    id: str
    """Its name on the sheet, such as ``c001``."""
    arm: str
    """Arm that made it."""
    training_seed: int | None
    """Training seed; None where nothing was trained."""
    sample_id: str
    """The sample."""
    noise_seed: int
    """Seed of its noise."""
    interaction: int
    """Index of the key interaction whose questions are asked."""
    video: str
    """sha256 of the video file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key(Record):
    """The key of a sheet."""

    sheet: str
    """Name of the sheet: a hash of what is on it."""
    clips: tuple[KeyClip, ...]
    """Its clips, in the order of the sheet."""


class Pool:
    """The runs that clips are drawn from."""

    def __init__(self, stores: Mapping[tuple[str, int | None], RunStore]) -> None:
        self.stores = stores

    def videos(self, arm: str) -> dict[tuple[int | None, str, int], Video]:
        """Return all videos of an arm that can be shown, by (training seed, sample, noise seed)."""
        found = {}
        for (name, seed), store in self.stores.items():
            if name == arm:
                latest = {(item.sample_id, item.seed): item for item in store.read("videos", Video)}
                found.update({(seed, *key): item for key, item in latest.items() if item.status is VideoStatus.OK})
        return found

    def path(self, clip: KeyClip) -> Path:
        """Return the video file of a drawn clip."""
        video = self.videos(clip.arm)[clip.training_seed, clip.sample_id, clip.noise_seed]
        return self.stores[clip.arm, clip.training_seed].folder / video.path

    def any(self) -> RunStore:
        """Return one of the runs: samples and questions are the same in all."""
        return next(iter(self.stores.values()))


def draw(plan: StudyPlan, pool: Pool, samples: Mapping[str, Sample]) -> tuple[KeyClip, ...]:
    """Draw the clips: as many of each arm as of any other, up to one; each arm goes through the samples before it repeats one."""
    rng = random.Random(plan.labels.seed)
    share, more = divmod(plan.labels.clips, len(plan.arms))
    found: list[KeyClip] = []
    for place, arm in enumerate(plan.arms):
        videos = pool.videos(arm.name)
        by_sample: dict[str, list[tuple[int | None, str, int]]] = {}
        for key in sorted(videos, key=str):
            by_sample.setdefault(key[1], []).append(key)
        for keys in by_sample.values():
            rng.shuffle(keys)
        names = sorted(by_sample)
        rng.shuffle(names)
        turns = [by_sample[name][turn] for turn in range(len(videos)) for name in names if turn < len(by_sample[name])]
        for key in turns[: share + (place < more)]:
            interaction = rng.randrange(len(samples[key[1]].interactions))
            found.append(
                KeyClip(
                    id="",
                    arm=arm.name,
                    training_seed=key[0],
                    sample_id=key[1],
                    noise_seed=key[2],
                    interaction=interaction,
                    video=videos[key].sha256,
                )
            )
    rng.shuffle(found)
    return tuple(KeyClip.from_json({**item.to_json(), "id": f"c{number:03d}"}) for number, item in enumerate(found, 1))
