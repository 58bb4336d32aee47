"""First frames from text: what a painter is, and what can be set for one; imports no learned-model library.

A painter is a plug-in of group ``intergeneval.painters``; ``diffusers`` is the one that comes along.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from intergeneval.errors import ConfigError
from intergeneval.plugins import names, split_spec

OWNER = "painter 'diffusers'"
Picture = npt.NDArray[np.uint8]
"""One RGB picture, shape (H, W, 3), values 0..255."""
_TAKEN = ("prompt", "generator", "output_type", "return_dict", "image", "num_images_per_prompt")
"""Arguments of a pipeline that are the painter's own."""


class Painter(Protocol):
    """Draws a picture of a text: equal texts and seeds give equal pictures."""

    @property
    def id(self) -> str:
        """Name and revision, as a benchmark tells who painted it."""

    def describe(self) -> Mapping[str, Any]:
        """Return everything that decides a picture beside text and seed, as plain JSON values."""

    def paint(self, text: str, seed: int) -> Picture:
        """Return a picture. Raises BackendError when there is none."""

    def close(self) -> None:
        """Let go of what it loaded; a later `paint` loads again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSettings:
    """How pictures are made: ``[settings.diffusers]`` of a build's TOML file."""

    steps: int | None = None
    """Denoising steps; unset, as all below: what the pipeline itself takes."""
    guidance: float | None = None
    """Guidance scale."""
    height: int | None = None
    """Height of the picture, pixels."""
    width: int | None = None
    """Width of the picture, pixels."""
    negative_prompt: str | None = None
    """What the picture should not show."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of the pipeline, by their names in diffusers, such as ``true_cfg_scale``."""
    device: str | None = None
    """``cpu``, ``cuda`` or ``cuda:N``."""
    dtype: str | None = None
    """``float32``, ``bfloat16`` or ``float16``."""
    offload: bool = False
    """Keep on the GPU only the part that works: less memory, more time."""

    def __post_init__(self) -> None:
        for name, low, high in (("steps", 1, 1000), ("height", 16, 8192), ("width", 16, 8192)):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high):
                raise ConfigError(f"{OWNER}: {name} is {value!r}; it is a whole number from {low} to {high}")
        value = self.guidance
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100):
            raise ConfigError(f"{OWNER}: guidance is {value!r}; it is a number from 0 to 100")
        if not isinstance(self.arguments, Mapping):
            raise ConfigError(f"{OWNER}: arguments is {self.arguments!r}; it is a table of names and values")
        for name in _TAKEN:
            if name in self.arguments:
                raise ConfigError(f"{OWNER}: arguments names {name!r}, which the build sets itself; leave it out")

    def given(self) -> dict[str, Any]:
        """Return what is set, under the names that pipelines use."""
        known = {
            "num_inference_steps": self.steps,
            "guidance_scale": self.guidance,
            "height": self.height,
            "width": self.width,
            "negative_prompt": self.negative_prompt,
        }
        return {**{name: value for name, value in known.items() if value is not None}, **self.arguments}


def painter_spec(text: str) -> str:
    """Return the plug-in spec of ``--text-to-image``: a folder or hub id alone is one of diffusers. Raises ConfigError."""
    if split_spec(text)[0] in names("painters"):
        return text
    if Path(text).exists() or text.count("/") == 1:
        return f"diffusers:{text}"
    raise ConfigError(
        f"--text-to-image {text}: there is no such folder, and it is no hub id of the form OWNER/NAME; give the folder that "
        f"save_pretrained wrote, an id, or NAME:ARGUMENT with one of the painters {', '.join(names('painters')) or '(none)'}"
    )


def picture_seed(text: str, seed: int) -> int:
    """Return the seed (0 to 2^63 - 1) of a picture's noise: its own for each text, so that pictures do not share their noise."""
    return int.from_bytes(hashlib.sha256(f"{seed}\0{text}".encode()).digest()[:8], "big") >> 1
