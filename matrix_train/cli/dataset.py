"""`matrix-train dataset`: finished datasets made of what is there, packed, split, described and reviewed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from intergeneval.errors import EXIT_INCOMPLETE
from matrix_train.cli.options import Pace, answer, json_option, say

if TYPE_CHECKING:
    from matrix_train.datasets.writing import Written

SHOWN = 10
"""Strata of a kind that are printed."""
_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)
_dataset = click.argument("dataset", type=click.Path(path_type=Path, file_okay=False, exists=True))
_out = click.option("--out", type=_FOLDER, required=True, help="Folder to write; none with a dataset in it.")


class Ordered(click.Group):
    """A group whose commands stand in the order in which one uses them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the commands in the order in which they were written down."""
        return list(self.commands)


@click.group("dataset", cls=Ordered)
def command() -> None:
    """Work on finished datasets: the folders that `fit` takes."""


def _tell(written: Written, out: Path, *, as_json: bool) -> None:
    """Print what was written and what was left out; exit 3 where a clip was."""
    from matrix_train.datasets.writing import summary

    for line in summary(written.dropped):
        say(f"note: {line}")
    dropped = [item.to_json() for item in written.dropped]
    text = f"{out}: {written.clips} clips, {len(dropped)} left out"
    answer({"dataset": str(out), "clips": written.clips, "dropped": dropped}, text, as_json=as_json)
    if dropped:
        click.get_current_context().exit(EXIT_INCOMPLETE)


@command.command("from-bench", short_help="Make one of a benchmark that was built from videos.")
@click.argument("benchmark")
@_out
@json_option
def from_bench(*, benchmark: str, out: Path, as_json: bool) -> None:
    """Make a dataset of a BENCHMARK that was built from videos; exit 3 when some of it had to be left out.

    Each video with stored tracks beside it becomes a clip. The places of subject, verb and object are looked for in its prompt.
    """
    from matrix_train.datasets.from_bench import from_bench as convert

    _tell(convert(benchmark, out), out, as_json=as_json)


@command.command("from-release", short_help="Make one of the public release's layout.")
@click.argument("folder", type=_FOLDER)
@_out
@click.option("--licence", default="", help="Terms that are noted of every clip.")
@json_option
def from_release(*, folder: Path, out: Path, licence: str, as_json: bool) -> None:
    """Make a dataset of FOLDER in the public release's layout; exit 3 when some of it had to be left out.

    `fit` takes that layout as it is; this one has spans, run lengths, and room for licences and splits.
    """
    from matrix_train.datasets.from_release import from_release as convert

    written, guessed = convert(folder, out, licence=licence)
    if guessed:
        say(f"note: roles of {guessed} clips are guessed from the order of their two ids, without a verb")
    _tell(written, out, as_json=as_json)


@command.command("to-webdataset", short_help="Pack one as tar shards.")
@_dataset
@click.option("--out", type=_FOLDER, required=True, help="Folder of the shards; none with shards in it.")
@click.option("--shard-mb", type=click.IntRange(min=1), default=1000, show_default=True, help="Size from which a shard is full.")
@json_option
def to_webdataset(*, dataset: Path, out: Path, shard_mb: int, as_json: bool) -> None:
    """Pack DATASET as tar shards (KEY.mp4, KEY.json, KEY.tracks.json); sides of a split get shards of their own."""
    from matrix_train.datasets.webdataset import to_webdataset as pack

    shards = [str(path) for path in pack(dataset, out, shard_bytes=shard_mb << 20)]
    answer({"shards": shards}, "\n".join(shards), as_json=as_json)


@command.command("from-webdataset", short_help="Unpack shards.")
@click.argument("shards", type=click.Path(path_type=Path, dir_okay=False, exists=True), nargs=-1, required=True)
@_out
@json_option
def from_webdataset(*, shards: tuple[Path, ...], out: Path, as_json: bool) -> None:
    """Unpack the SHARDS of a dataset that 'to-webdataset' packed."""
    from matrix_train.datasets.webdataset import from_webdataset as unpack

    _tell(unpack(shards, out), out, as_json=as_json)


@command.command("split", short_help="Keep clips for validation.")
@_dataset
@click.option(
    "--validation",
    "share",
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    required=True,
    help="Share of the clips.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Which clips; the same for the same clips.")
@click.option(
    "--distance",
    type=click.FloatRange(0.0, 0.5),
    default=0.12,
    show_default=True,
    help="Share of bits in which perceptual hashes of clips that show the same may differ.",
)
@json_option
def split(*, dataset: Path, share: float, seed: int, distance: float, as_json: bool) -> None:
    """Keep a share of DATASET for validation, with no source and nothing that looks the same on both sides.

    It is written into each clip's line, and `fit` never trains on clips of the validation. Doing it again decides anew.
    """
    from dataclasses import asdict

    from matrix_train.datasets.split import split_dataset

    found = split_dataset(dataset, share=share, seed=seed, distance=distance, report=Pace())
    if found.unsourced:
        say(f"note: {found.unsourced} clips do not tell their source; their videos and looks alone say what they belong to")
    text = (
        f"{found.train} clips to train on, {found.validation} for validation; {found.groups} groups, the largest of "
        f"{found.largest}; {found.pairs} pairs of different sources show the same"
    )
    answer(asdict(found), text, as_json=as_json)


@command.command("review", short_help="Look at one, decide, and know how much of it is wrong.")
@_dataset
@click.option("--out", type=_FILE, help="The page to write; more lie beside it for many clips.")
@click.option("--decisions", type=_FILE, multiple=True, help="What a page saved; says how many clips are wrong. Repeatable.")
@click.option("--apply", is_flag=True, help="Carry the decisions out: clips to drop leave the dataset, clips to fix are changed.")
@click.option("--sample", type=click.IntRange(min=1), help="Review so many clips, drawn at random, and not all.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which clips are drawn.")
@json_option
def review(
    *,
    dataset: Path,
    out: Path | None,
    decisions: tuple[Path, ...],
    apply: bool,
    sample: int | None,
    seed: int,
    as_json: bool,
) -> None:
    """Look at DATASET and decide: --out writes a page of one file, --decisions says what its decisions mean for all clips.

    The page shows ten frames a clip with masks, and its caption with the roles marked; accept, fix or drop by keyboard. What came
    from 'curate' is made anew by it, so there the decisions are given to 'curate --review' and not applied here.
    """
    from matrix_train.data.reading import read_dataset
    from matrix_train.datasets.decisions import drawn

    if (out is None) == (not decisions) or (apply and not decisions):
        raise click.UsageError("give --out to write a page, or --decisions to read what was decided")
    clips = read_dataset(dataset)
    chosen = drawn(clips, sample, seed)
    if out is not None:
        from matrix_train.datasets.review_page import write_review

        made = write_review(dataset, chosen, out, of=len(clips), report=Pace())
        pages = [str(path) for path in made]
        answer({"pages": pages, "clips": len(chosen), "of": len(clips)}, "\n".join(pages), as_json=as_json)
        return
    from matrix_train.datasets.decisions import check_masks, read_decisions, reviewed

    said = read_decisions(decisions)
    found = reviewed(clips, chosen, said)
    check_masks(dataset, chosen, said)
    lines = [f"all clips: {found.overall.text}"]
    for kind, rates in (("category", found.categories), ("source", found.sources)):
        shown = sorted(rates, key=lambda name: (-rates[name].sampled, name))
        lines += [f"{kind} {name}: {rates[name].text}" for name in shown[:SHOWN]]
        lines += [f"{len(shown) - SHOWN} more, in --json"] if len(shown) > SHOWN else []
    lines += [f"{item.decision} {item.clip}{f': {item.note}' if item.note else ''}" for item in found.wrong]
    if apply:
        from matrix_train.datasets.carrying_out import carry_out

        fixed, gone = carry_out(dataset, said)
        say(f"{fixed} clips were changed, {gone} left the dataset")
    answer(found.to_json(), "\n".join(lines), as_json=as_json)


@command.command("stats", short_help="Say what one holds, on a page and as JSON.")
@_dataset
@click.option("--out", type=_FOLDER, help="Folder of the page and its numbers; the dataset's own where none is given.")
@json_option
def stats(*, dataset: Path, out: Path | None, as_json: bool) -> None:
    """Say what DATASET holds and what was left out of it: statistics.html, without a script, and statistics.json."""
    import json

    from intergeneval.records.disk import write_atomically
    from matrix_train.data.reading import read_dataset
    from matrix_train.datasets.kinds import UNTOLD
    from matrix_train.datasets.statistics import looks_of, statistics
    from matrix_train.datasets.statistics_page import write_statistics_page
    from matrix_train.datasets.writing import read_dropped

    clips, dropped = read_dataset(dataset), read_dropped(dataset)
    found = statistics(clips, looks_of(dataset, clips, Pace()), [item for item, _ in dropped])
    place = out or dataset
    place.mkdir(parents=True, exist_ok=True)
    write_atomically(place / "statistics.json", json.dumps(found.to_json(), indent=1, ensure_ascii=False) + "\n")
    write_statistics_page(dataset, clips, found, dropped, place / "statistics.html")
    text = (
        f"{found.clips} clips, {found.seconds / 60:.1f} minutes, {found.bodies} instances, {found.acts} interactions, "
        f"{len(set(found.sources) - {UNTOLD})} sources, {len(dropped)} left out\n{place / 'statistics.html'}"
    )
    for name, why in found.unreadable.items():
        say(f"note: {name}: {why}")
    answer(found.to_json(), text, as_json=as_json)


@command.command("datasheet", short_help="Write its datasheet.")
@_dataset
@click.option("--out", type=_FILE, help="The Markdown file; DATASHEET.md in the dataset where none is given.")
@json_option
def datasheet(*, dataset: Path, out: Path | None, as_json: bool) -> None:
    """Write the datasheet of DATASET: answered where the data can, and marked where only you can; never over another text."""
    from matrix_train.data.reading import read_dataset
    from matrix_train.datasets import datasheet as sheet
    from matrix_train.datasets.statistics import looks_of, statistics
    from matrix_train.datasets.writing import read_dropped

    clips = read_dataset(dataset)
    found = statistics(clips, looks_of(dataset, clips, Pace()), [item for item, _ in read_dropped(dataset)])
    text = sheet.datasheet(dataset.resolve().name, clips, found, sheet.trackers_of(dataset, clips))
    path = out or dataset / sheet.NAME
    sheet.write_datasheet(path, text)
    yours = text.count(sheet.OPEN)
    say(f"note: {yours} answers are yours to write")
    answer({"datasheet": str(path), "yours": yours}, str(path), as_json=as_json)
