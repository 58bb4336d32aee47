"""The judge card: one JSON object with every figure of an exam; `docs/validate.md` documents its fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intergeneval import provenance
from intergeneval.exam import figures
from intergeneval.exam.policy_runs import PolicyRun, layer_of
from intergeneval.exam.spec import SPLITS, ExamSpec
from intergeneval.ids import canonical_json
from intergeneval.questions import embedded, templates_hash
from intergeneval.run.backends import Backends
from intergeneval.staged import scenes

SCHEMA = 1
"""Version of the card's fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What the exam took."""

    seconds: float
    """Wall time of this call."""
    observed: int
    """Videos on which anything was done in this call."""
    command: tuple[str, ...] = ()
    """The command as typed."""


def make_card(spec: ExamSpec, backends: Backends, runs: Sequence[PolicyRun], effort: Effort) -> dict[str, Any]:
    """Return the card. Equal runs give equal cards, but for `made`, which says when and how long."""
    videos = [video for run in runs for video in run.videos]
    answers = figures.answer_figures(videos)
    faults = figures.fault_figures(videos)
    scored = figures.score_figures(videos, spec.policies, [item.id for item in scenes(spec.seed, spec.scenes)])
    asked = [item for run in runs for item in run.rounds.asked]
    whole = answers["all"]
    graded = [answer for video in videos for answer in video.scored]
    plain = {name: whole[name] for name in ("accuracy", "kappa", "answerable")}
    plain |= {name: scored[name] for name in ("spearman", "kendall")}
    split = next((name for name, seed in SPLITS.items() if seed == spec.seed), "")
    return {
        "schema": SCHEMA,
        "judge": backends.judge.id,
        "judge_revision": backends.judge.revision,
        "templates": templates_hash(embedded(spec.templates)),
        "tracker": backends.tracker.id,
        "detector": backends.detector.id if backends.detector else "none",
        **{name: item["value"] for name, item in plain.items()},
        "faults": {name: item["auc"] for name, item in faults.items()},
        "intervals": {
            **{name: item["interval"] for name, item in plain.items()},
            "faults": {name: item["interval"] for name, item in faults.items()},
        },
        "complete": all(run.complete for run in runs),
        "exam": {
            "paper": spec.to_json(),
            "split": split,
            "layer": layer_of(backends.judge),
            "layers_differ": sum(answer.layers_differ for answer in graded),
            "videos": len(videos),
            "answers": len(graded),
        },
        "detail": {
            "answers": answers,
            "controls": figures.control_figures(videos),
            "faults": faults,
            "frames": figures.frame_figures(videos),
            "tracker": figures.tracker_figures(videos),
            "scores": scored,
            "rounds": figures.round_figures(asked, negatable=any(run.rounds.negatable for run in runs)),
            "usage": _usage(runs),
        },
        "made": {
            "seconds": effort.seconds,
            "observed": effort.observed,
            "created": provenance.now(),
            "commit": provenance.commit(Path.cwd()),
            "versions": provenance.versions(),
            "command": provenance.redact(effort.command),
        },
    }


def _usage(runs: Sequence[PolicyRun]) -> dict[str, float]:
    """Return what the judge reported of its first askings, summed: seconds, tokens and whatever else it counts."""
    total: dict[str, float] = {}
    for run in runs:
        for video in run.videos:
            for name, value in video.usage.items():
                total[name] = total.get(name, 0.0) + value
    return {name: total[name] for name in sorted(total)}


def failures(runs: Sequence[PolicyRun]) -> list[dict[str, Any]]:
    """Return every wrong answer, as plain JSON values, in the order of policies, scenes and questions."""
    return [
        {
            "policy": video.policy,
            "faults": list(video.faults),
            "scene": video.sample_id,
            "interaction": answer.interaction,
            "question": answer.question_id,
            "verb": answer.verb,
            "expected": answer.truth.value,
            "given": answer.given.value if answer.given else None,
            "frame": answer.frame,
            "true_frames": list(answer.true_frames),
            "reason": answer.reason,
            "asked": answer.text,
        }
        for run in runs
        for video in run.videos
        for answer in video.scored
        if answer.right is False
    ]


def failures_text(found: Sequence[dict[str, Any]]) -> str:
    """Return wrong answers as JSON lines."""
    return "".join(canonical_json(item) + "\n" for item in found)
