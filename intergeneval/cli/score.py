"""`intergeneval score`: score a run folder again, without judging anything again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from intergeneval.cli.terminal import echo
from intergeneval.errors import UsageError

if TYPE_CHECKING:
    from intergeneval.records import Profile
    from intergeneval.store import RunStore


@click.command("score")
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@click.option("--profile", type=click.Choice(["bounded", "paper", "informative"]), help="Score profile; default: the run's own.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON with unrounded numbers.")
def command(run: Path, profile: str | None, as_json: bool) -> None:
    """Compute the scores of a run folder anew from its answers; reads only."""
    from intergeneval.cli.tables import bounds_text, remarks_text, score_table, scores_json, unscored_text
    from intergeneval.cli.twin_line import contrast_json, contrast_of, contrast_text
    from intergeneval.gate.run_scores import score_run
    from intergeneval.records import Consistency, Profile, Video
    from intergeneval.stats import controls, controls_json, controls_text, undone, undone_json, undone_text
    from intergeneval.store import RunStore

    store = RunStore.open(run)
    chosen = Profile(profile) if profile else store.header.comparability.profile
    scores = score_run(store, profile=chosen)
    if not scores:
        raise UsageError(f"{run}: the run holds no sample")
    answers = store.current_answers()
    found, left = controls(answers), undone(answers)
    twins = contrast_of(store, scores, chosen)
    if as_json:
        echo(
            json.dumps(
                {
                    **scores_json(store.header, scores, chosen),
                    **controls_json(found),
                    **undone_json(left),
                    **contrast_json(twins),
                },
                indent=1,
                ensure_ascii=False,
            )
        )
    else:
        own = store.header.own_masks_text
        named = f"{store.header.model}, profile {chosen}" + (f", {own}" if own else "")
        remarks = remarks_text(store.read("videos", Video), scores, store.read("consistency", Consistency))
        told = [
            named,
            score_table(scores),
            unscored_text(scores),
            remarks,
            bounds_text(scores),
            contrast_text(twins),
            undone_text(left),
            controls_text(found),
            unasked(store, chosen),
        ]
        echo("\n".join(filter(None, told)))


def unasked(store: RunStore, chosen: Profile) -> str:
    """Return a line where a profile counts questions that the run's own left out, so that nobody asked them; else nothing."""
    from intergeneval.records import Sample, counted

    own = store.header.comparability.profile
    acts = [item for sample in store.read("samples", Sample) for item in sample.interactions]
    parts = [part for item in acts for part in zip(counted(item, chosen), counted(item, own), strict=True)]
    if all(set(wanted) <= set(asked) for wanted, asked in parts):
        return ""
    return f"the run asked what profile {own} counts; a run with --profile {chosen} asks the rest"
