"""Judges: a video's tracks, frames and questions in, answers out; the protocol every judge keeps.

Built by an entry point of group ``intergeneval.judges`` from (argument, settings). A judge never guesses: what it cannot know is
``unanswerable``, and it says so for a (verb, question id) before it has seen any video, or because a track is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from intergeneval.records import Answer, Question, Sample, Tracks, Truth, Video

Frame = npt.NDArray[np.uint8]
"""One RGB frame, shape (H, W, 3), values 0..255."""


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
    truth: Truth | None = None
    """Given only to a judge that declares `needs_truth`."""
    repeat: int = 0
    """0, or the number of the re-asking."""


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
