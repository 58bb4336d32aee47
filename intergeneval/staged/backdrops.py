"""Backdrops: six places, painted once a scene, wider and higher than the stage so that the camera can move."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

import cv2
import numpy as np

from intergeneval.staged.canvas import Camera, Image, Sketch, paint, shade
from intergeneval.staged.motion import Point

MARGIN = 14.0
"""How far a backdrop reaches beyond the frame on each side, in stage units."""
HORIZON = 70.0
"""Height at which floor and wall, or land and sky, meet."""
_LEFT, _RIGHT, _TOP, _BOTTOM = -90.0, 240.0, -90.0, 190.0
Colour = tuple[int, int, int]


def backdrop(name: str, camera: Camera, rng: Random) -> Image:
    """Return the backdrop (H, W, 3) as the camera sees it; colours are muted so that bodies stand out."""
    height, width = camera.size
    frame = np.zeros((height, width, 3), dtype=np.uint8)
    sketch = Sketch(0, 0.0)
    BACKDROPS[name](sketch, rng)
    paint(sketch.pieces, camera, frame)
    return _textured(frame, rng)


def _textured(frame: Image, rng: Random) -> Image:
    """Lay a faint grain over the picture: coarse clouds and fine paper."""
    height, width = frame.shape[:2]
    source = np.random.Generator(np.random.PCG64(int(rng.random() * 2**32)))
    coarse = source.integers(0, 15, size=(max(2, height // 24), max(2, width // 24)), dtype=np.uint8)
    clouds = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    grain = source.integers(0, 7, size=(height, width), dtype=np.uint8)
    dark = cv2.merge([cv2.add(clouds, grain)] * 3)
    return np.asarray(cv2.subtract(cv2.add(frame, np.full_like(frame, 6)), dark), dtype=np.uint8)


def _rect(sketch: Sketch, x: float, y: float, width: float, height: float, colour: Colour, *, edge: bool = False) -> None:
    sketch.poly(((x, y), (x + width, y), (x + width, y + height), (x, y + height)), colour, edge=edge, convex=True)


def _hill(sketch: Sketch, level: float, rise: float, wave: float, phase: float, colour: Colour) -> None:
    ridge = [(float(x), level - rise * (0.5 + 0.5 * math.sin(x / wave + phase))) for x in range(int(_LEFT), int(_RIGHT) + 1, 3)]
    sketch.poly([*ridge, (_RIGHT, _BOTTOM), (_LEFT, _BOTTOM)], colour, edge=False)


def _cloud(sketch: Sketch, x: float, y: float, size: float) -> None:
    for dx, dy, radius in ((-5, 0.6, 3.0), (0, -1.2, 4.4), (5, 0.4, 3.4), (9, 1.2, 2.2)):
        sketch.oval((x + dx * size, y + dy * size), radius * size, radius * 0.72 * size, (250, 251, 252), edge=False)


def _tree(sketch: Sketch, x: float, y: float, size: float, colour: Colour) -> None:
    sketch.poly(
        ((x - 1.4 * size, y), (x + 1.4 * size, y), (x + 0.9 * size, y - 12 * size), (x - 0.9 * size, y - 12 * size)),
        (150, 122, 98),
        edge=False,
    )
    for dx, dy, radius in ((-5, -14, 5.5), (5, -14, 5.5), (0, -20, 7.0), (0, -13, 6.0)):
        sketch.oval((x + dx * size, y + dy * size), radius * size, radius * size, shade(colour, 1.0 - 0.002 * dy), edge=False)


def _park(sketch: Sketch, rng: Random) -> None:
    _rect(sketch, _LEFT, _TOP, 330, 200, (198, 226, 240))
    for _ in range(4):
        _cloud(sketch, 150.0 * rng.random(), 6.0 + 22.0 * rng.random(), 0.8 + 0.6 * rng.random())
    _hill(sketch, 62, 16, 26.0, 6.0 * rng.random(), (176, 208, 176))
    _hill(sketch, 66, 9, 17.0, 6.0 * rng.random(), (160, 198, 158))
    for index in range(5):
        _tree(sketch, -8.0 + 40.0 * index + 14.0 * rng.random(), HORIZON, 0.8 + 0.5 * rng.random(), (136, 182, 134))
    _rect(sketch, _LEFT, HORIZON - 1, 330, 130, (182, 212, 152))
    _rect(sketch, _LEFT, 80, 330, 17, (226, 212, 182))
    _rect(sketch, _LEFT, 79.4, 330, 0.8, (166, 198, 138))
    for _ in range(60):
        x, y = _LEFT + 330.0 * rng.random(), 71.0 + 7.0 * rng.random()
        sketch.stroke(((x, y), (x + 0.5, y - 1.6)), (150, 188, 122), 0.4)


def _street(sketch: Sketch, rng: Random) -> None:
    _rect(sketch, _LEFT, _TOP, 330, 200, (214, 228, 238))
    x = _LEFT
    tones = ((222, 204, 190), (206, 214, 212), (228, 216, 196), (214, 202, 210), (200, 208, 220))
    while x < _RIGHT:
        width, top = 26.0 + 18.0 * rng.random(), 4.0 + 22.0 * rng.random()
        tone = tones[int(rng.random() * len(tones))]
        _rect(sketch, x, top, width, 100, tone)
        _rect(sketch, x, top, width, 1.6, shade(tone, 0.86))
        columns = int(width // 9)
        for row in range(int((60 - top) // 12)):
            for column in range(columns):
                wx, wy = x + 3.0 + column * (width - 4.0) / columns, top + 5.0 + row * 12.0
                _rect(sketch, wx, wy, 4.6, 6.4, (186, 206, 220))
                _rect(sketch, wx, wy + 6.4, 4.6, 0.8, shade(tone, 0.8))
        x += width
    _rect(sketch, _LEFT, HORIZON, 330, 30, (216, 214, 210))
    for index in range(24):
        sketch.stroke(((_LEFT + 15 * index, 97), (_LEFT + 15 * index + 5, HORIZON)), (200, 198, 194), 0.4)
    _rect(sketch, _LEFT, HORIZON - 0.6, 330, 1.2, (190, 188, 184))
    _rect(sketch, _LEFT, 97, 330, 100, (150, 152, 158))
    _rect(sketch, _LEFT, 96, 330, 1.4, (232, 230, 224))


def _beach(sketch: Sketch, rng: Random) -> None:
    _rect(sketch, _LEFT, _TOP, 330, 200, (206, 232, 244))
    sketch.oval((30.0 + 90.0 * rng.random(), 16.0), 7, 7, (252, 232, 170), edge=False)
    for _ in range(3):
        _cloud(sketch, 150.0 * rng.random(), 8.0 + 16.0 * rng.random(), 0.9)
    _rect(sketch, _LEFT, 48, 330, 40, (146, 198, 216))
    for _ in range(36):
        x, y = _LEFT + 330.0 * rng.random(), 50.0 + 17.0 * rng.random()
        sketch.stroke(((x, y), (x + 3, y - 0.5), (x + 6, y)), (186, 220, 230), 0.5)
    _hill(sketch, 70.5, 1.6, 12.0, 6.0 * rng.random(), (236, 246, 246))
    _hill(sketch, 72, 1.6, 12.0, 6.0 * rng.random(), (240, 224, 188))
    for _ in range(70):
        x, y = _LEFT + 330.0 * rng.random(), 75.0 + 40.0 * rng.random()
        sketch.oval((x, y), 0.7, 0.3, (222, 204, 166), edge=False)


def _room(sketch: Sketch, rng: Random) -> None:
    wall = ((228, 222, 206), (212, 222, 218), (226, 214, 214), (214, 216, 228))[int(rng.random() * 4)]
    _rect(sketch, _LEFT, _TOP, 330, 200, wall)
    for index in range(24):
        _rect(sketch, _LEFT + 14.0 * index, _TOP, 5.0, 200, shade(wall, 0.965))
    x = 18.0 + 30.0 * rng.random()
    _window(sketch, x, 12)
    frame_x = 92.0 + 30.0 * rng.random()
    _rect(sketch, frame_x, 16, 20, 15, (178, 150, 118))
    _rect(sketch, frame_x + 1.5, 17.5, 17, 12, (236, 230, 216))
    sketch.poly(
        ((frame_x + 2, 29), (frame_x + 8, 21), (frame_x + 12, 26), (frame_x + 15, 22), (frame_x + 18, 29)),
        (160, 184, 170),
        edge=False,
    )
    _rect(sketch, _LEFT, HORIZON - 3, 330, 3.4, (244, 240, 232))
    floor = (210, 184, 152)
    _rect(sketch, _LEFT, HORIZON, 330, 130, floor)
    for row, y in enumerate((HORIZON, 76.0, 83.5, 92.0, 102.0, 114.0)):
        sketch.stroke(((_LEFT, y), (_RIGHT, y)), shade(floor, 0.88), 0.4)
        for index in range(12):
            px = _LEFT + 30.0 * index + 13.0 * (row % 2)
            sketch.stroke(((px, y), (px, y + 7)), shade(floor, 0.9), 0.35)


def _window(sketch: Sketch, x: float, y: float) -> None:
    _rect(sketch, x, y, 30, 30, (250, 248, 242))
    _rect(sketch, x + 2, y + 2, 26, 26, (200, 226, 240))
    _hill_in(sketch, (x + 2, y + 28), 26)
    _rect(sketch, x + 14.2, y + 2, 1.6, 26, (250, 248, 242))
    _rect(sketch, x + 2, y + 13, 26, 1.6, (250, 248, 242))
    _rect(sketch, x - 1.5, y + 29, 33, 2, (236, 230, 220))


def _hill_in(sketch: Sketch, corner: Point, width: float) -> None:
    x, y = corner
    sketch.poly(
        ((x, y), (x, y - 6), (x + width * 0.3, y - 10), (x + width * 0.6, y - 6), (x + width, y - 9), (x + width, y)),
        (178, 208, 172),
        edge=False,
    )


def _kitchen(sketch: Sketch, rng: Random) -> None:
    wall = ((232, 226, 212), (222, 228, 224))[int(rng.random() * 2)]
    _rect(sketch, _LEFT, _TOP, 330, 200, wall)
    cupboard = ((190, 206, 208), (206, 196, 180), (196, 204, 190))[int(rng.random() * 3)]
    for index in range(11):
        x = _LEFT + 30.0 * index
        _rect(sketch, x, -12, 29, 30, cupboard)
        _rect(sketch, x + 2, -9, 25, 24, shade(cupboard, 1.25))
        _rect(sketch, x + 24, 8, 1.2, 5, shade(cupboard, 0.7))
    for row in range(5):
        for index in range(42):
            _rect(sketch, _LEFT + 8.0 * index, 22.0 + 8.0 * row, 7.6, 7.6, shade(wall, 1.35 if (index + row) % 2 else 1.15))
    _rect(sketch, _LEFT, 50, 330, 3, (176, 160, 142))
    for index in range(11):
        x = _LEFT + 30.0 * index + 7
        _rect(sketch, x, 53, 29.4, 17, shade(cupboard, 0.96))
        _rect(sketch, x + 2, 55, 25.4, 13, shade(cupboard, 1.12))
    _rect(sketch, _LEFT, HORIZON, 330, 130, (224, 218, 208))
    for row, y in enumerate((HORIZON, 75.0, 82.0, 92.0, 104.0)):
        deep = (5.0, 7.0, 10.0, 12.0, 90.0)[row]
        for index in range(26):
            if (index + row) % 2:
                _rect(sketch, _LEFT + 13.0 * index, y, 13, deep, (208, 204, 198))


def _workshop(sketch: Sketch, rng: Random) -> None:
    _rect(sketch, _LEFT, _TOP, 330, 200, (208, 210, 212))
    for index in range(14):
        _rect(sketch, _LEFT + 24.0 * index, _TOP, 1.0, 200, (194, 196, 200))
    _rect(sketch, _LEFT, 36, 330, 2.4, (176, 156, 130))
    for _ in range(26):
        x = _LEFT + 330.0 * rng.random()
        tall = 5.0 + 7.0 * rng.random()
        tone = ((190, 178, 160), (176, 190, 196), (200, 188, 176), (182, 192, 178))[int(rng.random() * 4)]
        _rect(sketch, x, 36 - tall, 4.0 + 7.0 * rng.random(), tall, tone)
    for x in (10.0 + 20.0 * rng.random(), 90.0 + 30.0 * rng.random()):
        _rect(sketch, x, 2, 26, 14, (222, 234, 240))
        _rect(sketch, x + 12.4, 2, 1.2, 14, (190, 196, 200))
    _rect(sketch, _LEFT, HORIZON, 330, 130, (188, 188, 190))
    _rect(sketch, _LEFT, HORIZON - 1.5, 330, 1.8, (172, 174, 178))
    for index in range(26):
        x = _LEFT + 13.0 * index
        sketch.poly(((x, 97), (x + 6, 97), (x + 9, 94.6), (x + 3, 94.6)), (222, 200, 120), edge=False, convex=True)


BACKDROPS: dict[str, Callable[[Sketch, Random], None]] = {
    "park": _park,
    "street": _street,
    "beach": _beach,
    "room": _room,
    "kitchen": _kitchen,
    "workshop": _workshop,
}
"""Name -> painter."""
