"""Tracker ``flow``, the embedded default: classical vision, no learned weights, all instances in one pass over the frames.

Each frame, the owners of all pixels are carried along the dense motion, and asked for anew where motion does not tell (`labels`),
by how things look (`appearance`). What comes out is believed as far as measured evidence allows (`confidence`); below a limit
the instance is lost: an empty mask and no statement, rather than a box on something else. An instance that is not seen, or
hardly, is searched for, inside what holds it too. All numbers are in `limits`. The result depends on the frames alone: one
thread, and random features drawn from a fixed seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from intergeneval.errors import BackendError, ConfigError, MediaError
from intergeneval.masks import Mask, area
from intergeneval.records import Box, Tracks, TrackState
from intergeneval.trackers import Frame, TrackRequest, grabcut, limits
from intergeneval.trackers.appearance import Floats, Looks, Owners, colour_bins, descriptors, lab_of
from intergeneval.trackers.assembly import TrackBuilder
from intergeneval.trackers.confidence import Evidence, confidence
from intergeneval.trackers.labels import Labels, largest_pieces, owners_of
from intergeneval.trackers.motion import DenseMotion, Grey, Rgb
from intergeneval.trackers.target import Target, View


class FlowTracker:
    """Follows instances by dense motion and looks; says lost when it does not know."""

    id = "flow-2"
    needs_truth = False
    keepable = True

    def track(self, request: TrackRequest) -> Tracks:
        """Track every instance that has a mask. Raises BackendError for masks it cannot start from, MediaError for odd frames."""
        names = [item.id for item in request.sample.instances if item.id in request.masks]
        if not names:
            raise BackendError(
                f"sample {request.sample.id}: no instance has a first-frame mask; tracker 'flow' starts from masks"
            )
        size = request.video.size
        for name in names:
            if request.masks[name].shape != size:
                shape = request.masks[name].shape
                raise BackendError(
                    f"sample {request.sample.id}: the mask of {name!r} is {shape}, the video {size} (height, width)"
                )
        builder = TrackBuilder(names, request.masks)
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            run = Following(names, request.masks, builder)
            for index, frame in enumerate(request.frames):
                if frame.shape != (*size, 3):
                    raise MediaError(f"sample {request.sample.id}, frame {index}: shape {frame.shape}, expected {(*size, 3)}")
                run.step(frame)
        finally:
            cv2.setNumThreads(threads)
        return Tracks(
            sample_id=request.sample.id,
            seed=request.video.seed,
            tracker=self.id,
            size=size,
            tracks=builder.tracks(),
            fps=request.video.fps,
        )

    def segment(self, frame: Frame, boxes: Mapping[str, Box]) -> dict[str, Mask]:
        """Return a mask (H, W) for each box, cut out by colours and edges."""
        return grabcut.segment(frame, boxes)


def create(argument: str, settings: Mapping[str, Any]) -> FlowTracker:
    """Build the tracker; it takes no argument and no settings."""
    if argument:
        raise ConfigError(f"tracker 'flow:{argument}': 'flow' takes no argument")
    if settings:
        raise ConfigError(f"tracker 'flow' has no setting {sorted(settings)[0]!r}; it takes none")
    return FlowTracker()


class Following:
    """One pass over one video."""

    def __init__(self, names: list[str], masks: Mapping[str, Mask], builder: TrackBuilder) -> None:
        """`names` are the instances to follow, `masks` theirs in the first frame (H, W), `builder` takes what is found."""
        self.evidence: dict[str, Evidence] = {}
        """What spoke for each instance that had a mask in the latest frame."""
        self._names = names
        self._anchors = {name: masks[name] for name in names}
        self._builder = builder
        self._dense = DenseMotion()
        self._targets: list[Target] = []
        self._labels: Labels | None = None
        self._looks: Looks | None = None
        self._last: tuple[Rgb, Grey] | None = None
        self._given: tuple[dict[str, Mask], dict[str, float], list[str]] = ({}, {}, [])
        self._frame = 0

    def step(self, frame: Frame) -> None:
        """Take the next frame (H, W, 3)."""
        small = _fitted(frame, limits.WORK_SIDE)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
        if self._last is None:
            self._begin(small)
        elif np.array_equal(small, self._last[0]):
            # The same picture again tells nothing new.
            self._builder.add(*self._given)
            return
        else:
            self._follow((small, grey), self._last, (frame.shape[0], frame.shape[1]))
        self._last = (small, grey)

    def _begin(self, small: Rgb) -> None:
        """Take the first frame's masks as they are; where two overlap, the smaller one lies in front."""
        size = (small.shape[1], small.shape[0])
        taken = np.zeros(small.shape[:2], dtype=np.float32)
        parts: dict[str, Floats] = {}
        for name in sorted(self._anchors, key=lambda item: (area(self._anchors[item]), item)):
            share = _resized(self._anchors[name].astype(np.float32), size)
            parts[name] = np.minimum(share, 1 - taken)
            taken += parts[name]
        followed = [name for name in self._names if np.count_nonzero(parts[name] > 0.5) >= limits.MIN_AREA]
        self._given = (self._anchors, dict.fromkeys(self._names, 1.0), [])
        self._builder.add(*self._given)
        if not followed:
            return
        self._labels = Labels([parts[name] for name in followed])
        seen = lab_of(_seen(small))
        shares = self._at_looks(self._labels.shares)
        sure = shares.max(axis=0) > limits.LOOK_SURE
        owners = owners_of(shares)
        masks = [owners == index + 1 for index in range(len(followed))]
        for index, mask in enumerate(masks):
            if not (mask & sure).any():
                sure |= mask | (shares[index + 1] == shares[index + 1].max())
        described = descriptors(seen)
        self._looks = Looks(described[sure], owners[sure], len(followed) + 1)
        view = View(colour_bins(seen), self._looks.beliefs(described)[1], owners, np.ones(owners.shape, dtype=np.float32))
        self._targets = [
            Target(name, index + 1, masks[index] if masks[index].any() else shares[index + 1] > 0, view)
            for index, name in enumerate(followed)
        ]

    def _follow(self, current: tuple[Rgb, Grey], last: tuple[Rgb, Grey], size: tuple[int, int]) -> None:
        """Bring owners and instances into this frame, and write it."""
        self._frame += 1
        if self._labels is None or self._looks is None:
            nothing = {name: np.zeros(size, dtype=np.bool_) for name in self._names}
            self._given = (nothing, dict.fromkeys(self._names, 0.0), list(self._names))
            self._builder.add(*self._given)
            return
        seen = lab_of(_seen(current[0]))
        described = descriptors(seen)
        beliefs, first = self._looks.beliefs(described)
        width, height = current[0].shape[1], current[0].shape[0]
        motion = self._dense.between(last, current)
        if motion.cut:
            self._labels.clear()
        else:
            self._labels.step(motion, np.stack([_resized(belief, (width, height)) for belief in beliefs]), current[1])
        shares = self._at_looks(self._labels.shares)
        owners = owners_of(shares)
        view = View(colour_bins(seen), first, owners, _resized(self._labels.rooted, beliefs.shape[:0:-1]))
        self.evidence = {}
        trust = {item.name: self._judge(item, largest_pieces(owners == item.index), view) for item in self._targets}
        self._write(trust, view, size)
        if self._frame % limits.LOOK_EVERY == 0:
            self._learn(described, shares, owners, view, trust)

    def _judge(self, target: Target, mask: Mask, view: View) -> float:
        """Return how far the instance is believed to be where the labels have it (H, W), once it was looked for if need be."""
        assert self._labels is not None
        grain = self._labels.rooted.size / mask.size
        worth = 0.0
        if area(mask) * grain >= limits.MIN_AREA:
            self.evidence[target.name] = target.weigh(mask, view)
            worth = confidence(self.evidence[target.name])
        enough = limits.VISIBLE if target.seen else limits.REGAIN
        drifting = self._frame % limits.LOOK_EVERY == 0 and float(view.rooted[mask].sum()) < limits.DRIFTING * area(mask)
        if worth >= limits.SOUGHT and area(mask) >= limits.COLLAPSED * target.whole_area and not drifting:
            target.accept(mask, view, worth)
            return worth
        found = target.sought(view.beliefs[target.index])
        if found is not None and (worth < enough or not (found & mask).any()):
            there = target.weigh(found, view)
            again = confidence(there)
            if again >= max(limits.REGAIN, worth):
                size = self._labels.rooted.shape[::-1]
                place = _resized(found.astype(np.float32), size) > 0.5
                self._labels.put(target.index, place, np.stack([_resized(belief, size) for belief in view.beliefs]))
                target.accept(found, view, again)
                self.evidence[target.name] = there
                return again
        if worth >= enough:
            target.accept(mask, view, worth)
            return worth
        target.miss()
        return 0.0

    def _write(self, trust: dict[str, float], view: View, size: tuple[int, int]) -> None:
        """Write the frame: masks of those who are believed, and what the empty ones of the others mean."""
        assert self._labels is not None
        given = dict.fromkeys(self._names, 0.0) | trust
        final = self._full_size([item for item in self._targets if trust[item.name] > 0], size)
        lost = [name for name in self._names if name not in trust]
        for item in self._targets:
            if final[item.name].any():
                continue
            given[item.name] = 0.0
            others = [mask for name, mask in final.items() if name != item.name]
            state = self._builder.expected(item.name, others)
            belief = view.beliefs[item.index]
            # Of what is hidden nothing is left: who still has pixels, though they are not believed, may be in plain view.
            held = self.evidence.get(item.name)
            in_part = held is not None and held.part >= limits.IN_PART and held.look >= limits.IN_PART_LOOK
            if (state is TrackState.VANISHED and not item.absent(belief)) or (
                state is TrackState.OCCLUDED and (in_part or item.shows(belief))
            ):
                lost.append(item.name)
        self._given = (final, given, lost)
        self._builder.add(*self._given)

    def _full_size(self, shown: list[Target], size: tuple[int, int]) -> dict[str, Mask]:
        """Return masks of the video's size (H, W): the given ones where nothing has moved since, the labels elsewhere."""
        assert self._labels is not None
        final = {name: np.zeros(size, dtype=np.bool_) for name in self._names}
        shares, untouched = self._labels.shares, self._labels.untouched
        kept = None
        if untouched.any():
            kept = cv2.resize(untouched.astype(np.uint8), (size[1], size[0]), interpolation=cv2.INTER_NEAREST) > 0
        for item in shown:
            ahead = shares[item.index] - np.delete(shares, item.index, axis=0).max(axis=0)
            pieces = largest_pieces(ahead > 0)
            field = np.where(pieces, ahead, np.minimum(ahead, -ahead))
            mask = _resized(field, (size[1], size[0])) > 0
            final[item.name] = mask if kept is None else np.where(kept, self._anchors[item.name], mask)
        return final

    def _learn(self, described: Floats, shares: Floats, owners: Owners, view: View, trust: dict[str, float]) -> None:
        """Teach the classifier this frame, as far as it is believed."""
        assert self._looks is not None
        sure = (shares.max(axis=0) > limits.LOOK_SURE) & (
            (owners_of(view.beliefs) == owners) | (view.rooted > limits.LOOK_ROOTED)
        )
        for item in self._targets:
            if trust[item.name] < limits.REGAIN:
                sure &= owners != item.index
        for index in range(len(shares)):
            # Of a large owner every fourth pixel tells the same.
            if np.count_nonzero(owners == index) > limits.LOOK_MANY:
                thin = np.zeros_like(sure)
                thin[::2, ::2] = True
                sure &= thin | (owners != index)
        if sure.any():
            self._looks.learn(described[sure], owners[sure])

    def _at_looks(self, fields: Floats) -> Floats:
        """Return fields (n, H, W) at the size at which looks are compared."""
        height, width = _look_size(fields.shape[1], fields.shape[2])
        return np.stack([_resized(field, (width, height)) for field in fields])


def _look_size(height: int, width: int) -> tuple[int, int]:
    while max(height, width) > limits.LOOK_SIDE:
        height, width = (height + 1) // 2, (width + 1) // 2
    return max(height, 1), max(width, 1)


def _seen(small: Rgb) -> Rgb:
    height, width = _look_size(small.shape[0], small.shape[1])
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _fitted(frame: Frame, side: int) -> Rgb:
    height, width = frame.shape[:2]
    scale = min(1.0, side / max(height, width))
    if scale == 1.0:
        return np.ascontiguousarray(frame)
    work = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(frame, work, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _resized(field: Floats, size: tuple[int, ...]) -> Floats:
    """Bring a field (H, W) to a size (width, height): averaged when it shrinks, interpolated when it grows."""
    if field.shape == size[::-1]:
        return field
    way = cv2.INTER_AREA if size[0] < field.shape[1] else cv2.INTER_LINEAR
    return cv2.resize(field, (size[0], size[1]), interpolation=way).astype(np.float32, copy=False)
