"""Staged videos under blur and recompression, whose states are known: there are too few real frames to measure states on.

In the staged world people vanish and flicker; nobody goes behind another or out of the picture. So the largest of a first frame
is cut out besides and moved over the smallest, where it rests, and on over the border.

`python -m tests.trackers.hard_states [tracker]` prints precision and recall of hidden, left and gone with their counts.
"""

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from intergeneval import plugins, staged
from intergeneval.masks import decode, iou
from tests.real.scoring import Look, figures, states_text
from tests.trackers.invariance import follow
from tests.videos.encoded_clips import encode, frames_of

POLICIES = ("vanishes", "flickers", "perfect")
SCENES = range(3, 183, 30)
CROSSINGS = range(5, 180, 16)
FRAMES = (5, 10, 15, 20, 25, 30, 35, 40, 45, 48)
NAMES = {"visible": "visible", "occluded": "hidden", "left": "left", "vanished": "gone"}


def staged_looks(tracker, folder):
    """Looks at staged videos of the development split, blurred and of low quality; what went out of sight is among them."""
    found = []
    for policy in POLICIES:
        for index in SCENES:
            scene = staged.scene(staged.DEVELOPMENT_SEED, index)
            frames, truth = staged.Performance(scene, staged.Request(policy=policy)).record(keep_frames=True)
            path = encode(folder / f"{policy}-{index}.mp4", blurred(frames), codec="libx264", crf=32)
            found += looks_of(truth.visible, follow(tracker, frames_of(path), given(truth.visible)), f"{policy} {index}")
    for index in CROSSINGS:
        found += crossing(tracker, staged.scene(staged.DEVELOPMENT_SEED, index), folder / f"crossing-{index}.mp4")
    return found


def crossing(tracker, scene, path):
    """Looks at the largest and the smallest instance of a scene; frames in which one is seen in part say nothing."""
    shown, true, masks = crossing_clip(scene)
    encode(path, blurred(shown), codec="libx264", crf=32)
    found = follow(tracker, frames_of(path), masks)
    mover, hidden = true[0]
    return [look for name in (mover, hidden) for look in _seen(name, masks, true, found, "left" if name == mover else "hidden")]


def crossing_clip(scene):
    """Frames in which the largest instance of a scene moves over the smallest and out.

    Besides, a frame each, the true masks of the two, mover first, and the masks of all in the first frame.
    """
    frames, truth = staged.Performance(scene, staged.Request(policy="perfect", frames=2)).record(keep_frames=True)
    masks = given(truth.visible)
    mover, hidden = max(masks, key=lambda name: masks[name].sum()), min(masks, key=lambda name: masks[name].sum())
    behind = cv2.inpaint(frames[0], cv2.dilate(masks[mover].astype(np.uint8), np.ones((5, 5))), 5, cv2.INPAINT_TELEA)
    start, goal = (np.argwhere(masks[name]).mean(axis=0)[::-1] for name in (mover, hidden))
    size = masks[mover].shape[::-1]
    out = np.array([size[0] * 1.4 if goal[0] > size[0] / 2 else -size[0] * 0.4, goal[1]])
    shown, true = [], []
    for at in range(49):
        step = np.interp(at, (3, 15, 27, 40), (0, 1, 1, 2))
        move = (goal - start) * min(step, 1) + (out - goal) * max(step - 1, 0)
        matrix = np.array([[1, 0, move[0]], [0, 1, move[1]]])
        front = cv2.warpAffine(masks[mover].astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST) > 0
        shown.append(np.where(front[..., None], cv2.warpAffine(frames[0], matrix, size), behind))
        true.append({mover: front, hidden: masks[hidden] & ~front})
    return shown, true, masks


def _seen(name, masks, true, found, away):
    """Looks at one instance, in the frames in which it is out of sight or more than half of it can be seen."""
    track, looks = found.track(name), []
    for at in FRAMES:
        share = true[at][name].sum() / masks[name].sum()
        if 0.05 < share < 0.5:
            continue
        looks.append(
            Look(
                model="crossing",
                sample="crossing",
                instance=name,
                frame=at,
                seen="visible" if share >= 0.5 else away,
                said=track.states[at],
                confidence=track.confidence[at],
                on_it=share >= 0.5 and iou(decode(track.masks[at], found.size), true[at][name]) > 0.5,
            )
        )
    return looks


def blurred(frames):
    """Frames as soft as those of generated video."""
    return [cv2.GaussianBlur(frame, (0, 0), 1.5) for frame in frames]


def given(true):
    """The masks of the first frame."""
    return {track.instance_id: decode(track.masks[0], true.size) for track in true.tracks}


def looks_of(true, found, name):
    """Every instance at the sampled frames; on it where half of the two masks together is shared."""
    return [
        Look(
            model=name.split()[0],
            sample=name,
            instance=track.instance_id,
            frame=at,
            seen=NAMES[true.track(track.instance_id).states[at].value],
            said=track.states[at],
            confidence=track.confidence[at],
            on_it=iou(decode(track.masks[at], found.size), decode(true.track(track.instance_id).masks[at], true.size)) > 0.5,
        )
        for track in found.tracks
        for at in FRAMES
    ]


if __name__ == "__main__":
    built = plugins.build("trackers", sys.argv[1] if len(sys.argv) > 1 else "flow")
    with tempfile.TemporaryDirectory() as scratch:
        seen = staged_looks(built, Path(scratch))
    print(f"{len(seen)} looks\n{states_text(figures(seen).states)}")  # noqa: T201 - its purpose
