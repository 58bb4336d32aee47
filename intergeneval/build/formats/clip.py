"""One picture or video with its annotated instances, as every format here is read and written; and the forms that masks have."""

from __future__ import annotations

import glob
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco

from intergeneval.errors import UsageError
from intergeneval.ids import sha256_bytes, short
from intergeneval.masks import Mask, decode, encode
from intergeneval.masks.track_records import checked_masks, tracks_of
from intergeneval.records import BOX_COLOURS, Interaction, Tracks, TrackState
from intergeneval.records.disk import read_json, write_atomically
from intergeneval.records.limits import id_fault, inside_fault, size_fault

MOST_POINTS = 100_000
"""Points of one polygon: an outline of a picture of eight megapixels has fewer."""
MOST_HERE = 20_000
"""Frames of one annotated video: a quarter of an hour at 24 a second."""
MOST_INSTANCES = len(BOX_COLOURS)
"""Instances of one sample: each has a box colour."""
_FIX = "write its segmentation anew, or leave its bbox out of the file where that is the wrong one"
_UNSEEN = frozenset(TrackState) - {TrackState.VISIBLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Who or what an annotation shows."""

    id: str
    """Instance id."""
    class_: str
    """Class noun."""
    appearance: str
    """Words that tell it from others; the class where the file has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One annotated picture or video."""

    id: str
    """Id of its sample."""
    instances: tuple[Named, ...]
    """Who is annotated."""
    tracks: Tracks
    """Their masks: one frame of a picture, all frames of a video."""
    files: tuple[str, ...]
    """Its pictures in frame order, or its one video, as paths inside the folder of pictures; empty: the format names none."""
    prompt: str = ""
    """What it shows, in words, where the file says it."""
    interactions: tuple[Interaction, ...] = ()
    """Who does what to whom, where the file says it."""
    tags: tuple[str, ...] = ()
    """Labels."""
    contents: tuple[bytes, ...] = field(default=(), repr=False)
    """The pictures or the video themselves, where the format holds them or they are to be written."""

    @property
    def frames(self) -> int:
        """How many frames there are masks of."""
        return len(self.tracks.tracks[0].masks) if self.tracks.tracks else 0

    @property
    def suffix(self) -> str:
        """Ending of its files as they are written."""
        return Path(self.files[0]).suffix if self.files else ".png"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Where the pictures and videos lie that a file speaks of, and what of them is wanted."""

    folder: Path | None = None
    """The folder; None: where each format usually has them."""
    classes: frozenset[str] = frozenset()
    """Class names to read; empty: all."""
    said: list[str] = field(default_factory=list)
    """What a reader leaves out and why, one sentence each; readers add to it."""

    def wanted(self, name: str) -> bool:
        """Whether instances of a class are read."""
        return not self.classes or name in self.classes

    def beside(self, place: Path) -> Path:
        """Return the folder, by default `place`."""
        return self.folder if self.folder is not None else place


def the_file(path: Path, usual: str) -> Path:
    """Return the file that is meant by a path: of a folder, the one called as its format usually is. Raises UsageError."""
    if not path.is_dir():
        return path
    if (path / usual).is_file():
        return path / usual
    raise UsageError(f"{path}: is a folder, and holds no {usual}; give the file itself")


def load(path: Path) -> Any:
    """Return what a JSON file holds. Raises UsageError where it cannot be read, RecordError where it is not JSON."""
    try:
        return read_json(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None


def rows(value: Any, key: str, where: str) -> list[Mapping[str, Any]]:
    """Return a list of objects under a key. Raises UsageError."""
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise UsageError(f"{where}: {key!r} must be a list of objects; is this the right --layout?")
    return found


def text(row: Mapping[str, Any], key: str, where: str) -> str:
    """Return a text that must be there. Raises UsageError."""
    found = row.get(key)
    if not isinstance(found, str) or not found.strip():
        raise UsageError(f"{where}: {key!r} must be a text, got {found!r:.60}")
    return found


def whole(row: Mapping[str, Any], key: str, where: str, most: int = 1 << 53) -> int:
    """Return a whole number of 0 to `most` that must be there. Raises UsageError."""
    found = row.get(key)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= most:
        raise UsageError(f"{where}: {key!r} must be a whole number of 0 to {most}, got {found!r:.60}")
    return found


def size_of(row: Mapping[str, Any], where: str, keys: tuple[str, str] = ("height", "width")) -> tuple[int, int]:
    """Return (height, width). Raises UsageError."""
    size = (whole(row, keys[0], where), whole(row, keys[1], where))
    fault = size_fault(size)
    if fault or 0 in size:
        raise UsageError(f"{where}: a picture of {size[1]}x{size[0]} cannot be read{': ' + fault if fault else ''}")
    return size


def numbers(value: Any, where: str) -> list[float]:
    """Return a list of finite numbers. Raises UsageError."""
    if not isinstance(value, list) or not all(
        isinstance(item, int | float) and not isinstance(item, bool) and math.isfinite(item) for item in value
    ):
        raise UsageError(f"{where}: expected a list of numbers, got {value!r:.60}")
    return [float(item) for item in value]


def polygons(parts: Sequence[Sequence[float]], size: tuple[int, int], where: str) -> Mask:
    """Return the mask (H, W) of polygons x, y, x, y ..., filled as ``pycocotools`` fills them. Raises UsageError."""
    checked = []
    for part in parts:
        if len(part) % 2 or not 6 <= len(part) <= 2 * MOST_POINTS:
            raise UsageError(f"{where}: a polygon has {len(part)} numbers; it needs an even number of 6 to {2 * MOST_POINTS}")
        # The C code behind it takes any number as a place in the picture's memory.
        points = np.clip(np.asarray(part, dtype=np.float64).reshape(-1, 2), 0, (size[1], size[0]))
        checked.append([float(number) for number in points.ravel()])
    if not checked:
        raise UsageError(f"{where}: there is no polygon")
    joined = coco.merge(coco.frPyObjects(checked, size[0], size[1]))
    counts = joined["counts"]
    return decode(counts.decode("ascii") if isinstance(counts, bytes) else counts, size)


def rectangle(edges: Sequence[float], size: tuple[int, int], where: str) -> Mask:
    """Return the mask of a box x0, y0, x1, y1. Raises UsageError for one that is turned inside out, or outside the picture."""
    if edges[2] <= edges[0] or edges[3] <= edges[1]:
        raise UsageError(
            f"{where}: its box goes from {edges[0]:g}, {edges[1]:g} to {edges[2]:g}, {edges[3]:g}: right and bottom must lie "
            f"beyond left and top"
        )
    found = np.zeros(size, dtype=np.bool_)
    x0, y0, x1, y1 = (round(number) for number in edges)
    found[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = True
    if not found.any():
        raise UsageError(f"{where}: its box covers no pixel of the picture of {size[1]}x{size[0]}")
    return found


def segmentation(value: Any, size: tuple[int, int], where: str) -> Any:
    """Return COCO's ``segmentation`` in a form that a Tracks record takes: polygons as counts, run lengths as they are."""
    if isinstance(value, list) and value and isinstance(value[0], list):
        return encode(polygons([numbers(part, where) for part in value], size, where))
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """Where one instance was marked."""

    named: Named
    """Who it is."""
    forms: Mapping[int, Any]
    """Frame -> mask, in any form that ``pycocotools`` writes."""
    boxes: Mapping[int, Sequence[float]] = field(default_factory=dict)
    """Frame -> box x0, y0, x1, y1, where the file has some: the masks are held against them."""
    states: Sequence[str] = ()
    """What a file of ours says of each frame, so that what is lost stays lost; empty: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The frames of a picture or video."""

    frames: int
    """How many there are."""
    known: frozenset[int] | None = None
    """Those that were annotated at all; None: all."""
    fps: float = 0.0
    """Frames a second; 0: not told."""


def tracks(clip: str, layout: str, size: tuple[int, int], marked: Sequence[Marked], times: Times, *, where: str) -> Tracks:
    """Return the Tracks record of marked instances, each mask held against the box beside it.

    Raises MediaError naming instance and frame, and UsageError for frames that cannot be.
    """
    frames = times.frames
    if not 0 < frames <= MOST_HERE:
        raise UsageError(f"{where}: it has {frames} frames; 1 to {MOST_HERE} are read, so cut it into clips")
    nothing = encode(np.zeros(size, dtype=np.bool_))
    made = []
    for one in marked:
        masks, edges = one.forms, one.boxes
        if masks and max(masks) >= frames:
            raise UsageError(
                f"{where}: instance {one.named.id!r} has a mask in frame {max(masks)}, and there are {frames} frames"
            )
        made.append(
            {
                "instance_id": one.named.id,
                "masks": [masks.get(at) or nothing for at in range(frames)],
                "boxes": [list(edges[at]) if at in edges and masks.get(at) else None for at in range(frames)],
                "areas": [0] * frames,
                "confidence": [1.0] * frames,
                "states": [TrackState.VISIBLE.value] * frames,
            }
        )
    notes = [] if times.known is None or len(times.known) == frames else [f"{len(times.known)} of {frames} frames were annotated"]
    record = {
        "sample_id": clip,
        "seed": 0,
        "tracker": layout,
        "size": list(size),
        "tracks": made,
        "fps": times.fps,
        "notes": notes,
    }  # fmt: skip
    found = tracks_of(record, where)
    return replace(
        found,
        tracks=tuple(
            # A mask may be there and hold nothing.
            replace(
                track,
                states=tuple(
                    TrackState.VISIBLE if mask.any() else _unseen(at, one, times.known)
                    for at, mask in enumerate(checked_masks(track, found, where, fix=_FIX))
                ),
            )
            for one, track in zip(marked, found.tracks, strict=True)
        ),
    )


def _unseen(at: int, one: Marked, known: frozenset[int] | None) -> TrackState:
    told = one.states[at] if at < len(one.states) else ""
    if told in _UNSEEN:
        return TrackState(told)
    # Where nobody looked nothing is known; where somebody did, the tracker 'stored' finds out which way it went.
    return TrackState.LOST if known is not None and at not in known else TrackState.OCCLUDED


def sample_ids(names: Sequence[str]) -> list[str]:
    """Return an id for each file name: its stem, with its folders where two are alike, and a hash where no id can be so."""
    stems = [Path(name).stem for name in names]
    found = []
    for name, stem in zip(names, stems, strict=True):
        told = stem if stems.count(stem) == 1 else re.sub(r"[\\/]+", "-", str(Path(name).with_suffix("")))
        found.append(told if id_fault(told) is None else f"sample-{short(sha256_bytes(name.encode('utf-8', 'replace')), 10)}")
    if len(set(found)) != len(found):
        twice = next(name for name in found if found.count(name) > 1)
        raise UsageError(f"two pictures or videos are called {twice!r}; give each its own name")
    return found


def put_picture(clip: Clip, out: Path) -> str:
    """Write a clip's first picture into ``images/``, where its content is there, and return the name it has in that folder."""
    name = f"{clip.id}{clip.suffix}"
    if clip.contents:
        (out / "images").mkdir(parents=True, exist_ok=True)
        write_atomically(out / "images" / name, clip.contents[0])
    return name


def inside(folder: Path, name: str, where: str) -> Path:
    """Return a file that a name means inside a folder. Raises UsageError where it leaves the folder or does not exist."""
    fault = inside_fault(name.replace("\\", "/"))
    place = folder / name.replace("\\", "/")
    if fault is None and not place.resolve().is_relative_to(folder.resolve()):
        fault = f"{name!r} is a link that leaves the folder"
    if fault is not None:
        raise UsageError(f"{where}: the name of a picture {fault}")
    if not place.exists():
        flat = folder / Path(name.replace("\\", "/")).name
        lower = sorted(folder.glob(f"*/{glob.escape(flat.name)}"))
        flat = lower[0] if len(lower) == 1 and not flat.exists() else flat
        if not flat.exists():
            raise UsageError(f"{where}: there is no {name!r} in {folder}; give --media DIR with the pictures or videos")
        place = flat
    return place
