"""Small benchmarks on disk, whole or damaged, for tests."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

SIZE = (24, 36)

TOML = 'name = "small"\nversion = "1"\ndescription = "A small one."\nlicence = "CC0-1.0"\n'


def write_image(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


def square(left: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    mask = np.zeros(size, np.uint8)
    mask[4:12, left : left + 8] = 255
    return mask


def sample_json(root: Path, name: str = "one") -> dict[str, Any]:
    """A sound sample as JSON, with its files written below `root`."""
    files = {f"first_frames/{name}.png": np.full((*SIZE, 3), 90, np.uint8)}
    files |= {f"masks/{name}/id{index}.png": square(left) for index, left in ((1, 2), (2, 20))}
    for path, image in files.items():
        write_image(root / path, image)
    return {
        "id": name,
        "prompt": "A man lifts a cup.",
        "instances": [
            {"id": "id1", "class": "man", "appearance": "man in red", "colour": "red", "mask": f"masks/{name}/id1.png"},
            {"id": "id2", "class": "cup", "appearance": "blue cup", "colour": "blue", "mask": f"masks/{name}/id2.png"},
        ],
        "interactions": [{"subject": "id1", "verb": "lifts", "object": "id2", "category": "transport"}],
        "image": f"first_frames/{name}.png",
        "size": list(SIZE),
        "hashes": {path: hashlib.sha256((root / path).read_bytes()).hexdigest() for path in files},
    }


def write_samples(root: Path, samples: list[Any]) -> None:
    lines = [item if isinstance(item, str) else json.dumps(item) for item in samples]
    (root / "samples.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def own_benchmark(root: Path, names: tuple[str, ...] = ("one",)) -> Path:
    """A sound benchmark in our own format."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "bench.toml").write_text(TOML, encoding="utf-8")
    write_samples(root, [sample_json(root, name) for name in names])
    return root


def meta_entry(prompt: str = "A man lifts a cup.") -> dict[str, Any]:
    return {
        "video_text_prompt": prompt,
        "image_text_prompt": "A man beside a cup.",
        "interaction_direction": "bidirectional",
        "num_objects": 2,
        "interaction_type": "contact",
        "objects": [{"class": "man", "appearance": "man in red"}, {"class": "cup", "appearance": "blue cup"}],
    }


def questions_json(number: str, colours: tuple[str, ...] = ("red", "green")) -> dict[str, Any]:
    return {
        "video_id": number,
        "prompt": "A man lifts a cup.",
        "entity": ["man", "cup"],
        "appearance": ["man in red", "blue cup"],
        "colors": list(colours),
        "items": [{"key_interaction": "man lifts cup", "questions": [f"question {index}?" for index in range(1, 11)]}],
    }


def official_type(folder: Path, count: int = 1, *, questions: bool = True) -> Path:
    """One sound ``{type}`` folder of the release's layout."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "meta.json").write_text(json.dumps([meta_entry() for _ in range(count)]), encoding="utf-8")
    for index in range(count):
        number = f"{index:03d}"
        write_image(folder / f"images/{number}.png", np.full((*SIZE, 3), 90, np.uint8))
        for place, left in ((1, 2), (2, 20)):
            write_image(folder / f"masks/{number}/id{place}.png", square(left))
        if questions:
            path = folder / f"questions/{number}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(questions_json(number)), encoding="utf-8")
    return folder
