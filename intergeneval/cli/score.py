"""`intergeneval score`: score a run folder again, without judging anything again."""

from __future__ import annotations

import json
from pathlib import Path

import click

from intergeneval.errors import UsageError


@click.command("score")
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@click.option("--profile", type=click.Choice(["bounded", "paper", "informative"]), help="Score profile; default: the run's own.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON with unrounded numbers.")
def command(run: Path, profile: str | None, as_json: bool) -> None:
    """Compute the scores of a run folder anew from its answers; reads only."""
    from intergeneval.cli.tables import score_table, scores_json, unscored_text
    from intergeneval.records import Profile
    from intergeneval.run.run import score_run
    from intergeneval.store import RunStore

    store = RunStore.open(run)
    chosen = Profile(profile) if profile else store.header.comparability.profile
    scores = score_run(store, profile=chosen)
    if not scores:
        raise UsageError(f"{run}: the run holds no sample")
    if as_json:
        click.echo(json.dumps(scores_json(store.header, scores, chosen), indent=1, ensure_ascii=False))
    else:
        own = store.header.own_masks_text
        named = f"{store.header.model}, profile {chosen}" + (f", {own}" if own else "")
        click.echo("\n".join(filter(None, [named, score_table(scores), unscored_text(scores)])))
