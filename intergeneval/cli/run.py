"""`intergeneval run`: score the videos of a model."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from intergeneval.cli.help_sections import Command, more
from intergeneval.cli.several import judges_of, run_several, tell
from intergeneval.cli.terminal import echo
from intergeneval.errors import EXIT_INCOMPLETE, EXIT_OK, UsageError
from intergeneval.ids import few

if TYPE_CHECKING:
    from intergeneval.config import RunConfig
    from intergeneval.records import DoubtedMask
    from intergeneval.run.run import Progress, Run, RunResult

_SHOWN = 12
_FEW = 4


@click.command("run", cls=Command)
@click.option("--model", help="Folder of videos, or SOURCE:ARGUMENT such as staged:perfect.")
@click.option("--bench", help="Benchmark name or path; told from the model's files where it can be.")
@click.option(
    "--prompts", help="What the videos were made from: names, or a txt, csv or jsonl FILE. (A folder: judge templates.)"
)
@click.option(
    "--tracker", help="Tracker: flow (default), hf (default with --prompts where it can be loaded), stored, stored:DIR, ..."
)
@click.option(
    "--judge", help="Judge: geometry (default), openai:MODEL, openai-batch:MODEL, replay:RUN, ...; A,B: each, and how they agree."
)
@click.option(
    "--detector",
    help="Detector for emergence; none (default): upper bounds, marked partial; with --prompts the best that can be loaded.",
)
@click.option("--out", help="Run folder; default runs/<model>/<bench>-<key>. An unfinished run there goes on.")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="TOML file with any of these settings and more.")
@more("--json", "as_json", is_flag=True, help="Print scores as JSON.")
@more("--limit", type=int, help="Score the first N samples only.")
@more("--samples", help="Score these sample ids only, separated by commas.")
@more("--seeds", help="Score these seeds only, separated by commas.")
@more("--profile", type=click.Choice(["bounded", "paper", "informative"]), help="Score profile (default bounded).")
@more("--sampling", help="Frames a judge sees: equal-time (default), paper, stride:N.")
@more("--workers", type=int, help="Parallel processes; default one a core.")
@more("--workers-per-gpu", type=int, help="Workers that share a GPU; default 1.")
@more("--engine", metavar="NAME", help="Who does the videos: processes (default), ray (a cluster), ray:HOST:PORT.")
@more("--carry", is_flag=True, default=None, help="With an engine ray: videos travel to nodes that see no common folder.")
@more("--worker-memory", type=float, metavar="GIB", help="Most memory for the data of a worker process; default no limit.")
@more("--shard", help="I/N: do the I-th of N parts; a plain run finishes.")
@more("--name", help="Name of the model in tables.")
@more("--consistency", type=click.Choice(["tracks", "judge"]), help="Who says what vanished and emerged (default tracks).")
@more("--accept-doubts", is_flag=True, default=None, help="With --prompts: go on though masks may not show what they are called.")
@more("--controls/--no-controls", default=None, help="Ask one question an interaction that must be no (default yes).")
@more("--max-cost", type=float, help="Stop asking the judge at this cost; the same command goes on later.")
@more("--until-decided", metavar="BASELINE", help="Stop once it is decided how the run stands against this run or baseline.")
@more("--cache", help="File that remembers judge answers, or off; default the user's cache.")
@more("--set", "set_", multiple=True, metavar="NAME=VALUE", help="Setting of the model's source, such as base=PIPELINE.")
@more("--estimate", is_flag=True, help="Only say what the judge may cost; nothing is run.")
@more("--overlay", is_flag=True, default=None, help="Write overlay videos with boxes, masks and states.")
def command(config: Path | None, as_json: bool, estimate: bool, **options: Any) -> None:
    """Score generated videos for interaction fidelity, with the evidence for each number.

    The run can be stopped at any time; the same command goes on where it stopped. Exit code 3 means that more than 10 % of the
    videos are missing or have no score, for whatever reason, or that a judge that replies later has not replied to everything.
    """
    judges = judges_of(options["judge"])
    if estimate:
        for judge in judges or (None,):
            said = expected(prepare(config, {**options, "judge": judge})) or "this judge costs nothing"
            echo(f"{judge}: {said}" if len(judges) > 1 else said)
        return
    if len(judges) > 1:
        results = run_several(judges, options, lambda one: run(config, one))
        if not as_json:
            echo("\n\n".join(f"{judge}\n{summary(item)}" for judge, item in zip(judges, results, strict=True)) + "\n")
        tell(judges, results, as_json=as_json)
        sys.exit(EXIT_OK if all(item.complete for item in results) else EXIT_INCOMPLETE)
    result = run(config, options)
    if as_json:
        from intergeneval.cli.tables import scores_json
        from intergeneval.cli.twin_line import contrast_json, contrast_of
        from intergeneval.stats import controls, controls_json, undone, undone_json

        header = result.store.header
        told = scores_json(header, result.scores, header.comparability.profile)
        answers = result.store.current_answers()
        told |= controls_json(controls(answers)) | undone_json(undone(answers))
        told |= contrast_json(contrast_of(result.store, result.scores, header.comparability.profile))
        echo(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        echo(summary(result))
    sys.exit(EXIT_OK if result.complete else EXIT_INCOMPLETE)


def is_list(options: dict[str, Any]) -> bool:
    """Whether the options give prompts of videos rather than templates of a judge."""
    from intergeneval.build.prompted import is_prompt_list

    return bool(options.get("prompts")) and is_prompt_list(str(options["prompts"]))


def prepare(config_file: Path | None, options: dict[str, Any]) -> Run:
    """Return the run with the settings of a file and the options given over them. Raises UsageError and its kin."""
    from intergeneval.cli.prompted import with_benchmark
    from intergeneval.config import read_config
    from intergeneval.records import Profile
    from intergeneval.run.run import Run

    changes = {name: value for name, value in options.items() if value is not None}
    for name, convert in (("samples", str), ("seeds", _seed)):
        if name in changes:
            changes[name] = tuple(convert(part.strip()) for part in changes[name].split(",") if part.strip())
            if not changes[name]:
                raise UsageError(f"--{name} is given but names nothing; leave it out to take all")
    if "profile" in changes:
        changes["profile"] = Profile(changes["profile"])
    changes.pop("accept_doubts", None)
    given = changes.pop("set_", ())
    if changes.get("prompts") and not is_list(changes) and not Path(str(changes["prompts"])).exists():
        raise UsageError(
            f"--prompts {changes['prompts']}: there is no such list, and no folder of templates for the judge; give names (the "
            f"videos' names are the prompts), or a txt, csv or jsonl file"
        )
    if is_list(changes):
        changes = with_benchmark(changes, config_file, lambda text: echo(text, err=True))
    config = read_config(config_file, changes)
    return Run(with_source_settings(config, given) if given else config, sys.argv)


def with_source_settings(config: RunConfig, given: Sequence[str]) -> RunConfig:
    """Return the settings with those given as NAME=VALUE for the model's source. Raises UsageError."""
    from intergeneval.plugins import split_spec
    from intergeneval.run.preflight import source_of

    place = Path(config.model)
    source = source_of(place) if place.is_dir() else split_spec(config.model)[0]
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--set {text!r}: is not of the form NAME=VALUE")
        try:
            found[name.strip()] = json.loads(value)
        except ValueError:
            found[name.strip()] = value
    return replace(config, settings={**config.settings, source: {**config.settings_for(source, "source"), **found}})


def run(config_file: Path | None, options: dict[str, Any]) -> RunResult:
    """Run with the settings of a file and the options given over them. Raises UsageError and its kin before any work."""
    from intergeneval.cli.progress import progress

    listed = is_list(options)
    accept_doubts = bool(options.get("accept_doubts")) or not listed

    def notice(text: str) -> None:
        echo(text, err=True)

    prepared = prepare(config_file, options)
    cost, words_first = expected(prepared), prepared.plan.settled is None
    if cost and words_first:
        # Before anything is asked: a judge that words questions is paid for that as well.
        notice(cost)
    settled = prepared.settle(notice)
    notice(f"{settled.header.model} on {settled.header.bench}: {settled.folder}")
    if older := older_templates(prepared):
        notice(older)
    if settled.header.own_masks:
        notice(f"{settled.header.model} has {settled.header.own_masks_text}")
    if cost and not words_first:
        notice(cost)
    if line := not_asked(prepared):
        notice(line)
    for line in doubt_lines(prepared.doubted):
        notice(line)
    if prepared.doubted and not accept_doubts:
        from intergeneval.cli.prompted import annotate_command

        mend = annotate_command(prepared.plan.config.model.partition(":")[2], str(options["prompts"]), settled.header.model)
        raise UsageError(f"masks are doubted: mend them ({mend}), or accept them with --accept-doubts")
    with progress("scoring") as tell:

        def on_progress(state: Progress) -> None:
            tell(state.done, state.total, state.result.sample_id)

        return prepared.execute(on_progress, notice)


def not_asked(prepared: Run) -> str:
    """Return a line on the videos of a folder that belong to no sample of the benchmark; nothing where there are none."""
    from intergeneval.sources.folder import FolderSource

    source, whole = prepared.plan.backends.source, prepared.plan.whole
    if not isinstance(source, FolderSource):
        return ""
    used = {place for sample in whole.samples for place in source.places(sample)}
    alone = [file for file in source.files() if file not in used]
    if not alone:
        return ""
    return f"of no sample of {whole.name}, so not scored: {few(alone, _FEW)}"


def doubt_lines(found: Sequence[DoubtedMask]) -> list[str]:
    """Return what is doubted about first-frame masks, a line each, at most a dozen."""
    if not found:
        return []
    told = [f"  {item}" for item in found[:_SHOWN]]
    more = [f"  and {len(found) - _SHOWN} more, in doubts.jsonl"] if len(found) > _SHOWN else []
    return [f"DOUBTED: {len(found)} first-frame masks may not show what they are called", *told, *more]


def older_templates(prepared: Run) -> str:
    """Return a line where a run goes on with the question templates it began with, though there are newer ones; else nothing."""
    from intergeneval.questions import NEWEST
    from intergeneval.store import RunStore

    version, settled = prepared.plan.version, prepared.settle()
    if version == NEWEST or prepared.plan.config.templates:
        return ""
    there, mine = RunStore.open(settled.folder).header, settled.header
    if (there.key, there.source, there.source_hash) != (mine.key, mine.source, mine.source_hash):
        return ""  # another run lies there, as the next line says
    return (
        f"it goes on with question templates {version}, as it began; templates {NEWEST} use the fields of interactions: "
        f"another --out, or templates = {NEWEST} in a --config file, asks those anew"
    )


def expected(prepared: Run) -> str:
    """Return what the judge may take, in a line; empty for one that is never asked for money."""
    found = prepared.plan.estimate()
    if found is None:
        return ""
    cost = f"cost up to {found.cost:.2f}" if found.cost is not None else "cost unknown: no price table, or no estimate of a part"
    tokens = f"{found.input_tokens} tokens in, {found.output_tokens} out"
    return f"estimate: {found.requests} requests, {tokens}, {cost} ({found.basis})"


def summary(result: RunResult) -> str:
    """Return the text that ends a run: table, what was unscored and why, where the run folder is."""
    from intergeneval.cli.tables import bounds_text, remarks_text, score_table, unscored_text
    from intergeneval.cli.twin_line import contrast_of, contrast_text
    from intergeneval.records import Consistency, Video
    from intergeneval.stats import controls, controls_text, undone, undone_text
    from intergeneval.store import read_doubts
    from intergeneval.store.spending import spending, spending_text

    folder = result.store.folder
    if not result.scores:
        at = "" if result.refused else " at --max-cost"
        ended = f"shard stopped{at}: {result.stopped}" if result.stopped else "shard done"
        if result.waiting:
            return f"WAITING: {result.waiting}\nrun folder: {folder}"
        return f"{ended}; a plain run with --out {folder} finishes\nrun folder: {folder}"
    lines = [score_table(result.scores)]
    if unscored := unscored_text(result.scores):
        lines.append(unscored)
    videos, checks = result.store.read("videos", Video), result.store.read("consistency", Consistency)
    if remarks := remarks_text(videos, result.scores, checks):
        lines.append(remarks)
    if result.decision is not None:
        lines.append(result.decision.text)
    if text := bounds_text(result.scores):
        lines.append(text)
    lines += doubt_lines(read_doubts(folder))
    answers = result.store.current_answers()
    twins = contrast_of(result.store, result.scores, result.store.header.comparability.profile)
    lines += filter(None, (contrast_text(twins), undone_text(undone(answers)), controls_text(controls(answers))))
    if text := spending_text(spending(result.store)):
        lines.append(text)
    if result.refused:
        lines.append(f"STOPPED: {result.stopped}")
    elif result.stopped:
        lines.append(f"STOPPED at --max-cost: {result.stopped}; the same command with a higher --max-cost goes on")
    if result.waiting:
        lines.append(f"WAITING: {result.waiting}")
    if not result.complete:
        allowed = result.store.header.config.get("allowed_unscored")
        lines.append(
            f"INCOMPLETE: {len(result.unscored)} of {len(result.scores)} videos missing or unscored, allowed share {allowed}"
        )
    return "\n".join([*lines, *COLUMNS, *next_steps(result), f"run folder: {folder}"])


COLUMNS = (
    "KISA_raw  share of yes to what the interaction must look like before, during and after, 0 to 1",
    "SGI_raw   share of yes to who does it and to whom it is done, 0 to 1",
    "SPI       1 less what vanished or emerged on the way",
    "KISA, SGI those two times SPI; IF is their mean, and what models are ranked by, within its bounds",
)
"""What the columns of the table mean, a line each."""


def next_steps(result: RunResult) -> list[str]:
    """Return the commands that come next, each with what it shows."""
    import shlex

    folder, header = shlex.quote(str(result.store.folder)), result.store.header
    steps = [
        ("see why, down to the frame", f"intergeneval report {folder} -o report"),
        ("set it beside another model's", f"intergeneval compare {folder} RUN"),
    ]
    bench = header.config.get("bench")
    if bench and header.source.startswith("folder:"):
        model = shlex.quote(header.source.partition(":")[2])
        steps.append(("mend a mask", f"intergeneval annotate {model} --bench {shlex.quote(str(bench))}"))
    return [f"next: {command}  ({what})" for what, command in steps]


def _seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"--seeds: {text!r} is not a whole number") from None
