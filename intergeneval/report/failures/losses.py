"""What cost a video its score: a no, the want of an answer, frames that broke it, or the video itself. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from intergeneval.records import (
    CONTROL_ID,
    KISA_IDS,
    Answer,
    AnswerStatus,
    AnswerValue,
    Consistency,
    InteractionScore,
    Question,
    Sample,
    Score,
    ScoreStatus,
    TrackState,
)
from intergeneval.report.formats import answer_word
from intergeneval.report.load import LoadedRun, Take

_NOTHING = 1e-9
"""A cost up to which there is none: what is left is rounding."""
_NAMED = ("frame", "frames", "first_contact")
"""Numbers of an answer's evidence that name a frame, where the answer itself names none."""


class Kind(enum.StrEnum):
    """What was lost."""

    QUESTION = "question"
    """One question, by a no or for want of an answer."""
    PROPAGATION = "propagation"
    """Part of SPI: something went missing or emerged."""
    BODIES = "bodies"
    """Part of the plausibility: a body or thing that cannot be."""
    VIDEO = "video"
    """The whole score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """One thing that cost a video some of its score."""

    kind: Kind
    """What was lost."""
    sample: Sample
    """The sample."""
    seed: int
    """The seed."""
    interaction: int = 0
    """Index of the key interaction; 0 where the loss is of the whole video."""
    question_id: int = 0
    """1 to 10; 0 for what is no question."""
    question: str
    """The question in words."""
    answer: str
    """What was answered, or why there is no answer, in a word or two."""
    sentence: str
    """Why, as the judge or the tracks say."""
    cost: float | None
    """How much of IF it cost, 0 to 1; None where the video has no score."""
    at_most: bool = False
    """Whether nothing is known of the answer, so that `cost` is the most it can be."""
    frame: int | None = None
    """The frame that the evidence names; None where no single frame decides."""

    @property
    def place(self) -> tuple[str, int, int]:
        """What was lost, to find the same in another run."""
        return self.kind.value, self.interaction, self.question_id

    @property
    def name(self) -> str:
        """What was lost, as a title says it."""
        if self.kind is not Kind.QUESTION:
            return {Kind.PROPAGATION: "propagation", Kind.BODIES: "bodies", Kind.VIDEO: "whole video"}[self.kind]
        of = f" of interaction {self.interaction + 1}" if len(self.sample.interactions) > 1 else ""
        return f"question {self.question_id}{of}"

    @property
    def cost_text(self) -> str:
        """The cost in words."""
        if self.cost is None:
            return "the video has no score of its own"
        return f"costs {'up to ' if self.at_most else ''}{self.cost:.3f} of IF"


def losses_of(take: Take, sample: Sample, questions: Sequence[Question]) -> list[Loss]:
    """Return what a video lost, the costliest first. Questions that a profile leaves out, and controls, are none of it."""
    score = take.score
    if score.status is not ScoreStatus.OK and not take.answers:
        return [_whole(sample, score)]
    found = [*_of_questions(take.answers, score, sample, questions), *_of_frames(take.consistency, score, sample)]
    if score.status is not ScoreStatus.OK:
        found.insert(0, _whole(sample, score))
    return sorted(found, key=lambda item: (item.kind is not Kind.VIDEO, -(item.cost or 0.0), item.at_most, item.place))


def worse(before: LoadedRun | Mapping[tuple[str, int], Score], after: LoadedRun) -> list[tuple[Loss, Loss | None]]:
    """Return what `after` lost and `before` did not, each with what the same cost before (None: nothing).

    Of a run whose answers are not stored only the scores are known: then everything that a video lost counts whose score fell.
    """
    found: list[tuple[Loss, Loss | None]] = []
    for key, take in after.takes.items():
        sample = after.samples[key[0]]
        mine = losses_of(take, sample, after.questions.get(key[0], ()))
        if not isinstance(before, LoadedRun):
            known = before.get(key)
            found += [(_against(item, known, take.score), None) for item in mine if known and _fell(known, take.score)]
            continue
        old = before.takes.get(key)
        if old is not None:
            earlier = {item.place: item for item in losses_of(old, sample, before.questions.get(key[0], ()))}
            found += _more(mine, earlier, old.score, take.score)
    return found


def _more(
    mine: Sequence[Loss], earlier: Mapping[tuple[str, int, int], Loss], before: Score, after: Score
) -> Iterator[tuple[Loss, Loss | None]]:
    """Give the losses that are new, or of frames larger than before."""
    for item in mine:
        known = earlier.get(item.place)
        if known is None:
            yield _against(item, before, after), None
        elif item.kind in (Kind.PROPAGATION, Kind.BODIES) and (item.cost or 0.0) > (known.cost or 0.0) + _NOTHING:
            yield replace(item, cost=(item.cost or 0.0) - (known.cost or 0.0)), known


def _against(item: Loss, before: Score, after: Score) -> Loss:
    """Return a loss of a whole video with what it cost against the score before."""
    if item.kind is not Kind.VIDEO or before.if_ is None:
        return item
    return replace(item, cost=max(before.if_ - (after.if_ or 0.0), 0.0), at_most=after.if_ is None)


def _fell(before: Score, after: Score) -> bool:
    """Whether a video's score is lower than it was, or there is none any more."""
    if before.if_ is None:
        return False
    return after.if_ is None or after.if_ < before.if_ - _NOTHING


def _whole(sample: Sample, score: Score) -> Loss:
    return Loss(
        kind=Kind.VIDEO,
        sample=sample,
        seed=score.seed,
        question="Is there a video that can be scored?",
        answer=score.status.value.replace("_", " "),
        sentence=score.reason,
        cost=None,
    )


def _of_questions(answers: Sequence[Answer], score: Score, sample: Sample, questions: Sequence[Question]) -> Iterator[Loss]:
    asked = {(item.interaction, item.question_id): item.text for item in questions}
    parts = {part.interaction: part for part in score.interactions}
    for answer in answers:
        part = parts.get(answer.interaction)
        # Controls count for nothing, and what stands behind the sample's own interactions is asked about its twin's.
        if answer.question_id == CONTROL_ID or answer.interaction >= len(sample.interactions):
            continue
        if answer.declined or answer.verdict is AnswerValue.YES or (part and answer.question_id in part.left_out):
            continue
        open_ = answer.status is not AnswerStatus.OK
        yield Loss(
            kind=Kind.QUESTION,
            sample=sample,
            seed=answer.seed,
            interaction=answer.interaction,
            question_id=answer.question_id,
            question=asked.get((answer.interaction, answer.question_id), ""),
            answer=answer_word(answer),
            sentence=answer.reason,
            cost=_open_cost(answer, score) if open_ else _cost(answer.question_id, part, score),
            at_most=open_,
            frame=named_frame(answer),
        )


def _cost(question_id: int, part: InteractionScore | None, score: Score) -> float | None:
    """Return what a no cost: its share of the answered, of one of two means over interactions, times SPI and plausibility."""
    if part is None or score.if_ is None or score.spi is None:
        return None
    kisa = question_id in KISA_IDS
    raw = [item.kisa_raw if kisa else item.sgi_raw for item in score.interactions]
    answered = part.kisa_answered if kisa else part.sgi_answered
    told = sum(value is not None for value in raw)
    return score.spi * _plausibility(score) / (2 * answered * told) if answered and told else None


def _open_cost(answer: Answer, score: Score) -> float | None:
    """Return the most that a question without an answer can cost; None where the bounds do not say."""
    weight = next((weight for name, weight in score.open if name == f"{answer.interaction}:{answer.question_id}"), None)
    if weight is None:
        return None
    spi = score.spi_bounds[1] if score.spi_bounds else score.spi
    return None if spi is None else weight * spi * _plausibility(score) / 2


def _plausibility(score: Score) -> float:
    return 1.0 if score.plausibility is None else score.plausibility


def named_frame(answer: Answer) -> int | None:
    """Return the frame that decided an answer: the one it names, else the first that its evidence names; None for none."""
    if answer.frame is not None:
        return answer.frame
    for name in _NAMED:
        value = answer.evidence.get(name)
        first = value[0] if isinstance(value, list | tuple) and value else value
        if isinstance(first, int) and not isinstance(first, bool) and first >= 0:
            return first
    return None


def _of_frames(check: Consistency | None, score: Score, sample: Sample) -> Iterator[Loss]:
    """Give what went missing, emerged or cannot be, where it lowered the score."""
    if check is None or score.if_ is None or score.spi is None or score.kisa_raw is None or score.sgi_raw is None:
        return
    raw = (score.kisa_raw + score.sgi_raw) / 2
    if raw * (1 - score.spi) > _NOTHING and (frame := next(_broken(check), None)) is not None:
        yield Loss(
            sample=sample,
            seed=score.seed,
            kind=Kind.PROPAGATION,
            question="Does everybody and everything stay, and nothing else appear?",
            answer="no",
            sentence=_told(check, frame, sample),
            cost=raw * (1 - score.spi) * _plausibility(score),
            frame=frame,
        )
    odd = next((frame for frame, mark in zip(check.frames, check.implausible or (), strict=False) if mark), None)
    if odd is not None and raw * score.spi * (1 - _plausibility(score)) > _NOTHING:
        yield Loss(
            sample=sample,
            seed=score.seed,
            kind=Kind.BODIES,
            question="Can every body and thing be as it is shown?",
            answer="no, implausible",
            sentence=_told(check, odd, sample),
            cost=raw * score.spi * (1 - _plausibility(score)),
            frame=odd,
        )


def _broken(check: Consistency) -> Iterator[int]:
    """Give the sampled frames at which something is missing or emerged."""
    for place, frame in enumerate(check.frames):
        told = (check.disappearance or ())[place : place + 1] + (check.emergence or ())[place : place + 1]
        gone = any(states[place] is TrackState.VANISHED for states in (check.states or {}).values())
        if gone or any(told):
            yield frame


def _told(check: Consistency, frame: int, sample: Sample) -> str:
    """Return what happened at a sampled frame: what was said of it, else who is missing."""
    place = check.frames.index(frame)
    if check.reasons[place : place + 1] and check.reasons[place]:
        return check.reasons[place]
    looks = {item.id: f"{item.appearance} ({item.colour})" for item in sample.instances}
    gone = [looks.get(name, name) for name, states in (check.states or {}).items() if states[place] is TrackState.VANISHED]
    return f"{' and '.join(gone)} vanished" if gone else "nobody said why"
