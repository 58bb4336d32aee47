"""From the answers of a run to its pairs of twins: which belong together, and what each of their videos says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from intergeneval.records import (
    MISSING,
    TWIN_IDS,
    Answer,
    AnswerStatus,
    AnswerValue,
    Sample,
    Score,
    ScoreStatus,
    TwinScore,
    TwinState,
    TwinVideo,
)
from intergeneval.records.twins import DECLINED, FEWEST, NO, UNANSWERABLE, UNANSWERED, YES

_About = Mapping[tuple[int, int], Answer]
"""Answers about one video by (interaction, question id)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """An interaction of one sample and its counterpart in the twin; without a counterpart, why there is none."""

    first: str
    """Id of the first sample."""
    second: str
    """Id of its twin."""
    places: tuple[int, int]
    """Index of the interaction in each."""
    counts: tuple[int, int]
    """Interactions of each."""
    name: str
    """Name of the pair."""
    cluster: str = ""
    """The scene that both share, or both ids."""
    fault: str = ""
    """Why there is no counterpart."""


def twin_scores(
    samples: Iterable[Sample], answers: Iterable[Answer], scores: Iterable[Score] = ()
) -> tuple[tuple[TwinScore, ...], dict[str, str]]:
    """Return one score a pair and seed, and what is no pair (name -> why).

    Of a sample with n interactions, the answers about its own interaction i stand under ``interaction == i``, those about the
    twin's, asked of the same video, under ``n + i``. Answers to later askings (`Answer.repeat`) are left out, and a later answer
    to the same replaces an earlier one; answers about another version of a video file must be left out by the caller. `scores`
    say which videos are missing or begin with another picture; without them a video that has no answer was not asked about.

    A pair is an interaction and the one in the twin that points back, of several the first with the same verb; each counts once,
    whatever the order of the samples. Videos are paired by seed.
    """
    by_id = {sample.id: sample for sample in samples}
    videos: dict[str, dict[int, dict[tuple[int, int], Answer]]] = {}
    for answer in answers:
        if answer.repeat == 0:
            about = videos.setdefault(answer.sample_id, {}).setdefault(answer.seed, {})
            about[answer.interaction, answer.question_id] = answer
    known = {(score.sample_id, score.seed): score for score in scores}
    found: list[TwinScore] = []
    none: dict[str, str] = {}
    for pair in pairs_of(by_id):
        both = (pair.first, pair.second)
        seeds = {seed for name in both for seed in videos.get(name, ())} | {seed for name, seed in known if name in both}
        if pair.fault or not seeds:
            why = pair.fault or "neither of the two has an answer"
            none |= {f"{pair.name}, seed {seed}": why for seed in sorted(seeds)} or {pair.name: why}
            continue
        for seed in sorted(seeds):
            made = [
                _video(name, videos.get(name, {}).get(seed), known.get((name, seed)), (place, count + place))
                for name, place, count in zip(both, pair.places, pair.counts, strict=True)
            ]
            found.append(TwinScore(pair=pair.name, cluster=pair.cluster, seed=seed, first=made[0], second=made[1]))
    return tuple(found), none


def _video(sample_id: str, about: _About | None, score: Score | None, places: tuple[int, int]) -> TwinVideo:
    """Return what a video says; `places` are the indices of its own interaction and of its twin's."""
    digest = score.video if score is not None else ""
    if score is not None and score.status in MISSING:
        return TwinVideo(
            sample_id=sample_id, state=TwinState.MISSING, video=digest, reason=f"{sample_id}: {score.reason or score.status}"
        )
    if score is not None and score.status is ScoreStatus.FOREIGN_FIRST_FRAME:
        return TwinVideo(
            sample_id=sample_id, state=TwinState.UNSEEN, video=digest, reason=f"{sample_id}: {score.reason or score.status}"
        )
    if about is None:
        return TwinVideo(
            sample_id=sample_id, state=TwinState.UNSEEN, video=digest, reason=f"{sample_id} has no answer of this seed"
        )
    letters, reasons = ["", ""], []
    for number in TWIN_IDS:
        for side, whose in enumerate(("own", "twin's")):
            answer = about.get((places[side], number))
            letters[side] += _letter(answer)
            if letters[side][-1] == UNANSWERED:
                said = "was not answered" if answer is None else str(answer.status)
                why = f" ({answer.reason})" if answer is not None and answer.reason else ""
                reasons.append(f"{sample_id}: question {number} about its {whose} interaction: {said}{why}")
    made = TwinVideo(
        sample_id=sample_id,
        state=TwinState.SEEN,
        own=letters[0],
        other=letters[1],
        video=digest or next((answer.video for answer in about.values()), ""),
        reason=reasons[0] if reasons else "",
    )
    if reasons or len(made.answered) >= FEWEST:
        return made
    few = f"{len(made.answered)} of {len(TWIN_IDS)} questions could be answered about both interactions"
    return replace(made, reason=f"{sample_id}: {few}, at least {FEWEST} are needed")


def _letter(answer: Answer | None) -> str:
    if answer is None or answer.status not in (AnswerStatus.OK, AnswerStatus.UNANSWERABLE):
        return UNANSWERED
    if answer.status is AnswerStatus.UNANSWERABLE:
        return DECLINED if answer.declined else UNANSWERABLE
    return YES if answer.verdict is AnswerValue.YES else NO


def pairs_of(by_id: Mapping[str, Sample]) -> Iterator[Twins]:
    """Give every pair once, by rising id of its first sample."""
    taken: set[tuple[str, int]] = set()
    for first in sorted(by_id):
        sample = by_id[first]
        for index, item in enumerate(sample.interactions):
            if item.twin_of is None or (first, index) in taken:
                continue
            twin = by_id.get(item.twin_of)
            several = sum(other.twin_of == item.twin_of for other in sample.interactions) > 1
            name = f"{first} + {item.twin_of}" + (f", interaction {index}" if several else "")
            back = None if twin is None else _counterpart(sample, index, twin, taken)
            fault = _fault(sample, index, twin, back)
            taken |= {(first, index)} | (set() if twin is None or back is None else {(twin.id, back)})
            if fault or twin is None or back is None:
                yield Twins(first=first, second=item.twin_of, places=(index, 0), counts=(0, 0), name=name, fault=fault)
                continue
            yield Twins(
                first=first,
                second=twin.id,
                places=(index, back),
                counts=(len(sample.interactions), len(twin.interactions)),
                name=name,
                cluster=f"scene:{sample.scene}"
                if sample.scene is not None and sample.scene == twin.scene
                else f"{first} + {twin.id}",
            )


def _fault(sample: Sample, index: int, twin: Sample | None, back: int | None) -> str:
    item = sample.interactions[index]
    if item.questions or (twin is not None and back is not None and twin.interactions[back].questions):
        return "the benchmark words the questions itself, and nobody words them for the exchanged roles"
    if twin is None:
        return f"there is no sample {item.twin_of}"
    return f"{twin.id} does not call {sample.id} its twin" if back is None else ""


def _counterpart(sample: Sample, index: int, twin: Sample, taken: set[tuple[str, int]]) -> int | None:
    """Return the index of the twin's interaction that points back; None where none does."""
    back: Sequence[int] = [
        place for place, other in enumerate(twin.interactions) if other.twin_of == sample.id and (twin.id, place) not in taken
    ]
    verb = sample.interactions[index].verb.strip().casefold()
    fitting = [place for place in back if twin.interactions[place].verb.strip().casefold() == verb]
    if fitting:
        return fitting[0]
    return back[0] if len(back) == 1 else None
