"""Contrast of stored runs over the staged twins, and how far a judge's answers agree with the truth, by twin.

``python -m tests.staged.twin_runs RUN...`` prints the tables of ``reports/whodoes-staged``.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from intergeneval.api import load_run
from intergeneval.records import AnswerStatus, AnswerValue

DEEDS = ("own", "twin's")
"""Whose deed is asked about."""


def agreement(folder):
    """Return (deed, twin) -> (answers that agree with the truth, answered, asked); nothing where nobody knows it."""
    place = Path(folder) / "truth.jsonl"
    if not place.is_file():
        return {}
    rows = [json.loads(line) for line in place.read_text().splitlines()]
    truth = {
        (row["sample_id"], one["interaction"], one["question_id"]): one["value"]
        for row in rows
        for one in row["sampled"]
        if one["value"] in (AnswerValue.YES, AnswerValue.NO)
    }
    found = {(deed, twin): Counter() for deed in DEEDS for twin in "AB"}
    for row in load_run(folder).answers.itertuples():
        true = truth.get((row.sample_id, row.interaction, row.question_id))
        if true is not None:
            said = row.status == AnswerStatus.OK and row.value in (AnswerValue.YES, AnswerValue.NO)
            found[DEEDS[bool(row.twin)], row.sample_id[-1].upper()].update(
                asked=1, answered=int(said), agree=int(said and row.value == true)
            )
    return {side: (count["agree"], count["answered"], count["asked"]) for side, count in found.items()}


def judge_of(run):
    """Return a run's judge with its revision, where it has one."""
    key = run.header.comparability
    return f"{key.judge}, revision {key.judge_revision}" if key.judge_revision else key.judge


def line(folder):
    """Return a run's cells: model, judge, IF, contrast and sensitivity with their intervals, pairs with a value."""
    run = load_run(folder)
    found, scores = run.contrast(), run.scores["if"].dropna()
    contrast = [found.contrast, found.contrast_low, found.contrast_high]
    sensitivity = [found.sensitivity, found.sensitivity_low, found.sensitivity_high]
    return [
        run.header.model,
        judge_of(run),
        f"{scores.mean():.3f} ({len(scores)})" if len(scores) else "-",
        "{:.3f} ({:.3f} to {:.3f})".format(*contrast) if None not in contrast else "-",
        "{:+.3f} ({:+.3f} to {:+.3f})".format(*sensitivity) if None not in sensitivity else "-",
        f"{len(found.pairs)} of {len(found.pairs) + len(found.unjudged)}",
    ]


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.staged.twin_runs", description=__doc__.partition("\n")[0])
    parser.add_argument("runs", metavar="RUN", nargs="+", type=Path, help="Folders of runs over staged twins.")
    folders = parser.parse_args(arguments).runs
    if lacking := [str(folder) for folder in folders if not folder.is_dir()]:
        parser.error(f"no run folder: {', '.join(lacking)}")
    out = ["| model | judge | IF (videos) | contrast | sensitivity | pairs with a value |", "|---|---|---|---|---|---|"]
    out += [f"| {' | '.join(line(folder))} |" for folder in folders]
    out += ["", "| run | own deed, A | own deed, B | twin's deed, A | twin's deed, B |", "|---|---|---|---|---|"]
    for folder in folders:
        if found := agreement(folder):
            told = [f"{agree} of {answered} ({asked - answered} open)" for agree, answered, asked in found.values()]
            run = load_run(folder)
            out.append(f"| {run.header.model}, {judge_of(run)} | {' | '.join(told)} |")
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
