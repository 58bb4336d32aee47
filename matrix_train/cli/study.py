"""`matrix-train study`: train, generate, score, compare and report several arms; and label its clips blind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from intergeneval.errors import EXIT_INCOMPLETE
from intergeneval.records.disk import read_text
from matrix_train.cli.options import answer, json_option, say

if TYPE_CHECKING:
    from matrix_train.study.progress import Standing


class PlanFirst(click.Group):
    """A group whose first word may be a plan: `study PLAN` is `study run PLAN`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``run`` in front of a plan."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group("study", cls=PlanFirst)
def command() -> None:
    """Do a whole study in one resumable command: `matrix-train study PLAN --out DIR`.

    PLAN is a TOML file or the name of a plan that comes with the package. A plan in a file called like one of the commands below
    is given as ./run.
    """


@command.command("run")
@click.argument("plan")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the study; it goes on where it was."
)
@click.option(
    "--only", multiple=True, metavar="PIECE", help="Do this piece alone; takes patterns such as 'train/*/0'; repeatable."
)
@click.option("--until", default="", metavar="PIECE", help="Stop after this piece.")
@click.option("--plan", "listing", is_flag=True, help="List the pieces, what is done and how long the rest takes; do nothing.")
@json_option
def run(plan: str, out: Path, only: tuple[str, ...], until: str, listing: bool, as_json: bool) -> None:
    """Do the pieces of PLAN that are not done; exit 3 when one could not be finished."""
    from matrix_train.study.plan import load
    from matrix_train.study.progress import left_of
    from matrix_train.study.run import Study

    study = Study(load(plan), out, say)
    if listing:
        found = study.standings()
        seconds, unknown = left_of(found)
        result: dict[str, Any] = {
            "pieces": [item.to_json() for item in found],
            "seconds_left": seconds,
            "unknown": unknown,
        }
        answer(result, _list(found, seconds, unknown), as_json=as_json)
        return
    whole = study.run(only, until)
    table = out / "result" / "table.md"
    text = read_text(table) if table.is_file() else f"{out}: the table comes when all runs are done"
    answer({"folder": str(out), "whole": whole, "table": str(table) if table.is_file() else None}, text, as_json=as_json)
    if not whole:
        click.get_current_context().exit(EXIT_INCOMPLETE)


@command.command("so-far")
@click.argument("study", type=click.Path(path_type=Path, file_okay=False))
@json_option
def so_far(study: Path, as_json: bool) -> None:
    """Write what the finished part of the binding study STUDY says into STUDY/so-far."""
    from matrix_train.study.run import Study

    page = Study.open(study, say).so_far() / "binding.md"
    answer({"page": str(page)}, read_text(page), as_json=as_json)


@command.command("read-labels")
@click.argument("study", type=click.Path(path_type=Path, file_okay=False))
@click.argument("labels", type=click.Path(path_type=Path, dir_okay=False))
@json_option
def read_labels(study: Path, labels: Path, as_json: bool) -> None:
    """Take the LABELS of somebody who did not know the arms, and write the table of STUDY anew."""
    from matrix_train.study.run import Study

    whole, clips = Study.open(study, say).take_labels(labels)
    answer({"labelled": whole, "clips": clips}, f"{whole} of {clips} clips labelled whole", as_json=as_json)


@command.command("label-sheet")
@click.argument("study", type=click.Path(path_type=Path, file_okay=False))
@json_option
def label_sheet(study: Path, as_json: bool) -> None:
    """Draw the blind sheet of STUDY (a finished study has it already) and say where it is."""
    from matrix_train.study.labels import LabelBook
    from matrix_train.study.run import Study

    Study.open(study, say).run(only=("labels",))
    book = LabelBook(study)
    result = {"page": str(book.page), "pictures": str(book.folder / "contact"), "questions": str(book.questions)}
    answer(
        {**result, "key": str(book.key_file)}, "\n".join(f"{name}: {place}" for name, place in result.items()), as_json=as_json
    )


def _list(found: tuple[Standing, ...], seconds: float, unknown: int) -> str:
    """Return the pieces as lines, and the time they leave."""
    wide = max(len(item.piece) for item in found)
    lines = []
    for item in found:
        told = "took" if item.state == "done" else "about"
        effort = "" if item.seconds is None else f"{told} {item.seconds / 60:.1f} min"
        lines.append(f"{item.state:<6}{item.piece:<{wide + 2}}{item.left} of {item.units} left  {effort}")
    rest = f"; {unknown} pieces are of a kind that was not done yet" if unknown else ""
    return "\n".join([*(line.rstrip() for line in lines), f"about {seconds / 3600:.1f} h left{rest}"])
