"""A local vision-language model as the judge (``hf:PATH``): any image-text-to-text model of transformers with a chat template.

``mode = "generate"`` has the model write the JSON reply that the API judge's prompts ask for, greedily, and reads it as strictly,
with one repair turn. ``mode = "choice"`` writes nothing: the reply is given up to each answer, and of the allowed answers the one
the model would go on with, held to these, is taken, then of the frames; that always parses, whatever the model is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from intergeneval.errors import BackendError, ConfigError
from intergeneval.judges import Judgement, JudgeRequest, parsing
from intergeneval.judges.hf_inquiring import inquire
from intergeneval.judges.hf_model import Frame, Vlm
from intergeneval.judges.inquiries import Found, Inquiry
from intergeneval.judges.parsing import Seen
from intergeneval.judges.prompting import Prompts
from intergeneval.records import Answer, AnswerStatus, AnswerValue, Consistency, Question, TrackState
from intergeneval.weights import DEVICE_SETTINGS, check_settings, number

OWNER = "judge 'hf'"
MODES = ("generate", "choice")
SETTINGS = (*DEVICE_SETTINGS, "mode", "prompts", "max_tokens", "batch", "side")
READING = 2
"""Version of how replies are read and choices are made; part of the revision."""


class HfJudge:
    """What both modes share: the model, the words, and the answers that need no look."""

    needs_frames = True
    needs_truth = False
    parallel = False
    """One copy of the weights serves all videos."""

    def __init__(self, source: str, settings: Mapping[str, Any]) -> None:
        """Look at the weights' configuration; they are loaded with the first video. Raises ConfigError."""
        check_settings(OWNER, settings, SETTINGS)
        folder = settings.get("prompts")
        self.prompts = Prompts(Path(folder) if folder else None)
        self.mode = str(settings.get("mode", MODES[0]))
        self.max_tokens = int(number(OWNER, settings, "max_tokens", 4096, 1, 65536))
        self.batch = int(number(OWNER, settings, "batch", 8, 1, 1024))
        side = int(number(OWNER, settings, "side", 0, 0, 8192))
        self.vlm = Vlm(OWNER, source, settings, side)

    @property
    def id(self) -> str:
        """``hf:`` with the weights' name."""
        return f"hf:{self.vlm.weights.name}"

    @property
    def revision(self) -> str:
        """Weights, precision, mode, prompts and reading."""
        limit = f", at most {self.max_tokens} tokens" if self.mode == "generate" else ""
        side = f", frames to {self.vlm.side} px" if self.vlm.side else ""
        model = f"weights {self.vlm.weights.revision} {self.vlm.precision}"
        return f"{model}, {self.mode}{limit}{side}, prompts {self.prompts.version}, reading {READING}"

    def declines(self, question: Question) -> str | None:  # noqa: ARG002  # the protocol's signature
        """Return None: it looks at pictures and can try every question."""
        return None

    def probe(self) -> str:
        """Show the model one small picture, for ``intergeneval doctor``; return what worked. Raises BackendError."""
        return self.vlm.probe()

    def shown(self, request: JudgeRequest) -> dict[int, Frame]:
        """Return the frames to show, in order. Raises BackendError without any, or when tracking failed."""
        if request.tracks.status != "ok":
            raise BackendError(f"tracking failed: {request.tracks.reason or 'the tracker gave no reason'}")
        if request.frames is None:
            raise BackendError(f"{request.sample.id}: no frames were handed over")
        return dict(sorted(request.frames().items()))

    def content(self, frames: Sequence[int], text: str) -> list[dict[str, Any]]:
        """Return rules, then pictures each under its number, then the text: what stays the same for all questions comes first."""
        parts: list[dict[str, Any]] = []
        for index in frames:
            parts += [{"type": "text", "text": self.prompts.render("frame", {"index": index})}, {"type": "image"}]
        return [
            {"role": "system", "content": [{"type": "text", "text": self.prompts.render("system", {})}]},
            {"role": "user", "content": [*parts, {"type": "text", "text": text}]},
        ]

    def words(self, request: JudgeRequest, questions: Sequence[Question], assess: Consistency | None) -> str:
        """Return the part of a request that asks."""
        values = {
            "questions": [{"label": label(item), "text": item.text} for item in questions],
            "frames": list(assess.frames) if assess is not None else [],
            "instances": request.sample.instances if assess is not None else (),
            "classes": list(dict.fromkeys(item.class_ for item in request.sample.instances)),
        }
        return self.prompts.render("ask", values)

    def blank(self, request: JudgeRequest, question: Question) -> Answer:
        """Return an unparsed answer, to be filled in."""
        return Answer(
            sample_id=question.sample_id,
            seed=request.video.seed,
            interaction=question.interaction,
            question_id=question.question_id,
            status=AnswerStatus.UNPARSED,
            value=None,
            judge=self.id,
            repeat=request.repeat,
        )

    def unanswerable(self, request: JudgeRequest) -> dict[str, Answer]:
        """Return answers to the questions, by label, that name an instance whose box nobody can see: its track is lost."""
        lost = {item.id for item in request.sample.instances if _lost(request, item.id)}
        found = {}
        for question in request.questions:
            gone = sorted(lost & set(question.names))
            if gone:
                reason = f"The tracker lost {gone[0]} in every sampled frame after the first."
                blank = self.blank(request, question)
                found[label(question)] = replace(blank, status=AnswerStatus.UNANSWERABLE, reason=reason)
        return found


class GeneratingJudge(HfJudge):
    """Has the model write its reply."""

    @property
    def inquirer(self) -> str:
        """Weights, precision and limit: what an answer beside the ten questions depends on."""
        return f"{self.id}, weights {self.vlm.weights.revision} {self.vlm.precision}, at most {self.max_tokens} tokens"

    def inquire(self, inquiry: Inquiry) -> Found:
        """Ask a question beside the ten. Raises InquiryError when no usable answer comes, BackendError without weights."""
        return inquire(self.vlm, inquiry, self.max_tokens)

    def answer(self, request: JudgeRequest) -> list[Answer]:
        """Answer every question of the request. Raises BackendError when tracking failed or the weights cannot be loaded."""
        return self.judge(request).answers

    def judge(self, request: JudgeRequest) -> Judgement:
        """Answer every question, and assess where asked, in one reply and at most one repair turn. Raises as `answer` does."""
        images = self.shown(request)
        known = self.unanswerable(request)
        seen: dict[int, Seen] | None = None
        problems: list[str] = []
        turns: list[dict[str, Any]] = []
        for _ in range(2):
            rest = [item for item in request.questions if label(item) not in known]
            assess = request.assess if seen is None else None
            if not rest and assess is None:
                break
            words = self.words(request, rest, assess)
            if turns:
                again = self.prompts.render("repair", {"problems": problems, "again": words})
                turns.append({"role": "user", "content": [{"type": "text", "text": again}]})
            else:
                turns = self.content(list(images), words)
            reply = self.vlm.generate(turns, list(images.values()), self.max_tokens)
            turns.append({"role": "assistant", "content": [{"type": "text", "text": reply or "(nothing)"}]})
            frames = list(assess.frames) if assess is not None else []
            reading = parsing.read(
                reply, [label(item) for item in rest], images, frames, [item.id for item in request.sample.instances]
            )
            problems = reading.problems
            for question in rest:
                said = reading.answers.get(label(question))
                if said is not None:
                    known[label(question)] = replace(
                        self.blank(request, question),
                        status=AnswerStatus.OK,
                        value=said.value,
                        frame=said.frame,
                        reason=said.reason,
                    )
            if assess is not None and set(reading.frames) == set(frames):
                seen = dict(reading.frames)
        why = "; ".join(problems[:3])
        answers = [known.get(label(item)) or replace(self.blank(request, item), reason=why) for item in request.questions]
        return Judgement(
            answers=answers, consistency=_consistency(request.assess, seen, self.id, why) if request.assess else None
        )


class ChoosingJudge(HfJudge):
    """Compares the log-probabilities of the allowed answers, each question by itself, then those of the frames."""

    def answer(self, request: JudgeRequest) -> list[Answer]:
        """Answer every question of the request. Raises BackendError when tracking failed or the weights cannot be loaded."""
        images = self.shown(request)
        known = self.unanswerable(request)
        rest = [item for item in request.questions if label(item) not in known]
        if rest:
            known.update(self._choose(request, rest, images))
        return [known[label(item)] for item in request.questions]

    def _choose(self, request: JudgeRequest, questions: Sequence[Question], images: Mapping[int, Frame]) -> dict[str, Answer]:
        scorer = self.vlm.scorer(lambda text: self.content(list(images), text), list(images.values()), self.batch)
        values = list(AnswerValue)
        begun = [(self.words(request, [item], None), _reply_up_to_answer(item)) for item in questions]
        # A quotation mark ends each answer, so that none is the beginning of another and their probabilities can be compared.
        chances = scorer.log_chances(begun, [[f'{value}"' for value in values]] * len(begun))
        chosen = [_told(dict(zip(values, row, strict=True))) for row in chances]
        shown: list[list[int | None]] = [[*images, None] if value is AnswerValue.NO else [*images] for value in chosen]
        ends = [["null}" if frame is None else f"{frame}}}" for frame in row] for row in shown]
        begun = [(words, f'{reply}{value}", "frame": ') for (words, reply), value in zip(begun, chosen, strict=True)]
        places = scorer.log_chances(begun, ends)
        answers = {}
        for question, value, row, frames, place in zip(questions, chosen, chances, shown, places, strict=True):
            evidence = {
                "log_chances": {str(item): chance for item, chance in zip(values, row, strict=True)},
                "frame_log_chances": {str(item): chance for item, chance in zip(frames, place, strict=True)},
            }
            answers[label(question)] = replace(
                self.blank(request, question),
                status=AnswerStatus.OK,
                value=value,
                frame=frames[_best(place)],
                reason=f"of {len(values)} answers “yes” has probability {math.exp(row[values.index(AnswerValue.YES)]):.3f}",
                evidence=evidence,
            )
        return answers


def label(question: Question) -> str:
    """Return how a request calls a question: interaction and question id, such as ``0.7``."""
    return f"{question.interaction}.{question.question_id}"


def _reply_up_to_answer(question: Question) -> str:
    """Return the reply that the prompt asks for, as far as it is not the model's to decide."""
    return f'{{"answers": [{{"question": "{label(question)}", "reason": "", "answer": "'


def _told(chances: Mapping[AnswerValue, float]) -> AnswerValue:
    """Return yes from even odds on, else the likelier no: that there are two ways to say no must not halve what each is worth."""
    if math.exp(chances[AnswerValue.YES]) >= 0.5:
        return AnswerValue.YES
    return max((value for value in chances if value is not AnswerValue.YES), key=chances.__getitem__)


def _best(chances: Sequence[float]) -> int:
    return max(range(len(chances)), key=chances.__getitem__)


def _consistency(base: Consistency, seen: Mapping[int, Seen] | None, who: str, why: str) -> Consistency:
    stated = replace(base, states=None, assessors={"emergence": who, "disappearance": who}, reasons=())
    if seen is None:
        return replace(stated, emergence=None, disappearance=None, status=AnswerStatus.UNPARSED, reason=why)
    found = [seen[frame] for frame in base.frames]
    return replace(
        stated,
        emergence=tuple(item.emerged for item in found),
        disappearance=tuple(bool(item.missing) for item in found),
        reasons=tuple(item.reason if item.emerged or item.missing else "" for item in found),
    )


def _lost(request: JudgeRequest, instance_id: str) -> bool:
    """Whether the tracker gave an instance up in every sampled frame after the first, so that no box tells who it is."""
    track = request.tracks.track(instance_id)
    frames = [frame for frame in request.video.sampled if frame > 0]
    return track is None or all(track.states[frame] is TrackState.LOST for frame in frames if frame < len(track.states))


def create(argument: str, settings: Mapping[str, Any]) -> HfJudge:
    """Make the judge; the argument is a folder or hub id. Raises ConfigError."""
    if not argument:
        raise ConfigError(f"{OWNER}: say which model, as in --judge hf:FOLDER or --judge hf:OWNER/NAME")
    mode = settings.get("mode", MODES[0])
    if mode not in MODES:
        raise ConfigError(f"{OWNER}: mode {mode!r} is not one of {', '.join(MODES)}")
    return GeneratingJudge(argument, settings) if mode == "generate" else ChoosingJudge(argument, settings)
