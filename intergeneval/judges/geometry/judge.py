"""The geometry judge: answers from tracks alone, with the numbers, and says so where tracks cannot know."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from intergeneval.errors import BackendError
from intergeneval.judges import JudgeRequest
from intergeneval.judges.geometry import camera, thresholds
from intergeneval.judges.geometry.findings import Case, Finding
from intergeneval.judges.geometry.measurements import Scene
from intergeneval.judges.geometry.predicates import PREDICATES
from intergeneval.records import Answer, AnswerStatus, AnswerValue, Predicate, Question, Sample, Tracks

NAME = "geometry"
VERBATIM = "verbatim"


class GeometryJudge:
    """Answers what masks over time can decide: contact, motion, order of events, and who did it to whom."""

    @property
    def id(self) -> str:
        """``geometry``."""
        return NAME

    @property
    def revision(self) -> str:
        """Version of rules and thresholds."""
        return thresholds.REVISION

    @property
    def needs_frames(self) -> bool:
        """False: tracks are enough."""
        return False

    @property
    def needs_truth(self) -> bool:
        """False."""
        return False

    def declines(self, question: Question) -> str | None:
        """Return why geometry can never answer such a question, or None."""
        if question.predicate is None:
            if question.template == VERBATIM:
                return "geometry cannot read a question worded by the benchmark"
            return f"masks cannot show question {question.question_id} of {question.verb!r}"
        if question.predicate.name not in PREDICATES:
            return f"geometry has no predicate {question.predicate.name!r}"
        return None

    def answer(self, request: JudgeRequest) -> list[Answer]:
        """Answer every question of the request from its tracks, in order. Raises BackendError when tracking failed."""
        if request.tracks.status != "ok":
            raise BackendError(f"tracking failed: {request.tracks.reason or 'the tracker gave no reason'}")
        begun = time.perf_counter()
        scene: Scene | None = None
        answers = []
        for question in request.questions:
            declined = self.declines(question)
            if declined is None and scene is None:
                scene = _measure(request)
            answers.append(_answer(request, question, scene, declined))
        seconds = round((time.perf_counter() - begun) / max(1, len(answers)), 4)
        return [_timed(item, seconds) for item in answers]


def _measure(request: JudgeRequest) -> Scene:
    scene = Scene(request.tracks, request.video.sampled, request.tracks.fps or request.video.fps)
    scene.camera = camera.estimate(scene)
    return scene


def _answer(request: JudgeRequest, question: Question, scene: Scene | None, declined: str | None) -> Answer:
    predicate = question.predicate
    if declined is not None or predicate is None or scene is None:
        return _unanswerable(request, question, declined or "nothing was tracked")
    # What would serve as object just as well may be the one: the first that shows it decides, else the object itself.
    one_of = [predicate, *_instead(predicate)]
    cases = {index: _case(item, scene) for index, item in enumerate(one_of) if _untracked(item, request.tracks, scene) is None}
    found = {index: PREDICATES[predicate.name](case) for index, case in cases.items()}
    shown = next((index for index, finding in found.items() if finding.holds), None)
    if shown is not None:
        return _told(request, question, scene, found[shown], one_of[shown])
    missing = next(filter(None, (_untracked(item, request.tracks, scene) for item in one_of)), None)
    if missing is not None:
        return _unanswerable(request, question, missing)
    unseen = next(filter(None, (_lost(case, predicate) for case in cases.values())), None)
    if unseen is not None:
        seen = _named(found[0].reason, predicate, request.sample)
        return _unanswerable(request, question, f"{unseen}; what was seen shows no more than: {seen}")
    return _told(request, question, scene, found[0], predicate)


def _instead(predicate: Predicate) -> Iterator[Predicate]:
    """Give the predicate about each thing that would serve as object just as well."""
    given = predicate.arguments.get("instead_of")
    for name in predicate.arguments.get("alternatives", ()):
        subject = name if predicate.subject == given else predicate.subject
        yield replace(predicate, subject=subject, object=name if predicate.object == given else predicate.object)


def _told(request: JudgeRequest, question: Question, scene: Scene, finding: Finding, predicate: Predicate) -> Answer:
    frame = scene.sampled_at(finding.index) if finding.index is not None else None
    value = AnswerValue.YES if finding.holds else AnswerValue.NO
    evidence = {"predicate": predicate.name, **finding.numbers}
    if finding.index is not None:
        evidence["frame"] = scene.frames[finding.index]
    reason = _named(finding.reason, predicate, request.sample)
    jumped = _teleported(scene, question.names, finding)
    if jumped is not None:
        value = AnswerValue.IMPLAUSIBLE
        reason = f"{jumped} is suddenly somewhere else in the decisive frame; without that: {reason}"
    return request.reply(question, NAME, AnswerStatus.OK, value=value, frame=frame, reason=_sentence(reason), evidence=evidence)


def _unanswerable(request: JudgeRequest, question: Question, reason: str) -> Answer:
    return request.reply(question, NAME, AnswerStatus.UNANSWERABLE, reason=_sentence(reason))


def _timed(answer: Answer, seconds: float) -> Answer:
    return replace(answer, usage={"seconds": seconds})


def _case(predicate: Predicate, scene: Scene) -> Case:
    others = predicate.arguments.get("others", ())
    assert predicate.subject is not None
    assert predicate.object is not None
    return Case(
        scene=scene,
        subject=predicate.subject,
        object=predicate.object,
        mutual=bool(predicate.arguments.get("mutual", False)),
        others=tuple(name for name in others if name in scene.sights),
        deed=str(predicate.arguments.get("deed", "")),
    )


def _untracked(predicate: Predicate, tracks: Tracks, scene: Scene) -> str | None:
    """Return why a predicate has nothing to look at: no track, or one that was lost throughout."""
    for name in (predicate.subject, predicate.object):
        if name is None or tracks.track(name) is None:
            return f"{name} was not tracked"
        if scene.sights[name].lost.all():
            return f"the tracker lost {name} in every frame"
    return None


def _lost(case: Case, predicate: Predicate) -> str | None:
    """Return why a ``no`` would be a guess: a needed track was lost for too long to say that it did not happen."""
    needed: Sequence[str] = (case.subject,) if predicate.name == "acts" else (case.subject, case.object)
    for name in needed:
        share = float(np.mean(case.scene.sights[name].lost))
        if share > thresholds.LOST_SHARE:
            return f"the tracker lost {name} in {share:.0%} of the frames"
    return None


def _teleported(scene: Scene, names: Sequence[str], finding: Finding) -> str | None:
    """Return the named instance whose position jumps at the decisive frame of a ``yes``: no motion leads there."""
    if not finding.holds or not finding.index:
        return None
    for name in names:
        if name in scene.sights and finding.index in scene.jumps(name):
            return name
    return None


def _named(reason: str, predicate: Predicate, sample: Sample) -> str:
    """Put the instances into a reason, by class and box colour: ``the man (red box)``."""
    labels = {item.id: f"the {item.class_} ({item.colour} box)" for item in sample.instances}
    for mark, name in (("{s}", predicate.subject), ("{o}", predicate.object)):
        labels[mark] = labels.get(name or "", name or "")
    return re.sub(r"\{[so]\}|\w+", lambda match: labels.get(match[0], match[0]), reason)


def _sentence(reason: str) -> str:
    text = reason.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
