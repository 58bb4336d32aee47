"""Naming every fault in a dataset of either layout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from intergeneval.errors import ConfigError, MediaError, RecordError
from intergeneval.records import BOX_COLOURS, Record
from intergeneval.videos import Reader
from matrix_train.data.clips import (
    INDEX,
    ROLE_ORDER,
    Clip,
    inside,
    mask_tracks,
    stated_rate,
    stored_tracks,
    unboxed,
    unnamed,
)
from matrix_train.data.reading import read_dataset
from matrix_train.data.release import guessed_clips
from matrix_train.data.windows import ClipTime, Picks, Timing, by_time, is_resampled, of_masks, too_short, windows_of
from matrix_train.roles import Span, is_cut
from matrix_train.targets import Masks

KINDS: Mapping[str, str] = {
    "video": "the video cannot be read",
    "short": "too few frames, or too short",
    "roles": "no roles",
    "instance": "an interaction names somebody who is not among the instances",
    "span": "a span lies outside the caption",
    "masks": "masks cannot be read, or contradict the boxes beside them",
    "no-masks": "an instance has no masks",
    "mask-size": "masks of another size than the video",
    "mask-count": "another number of masks than of frames",
    "guessed": "roles guessed from the order of two ids, without a verb",
    "resampled": "of another rate, brought to the one that is trained at",
    "varies": "of a variable frame rate",
    "no-rate": "no frame rate is told; frames are taken one by one",
    "mask-time": "masks taken by time, since there are others in number than frames",
    "unboxed": "run lengths without boxes or areas beside them, so that nothing tells in which order they were counted",
    "empty": "an instance has no pixel in any mask",
    "empty-first": "an instance has an empty first mask",
    "no-text": "the caption has no text for an instance of a role",
    "no-verb": "the caption has no text for a verb",
    "cut": "the caption is cut before the end of a role's text",
    "idle": "an instance takes part in no interaction",
    "stranger": "masks that no text names",
    "colours": "more instances than the id map has colours",
}
"""Kind of a fault -> what it is called where faults are counted, in the order in which they are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault(Record):
    """One thing that is wrong with one clip."""

    clip: str
    """The clip."""
    what: str
    """What is wrong, in one sentence."""
    fatal: bool = True
    """Whether the clip cannot be trained on; otherwise a role or an instance of it is left out, or it is only to be known."""
    kind: str
    """Under what it is counted: a name in `KINDS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What is known of a clip once it was looked at."""

    faults: tuple[Fault, ...] = ()
    """What is wrong with it."""
    time: ClipTime | None = None
    """Its frames in time; None where they cannot be read."""
    windows: tuple[Picks, ...] = ()
    """The windows that are trained on; none where it is too short."""
    resampled: bool = False
    """Whether it has another rate than the one at which it is seen."""
    tracks: Mapping[str, Masks] = field(default_factory=dict)
    """Masks of each instance that has some; empty where they were not asked for or cannot be read."""
    masks_rate: float | None = None
    """Frames per second that stored tracks state."""

    def mask_picks(self, instance: str, window: int) -> Picks:
        """Return the masks of an instance that belong to the frames of a window."""
        assert self.time is not None
        found = of_masks(self.windows[window], self.time, len(self.tracks[instance]), self.masks_rate)
        assert found is not None
        return found


_Said = tuple[str, str, bool]
"""Kind, what, and whether it is fatal."""


def check_dataset(
    root: Path, frames: int, offsets: Callable[[str], Sequence[Span]] | None = None, timing: Timing | None = None
) -> tuple[int, list[Fault]]:
    """Return the number of clips of a dataset and every fault in it; `offsets` gives the characters of a caption's text tokens.

    Without `offsets` it cannot be told which captions are too long for the text encoder, and without `timing` the first `frames`
    frames are taken one by one. Raises ConfigError or RecordError for a dataset that cannot be read.
    """
    clips = read_dataset(root)
    guessed = set() if (root / INDEX).is_file() else guessed_clips(root)
    faults = [fault for clip in clips for fault in examine(root, clip, timing or Timing(frames=frames)).faults]
    text = "its prompt says nothing of roles, so the first of its two ids is taken to act on the second"
    faults += [Fault(clip=clip.id, what=text, fatal=False, kind="guessed") for clip in clips if clip.id in guessed]
    if offsets is not None:
        faults += [
            Fault(clip=clip.id, what=what, fatal=False, kind="cut")
            for clip in clips
            for what in cut_notes(clip, offsets(clip.caption))
        ]
    return len(clips), faults


def summary(faults: Sequence[Fault], clips: int) -> list[str]:
    """Return one line for each kind of fault: in how many clips, and the first in full; what is fatal comes first."""
    lines = []
    for fatal in (True, False):
        for kind in KINDS:
            own = [fault for fault in faults if fault.kind == kind and fault.fatal == fatal]
            if own:
                count = len(Counter(fault.clip for fault in own))
                head = "" if fatal else "note: "
                lines.append(f"{head}{count} of {clips} clips: {KINDS[kind]} ({own[0].clip}: {own[0].what})")
    return lines


def cut_notes(clip: Clip, offsets: Sequence[Span]) -> list[str]:
    """Return one sentence for each role whose text the encoder does not read to its end; `offsets` are the tokens' characters."""
    return [
        f"interaction {index}: the caption is cut before the end of the text of {role}; shorten it"
        for index, item in enumerate(clip.interactions)
        for role in ROLE_ORDER
        if is_cut(offsets, item.spans(role))
    ]


def check_clip(root: Path, clip: Clip, frames: int) -> list[Fault]:
    """Return everything that is wrong with a clip whose first `frames` frames are to be trained on, one by one."""
    return list(examine(root, clip, Timing(frames=frames)).faults)


def examine(root: Path, clip: Clip, timing: Timing, *, masks: bool = True) -> Examined:
    """Look at a clip that is to be trained on under `timing`; without `masks` at its frames alone."""
    said: list[_Said] = _check_text(clip) if masks else []
    windows: tuple[Picks, ...] = ()
    size, time, resampled = None, None, False
    try:
        size, time = _walk(root, clip)
        why = too_short(timing, time)
        if why:
            said.append(("short", f"{clip.video} has {why}", True))
        else:
            windows = windows_of(timing, time, clip.id)
            resampled = is_resampled(timing, time, windows)
        said += _check_time(clip, timing, time, resampled=resampled)
    except (MediaError, ConfigError, RecordError) as error:
        said.append(("video", str(error), True))
    tracks: dict[str, Masks] = {}
    rate = None
    if masks:
        tracks, rate, more = _check_masks(root, clip, size, time)
        said += more
    faults = tuple(Fault(clip=clip.id, what=what, fatal=fatal, kind=kind) for kind, what, fatal in said)
    return Examined(faults=faults, time=time, windows=windows, resampled=resampled, tracks=tracks, masks_rate=rate)


def _walk(root: Path, clip: Clip) -> tuple[tuple[int, int], ClipTime]:
    """Decode a video to its end; return its size and its frames in time."""
    path = inside(root, clip.video, "video")
    reader = Reader(path, keep=False)
    count = sum(1 for _ in reader)
    # Where a file tells no rate the reader takes one, and says so.
    told = not path.is_dir() and not any(note.startswith("frame rate taken as") for note in reader.notes)
    rate = reader.fps if told else _rate_beside(root, clip)
    return reader.size, ClipTime(count=count, rate=rate, times=reader.times if told else ())


def _rate_beside(root: Path, clip: Clip) -> float | None:
    """Return the rate that the tracks state of frames that tell none; tracks that cannot be read are told with the masks."""
    try:
        return stated_rate(root, clip)
    except (MediaError, ConfigError, RecordError):
        return None


def _check_time(clip: Clip, timing: Timing, time: ClipTime, *, resampled: bool) -> list[_Said]:
    found: list[_Said] = []
    if time.times:
        how = "by their times" if by_time(timing, time) else "as evenly spaced in time"
        found.append(("varies", f"{clip.video} is of a variable frame rate; training takes its frames {how}", False))
    if timing.fps and time.rate is None:
        found.append(("no-rate", f"{clip.video} tells no frame rate and is taken to have {timing.fps:g} a second", False))
    elif resampled and time.rate is not None:
        often = "some are repeated" if time.rate < timing.fps / timing.stride else "others are left out"
        found.append(
            ("resampled", f"{clip.video} has {time.rate:.5g} frames a second and is seen at {timing.fps:.5g}: {often}", False)
        )
    return found


def _check_text(clip: Clip) -> list[_Said]:
    found: list[_Said] = []
    known = {instance.id for instance in clip.instances}
    if not clip.interactions:
        found.append(("roles", "has no roles: give it interactions with subject, verb and object", True))
    named: set[str] = set()
    for index, item in enumerate(clip.interactions):
        for role, name in (("sub", item.subject), ("obj", item.object)):
            if name is not None and name not in known:
                found.append(("instance", f"interaction {index} names {name}, which is not among the instances", True))
            named.add(name or "")
            if name is not None and not item.spans(role):
                found.append(("no-text", f"interaction {index}: the caption has no text for {name} ({role})", False))
        if item.verb and not item.verb_spans:
            found.append(("no-verb", f"interaction {index}: the caption has no text for the verb {item.verb!r}", False))
        spans = (*item.subject_spans, *item.verb_spans, *item.object_spans)
        if any(not 0 <= first < last <= len(clip.caption) for first, last in spans):
            what = f"interaction {index}: a span lies outside the caption of {len(clip.caption)} characters"
            found.append(("span", what, True))
    if len(clip.instances) > len(BOX_COLOURS):
        shown = f"{len(clip.instances)} instances, the id map has {len(BOX_COLOURS)} colours"
        found.append(("colours", f"has {shown}; condition.id_map = 'palette' cannot be used", False))
    found += [("idle", f"instance {name} takes part in no interaction", False) for name in sorted(known - named)]
    return found


def _check_masks(
    root: Path, clip: Clip, size: tuple[int, int] | None, time: ClipTime | None
) -> tuple[dict[str, Masks], float | None, list[_Said]]:
    try:
        stored = stored_tracks(root, clip)
        tracks = mask_tracks(root, clip, stored)
        other = time is not None and any(len(track) != time.count for track in tracks.values())
        rate = (stored.fps or None) if stored is not None and other else None
        found: list[_Said] = [
            ("stranger", f"{name} has masks and no text: neither the prompt nor the instances name it", False)
            for name in unnamed(root, clip, stored)
        ]
        bare = [name for name in unboxed(clip, stored) if tracks[name].any()]
    except (MediaError, ConfigError, RecordError) as error:
        return {}, None, [("masks", str(error), True)]
    found += [("unboxed", f"the run lengths of {name} have neither boxes nor areas beside them", False) for name in bare]
    for instance in clip.instances:
        found += _check_track(instance.id, tracks.get(instance.id), rate, size, time)
    return tracks, rate, found


def _check_track(
    name: str, track: Masks | None, rate: float | None, size: tuple[int, int] | None, time: ClipTime | None
) -> list[_Said]:
    if track is None:
        return [("no-masks", f"instance {name} has no masks", True)]
    found: list[_Said] = []
    if size is not None and track.shape[1:] != size:
        shown = f"{track.shape[2]}x{track.shape[1]}, the video {size[1]}x{size[0]}"
        found.append(("mask-size", f"masks of {name} are {shown}", True))
    if time is not None and len(track) != time.count:
        shown = f"{name} has {len(track)} masks, the video {time.count} frames"
        by_rate = of_masks((0,), time, len(track), rate) is not None
        if by_rate:
            found.append(("mask-time", f"{shown}; masks are taken by time, at the {rate:.5g} a second that they state", False))
        else:
            found.append(("mask-count", shown, True))
    if not track.any():
        found.append(("empty", f"{name} has no pixel in any of its masks, so nothing is aligned with it", False))
    elif not track[0].any():
        found.append(("empty-first", f"the first mask of {name} is empty, so it cannot be propagated or coloured", False))
    return found
