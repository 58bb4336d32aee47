"""One row of a list of prompts: its fields, and what must hold inside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from intergeneval.bench.names import path_fault
from intergeneval.bench.structure import sample_faults
from intergeneval.ids import canonical_json
from intergeneval.records import BOX_COLOURS, Box, Instance, Interaction, Record, Sample
from intergeneval.records.codec import LATER


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenInstance(Record):
    """An instance that the user writes down."""

    id: str
    """Its id, such as ``id1``."""
    class_: str
    """Class noun; JSON field ``class``."""
    appearance: str = ""
    """Noun phrase that tells it from others of its class; empty: the class says it all."""
    box: Box | None = None
    """Its box in the picture, or in the anchor frame, in pixels; None: it is to be found."""
    mask: str | None = None
    """Mask image of the picture, or of the anchor frame, relative to the list; None: it is to be cut out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Record):
    """One row of the list."""

    prompt: str
    """Text that a video model is given."""
    id: str = ""
    """Id of the sample; empty: the file's name."""
    image: str | None = None
    """Picture, relative to the list."""
    video: str | None = None
    """Video, relative to the list."""
    anchor: int | None = None
    """Frame of the video in which the instances are to be found; None: it is chosen."""
    scene: str | None = None
    """Name shared by prompts of one scene."""
    tags: tuple[str, ...] = ()
    """Free labels for slicing."""
    instances: tuple[GivenInstance, ...] | None = None
    """The instances; None: a model is asked."""
    interactions: tuple[Interaction, ...] | None = None
    """The interactions; None: a model is asked."""
    image_prompt: str = field(default="", metadata=LATER)
    """Text that the first frame can be drawn from; empty: none was written."""
    image_seed: int | None = field(default=None, metadata=LATER)
    """Seed of the first frame that is painted from it; None: the build's."""

    def scene_instances(self) -> tuple[Instance, ...]:
        """Return the instances with their box colours, in order; at most as many as there are colours."""
        given = (self.instances or ())[: len(BOX_COLOURS)]
        return tuple(
            Instance(id=item.id, class_=item.class_, appearance=item.appearance or item.class_, colour=BOX_COLOURS[index])
            for index, item in enumerate(given)
        )


def needs_boxes(row: Row, instances: Sequence[Instance]) -> bool:
    """Whether any of the scene's instances needs a box: not where the list brings a mask for each."""
    given = {item.id for item in row.instances or () if item.mask is not None}
    return any(item.id not in given for item in instances)


def row_faults(row: Row, root: Path, *, is_video: bool, text_only: bool) -> Iterator[tuple[str, str, str]]:
    """Yield (field, problem, fix) for everything wrong inside a row; `root` is the folder of the list."""
    if not row.prompt.strip():
        yield "prompt", "the prompt is empty", "write the text that a video model is given"
    if any("\ud800" <= char <= "\udfff" for char in canonical_json(row.to_json())):
        yield "", "the row holds half of a character (a lone surrogate)", "write its texts again as UTF-8"
        return
    if row.anchor is not None and (row.anchor < 0 or not is_video):
        yield "anchor", f"{row.anchor} is no frame of a video", "leave it out, or give the frame's number in the video"
    if row.image_seed is not None and row.image_seed < 0:
        yield "image_seed", f"{row.image_seed} is below 0", "write a whole number from 0, or leave it out"
    if (row.instances is None) != (row.interactions is None):
        yield "instances", "instances and interactions come together", "give both, or neither and let a model read the prompt"
        return
    if row.instances is None or row.interactions is None:
        return
    if not row.interactions:
        yield "interactions", "there is no interaction", "write subject, verb and object, or leave the prompt out"
    if len(row.instances) > len(BOX_COLOURS):
        yield "instances", f"there are {len(row.instances)}, and {len(BOX_COLOURS)} box colours", "leave some out"
    # An id that no twin has: what the row is called is known where its file is.
    name = "row" + "_" * max((len(act.twin_of or "") for act in row.interactions), default=0)
    sample = Sample(id=name, prompt="row", instances=row.scene_instances(), interactions=row.interactions)
    yield from ((fault.field, fault.problem, fault.fix) for fault in sample_faults(sample, root, ""))
    for index, item in enumerate(row.instances):
        for part, problem, fix in _instance_faults(item, root, text_only=text_only):
            yield f"instances[{index}]{part}", problem, fix


def _instance_faults(item: GivenInstance, root: Path, *, text_only: bool) -> Iterator[tuple[str, str, str]]:
    if text_only and (item.box is not None or item.mask is not None):
        yield "", "a text-only build knows no boxes and masks", "leave them out"
    if item.box is not None and not (0 <= item.box[0] < item.box[2] and 0 <= item.box[1] < item.box[3]):
        yield ".box", f"{list(item.box)} is no box", "write x0, y0, x1, y1 in pixels, x1 and y1 beyond the last pixel"
    if item.mask is not None:
        if problem := path_fault(item.mask, root):
            yield ".mask", f"the path {problem}", "name a file in the folder of the list"
        elif not (root / item.mask).is_file():
            yield ".mask", f"there is no file {item.mask!r}", "add it or correct the path"
