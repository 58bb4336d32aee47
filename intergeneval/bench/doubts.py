"""First-frame masks that may not show what they are called: doubted for what can be measured without a model.

A doubt is no fault: the mask can be used, and may be right. What is held against it: how much of its box it fills, how many
sides of the frame it touches, pieces and holes, how much of it another instance covers, colours that its appearance names, its
area beside that of others by what they are, and how well its outline follows the edges of the picture, beside the same outline
moved.
"""

from __future__ import annotations

import functools
import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np
import numpy.typing as npt

from intergeneval.masks import Mask, box
from intergeneval.records import Instance, Record

Frame = npt.NDArray[np.uint8]
Strength = npt.NDArray[np.float32]

FULL = 0.985
"""Share of its box from which a mask is the box rather than a thing."""
THIN = 0.05
"""Share of its box below which a mask is scattered."""
BROKEN = 0.55
"""Share of a mask that its largest piece must have."""
HOLLOW = 0.35
"""Share of a filled outline that may be holes."""
COVERED = 0.7
"""Share of a mask that another may cover."""
OFF = 30.0
"""How far the ratio of two areas may be off from that of the things themselves."""
COLOURED = 0.02
"""Share of pixels that must have the colour an appearance names."""
LIT = 0.2
"""How bright, of 1, the brightest hundredth of a frame must be for colours to be told in it."""
FOLLOWS = 0.80
"""How strong the edges under an outline must be, beside those under the best of the outlines moved."""
EDGED = 24.0
"""How strong the best of those edges must be to say anything: that of a step of six grey levels, as encoders make too."""
_MOVES = (0.08, 0.16)
"""How far an outline is moved to compare, as shares of the mask's size."""

_FLAT = frozenset(
    str.split(
        "box book door window wall screen picture painting table phone laptop paper card poster sign board tv television "
        "floor curtain "
        "mirror rug carpet mat blanket towel crate cube block brick drawer cupboard fridge cabinet suitcase tablet package "
        "parcel bus "
        "truck van building shelf desk flag banner sponge tile letter newspaper envelope"
    )
)
_SURROUNDING = frozenset(str.split("wall floor sky sea water grass ground road snow sand field lawn room table crowd background"))
_SLENDER = frozenset(
    str.split("rope string stick pole chain spear leash cord wire net fence ladder rod cable thread bicycle bike hose branch")
)
_HOLLOW = frozenset(
    str.split(
        "ring hoop wheel basket net fence chair bicycle bike ladder frame rope glasses wreath tyre tire cage swing stroller"
    )
)
_HUES: Mapping[str, Sequence[tuple[float, float]]] = {
    "red": ((345, 360), (0, 18)), "orange": ((12, 45),), "yellow": ((38, 72),), "green": ((68, 175),), "cyan": ((160, 205),),
    "blue": ((180, 265),), "purple": ((250, 325),), "pink": ((290, 360), (0, 15)), "magenta": ((285, 340),),
}  # fmt: skip
"""Name of a colour -> its hues in degrees, widely drawn: cameras, light and painters disagree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt(Record):
    """One reason to look at a mask again."""

    instance_id: str
    """The instance."""
    kind: str
    """``box``, ``scattered``, ``sides``, ``pieces``, ``holes``, ``overlap``, ``colour``, ``area`` or ``edges``."""
    problem: str
    """What was measured, in words."""

    def __str__(self) -> str:
        """Return the doubt as one line."""
        return f"{self.instance_id}: {self.problem}"


def doubts(instances: Sequence[Instance], masks: Mapping[str, Mask], frame: Frame | None = None) -> tuple[Doubt, ...]:
    """Return what makes the masks of one first frame doubtful, in the order of the instances; bool (H, W) each.

    `frame` is the first frame, RGB uint8 (H, W, 3); without one colours and edges are not looked at.
    """
    found: list[Doubt] = []
    known = [item for item in instances if item.id in masks and masks[item.id].any()]
    strength = None if frame is None or not known else _edge_strength(frame)
    light = 0.0 if frame is None else float(np.quantile(frame.max(axis=2), 0.99)) / 255
    for item in known:
        mask, words = masks[item.id], set(re.findall(r"[a-z]+", item.class_.lower()))
        for kind, problem in _of_shape(mask, words):
            found.append(Doubt(instance_id=item.id, kind=kind, problem=f"{item.class_}: {problem}"))
        if frame is not None and strength is not None and strength.shape == mask.shape:
            for kind, problem in (*_of_colour(frame, mask, item, light), *_of_edges(strength, mask, words)):
                found.append(Doubt(instance_id=item.id, kind=kind, problem=f"{item.class_}: {problem}"))
    found += _of_pairs(known, masks)
    order = {item.id: place for place, item in enumerate(instances)}
    return tuple(sorted(found, key=lambda doubt: order[doubt.instance_id]))


def _of_shape(mask: Mask, words: set[str]) -> Iterator[tuple[str, str]]:
    import cv2

    edges = box(mask)
    assert edges is not None
    area = int(mask.sum())
    width, height = edges[2] - edges[0], edges[3] - edges[1]
    filled = area / (width * height)
    if filled >= FULL and min(width, height) >= 12 and not words & (_FLAT | _SURROUNDING):
        yield "box", f"it fills {filled:.0%} of its box, as a box does"
    if filled < THIN and not words & (_SLENDER | _HOLLOW):
        yield "scattered", f"it fills {filled:.0%} of its box"
    sides = [bool(mask[0].any()), bool(mask[-1].any()), bool(mask[:, 0].any()), bool(mask[:, -1].any())]
    share = area / mask.size
    if not words & _SURROUNDING and ((all(sides) and share > 0.3) or (sum(sides) == 3 and share > 0.75)):
        yield "sides", f"it touches {sum(sides)} sides of the frame and covers {share:.0%} of it, as a background does"
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    pieces = sorted((int(stats[place, cv2.CC_STAT_AREA]) for place in range(1, count)), reverse=True)
    several = any(word.endswith("s") and not word.endswith("ss") for word in words)
    if pieces[0] < BROKEN * area and not several:
        yield "pieces", f"it lies in {len(pieces)} pieces, the largest of which is {pieces[0] / area:.0%} of it"
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    full = np.zeros(mask.shape, dtype=np.uint8)
    cv2.drawContours(full, contours, -1, 1, thickness=cv2.FILLED)
    holes = 1 - area / max(int(full.sum()), area)
    if holes > HOLLOW and not words & _HOLLOW:
        yield "holes", f"{holes:.0%} of what its outline encloses is holes"


def _of_colour(frame: Frame, mask: Mask, item: Instance, light: float) -> Iterator[tuple[str, str]]:
    """Doubt a thing of another colour than its appearance names, by how bright the frame is: `light`, 0 to 1."""
    import cv2

    named = _own_colours(item)
    if not named or light < LIT:
        return
    pixels = frame[mask].reshape(-1, 1, 3)
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV_FULL).reshape(-1, 3).astype(np.float32)
    hue, saturation, value = hsv[:, 0] * 360 / 255, hsv[:, 1] / 255, hsv[:, 2] / 255
    value = value / light
    chroma = saturation * value
    for colour in named:
        if colour in _HUES:
            fits = np.zeros(hue.shape, dtype=np.bool_)
            for low, high in _HUES[colour]:
                fits |= (hue >= low) & (hue <= high)
            share = float((fits & (chroma > 0.08)).mean())
        elif colour == "white":
            share = float(((value > 0.5) & (saturation < 0.35)).mean())
        elif colour == "black":
            share = float((value < 0.4).mean())
        else:
            continue
        if share < COLOURED:
            yield "colour", f"its appearance says {colour}, and {share:.1%} of its pixels are"


def _own_colours(item: Instance) -> tuple[str, ...]:
    """Return the colours that an appearance names, of the thing itself or of what is worn."""
    words = re.findall(r"[a-z]+", item.appearance.lower())
    known = {*_HUES, "white", "black"}
    return tuple(dict.fromkeys(word for word in words if word in known))


def _edge_strength(frame: Frame) -> Strength:
    """Return how strong the edges of a picture are at each pixel (H, W)."""
    import cv2

    smooth = cv2.GaussianBlur(frame, (0, 0), 1.0).astype(np.float32)
    strength: Strength = np.zeros(frame.shape[:2], dtype=np.float32)
    for channel in range(3):
        across = cv2.Sobel(smooth[:, :, channel], cv2.CV_32F, 1, 0)
        down = cv2.Sobel(smooth[:, :, channel], cv2.CV_32F, 0, 1)
        strength = np.maximum(strength, np.hypot(across, down)).astype(np.float32)
    return np.asarray(cv2.dilate(np.minimum(strength, 150.0), np.ones((3, 3), np.uint8)), dtype=np.float32)


def _of_edges(strength: Strength, mask: Mask, words: set[str]) -> Iterator[tuple[str, str]]:
    """Doubt an outline that lies on weaker edges than the same outline a little further does."""
    import cv2

    edges = box(mask)
    assert edges is not None
    if words & _SURROUNDING or mask.sum() < 150:
        return
    outline = mask & ~cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1).astype(np.bool_)
    rows, columns = np.nonzero(outline)
    size = math.sqrt((edges[2] - edges[0]) * (edges[3] - edges[1]))
    here = _under(strength, rows, columns, 0, 0)
    moved = [
        (_under(strength, rows, columns, round(far * size * math.sin(turn)), round(far * size * math.cos(turn))))
        for far in _MOVES
        for turn in (np.arange(8) * math.pi / 4)
    ]
    best = max(moved)
    if best >= EDGED and here < FOLLOWS * best:
        yield "edges", f"its outline follows the edges of the picture {here / best:.2f} times as well as it does a little further"


def _under(strength: Strength, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], down: int, right: int) -> float:
    at_rows, at_columns = rows + down, columns + right
    inside = (at_rows >= 0) & (at_rows < strength.shape[0]) & (at_columns >= 0) & (at_columns < strength.shape[1])
    if not len(rows) or inside.sum() < 0.6 * len(rows):
        return 0.0
    return float(strength[at_rows[inside], at_columns[inside]].mean())


def _of_pairs(known: Sequence[Instance], masks: Mapping[str, Mask]) -> Iterator[Doubt]:
    areas = {item.id: int(masks[item.id].sum()) for item in known}
    for first in known:
        for second in known:
            if first.id == second.id:
                continue
            shared = int((masks[first.id] & masks[second.id]).sum()) / areas[first.id]
            if shared > COVERED and (
                areas[first.id] < areas[second.id] or (areas[first.id] == areas[second.id] and first.id > second.id)
            ):
                problem = f"{first.class_}: {shared:.0%} of it is part of the {second.class_} ({second.id}) too"
                if np.array_equal(masks[first.id], masks[second.id]):
                    problem = f"{first.class_}: its mask is that of the {second.class_} ({second.id}), so one of the two is wrong"
                yield Doubt(instance_id=first.id, kind="overlap", problem=problem)
            mine, theirs = size_of(first.class_), size_of(second.class_)
            if mine is None or theirs is None or mine <= theirs:
                continue
            ratio = (areas[first.id] / areas[second.id]) / (mine / theirs) ** 2
            if ratio < 1 / OFF or (mine >= 3 * theirs and areas[first.id] < areas[second.id] and _whole(masks[second.id])):
                problem = (
                    f"{first.class_}: it has {areas[first.id] / areas[second.id]:.2f} times the area of the {second.class_} "
                    f"({second.id}), which is a smaller thing; are they exchanged?"
                )
                yield Doubt(instance_id=first.id, kind="area", problem=problem)


def _whole(mask: Mask) -> bool:
    """Whether a mask stays away from the sides of the frame, as something close to the camera rarely does."""
    return not (mask[0].any() or mask[:, 0].any() or mask[:, -1].any() or mask[-1].any())


def size_of(class_: str) -> float | None:
    """Return the usual size of a class in centimetres; None where it is not known."""
    words = class_.lower().split()
    table = _sizes()
    for start in range(len(words)):
        found = table.get(" ".join(words[start:]))
        if found is not None:
            return None if "toy" in words else found
    return None


@functools.cache
def _sizes() -> Mapping[str, float]:
    text = resources.files("intergeneval.bench").joinpath("sizes.toml").read_text(encoding="utf-8")
    groups = tomllib.loads(text)
    return {word.replace("_", " "): float(group["size"]) for group in groups.values() for word in group["words"].split()}
