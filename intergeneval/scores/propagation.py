"""What vanished and emerged to SPI, and how far the frames that nobody could tell may move it; pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from intergeneval.records import AnswerStatus, Consistency, Profile, Sample, ScoreStatus, TrackState
from intergeneval.records.bounding import DISAPPEARANCE, EMERGENCE, PLAUSIBILITY, Span, spi_of
from intergeneval.scores.shares import UNSCORING, Open

MAX_LOST_SHARE = 0.2
"""Largest share of the sampled frames in which an interaction's instance may be lost; above it SPI is None."""
ABSENT = {
    Profile.PAPER: frozenset({TrackState.LEFT, TrackState.OCCLUDED, TrackState.VANISHED}),
    Profile.BOUNDED: frozenset({TrackState.VANISHED}),
    Profile.INFORMATIVE: frozenset({TrackState.VANISHED}),
}
"""The states that count as missing, by profile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Propagation:
    """SPI with the ratios it came from, or the reason why it is None."""

    spi: float | None
    """Under ``paper`` in [-4, 1], under ``bounded`` in [0, 1]; None with `status` and `reason`."""
    emergence_ratio: float | None = None
    """0 to 1; None where not assessed."""
    disappearance_ratio: float | None = None
    """0 to 1; None where no frame could be assessed."""
    status: ScoreStatus = ScoreStatus.OK
    """Why it is None."""
    reason: str = ""
    """The same in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What is known of the sampled frames after frame 0, at least and at most."""

    emergence: Span | None
    """Share of frames with an emergence; None where the run does not look for it."""
    disappearance: Span
    """Share of frames with a disappearance."""
    plausibility: Span | None
    """1 less the share of frames that show what cannot be; None where the profile or the run does not look for it."""
    open: Open
    """The frames that could not be told."""


def involved(sample: Sample) -> frozenset[str] | None:
    """Return the instances that a sample's interactions are about; None where one is given as a text alone.

    Who stands by, and what would do just as well, can be lost without anything being unknown of what was asked for.
    """
    if any(item.subject is None or item.object is None for item in sample.interactions):
        return None
    roles = {role for item in sample.interactions for role in (item.subject, item.object, item.instrument, item.destination)}
    return frozenset(instance.id for instance in sample.instances if instance.id in roles)


def propagate(consistency: Consistency | None, profile: Profile, about: Collection[str] | None = None) -> Propagation:
    """Return SPI of one video. Without a detector the emergence term takes its best value and the score is partial.

    `about` are the instances of the interactions, None for all: where another is lost the frame is told by the rest.
    """
    if consistency is None:
        return Propagation(spi=None, status=ScoreStatus.UNANSWERED, reason="emergence and disappearance were not assessed yet")
    status, reason = _unassessed(consistency, profile, about)
    if status is not ScoreStatus.OK:
        return Propagation(spi=None, status=status, reason=reason)
    disappearance = _disappearance_ratio(consistency, profile, about)
    emergence = _share([bool(value) for _, value in _counted(consistency, consistency.emergence)])
    # Where somebody who only stands by is lost throughout, nobody can tell what emerged: the bounds say so, the score stays.
    unknown = emergence is None and consistency.emergence is not None and about is None
    if disappearance is None or unknown:
        reason = "no sampled frame after frame 0 could be assessed"
        return Propagation(spi=None, status=ScoreStatus.UNTRACKED, reason=reason)
    spi = spi_of(emergence or 0.0, disappearance, profile)
    return Propagation(spi=spi, emergence_ratio=emergence, disappearance_ratio=disappearance)


def look(consistency: Consistency | None, sampled: Sequence[int], profile: Profile, unlooked: Collection[str] = ()) -> Looked:
    """Return what is known of each sampled frame: of `sampled` where nothing was assessed yet.

    `unlooked` names the parts (``emergence``, ``plausibility``) that the run does not look for at all; a record that stands says
    so itself.
    """
    frames = consistency.frames if consistency is not None else tuple(frame for frame in sampled if frame > 0)
    silent: tuple[bool | None, ...] = (None,) * len(frames)
    emergence, missing, marks = silent, silent, silent
    if consistency is not None:
        stands = consistency.status in (AnswerStatus.OK, AnswerStatus.UNANSWERABLE)
        unlooked = {EMERGENCE, PLAUSIBILITY} if stands else unlooked
        emergence, marks = consistency.emergence or silent, consistency.implausible or silent
        missing = consistency.disappearance or silent
        if consistency.states:
            missing = tuple(_missing(states, profile) for states in zip(*consistency.states.values(), strict=True))
    asked = {EMERGENCE: consistency and consistency.emergence, PLAUSIBILITY: consistency and consistency.implausible}
    out = {name for name in unlooked if asked.get(name) is None} | ({PLAUSIBILITY} if profile != Profile.INFORMATIVE else set())
    told = {EMERGENCE: emergence, DISAPPEARANCE: missing, PLAUSIBILITY: marks}
    told = {name: values for name, values in told.items() if name not in out}
    marked = _span(told.get(PLAUSIBILITY))
    return Looked(
        emergence=_span(told.get(EMERGENCE)),
        disappearance=_span(missing) or (0.0, 1.0),
        plausibility=None if marked is None else (1.0 - marked[1], 1.0 - marked[0]),
        open=tuple(
            (f"{kind}:{frame}", 1 / len(frames))
            for kind, values in told.items()
            for frame, value in zip(frames, values, strict=True)
            if value is None
        ),
    )


def unlooked_of(consistency: Consistency | None, profile: Profile) -> tuple[str, ...]:
    """Return what nobody looked for in this video; sorted."""
    if consistency is None:
        return ()
    unlooked = {EMERGENCE: consistency.emergence is None}
    unlooked[PLAUSIBILITY] = profile == Profile.INFORMATIVE and consistency.implausible is None
    return tuple(name for name, missing in unlooked.items() if missing)


def plausibility_of(consistency: Consistency | None) -> float | None:
    """Return 1 less the share of sampled frames after frame 0 that show what cannot be; 1 where nobody looked."""
    if consistency is None:
        return None
    if consistency.implausible is None:
        return 1.0
    marks = [mark for mark in consistency.implausible if mark is not None]
    return 1.0 - sum(marks) / len(marks) if marks else None


def _unassessed(consistency: Consistency, profile: Profile, about: Collection[str] | None) -> tuple[ScoreStatus, str]:
    """Return why the record allows no SPI, or ok. What broke is asked again by a resume; what nobody can know is not."""
    states = consistency.states or {}
    lost = _lost_too_long(states, about)
    # Who is missing from the first frame may have no part in what was asked for.
    bystander = consistency.status is AnswerStatus.UNANSWERABLE and not lost and _lost_too_long(states, None)
    if consistency.status is not AnswerStatus.OK and not bystander:
        status = ScoreStatus.UNANSWERED if consistency.status in UNSCORING else ScoreStatus.UNTRACKED
        return status, consistency.reason or f"consistency is {consistency.status}"
    if lost:
        return ScoreStatus.UNTRACKED, lost
    stated = {"disappearance": consistency.disappearance, "emergence": consistency.emergence}
    if profile == Profile.INFORMATIVE:
        stated["impossible bodies"] = consistency.implausible
    for name, statement in stated.items():
        silent = [str(frame) for frame, value in _counted(consistency, statement) if value is None]
        if silent:
            return ScoreStatus.UNANSWERED, f"no statement on {name} at frames {', '.join(silent)}"
    return ScoreStatus.OK, ""


def _counted(consistency: Consistency, statement: Sequence[bool | None] | None) -> list[tuple[int, bool | None]]:
    """Return (frame, statement) for the frames that count: one without a statement because an instance is lost there does not.

    What a detector sees beyond the known instances may be the lost one itself, so nobody can say; the frame leaves the ratio.
    """
    lost = {
        frame
        for states in (consistency.states or {}).values()
        for frame, state in zip(consistency.frames, states, strict=True)
        if state is TrackState.LOST
    }
    pairs = zip(consistency.frames, statement, strict=True) if statement is not None else ()
    return [(frame, value) for frame, value in pairs if value is not None or frame not in lost]


def _disappearance_ratio(consistency: Consistency, profile: Profile, about: Collection[str] | None) -> float | None:
    if consistency.states is None:
        return _share([bool(value) for value in consistency.disappearance or ()])
    names = list(consistency.states)
    frames = list(zip(*consistency.states.values(), strict=True))
    # A frame in which an interaction's instance is lost carries no statement, and leaves numerator and denominator.
    needed = [about is None or name in about for name in names]
    known = [
        states
        for states in frames
        if not any(state is TrackState.LOST and need for state, need in zip(states, needed, strict=True))
    ]
    return _share([any(state in ABSENT[profile] for state in states) for states in known])


def _missing(states: Sequence[TrackState], profile: Profile) -> bool | None:
    """Return whether an instance is missing from a frame; None where one is lost there, so that nobody can tell."""
    return None if TrackState.LOST in states else any(state in ABSENT[profile] for state in states)


def _lost_too_long(states: Mapping[str, tuple[TrackState, ...]], about: Collection[str] | None) -> str:
    for instance_id, sequence in states.items():
        lost = sum(state is TrackState.LOST for state in sequence)
        if sequence and lost / len(sequence) > MAX_LOST_SHARE and (about is None or instance_id in about):
            return (
                f"the tracker had lost {instance_id} in {lost} of {len(sequence)} sampled frames, more than {MAX_LOST_SHARE:.0%}"
            )
    return ""


def _span(values: Sequence[bool | None] | None) -> Span | None:
    """Return the share of true values at least and at most; None of no statement or no frame."""
    if not values:
        return None
    hits, silent = sum(value is True for value in values), sum(value is None for value in values)
    return hits / len(values), (hits + silent) / len(values)


def _share(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None
