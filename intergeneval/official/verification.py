"""``question_verification.json``: one video's questions and answers, taken as they stand.

What is not one of the three answers is never turned into one: a failed call, a reply that could not be parsed, an id without an
answer or with two keep their status and say why (the release's own scorer counts the first as no or stops altogether).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from intergeneval.bench.official_fields import read_fields
from intergeneval.ids import canonical_json
from intergeneval.records import KISA_IDS, SGI_IDS, Answer, AnswerStatus, AnswerValue, Interaction, Question, Stage

QUESTION_IDS = KISA_IDS + SGI_IDS
STAGES = {1: Stage.PRE, **dict.fromkeys(range(2, 6), Stage.DURING), 6: Stage.POST, **dict.fromkeys(range(7, 11), Stage.GROUNDING)}
"""Question id -> stage (protocol, section 1)."""

LARGEST_FRAME = 1_000_000
"""Largest index a frame may have, ten hours at 25 frames a second; beyond it an index is no frame of a video."""

_WORDS = {"yes": AnswerValue.YES, "no": AnswerValue.NO}
_IMPLAUSIBLE = re.compile(r"no ?\(visually implausible\)")
_FAILED = re.compile(r"(error|failed|failure|timeout|exception)\b.*")
_REFUSED = re.compile(r"(refused|refusal)\b.*")
UNANSWERABLE = "unanswerable"
"""Word that our export writes for what a judge cannot know; the release has none."""
_CANNOT = re.compile(UNANSWERABLE)


NOTHING = Interaction(subject=None, verb="", object=None)
"""An interaction of which only words and questions are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the file holds for one question."""

    status: AnswerStatus
    """ok, or why there is no answer."""
    value: AnswerValue | None = None
    """The answer."""
    frame: int | None = None
    """Decisive frame."""
    reason: str = ""
    """Why there is no answer, in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One key interaction with its replies."""

    text: str
    """The interaction as the file words it."""
    questions: tuple[str, ...]
    """Texts of the ten questions; empty texts where the file has none."""
    replies: Mapping[int, Reply]
    """Question id -> reply, for all ten ids."""
    told: Interaction = NOTHING
    """Who does what to whom, and the optional fields, as far as the file says; its twin by the number in its type."""
    note: str = ""
    """What of these was left out, and why; empty: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """One video of the file."""

    prompt: str
    """Prompt of the video."""
    frames: tuple[int, ...]
    """Frames the judge saw; empty where the file does not say."""
    judge: str
    """Model that answered."""
    items: tuple[Item, ...]
    """Key interactions."""
    blank: str = ""
    """Why the video could not be looked at; empty where it could."""
    known: bool = True
    """Whether the file says what was asked of it."""
    note: str = ""
    """What of the entry was left out, and why, in one sentence; empty: nothing."""


def parse(entries: list[dict[str, Any]]) -> Verified:
    """Read the entries of one video; several that differ contradict each other, and none of their answers is taken."""
    entry = entries[0]
    raw_items = entry.get("items")
    items = [_item(raw) for raw in raw_items] if isinstance(raw_items, list) else []
    error, seen = text_of(entry.get("error")), whole_number(entry.get("frames_analyzed"))
    blank = (error or "no frame was analysed") if not items and seen == 0 else ""
    if not items:
        items = [unknown_item(error or "the file has no interaction for this video")]
    if len({canonical_json(other) for other in entries}) > 1:
        reason = f"the file holds {len(entries)} different entries for this video"
        items = [replace(item, replies=_all(AnswerStatus.UNPARSED, reason)) for item in items]
    frames, note = _frames(entry.get("frame_indices"))
    return Verified(
        prompt=text_of(entry.get("prompt")),
        frames=frames,
        note="; ".join(said for said in (note, *(item.note for item in items)) if said),
        judge=text_of(entry.get("model_used")),
        items=tuple(items),
        blank=blank,
        known=isinstance(raw_items, list) and bool(raw_items),
    )


def unknown_item(reason: str) -> Item:
    """Return an interaction of which nothing is known but that its ten answers are missing: it keeps the video unscored."""
    return Item(text="", questions=("",) * 10, replies=_all(AnswerStatus.FAILED, reason))


def unverified(reason: str) -> Verified:
    """Return a video that the file does not have."""
    return Verified(prompt="", frames=(), judge="", items=(unknown_item(reason),), known=False)


def answers(video: Verified, sample_id: str) -> list[Answer]:
    """Return the answers of a video as records, ten an interaction, whatever the file lacks."""
    return [
        Answer(
            sample_id=sample_id,
            seed=0,
            interaction=index,
            question_id=number,
            status=item.replies[number].status,
            value=item.replies[number].value,
            frame=item.replies[number].frame,
            reason=item.replies[number].reason,
            judge=video.judge,
        )
        for index, item in enumerate(video.items)
        for number in QUESTION_IDS
    ]


def questions(video: Verified, sample_id: str) -> list[Question]:
    """Return the questions of a video as records."""
    return [
        Question(
            sample_id=sample_id,
            interaction=index,
            question_id=number,
            stage=STAGES[number],
            text=item.questions[number - 1],
            names=(),
            verb="",
            template="verbatim",
        )
        for index, item in enumerate(video.items)
        for number in QUESTION_IDS
    ]


def interactions(video: Verified) -> tuple[Interaction, ...]:
    """Return the key interactions of a video, with their questions where all ten are known."""
    return tuple(
        Interaction(subject=None, verb="", object=None, text=item.text, questions=item.questions if all(item.questions) else ())
        for item in video.items
    )


def text_of(value: Any) -> str:
    """Return a text that can be written to a file; anything else than a text is empty."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else ""


def _item(raw: Any) -> Item:
    if not isinstance(raw, dict):
        return Item(text="", questions=("",) * 10, replies=_all(AnswerStatus.UNPARSED, f"the item is {raw!r:.60}, not an object"))
    listed = raw.get("questions")
    told, faults = read_fields(raw)
    texts = [text_of(text) for text in listed][:10] if isinstance(listed, list) else []
    return Item(
        text=text_of(raw.get("key_interaction")),
        questions=tuple(texts + [""] * (10 - len(texts))),
        replies=_replies(raw.get("question_verification_results"), text_of(raw.get("error"))),
        told=told,
        note="; ".join(f"{key} of an interaction was left out: {text_of(problem)}" for key, problem in faults),
    )


def _replies(raw: Any, error: str) -> dict[int, Reply]:
    """Return a reply for each question id; an absent one failed, with the item's own error where it has one."""
    if isinstance(raw, dict):
        said = text_of(raw.get("parsing_error")) or "it is an object, not a list of answers"
        return _all(AnswerStatus.UNPARSED, f"the judge's reply was not parsed: {said}")
    if isinstance(raw, str) or raw is None:
        return _all(AnswerStatus.FAILED, text_of(raw) or error or "the file has no answers for this interaction")
    if not isinstance(raw, list):
        return _all(AnswerStatus.UNPARSED, f"the answers are {raw!r:.60}, not a list")
    found: dict[int, list[Reply]] = {}
    for answer in raw:
        number = whole_number(answer.get("question_id")) if isinstance(answer, dict) else None
        if number in QUESTION_IDS:
            found.setdefault(number, []).append(_reply(answer))
    replies = _all(AnswerStatus.FAILED, error or "the file has no answer to this question")
    for number, given in found.items():
        same = all((reply.status, reply.value) == (given[0].status, given[0].value) for reply in given)
        replies[number] = (
            given[0]
            if same
            else Reply(status=AnswerStatus.UNPARSED, reason="the file has several different answers to this question")
        )
    return replies


def _reply(raw: dict[str, Any]) -> Reply:
    word = raw.get("answer")
    if not isinstance(word, str):
        return Reply(status=AnswerStatus.UNPARSED, reason=f"the answer is {word!r:.60}")
    plain = " ".join(word.split()).casefold().rstrip(".")
    value = AnswerValue.IMPLAUSIBLE if _IMPLAUSIBLE.fullmatch(plain) else _WORDS.get(plain)
    if value is None:
        for pattern, status in (
            (_FAILED, AnswerStatus.FAILED),
            (_REFUSED, AnswerStatus.REFUSED),
            (_CANNOT, AnswerStatus.UNANSWERABLE),
        ):
            if pattern.fullmatch(plain):
                return Reply(status=status, reason=f"the answer is {text_of(word)!r:.120}")
        return Reply(status=AnswerStatus.UNPARSED, reason=f"the answer is {text_of(word)!r:.120}")
    frame = whole_number(raw.get("frame_index"))
    if frame is not None and frame > LARGEST_FRAME:
        frame = None
    odd = raw.get("frame_index") is not None and frame is None
    reason = f"the file's frame_index is {raw['frame_index']!r:.60}, which is no frame" if odd else ""
    return Reply(status=AnswerStatus.OK, value=value, frame=frame, reason=reason)


def _all(status: AnswerStatus, reason: str) -> dict[int, Reply]:
    return {number: Reply(status=status, reason=reason) for number in QUESTION_IDS}


def _frames(raw: Any) -> tuple[tuple[int, ...], str]:
    """Return the frames, rising, and a note where an absurd index costs the entry all of them."""
    if not isinstance(raw, list):
        return (), ""
    frames = sorted({frame for frame in map(whole_number, raw) if frame is not None})
    if frames and frames[-1] > LARGEST_FRAME:
        return (), f"frame_indices were left out: no video has a frame {frames[-1]!s:.40}, {LARGEST_FRAME} is the largest"
    return tuple(frames), ""


def whole_number(value: Any) -> int | None:
    """Return a whole number of 0 or more, also from a text of digits; None for anything else."""
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 10:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
