"""A judge held against labels of a user's own videos: the ordinary run, and its answers beside what people said.

A label file has one JSON object a line: ``sample_id``, ``interaction`` (from 0), ``q`` with "yes", "no" or "open" by question id,
and where there are several models or seeds ``model`` and ``seed``. "open" is left out. ``templates`` names the version of the
question templates whose words were labelled, the same in every line; without it they are the newest. Other fields are for whoever
labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from intergeneval.config import AUTO, RunConfig
from intergeneval.errors import RecordError, UsageError
from intergeneval.exam.agreement import agreement, share
from intergeneval.exam.figures import share_json
from intergeneval.ids import bounded_json, sha256_bytes
from intergeneval.questions import NEWEST, VERSIONS
from intergeneval.records import KISA_IDS, SGI_IDS, AnswerStatus, AnswerValue, Question, Sample
from intergeneval.records.disk import read_bytes, read_text
from intergeneval.run.run import Run
from intergeneval.stats import controls
from intergeneval.store import RunStore

Json: TypeAlias = dict[str, Any]
UNNAMED = "videos"
"""Run folder of videos whose labels name no model."""
_SETTLED = (AnswerStatus.OK, AnswerStatus.UNANSWERABLE)
"""Statuses with which nothing is asked again."""
_SAID = {"yes": True, "no": False, "open": None}
_IDS = frozenset(KISA_IDS + SGI_IDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What somebody who looked at a video says of one question."""

    model: str
    """Model that made the video; empty where the file names none."""
    sample_id: str
    """The sample."""
    seed: int
    """The seed."""
    interaction: int
    """Index of the key interaction."""
    question_id: int
    """1 to 10."""
    yes: bool
    """Whether it is yes."""
    templates: int = NEWEST
    """Version of the question templates in whose words it was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """Videos with labels, as a user names them."""

    labels: Path
    """The label file."""
    videos: Path
    """Folder of the videos; where the labels name models, it holds a folder for each."""
    bench: str = ""
    """Benchmark that they answer; empty: told from the files, as a run tells it."""
    tracker: str = AUTO
    """Tracker spec."""
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Settings of single backends, by plug-in name."""


def read_labels(path: Path) -> list[Label]:
    """Return the labels of a file, open ones left out. Raises UsageError and RecordError naming line, field and value."""
    try:
        lines = read_text(path, encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--labels {path}: cannot be read ({error})") from None
    found: dict[tuple[str, str, int, int, int], Label] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        for item in _line(line, f"{path}:{number}"):
            key = (item.model, item.sample_id, item.seed, item.interaction, item.question_id)
            if key in found and found[key].yes != item.yes:
                raise RecordError(f"{path}:{number}: question {item.question_id} is labelled twice, and not alike; keep one")
            found[key] = item
    if not found:
        raise UsageError(f"--labels {path}: no question is labelled yes or no")
    versions = sorted({item.templates for item in found.values()})
    if len(versions) > 1:
        raise UsageError(f"--labels {path}: speaks of templates {versions}; label the words of one version in a file")
    return list(found.values())


def _line(line: str, where: str) -> list[Label]:
    try:
        row = bounded_json(line)
    except ValueError as error:
        raise RecordError(f"{where}: not JSON ({error})") from None
    if not isinstance(row, dict) or not isinstance(row.get("q"), dict):
        raise RecordError(f"{where}: a label is an object with sample_id, interaction and q, the answers by question id")
    sample, model = row.get("sample_id"), row.get("model", "")
    if not isinstance(sample, str) or not sample or not isinstance(model, str):
        raise RecordError(f"{where}: sample_id is {sample!r} and model {model!r}; give the names as texts")
    numbers = {name: row.get(name, 0) for name in ("seed", "interaction")}
    for name, value in numbers.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise RecordError(f"{where}: {name} is {value!r}; give a whole number from 0")
    version = row.get("templates", NEWEST)
    if version not in VERSIONS or isinstance(version, bool):
        raise RecordError(f"{where}: templates is {version!r}; there are: {', '.join(map(str, VERSIONS))}")
    made = []
    for key, said in row["q"].items():
        if not key.isdecimal() or int(key) not in _IDS or not isinstance(said, str) or said not in _SAID:
            raise RecordError(f"{where}: question {key!r} is {said!r}; a question is 1 to 10, its label yes, no or open")
        yes = _SAID[said]
        if yes is not None:
            made.append(Label(model=model, sample_id=sample, question_id=int(key), yes=yes, templates=version, **numbers))
    return made


def check(spec: Labelled) -> list[Label]:
    """Return the labels, after a look at what they speak of. Raises UsageError and RecordError before any work."""
    labels = read_labels(spec.labels)
    for model in dict.fromkeys(item.model for item in labels):
        place = spec.videos / model
        if not place.is_dir():
            told = f"the labels speak of model {model!r}, and {place} is no folder" if model else "this is no folder"
            raise UsageError(f"--videos {spec.videos}: {told}")
    return labels


def judge_labelled(spec: Labelled, judge: str, out: Path) -> Json:
    """Run a judge over the labelled videos, one run folder a model in `out`, and return its figures against the labels.

    Raises UsageError where videos or benchmark cannot be run, or a label speaks of what the benchmark does not have.
    """
    labels = check(spec)
    stores: dict[str, RunStore] = {}
    ended = True
    for model in dict.fromkeys(item.model for item in labels):
        mine = [item for item in labels if item.model == model]
        config = RunConfig(
            model=str(spec.videos / model),
            bench=spec.bench,
            tracker=spec.tracker,
            judge=judge,
            out=str(out / (model or UNNAMED)),
            samples=tuple(dict.fromkeys(item.sample_id for item in mine)),
            seeds=tuple(sorted({item.seed for item in mine})),
            workers=1,
            settings=spec.settings,
            templates=labels[0].templates,
        )
        result = Run(config).execute()
        stores[model], ended = result.store, ended and not (result.stopped or result.waiting)
    found = grade_labelled(labels, stores, spec.labels)
    return found | {"complete": ended and found["complete"]}


def grade_labelled(labels: Sequence[Label], stores: Mapping[str, RunStore], path: Path) -> Json:
    """Return accuracy, kappa and the share answered of a judge's runs against labels, in all and by question.

    What the first frame decides is not asked, and its labels are left aside. It is complete where every label that was asked
    about has an answer, or lacks one that asking again cannot bring (its track is lost, say), whatever the video's score needs.
    Raises UsageError for a label of an interaction that the sample does not have.
    """
    asked = {
        (model, item.sample_id, item.interaction, item.question_id)
        for model, store in stores.items()
        for item in store.read("questions", Question)
    }
    _known(labels, stores, path)
    answers = {
        (model, item.sample_id, item.seed, item.interaction, item.question_id): item
        for model, store in stores.items()
        for item in store.current_answers()
        if item.repeat == 0
    }
    put = [item for item in labels if (item.model, item.sample_id, item.interaction, item.question_id) in asked]
    pairs = [(item, answers.get((item.model, item.sample_id, item.seed, item.interaction, item.question_id))) for item in put]
    told = [(item, found.verdict is AnswerValue.YES) for item, found in pairs if found and found.status is AnswerStatus.OK]
    held = controls(answers.values())
    answered = share([bool(f and f.status is AnswerStatus.OK) for _, f in pairs], [item.sample_id for item, _ in pairs])
    return {
        "file": path.name,
        "sha256": sha256_bytes(read_bytes(path)),
        "templates": labels[0].templates,
        "labels": len(labels),
        "not_asked": len(labels) - len(put),
        "complete": all(found is not None and found.status in _SETTLED for _, found in pairs),
        **_figures(told),
        "answered": share_json(answered),
        "questions": {
            str(number): _figures([pair for pair in told if pair[0].question_id == number])
            for number in sorted({item.question_id for item, _ in told})
        },
        "controls": None if held is None else held.to_json(),
        "wrong": [
            {"model": i.model, "sample": i.sample_id, "seed": i.seed, "interaction": i.interaction, "question": i.question_id}
            | {"label": "yes" if i.yes else "no"}
            for i, said in told
            if said != i.yes
        ],
    }


def _known(labels: Sequence[Label], stores: Mapping[str, RunStore], path: Path) -> None:
    for model, store in stores.items():
        acts = {item.id: len(item.interactions) for item in store.read("samples", Sample)}
        for item in labels:
            if item.model == model and item.interaction >= acts.get(item.sample_id, 0):
                raise UsageError(
                    f"--labels {path}: speaks of interaction {item.interaction} of {item.sample_id!r}, which has "
                    f"{acts.get(item.sample_id, 0)}; they count from 0"
                )


def _figures(told: Sequence[tuple[Label, bool]]) -> Json:
    # Videos of one sample resemble each other, whoever made them: the sample is the unit.
    found = agreement([item.yes for item, _ in told], [said for _, said in told], [item.sample_id for item, _ in told])
    return {
        "accuracy": share_json(found.accuracy),
        "kappa": {"value": found.kappa, "interval": found.kappa_interval},
        "true_yes": sum(item.yes for item, _ in told),
        "said_yes": sum(said for _, said in told),
    }
