"""The release's mask tracks, ``EVAL_RESULTS/{model}/{type}/tracks/{video}/{instance}/{frame}.png``: read and written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from intergeneval.errors import IntergenevalError, RecordError, StoreError
from intergeneval.ids import open_plain
from intergeneval.masks import decode
from intergeneval.records import Sample, Tracks, Video, VideoStatus
from intergeneval.records.disk import write_atomically
from intergeneval.trackers import TrackRequest
from intergeneval.trackers.stored import StoredTracker


def read_tracks(folder: Path, number: str, sample: Sample) -> tuple[Tracks | None, str]:
    """Return the tracks of one video, or None with the reason in one sentence (empty where there simply are none)."""
    place = folder / number
    if not place.is_dir():
        return None, ""
    frames = sorted(item for item in place.glob("*/*.png"))
    if not frames:
        return None, f"the folder of tracks {number!r} holds no masks"
    try:
        size = _size(frames[0])
        count = max(len(list(item.glob("*.png"))) for item in place.iterdir() if item.is_dir())
        video = Video(sample_id=number, seed=0, status=VideoStatus.OK, size=size, frames=count)
        request = TrackRequest(sample=replace(sample, id=number), video=video, masks={}, frames=())
        found = StoredTracker(folder).track(request)
    except IntergenevalError as error:
        return None, f"its tracks were left out: {error}"
    return replace(found, sample_id=sample.id), ""


def write_tracks(tracks: Tracks, folder: Path) -> None:
    """Write one PNG a frame and instance (255 on the instance) below `folder`. Raises StoreError, RecordError."""
    from intergeneval.masks.writing import encode_picture

    for track in tracks.tracks:
        place = folder / track.instance_id
        place.mkdir(parents=True, exist_ok=True)
        for index, counts in enumerate(track.masks):
            try:
                mask = decode(counts, tracks.size)
            except ValueError as error:
                where = f"sample {tracks.sample_id!r}, instance {track.instance_id!r}, frame {index}"
                raise RecordError(f"tracks.jsonl: {where}: {error}") from None
            write_atomically(place / f"{index:03d}.png", encode_picture(mask))


def _size(path: Path) -> tuple[int, int]:
    from intergeneval.bench.files import ImageError, image_size

    with open_plain(path) as stream:
        try:
            return image_size(stream.read(1 << 16))
        except ImageError as error:
            raise StoreError(f"{path}: {error.problem}; {error.fix}") from None
