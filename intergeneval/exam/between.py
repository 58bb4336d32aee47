"""Several judges of the same videos: how far they agree, question by question, and what most of them say. Reads only.

Each judge keeps a score of its own. The majority is one more column and never the default: judges that err alike outvote the one
that is right, and where not more than half of them say the same there is no majority, so that its score has bounds.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from intergeneval.errors import UsageError
from intergeneval.exam.agreement import agreement
from intergeneval.gate.run_scores import score_run
from intergeneval.records import (
    CONTROL_ID,
    Answer,
    AnswerStatus,
    AnswerValue,
    Consistency,
    Profile,
    Sample,
    Score,
    Video,
)
from intergeneval.scores import score_videos
from intergeneval.stats import controls, mean_span, prompt_scores
from intergeneval.store import RunStore

Json: TypeAlias = dict[str, Any]
Place: TypeAlias = tuple[int, str, int, int, int]
"""Which of the judge's runs, sample, seed, interaction, question id."""
MAJORITY = "majority"


@dataclass(frozen=True, slots=True)
class _Panelist:
    name: str
    stores: Sequence[RunStore]
    answers: Mapping[Place, Answer]

    def said(self, place: Place) -> bool | None:
        found = self.answers.get(place)
        if found is None or found.status is not AnswerStatus.OK:
            return None
        return found.verdict is AnswerValue.YES


def between(runs: Mapping[str, Sequence[RunStore]]) -> Json:
    """Return scores of each judge, agreement and kappa of each pair in all and by question, and the majority.

    `runs` holds each judge's run folders by its name, in the same order for every judge. Raises UsageError where they are not
    runs of the same videos and questions.
    """
    panel = [_panelist(name, stores) for name, stores in runs.items()]
    _check(panel)
    return {
        "judges": [_alone(judge) for judge in panel],
        "pairs": [_pair(one, other) for one, other in itertools.combinations(panel, 2)],
        MAJORITY: _majority(panel),
    }


def _panelist(name: str, stores: Sequence[RunStore]) -> _Panelist:
    """Gather what a judge said; answers about a twin's interaction count for `contrast` alone."""
    known: dict[Place, Answer] = {}
    for number, store in enumerate(stores):
        for item in store.current_answers():
            if item.repeat == 0:
                known[number, item.sample_id, item.seed, item.interaction, item.question_id] = item
    return _Panelist(name, stores, known)


def _check(panel: Sequence[_Panelist]) -> None:
    """Raise UsageError unless every judge was asked the same questions about the same files."""
    first = panel[0]
    for judge in panel[1:]:
        for one, other in zip(first.stores, judge.stores, strict=True):
            mine, theirs = one.header.comparability, other.header.comparability
            told = [name for name in mine.differences(theirs) if name in ("bench", "questions", "sampling", "profile", "samples")]
            if told or _files(one) != _files(other):
                what = f"differ in {', '.join(told)}" if told else "are about other files"
                raise UsageError(f"{other.folder}: its answers {what} than those of {one.folder}; run both judges anew")


def _files(store: RunStore) -> dict[tuple[str, int], str]:
    return {(item.sample_id, item.seed): item.sha256 for item in store.read("videos", Video)}


def _alone(judge: _Panelist) -> Json:
    scores = [score_run(store) for store in judge.stores]
    asked = controls(judge.answers.values())
    return {
        "judge": judge.name,
        "revision": judge.stores[0].header.comparability.judge_revision,
        "folders": [str(store.folder) for store in judge.stores],
        **_mean(scores),
        "controls": None if asked is None else asked.to_json(),
    }


def _mean(runs: Sequence[Sequence[Score]]) -> Json:
    """Return the mean over runs of the mean over prompts, and the mean of all bounds."""
    means = [sum(known) / len(known) for scores in runs if (known := list(prompt_scores(scores).values()))]
    spans = [score.if_bounds for scores in runs for score in scores if score.if_bounds is not None]
    return {
        "if": sum(means) / len(means) if means else None,
        "if_bounds": list(mean_span(spans)) if spans else None,
        "videos": sum(len(scores) for scores in runs),
    }


def _pair(one: _Panelist, other: _Panelist) -> Json:
    places = [place for place in one.answers if place in other.answers and place[4] != CONTROL_ID]
    both = [place for place in places if one.said(place) is not None and other.said(place) is not None]
    numbers = sorted({place[4] for place in both})
    return {
        "first": one.name,
        "second": other.name,
        **_agreed(one, other, both),
        "unanswered": len(places) - len(both),
        "questions": {str(number): _agreed(one, other, [place for place in both if place[4] == number]) for number in numbers},
    }


def _agreed(one: _Panelist, other: _Panelist, places: Sequence[Place]) -> Json:
    mine, theirs = [bool(one.said(place)) for place in places], [bool(other.said(place)) for place in places]
    found = agreement(mine, theirs, [place[1] for place in places])
    kappa, ends = found.kappa, found.kappa_interval
    if mine and 1 in (len(set(mine)), len(set(theirs))):
        # One that always says the same agrees with the other by chance alone; of two that do so alike nothing can be said.
        kappa, ends = (None if mine == theirs else 0.0), None
    return {
        "agreement": found.accuracy.value,
        "agreement_interval": found.accuracy.interval,
        "kappa": kappa,
        "kappa_interval": ends,
        "count": len(places),
        "yes": [sum(bool(judge.said(place)) for place in places) for judge in (one, other)],
    }


def _majority(panel: Sequence[_Panelist]) -> Json:
    """Return the mean of scores from what more than half of the judges say; frames are those of the first judge's runs."""
    runs: list[list[Score]] = []
    undecided = asked = 0
    for number, store in enumerate(panel[0].stores):
        answers = []
        for place, answer in panel[0].answers.items():
            if place[0] != number or place[4] == CONTROL_ID:
                continue
            voted = _vote(panel, place, answer)
            asked += 1
            undecided += voted.status is not AnswerStatus.OK
            answers.append(voted)
        header = store.header
        scored = score_videos(
            list({item.id: item for item in store.read("samples", Sample)}.values()),
            store.read("videos", Video),
            answers,
            store.read("consistency", Consistency),
            Profile(header.comparability.profile),
            header.seeds,
            header.comparability.partial,
        )
        runs.append(scored)
    return {**_mean(runs), "questions": asked, "undecided": undecided}


def _vote(panel: Sequence[_Panelist], place: Place, answer: Answer) -> Answer:
    said = [vote for judge in panel if (vote := judge.said(place)) is not None]
    yes, no = sum(said), len(said) - sum(said)
    # More than half of all judges, the silent ones too: one that answers alone is no majority.
    if 2 * max(yes, no) <= len(panel):
        why = f"of {len(panel)} judges {yes} say yes and {no} say no" if said else "no judge answered"
        return replace(answer, status=AnswerStatus.UNANSWERABLE, value=None, frame=None, reason=why, judge=MAJORITY, evidence={})
    value = AnswerValue.YES if yes > no else AnswerValue.NO
    reason = f"{yes} of {len(panel)} judges say yes, {no} no"
    return replace(answer, status=AnswerStatus.OK, value=value, frame=None, reason=reason, judge=MAJORITY, evidence={})


def between_text(found: Json) -> str:
    """Return the figures as lines of text."""
    lines = ["Judges of the same videos, each scored apart", f"{'judge':<40}{'IF':>7}{'videos':>8}  controls yes"]
    for item in found["judges"]:
        asked = item["controls"]
        told = "-" if asked is None or asked.get("share") is None else f"{asked['yes']} of {asked['answered']}"
        flatters = "  FLATTERS" if asked is not None and asked.get("flatters") else ""
        lines.append(f"{item['judge']:<40}{_three(item['if']):>7}{item['videos']:>8}  {told}{flatters}")
    most = found[MAJORITY]
    told = f"{most['undecided']} of {most['questions']} questions undecided"
    lines.append(f"{'majority (no judge; never the default)':<40}{_three(most['if']):>7}{most['videos']:>8}  {told}")
    for pair in found["pairs"]:
        lines += ["", f"{pair['first']} and {pair['second']}", "question   agree   kappa  answers"]
        rows = [("all", pair), *pair["questions"].items()]
        lines += [f"{name:<9}{_three(row['agreement']):>7}{_three(row['kappa']):>8}{row['count']:>9}" for name, row in rows]
    return "\n".join(lines)


def _three(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
