"""Answers to the shares of yes of one key interaction, with what is left open in them; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from intergeneval.records import KISA_IDS, SGI_IDS, Answer, AnswerStatus, AnswerValue, InteractionScore

MIN_ANSWERED = 7
"""Answered questions under which an interaction has no score; all of them where fewer are askable."""
LEAST_SHARE = (2 / 3, 3 / 4)
"""Shares of questions 1-6 and of 7-10 to be answered for a raw share of an interaction that has no score."""
UNSCORING = frozenset({AnswerStatus.FAILED, AnswerStatus.REFUSED, AnswerStatus.UNPARSED})
"""What broke: a resume asks again."""

Open = tuple[tuple[str, float], ...]
"""What has no answer, as in `Score.open`."""


def score_interaction(
    index: int, answers: Iterable[Answer], counting: tuple[Sequence[int], Sequence[int]] = (KISA_IDS, SGI_IDS)
) -> InteractionScore:
    """Return the raw shares of one key interaction; answers of other status than ok lower the count, never the share.

    `counting` are the question ids that make KISA_raw and those that make SGI_raw (see `intergeneval.records.counted`). What the
    judge declares unanswerable for the verb before it sees a video is not askable: it is in no denominator, of no model.
    """
    by_id = {answer.question_id: answer for answer in answers}
    ids = (*counting[0], *counting[1])
    declined = tuple(number for number in ids if number in by_id and by_id[number].declined)
    askable = [[number for number in part if number not in declined] for part in counting]
    kisa, sgi = (
        [by_id[number] for number in part if number in by_id and by_id[number].status is AnswerStatus.OK] for part in askable
    )
    kisa_yes, sgi_yes = _yes(kisa), _yes(sgi)
    enough = len(kisa) + len(sgi) >= min(MIN_ANSWERED, sum(map(len, askable)))
    told = [
        bool(found) and (enough or len(found) >= least * len(part))
        for found, least, part in zip((kisa, sgi), LEAST_SHARE, askable, strict=True)
    ]
    return InteractionScore(
        interaction=index,
        kisa_raw=kisa_yes / len(kisa) if told[0] else None,
        sgi_raw=sgi_yes / len(sgi) if told[1] else None,
        kisa_answered=len(kisa),
        sgi_answered=len(sgi),
        kisa_bounds=_bounds(kisa_yes, len(kisa), len(askable[0])),
        sgi_bounds=_bounds(sgi_yes, len(sgi), len(askable[1])),
        unscored=sum(number not in by_id or by_id[number].status in UNSCORING for number in ids),
        left_out=tuple(number for number in KISA_IDS + SGI_IDS if number not in ids),
        declined=declined,
    )


def askable_of(part: InteractionScore) -> tuple[int, int]:
    """Return how many questions of 1-6 and of 7-10 can be asked about an interaction."""
    out = {*part.left_out, *part.declined}
    return sum(number not in out for number in KISA_IDS), sum(number not in out for number in SGI_IDS)


def least_answered(part: InteractionScore) -> int:
    """Return how many answers an interaction needs for a score."""
    return min(MIN_ANSWERED, sum(askable_of(part)))


def too_few(part: InteractionScore) -> bool:
    """Whether so little of an interaction is answered that it has no score."""
    return part.kisa_raw is None or part.sgi_raw is None or part.kisa_answered + part.sgi_answered < least_answered(part)


def open_questions(parts: Sequence[InteractionScore], answers: Iterable[Answer]) -> Open:
    """Return the questions without an answer, ``interaction:id``, with their weight in the mean over interactions.

    A share of which nothing can be asked is open as a whole: ``interaction:kisa`` or ``interaction:sgi``.
    """
    told = {(answer.interaction, answer.question_id) for answer in answers if answer.status is AnswerStatus.OK}
    found = []
    for part in parts:
        out = {*part.left_out, *part.declined}
        for name, ids, askable in zip(("kisa", "sgi"), (KISA_IDS, SGI_IDS), askable_of(part), strict=True):
            if not askable:
                found.append((f"{part.interaction}:{name}", 1 / len(parts)))
            silent = [number for number in ids if number not in out and (part.interaction, number) not in told]
            found.extend((f"{part.interaction}:{number}", 1 / (askable * len(parts))) for number in silent)
    return tuple(found)


def unanswered_text(answers: Sequence[Answer], asked: int) -> str:
    """Return why a video waits for answers, in one sentence."""
    counts = Counter(answer.status.value for answer in answers if answer.status in UNSCORING)
    if len(answers) < asked:
        counts["not asked yet"] = asked - len(answers)
    first = next((answer.reason for answer in answers if answer.status in UNSCORING and answer.reason), "")
    said = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    return f"{said} of {asked} answers" + (f"; the first: {first}" if first else "")


def too_few_text(parts: Sequence[InteractionScore], answers: Sequence[Answer]) -> str:
    """Return which interaction has too few answers for a score, and what the judge said most often."""
    if not parts:
        return "the sample has no key interaction"
    why = Counter(
        answer.reason for answer in answers if answer.status is AnswerStatus.UNANSWERABLE and answer.reason
    ).most_common(1)
    short = next(part for part in parts if too_few(part))
    kisa, sgi = askable_of(short)
    return (
        f"interaction {short.interaction}: {short.kisa_answered} of {kisa} and {short.sgi_answered} of {sgi} questions could be "
        f"answered, at least {least_answered(short)} of {kisa + sgi} are needed, with one of each kind"
        + (f"; mostly: {why[0][0]}" if why else "")
    )


def _yes(answers: Iterable[Answer]) -> int:
    return sum(answer.verdict is AnswerValue.YES for answer in answers)


def _bounds(yes: int, answered: int, asked: int) -> tuple[float, float]:
    return (yes / asked, (yes + asked - answered) / asked) if asked else (0.0, 1.0)
