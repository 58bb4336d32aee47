"""What a reader of a layout brings back: samples and faults, from which a Benchmark is made when nothing forbids it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from intergeneval.bench.benchmark import IMAGE_TO_VIDEO, Benchmark
from intergeneval.bench.faults import Fault, refuse
from intergeneval.bench.files import ImageError, image_size
from intergeneval.bench.own_masks import model_folders
from intergeneval.bench.promise import Suite
from intergeneval.ids import open_plain, sha256_file, sha256_json
from intergeneval.records import Sample

_HEAD = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A benchmark as it was read, faults and all."""

    name: str
    """Name of the benchmark."""
    version: str
    """Version text."""
    root: Path
    """Folder that the samples' paths are relative to."""
    layout: str
    """``own`` or ``official``."""
    samples: tuple[Sample, ...]
    """The samples that could be read."""
    files: tuple[str, ...]
    """For each sample, the file (and line) it stands in."""
    faults: tuple[Fault, ...]
    """What forbids to use the benchmark."""
    task: str = IMAGE_TO_VIDEO
    """``image-to-video`` or ``text-to-video``."""
    licence: str = ""
    """Licence of the data."""
    description: str = ""
    """One sentence."""
    videos: str | None = None
    """Folder of reference videos."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """sha256 of files that no sample names."""
    suite: Suite | None = None
    """What is promised of all samples together."""

    def benchmark(self) -> Benchmark:
        """Make the Benchmark. Raises BenchError with the faults if there are any.

        Listed hashes are trusted here and held against the bytes when a file is opened; files without a listed hash are
        read now, so the benchmark's hash always covers every byte.
        """
        if self.faults:
            raise refuse(repr(self.name), self.faults)
        samples = tuple(_completed(sample, self.root) for sample in self.samples)
        return Benchmark(
            name=self.name,
            version=self.version,
            root=self.root,
            samples=samples,
            hash=sha256_json([sample.to_json() for sample in samples]),
            licence=self.licence,
            description=self.description,
            layout=self.layout,
            task=self.task,
            videos=self.videos,
            hashes=self.hashes,
            own_masks=model_folders(self.root, samples),
            suite=self.suite,
        )


def named_files(sample: Sample) -> tuple[str, ...]:
    """Return the paths of all files that a sample names: first frame, then masks."""
    image = () if sample.image is None else (sample.image,)
    return image + tuple(item.mask for item in sample.instances if item.mask is not None)


def _completed(sample: Sample, root: Path) -> Sample:
    """Add what the files know: missing hashes, and the size of the first frame (or first mask) where none is stated."""
    hashes = dict(sample.hashes)
    size = sample.size
    for path in named_files(sample):
        place = root / path
        if not place.is_file():
            continue
        if path not in hashes:
            hashes[path] = sha256_file(place)
        if size is None:
            size = _size(place)
    return replace(sample, hashes=hashes, size=size)


def size_of(sample: Sample, root: Path) -> tuple[int, int] | None:
    """Return the size (height, width) that a sample states, or else that of its first file that has one; None for none."""
    places = (root / path for path in named_files(sample))
    return sample.size or next((size for place in places if place.is_file() and (size := _size(place)) is not None), None)


def _size(place: Path) -> tuple[int, int] | None:
    """Return the size in an image's header; a damaged file has none, and says so when it is opened."""
    with open_plain(place) as stream:
        try:
            return image_size(stream.read(_HEAD))
        except ImageError:
            return None
