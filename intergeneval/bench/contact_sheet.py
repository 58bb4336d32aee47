"""A contact sheet: the first frames of a benchmark with masks and boxes in the instances' colours, as one picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from intergeneval.bench.benchmark import Benchmark, Frame
from intergeneval.bench.files import load_first_frame, load_mask
from intergeneval.errors import BenchError
from intergeneval.masks import COLOUR_RGB, Mask, box
from intergeneval.records import Sample
from intergeneval.records.wording import in_words

TILE = (240, 360)
"""Height and width of one picture on the sheet, in pixels."""
LARGEST = 400
"""Most samples that one sheet shows."""

_CAPTION = 64
_INK, _PAPER = (30, 30, 30), 250
_LETTERS = 54


def contact_sheet(benchmark: Benchmark) -> Frame:
    """Return the sheet, RGB uint8 (H, W, 3), about as wide as it is high; samples without a first frame get a grey field.

    Raises BenchError when no sample has one, when a file is damaged, or when there are more samples than LARGEST.
    """
    samples = benchmark.samples
    if len(samples) > LARGEST:
        raise BenchError(
            f"benchmark {benchmark.name!r} has {len(samples)} samples, a sheet shows {LARGEST}; choose some with --limit"
        )
    if benchmark.first_look is None and not any(sample.image for sample in samples):
        raise BenchError(f"benchmark {benchmark.name!r} has no first frames to show")
    columns = min(len(samples), max(4, math.ceil(math.sqrt(len(samples) * (TILE[0] + _CAPTION) / TILE[1]))))
    tiles = [_tile(benchmark, sample) for sample in samples]
    tiles += [np.full_like(tiles[0], _PAPER)] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[start : start + columns], axis=1) for start in range(0, len(tiles), columns)]
    return np.concatenate(rows, axis=0)


def drawn_frame(benchmark: Benchmark, sample: Sample) -> Frame | None:
    """Return a sample's first frame with its masks and boxes, RGB uint8 (H, W, 3); None where it has none. Raises BenchError."""
    import cv2

    frame, masks = _look(benchmark, sample)
    if frame is None:
        return None
    line = max(2, round(frame.shape[1] / 240))
    for item in sample.instances:
        mask = masks.get(item.id)
        if mask is None:
            continue
        if mask.shape != frame.shape[:2]:
            raise BenchError(
                f"benchmark {benchmark.name!r}, sample {sample.id!r}: mask of {item.id!r} and first frame differ in size"
            )
        colour = np.array(COLOUR_RGB[item.colour])
        frame[mask] = (0.55 * frame[mask] + 0.45 * colour).astype(np.uint8)
        edges = box(mask)
        if edges is not None:
            x0, y0, x1, y1 = (round(edge) for edge in edges)
            cv2.rectangle(frame, (x0, y0), (x1 - 1, y1 - 1), COLOUR_RGB[item.colour], line)
    return frame


def _look(benchmark: Benchmark, sample: Sample) -> tuple[Frame | None, Mapping[str, Mask]]:
    if benchmark.first_look is not None:
        frame, masks = benchmark.first_look(sample)
        return frame.copy(), masks
    frame_or_none = load_first_frame(benchmark, sample)
    if frame_or_none is None:
        return None, {}
    return frame_or_none, {item.id: load_mask(benchmark, sample, item) for item in sample.instances if item.mask is not None}


def _tile(benchmark: Benchmark, sample: Sample) -> Frame:
    import cv2

    height, width = TILE
    tile = np.full((height + _CAPTION, width, 3), _PAPER, dtype=np.uint8)
    frame = drawn_frame(benchmark, sample)
    if frame is None:
        tile[4 : height - 4, 4 : width - 4] = 200
    else:
        scale = min((height - 8) / frame.shape[0], (width - 8) / frame.shape[1])
        size = max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
        tile[top : top + small.shape[0], left : left + small.shape[1]] = small
    for index, text in enumerate(_caption(sample)):
        place = (6, height + 14 + 18 * index)
        cv2.putText(tile, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, _INK, 1, cv2.LINE_AA)
    return tile


def _caption(sample: Sample) -> Sequence[str]:
    """Return three short lines; OpenCV's letters are ASCII, anything else becomes a question mark."""
    instances = ", ".join(f"{item.colour} {item.class_}" for item in sample.instances)
    actions = "; ".join(in_words(sample, item) for item in sample.interactions) or "no interaction yet"
    return [_ascii(text) for text in (sample.id, instances, actions)]


def _ascii(text: str) -> str:
    plain = text.encode("ascii", "replace").decode("ascii")
    return plain if len(plain) <= _LETTERS else plain[: _LETTERS - 3] + "..."
