"""`intergeneval gate`: may this run replace its baseline."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from intergeneval.cli.help_sections import Command, more
from intergeneval.cli.terminal import echo
from intergeneval.errors import EXIT_INCOMPLETE, EXIT_OK, StoreError

if TYPE_CHECKING:
    from intergeneval.gate.writing import GateResult

MOST_NOTES = 20
"""Remarks on cards that are printed; all of them stand in their list."""


@click.command("gate", cls=Command)
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@click.option("--baseline", required=True, help="Run folder, baseline file, or name of a stored baseline.")
@click.option("--tolerance", type=float, default=0.02, show_default=True, help="Loss of IF, or of contrast, that is accepted.")
@click.option("--strict", is_flag=True, help="Exit with 5 where the verdict is inconclusive.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write the verdict as JUnit XML.")
@click.option("--markdown", type=click.Path(path_type=Path, dir_okay=False), help="Write the verdict as GitHub Markdown.")
@click.option("--cards", type=click.Path(path_type=Path, file_okay=False), help="Write a picture and a clip of each new failure.")
@click.option("--update", is_flag=True, help="Store RUN as the baseline of that name instead of judging it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON with unrounded numbers.")
@more("--metric", type=click.Choice(("if", "contrast")), default="if", help="What decides: IF (default), or contrast over twins.")
@more("--baselines", type=click.Path(path_type=Path, file_okay=False), help="Where baselines are stored; reports/baselines.")
@more(
    "--media",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder to take videos for --cards from, beside those that the runs name.",
)
@more("--most-cards", type=click.IntRange(min=1), default=40, help="Cards at most; what else was lost is listed by name. 40.")
def command(run: Path, baseline: str, update: bool, as_json: bool, baselines: Path | None, **options: Any) -> None:
    """Tell whether RUN is worse than its baseline on interaction fidelity (IF), or on contrast over twins.

    With --metric contrast it decides by the share of pairs of twins whose two videos both show who was named, .25 by chance:
    pair by pair, --tolerance being a loss of that share. RUN and baseline must hold twins, as runs on whodoes do.

    Exit code 0: pass, or inconclusive without --strict; 4: regression; 5: inconclusive; 3: RUN or baseline is incomplete.
    """
    from intergeneval.gate.baselines import BASELINES

    root = baselines or BASELINES
    if update:
        sys.exit(store(run, baseline, root))
    result = judge(run, baseline, root, options["tolerance"], options["metric"])
    if options["junit"] is not None:
        from intergeneval.gate.writing import junit

        _write(options["junit"], junit(result, strict=options["strict"]))
    if options["markdown"] is not None:
        from intergeneval.gate.writing import markdown

        _write(options["markdown"], markdown(result))
    if options["cards"] is not None:
        _cards(run, baseline, root, options)
    echo(json.dumps(result.as_object(), indent=1, ensure_ascii=False) if as_json else result.text())
    sys.exit(result.exit_code(strict=options["strict"]))


def judge(run: Path, baseline: str, root: Path, tolerance: float, metric: str = "if") -> GateResult:
    """Judge a run folder against a baseline. Raises UsageError, and ComparabilityError naming the fields that differ."""
    from intergeneval.gate.baselines import check_comparable, common_clusters, find_baseline, named, read_run
    from intergeneval.gate.verdict import gate, gate_contrast
    from intergeneval.gate.writing import GateResult
    from intergeneval.stats import compare_twins

    candidate, before = read_run(run), find_baseline(baseline, root)
    check_comparable([before, candidate])
    names = named([before, candidate], [baseline, str(run)])
    verdict, comparisons = gate(
        candidate.scores,
        before.scores,
        common_clusters([before, candidate]),
        tolerance,
        (names[0], names[1]),
        candidate.profile,
        same=candidate.is_same(before),
    )
    twins = compare_twins(
        before.twins, candidate.twins, (names[0], names[1]), profile=candidate.profile, same=candidate.is_same(before)
    )
    if metric == "contrast":
        verdict, comparisons = gate_contrast(comparisons, twins, tolerance)
    else:
        comparisons = (*comparisons, *twins)
    return GateResult(
        verdict=verdict,
        comparisons=comparisons,
        completeness=candidate.completeness(),
        baseline=before.completeness(),
        header=candidate.header,
        baseline_header=before.header,
        unbounded=tuple(name for name, run in zip(names, (before, candidate), strict=True) if not run.bounded),
    )


def _cards(run: Path, baseline: str, root: Path, options: Mapping[str, Any]) -> None:
    """Write cards of what the run lost against its baseline, and say where they are and what they lack."""
    from intergeneval.gate.baselines import find_baseline, is_run_folder
    from intergeneval.report.failures import write_gate_cards

    before = Path(baseline) if is_run_folder(Path(baseline)) else find_baseline(baseline, root).scores
    named = f"baseline {baseline}"
    made = write_gate_cards(run, before, options["cards"], named=named, media=options["media"], most=options["most_cards"])
    echo(f"{made.path}  ({made.cards} cards{f', {made.listed} more listed' if made.listed else ''})", err=True)
    for note in made.notes[:MOST_NOTES]:
        echo(f"  {note}", err=True)
    if len(made.notes) > MOST_NOTES:
        echo(f"  and {len(made.notes) - MOST_NOTES} more notes of this kind in {made.path}", err=True)


def store(run: Path, name: str, root: Path) -> int:
    """Store a run as a baseline, unless it is incomplete; return the exit code."""
    from intergeneval.gate.baselines import read_run, write_baseline

    candidate = read_run(run)
    complete = candidate.completeness()
    if not complete.complete:
        echo(f"not stored: {complete.missing} videos missing and {complete.unscored} unscored of {complete.expected}", err=True)
        return EXIT_INCOMPLETE
    path = write_baseline(candidate, name, root)
    echo(f"stored {candidate.name} ({len(candidate.scores)} videos) as {path}", err=True)
    return EXIT_OK


def _write(path: Path, content: str) -> None:
    from intergeneval.records.disk import write_atomically

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content.encode("utf-8", "replace"))
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror or error})") from None
