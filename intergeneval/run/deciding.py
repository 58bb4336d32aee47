"""A run that stops once it is decided how it stands against a baseline (``--until-decided``).

Clusters of prompts come in a seeded order, and after every few of them the confidence sequence is looked at
(`intergeneval.stats.sequential`), which stays valid however often that is done. What is unanswered enters at its worst and at its
best, as everywhere. The decision is written into the run folder; the rest of the videos can still be run by the same command
without the option.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from intergeneval.errors import ComparabilityError, UsageError
from intergeneval.gate.baselines import ScoredRun, find_baseline
from intergeneval.gate.verdict import TOLERANCE, outcome_of
from intergeneval.ids import canonical_json
from intergeneval.records import Outcome, Record, RunHeader, Sample, Score, metric_range
from intergeneval.stats import PRIMARY, clusters_of, mean_span, paired_bounds, unanswered_pairs, unanswered_text
from intergeneval.stats.sequential import Looked, look, seeded_order
from intergeneval.store import write_atomically

DECISION = "decided.json"
"""File in the run folder with the decision."""
LOOKS = 50
"""About how often a run looks at most: each look reads what was judged so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Record):
    """How a run stands against a baseline after some of its prompts: ``decided.json``."""

    outcome: Outcome
    """pass, regression, or inconclusive where all prompts were looked at and did not decide."""
    baseline: str
    """Name of the baseline's model."""
    low: float
    """Lower end of the confidence sequence of run minus baseline, on the scale of IF."""
    high: float
    """Upper end."""
    tolerance: float
    """Loss that is accepted."""
    clusters: int
    """Clusters looked at: prompts, or scenes where several prompts share one."""
    clusters_total: int
    """Clusters there are."""
    questions: int
    """Questions that were to be asked about the prompts looked at."""
    questions_total: int
    """Questions of the whole run."""
    unanswered: int
    """Pairs of videos looked at of which something has no answer."""

    @property
    def saved(self) -> float:
        """Share of the questions that need not be asked, 0 to 1."""
        return 1 - self.questions / self.questions_total if self.questions_total else 0.0

    @property
    def text(self) -> str:
        """The decision in two sentences."""
        ends = f"{self.low:+.4f} to {self.high:+.4f}"
        looked = f"{self.clusters} of {self.clusters_total} clusters of prompts"
        gaps = f", with {unanswered_text(self.unanswered)}" if self.unanswered else ""
        if self.outcome is Outcome.INCONCLUSIVE:
            return (
                f"NOT DECIDED against {self.baseline} after {looked}: difference {ends} at every look so far (95 %{gaps});"
                " nothing was saved"
            )
        meant = f"a loss of more than {self.tolerance:g} is excluded" if self.outcome is Outcome.PASS else "the run is worse"
        if self.low > 0:
            meant = "the run stands above it"
        return (
            f"DECIDED, {self.outcome.value.upper()} against {self.baseline} after {looked}: difference {ends} (95 %, valid"
            f" however often one looks{gaps}): {meant}; {self.questions_total - self.questions} of {self.questions_total}"
            f" questions ({self.saved:.0%}) need not be asked"
        )


class Watch:
    """Looks at a run after every few clusters, and says when it is decided."""

    def __init__(self, baseline: ScoredRun, header: RunHeader, samples: Sequence[Sample], questions: dict[str, int]) -> None:
        self._baseline = baseline
        self._header = header
        self._samples = {sample.id: sample for sample in samples}
        self._clusters = clusters_of(samples)
        self._order = seeded_order(self._clusters)
        self._questions = questions

    @classmethod
    def of(
        cls,
        name: str,
        header: RunHeader,
        samples: Sequence[Sample],
        questions: dict[str, int],
        seeds: Mapping[str, Sequence[int]],
    ) -> Self:
        """Read the baseline and check that the run may be compared with it.

        `questions` are how many each sample is asked, `seeds` those of each sample that the run scores. Raises
        UsageError where there is no such baseline or it shares no video with the run, ComparabilityError naming the fields in
        which the two differ.
        """
        baseline = find_baseline(name)
        differing = baseline.header.comparability.differences(header.comparability)
        if differing:
            raise ComparabilityError(
                f"--until-decided {name}: the baseline was not made alike, these fields differ: {', '.join(differing)}"
            )
        theirs = {(score.sample_id, score.seed) for score in baseline.scores}
        if not {sample_id for sample_id, _ in theirs} & {sample.id for sample in samples}:
            raise UsageError(f"--until-decided {name}: the baseline holds none of this run's samples")
        mine = {(sample.id, seed) for sample in samples for seed in seeds[sample.id]}
        if not mine & theirs:
            held, run = (sorted({seed for _, seed in keys}) for keys in (theirs, mine))
            raise UsageError(
                f"--until-decided {name}: the baseline holds no video of the same sample and seed, so nothing could be decided:"
                f" its seeds are {', '.join(map(str, held))}, the run's are {', '.join(map(str, run))}; make both with the same"
            )
        return cls(baseline, header, samples, questions)

    def parts(self, least: int) -> Iterator[list[Sample]]:
        """Give the samples in the order of looking, whole clusters at a time, at least `least` clusters between two looks."""
        step = max(1, least, math.ceil(len(self._order) / LOOKS))
        for start in range(0, len(self._order), step):
            yield [self._samples[name] for members in self._order[start : start + step] for name in members]

    def decide(self, scores: Sequence[Score], seen: Sequence[Sample]) -> Decision:
        """Return how the run stands after the samples in `seen`, which are whole clusters in the order of looking."""
        names = {sample.id for sample in seen}
        profile = self._header.comparability.profile
        mine = [score for score in scores if score.sample_id in names]
        spans = paired_bounds(self._baseline.scores, mine, PRIMARY, profile)
        places = {name: place for place, members in enumerate(self._order) for name in members}
        ids = sorted(spans, key=lambda name: places[name])
        means = np.array([mean_span(spans[name]) for name in ids], dtype=np.float64).reshape(-1, 2)
        codes = np.array([places[name] for name in ids], dtype=np.int64)
        least, most = metric_range(PRIMARY, profile)
        largest = max(len(members) for members in self._order)
        found = Looked(low=least - most, high=most - least, clusters=0)
        if ids:
            found = look(means[:, 0], means[:, 1], codes, largest, (least - most, most - least))
        return Decision(
            outcome=outcome_of(found.low, found.high),
            baseline=self._baseline.name,
            low=found.low,
            high=found.high,
            tolerance=TOLERANCE,
            clusters=len({self._clusters[name] for name in names}),
            clusters_total=len(self._order),
            questions=sum(self._questions[name] for name in names),
            questions_total=sum(self._questions.values()),
            unanswered=unanswered_pairs(spans),
        )


def write_decision(folder: Path, decision: Decision) -> None:
    """Write the decision into a run folder. Raises OSError."""
    write_atomically(folder / DECISION, canonical_json(decision.to_json()) + "\n")
