"""`intergeneval annotate`: a page on this machine on which a person says who is meant."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from intergeneval.cli.serving import page_options, serve
from intergeneval.cli.terminal import echo
from intergeneval.errors import UsageError

if TYPE_CHECKING:
    from intergeneval.pages.annotate import Session


@click.command("annotate")
@click.argument("place")
@click.option("--prompts", help="What the videos in PLACE were made from: names, or a txt, csv or jsonl FILE.")
@click.option("--bench", help="Benchmark that the videos in PLACE answer, instead of prompts.")
@click.option("--name", default="", help="Name of the model in tables.")
@click.option("--tracker", help="Cuts boxes out: sam2 or hf where installed, flow (GrabCut, default).")
@page_options
def command(place: str, port: int, *, no_browser: bool, **options: Any) -> None:
    """Draw first-frame masks of PLACE: a benchmark, or a folder of a model's videos (or one) with --prompts or --bench.

    Everything is saved after each step; stop with Ctrl-C, and the same command goes on.
    """
    from intergeneval.pages.annotate import AnnotateServer

    session = opened(place, **options)
    count = len(session.items)
    serve(
        lambda at: AnnotateServer(session, at),
        port,
        browser=not no_browser,
        opened=f"{count} first frames: ",
        ends=", everything is saved",
        ended=lambda: f"{sum(session.done(index) for index in range(count))} of {count} first frames are done: {session.root}",
    )


def opened(place: str, *, prompts: str | None, bench: str | None, name: str, tracker: str | None) -> Session:
    """Return the session of what is to be annotated. Raises UsageError and its kin."""
    from intergeneval import bench_paths, plugins
    from intergeneval.cli.prompted import read_prompts
    from intergeneval.pages.annotate import Session
    from intergeneval.trackers import Segments

    segmenter = plugins.build("trackers", tracker or "flow")
    if not isinstance(segmenter, Segments):
        raise UsageError(f"--tracker {tracker}: makes no masks from boxes; use hf, sam2 or flow")
    if prompts and bench:
        raise UsageError("--prompts makes a benchmark of its own: leave --bench out, or --prompts")
    if prompts:
        made = read_prompts(place, prompts, lambda text: echo(text, err=True))
        return Session(made.out, segmenter, model=Path(place), name=name)
    if bench:
        return Session(_found(bench), segmenter, model=Path(place), name=name)
    if bench_paths.at_path(place) is None:
        raise UsageError(f"{place}: is no benchmark; for a folder of videos give --prompts names, --prompts FILE or --bench")
    return Session(_found(place), segmenter)


def _found(text: str) -> Path:
    """Return the folder of a benchmark in which masks may be written; one that came with the package is copied once."""
    from intergeneval import bench, bench_paths

    folder = bench.folder_of(text)
    own = bench_paths.own_place(folder)
    if own != folder:
        copied(folder, own)
        echo(f"{folder} came with the package, so masks are drawn in a copy of it: {own}", err=True)
    return own


def copied(folder: Path, own: Path) -> None:
    """Copy a benchmark, whole or not at all. Raises UsageError."""
    half = own.with_name(f".{own.name}.copying")
    try:
        shutil.rmtree(half, ignore_errors=True)
        shutil.copytree(folder, half)
        half.rename(own)
    except (OSError, shutil.Error) as error:
        raise UsageError(f"{own}: {folder} cannot be copied there ({error}); copy it by hand, or run this elsewhere") from None
