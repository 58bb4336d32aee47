"""What holds of any tracker without a label: stills, and clips mirrored, reversed, brightened, shrunk and doubled.

`python -m tests.trackers.invariance [tracker]` prints the table for the clips and staged scenes of the house.
"""

import sys
from dataclasses import dataclass

import av
import cv2
import numpy as np

from intergeneval import bench, plugins, staged
from intergeneval.masks import Mask, decode, iou
from intergeneval.records import Instance, Sample, TrackState, Video, VideoStatus
from intergeneval.trackers import TrackRequest

STILL = 49
"""Frames that a first frame is repeated for."""
SMALL = 0.8
BRIGHT = 1.1
TARGETS = {"still: lost": 0, "still: area": 0.05, "still: J": 0.95}
TARGETS |= dict.fromkeys(("mirrored", "reversed", "brighter", "at 80 % size", "doubled"), 0.9)
"""What is aimed at: instances lost and the largest change of area of a still picture (at most), the rest at least."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A clip and the masks of its first frame."""

    name: str
    frames: list[np.ndarray]
    """RGB uint8 (H, W, 3)."""
    masks: dict[str, Mask]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one clip, turned in one way, gave."""

    clip: str
    change: str
    value: float
    """Mean J, or for a still picture what its name says."""
    frames: int


def house_clips(length=49, scenes=(0, 33)):
    """The two real clips and staged scenes of the development split, all frames of them or the first ones."""
    root, clips = bench.folder_of("clips"), bench.load("clips")
    found = []
    for sample in clips.samples:
        with av.open(str(root / "videos" / f"{sample.id}.mp4")) as container:
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        found.append(Clip(name=sample.id, frames=frames[:length], masks=bench.load_masks(clips, sample)))
    for index in scenes:
        scene = staged.scene(staged.DEVELOPMENT_SEED, index)
        frames, truth = staged.Performance(scene, staged.Request(policy="perfect", frames=49)).record(keep_frames=True)
        masks = {track.instance_id: decode(track.masks[0], truth.visible.size) for track in truth.visible.tracks}
        found.append(Clip(name=f"staged {index}", frames=frames[:length], masks=masks))
    return found


def follow(tracker, frames, masks):
    """Tracks of the instances of these masks."""
    names = [name for name, mask in masks.items() if mask.any()]
    instances = tuple(Instance(id=name, class_="thing", appearance="a thing", colour="red") for name in names)
    return tracker.track(
        TrackRequest(
            sample=Sample(id="s", prompt="p", instances=instances, interactions=()),
            video=Video(sample_id="s", seed=0, status=VideoStatus.OK, size=frames[0].shape[:2], frames=len(frames), fps=8.0),
            masks={name: masks[name] for name in names},
            frames=iter(frames),
        )
    )


def masks_of(tracks):
    """Id -> masks, one a frame."""
    return {track.instance_id: [decode(counts, tracks.size) for counts in track.masks] for track in tracks.tracks}


def likeness(one, other):
    """Mean J of two sets of tracks over the frames after the first in which either shows the instance."""
    values = [
        iou(first, second)
        for name, masks in one.items()
        for first, second in zip(masks[1:], other[name][1:], strict=True)
        if first.any() or second.any()
    ]
    return float(np.mean(values)) if values else 1.0


def still(tracker, clip, length=STILL):
    """What becomes of a picture that stands still: instances lost, largest change of area, least mean J to the given mask."""
    found = follow(tracker, [clip.frames[0]] * length, clip.masks)
    masks = masks_of(found)
    lost = sum(any(state is not TrackState.VISIBLE for state in track.states) for track in found.tracks)
    seen = {name: [mask for mask in every if mask.any()] for name, every in masks.items()}
    areas = [abs(mask.sum() / clip.masks[name].sum() - 1) for name, every in seen.items() for mask in every]
    kept = [np.mean([iou(mask, clip.masks[name]) for mask in every]) for name, every in masks.items()]
    values = (("still: lost", lost), ("still: area", max(areas)), ("still: J", min(kept)))
    return [Row(clip=clip.name, change=name, value=float(value), frames=length) for name, value in values]


def turned(tracker, clip):
    """How alike the tracks of a clip stay when it is turned, once that is undone."""
    forward = masks_of(follow(tracker, clip.frames, clip.masks))
    height, width = clip.frames[0].shape[:2]
    size = (round(width * SMALL), round(height * SMALL))
    changed = {
        "mirrored": [np.ascontiguousarray(frame[:, ::-1]) for frame in clip.frames],
        "brighter": [np.clip(frame * BRIGHT, 0, 255).astype(np.uint8) for frame in clip.frames],
        "at 80 % size": [cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in clip.frames],
        "doubled": [frame for frame in clip.frames for _ in range(2)],
    }
    given = {
        "mirrored": {name: mask[:, ::-1] for name, mask in clip.masks.items()},
        "at 80 % size": {name: resized(mask, size) for name, mask in clip.masks.items()},
    }
    rows = []
    for change, frames in changed.items():
        found = masks_of(follow(tracker, frames, given.get(change, clip.masks)))
        wanted = forward
        if change == "mirrored":
            found = {name: [mask[:, ::-1] for mask in every] for name, every in found.items()}
        elif change == "at 80 % size":
            wanted = {name: [resized(mask, size) for mask in every] for name, every in forward.items()}
        elif change == "doubled":
            found = {name: every[::2] for name, every in found.items()}
        rows.append(Row(clip=clip.name, change=change, value=likeness(wanted, found), frames=len(frames)))
    row = backwards(tracker, clip, forward)
    return rows if row is None else [*rows, row]


def backwards(tracker, clip, forward):
    """The same from the last frame in which most instances are seen, back to the first; None where that is the first."""
    counts = [sum(masks[at].any() for masks in forward.values()) for at in range(len(clip.frames))]
    last = max(at for at, count in enumerate(counts) if count == max(counts[1:]))
    begun = {name: masks[last] for name, masks in forward.items() if masks[last].any()}
    if not begun:
        return None
    found = masks_of(follow(tracker, clip.frames[last::-1], begun))
    wanted = {name: forward[name][last::-1] for name in begun}
    return Row(clip=clip.name, change="reversed", value=likeness(wanted, found), frames=last + 1)


def resized(mask, size):
    """A mask at another size (width, height)."""
    return cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5


def table(rows):
    """One line a clip, one column a change, the target below each."""
    changes = list(TARGETS)
    lines = ["  ".join([f"{'':>14}", *[f"{change:>12}" for change in changes]])]
    for clip in dict.fromkeys(row.clip for row in rows):
        told = {row.change: row.value for row in rows if row.clip == clip}
        lines.append(
            "  ".join([f"{clip:>14}", *[f"{told[change]:12.3f}" if change in told else f"{'-':>12}" for change in changes]])
        )
    signs = ["<=" if change in ("still: lost", "still: area") else ">=" for change in changes]
    targets = [f"{sign + format(TARGETS[change], 'g'):>12}" for sign, change in zip(signs, changes, strict=True)]
    lines.append("  ".join([f"{'target':>14}", *targets]))
    return "\n".join(lines)


def meets(row):
    """Whether a row reaches the target of its change."""
    target = TARGETS[row.change]
    return row.value <= target if row.change in ("still: lost", "still: area") else row.value >= target


if __name__ == "__main__":
    built = plugins.build("trackers", sys.argv[1] if len(sys.argv) > 1 else "flow")
    print(table([row for clip in house_clips() for row in (*still(built, clip), *turned(built, clip))]))  # noqa: T201 - its purpose
