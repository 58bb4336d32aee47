"""Tracker ``stored``: masks that already lie on disk, from another tracker, from people, or from a staged video's truth.

``stored`` alone looks beside the video for ``<stem>.tracks.json`` (one Tracks record), then for a folder ``<stem>.tracks/``
or ``<stem>/`` of mask images. ``stored:DIR`` looks in DIR, in this order, for ``<sample_id>/<seed>.tracks.json``,
``<sample_id>.tracks.json``, a line of ``tracks.jsonl`` (the stage file of a run folder, packed or not), and
``<sample_id>/<instance id>/000.png`` (the public release's layout; where its types are loaded together,
``<type>/tracks/000/<instance id>/000.png``). Masks are read strictly and held against the boxes and areas beside them, and in the
first frame against the benchmark's. Boxes and areas then come from the masks, states from the protocol's rule. Of a record's own
states only ``lost`` is kept: an empty mask that its tracker made no statement about must not become one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from intergeneval.errors import BackendError, ConfigError, MediaError
from intergeneval.masks import Mask
from intergeneval.masks.pictures import background_tracks
from intergeneval.masks.track_records import checked_masks
from intergeneval.records import Tracks, TrackState
from intergeneval.trackers import TrackRequest
from intergeneval.trackers.assembly import TrackBuilder
from intergeneval.trackers.first_masks import first_frame_notes
from intergeneval.trackers.mask_images import read_mask_folder
from intergeneval.trackers.tracks_file import StageLines, parse_tracks, read_tracks

StoredFrame = tuple[dict[str, Mask], dict[str, float], list[str]]
"""Masks (H, W), confidences and the lost, by instance id."""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record of tracks that was found on disk."""

    tracks: Tracks
    """The record."""
    where: str
    """File, and line where it has many."""


class StoredTracker:
    """Reads tracks from disk; looks at no frame, and counts them only where the video's frame count is not known."""

    id = "stored-1"
    needs_truth = False

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` holds the tracks of many samples; None: they lie beside each video."""
        self._folder = folder
        self._stage: StageLines | None = None

    def track(self, request: TrackRequest) -> Tracks:
        """Return the stored tracks of a video, at its size, with derived states.

        Raises MediaError for a file that is missing, damaged or does not fit the video, and BackendError for a path that would
        leave its folder or an id the sample does not have.
        """
        found = self._beside(request) if self._folder is None else self._inside(request, self._folder)
        frames = request.video.frames or sum(1 for _ in request.frames)
        if isinstance(found, StoredRecord):
            where, notes = found.where, found.tracks.notes
            ids = [item.instance_id for item in found.tracks.tracks]
            frames_of_masks = _decoded(found, request, frames)
        else:
            where, notes = str(found), ()
            ids = sorted(item.name for item in found.iterdir() if item.is_dir())
            frames_of_masks = _images(found, ids, request, frames, root=self._folder or found)
        _check_ids(ids, request)
        order = [item.id for item in request.sample.instances if item.id in ids]
        builder = TrackBuilder(order, request.masks)
        for index, (masks, confidence, lost) in enumerate(frames_of_masks):
            if index == request.anchor:
                # What lies beside a video is of that video, whatever its first frame shows.
                own = self._folder is None
                notes = (*notes, *first_frame_notes(masks, request.masks, where, lost, sure=own))
            builder.add(masks, confidence, lost)
        return Tracks(
            sample_id=request.sample.id,
            seed=request.video.seed,
            tracker=self.id,
            size=request.video.size,
            tracks=builder.tracks(),
            fps=request.video.fps,
            notes=notes,
        )

    def _beside(self, request: TrackRequest) -> StoredRecord | Path:
        path = request.path
        if path is None:
            raise BackendError(
                f"sample {request.sample.id}: 'stored' looks beside the video, which has no path; use 'stored:DIR'"
            )
        stem = path.name if path.is_dir() else path.stem
        record = path.with_name(f"{stem}.tracks.json")
        folders = [path.with_name(f"{stem}.tracks")]
        if not path.is_dir():
            folders.append(path.with_name(stem))
        if record.is_file():
            return StoredRecord(read_tracks(record), str(record))
        for folder in folders:
            if folder.is_dir():
                return folder
        looked = ", ".join(str(item) for item in [record, *folders])
        raise MediaError(f"sample {request.sample.id}: no stored tracks; looked for {looked}")

    def _inside(self, request: TrackRequest, folder: Path) -> StoredRecord | Path:
        sample_id, seed = request.sample.id, request.video.seed
        images = _within(folder, sample_id)
        by_seed = images / f"{seed}.tracks.json"
        by_sample = images.with_name(f"{images.name}.tracks.json")
        for record in (by_seed, by_sample):
            if record.is_file():
                return StoredRecord(read_tracks(_within(folder, record.relative_to(folder).as_posix())), str(record))
        self._stage = self._stage or StageLines(folder)
        line = self._stage.line(sample_id, seed)
        if line is not None:
            where = f"{line[1]} (sample {sample_id}, seed {seed})"
            return StoredRecord(parse_tracks(line[0], where), where)
        kind, _, number = sample_id.partition("-")
        by_type = _within(folder, f"{kind}/tracks/{number}") if number else images
        for place in (images, by_type):
            if place.is_dir():
                return place
        looked = f"{by_seed}, {by_sample}, a line in {folder / 'tracks.jsonl'}, and the folder {images}"
        raise MediaError(f"sample {sample_id}, seed {seed}: no stored tracks; looked for {looked}")


def create(argument: str, settings: Mapping[str, Any]) -> StoredTracker:
    """Build the tracker; the argument is the folder of stored tracks, empty for tracks beside each video."""
    if settings:
        raise ConfigError(f"tracker 'stored' has no setting {sorted(settings)[0]!r}; it takes none")
    if not argument:
        return StoredTracker()
    folder = Path(argument)
    if not folder.is_dir():
        raise ConfigError(f"tracker 'stored:{argument}': {argument!r} is not a folder; give the folder that holds the tracks")
    return StoredTracker(folder)


def _within(folder: Path, name: str) -> Path:
    """Return folder/name, links followed in the check. Raises BackendError when it would leave the folder."""
    parts = PurePosixPath(name).parts
    path = folder.joinpath(*parts)
    plain = parts and ".." not in parts and not PurePosixPath(name).is_absolute() and "\\" not in name and "\0" not in name
    if not plain or not path.resolve().is_relative_to(folder.resolve()):
        raise BackendError(f"{name!r} leads out of {folder}; stored tracks must lie inside their folder")
    return path


def _check_ids(ids: list[str], request: TrackRequest) -> None:
    known = [item.id for item in request.sample.instances]
    for name in ids:
        if name not in known:
            raise BackendError(
                f"sample {request.sample.id}: stored tracks hold instance {name!r}; the sample has {', '.join(known)}. "
                "Rename the instance, or take the tracks that belong to this benchmark"
            )
        if ids.count(name) > 1:
            raise BackendError(f"sample {request.sample.id}: stored tracks hold instance {name!r} twice")
    for name in request.masks:
        if name not in ids:
            raise BackendError(
                f"sample {request.sample.id}: stored tracks lack instance {name!r}; they hold {', '.join(ids) or 'none'}"
            )


def _decoded(found: StoredRecord, request: TrackRequest, frames: int) -> Iterator[StoredFrame]:
    """Check a record against the video, then yield its frames."""
    stored, where = found.tracks, f"{found.where}: stored tracks of sample {request.sample.id}"
    if stored.status != "ok":
        raise BackendError(f"{where}: their tracker failed on this video ({stored.reason or 'no reason given'})")
    if (stored.sample_id, stored.seed) != (request.sample.id, request.video.seed):
        wanted = f"sample {request.sample.id!r}, seed {request.video.seed}"
        raise MediaError(f"{where}: they say sample {stored.sample_id!r}, seed {stored.seed}; wanted {wanted}")
    if stored.size != request.video.size:
        raise MediaError(f"{where}: field 'size' is {stored.size}, the video is {request.video.size} (height, width)")
    for item in stored.tracks:
        for name in ("masks", "boxes", "areas", "confidence", "states"):
            count = len(getattr(item, name))
            if count != frames:
                raise MediaError(f"{where}: instance {item.instance_id!r} has {count} {name}, the video {frames} frames")
        odd = next((value for value in item.confidence if not 0.0 <= value <= 1.0), None)
        if odd is not None:
            raise MediaError(f"{where}: instance {item.instance_id!r} has a confidence of {odd}; it lies between 0 and 1")
    return _decoded_frames(stored, frames, where)


def _decoded_frames(stored: Tracks, frames: int, where: str) -> Iterator[StoredFrame]:
    readers = {item.instance_id: checked_masks(item, stored, where) for item in stored.tracks}
    for index in range(frames):
        masks = {name: next(reader) for name, reader in readers.items()}
        lost = []
        for item in stored.tracks:
            if item.states[index] is TrackState.LOST:
                if masks[item.instance_id].any():
                    raise MediaError(f"{where}: instance {item.instance_id!r}, frame {index}: state 'lost' beside a mask")
                lost.append(item.instance_id)
        yield masks, {item.instance_id: item.confidence[index] for item in stored.tracks}, lost


def _images(folder: Path, ids: list[str], request: TrackRequest, frames: int, root: Path) -> Iterator[StoredFrame]:
    """Read all mask images, then yield the frames; an image is taken for certain (confidence 1)."""
    read = {name: read_mask_folder(_within(folder, name), frames, request.video.size, inside=root) for name in ids}
    for name, problem, fix in background_tracks(read):
        raise MediaError(f"{folder / name}: {problem}; {fix}")
    certain = dict.fromkeys(ids, 1.0)
    return (({name: track.mask(index) for name, track in read.items()}, certain, []) for index in range(frames))
