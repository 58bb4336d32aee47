"""One video of a pipeline: a first frame and a prompt in, frames out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from intergeneval.videos import Frame
from matrix_train.backbones.sampling import sample_videos


def sample(
    pipeline: Any, first: Frame, prompt: str, *, frames: int, steps: int, seed: int, guidance: float | None = None
) -> npt.NDArray[np.uint8]:
    """Run a pipeline from a first frame (H, W, 3) and return RGB frames (F, H, W, 3); noise is drawn on the CPU."""
    found = sample_videos(pipeline, [first], [prompt], frames=frames, steps=steps, seeds=[seed], guidance=guidance)
    return np.asarray(found[0])
