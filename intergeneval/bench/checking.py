"""Check a benchmark: every fault of its text files, its images, its masks and its hashes, not just the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from intergeneval.bench import official
from intergeneval.bench.benchmark import TEXT_TO_VIDEO, Benchmark
from intergeneval.bench.faults import Fault
from intergeneval.bench.fields import first_frame_faults, twin_faults
from intergeneval.bench.files import ImageError, decode_image, decode_mask_picture, own_mask_faults, read_bytes
from intergeneval.bench.lookup import read
from intergeneval.bench.names import path_fault
from intergeneval.bench.own_masks import MASKS, clashes, loose_masks, model_folders, survey
from intergeneval.bench.reading import Reading, size_of
from intergeneval.bench.structure import gaps, sample_faults
from intergeneval.bench_paths import TOML
from intergeneval.errors import MediaError, RecordError
from intergeneval.ids import sha256_file, strict_json
from intergeneval.masks import Mask
from intergeneval.masks.pictures import backgrounds
from intergeneval.masks.track_records import checked_masks, tracks_of
from intergeneval.records import Sample, disk

_TRACKS = ".tracks.json"
_VIDEOS = (".mp4", ".webm", ".mov", ".mkv", ".avi", ".gif")


def check(path: Path) -> list[Fault]:
    """Return every fault of the benchmark in a folder, in the order of its files; empty: it can be used as it is.

    Raises UsageError where the folder is no benchmark at all.
    """
    return _of_reading(read(path))


def check_made(benchmark: Benchmark) -> list[Fault]:
    """Return every fault of a benchmark that a plug-in made: what its samples say; files only where it names some."""
    found: list[Fault] = []
    for sample in benchmark.samples:
        found += sample_faults(sample, benchmark.root, benchmark.name)
        found += [fault for fault in gaps(sample, benchmark.name) if fault.field == "interactions"]
        found += _file_faults(sample, benchmark.name, benchmark.root, benchmark.task)
    found += twin_faults(benchmark.samples, [benchmark.name] * len(benchmark.samples))
    return found


def _of_reading(reading: Reading) -> list[Fault]:
    found = list(reading.faults)
    for sample, file in zip(reading.samples, reading.files, strict=True):
        if reading.task == TEXT_TO_VIDEO:
            found += [fault for fault in gaps(sample, file) if fault.field == "interactions"]
        elif reading.layout == "official":
            found += gaps(sample, file, masks=official.mask_folder(file), questions=official.question_file(file))
        else:
            found += gaps(sample, file)
        named = official.question_file(file) if reading.layout == "official" else ""
        found += [
            _in_questions(fault, named) if named else fault for fault in _file_faults(sample, file, reading.root, reading.task)
        ]
    if reading.layout == "official":
        found += official.folder_faults(reading.root)
    else:
        found += _extra_faults(reading)
    found += _own_mask_faults(reading)
    return found


def _in_questions(fault: Fault, file: str) -> Fault:
    """Return a fault of an interaction under the names of the file in which the release's layout holds it."""
    if not fault.field.startswith("interactions["):
        return fault
    return replace(fault, file=file, field="items" + fault.field.removeprefix("interactions"))


def _file_faults(sample: Sample, file: str, root: Path, task: str) -> Iterator[Fault]:
    size = sample.size
    if sample.image is not None:
        try:
            shape = decode_image(read_bytes(root, sample.image, sample.hashes)).shape
        except ImageError as fault:
            yield _fault(sample, sample.image, file, fault)
        else:
            if size is None:
                size = shape[0], shape[1]
            elif (shape[0], shape[1]) != size:
                problem = f"the first frame is {shape[1]}x{shape[0]}, the sample says {size[1]}x{size[0]}"
                yield _fault(sample, sample.image, file, ImageError(problem, "correct 'size' (height, width) or the image"))
    masks: dict[str, tuple[str, Mask]] = {}
    around = []
    for item in sample.instances:
        if item.mask is None:
            continue
        try:
            picture = decode_mask_picture(read_bytes(root, item.mask, sample.hashes))
        except ImageError as fault:
            yield _fault(sample, item.mask, file, fault)
            continue
        size = size or picture.size
        if picture.size != size:
            problem = f"the mask is {picture.size[1]}x{picture.size[0]}, the first frame {size[1]}x{size[0]}"
            yield _fault(sample, item.mask, file, ImageError(problem, "draw it at the size of the first frame"))
            continue
        masks[item.id] = (item.mask, picture.mask(0))
        around += [item.id] * picture.around
    alone = {name: mask for name, (_, mask) in masks.items()}
    for name, problem, fix in backgrounds(alone, around):
        yield _fault(sample, masks.pop(name)[0], file, ImageError(problem, fix))
    yield from _overlaps(sample, file, masks)
    yield from first_frame_faults(sample, file, {name: alone[name] for name in masks}, given=task != TEXT_TO_VIDEO)


def _own_mask_faults(reading: Reading) -> Iterator[Fault]:
    """Look at the first-frame masks of single models; those of a sample that cannot be read itself are left alone."""
    if not (reading.root / MASKS).is_dir():
        return
    if problem := path_fault(MASKS, reading.root):
        yield Fault(file=MASKS, field="", problem=f"the path {problem}", fix="put the files into the benchmark folder")
        return
    yield from (fault for _, fault in clashes(reading.root, reading.samples))
    if reading.task == TEXT_TO_VIDEO and not reading.faults:
        yield from loose_masks(reading.root, reading.samples)
    sizes = {sample.id: size_of(sample, reading.root) for sample in reading.samples}
    known = {sample.id: sample for sample in reading.samples}
    for folder in model_folders(reading.root, reading.samples):
        # A sample that could not be read would be called unknown.
        sets, faults = survey(reading.root, folder, reading.samples, all_known=not reading.faults)
        yield from faults
        for own in sets:
            masks: dict[str, Mask] = {}
            yield from own_mask_faults(reading.root, own, sizes[own.sample_id], masks)
            covered = {name: (own.paths[name], mask) for name, mask in masks.items()}
            for fault in _overlaps(known[own.sample_id], "", covered):
                yield replace(fault, field="")


def _overlaps(sample: Sample, file: str, masks: Mapping[str, tuple[str, Mask]]) -> Iterator[Fault]:
    """Name masks that lie wholly under another one: such an instance has no pixel of its own to be followed by."""
    for name, (path, mask) in masks.items():
        for other, (_, covering) in masks.items():
            # Of two equal masks only the later one is named.
            equal = np.array_equal(mask, covering)
            if name == other or not (mask <= covering).all() or (equal and list(masks).index(name) < list(masks).index(other)):
                continue
            problem = f"every pixel of the mask of {name!r} is part of {other!r} too"
            yield _fault(sample, path, file, ImageError(problem, "give each instance the pixels that show it"))
            break


def _extra_faults(reading: Reading) -> Iterator[Fault]:
    """Hold the files of bench.toml against their hashes, and look for a reference video for each sample."""
    for path, digest in reading.hashes.items():
        place = reading.root / path
        if not place.is_file():
            yield Fault(
                file=path, field="", problem="bench.toml lists its hash but it does not exist", fix="add it or remove the hash"
            )
        elif (found := sha256_file(place)) != digest:
            problem = f"the sha256 is {found[:12]}..., bench.toml lists {digest[:12]}..."
            yield Fault(file=path, field="", problem=problem, fix="restore the file, or list its new hash and raise the version")
    if reading.videos is None or path_fault(reading.videos, reading.root) or not (reading.root / reading.videos).is_dir():
        return
    there = {item.name for item in (reading.root / reading.videos).iterdir()}
    for sample in reading.samples:
        if sample.id not in there and not any(sample.id + suffix in there for suffix in _VIDEOS):
            problem = f"no reference video for the sample in {reading.videos!r}"
            yield Fault(file=TOML, field="videos", problem=problem, fix=f"add {sample.id}.mp4", sample=sample.id)
        if f"{sample.id}{_TRACKS}" in there:
            yield from _track_faults(reading.root, f"{reading.videos}/{sample.id}{_TRACKS}", sample)


def _track_faults(root: Path, path: str, sample: Sample) -> Iterator[Fault]:
    """Hold the stored tracks beside a reference video against their own boxes and areas; the first fault of each instance."""
    fix = "write the masks anew, as COCO run lengths down the columns"
    try:
        value = strict_json(disk.read_bytes(root / path))
        if not isinstance(value, dict):
            raise ValueError("it holds no JSON object")
        tracks = tracks_of(value, path)
    except (OSError, ValueError, RecursionError, RecordError, MediaError) as error:
        yield Fault(file=path, field="", problem=f"the tracks cannot be read ({error})", fix=fix, sample=sample.id)
        return
    for track in tracks.tracks:
        try:
            for _ in checked_masks(track, tracks, path):
                pass
        except MediaError as error:
            problem = str(error).removeprefix(f"{path}: ")
            yield Fault(file=path, field="", problem=problem, fix=fix, sample=sample.id)


def _fault(sample: Sample, path: str, file: str, fault: ImageError) -> Fault:
    field = "image" if path == sample.image else "mask"
    for index, item in enumerate(sample.instances):
        if item.mask == path:
            field = f"instances[{index}].mask"
    return Fault(file=path, field=f"{file} {field}", problem=fault.problem, fix=fault.fix, sample=sample.id)
