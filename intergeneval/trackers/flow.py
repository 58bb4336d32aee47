"""Tracker ``flow``, the embedded default: classical vision, no learned weights, all instances in one pass over the frames.

Each frame, every instance's mask is carried along the dense motion; where that is doubtful, its last whole shape is searched
for by colour. Carried masks and colours of all instances then share the pixels out. What comes out is believed as far as its
colours, its contrast and its shape allow; below a limit the instance is lost: an empty mask and no statement, rather than a
box on something else. All numbers are in `limits`. The result depends on the frames alone: nothing is drawn by chance, one
thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval.errors import BackendError, ConfigError, MediaError
from intergeneval.masks import Mask, area
from intergeneval.records import Box, Tracks, TrackState
from intergeneval.trackers import Frame, TrackRequest, grabcut, limits
from intergeneval.trackers.appearance import Floats, histogram
from intergeneval.trackers.assembly import TrackBuilder
from intergeneval.trackers.labels import colour_odds, prior_odds, revealed, share_out, smooth
from intergeneval.trackers.motion import DenseMotion, Motion
from intergeneval.trackers.search import Search, contrast
from intergeneval.trackers.target import Picture, Target, picture_of


class FlowTracker:
    """Follows instances by dense motion, colour and shape; says lost when it does not know."""

    id = "flow-1"
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
            run = _Run(names, request.masks, builder)
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


class _Run:
    """One pass over one video."""

    def __init__(self, names: list[str], masks: Mapping[str, Mask], builder: TrackBuilder) -> None:
        self._names = names
        self._anchors = {name: masks[name] for name in names}
        self._builder = builder
        self._dense = DenseMotion()
        self._targets: list[Target] = []
        self._scene: Floats = np.zeros(0, dtype=np.float32)
        self._grey: npt.NDArray[np.uint8] | None = None

    def step(self, frame: Frame) -> None:
        """Take the next frame (H, W, 3)."""
        height, width = frame.shape[:2]
        scale = min(1.0, limits.WORK_SIDE / max(height, width))
        work = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(frame, work, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
        picture = picture_of(small, grey)
        if self._grey is None:
            self._begin(picture, work)
        else:
            self._follow(picture, self._dense.between(self._grey, grey), (height, width))
        self._grey = grey

    def _begin(self, picture: Picture, work: tuple[int, int]) -> None:
        """Take the first frame's masks as they are; where two overlap, the smaller one lies in front."""
        small = {
            name: cv2.resize(mask.astype(np.float32), work, interpolation=cv2.INTER_AREA) > 0.5
            for name, mask in self._anchors.items()
        }
        taken = np.zeros(picture.grey.shape, dtype=np.bool_)
        parts: dict[str, Mask] = {}
        for name in sorted(small, key=lambda item: (area(small[item]), item)):
            parts[name] = small[name] & ~taken
            taken |= small[name]
        self._scene = histogram(picture.bins, ~taken) * np.float32(max(area(~taken), 1))
        self._targets = [
            Target(name, parts[name], picture) for name in self._names if np.count_nonzero(parts[name]) >= limits.MIN_AREA
        ]
        for target in self._targets:
            chance = self._probability(target, picture)
            target.anchor_response = contrast(chance, target.mask)
            target.remember(chance)
        self._builder.add(self._anchors, dict.fromkeys(self._names, 1.0))

    def _ratio(self, target: Target, picture: Picture) -> Floats:
        return target.ratio(picture, self._scene, [item for item in self._targets if item is not target])

    def _probability(self, target: Target, picture: Picture) -> Floats:
        share: Floats = (1 / (1 + np.exp(-self._ratio(target, picture)))).astype(np.float32)
        return share

    def _follow(self, picture: Picture, motion: Motion, size: tuple[int, int]) -> None:
        ratios = {item.name: self._ratio(item, picture) for item in self._targets}
        chances: dict[str, Floats] = {name: (1 / (1 + np.exp(-ratio))).astype(np.float32) for name, ratio in ratios.items()}
        odds = []
        bodies = {item.name: motion.carry(item.mask) for item in self._targets if item.seen}
        ground = motion.fit(~np.logical_or.reduce(list(bodies.values()))) if bodies else None
        for item in self._targets:
            carried, doubt = self._propose(item, motion, chances[item.name])
            field = prior_odds(carried, doubt) + colour_odds(ratios[item.name])
            behind = revealed(
                carried, [(other.mask, bodies[other.name]) for other in self._targets if other.seen and other is not item]
            )
            field = np.where(behind, np.maximum(field, limits.REVEALED_ODDS + ratios[item.name]), field)
            if doubt is not None:
                field += motion.odds(motion.fit(bodies[item.name]), ground)
            if carried.any():
                laid = item.lay(carried, [])
                field += np.float32(limits.RECALL) * (laid & (ratios[item.name] > 0))
            odds.append(smooth(field, picture.grey))
        masks = dict(zip([item.name for item in self._targets], share_out(odds), strict=True)) if odds else {}
        self._decide(picture, masks, odds, chances, size)

    def _propose(self, target: Target, motion: Motion, chance: Floats) -> tuple[Mask, Mask | None]:
        """Return where the target should be in this frame, and where that word is believed (None: all of it)."""
        frame = (chance.shape[0], chance.shape[1])
        if not target.seen:
            return self._regain(target, chance), None
        carried = motion.carry(target.mask)
        if not target.searchable:
            return carried, motion.believed
        x, y = target.centre
        search = Search(chance, target.whole, [(x, y), (x + target.velocity[0], y + target.velocity[1])])
        best, rival = search.places()
        moved = target.whole.centre if not carried.any() else _box_centre(carried)
        standing = search.near(moved) if carried.any() else -1.0
        if best.response < standing + limits.SEARCH_GAIN or rival.response > best.response - limits.RIVAL_GAP:
            return carried, motion.believed
        found = target.whole.at(best.centre, frame, best.scale)
        step = np.hypot(*np.subtract(best.centre, (x, y))) - np.hypot(*target.velocity)
        if step > limits.SEARCH_REACH * target.whole.size or not target.is_new(found, chance):
            return carried, motion.believed
        return found, None

    def _regain(self, target: Target, chance: Floats) -> Mask:
        """Return where an unseen target may have come back: one place that looks like it and has no rival, else an empty mask."""
        nothing = np.zeros(chance.shape, dtype=np.bool_)
        enough = limits.REGAIN_RESPONSE * target.anchor_response
        if not target.searchable:
            return target.mask if contrast(chance, target.mask) >= enough else nothing
        best, rival = Search(chance, target.whole, []).places()
        if best.response < enough or rival.response > best.response - limits.RIVAL_GAP:
            return nothing
        found = target.whole.at(best.centre, (chance.shape[0], chance.shape[1]), best.scale)
        return found if target.is_new(found, chance) else nothing

    def _decide(
        self, picture: Picture, masks: dict[str, Mask], odds: list[Floats], chances: dict[str, Floats], size: tuple[int, int]
    ) -> None:
        """Believe each mask or not, and write the frame."""
        final = {name: np.zeros(size, dtype=np.bool_) for name in self._names}
        trust = dict.fromkeys(self._names, 0.0)
        unseen = []
        for item, value in zip(self._targets, odds, strict=True):
            others = [mask for name, mask in masks.items() if name != item.name]
            evidence = item.judge(masks[item.name], picture, chances[item.name], others)
            if evidence.confidence >= (limits.VISIBLE if item.seen else limits.REGAIN):
                final[item.name] = _full_size(masks[item.name], value, size)
                trust[item.name] = evidence.confidence
                item.accept(masks[item.name], picture, evidence, others)
            else:
                item.miss()
                unseen.append(item)
        for item in self._targets:
            item.remember(chances[item.name])
        lost = [name for name in self._names if name not in masks]
        for item in unseen:
            others = [mask for name, mask in final.items() if name != item.name]
            state = self._builder.expected(item.name, others)
            if state is TrackState.VANISHED and not self._absent(item, chances[item.name]):
                lost.append(item.name)
        self._builder.add(final, trust, lost)
        background = ~np.logical_or.reduce(list(masks.values())) if masks else np.ones(picture.grey.shape, dtype=np.bool_)
        if background.any():
            latest = histogram(picture.bins, background) * np.float32(self._scene.sum())
            self._scene = (1 - limits.SCENE_RATE) * self._scene + limits.SCENE_RATE * latest

    def _absent(self, target: Target, chance: Floats) -> bool:
        """Return whether its last place is seen to be empty and no place of the frame is similar: then it has vanished."""
        was_whole = area(target.mask) >= limits.ABSENT_WHOLE * target.whole_area
        if not was_whole or not target.searchable or float(chance[target.mask].mean()) > limits.ABSENT_HERE:
            return False
        best, _ = Search(chance, target.whole, []).places()
        return best.response < limits.ABSENT_ELSEWHERE * target.anchor_response


def _box_centre(mask: Mask) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    return (float(columns.min() + columns.max() + 1) / 2, float(rows.min() + rows.max() + 1) / 2)


def _full_size(mask: Mask, odds: Floats, size: tuple[int, int]) -> Mask:
    """Bring a mask to the video's size (H, W); the log odds round its staircase off."""
    if mask.shape == size:
        return mask
    field = np.where(mask, np.maximum(odds, 0.05), np.minimum(odds, -0.05)).clip(-1, 1).astype(np.float32)
    grown: Mask = cv2.resize(field, (size[1], size[0]), interpolation=cv2.INTER_LINEAR) > 0
    return grown
