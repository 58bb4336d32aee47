"""A scene set up for one performance: rigs in place, scripts played with the dialled cast, and frames painted on demand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval.staged.backdrops import MARGIN, backdrop
from intergeneval.staged.canvas import STAGE, Camera, Colour, Image, Piece, Sketch, paint
from intergeneval.staged.dial import Dial, straight
from intergeneval.staged.kinds import DEPTH, KINDS
from intergeneval.staged.looks import Look
from intergeneval.staged.motion import ease, share
from intergeneval.staged.people import Person
from intergeneval.staged.play import START, TOUCH, Events, Play
from intergeneval.staged.rig import GROUND, Actor, Moment, Rig
from intergeneval.staged.scene import Act, Figure, Scene, rng_of

EXTRA_OWNER, PASSER_OWNER = 100, 120
"""First numbers of those who appear and of those far behind in the id map; tracked figures count from 1."""
_TABLE = Look(name="brown", main=(176, 136, 100), accent=(120, 90, 60))
_NOISE_MARGIN = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One painted frame."""

    frame: Image
    """RGB (H, W, 3)."""
    ids: Image
    """Number of the owner that is seen at each pixel (H, W); 0 is nobody."""
    whole: dict[int, Image]
    """Owner of a tracked figure -> 1 where it would be seen if nothing stood in front (H, W); no entry while it is not there."""


class Stage:
    """Plays one scene with one dial and paints its frames at a size."""

    def __init__(self, scene: Scene, dial: Dial, size: tuple[int, int], seed: int = 0) -> None:
        self.scene = scene
        self.dial = dial
        self.size = size
        self._owners = {item.id: number for number, item in enumerate(scene.figures, start=1)}
        self._rigs = {item.id: _rig(item) for item in scene.figures}
        self._act_of = {name: index for index, act in enumerate(scene.acts) for name in _members(act)}
        self.events: tuple[Events, ...] = tuple(self._play(index) for index in range(len(scene.acts)))
        """Events of each interaction, in script time."""
        self._extras = [(KINDS[item.kind](item.x, facing=-1.0 if item.x > 75 else 1.0), item) for item in dial.extras]
        self._passer = None
        if scene.passer is not None:
            kind, look, x = scene.passer
            self._passer = KINDS[kind](x, y=74.0, facing=1.0 if x < 75 else -1.0, size=0.5), look
        self._noise_rng = np.random.Generator(np.random.PCG64(int(rng_of("noise", scene.stage_id, seed).random() * 2**32)))
        self._set_backdrop()

    def warp(self, act: int, clock: float) -> float:
        """Return the script time of an interaction at a share of the video."""
        return self.dial.warp(clock) if act == self.dial.act else straight(clock)

    def cast(self, act: int) -> tuple[str, str]:
        """Return who plays subject and object of an interaction."""
        told = self.scene.acts[act]
        if act != self.dial.act:
            return told.subject, told.object
        return self.dial.subject or told.subject, self.dial.object or told.object

    def shots(self, frames: int) -> Iterator[Shot]:
        """Paint a video of that many frames, in order."""
        for index in range(frames):
            yield self.shot(index / max(frames - 1, 1))

    def shot(self, clock: float) -> Shot:
        """Paint the frame at a share of the video."""
        camera = self._camera(clock)
        pieces: list[Piece] = []
        shadows: list[tuple[float, float, float]] = []
        whole: dict[int, Image] = {}
        for figure in self.scene.figures:
            if self.dial.absent(figure.id, clock):
                continue
            place = self.scene.figure(self.dial.player(figure.id, clock))
            owner = self._owners[figure.id]
            whole[owner] = np.zeros(self.size, dtype=np.uint8)
            rig, moment = self._rigs[place.id], self._moment(place.id, clock)
            pieces += self._sketch(rig, place, owner, moment, self._look(figure, clock))
            shadows.append((rig.x(moment.time), GROUND if place.table else place.y, rig.width))
        for number, (rig, extra) in enumerate(self._extras):
            if clock >= extra.start:
                pieces += _still(rig, EXTRA_OWNER + number, clock, extra.look, GROUND - 4.0)
                shadows.append((extra.x, GROUND - 4.0, rig.width))
        if self._passer is not None:
            pieces += _still(self._passer[0], PASSER_OWNER, clock, self._passer[1], 40.0)
        pieces += self._tables(clock)
        frame = self._background(camera)
        _cast_shadows(frame, camera, shadows)
        ids = np.zeros(self.size, dtype=np.uint8)
        paint(sorted(pieces, key=lambda piece: piece.depth), camera, frame, ids, whole)
        return Shot(frame=self._exposed(frame, clock), ids=ids, whole=whole)

    def owner(self, figure_id: str) -> int:
        """Return the number of a tracked figure in the id map."""
        return self._owners[figure_id]

    def x(self, figure_id: str, clock: float) -> float:
        """Return where an instance stands at a share of the video, in stage units from the left."""
        return self._rigs[figure_id].x(self.warp(self._act_of[figure_id], clock))

    def _play(self, index: int) -> Events:
        act = self.scene.acts[index]
        subject, object_ = self.cast(index)
        room, back = self._room(act, subject, object_)
        play = Play(self._rigs[subject], self._rigs[object_], room, back, apart=bool(self.dial.gap) and index == self.dial.act)
        return act.script.act(play) or Events()

    def _room(self, act: Act, subject: str, object_: str) -> tuple[float, float]:
        """Return the free distance beyond the object, and from the object back past the subject, to walls and others."""
        mine, other = self._rigs[subject], self._rigs[object_]
        to = 1.0 if other.x(0.0) > mine.x(0.0) else -1.0
        edge = other.x(0.0) + to * other.width / 2
        beyond = abs((act.walls[1] if to > 0 else act.walls[0]) - edge)
        back = abs(other.x(0.0) - (act.walls[0] if to > 0 else act.walls[1]))
        for name in _members(act):
            if name in {subject, object_}:
                continue
            rig = self._rigs[name]
            if abs(rig.place.at(0.0)[1] - mine.place.at(0.0)[1]) > 6.0 and act.script.afar:
                continue
            gap = (rig.x(0.0) - other.x(0.0)) * to
            if gap > 0:
                beyond = min(beyond, gap - rig.width / 2 - other.width / 2 - 7.0)
            else:
                back = min(back, -gap - rig.width / 2)
        if act.script.afar:
            beyond -= other.width / 2
        return max(beyond, 6.0), back

    def _moment(self, figure_id: str, clock: float) -> Moment:
        act = self._act_of[figure_id]
        return Moment(
            clock=clock * (1.0 - self.dial.still) if act == self.dial.act else clock,
            time=self.warp(act, clock),
            before=self.warp(act, max(clock - 0.01, 0.0)),
            after=self.warp(act, min(clock + 0.01, 1.0)),
        )

    def _look(self, figure: Figure, clock: float) -> Look:
        look = figure.look
        drift, fuse = self.dial.drift, self.dial.fuse
        if drift is not None and drift[0] == figure.id:
            look = _blend(look, drift[2], ease(share(clock, drift[1], min(drift[1] + 0.45, 1.0))))
        if fuse:
            pair = self.cast(self.dial.act)
            if figure.id in pair:
                other = self.scene.figure(pair[0] if figure.id == pair[1] else pair[1])
                time = self.warp(self.dial.act, clock)
                look = _blend(look, other.look, 0.5 * fuse * ease(share(time, START, TOUCH + 0.05)))
        return look

    def _sketch(self, rig: Rig, figure: Figure, owner: int, moment: Moment, look: Look) -> list[Piece]:
        sketch = Sketch(owner, figure.y + (GROUND - figure.y if figure.table else 0.0) + self._depth(figure))
        limbs = self.dial.limbs
        if limbs is not None and limbs[0] == figure.id and hasattr(rig, "extra_arms"):
            rig.extra_arms.go(limbs[2], limbs[1], limbs[1]) if not rig.extra_arms.at(1.0) else None
        rig.draw(sketch, moment, look)
        shift, lift = self._shift(figure, moment), self._lift(figure, moment)
        if not shift and not lift:
            return sketch.pieces
        move = np.asarray((shift, -lift), dtype=np.float32)
        return [replace(piece, points=piece.points + move) for piece in sketch.pieces]

    def _depth(self, figure: Figure) -> float:
        act = self.scene.acts[self._act_of[figure.id]]
        if figure.kind in DEPTH:
            return DEPTH[figure.kind]
        # Of twins the same one stands in front, whoever acts.
        front = min(act.subject, act.object) if self.scene.twin else act.subject
        if figure.id in {front, act.bystander}:
            return 0.0
        return -0.65 if issubclass(KINDS[figure.kind], Actor) else 0.1

    def _shift(self, figure: Figure, moment: Moment) -> float:
        """Return how far to the right a subject is drawn from where it plays: away from contact, or into the other."""
        dial = self.dial
        if not (dial.gap or dial.fuse) or figure.id != self.cast(dial.act)[0]:
            return 0.0
        other = self._rigs[self.cast(dial.act)[1]]
        rig = self._rigs[figure.id]
        to = 1.0 if other.x(0.0) > rig.x(0.0) else -1.0
        if dial.gap:
            return -to * dial.gap * ease(share(moment.time, START, TOUCH - 0.08))
        apart = other.x(moment.time) - rig.x(moment.time)
        return 0.75 * dial.fuse * apart * ease(share(moment.time, TOUCH - 0.05, TOUCH + 0.08))

    def _lift(self, figure: Figure, moment: Moment) -> float:
        """Return how far above its place an object is drawn that floats out of reach."""
        dial = self.dial
        if not dial.float_ or figure.id != self.cast(dial.act)[1]:
            return 0.0
        return dial.float_ * ease(share(moment.time, START, TOUCH - 0.08))

    def _tables(self, clock: float) -> list[Piece]:
        pieces: list[Piece] = []
        for figure in self.scene.figures:
            if figure.table:
                pieces += _still(KINDS["table"](figure.x), 0, clock, _TABLE, GROUND + DEPTH["table"])
        return pieces

    def _camera(self, clock: float) -> Camera:
        pan_start, pan_end, zoom_start, zoom_end = self.scene.camera
        amount = ease(clock)
        centre = 75.0 + pan_start + (pan_end - pan_start) * amount, 50.0
        return Camera(size=self.size, centre=centre, zoom=zoom_start + (zoom_end - zoom_start) * amount)

    def _set_backdrop(self) -> None:
        """Paint the backdrop once, larger than the frame, at the closest zoom the camera will use."""
        zoom = max(self.scene.camera[2], self.scene.camera[3])
        base = Camera(size=self.size, zoom=zoom)
        border = round(MARGIN * base.scale)
        height, width = self.size[0] + 2 * border, self.size[1] + 2 * border
        # A camera of the larger picture with the same scale: its zoom makes up for the larger frame.
        wide = Camera(size=(height, width), zoom=base.scale / min(width / STAGE[0], height / STAGE[1]))
        self._wide_camera = wide
        self._wide = backdrop(self.scene.backdrop, wide, rng_of("backdrop", self.scene.stage_id))
        self._still_background: Image | None = None
        if self.scene.noise:
            shape = (self.size[0] + _NOISE_MARGIN, self.size[1] + _NOISE_MARGIN, 3)
            noise = self._noise_rng.normal(0.0, self.scene.noise, size=shape)
            self._plus = np.clip(np.rint(noise), 0, 255).astype(np.uint8)
            self._minus = np.clip(np.rint(-noise), 0, 255).astype(np.uint8)

    def _background(self, camera: Camera) -> Image:
        steady = self.scene.camera[0] == self.scene.camera[1] and self.scene.camera[2] == self.scene.camera[3]
        if steady and self._still_background is not None:
            return self._still_background.copy()
        ratio = self._wide_camera.scale / camera.scale
        ox, oy = camera.offset()
        wx, wy = self._wide_camera.offset()
        matrix: npt.NDArray[np.float64] = np.array(
            [[ratio, 0.0, wx - 0.5 - ratio * (ox - 0.5)], [0.0, ratio, wy - 0.5 - ratio * (oy - 0.5)]]
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        frame = cv2.warpAffine(self._wide, matrix, (self.size[1], self.size[0]), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        image = np.asarray(frame, dtype=np.uint8)
        if steady:
            self._still_background = image.copy()
        return image

    def _exposed(self, frame: Image, clock: float) -> Image:
        if self.scene.light:
            gain = 1.0 - self.scene.light * (0.5 - 0.5 * np.cos(2.0 * np.pi * clock))
            table = np.clip(np.arange(256) * gain, 0, 255).astype(np.uint8)
            frame = np.asarray(cv2.LUT(frame, table), dtype=np.uint8)
        if self.scene.noise:
            dy, dx = (int(value) for value in self._noise_rng.integers(0, _NOISE_MARGIN, size=2))
            window = (slice(dy, dy + self.size[0]), slice(dx, dx + self.size[1]))
            frame = np.asarray(cv2.subtract(cv2.add(frame, self._plus[window]), self._minus[window]), dtype=np.uint8)
        return frame


def _members(act: Act) -> list[str]:
    return [name for name in (act.subject, act.object, act.bystander, act.decoy) if name is not None]


def _rig(figure: Figure) -> Rig:
    rig = KINDS[figure.kind](figure.x, y=figure.y, facing=figure.facing, size=figure.size)
    rig.state.go(figure.state, -0.5, -0.4)
    if isinstance(rig, Person):
        rig.holds = figure.holds
    return rig


def _still(rig: Rig, owner: int, clock: float, look: Look, depth: float) -> list[Piece]:
    sketch = Sketch(owner, depth)
    rig.draw(sketch, Moment(clock=clock, time=0.0, before=0.0, after=0.0), look)
    return sketch.pieces


def _blend(first: Look, second: Look, amount: float) -> Look:
    def between(a: Colour, b: Colour) -> Colour:
        return tuple(round(x + (y - x) * amount) for x, y in zip(a, b, strict=True))  # type: ignore[return-value]  # three in, three out

    return replace(
        first,
        main=between(first.main, second.main),
        accent=between(first.accent, second.accent),
        hair=between(first.hair, second.hair),
        skin=between(first.skin, second.skin),
        trousers=between(first.trousers, second.trousers),
    )


def _cast_shadows(frame: Image, camera: Camera, shadows: list[tuple[float, float, float]]) -> None:
    """Darken the floor softly under every body: (x, y, width) in stage units."""
    scale, (ox, oy) = camera.scale, camera.offset()
    for x, y, width in shadows:
        rx, ry = max(2, round(width * 0.62 * scale)), max(1, round(1.7 * scale))
        cx, cy = round(x * scale + ox), round((y - 0.2) * scale + oy)
        blur = max(1, round(0.9 * scale)) * 2 + 1
        left, top, right, bottom = cx - rx - blur, cy - ry - blur, cx + rx + blur, cy + ry + blur
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(right, frame.shape[1]), min(bottom, frame.shape[0])
        if x0 >= x1 or y0 >= y1:
            continue
        spot = np.zeros((bottom - top, right - left), dtype=np.uint8)
        cv2.ellipse(spot, (cx - left, cy - top), (rx, ry), 0, 0, 360, 52, -1)
        spot = np.asarray(cv2.blur(spot, (blur, blur)), dtype=np.uint8)[y0 - top : y1 - top, x0 - left : x1 - left]
        window = frame[y0:y1, x0:x1]
        frame[y0:y1, x0:x1] = cv2.subtract(window, cv2.merge([spot] * 3))
