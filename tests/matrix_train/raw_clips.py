"""Raw clips for curations: small staged videos with captions and boxes, and bad ones made of them, each with what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval.masks import box
from intergeneval.staged import scenes
from intergeneval.videos import write_video
from matrix_train.data.staged import Format, paint

Frames = npt.NDArray[np.uint8]
SEED = 4242
SIZE = (96, 128)
FPS = 8.0
COUNT = 17
"""Frames of a clip."""
SETTINGS = f"""workers = 1
detector = "none"
tracker = "flow"
[shots]
detector = "none"
[form]
frames = {COUNT}
fps = {FPS}
[filters]
smallest = 64
"""
"""Settings under which they are curated."""
WORDS = (
    "BREAKING NEWS FROM THE CITY HALL",
    "subscribe to the channel for more",
    "Chapter Two: The long way home",
    "SALE 50% off this weekend only!",
    "and then she said, I will not go",
    "LIVE 20:15 markets fall again today",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """One clip before it is written."""

    id: str
    """Its name."""
    frames: Frames
    """RGB (F, H, W, 3)."""
    row: Mapping[str, Any]
    """What a list says of it beside its video."""
    fps: float = FPS
    """Frames per second."""


def painted(count: int, *, frames: int = COUNT, size: tuple[int, int] = SIZE, seed: int = SEED) -> Iterator[Raw]:
    """Give the first staged scenes of a seed, with captions, boxes in the first frame and interactions."""
    for scene in scenes(seed, count):
        sample = scene.sample()
        play = paint(scene, "perfect", Format(size=size, frames=frames, fps=FPS))
        instances = []
        for item, shares in zip(sample.instances, play.shares, strict=True):
            edges = box(shares[0] >= 0.5)
            told: dict[str, Any] = {"id": item.id, "class": item.class_, "appearance": item.appearance}
            instances.append({**told, "box": None if edges is None else list(edges)})
        acts = [act.to_json() for act in sample.interactions]
        row = {"caption": sample.prompt, "instances": instances, "interactions": acts, "licence": "CC0-1.0"}
        yield Raw(id=scene.id, frames=play.frames, row=row)


def write(folder: Path, clips: Sequence[Raw]) -> Path:
    """Write clips and the list of them; return the list's path."""
    (folder / "videos").mkdir(parents=True, exist_ok=True)
    rows = []
    for clip in clips:
        write_video(folder / "videos" / f"{clip.id}.mp4", clip.frames, clip.fps)
        rows.append(json.dumps({"id": clip.id, "video": f"videos/{clip.id}.mp4", **clip.row}) + "\n")
    (folder / "list.jsonl").write_text("".join(rows))
    return folder / "list.jsonl"


def frozen(clip: Raw) -> Raw:
    """Return a clip in which nothing moves."""
    return Raw(id=f"frozen-{clip.id}", frames=np.repeat(clip.frames[:1], len(clip.frames), axis=0), row=clip.row)


def dark(clip: Raw, share: float = 0.12) -> Raw:
    """Return a clip in very little light, with the noise of a camera."""
    noise = np.random.default_rng(len(clip.id)).normal(0, 2, clip.frames.shape)
    return Raw(id=f"dark-{clip.id}", frames=np.clip(clip.frames * share + noise, 0, 255).astype(np.uint8), row=clip.row)


def tiny(clip: Raw, side: int = 48) -> Raw:
    """Return a clip of few pixels."""
    scale = side / min(clip.frames.shape[1:3])
    return Raw(id=f"tiny-{clip.id}", frames=resized(clip.frames, scale), row=_without_boxes(clip.row))


def slow(clip: Raw, times: int = 3) -> Raw:
    """Return a clip that shows each picture several times at the rate of the others: a third of the pictures a second."""
    frames = np.repeat(clip.frames, times, axis=0)[: max(len(clip.frames), COUNT + 1)]
    return Raw(id=f"slow-{clip.id}", frames=frames, row=clip.row)


def text(clip: Raw, number: int) -> Raw:
    """Return a clip with writing over it: a line at the bottom, two lines, a banner, or a page."""
    words = [WORDS[(number + place) % len(WORDS)] for place in range(8)]
    height, width = clip.frames.shape[1:3]
    kind = number % 4
    rows = {0: [0.9], 1: [0.8, 0.93], 2: [0.12], 3: [0.15, 0.3, 0.45, 0.6, 0.75, 0.9]}[kind]
    frames = clip.frames.copy()
    for frame in frames:
        if kind in (2, 3):
            top, low = (0, int(0.18 * height)) if kind == 2 else (0, height)
            frame[top:low] = (frame[top:low] * 0.25).astype(np.uint8)
        for place, row in enumerate(rows):
            scale = cv2.getFontScaleFromHeight(cv2.FONT_HERSHEY_SIMPLEX, max(6, round(0.055 * height)), 1)
            spot = round(0.03 * width), round(row * height)
            thick = max(1, round(height / 240))
            cv2.putText(frame, words[place], spot, cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), 3 * thick, cv2.LINE_AA)
            cv2.putText(frame, words[place], spot, cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), thick, cv2.LINE_AA)
    return Raw(id=f"text-{clip.id}", frames=frames, row=clip.row)


def double(clip: Raw, number: int) -> Raw:
    """Return the same clip once more: scaled, lighter, darker, cropped at its edge, or merely encoded again."""
    frames = clip.frames
    kind = number % 5
    if kind == 0:
        frames = resized(frames, 0.75)
    elif kind == 1:
        frames = np.clip(frames * 1.15 + 6, 0, 255).astype(np.uint8)
    elif kind == 2:
        frames = (frames * 0.8).astype(np.uint8)
    elif kind == 3:
        rows, columns = (max(2, round(0.02 * side) // 2 * 2) for side in frames.shape[1:3])
        frames = np.ascontiguousarray(frames[:, rows:-rows, columns:-columns])
    row = clip.row if kind in (1, 2, 4) else _without_boxes(clip.row)
    return Raw(id=f"zdouble-{clip.id}", frames=frames, row=row)


def joined(one: Raw, other: Raw) -> Raw:
    """Return a video that is cut from one clip to another in its middle."""
    return Raw(id=f"cut-{one.id}", frames=np.concatenate([one.frames, other.frames]), row=_without_boxes(one.row))


def resized(frames: Frames, scale: float) -> Frames:
    """Return frames at another size, sides even."""
    height, width = (max(2, round(side * scale / 2) * 2) for side in frames.shape[1:3])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.stack([np.asarray(cv2.resize(frame, (width, height), interpolation=way), dtype=np.uint8) for frame in frames])


def _without_boxes(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "instances": [{**one, "box": None} for one in row["instances"]]}
