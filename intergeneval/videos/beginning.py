"""How a video begins: its first frame against the benchmark's, whose masks hold only where the two are one picture.

Both are made small and grey. Where they agree in place, patch by patch, nothing is looked for. Else features of both are matched
and a stretch along each axis with a shift is fitted (a scale, a crop and a shift are cases of it); without enough features the
picture itself is brought onto the frame step by step. What counts is the share of the textured patches that agree once that is
undone: light, contrast, noise and blur hardly move it, another picture brings it near 0. Where the shapes agree, colours are
held against each other too, once what happened to all of them alike (a tint, fading) is undone. Nothing is drawn by chance.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval.masks import Mask
from intergeneval.records import Beginning
from intergeneval.videos.pixels import Frame

Floats = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]
Way = tuple[Points, Points]
"""Scales (x, y) and shifts (x, y) in pixels: where a point of the benchmark's picture lies in the video's frame."""

SIDE = 288
"""Longest side of the pictures that are compared, in pixels."""
PATCH = 28
"""Side of a patch, in pixels of the small picture: about a tenth of it, so that a patch holds an edge or two."""
ALIKE = 0.6
"""Correlation from which a patch agrees: under crf 40, noise or blur most stay above .8, of other pictures 19 of 20 below .4."""
TEXTURE = 6.0
"""Standard deviation of a patch in grey levels from which it shows something that can be told."""
ENOUGH = 0.04
"""Share of a picture that must be textured for anything to be said of it; a plain one begins like any other."""
IN_PLACE = 0.9
"""Correlation that all but a twentieth of the patches reach where nothing moved: a stretch by 1.03 brings the edges below it."""
FOREIGN = 0.6
"""Share of agreeing patches below which it is another picture."""
FOREIGN_INSIDE = 0.5
"""The same inside the instances: before one backdrop may stand other people."""
COLOUR = 22.0
"""Distance in the a-b plane of Lab (8 bit) from which a patch has another colour: tints, fading and strong light reach 16 in the
middle of an instance, first frames of real models 8, another person before the same backdrop 27 to 49."""
MIRRORS_BELOW = 0.9
"""Share from which the mirrored picture is the benchmark's, where the picture itself agrees by less."""
MOVED = 0.0125
"""Share of a side by which a border must move to count: below it masks are right to a few pixels, as they are drawn."""
SCALES = (0.4, 2.5)
"""Least and largest scale that is looked for."""
_TRIES = 400
_TOLERANCE = 2.0
_LEAST_POINTS = 8


def compare(picture: Frame, frame: Frame, masks: Iterable[Mask] = ()) -> Beginning | None:
    """Return how a video's first `frame` (H, W, 3) lies against the benchmark's `picture`; None where the picture is too plain.

    `masks` are those of the instances, bool (H, W) of one size with the picture.
    """
    height, width = picture.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = (max(PATCH, int(width * scale)), max(PATCH, int(height * scale)))
    small = [cv2.resize(item, size, interpolation=cv2.INTER_AREA) for item in (picture, frame)]
    one, other = (_grey(item) for item in small)
    inside = np.zeros(one.shape, dtype=np.bool_)
    for mask in masks:
        inside |= cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.3
    stays: Way = (np.ones(2), np.zeros(2))
    textured = _spread(one) > TEXTURE
    if np.count_nonzero(textured) < ENOUGH * textured.size:
        return None
    found = _alike(one, other, stays)
    if np.percentile(found[textured], 5) >= IN_PLACE:
        return _beginning(stays, _of_colour(found, small, stays), textured, inside)
    best, agreed = stays, found
    for way in _ways(one, other):
        found = _alike(one, other, way)
        if _share(found, textured) > _share(agreed, textured) + 0.005:
            best, agreed = way, found
    if _share(agreed, textured) < MIRRORS_BELOW:
        turned = _share(_alike(one, np.ascontiguousarray(other[:, ::-1]), stays), textured)
        if turned >= MIRRORS_BELOW:
            return replace(_beginning(stays, _alike(one, other, stays), textured, inside), mirrored=True)
    agreed = _of_colour(agreed, small, best)
    return _beginning(best if _border_moves(best, one.shape) > MOVED else stays, agreed, textured, inside)


def is_foreign(found: Beginning) -> bool:
    """Whether it is another picture, so that the benchmark's masks say nothing of it."""
    return found.mirrored or found.agreement < FOREIGN or (found.inside is not None and found.inside < FOREIGN_INSIDE)


def told(found: Beginning) -> str:
    """Return what was found in words, for a reason or a note."""
    share = f"{found.agreement:.0%} of the benchmark's first frame is found in the video's"
    if found.mirrored:
        return f"{share}: it begins with its mirror image"
    if is_foreign(found):
        at = "" if found.inside is None else f", {found.inside:.0%} of what its instances cover"
        return f"{share}{at}: it begins with another picture (distance {found.distance:.2f})"
    return f"{found.text} ({share})"


def moved_mask(mask: Mask, found: Beginning) -> Mask:
    """Return a mask (H, W) of the benchmark's first frame where the video shows what it marks."""
    height, width = mask.shape
    (wide, high), (right, down) = found.scale, found.shift
    # Pixel centres lie half a pixel in.
    matrix = np.array([[wide, 0, right * width + (wide - 1) / 2], [0, high, down * height + (high - 1) / 2]], dtype=np.float64)
    return np.asarray(cv2.warpAffine(mask.astype(np.float32), matrix, (width, height), flags=cv2.INTER_LINEAR) > 0.5)


def _grey(small: cv2.typing.MatLike) -> Floats:
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), 1.2), dtype=np.float32)


def _mean(values: Floats) -> Floats:
    return np.asarray(cv2.boxFilter(values, -1, (PATCH, PATCH), borderType=cv2.BORDER_REFLECT), dtype=np.float32)


def _spread(grey: Floats) -> Floats:
    """Return the standard deviation of the patch around each pixel."""
    mean = _mean(grey)
    return np.sqrt(np.maximum(_mean(grey * grey) - mean * mean, 0))


def _alike(one: Floats, other: Floats, way: Way) -> Floats:
    """Return the correlation of the patch around each pixel, once the frame is brought back; -1 where it lies outside of it."""
    size = (one.shape[1], one.shape[0])
    matrix = _matrix(way)
    back = _brought_back(other, way)
    there = cv2.warpAffine(np.ones_like(one), matrix, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP) > 0
    first, second = _mean(one), _mean(back)
    # A grey level or two of noise must not look like texture.
    spread = np.sqrt((_spread(one) ** 2 + 4) * (_spread(back) ** 2 + 4))
    return np.where(there, (_mean(one * back) - first * second) / spread, np.float32(-1)).astype(np.float32)


def _matrix(way: Way) -> Points:
    return np.array([[way[0][0], 0, way[1][0]], [0, way[0][1], way[1][1]]], dtype=np.float64)


def _brought_back(other: Floats, way: Way) -> Floats:
    size, flags = (other.shape[1], other.shape[0]), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(other, _matrix(way), size, flags=flags, borderMode=cv2.BORDER_REPLICATE), dtype=np.float32)


def _of_colour(found: Floats, small: list[cv2.typing.MatLike], way: Way) -> Floats:
    """Return what was found, with nothing where the colour is another than what happened to all colours alike explains."""
    half = (PATCH // 2, PATCH // 2)
    first, second = (np.asarray(cv2.cvtColor(item, cv2.COLOR_RGB2LAB)[..., 1:], dtype=np.float32) for item in small)
    one, other = (cv2.boxFilter(item, -1, half) for item in (first, _brought_back(second, way)))
    shown = found > -1
    apart = np.zeros(found.shape, dtype=np.float32)
    for axis in (0, 1):
        before, after = one[..., axis], other[..., axis]
        spread = float(before[shown].var())
        gain = float(np.cov(before[shown], after[shown])[0, 1] / spread) if spread > 1 else 1.0
        gain = min(max(gain, 0.3), 1.5)
        offset = float(np.median(after[shown] - gain * before[shown]))
        apart += np.square((gain * before + offset - after) / max(gain, 0.5))
    return np.where(shown & (apart > COLOUR**2), np.float32(0), found).astype(np.float32)


def _share(found: Floats, part: Mask) -> float:
    """Return the share of a part that agrees, of what the frame shows of it; what lies outside counts for a quarter.

    A crop shows less of the picture than all. Were what is outside free, a find in a corner would pass for the whole.
    """
    shown = part & (found > -1)
    count, out = np.count_nonzero(shown), np.count_nonzero(part & ~shown)
    return float(np.count_nonzero(shown & (found > ALIKE)) / (count + out / 4)) if count else 0.0


def _beginning(way: Way, found: Floats, textured: Mask, inside: Mask) -> Beginning:
    height, width = found.shape
    part = textured & inside
    enough = int(np.count_nonzero(part)) >= ENOUGH * max(int(np.count_nonzero(inside)), PATCH)
    (wide, high), (right, down) = way
    # From pixel centres to corners, so that the shares hold at any size.
    right, down = right + (1 - wide) / 2, down + (1 - high) / 2
    return Beginning(
        scale=(round(float(wide), 4), round(float(high), 4)),
        shift=(round(float(right / width), 4), round(float(down / height), 4)),
        agreement=round(_share(found, textured), 4),
        inside=round(_share(found, part), 4) if enough else None,
    )


def _border_moves(way: Way, shape: tuple[int, ...]) -> float:
    """Return the largest share of a side by which a border of the picture moves."""
    sides = np.array([shape[1], shape[0]], dtype=np.float64)
    return float(max(np.abs(way[1] / sides).max(), np.abs(way[0] - 1 + way[1] / sides).max()))


def _ways(one: Floats, other: Floats) -> Iterable[Way]:
    """Give ways in which the picture may lie in the frame, likeliest first."""
    matched = _matched(one, other)
    found = _fitted(*matched) if len(matched[0]) >= _LEAST_POINTS else None
    if found is not None:
        yield found
        return
    aligned = _aligned(one, other)
    if aligned is not None:
        yield aligned


def _matched(one: Floats, other: Floats) -> tuple[Points, Points]:
    """Return where features of the picture and of the frame lie that match each other and nothing else nearly as well."""
    sift = cv2.SIFT.create(300)
    (at, told_one), (to, told_other) = (sift.detectAndCompute(item.astype(np.uint8), None) for item in (one, other))
    if told_one is None or told_other is None or len(to) < 2:
        return np.zeros((0, 2)), np.zeros((0, 2))
    pairs = cv2.BFMatcher().knnMatch(told_one, told_other, k=2)
    good = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < 0.8 * pair[1].distance]
    points = [(at[item.queryIdx].pt, to[item.trainIdx].pt) for item in good]
    if not points:
        return np.zeros((0, 2)), np.zeros((0, 2))
    both = np.array(points, dtype=np.float64)
    return both[:, 0], both[:, 1]


def _fitted(points: Points, to: Points) -> Way | None:
    """Return the stretch and shift that most matches agree on; None where fewer than a quarter do."""
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, len(points), (_TRIES, 2))
    apart, then = points[pairs[:, 1]] - points[pairs[:, 0]], to[pairs[:, 1]] - to[pairs[:, 0]]
    usable = (np.abs(apart) > 10).all(axis=1)
    scales = then[usable] / apart[usable]
    usable_scales = ((scales > SCALES[0]) & (scales < SCALES[1])).all(axis=1)
    scales, starts = scales[usable_scales], pairs[usable][usable_scales, 0]
    if not len(scales):
        return None
    shifts = to[starts] - scales * points[starts]
    misses = np.abs(points[None] * scales[:, None] + shifts[:, None] - to[None]).max(axis=2)
    agree = misses < _TOLERANCE
    inside = agree[int(agree.sum(axis=1).argmax())]
    way: Way | None = None
    for _ in range(3):
        if np.count_nonzero(inside) < max(_LEAST_POINTS, len(points) / 4):
            return None
        lines = [np.polyfit(points[inside, axis], to[inside, axis], 1) for axis in (0, 1)]
        way = np.array([line[0] for line in lines]), np.array([line[1] for line in lines])
        inside = np.abs(points * way[0] + way[1] - to).max(axis=1) < _TOLERANCE
    return way


def _aligned(one: Floats, other: Floats) -> Way | None:
    """Return the way found by raising the correlation of the whole pictures, coarse to fine; None where that leads nowhere."""
    matrix: npt.NDArray[Any] = np.eye(2, 3, dtype=np.float32)
    everywhere = np.ones(0, dtype=np.uint8)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
    for level in (4, 2):
        small = [cv2.resize(item, None, fx=1 / level, fy=1 / level, interpolation=cv2.INTER_AREA) for item in (one, other)]
        matrix[:, 2] /= level
        try:
            _, matrix = cv2.findTransformECC(small[0], small[1], matrix, cv2.MOTION_AFFINE, criteria, everywhere, 3)
        except cv2.error:
            # Its way of saying that the two have nothing in common, or one of them no texture.
            return None
        matrix[:, 2] *= level
    scales = np.array([matrix[0, 0], matrix[1, 1]], dtype=np.float64)
    if not ((scales > SCALES[0]) & (scales < SCALES[1])).all():
        return None
    return scales, matrix[:, 2].astype(np.float64)
