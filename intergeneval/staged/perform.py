"""Performances: a scene, a policy and a seed become frames and their truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from intergeneval.masks import Mask, box, track_of
from intergeneval.records import Box, Detection, Detections, Sample, Track, Tracks, TrackState, TrueAnswer, Truth
from intergeneval.staged.by_seed import scene_of
from intergeneval.staged.canvas import Image
from intergeneval.staged.policies import Plan, plan
from intergeneval.staged.scene import SIZE, Scene
from intergeneval.staged.stage import EXTRA_OWNER, PASSER_OWNER, Shot, Stage
from intergeneval.staged.truth import sampled_frames, true_answers, true_controls, true_scores, twin_answers

FRAMES = 49
"""Frames of a staged video unless asked otherwise."""
FPS = 8.0
"""Frames per second of a staged video unless asked otherwise."""
SMALLEST_BOX = 3.0
"""Objects whose visible box is smaller than this on a side, in pixels, are not there to be found."""
_TINY = (8, 12)
TRACKER = "staged-truth"
"""Name under which true tracks and detections are stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to perform, and in which format."""

    policy: str
    """Name of the policy."""
    seed: int = 0
    """Seed of the video."""
    size: tuple[int, int] = SIZE
    """Height and width in pixels."""
    frames: int = FRAMES
    """Number of frames."""
    fps: float = FPS
    """Frames per second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is true of a performance, without its pictures."""

    frames: tuple[int, ...]
    """The sampled frames."""
    sampled: tuple[TrueAnswer, ...]
    """True answers, only the sampled frames seen."""
    event: tuple[TrueAnswer, ...]
    """True answers, all frames seen."""
    emergence: tuple[bool, ...]
    """Emergence per sampled frame after frame 0."""
    disappearance: tuple[bool, ...]
    """Disappearance per sampled frame after frame 0."""
    scores: Mapping[str, Any]
    """kisa_raw and sgi_raw, and per profile spi, kisa, sgi and if."""


class Performance:
    """One video of one scene: painted when it is walked, with its truth."""

    def __init__(self, scene: Scene, request: Request) -> None:
        self.scene = scene
        self.request = request
        self.plan: Plan = plan(request.policy, scene, request.seed)

    def shots(self) -> Iterator[Shot]:
        """Paint the frames in order, each with the map of who is seen where; equal performances give equal bytes."""
        return self._stage().shots(self.request.frames)

    def frames(self) -> Iterator[Image]:
        """Paint the frames in order, RGB uint8 (H, W, 3); equal performances give equal bytes."""
        for shot in self.shots():
            yield shot.frame

    def truth(self, seen: tuple[int, ...] | None = None) -> Truth:
        """Paint the video once for its masks and return its truth; `seen` are the sampled frames (default: the protocol's)."""
        return self.record(seen)[1]

    def record(self, seen: tuple[int, ...] | None = None, *, keep_frames: bool = False) -> tuple[list[Image], Truth]:
        """Return the frames (empty unless kept) and the truth in one pass."""
        request, stage = self.request, self._stage()
        sampled = sampled_frames(request.frames) if seen is None else seen
        gather = _Gather(stage, frozenset(sampled))
        kept: list[Image] = []
        for index, shot in enumerate(stage.shots(request.frames)):
            gather.add(index, shot)
            if keep_frames:
                kept.append(shot.frame)
        return kept, self._truth(stage, gather, sampled)

    def verdict(self, seen: tuple[int, ...] | None = None) -> Verdict:
        """Return answers and scores alone: nothing is painted, so it is quick."""
        stage = Stage(self.scene, self.plan.dial, _TINY, self.request.seed)
        sampled = sampled_frames(self.request.frames) if seen is None else seen
        dial, last = self.plan.dial, max(self.request.frames - 1, 1)
        answers, every = true_answers(stage, self.request.frames, sampled), tuple(range(self.request.frames))
        emerged = tuple(any(frame / last >= item.start for item in dial.extras) for frame in sampled[1:])
        gone = tuple(any(dial.absent(item.id, frame / last) for item in self.scene.figures) for frame in sampled[1:])
        return Verdict(
            frames=sampled,
            sampled=(*answers, *twin_answers(stage, self.request.frames, sampled)),
            event=(*true_answers(stage, self.request.frames, every), *twin_answers(stage, self.request.frames, every)),
            emergence=emerged,
            disappearance=gone,
            scores=true_scores(answers, len(self.scene.acts), emerged, gone),
        )

    def _stage(self) -> Stage:
        return Stage(self.scene, self.plan.dial, self.request.size, self.request.seed)

    def _truth(self, stage: Stage, gather: _Gather, sampled: tuple[int, ...]) -> Truth:
        request, verdict = self.request, self.verdict(sampled)
        return Truth(
            sample_id=self.scene.id,
            seed=request.seed,
            policy=request.policy,
            visible=self._tracks(gather.visible),
            amodal=self._tracks(gather.amodal),
            event=verdict.event,
            control_event=true_controls(stage, request.frames, tuple(range(request.frames))),
            control_sampled=true_controls(stage, request.frames, sampled),
            sampled=verdict.sampled,
            frames=sampled,
            emergence=verdict.emergence,
            disappearance=verdict.disappearance,
            detections=Detections(
                sample_id=self.scene.id, seed=request.seed, detector=TRACKER, frames=sampled, found=tuple(gather.found)
            ),
            faults=self.plan.dial.faults,
            details=self._details(stage, verdict),
        )

    def _tracks(self, tracks: dict[str, list[Mask]]) -> Tracks:
        made: list[Track] = []
        dial, total = self.plan.dial, self.request.frames
        for name, masks in tracks.items():
            states = [
                TrackState.VISIBLE
                if mask.any()
                else TrackState.VANISHED
                if dial.absent(name, frame / max(total - 1, 1))
                else TrackState.OCCLUDED
                for frame, mask in enumerate(masks)
            ]
            made.append(track_of(name, masks, states, [1.0] * len(masks)))
        return Tracks(
            sample_id=self.scene.id,
            seed=self.request.seed,
            tracker=TRACKER,
            size=self.request.size,
            tracks=tuple(made),
            fps=self.request.fps,
        )

    def _details(self, stage: Stage, verdict: Verdict) -> dict[str, Any]:
        dial, total = self.plan.dial, self.request.frames
        spans: list[dict[str, Any]] = []
        for index, events in enumerate(stage.events):
            times = [stage.warp(index, frame / max(total - 1, 1)) for frame in range(total)]
            parts = {"approach": events.start, "contact": events.contact, "action": events.advance, "outcome": events.outcome}
            spans.append(
                {
                    name: _runs([low <= time < high or (high >= 1.0 and time >= 1.0) for time in times])
                    for name, (low, high) in parts.items()
                }
                | {"cast": list(stage.cast(index))}
            )
        return {
            "severity": self.plan.severity,
            "interactions": spans,
            "hidden": {name: [list(span) for span in times] for name, times in dial.hidden.items()},
            "swap": list(dial.swap) if dial.swap else None,
            "scores": verdict.scores,
        }


class _Gather:
    """Collects masks and boxes while a stage is painted."""

    def __init__(self, stage: Stage, sampled: frozenset[int]) -> None:
        self.stage = stage
        self.sampled = sampled
        names = [item.id for item in stage.scene.figures]
        self.visible: dict[str, list[Mask]] = {name: [] for name in names}
        self.amodal: dict[str, list[Mask]] = {name: [] for name in names}
        self.found: list[tuple[Detection, ...]] = []

    def add(self, index: int, shot: Shot) -> None:
        """Take in one frame."""
        boxes: list[tuple[str, Box | None]] = []
        for figure in self.stage.scene.figures:
            owner = self.stage.owner(figure.id)
            mask = shot.ids == owner
            self.visible[figure.id].append(mask)
            whole = shot.whole.get(owner)
            self.amodal[figure.id].append(np.zeros_like(mask) if whole is None else whole.astype(np.bool_))
            boxes.append((figure.kind, box(mask)))
        if index not in self.sampled:
            return
        for number, extra in enumerate(self.stage.dial.extras):
            boxes.append((extra.kind, box(shot.ids == EXTRA_OWNER + number)))
        if self.stage.scene.passer is not None:
            boxes.append((self.stage.scene.passer[0], box(shot.ids == PASSER_OWNER)))
        self.found.append(
            tuple(
                Detection(class_=kind, box=place, score=1.0)
                for kind, place in boxes
                if place is not None and min(place[2] - place[0], place[3] - place[1]) >= SMALLEST_BOX
            )
        )


def _runs(flags: list[bool]) -> list[list[int]]:
    """Return the runs of true flags as [first, last]."""
    runs: list[list[int]] = []
    for index, flag in enumerate(flags):
        if flag and runs and runs[-1][1] == index - 1:
            runs[-1][1] = index
        elif flag:
            runs.append([index, index])
    return runs


def perform(what: Scene | Sample, request: Request) -> Performance:
    """Return the performance of a scene, or of the sample of one. Raises BackendError for other samples."""
    return Performance(what if isinstance(what, Scene) else scene_of(what), request)
