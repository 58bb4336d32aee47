"""Answers and consistency to KISA, SGI, SPI and IF (protocol, section 1), each with its bounds; pure.

    KISA_raw = yes / answered over questions 1-6,  SGI_raw = yes / answered over questions 7-10,  mean over key interactions
    SPI      = 1/2 [(1 - 5 emergence_ratio) + (1 - 5 disappearance_ratio)],  clipped to [0, 1] but under ``paper``
    KISA     = KISA_raw * SPI,  SGI = SGI_raw * SPI,  IF = (KISA + SGI) / 2

Which of the ten questions count is the profile's to say (`intergeneval.records.counted`); the others are not asked. Under
``informative`` IF is multiplied by the plausibility of bodies: 1 - the share of sampled frames after frame 0 that show
what cannot be.

An error never becomes a number: what failed, was refused, could not be parsed or was not asked yet leaves the score None. Every
video has bounds all the same: all that has no answer taken as no, and as yes (`intergeneval.records.bounding`). What is claimed
of models goes by them, since what cannot be answered is more often no than what can.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from intergeneval.records import (
    LAMBDA,
    Answer,
    Consistency,
    Profile,
    Sample,
    Score,
    ScoreStatus,
    Video,
    VideoStatus,
    counted,
    metric_range,
)
from intergeneval.records.bounding import SHARE, WHOLE, product, spi_span
from intergeneval.scores.propagation import (
    ABSENT,
    MAX_LOST_SHARE,
    Propagation,
    involved,
    look,
    plausibility_of,
    propagate,
    unlooked_of,
)
from intergeneval.scores.shares import (
    MIN_ANSWERED,
    open_questions,
    score_interaction,
    too_few,
    too_few_text,
    unanswered_text,
)

__all__ = [
    "ABSENT",
    "LAMBDA",
    "MAX_LOST_SHARE",
    "MIN_ANSWERED",
    "Propagation",
    "propagate",
    "score_interaction",
    "score_video",
    "score_videos",
]


def score_videos(
    samples: Iterable[Sample],
    videos: Iterable[Video],
    answers: Iterable[Answer],
    consistency: Iterable[Consistency],
    profile: Profile,
    wanted: Sequence[int] = (),
    unlooked: Collection[str] = (),
) -> list[Score]:
    """Score every video, in the order of the samples and then by seed; later records replace earlier ones of the same item.

    Records about another version of a video file than the one in `videos` are left out. A sample that has no video record yet, or
    none of one of the `wanted` seeds, is unanswered: what a stopped run did not reach must not vanish from its numbers.
    `unlooked` names the parts (``emergence``, ``plausibility``) that the run does not look for: they are no part of the bounds.
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
                mine = list(answered.get(key, {}).values())
                found.append(score_video(sample, video, mine, seen.get(key), profile, unlooked))
    return found


def _not_reached(sample: Sample, seed: int, profile: Profile) -> Score:
    blank = Score(
        sample_id=sample.id,
        seed=seed,
        status=ScoreStatus.UNANSWERED,
        reason="the run has not reached it yet; the same command goes on",
        answered=f"0/{len(_asked(sample, profile))}",
    )
    return _unknown(blank, profile)


def _unknown(blank: Score, profile: Profile) -> Score:
    """Return a score of which nothing is known: its bounds are all there is."""
    return replace(
        blank,
        kisa_bounds=SHARE,
        sgi_bounds=SHARE,
        spi_bounds=metric_range("spi", profile),
        if_bounds=metric_range("if", profile),
        open=((WHOLE, 1.0),),
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
    sample: Sample,
    video: Video,
    answers: Sequence[Answer],
    consistency: Consistency | None,
    profile: Profile,
    unlooked: Collection[str] = (),
) -> Score:
    """Score one video from its answers (at most one for each question) and its consistency record.

    `unlooked` names what the run does not look for at all (see `score_videos`).
    """
    asked = _asked(sample, profile)
    blank = Score(
        sample_id=sample.id,
        seed=video.seed,
        status=ScoreStatus.OK,
        partial=unlooked_of(consistency, profile),
        answered=f"0/{len(asked)}",
    )
    if video.status is not VideoStatus.OK:
        return _no_video(blank, video, profile)
    answers = [answer for answer in answers if (answer.interaction, answer.question_id) in asked]
    parts = tuple(
        score_interaction(index, [answer for answer in answers if answer.interaction == index], counted(item, profile))
        for index, item in enumerate(sample.interactions)
    )
    askable = len(asked) - sum(len(part.declined) for part in parts)
    blank = replace(
        blank,
        interactions=parts,
        answered=f"{sum(part.kisa_answered + part.sgi_answered for part in parts)}/{askable}",
        kisa_bounds=_mean_bounds([part.kisa_bounds for part in parts]),
        sgi_bounds=_mean_bounds([part.sgi_bounds for part in parts]),
    )
    looked = look(consistency, video.sampled, profile, unlooked)
    blank = replace(
        blank,
        spi_bounds=spi_span(looked.emergence or (0.0, 0.0), looked.disappearance, profile),
        emergence_bounds=looked.emergence,
        disappearance_bounds=looked.disappearance,
        plausibility_bounds=looked.plausibility,
        open=(*(open_questions(parts, answers) if parts else ((WHOLE, 1.0),)), *looked.open),
    )
    blank = replace(blank, if_bounds=_if_bounds(blank))
    if any(part.unscored for part in parts):
        return replace(blank, status=ScoreStatus.UNANSWERED, reason=unanswered_text(answers, len(asked)))
    propagation = propagate(consistency, profile, involved(sample))
    kisa_raw, sgi_raw = _mean([part.kisa_raw for part in parts]), _mean([part.sgi_raw for part in parts])
    status, reason = propagation.status, propagation.reason
    if status is ScoreStatus.OK and (not parts or any(too_few(part) for part in parts)):
        status, reason = ScoreStatus.UNANSWERABLE, too_few_text(parts, answers)
    if status in (ScoreStatus.UNTRACKED, ScoreStatus.UNANSWERABLE) and video.cuts:
        reason = f"cut: another shot begins at frame {video.cuts[0]} of {video.frames}, and nothing after it counts ({reason})"
    blank = replace(blank, status=status, reason=reason, kisa_raw=kisa_raw, sgi_raw=sgi_raw)
    return _with_numbers(blank, propagation, plausibility_of(consistency) if profile == Profile.INFORMATIVE else None)


def _with_numbers(blank: Score, propagation: Propagation, plausibility: float | None) -> Score:
    """Return the score with SPI and, where the video is scored, with what it is a factor of."""
    scored = blank.status is ScoreStatus.OK
    kisa, sgi = (_product(raw, propagation.spi) if scored else None for raw in (blank.kisa_raw, blank.sgi_raw))
    if_ = None if kisa is None or sgi is None else (kisa + sgi) / 2
    return replace(
        blank,
        spi=propagation.spi,
        kisa=kisa,
        sgi=sgi,
        if_=if_ if plausibility is None else _product(if_, plausibility),
        plausibility=plausibility,
        emergence_ratio=propagation.emergence_ratio,
        disappearance_ratio=propagation.disappearance_ratio,
    )


def _if_bounds(score: Score) -> tuple[float, float]:
    kisa, sgi, spi = score.kisa_bounds or SHARE, score.sgi_bounds or SHARE, score.spi_bounds or SHARE
    raw = ((kisa[0] + sgi[0]) / 2, (kisa[1] + sgi[1]) / 2)
    return product(raw, spi, score.plausibility_bounds or (1.0, 1.0))


def _no_video(blank: Score, video: Video, profile: Profile) -> Score:
    """Return the score of a video that cannot be scored: one that is not there is 0 under ``bounded``, and nothing else."""
    if video.status is VideoStatus.FOREIGN_FIRST_FRAME:
        return _unknown(replace(blank, status=ScoreStatus.FOREIGN_FIRST_FRAME, reason=video.reason), profile)
    if video.status is VideoStatus.FAILED:
        return _unknown(replace(blank, status=ScoreStatus.UNANSWERED, reason=video.reason), profile)
    status = ScoreStatus.MISSING if video.status is VideoStatus.MISSING else ScoreStatus.UNDECODABLE
    blank = replace(blank, status=status, reason=video.reason)
    if profile == Profile.PAPER:
        return _unknown(blank, profile)
    blank = replace(blank, kisa_raw=0.0, sgi_raw=0.0, spi=0.0, kisa=0.0, sgi=0.0, if_=0.0)
    nothing = (0.0, 0.0)
    return replace(blank, kisa_bounds=nothing, sgi_bounds=nothing, spi_bounds=nothing, if_bounds=nothing)


def _mean_bounds(bounds: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    if not bounds:
        return None
    return sum(low for low, _ in bounds) / len(bounds), sum(high for _, high in bounds) / len(bounds)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(values) if values and len(known) == len(values) else None


def _product(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first * second
