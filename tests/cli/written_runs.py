"""Run folders written by hand: known scores, no videos behind them."""

import dataclasses
import json

import numpy as np

from intergeneval.records import (
    RUN_SCHEMA,
    Category,
    Comparability,
    Instance,
    Interaction,
    Profile,
    RunHeader,
    Sample,
    Score,
    ScoreStatus,
)
from intergeneval.store import RunStore

KEY = {
    "bench": "b" * 64,
    "questions": "q" * 64,
    "judge": "geometry",
    "judge_revision": "1",
    "tracker": "flow 1",
    "detector": "none",
    "sampling": "equal-time",
    "profile": Profile.BOUNDED,
    "samples": "all",
    "partial": (),
}


def header(model="model-a", *, seeds=(0,), samples=60, allowed=0.01, created="2026-01-01T00:00:00Z", **changed):
    comparability = Comparability(**{**KEY, **changed})
    return RunHeader(
        schema=RUN_SCHEMA,
        model=model,
        source=f"folder:/home/somebody/videos/{model}",
        source_hash="0" * 64,
        bench="kitchen",
        bench_version="1",
        samples=samples,
        bench_samples=samples,
        seeds=seeds,
        comparability=comparability,
        key=comparability.key,
        config={"allowed_unscored": allowed, "model": "/home/somebody/videos"},
        command="intergeneval run --model /home/somebody/videos",
        created=f"{created} {model}",
    )


def sample(number):
    return Sample(
        id=f"p{number:03d}",
        prompt="A man lifts a cup.",
        instances=(
            Instance(id="id1", class_="man", appearance="man", colour="red"),
            Instance(id="id2", class_="cup", appearance="cup", colour="blue"),
        ),
        interactions=(
            Interaction(subject="id1", verb="lifts", object="id2", category=Category.CONTACT if number % 4 else Category.SOCIAL),
        ),
        scene=f"scene{number // 2}",
    )


def write_run(folder, values, *, lines=None, **changed):
    """Write a run whose IF values are (P, seeds); NaN: the judge failed. `lines` keeps only the first so many score lines."""
    values = np.asarray(values, dtype=float)
    store = RunStore.create(folder, header(**{"seeds": tuple(range(values.shape[1])), "samples": len(values), **changed}))
    with store.writer() as writer:
        writer.append("samples", [sample(number) for number in range(len(values))])
    scores = []
    for number, row in enumerate(values):
        for seed, value in enumerate(row):
            if np.isnan(value):
                score = Score(sample_id=f"p{number:03d}", seed=seed, status=ScoreStatus.UNANSWERED, reason="the judge failed")
                bounds, kept = (0.0, 1.0), {"open": (("video", 1.0),), "spi_bounds": (0.0, 1.0)}
            else:
                numbers = dict.fromkeys(("if_", "kisa", "sgi", "kisa_raw", "sgi_raw"), float(value))
                score = Score(sample_id=f"p{number:03d}", seed=seed, status=ScoreStatus.OK, spi=1.0, **numbers)
                bounds, kept = (float(value), float(value)), {"spi_bounds": (1.0, 1.0)}
            spans = dict.fromkeys(("if_bounds", "kisa_bounds", "sgi_bounds"), bounds)
            scores.append(dataclasses.replace(score, video=f"{model_of(changed)}-{number}-{seed}", **spans, **kept))
    store.write_scores(scores[:lines])
    return folder


def model_of(changed):
    """Whose bytes the videos are: two runs of one model name look at the same files."""
    return changed.get("model", "model-a")


def quality(count=60, seeds=1, seed=1):
    return np.random.default_rng(seed).uniform(0.2, 0.9, size=(count, seeds))


def noise(values, sd, mean=0.0, seed=2):
    """Changes of exactly that mean and spread, no two alike within a scene of two prompts."""
    drawn = np.random.default_rng(seed).normal(size=values.shape)
    return mean + sd * (drawn - drawn.mean()) / drawn.std()


def with_own_masks(folder, names):
    """Say in a run's header that its model had first-frame masks of its own of these samples, and return the folder."""
    header = dataclasses.replace(RunStore.open(folder).header, own_masks=names, own_masks_hash="f" * 64)
    (folder / "run.json").write_text(json.dumps(header.to_json()))
    return folder
