"""The world that is learned from: staged or binding scenes, a share of them played wrongly under a caption that says otherwise.

A clip is drawn from (seed, index) and the config alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

import numpy as np
import numpy.typing as npt

from intergeneval.staged import Scene, plan, scene
from intergeneval.staged.scene import rng_of
from matrix_train.binding.play import play
from matrix_train.binding.play import rate as binding_rate
from matrix_train.binding.scene import FIGURES, LETTERS, Deed
from matrix_train.binding.scene import scene as binding_scene
from matrix_train.data.staged import Format, paint
from matrix_train.pretrain.config import WorldConfig

ROLE_FAULTS = ("wrong-agent", "wrong-recipient", "roles-swapped")
"""Faults in which somebody else does it, or it is done to somebody else."""
OTHER_FAULTS = ("stops-short", "no-action", "no-contact")
"""Faults of scenes that have no place for those."""
_COVERED = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldClip:
    """One clip of the world."""

    policy: str
    """How it is played."""
    caption: str
    """What the model is told."""
    frames: npt.NDArray[np.uint8]
    """RGB frames, shape (F, H, W, 3)."""
    figures: npt.NDArray[np.bool_]
    """Where somebody or something is seen, shape (F, H, W)."""


def policy_of(found: Scene, faulty: float) -> str:
    """Return how a scene is played: perfectly, or with a role fault, or with another one where it has no place for any."""
    rng = rng_of("pretrain", found.id)
    if rng.random() >= faulty:
        return "perfect"
    for names in (ROLE_FAULTS, OTHER_FAULTS):
        possible = [name for name in names if plan(name, found).dial.faults]
        if possible:
            return possible[int(rng.random() * len(possible))]
    return "perfect"


def world_clip(world: WorldConfig, index: int) -> WorldClip:
    """Paint a clip of the world."""
    if world.kind == "binding":
        return _binding_clip(world, index)
    found = scene(world.seed, index)
    policy = policy_of(found, world.faulty)
    form = Format(size=(world.height, world.width), frames=world.frames, oversampling=world.oversampling)
    painted = paint(found, policy, form)
    return WorldClip(
        policy=policy,
        caption=found.sample().prompt,
        frames=painted.frames,
        figures=painted.shares.sum(axis=0) >= _COVERED,
    )


def _binding_clip(world: WorldConfig, index: int) -> WorldClip:
    found = binding_scene(world.seed, index // len(LETTERS))
    told = found.deeds[index % len(LETTERS)]
    shown = played(told, rng_of("pretrain", found.id, index), world.faulty)
    painted = play(found, shown, frames=world.frames, size=(world.height, world.width))
    return WorldClip(
        policy="perfect" if shown == told else ROLE_FAULTS[0 if shown.subject != told.subject else 1],
        caption=found.caption(told),
        frames=painted.frames,
        figures=painted.shares.sum(axis=0) >= _COVERED,
    )


def played(told: Deed, rng: Random, faulty: float) -> Deed:
    """Return what is shown under a caption: what it tells, or with a chance of `faulty` another subject or another object."""
    if rng.random() >= faulty:
        return told
    others = [number for number in range(FIGURES) if number not in (told.subject, told.object)]
    other = others[int(rng.random() * len(others))]
    return replace(told, subject=other) if rng.random() < 0.5 else replace(told, object=other)


def rate_of(world: WorldConfig) -> float:
    """Return the frames per second of a world's clips."""
    if world.kind == "binding":
        return binding_rate(world.frames)
    return Format(size=(world.height, world.width), frames=world.frames).rate


def captions(world: WorldConfig, count: int) -> tuple[str, ...]:
    """Return the captions of the first `count` clips; nothing is painted."""
    if world.kind == "binding":
        places = (divmod(index, len(LETTERS)) for index in range(count))
        return tuple(found.caption(found.deeds[deed]) for found, deed in ((binding_scene(world.seed, n), d) for n, d in places))
    return tuple(scene(world.seed, index).sample().prompt for index in range(count))
