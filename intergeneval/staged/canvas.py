"""Drawing: rigs put flat pieces on a sketch in stage units, and the canvas paints them antialiased, with one id a pixel.

Coordinates go to OpenCV as whole numbers of a sixteenth of a pixel, so the same sketch gives the same bytes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval.staged.motion import Point

Colour = tuple[int, int, int]
"""Red, green, blue in 0..255."""
Image = npt.NDArray[np.uint8]
STAGE = (150.0, 100.0)
"""Width and height of the stage that every camera shows whole, in stage units."""
_SHIFT = 4
_RING = 20


@dataclass(frozen=True, slots=True)
class Piece:
    """One filled outline or stroke of a sketch."""

    points: npt.NDArray[np.float32]
    """Corners (N, 2) in stage units."""
    fill: Colour
    """Colour inside, or of the stroke."""
    edge: Colour | None
    """Colour of the outline; None: no outline."""
    solid: bool
    """Whether it belongs to its owner's mask; details drawn on top of a body need not."""
    stroke: float
    """Width of an open line in stage units; 0 for filled pieces."""
    convex: bool
    """Whether the outline is convex, which draws faster."""
    depth: float
    """Larger is nearer to the viewer."""
    owner: int
    """Number of the owner in the id map; 0 is nobody."""


def shade(colour: Colour, factor: float) -> Colour:
    """Return a colour made darker (factor below 1) or lighter (above 1)."""
    if factor <= 1.0:
        return int(colour[0] * factor), int(colour[1] * factor), int(colour[2] * factor)
    up = min(factor - 1.0, 1.0)
    return tuple(int(value + (255 - value) * up) for value in colour)  # type: ignore[return-value]  # three in, three out


class Sketch:
    """Pieces of one owner at a depth; rigs draw on it."""

    def __init__(self, owner: int, depth: float) -> None:
        self.owner = owner
        self.depth = depth
        self.pieces: list[Piece] = []

    def poly(self, points: Sequence[Point], fill: Colour, *, edge: bool = True, solid: bool = True, convex: bool = False) -> None:
        """Fill a closed outline; `edge` draws it again in a darker tone."""
        self._add(np.asarray(points, dtype=np.float32), fill, shade(fill, 0.62) if edge else None, solid, 0.0, convex)

    def stroke(self, points: Sequence[Point], colour: Colour, width: float, *, solid: bool = False) -> None:
        """Draw an open line of a width in stage units."""
        self._add(np.asarray(points, dtype=np.float32), colour, None, solid, width, False)

    def hull(self, circles: Sequence[tuple[Point, float]], fill: Colour, *, edge: bool = True, solid: bool = True) -> None:
        """Fill the convex hull of circles (centre, radius): the rounded parts bodies are made of."""
        ring = _ring()
        cloud = np.concatenate([ring * np.float32(radius) + np.asarray(centre, dtype=np.float32) for centre, radius in circles])
        outline = np.asarray(cv2.convexHull(cloud)[:, 0, :], dtype=np.float32)
        self._add(outline, fill, shade(fill, 0.62) if edge else None, solid, 0.0, True)

    def limb(self, points: Sequence[Point], radii: Sequence[float], fill: Colour) -> None:
        """Draw a bent limb with round joints, outlined once around all its parts."""
        rim = 0.45
        for colour, extra in ((shade(fill, 0.62), rim), (fill, 0.0)):
            for (a, b), (ra, rb) in zip(pairwise(points), pairwise(radii), strict=True):
                self.hull(((a, ra + extra), (b, rb + extra)), colour, edge=False)

    def oval(
        self, centre: Point, rx: float, ry: float, fill: Colour, *, turn: float = 0.0, edge: bool = True, solid: bool = True
    ) -> None:
        """Fill an ellipse with half-axes rx, ry, turned by an angle in radians."""
        ring = _ring() * np.asarray((rx, ry), dtype=np.float32)
        if turn:
            c, s = math.cos(turn), math.sin(turn)
            ring = ring @ np.asarray(((c, s), (-s, c)), dtype=np.float32)
        outline = ring + np.asarray(centre, dtype=np.float32)
        self._add(outline, fill, shade(fill, 0.62) if edge else None, solid, 0.0, True)

    def patch(self, corners: Sequence[Point], colour: Colour, u: tuple[float, float], v: tuple[float, float]) -> None:
        """Fill the part of a four-cornered patch between shares u (along its top) and v (down its sides)."""
        self.poly(
            [on_patch(corners, a, b) for a, b in ((u[0], v[0]), (u[1], v[0]), (u[1], v[1]), (u[0], v[1]))],
            colour,
            edge=False,
            solid=False,
            convex=True,
        )

    def _add(
        self, points: npt.NDArray[np.float32], fill: Colour, edge: Colour | None, solid: bool, stroke: float, convex: bool
    ) -> None:
        self.pieces.append(Piece(points, fill, edge, solid, stroke, convex, self.depth, self.owner))


def on_patch(corners: Sequence[Point], u: float, v: float) -> Point:
    """Return the point at shares u, v of a patch given as top-left, top-right, bottom-right, bottom-left."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners
    top_x, top_y = ax + (bx - ax) * u, ay + (by - ay) * u
    low_x, low_y = dx + (cx - dx) * u, dy + (cy - dy) * u
    return top_x + (low_x - top_x) * v, top_y + (low_y - top_y) * v


def pattern(sketch: Sketch, corners: Sequence[Point], kind: str, colour: Colour) -> None:
    """Lay stripes, dots or checks over a four-cornered patch."""
    if kind == "striped":
        for step in range(4):
            sketch.patch(corners, colour, (0.0, 1.0), (0.06 + 0.25 * step, 0.18 + 0.25 * step))
    elif kind == "checked":
        for step in range(3):
            sketch.patch(corners, colour, (0.08 + 0.36 * step, 0.20 + 0.36 * step), (0.0, 1.0))
            sketch.patch(corners, colour, (0.0, 1.0), (0.10 + 0.33 * step, 0.20 + 0.33 * step))
    elif kind == "dotted":
        width = math.dist(corners[0], corners[1])
        for row in range(4):
            for column in range(3):
                u = (column + (0.75 if row % 2 else 0.35)) / 3.2
                sketch.oval(
                    on_patch(corners, u, (row + 0.5) / 4.0), width * 0.075, width * 0.075, colour, edge=False, solid=False
                )


@dataclass(frozen=True, slots=True)
class Camera:
    """What part of the stage a frame shows."""

    size: tuple[int, int]
    """Height and width of the frame in pixels."""
    centre: Point = (75.0, 50.0)
    """Stage point in the middle of the frame."""
    zoom: float = 1.0
    """1 shows the whole stage, 2 half of it."""

    @property
    def scale(self) -> float:
        """Pixels per stage unit."""
        return min(self.size[1] / STAGE[0], self.size[0] / STAGE[1]) * self.zoom

    def offset(self) -> Point:
        """Return the pixel position of the stage's origin."""
        return self.size[1] / 2.0 - self.centre[0] * self.scale, self.size[0] / 2.0 - self.centre[1] * self.scale


def paint(
    pieces: Iterable[Piece], camera: Camera, frame: Image, ids: Image | None = None, whole: dict[int, Image] | None = None
) -> None:
    """Paint pieces in order onto a frame (H, W, 3) and, where given, their owners onto an id map and per-owner masks (H, W).

    `whole` maps owner -> mask that gets 1 where the owner would be seen if nothing stood in front.
    """
    drawn = list(pieces)
    if not drawn:
        return
    scale, (ox, oy) = camera.scale, camera.offset()
    flat = np.concatenate([piece.points for piece in drawn])
    fixed = np.rint((flat * scale + (ox - 0.5, oy - 0.5)) * (1 << _SHIFT)).astype(np.int32)
    start = 0
    line = max(1, round(0.28 * scale))
    for piece in drawn:
        points = fixed[start : start + len(piece.points)]
        start += len(piece.points)
        if piece.stroke:
            width = max(1, round(piece.stroke * scale))
            cv2.polylines(frame, [points], False, piece.fill, width, cv2.LINE_AA, _SHIFT)
            for mask, value in _masks(piece, ids, whole):
                cv2.polylines(mask, [points], False, value, width, cv2.LINE_8, _SHIFT)
            continue
        if piece.convex:
            cv2.fillConvexPoly(frame, points, piece.fill, cv2.LINE_AA, _SHIFT)
        else:
            cv2.fillPoly(frame, [points], piece.fill, cv2.LINE_AA, _SHIFT)
        if piece.edge is not None:
            cv2.polylines(frame, [points], True, piece.edge, line, cv2.LINE_AA, _SHIFT)
        for mask, value in _masks(piece, ids, whole):
            if piece.convex:
                cv2.fillConvexPoly(mask, points, value, cv2.LINE_8, _SHIFT)
            else:
                cv2.fillPoly(mask, [points], value, cv2.LINE_8, _SHIFT)


def _masks(piece: Piece, ids: Image | None, whole: dict[int, Image] | None) -> Iterable[tuple[Image, int]]:
    if not piece.solid:
        return
    if ids is not None:
        yield ids, piece.owner
    if whole is not None and piece.owner in whole:
        yield whole[piece.owner], 1


@functools.cache
def _ring() -> npt.NDArray[np.float32]:
    angles = np.arange(_RING) * (2.0 * np.pi / _RING)
    return np.stack((np.cos(angles), np.sin(angles)), axis=1).astype(np.float32)
