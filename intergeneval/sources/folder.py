"""Videos that lie in a folder (``--model PATH``): the files of any generator, under the names it gave them.

These places are known, where ``EXT`` is mp4, webm, mov, mkv, m4v, avi or gif in any case:

    manifest.jsonl               says where each video lies; nothing else in the folder is looked at then
    <sample_id>.EXT              one video a sample, seed 0
    <sample_id>/<seed>.EXT       one a seed (or a folder of frames ``<sample_id>/<seed>/``)
    <sample_id>/*.png, *.jpg     a folder of frames, seed 0
    <type>/<number>.EXT          the release's layout, for samples tagged ``type:<type>``
    <prompt>-<seed>.EXT          called by the prompt itself, as VBench writes them (spaces or underscores), or <prompt>.EXT

A single video file stands for a folder that holds nothing else.

Sample ids are matched exactly: case, zero-padding and the way accents are coded all count.

A seed that one sample has is expected of every sample, so that leaving out bad ones costs: those that stand as numbers in
``<sample_id>/<seed>`` or in the manifest (in the release's layout, those of the same type in ``<type>/<number>/<seed>``). A plain
``<sample_id>.EXT`` is seed 0 and adds nothing to what others must have; where others have numbered seeds, it lacks the rest of
them. Who wants fewer names the seeds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from intergeneval.errors import ConfigError, UsageError
from intergeneval.records import Sample
from intergeneval.sources import SourceVideo
from intergeneval.sources.manifest import MANIFEST, read_manifest
from intergeneval.sources.naming import plain_prompt, prompt_of_name, seed_of_name

VIDEO_SUFFIXES = (".mp4", ".webm", ".mov", ".mkv", ".m4v", ".avi", ".gif")
"""File names that hold a video, lower case."""
FRAME_SUFFIXES = (".png", ".jpg", ".jpeg")
"""File names that are frames in a folder, lower case."""
TYPE_TAG = "type:"
"""Start of the tag that says in which of the release's types a sample lies."""

_TRACKS = ".tracks"
"""End of a folder's name that holds stored masks of a video: one folder an instance, which may be a number."""

_SEED = re.compile(r"-?\d{1,18}", re.ASCII)


class FolderSource:
    """The videos of one folder; the listing is read once, when the source is made."""

    def __init__(self, folder: Path, name: str = "") -> None:
        alone = folder.name if folder.is_file() and folder.suffix.lower() in VIDEO_SUFFIXES else ""
        if not folder.is_dir() and not alone:
            raise UsageError(f"{folder}: there is no such folder of videos")
        self._name = name or (folder.stem if alone else folder.resolve().name) or "model"
        self.folder = folder = folder.parent if alone else folder
        self._manifest = None if alone else read_manifest(folder)
        self._listing = _Listing(folder, alone) if self._manifest is None else None

    @property
    def name(self) -> str:
        """Name of the model in tables: the folder's last part."""
        return self._name

    @property
    def bench(self) -> str:
        """Name of the benchmark that the manifest states; empty where it states none."""
        return "" if self._manifest is None else self._manifest.bench

    def describe(self) -> Mapping[str, Any]:
        """Return the folder's name: its videos are told apart by their own hashes, and may come or change between two runs."""
        return {"source": "folder", "folder": self._name}

    def seeds(self, sample: Sample, wanted: Sequence[int]) -> tuple[int, ...]:
        """Return those `wanted` where given; else the sample's own and every numbered seed of the folder, rising; (0,) for none.

        A seed without a video comes back as missing from `video`, and is counted. Raises UsageError for an ambiguous sample.
        """
        found = self._found(sample)
        chosen = tuple(dict.fromkeys(wanted)) or tuple(sorted({*found, *self._numbered(sample)})) or (0,)
        for seed in chosen:
            self._only(sample, seed, found)
        return chosen

    def video(self, sample: Sample, seed: int) -> SourceVideo:
        """Return the file of a sample and seed, or why there is none. Raises UsageError when two files claim to be it."""
        found = self._found(sample)
        place = self._only(sample, seed, found)
        if place is None:
            return SourceVideo(missing=self._reason(sample, seed, tuple(found)))
        path = self.folder / place
        if not path.exists():
            said = f"{MANIFEST} names {place!r}" if self._manifest is not None else f"{place!r} is a link"
            return SourceVideo(label=place, missing=f"{said}, and there is no such file")
        return SourceVideo(path=path, label=place)

    def sample_ids(self) -> tuple[str, ...]:
        """Return the names in the folder that could be sample ids, sorted: of the manifest, or of files and folders."""
        if self._manifest is not None:
            return tuple(sorted({sample for sample, _ in self._manifest.paths}))
        assert self._listing is not None
        return self._listing.ids()

    def has(self, sample: Sample) -> bool:
        """Whether the folder holds any video of a sample."""
        return bool(self._found(sample))

    def places(self, sample: Sample) -> tuple[str, ...]:
        """Return the paths inside the folder that are videos of a sample, also where two claim to be one."""
        return tuple(place for listed in self._found(sample).values() for place in listed)

    def files(self) -> tuple[str, ...]:
        """Return the paths inside the folder that could be videos, sorted: those of the manifest, or files and frame folders."""
        if self._manifest is not None:
            return tuple(sorted(set(self._manifest.paths.values())))
        assert self._listing is not None
        return self._listing.files()

    def _found(self, sample: Sample) -> dict[int, list[str]]:
        if self._manifest is not None:
            return {seed: [path] for (name, seed), path in self._manifest.paths.items() if name == sample.id}
        assert self._listing is not None
        return self._listing.of(sample)

    def _numbered(self, sample: Sample) -> frozenset[int]:
        if self._manifest is not None:
            return frozenset(seed for _, seed in self._manifest.paths)
        assert self._listing is not None
        return self._listing.numbered(sample)

    def _only(self, sample: Sample, seed: int, found: Mapping[int, Sequence[str]]) -> str | None:
        places = found.get(seed, ())
        if len(places) > 1:
            shown = ", ".join(repr(place) for place in places)
            raise UsageError(f"{self.folder}: sample {sample.id!r} with seed {seed} has {len(places)} videos: {shown}; keep one")
        return places[0] if places else None

    def _reason(self, sample: Sample, seed: int, others: Sequence[int]) -> str:
        if others:
            seeds = ", ".join(str(other) for other in sorted(others))
            return f"no video of sample {sample.id!r} with seed {seed}; there are the seeds {seeds}"
        if self._manifest is not None:
            return f"{MANIFEST} names no video of sample {sample.id!r}"
        near = [name for name in self.sample_ids() if _loose(name) == _loose(sample.id)]
        hint = f"; {near[0]!r} is not the same name" if near else ""
        return f"no video called {sample.id!r} in the folder{hint}"


class _Listing:
    """What lies in a folder, two levels deep (three for the frames of a seed)."""

    def __init__(self, folder: Path, alone: str = "") -> None:
        """List a folder; of a single video, `alone` is its name."""
        self._folder = folder
        self._videos: dict[str, list[str]] = {}
        self._folders: dict[str, Path] = {}
        self._cache: dict[str, dict[int, list[str]]] = {}
        self._numbers: dict[str, frozenset[int]] = {}
        self._prompts: dict[str, list[str]] | None = None
        for item in [folder / alone] if alone else _entries(folder):
            if item.is_dir():
                self._folders[item.name] = item
            elif item.suffix.lower() in VIDEO_SUFFIXES:
                self._videos.setdefault(item.stem, []).append(item.name)

    def of(self, sample: Sample) -> dict[int, list[str]]:
        """Return seed -> paths (relative, more than one: ambiguous) of a sample."""
        found: dict[int, list[str]] = {}
        if sample.id in self._videos:
            found[0] = list(self._videos[sample.id])
        else:
            for stem in self._called(sample.prompt):
                found.setdefault(seed_of_name(stem), []).extend(self._videos[stem])
        for seed, places in self._inside(sample.id).items():
            found.setdefault(seed, []).extend(places)
        for kind, number in _typed(sample):
            for seed, places in self._of_type(kind, number).items():
                found.setdefault(seed, []).extend(place for place in places if place not in found.get(seed, []))
        return found

    def _called(self, prompt: str) -> list[str]:
        """Return the names, without ending, of videos that are called by a prompt."""
        if self._prompts is None:
            self._prompts = {}
            for stem in self._videos:
                self._prompts.setdefault(plain_prompt(prompt_of_name(stem)), []).append(stem)
        return self._prompts.get(plain_prompt(prompt), [])

    def numbered(self, sample: Sample) -> frozenset[int]:
        """Return the seeds that stand as numbers below any sample's folder; of a type's samples, below that type's folder."""
        kinds = [kind for kind, _ in _typed(sample) if kind in self._folders]
        return frozenset[int]().union(*(self._numbers_below(kind) for kind in kinds or [""]))

    def _numbers_below(self, kind: str) -> frozenset[int]:
        if kind not in self._numbers:
            folders = [item for item in _entries(self._folders[kind]) if item.is_dir()] if kind else self._folders.values()
            found = {item.name: _seeds_in(item, item.name) for item in folders if not item.name.endswith(_TRACKS)}
            # A folder of frames is named by itself, and is a plain video.
            self._numbers[kind] = frozenset(
                seed for name, seeds in found.items() for seed, places in seeds.items() if places != [name]
            )
        return self._numbers[kind]

    def ids(self) -> tuple[str, ...]:
        """Return stems and folder names, and ``type-stem`` and ``stem`` of videos in folders."""
        names = {*self._videos, *(name for name in self._folders if self._inside(name))}
        for name, folder in self._folders.items():
            stems = [item.stem for item in _entries(folder) if item.suffix.lower() in VIDEO_SUFFIXES and not item.is_dir()]
            names |= {f"{name}-{stem}" for stem in stems}
        return tuple(sorted(names))

    def files(self) -> tuple[str, ...]:
        """Return the videos here and one folder down, and the folders of frames."""
        found = [name for names in self._videos.values() for name in names]
        for name, folder in self._folders.items():
            inside = [item for item in _entries(folder) if not name.endswith(_TRACKS)]
            found += [f"{name}/{item.name}" for item in inside if item.suffix.lower() in VIDEO_SUFFIXES and item.is_file()]
            found += [f"{name}/{item.name}" for item in inside if item.is_dir() and any(map(_is_frame, _entries(item)))]
            found += [name] if any(map(_is_frame, inside)) else []
        return tuple(sorted(found))

    def _inside(self, name: str) -> dict[int, list[str]]:
        """Return seed -> paths for the folder ``<name>/``: a file or folder of frames a seed, or frames themselves."""
        if name not in self._folders:
            return {}
        if name not in self._cache:
            self._cache[name] = _seeds_in(self._folders[name], name)
        return self._cache[name]

    def _of_type(self, kind: str, number: str) -> dict[int, list[str]]:
        if kind not in self._folders:
            return {}
        found: dict[int, list[str]] = {}
        for item in _entries(self._folders[kind]):
            if item.is_dir() and item.name == number:
                for seed, places in _seeds_in(item, f"{kind}/{number}").items():
                    found.setdefault(seed, []).extend(places)
            elif item.stem == number and item.suffix.lower() in VIDEO_SUFFIXES and not item.is_dir():
                found.setdefault(0, []).append(f"{kind}/{item.name}")
        return found


def _seeds_in(folder: Path, label: str) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    frames = False
    for item in _entries(folder):
        if item.is_dir():
            if _SEED.fullmatch(item.name) and any(_is_frame(inner) for inner in _entries(item)):
                found.setdefault(int(item.name), []).append(f"{label}/{item.name}")
        elif item.suffix.lower() in VIDEO_SUFFIXES and _SEED.fullmatch(item.stem):
            found.setdefault(int(item.stem), []).append(f"{label}/{item.name}")
        elif _is_frame(item):
            frames = True
    if frames:
        found.setdefault(0, []).append(label)
    return found


def _typed(sample: Sample) -> Iterator[tuple[str, str]]:
    """Yield the (type, number) under which the release files a sample of one of its types.

    Only the tag tells: guessed from a dash in the id, seed 1 of ``cup`` could pass for sample ``cup-1``.
    """
    for tag in sample.tags:
        if tag.startswith(TYPE_TAG):
            kind = tag.removeprefix(TYPE_TAG)
            yield kind, sample.id.removeprefix(f"{kind}-")


def _is_frame(item: Path) -> bool:
    return item.suffix.lower() in FRAME_SUFFIXES and item.is_file()


def _entries(folder: Path) -> list[Path]:
    """Return what lies in a folder, hidden files aside, sorted. Raises ConfigError where it may not be read."""
    try:
        return sorted(item for item in folder.iterdir() if not item.name.startswith("."))
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be listed ({error.strerror})") from None


def _loose(name: str) -> str:
    """Return a name without case, zero-padding and ways of coding accents: for hints only, never for matching."""
    folded = unicodedata.normalize("NFKC", name).casefold().strip()
    return folded.lstrip("0") or "0"


def create(argument: str, settings: Mapping[str, Any]) -> FolderSource:
    """Make the source of a folder; `argument` is its path, the setting ``name`` names the model. Raises UsageError."""
    unknown = sorted(set(settings) - {"name"})
    if unknown:
        raise ConfigError(f"source 'folder' has no setting {unknown[0]!r}; it knows: name")
    if not argument or "\0" in argument:
        raise UsageError(f"source 'folder' needs the path of a folder, got {argument!r}")
    return FolderSource(Path(argument), str(settings.get("name", "")))
