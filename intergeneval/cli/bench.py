"""`intergeneval bench`: list, show, check and build benchmarks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from intergeneval.cli import bench_build, bench_formats
from intergeneval.cli.terminal import echo
from intergeneval.errors import EXIT_USAGE, UsageError

if TYPE_CHECKING:
    from intergeneval.bench import Benchmark, SuiteReport
    from intergeneval.records import Sample

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("bench")
def command() -> None:
    """Look at benchmarks, and build them: what is asked of a video model."""


command.add_command(bench_build.command)
command.add_command(bench_formats.import_command)
command.add_command(bench_formats.export_command)


@command.command("list")
@_JSON
def list_command(*, as_json: bool) -> None:
    """List the benchmarks that can be named: in ./benchmarks, from plug-ins, and in this package."""
    from intergeneval import bench
    from intergeneval.errors import IntergenevalError

    rows: list[dict[str, Any]] = []
    for name in bench.names():
        try:
            found = bench.load(name)
        except IntergenevalError as error:
            rows.append({"name": name, "error": str(error)})
            continue
        rows.append({"name": name, "version": found.version, "samples": len(found.samples), "description": found.description})
    if as_json:
        echo(json.dumps({"benchmarks": rows}, indent=1, ensure_ascii=False))
        return
    for row in rows:
        if "error" in row:
            echo(f"{row['name']}: damaged; see 'intergeneval bench check {row['name']}'")
        else:
            echo(f"{row['name']} {row['version']}: {row['samples']} samples. {row['description']}")
    if not rows:
        echo("no benchmark found", err=True)


@command.command("show")
@click.argument("name")
@click.option("--sample", "sample_id", help="Show one sample in full.")
@click.option("--limit", type=int, help="Show the first N samples only.")
@click.option(
    "--sheet", type=click.Path(path_type=Path, dir_okay=False), help="Draw the first frames with masks and boxes into this PNG."
)
@_JSON
def show_command(name: str, sample_id: str | None, limit: int | None, sheet: Path | None, *, as_json: bool) -> None:
    """Show a benchmark (a name or a folder): its samples, instances and interactions."""
    from intergeneval import bench

    found = bench.load(name).narrow(ids=None if sample_id is None else [sample_id], limit=limit)
    if sheet is not None:
        _write_sheet(found, sheet)
    if as_json:
        echo(json.dumps(_as_json(found), indent=1, ensure_ascii=False))
    elif sample_id is not None:
        echo(_one(found.samples[0]))
    else:
        echo(_table(found))


@command.command("check")
@click.argument("name")
@click.option("--suite", is_flag=True, help="Show what all samples come to, and hold it against [suite] in bench.toml.")
@click.option("--accept-doubts", is_flag=True, help="Masks that may not show what they are called do not count.")
@_JSON
def check_command(name: str, *, suite: bool, as_json: bool, accept_doubts: bool) -> None:
    """Name every fault of a benchmark (a name or a folder), with file, field and fix, and every doubtful mask.

    Exit code 2 if there are any; doubtful masks that somebody looked at are accepted with --accept-doubts.
    """
    from intergeneval import bench

    place = name if bench.is_made(name) else str(bench.folder_of(name))
    faults = bench.check_made(bench.load(name)) if bench.is_made(name) else bench.check(Path(place))
    report = None
    if suite and not faults:
        found = bench.load(name)
        report = bench.check_suite(found, found.suite or bench.Suite())
        faults = list(report.faults)
    # What is faulty cannot be looked at.
    doubted = [] if faults else list(bench.benchmark_doubts(bench.load(name)))
    if as_json:
        told: dict[str, Any] = {"benchmark": place, "faults": [fault.to_json() for fault in faults]}
        if doubted:
            told["doubts"] = [{"place": where, **doubt.to_json()} for where, doubt in doubted]
        if report is not None:
            told["suite"] = report.to_json()
        echo(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        if report is not None:
            echo(_suite_text(report))
        for fault in faults:
            echo(str(fault))
        for where, doubt in doubted:
            echo(f"doubtful mask: {where}: {doubt}")
        count = "no fault" if not faults else "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        count += f", {len(doubted)} doubts; look at them, then --accept-doubts" if doubted else ""
        echo(f"{place}: {count}", err=bool(faults or doubted))
    if faults or (doubted and not accept_doubts):
        sys.exit(EXIT_USAGE)


def _suite_text(report: SuiteReport) -> str:
    from intergeneval.cli.text_table import aligned

    lines = [f"{report.samples} samples in {report.scenes} scenes, {report.twins} with a twin that differs in nothing but roles"]
    total = max(report.samples, 1)
    counted = [("label", "samples", "share"), *((name, str(n), f"{n / total:.3f}") for name, n in report.counts.items())]
    lines.append(aligned(counted))
    if report.promised:
        rows = [(label, f"{least:.3f}", f"{share:.3f}") for label, (least, share) in report.promised.items()]
        lines.append(aligned([("promised", "at least", "found"), *rows]))
    if report.closest:
        rows = [(item.first, item.second, f"{item.share:.2f}") for item in report.closest]
        lines.append(aligned([("most alike", "and", "words in common"), *rows]))
    return "\n\n".join(lines)


def _write_sheet(found: Benchmark, path: Path) -> None:
    from intergeneval.bench.contact_sheet import contact_sheet
    from intergeneval.masks.writing import encode_picture
    from intergeneval.records.disk import write_atomically

    picture = contact_sheet(found)
    try:
        write_atomically(path, encode_picture(picture))
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from None
    echo(f"sheet: {path}", err=True)


def _as_json(found: Benchmark) -> dict[str, Any]:
    from intergeneval.bench import models_with_masks

    return {
        "name": found.name,
        "version": found.version,
        "hash": found.hash,
        "layout": found.layout,
        "licence": found.licence,
        "description": found.description,
        "own_masks": models_with_masks(found),
        "samples": [sample.to_json() for sample in found.samples],
    }


def _table(found: Benchmark) -> str:
    from intergeneval.bench import model_folder, models_with_masks
    from intergeneval.records.wording import in_words

    lines = [f"{found.name} {found.version} ({found.layout}), {len(found.samples)} samples, hash {found.hash[:12]}"]
    lines += [text for text in (found.description, found.licence and f"licence: {found.licence}") if text]
    lines += [
        f"own first-frame masks: {model}, {count} of {len(found.samples)} samples, in masks/{model_folder(model)}"
        for model, count in models_with_masks(found).items()
    ]
    for sample in found.samples:
        who = ", ".join(f"{item.colour} {item.class_}" for item in sample.instances)
        what = "; ".join(in_words(sample, item) for item in sample.interactions) or "no interaction yet"
        lines.append(f"  {sample.id}  [{who}]  {what}")
    return "\n".join(lines)


def _one(sample: Sample) -> str:
    from intergeneval.records.wording import fields_in_words, in_words

    size = "unknown size" if sample.size is None else f"{sample.size[1]}x{sample.size[0]}"
    lines = [sample.id, f"  prompt: {sample.prompt}", f"  first frame: {sample.image or 'none'}, {size}"]
    lines += [
        f"  {item.id}: {item.class_}, {item.appearance} ({item.colour} box), mask {item.mask or 'none'}"
        for item in sample.instances
    ]
    for index, item in enumerate(sample.interactions):
        kind = f", {item.category}" if item.category else ""
        lines.append(f"  interaction {index}: {in_words(sample, item)} ({item.direction}{kind})")
        lines += [f"    {words}" for words in fields_in_words(sample, item)]
        lines += [f"    {number}. {text}" for number, text in enumerate(item.questions, start=1)]
    if sample.tags:
        lines.append(f"  tags: {', '.join(sample.tags)}")
    return "\n".join(lines)
