"""Reading a dataset of either layout, and naming every fault in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from intergeneval.errors import ConfigError, MediaError, RecordError
from intergeneval.records import BOX_COLOURS, Record
from intergeneval.videos import Reader
from matrix_train.data.clips import INDEX, ROLE_ORDER, Clip, inside, mask_tracks, read_own, unnamed
from matrix_train.data.release import read_release
from matrix_train.roles import Span, is_cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault(Record):
    """One thing that is wrong with one clip."""

    clip: str
    """The clip."""
    what: str
    """What is wrong, in one sentence."""
    fatal: bool = True
    """Whether the clip cannot be trained on; otherwise a role or an instance of it is left out."""


def read_dataset(root: Path) -> tuple[Clip, ...]:
    """Read a dataset of either layout. Raises ConfigError or RecordError."""
    if not root.parts:
        raise ConfigError("data.path is empty; give the folder of a dataset")
    if not root.is_dir():
        raise ConfigError(f"data.path: {root} is not a folder")
    clips = read_own(root) if (root / INDEX).is_file() else read_release(root)
    if not clips:
        raise ConfigError(f"{root}: the dataset has no clip")
    seen: set[str] = set()
    for clip in clips:
        if clip.id in seen:
            raise ConfigError(f"{root}: clip {clip.id!r} is listed twice")
        seen.add(clip.id)
    return clips


def check_dataset(root: Path, frames: int, offsets: Callable[[str], Sequence[Span]] | None = None) -> tuple[int, list[Fault]]:
    """Return the number of clips of a dataset and every fault in it; `offsets` gives the characters of a caption's text tokens.

    Without `offsets` it cannot be told which captions are too long for the text encoder. Raises ConfigError or RecordError for a
    dataset that cannot be read.
    """
    clips = read_dataset(root)
    faults = [fault for clip in clips for fault in check_clip(root, clip, frames)]
    if offsets is not None:
        faults += [
            Fault(clip=clip.id, what=what, fatal=False) for clip in clips for what in cut_notes(clip, offsets(clip.caption))
        ]
    return len(clips), faults


def cut_notes(clip: Clip, offsets: Sequence[Span]) -> list[str]:
    """Return one sentence for each role whose text the encoder does not read to its end; `offsets` are the tokens' characters."""
    return [
        f"interaction {index}: the caption is cut before the end of the text of {role}; shorten it"
        for index, item in enumerate(clip.interactions)
        for role in ROLE_ORDER
        if is_cut(offsets, item.spans(role))
    ]


def check_clip(root: Path, clip: Clip, frames: int) -> list[Fault]:
    """Return everything that is wrong with a clip that is to be trained with `frames` frames."""
    faults: list[tuple[str, bool]] = _check_text(clip)
    size, found = None, 0
    try:
        reader = Reader(inside(root, clip.video, "video"), keep=False)
        size, found = reader.size, sum(1 for _ in reader)
        if found < frames:
            faults.append((f"{clip.video} has {found} frames; data.frames asks for {frames}", True))
        if reader.times:
            faults.append(
                (f"{clip.video} is of a variable frame rate; training takes its frames as evenly spaced in time", False)
            )
    except (MediaError, ConfigError) as error:
        faults.append((str(error), True))
    faults += _check_masks(root, clip, size, found)
    return [Fault(clip=clip.id, what=what, fatal=fatal) for what, fatal in faults]


def _check_text(clip: Clip) -> list[tuple[str, bool]]:
    faults: list[tuple[str, bool]] = []
    known = {instance.id for instance in clip.instances}
    if not clip.interactions:
        faults.append(("has no roles: give it interactions with subject, verb and object", True))
    named: set[str] = set()
    for index, item in enumerate(clip.interactions):
        for role, name in (("sub", item.subject), ("obj", item.object)):
            if name is not None and name not in known:
                faults.append((f"interaction {index} names {name}, which is not among the instances", True))
            named.add(name or "")
            if name is not None and not item.spans(role):
                faults.append((f"interaction {index}: the caption has no text for {name} ({role})", False))
        if item.verb and not item.verb_spans:
            faults.append((f"interaction {index}: the caption has no text for the verb {item.verb!r}", False))
        spans = (*item.subject_spans, *item.verb_spans, *item.object_spans)
        if any(not 0 <= first < last <= len(clip.caption) for first, last in spans):
            faults.append((f"interaction {index}: a span lies outside the caption of {len(clip.caption)} characters", True))
    if len(clip.instances) > len(BOX_COLOURS):
        shown = f"{len(clip.instances)} instances, the id map has {len(BOX_COLOURS)} colours"
        faults.append((f"has {shown}; condition.id_map = 'palette' cannot be used", False))
    faults += [(f"instance {name} takes part in no interaction", False) for name in sorted(known - named)]
    return faults


def _check_masks(root: Path, clip: Clip, size: tuple[int, int] | None, frames: int) -> list[tuple[str, bool]]:
    try:
        tracks = mask_tracks(root, clip)
        strangers = unnamed(root, clip)
    except (MediaError, ConfigError, RecordError) as error:
        return [(str(error), True)]
    faults: list[tuple[str, bool]] = [
        (f"{name} has masks and no text: neither the prompt nor the instances name it", False) for name in strangers
    ]
    for instance in clip.instances:
        track = tracks.get(instance.id)
        if track is None:
            faults.append((f"instance {instance.id} has no masks", True))
            continue
        if size is not None and track.shape[1:] != size:
            shown = f"{track.shape[2]}x{track.shape[1]}, the video {size[1]}x{size[0]}"
            faults.append((f"masks of {instance.id} are {shown}", True))
        if frames and len(track) != frames:
            faults.append((f"{instance.id} has {len(track)} masks, the video {frames} frames", True))
        if not track.any():
            faults.append((f"{instance.id} has no pixel in any of its masks, so nothing is aligned with it", False))
        elif not track[0].any():
            faults.append((f"the first mask of {instance.id} is empty, so it cannot be propagated or coloured", False))
    return faults
