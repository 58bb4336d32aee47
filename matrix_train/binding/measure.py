"""How well a model binds: videos of held-out scenes, each judged by its last frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from intergeneval.records import Record
from matrix_train.backbones.sampling import sample_videos
from matrix_train.binding.outcomes import CHANCE_OBJECT, CHANCE_SUBJECT, Outcome, by_scene, outcome
from matrix_train.binding.play import paint
from matrix_train.binding.scene import scene

ASKED = (0, 2)
"""Deeds of a scene that a model is asked for: they differ in the object alone."""
_BATCH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling(Record):
    """How videos are made to be measured."""

    frames: int = 9
    """Frames of a video."""
    size: tuple[int, int] = (80, 80)
    """Height and width of the first frames, in pixels."""
    steps: int = 10
    """Sampling steps."""
    guidance: float = 1.0
    """Scale of classifier-free guidance; 1: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(Record):
    """What a model's videos show, with standard errors over scenes."""

    scenes: int
    """Scenes, with two videos each."""
    subject: float
    """Share of videos in which the one who is named moved; chance is 1/4."""
    subject_se: float
    """Its standard error."""
    object: float
    """Share of videos in which it was done to the one who is named; chance is 1/3."""
    object_se: float
    """Its standard error."""
    margin: float
    """Mean log ratio of colour distances, the nearest other end over the one that is named."""
    margin_se: float
    """Its standard error."""

    def text(self) -> str:
        """Return the figures in a line."""
        return (
            f"subject {self.subject:.3f} (se {self.subject_se:.3f}, chance {CHANCE_SUBJECT:.2f}), "
            f"object {self.object:.3f} (se {self.object_se:.3f}, chance {CHANCE_OBJECT:.2f}), "
            f"margin {self.margin:+.3f} (se {self.margin_se:.3f}), {self.scenes} scenes"
        )


def outcomes(pipeline: Any, *, seed: int, scenes: int, sampling: Sampling) -> tuple[tuple[Outcome, ...], ...]:
    """Return what a loaded pipeline's videos show, for the first `scenes` of a seed and each of the deeds ASKED.

    The two videos of a scene start from one noise, so that they differ by their words alone.
    """
    asked = [(scene(seed, index), number, index) for index in range(scenes) for number in ASKED]
    found: list[Outcome] = []
    pipeline.set_progress_bar_config(disable=True)
    for start in range(0, len(asked), _BATCH):
        part = asked[start : start + _BATCH]
        videos = sample_videos(
            pipeline,
            [paint(item, item.places, sampling.size)[0] for item, _, _ in part],
            [item.caption(item.deeds[number]) for item, number, _ in part],
            frames=sampling.frames,
            steps=sampling.steps,
            seeds=[index for _, _, index in part],
            guidance=sampling.guidance,
        )
        found += [outcome(item, item.deeds[number], video[-1]) for (item, number, _), video in zip(part, videos, strict=True)]
    return tuple(tuple(found[place : place + len(ASKED)]) for place in range(0, len(found), len(ASKED)))


def measure(pipeline: Any, *, seed: int, scenes: int, sampling: Sampling) -> Measured:
    """Return how well a loaded pipeline binds on the first `scenes` of a seed, at least two."""
    return summed(outcomes(pipeline, seed=seed, scenes=scenes, sampling=sampling))


def summed(found: Sequence[Sequence[Outcome]]) -> Measured:
    """Return means over videos and standard errors over scenes; `found` are the outcomes of each scene, two scenes or more."""
    means: dict[str, float] = {}
    for name in ("subject", "object", "margin"):
        values = by_scene(found, name)
        means[name] = float(values.mean())
        means[f"{name}_se"] = float(values.std(ddof=1) / np.sqrt(len(values)))
    return Measured(scenes=len(found), **means)
