"""Pictures for people and for models that look: all frames of a clip on one sheet, and the arms of a scene below one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from intergeneval.errors import MediaError
from intergeneval.masks import COLOUR_RGB
from intergeneval.masks.writing import encode_picture
from intergeneval.records import Sample, Video, VideoStatus
from intergeneval.records.disk import write_atomically
from intergeneval.store import RunStore
from intergeneval.videos import Frame, Reader

WIDTH = 224
"""Width of one frame on a sheet, in pixels."""
COLUMNS = 6
"""Frames a row of a clip's sheet."""
MOST = 30
"""Frames of a clip that are shown; of longer ones an even choice, first and last included."""
_GAP, _LINE = 6, 20
_PAPER, _INK = 250, (30, 30, 30)


def frames_of(path: Path, size: tuple[int, int] | None, most: int = MOST) -> tuple[list[int], list[Frame]]:
    """Return at most `most` frames of a video (H, W, 3), evenly chosen, with their numbers. Raises MediaError."""
    # As the study's runs read them: cut instead, they would not lie under the masks of a first frame of another shape.
    found = list(Reader(path, size=size, fit="scale", keep=False))
    if not found:
        raise MediaError(f"{path}: has no frame")
    chosen = sorted({round(place * (len(found) - 1) / max(1, most - 1)) for place in range(most)}) if len(found) > most else None
    numbers = list(range(len(found))) if chosen is None else chosen
    return numbers, [np.asarray(found[number], dtype=np.uint8) for number in numbers]


def clip_sheet(
    title: str, legend: Sequence[tuple[str, str]], first: Frame, frames: Sequence[Frame], numbers: Sequence[int]
) -> Frame:
    """Return a clip's sheet: title, who is who (colour, name) beside the first frame with masks, and the numbered frames."""
    who = _cell(first, "who is who")
    text = np.full((who.shape[0], (COLUMNS - 1) * (WIDTH + _GAP), 3), _PAPER, dtype=np.uint8)
    _write(text, title, 4, 24)
    for place, (colour, name) in enumerate(legend, 1):
        top = 12 + place * (_LINE + 6)
        cv2.rectangle(text, (4, top), (18, top + 14), COLOUR_RGB[colour], -1)
        _write(text, f"{colour}: {name}", 26, top + 12)
    rows = [np.concatenate([who, text], axis=1)]
    cells = [_cell(frame, f"frame {number}") for frame, number in zip(frames, numbers, strict=True)]
    blank = np.full_like(cells[0], _PAPER)
    for start in range(0, len(cells), COLUMNS):
        row = cells[start : start + COLUMNS]
        rows.append(np.concatenate([*row, *[blank] * (COLUMNS - len(row))], axis=1))
    return np.concatenate(rows, axis=0)


def write_png(path: Path, picture: Frame) -> None:
    """Write an RGB picture. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, encode_picture(picture))


def arms_side_by_side(stores: Mapping[tuple[str, int | None], RunStore], arms: Sequence[str], folder: Path, scenes: int) -> None:
    """Write one sheet for each of some scenes: a row an arm (its first training and noise seed), six frames, first to last."""
    first = {arm: next(store for (name, _), store in stores.items() if name == arm) for arm in arms}
    samples = {item.id: item for item in next(iter(first.values())).read("samples", Sample)}
    videos = {arm: _videos(store) for arm, store in first.items()}
    ids = list(samples)
    count = min(scenes, len(ids))
    for name in (ids[place * len(ids) // count] for place in range(count)):
        rows = []
        for arm in arms:
            video = videos[arm].get(name)
            if video is None:
                continue
            _, frames = frames_of(first[arm].folder / video.path, samples[name].size, COLUMNS)
            rows.append(np.concatenate([_cell(frame, arm if not place else "") for place, frame in enumerate(frames)], axis=1))
        if rows:
            write_png(folder / f"{name}.png", np.concatenate([_title(samples[name].prompt, rows[0].shape[1]), *rows], axis=0))


def twins_side_by_side(
    stores: Mapping[tuple[str, int | None], RunStore], arms: Sequence[str], folder: Path, pairs: Sequence[tuple[str, str]]
) -> None:
    """Write one sheet for each pair of samples: a row an arm (its first training and noise seed), three frames a video."""
    first = {arm: next(store for (name, _), store in stores.items() if name == arm) for arm in arms}
    samples = {item.id: item for item in next(iter(first.values())).read("samples", Sample)}
    videos = {arm: _videos(store) for arm, store in first.items()}
    for pair in pairs:
        rows = []
        for arm in arms:
            if not set(pair) <= videos[arm].keys():
                continue
            shown = [frames_of(first[arm].folder / videos[arm][name].path, samples[name].size, 3)[1] for name in pair]
            cells = [_cell(frame, arm if not place else "") for place, frame in enumerate([*shown[0], *shown[1]])]
            rows.append(np.concatenate(cells, axis=1))
        if rows:
            half = rows[0].shape[1] // 2
            title = np.concatenate([_title(samples[name].prompt, half) for name in pair], axis=1)
            write_png(folder / f"{pair[0]}.png", np.concatenate([title, *rows], axis=0))


def _videos(store: RunStore) -> dict[str, Video]:
    """Return the first noise seed's video of each sample that can be shown."""
    latest = {(video.sample_id, video.seed): video for video in store.read("videos", Video)}
    found: dict[str, Video] = {}
    for (name, _), video in sorted(latest.items(), reverse=True):
        if video.status is VideoStatus.OK:
            found[name] = video
    return found


def _cell(frame: Frame, words: str) -> Frame:
    height = round(frame.shape[0] * WIDTH / frame.shape[1])
    cell = np.full((height + _LINE, WIDTH + _GAP, 3), _PAPER, dtype=np.uint8)
    enlarge = cv2.INTER_CUBIC if frame.shape[1] < WIDTH else cv2.INTER_AREA
    cell[:height, :WIDTH] = cv2.resize(frame, (WIDTH, height), interpolation=enlarge)
    _write(cell, words, 2, height + 14)
    return cell


def _title(words: str, width: int) -> Frame:
    strip = np.full((_LINE + 8, width, 3), _PAPER, dtype=np.uint8)
    _write(strip, words, 4, 18)
    return strip


def _write(picture: Frame, words: str, left: int, base: int) -> None:
    """Write words into a picture; OpenCV's letters are ASCII, anything else becomes a question mark."""
    plain = words.encode("ascii", "replace").decode("ascii")
    cv2.putText(picture, plain, (left, base), cv2.FONT_HERSHEY_SIMPLEX, 0.45, _INK, 1, cv2.LINE_AA)
