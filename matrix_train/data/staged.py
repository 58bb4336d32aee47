"""Training clips out of the staged world: frames, captions with the places of their roles, and true mask tracks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval.errors import ConfigError
from intergeneval.masks import track_of
from intergeneval.masks.writing import encode_picture
from intergeneval.records import Tracks, TrackState
from intergeneval.records.disk import write_atomically
from intergeneval.staged import DEVELOPMENT_SEED, FPS, FRAMES, TEST_SEED, Request, Scene, perform, scenes
from intergeneval.videos import Frame
from matrix_train.data.clips import Clip, ClipInstance, ClipInteraction, write_own
from matrix_train.roles import find_phrase
from matrix_train.targets import Masks

TRACKER = "staged-truth"
"""Name under which the tracks are stored."""
_COVERED = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """Shape of a clip."""

    size: tuple[int, int]
    """Height and width in pixels."""
    frames: int
    """Number of frames; the whole of the scene is played in them."""
    oversampling: int = 2
    """The scene is painted this many times larger and averaged down."""

    fps: float | None = None
    """Frames per second; None: a scene takes as long as a staged video does."""

    @property
    def rate(self) -> float:
        """Frames per second."""
        return FPS * (self.frames - 1) / (FRAMES - 1) if self.fps is None else self.fps


@dataclass(frozen=True, slots=True, kw_only=True)
class Painted:
    """A scene, played and painted."""

    frames: npt.NDArray[np.uint8]
    """RGB frames, shape (F, H, W, 3)."""
    shares: npt.NDArray[np.float32]
    """How much of each pixel belongs to each instance of the scene, in its order, shape (N, F, H, W), 0 to 1."""


def paint(found: Scene, policy: str, form: Format) -> Painted:
    """Play a scene under a policy and average it down to its format."""
    large = (form.size[0] * form.oversampling, form.size[1] * form.oversampling)
    frames, shares = [], []
    for shot in perform(found, Request(policy=policy, size=large, frames=form.frames, fps=form.rate)).shots():
        frames.append(_shrink(shot.frame, form.size).astype(np.uint8))
        # Instances are numbered from 1 in the map of who is seen.
        seen = [(shot.ids == number).astype(np.float32) for number in range(1, len(found.figures) + 1)]
        shares.append(np.stack([_shrink(item, form.size) for item in seen]))
    return Painted(frames=np.stack(frames), shares=np.stack(shares, axis=1).astype(np.float32))


def _shrink(picture: npt.NDArray[np.generic], size: tuple[int, int]) -> npt.NDArray[np.generic]:
    return np.asarray(cv2.resize(picture, (size[1], size[0]), interpolation=cv2.INTER_AREA))  # type: ignore[arg-type]  # any number


def write_staged_clips(
    folder: Path,
    *,
    seed: int,
    count: int,
    frames: int,
    size: tuple[int, int],
    fps: float | None = None,
    report: Callable[[int, str], None] = lambda *_: None,
) -> int:
    """Write the first `count` scenes of a seed, played as they should be, as a dataset of our own layout; return their number.

    Frames are kept as pictures, without loss; `size` is height, width in pixels. Scenes that are there already are kept, so an
    interrupted call is finished by repeating it; `report` is told (done, clip id). Equal arguments give equal files. Raises
    ConfigError for the benchmark's seeds, OSError.
    """
    if seed in (TEST_SEED, DEVELOPMENT_SEED):
        raise ConfigError(f"seed {seed} is that of the staged benchmark or its development split; train on another one")
    form = Format(size=size, frames=frames, fps=fps)
    clips = []
    (folder / "tracks").mkdir(parents=True, exist_ok=True)
    for found in scenes(seed, count):
        tracks = folder / "tracks" / f"{found.id}.json"
        if not tracks.is_file():
            painted = paint(found, "perfect", form)
            write_frames(folder / "videos" / found.id, painted.frames)
            text = json.dumps(tracks_of(found, painted.shares >= _COVERED, form).to_json())
            # The tracks come last and at once: they say that the clip is whole.
            write_atomically(tracks, text)
        clips.append(clip_of(found))
        report(len(clips), found.id)
    write_own(folder, tuple(clips))
    return len(clips)


def clip_of(found: Scene) -> Clip:
    """Return the record of a scene's clip, with the places of subject, verb and object in its caption."""
    sample = found.sample()
    names = {item.id: item.appearance for item in sample.instances}
    interactions, place = [], 0
    for act in found.acts:
        # Clause follows clause; each phrase is looked for behind the one before.
        spans = []
        for phrase in (names[act.subject], act.script.verb, names[act.object]):
            spans.append(find_phrase(sample.prompt, phrase, place))
            place = spans[-1][-1][1]
        interactions.append(
            ClipInteraction(
                subject=act.subject,
                object=act.object,
                verb=act.script.verb,
                subject_spans=spans[0],
                verb_spans=spans[1],
                object_spans=spans[2],
            )
        )
    return Clip(
        id=found.id,
        video=f"videos/{found.id}",
        caption=sample.prompt,
        instances=tuple(ClipInstance(id=item.id, class_=item.class_) for item in sample.instances),
        interactions=tuple(interactions),
        tracks=f"tracks/{found.id}.json",
    )


def tracks_of(found: Scene, masks: Masks, form: Format) -> Tracks:
    """Return masks (N, F, H, W) of a scene's instances as tracks."""
    made = []
    for figure, own in zip(found.figures, masks, strict=True):
        states = [TrackState.VISIBLE if mask.any() else TrackState.OCCLUDED for mask in own]
        made.append(track_of(figure.id, list(own), states, [1.0] * len(own)))
    return Tracks(sample_id=found.id, seed=0, tracker=TRACKER, size=form.size, tracks=tuple(made), fps=form.rate)


def write_frames(folder: Path, frames: Iterable[Frame]) -> None:
    """Write frames as numbered pictures into a folder, without loss. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames):
        write_atomically(folder / f"{number:03d}.png", encode_picture(frame))
