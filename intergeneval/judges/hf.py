"""A local vision-language model as the judge (``hf:PATH``): any image-text-to-text model of transformers with a chat template.

``mode = "generate"`` has the model write the JSON reply that the API judge's prompts ask for, greedily, and reads it as strictly,
with one repair turn. ``mode = "choice"`` writes nothing: the reply is given up to each answer, and of the allowed answers the one
the model would go on with, held to these, is taken, then of the frames; that always parses, whatever the model is.

What was answered before, by content, comes from the run's cache without a look at the model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from intergeneval.errors import BackendError, ConfigError
from intergeneval.ids import sha256_bytes, sha256_json
from intergeneval.judges import Judgement, JudgeRequest, question_writing, thinking, walking
from intergeneval.judges.cached_answers import evidence_of, pack_said, pack_seen, unpack_said, unpack_seen
from intergeneval.judges.hf_inquiring import cut_off, inquire
from intergeneval.judges.hf_model import Frame, Vlm, Written
from intergeneval.judges.hf_views import pictures, views
from intergeneval.judges.inquiries import Found, Inquiry, InquiryError
from intergeneval.judges.parsing import Reading, Said, Seen
from intergeneval.judges.prompting import Asking, JudgePrompts, label
from intergeneval.judges.services import Services
from intergeneval.judges.walking import Look
from intergeneval.plugins.weights import DEVICE_SETTINGS, check_settings, number
from intergeneval.records import Answer, AnswerStatus, AnswerValue, Consistency, Question, Sample

OWNER = "judge 'hf'"
MODES = ("generate", "choice")
SETTINGS = (*DEVICE_SETTINGS, "mode", "prompts", "max_tokens", "batch", "side")
READING = 4
"""Version of how replies are read and choices are made; part of the revision."""
LOOKS = ("", "fuller")
"""Labels of what is asked of the frames, and of what tells that and more: a run that has the rest on record asks for less."""


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
        self.prompts = JudgePrompts(Path(folder) if folder else None)
        self.mode = str(settings.get("mode", MODES[0]))
        self.max_tokens = int(number(OWNER, settings, "max_tokens", 4096, 1, 65536))
        self.batch = int(number(OWNER, settings, "batch", 8, 1, 1024))
        side = int(number(OWNER, settings, "side", 0, 0, 8192))
        self.vlm = Vlm(OWNER, source, settings, side)
        self.services = Services()

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

    def attach(self, services: Services) -> None:
        """Use the run's cache. Raises ConfigError for a cost limit: it costs nothing that could be limited."""
        if services.budget.limit is not None:
            raise ConfigError(f"max_cost {services.budget.limit}: the judge {self.id} costs nothing; leave the limit out")
        self.services = services

    def close(self) -> None:
        """Do nothing: there are no connections."""

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

    def content(self, request: JudgeRequest, frames: Sequence[int], text: str) -> list[dict[str, Any]]:
        """Return rules, then pictures each under its number, then the text: what stays the same for all questions comes first."""
        end = f"{request.second(max(request.video.frames - 1, *frames, 0)):.1f}"
        parts: list[dict[str, Any]] = []
        for index, plain in views(request, frames):
            values = {"index": index, "seconds": f"{request.second(index):.1f}", "end": end, "plain": plain}
            parts += [{"type": "text", "text": self.prompts.render("frame", values)}, {"type": "image"}]
        return [
            {"role": "system", "content": [{"type": "text", "text": self.prompts.render("system", {})}]},
            {"role": "user", "content": [*parts, {"type": "text", "text": text}]},
        ]

    def words(self, request: JudgeRequest, questions: Sequence[Question], look: Look | None, **how: Any) -> str:
        """Return the part of a request that asks; `how` are fields of `Asking`."""
        asking = Asking(bodies=request.bodies, notes=request.unmarked(), **how)
        return self.prompts.ask(request.sample, questions, look, asking)

    def keys(self, request: JudgeRequest, images: Mapping[int, Frame], look: Look | None) -> dict[str, str]:
        """Return the content key of every question by its label, and of `look`, where there is one, under ``LOOKS``.

        The key of a part is the hash of the chat that would ask for it alone, so it does not move with what else is open.
        """
        digests = [sha256_bytes(f"{frame.shape}".encode() + frame.tobytes()) for frame in pictures(request, images)]
        parts: dict[str, str] = {label(item): self.words(request, [item], None, named_only=True) for item in request.questions}
        if look is not None:
            asked = zip(LOOKS, (look, look.fuller), strict=True)
            parts |= {name: self.words(request, [], item) for name, item in asked if item is not None}
        known = {"judge": self.id, "revision": self.revision, "host": "", "repeat": request.repeat, "pictures": digests}
        return {
            name: sha256_json({**known, "request": self.content(request, list(images), words)}) for name, words in parts.items()
        }

    def recall(
        self, request: JudgeRequest, keys: Mapping[str, str]
    ) -> tuple[dict[str, tuple[Said, Mapping[str, Any]]], dict[int, Seen] | None]:
        """Return the answers given before, by label, each with its evidence, and what was seen."""
        known, cache = {}, self.services.cache
        if cache is None:
            return {}, None
        for question in request.questions:
            stored = cache.get(keys[label(question)])
            if stored is not None:
                known[label(question)] = unpack_said(stored), stored.get("evidence", {})
        seen = [stored for name in LOOKS if name in keys and (stored := cache.get(keys[name])) is not None]
        return known, unpack_seen(seen[0]) if seen else None

    def told(self, request: JudgeRequest, question: Question, said: Said, evidence: Mapping[str, Any], *, cached: bool) -> Answer:
        """Return the record of an answer that was given, now or before."""
        return request.reply(
            question,
            self.id,
            AnswerStatus.OK,
            value=said.value,
            frame=said.frame,
            reason=said.reason,
            evidence=evidence,
            usage={"cached": True} if cached else {},
        )

    def keep(self, key: str, value: Mapping[str, Any]) -> None:
        """Store a good answer, where there is a cache."""
        if self.services.cache is not None:
            self.services.cache.put(key, self.id, value)


class GeneratingJudge(HfJudge):
    """Has the model write its reply."""

    @property
    def bodies_revision(self) -> str:
        """Version of the words that ask for bodies that cannot be. Raises ConfigError for an own ``ask`` without them."""
        return self.prompts.bodies_version

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
        look = self._look(request, images)
        keys = self.keys(request, images, look)
        known, seen = self.recall(request, keys)
        said = {name: answer for name, (answer, _) in known.items()}
        cached, stated = frozenset(said), {"cached": True} if seen is not None else {}
        before = self.vlm.took()
        problems: list[str] = []
        turns: list[dict[str, Any]] = []
        part: dict[int, Seen] = {}
        for _ in range(2):
            rest = [item for item in request.questions if label(item) not in said]
            # Some frames were perhaps told by a reply that was cut off.
            open_look = look.only(at for at in look.frames if at not in part) if look is not None and seen is None else None
            if not rest and open_look is None:
                break
            words = self.words(request, rest, open_look, given=_lines(seen if seen is not None else part))
            if turns:
                again = self.prompts.render("repair", {"problems": problems, "again": words})
                turns.append({"role": "user", "content": [{"type": "text", "text": again}]})
            else:
                turns = self.content(request, list(images), words)
            reply = self.vlm.write(turns, pictures(request, images), self.max_tokens)
            shown = thinking.without_thinking(reply.text) or "(nothing)"
            # What is left of a reply that was cut off is asked for by itself: nothing else is known to be wrong with it.
            turns = [] if reply.cut else [*turns, {"role": "assistant", "content": [{"type": "text", "text": shown}]}]
            reading = self._read(request, reply, rest, open_look, images)
            problems = [*([cut_off(self.max_tokens)] if reply.cut else []), *reading.problems]
            for name, answer in reading.answers.items():
                self.keep(keys[name], pack_said(answer))
                said[name] = answer
            if open_look is not None and set(reading.frames) == set(open_look.frames):
                seen = {**part, **reading.frames}
                self.keep(keys[""], pack_seen(seen))
            elif reply.cut:
                part.update(reading.frames)
        why = "; ".join(problems[:3])
        open_ = look is not None and seen is None and self.prompts.walks
        answers = [self._record(request, item, said, seen, (cached, open_, why)) for item in request.questions]
        consistency = None if request.assess is None else _consistency(request.assess, seen, self.id, why)
        return with_usage(Judgement(answers=answers, consistency=consistency), self.vlm.took(before), stated)

    def _look(self, request: JudgeRequest, images: Mapping[int, Frame]) -> Look | None:
        return self.prompts.look(images, assess=request.assess is not None, questions=bool(request.questions))

    def _record(
        self,
        request: JudgeRequest,
        question: Question,
        said: Mapping[str, Said],
        seen: Mapping[int, Seen] | None,
        known: tuple[frozenset[str], bool, str],
    ) -> Answer:
        """Return the record; `known` are the labels from the cache, whether the frames are not told, and why something is not."""
        (cached, untold, why), name = known, label(question)
        answer = said.get(name)
        # What a yes is worth depends on what its frame shows; the answer itself is in the cache.
        if answer is None or (untold and answer.value is AnswerValue.YES):
            return request.reply(question, self.id, AnswerStatus.UNPARSED, reason=why)
        return self.told(request, question, answer, evidence_of(answer, seen, question), cached=name in cached)

    def write_questions(self, sample: Sample, interaction: int, names: tuple[str, str]) -> tuple[str, ...]:
        """Return ten questions about an interaction, from the cache or one request with one repair turn.

        Raises BackendError when the model gives none that can be used.
        """
        words = (sample.interactions[interaction].verb, *names)
        asked = question_writing.inquiry(self.prompts, words)
        known = {"judge": self.id, "revision": self.revision, "host": "", "repeat": 0}
        key = sha256_json({**known, "request": [asked.system, asked.text]})
        stored = self.services.cache.get(key) if self.services.cache is not None else None
        if stored is not None:
            return tuple(stored["questions"])
        try:
            found = tuple(self.inquire(asked).value)
        except InquiryError as error:
            raise question_writing.useless(self.id, words, str(error)) from None
        self.keep(key, {"questions": list(found)})
        return found

    def _read(
        self,
        request: JudgeRequest,
        reply: Written,
        questions: Sequence[Question],
        look: Look | None,
        images: Mapping[int, Frame],
    ) -> Reading:
        labels, instances = [label(item) for item in questions], request.sample.instances
        # A model may keep to the layout of before, whatever the words: where marks are wanted it must give them there too.
        return walking.read(reply.text, labels, list(images), look, instances, bodies=request.bodies, cut=reply.cut)


def _lines(seen: Mapping[int, Seen]) -> dict[int, str]:
    return {frame: item.reason for frame, item in seen.items() if item.reason}


class ChoosingJudge(HfJudge):
    """Compares the log-probabilities of the allowed answers, each question by itself, then those of the frames."""

    def answer(self, request: JudgeRequest) -> list[Answer]:
        """Answer every question of the request. Raises BackendError when tracking failed or the weights cannot be loaded."""
        images = self.shown(request)
        keys = self.keys(request, images, None)
        remembered, _ = self.recall(request, keys)
        known = {
            label(item): self.told(request, item, *remembered[label(item)], cached=True)
            for item in request.questions
            if label(item) in remembered
        }
        rest = [item for item in request.questions if label(item) not in known]
        before = self.vlm.took()
        if rest:
            chosen = self._choose(request, rest, images)
            for name, answer in chosen.items():
                assert answer.value is not None
                said = Said(value=answer.value, frame=answer.frame, reason=answer.reason)
                self.keep(keys[name], {**pack_said(said), "evidence": dict(answer.evidence)})
            known.update(chosen)
        judgement = Judgement(answers=[known[label(item)] for item in request.questions])
        return with_usage(judgement, self.vlm.took(before), {}).answers

    def _choose(self, request: JudgeRequest, questions: Sequence[Question], images: Mapping[int, Frame]) -> dict[str, Answer]:
        scorer = self.vlm.scorer(lambda text: self.content(request, list(images), text), pictures(request, images), self.batch)
        values = list(AnswerValue)
        begun = [(self.words(request, [item], None, choices=True), _reply_up_to_answer(item)) for item in questions]
        # Quotation mark and comma end each answer, so that none is the beginning of another. Both, since vocabularies have them
        # as one token: after “no” a model goes on with that, hardly ever with the mark alone, which would make the longer “no”
        # the likelier of the two. For the same reason the space, one token with “null”, belongs to the frame.
        chances = scorer.log_chances(begun, [[f'{value}",' for value in values]] * len(begun))
        chosen = [_told(dict(zip(values, row, strict=True))) for row in chances]
        shown: list[list[int | None]] = [[*images, None] if value is AnswerValue.NO else [*images] for value in chosen]
        ends = [[" null}" if frame is None else f" {frame}}}" for frame in row] for row in shown]
        begun = [(words, f'{reply}{value}", "frame":') for (words, reply), value in zip(begun, chosen, strict=True)]
        places = scorer.log_chances(begun, ends)
        answers = {}
        for question, value, row, frames, place in zip(questions, chosen, chances, shown, places, strict=True):
            evidence = {
                "log_chances": {str(item): chance for item, chance in zip(values, row, strict=True)},
                "frame_log_chances": {str(item): chance for item, chance in zip(frames, place, strict=True)},
            }
            answers[label(question)] = request.reply(
                question,
                self.id,
                AnswerStatus.OK,
                value=value,
                frame=frames[_best(place)],
                reason=f"of {len(values)} answers “yes” has probability {math.exp(row[values.index(AnswerValue.YES)]):.3f}",
                evidence=evidence,
            )
        return answers


def with_usage(judgement: Judgement, took: Mapping[str, Any], stated: Mapping[str, Any]) -> Judgement:
    """Return the judgement with what it took on the first of its records, and `stated` on the statement about the frames."""
    answers, consistency = judgement.answers, judgement.consistency
    if consistency is not None:
        consistency = replace(consistency, usage={**stated, **(took if not answers else {})})
    if took and answers:
        answers = [replace(answers[0], usage={**answers[0].usage, **took}), *answers[1:]]
    return Judgement(answers=answers, consistency=consistency)


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
    if all(item.impossible is not None for item in found):
        marks = tuple(item.impossible for item in found)
        stated = replace(stated, implausible=marks, assessors={**stated.assessors, "implausible": who})
    return replace(
        stated,
        emergence=tuple(item.emerged for item in found),
        disappearance=tuple(bool(item.missing) for item in found),
        reasons=tuple(item.reason if item.emerged or item.missing or item.impossible else "" for item in found),
    )


def create(argument: str, settings: Mapping[str, Any]) -> HfJudge:
    """Make the judge; the argument is a folder or hub id. Raises ConfigError."""
    if not argument:
        raise ConfigError(f"{OWNER}: say which model, as in --judge hf:FOLDER or --judge hf:OWNER/NAME")
    mode = settings.get("mode", MODES[0])
    if mode not in MODES:
        raise ConfigError(f"{OWNER}: mode {mode!r} is not one of {', '.join(MODES)}")
    return GeneratingJudge(argument, settings) if mode == "generate" else ChoosingJudge(argument, settings)
