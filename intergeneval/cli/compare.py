"""`intergeneval compare`: is B better than A."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from intergeneval.cli.terminal import echo
from intergeneval.errors import UsageError

if TYPE_CHECKING:
    from intergeneval.records import Comparison, Estimate, RunHeader, SliceComparison, TieGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What `compare` found."""

    estimates: Mapping[str, Estimate]
    """IF of each run, by the run's name, in the order given."""
    comparisons: tuple[Comparison, ...]
    """Every other run against the first: IF first, then the secondary outcomes."""
    tie_groups: tuple[TieGroup, ...]
    """All runs in groups that cannot be told from their leader."""
    slices: tuple[SliceComparison, ...]
    """IF of every other run against the first by slice."""
    across: Mapping[str, tuple[Any, ...]]
    """Comparability fields that differ and were overridden, with each run's value."""
    own_masks: Mapping[str, RunHeader]
    """Headers of the runs that used first-frame masks of their own, by the run's name."""
    twins: Mapping[str, Mapping[str, Estimate]]
    """Contrast and sensitivity of each run, by the run's name; empty where the benchmark has no twins."""
    twin_comparisons: tuple[Comparison, ...]
    """Every other run against the first: contrast and sensitivity, adjusted together."""


@click.command("compare")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path, file_okay=False))
@click.option("--across", multiple=True, metavar="FIELD", help="Compare although this comparability field differs; repeatable.")
@click.option("--slices", "by_slice", is_flag=True, help="Show the slices too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON with unrounded numbers.")
def command(runs: tuple[Path, ...], across: tuple[str, ...], by_slice: bool, as_json: bool) -> None:
    """Compare run folders, prompt by prompt: each against the first, then all in tie groups.

    Differences are the later run minus the first. Runs that were not made alike are refused with exit code 2.
    """
    found = compare(runs, across)
    for name, values in found.across.items():
        echo(f"compared across {name}: {' / '.join(map(str, values))}", err=True)
    echo(json.dumps(as_object(found), indent=1, ensure_ascii=False) if as_json else text(found, by_slice=by_slice))


def compare(folders: Sequence[Path], across: Sequence[str] = ()) -> Compared:
    """Compare run folders. Raises UsageError for fewer than two, ComparabilityError naming the fields in which they differ."""
    from intergeneval.gate.baselines import check_comparable, common_clusters, named, read_run
    from intergeneval.records import Comparability
    from intergeneval.stats import adjust, compare_metrics, compare_twins, estimate, slice_comparisons, tie_groups, twin_estimates

    if len({folder.resolve() for folder in folders}) < len(folders) or len(folders) < 2:
        raise UsageError("compare: name at least two run folders, each once")
    unknown = next((name for name in across if name not in Comparability.__dataclass_fields__), None)
    if unknown is not None:
        raise UsageError(f"--across {unknown}: not one of {', '.join(Comparability.__dataclass_fields__)}")
    runs = [read_run(folder) for folder in folders]
    differing = check_comparable(runs, across)
    clusters = common_clusters(runs)
    names = named(runs, [str(folder) for folder in folders])
    first = runs[0]
    primary: list[Comparison] = []
    secondary: list[Comparison] = []
    slices: list[SliceComparison] = []
    twins: list[Comparison] = []
    for run, name in zip(runs[1:], names[1:], strict=True):
        both, same = (names[0], name), first.is_same(run)
        pair = compare_metrics(first.scores, run.scores, clusters, both, profile=run.profile, same=same)
        primary.append(pair[0])
        secondary.extend(pair[1:])
        twins.extend(compare_twins(first.twins, run.twins, both, profile=run.profile, same=same))
        slices.extend(slice_comparisons(first.scores, run.scores, clusters, first.labels, both, run.profile, same=same))
    return Compared(
        estimates={name: estimate(run.scores, clusters, profile=run.profile) for name, run in zip(names, runs, strict=True)},
        comparisons=(*adjust(primary), *adjust(secondary)),
        tie_groups=tie_groups({name: run.scores for name, run in zip(names, runs, strict=True)}, clusters, profile=first.profile),
        slices=tuple(slices),
        across=differing,
        own_masks={name: run.header for name, run in zip(names, runs, strict=True) if run.header.own_masks},
        twins={name: twin_estimates(run.twins, profile=run.profile) for name, run in zip(names, runs, strict=True) if run.twins},
        twin_comparisons=adjust(twins),
    )


def as_object(found: Compared) -> dict[str, Any]:
    """Return the object that ``--json`` prints."""
    return {
        "across": {name: list(values) for name, values in found.across.items()},
        "own_masks": {name: list(header.own_masks) for name, header in found.own_masks.items()},
        "runs": {name: item.to_json() for name, item in found.estimates.items()},
        "comparisons": [item.to_json() for item in found.comparisons],
        "tie_groups": [group.to_json() for group in found.tie_groups],
        "slices": [item.to_json() for item in found.slices],
        **(
            {
                "twins": {
                    "runs": {name: {key: item.to_json() for key, item in both.items()} for name, both in found.twins.items()},
                    "comparisons": [item.to_json() for item in found.twin_comparisons],
                }
            }
            if found.twins
            else {}
        ),
    }


def text(found: Compared, *, by_slice: bool = False) -> str:
    """Return what a person reads."""
    from intergeneval.stats import left_out

    own = [f"{name} has {header.own_masks_text}" for name, header in found.own_masks.items()]
    parts = ["\n".join([_estimates(found), *own])]
    for secondary, title in ((False, "primary outcome"), (True, "secondary outcomes (p adjusted by Holm)")):
        chosen = [item for item in found.comparisons if item.secondary is secondary and item.difference is not None]
        if chosen:
            parts.append(f"{title}, paired by prompt and seed, later run minus first\n{_differences(chosen)}")
    parts.append("\n".join([_standing(item) for item in found.comparisons if not item.secondary]))
    groups = "\n".join(f"  {group.rank}. {', '.join(group.members)}{_open(group)}" for group in found.tie_groups)
    parts.append(
        "tie groups (each model stands above all of the groups below; within one nothing is claimed)\n"
        f"{groups or '  none: nothing is scored'}{_ungrouped(found)}"
    )
    if found.twins:
        parts.append(_twins(found))
    if by_slice and found.slices:
        parts.append(f"slices of IF (exploratory)\n{_slices(found.slices)}")
    caveats = [
        f"{item.candidate} against {item.baseline}: {item.caveat}"
        for item in found.comparisons
        if item.caveat and not item.secondary
    ]
    unpaired = [
        f"{item.candidate} against {item.baseline}: {said}"
        for item in found.comparisons
        if not item.secondary and (said := left_out(item))
    ]
    return "\n\n".join([*parts, *caveats, *unpaired])


def _standing(item: Comparison) -> str:
    """Return which of the two stands above the other; where that is not decided, with the names of both."""
    from intergeneval.stats import standing

    return standing(item) if item.better or item.worse else f"{item.candidate} against {item.baseline}: {standing(item)}"


def _ungrouped(found: Compared) -> str:
    """Return the runs that are in no group, and why; empty where there are none."""
    grouped = {name for group in found.tie_groups for name in group.members}
    outside = [name for name in found.estimates if name not in grouped]
    return f"\n  in no group, since nothing was judged: {', '.join(outside)}" if grouped and outside else ""


def _open(group: TieGroup) -> str:
    """Return that the order within a group is not decided, and how many videos lack an answer."""
    from intergeneval.stats import standing, undecided_text

    if len(group.members) < 2:
        return ""
    told = undecided_text(max(item.unanswered for item in group.comparisons))
    apart = [standing(item) for item in group.comparisons if item.better or item.worse]
    return f"  ({'; '.join([told, *apart])})"


def _estimates(found: Compared) -> str:
    from intergeneval.cli.text_table import MARK, aligned, interval, marked, number

    rows = [("run", "IF", "bounds", "95 % interval", "prompts", "coverage", "open")]
    for name, item in found.estimates.items():
        bound = "<= " if item.partial and item.mean is not None else ""
        prompts = f"{item.prompts} in {item.clusters} clusters"
        bounds = interval(*(item.bounds or (None, None)))
        mean = bound + marked(number(item.mean), item.open)
        rows.append((name, mean, bounds, interval(item.low, item.high), prompts, share(item.coverage), f"{item.open} videos"))
    table = aligned(rows)
    return f"{table}\n{MARK}" if any(item.open and item.mean is not None for item in found.estimates.values()) else table


def _differences(comparisons: Sequence[Comparison], what: str = "prompts") -> str:
    from intergeneval.cli.text_table import aligned, interval, marked, number, probability
    from intergeneval.stats import metric_name

    told = ("better/equal/worse/open", what, "coverage")
    head = ("run", "metric", "difference", "bounds", "95 % interval", "p", "adjusted", "corr.", *told)
    rows = [
        (
            item.candidate,
            metric_name(item.metric),
            marked(number(item.difference, sign=True), item.unanswered),
            interval(item.lowest, item.highest, sign=True),
            interval(item.low, item.high, sign=True),
            probability(item.p),
            probability(item.p_adjusted),
            number(item.correlation, 2),
            f"{item.wins}/{item.ties}/{item.losses}/{item.undecided}",
            str(item.prompts),
            share(item.coverage),
        )
        for item in comparisons
    ]
    return aligned([head, *rows])


def _twins(found: Compared) -> str:
    """Return contrast and sensitivity of each run, and the differences."""
    from intergeneval.cli.text_table import aligned, interval, marked, number
    from intergeneval.stats import CHANCE

    rows = [("run", "outcome", "mean", "by chance", "bounds", "95 % interval", "pairs", "open")]
    for name, both in found.twins.items():
        for metric, item in both.items():
            mean, bounds = marked(number(item.mean), item.open), interval(*(item.bounds or (None, None)))
            told = (bounds, interval(item.low, item.high), f"{item.prompts} of {item.prompts_total}", str(item.open))
            rows.append((name, metric, mean, f"{CHANCE[metric]:g}", *told))
    parts = [f"twins: who does what to whom (a judge's bias towards yes cancels)\n{aligned(rows)}"]
    told_apart = [item for item in found.twin_comparisons if item.difference is not None]
    if told_apart:
        parts += [_differences(told_apart, "pairs")]
        parts += ["\n".join(f"{item.metric}: {_standing(item)}" for item in found.twin_comparisons)]
    return "\n\n".join(parts)


def _slices(slices: Sequence[SliceComparison]) -> str:
    from intergeneval.cli.text_table import aligned, interval, number, probability

    rows = [("slice", "run", "prompts", "difference", "95 % interval", "adjusted p")]
    for part in slices:
        item = part.comparison
        shown = "thin, claims nothing" if part.thin else interval(item.low, item.high, sign=True)
        label = f"{part.dimension} {part.label}"
        difference = number(item.difference, sign=True)
        rows.append((label, item.candidate, str(item.prompts), difference, shown, probability(item.p_adjusted)))
    return aligned(rows)


def share(value: float) -> str:
    """Return a share as a percentage that says 100 only for all."""
    return "100%" if value == 1 else f"{min(value, 0.999):.1%}"
