"""The truth of a performance: answers from what the script and the dialled fault did; masks are shown, never read.

An event of a script holds at a frame when the dialled clock is inside its span there. It counts for the pair that is asked about
only while the dialled cast is that pair and both are there. The event layer looks at all frames, the sampled layer at the sampled
ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from intergeneval.records import CONTROL_ID, KISA_IDS, SGI_IDS, TWIN_IDS, AnswerValue, TrueAnswer, control_roles
from intergeneval.staged.play import Events, Span
from intergeneval.staged.stage import Stage

PENALTY = 5.0
"""Weight of emergence and disappearance in SPI (protocol, section 1)."""


def sampled_frames(frames: int) -> tuple[int, ...]:
    """Return the frames a judge sees by default: equal shares of time, about 11, and the last (protocol, section 1)."""
    stride = max(1, round(5 * (frames - 1) / 48))
    chosen = list(range(0, frames, stride))
    if chosen[-1] != frames - 1:
        chosen.append(frames - 1)
    return tuple(chosen)


def true_answers(stage: Stage, total: int, seen: Sequence[int]) -> tuple[TrueAnswer, ...]:
    """Return the true answers to all questions for a video of `total` frames of which only `seen` are looked at."""
    acts = range(len(stage.scene.acts))
    asked = (*KISA_IDS, *SGI_IDS)
    return tuple(item for index in acts for item in _answers(_Witness(stage, index, total), asked, index, seen))


def twin_answers(stage: Stage, total: int, seen: Sequence[int]) -> tuple[TrueAnswer, ...]:
    """Return the true answers about the exchanged roles, under the indices after the scene's own; none where it has no twin."""
    count = len(stage.scene.acts) if stage.scene.twin else 0
    return tuple(
        item
        for index in range(count)
        for item in _answers(_Witness(stage, index, total, exchanged=True), TWIN_IDS, count + index, seen)
    )


def _answers(witness: _Witness, asked: Iterable[int], interaction: int, seen: Sequence[int]) -> Iterator[TrueAnswer]:
    for question in asked:
        frames = tuple(frame for frame in seen if witness.holds(question, frame))
        value = AnswerValue.YES if frames else AnswerValue.NO
        if frames and question in witness.malformed():
            value = AnswerValue.IMPLAUSIBLE
        yield TrueAnswer(interaction=interaction, question_id=question, value=value, frames=frames)


def true_controls(stage: Stage, total: int, seen: Sequence[int]) -> tuple[TrueAnswer, ...]:
    """Return the true answers to the control questions; yes only where a fault has the deed done in just those roles."""
    found: list[TrueAnswer] = []
    sample = stage.scene.sample()
    for index in range(len(stage.scene.acts)):
        witness, roles = _Witness(stage, index, total), control_roles(sample, index)
        if roles is not None:
            frames = tuple(frame for frame in seen if witness.done_by(roles, frame))
            value = AnswerValue.YES if frames else AnswerValue.NO
            found.append(TrueAnswer(interaction=index, question_id=CONTROL_ID, value=value, frames=frames))
    return tuple(found)


class _Witness:
    """Knows at every frame which part of one interaction happens, between whom."""

    def __init__(self, stage: Stage, index: int, total: int, *, exchanged: bool = False) -> None:
        self.stage = stage
        self.index = index
        self.total = total
        act = stage.scene.acts[index]
        self.act = replace(act, subject=act.object, object=act.subject) if exchanged else act
        self.events: Events = stage.events[index]
        self.faulty = index == stage.dial.act

    def clock(self, frame: int) -> float:
        return frame / max(self.total - 1, 1)

    def on(self, span: Span, frame: int) -> bool:
        time = self.stage.warp(self.index, self.clock(frame))
        return span[0] <= time < span[1] or (span[1] >= 1.0 and time >= 1.0)

    def there(self, frame: int, *names: str) -> bool:
        return not any(self.stage.dial.absent(name, self.clock(frame)) for name in names)

    def plays(self, name: str, role: int, frame: int) -> bool:
        """Whether an instance plays the subject (0) or the object (1) at a frame."""
        return self.stage.dial.player(name, self.clock(frame)) == self.stage.cast(self.index)[role]

    def pair(self, frame: int) -> bool:
        """Whether the pair that is asked about plays the interaction at a frame."""
        return self.plays(self.act.subject, 0, frame) and self.plays(self.act.object, 1, frame)

    def real(self) -> bool:
        """Whether the action is done at all: one that needs contact is not done without."""
        return not (self.faulty and (self.stage.dial.gap or self.stage.dial.float_))

    def malformed(self) -> tuple[int, ...]:
        """Questions whose evidence shows bodies that cannot be."""
        dial = self.stage.dial
        if not self.faulty:
            return ()
        return (4, 5) if dial.fuse else (7,) if dial.limbs is not None and dial.limbs[0] == self.act.subject else ()

    def holds(self, question: int, frame: int) -> bool:
        """Whether a frame shows that the answer to a question is yes."""
        act, events = self.act, self.events
        both = self.there(frame, act.subject, act.object)
        if question == 1:
            return frame == 0 and both and self._at(0) < events.engaged
        if question == 2:
            aimed = self.plays(act.subject, 0, frame) if act.script.aimless_start else self.pair(frame)
            return both and aimed and self.on(events.start, frame) and (self.real() or not act.script.starts_held)
        if question == 6:
            return self._outcome(frame)
        if question == 7:
            mutual = act.script.direction.value == "bidirectional" and self.plays(act.subject, 1, frame)
            return (
                self.there(frame, act.subject) and (self.plays(act.subject, 0, frame) or mutual) and self.on(events.acting, frame)
            )
        if question == 10:
            done = self.real() and self.on(events.deed, frame) and self._agent_there(frame)
            return done and self.there(frame, act.object) and self.plays(act.object, 1, frame)
        span = {3: events.contact, 4: events.keep, 5: events.advance, 8: events.deed, 9: events.deed}[question]
        return self.real() and both and self.pair(frame) and self.on(span, frame)

    def done_by(self, roles: tuple[str, str], frame: int) -> bool:
        """Whether a frame shows the deed really done, in these roles: what the control question asks."""
        played = all(self.plays(name, role, frame) for role, name in enumerate(roles))
        return self.real() and played and self.there(frame, *roles) and self.on(self.events.deed, frame)

    def _agent_there(self, frame: int) -> bool:
        """Whether the one who plays the subject, whoever it is, is there at a frame."""
        return any(self.plays(item.id, 0, frame) and self.there(frame, item.id) for item in self.stage.scene.figures)

    def _at(self, frame: int) -> float:
        return self.stage.warp(self.index, self.clock(frame))

    def _outcome(self, frame: int) -> bool:
        """Whether the outcome is there: in the object, in the pair, or in what the pair has done."""
        act, events = self.act, self.events
        if not self.on(events.outcome, frame):
            return False
        if act.script.outcome == "object":
            return self.there(frame, act.object) and self.plays(act.object, 1, frame)
        if not self.real() or not self.there(frame, act.subject, act.object):
            return False
        if act.script.outcome == "pair":
            return self.pair(frame)
        return any(self.holds(9, earlier) for earlier in range(frame))


def true_scores(answers: Iterable[TrueAnswer], acts: int, emergence: Sequence[bool], gone: Sequence[bool]) -> dict[str, Any]:
    """Return the true scores of a video, by the protocol's formulas, for both profiles.

    `gone` counts vanished instances only: in staged videos nobody leaves the frame.
    """
    yes = {(item.interaction, item.question_id) for item in answers if item.value is AnswerValue.YES}
    kisa_raw = sum(sum((act, q) in yes for q in KISA_IDS) / len(KISA_IDS) for act in range(acts)) / acts
    sgi_raw = sum(sum((act, q) in yes for q in SGI_IDS) / len(SGI_IDS) for act in range(acts)) / acts
    count = max(len(emergence), 1)
    spi = 0.5 * ((1.0 - PENALTY * sum(emergence) / count) + (1.0 - PENALTY * sum(gone) / count))
    found: dict[str, Any] = {"kisa_raw": kisa_raw, "sgi_raw": sgi_raw}
    for profile, value in (("paper", spi), ("bounded", min(max(spi, 0.0), 1.0))):
        kisa, sgi = kisa_raw * value, sgi_raw * value
        found[profile] = {"spi": value, "kisa": kisa, "sgi": sgi, "if": (kisa + sgi) / 2.0}
    return found
