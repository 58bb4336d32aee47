"""`intergeneval validate`: the exam of a judge, a tracker and a detector on staged videos."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from intergeneval.cli.help_sections import Command, more
from intergeneval.cli.terminal import echo
from intergeneval.errors import EXIT_INCOMPLETE, EXIT_OK, ConfigError

if TYPE_CHECKING:
    from intergeneval.exam import Exam


@click.command("validate", cls=Command)
@click.option("--judge", default="geometry", show_default=True, help="Judge to examine.")
@click.option("--tracker", default="stored", show_default=True, help="Tracker it works with; stored: the true masks.")
@click.option("--detector", default="staged", show_default=True, help="Detector for emergence; staged: the truth; or none.")
@click.option("--split", type=click.Choice(["test", "dev"]), default="test", show_default=True, help="Scenes; tune on dev only.")
@click.option("--seed", type=click.IntRange(min=0), help="Fresh scenes of this seed, instead of a split.")
@click.option("--scenes", type=click.IntRange(min=2), help="Number of scenes (default 48).")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of card and runs; an exam there goes on.")
@click.option("--json", "as_json", is_flag=True, help="Print the judge card as JSON.")
@more("--policies", metavar="NAME,...", help="Only these policies (default all); perfect is always among them.")
@more("--recheck", type=click.FloatRange(0.0, 1.0), help="Share of videos asked a second time (default 0.1).")
@more("--size", metavar="HxW", help="Height and width of the videos (default 240x360).")
@more("--workers", type=click.IntRange(min=0), default=0, help="Parallel processes; default one a core.")
@more("--config", type=click.Path(path_type=Path, dir_okay=False), help="TOML file with the settings of backends.")
def command(as_json: bool, **options: Any) -> None:
    """Examine a judge on videos whose truth is known, and write its judge card.

    Every staged policy plays every scene; answers, scores and frames are held against the truth. Prints how often the judge is
    right, which faults it detects and how its scores rank models, each with a 95 % interval. Exit code 3 means that answers are
    missing.
    """
    exam = validate(options)
    if as_json:
        echo(json.dumps(exam.card, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        from intergeneval.cli.cards import card_text

        echo(card_text(exam.card))
        echo(f"judge card: {exam.folder / 'card.json'} and {exam.folder / 'card.html'}")
    sys.exit(EXIT_OK if exam.complete else EXIT_INCOMPLETE)


def validate(options: dict[str, Any]) -> Exam:
    """Hold the exam that the options describe. Raises UsageError and its kin before any work."""
    from intergeneval.cli.progress import progress
    from intergeneval.config import read_config
    from intergeneval.exam import SCENES, SPLITS, ExamSpec, examine, policies_of

    settings = read_config(options["config"], {}).settings if options["config"] else {}
    changes: dict[str, Any] = {} if options["recheck"] is None else {"recheck": options["recheck"]}
    if options["size"] is not None:
        changes["size"] = _size(options["size"])
    try:
        spec = ExamSpec(
            judge=options["judge"],
            tracker=options["tracker"],
            detector=options["detector"],
            seed=SPLITS[options["split"]] if options["seed"] is None else options["seed"],
            scenes=options["scenes"] or SCENES,
            policies=policies_of(options["policies"]),
            settings=settings,
            **changes,
        )
    except ValueError as error:
        raise ConfigError(f"validate: {error}") from None
    out = options["out"] or _default_folder(spec.judge, spec.tracker, spec.seed, spec.scenes)
    echo(f"{spec.judge} with {spec.tracker} on {spec.scenes} scenes: {out}", err=True)
    with progress("examining") as tell:
        return examine(spec, out, workers=options["workers"], command=sys.argv, on_progress=tell)


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal()):
        raise ConfigError(f"--size {text!r} is not of the form HxW, such as 240x360")
    return int(height), int(width)


def _default_folder(judge: str, tracker: str, seed: int, scenes: int) -> Path:
    parts = (judge, tracker, f"seed{seed}", str(scenes))
    name = "-".join("".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in part) for part in parts)
    return Path("runs") / "exams" / name.strip(".-")
