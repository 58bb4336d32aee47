"""One exam, from its settings to its card: run every policy, grade, write the card, the page and the list of wrong answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intergeneval.config import RunConfig
from intergeneval.errors import StoreError
from intergeneval.exam.between import between
from intergeneval.exam.card import Effort, failures, failures_text, make_card
from intergeneval.exam.labels import Labelled, check, judge_labelled
from intergeneval.exam.page import card_page, cards_page
from intergeneval.exam.policy_runs import RUNS, PolicyRun, begun_as, run_policies
from intergeneval.exam.spec import ExamSpec
from intergeneval.run.backends import Backends
from intergeneval.store import RunStore, write_atomically

CARD, PAGE, FAILURES = "card.json", "card.html", "failures.jsonl"
CARDS, CARDS_PAGE = "cards.json", "cards.html"
LABELLED = "labelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """An exam that was held."""

    card: dict[str, Any]
    """The judge card."""
    folder: Path
    """Where card, page, list of wrong answers and run folders lie."""
    complete: bool
    """Whether every run is complete, those of labelled videos as well."""


def examine(
    spec: ExamSpec,
    out: Path,
    *,
    workers: int = 0,
    engine: str = "",
    command: Sequence[str] = (),
    on_progress: Callable[[int, int, str], None] = lambda *_: None,
    labelled: Labelled | None = None,
) -> Exam:
    """Hold an exam in the folder `out`, or go on with the one that was begun there.

    `workers` and `engine` are as for `run_policies`.
    `labelled` are a user's own videos with labels, on which the judge is held as well; their figures are the card's ``labels``.
    `on_progress` gets policies done, policies in all, and the last one's name. Raises UsageError and its kin for settings that
    cannot be run, ComparabilityError when the folder holds another exam, StoreError when it cannot be written.
    """
    if labelled is not None:
        check(labelled)
    began = time.monotonic()

    def on_run(run: PolicyRun, done: int, total: int) -> None:
        on_progress(done, total, run.policy)

    runs = run_policies(spec, out, workers, on_run, engine)
    # One that was begun before goes on with the templates and the world of then.
    spec = begun_as(out)
    config = RunConfig(
        model="staged:perfect", tracker=spec.tracker, judge=spec.judge, detector=spec.detector, settings=spec.settings
    )
    effort = Effort(seconds=time.monotonic() - began, observed=sum(run.observed for run in runs), command=tuple(command))
    card = make_card(spec, Backends.build(config, out), runs, effort)
    if labelled is not None:
        card["labels"] = judge_labelled(labelled, spec.judge, out / LABELLED)
    wrong = failures(runs)
    try:
        write_atomically(out / CARD, json.dumps(card, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        write_atomically(out / FAILURES, failures_text(wrong))
        write_atomically(out / PAGE, card_page(card, runs))
    except OSError as error:
        raise StoreError(f"{out}: cannot be written ({error.strerror or error})") from None
    return Exam(card=card, folder=out, complete=card["complete"] and card.get("labels", {}).get("complete", True))


def together(exams: Sequence[Exam], out: Path) -> dict[str, Any]:
    """Put several judges' cards on one page in `out`, with how far the judges agree; return what ``cards.json`` holds.

    Raises StoreError when it cannot be written.
    """
    found = {
        "cards": [exam.card for exam in exams],
        "between": between({exam.card["exam"]["paper"]["judge"]: _stores(exam.folder / RUNS) for exam in exams}),
        "between_labelled": None,
    }
    if all("labels" in exam.card for exam in exams):
        found["between_labelled"] = between(
            {exam.card["exam"]["paper"]["judge"]: _stores(exam.folder / LABELLED) for exam in exams}
        )
    places = [f"{exam.folder.name}/{PAGE}" for exam in exams]
    try:
        write_atomically(out / CARDS, json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        write_atomically(out / CARDS_PAGE, cards_page(found, places))
    except OSError as error:
        raise StoreError(f"{out}: cannot be written ({error.strerror or error})") from None
    return found


def _stores(folder: Path) -> list[RunStore]:
    return [RunStore.open(path) for path in sorted(folder.iterdir()) if path.is_dir()]
