"""Writes the staged benchmark: ``python -m intergeneval.staged.write DIR [--seed N] [--count N] [--twins]``.

The folder holds what any benchmark of ours holds (``bench.toml``, ``samples.jsonl``, first frames and masks), drawn from the
seed: equal arguments give equal pixels and equal sample lines.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from intergeneval.ids import sha256_bytes
from intergeneval.masks.writing import encode_picture
from intergeneval.records import Sample
from intergeneval.records.disk import write_atomically
from intergeneval.staged.by_seed import scenes, twin_scenes
from intergeneval.staged.dial import Dial
from intergeneval.staged.scene import DEVELOPMENT_SEED, SIZE, TEST_SEED, Scene
from intergeneval.staged.stage import Stage

COUNT = 144
"""Scenes of the benchmark: 24 in each of the six groups (five categories, social ones apart by direction)."""
PAIRS = 60
"""Pairs of the benchmark of twins: 12 of each of five deeds."""
VERSION = "1.1"
"""Version of the benchmark: the world's, raised when pictures or scripts change, and after the dot that of what samples say."""
_QUALITY = 88
_NAMES = {TEST_SEED: "staged", DEVELOPMENT_SEED: "staged-dev"}


def write(folder: Path, seed: int = TEST_SEED, count: int = COUNT, size: tuple[int, int] = SIZE) -> tuple[Sample, ...]:
    """Write the benchmark of a seed into a folder and return its samples; `size` is height, width. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = tuple(_write_scene(folder, item, size) for item in scenes(seed, count))
    name = _NAMES.get(seed, f"staged-{seed}")
    _write_lists(
        folder,
        samples,
        f'name = "{name}"\nversion = "{VERSION}"\n'
        f'description = "{count} procedural scenes with known truth, seed {seed}; played by --model staged:POLICY."\n'
        'licence = "Apache-2.0. Drawn by intergeneval.staged."\n',
    )
    return samples


def write_twins(folder: Path, seed: int = TEST_SEED, count: int = PAIRS, size: tuple[int, int] = SIZE) -> tuple[Sample, ...]:
    """Write `count` pairs of twins of a seed into a folder and return their samples, which share first frame and masks."""
    pairs = (twin_scenes(seed, index) for index in range(count))
    samples = tuple(_write_scene(folder, item, size) for pair in pairs for item in pair)
    name = "staged-twins" if seed == TEST_SEED else f"staged-twins-{seed}"
    _write_lists(
        folder,
        samples,
        f'name = "{name}"\nversion = "1"\n'
        f'description = "{count} pairs of procedural scenes with one first frame and exchanged roles, seed {seed}; played by'
        ' --model staged:POLICY."\n'
        'licence = "Apache-2.0. Drawn by intergeneval.staged."\n\n[suite]\ntwins = true\n',
    )
    return samples


def _write_lists(folder: Path, samples: tuple[Sample, ...], head: str) -> None:
    lines = (json.dumps(sample.to_json(), ensure_ascii=False) for sample in samples)
    write_atomically(folder / "samples.jsonl", "".join(f"{line}\n" for line in lines))
    write_atomically(folder / "bench.toml", head)


def _write_scene(folder: Path, scene: Scene, size: tuple[int, int]) -> Sample:
    stage = Stage(scene, Dial(), size)
    shot = stage.shot(0.0)
    sample = scene.sample()
    hashes: dict[str, str] = {}

    def put(path: str, suffix: str, image: np.ndarray, options: Sequence[int]) -> None:
        content = encode_picture(image, suffix, options)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / path, content)
        hashes[path] = sha256_bytes(content)

    image = f"first_frames/{scene.stage_id}.jpg"
    put(image, ".jpg", shot.frame, (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))
    instances = []
    for item in sample.instances:
        path = f"masks/{scene.stage_id}/{item.id}.png"
        put(path, ".png", shot.ids == stage.owner(item.id), (cv2.IMWRITE_PNG_BILEVEL, 1, cv2.IMWRITE_PNG_COMPRESSION, 9))
        instances.append(replace(item, mask=path))
    return replace(sample, instances=tuple(instances), image=image, size=size, hashes=hashes)


def main() -> None:
    """Read the arguments and write."""
    parser = argparse.ArgumentParser(description="Write the staged benchmark.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=TEST_SEED)
    parser.add_argument("--count", type=int, help=f"Scenes, {COUNT} unless told, or pairs of twins, {PAIRS}.")
    parser.add_argument("--twins", action="store_true", help="Write pairs of twins: one first frame, exchanged roles.")
    asked = parser.parse_args()
    if asked.twins:
        write_twins(asked.folder, asked.seed, asked.count or PAIRS)
    else:
        write(asked.folder, asked.seed, asked.count or COUNT)


if __name__ == "__main__":
    main()
