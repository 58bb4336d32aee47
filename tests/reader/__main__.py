"""``python -m tests.reader write|read|keep``: see `tests.reader.desk`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from intergeneval.store import RunStore
from tests.reader import desk

CASES = Path(__file__).with_name("exam.jsonl")
cases_option = click.option(
    "--cases",
    type=click.Path(path_type=Path, exists=True),
    default=CASES,
    help="Lines with sample_id and policy, or model, bench.",
)


@click.group()
def main() -> None:
    """Write what a judge is sent for a reader, and read the replies back."""


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@cases_option
@click.option("--seed", default=17, help="Order of the folders.")
def write(folder: Path, cases: Path, seed: int) -> None:
    """Write one folder a video into FOLDER, shuffled."""
    sizes = [desk.size_of(request) for request in desk.write(desk.cases_of(cases), folder, seed)]
    click.echo(json.dumps({"requests": len(sizes), **{name: sum(item[name] for item in sizes) for name in sizes[0]}}))


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.argument("runs", type=click.Path(path_type=Path))
@cases_option
def read(folder: Path, runs: Path, cases: Path) -> None:
    """Give the replies in FOLDER to the judge, write a run folder a policy into RUNS, and grade staged ones."""
    stores, owed = desk.read(desk.cases_of(cases), folder, runs)
    for line in owed:
        click.echo(line, err=True)
    staged = [store for store in stores if store.header.bench.startswith("staged")]
    if staged:
        click.echo(json.dumps(desk.grade(staged), indent=1))


@main.command()
@click.argument("runs", type=click.Path(path_type=Path, exists=True))
@click.argument("folder", type=click.Path(path_type=Path))
def keep(runs: Path, folder: Path) -> None:
    """Copy of the run folders in RUNS what `replay:` needs into FOLDER, as a fixture."""
    desk.keep([RunStore.open(path) for path in sorted(runs.iterdir()) if (path / "run.json").is_file()], folder)


if __name__ == "__main__":
    main()
