"""What moves in a video, read from its pictures while they are walked through: the camera, and each instance inside its mask.

Outlines of masks jitter, and a mask may drift while what it holds stands still. So motion is looked at a second time, by dense
flow between small frames (Kroeger et al., ECCV 2016, as OpenCV has it): what the surroundings of all instances do is the
camera's, and what is left of the flow inside an instance is its own. No mask is needed during the walk.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval import masks
from intergeneval.records import Motion, Step, Tracks, TrackState
from intergeneval.videos.pixels import Frame

WIDTH = 192
"""Longest side of the frames between which flow is read, in pixels."""
WINDOW = 0.5
"""Seconds over which motion is followed: what trembles comes to nothing, what goes somewhere adds up."""
STILL = 1.5
"""Mean change of a place, in levels of 255, under which it stands still, whatever flow says of it."""
MOST = 1200
"""Frames up to which flow is kept; of a longer video no motion is told."""
LEAST = 0.04
"""Share of the picture that must lie outside of all instances for the camera to be read there."""
ROUNDS = 4
"""How often the camera is fitted anew without what does not follow it."""
MANY = 1500
"""Places that a camera is fitted to, at most."""
Small = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Flow = npt.NDArray[np.float16]


class MotionWatch:
    """Sees the frames of one video in order and keeps the flow between them, small."""

    def __init__(self) -> None:
        self._dense = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._before: Small | None = None
        self._flows: list[Flow | None] = []
        self._scale = 1.0
        self._full = False

    def see(self, frame: Frame) -> None:
        """Take the next frame, RGB uint8 (H, W, 3)."""
        if self._full:
            return
        now = self._small(frame)
        if self._before is not None:
            self._flows.append(self._flow(self._before, now))
        self._before = now
        if len(self._flows) >= MOST:
            self._full = True
            self._flows.clear()

    def measure(self, tracks: Tracks) -> Motion | None:
        """Return the motion of camera and instances, window by window; None where it was not looked at."""
        count = max((len(item.states) for item in tracks.tracks), default=0)
        if self._full or not count or len(self._flows) < count - 1:
            return None
        reach = max(1, round(WINDOW * (tracks.fps or 8.0)))
        ends = [*range(reach, count - 1, reach), count - 1] if count > 1 else []
        camera: list[Step] = []
        inside: dict[str, list[Step | None]] = {item.instance_id: [] for item in tracks.tracks}
        start = 0
        for end in ends:
            flow = _chained(self._flows[start:end])
            shown = self._masks(tracks, start)
            step, rest = self._camera(flow, shown)
            camera.append(step)
            for name, steps in inside.items():
                steps.append(self._own(rest, shown.get(name)))
            start = end
        return Motion(ends=tuple(ends), camera=tuple(camera), inside={name: tuple(steps) for name, steps in inside.items()})

    def _small(self, frame: Frame) -> Small:
        height, width = frame.shape[:2]
        self._scale = max(1.0, max(height, width) / WIDTH)
        size = (max(16, round(width / self._scale)), max(16, round(height / self._scale)))
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)

    def _flow(self, before: Small, now: Small) -> Flow | None:
        """Return the flow to the next frame (H, W, 2) in small pixels; None where the same picture is shown again."""
        change = cv2.absdiff(now, before)
        if not change.any():
            return None
        flow = self._dense.calc(before, now, np.zeros((*now.shape, 2), np.float32))
        flow[cv2.blur(change.astype(np.float32), (5, 5)) < STILL] = 0.0
        return flow.astype(np.float16)

    def _masks(self, tracks: Tracks, frame: int) -> dict[str, Small]:
        """Return the masks of a frame at the size of the flow, each without its rim."""
        height, width = self._before.shape if self._before is not None else tracks.size
        found: dict[str, Small] = {}
        for track in tracks.tracks:
            if frame < len(track.states) and track.states[frame] is TrackState.VISIBLE:
                mask = masks.decode(track.masks[frame], tracks.size).astype(np.uint8)
                small = cv2.resize(mask * np.uint8(255), (width, height), interpolation=cv2.INTER_AREA)
                found[track.instance_id] = np.asarray(small, dtype=np.uint8)
        return found

    def _camera(self, flow: Flow | None, shown: dict[str, Small]) -> tuple[Step, Floats | None]:
        """Return what the camera does between two frames, in pixels of the video, and the flow without it."""
        if flow is None:
            return Step(x=0.0, y=0.0), None
        field = flow.astype(np.float64)
        height, width = field.shape[:2]
        free = np.ones((height, width), dtype=bool)
        for mask in shown.values():
            free &= cv2.dilate(mask, np.ones((7, 7), np.uint8)) == 0
        if free.mean() < LEAST:
            return Step(x=0.0, y=0.0), field
        rows, columns = np.nonzero(free)
        fit = _similar(columns - width / 2, rows - height / 2, field[rows, columns])
        across, down = np.meshgrid(np.arange(width) - width / 2, np.arange(height) - height / 2)
        field[..., 0] -= fit[0] + fit[2] * across - fit[3] * down
        field[..., 1] -= fit[1] + fit[2] * down + fit[3] * across
        pan = fit[:2] * self._scale
        bend = _told(self._scale * np.quantile(np.hypot(field[rows, columns, 0], field[rows, columns, 1]), 0.75))
        return Step(
            x=_told(pan[0]), y=_told(pan[1]), bend=bend, zoom=round(float(fit[2]), 5), turn=round(float(fit[3]), 5)
        ), field

    def _own(self, rest: Floats | None, mask: Small | None) -> Step | None:
        """Return an instance's own motion, in pixels of the video; None where it is not seen."""
        if mask is None:
            return None
        if rest is None:
            return Step(x=0.0, y=0.0)
        within = cv2.erode(mask, np.ones((3, 3), np.uint8)) > 127
        if not within.any():
            within = mask > 127 if (mask > 127).any() else mask == mask.max()
        rows, columns = np.nonzero(within)
        own = rest[rows, columns]
        x, y = columns - columns.mean(), rows - rows.mean()
        fit = _similar(x, y, own)
        bent = np.hypot(own[:, 0] - (fit[0] + fit[2] * x - fit[3] * y), own[:, 1] - (fit[1] + fit[2] * y + fit[3] * x))
        speed = np.hypot(own[:, 0], own[:, 1])
        most, bend = (_told(self._scale * np.quantile(item, 0.9)) for item in (speed, bent))
        return Step(x=_told(self._scale * fit[0]), y=_told(self._scale * fit[1]), most=most, bend=bend)


def _chained(flows: list[Flow | None]) -> Flow | None:
    """Return where each place of the first frame is at the end of several steps (H, W, 2)."""
    moved: npt.NDArray[np.float32] | None = None
    for flow in flows:
        if flow is None:
            continue
        step = flow.astype(np.float32)
        if moved is None:
            moved = step
            continue
        rows, columns = np.mgrid[: step.shape[0], : step.shape[1]].astype(np.float32)
        moved = moved + cv2.remap(
            step, columns + moved[..., 0], rows + moved[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    return None if moved is None else moved.astype(np.float16)


def _similar(x: Floats, y: Floats, flow: Floats) -> Floats:
    """Return pan a and b, growth s and turn r that most of a flow (N, 2) follows: u = a + s x - r y, v = b + s y + r x."""
    some = np.linspace(0, x.size - 1, min(x.size, MANY)).astype(int)
    x, y, flow = x[some], y[some], flow[some]
    held = np.ones(x.size, dtype=bool)
    fit = np.zeros(4)
    for _ in range(ROUNDS):
        one, none = np.ones(held.sum()), np.zeros(held.sum())
        left = np.concatenate([np.stack([one, none, x[held], -y[held]], 1), np.stack([none, one, y[held], x[held]], 1)])
        fit = np.linalg.lstsq(left, np.concatenate([flow[held, 0], flow[held, 1]]), rcond=None)[0]
        off = np.hypot(flow[:, 0] - (fit[0] + fit[2] * x - fit[3] * y), flow[:, 1] - (fit[1] + fit[2] * y + fit[3] * x))
        held = off <= max(0.15, 2.0 * float(np.median(off)))
    return np.asarray(fit)


def _told(value: float) -> float:
    return round(float(value), 2)
