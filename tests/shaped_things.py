"""Flat things in a picture of any shape, and where they lie in another picture: to see whether masks and a video still meet."""

import json

import cv2
import numpy as np

SHAPES = {"16:9": (720, 1280), "3:2": (640, 960), "1:1": (768, 768)}
"""Heights and widths of first frames."""
COLOURS = {"a": (230, 30, 30), "b": (30, 230, 30), "c": (40, 40, 240)}
LEAST = 5000
"""Pixels of a mask that is compared."""


def scene(size):
    """A picture and the masks of its three things: one near the left edge, one low at the right, one in the middle."""
    height, width = size
    drawn = {name: np.zeros(size, np.uint8) for name in COLOURS}
    cv2.ellipse(drawn["a"], (int(0.12 * width), int(0.3 * height)), (int(0.1 * width), int(0.25 * height)), 0, 0, 360, 1, -1)
    drawn["b"][int(0.6 * height) : int(0.97 * height), int(0.7 * width) : int(0.98 * width)] = 1
    cv2.circle(drawn["c"], (width // 2, height // 2), 60, 1, -1)
    picture = np.full((height, width, 3), 60, np.uint8)
    for name, mask in drawn.items():
        picture[mask > 0] = COLOURS[name]
    return picture, {name: mask > 0 for name, mask in drawn.items()}


def things(frame):
    """The things in a frame, found by their colours."""
    red, green, blue = (frame[..., place].astype(int) for place in range(3))
    return {
        "a": (red > 130) & (green < 130) & (blue < 130),
        "b": (green > 130) & (red < 130) & (blue < 130),
        "c": (blue > 150) & (red < 130) & (green < 130),
    }


def worst(masks, frame, least=LEAST):
    """The least IoU of a large mask with its thing in a frame of the masks' size."""
    found = things(frame)
    pairs = [(mask, found[name]) for name, mask in masks.items() if mask.sum() > least]
    assert len(pairs) == len(COLOURS)
    return min((mask & thing).sum() / (mask | thing).sum() for mask, thing in pairs)


def benchmark(root, size):
    """A benchmark of that one picture, and its masks."""
    root.mkdir(parents=True)
    picture, masks = scene(size)
    cv2.imwrite(str(root / "first.png"), picture[..., ::-1])
    for name, mask in masks.items():
        cv2.imwrite(str(root / f"{name}.png"), mask.astype(np.uint8) * 255)
    classes = {"a": "ball", "b": "box", "c": "disc"}
    sample = {
        "id": "things",
        "prompt": "a ball pushes a box",
        "instances": [
            {"id": name, "class": classes[name], "appearance": classes[name], "colour": colour, "mask": f"{name}.png"}
            for name, colour in zip(COLOURS, ("red", "green", "blue"), strict=True)
        ],
        "interactions": [{"subject": "a", "verb": "pushes", "object": "b", "category": "force"}],
        "image": "first.png",
    }
    (root / "samples.jsonl").write_text(json.dumps(sample) + "\n")
    (root / "bench.toml").write_text('name = "things"\nversion = "1"\ndescription = "For tests."\nlicence = "Apache-2.0"\n')
    return masks
