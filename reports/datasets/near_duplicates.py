"""How far perceptual hashes of clips lie from those of their own copies, and from those of other clips.

    python reports/datasets/near_duplicates.py

Draws 120 staged clips of 13 frames, 192x128, changes each in eleven ways, and prints the shares of bits that differ. Minutes
on a CPU core.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval.videos import Frame, Reader, write_video
from matrix_train.data.staged import write_staged_clips
from matrix_train.datasets.likeness import DISTANCE, video_hash

CLIPS, FRAMES, HEIGHT, WIDTH = 120, 13, 128, 192
Frames = list[Frame]


def each(change: Callable[[Frame], object]) -> Callable[[Frames], Frames]:
    """Return what changes every frame of a clip."""
    return lambda frames: [np.ascontiguousarray(np.asarray(change(frame), dtype=np.uint8)) for frame in frames]


def cropped(frame: Frame, share: float) -> object:
    """Return a frame without that share at each side, at its size."""
    top, left = round(share * HEIGHT), round(share * WIDTH)
    return cv2.resize(frame[top : HEIGHT - top, left : WIDTH - left], (WIDTH, HEIGHT))


def noisy(frame: Frame) -> object:
    """Return a frame with noise of 8 levels."""
    return np.clip(frame + np.random.default_rng(0).normal(0, 8, frame.shape), 0, 255)


COPIES: dict[str, Callable[[Frames], Frames]] = {
    "encoded anew": each(lambda frame: frame),
    "at half the size": each(lambda frame: cv2.resize(frame, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)),
    "darker by a third": each(lambda frame: frame * 0.67),
    "brighter by a third, clipped": each(lambda frame: np.clip(frame * 1.3 + 10, 0, 255)),
    "with noise of 8 levels": each(noisy),
    "every second frame": lambda frames: frames[::2],
    "without its first two frames": lambda frames: frames[2:],
    "cropped by 4 % a side": each(lambda frame: cropped(frame, 0.04)),
    "cropped by 10 % a side": each(lambda frame: cropped(frame, 0.1)),
    "with a white box in a corner": each(lambda frame: cv2.rectangle(frame.copy(), (150, 8), (184, 28), (255, 255, 255), -1)),
    "mirrored": each(lambda frame: frame[:, ::-1]),
}


def line(what: str, apart: npt.NDArray[np.float64], furthest: float) -> str:
    """Return a row of the table: how many are taken for the same, the median, and the nearest of others or the furthest copy."""
    return f"| {what} | {(apart <= DISTANCE).mean():.1%} | {np.median(apart):.3f} | {furthest:.3f} |"


def main() -> None:
    """Print a line a change."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        write_staged_clips(root, seed=77, count=CLIPS, frames=FRAMES, size=(HEIGHT, WIDTH))
        clips = [list(Reader(path, keep=False)) for path in sorted((root / "videos").iterdir())]
        hashes = [video_hash(path) for path in sorted((root / "videos").iterdir())]
        others = np.array([np.unpackbits(one ^ other).mean() for one, other in combinations(hashes, 2)])
        print(line(f"other clips ({len(others)} pairs)", others, others.min()))
        for what, change in COPIES.items():
            apart = []
            for frames, own in zip(clips, hashes, strict=True):
                write_video(root / "copy.mp4", iter(change(frames)), 8.0)
                apart.append(np.unpackbits(video_hash(root / "copy.mp4") ^ own).mean())
            print(line(what, np.array(apart), max(apart)), flush=True)


if __name__ == "__main__":
    main()
