"""`intergeneval bench build`: a benchmark out of prompts and images or videos."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from intergeneval.cli.causes import by_cause
from intergeneval.cli.help_sections import Command, more
from intergeneval.cli.terminal import echo
from intergeneval.errors import EXIT_INCOMPLETE, EXIT_OK, UsageError

if TYPE_CHECKING:
    from intergeneval.build import Build, BuildResult, Progress

_SHOWN = 12
"""Causes that are told of what was left out, and of what failed."""


@click.command("build", cls=Command)
@click.argument("source")
@click.option("--out", required=True, help="Folder of the benchmark. An unfinished build there goes on.")
@click.option("--judge", help="Reads prompts and verifies crops: openai:MODEL, hf:PATH; none (default): rules read.")
@click.option("--detector", help="Proposes boxes: grounding_dino (default where it can be loaded), stored:FILE, none, ...")
@click.option("--tracker", help="Cuts boxes out and follows them: hf (default where it can be loaded), sam2, flow.")
@click.option("--text-to-image", help="Paints first frames from image_prompt: folder or hub id of a diffusers pipeline.")
@click.option("--review", type=click.Path(path_type=Path, dir_okay=False), help="Apply the decisions that the review page saved.")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="TOML file with any of these settings and more.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@more("--text-only", is_flag=True, default=None, help="For text-to-video models: prompts alone, no first frames.")
@more("--image-seed", type=int, help="Seed of painted first frames; default 0.")
@more("--image-tries", type=int, help="Most first frames to paint of a text until one shows all instances; default 1.")
@more("--accept-doubts", is_flag=True, default=None, help="Take samples whose masks may not show what they are called.")
@more("--name", help="Name of the benchmark; default that of the folder.")
@more("--licence", help="Licence of prompts and pictures, with attribution.")
@more("--limit", type=int, help="Build the first N prompts only.")
@more("--workers", type=int, help="Processes that find boxes and cut out; default one a GPU where there are several.")
@more("--engine", metavar="NAME", help="Who finds boxes and cuts out: processes, ray (a cluster), ray:HOST:PORT.")
@more("--shard", help="I/N: do the I-th of N parts; a plain build finishes.")
@more("--prompts", help="Folder with templates that replace our own.")
@more("--max-cost", type=float, help="Stop asking at this cost; the same command goes on later.")
@more("--cache", help="File that remembers answers, or off; default the user's cache.")
def command(config: Path | None, review: Path | None, as_json: bool, **options: Any) -> None:
    """Build a benchmark from SOURCE: a folder of images or videos with prompts.jsonl, prompts.csv or prompts.txt.

    Rules or a model read who does what to whom, a detector proposes boxes, a model verifies them one by one, a segmenter cuts
    them out; a person looks at review.html and has the last word. The build can be stopped at any time; the same command goes on
    where it stopped. Exit code 3 means that something failed and may be mended by running it again, or that no sample is left.
    """
    if options["shard"]:
        if review is not None or as_json:
            raise UsageError(
                f"--shard {options['shard']}: a shard writes no benchmark; leave --review and --json to the plain build"
            )
        stopped = build_shard(config, options)
        echo(f"shard stopped: {stopped}" if stopped else "shard done; the same command without --shard writes the benchmark")
        sys.exit(EXIT_INCOMPLETE if stopped else EXIT_OK)
    result = build(config, review, options)
    echo(json.dumps(as_data(result), indent=1, ensure_ascii=False) if as_json else summary(result))
    sys.exit(EXIT_OK if result.complete else EXIT_INCOMPLETE)


def build(config_file: Path | None, review: Path | None, options: dict[str, Any]) -> BuildResult:
    """Build with the settings of a file and the options given over them. Raises UsageError and its kin before any work."""
    prepared = prepare(config_file, options)
    with _told() as (on_progress, on_notice):
        return prepared.execute(review, on_progress, on_notice)


def build_shard(config_file: Path | None, options: dict[str, Any]) -> str:
    """Do the part of a build that is the shard's; return why it stopped early. Raises as `build` does."""
    prepared = prepare(config_file, options)
    with _told() as (on_progress, on_notice):
        return prepared.execute_shard(on_progress, on_notice)


def prepare(config_file: Path | None, options: dict[str, Any]) -> Build:
    """Return the build that the settings of a file and the options describe. Raises UsageError and its kin."""
    from intergeneval.build import Build, BuildConfig
    from intergeneval.config import read_settings

    changes = {name: value for name, value in options.items() if value is not None}
    prepared = Build(read_settings(BuildConfig, config_file, changes), sys.argv)
    echo(f"{len(prepared.items)} prompts of {prepared.config.source}: {prepared.folder.out}", err=True)
    return prepared


@contextlib.contextmanager
def _told() -> Iterator[tuple[Callable[[Progress], None], Callable[[str], None]]]:
    """Give what tells the user of progress, and of notices."""
    from intergeneval.cli.progress import progress

    with progress("building") as tell:
        yield (
            lambda state: tell(state.done, state.total, f"{state.step} {state.sample_id}"),
            lambda text: echo(text, err=True),
        )


def as_data(result: BuildResult) -> dict[str, Any]:
    """Return the result as plain JSON values."""
    return {
        "out": str(result.out),
        "samples": [sample.id for sample in result.made.samples],
        "reviewed": list(result.made.reviewed),
        "painted": dict(result.painted),
        "dropped": [drop.to_json() for drop in result.made.drops],
        "pages": [str(page) for page in result.pages],
        "applied": result.applied,
        "complete": result.complete,
        "stopped": result.stopped,
        "spent": result.spent.to_json(),
    }


def summary(result: BuildResult) -> str:
    """Return the text that ends a build: what came of it, what was left out and why, what to do next."""
    from intergeneval.store.spending import spending_text

    made = result.made
    lines = []
    if result.applied is not None:
        lines.append(f"review: {result.applied} decisions applied" if result.applied else "review: applied before, nothing new")
    lines.append(f"{len(made.samples)} samples, {len(made.reviewed)} of them kept by a person")
    if result.painted:
        lines.append(f"first frames of {len(result.painted)} prompts were painted; look at them on the review page")
    left_out = [drop for drop in made.drops if not drop.pending]
    if left_out:
        lines.append(f"left out: {len(left_out)}, each with its reason in {result.out / 'dropped.jsonl'}")
        lines += [f"  {text}" for text in by_cause(left_out, _SHOWN)]
    if made.pending:
        lines.append(f"FAILED: {len(made.pending)} prompts; the same command tries them again")
        lines += [f"  {text}" for text in by_cause(made.pending, _SHOWN)]
    if text := spending_text(result.spent):
        lines.append(text)
    if result.refused:
        lines.append(f"STOPPED: {result.stopped}")
    elif result.stopped:
        lines.append(f"STOPPED at --max-cost: {result.stopped}; the same command with a higher --max-cost goes on")
    if not made.samples:
        lines.append("no sample is left, so there is no benchmark yet")
    else:
        lines.append(f"benchmark: {result.out} (intergeneval bench check {result.out})")
    lines.append(f"to review: {result.pages[0]}")
    return "\n".join(lines)
