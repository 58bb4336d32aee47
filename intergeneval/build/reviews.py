"""A person's decisions: read strictly from a review file, and turned into what takes effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from intergeneval.build.act_reviews import ActReading
from intergeneval.build.config import BuildConfig
from intergeneval.build.folder import BuildFolder
from intergeneval.build.records import Cut, Decision, Painting, Placing, Scene
from intergeneval.build.shared_pictures import for_the_others, to_be_painted_again
from intergeneval.build.source import Item
from intergeneval.build.standing import standing
from intergeneval.errors import RecordError, UsageError
from intergeneval.ids import sha256_bytes, sha256_json, short, strict_json
from intergeneval.records import Box, Record
from intergeneval.records.disk import read_bytes

CHOICES = ("keep", "fix", "drop")
_LARGEST = 64 << 20
_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark(Record):
    """One decision as a review file states it."""

    sample_id: str
    """The sample."""
    decision: str
    """``keep``, ``fix`` or ``drop``."""
    instance_id: str | None = None
    """The instance; null: the sample as a whole, or an interaction."""
    interaction: int | None = None
    """Index of the interaction, as the page numbers them; null: it is not about an interaction."""
    fields: Mapping[str, Any] | None = None
    """For ``fix`` of an interaction: the fields that it is to have instead, by name; null empties one."""
    candidate: int | None = None
    """For ``fix``: number of the proposal to take instead, as the page shows it."""
    box: Box | None = None
    """For ``fix``: box to take instead, in pixels of the anchor frame."""
    note: str = ""
    """What the person remarked."""
    seen: str = ""
    """State of the sample that the person saw; empty: whatever it is now."""

    def __post_init__(self) -> None:
        if self.decision not in CHOICES:
            raise ValueError(f"decision {self.decision!r} is none of {', '.join(CHOICES)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFile(Record):
    """``review.json``."""

    build: str
    """Id of the build it is about."""
    decisions: tuple[Remark, ...]
    """The decisions."""


def state_of(folder: BuildFolder, sample_id: str) -> str:
    """Return a short hash of what the steps hold of a sample: a page shows one state, and decides about that one only."""
    lines = (folder.latest(Scene, sample_id), folder.latest(Placing, sample_id), folder.latest(Cut, sample_id))
    return short(sha256_json([line.input if line is not None else "" for line in lines]), 12)


def apply_review(folder: BuildFolder, path: Path, items: Sequence[Item], config: BuildConfig) -> int:
    """Write down the decisions of a review file; return how many. One that was written down before is left as it is (0).

    Raises UsageError naming every decision that cannot be carried out; nothing is written then.
    """
    content = _content(path)
    digest = sha256_bytes(content)
    if folder.knows_review(digest):
        return 0
    review = _parsed(content, path)
    if review.build != folder.id:
        raise UsageError(f"{path}: is a review of build {review.build!r}, and {folder.out} holds build {folder.id!r}")
    faults: list[str] = []
    found: list[Decision] = []
    by_id = {item.id: item for item in items}
    reading = ActReading(folder=folder, items=by_id, config=config)
    again = {item.sample_id for item in review.decisions if _is_whole(item) and item.decision == "fix"}
    other_pictures = to_be_painted_again(again, items)
    for index, remark in enumerate(review.decisions):
        made = _decision(reading, remark, digest)
        if why := _too_early(remark, again, other_pictures, by_id):
            made = why
        if isinstance(made, str):
            faults.append(f"  decisions[{index}] ({_about(remark)}): {made}")
        else:
            found.append(made)
    if not faults:
        # What the fields say of one another is looked at when all that is said of a sample is known.
        faults += [f"  decisions[{index}] ({_about(review.decisions[index])}): {said}" for index, said in reading.together(found)]
    if faults:
        more = [f"  and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        raise UsageError(f"{path}: nothing was applied, because\n" + "\n".join([*faults[:_SHOWN], *more]))
    folder.decide([*found, *for_the_others(found, by_id, folder)])
    return len(found)


def _too_early(remark: Remark, again: set[str], other_pictures: Mapping[str, str], items: Mapping[str, Item]) -> str:
    """Return why nothing can be said of something yet: its prompt is to be read, or its picture painted, again."""
    what = "interactions" if remark.instance_id is None else "instances"
    if remark.sample_id in other_pictures and not (_is_whole(remark) and remark.decision == "drop"):
        source = other_pictures[remark.sample_id]
        return f"it starts from the picture of {source}, which is to be painted again; leave it open until that was done"
    if _is_whole(remark) or remark.sample_id not in again:
        return ""
    if remark.sample_id in items and items[remark.sample_id].painted:
        return f"its picture is to be painted again, so nothing can be said of its {what} yet"
    return f"its prompt is to be read again, so nothing can be said of its {what} yet"


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{path}: larger than {_LARGEST} bytes, not read")
        return read_bytes(path)
    except OSError as error:
        raise UsageError(f"{path}: the review cannot be read ({error.strerror})") from None


def _parsed(content: bytes, path: Path) -> ReviewFile:
    try:
        return ReviewFile.from_json(strict_json(content), where=str(path))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is no review, it is not JSON ({error})") from None
    except RecordError as error:
        raise UsageError(f"{error} (a review is what the page saves, or build/review.json filled in)") from None


def _is_whole(remark: Remark) -> bool:
    return remark.instance_id is None and remark.interaction is None


def _about(remark: Remark) -> str:
    more = f", {remark.instance_id}" if remark.instance_id else ""
    return remark.sample_id + more + (f", interaction {remark.interaction}" if remark.interaction is not None else "")


def _decision(reading: ActReading, remark: Remark, digest: str) -> Decision | str:
    """Return what a remark comes to, or why it cannot be carried out."""
    folder = reading.folder
    if remark.sample_id not in reading.items:
        return "the build has no such sample"
    if remark.seen and remark.seen != state_of(folder, remark.sample_id):
        return "the sample has changed since this page was written; look at the new page"
    blank = Decision(
        sample_id=remark.sample_id,
        instance_id=remark.instance_id,
        decision=remark.decision,
        note=" ".join(remark.note.split()),
        review=digest,
    )
    if remark.interaction is not None:
        if remark.instance_id is not None or remark.candidate is not None or remark.box is not None:
            return "instance_id, candidate and box say nothing of an interaction; write decisions of their own for instances"
        return reading.decision(blank, remark.interaction, remark.fields)
    if remark.fields is not None:
        return "fields belong to an interaction; write its index as interaction"
    return (
        _whole(folder, blank, reading.items[blank.sample_id]) if remark.instance_id is None else _instance(folder, blank, remark)
    )


def _whole(folder: BuildFolder, blank: Decision, item: Item) -> Decision | str:
    scene = folder.latest(Scene, blank.sample_id)
    if blank.decision != "fix":
        return blank
    if item.painted:
        # Another picture is wanted; an older remark on the prompt goes on to hold.
        shown = folder.latest(Painting, item.id)
        note = blank.note or standing(folder.decided(item.id)).note
        return replace(blank, note=note, seed=shown.seed if shown is not None else None)
    if scene is not None and scene.by == "given":
        return "its instances are your own; correct them in the list of prompts"
    return blank if blank.note else "a sample to fix needs a note: its prompt is read anew with it"


def _instance(folder: BuildFolder, blank: Decision, remark: Remark) -> Decision | str:
    scene, placing = folder.latest(Scene, remark.sample_id), folder.latest(Placing, remark.sample_id)
    if scene is None or remark.instance_id not in [item.id for item in scene.instances]:
        return "the sample has no such instance"
    if remark.decision != "fix":
        return blank
    if placing is None:
        return "its mask is your own; correct it in the list of prompts"
    return _fixed(blank, remark, placing)


def _fixed(blank: Decision, remark: Remark, placing: Placing) -> Decision | str:
    grounding = placing.grounding
    if remark.box is not None:
        x0, y0, x1, y1 = remark.box
        if not (0 <= x0 < x1 and 0 <= y0 < y1):
            return f"{list(remark.box)} is no box; write x0, y0, x1, y1 in pixels"
        return replace(blank, box=remark.box, frame=grounding.frame)
    if remark.candidate is not None:
        if not 0 <= remark.candidate < len(grounding.candidates):
            return f"there is no candidate {remark.candidate}; there are {len(grounding.candidates)}, counted from 0"
        return replace(blank, box=grounding.candidates[remark.candidate].box, frame=grounding.frame)
    place = grounding.place(remark.instance_id or "")
    if place is None or place.box is None:
        return "it has no box that could be wrong; give a candidate or a box"
    return replace(blank, frame=grounding.frame, rejected=place.box)
