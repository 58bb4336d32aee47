"""What one video still lacks while it is asked about, and what of that can be asked with some of its pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from intergeneval.judges.cached_answers import unpack_said, unpack_seen
from intergeneval.judges.openai.requests import Asked, Shown, part_key
from intergeneval.judges.parsing import Said, Seen
from intergeneval.judges.prompting import label
from intergeneval.judges.services import AnswerCache
from intergeneval.judges.walking import Look
from intergeneval.records import AnswerStatus


@dataclass(slots=True, kw_only=True)
class OpenVideo:
    """What one video still lacks, and what was found for it."""

    asked: Asked
    look: Look | None
    """All frames that are to be spoken of; `asked` has those that are still open."""
    said: dict[str, Said]
    seen: dict[int, Seen] | None
    cached: set[str]
    part: dict[int, Seen] = field(default_factory=dict)
    """What was said of some frames: in replies that were cut off, or in earlier turns."""
    status: AnswerStatus = AnswerStatus.UNPARSED
    kind: str = ""
    reason: str = ""
    shown: str = ""
    """How pictures were shown otherwise than all at once."""


def recall(work: OpenVideo, cache: AnswerCache, keys: Mapping[str, str], seen_keys: Sequence[str]) -> None:
    """Take what the cache knows: answers under `keys`, by label, and what was seen under the first of `seen_keys` that it has."""
    for name in work.asked.labels:
        stored = cache.get(keys[name])
        if stored is not None:
            work.cached.add(name)
            work.said[name] = unpack_said(stored)
    for key in seen_keys:
        whole = cache.get(key)
        if whole is not None:
            work.cached.add("")
            work.seen = unpack_seen(whole)
            return
    for key in seen_keys:
        begun = cache.get(part_key(key))
        if begun is not None:
            work.part = unpack_seen(begun)
            return


def going_on(before: OpenVideo, work: OpenVideo, shown: Shown) -> OpenVideo:
    """Return `work`, begun anew with the pictures that are shown now, with what was found before that speaks of these."""
    known = before.part if before.seen is None else before.seen
    frames = work.look.frames if work.look is not None else ()
    part = {frame: item for frame, item in known.items() if frame in frames}
    said = {name: item for name, item in before.said.items() if item.frame is None or item.frame in shown.jpegs}
    whole = bool(frames) and set(part) == set(frames)
    found = replace(
        work,
        said=said,
        seen=part if whole else None,
        part={} if whole else part,
        cached={name for name in before.cached if name in said or (not name and whole)},
        status=before.status,
        kind=before.kind,
        reason=before.reason,
    )
    return replace(found, asked=still_open(found))


def still_open(work: OpenVideo) -> Asked:
    """Return what neither cache nor reply has told yet, with the lines on frames that are known."""
    questions = [item for item in work.asked.questions if label(item) not in work.said]
    look = work.look if work.seen is None else None
    if look is not None and work.part:
        look = look.only(frame for frame in look.frames if frame not in work.part)
    known = work.part if work.seen is None else work.seen
    given = {frame: item.reason for frame, item in known.items() if item.reason}
    return Asked(questions=questions, look=look, bodies=work.asked.bodies, given=given)


def open_of(asked: Asked, work: OpenVideo, shown: Shown) -> Asked:
    """Return what is still open of what was asked."""
    rest = within(work.asked, shown)
    return replace(rest, questions=rest.questions if asked.questions else [])


def within(asked: Asked, shown: Shown) -> Asked:
    """Return what can be asked about these pictures: of other frames nothing is to be said."""
    if asked.look is None:
        return asked
    frames = tuple(frame for frame in asked.look.frames if frame in shown.jpegs)
    return replace(asked, look=asked.look.only(frames) if frames else None)
