"""Where the instances are in the video that is to be made: mask tracks of an unguided video, or the first masks throughout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from intergeneval import masks as rle
from intergeneval import plugins
from intergeneval.errors import BackendError, ConfigError
from intergeneval.masks import Mask
from intergeneval.records import Sample, Video, VideoStatus
from intergeneval.trackers import Tracker, TrackRequest
from matrix_train.backbones import Grid
from matrix_train.targets import Masks, latent_frames, on_tokens


def check_masks(sample: Sample, masks: Mapping[str, Mask], size: tuple[int, int], needed: Sequence[str]) -> None:
    """Raise ConfigError when an instance of a role has no mask, an empty one, or one of another size than the video."""
    for name in needed:
        mask = masks.get(name)
        if mask is None:
            raise ConfigError(f"sample {sample.id}: CMG cuts attention where {name} is, and {name} has no first-frame mask")
        if mask.shape != size:
            shown = f"{mask.shape[1]}x{mask.shape[0]}, the video {size[1]}x{size[0]}"
            raise ConfigError(f"sample {sample.id}: the mask of {name} is {shown}")
        if not mask.any():
            raise ConfigError(f"sample {sample.id}: the first-frame mask of {name} is empty")


def tracker_of(spec: str) -> Tracker:
    """Load a tracker by its spec. Raises ConfigError for one that reads the truth of staged videos."""
    tracker: Tracker = plugins.build("trackers", spec)
    if tracker.needs_truth:
        raise ConfigError(
            f"attention_guidance.tracker: {spec!r} reads the truth of staged videos, and a generated video has none"
        )
    return tracker


def tracked(
    tracker: Tracker, sample: Sample, masks: Mapping[str, Mask], frames: npt.NDArray[np.uint8], seed: int, rate: float
) -> dict[str, Masks]:
    """Follow the masks through frames (F, H, W, 3) at `rate` a second; where an instance is lost or gone its mask is empty.

    Raises BackendError.
    """
    size = (frames.shape[1], frames.shape[2])
    video = Video(
        sample_id=sample.id, seed=seed, status=VideoStatus.OK, size=size, source_size=size, frames=len(frames), fps=rate
    )
    tracks = tracker.track(TrackRequest(sample=sample, video=video, masks=masks, frames=iter(frames)))
    if tracks.status != "ok":
        raise BackendError(f"sample {sample.id}: the tracker failed on the unguided video: {tracks.reason}")
    return {item.instance_id: np.stack([rle.decode(counts, size) for counts in item.masks]) for item in tracks.tracks}


def on_grid(track: Masks, grid: Grid, frames: int, stride: int) -> npt.NDArray[np.bool_]:
    """Bring a mask track (F, H, W) to the video tokens, flat (N,), each latent frame by its middle frame.

    `frames` are those the latent decodes to. A pipeline that drops some of them at the start hands over fewer; the first mask
    stands for those.
    """
    missing = frames - len(track)
    if missing > 0:
        track = np.concatenate([np.repeat(track[:1], missing, axis=0), track])
    picked = track[np.minimum(latent_frames(frames, stride), len(track) - 1)]
    if len(picked) != grid.frames:
        raise ConfigError(
            f"{frames} frames have {len(picked)} latent frames at a stride of {stride}, the model has {grid.frames}"
        )
    return on_tokens(picked, (grid.height, grid.width)).reshape(-1)
