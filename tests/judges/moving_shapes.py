"""Hand-made tracks: bodies of rectangles that move as a function of the frame, and the questions about them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from intergeneval import masks, questions
from intergeneval.judges import JudgeRequest
from intergeneval.judges.geometry import create
from intergeneval.records import (
    BOX_COLOURS,
    AnswerStatus,
    Direction,
    Instance,
    Interaction,
    Motion,
    Profile,
    Sample,
    Step,
    Tracks,
    TrackState,
    Video,
    VideoStatus,
)

SIZE = (120, 240)
FRAMES = 33
FPS = 8.0
SAMPLED = (*range(0, 32, 3), 32)

Rectangles = list[tuple[float, float, float, float]]
Body = Callable[[int], Rectangles]


def ramp(frame: int, start: int, end: int) -> float:
    """0 up to frame `start`, 1 from frame `end` on, straight between."""
    return min(1.0, max(0.0, (frame - start) / (end - start)))


def person(x: Callable[[int], float], arm: Callable[[int], tuple[float, float]] | None = None) -> Body:
    """A standing body 16 wide and 60 high at x, with an arm that reaches (sideways, upwards) from the shoulder."""

    def body(frame: int) -> Rectangles:
        left = x(frame)
        parts = [(left, 40.0, left + 16.0, 100.0)]
        if arm is not None:
            along, up = arm(frame)
            if along or up:
                parts.append((min(left + 8, left + 8 + along), 55.0 - up, max(left + 8, left + 8 + along), 60.0))
        return parts

    return body


def thing(x: Callable[[int], float], y: Callable[[int], float] = lambda _: 80.0, side: float = 20.0) -> Body:
    """A box with its top left corner at (x, y)."""
    return lambda frame: [(x(frame), y(frame), x(frame) + side, y(frame) + side)]


def still(value: float) -> Callable[[int], float]:
    """A coordinate that does not change."""
    return lambda _: value


def tracks(bodies: dict[str, Body], states: dict[str, dict[int, TrackState]] | None = None, drift: float = 0.0) -> Tracks:
    """Tracks of the bodies; a frame named in `states` has no mask and that state; `drift` pans the camera by pixels a frame."""
    found = []
    for name, body in bodies.items():
        changed = (states or {}).get(name, {})
        frames, kinds = [], []
        for frame in range(FRAMES):
            mask = np.zeros(SIZE, dtype=bool)
            if frame not in changed:
                for x0, y0, x1, y1 in body(frame):
                    left, right = (round(max(0.0, value + drift * frame)) for value in (x0, x1))
                    mask[round(max(0.0, y0)) : round(y1), left:right] = True
            frames.append(mask)
            kinds.append(changed.get(frame, TrackState.VISIBLE))
        found.append(masks.track_of(name, frames, kinds, [1.0] * FRAMES))
    return Tracks(sample_id="s", seed=0, tracker="hand", size=SIZE, tracks=tuple(found), fps=FPS)


def sample(
    names: list[str], verb: str, *, mutual: bool = False, classes: dict[str, str] | None = None, fields: dict | None = None
) -> Sample:
    """A sample in which the first named instance does `verb` to the second; `fields` are further ones of the interaction."""
    return Sample(
        id="s",
        prompt="",
        instances=tuple(
            Instance(id=name, class_=(classes or {}).get(name, "man"), appearance=f"{name} thing", colour=BOX_COLOURS[index])
            for index, name in enumerate(names)
        ),
        interactions=(
            Interaction(
                subject=names[0],
                verb=verb,
                object=names[1],
                direction=Direction.BIDIRECTIONAL if mutual else Direction.UNIDIRECTIONAL,
                **(fields or {}),
            ),
        ),
    )


def video() -> Video:
    """The video the tracks belong to."""
    return Video(sample_id="s", seed=0, status=VideoStatus.OK, size=SIZE, frames=FRAMES, fps=FPS, sampled=SAMPLED)


def answers(bodies, verb, *, mutual=False, states=None, drift=0.0, fields=None, motion=None, profile=Profile.BOUNDED):
    """Question id -> Answer of the geometry judge about the bodies; the first acts on the second."""
    item = sample(list(bodies), verb, mutual=mutual, fields=fields)
    found = replace(tracks(bodies, states, drift), motion=motion)
    asked = questions.questions_for(item, profile=profile)
    request = JudgeRequest(sample=item, video=video(), tracks=found, questions=asked)
    return {answer.question_id: answer for answer in create("", {}).answer(request)}


def verdicts(bodies: dict[str, Body], verb: str, **options) -> str:
    """The ten answers as one word: y, n, u (unanswerable), i (implausible), in the order of the question ids."""
    letters = {"yes": "y", "no": "n", "no (visually implausible)": "i"}
    found = answers(bodies, verb, **options)
    return "".join("u" if item.status is AnswerStatus.UNANSWERABLE else letters[item.value] for item in found.values())


def moving(bodies: dict[str, Body], inside: dict[str, float], camera: float = 0.0, restless: float = 0.0) -> Motion:
    """What pictures show of the bodies in windows of half a second: pixels that each stirs inside, and what is around them."""
    ends = (*range(4, FRAMES - 1, 4), FRAMES - 1)
    steps = {name: tuple(Step(x=0.0, y=0.0, most=inside.get(name, 0.0)) for _ in ends) for name in bodies}
    return Motion(ends=ends, camera=tuple(Step(x=camera, y=0.0, bend=restless) for _ in ends), inside=steps)
