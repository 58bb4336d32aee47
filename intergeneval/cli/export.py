"""`intergeneval export`: a run folder in the layout of other software."""

from __future__ import annotations

import json
from pathlib import Path

import click

from intergeneval.cli.terminal import echo


@click.command("export")
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@click.option("--layout", type=click.Choice(["official"]), required=True, help="Layout to write: the public release's.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write into.")
@click.option("--seed", type=int, help="Seed to export, where the run has several; the release knows none.")
@click.option("--type", "kind", default="all", show_default=True, help="Type to file samples under that have none of their own.")
@click.option("--json", "as_json", is_flag=True, help="Print where it was written as JSON.")
def command(run: Path, layout: str, out: Path, seed: int | None, kind: str, *, as_json: bool) -> None:
    """Write the answers, consistency and tracks of a run in the release's layout, for its users' scripts."""
    from intergeneval.official import export_run
    from intergeneval.store import RunStore

    store = RunStore.open(run)
    export_run(store, out, seed=seed, kind=kind)
    if as_json:
        echo(json.dumps({"model": store.header.model, "layout": layout, "out": str(out)}))
    else:
        echo(f"{store.header.model}: written below {out}")
