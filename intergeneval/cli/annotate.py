"""`intergeneval annotate`: a page on this machine on which a person says who is meant."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from intergeneval.cli.serving import page_options, serve
from intergeneval.cli.terminal import echo
from intergeneval.errors import BackendError, IntergenevalError, UsageError

if TYPE_CHECKING:
    from intergeneval.pages.annotate import Session
    from intergeneval.trackers import Segments


@click.command("annotate")
@click.argument("place")
@click.option(
    "--prompts",
    help="What the videos in PLACE were made from: names, or a txt, csv or jsonl FILE. Of a benchmark: prompts that it lacks.",
)
@click.option("--bench", help="Benchmark that the videos in PLACE answer, instead of prompts.")
@click.option("--name", default="", help="Name of the model in tables.")
@click.option("--tracker", help="Cuts boxes out: hf (default where it can be loaded), sam2, flow (GrabCut, default elsewhere).")
@page_options
def command(place: str, port: int, *, no_browser: bool, **options: Any) -> None:
    """Draw first-frame masks of PLACE: a benchmark, or a folder of a model's videos (or one) with --prompts or --bench.

    Everything is saved after each step; stop with Ctrl-C, and the same command goes on.
    """
    from intergeneval.pages.annotate import AnnotateServer

    session = opened(place, **options)
    count = len(session.items)
    frames = "1 first frame" if count == 1 else f"{count} first frames"
    serve(
        lambda at: AnnotateServer(session, at),
        port,
        browser=not no_browser,
        opened=f"{frames}: ",
        ends=", everything is saved",
        ended=lambda: f"{sum(session.done(index) for index in range(count))} of {frames} done: {session.root}",
    )


def opened(place: str, *, prompts: str | None, bench: str | None, name: str, tracker: str | None) -> Session:
    """Return the session of what is to be annotated. Raises UsageError and its kin."""
    from intergeneval.cli.prompted import used_name
    from intergeneval.pages.annotate import Session

    def notice(text: str) -> None:
        echo(text, err=True)

    if prompts and bench:
        raise UsageError("--prompts makes a benchmark of its own: leave --bench out, or --prompts")
    root, fresh, model = _meant(place, prompts, bench, notice)
    try:
        name = name or ("" if model is None else used_name(root, model, notice))
        session = Session(root, segmenter_of(tracker, notice), model=model, name=name)
    except IntergenevalError:
        if fresh is not None:
            _taken_back(root)
        raise
    if fresh is not None:
        notice(f"{fresh} came with the package, so masks are drawn in a copy of it: {root}")
    for line in session.unreadable:
        notice(f"cannot be read, so nothing is drawn on it: {line}")
    for line in session.set_aside:
        notice(line)
    return session


def _meant(
    place: str, prompts: str | None, bench: str | None, notice: Callable[[str], None]
) -> tuple[Path, Path | None, Path | None]:  # fmt: skip
    """Return the folder of the benchmark, the original where that was copied just now, and the videos that are meant."""
    from intergeneval import bench_paths
    from intergeneval.build.filling import fill_prompts
    from intergeneval.build.prompt_list import prompts_by_name
    from intergeneval.cli.prompted import read_prompts

    # A folder here goes before a benchmark of that name that came with the package.
    here = bench_paths.at_path(place) or (None if Path(place).exists() else bench_paths.by_name(place))
    if prompts and here is not None and Path(prompts).is_file():
        root, _ = _found(place)
        for line in fill_prompts(root, prompts_by_name(Path(prompts))):
            notice(line)
        return root, None, None
    if prompts:
        return read_prompts(place, prompts, notice).home.folder, None, Path(place)
    if bench:
        return (*_found(bench), Path(place))
    if here is None:
        raise UsageError(f"{place}: is no benchmark; for a folder of videos give --prompts names, --prompts FILE or --bench")
    return (*_found(place), None)


def _taken_back(own: Path) -> None:
    """Remove a copy that was just made and nothing was drawn in, with the folder around it if that is empty now."""
    shutil.rmtree(own)
    if not any(own.parent.iterdir()):
        own.parent.rmdir()


def segmenter_of(tracker: str | None, notice: Callable[[str], None]) -> Segments:
    """Return who cuts boxes out, loaded: the first box on the page must not wait for weights. Raises UsageError."""
    import numpy as np

    from intergeneval import plugins
    from intergeneval.build.tools import best_tools
    from intergeneval.trackers import Segments

    spec = tracker or best_tools().tracker
    found = plugins.build("trackers", spec)
    if not isinstance(found, Segments):
        raise UsageError(f"--tracker {spec}: makes no masks from boxes; use hf, sam2 or flow")
    if spec != "flow":
        notice(f"boxes are cut out by {spec}, which is loaded first (--tracker flow needs no weights)")
        try:
            found.segment(np.zeros((64, 64, 3), dtype=np.uint8), {"square": (16.0, 16.0, 48.0, 48.0)})
        except BackendError as error:
            raise UsageError(f"{error}; --tracker flow cuts out without weights") from None
    return found


def _found(text: str) -> tuple[Path, Path | None]:
    """Return the folder of a benchmark in which masks may be written, and the original where that was copied just now.

    One that came with the package is copied once.
    """
    from intergeneval import bench, bench_paths

    folder = bench.folder_of(text)
    own = bench_paths.own_place(folder)
    if own == folder:
        return own, None
    copied(folder, own)
    return own, folder


def copied(folder: Path, own: Path) -> None:
    """Copy a benchmark, whole or not at all. Raises UsageError."""
    half = own.with_name(f".{own.name}.copying")
    try:
        shutil.rmtree(half, ignore_errors=True)
        shutil.copytree(folder, half)
        half.rename(own)
    except (OSError, shutil.Error) as error:
        raise UsageError(f"{own}: {folder} cannot be copied there ({error}); copy it by hand, or run this elsewhere") from None
