"""What a model's own masks were drawn on: the words of their instances, the video, and the look of its first frame.

Kept beside the half-done work in ``annotate/<model>.json``. Masks go by the names of model and sample, and two lists of prompts,
or two folders of videos, may well call theirs alike; so whoever uses masks that were drawn on the page asks first whether they
are of this video. Nothing is known of masks that came another way, nor of a file changed since: those are taken as they are.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from intergeneval.bench.alike import DOUBTED, OTHER, SIDE, CloseUp, Frame, apart, blank, differs, fields_of, look_of
from intergeneval.bench.benchmark import Benchmark
from intergeneval.bench.own_masks import OwnMasks, model_folder
from intergeneval.errors import BenchError, RecordError
from intergeneval.ids import sha256_file
from intergeneval.records import LATER, Record, Sample, disk

WORK = "annotate"
"""Folder of a benchmark in which half-done work is kept, a file a model."""
EDITS = "edits"
"""Name in that folder, less its ending, of what a person wrote of instances and interactions."""
BENCHMARK = "benchmark"
"""Name in that folder, less its ending, of work on the benchmark's own first frames."""
_MEAN, _MOST, _MOVED = 4.0, 40.0, 5.0
"""How far two looks of one frame lie apart at most, in grey levels: on average, in one field, and in one field where there are no
close-ups. Another encoding of a frame moves a field, which is a mean over many pixels, by about one."""


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
    sha256: str = field(default="", metadata=LATER)
    """Sha256 of the video; empty in work of before it was kept."""
    close_ups: tuple[CloseUp, ...] = field(default=(), metadata=LATER)
    """The surroundings of every mask; none in work of before they were kept."""
    size: tuple[int, ...] = field(default=(), metadata=LATER)
    """Height and width of the first frame, as it is judged; empty in work of before they were kept."""

    def __post_init__(self) -> None:
        if len(fields_of(self.look)) != SIDE:
            raise ValueError(f"look {self.look!r:.20} is not of {SIDE} x {SIDE} fields")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Whether masks that were drawn are of a sample and its video."""

    fault: str = ""
    """Why they are not; empty where they are, or may be."""
    doubts: tuple[tuple[str, str], ...] = ()
    """Instance id and why its mask may be of another first frame."""


def words_of(sample: Sample) -> dict[str, str]:
    """Return instance id -> class noun and appearance, as `Drawn` holds them."""
    return {one.id: one.class_ if one.appearance == one.class_ else f"{one.class_}, {one.appearance}" for one in sample.instances}


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


def misfit(drawn: Drawn, sample: Sample) -> str:
    """Return why masks that were drawn so are for other words than a sample's; empty where they are not."""
    words = words_of(sample)
    other = [name for name, text in words.items() if drawn.words.get(name) != text]
    if not other:
        return ""
    was = drawn.words.get(other[0], "nobody")
    return f"{other[0]} is {words[other[0]]!r} now, and was {was!r} when they were drawn, for the prompt {drawn.prompt!r:.80}"


def fit(drawn: Drawn, sample: Sample, root: Path, video: Path | None, frame_of: Callable[[], Frame | None]) -> Fit:
    """Return whether masks that were drawn so are of a sample and of the video that is there; without one, of the sample alone.

    The very file that was drawn on is not looked at. A frame of None says nothing.
    """
    sized = drawn.size if sample.size is None else tuple(sample.size)
    if why := misfit(drawn, sample) or _other_size(drawn, sized):
        return Fit(fault=why)
    if video is None or (drawn.sha256 and hash_of(video) == drawn.sha256):
        return Fit()
    frame = frame_of()
    if frame is None:
        return Fit()
    if why := _other_size(drawn, frame.shape[:2]):
        return Fit(fault=why)
    was = root / drawn.video
    whose = os.path.relpath(was) if os.path.realpath(was) != os.path.realpath(video) else f"what {os.path.relpath(was)} was then"
    return _fit_to(frame, drawn, sample, whose)


def _fit_to(frame: Frame, drawn: Drawn, sample: Sample, whose: str) -> Fit:
    """Return whether what was drawn on another file, of `whose` video, is of this first frame too."""
    other = Fit(fault=f"they were drawn on another first frame, of {whose}")
    now = look_of(frame)
    off = np.abs(fields_of(drawn.look) - fields_of(now))
    whole = apart(drawn.look, now)
    if off.mean() > _MEAN or off.max() > _MOST or whole > OTHER:
        return other
    seen = {item.instance_id: differs(item, frame) for item in drawn.close_ups}
    if any(far > OTHER for far, _ in seen.values()):
        return other
    doubts = []
    for one in sample.instances:
        far, nothing = seen.get(one.id, (whole, blank(drawn.look, now)))
        if nothing:
            doubts.append((one.id, f"it was drawn on another file ({whose}), and there is too little to see to compare the two"))
        elif far > DOUBTED or (one.id not in seen and off.max() > _MOVED):
            doubts.append((one.id, f"it was drawn on another file ({whose}), whose first frame may be another"))
    return Fit(doubts=tuple(doubts))


def _other_size(drawn: Drawn, now: Sequence[int]) -> str:
    """Return why masks are of a first frame of another size; empty where they are not, or nobody wrote down of which."""
    was = drawn.size
    if not was or tuple(now) == was:
        return ""
    return f"they were drawn on a first frame of {was[1]}x{was[0]} pixels, and this one has {now[1]}x{now[0]}"


def hash_of(path: Path) -> str:
    """Return the sha256 of a file; empty where it cannot be read."""
    try:
        return sha256_file(path)
    except OSError:
        return ""


def fits(
    benchmark: Benchmark, model: str, sets: Sequence[OwnMasks], videos: Iterable[tuple[Sample, int]],
    video_of: Callable[[Sample, int], Path | None], frame_of: Callable[[Sample, int], Frame | None],
) -> dict[tuple[str, int], Fit]:  # fmt: skip
    """Return (sample, seed) -> whether the model's own masks are of that video, for masks that were drawn on the page.

    `video_of` gives a video and `frame_of` its first frame as it is judged; None where there is none yet. Raises BenchError for a
    damaged file.
    """
    known = read_drawn(benchmark.root, model)
    by_video = {(item.sample_id, item.seed): item for item in sets}
    found = {}
    for sample, seed in videos if known else ():
        own = by_video.get((sample.id, seed), by_video.get((sample.id, None)))
        drawn = None if own is None else known.get(own.name)
        if own is None or drawn is None:
            continue
        done = fit(drawn, sample, benchmark.root, video_of(sample, seed), functools.partial(frame_of, sample, seed))
        if _unchanged(benchmark.root, own, drawn):
            found[sample.id, seed] = done
        elif done.fault and not misfit(drawn, sample):
            # Somebody has put other masks there since, and may have meant this video.
            why = f"its mask was changed by hand, and before that {done.fault.removeprefix('they were ')}"
            found[sample.id, seed] = Fit(doubts=tuple((name, why) for name in own.paths))
    return found


def _unchanged(root: Path, own: OwnMasks, drawn: Drawn) -> bool:
    """Whether the masks are still those that were drawn."""
    return all(hash_of(root / path) == drawn.masks.get(name) for name, path in own.paths.items())
