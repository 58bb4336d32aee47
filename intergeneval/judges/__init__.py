"""Judges: a video's tracks, frames and questions in, answers out; the protocol every judge keeps.

Built by an entry point of group ``intergeneval.judges`` from (argument, settings). A judge never guesses: what it cannot know is
``unanswerable``, and it says so for a (verb, question id) before it has seen any video, or because a track is lost and it looks
at nothing but tracks.

What a judge may offer beyond `Judge`, each by having the attribute or method:

- ``parallel = False``: it must not be copied into several processes (it holds a GPU, say); videos then go one by one.
- ``concurrency = N``: it waits for somebody else (a server) and may be asked by N threads at once. The run then asks it in the
  parent process while workers decode and track, and hands frames over as JPEG files (`JudgeRequest.jpegs`).
- ``wants_clip = True``: it is shown the whole video as well (`JudgeRequest.clip`).
- ``wants_motion = True``: what moves inside the masks is read from the pictures as well (`Tracks.motion`).
- ``undecided = True``: it sees nothing but tracks, and these may leave both answers open in a single video: it may say
  unanswerable of that video though no track is lost, which widens the bounds.
- ``replays = True``: what it declines is what another run left unanswered, of single videos too; its answers say which of that
  was declared before any video was seen (`Answer.declined`). Of any other judge the run writes that into the answer itself.
- ``omits(question)``: whether it is not to be asked that control question at all, since the run that it repeats had none there.
- `AssessesConsistency`: it says what emerged and disappeared (``--consistency judge``).
- ``bodies_revision``, a text: beside that it marks the frames that show a body or thing that cannot be (`JudgeRequest.bodies`)
  and gives the marks as `Consistency.implausible`. The text says with which words, and joins the judge's revision in runs that
  ask for them. Absent or empty: it cannot.
- `WritesQuestions`: it words questions for verbs that no template knows.
- `UsesServices`: it takes the answer cache, the cost limit and the place for notices.
- `Defers`: it replies later, when the same command is given again.
- ``estimate(...)``: it can say beforehand what a run will cost; see `intergeneval.judges.services.CostEstimate`. One with
  ``bodies_revision`` is given ``bodies=True`` where frames are marked.
- ``estimate_wording(words)``: the same of the questions it words, for each (verb, subject, object) of `words`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from intergeneval.judges.services import Services
from intergeneval.records import (
    CONTROL_ID,
    Answer,
    AnswerStatus,
    Consistency,
    Question,
    Sample,
    Tracks,
    TrackState,
    Truth,
    Video,
)

Frame = npt.NDArray[np.uint8]
"""One RGB frame, shape (H, W, 3), values 0..255."""
BODIES = ", bodies "
"""What stands between a judge's revision and its ``bodies_revision``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeRequest:
    """One video with all that may be asked about it."""

    sample: Sample
    """The sample."""
    video: Video
    """The video."""
    tracks: Tracks
    """Its instance tracks."""
    questions: Sequence[Question]
    """The questions to answer now; on a resume only those that still lack an answer."""
    frames: Callable[[], Mapping[int, Frame]] | None = None
    """Gives the sampled frames with boxes drawn: index -> RGB uint8 (H, W, 3). None for judges that do not look."""
    jpegs: Mapping[int, bytes] | None = None
    """The same frames as JPEG files, for a judge with `concurrency`; `frames` is None then."""
    plain: Callable[[], Frame] | None = None
    """Gives frame 0 as it is, without outlines. None for judges that do not look, or where nobody has it."""
    plain_jpeg: bytes | None = None
    """The same as a JPEG file, for a judge with `concurrency`."""
    clip: bytes | None = None
    """The whole video with outlines as an mp4 file, for a judge that has ``wants_clip``."""
    assess: Consistency | None = None
    """Consistency as the tracks tell it, when the judge is to say itself what emerged and disappeared at its ``frames``."""
    bodies: bool = False
    """Also mark which of these frames show a body or thing that cannot be; only with `assess`, of a judge that can."""
    truth: Truth | None = None
    """Given only to a judge that declares `needs_truth`."""
    repeat: int = 0
    """0, or the number of the re-asking."""

    def reply(self, question: Question, judge: str, status: AnswerStatus, **rest: Any) -> Answer:
        """Return the answer of `judge` to a question about this video; `rest` are further fields of `Answer`."""
        known = {"value": None, **rest}
        return Answer(
            sample_id=question.sample_id,
            seed=self.video.seed,
            interaction=question.interaction,
            question_id=question.question_id,
            status=status,
            judge=judge,
            repeat=self.repeat,
            **known,
        )

    def unmarked(self) -> dict[str, str]:
        """Return by instance id what a judge that looks should know of a missing outline: the tracker had lost the instance."""
        found = {}
        for instance in self.sample.instances:
            track = self.tracks.track(instance.id)
            frames = [frame for frame in self.video.sampled if frame > 0]
            gone = [
                frame
                for frame in frames
                if track is None or (frame < len(track.states) and track.states[frame] is TrackState.LOST)
            ]
            if gone and len(gone) == len(frames):
                found[instance.id] = " (no outline after frame 0)" if track is not None else " (no outline anywhere)"
            elif gone:
                found[instance.id] = f" (no outline in frames {', '.join(map(str, gone))})"
        return found

    def second(self, frame: int) -> float:
        """Return at what time of the video a frame is shown, in seconds."""
        times, fps = self.video.times, self.video.fps
        if frame < len(times):
            return times[frame]
        return frame / fps if fps > 0 else 0.0


class Judge(Protocol):
    """Answers questions about one video."""

    @property
    def id(self) -> str:
        """Name with its argument, such as ``geometry`` or ``openai:MODEL``; part of the comparability key."""

    @property
    def revision(self) -> str:
        """Version of the judge as it runs (of its rules, prompts or weights); part of the comparability key."""

    @property
    def needs_frames(self) -> bool:
        """Whether it looks at pixels."""

    @property
    def needs_truth(self) -> bool:
        """Whether it reads the truth of a staged video."""

    def declines(self, question: Question) -> str | None:
        """Return why this judge can never answer such a question, or None. Looks at verb and question id only."""

    def answer(self, request: JudgeRequest) -> list[Answer]:
        """Answer every question of the request, in its order, each with a status; never raises for a single question.

        Raises BackendError when the whole video cannot be judged: every question is then recorded as failed, and a resume asks
        again.
        """


def bodies_revision(judge: Judge) -> str:
    """Return with which words a judge marks bodies that cannot be; empty for one that does not. Raises ConfigError as it does."""
    return str(getattr(judge, "bodies_revision", ""))


def omits(judge: Judge, question: Question) -> bool:
    """Return whether a control question is left out for a judge that repeats a run without it; of no other question it may be."""
    leaves_out = getattr(judge, "omits", None)
    return question.question_id == CONTROL_ID and leaves_out is not None and bool(leaves_out(question))


def revision_of(judge: Judge, *, bodies: bool) -> str:
    """Return the judge's revision as a run states it that does or does not ask for bodies that cannot be."""
    words = bodies_revision(judge) if bodies else ""
    # What replays a run that asked for them states them already.
    return judge.revision if not words or judge.revision.endswith(BODIES + words) else judge.revision + BODIES + words


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All that a judge said about one video."""

    answers: list[Answer]
    """One answer a question, in the request's order."""
    consistency: Consistency | None = None
    """Its statement on emergence and disappearance; None where the request did not ask for one."""


@runtime_checkable
class AssessesConsistency(Protocol):
    """A judge that answers and assesses in one go, so that a video's frames are shown once."""

    def judge(self, request: JudgeRequest) -> Judgement:
        """Answer every question, and assess where `request.assess` is given. Raises BackendError as `Judge.answer` does."""


@runtime_checkable
class WritesQuestions(Protocol):
    """A judge that words the ten questions of an interaction."""

    def write_questions(self, sample: Sample, interaction: int, names: tuple[str, str]) -> tuple[str, ...]:
        """Return ten questions about the interaction of that index, in the order of their ids.

        `names` are subject and object as questions call them. Raises BackendError when it cannot.
        """


@runtime_checkable
class UsesServices(Protocol):
    """A judge that works with the run's cache, cost limit and notices."""

    def attach(self, services: Services) -> None:
        """Use these from now on."""

    def close(self) -> None:
        """Give up connections; a later request opens them anew."""


@runtime_checkable
class Defers(Protocol):
    """A judge with `concurrency` that replies later: asked about a video, it raises DeferredError until its reply is there.

    It keeps what it waits for in `Services.journal`. The run asks about every video that lacks an answer, and then hands in.
    """

    @property
    def id(self) -> str:
        """Name with its argument, as of `Judge`."""

    def collect(self) -> None:
        """Take in the replies that have come since. Raises ConfigError where the server refused what was handed in."""

    def recorded(self, request: JudgeRequest) -> None:
        """Take note that all it said about a video is on disk: asked once more, it asks anew."""

    def dispatch(self) -> str:
        """Hand in what was gathered; return what waits and when to come back, empty where nothing waits."""

    def wait(self) -> bool:
        """Wait for replies as long as its settings allow; return whether any came."""
