"""The blind sheet: generated clips of all arms, shuffled, with its questions; and the labels that come back.

``labels/`` may be handed out as it is: nothing in it names an arm, a seed or a sample. The key lies beside it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from intergeneval import bench
from intergeneval.errors import ConfigError, RecordError, UsageError
from intergeneval.ids import sha256_json, short
from intergeneval.records import CONTROL_ID, Answer, AnswerStatus, AnswerValue, Question, Record, Sample, Video
from intergeneval.records.disk import read_json, read_text
from intergeneval.store import RunStore, write_atomically
from intergeneval.videos import Frame, annotate
from matrix_train.study.accuracy import Labelled
from matrix_train.study.contact_sheets import clip_sheet, frames_of, write_png
from matrix_train.study.draw import Key, KeyClip, Pool, draw
from matrix_train.study.label_page import ShownClip, write_page
from matrix_train.study.made import Say
from matrix_train.study.plan import StudyPlan

WORDS = ("yes", "no", "unsure")
"""What a label may be; unsure: the labeller could not tell."""
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFile(Record):
    """What comes back from whoever labelled a sheet."""

    sheet: str
    """Name of the sheet."""
    labels: Mapping[str, Mapping[str, str]]
    """Clip -> question id as the sheet has it (``1`` to ``10``) -> yes, no or unsure."""
    labeller: str = ""
    """Who labelled: a person or a model."""
    schema: int = SCHEMA
    """Version of the format."""

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise ValueError(f"schema {self.schema} is not {SCHEMA}")


class LabelBook:
    """Sheet, key and labels in a study's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "labels"
        self.page = self.folder / "sheet.html"
        self.questions = self.folder / "questions.json"
        self.key_file = folder / "labels-key.json"
        self.given = folder / "labels-given.json"

    def draw(self, plan: StudyPlan, pool: Pool, benchmark: bench.Benchmark) -> Key:
        """Draw clips evenly over the arms, shuffle them, and write page, pictures, questions and key. Raises MediaError."""
        store = pool.any()
        samples = {item.id: item for item in store.read("samples", Sample)}
        drawn = draw(plan, pool, samples)
        key = Key(sheet=short(sha256_json([item.to_json() for item in drawn]), 12), clips=drawn)
        asked = _questions(store)
        shutil.rmtree(self.folder, ignore_errors=True)
        shown = []
        for item in drawn:
            sample = samples[item.sample_id]
            path = pool.path(item)
            clip = _shown(item, sample, benchmark, path, asked[item.sample_id, item.interaction], plan.shape.rate)
            write_png(self.folder / "contact" / f"{item.id}.png", clip.contact)
            shown.append(clip)
        write_page(self.page, key.sheet, shown)
        blind = {"sheet": key.sheet, "answers": list(WORDS), "clips": [clip.blind() for clip in shown]}
        write_atomically(self.questions, json.dumps(blind, indent=1, ensure_ascii=False) + "\n")
        write_atomically(self.key_file, json.dumps(key.to_json(), indent=1) + "\n")
        return key

    def key(self) -> Key:
        """Return the key. Raises UsageError where no sheet was drawn."""
        try:
            return Key.from_line(read_text(self.key_file), where=str(self.key_file))
        except OSError:
            raise UsageError(f"{self.key_file}: there is no sheet yet; finish the study's runs first") from None

    def check(self, path: Path) -> LabelFile:
        """Read a file of labels.

        Raises ConfigError naming file, clip and question for labels of another sheet and for words that are no label.
        """
        key, found = self.key(), self._read(path)
        if found.sheet != key.sheet:
            raise ConfigError(f"{path}: labels sheet {found.sheet}, and this study's sheet is {key.sheet}")
        asked = self._asked()
        for clip, labels in found.labels.items():
            if clip not in asked:
                raise ConfigError(f"{path}: there is no clip {clip!r} on sheet {key.sheet}")
            for question, word in labels.items():
                if question not in asked[clip] or word not in WORDS:
                    ids = ", ".join(sorted(asked[clip], key=int))
                    raise ConfigError(f"{path}: clip {clip}, question {question}: {word!r}; questions are {ids}, labels {WORDS}")
        return found

    def keep(self, found: LabelFile) -> tuple[int, int]:
        """Keep checked labels; return how many clips they label whole, and how many the sheet has."""
        write_atomically(self.given, json.dumps(found.to_json(), indent=1, ensure_ascii=False) + "\n")
        return self._whole(found), len(self.key().clips)

    def labelled(self, pool: Pool, clusters: Mapping[str, str], say: Say) -> tuple[list[Labelled], int]:
        """Return every labelled question with the judge's answer, and how many clips are labelled whole."""
        if not self.given.is_file():
            return [], 0
        found, key = self._read(self.given), self.key()
        if found.sheet != key.sheet:
            say(f"labels: {self.given} labels sheet {found.sheet}, and the sheet is {key.sheet} now; label it anew")
            return [], 0
        answers = {place: _answers(store) for place, store in pool.stores.items()}
        items = []
        for clip in key.clips:
            said = answers[clip.arm, clip.training_seed]
            for question, word in sorted(found.labels.get(clip.id, {}).items(), key=lambda item: int(item[0])):
                answer = said.get((clip.sample_id, clip.noise_seed, clip.interaction, int(question)))
                label = None if word == "unsure" else word == "yes"
                items.append(Labelled(arm=clip.arm, scene=clusters[clip.sample_id], label=label, judge=answer))
        return items, self._whole(found)

    def _asked(self) -> dict[str, frozenset[str]]:
        """Return the ids of the questions that the sheet asks of each clip. Raises ConfigError."""
        try:
            clips = read_json(self.questions)["clips"]
            return {clip["id"]: frozenset(str(item["id"]) for item in clip["questions"]) for clip in clips}
        except (OSError, RecordError, KeyError, TypeError) as error:
            raise ConfigError(f"{self.questions}: cannot be read ({error!r}); put the sheet's folder back as it was") from None

    def _whole(self, found: LabelFile) -> int:
        """Return how many clips have a label on all questions that are asked of them."""
        asked = self._asked()
        return sum(frozenset(labels) == asked.get(clip) for clip, labels in found.labels.items())

    def _read(self, path: Path) -> LabelFile:
        try:
            return LabelFile.from_line(read_text(path), where=str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: cannot be read ({error})") from None
        except RecordError as error:
            raise ConfigError(str(error)) from None


def _questions(store: RunStore) -> dict[tuple[str, int], list[Question]]:
    """Return what is asked of each interaction; the control has its answer by rule and nobody need label it."""
    found: dict[tuple[str, int], dict[int, Question]] = {}
    for item in store.read("questions", Question):
        if item.question_id == CONTROL_ID:
            continue
        found.setdefault((item.sample_id, item.interaction), {})[item.question_id] = item
    return {key: [item for _, item in sorted(asked.items())] for key, asked in found.items()}


def _answers(store: RunStore) -> dict[tuple[str, int, int, int], bool | None]:
    """Return the judge's answers that count, True for yes, None where it had none."""
    versions = {(item.sample_id, item.seed): item.sha256 for item in store.read("videos", Video)}
    found: dict[tuple[str, int, int, int], bool | None] = {}
    for item in store.read("answers", Answer):
        if item.repeat == 0 and versions.get((item.sample_id, item.seed)) == item.video:
            said = item.verdict is AnswerValue.YES if item.status is AnswerStatus.OK else None
            found[item.sample_id, item.seed, item.interaction, item.question_id] = said
    return found


def _shown(
    item: KeyClip, sample: Sample, benchmark: bench.Benchmark, path: Path, asked: Sequence[Question], fps: float
) -> ShownClip:
    numbers, frames = frames_of(path, sample.size)
    legend = [(instance.colour, instance.appearance) for instance in sample.instances]
    first = _first(sample, benchmark)
    contact = clip_sheet(f"{item.id}: {sample.prompt}", legend, first, frames, numbers)
    questions = [(question.question_id, question.text) for question in asked]
    return ShownClip(
        id=item.id, prompt=sample.prompt, legend=legend, questions=questions, first=first, frames=frames, fps=fps, contact=contact
    )


def _first(sample: Sample, benchmark: bench.Benchmark) -> Frame:
    """Return the benchmark's first frame with every instance's mask in its colour."""
    frame = bench.load_first_frame(benchmark, sample)
    if frame is None:
        raise UsageError(f"sample {sample.id} has no first frame, so nobody could tell who is who on the sheet")
    return annotate(frame, {}, {item.id: item.colour for item in sample.instances}, bench.load_masks(benchmark, sample))
