"""A tiny real request: as many pictures as a video shows, two questions, the schema of a run, a reply read as a run reads it."""

from __future__ import annotations

import numpy as np

from intergeneval import masks
from intergeneval.judges import Frame, JudgeRequest
from intergeneval.records import (
    Consistency,
    Instance,
    Interaction,
    Question,
    Sample,
    Stage,
    Tracks,
    TrackState,
    Video,
    VideoStatus,
)

PICTURES = 14
"""Pictures that are shown: as many as a run shows of a video of 24 frames, the first of them twice, and two more than of most
longer ones, so that a cap is met here too."""
_FRAMES = PICTURES - 1
_SIZE = (64, 96)
_TOP, _BOTTOM, _SIDE = 24, 40, 16
_COLOURS = {"id1": (200, 40, 40), "id2": (40, 60, 200)}
_TEXTS = (
    (1, Stage.PRE, "Are the red square (red box) and the blue square (blue box) apart in the first frame?"),
    (4, Stage.DURING, "Does the red square (red box) come closer to the blue square (blue box)?"),
)


def probe_request(*, assess: bool) -> JudgeRequest:
    """Return a request about a red square that moves up to a blue one; with `assess` its frames are to be gone through too."""
    frames = range(_FRAMES)
    instances = tuple(
        Instance(id=name, class_="square", appearance=f"{colour} square", colour=colour)
        for name, colour in zip(_COLOURS, ("red", "blue"), strict=True)
    )
    sample = Sample(
        id="probe",
        prompt="A red square moves up to a blue square.",
        instances=instances,
        interactions=(Interaction(subject="id1", verb="approaches", object="id2"),),
    )
    visible = [TrackState.VISIBLE] * _FRAMES
    tracks = tuple(masks.track_of(name, [_mask(name, index) for index in frames], visible, [1.0] * _FRAMES) for name in _COLOURS)
    questions = tuple(
        Question(
            sample_id=sample.id,
            interaction=0,
            question_id=number,
            stage=stage,
            text=text,
            names=tuple(_COLOURS),
            verb="approaches",
        )
        for number, stage, text in _TEXTS
    )
    video = Video(sample_id=sample.id, seed=0, status=VideoStatus.OK, size=_SIZE, frames=_FRAMES, fps=8.0, sampled=tuple(frames))
    return JudgeRequest(
        sample=sample,
        video=video,
        tracks=Tracks(sample_id=sample.id, seed=0, tracker="probe", size=_SIZE, tracks=tracks, fps=8.0),
        questions=questions,
        frames=lambda: {index: _frame(index) for index in frames},
        plain=lambda: _frame(0),
        assess=Consistency(sample_id=sample.id, seed=0, frames=tuple(frames)[1:]) if assess else None,
    )


def _left(name: str, index: int) -> int:
    return 4 + 4 * index if name == "id1" else 70


def _mask(name: str, index: int) -> masks.Mask:
    mask = np.zeros(_SIZE, dtype=bool)
    mask[_TOP:_BOTTOM, _left(name, index) : _left(name, index) + _SIDE] = True
    return mask


def _frame(index: int) -> Frame:
    frame = np.full((*_SIZE, 3), 200, dtype=np.uint8)
    for name, colour in _COLOURS.items():
        frame[_mask(name, index)] = colour
    return frame
