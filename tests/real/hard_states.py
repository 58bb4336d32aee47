"""Staged videos under blur and recompression, whose states are known: there are too few real frames to measure states on."""

import cv2

from intergeneval import staged
from intergeneval.masks import decode, iou
from tests.real.scoring import Look
from tests.trackers.invariance import follow
from tests.videos.encoded_clips import encode, frames_of

POLICIES = ("vanishes", "flickers", "perfect")
SCENES = range(3, 183, 30)
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
    return found


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
