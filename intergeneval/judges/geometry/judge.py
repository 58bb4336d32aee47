"""The geometry judge: answers from tracks alone, with the numbers, and says so where tracks cannot know."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from intergeneval.errors import BackendError
from intergeneval.judges import JudgeRequest
from intergeneval.judges.geometry import camera, thresholds
from intergeneval.judges.geometry.contact import first_seen
from intergeneval.judges.geometry.findings import Case, Finding, no
from intergeneval.judges.geometry.grounding import nobody_moving
from intergeneval.judges.geometry.linking import Earlier, earlier, needed, one_of
from intergeneval.judges.geometry.measurements import Scene
from intergeneval.judges.geometry.predicates import PREDICATES
from intergeneval.judges.geometry.stirring import still
from intergeneval.records import (
    Answer,
    AnswerStatus,
    AnswerValue,
    Predicate,
    Question,
    Sample,
    TouchingAtStart,
    Tracks,
)

NAME = "geometry"
VERBATIM = "verbatim"
OWN_MASKS = ("stored", "staged")
"""How the names of tracks begin whose first masks belong to the video and not to the benchmark."""
KNOWN = {TouchingAtStart.YES: True, TouchingAtStart.NO: False}
BEGUN = frozenset(
    {
        "apart_at_start",
        "not_yet_over",
        "not_yet_moved",
        "not_yet_heading",
        "close_at_start",
        "rests_at_start",
        "thing_not_yet_there",
    }
)
"""Predicates of question 1: where nothing moves, nothing has begun either."""
BEFORE = ("apart_at_start", "not_yet_over", "not_yet_moved")
"""Predicates that say that nothing has begun, so that they must hold of everything that would serve as object."""


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
    def wants_motion(self) -> bool:
        """True: what moves inside the masks is to be read from the pictures while they are walked through."""
        return True

    @property
    def undecided(self) -> bool:
        """True: tracks may leave both answers open though none is lost; see docs/geometry-judge.md."""
        return True

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
    video = request.video
    scene = Scene(request.tracks, video.sampled, request.tracks.fps or video.fps, video.times)
    scene.camera = camera.estimate(scene)
    for item in request.sample.interactions:
        if item.subject and item.object and item.touching_at_start in KNOWN:
            pair = min(item.subject, item.object), max(item.subject, item.object)
            scene.touching[pair] = KNOWN[item.touching_at_start] or _begins_otherwise(scene, pair, request.tracks.tracker)
        if item.subject and item.object and item.instrument:
            scene.lines[item.subject, item.object] = item.instrument
    return scene


def _begins_otherwise(scene: Scene, pair: tuple[str, str], tracker: str) -> bool:
    """Return whether two that the benchmark knows to be apart touch in the first frame of this video, by its own masks.

    Masks that a tracker begins with are the benchmark's, and so is their overlap in the picture. Stored ones are of this video.
    """
    if not tracker.startswith(OWN_MASKS) or not all(name in scene.sights for name in pair):
        return False
    start = first_seen(scene, *pair)
    return start == 0 and bool(scene.gap(*pair)[0] <= scene.tolerance(*pair))


def _answer(request: JudgeRequest, question: Question, scene: Scene | None, declined: str | None) -> Answer:
    predicate = question.predicate
    if declined is not None or predicate is None or scene is None:
        return _unanswerable(request, question, declined or "nothing was tracked")
    about = one_of(predicate, scene)
    missing = next(filter(None, (_untracked(item, request.tracks, scene) for item in about)), None)
    tracked = [item for item in about if _untracked(item, request.tracks, scene) is None]
    before = earlier(predicate, scene)
    if not tracked:
        return _unanswerable(request, question, missing or "nothing was tracked")
    found = [_found(item, scene, before) for item in tracked]
    # Who has begun with none has not begun; all else is asked of the one thing that the deed was done to.
    finding, decided = found[0], tracked[0]
    if predicate.name in BEFORE:
        begun = ((one, item) for one, item in zip(found, tracked, strict=True) if not one.holds)
        finding, decided = next(begun, (finding, decided))
    if finding.unknown:
        return _unanswerable(request, question, _named(finding.reason, decided, request.sample))
    if finding.holds:
        return _told(request, question, scene, finding, decided)
    cases = [_case(item, scene, before) for item in tracked]
    unseen = missing or next(filter(None, (_lost(case, predicate, needed(before)) for case in cases)), None)
    if unseen is not None:
        seen = _named(finding.reason, decided, request.sample)
        return _unanswerable(request, question, f"{unseen}; what was seen shows no more than: {seen}")
    if len(about) > 1 and predicate.name not in BEFORE:
        more = (
            "though another that would do shows it"
            if any(one.holds for one in found)
            else "nor does another that would do show it"
        )
        finding = replace(finding, reason=f"{finding.reason}, {more}")
    return _told(request, question, scene, finding, decided)


def _found(predicate: Predicate, scene: Scene, before: Earlier | None) -> Finding:
    if before is not None and before.index is None:
        return no(f"the deed that it follows, of {before.names[0]} to {before.names[1]}, is not seen")
    case = _case(predicate, scene, before)
    # Of what the object undergoes a third may be the cause, and what is handed over moves itself.
    others = case.others if predicate.name == "receives" or case.deed == "transfer" else ()
    if predicate.name not in BEGUN and still(scene, case.subject, case.object, *others):
        said = "neither {s} nor {o} moves by itself in any frame, so nothing is done"
        # The word by which a failure of 8, 9 and 10 counts once.
        return no(f"nobody: {said}" if predicate.name == "agent" and nobody_moving(case) else said)
    return PREDICATES[predicate.name](case)


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


def _case(predicate: Predicate, scene: Scene, before: Earlier | None = None) -> Case:
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
        since=before.index if before is not None and before.index is not None else 0,
    )


def _untracked(predicate: Predicate, tracks: Tracks, scene: Scene) -> str | None:
    """Return why a predicate has nothing to look at: no track, or one that was lost throughout."""
    for name in (predicate.subject, predicate.object):
        if name is None or tracks.track(name) is None:
            return f"{name} was not tracked"
        if scene.sights[name].lost.all():
            return f"the tracker lost {name} in every frame"
    return None


def _lost(case: Case, predicate: Predicate, more: Sequence[str] = ()) -> str | None:
    """Return why a ``no`` would be a guess: a needed track was lost for too long to say that it did not happen."""
    own = (case.subject,) if predicate.name == "acts" else (case.subject, case.object)
    for name in (*own, *(name for name in more if name in case.scene.sights)):
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
