"""`intergeneval power`: how small a difference can this benchmark find."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from intergeneval.cli.terminal import echo
from intergeneval.errors import UsageError

if TYPE_CHECKING:
    from intergeneval.gate.baselines import ScoredRun
    from intergeneval.records import Comparison, Estimate, Profile
    from intergeneval.stats import Spread
    from intergeneval.stats.sequential import Expected

SIZES = (60, 120, 240, 500)
"""Numbers of clusters that the table goes through beside the run's own."""
DIFFERENCES = (0.15, 0.3)
"""True differences that ``--sequential`` plans for where none is asked for."""
PAIRS = (60, 160)
"""Numbers of pairs of twins that the table of contrast goes through: whodoes-lite and whodoes."""
ASSUMED_CONTRAST = (0.4, 0.5, 0.6)
"""Standard deviations of differences in contrast between two models, one a pair, where none is measured."""
ASSUMED = (0.2, 0.3, 0.4)
"""Standard deviations of prompt differences where none is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerRow:
    """What can be found with one spread."""

    spread: str
    """Where the spread comes from."""
    sd: float
    """Standard deviation of the paired differences, one a cluster."""
    detectable: dict[int, float | None]
    """Number of clusters -> minimum detectable difference; None for too few clusters to tell."""
    clusters_needed: int | None
    """Clusters that find the difference asked for; None where none was asked for, or no number would do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialRow:
    """What `run --until-decided` would come to on this run's clusters."""

    spread: str
    """Where the spread comes from."""
    sd: float
    """Standard deviation of the paired differences, one a cluster."""
    difference: float
    """The true difference."""
    expected: Expected | None
    """Share decided, clusters looked at and share saved; None for a spread that scores cannot have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What `power` found."""

    estimate: Estimate
    """The run's IF."""
    seeds: Spread | None
    """Spread between seeds and between prompts; None with one seed."""
    paired: Comparison | None
    """The comparison with the other run, where one was named."""
    rows: tuple[PowerRow, ...]
    """Assumed spreads first, then the measured ones."""
    power: float
    """Share of repeats in which the difference is found."""
    detect: float | None
    """The difference asked for."""
    sequential: tuple[SequentialRow, ...] = ()
    """What stopping when decided would save, where that was asked."""
    contrast: Estimate | None = None
    """The run's contrast; None where its benchmark has no twins."""
    twins: tuple[PowerRow, ...] = ()
    """The same as `rows` for contrast, a cluster being a pair of twins."""


@click.command("power")
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--against", type=click.Path(path_type=Path, file_okay=False), help="Run folder: measure the spread of differences."
)
@click.option("--detect", type=float, help="Difference to find: tells how many prompts it takes, and pairs of twins.")
@click.option("--power", "share", type=float, default=0.8, show_default=True, help="Share of repeats in which it must be found.")
@click.option("--sequential", is_flag=True, help="Tell what 'run --until-decided' would save on these prompts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON with unrounded numbers.")
def command(run: Path, against: Path | None, detect: float | None, share: float, sequential: bool, as_json: bool) -> None:
    """Tell how small a paired difference in IF can be found with so many prompts, and how many a difference takes.

    Where RUN holds twins, as runs on whodoes do, a second table tells the same of contrast, with pairs of twins in place of
    prompts: --detect and --against count for both, --sequential for IF alone.
    """
    found = plan(run, against, detect, share, sequential=sequential)
    echo(json.dumps(as_object(found), indent=1, ensure_ascii=False) if as_json else text(found))


def plan(run: Path, against: Path | None, detect: float | None, share: float, *, sequential: bool = False) -> Planned:
    """Measure a run's spread and plan with it. Raises UsageError, and ComparabilityError where the runs were not made alike."""
    from intergeneval.gate.baselines import check_comparable, common_clusters, named, read_run
    from intergeneval.stats import compare_paired, estimate, seed_spread

    if not 0 < share < 1:
        raise UsageError(f"--power {share}: must lie between 0 and 1, such as 0.8")
    if detect is not None and not (math.isfinite(detect) and detect > 0):
        raise UsageError(f"--detect {detect}: must be above 0, on the scale of IF and of contrast, such as 0.05")
    mine = read_run(run)
    found = estimate(mine.scores, mine.clusters, profile=mine.profile)
    seeds = seed_spread(mine.scores)
    spreads = [(f"assumed {sd}", sd) for sd in ASSUMED]
    if seeds is not None:
        # Seeds differ by prompt, so a cluster of several prompts averages over them.
        spreads.append(("this model made anew", seeds.regenerated * math.sqrt(found.clusters / found.prompts)))
    paired = None
    if against is not None:
        other = read_run(against)
        check_comparable([mine, other])
        names = named([mine, other], [str(run), str(against)])
        clusters = common_clusters([mine, other])
        paired = compare_paired(mine.scores, other.scores, clusters, names=(names[0], names[1]), profile=mine.profile)
        if paired.se is None:
            raise UsageError(f"--against {against}: no spread of differences can be measured ({paired.caveat})")
        spreads.append((f"measured against {paired.candidate}", paired.se * math.sqrt(paired.clusters)))
    sizes = sorted({*SIZES, *([found.clusters] if found.clusters > 1 else [])})
    rows = tuple(_row(name, sd, sizes, share, detect) for name, sd in spreads)
    planned = Planned(estimate=found, seeds=seeds, paired=paired, rows=rows, power=share, detect=detect)
    planned = _with_twins(planned, mine, None if against is None else read_run(against), share, detect)
    if not sequential:
        return planned
    differences = DIFFERENCES if detect is None else (detect,)
    return replace(planned, sequential=_sequential(spreads, differences, found.clusters, mine.profile))


def _with_twins(planned: Planned, mine: ScoredRun, other: ScoredRun | None, share: float, detect: float | None) -> Planned:
    """Add what can be found in contrast, where the run has twins."""
    from intergeneval.stats import compare_twins, twin_estimate

    if not mine.twins:
        return planned
    found = twin_estimate(mine.twins, profile=mine.profile)
    spreads = [(f"assumed {sd}", sd) for sd in ASSUMED_CONTRAST]
    paired = compare_twins(mine.twins, other.twins, (mine.name, other.name), profile=mine.profile) if other is not None else ()
    if paired and paired[0].se is not None:
        spreads.append((f"measured against {paired[0].candidate}", paired[0].se * math.sqrt(paired[0].clusters)))
    sizes = sorted({*PAIRS, *([found.clusters] if found.clusters > 1 else [])})
    rows = tuple(_row(name, sd, sizes, share, detect) for name, sd in spreads)
    return replace(planned, contrast=found, twins=rows)


def _sequential(
    spreads: list[tuple[str, float]], differences: tuple[float, ...], clusters: int, profile: Profile
) -> tuple[SequentialRow, ...]:
    from intergeneval.records import metric_range
    from intergeneval.stats import PRIMARY
    from intergeneval.stats.sequential import expected

    if clusters < 2:
        raise UsageError("--sequential: the run holds fewer than two clusters of judged prompts: nothing can be stopped early")
    low, high = metric_range(PRIMARY, profile)
    return tuple(
        SequentialRow(spread=name, sd=sd, difference=value, expected=expected(value, sd, clusters, (low - high, high - low)))
        for name, sd in spreads
        for value in differences
    )


def _row(name: str, sd: float, sizes: list[int], share: float, detect: float | None) -> PowerRow:
    from intergeneval.stats import clusters_to_detect, minimum_detectable

    return PowerRow(
        spread=name,
        sd=sd,
        detectable={size: minimum_detectable(sd, size, share) for size in sizes},
        clusters_needed=None if detect is None else clusters_to_detect(sd, detect, share),
    )


def as_object(found: Planned) -> dict[str, Any]:
    """Return the object that ``--json`` prints."""
    return {
        "estimate": found.estimate.to_json(),
        "seeds": None if found.seeds is None else {**asdict(found.seeds), "regenerated": found.seeds.regenerated},
        "paired": None if found.paired is None else found.paired.to_json(),
        "power": found.power,
        "detect": found.detect,
        "rows": [asdict(row) for row in found.rows],
        **(
            {}
            if found.contrast is None
            else {"contrast": found.contrast.to_json(), "twins": [asdict(row) for row in found.twins]}
        ),
        **({"sequential": [asdict(row) for row in found.sequential]} if found.sequential else {}),
    }


def text(found: Planned) -> str:
    """Return what a person reads."""
    from intergeneval.cli.text_table import interval, marked, number

    item = found.estimate
    lines = [
        f"IF {number(item.mean)} ({interval(item.low, item.high)}), {item.prompts} prompts in {item.clusters} clusters,"
        f" sd of prompt scores {number(item.sd)}",
    ]
    if found.seeds is not None:
        lines.append(
            f"sd between prompts {found.seeds.between:.3f}, between seeds of a prompt {found.seeds.within:.3f}"
            f" ({found.seeds.prompts} prompts with {found.seeds.seeds:.1f} seeds)"
        )
    if item.caveat:
        lines.append(item.caveat)
    title = f"smallest true difference found in {found.power:.0%} of repeats"
    lines += ["", title, _detectable(found.rows, found.detect, "clusters")]
    if found.contrast is not None:
        one = found.contrast
        told = f"contrast {marked(number(one.mean), one.open)} ({interval(one.low, one.high)})"
        pairs = "1 pair" if one.prompts == 1 else f"{one.prompts} pairs"
        lines += ["", f"{told}, {pairs} of twins, .25 by chance", *filter(None, [one.caveat])]
        lines += [f"{title}, in contrast", _detectable(found.twins, found.detect, "pairs")]
    if found.sequential:
        lines += ["", *_sequential_lines(found)]
    lines += ["", "A cluster is a prompt, or a scene of several. Add prompts before seeds, and seeds before questions."]
    return "\n".join(lines)


def _detectable(found: tuple[PowerRow, ...], detect: float | None, what: str) -> str:
    """Return the table of smallest differences; `what` are counted."""
    from intergeneval.cli.text_table import aligned, number

    sizes = list(found[0].detectable)
    head = ["sd of differences", *(f"{size} {what}" for size in sizes)]
    if detect is not None:
        head.append(f"{what} to find {detect:g}")
    rows = [head]
    for row in found:
        cells = [f"{row.sd:.3f}  {row.spread}", *(number(row.detectable[size]) for size in sizes)]
        if detect is not None:
            cells.append("-" if row.clusters_needed is None else str(row.clusters_needed))
        rows.append(cells)
    return aligned(rows)


def _sequential_lines(found: Planned) -> list[str]:
    from intergeneval.cli.text_table import aligned

    rows = [("sd of differences", "true difference", "decided", "clusters looked at", "judge calls saved")]
    for row in found.sequential:
        told = ("-", "-", "-")
        if row.expected is not None:
            looked = f"{row.expected.clusters:.0f} of {found.estimate.clusters}"
            told = (f"{row.expected.decided:.0%}", looked, f"{row.expected.saved:.0%}")
        rows.append((f"{row.sd:.3f}  {row.spread}", f"{row.difference:g}", *told))
    head = "run --until-decided on these prompts: at most 5 % of wrong claims though it looks after every cluster"
    return [head, aligned(rows)]
