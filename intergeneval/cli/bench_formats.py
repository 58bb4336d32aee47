"""`intergeneval bench import` and `bench export`: benchmarks out of formats of other tools, and in them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from intergeneval.cli.terminal import echo
from intergeneval.errors import EXIT_INCOMPLETE, MediaError, StoreError, UsageError
from intergeneval.ids import few

if TYPE_CHECKING:
    from intergeneval.build.formats.suites import SuitePrompt

_LAYOUTS = ("coco", "youtube-vis", "davis", "sa-v", "cvat", "label-studio", "hf")
_SUITES = ("vbench", "vbench2", "t2v-compbench", "evalcrafter")
_WHOLE_VIDEOS = ("sa-v", "cvat")
_STILL = ("coco", "label-studio", "hf")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command("import")
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--layout", type=click.Choice([*_LAYOUTS, *_SUITES]), required=True, help="What PATH is; MOSE is as DAVIS.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the benchmark to write.")
@click.option("--media", type=click.Path(path_type=Path, file_okay=False), help="Pictures or videos; default: beside PATH.")
@click.option(
    "--prompts", type=click.Path(path_type=Path, dir_okay=False), help="Prompt of each sample: NAME<TAB>PROMPT, csv, jsonl."
)
@click.option("--classes", help="Class names to read, with commas between; default: all.")
@click.option("--judge", default="none", show_default=True, help="Who reads prompts of a suite: none (rules) or openai:MODEL.")
@_JSON
def import_command(  # noqa: PLR0913  # one argument an option
    path: Path,
    layout: str,
    out: Path,
    media: Path | None,
    prompts: Path | None,
    classes: str | None,
    judge: str,
    *,
    as_json: bool,
) -> None:
    """Make a benchmark out of annotated pictures or videos, a suite of prompts, or a data set.

    Masks of first frames come along, of videos their tracks too (--tracker stored). Who does what to whom is read from the file
    where it says it, else from the prompt; what is missing is named.
    """
    try:
        if layout in _SUITES:
            told = _suite(*_prompts_of(layout, path), path, out, judge)
        else:
            told = _annotated(path, layout, out, media, prompts, classes, judge)
    except MediaError as error:
        # What a run records of a video and goes on from is here what the command was given.
        raise UsageError(str(error)) from None
    except OSError as error:
        raise StoreError(f"{error.filename or out}: cannot be written ({error.strerror or error})") from None
    if as_json:
        echo(json.dumps(told, indent=1, ensure_ascii=False))
        sys.exit(0 if told["samples"] else EXIT_INCOMPLETE)
    for line in told["said"]:
        echo(f"  {line}", err=True)
    count = "1 sample" if told["samples"] == 1 else f"{told['samples']} samples"
    echo(f"{out}: {count}, {told['interactions']} interactions")
    echo(told["next"])
    if not told["samples"]:
        sys.exit(EXIT_INCOMPLETE)


def _prompts_of(layout: str, path: Path) -> tuple[list[SuitePrompt], list[str]]:
    from intergeneval.build.formats.suites import read_suite

    said: list[str] = []
    return read_suite(layout, path, said), said


def _annotated(
    path: Path, layout: str, out: Path, media: Path | None, prompts: Path | None, classes: str | None, judge: str
) -> dict[str, Any]:
    from intergeneval.build.formats import Pictures, reader
    from intergeneval.build.formats.benchmark import write_benchmark
    from intergeneval.build.prompt_list import prompts_by_name

    chosen = frozenset(name.strip() for name in (classes or "").split(",") if name.strip())
    pictures = Pictures(folder=media, classes=chosen)
    clips = reader(layout)(path, pictures)
    if not clips and layout == "hf":
        from intergeneval.build.formats.hf import read_prompts

        return _suite(read_prompts(path), [], path, out, judge)
    if not clips:
        why = f" of class {', '.join(sorted(chosen))}" if chosen else ""
        raise UsageError("\n  ".join([f"{path}: holds no annotated instance{why}", *pictures.said]))
    listed = {} if prompts is None else prompts_by_name(prompts)
    folder = media if media is not None else _beside(path)
    done = write_benchmark(clips, out, folder, name=out.resolve().name, source=path.name, prompts=listed)
    stored = " --tracker stored" if done.videos else ""
    acts = sum(len(sample.interactions) for sample in done.samples)
    following = f"intergeneval run --model MODEL --bench {out}" if acts else f"intergeneval annotate {out}"
    if done.videos and acts:
        following = f"intergeneval run --model bench:{out} --bench {out}{stored}"
    if bare := [sample.id for sample in done.samples if not sample.prompt]:
        following = f"intergeneval annotate {out} --prompts FILE, with a line NAME<TAB>PROMPT for each of {few(bare, 4)}"
    said = [*pictures.said, *done.said]
    return {"samples": len(done.samples), "interactions": acts, "said": said, "next": f"next: {following}"}


def _beside(path: Path) -> Path:
    """Return where a format has its pictures: in a folder of that name, or beside its file."""
    home = path if path.is_dir() else path.parent
    for name in ("JPEGImages/480p", "JPEGImages", "images"):
        if (home / name).is_dir() and not (name == "images" and path.suffix == ".json" and _named_inside(path)):
            return home / name
    return home


def _named_inside(path: Path) -> bool:
    """Whether a file names its pictures with the folder in front."""
    try:
        with path.open("rb") as file:
            return b'"images/' in file.read(1 << 20)
    except OSError:
        return False


def _suite(found: list[SuitePrompt], told: list[str], path: Path, out: Path, judge: str) -> dict[str, Any]:
    """Write the prompts, and build a benchmark for text-to-video models out of them."""
    from intergeneval.build.build import Build
    from intergeneval.build.config import NONE, BuildConfig
    from intergeneval.build.prompted import LIST
    from intergeneval.ids import canonical_json
    from intergeneval.records.disk import write_atomically

    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / LIST, "".join(canonical_json(item.row()) + "\n" for item in found))
    config = BuildConfig(
        source=str(out / LIST), out=str(out), judge=judge, detector=NONE, tracker=NONE, text_only=True,
        description=f"{len(found)} prompts of {path.name}.",
    )  # fmt: skip
    result = Build(config, sys.argv).execute(on_notice=lambda text: echo(text, err=True))
    acts = sum(len(sample.interactions) for sample in result.made.samples)
    left = len(found) - len(result.made.samples)
    said = told + (
        [f"{left} of {len(found)} prompts name no interaction that could be read; dropped.jsonl says why of each"] if left else []
    )
    following = f"next: intergeneval run --model VIDEOS --bench {out}"
    if not result.made.samples:
        following = "no sample is left, so there is no benchmark: a model reads more, the same command with --judge openai:MODEL"
    return {"samples": len(result.made.samples), "interactions": acts, "said": said, "next": following}


@click.command("export")
@click.argument("name")
@click.option("--layout", type=click.Choice(_LAYOUTS), required=True, help="What to write.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write.")
@click.option(
    "--run", "run", type=click.Path(path_type=Path, file_okay=False), help="Run folder whose tracks to write; hf: its scores."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the run's videos.")
@click.option(
    "--media", type=click.Path(path_type=Path, file_okay=False), help="Folder of the run's videos, to copy their pictures."
)
@_JSON
def export_command(name: str, layout: str, out: Path, run: Path | None, seed: int, media: Path | None, *, as_json: bool) -> None:
    """Write a benchmark's first-frame masks, or the tracks of a run of it, in a format of another tool."""
    from intergeneval import bench
    from intergeneval.build.formats import writer
    from intergeneval.build.formats.benchmark import clips_of
    from intergeneval.sources.folder import FolderSource

    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out}: exists already; choose another --out or remove it")
    found = bench.load(name)
    try:
        if layout == "hf" and run is not None:
            count = _scores(run, out)
        else:
            if run is not None and layout in _STILL:
                raise UsageError(
                    f"--layout {layout} holds pictures; for the tracks of a run take youtube-vis, davis, sa-v or cvat"
                )
            tracks = None if run is None else _tracks(run, seed)
            model = None if media is None else FolderSource(media)
            clips = clips_of(found, tracks, model, whole_videos=layout in _WHOLE_VIDEOS)
            out.mkdir(parents=True, exist_ok=True)
            writer(layout)(clips, out)
            count = len(clips)
    except OSError as error:
        raise StoreError(f"{error.filename or out}: cannot be written ({error.strerror or error})") from None
    if as_json:
        echo(json.dumps({"layout": layout, "out": str(out), "samples": count}))
    else:
        echo(f"{out}: {count} samples in layout {layout}")


def _tracks(run: Path, seed: int) -> dict[str, Any]:
    from intergeneval.records import Tracks
    from intergeneval.store import RunStore

    store = RunStore.open(run)
    found = {item.sample_id: item for item in store.read("tracks", Tracks) if item.seed == seed}
    if not found:
        raise UsageError(f"{run}: holds no tracks of seed {seed}")
    return found


def _scores(run: Path, out: Path) -> int:
    from intergeneval.build.formats.hf import write_scores
    from intergeneval.records import Sample, Score
    from intergeneval.store import RunStore

    store = RunStore.open(run)
    scores = list(store.read("scores", Score))
    prompts = {sample.id: sample.prompt for sample in store.read("samples", Sample)}
    if not scores:
        raise UsageError(f"{run}: holds no scores yet")
    write_scores(scores, store.header.model, prompts, out)
    return len(scores)


__all__ = ["export_command", "import_command"]
