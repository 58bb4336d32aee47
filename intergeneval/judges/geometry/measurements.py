"""Measurements on tracks: where each instance is, how far apart two are, and how much one changed between two frames.

Gaps within a frame are taken on outlines at full size; comparisons across frames on reduced masks with the camera's motion taken
out. Nothing here knows verbs or questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from intergeneval import masks
from intergeneval.judges.geometry import thresholds
from intergeneval.records import Track, Tracks, TrackState

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Small = npt.NDArray[np.uint8]
Stretch = tuple[int, int, float, float]
"""First and last measured frame, how far something moves by itself in between, and how far it must to count as moving."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of one instance at the measured frames; arrays have one entry a measured frame."""

    id: str
    """Instance id."""
    states: tuple[TrackState, ...]
    """Track state."""
    centre: Floats
    """Mask centre x, y in pixels, (T, 2); NaN where not visible."""
    area: Floats
    """Mask area in pixels."""
    small: tuple[Small | None, ...]
    """Reduced mask, 0 or 1; None where not visible."""
    edges: tuple[Floats | None, ...]
    """Outline points x, y in pixels, (N, 2); None where not visible."""
    size: float
    """Square root of the median visible area, in pixels; 0 for something never visible."""
    thickness: float = 0.0
    """Twice the median of how far its innermost place lies from its outline, in pixels."""
    jitter: float = 0.0
    """How far its outline trembles from frame to frame while it rests, in pixels."""

    @property
    def visible(self) -> Flags:
        """Whether there is a mask."""
        return np.array([item is not None for item in self.small], dtype=np.bool_)

    @property
    def lost(self) -> Flags:
        """Whether the tracker had lost it."""
        return np.array([item is TrackState.LOST for item in self.states], dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Camera:
    """What the camera did since the first measured frame: a place x there is seen at zoom * (x - middle) + middle + pan."""

    pan: Floats
    """Shift in pixels, (T, 2)."""
    zoom: Floats
    """Growth, (T,); 1 for none."""


class Scene:
    """All instances of one video, measured."""

    def __init__(self, tracks: Tracks, sampled: Sequence[int], fps: float, times: Sequence[float] = ()) -> None:
        count = max((len(item.states) for item in tracks.tracks), default=0)
        if count and len(times) == count:
            chosen, self.rate = _paced(times, sampled)
        else:
            step = max(1, -(-count // thresholds.MOST_FRAMES))
            chosen = sorted({*range(0, count, step), *(frame for frame in sampled if frame < count)})
            self.rate = (fps or thresholds.DEFAULT_FPS) / step
        self.frames: tuple[int, ...] = tuple(chosen)
        self.sampled = tuple(sampled)
        self.shape = tracks.size
        self.motion = tracks.motion
        """What moves in the pictures themselves, where somebody looked."""
        self.scale = max(1.0, max(tracks.size) / thresholds.GRID)
        self.sights = {item.instance_id: self._sight(item) for item in tracks.tracks}
        self._cut_exchanges()
        self.camera = Camera(np.zeros((len(chosen), 2)), np.ones(len(chosen)))
        self.touching: dict[tuple[str, str], bool] = {}
        """What is known beforehand of whether two touch in the first frame, by their ids in order."""
        self.lines: dict[tuple[str, str], str] = {}
        """What one has another by or works on it with, by their ids: the instrument of the interaction."""
        self.met: dict[tuple[str, str], tuple[list[tuple[int, int]], bool]] = {}
        """Pair of ids -> first and last measured frames of their contacts, and whether there may be one beyond."""
        self.shifts: dict[tuple[str, int], Floats] = {}
        """Id and measured frame -> how far it is from where it was then."""
        self.stretches: dict[str, list[Stretch]] = {}
        """Instance id -> what `stirring` has found of it."""
        self._gaps: dict[tuple[str, str], Floats] = {}
        self._fields: dict[tuple[str, int], npt.NDArray[np.float32]] = {}

    def count(self, seconds: float) -> int:
        """Return how many measured frames a duration has, at least 1."""
        return max(1, round(seconds * self.rate))

    def sampled_at(self, index: int) -> int | None:
        """Return the first sampled frame at or after a measured one; the last sampled frame where none follows."""
        frame = self.frames[index]
        return next((item for item in self.sampled if item >= frame), self.sampled[-1] if self.sampled else None)

    def shown(self, start: int, end: int) -> int | None:
        """Return the first measured frame from `start` to `end` that is a sampled one: where a judge of frames would see it."""
        seen = set(self.sampled)
        return next((index for index in range(start, min(end, len(self.frames) - 1) + 1) if self.frames[index] in seen), None)

    def tolerance(self, first: str, second: str) -> float:
        """Return the largest gap in pixels that counts as contact between two instances."""
        smaller = self.smaller(first, second)
        most = thresholds.CONTACT_GAP_MOST * max(self.shape)
        least = max(thresholds.CONTACT_GAP_PIXELS, min(thresholds.CONTACT_GAP * smaller, most))
        one, two = self.sights[first], self.sights[second]
        tremble = thresholds.JITTERS * (one.jitter + two.jitter)
        return max(least, min(least + tremble, thresholds.JITTER_MOST * min(one.thickness, two.thickness)))

    def smaller(self, first: str, second: str) -> float:
        """Return the size of the smaller of two instances, in pixels."""
        return max(1.0, min(self.sights[first].size, self.sights[second].size))

    def gap(self, first: str, second: str) -> Floats:
        """Return the gap between two instances per frame, in pixels; 0 where they meet, NaN where one is not visible."""
        key = (min(first, second), max(first, second))
        if key not in self._gaps:
            one, two = self.sights[key[0]], self.sights[key[1]]
            self._gaps[key] = np.array([_edge_gap(a, b) for a, b in zip(one.edges, two.edges, strict=True)])
        return self._gaps[key]

    def place(self, name: str) -> Floats:
        """Return an instance's centre per frame with the camera's motion taken out, (T, 2) in pixels of the first frame."""
        middle = np.array([self.shape[1], self.shape[0]]) / 2
        steady: Floats = (self.sights[name].centre - middle - self.camera.pan) / self.camera.zoom[:, None] + middle
        return steady

    def gap_across(self, mover: str, when: int, other: str, anchor: int) -> float:
        """Return the gap from `mover` at frame index `when` to where `other` was at `anchor`, in pixels; NaN if unseen."""
        moving, resting = self.sights[mover].small[when], self.sights[other].small[anchor]
        if moving is None or resting is None:
            return float("nan")
        key = (other, anchor)
        if key not in self._fields:
            self._fields[key] = np.asarray(cv2.distanceTransform(1 - resting, cv2.DIST_L2, 5), dtype=np.float32)
        rows, columns = np.nonzero(self._steadied(moving, when, anchor))
        field = self._fields[key]
        if rows.size == 0:
            return float("nan")
        return max(0.0, float(field[rows, columns].min()) - 1.0) * self.scale

    def change(self, name: str, when: int, anchor: int, *, shift: Floats | None = None) -> float:
        """Return how much of an instance is elsewhere at `when` than at `anchor`: 0 (same outline) to 1 and more.

        The smaller of the two one-sided differences of the outlines, over the smaller area: hiding a part makes a difference on
        one side only and so does not count. `shift` aligns the masks by that many pixels instead of by the camera's motion.
        """
        now, then = self.sights[name].small[when], self.sights[name].small[anchor]
        if now is None or then is None:
            return float("nan")
        aligned = self._steadied(now, when, anchor) if shift is None else _warped(now, 1.0, -shift / self.scale)
        least = max(1, min(int(aligned.sum()), int(then.sum())))
        gained = int((aligned & ~_grown(then) & 1).sum())
        given = int((then & ~_grown(aligned) & 1).sum())
        return min(gained, given) / least

    def stance(self, name: str) -> Floats:
        """Return the middle of an instance's lowest tenth per frame, x in stabilised pixels, (T,); NaN where not visible."""
        places = np.full(len(self.frames), np.nan)
        middle = self.shape[1] / 2
        for index, small in enumerate(self.sights[name].small):
            if small is not None:
                rows, columns = np.nonzero(small)
                low = columns[rows >= rows.max() - 0.1 * (rows.max() - rows.min() + 1)]
                x = (float(low.min() + low.max()) / 2 + 0.5) * self.scale
                places[index] = (x - middle - self.camera.pan[index, 0]) / self.camera.zoom[index] + middle
        return places

    def hull(self, name: str, index: int) -> float:
        """Return the area of an instance's convex hull in a frame, the camera's zoom taken out, in pixels; NaN where unseen."""
        edges = self.sights[name].edges[index]
        if edges is None:
            return float("nan")
        return float(cv2.contourArea(cv2.convexHull(edges.astype(np.float32)))) / float(self.camera.zoom[index]) ** 2

    def gained(self, name: str, when: int, anchor: int) -> tuple[float, Floats | None]:
        """Return (share of the mask at `anchor` newly covered at `when`, centre of that place in stabilised pixels).

        Places where another instance was at `anchor` do not count: there it may have been all along, behind the other.
        """
        now, then = self.sights[name].small[when], self.sights[name].small[anchor]
        if now is None or then is None:
            return float("nan"), None
        aligned = self._steadied(now, when, anchor)
        new = aligned & ~_grown(then) & ~self._covered(name, anchor) & 1
        rows, columns = np.nonzero(new)
        if rows.size == 0:
            return 0.0, None
        centre = np.array([columns.mean(), rows.mean()]) * self.scale
        return rows.size / max(1, int(then.sum())), centre

    def altered(self, name: str, when: int, anchor: int) -> float:
        """Return the share of the mask at `anchor` by which its outline grew or shrank, whichever is more.

        Unlike `change` it counts one-sided differences, such as a drawer that comes out; places another instance covers in
        either frame do not count.
        """
        now, then = self.sights[name].small[when], self.sights[name].small[anchor]
        if now is None or then is None:
            return float("nan")
        given = then & ~_grown(self._steadied(now, when, anchor))
        seen = ~self._steadied(self._covered(name, when), when, anchor)
        return max(self.gained(name, when, anchor)[0], int((given & seen & 1).sum()) / max(1, int(then.sum())))

    def _steadied(self, mask: Small, when: int, anchor: int) -> Small:
        """Return a reduced mask of frame `when` as the camera of frame `anchor` would have seen it."""
        zoom = float(self.camera.zoom[anchor] / self.camera.zoom[when])
        middle = np.array([mask.shape[1], mask.shape[0]]) / 2 - 0.5
        pan = (self.camera.pan[anchor] - zoom * self.camera.pan[when]) / self.scale
        return _warped(mask, zoom, middle - zoom * middle + pan)

    def _covered(self, name: str, index: int) -> Small:
        """Return where other instances are in a frame, a cell wider than they are, as a reduced mask."""
        height, width = (max(1, round(side / self.scale)) for side in self.shape)
        cover = np.zeros((height, width), dtype=np.uint8)
        for other, sight in self.sights.items():
            small = sight.small[index]
            if other != name and small is not None:
                cover |= _grown(small)
        return cover

    def _cut_exchanges(self) -> None:
        """Forget what is seen of instances after they jump in the same frame: nobody can tell any more who is who."""
        jumps = {name: {*self.jumps(name)} for name in self.sights}
        names = sorted(self.sights)
        for one, other in ((one, other) for one in names for other in names if one < other):
            for index in self._swaps(one, other):
                jumps[one].add(index)
                jumps[other].add(index)
        for name, own in jumps.items():
            shared = [index for index in own if any(index in other for key, other in jumps.items() if key != name)]
            if shared:
                self.sights[name] = _until(self.sights[name], min(shared))

    def _swaps(self, one: str, other: str) -> list[int]:
        """Return the measured frames in which two instances stand where the other stood just before."""
        first, second = self.sights[one].centre, self.sights[other].centre
        size = max(1.0, self.sights[one].size, self.sights[other].size)
        step = np.minimum(*(np.hypot(*np.diff(places, axis=0).T) for places in (first, second)))
        crossed = np.maximum(np.hypot(*(first[1:] - second[:-1]).T), np.hypot(*(second[1:] - first[:-1]).T))
        far = np.nan_to_num(step, nan=0.0) >= thresholds.SWAP_SIZES * size
        met = np.nan_to_num(crossed / np.maximum(step, 1e-6), nan=np.inf) <= thresholds.SWAP_MISS
        return [int(index) + 1 for index in np.flatnonzero(far & met)]

    def jumps(self, name: str) -> tuple[int, ...]:
        """Return the measured frames an instance reaches by one isolated, implausibly long step."""
        place, size = self.sights[name].centre, max(1.0, self.sights[name].size)
        seen = np.flatnonzero(~np.isnan(place[:, 0]))
        steps = np.hypot(*np.diff(place[seen], axis=0).T) / (size * np.maximum(1, np.diff(seen)))
        found = []
        for index in np.flatnonzero(steps > thresholds.TELEPORT_SIZES):
            around = np.concatenate([steps[max(0, index - 2) : index], steps[index + 1 : index + 3]])
            if steps[index] > thresholds.TELEPORT_ISOLATION * around.max(initial=0.0):
                found.append(int(seen[index + 1]))
        return tuple(found)

    def _sight(self, track: Track) -> Sight:
        centres, areas, states = [], [], []
        smalls: list[Small | None] = []
        edges: list[Floats | None] = []
        for frame in self.frames:
            state = track.states[frame] if frame < len(track.states) else TrackState.LOST
            states.append(state)
            mask = masks.decode(track.masks[frame], self.shape) if state is TrackState.VISIBLE else None
            if mask is None or not mask.any():
                centres.append((np.nan, np.nan))
                areas.append(np.nan)
                smalls.append(None)
                edges.append(None)
                continue
            whole = mask.view(np.uint8)
            moments = cv2.moments(whole, binaryImage=True)
            centres.append((moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]))
            areas.append(moments["m00"])
            smalls.append(self._reduced(whole))
            edges.append(_outline(whole))
        seen = [value for value in areas if not np.isnan(value)]
        thickness, jitter = _fineness([item for item in smalls if item is not None], self.scale)
        return Sight(
            id=track.instance_id,
            states=tuple(states),
            centre=np.array(centres, dtype=np.float64).reshape(-1, 2),
            area=np.array(areas, dtype=np.float64),
            small=tuple(smalls),
            edges=tuple(edges),
            size=float(np.sqrt(np.median(seen))) if seen else 0.0,
            thickness=thickness,
            jitter=jitter,
        )

    def _reduced(self, mask: Small) -> Small:
        height, width = (max(1, round(side / self.scale)) for side in mask.shape)
        reduced = cv2.resize(mask * np.uint8(255), (width, height), interpolation=cv2.INTER_AREA)
        small = (reduced >= 96).astype(np.uint8)
        if not small.any():
            small.flat[int(np.argmax(reduced))] = 1
        return small


def _fineness(seen: Sequence[Small], scale: float) -> tuple[float, float]:
    """Return how thick something is and how far its outline trembles, in pixels of the video.

    What trembles is there again a frame later: of three successive masks, the part of the outline in which the outer two agree
    and the middle one differs, over the length of the outline. Motion that goes on leaves no such part.
    """
    if not seen:
        return 0.0, 0.0
    deep = [
        2.0 * float(cv2.distanceTransform(np.pad(item, 1), cv2.DIST_L2, 3).max()) * scale
        for item in seen[:: max(1, len(seen) // 8)]
    ]
    shares = []
    for before, now, after in zip(seen, seen[1:], seen[2:], strict=False):
        back = int(((before == after) & (now != before)).sum())
        length = int((now - cv2.erode(now, np.ones((3, 3), np.uint8))).sum())
        shares.append(back / max(1, length))
    return float(np.median(deep)), float(np.median(shares)) * scale if shares else 0.0


def _paced(times: Sequence[float], sampled: Sequence[int]) -> tuple[list[int], float]:
    """Return the frame on screen at even steps of time, the sampled ones always among them, and the steps per second.

    Of a variable rate only: a frame that is held stands there as often as it is long, so that counts of frames are times. The
    step is that of the faster parts, so that none of their frames is passed over.
    """
    steps = np.diff(times)
    usual = float(np.quantile(steps[steps > 0], 0.25, method="lower")) if (steps > 0).any() else 1.0
    step = max(usual, times[-1] / thresholds.MOST_FRAMES)
    ticks = np.arange(0.0, times[-1] + step / 2, step)
    shown = (np.searchsorted(times, ticks + step / 1000, side="right") - 1).tolist()
    return sorted([*shown, *({frame for frame in sampled if frame < len(times)} - set(shown))]), 1.0 / step


def _until(sight: Sight, end: int) -> Sight:
    """Return a sight that ends before a measured frame."""
    centre, area = sight.centre.copy(), sight.area.copy()
    centre[end:] = np.nan
    area[end:] = np.nan
    gone = (None,) * (len(sight.states) - end)
    return replace(sight, centre=centre, area=area, small=(*sight.small[:end], *gone), edges=(*sight.edges[:end], *gone))


def _outline(mask: Small) -> Floats:
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return np.concatenate([item[:, 0, :] for item in contours]).astype(np.float64)


def _edge_gap(first: Floats | None, second: Floats | None) -> float:
    if first is None or second is None:
        return float("nan")
    few, many = (first, second) if len(first) < len(second) else (second, first)
    distance = np.asarray(cKDTree(many).query(few)[0])
    return max(0.0, float(distance.min()) - 1.0)


def _warped(mask: Small, zoom: float, move: Floats) -> Small:
    """Return zoom * x + move of a reduced mask; less than half a cell at its edges is left alone."""
    if np.abs(move).max() + abs(zoom - 1.0) * max(mask.shape) < 0.5:
        return mask
    matrix = np.array([[zoom, 0.0, move[0]], [0.0, zoom, move[1]]])
    size = (mask.shape[1], mask.shape[0])
    return np.asarray(cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_NEAREST), dtype=np.uint8)


def _grown(mask: Small) -> Small:
    return np.asarray(cv2.dilate(mask, np.ones((3, 3), dtype=np.uint8)), dtype=np.uint8)
