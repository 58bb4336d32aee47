"""What a model's own masks were drawn on: the words of their instances and the look of the first frame.

Kept beside the half-done work in ``annotate/<model>.json``. Masks go by the names of model and sample, and two lists of prompts,
or two folders of videos, may well call theirs alike; so whoever uses masks that were drawn on the page asks first whether they
are of this video. Nothing is known of masks that came another way, nor of a file changed since: those are taken as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval.bench.benchmark import Benchmark
from intergeneval.bench.own_masks import OwnMasks, model_folder
from intergeneval.errors import BenchError, RecordError
from intergeneval.ids import sha256_file
from intergeneval.records import Record, Sample, disk

WORK = "annotate"
"""Folder of a benchmark in which half-done work is kept, a file a model."""
EDITS = "edits"
"""Name in that folder, less its ending, of what a person wrote of instances and interactions."""
BENCHMARK = "benchmark"
"""Name in that folder, less its ending, of work on the benchmark's own first frames."""
_SIDE = 16
_MEAN, _MOST = 4.0, 40.0
"""How far two looks of one frame lie apart at most, in grey levels: on average, and in one field. Another encoding of a frame
moves a field, which is a mean over many pixels, by about one."""

Frame = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn(Record):
    """What one set of masks was drawn on."""

    video: str
    """The video, relative to the benchmark."""
    prompt: str
    """Its prompt."""
    words: Mapping[str, str]
    """Instance id -> class noun and appearance."""
    look: str
    """The first frame in 16 x 16 fields, RGB, as hex digits."""
    masks: Mapping[str, str]
    """Instance id -> sha256 of the mask's file."""

    def __post_init__(self) -> None:
        if len(bytes.fromhex(self.look)) != 3 * _SIDE * _SIDE:
            raise ValueError(f"look {self.look!r:.20} is not of {_SIDE} x {_SIDE} fields")


def words_of(sample: Sample) -> dict[str, str]:
    """Return instance id -> class noun and appearance, as `Drawn` holds them."""
    return {one.id: one.class_ if one.appearance == one.class_ else f"{one.class_}, {one.appearance}" for one in sample.instances}


def look_of(frame: Frame) -> str:
    """Return a frame, RGB uint8 (H, W, 3), in 16 x 16 fields as hex digits."""
    return np.asarray(cv2.resize(frame, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), dtype=np.uint8).tobytes().hex()


def work_file(root: Path, model: str) -> Path:
    """Return the file of a model's half-done work; without a model, of work on the benchmark's own first frames."""
    name = model_folder(model) if model else BENCHMARK
    if model and name in (EDITS, BENCHMARK):
        # Those two names are taken; no folder of a model is written so.
        name = f"%{ord(name[0]):02X}{name[1:]}"
    return root / WORK / f"{name}.json"


def read_drawn(root: Path, model: str) -> dict[str, Drawn]:
    """Return what a model's sets were drawn on, by ``sample/seed``; empty where nobody drew.

    Raises BenchError for a damaged file.
    """
    place = work_file(root, model)
    if not place.is_file():
        return {}
    try:
        return drawn_of(disk.read_json(place), str(place))
    except (OSError, RecordError) as error:
        raise BenchError(
            f"{place}: cannot be read ({error}); move it away, and masks are taken whatever they were drawn on"
        ) from None


def drawn_of(value: Any, where: str) -> dict[str, Drawn]:
    """Return the part of a file of work that says what was drawn on. Raises RecordError; a file of before says nothing."""
    listed = value.get("drawn", {}) if isinstance(value, dict) else None
    if not isinstance(listed, dict):
        raise RecordError(f"{where}: 'drawn' is no object")
    return {key: Drawn.from_json(item, where=f"{where}: drawn[{key!r}]") for key, item in listed.items()}


def misfit(drawn: Drawn, sample: Sample, frame: Frame | None) -> str:
    """Return why masks that were drawn so are not of a sample and its video's first frame; empty where they are.

    A frame of None is not looked at.
    """
    words = words_of(sample)
    other = [name for name, text in words.items() if drawn.words.get(name) != text]
    if other:
        was = drawn.words.get(other[0], "nobody")
        return f"{other[0]} is {words[other[0]]!r} now, and was {was!r} when they were drawn, for the prompt {drawn.prompt!r:.80}"
    if frame is None:
        return ""
    one, two = (np.frombuffer(bytes.fromhex(look), np.uint8).astype(np.float64) for look in (drawn.look, look_of(frame)))
    apart = np.abs(one - two)
    if apart.mean() <= _MEAN and apart.max() <= _MOST:
        return ""
    return f"they were drawn on another first frame, of {drawn.video}"


def misfits(
    benchmark: Benchmark, model: str, sets: Sequence[OwnMasks], videos: Iterable[tuple[Sample, int]],
    frame_of: Callable[[Sample, int], Frame | None],
) -> dict[tuple[str, int], str]:  # fmt: skip
    """Return (sample, seed) -> why the model's own masks of that video are not of it, for masks that were drawn on the page.

    `frame_of` gives a video's first frame as it is judged; None where there is none yet. Raises BenchError for a damaged file.
    """
    known = read_drawn(benchmark.root, model)
    by_video = {(item.sample_id, item.seed): item for item in sets}
    found = {}
    for sample, seed in videos if known else ():
        own = by_video.get((sample.id, seed), by_video.get((sample.id, None)))
        drawn = None if own is None else known.get(own.name)
        if own is None or drawn is None or not _unchanged(benchmark.root, own, drawn):
            continue
        if why := misfit(drawn, sample, None) or misfit(drawn, sample, frame_of(sample, seed)):
            found[sample.id, seed] = why
    return found


def _unchanged(root: Path, own: OwnMasks, drawn: Drawn) -> bool:
    """Whether the masks are still those that were drawn: what a person put in their place is nobody's business."""
    try:
        return all(sha256_file(root / path) == drawn.masks.get(name) for name, path in own.paths.items())
    except OSError:
        return False
