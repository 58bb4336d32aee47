"""Answers and consistency to KISA, SGI, SPI and IF (protocol, section 1); pure.

    KISA_raw = yes / answered over questions 1-6,  SGI_raw = yes / answered over questions 7-10,  mean over key interactions
    SPI      = 1/2 [(1 - 5 emergence_ratio) + (1 - 5 disappearance_ratio)],  clipped to [0, 1] but under ``paper``
    KISA     = KISA_raw * SPI,  SGI = SGI_raw * SPI,  IF = (KISA + SGI) / 2

Which of the ten questions count is the profile's to say (`intergeneval.records.counted`); the others are not asked. Under
``informative`` IF is multiplied by the plausibility of bodies: 1 - the share of sampled frames after frame 0 that show
what cannot be.

An error never becomes a number: what failed, was refused, could not be parsed or was not asked yet leaves the score None.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from intergeneval.records import (
    KISA_IDS,
    SGI_IDS,
    Answer,
    AnswerStatus,
    AnswerValue,
    Consistency,
    InteractionScore,
    Profile,
    Sample,
    Score,
    ScoreStatus,
    TrackState,
    Video,
    VideoStatus,
    counted,
)

LAMBDA = 5.0
"""Weight of the emergence and disappearance ratios in SPI."""
MIN_KISA_SHARE = (2, 3)
"""Smallest share of the counted of questions 1-6 to be answered for a KISA_raw, as a fraction: 4 of 6."""
MIN_SGI_SHARE = (3, 4)
"""Smallest share of the counted of questions 7-10 to be answered for an SGI_raw, as a fraction: 3 of 4."""
MAX_LOST_SHARE = 0.2
"""Largest share of an instance's sampled frames that may be lost; above it SPI is None."""
ABSENT = {
    Profile.PAPER: frozenset({TrackState.LEFT, TrackState.OCCLUDED, TrackState.VANISHED}),
    Profile.BOUNDED: frozenset({TrackState.VANISHED}),
    Profile.INFORMATIVE: frozenset({TrackState.VANISHED}),
}
"""The states that count as missing, by profile."""

_UNSCORED = frozenset({AnswerStatus.FAILED, AnswerStatus.REFUSED, AnswerStatus.UNPARSED})


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


def score_videos(
    samples: Iterable[Sample],
    videos: Iterable[Video],
    answers: Iterable[Answer],
    consistency: Iterable[Consistency],
    profile: Profile,
    wanted: Sequence[int] = (),
) -> list[Score]:
    """Score every video, in the order of the samples and then by seed; later records replace earlier ones of the same item.

    Records about another version of a video file than the one in `videos` are left out. A sample that has no video record yet, or
    none of one of the `wanted` seeds, is unanswered: what a stopped run did not reach must not vanish from its numbers.
    """
    latest = {(video.sample_id, video.seed): video for video in videos}
    seeds: dict[str, list[int]] = {}
    for sample_id, seed in latest:
        seeds.setdefault(sample_id, []).append(seed)
    answered: dict[tuple[str, int], dict[tuple[int, int], Answer]] = {}
    for answer in answers:
        if answer.repeat == 0 and _current(latest, answer):
            answered.setdefault((answer.sample_id, answer.seed), {})[answer.interaction, answer.question_id] = answer
    seen = {(item.sample_id, item.seed): item for item in consistency if _current(latest, item)}
    found = []
    for sample in samples:
        for seed in sorted({*seeds.get(sample.id, ()), *wanted}) or [0]:
            key = (sample.id, seed)
            video = latest.get(key)
            if video is None:
                found.append(_not_reached(sample, seed, profile))
            else:
                found.append(score_video(sample, video, list(answered.get(key, {}).values()), seen.get(key), profile))
    return found


def _not_reached(sample: Sample, seed: int, profile: Profile) -> Score:
    return Score(
        sample_id=sample.id,
        seed=seed,
        status=ScoreStatus.UNANSWERED,
        reason="the run has not reached it yet; the same command goes on",
        answered=f"0/{len(_asked(sample, profile))}",
    )


def _asked(sample: Sample, profile: Profile) -> frozenset[tuple[int, int]]:
    """Return (interaction, question id) of everything that counts; what is asked about a twin's interaction never does."""
    return frozenset(
        (index, number) for index, item in enumerate(sample.interactions) for part in counted(item, profile) for number in part
    )


def _current(videos: Mapping[tuple[str, int], Video], record: Answer | Consistency) -> bool:
    video = videos.get((record.sample_id, record.seed))
    return video is not None and video.sha256 == record.video


def score_video(
    sample: Sample, video: Video, answers: Sequence[Answer], consistency: Consistency | None, profile: Profile
) -> Score:
    """Score one video from its answers (at most one for each question) and its consistency record."""
    asked = _asked(sample, profile)
    blank = Score(
        sample_id=sample.id,
        seed=video.seed,
        status=ScoreStatus.OK,
        partial=_partial(consistency, profile),
        answered=f"0/{len(asked)}",
    )
    if video.status is not VideoStatus.OK:
        return _no_video(blank, video, profile)
    answers = [answer for answer in answers if (answer.interaction, answer.question_id) in asked]
    parts = tuple(
        score_interaction(index, [answer for answer in answers if answer.interaction == index], counted(item, profile))
        for index, item in enumerate(sample.interactions)
    )
    blank = replace(
        blank,
        interactions=parts,
        answered=f"{sum(part.kisa_answered + part.sgi_answered for part in parts)}/{len(asked)}",
        kisa_bounds=_mean_bounds([part.kisa_bounds for part in parts]),
        sgi_bounds=_mean_bounds([part.sgi_bounds for part in parts]),
    )
    if any(part.unscored for part in parts):
        return replace(blank, status=ScoreStatus.UNANSWERED, reason=_unanswered(answers, len(asked)))
    propagation = propagate(consistency, profile)
    kisa_raw = _mean([part.kisa_raw for part in parts])
    sgi_raw = _mean([part.sgi_raw for part in parts])
    status, reason = propagation.status, propagation.reason
    if status is ScoreStatus.OK and (kisa_raw is None or sgi_raw is None):
        status, reason = ScoreStatus.UNANSWERABLE, _too_few(parts, answers)
    kisa, sgi = _product(kisa_raw, propagation.spi), _product(sgi_raw, propagation.spi)
    plausibility = _plausibility(consistency) if profile == Profile.INFORMATIVE else None
    if_ = None if kisa is None or sgi is None else (kisa + sgi) / 2
    return replace(
        blank,
        status=status,
        reason=reason,
        kisa_raw=kisa_raw,
        sgi_raw=sgi_raw,
        spi=propagation.spi,
        kisa=kisa,
        sgi=sgi,
        if_=if_ if plausibility is None else _product(if_, plausibility),
        plausibility=plausibility,
        emergence_ratio=propagation.emergence_ratio,
        disappearance_ratio=propagation.disappearance_ratio,
    )


def score_interaction(
    index: int, answers: Iterable[Answer], counting: tuple[Sequence[int], Sequence[int]] = (KISA_IDS, SGI_IDS)
) -> InteractionScore:
    """Return the raw shares of one key interaction; answers of other status than ok lower the count, never the share.

    `counting` are the question ids that make KISA_raw and those that make SGI_raw (see `intergeneval.records.counted`).
    """
    by_id = {answer.question_id: answer for answer in answers}
    ids = (*counting[0], *counting[1])
    kisa = [by_id[number] for number in counting[0] if number in by_id and by_id[number].status is AnswerStatus.OK]
    sgi = [by_id[number] for number in counting[1] if number in by_id and by_id[number].status is AnswerStatus.OK]
    unscored = sum(number not in by_id or by_id[number].status in _UNSCORED for number in ids)
    kisa_yes, sgi_yes = _yes(kisa), _yes(sgi)
    return InteractionScore(
        interaction=index,
        kisa_raw=kisa_yes / len(kisa) if len(kisa) >= _least(MIN_KISA_SHARE, len(counting[0])) else None,
        sgi_raw=sgi_yes / len(sgi) if len(sgi) >= _least(MIN_SGI_SHARE, len(counting[1])) else None,
        kisa_answered=len(kisa),
        sgi_answered=len(sgi),
        kisa_bounds=_bounds(kisa_yes, len(kisa), len(counting[0])),
        sgi_bounds=_bounds(sgi_yes, len(sgi), len(counting[1])),
        unscored=unscored,
        left_out=tuple(number for number in KISA_IDS + SGI_IDS if number not in ids),
    )


def _least(share: tuple[int, int], asked: int) -> int:
    """Return the smallest whole number of answers that is at least that share of those asked."""
    over, under = share
    return -(-asked * over // under)


def _partial(consistency: Consistency | None, profile: Profile) -> tuple[str, ...]:
    """Return what nobody looked for in this video; sorted."""
    if consistency is None:
        return ()
    unlooked = {"emergence": consistency.emergence is None}
    unlooked["plausibility"] = profile == Profile.INFORMATIVE and consistency.implausible is None
    return tuple(name for name, missing in unlooked.items() if missing)


def _plausibility(consistency: Consistency | None) -> float | None:
    """Return 1 less the share of sampled frames after frame 0 that show what cannot be; 1 where nobody looked."""
    if consistency is None:
        return None
    if consistency.implausible is None:
        return 1.0
    marks = [mark for mark in consistency.implausible if mark is not None]
    return 1.0 - sum(marks) / len(marks) if marks else None


def propagate(consistency: Consistency | None, profile: Profile) -> Propagation:
    """Return SPI of one video. Without a detector the emergence term takes its best value and the score is partial."""
    if consistency is None:
        return Propagation(spi=None, status=ScoreStatus.UNANSWERED, reason="emergence and disappearance were not assessed yet")
    status, reason = _unassessed(consistency, profile)
    if status is not ScoreStatus.OK:
        return Propagation(spi=None, status=status, reason=reason)
    disappearance = _disappearance_ratio(consistency, profile)
    emergence = _share([bool(value) for _, value in _counted(consistency, consistency.emergence)])
    if disappearance is None or (emergence is None and consistency.emergence is not None):
        return Propagation(spi=None, status=ScoreStatus.UNTRACKED, reason="no sampled frame after frame 0 could be assessed")
    spi = ((1 - LAMBDA * (emergence or 0.0)) + (1 - LAMBDA * disappearance)) / 2
    if profile != Profile.PAPER:
        spi = min(max(spi, 0.0), 1.0)
    return Propagation(spi=spi, emergence_ratio=emergence, disappearance_ratio=disappearance)


def _unassessed(consistency: Consistency, profile: Profile) -> tuple[ScoreStatus, str]:
    """Return why the record allows no SPI, or ok. What broke is asked again by a resume; what nobody can know is not."""
    if consistency.status is not AnswerStatus.OK:
        status = ScoreStatus.UNANSWERED if consistency.status in _UNSCORED else ScoreStatus.UNTRACKED
        return status, consistency.reason or f"consistency is {consistency.status}"
    if consistency.states is not None and (lost := _lost_too_long(consistency.states)):
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


def _disappearance_ratio(consistency: Consistency, profile: Profile) -> float | None:
    if consistency.states is None:
        return _share([bool(value) for value in consistency.disappearance or ()])
    frames = list(zip(*consistency.states.values(), strict=True))
    # A frame in which any instance is lost carries no statement, and leaves numerator and denominator.
    known = [states for states in frames if TrackState.LOST not in states]
    return _share([any(state in ABSENT[profile] for state in states) for states in known])


def _lost_too_long(states: Mapping[str, tuple[TrackState, ...]]) -> str:
    for instance_id, sequence in states.items():
        lost = sum(state is TrackState.LOST for state in sequence)
        if sequence and lost / len(sequence) > MAX_LOST_SHARE:
            return (
                f"the tracker had lost {instance_id} in {lost} of {len(sequence)} sampled frames, more than {MAX_LOST_SHARE:.0%}"
            )
    return ""


def _no_video(blank: Score, video: Video, profile: Profile) -> Score:
    status = ScoreStatus.MISSING if video.status is VideoStatus.MISSING else ScoreStatus.UNDECODABLE
    blank = replace(blank, status=status, reason=video.reason)
    if profile == Profile.PAPER:
        return blank
    return replace(blank, kisa_raw=0.0, sgi_raw=0.0, spi=0.0, kisa=0.0, sgi=0.0, if_=0.0)


def _unanswered(answers: Sequence[Answer], asked: int) -> str:
    counts = Counter(answer.status.value for answer in answers if answer.status in _UNSCORED)
    if len(answers) < asked:
        counts["not asked yet"] = asked - len(answers)
    first = next((answer.reason for answer in answers if answer.status in _UNSCORED and answer.reason), "")
    said = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    return f"{said} of {asked} answers" + (f"; the first: {first}" if first else "")


def _too_few(parts: Sequence[InteractionScore], answers: Sequence[Answer]) -> str:
    if not parts:
        return "the sample has no key interaction"
    why = Counter(
        answer.reason for answer in answers if answer.status is AnswerStatus.UNANSWERABLE and answer.reason
    ).most_common(1)
    short = next(part for part in parts if part.kisa_raw is None or part.sgi_raw is None)
    kisa, sgi = (sum(number not in short.left_out for number in ids) for ids in (KISA_IDS, SGI_IDS))
    return (
        f"interaction {short.interaction}: {short.kisa_answered} of {kisa} and {short.sgi_answered} of {sgi} questions could be "
        f"answered, at least {_least(MIN_KISA_SHARE, kisa)} and {_least(MIN_SGI_SHARE, sgi)} are needed"
        + (f"; mostly: {why[0][0]}" if why else "")
    )


def _yes(answers: Iterable[Answer]) -> int:
    return sum(answer.verdict is AnswerValue.YES for answer in answers)


def _bounds(yes: int, answered: int, asked: int) -> tuple[float, float]:
    return yes / asked, (yes + asked - answered) / asked


def _mean_bounds(bounds: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    if not bounds:
        return None
    return sum(low for low, _ in bounds) / len(bounds), sum(high for _, high in bounds) / len(bounds)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(values) if values and len(known) == len(values) else None


def _product(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first * second


def _share(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None
