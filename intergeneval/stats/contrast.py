"""Contrast over twins: whether a model's videos keep apart who does it and to whom it is done (protocol, section 1).

    s(V, T)     = share of yes of video V about interaction T, over the questions that were answered about both of V's
    contrast    = mean over pairs of [s(A, a) > s(A, b)] * [s(B, b) > s(B, a)], a tie counts half in its bracket
    sensitivity = mean over pairs of (s(A, a) - s(A, b) + s(B, b) - s(B, a)) / 2

Both sides of a comparison come from one video and the same questions, so a judge's bias towards yes cancels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from intergeneval.records import TWIN_IDS, Answer, AnswerStatus, AnswerValue, Contrast, Sample, TwinPair
from intergeneval.stats.clustered import clustered, known

FEWEST = 4
"""Fewest of the questions `TWIN_IDS` that must be answered about both interactions of a video."""

_Video = Mapping[tuple[int, int], Answer]
"""Answers about one video by (interaction, question id)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """An interaction of one sample and its counterpart in the twin; without a counterpart, why there is none."""

    first: str
    second: str
    places: tuple[int, int]
    counts: tuple[int, int]
    name: str
    fault: str = ""


class _NoValueError(ValueError):
    """A video says nothing about one of its two interactions."""


def contrast(samples: Iterable[Sample], answers: Iterable[Answer], level: float = 0.95) -> Contrast:
    """Return contrast and sensitivity over all pairs of twins among `samples`, with intervals by pair.

    Of a sample with n interactions, the answers about its own interaction i stand under ``interaction == i``, those about the
    twin's, asked of the same video, under ``n + i``. Answers to later askings (`Answer.repeat`) are left out, and a later answer
    to the same replaces an earlier one; answers about another version of a video file must be left out by the caller.

    A pair is an interaction and the one in the twin that points back, of several the first with the same verb; each counts once,
    whatever the order of the samples. Videos are paired by seed, and a pair's value is the mean over its seeds. What cannot be
    answered about one of a video's two interactions is left out for both. A video has no value where one of these questions
    failed, was refused, could not be parsed or is missing, or where fewer than 4 of the 7 are left: the pair then stands in
    `Contrast.unjudged` for that seed, since an error is never a score. Without any pair that has a value both means are None.

    The intervals are clipped to the scales, 0 to 1 and -1 to 1; with fewer than two pairs there is none.
    """
    by_id = {sample.id: sample for sample in samples}
    videos: dict[str, dict[int, dict[tuple[int, int], Answer]]] = {}
    for answer in answers:
        if answer.repeat == 0:
            about = videos.setdefault(answer.sample_id, {}).setdefault(answer.seed, {})
            about[answer.interaction, answer.question_id] = answer
    judged: list[list[TwinPair]] = []
    unjudged: dict[str, str] = {}
    for pair in _pairs(by_id):
        seeds = sorted({*videos.get(pair.first, ()), *videos.get(pair.second, ())})
        if not seeds:
            unjudged[pair.name] = pair.fault or "neither of the two has an answer"
        made = []
        for seed in seeds:
            try:
                made.append(_judge(pair, seed, videos))
            except _NoValueError as error:
                unjudged[f"{pair.name}, seed {seed}"] = str(error)
        if made:
            judged.append(made)
    number = {twins: place for place, twins in enumerate(dict.fromkeys((made[0].first, made[0].second) for made in judged))}
    clusters = [number[made[0].first, made[0].second] for made in judged]
    right, right_low, right_high = _interval([[item.contrast for item in made] for made in judged], clusters, (0.0, 1.0), level)
    moved, moved_low, moved_high = _interval(
        [[item.sensitivity for item in made] for made in judged], clusters, (-1.0, 1.0), level
    )
    return Contrast(
        contrast=right,
        contrast_low=right_low,
        contrast_high=right_high,
        sensitivity=moved,
        sensitivity_low=moved_low,
        sensitivity_high=moved_high,
        level=level,
        pairs=tuple(item for made in judged for item in made),
        unjudged=unjudged,
    )


def _pairs(by_id: Mapping[str, Sample]) -> Iterator[_Pair]:
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
            if item.questions or (twin is not None and back is not None and twin.interactions[back].questions):
                fault = "the benchmark words the questions itself, and nobody words them for the exchanged roles"
                yield _Pair(first=first, second=item.twin_of, places=(index, 0), counts=(0, 0), name=name, fault=fault)
                taken |= {(first, index)} | (set() if twin is None or back is None else {(twin.id, back)})
                continue
            if twin is None or back is None:
                fault = f"there is no sample {item.twin_of}" if twin is None else f"{twin.id} does not call {first} its twin"
                yield _Pair(first=first, second=item.twin_of, places=(index, 0), counts=(0, 0), name=name, fault=fault)
                continue
            taken |= {(first, index), (twin.id, back)}
            counts = len(sample.interactions), len(twin.interactions)
            yield _Pair(first=first, second=twin.id, places=(index, back), counts=counts, name=name)


def _counterpart(sample: Sample, index: int, twin: Sample, taken: set[tuple[str, int]]) -> int | None:
    """Return the index of the twin's interaction that points back; None where none does."""
    back = [
        place for place, other in enumerate(twin.interactions) if other.twin_of == sample.id and (twin.id, place) not in taken
    ]
    verb = sample.interactions[index].verb.strip().casefold()
    fitting = [place for place in back if twin.interactions[place].verb.strip().casefold() == verb]
    if fitting:
        return fitting[0]
    return back[0] if len(back) == 1 else None


def _judge(pair: _Pair, seed: int, videos: Mapping[str, Mapping[int, _Video]]) -> TwinPair:
    if pair.fault:
        raise _NoValueError(pair.fault)
    shares = []
    for sample_id, place, count in zip((pair.first, pair.second), pair.places, pair.counts, strict=True):
        about = videos.get(sample_id, {}).get(seed)
        if about is None:
            raise _NoValueError(f"{sample_id} has no answer of this seed")
        shares.append(_shares(sample_id, about, (place, count + place)))
    (first_own, first_other), (second_own, second_other) = shares
    return TwinPair(
        first=pair.first,
        second=pair.second,
        seed=seed,
        first_own=first_own,
        first_other=first_other,
        second_own=second_own,
        second_other=second_other,
    )


def _shares(sample_id: str, about: _Video, places: tuple[int, int]) -> tuple[float, float]:
    """Return s of a video about its own interaction and about the twin's. Raises _NoValueError saying what is in the way."""
    both = []
    for number in TWIN_IDS:
        found = [about.get((place, number)) for place in places]
        for whose, answer in zip(("own", "twin's"), found, strict=True):
            if answer is None or answer.status not in (AnswerStatus.OK, AnswerStatus.UNANSWERABLE):
                said = (
                    "was not answered"
                    if answer is None
                    else f"{answer.status}" + (f" ({answer.reason})" if answer.reason else "")
                )
                raise _NoValueError(f"{sample_id}: question {number} about its {whose} interaction: {said}")
        values = [answer.verdict for answer in found if answer is not None and answer.status is AnswerStatus.OK]
        if len(values) == len(places):
            both.append([value is AnswerValue.YES for value in values])
    if len(both) < FEWEST:
        raise _NoValueError(
            f"{sample_id}: {len(both)} of {len(TWIN_IDS)} questions could be answered about both interactions, "
            f"at least {FEWEST} are needed"
        )
    own, other = (sum(yes) / len(both) for yes in zip(*both, strict=True))
    return own, other


def _interval(
    values: Sequence[Sequence[float]], clusters: Sequence[int], scale: tuple[float, float], level: float
) -> tuple[float | None, float | None, float | None]:
    """Return the mean over pairs of the means over their seeds, and both ends of its interval within `scale`.

    `clusters` numbers the two samples of each pair: several pairs of the same two say the same thing twice.
    """
    if not values:
        return None, None, None
    means = np.array([math.fsum(seeds) / len(seeds) for seeds in values], dtype=np.float64)
    moments = clustered(means, np.array(clusters, dtype=np.int64), level, scale)
    return float(moments.mean), known(float(moments.low)), known(float(moments.high))
