"""Tracker ``hue``: figures of one plain colour each before a plain backdrop, such as the benchmark ``binding`` shows.

The first frame's masks teach it each figure's colour and the backdrop's. In every frame a pixel belongs to the colour that it is
nearest to; of a colour's pieces an instance takes the one that is large enough and nearest to where it was. Instances of one
colour share their pieces out so that all go as short a way as they can, and part what they hold together where they touch. It
refuses pictures that it is not made for rather than following something in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from intergeneval.errors import BackendError, ConfigError, MediaError
from intergeneval.masks import Mask, area
from intergeneval.records import Tracks
from intergeneval.trackers import Frame, TrackRequest
from intergeneval.trackers.assembly import TrackBuilder

ALIKE = 48.0
"""Distance of two colours, in grey values over the three channels, under which they are one."""
PLAIN = 60.0
"""Distance from the middle colour within which most of a mask's pixels lie where a figure is of one colour."""
MOST = 60
"""Per cent of the pixels that are most; at the edge of a small figure the rest is mixed with the backdrop."""
LEAST = 0.35
"""Share of an instance's first area from which a piece of its colour may be it."""
JOINED = 1.4
"""Share of an instance's first area from which a piece may hold two of them."""


class HueTracker:
    """Follows figures by their colours."""

    id = "hue-1"
    needs_truth = False
    keepable = True

    def track(self, request: TrackRequest) -> Tracks:
        """Track every instance that has a mask.

        Raises BackendError where masks are missing, of another size or empty, or the figures are not of one plain colour each
        that stands out from the backdrop, MediaError for frames of another size.
        """
        names = [item.id for item in request.sample.instances if item.id in request.masks]
        where, size = f"sample {request.sample.id}", request.video.size
        if not names:
            raise BackendError(f"{where}: no instance has a first-frame mask; tracker 'hue' starts from masks")
        for name in names:
            mask = request.masks[name]
            if mask.shape != size:
                raise BackendError(f"{where}: the mask of {name!r} is {mask.shape}, the video {size} (height, width)")
            if not mask.any():
                raise BackendError(f"{where}: the mask of {name!r} is empty; tracker 'hue' takes an instance's colour from it")
        builder = TrackBuilder(names, request.masks)
        following: _Following | None = None
        for index, frame in enumerate(request.frames):
            if frame.shape != (*size, 3):
                raise MediaError(f"{where}, frame {index}: shape {frame.shape}, expected {(*size, 3)}")
            if following is None:
                following = _Following(names, request.masks, frame, where)
                builder.add(request.masks, dict.fromkeys(names, 1.0))
            else:
                masks, confidence = following.step(frame)
                builder.add(masks, confidence)
        return Tracks(
            sample_id=request.sample.id,
            seed=request.video.seed,
            tracker=self.id,
            size=size,
            tracks=builder.tracks(),
            fps=request.video.fps,
        )


def create(argument: str, settings: Mapping[str, Any]) -> HueTracker:
    """Build the tracker; it takes no argument and no settings."""
    if argument:
        raise ConfigError(f"tracker 'hue:{argument}': 'hue' takes no argument")
    if settings:
        raise ConfigError(f"tracker 'hue' has no setting {sorted(settings)[0]!r}; it takes none")
    return HueTracker()


class _Following:
    """One pass over one video."""

    def __init__(self, names: Sequence[str], masks: Mapping[str, Mask], frame: Frame, where: str) -> None:
        self._areas = {name: area(masks[name]) for name in names}
        self._places = {name: _middle(masks[name]) for name in names}
        outside = ~np.any([masks[name] for name in names], axis=0)
        if not outside.any():
            raise BackendError(f"{where}: the masks leave no backdrop; tracker 'hue' needs one")
        found = {name: _colour(frame[masks[name]], f"{where}: {name}") for name in names}
        backdrop = _colour(frame[outside], f"{where}: the backdrop")
        # Instances of one colour share its number; 0 is the backdrop.
        self._colours = [backdrop]
        self._groups: list[list[str]] = [[]]
        for name, colour in found.items():
            near = [number for number, other in enumerate(self._colours) if np.linalg.norm(colour - other) < ALIKE]
            if 0 in near:
                raise BackendError(f"{where}: {name} has the backdrop's colour; tracker 'hue' cannot tell it from it")
            if near:
                self._groups[near[0]].append(name)
            else:
                self._colours.append(colour)
                self._groups.append([name])

    def step(self, frame: Frame) -> tuple[dict[str, Mask], dict[str, float]]:
        """Return everybody's mask (H, W) in the next frame, and how much it has of their colour, 0 to 1."""
        apart = np.stack([np.linalg.norm(frame.astype(np.float32) - colour, axis=-1) for colour in self._colours])
        nearest = apart.argmin(axis=0)
        masks: dict[str, Mask] = {}
        for number, names in enumerate(self._groups):
            if names:
                masks |= self._shared(names, nearest == number)
        confidence = {}
        for number, names in enumerate(self._groups):
            for name in names:
                inside = masks[name]
                confidence[name] = 0.0
                if inside.any():
                    self._places[name] = _middle(inside)
                    own, other = apart[number][inside].mean(), apart[0][inside].mean()
                    confidence[name] = float(other / (own + other))
        return masks, confidence

    def _shared(self, names: Sequence[str], coloured: Mask) -> dict[str, Mask]:
        """Share the pixels of one colour (H, W) among the instances that have it."""
        least = LEAST * min(self._areas[name] for name in names)
        pieces = [piece for piece in _pieces(coloured) if area(piece) >= least]
        masks = {name: np.zeros_like(coloured) for name in names}
        taken = self._nearest(names, pieces)
        for name, place in taken.items():
            masks[name] = pieces[place]
        left = [name for name in names if name not in taken]
        for name in left:
            # Whoever has no piece of their own may be in one that another took and that is too large for one.
            holders = [other for other in taken if area(masks[other]) >= JOINED * self._areas[other]]
            if holders:
                holder = min(holders, key=lambda other: self._way(name, masks[other]))
                masks[holder], masks[name] = self._parted(holder, name, masks[holder])
        return masks

    def _nearest(self, names: Sequence[str], pieces: Sequence[Mask]) -> dict[str, int]:
        """Return who takes which piece so that as many as can have one and the ways are shortest."""
        if not pieces:
            return {}
        ways = [[self._way(name, piece) for piece in pieces] for name in names]
        rows, columns = linear_sum_assignment(ways)
        return {names[int(row)]: int(column) for row, column in zip(rows, columns, strict=True)}

    def _way(self, name: str, piece: Mask) -> float:
        return float(np.linalg.norm(_middle(piece) - self._places[name]))

    def _parted(self, one: str, other: str, piece: Mask) -> tuple[Mask, Mask]:
        """Part a piece (H, W) between two that touch, around middles that begin where they were."""
        rows, columns = np.nonzero(piece)
        points = np.stack([rows, columns], axis=-1).astype(np.float64)
        middles = np.stack([self._places[one], self._places[other]])
        first = np.zeros(len(points), dtype=bool)
        for _ in range(8):
            ways = np.linalg.norm(points[:, None] - middles, axis=-1)
            first = ways[:, 0] <= ways[:, 1]
            if first.all() or not first.any():
                break
            middles = np.stack([points[first].mean(axis=0), points[~first].mean(axis=0)])
        masks = np.zeros((2, *piece.shape), dtype=bool)
        masks[0][rows[first], columns[first]] = True
        masks[1][rows[~first], columns[~first]] = True
        return masks[0], masks[1]


def _pieces(mask: Mask) -> list[Mask]:
    """Return the connected pieces of a mask (H, W)."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return [labels == number for number in range(1, count)]


def _middle(mask: Mask) -> npt.NDArray[np.float64]:
    """Return row and column of a mask's middle."""
    return np.asarray(np.argwhere(mask).mean(axis=0), dtype=np.float64)


def _colour(pixels: npt.NDArray[np.uint8], what: str) -> npt.NDArray[np.float32]:
    """Return the median colour of pixels (N, 3). Raises BackendError where they are of several colours."""
    colour: npt.NDArray[np.float32] = np.asarray(np.median(pixels, axis=0), dtype=np.float32)
    spread = float(np.percentile(np.linalg.norm(pixels.astype(np.float32) - colour, axis=-1), MOST))
    if spread > PLAIN:
        raise BackendError(
            f"{what} is of several colours ({MOST} % of its pixels lie within {spread:.0f} of one colour, {PLAIN:.0f} are "
            "allowed at most); tracker 'hue' follows figures of one plain colour"
        )
    return colour
