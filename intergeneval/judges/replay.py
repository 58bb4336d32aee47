"""The answers of an earlier run, given again (``replay:RUN``), for the same questions about the same files.

A folder with ``inquiries.jsonl`` and without a run, such as that of a curation, answers what was asked beside the ten questions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from intergeneval.errors import BackendError, ConfigError, RecordError
from intergeneval.judges import BODIES, Judgement, JudgeRequest
from intergeneval.judges.inquiries import INQUIRIES, Answered, Found, Inquiry, InquiryError, inquiry_key
from intergeneval.records import Answer, AnswerStatus, Consistency, Question, Record, RunHeader
from intergeneval.records.disk import MOST_SETTINGS, lines_of, read_text

R = TypeVar("R", bound=Record)


class ReplayJudge:
    """Repeats what another run's judge said, for the same question about the same file, and nothing else.

    The constructor reads the run folder. Raises ConfigError when it is none, RecordError for a damaged line.
    """

    needs_frames = False
    needs_truth = False
    replays = True

    def __init__(self, folder: Path) -> None:
        try:
            header = RunHeader.from_line(read_text(folder / "run.json", MOST_SETTINGS), where=str(folder / "run.json"))
        except (OSError, UnicodeDecodeError):
            raise ConfigError(f"judge 'replay:{folder}': there is no run folder with a readable run.json") from None
        self._folder = folder
        self._judge = header.comparability.judge
        self._revision = header.comparability.judge_revision
        asked = list(_lines(folder, "questions", Question))
        self._texts = {_place(item): item.text for item in asked}
        self._samples = {item.sample_id for item in asked}
        marks = (item.template.rpartition("/v")[2] for item in asked)
        self._version = next((mark for mark in marks if mark.isdecimal()), "")
        self._declined: dict[tuple[str, int, int], str] = {}
        self._answers = {
            (item.sample_id, item.seed, item.video, item.interaction, item.question_id, item.repeat): item
            for item in _lines(folder, "answers", Answer)
        }
        for answer in self._answers.values():
            if answer.status is AnswerStatus.UNANSWERABLE:
                key = (answer.sample_id, answer.interaction, answer.question_id)
                self._declined.setdefault(key, answer.reason or "the replayed run has no answer to it")
        self._consistency = {(item.sample_id, item.seed, item.video): item for item in _lines(folder, "consistency", Consistency)}

    @property
    def id(self) -> str:
        """``replay`` of the judge that spoke."""
        return f"replay:{self._judge}"

    @property
    def revision(self) -> str:
        """Revision of the judge that spoke."""
        return self._revision

    @property
    def bodies_revision(self) -> str:
        """The words with which the judge that spoke marked bodies that cannot be; empty where it was not asked to."""
        _, marked, words = self._revision.rpartition(BODIES)
        return words if marked else ""

    def declines(self, question: Question) -> str | None:
        """Return why the judge that spoke called this question unanswerable, None where it did not: what was so is so again."""
        return self._declined.get((question.sample_id, question.interaction, question.question_id))

    def omits(self, question: Question) -> bool:
        """Return whether the run asked this interaction no control question while it asked others about the sample.

        What nobody was asked is neither yes nor no, and no failure either: controls count for no score.
        """
        return question.sample_id in self._samples and _place(question) not in self._texts

    def answer(self, request: JudgeRequest) -> list[Answer]:
        """Return the recorded answers; one that was not recorded, or to a question worded otherwise, is failed."""
        return [self._answer(request, question) for question in request.questions]

    def judge(self, request: JudgeRequest) -> Judgement:
        """Return recorded answers with the recorded statement on emergence and disappearance.

        Raises BackendError when the run's judge made none about this video at these frames, or none on bodies where asked for.
        """
        assessed: Consistency | None = None
        if request.assess is not None:
            found = self._consistency.get((request.sample.id, request.video.seed, request.video.sha256))
            if found is None or found.disappearance is None or not set(found.frames) <= set(request.assess.frames):
                raise BackendError(f"{self._folder}: its judge said nothing about emergence in this video at these frames")
            if request.bodies and found.implausible is None:
                raise BackendError(f"{self._folder}: its judge marked no frames of this video that show a body that cannot be")
            marks = found.implausible if request.bodies else None
            assessed = replace(found, implausible=marks, diagnostics=request.assess.diagnostics, usage={})
        return Judgement(answers=self.answer(request), consistency=assessed)

    def _answer(self, request: JudgeRequest, question: Question) -> Answer:
        seed, version = request.video.seed, request.video.sha256
        place = _place(question)
        found = self._answers.get((question.sample_id, seed, version, question.interaction, question.question_id, request.repeat))
        if found is None:
            reason = "the replayed run has no answer to this question about this file"
        elif self._texts.get(place) != question.text:
            version, now = self._version, question.template.rpartition("/v")[2]
            hint = f"; it was asked from templates of version {version}: set templates = {version} in --config"
            older = "" if version in ("", now) else hint
            reason = f"the replayed run asked this question in other words{older}"
        elif found.frame is not None and found.frame not in request.video.sampled:
            reason = f"the replayed run decided by frame {found.frame}, which this run does not sample"
        else:
            return replace(found, judge=self.id, usage={})
        return request.reply(question, self.id, AnswerStatus.FAILED, reason=reason, usage={"kind": "not recorded"})


class ReplayInquirer:
    """Repeats what was answered to inquiries, for the same words and pictures, and nothing else.

    The constructor reads the folder's ``inquiries.jsonl`` and those of shards. Raises ConfigError where there is no answer,
    RecordError for a damaged line.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        found = list(_lines(folder, Path(INQUIRIES).stem, Answered))
        if not found:
            raise ConfigError(f"judge 'replay:{folder}': its {INQUIRIES} holds no answer")
        self._found = {item.key: item for item in found}
        self._by = found[0]

    @property
    def id(self) -> str:
        """``replay`` of the judge that spoke."""
        return f"replay:{self._by.judge}"

    @property
    def inquirer(self) -> str:
        """That of the judge that spoke: its answers are repeated, so what is made of them is the same."""
        return self._by.inquirer

    def inquire(self, inquiry: Inquiry) -> Found:
        """Return what was answered. Raises InquiryError for what was not asked, in these words or about these pictures."""
        found = self._found.get(inquiry_key(inquiry))
        if found is None:
            said = "with these pictures " if inquiry.pictures else ""
            raise InquiryError("not recorded", f"{self._folder / INQUIRIES}: nothing was asked {said}in these words", {})
        return Found(value=found.value)


def _place(question: Question) -> tuple[str, int, int]:
    return question.sample_id, question.interaction, question.question_id


def _lines(folder: Path, stage: str, cls: type[R]) -> Iterator[R]:
    """Give the records of a stage's files; what follows the last newline was torn by a kill and is left out."""
    for path in (folder / f"{stage}.jsonl", *sorted(folder.glob(f"{stage}.shard-*.jsonl"))):
        if not path.is_file():
            continue
        for number, raw in enumerate(lines_of(path), start=1):
            if not raw.endswith(b"\n"):
                break
            try:
                yield cls.from_line(raw.decode("utf-8"), where=f"{path}:{number}")
            except ValueError as error:
                raise RecordError(f"{path}:{number}: not JSON ({error})") from None


def create(argument: str, settings: Mapping[str, Any]) -> ReplayJudge | ReplayInquirer:
    """Make the judge from a run folder, or one with answers to inquiries. Raises ConfigError for another, or for any setting."""
    if settings:
        raise ConfigError(f"the replay judge takes no settings, not {dict(settings)!r}")
    if not argument:
        raise ConfigError("judge 'replay': say which run folder, as in replay:runs/my-model/clips-1a2b3c4d")
    folder = Path(argument)
    inquiries = any(folder.glob(f"{Path(INQUIRIES).stem}*.jsonl"))
    return ReplayInquirer(folder) if inquiries and not (folder / "run.json").exists() else ReplayJudge(folder)
