"""Writing a dataset: videos copied, tracks as run-length JSON, and the list of clips last, so that it names what is there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from intergeneval.errors import ConfigError, MediaError, RecordError
from intergeneval.ids import canonical_json
from intergeneval.masks import track_of
from intergeneval.records import Record, Tracks, TrackState
from intergeneval.records.codec import LATER
from intergeneval.records.disk import copy, growing_folder, lines_of, read_bytes, write_atomically, write_new
from intergeneval.records.limits import id_fault
from intergeneval.videos import VIDEO_SUFFIXES, frame_files
from matrix_train.data.clips import INDEX, Clip, mask_tracks, stored_tracks, write_own

DROPPED = "dropped.jsonl"
"""File with a line for each clip that is not in a dataset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped(Record):
    """A clip that is not in a dataset: one line of ``dropped.jsonl``."""

    clip: str
    """The clip."""
    stage: str
    """The step that left it out."""
    reason: str
    """Why, in words."""
    kind: str = field(default="", metadata=LATER)
    """Which of the step's reasons, in one word, where it has such."""

    @property
    def group(self) -> str:
        """Under what it is counted."""
        return self.kind or self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A clip that is to be written, with its files where they lie now."""

    clip: Clip
    """Its record; the paths in it are set by the writer."""
    video: Path
    """The video file or folder of frames."""
    tracks: Tracks
    """The masks of its instances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What came of writing a dataset."""

    clips: int
    """Clips in it."""
    dropped: tuple[Dropped, ...]
    """Those that are not."""


def check_new(out: Path) -> None:
    """Raise ConfigError where a folder holds a dataset already: another one would be mixed into it."""
    if (out / INDEX).exists():
        raise ConfigError(f"{out} holds a dataset already ({INDEX}); choose another --out, or remove it")


def write_dataset(out: Path, items: Iterable[Found | Dropped]) -> Written:
    """Write a dataset in the order of its items and return what came of it. A killed call is finished by repeating it.

    Raises ConfigError for a folder that holds a dataset, for ids that cannot be file names or stand twice, and where no clip is
    left; OSError.
    """
    check_new(out)
    clips: list[Clip] = []
    dropped: list[Dropped] = []
    seen: set[str] = set()
    for folder in ("videos", "tracks"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for item in items:
        if isinstance(item, Dropped):
            dropped.append(item)
            continue
        fault = id_fault(item.clip.id) or ("stands twice" if item.clip.id in seen else None)
        if fault:
            raise ConfigError(f"clip {item.clip.id!r}: its id {fault}; ids become the names of files")
        seen.add(item.clip.id)
        clips.append(_write_clip(out, item))
    if not clips:
        why = f"; the first: {dropped[0].clip}: {dropped[0].reason}" if dropped else ""
        raise ConfigError(f"no clip is left to write{why}")
    text = "".join(json.dumps(item.to_json(), ensure_ascii=False) + "\n" for item in dropped)
    if dropped:
        write_atomically(out / DROPPED, text)
    else:
        # Of an earlier call that was killed.
        (out / DROPPED).unlink(missing_ok=True)
    write_own(out, tuple(clips))
    return Written(clips=len(clips), dropped=tuple(dropped))


def _write_clip(out: Path, item: Found) -> Clip:
    name = item.clip.id
    suffix = "" if item.video.is_dir() else item.video.suffix.lower()
    video, tracks = f"videos/{name}{suffix}", f"tracks/{name}.json"
    if item.video.is_dir():
        with growing_folder(out / video) as made:
            for path in frame_files(item.video):
                write_new(made / path.name, read_bytes(path))
    elif suffix in VIDEO_SUFFIXES:
        copy(item.video, out / video)
    else:
        raise ConfigError(f"{item.video}: {suffix!r} is no video; known are {', '.join(sorted(VIDEO_SUFFIXES))}")
    write_atomically(out / tracks, canonical_json(item.tracks.to_json()) + "\n")
    return replace(item.clip, video=video, tracks=tracks, masks="")


def tracks_of_clip(root: Path, clip: Clip) -> Tracks:
    """Return the masks of a clip's instances as a Tracks record, whichever way they are stored.

    Raises MediaError, RecordError or ConfigError naming the file, also for an instance without masks.
    """
    stored = stored_tracks(root, clip)
    masks = mask_tracks(root, clip, stored)
    lacking = [instance.id for instance in clip.instances if instance.id not in masks]
    if lacking:
        raise MediaError(f"{root}: clip {clip.id} has no masks of {', '.join(lacking)}")
    if stored is not None:
        return stored
    sizes = {track.shape for track in masks.values()}
    if len(sizes) > 1:
        shown = ", ".join(f"{name} {len(track)} of {track.shape[2]}x{track.shape[1]}" for name, track in masks.items())
        raise MediaError(f"{root}: clip {clip.id} has masks that differ in number or size: {shown}")
    made = [
        # Pictures of masks say where an instance is seen, and nothing of why it is not.
        track_of(name, list(track), [TrackState.VISIBLE if mask.any() else TrackState.LOST for mask in track], [1.0] * len(track))
        for name, track in masks.items()
    ]
    size = next(iter(masks.values())).shape[1:] if masks else (0, 0)
    return Tracks(sample_id=clip.id, seed=0, tracker="pictures", size=size, tracks=tuple(made))


def read_dropped(root: Path) -> tuple[tuple[Dropped, str], ...]:
    """Return the clips that a dataset left out, each with the video that its line names; none where there is no such file.

    A line may have fields of its own beside the three. Raises RecordError naming the line.
    """
    path = root / DROPPED
    found: list[tuple[Dropped, str]] = []
    for number, raw in enumerate(lines_of(path), 1) if path.is_file() else ():
        where = f"{path}:{number}"
        try:
            value = json.loads(raw)
        except ValueError as error:
            raise RecordError(f"{where}: not JSON ({error})") from None
        if not isinstance(value, dict):
            raise RecordError(f"{where}: holds {type(value).__name__}, not a JSON object")
        own = {name: value[name] for name in ("clip", "stage", "reason", "kind") if name in value}
        found.append((Dropped.from_json(own, where=where), str(value.get("video") or "")))
    return tuple(found)


def summary(dropped: Sequence[Dropped]) -> list[str]:
    """Return a line for each reason for which clips were left out: how many, and the first in full."""
    reasons: dict[str, list[Dropped]] = {}
    for item in dropped:
        reasons.setdefault(item.reason, []).append(item)
    return [f"{len(own)} left out ({own[0].clip}): {reason}" for reason, own in reasons.items()]
