"""First frames and masks of a benchmark, read with suspicion: existence, hash, size before decoding, content.

Images are PNG or JPEG. Masks are PNG of two values, 0 on the background (`masks/pictures` says what is read); a mask that covers
the whole frame has one. Everything else is refused with the file's name and the fix.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from intergeneval.bench.benchmark import Benchmark
from intergeneval.bench.faults import Fault
from intergeneval.bench.names import path_fault
from intergeneval.bench.own_masks import OwnMasks, find, refusal
from intergeneval.errors import BenchError
from intergeneval.ids import sha256_bytes
from intergeneval.masks import Mask
from intergeneval.masks.pictures import MaskTrack, backgrounds, read_picture
from intergeneval.masks.pixels import PictureError
from intergeneval.records import Fit, Instance, Sample, disk

LARGEST_FILE = 64 << 20
"""Bytes of the largest image file that is opened."""
LARGEST_SIDE = 8192
"""Pixels of the longest side that is decoded."""

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG_SIZES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})


class ImageError(Exception):
    """What is wrong with one image file, and the fix; callers turn it into a BenchError or a Fault."""

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.fix = fix


def read_bytes(root: Path, path: str, hashes: Mapping[str, str]) -> bytes:
    """Return the bytes of a benchmark's file. Raises ImageError when it is unsafe, absent, too big, or not as hashed."""
    if fault := path_fault(path, root):
        raise ImageError(f"the path {fault}", "name a file inside the benchmark folder")
    place = root / path
    try:
        if not place.is_file():
            raise ImageError("the file does not exist", "add the file or correct the path")
        if (size := place.stat().st_size) > LARGEST_FILE:
            raise ImageError(f"the file has {size} bytes", f"keep images under {LARGEST_FILE} bytes")
        content = disk.read_bytes(place, LARGEST_FILE)
    except OSError as error:
        raise ImageError(f"the file cannot be read ({error.strerror})", "make it readable") from None
    listed = hashes.get(path)
    if listed is not None and (found := sha256_bytes(content)) != listed:
        problem = f"the sha256 is {found[:12]}..., the sample lists {listed[:12]}..."
        raise ImageError(problem, "restore the file, or list its new hash and raise the version")
    return content


def image_size(content: bytes) -> tuple[int, int]:
    """Return (height, width) from the header of a PNG or JPEG, without decoding it. Raises ImageError."""
    size = None
    if content.startswith(_PNG) and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        size = (height, width)
    elif content.startswith(b"\xff\xd8"):
        size = _jpeg_size(content)
    if size is None:
        raise ImageError("the file is neither PNG nor JPEG", "save it as PNG")
    if not 0 < min(size) <= max(size) <= LARGEST_SIDE:
        raise ImageError(f"the image is {size[1]}x{size[0]} pixels", f"keep both sides between 1 and {LARGEST_SIDE}")
    return size


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Walk the segments of a JPEG up to the frame header, which holds the size."""
    place = 2
    while place + 9 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        if marker in _JPEG_SIZES:
            height, width = struct.unpack(">HH", content[place + 5 : place + 9])
            return height, width
        place += 2 + int(struct.unpack(">H", content[place + 2 : place + 4])[0])
    return None


def decode_image(content: bytes) -> npt.NDArray[np.uint8]:
    """Decode a first frame to RGB uint8 (H, W, 3). Raises ImageError."""
    import cv2

    image_size(content)
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise ImageError("the image does not decode", "save it again as PNG")
    return np.ascontiguousarray(image[:, :, ::-1], dtype=np.uint8)


def decode_mask_picture(content: bytes) -> MaskTrack:
    """Decode a mask, as a track of one picture. Raises ImageError when it is no PNG, damaged, not two-valued or empty."""
    if not content.startswith(_PNG):
        raise ImageError("the mask is not a PNG", "save masks as PNG: other formats blur their edges")
    image_size(content)
    try:
        return read_picture(content, soft=False)
    except PictureError as error:
        raise ImageError(error.problem, error.fix) from None


def load_mask(
    benchmark: Benchmark,
    sample: Sample,
    instance: Instance | str,
    size: tuple[int, int] | None = None,
    *,
    model: str = "",
    seed: int | None = None,
) -> Mask:
    """Return an instance's first-frame mask, bool (H, W), at the sample's size or brought to `size` (height, width).

    With a `model` (its name in tables) it is that model's own where it has masks of the sample, for the `seed` or for every seed.
    Raises BenchError when there is no mask, or the file is missing, changed, damaged, empty, not two-valued, or of another size.
    """
    item = sample.instance(instance) if isinstance(instance, str) else instance
    own = find(benchmark, sample, model, seed) if model else None
    if own is None:
        mask = _benchmark_mask(benchmark, sample, item).mask(0)
    else:
        mask = load_own_masks(benchmark, sample, own, model)[item.id]
    return mask if size is None or mask.shape == size else fitted(mask, size)


def load_masks(benchmark: Benchmark, sample: Sample) -> dict[str, Mask]:
    """Return instance id -> mask, bool (H, W), that the benchmark gives of a sample.

    Raises BenchError as `load_mask`, and for a mask that seems to mark what is around its instance, which only all of them
    together can tell.
    """
    found: dict[str, Mask] = {}
    for fault in sample_mask_faults(benchmark, sample, found):
        raise fault
    return found


def sample_mask_faults(benchmark: Benchmark, sample: Sample, found: dict[str, Mask]) -> Iterator[BenchError]:
    """Read the benchmark's masks of a sample into `found` and give what is wrong with them, an error a mask."""
    around = []
    for item in sample.instances:
        if item.mask is None:
            continue
        try:
            picture = _benchmark_mask(benchmark, sample, item)
        except BenchError as fault:
            yield fault
        else:
            found[item.id] = picture.mask(0)
            around += [item.id] * picture.around
    for name, problem, fix in backgrounds(found, around):
        yield BenchError(_message(benchmark, sample, str(sample.instance(name).mask), ImageError(problem, fix)))


def _benchmark_mask(benchmark: Benchmark, sample: Sample, item: Instance) -> MaskTrack:
    if item.mask is None:
        raise BenchError(f"benchmark {benchmark.name!r}, sample {sample.id!r}: instance {item.id!r} has no mask; add one")
    try:
        mask = decode_mask_picture(read_bytes(benchmark.root, item.mask, sample.hashes))
    except ImageError as fault:
        raise BenchError(_message(benchmark, sample, item.mask, fault)) from None
    if sample.size is not None and mask.size != sample.size:
        wrong = ImageError(
            f"the mask is {mask.size[1]}x{mask.size[0]}, the sample {sample.size[1]}x{sample.size[0]}",
            "draw it at the size of the first frame",
        )
        raise BenchError(_message(benchmark, sample, item.mask, wrong))
    return mask


def masks_for(
    benchmark: Benchmark,
    sample: Sample,
    size: tuple[int, int],
    fit: Fit = Fit.EXACT,
    *,
    model: str = "",
    seed: int | None = None,
) -> dict[str, Mask]:
    """Return instance id -> mask, bool (H, W), at the size (height, width) of a video, for every instance that has one.

    With a `model` (its name in tables) they are that model's own where it has masks of the sample, for the `seed` or for every
    seed. Videos are brought to the benchmark's size, so masks usually stay as they are. Where a sample states no size and the
    video has another one, masks are scaled and centre-cropped as a frame would be; but a model's own, drawn on its video, are
    refused. Raises BenchError as `load_mask`, for such a set, and when `fit` says the video was left as it is but the masks have
    another size.
    """
    own = find(benchmark, sample, model, seed) if model else None
    found = load_masks(benchmark, sample) if own is None else load_own_masks(benchmark, sample, own, model)
    for name, mask in found.items():
        stays = (fit is Fit.EXACT and sample.size is not None) or (own is not None and sample.size is None)
        if mask.shape != size and stays:
            raise BenchError(
                f"benchmark {benchmark.name!r}, sample {sample.id!r}: mask of {name!r} is {mask.shape[1]}x{mask.shape[0]}, "
                f"the video is judged at {size[1]}x{size[0]}"
            )
    return {name: mask if mask.shape == size else fitted(mask, size, fit) for name, mask in found.items()}


def load_own_masks(benchmark: Benchmark, sample: Sample, own: OwnMasks, model: str) -> dict[str, Mask]:
    """Return instance id -> mask, bool (H, W), of a model's own set: at the sample's size where that is known, else all alike.

    Raises BenchError naming every file that cannot be used.
    """
    found: dict[str, Mask] = {}
    faults = list(own_mask_faults(benchmark.root, own, sample.size, found))
    if faults:
        raise refusal(benchmark, model, faults)
    return found


def own_mask_faults(root: Path, own: OwnMasks, size: tuple[int, int] | None, found: dict[str, Mask]) -> Iterator[Fault]:
    """Read a set of a model's own masks into `found` and give its faults; `size` (height, width) is the first mask's if None."""
    expected = "the sample" if size is not None else "the first mask of the set"
    around = []
    for name, path in own.paths.items():
        try:
            content = read_bytes(root, path, {})
            if own.hashes and sha256_bytes(content) != own.hashes[path]:
                raise ImageError("the file changed since the run was planned", "restore it, or run again with another --out")
            picture = decode_mask_picture(content)
            size = size or picture.size
            if picture.size != size:
                problem = f"the mask is {picture.size[1]}x{picture.size[0]}, {expected} {size[1]}x{size[0]}"
                raise ImageError(problem, "draw it at the size that the video is judged at")
        except ImageError as fault:
            yield Fault(file=path, field="", problem=fault.problem, fix=fault.fix, sample=own.sample_id)
        else:
            found[name] = picture.mask(0)
            around += [name] * picture.around
    for name, problem, fix in backgrounds(found, around):
        yield Fault(file=own.paths[name], field="", problem=problem, fix=fix, sample=own.sample_id)


def with_hashes(benchmark: Benchmark, own: OwnMasks, model: str) -> OwnMasks:
    """Return a set of a model's own masks with the sha256 of each file. Raises BenchError for a file that cannot be read."""
    hashes = {}
    for path in own.paths.values():
        try:
            hashes[path] = sha256_bytes(read_bytes(benchmark.root, path, {}))
        except ImageError as fault:
            wrong = Fault(file=path, field="", problem=fault.problem, fix=fault.fix, sample=own.sample_id)
            raise refusal(benchmark, model, [wrong]) from None
    return replace(own, hashes=hashes)


def load_first_frame(benchmark: Benchmark, sample: Sample) -> npt.NDArray[np.uint8] | None:
    """Return a sample's first frame, RGB uint8 (H, W, 3); None where the benchmark names none. Raises BenchError."""
    if sample.image is None:
        return None
    try:
        return decode_image(read_bytes(benchmark.root, sample.image, sample.hashes))
    except ImageError as fault:
        raise BenchError(_message(benchmark, sample, sample.image, fault)) from None


def fitted(mask: Mask, size: tuple[int, int], fit: Fit = Fit.SCALE) -> Mask:
    """Bring a mask to `size` (height, width), nearest neighbour; with Fit.CROP its middle is cut out first, as of a frame."""
    import cv2

    height, width = mask.shape
    if fit is Fit.CROP:
        ratio = (width / height) / (size[1] / size[0])
        kept_height, kept_width = (height, round(width / ratio)) if ratio > 1 else (round(height * ratio), width)
        top, left = (height - kept_height) // 2, (width - kept_width) // 2
        mask = mask[top : top + kept_height, left : left + kept_width]
    return np.asarray(cv2.resize(mask.astype(np.uint8), (size[1], size[0]), interpolation=cv2.INTER_NEAREST) > 0)


def _message(benchmark: Benchmark, sample: Sample, path: str, fault: ImageError) -> str:
    return f"benchmark {benchmark.name!r}, sample {sample.id!r}, {path}: {fault.problem}; {fault.fix}"
