"""`intergeneval validate`: the exam of a judge, a tracker and a detector on staged videos."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from intergeneval.cli.help_sections import Command, more
from intergeneval.cli.several import folder_of, judges_of
from intergeneval.cli.terminal import echo
from intergeneval.errors import EXIT_INCOMPLETE, EXIT_OK, ConfigError, UsageError

if TYPE_CHECKING:
    from intergeneval.exam import Exam, ExamSpec, Labelled


@click.command("validate", cls=Command)
@click.option("--judge", default="geometry", show_default=True, help="Judge to examine; A,B: each, on one page.")
@click.option("--tracker", default="stored", show_default=True, help="Tracker it works with; stored: the true masks.")
@click.option("--detector", default="staged", show_default=True, help="Detector for emergence; staged: the truth; or none.")
@click.option("--split", type=click.Choice(["test", "dev"]), default="test", show_default=True, help="Scenes; tune on dev only.")
@click.option(
    "--labels", type=click.Path(path_type=Path, dir_okay=False), help="Labels of your own videos, JSONL: hold it to them too."
)
@click.option(
    "--videos",
    type=click.Path(path_type=Path, file_okay=False),
    help="Your labelled videos; a folder a model, if labels name any.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of card and runs; an exam there goes on.")
@click.option("--json", "as_json", is_flag=True, help="Print the judge card as JSON.")
@more("--seed", type=click.IntRange(min=0), help="Fresh scenes of this seed, instead of a split.")
@more("--scenes", type=click.IntRange(min=2), help="Number of scenes (default 48).")
@more("--bench", help="Benchmark of the labelled videos; told from their files where it can be.")
@more("--policies", metavar="NAME,...", help="Only these policies (default all); perfect is always among them.")
@more("--recheck", type=click.FloatRange(0.0, 1.0), help="Share of videos asked a second time (default 0.1).")
@more("--video-tracker", help="Tracker of the labelled videos (default as in `run`).")
@more("--size", metavar="HxW", help="Height and width of the videos (default 240x360).")
@more("--workers", type=click.IntRange(min=0), default=0, help="Parallel processes; default one a core.")
@more("--shard", help="I/N: play the I-th of N parts of the videos; a plain call finishes and grades.")
@more("--engine", default="", metavar="NAME", help="Who does them: processes (default), ray (a cluster), ray:HOST:PORT.")
@more("--config", type=click.Path(path_type=Path, dir_okay=False), help="TOML file with the settings of backends.")
def command(as_json: bool, **options: Any) -> None:
    """Examine a judge on videos whose truth is known, and write its judge card.

    Every staged policy plays every scene; answers, scores and frames are held against the truth. Prints how often the judge is
    right, which faults it detects and how its scores rank models, each with a 95 % interval. Exit code 3 means that answers are
    missing.
    """
    judges = judges_of(options["judge"])
    if options["shard"]:
        if as_json:
            raise UsageError(f"--shard {options['shard']}: a shard grades nothing; leave --json to the command that finishes")
        echo(f"{validate_shard(judges, options)} videos done; the same command without --shard finishes and grades")
        return
    if len(judges) == 1:
        exam = validate(options)
        if as_json:
            echo(_json(exam.card))
        else:
            _show(exam)
        sys.exit(EXIT_OK if exam.complete else EXIT_INCOMPLETE)
    exams, found = validate_several(judges, options)
    if as_json:
        echo(_json(found))
    else:
        _show_several(exams, found)
    sys.exit(EXIT_OK if all(exam.complete for exam in exams) else EXIT_INCOMPLETE)


def validate(options: dict[str, Any]) -> Exam:
    """Hold the exam that the options describe. Raises UsageError and its kin before any work."""
    from intergeneval.cli.progress import progress
    from intergeneval.config import read_config
    from intergeneval.exam import examine

    # The same names as in a run.
    spec, labelled = exam_spec(options), _labelled(options)
    read_config(None, {"engine": options["engine"]})
    out = options["out"] or _default_folder(spec.judge, spec.tracker, spec.seed, spec.scenes)
    echo(f"{spec.judge} with {spec.tracker} on {spec.scenes} scenes: {out}", err=True)
    with progress("examining") as tell:
        workers, engine = options["workers"], options["engine"]
        return examine(spec, out, workers=workers, engine=engine, command=sys.argv, on_progress=tell, labelled=labelled)


def validate_shard(judges: tuple[str, ...], options: dict[str, Any]) -> int:
    """Play one shard of the exam that the options describe; return on how many videos anything was done.

    Raises UsageError and its kin before any work.
    """
    from intergeneval.cli.progress import progress
    from intergeneval.config import shard_of
    from intergeneval.exam.policy_runs import run_shard

    try:
        shard_of(options["shard"])
    except ValueError as error:
        raise ConfigError(f"--shard: {error}") from None
    if len(judges) > 1 or options["labels"] is not None or options["engine"] or options["workers"] > 1:
        raise UsageError(
            f"--shard {options['shard']}: a shard is one process and plays staged videos for one judge; leave --engine, "
            "--workers and --labels out, and give each judge shards of its own"
        )
    spec = exam_spec(options)
    out = options["out"] or _default_folder(spec.judge, spec.tracker, spec.seed, spec.scenes)
    echo(f"{spec.judge} with {spec.tracker} on {spec.scenes} scenes: {out}", err=True)
    with progress("playing") as tell:
        return run_shard(spec, out, options["shard"], lambda policy, done, total: tell(done, total, policy))


def validate_several(judges: tuple[str, ...], options: dict[str, Any]) -> tuple[list[Exam], dict[str, Any]]:
    """Examine every judge in a folder of its own below ``--out`` and put their cards on one page there.

    Raises UsageError and its kin before any work.
    """
    from intergeneval.exam import together

    specs = [exam_spec({**options, "judge": judge}) for judge in judges]
    _labelled(options)
    first = specs[0]
    out = options["out"] or _default_folder("+".join(judges), first.tracker, first.seed, first.scenes)
    exams = [validate({**options, "judge": judge, "out": out / folder_of(judge)}) for judge in judges]
    return exams, together(exams, out)


def exam_spec(options: dict[str, Any]) -> ExamSpec:
    """Return the settings of the exam that the options describe. Raises UsageError and ConfigError."""
    from intergeneval.config import read_config
    from intergeneval.exam import SCENES, SPLITS, ExamSpec, policies_of

    settings = read_config(options["config"], {}).settings if options["config"] else {}
    changes: dict[str, Any] = {} if options["recheck"] is None else {"recheck": options["recheck"]}
    if options["size"] is not None:
        changes["size"] = _size(options["size"])
    try:
        return ExamSpec(
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


def _labelled(options: dict[str, Any]) -> Labelled | None:
    """Return the labelled videos that the options name, checked; None where there are none. Raises UsageError and RecordError."""
    from intergeneval.config import AUTO, read_config
    from intergeneval.exam import Labelled
    from intergeneval.exam.labels import check

    named = [f"--{name.replace('_', '-')}" for name in ("videos", "bench", "video_tracker") if options[name] is not None]
    if options["labels"] is None:
        if named:
            raise UsageError(f"{named[0]} is for videos with labels; name their file with --labels")
        return None
    if options["videos"] is None:
        raise UsageError(f"--labels {options['labels']}: name the folder of the labelled videos with --videos")
    found = Labelled(
        labels=options["labels"],
        videos=options["videos"],
        bench=options["bench"] or "",
        tracker=options["video_tracker"] or AUTO,
        settings=read_config(options["config"], {}).settings if options["config"] else {},
    )
    check(found)
    return found


def _show(exam: Exam) -> None:
    from intergeneval.cli.cards import card_text

    echo(card_text(exam.card))
    echo(f"judge card: {exam.folder / 'card.json'} and {exam.folder / 'card.html'}")


def _show_several(exams: list[Exam], found: dict[str, Any]) -> None:
    from intergeneval.exam.between import between_text

    for exam in exams:
        _show(exam)
        echo()
    echo(between_text(found["between"]))
    if found["between_labelled"] is not None:
        echo(f"\nOn the videos with labels\n{between_text(found['between_labelled'])}")
    out = exams[0].folder.parent
    echo(f"all judges: {out / 'cards.json'} and {out / 'cards.html'}")


def _json(found: object) -> str:
    return json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False)


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal()):
        raise ConfigError(f"--size {text!r} is not of the form HxW, such as 240x360")
    return int(height), int(width)


def _default_folder(judge: str, tracker: str, seed: int, scenes: int) -> Path:
    parts = (judge, tracker, f"seed{seed}", str(scenes))
    name = "-".join("".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in part) for part in parts)
    return Path("runs") / "exams" / name.strip(".-")
