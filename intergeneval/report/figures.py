"""The drawings of the first page: share of yes by question, categories side by side, IF against coverage. All pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from intergeneval.records import Estimate
from intergeneval.report.formats import shorten
from intergeneval.report.leaderboard import Group, Row

QUESTIONS = {
    1: ("pre", "not yet begun"),
    2: ("during", "sets about it"),
    3: ("during", "the two come together"),
    4: ("during", "and stay so"),
    5: ("during", "the deed makes progress"),
    6: ("post", "the outcome shows at the end"),
    7: ("grounding", "the subject acts"),
    8: ("grounding", "the right subject does it"),
    9: ("grounding", "to the right object"),
    10: ("grounding", "the object undergoes it, whoever acts"),
}
"""Question id -> its stage, and what it asks in a few words."""
_PLOT = (44.0, 22.0, 196.0, 180.0)
"""Left, top, width and height of the coverage plot's frame, in units."""
_NAMES = 256.0
"""Where its names begin."""
_PITCH = 13.0
"""Least distance of two names."""
MOST_NAMES = 14
"""Models that have a name in the plot; the table has all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One question and model."""

    yes: int
    """Answers that are yes."""
    answered: int
    """Answers that are yes or no."""
    asked: int
    """Videos and interactions it was asked about."""

    @property
    def share(self) -> float | None:
        """Share of yes among the answered; None with none."""
        return self.yes / self.answered if self.answered else None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatRow:
    """One question with every model."""

    question_id: int
    """1 to 10."""
    stage: str
    """Its stage."""
    what: str
    """What it asks, in a few words."""
    cells: tuple[Cell, ...]
    """One entry a row of the group."""


def heat_map(group: Group, letters: Mapping[str, Iterable[str]]) -> tuple[HeatRow, ...]:
    """Return the share of yes by question and model, over videos and interactions; questions nobody was asked are absent.

    `letters` are the answers about each model's videos, ten an interaction, as `intergeneval.report.gallery` writes them.
    """
    columns = [_counts(letters.get(row.label, ())) for row in group.rows]
    rows = [
        HeatRow(question_id=number, stage=stage, what=what, cells=tuple(Cell(**column[number]) for column in columns))
        for number, (stage, what) in QUESTIONS.items()
    ]
    return tuple(row for row in rows if any(cell.asked for cell in row.cells))


def _counts(letters: Iterable[str]) -> dict[int, dict[str, int]]:
    found = {number: Counter[str]() for number in QUESTIONS}
    for video in letters:
        for place, letter in enumerate(video):
            found[place % len(QUESTIONS) + 1][letter] += 1
    return {
        number: {"yes": told["y"], "answered": told["y"] + told["n"] + told["o"], "asked": told.total() - told["-"]}
        for number, told in found.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One category with every model."""

    label: str
    """The category."""
    prompts: int
    """Scored prompts of the best covered model."""
    thin: bool
    """Whether it claims nothing."""
    estimates: tuple[Estimate | None, ...]
    """One entry a row of the group."""


def panels(group: Group) -> tuple[Panel, ...]:
    """Return the categories, where there are several: with one there is nothing to set side by side."""
    found = [item for item in group.slices if item.dimension == "category"]
    if len(found) < 2:
        return ()
    return tuple(Panel(label=item.label, prompts=item.prompts, thin=item.thin, estimates=item.estimates) for item in found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One model in the plot of IF against coverage; places in units."""

    label: str
    """Model name, cut."""
    x: float
    """Place of its coverage."""
    y: float
    """Place of its mean."""
    bounds: str
    """Path of its bounds; empty where they have no width."""
    leader: str
    """Path from the point to its name; empty where it has none."""
    name_y: float
    """Place of its name; 0 where it has none."""
    text: str
    """The numbers in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveragePlot:
    """IF with its bounds against the share of videos that were scored."""

    points: tuple[Point, ...]
    """One entry a model with a mean."""
    xs: tuple[tuple[float, str], ...]
    """Ticks of the share: place, text."""
    ys: tuple[tuple[float, str], ...]
    """Ticks of IF."""
    height: float
    """Units it is high."""


def coverage_plot(group: Group) -> CoveragePlot | None:
    """Return the plot; None where it has nothing to tell: no model has a mean, or every video is scored and nothing is open."""
    left, top, width, height = _PLOT
    rows = [row for row in group.rows if row.main.mean is not None]
    if not rows or all(row.scored_share == 1 and not row.main.open for row in rows):
        return None
    ends = [end for row in rows for end in (row.main.mean, *(row.main.bounds or ())) if end is not None]
    floor = min(0.0, *ends)
    lowest = min(row.scored_share for row in rows)
    begin = 0.0 if lowest < 0.5 else 0.5

    def across(share: float) -> float:
        return round(left + width * (share - begin) / (1.0 - begin), 1)

    def up(value: float) -> float:
        return float(round(top + height * (1 - (value - floor) / (1 - floor)), 1))

    names = _apart([up(row.main.mean or 0.0) for row in rows]) if len(rows) <= MOST_NAMES else {}
    points = tuple(
        _point(row, (across(row.scored_share), up(row.main.mean or 0.0)), up, names.get(place)) for place, row in enumerate(rows)
    )
    quarters = [begin + (1 - begin) * step / 2 for step in range(3)]
    return CoveragePlot(
        points=points,
        xs=tuple((across(share), f"{share * 100:g}\u202f%") for share in quarters),
        ys=tuple((up(value), f"{value:g}".replace("-", "−")) for value in _y_ticks(floor)),
        height=max(top + height + 40, max(names.values(), default=0.0) + 8),
    )


def _y_ticks(floor: float) -> list[float]:
    if floor >= 0:
        return [0.0, 0.25, 0.5, 0.75, 1.0]
    return [float(value) for value in range(int(floor), 2)]


def _point(row: Row, at: tuple[float, float], up: Callable[[float], float], name: float | None) -> Point:
    x, y = at
    bounds = row.main.bounds
    drawn = f"M{x} {up(bounds[0])}V{up(bounds[1])}" if bounds and bounds[1] - bounds[0] > 1e-9 else ""
    text = f"IF {row.main.mean:.3f}" + (f", bounds {bounds[0]:.3f} to {bounds[1]:.3f}" if drawn and bounds else "")
    return Point(
        label=shorten(row.label, 18),
        x=x,
        y=y,
        bounds=drawn,
        leader="" if name is None else f"M{x} {y}L{_NAMES - 4} {name}",
        name_y=name or 0.0,
        text=f"{row.label}: {text}, {row.scored_share * 100:.3g} % of videos scored",
    )


def _apart(places: Sequence[float]) -> dict[int, float]:
    """Return where names stand: as near to their points as they can without touching one another."""
    order = sorted(range(len(places)), key=lambda index: (places[index], index))
    found: list[float] = []
    for index in order:
        found.append(max(places[index], found[-1] + _PITCH) if found else max(places[index], _PLOT[1]))
    # Where that leads out of the frame, all move up as far as there is room.
    over = found[-1] - (_PLOT[1] + _PLOT[3])
    if over > 0:
        limit = _PLOT[1] + _PLOT[3]
        for place in range(len(found) - 1, -1, -1):
            found[place] = min(found[place], limit)
            limit = found[place] - _PITCH
    first = min(found)
    shift = max(_PLOT[1] - 4 - first, 0.0)
    return {index: round(found[rank] + shift, 1) for rank, index in enumerate(order)}
