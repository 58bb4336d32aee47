"""How instances look, told from frame 0 alone, and where the sampled frames show such a look, whatever a tracker says.

A look is a set of colours: those that in frame 0 lie mostly inside the instance. Frames are made small first. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from intergeneval import masks
from intergeneval.consistency import thresholds
from intergeneval.masks import Mask
from intergeneval.records import Tracks

Frame = npt.NDArray[np.uint8]
Bins = npt.NDArray[np.int32]
_SIDES = (8, 16, 16)
"""Bins along lightness, a and b; a and b over the middle half of their range, where everyday colours are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How one instance looks in frame 0."""

    own: npt.NDArray[np.bool_]
    """Per colour: whether frame 0 shows it mostly inside the instance."""
    ground: npt.NDArray[np.bool_]
    """Per colour: whether frame 0 shows it nearly only outside of all instances."""
    colours: npt.NDArray[np.float64]
    """Share of each colour in it, summing to 1."""
    area: int
    """Pixels of the small frame 0 inside the instance that have a colour of its own."""
    size: float
    """Square root of its area in the small frame 0, in pixels."""
    share: float
    """Share of its pixels in frame 0 that have a colour of its own."""
    spill: float
    """Share of its pixels in frame 0 that have a colour of the ground."""

    @property
    def telling(self) -> bool:
        """Whether enough of it can be told from all around it."""
        return self.area >= thresholds.LOOK_PIXELS and self.share >= thresholds.LOOK_SHARE


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """The sampled frames made small, with the masks of the tracks and the look of every instance that has one."""

    frames: tuple[int, ...]
    """The frames that can be looked at, rising, without frame 0."""
    lab: Mapping[int, npt.NDArray[np.float32]]
    """Their pixels in Lab (h, w, 3), frame 0 too."""
    bins: Mapping[int, Bins]
    """The colour of each pixel as a number."""
    masks: Mapping[str, Mapping[int, Mask]]
    """Instance -> frame -> mask (h, w)."""
    looks: Mapping[str, Look] = field(default_factory=dict)
    """Instance -> how it looks."""
    scale: tuple[float, float] = (1.0, 1.0)
    """How many pixels of the video a small one is wide and high."""

    def like(self, instance_id: str, frame: int) -> Mask:
        """Return where a frame (h, w) has colours of that instance."""
        found: Mask = self.looks[instance_id].own[self.bins[frame]]
        return found

    def likest(self, frame: int, region: Mask) -> str:
        """Return the instance whose colours in frame 0 a region (h, w) of a frame comes nearest to."""
        found = np.sqrt(_histogram(self.bins[frame], region))
        return max(self.looks, key=lambda name: float((found * np.sqrt(self.looks[name].colours)).sum()))


def look_at(tracks: Tracks, kept: Mapping[int, Frame] | None, frames: Sequence[int]) -> Looks | None:
    """Return what the sampled frames show of each instance's look; None without frame 0 or tracks that begin there."""
    pictures = {at: frame for at, frame in (kept or {}).items() if frame.shape[:2] == tracks.size}
    if tracks.anchor or 0 not in pictures or not tracks.tracks:
        return None
    height, width = tracks.size
    ratio = min(1.0, thresholds.LOOK_SIDE / max(height, width))
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    length = min(len(track.masks) for track in tracks.tracks)
    at = [0, *[frame for frame in frames if frame in pictures and 0 < frame < length]]
    lab = {frame: _lab(pictures[frame], size) for frame in at}
    bins = {frame: _bins(item) for frame, item in lab.items()}
    small = {
        track.instance_id: {frame: _small(masks.decode(track.masks[frame], tracks.size), size) for frame in at}
        for track in tracks.tracks
    }
    outside = ~np.logical_or.reduce([item[0] for item in small.values()])
    looks = {name: _look(bins[0], item[0], outside) for name, item in small.items() if item[0].any()}
    return Looks(frames=tuple(at[1:]), lab=lab, bins=bins, masks=small, looks=looks, scale=(width / size[0], height / size[1]))


def spill(looks: Looks, instance_id: str) -> float | None:
    """Return the largest share by which a mask holds more of the ground's colours than in frame 0; None where nothing is seen."""
    look = looks.looks.get(instance_id)
    if look is None:
        return None
    held = [(looks.bins[at], mask) for at, mask in looks.masks[instance_id].items() if at and np.count_nonzero(mask) >= 10]
    shares = [float(look.ground[bins][mask].mean()) for bins, mask in held]
    return max(0.0, max(shares) - look.spill) if shares else None


def swallowed(looks: Looks, instance_id: str) -> tuple[tuple[int, str], ...]:
    """Return the frames in which an instance has no mask while another's shows its look, and whose mask that is."""
    look = looks.looks.get(instance_id)
    if look is None or not look.telling:
        return ()
    found = []
    for frame in looks.frames:
        if looks.masks[instance_id][frame].any():
            continue
        like = looks.like(instance_id, frame)
        shown = {
            name: int(np.count_nonzero(like & every[frame])) - int(np.count_nonzero(looks.like(instance_id, 0) & every[0]))
            for name, every in looks.masks.items()
            if name != instance_id
        }
        most = max(shown, key=lambda name: shown[name], default="")
        if most and shown[most] >= thresholds.SWALLOWED * look.area:
            found.append((frame, most))
    return tuple(found)


def _look(bins: Bins, mask: Mask, outside: Mask) -> Look:
    inside, around, ground = _histogram(bins, mask), _histogram(bins, ~mask), _histogram(bins, outside)
    # A colour that frame 0 hardly has says nothing.
    floor = 1e-3 + 0.02 * mask.size / inside.size
    own = inside / (inside + around + floor) > thresholds.LOOK_OWN
    of_ground = ground / (_histogram(bins, ~outside) + ground + floor) > thresholds.LOOK_GROUND
    area = int(np.count_nonzero(own[bins] & mask))
    count = int(np.count_nonzero(mask))
    return Look(
        own=own,
        ground=of_ground,
        colours=inside / inside.sum(),
        area=area,
        size=float(np.sqrt(count)),
        share=area / count,
        spill=float(of_ground[bins][mask].mean()),
    )


def _lab(frame: Frame, size: tuple[int, int]) -> npt.NDArray[np.float32]:
    small = cv2.GaussianBlur(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), (0, 0), 1.0)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), dtype=np.float32)


def _bins(lab: npt.NDArray[np.float32]) -> Bins:
    whole = lab.astype(np.int32)
    light = whole[..., 0] * _SIDES[0] // 256
    chroma = np.clip((whole[..., 1:] - 64) * _SIDES[1] // 128, 0, _SIDES[1] - 1)
    found: Bins = (light * _SIDES[1] + chroma[..., 0]) * _SIDES[2] + chroma[..., 1]
    return found


def _histogram(bins: Bins, mask: Mask) -> npt.NDArray[np.float64]:
    counts = np.bincount(bins[mask], minlength=int(np.prod(_SIDES))).astype(np.float64).reshape(_SIDES)
    return np.asarray(ndimage.gaussian_filter(counts, (0.6, 0.8, 0.8), mode="nearest"), dtype=np.float64).ravel()


def _small(mask: Mask, size: tuple[int, int]) -> Mask:
    return np.asarray(cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5)
