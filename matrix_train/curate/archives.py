"""Videos inside of archives and data sets: what is in them, and a file of one for the time in which it is looked at."""

from __future__ import annotations

import contextlib
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from intergeneval.errors import MediaError, UsageError
from intergeneval.ids import sha256_bytes, sha256_file
from intergeneval.videos import VIDEO_SUFFIXES
from matrix_train.curate.records import Place

_HF = ("dataset_info.json", "state.json", "dataset_dict.json")
_PARQUET = ".parquet"
_MOST_TEXT = 1 << 20
_MOST_VIDEO = 8 << 30
VIDEO = "video"
"""Column of a data set that holds videos."""


def stamp_of(path: Path) -> tuple[int, ...]:
    """Return size and time of change of a file; of a folder those of its files together."""
    if path.is_dir():
        found = sorted(file.stat() for file in path.rglob("*") if file.is_file())
        return sum(one.st_size for one in found), max((one.st_mtime_ns for one in found), default=0)
    found_one = path.stat()
    return found_one.st_size, found_one.st_mtime_ns


def tar_members(archive: Path) -> Iterator[tuple[str, Place, dict[str, str]]]:
    """Give key, place and texts (``.txt``, ``.json``) of each video of a WebDataset archive, in its order.

    Members that share a name up to its first dot belong together. Raises UsageError for what is no plain archive.
    """
    try:
        with tarfile.open(archive, "r:") as tar:
            key, video, texts = "", None, dict[str, str]()
            for member in tar:
                if not member.isfile():
                    continue
                place = PurePosixPath(member.name)
                own, dot, ending = place.name.partition(".")
                name = (place.parent / own).as_posix() if dot else member.name
                if name != key:
                    if video is not None:
                        yield key, video, texts
                    key, video, texts = name, None, {}
                ending = f".{ending.lower()}"
                if ending in VIDEO_SUFFIXES:
                    video = Place(path="", member=member.name, start=member.offset_data, length=member.size)
                elif ending in (".txt", ".json") and member.size <= _MOST_TEXT:
                    stream = tar.extractfile(member)
                    assert stream is not None
                    texts[ending] = stream.read().decode("utf-8")
            if video is not None:
                yield key, video, texts
    except (tarfile.TarError, OSError) as error:
        raise UsageError(f"{archive}: cannot be read as an uncompressed tar archive ({error})") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{archive}: {key}: its text is not UTF-8 ({error.reason})") from None


def is_hf(place: Path) -> bool:
    """Whether a folder is a data set that was saved by the library ``datasets``, or holds Parquet files."""
    return any((place / name).is_file() for name in _HF) or any(place.glob(f"*{_PARQUET}"))


def hf_rows(place: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Give number and row of a saved data set, its videos left out. Raises UsageError."""
    found = _hf(place)
    yield from enumerate(found.remove_columns(VIDEO))


def _hf(place: Path) -> Any:
    try:
        import datasets
    except ImportError:
        raise UsageError(f"{place}: needs the library 'datasets': pip install 'intergeneval[datasets]'") from None
    datasets.disable_progress_bars()
    try:
        if any((place / name).is_file() for name in _HF):
            found = datasets.load_from_disk(str(place))
        else:
            files = sorted(str(path) for path in place.glob(f"*{_PARQUET}"))
            found = datasets.load_dataset("parquet", data_files=files, split="train")
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise UsageError(f"{place}: the data set cannot be read ({error})") from None
    if isinstance(found, datasets.DatasetDict):
        raise UsageError(f"{place}: has the splits {', '.join(found)}; give the folder of one")
    if VIDEO not in found.column_names:
        raise UsageError(f"{place}: has no column {VIDEO!r}; there are {', '.join(found.column_names)}")
    return found.cast_column(VIDEO, datasets.Video(decode=False))


class Files:
    """The videos of a source, as files."""

    def __init__(self, root: Path) -> None:
        """`root` is the folder that places are relative to."""
        self._root = root
        self._rows: Any = None

    @contextlib.contextmanager
    def opened(self, place: Place) -> Iterator[Path]:
        """Give a file that holds a video; what is part of another file is written out for the time. Raises MediaError."""
        path = self._root / place.path
        if place.row < 0 and not place.member:
            yield path
            return
        suffix = PurePosixPath(place.member).suffix or ".mp4"
        with tempfile.TemporaryDirectory(prefix="curate-") as folder:
            made = Path(folder) / f"clip{suffix}"
            made.write_bytes(self._bytes(place, path))
            yield made

    def sha256(self, place: Place) -> str:
        """Return the hash of a video's bytes. Raises MediaError."""
        path = self._root / place.path
        try:
            if place.row < 0 and not place.member:
                return sha256_file(path)
            return sha256_bytes(self._bytes(place, path))
        except OSError as error:
            raise MediaError(f"{path}: cannot be read ({error})") from None

    def _bytes(self, place: Place, path: Path) -> bytes:
        if place.row >= 0:
            if self._rows is None:
                self._rows = _hf(self._root)
            cell = self._rows[place.row][VIDEO] or {}
            if cell.get("bytes") is None:
                raise MediaError(f"{path}: row {place.row} holds no bytes of a video; save the data set with its videos")
            return bytes(cell["bytes"])
        if place.length > _MOST_VIDEO:
            raise MediaError(f"{path}: {place.member} has more than {_MOST_VIDEO} bytes")
        with path.open("rb") as stream:
            stream.seek(place.start)
            content = stream.read(place.length)
        if len(content) != place.length:
            raise MediaError(f"{path}: ends inside of {place.member}")
        return content
