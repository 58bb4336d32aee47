"""What follows from the answers."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from intergeneval.records.codec import LATER, Record
from intergeneval.records.limits import Id, Measure


class Profile(enum.StrEnum):
    """What is counted, how SPI is computed, and how missing videos are treated (protocol, section 1)."""

    PAPER = "paper"
    """As the paper has it: all ten questions, SPI in [-4, 1], no score for a missing video."""
    BOUNDED = "bounded"
    """Ours, and the default: questions that the first frame decides are left out, SPI in [0, 1], 0 for a missing video."""
    INFORMATIVE = "informative"
    """As bounded, without what nearly every video gets right (questions 1 and 7), and times the plausibility of bodies."""


class ScoreStatus(enum.StrEnum):
    """Whether the video is scored, and if not, why."""

    OK = "ok"
    MISSING = "missing"
    UNDECODABLE = "undecodable"
    UNANSWERED = "unanswered"
    """Answers failed, were refused or could not be parsed, or are not there yet; a resume asks again."""
    UNANSWERABLE = "unanswerable"
    """Too few questions can be answered by this judge with these tracks."""
    UNTRACKED = "untracked"
    """An instance of an interaction was lost in over 20 % of its sampled frames: SPI is None."""
    FOREIGN_FIRST_FRAME = "foreign_first_frame"
    """The video begins with another picture than the benchmark's first frame, so that nothing said of its instances holds."""


UNSCORED = frozenset({ScoreStatus.UNANSWERED, ScoreStatus.UNANSWERABLE, ScoreStatus.UNTRACKED, ScoreStatus.FOREIGN_FIRST_FRAME})
"""A video was there and has no score."""
MISSING = frozenset({ScoreStatus.MISSING, ScoreStatus.UNDECODABLE})
"""There was no video to score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionScore(Record):
    """Raw shares of one key interaction of one video, over the questions that the profile counts for it."""

    interaction: int
    """Index of the key interaction."""
    kisa_raw: Measure | None
    """Share of yes among the answered of the askable of questions 1-6, 0 to 1; None with none answered, and with under two thirds
    answered of an interaction without a score."""
    sgi_raw: Measure | None
    """Share of yes among the answered of the askable of questions 7-10, 0 to 1; None with none answered, and with under three
    quarters answered of an interaction without a score."""
    kisa_answered: int
    """Askable questions of 1-6 with an answer."""
    sgi_answered: int
    """Askable questions of 7-10 with an answer."""
    kisa_bounds: tuple[Measure, Measure]
    """KISA_raw with all unanswered counted as no, and as yes."""
    sgi_bounds: tuple[Measure, Measure]
    """SGI_raw with all unanswered counted as no, and as yes."""
    unscored: int = 0
    """Questions that failed, were refused, unparsed, or not yet asked."""
    left_out: tuple[int, ...] = field(default=(), metadata=LATER)
    """Ids of questions that the profile does not count for this interaction."""
    declined: tuple[int, ...] = field(default=(), metadata=LATER)
    """Ids of counted questions that the judge declared unanswerable for the verb before it saw a video: not askable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score(Record):
    """The score of one video, or the reason it has none: one line of ``scores.jsonl``. Numbers are unrounded."""

    sample_id: Id
    """The sample."""
    seed: int
    """The seed."""
    status: ScoreStatus
    """ok, or why a number below is None."""
    reason: str = ""
    """The status in one sentence; empty when ok."""
    kisa_raw: Measure | None = None
    """Mean over interactions of the share of yes among the counted of questions 1-6, 0 to 1."""
    sgi_raw: Measure | None = None
    """Mean over interactions of the share of yes among the counted of questions 7-10, 0 to 1."""
    spi: Measure | None = None
    """Semantic propagation: [-4, 1] under ``paper``, else [0, 1]."""
    kisa: Measure | None = None
    """kisa_raw * spi."""
    sgi: Measure | None = None
    """sgi_raw * spi."""
    if_: Measure | None = None
    """Interaction fidelity, (kisa + sgi) / 2, under ``informative`` times `plausibility`; JSON field ``if``."""
    plausibility: Measure | None = field(default=None, metadata=LATER)
    """Under ``informative``: 1 less the share of sampled frames after frame 0 that show what cannot be, 0 to 1; 1 unlooked."""
    answered: str = "0/0"
    """Askable questions with an answer, over askable questions, such as ``19/20``."""
    partial: tuple[str, ...] = ()
    """Parts not assessed; with ``emergence`` in it all numbers that contain SPI are upper bounds."""
    emergence_ratio: Measure | None = None
    """Share of the assessed frames after frame 0 with an emergence, 0 to 1."""
    disappearance_ratio: Measure | None = None
    """Share of the assessed frames after frame 0 with a disappearance, 0 to 1."""
    kisa_bounds: tuple[Measure, Measure] | None = None
    """kisa_raw with all unanswered counted as no, and as yes; a video that a profile counts 0 has no other value."""
    sgi_bounds: tuple[Measure, Measure] | None = None
    """sgi_raw with all unanswered counted as no, and as yes."""
    interactions: tuple[InteractionScore, ...] = ()
    """The parts that the means above are taken over."""
    if_bounds: tuple[Measure, Measure] | None = field(default=None, metadata=LATER)
    """Lowest and highest IF, were everything without an answer known; every video has them. None in what was written before."""
    spi_bounds: tuple[Measure, Measure] | None = field(default=None, metadata=LATER)
    """SPI with all frames that could not be told counted as the worst, and as none."""
    emergence_bounds: tuple[Measure, Measure] | None = field(default=None, metadata=LATER)
    """Share of the sampled frames after frame 0 with an emergence, at least and at most; None where nobody looks for it."""
    disappearance_bounds: tuple[Measure, Measure] | None = field(default=None, metadata=LATER)
    """Share of the sampled frames after frame 0 with a disappearance, at least and at most."""
    plausibility_bounds: tuple[Measure, Measure] | None = field(default=None, metadata=LATER)
    """Under ``informative``: `plausibility` at least and at most; None where nobody looks for it."""
    open: tuple[tuple[str, Measure], ...] = field(default=(), metadata=LATER)
    """What has no answer, as (name, weight in its share or ratio): a question ``interaction:id``, a frame ``emergence:8``,
    ``disappearance:8`` or ``plausibility:8``, or ``video`` where nothing is known."""
    video: str = field(default="", metadata=LATER)
    """sha256 of the video, put in by whoever compares runs; ``scores.jsonl`` leaves it to ``videos.jsonl``. Empty where there was
    none to read."""
