"""Contact sheets: one row of frames a scene, to look at, and for the reader test (``python -m intergeneval.staged.sheet``)."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from intergeneval.masks.writing import encode_picture
from intergeneval.records.disk import write_atomically
from intergeneval.staged.by_seed import scene
from intergeneval.staged.canvas import Image
from intergeneval.staged.dial import Dial
from intergeneval.staged.scene import DEVELOPMENT_SEED, Scene
from intergeneval.staged.scripts import SCRIPTS
from intergeneval.staged.stage import Stage

COLUMNS = 6
"""Frames a row, evenly spread over the video."""
ROWS = 6
"""Scenes a sheet."""
CELL = (213, 320)
"""Height and width of one frame on a sheet, in pixels."""
_GAP = 6
_LABEL = 34


def sheet(scenes: Sequence[Scene], first: int = 1) -> Image:
    """Return a contact sheet (H, W, 3): one numbered row a scene, from number `first`, without a word of what happens."""
    rows = []
    for number, item in enumerate(scenes, start=first):
        # Sensor noise and the last bits of colour would make the file six times as large and show nothing.
        stage = Stage(replace(item, noise=0.0), Dial(), CELL)
        cells = [stage.shot(index / (COLUMNS - 1)).frame & 0xF0 | 0x08 for index in range(COLUMNS)]
        width = COLUMNS * (CELL[1] + _GAP) + _LABEL
        row = np.full((CELL[0] + _GAP, width, 3), 255, dtype=np.uint8)
        cv2.putText(row, str(number), (2, CELL[0] // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (40, 40, 40), 2, cv2.LINE_AA)
        for column, cell in enumerate(cells):
            left = _LABEL + column * (CELL[1] + _GAP)
            row[: CELL[0], left : left + CELL[1]] = cell
        rows.append(row)
    return np.concatenate(rows, axis=0)


def reader_scenes(seed: int, count: int = 24) -> list[Scene]:
    """Return scenes with one interaction each, every verb at most once, in an order that tells nothing."""
    found: dict[str, Scene] = {}
    index = 0
    while len(found) < min(count, len(SCRIPTS)):
        item = scene(seed, index)
        index += 1
        verb = item.acts[0].script.verb
        if len(item.acts) == 1 and verb not in found:
            found[verb] = item
    return sorted(found.values(), key=lambda item: (item.index * 7919) % 101)


def write(folder: Path, seed: int) -> None:
    """Write the sheets of 24 scenes as PNG files, and the key as JSON. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = reader_scenes(seed)
    for page in range(0, len(chosen), ROWS):
        path = folder / f"sheet-{page // ROWS + 1}.png"
        picture = sheet(chosen[page : page + ROWS], page + 1)
        write_atomically(path, encode_picture(picture, ".png", (cv2.IMWRITE_PNG_COMPRESSION, 9)))
    key = {
        str(number): {"sample": item.id, "verb": item.acts[0].script.verb, "prompt": item.sample().prompt}
        for number, item in enumerate(chosen, start=1)
    }
    write_atomically(folder / "key.json", json.dumps(key, indent=2, ensure_ascii=False) + "\n")


def main() -> None:
    """Read the arguments and write."""
    parser = argparse.ArgumentParser(description="Write contact sheets of 24 staged scenes, without labels, and their key.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=DEVELOPMENT_SEED)
    asked = parser.parse_args()
    write(asked.folder, asked.seed)


if __name__ == "__main__":
    main()
