"""The embedded judge held against labels of real videos, tracked once and judged in seconds.

    python -m tests.real.judging FOLDER RUNS

`FOLDER` is that of the README: `models/MODEL/SAMPLE.mp4`, a benchmark `bench` and `labels.jsonl`. `RUNS` keeps the run folder of
each model: with the videos tracked there, only the judge is asked again, as it is now. Pure but for `collect` and `main`.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from intergeneval import bench, questions
from intergeneval.config import RunConfig
from intergeneval.exam.agreement import agreement
from intergeneval.judges import JudgeRequest
from intergeneval.judges.geometry import create
from intergeneval.records import Answer, AnswerStatus, AnswerValue, Consistency, Profile, Score, Tracks, Video, VideoStatus
from intergeneval.run.judge_stage import ask
from intergeneval.run.run import Run
from intergeneval.scores import score_video
from intergeneval.store import RunStore

GROUPS = {"all": range(1, 11), "without 1": range(2, 11), "2-5": range(2, 6), "6": (6,), "8-10": range(8, 11)}
"""Sets of questions that are told beside each one."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """A label beside the answer."""

    model: str
    sample: str
    question: int
    label: bool
    """Whether readers say yes."""
    answer: bool | None
    """Whether the judge does; None where it gives no answer."""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One video judged."""

    answers: Mapping[tuple[int, int], Answer]
    """(interaction, question) -> answer."""
    score: Score


def collect(folder, runs, tracker="flow"):
    """(model, sample) -> what the judge says as it is now; videos without tracks in `runs` are tracked first."""
    benchmark = bench.load(str(folder / "bench"))
    samples = {item.id: item for item in benchmark.samples}
    found = {}
    for model in sorted(path.name for path in (folder / "models").iterdir()):
        out = runs / model
        if not (out / "tracks.jsonl").is_file():
            settings = {"bench": str(folder / "bench"), "tracker": tracker, "out": str(out), "workers": 1}
            Run(RunConfig(model=str(folder / "models" / model), **settings)).execute()
        store = RunStore.open(out)
        tracks = {item.sample_id: item for item in store.read("tracks", Tracks)}
        seen = {item.sample_id: item for item in store.read("consistency", Consistency)}
        for video in store.read("videos", Video):
            if video.status is VideoStatus.OK:
                sample = samples[video.sample_id]
                found[model, sample.id] = judge(sample, video, tracks[sample.id], seen.get(sample.id))
    return found


def judge(sample, video, tracks, consistency=None):
    """Ask the embedded judge, as a run asks it."""
    asked = [item for item in questions.questions_for(sample) if item.question_id <= 10]
    answers, _ = ask(create("", {}), JudgeRequest(sample=sample, video=video, tracks=tracks, questions=asked))
    score = score_video(sample, video, answers, consistency, Profile.BOUNDED, ("emergence",))
    return Judged(answers={(item.interaction, item.question_id): item for item in answers}, score=score)


def read(path):
    """The lines of a label file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def beside(labels, judged):
    """Every definite label beside its answer; what is not asked, or of which no video is there, is left out."""
    found = []
    for line in labels:
        video = judged.get((line["model"], line["sample_id"]))
        for number, value in line["q"].items():
            answer = video and video.answers.get((line["interaction"], int(number)))
            if value in ("yes", "no") and answer:
                told = answer.value is AnswerValue.YES if answer.status is AnswerStatus.OK else None
                given = {"model": line["model"], "sample": line["sample_id"], "question": int(number)}
                found.append(Said(**given, label=value == "yes", answer=told, reason=answer.reason))
    return found


def figures(said):
    """Counts and shares of one set; None where there is nothing to take a share of."""
    told = [item for item in said if item.answer is not None]
    noes, yeses = [item for item in said if not item.label], [item for item in said if item.label]
    held = agreement([item.label for item in told], [item.answer for item in told], [item.sample for item in told])
    return {
        "labels": len(said),
        "answered": _share([item.answer is not None for item in said]),
        "accuracy": held.accuracy.value,
        "kappa": held.kappa,
        "no found": _share([item.answer is False for item in noes]),
        "noes": len(noes),
        "yes found": _share([item.answer is True for item in yeses]),
        "yeses": len(yeses),
    }


def order(labels, judged, what="share"):
    """Spearman between the middle of IF's bounds and the labels' share of yes (or `overall`), and how many videos it is over."""
    pairs = []
    for line in labels:
        video = judged.get((line["model"], line["sample_id"]))
        told = [value == "yes" for value in line["q"].values() if value in ("yes", "no")]
        truth = np.mean(told) if what == "share" and told else line.get(what)
        if video is not None and truth is not None:
            pairs.append((float(np.mean(video.score.if_bounds)), float(truth)))
    return float(stats.spearmanr(*zip(*pairs, strict=True)).statistic), len(pairs)


def text_of(labels, judged):
    """All figures as a table."""
    said = beside(labels, judged)
    sets = {name: [item for item in said if item.question in ids] for name, ids in GROUPS.items()}
    sets |= {f"question {number}": [item for item in said if item.question == number] for number in range(1, 11)}
    sets |= {name: [item for item in said if item.model == name] for name in dict.fromkeys(sorted(item.model for item in said))}
    sets |= {name: [item for item in said if item.sample == name] for name in dict.fromkeys(item.sample for item in said)}
    lines = [f"{'':>14}  labels  answered  accuracy  kappa  no found of noes  yes found of yeses"]
    for name, chosen in sets.items():
        one = figures(chosen)
        lines.append(
            f"{name:>14}  {one['labels']:6}  {_told(one['answered']):>8}  {_told(one['accuracy']):>8}  {_told(one['kappa']):>5}"
            f"  {_told(one['no found']):>8} of {one['noes']:<4}  {_told(one['yes found']):>9} of {one['yeses']}"
        )
    shares, overall = order(labels, judged), order(labels, judged, "overall")
    lines.append(f"Spearman of the middle of IF's bounds with the share of yes {shares[0]:+.2f}, with overall {overall[0]:+.2f}")
    lines.append(f"over {shares[1]} videos")
    return "\n".join(lines)


def _share(values):
    return float(np.mean(values)) if values else None


def _told(value):
    return "-" if value is None else f"{value:.2f}"


def main(folder, runs):
    """Print the figures and every answer that differs from its label."""
    labels, judged = read(Path(folder) / "labels.jsonl"), collect(Path(folder), Path(runs))
    print(text_of(labels, judged))
    for item in beside(labels, judged):
        if item.answer is not item.label:
            want, got = ("yes" if item.label else "no"), {True: "yes", False: "no", None: "-"}[item.answer]
            print(f"{item.model} {item.sample} {item.question}: readers {want}, judge {got}: {item.reason}")


if __name__ == "__main__":
    main(*sys.argv[1:])
