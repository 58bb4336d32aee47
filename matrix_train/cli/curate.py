"""`matrix-train curate`: from raw clips to a dataset that `fit` takes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from intergeneval.errors import EXIT_INCOMPLETE, UsageError, ending_by_signals
from matrix_train.cli.options import answer, json_option, say

if TYPE_CHECKING:
    from matrix_train.curate.curation import CurateResult, Curation

_EVERY = 10.0
"""Seconds between two lines on how far a stage is."""


@click.command("curate")
@click.argument("source")
@click.option("--out", required=True, help="Folder of the dataset. An unfinished curation there goes on.")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="TOML file with any of these settings and more.")
@click.option("--judge", help="Captions, reads captions, verifies crops: openai:MODEL, hf:PATH, replay:DIR; none (default).")
@click.option("--detector", help="Proposes boxes: grounding_dino (default where it can be loaded), stored:FILE, none, ...")
@click.option("--tracker", help="Cuts boxes out and follows them: hf (default where it can be loaded), sam2, flow.")
@click.option("--workers", type=click.IntRange(min=0), help="Processes at once; 0 (default): one a core, at most 8.")
@click.option("--engine", help="processes, or ray[:HOST:PORT].")
@click.option("--shard", help="I/N: do the I-th of N parts; a curation without a shard finishes.")
@click.option("--limit", type=click.IntRange(min=1), help="The first N videos only.")
@click.option(
    "--review",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Take in what a person decided about clips (a JSON object a line).",
)
@json_option
def command(config: Path | None, review: Path | None, as_json: bool, **options: Any) -> None:
    """Make a dataset of SOURCE: a folder of videos, a list (.jsonl, .csv), WebDataset archives (.tar) or a saved HF data set.

    Videos are cut into shots and brought to one rate and length; what is too small, dark, still, slow, full of writing or shown
    twice is left out, each with its reason in dropped.jsonl; captions are given or written by the judge, who does what to whom is
    read in them, and everyone in it is found, cut out and followed. It can be stopped at any time; the same command goes on.
    Exit code 3 means that something failed and may be mended by running it again, or that no clip is left.
    """
    from intergeneval.config import read_settings
    from matrix_train.curate.config import CurateConfig
    from matrix_train.curate.curation import Curation
    from matrix_train.datasets.decisions import read_decisions

    given = {name: value for name, value in options.items() if value is not None}
    curation = Curation(read_settings(CurateConfig, config, given))
    decisions = None if review is None else list(read_decisions([review]).values())
    say(f"{len(curation.entries)} videos of {curation.config.source}: {curation.config.out}")
    if curation.config.shard:
        if review is not None or as_json:
            raise UsageError(
                f"--shard {curation.config.shard}: a shard writes no dataset; leave --review and --json to the whole"
            )
        _shard(curation)
        return
    with ending_by_signals():
        result = curation.execute(decisions, _Told(), say)
    answer(as_data(result), summary(result), as_json=as_json)
    if result.pending or result.stopped or not result.clips:
        click.get_current_context().exit(EXIT_INCOMPLETE)


def _shard(curation: Curation) -> None:
    with ending_by_signals():
        result = curation.execute_shard(_Told(), say)
    if result.stopped:
        click.echo(f"shard stopped: {result.stopped}")
        click.get_current_context().exit(EXIT_INCOMPLETE)
    if result.waiting:
        click.echo(
            f"shard waits for clips of other shards, such as {result.waiting}: doubles are told among all. When those are done, "
            "the same command goes on, or the one without --shard finishes"
        )
    else:
        click.echo("shard done; the same command without --shard writes the dataset")


class _Told:
    """Tells how far a stage is, every few seconds and at its end, with its rate and how long it will still take."""

    def __init__(self) -> None:
        self._stage = ""
        self._begun = self._said = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._begun, self._said = stage, now, now
        if not done or (done < total and now - self._said < _EVERY):
            return
        self._said = now
        rate = done / max(now - self._begun, 1e-3)
        left = "" if done == total else f", {(total - done) / rate:.0f} s left"
        say(f"{stage}: {done}/{total}  {rate:.1f} a second{left}")


def as_data(result: CurateResult) -> dict[str, Any]:
    """Return the result as plain JSON values."""
    return {
        "out": str(result.out),
        "videos": result.videos,
        "clips": result.clips,
        "dropped": {f"{stage}/{kind}": count for (stage, kind), count in result.causes.items()},
        "pending": len(result.pending),
        "made": dict(result.made),
        "applied": result.applied,
        "stale": result.stale,
        "stopped": result.stopped,
    }


def summary(result: CurateResult) -> str:
    """Return the text that ends a curation: what came of it, what was left out and why, what to do next."""
    lines = []
    if result.applied is not None:
        lines.append(f"review: {result.applied} new decisions" if result.applied else "review: taken in before, nothing new")
    if result.stale:
        lines.append(f"review: {result.stale} decisions count for nothing, their clips are not as they were: review them anew")
    lines.append(f"{result.clips} clips of {result.videos} videos")
    if result.dropped:
        lines.append(f"left out: {len(result.dropped)}, each with its reason in {result.out / 'dropped.jsonl'}")
        lines += [f"  {count:6d}  {stage}: {kind}" for (stage, kind), count in result.causes.items()]
    if result.stopped:
        lines.append(f"STOPPED: {result.stopped}; the same command goes on")
    elif result.pending:
        lines.append(f"FAILED: {len(result.pending)}; the same command tries them again ({result.pending[0].reason})")
    if result.clips:
        lines.append(f"dataset: {result.out} (matrix-train check {result.out})")
    else:
        lines.append("no clip is left, so there is nothing to train on yet")
    return "\n".join(lines)
