"""Datasets as tar shards by the convention of WebDataset, and back.

Members of a clip stand one after another and have its id in front of the first dot: ``ID.json`` is its line,
``ID.tracks.json`` its masks, ``ID.mp4`` its video; of a clip that is a folder of frames each is ``ID.000.png``. In a key a dot,
a percent sign and what file names do not take are written as percent and two hex digits. Equal datasets give equal bytes.
"""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

from intergeneval.errors import ConfigError, RecordError
from intergeneval.ids import bounded_json, canonical_json
from intergeneval.masks.track_records import tracks_of
from intergeneval.records.disk import MOST_BYTES, growing, read_bytes
from intergeneval.videos import IMAGE_SUFFIXES, VIDEO_SUFFIXES, frame_files
from matrix_train.data.clips import Clip, clip_of, inside, line_of
from matrix_train.data.reading import read_dataset
from matrix_train.datasets.writing import Found, Written, tracks_of_clip, write_dataset

LINE, TRACKS = "json", "tracks.json"
ALL = "clips"
"""What shards of a dataset that is not split are called."""
MOST_FILE = 1 << 32
"""Largest member that is read, in bytes."""
MOST_FILES = 100_000
"""Most members of a clip: frames of a folder."""


def to_webdataset(root: Path, out: Path, *, shard_bytes: int) -> tuple[Path, ...]:
    """Write a dataset as shards of `shard_bytes` or a little more, and return them.

    Called ``clips-000000.tar`` and so on, or after the side of the split. Raises ConfigError where `out` holds shards already,
    MediaError or RecordError for a clip that cannot be read; then no shard is left half written.
    """
    if any(out.glob("*.tar")):
        raise ConfigError(f"{out} holds shards already; choose another --out, or remove them")
    out.mkdir(parents=True, exist_ok=True)
    sides: dict[str, list[Clip]] = {}
    for clip in read_dataset(root):
        sides.setdefault(clip.split or ALL, []).append(clip)
    made: list[Path] = []
    for side, clips in sorted(sides.items()):
        rest: Sequence[Clip] = clips
        number = 0
        while rest:
            path = out / f"{side}-{number:06d}.tar"
            rest = _write_shard(path, root, rest, shard_bytes)
            made.append(path)
            number += 1
    return tuple(made)


def _write_shard(path: Path, root: Path, clips: Sequence[Clip], most: int) -> Sequence[Clip]:
    """Fill a shard with clips from the first on; return those that are left."""
    with growing(path) as place, tarfile.open(place, "w", format=tarfile.PAX_FORMAT) as shard:
        for index, clip in enumerate(clips):
            if index and shard.offset >= most:
                return clips[index:]
            for name, content in _members(root, clip):
                member = tarfile.TarInfo(f"{key_of(clip.id)}.{name}")
                member.size, member.mode = len(content), 0o644
                shard.addfile(member, BytesIO(content))
    return ()


def key_of(clip_id: str) -> str:
    """Return the key of a clip: its id as far as it can stand in front of the first dot of a file's name."""
    return quote(clip_id, safe=" ~()[]{}+=@,;!'&$#").replace(".", "%2E")


def _members(root: Path, clip: Clip) -> Iterator[tuple[str, bytes]]:
    yield LINE, (canonical_json(line_of(clip)) + "\n").encode()
    yield TRACKS, (canonical_json(tracks_of_clip(root, clip).to_json()) + "\n").encode()
    video = inside(root, clip.video, "video")
    if video.is_dir():
        for path in frame_files(video):
            yield path.name, read_bytes(path)
    else:
        yield video.suffix.lower().lstrip("."), read_bytes(video, MOST_FILE)


def from_webdataset(shards: Sequence[Path], out: Path) -> Written:
    """Write the clips of shards as a dataset, in the order of the shards; return what came of it.

    Raises ConfigError naming shard and member for what is no such dataset, RecordError for a line that is no clip.
    """
    return write_dataset(out, (found for path in shards for found in _clips(path)))


def _clips(path: Path) -> Iterator[Found]:
    try:
        with tarfile.open(path, "r:") as shard:
            for key, members in _grouped(shard, path):
                with tempfile.TemporaryDirectory(prefix="clip-") as place:
                    yield _found(key, members, shard, (path, Path(place)))
            with path.open("rb") as raw:
                raw.seek(shard.offset)
                # A file that was cut short between two members reads as an archive of fewer.
                if raw.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
                    raise ConfigError(f"{path}: breaks off before the end of its archive; copy or pack it again")
    except tarfile.TarError as error:
        raise ConfigError(f"{path}: is no shard of a WebDataset ({error}); shards are plain, uncompressed tar files") from None


def _grouped(shard: tarfile.TarFile, path: Path) -> Iterator[tuple[str, dict[str, tarfile.TarInfo]]]:
    """Give the members of each clip by what stands behind the first dot of their names."""
    now, members = "", dict[str, tarfile.TarInfo]()
    for member in shard:
        key, dot, name = member.name.partition(".")
        if not member.isreg() or not dot or "/" in member.name or "\\" in name:
            raise ConfigError(f"{path}: member {member.name!r} is no file of a clip (KEY.json, KEY.tracks.json, KEY.mp4 ...)")
        if member.size > MOST_FILE or len(members) > MOST_FILES:
            raise ConfigError(f"{path}: member {member.name!r} is larger, or one of more, than a clip has")
        if members and key != now:
            yield now, members
            members = {}
        now = key
        members[name] = member
    if members:
        yield now, members


def _found(key: str, members: Mapping[str, tarfile.TarInfo], shard: tarfile.TarFile, places: tuple[Path, Path]) -> Found:
    path, place = places
    where = f"{path}: clip {key!r}"
    lacking = [name for name in (LINE, TRACKS) if name not in members]
    if lacking:
        raise ConfigError(f"{where} has no {key}.{lacking[0]}: it is not a dataset of ours, but may be material for one")
    clip = clip_of(_json(shard, members[LINE], where), where)
    tracks = tracks_of(_json(shard, members[TRACKS], where), where)
    rest = {name: member for name, member in members.items() if name not in (LINE, TRACKS)}
    files = [name for name in rest if f".{name}" in VIDEO_SUFFIXES]
    frames = [name for name in rest if Path(name).suffix.lower() in IMAGE_SUFFIXES]
    if len(files) + bool(frames) != 1 or len(files) + len(frames) != len(rest):
        raise ConfigError(f"{where} must have one video, or frames, beside its line and its masks; it has {', '.join(rest)}")
    if files:
        video = place / f"video.{files[0]}"
        video.write_bytes(_bytes(shard, rest[files[0]]))
    else:
        video = place / "frames"
        video.mkdir()
        for name in frames:
            (video / name).write_bytes(_bytes(shard, rest[name]))
    return Found(clip=replace(clip, masks=""), video=video, tracks=tracks)


def _bytes(shard: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = shard.extractfile(member)
    assert stream is not None
    return stream.read()


def _json(shard: tarfile.TarFile, member: tarfile.TarInfo, where: str) -> dict[str, object]:
    if member.size > MOST_BYTES:
        raise ConfigError(f"{where}: {member.name} has more than {MOST_BYTES} bytes")
    try:
        value = bounded_json(_bytes(shard, member))
    except ValueError as error:
        raise RecordError(f"{where}: {member.name} is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise RecordError(f"{where}: {member.name} holds {type(value).__name__}, not a JSON object")
    return value
