"""A benchmark of small textured rectangles, its videos and their stored tracks, written to disk like a user's."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from intergeneval import masks, videos
from intergeneval.records import Tracks, TrackState

SIZE = (64, 96)
FRAMES = 24


def boxes_at(frame: int) -> dict[str, tuple[int, int, int, int]]:
    """Give the boxes of the pusher and the crate: the first walks up to the second and pushes it on."""
    pusher = 8 + 2 * frame
    return {"id1": (pusher, 20, pusher + 14, 52), "id2": (max(40, pusher + 14), 36, max(40, pusher + 14) + 16, 52)}


def mask_of(box: tuple[int, int, int, int]) -> masks.Mask:
    mask = np.zeros(SIZE, dtype=bool)
    mask[box[1] : box[3], box[0] : min(box[2], SIZE[1])] = True
    return mask


def frame_at(index: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    frame = cv2.resize(rng.integers(90, 170, (16, 24, 3), dtype=np.uint8), SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    for box, colour in zip(boxes_at(index).values(), ((200, 40, 40), (40, 60, 200)), strict=True):
        x0, y0, x1, y1 = box
        texture = rng.integers(-25, 25, (y1 - y0, min(x1, SIZE[1]) - x0, 1))
        frame[y0:y1, x0 : min(x1, SIZE[1])] = np.clip(np.array(colour) + texture, 0, 255).astype(np.uint8)
    return frame


def write_benchmark(folder: Path, sample_ids: tuple[str, ...] = ("a", "b", "c")) -> Path:
    """Write the benchmark folder and return it."""
    lines = []
    for sample_id in sample_ids:
        for instance_id, box in boxes_at(0).items():
            path = folder / "masks" / sample_id / f"{instance_id}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), mask_of(box).astype(np.uint8) * 255)
        lines.append(
            {
                "id": sample_id,
                "prompt": "A tall block pushes a crate.",
                "instances": [
                    {
                        "id": "id1",
                        "class": "block",
                        "appearance": "tall red block",
                        "colour": "red",
                        "mask": f"masks/{sample_id}/id1.png",
                    },
                    {
                        "id": "id2",
                        "class": "crate",
                        "appearance": "blue crate",
                        "colour": "blue",
                        "mask": f"masks/{sample_id}/id2.png",
                    },
                ],
                "interactions": [{"subject": "id1", "verb": "pushes", "object": "id2", "category": "force"}],
                "size": list(SIZE),
            }
        )
    (folder / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "bench.toml").write_text('name = "tiny"\nversion = "1"\ndescription = "For tests."\nlicence = "Apache-2.0"\n')
    return folder


def write_videos(folder: Path, sample_ids: tuple[str, ...] = ("a", "b", "c"), *, tracks: bool = True) -> Path:
    """Write one video for each sample, with its true tracks beside it for the `stored` tracker, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, sample_id in enumerate(sample_ids):
        videos.write_video(folder / f"{sample_id}.mp4", (frame_at(index, number) for index in range(FRAMES)), 8.0)
        if tracks:
            (folder / f"{sample_id}.tracks.json").write_text(json.dumps(true_tracks(sample_id).to_json()))
    return folder


def true_tracks(sample_id: str) -> Tracks:
    return Tracks(
        sample_id=sample_id,
        seed=0,
        tracker="truth",
        size=SIZE,
        fps=8.0,
        tracks=tuple(
            masks.track_of(
                instance_id,
                [mask_of(boxes_at(index)[instance_id]) for index in range(FRAMES)],
                [TrackState.VISIBLE] * FRAMES,
                [1.0] * FRAMES,
            )
            for instance_id in ("id1", "id2")
        ),
    )
