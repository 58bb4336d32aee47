"""What may be said of models: estimates, paired comparisons, tie groups, slices and verdicts."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from intergeneval.records.codec import LATER, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate(Record):
    """A model's mean over prompts with its interval; numbers are on the metric's own scale and unrounded."""

    metric: str
    """Name of the score's field: ``if``, ``kisa``, ``sgi``, ``spi``, ``kisa_raw`` or ``sgi_raw``."""
    level: float
    """Confidence level of the interval, such as 0.95."""
    mean: float | None
    """Mean over the scored prompts, equal weights; None when nothing was judged. Where `open` is not 0 it orders nothing."""
    se: float | None
    """Clustered standard error of the mean; None with fewer than two clusters."""
    low: float | None
    """Lower end of the interval, inside the metric's range: that of the mean with everything unanswered taken as no. None with
    fewer than two clusters or in a thin slice."""
    high: float | None
    """Upper end of the interval: that of the mean with everything unanswered taken as yes."""
    sd: float | None
    """Standard deviation of the prompt scores; None with fewer than two prompts."""
    prompts: int
    """Prompts with at least one scored video: what the mean is taken over."""
    prompts_total: int
    """Prompts with any score line."""
    clusters: int
    """Clusters of all prompts with a score line; the interval uses t on ``clusters - 1``."""
    videos: int
    """Scored videos."""
    videos_total: int
    """Score lines, scored or not."""
    coverage: float
    """``prompts / prompts_total``, 0 to 1; 0 when there are none."""
    statuses: Mapping[str, int] = field(default_factory=dict)
    """Number of videos per score status."""
    partial: tuple[str, ...] = ()
    """Parts not assessed in any scored video; not empty: numbers that contain SPI are upper bounds."""
    caveat: str = ""
    """What keeps the interval from being read as usual, in one sentence; empty when nothing does."""
    bounds: tuple[float, float] | None = field(default=None, metadata=LATER)
    """Mean over all prompts with everything unanswered taken as no, and as yes; None when nothing was judged."""
    open: int = field(default=0, metadata=LATER)
    """Videos of which something has no answer, so that the bounds have a width."""

    @property
    def middle(self) -> float | None:
        """The middle of the bounds: what models are listed by; None when nothing was judged."""
        return None if self.bounds is None else (self.bounds[0] + self.bounds[1]) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptDifference(Record):
    """One prompt in two runs, means over the seeds that both scored."""

    sample_id: str
    """The sample."""
    baseline: float
    """Prompt score in the first run."""
    candidate: float
    """Prompt score in the second run."""
    difference: float
    """``candidate - baseline``."""
    seeds: tuple[int, ...]
    """The seeds in common, rising."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Record):
    """The paired difference ``candidate - baseline`` of one metric over the prompts that both runs hold.

    What is claimed goes by `low` and `high`, which hold the difference whatever the missing answers are: the candidate is better
    where `low` is above 0, worse where `high` is below. The numbers over scored videos alone claim nothing where `unanswered` is
    not 0.
    """

    baseline: str
    """Name of the first run."""
    candidate: str
    """Name of the second run."""
    metric: str
    """Name of the score's field."""
    secondary: bool
    """False for the primary outcome alone; secondary ones are read by `p_adjusted`."""
    level: float
    """Confidence level of the interval."""
    difference: float | None
    """Mean of candidate minus baseline over the prompts scored in both; None when none is."""
    se: float | None
    """Clustered standard error of the difference; None with fewer than two clusters."""
    low: float | None
    """Lower end of the interval of (lowest candidate minus highest baseline), inside the range of a difference; None with fewer
    than two clusters or in a thin slice."""
    high: float | None
    """Upper end of the interval of (highest candidate minus lowest baseline)."""
    sd: float | None
    """Standard deviation of the prompt differences; None with fewer than two prompts."""
    baseline_mean: float | None
    """Mean of the first run over the prompts scored in both."""
    candidate_mean: float | None
    """Mean of the second run over the prompts scored in both."""
    correlation: float | None
    """Pearson correlation of the prompt scores; None under three prompts or where one run does not vary."""
    p: float | None
    """Two-sided sign-flip p, flipped by cluster, of the end of the bounds that is nearer to 0, and 1 where they hold 0; None when
    nothing is compared or in a thin slice."""
    p_adjusted: float | None
    """p after Holm, over the family that `family` counts."""
    family: int
    """Number of tests that `p_adjusted` is adjusted for."""
    flips: int
    """Sign patterns behind p: all of them when `exact`, else drawn at random with a fixed seed."""
    exact: bool
    """Whether all sign patterns were gone through."""
    prompts: int
    """Prompts compared: those that both runs hold a video of, scored or not."""
    prompts_total: int
    """Prompts in either run."""
    clusters: int
    """Clusters among the compared prompts."""
    videos: int
    """Pairs of videos compared."""
    coverage: float
    """``prompts / prompts_total``, 0 to 1."""
    only_baseline: int
    """Videos that only the first run has."""
    only_candidate: int
    """Videos that only the second run has."""
    unscored_baseline: int
    """Videos in both runs for which the first has no value."""
    unscored_candidate: int
    """Videos in both runs for which the second has no value."""
    mismatched: int
    """Scored pairs left out since different parts of them were not assessed."""
    wins: int
    """Prompts on which the candidate is better, whatever the missing answers are."""
    ties: int
    """Prompts with equal scores."""
    losses: int
    """Prompts on which the baseline is better."""
    minimum_detectable: float | None
    """Smallest true difference found in 80 % of repeats with this spread and this many clusters."""
    partial: tuple[str, ...] = ()
    """Parts not assessed, the same in both runs."""
    caveat: str = ""
    """What keeps the interval from being read as usual, in one sentence; empty when nothing does."""
    lowest: float | None = field(default=None, metadata=LATER)
    """Mean over prompts of (lowest candidate minus highest baseline); None when nothing is compared."""
    highest: float | None = field(default=None, metadata=LATER)
    """Mean over prompts of (highest candidate minus lowest baseline)."""
    unanswered: int = field(default=0, metadata=LATER)
    """Compared pairs of videos of which something has no answer, so that their difference is known within bounds only."""
    undecided: int = field(default=0, metadata=LATER)
    """Prompts on which the missing answers say who is better."""
    scored: int = field(default=0, metadata=LATER)
    """Prompts with a video scored in both: what `difference` is taken over."""

    @property
    def better(self) -> bool:
        """Whether the candidate stands above the baseline."""
        return self.low is not None and self.low > 0

    @property
    def worse(self) -> bool:
        """Whether the baseline stands above the candidate."""
        return self.high is not None and self.high < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinPair(Record):
    """Two videos of twins, one seed: each asked about both interactions (protocol, section 1, Contrast).

    s(V, T) is the share of yes of video V about interaction T, over the questions answered about both interactions of V.
    """

    first: str
    """Id of the sample of video A."""
    second: str
    """Id of its twin, the sample of video B."""
    seed: int
    """The seed of both videos."""
    first_own: float
    """s(A, a), 0 to 1."""
    first_other: float
    """s(A, b), 0 to 1."""
    second_own: float
    """s(B, b), 0 to 1."""
    second_other: float
    """s(B, a), 0 to 1."""

    @property
    def contrast(self) -> float:
        """1 where both videos show their own interaction rather than the twin's, 0 where one does not; a tie counts half."""
        return _ahead(self.first_own, self.first_other) * _ahead(self.second_own, self.second_other)

    @property
    def sensitivity(self) -> float:
        """How much the answers move when the roles are exchanged, -1 to 1."""
        return (self.first_own - self.first_other + self.second_own - self.second_other) / 2


def _ahead(own: float, other: float) -> float:
    return 0.5 if own == other else float(own > other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast(Record):
    """How well a model keeps apart who does it and to whom it is done, over twins; a judge's bias towards yes cancels."""

    contrast: float | None
    """Mean over pairs, 0 to 1; .25 by chance. None when no pair could be judged."""
    contrast_low: float | None
    """Lower end of its interval by pair; None with fewer than two pairs."""
    contrast_high: float | None
    """Upper end."""
    sensitivity: float | None
    """Mean over pairs, -1 to 1; 0 by chance."""
    sensitivity_low: float | None
    """Lower end of its interval by pair."""
    sensitivity_high: float | None
    """Upper end."""
    level: float
    """Confidence level of the intervals."""
    pairs: tuple[TwinPair, ...]
    """The pairs behind the means whose videos were both judged, each seed apart; pairs with a missing video count beside them."""
    unjudged: Mapping[str, str] = field(default_factory=dict)
    """``first + second, seed n`` of pairs of which a video is missing or was not judged -> why."""
    contrast_bounds: tuple[float, float] | None = field(default=None, metadata=LATER)
    """Mean over all pairs with everything unanswered as bad and as good as it can be; None when no pair could be judged."""
    sensitivity_bounds: tuple[float, float] | None = field(default=None, metadata=LATER)
    """The same for sensitivity."""
    open: int = field(default=0, metadata=LATER)
    """Pairs of videos of which something has no answer that could change their contrast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TieGroup(Record):
    """Models of which each stands above every model of the groups below, and that are not all told apart among themselves."""

    rank: int
    """Place of the leader, from 1; all members share it."""
    leader: str
    """The member with the highest middle of its bounds."""
    members: tuple[str, ...]
    """Names by falling middle of the bounds, the leader first."""
    comparisons: tuple[Comparison, ...]
    """Each other member against the leader (leader = baseline), in the order of `members`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceEstimate(Record):
    """A model's estimate on the prompts that share a label."""

    dimension: str
    """``category``, ``direction``, ``instances`` or ``tag``."""
    label: str
    """Value of the dimension, such as ``contact`` or ``3``."""
    thin: bool
    """Fewer than 20 scored prompts: the slice is shown without an interval and claims nothing."""
    estimate: Estimate
    """The estimate over the slice's prompts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceComparison(Record):
    """A paired comparison on the prompts that share a label."""

    dimension: str
    """``category``, ``direction``, ``instances`` or ``tag``."""
    label: str
    """Value of the dimension."""
    thin: bool
    """Fewer than 20 compared prompts: shown without interval and p, and claims nothing."""
    comparison: Comparison
    """The comparison over the slice's prompts; always secondary."""


class Outcome(enum.StrEnum):
    """What the gate found."""

    PASS = "pass"  # noqa: S105  # the word of the contract, no password
    REGRESSION = "regression"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(Record):
    """Whether a run may replace its baseline."""

    outcome: Outcome
    """pass, regression or inconclusive, tested in this order."""
    tolerance: float
    """Loss that is accepted, on the scale of the metric."""
    reason: str
    """The verdict in one or two sentences with its numbers."""
    comparison: Comparison
    """What it rests on: run minus baseline."""
    prompts_needed: int | None = None
    """Prompts with which 80 % of repeats would decide, at this difference and spread; None when decided or unknowable."""
    unchanged_pass_share: float | None = None
    """Share of runs of an unchanged model that would pass with this spread and these prompts; None without a spread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness(Record):
    """How much of a run has a score."""

    expected: int
    """Videos the run should hold: asked samples times seeds, or the score lines where that is more."""
    missing: int
    """Videos that are missing, undecodable, or have no score line."""
    unscored: int
    """Videos that are there and have no score: answers failed or are not there yet, too few could be given, an instance was lost,
    or the first frame is another picture."""
    allowed: float
    """Share of missing and unscored videos that is accepted, 0 to 1."""
    complete: bool
    """Whether ``(missing + unscored) / expected`` is at or under `allowed`, and there is a video at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls(Record):
    """What a judge answered to control questions, which must be no; part of no score."""

    asked: int
    """Controls that were asked."""
    answered: int
    """Controls with an answer."""
    yes: int
    """Controls answered yes."""
    share: float | None = None
    """Share of yes among those answered, 0 to 1; None where none was answered."""
    low: float | None = None
    """Lower end of its 95 % interval (Wilson)."""
    high: float | None = None
    """Upper end of it."""
    limit: float | None = None
    """Share above which a judge flatters."""
    flatters: bool = False
    """Whether the share is above the limit, and plainly so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone(Record):
    """Interactions that nobody does, as a judge says once, at question 8: the noes to 8, 9 and 10 are one failure there."""

    asked: int
    """Interactions, of all videos, with answers to 8, 9 and 10."""
    undone: int
    """Those of which the judge says that nobody does it."""
    where: tuple[tuple[str, int, int], ...] = ()
    """(sample, seed, interaction) of each of these."""
