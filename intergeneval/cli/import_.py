"""`intergeneval import`: results of other software into run folders."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from intergeneval.cli.terminal import echo


@click.command("import")
@click.argument("path", type=click.Path(path_type=Path, file_okay=False))
@click.option("--layout", type=click.Choice(["official"]), required=True, help="Layout of PATH: the public release's.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for one run folder a model.")
@click.option(
    "--tracks",
    type=click.Path(path_type=Path, file_okay=False),
    help="EVAL_RESULTS with mask tracks; default: beside the results.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was imported as JSON.")
def command(path: Path, layout: str, out: Path, tracks: Path | None, *, as_json: bool) -> None:  # noqa: ARG001  # one layout so far
    """Read the results in PATH (SCORE_RESULTS, or the folder that holds it) and write one run folder a model.

    Nothing is judged again: `intergeneval score RUN --profile paper` gives the scores.
    """
    from intergeneval.official import import_results
    from intergeneval.records import Score

    stores = import_results(path, out, tracks=tracks, command=sys.argv)
    rows: list[dict[str, Any]] = []
    for store in stores:
        scores = store.read("scores", Score)
        unscored = [f"{score.sample_id}: {score.reason}" for score in scores if score.if_ is None]
        rows.append({"model": store.header.model, "run": str(store.folder), "samples": len(scores), "unscored": unscored})
    if as_json:
        echo(json.dumps({"runs": rows}, indent=1, ensure_ascii=False))
        return
    for row in rows:
        echo(f"{row['model']}: {row['samples']} samples, {len(row['unscored'])} without a score, in {row['run']}")
        for line in row["unscored"]:
            echo(f"  {line}", err=True)
