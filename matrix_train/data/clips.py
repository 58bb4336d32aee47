"""What a training clip is, and our own dataset layout: ``clips.jsonl`` with one Clip a line, tracks as run-length JSON.

A line may say more than a clip is trained on: whose it is, where it was cut from, on which side of a split it lies, and whatever
another tool notes. All of that is read, kept and written again, and changes nothing that was cached.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from intergeneval.errors import ConfigError, MediaError, RecordError
from intergeneval.ids import bounded_json, canonical_json, sha256_json
from intergeneval.masks import Mask
from intergeneval.masks.pictures import MaskTrack, background_tracks, read_pictures
from intergeneval.masks.pixels import PictureError
from intergeneval.masks.track_records import checked_masks, tracks_of
from intergeneval.records import Category, Record, Tracks
from intergeneval.records.codec import LATER
from intergeneval.records.disk import read_bytes, read_text, write_atomically
from intergeneval.videos import Frame, frame_files
from matrix_train.roles import Span
from matrix_train.targets import Masks

INDEX = "clips.jsonl"
ROLE_ORDER = ("sub", "obj", "verb")
"""Roles of an interaction, in the order in which everything lists them."""
TRAIN, VALIDATION = "train", "validation"
"""The sides of a split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipInstance(Record):
    """One tracked person, animal or thing of a clip."""

    id: str
    """Its id, such as ``id1``."""
    class_: str = ""
    """Its class noun; JSON field ``class``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipInteraction(Record):
    """Who does what to whom, with the places in the caption that say so."""

    subject: str
    """Instance id of the one who acts."""
    object: str | None = None
    """Instance id of the one acted upon; None where it is not tracked."""
    verb: str = ""
    """The action in words."""
    subject_spans: tuple[Span, ...] = ()
    """Characters of the caption that name the subject: first, and one after the last."""
    verb_spans: tuple[Span, ...] = ()
    """Characters that name the action, particles included."""
    object_spans: tuple[Span, ...] = ()
    """Characters that name the object."""
    category: Category | None = field(default=None, metadata=LATER)
    """Kind of interaction; None where the dataset does not say. Nothing is trained on it."""

    def spans(self, role: str) -> tuple[Span, ...]:
        """Return the spans of a role: sub, verb or obj."""
        return {"sub": self.subject_spans, "verb": self.verb_spans, "obj": self.object_spans}[role]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip(Record):
    """One training clip."""

    id: str
    """Name, unique in its dataset."""
    video: str
    """Path of the video, relative to the dataset."""
    caption: str
    """Text the video model is given; without id marks."""
    instances: tuple[ClipInstance, ...]
    """Tracked instances; their order decides their colours in the id map."""
    interactions: tuple[ClipInteraction, ...]
    """Interactions that are supervised."""
    tracks: str = ""
    """Path of a JSON file with a Tracks record, relative to the dataset; empty where `masks` is given."""
    masks: str = ""
    """Folder with one folder of mask images an instance, relative to the dataset; empty where `tracks` is given."""
    source: str = field(default="", metadata=LATER)
    """Name of the video that it was cut from; empty: not told."""
    licence: str = field(default="", metadata=LATER)
    """Under which terms it may be used, with attribution; empty: not told."""
    split: str = field(default="", metadata=LATER)
    """``train``, or ``validation``: never trained on; empty: the dataset is not split."""
    more: str = field(default="", metadata=LATER)
    """Everything else that its line says, as one JSON object with sorted keys; empty: nothing. Nothing is trained on it."""

    def __post_init__(self) -> None:
        if self.split not in ("", TRAIN, VALIDATION):
            raise ValueError(f"split {self.split!r} is neither {TRAIN} nor {VALIDATION}")

    @property
    def plain(self) -> Clip:
        """The clip as far as it is trained on."""
        interactions = tuple(replace(item, category=None) for item in self.interactions)
        return replace(self, interactions=interactions, source="", licence="", split="", more="")

    @property
    def state(self) -> str:
        """Sha256 of its line without the side of a split: what a person looked at and decided about."""
        return sha256_json(line_of(replace(self, split="")))

    def said(self, name: str) -> Any:
        """Return what its line says under a name that is no field of this record; None where it says nothing."""
        return json.loads(self.more).get(name) if self.more else None


_FIELDS = frozenset(item.name for item in fields(Clip)) - {"more"}


def line_of(clip: Clip) -> dict[str, Any]:
    """Return the JSON object of a clip's line."""
    found = clip.to_json()
    found.pop("more", None)
    return {**found, **(json.loads(clip.more) if clip.more else {})}


def clip_of(value: Any, where: str) -> Clip:
    """Return the clip of a line's JSON object; fields that it has beyond a clip's are kept. Raises RecordError."""
    if not isinstance(value, Mapping):
        return Clip.from_json(value, where=where)
    more = {name: item for name, item in value.items() if name not in _FIELDS}
    known = {name: item for name, item in value.items() if name in _FIELDS}
    return Clip.from_json({**known, "more": canonical_json(more)} if more else known, where=where)


def inside(root: Path, relative: str, what: str) -> Path:
    """Return a path inside the dataset. Raises ConfigError when it leads out of it."""
    path = root / relative
    if not path.resolve().is_relative_to(root.resolve()):
        raise ConfigError(f"{root}: {what} {relative!r} lies outside the dataset")
    return path


def read_own(root: Path) -> tuple[Clip, ...]:
    """Read ``clips.jsonl``. Raises RecordError naming line and field, and ConfigError for a file that is no text."""
    # At newlines alone: a caption may hold what else ends a line, such as U+2028, which JSON writes as it is.
    lines = _text(root / INDEX).split("\n")
    return tuple(_clip(line, f"{root / INDEX}:{number}") for number, line in enumerate(lines, 1) if line.strip())


def _clip(line: str, where: str) -> Clip:
    try:
        value = bounded_json(line)
    except ValueError as error:
        raise RecordError(f"{where}: not JSON ({error})") from None
    return clip_of(value, where)


def _text(path: Path) -> str:
    try:
        return read_text(path)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text ({error.reason} at byte {error.start})") from None


def write_own(root: Path, clips: tuple[Clip, ...]) -> None:
    """Write ``clips.jsonl``."""
    text = "".join(json.dumps(line_of(clip), ensure_ascii=False) + "\n" for clip in clips)
    write_atomically(root / INDEX, text)


def stored_tracks(root: Path, clip: Clip) -> Tracks | None:
    """Return a clip's stored tracks, None for one of mask pictures; whoever asks several things of them hands them on.

    Raises MediaError where there is no such file, RecordError or ConfigError naming it.
    """
    if not clip.tracks:
        return None
    path = inside(root, clip.tracks, "tracks")
    if not path.is_file():
        raise MediaError(f"{path}: there is no such file of mask tracks")
    return _tracks(path)


def mask_tracks(root: Path, clip: Clip, stored: Tracks | None = None) -> dict[str, Masks]:
    """Return the mask track (frames, H, W) of each instance that has one; of `stored` where those were read before.

    Raises MediaError, RecordError or ConfigError naming the file. Pictures of a lossy format are taken (`masks/pictures`).
    """
    if clip.tracks:
        tracks = stored or stored_tracks(root, clip)
        assert tracks is not None
        return _from_tracks(inside(root, clip.tracks, "tracks"), clip, tracks)
    folder = inside(root, clip.masks, "masks")
    own = {instance.id: mask_folder(folder, instance.id) for instance in clip.instances}
    found = {name: _from_images(place) for name, place in own.items() if place is not None}
    for name, problem, fix in background_tracks(found):
        raise MediaError(f"{own[name]}: {problem}; {fix}")
    return {name: np.stack(list(track)) for name, track in found.items()}


def stated_rate(root: Path, clip: Clip) -> float | None:
    """Return the frames per second that a clip's stored tracks state, None where they state none; raises as `mask_tracks`."""
    if not clip.tracks:
        return None
    path = inside(root, clip.tracks, "tracks")
    if not path.is_file():
        return None
    return _tracks(path).fps or None


def misread(root: Path, clip: Clip) -> bool:
    """Whether masks of a clip were taken for others before pictures were read by value and run lengths held against their boxes.

    The first mask of each instance tells: every mask of a track was written in one way. What cannot be read now counts as well.
    """
    try:
        if clip.tracks:
            path = inside(root, clip.tracks, "tracks")
            tracks = _tracks(path)
            return any(next(checked_masks(track, tracks, str(path)), None) is None for track in tracks.tracks)
        folder = inside(root, clip.masks, "masks")
        owns = [mask_folder(folder, instance.id) for instance in clip.instances]
        firsts = [path for own in owns if own is not None for path in frame_files(own)[:1]]
        return any(not np.array_equal(read_mask(path), _by_grey(path)) for path in firsts)
    except (MediaError, RecordError):
        return True


def _by_grey(path: Path) -> Mask:
    """Return a mask as it was read before: what is bright, of one picture."""
    picture = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_GRAYSCALE)
    return np.asarray(False if picture is None else picture > (0 if picture.max() <= 1 else 127), dtype=np.bool_)


def mask_folder(folder: Path, instance_id: str) -> Path | None:
    """Return the folder of an instance's mask images, named ``<id1>`` or ``id1``; None where there is none."""
    for name in (f"<{instance_id}>", instance_id):
        if (folder / name).is_dir():
            return folder / name
    return None


def unnamed(root: Path, clip: Clip, stored: Tracks | None) -> list[str]:
    """Return the ids that have mask folders or stored tracks but are not among the clip's instances, sorted."""
    known = {instance.id for instance in clip.instances}
    if stored is not None:
        found = {track.instance_id for track in stored.tracks}
    else:
        folder = inside(root, clip.masks, "masks")
        # The release keeps a union picture of all ids beside them, in a folder of another name.
        found = {path.name.strip("<>") for path in folder.iterdir() if path.is_dir()} if folder.is_dir() else set()
        found = {name for name in found if name.startswith("id")}
    return sorted(found - known)


def unboxed(clip: Clip, stored: Tracks | None) -> list[str]:
    """Return the instances whose run lengths have nothing beside them that they could be held against, in the clip's order."""
    if stored is None:
        return []
    found = (stored.track(instance.id) for instance in clip.instances)
    return [
        item.instance_id
        for item in found
        if item is not None and not any(item.areas) and all(edges is None for edges in item.boxes)
    ]


def _tracks(path: Path) -> Tracks:
    try:
        value = json.loads(_text(path))
    except ValueError as error:
        raise RecordError(f"{path}: not JSON ({error})") from None
    if not isinstance(value, dict):
        raise RecordError(f"{path}: holds {type(value).__name__}, not a JSON object")
    return tracks_of(value, str(path))


def _from_tracks(path: Path, clip: Clip, tracks: Tracks) -> dict[str, Masks]:
    found = {}
    for instance in clip.instances:
        track = tracks.track(instance.id)
        if track is not None:
            masks = list(checked_masks(track, tracks, str(path)))
            if not masks:
                raise RecordError(f"{path}: the track of {instance.id} has no mask at all")
            found[instance.id] = np.stack(masks)
    return found


def read_mask(path: Path) -> Mask:
    """Read a mask image as booleans (H, W). Raises MediaError."""
    if not path.is_file():
        raise MediaError(f"{path}: there is no such mask image")
    return _read_pictures([path]).mask(0)


def read_picture(path: Path) -> Frame:
    """Read a picture as RGB (H, W, 3). Raises MediaError."""
    picture = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_COLOR_RGB) if path.is_file() else None
    if picture is None:
        raise MediaError(f"{path}: the first frame cannot be read")
    return np.asarray(picture, dtype=np.uint8)


def _from_images(folder: Path) -> MaskTrack:
    paths = frame_files(folder)
    if not paths:
        raise MediaError(f"{folder}: holds no mask image")
    return _read_pictures(paths)


def _read_pictures(paths: Sequence[Path]) -> MaskTrack:
    """Read the pictures of one instance. Raises MediaError naming the one that cannot be read, with its values."""
    try:
        return read_pictures((read_bytes(path) for path in paths), soft=True)
    except PictureError as error:
        raise MediaError(f"{paths[error.place]}: {error.problem}; {error.fix}") from None
