"""Stages that leave clips out for how they look: one measures, the next decides, so that another limit costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from intergeneval.videos import Reader
from matrix_train.curate.config import FiltersConfig
from matrix_train.curate.measuring import LEAST_CHANGE, change, colours, fingerprint, lightness, small_grey, writing
from matrix_train.curate.records import Known
from matrix_train.curate.stage import Made, Stage, Task

_LOOKED = 5
"""Frames of a clip in which writing is looked for."""
HASHED = 4
"""Frames of a clip that its fingerprint is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookStage(Stage):
    """Measures a clip."""

    name: ClassVar[str] = "look"
    heavy: ClassVar[bool] = True
    out: Path
    """Folder of the curation."""

    def settings(self) -> Any:
        """Return nothing: what is measured has no settings."""
        return None

    def given(self, clip: Known) -> Mapping[str, Any]:
        """Return the hash of the clip's video."""
        return {"sha256": clip.value("form")["sha256"]}

    def beside(self, clip: Known) -> Mapping[str, Any]:
        """Return where it lies."""
        return {"video": clip.value("form")["video"]}

    @property
    def places(self) -> Sequence[Path]:
        """The folder of the curation."""
        return (self.out,)

    def maker(self) -> Callable[[Task], Made]:
        """Return what measures."""
        return lambda task: measured(self.out / task.beside["video"])


def measured(path: Path) -> Made:
    """Return lightness, movement, writing and fingerprint of a video. Raises MediaError."""
    reader = Reader(path, keep=False)
    light, moved, texts = [], [], []
    prints: list[str] = []
    shades = []
    before = None
    count = reader.frames
    looked = _spread(count, _LOOKED)
    hashed = _spread(count, HASHED)
    for index, frame in enumerate(reader):
        small = small_grey(frame)
        if before is not None:
            moved.append(change(before, small) >= LEAST_CHANGE)
        before = small
        if index in looked:
            light.append(lightness(frame))
            texts.append(writing(frame))
        if index in hashed:
            prints.append(np.packbits(fingerprint(frame)).tobytes().hex())
            shades.append(colours(frame))
    return Made(
        value={
            "fingerprint": "".join(prints),
            "colours": np.rint(np.mean(shades, axis=0)).astype(np.int8).tobytes().hex(),
        },
        measured={
            "light": round(float(np.mean(light)), 4),
            "moving": round(float(np.mean(moved)), 4),
            "text": round(float(np.median(texts)), 4),
        },
    )


def _spread(count: int, number: int) -> frozenset[int]:
    """Return so many frames of a clip in even steps, away from its ends."""
    return frozenset(min(count - 1, int(count * (2 * index + 1) / (2 * number))) for index in range(number))


@dataclass(frozen=True, slots=True, kw_only=True)
class FiltersStage(Stage):
    """Leaves out what is too small, dark, still, slow, or full of writing."""

    name: ClassVar[str] = "filters"
    config: FiltersConfig
    """Settings."""
    fps: float
    """Frames per second of a clip."""

    def settings(self) -> Any:
        """Return the limits."""
        return [self.config.to_json(), self.fps]

    def given(self, clip: Known) -> Mapping[str, Any]:
        """Return everything that was measured."""
        form, look = clip.lines["form"], clip.lines["look"]
        return {"size": form.value["size"], **form.measured, **look.measured}

    def maker(self) -> Callable[[Task], Made]:
        """Return what decides."""
        return lambda task: self._decided(task.given)

    def _decided(self, seen: Mapping[str, Any]) -> Made:
        limits = self.config
        side = min(seen["size"])
        needed = limits.rate * self.fps
        found = [
            ("small", side < limits.smallest, f"its shorter side has {side} pixels, below {limits.smallest}", side),
            ("dark", seen["light"] < limits.darkest, f"its mean lightness is {seen['light']:.3f}", seen["light"]),
            ("rate", seen["rate"] < needed, f"it shows {seen['rate']:.1f} pictures a second, below {needed:.1f}", seen["rate"]),
            ("frozen", seen["moving"] < limits.moving, f"something moves in {seen['moving']:.0%} of its steps", seen["moving"]),
            ("text", seen["text"] > limits.text, f"writing covers {seen['text']:.1%} of the picture", seen["text"]),
        ]
        for kind, bad, reason, value in found:
            if bad:
                return Made(kind=kind, reason=reason, measured={kind: float(value)})
        return Made()
