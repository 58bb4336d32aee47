"""What stands on the grid of the first page: a video, a model of a sample, a sample."""

from __future__ import annotations

from dataclasses import dataclass

from intergeneval.records import Score
from intergeneval.report.marks import Mark
from intergeneval.report.stills import Still

NAMED = {"y": "yes", "n": "no", "o": "no, implausible", "u": "unanswerable", "f": "failed", "-": "not asked"}
"""Letter of an answer -> word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """What the grid keeps of one video after its page was written."""

    label: str
    """Model name."""
    anchor: str
    """Anchor of the video on its sample's page."""
    seed: int
    """The seed."""
    still: Still
    """Poster and strip."""
    video: str
    """Address of the video in the report; empty where it cannot be played, or is inside the one file anyway."""
    letters: str
    """One letter a question, interaction by interaction: see `NAMED`."""
    marks: tuple[Mark, ...]
    """What stands beside its score."""
    score: Score
    """Its score."""
    product: str
    """Its IF in one line; empty where it did not come of KISA, SGI and SPI."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One model on a sample's card."""

    label: str
    """Model name."""
    place: int
    """Its row in the leaderboard, from 0."""
    value: float | None
    """Prompt score: the mean over its seeds; None where there is none."""
    seeds: int
    """Videos of this sample."""
    status: str
    """``ok``, or why the video shown has no score."""
    glimpse: Glimpse
    """The video shown: the first seed with a picture."""

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What stands beside its score."""
        return self.glimpse.marks

    @property
    def product(self) -> str:
        """IF in one line, as `intergeneval.report.arithmetic.in_one_line` writes it; empty for a mean over seeds."""
        return self.glimpse.product if self.seeds == 1 else ""

    @property
    def yes(self) -> tuple[int, int]:
        """How many of its questions were answered yes, and how many were answered."""
        letters = self.glimpse.letters
        return letters.count("y"), sum(letter in "yno" for letter in letters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One sample on the grid."""

    place: int
    """Its place in the benchmark's order, from 0."""
    name: str
    """File name of its page, without extension."""
    id: str
    """The sample."""
    href: str
    """Where its page is."""
    prompt: str
    """The prompt's words, cut to what a card holds."""
    categories: tuple[str, ...]
    """Kinds of its interactions."""
    verbs: tuple[str, ...]
    """Their verbs."""
    level: str
    """How hard it is, in the benchmark's words, else by thirds of what was measured; empty where neither is known."""
    mean: float | None
    """Mean of the models' prompt scores; None where no model has one."""
    spread: float | None
    """Largest less smallest of them; of one model its bounds' width, or its seeds'."""
    tiles: tuple[Tile, ...]
    """Models that have a video of it, in leaderboard order."""
    badge: str = ""
    """``worst``, ``best`` or ``most disputed``; empty else."""
    among: int = 0
    """How many share that with it, itself counted; 0 where it alone has its value or place."""
