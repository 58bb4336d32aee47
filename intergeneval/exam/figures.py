"""The figures of an exam, from graded videos to plain JSON values; pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from intergeneval.exam.agreement import LEVEL, Agreement, Share, agreement, codes_of, share
from intergeneval.exam.detection import roc
from intergeneval.exam.fault_scores import FAULT_SCORES, score
from intergeneval.exam.grading import GradedAnswer, GradedVideo
from intergeneval.exam.ranking import means, ranking
from intergeneval.exam.self_consistency import AskedAgain
from intergeneval.exam.spec import PERFECT
from intergeneval.records import CONTROL_ID, AnswerStatus, AnswerValue
from intergeneval.stats.clustered import clustered

Json: TypeAlias = dict[str, Any]
Pair = tuple[GradedVideo, GradedAnswer]


def answer_figures(videos: Sequence[GradedVideo]) -> Json:
    """Return agreement over all answers, and per question id, category, verb and fault."""
    pairs = [(video, answer) for video in videos for answer in video.scored]
    return {
        "all": _agreement(pairs),
        "question": _groups(pairs, lambda pair: [f"{pair[1].question_id:02d}"]),
        "category": _groups(pairs, lambda pair: [pair[1].category or "none"]),
        "fault": _groups(pairs, lambda pair: pair[0].faults or ["none"]),
        "verb": _groups(pairs, lambda pair: [pair[1].verb]),
    }


def control_figures(videos: Sequence[GradedVideo]) -> Json | None:
    """Return the share of yes to control questions, all of them and those that are no in truth; None where none was asked."""
    asked = [(video, item) for video in videos for item in video.answers if item.question_id == CONTROL_ID]
    if not asked:
        return None
    told = [(video, item) for video, item in asked if item.given is not None]
    false = [(video, item) for video, item in told if item.truth is not AnswerValue.YES]

    def yes(pairs: Sequence[Pair]) -> Json:
        return share_json(share([item.given is AnswerValue.YES for _, item in pairs], [video.sample_id for video, _ in pairs]))

    return {"yes": yes(told), "yes_where_no": yes(false), "asked": len(asked)}


def _groups(pairs: Sequence[Pair], names: Callable[[Pair], Iterable[str]]) -> Json:
    found: dict[str, list[Pair]] = {}
    for pair in pairs:
        for name in names(pair):
            found.setdefault(name, []).append(pair)
    return {name: _agreement(found[name]) for name in sorted(found)}


def _agreement(pairs: Sequence[Pair]) -> Json:
    """Return accuracy, kappa and the share answerable, with counts of what has no answer."""
    answered = [(video, item) for video, item in pairs if item.status is AnswerStatus.OK]
    scenes = [video.sample_id for video, _ in answered]
    truth = [item.truth is AnswerValue.YES for _, item in answered]
    found: Agreement = agreement(truth, [item.given is AnswerValue.YES for _, item in answered], scenes)
    open_ = [(video, item) for video, item in pairs if item.status in (AnswerStatus.OK, AnswerStatus.UNANSWERABLE)]
    answerable = share([item.status is AnswerStatus.OK for _, item in open_], [video.sample_id for video, _ in open_])
    exact = share([item.given is item.truth for _, item in answered], scenes)
    return {
        "accuracy": share_json(found.accuracy),
        "kappa": {"value": found.kappa, "interval": found.kappa_interval},
        "answerable": share_json(answerable),
        "exact": share_json(exact),
        "true_yes": sum(truth),
        "said_yes": sum(item.given is AnswerValue.YES for _, item in answered),
        "both_yes": sum(one and item.given is AnswerValue.YES for one, (_, item) in zip(truth, answered, strict=True)),
        "asked": len(pairs),
        "answered": len(answered),
        "failed": len(pairs) - len(open_),
    }


def share_json(found: Share) -> Json:
    """Return a share as plain values."""
    return {"value": found.value, "interval": found.interval, "count": found.count}


def fault_figures(videos: Sequence[GradedVideo]) -> Json:
    """Return the AUC of each fault that was played alone, against the perfect twins of the same scenes.

    A fault whose target is set for some categories has a second entry for those, such as ``outcome-missing (force, transport)``.
    """
    found: Json = {}
    for fault, expected in FAULT_SCORES.items():
        faulty = [video for video in videos if video.policy == fault]
        if faulty:
            found[fault] = _fault(faulty, videos, fault)
        # A fault is dialled into the first interaction.
        part = [video for video in faulty if video.answers and video.answers[0].category in expected.categories]
        if part:
            found[f"{fault} ({', '.join(expected.categories)})"] = _fault(part, videos, fault)
    return found


def _fault(faulty: Sequence[GradedVideo], videos: Sequence[GradedVideo], fault: str) -> Json:
    twins = {video.sample_id: video for video in videos if video.policy == PERFECT}
    scored = [(video.sample_id, score(video, fault), score(twins[video.sample_id], fault)) for video in faulty]
    known = [(scene, one, other) for scene, one, other in scored if one is not None and other is not None]
    result = roc([one for _, one, _ in known], [other for _, _, other in known])
    return {
        "auc": result.auc,
        "interval": result.interval,
        "scenes": result.scenes,
        "unmeasured": len(scored) - len(known),
        "shown_by": FAULT_SCORES[fault].told,
        "exempt": FAULT_SCORES[fault].exempt,
        "missed": sorted(scene for scene, one, other in known if one <= other),
    }


def frame_figures(videos: Sequence[GradedVideo]) -> Json:
    """Return precision and recall by frame of disappearance and emergence; None where it was not assessed."""
    gone = [(video.sample_id, *pair) for video in videos for pair in video.disappearance]
    new = [(video.sample_id, *pair) for video in videos if video.emergence is not None for pair in video.emergence]
    return {"disappearance": _precision_recall(gone) if gone else None, "emergence": _precision_recall(new) if new else None}


def _precision_recall(frames: Sequence[tuple[str, bool, bool | None]]) -> Json:
    told = [(scene, true, said) for scene, true, said in frames if said is not None]
    flagged, real = [item for item in told if item[2]], [item for item in told if item[1]]
    return {
        "precision": share_json(share([true for _, true, _ in flagged], [scene for scene, _, _ in flagged])),
        "recall": share_json(share([bool(said) for _, _, said in real], [scene for scene, _, _ in real])),
        "frames": len(frames),
        "no_statement": len(frames) - len(told),
    }


def tracker_figures(videos: Sequence[GradedVideo]) -> Json:
    """Return J and F of the tracks, means over videos."""
    known = [(video.sample_id, video.overlap) for video in videos if video.overlap is not None]
    return {
        "region": _mean([(scene, item.region) for scene, item in known]),
        "boundary": _mean([(scene, item.boundary) for scene, item in known]),
        "lost": _mean([(scene, item.lost) for scene, item in known]),
        "failed": len(videos) - len(known),
    }


def _mean(values: Sequence[tuple[str, float | None]], least: float = 0.0) -> Json:
    """Return the mean of figures that lie between `least` and 1, with its clustered interval inside that range."""
    known = [(scene, value) for scene, value in values if value is not None]
    if not known:
        return {"value": None, "interval": None, "count": 0}
    numbers = np.array([value for _, value in known], dtype=np.float64)
    found = clustered(numbers, codes_of([scene for scene, _ in known]), LEVEL, (least, 1.0))
    interval = None if found.clusters < 2 else (float(found.low), float(found.high))
    return {"value": float(found.mean), "interval": interval, "count": len(known)}


def score_figures(videos: Sequence[GradedVideo], policies: Sequence[str], scenes: Sequence[str]) -> Json:
    """Return how measured IF follows true IF: over policies by rank and line, and video by video."""
    index = {name: number for number, name in enumerate(scenes)}
    true = np.full((len(policies), len(scenes)), np.nan)
    measured = np.full_like(true, np.nan)
    twins = [video for video in videos if video.policy == PERFECT]
    for row, policy in enumerate(policies):
        # Where a policy has no place for its fault it plays as the perfect twin; its own videos come after and replace it.
        for video in [*twins, *(item for item in videos if item.policy == policy)]:
            true[row, index[video.sample_id]] = video.true_if
            measured[row, index[video.sample_id]] = np.nan if video.measured_if is None else video.measured_if
    found = ranking(true, measured)
    one, other = means(true, measured), means(measured, true)
    errors = [(video.sample_id, video.measured_if - video.true_if) for video in videos if video.measured_if is not None]
    return {
        **{name: {"value": value, "interval": found.intervals[name]} for name, value in found.figures.items()},
        "bias": _mean(errors, least=-1.0),
        "absolute_error": _mean([(scene, abs(value)) for scene, value in errors]),
        "largest_error": max((abs(value) for _, value in errors), default=None),
        "unscored": len(videos) - len(errors),
        "policies": [
            {
                "policy": policy,
                "true": None if np.isnan(one[row]) else float(one[row]),
                "measured": None if np.isnan(other[row]) else float(other[row]),
                "scenes": int(np.isfinite(measured[row]).sum()),
            }
            for row, policy in enumerate(policies)
        ],
        "bins": _bins([(video.true_if, video.measured_if) for video in videos if video.measured_if is not None]),
    }


def _bins(pairs: Sequence[tuple[float, float]]) -> list[Json]:
    """Return the mean measured IF of videos by fifths of the true IF's range."""
    found = []
    for step in range(5):
        low, high = step / 5.0, (step + 1) / 5.0
        inside = [measured for true, measured in pairs if low <= true < high or (step == 4 and true >= high)]
        mean = float(np.mean(inside)) if inside else None
        found.append({"from": low, "to": high, "videos": len(inside), "measured": mean})
    return found


def round_figures(asked: Sequence[AskedAgain], *, negatable: bool) -> Json:
    """Return the flip rate on a second asking, and how often a question turned round gets the opposite answer."""
    again = [(item.sample_id, item.stands) for item in asked if item.round == "again"]
    negated = [(item.sample_id, item.stands) for item in asked if item.round == "negated"]
    flips = [(scene, not stands) for scene, stands in again if stands is not None]
    kept = [(scene, stands) for scene, stands in negated if stands is not None]
    return {
        "flips": {
            **share_json(share([flip for _, flip in flips], [scene for scene, _ in flips])),
            "unanswered": len(again) - len(flips),
        },
        "negation": {
            "applicable": negatable,
            "why": "" if negatable else "this judge does not read the words of a question",
            **share_json(share([stands for _, stands in kept], [scene for scene, _ in kept])),
            "unanswered": len(negated) - len(kept),
        },
    }
