"""Small made-up runs, written from records, for the report's tests: models x samples with tracks, answers and scores."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from intergeneval import masks
from intergeneval.ids import sha256_bytes, sha256_json
from intergeneval.records import (
    BOX_COLOURS,
    Answer,
    AnswerStatus,
    AnswerValue,
    Category,
    Comparability,
    Consistency,
    Diagnostics,
    Direction,
    Instance,
    Interaction,
    InteractionScore,
    Profile,
    Question,
    Record,
    RunHeader,
    Sample,
    Score,
    ScoreStatus,
    Stage,
    Tracks,
    TrackState,
    Video,
    VideoStatus,
)

VERBS = {
    Category.CONTACT: ("taps", "The {a} walks up to the {b} and taps it with a fingertip."),
    Category.FORCE: ("pushes", "The {a} leans in and pushes the {b} across the floor."),
    Category.TRANSPORT: ("carries", "The {a} picks up the {b} and carries it to the far side of the room."),
    Category.MANIPULATION: ("opens", "The {a} reaches out and opens the {b} slowly."),
    Category.SOCIAL: ("waves to", "The {a} turns round and waves to the {b}."),
}
LOOKS = ("woman in a red coat", "brown paper parcel", "boy with a striped jumper", "green watering can", "grey terrier")
ASKED = (
    "Before anything happens, is the {a} still apart from the {b}?",
    "Does the {a} start towards the {b}?",
    "Does the {a} reach the {b}?",
    "Does the {a} keep hold of the {b}?",
    "Does the {a} visibly act on the {b}?",
    "Is the {b} changed at the end?",
    "Is the {a} doing something?",
    "Is it the {a} who acts on the {b}?",
    "Is it the {b} that the {a} acts on?",
    "Is the {b} acted upon?",
)
TEMPLATES = sha256_bytes(b"templates")
STAGES = (Stage.PRE, *[Stage.DURING] * 4, Stage.POST, *[Stage.GROUNDING] * 4)


@dataclass(frozen=True, kw_only=True)
class World:
    """What a made-up set of runs looks like."""

    models: tuple[str, ...] = ("atlas", "borealis", "cirrus")
    samples: int = 12
    seeds: tuple[int, ...] = (0,)
    frames: int = 49
    size: tuple[int, int] = (240, 360)
    judge: str = "geometry"
    partial: tuple[str, ...] = ()
    videos: bool = False
    """Write a real mp4 per video (slow: only where a browser has to play it)."""
    tracks: bool = True
    """Write tracks (most of the time goes into drawing them)."""
    poison: str = ""
    """Text put into every field that comes from outside."""
    missing: tuple[tuple[str, int], ...] = ()
    """(model, sample index) pairs without a video."""


def samples_of(world: World) -> list[Sample]:
    """Return the samples; categories, directions and instance counts take turns."""
    made = []
    for index in range(world.samples):
        category = list(Category)[index % 5]
        count = 2 + index % 3
        verb, prompt = VERBS[category]
        looks = [LOOKS[(index + place) % len(LOOKS)] for place in range(count)]
        made.append(
            Sample(
                id=f"{category.value}-{index:03d}{world.poison[:60].replace('/', '|')}",
                prompt=prompt.format(a=looks[0], b=looks[1]) + world.poison,
                instances=tuple(
                    Instance(
                        id=f"id{place + 1}", class_=look.split()[0], appearance=look + world.poison, colour=BOX_COLOURS[place]
                    )
                    for place, look in enumerate(looks)
                ),
                interactions=(
                    Interaction(
                        subject="id1",
                        verb=verb + world.poison,
                        object="id2",
                        category=category,
                        direction=Direction.BIDIRECTIONAL if index % 4 == 3 else Direction.UNIDIRECTIONAL,
                    ),
                ),
                size=world.size,
                tags=("poison" + world.poison,) if world.poison else (),
                scene=f"scene-{index // 2}" if index % 7 == 0 else None,
            )
        )
    return made


def questions_of(sample: Sample, poison: str = "") -> list[Question]:
    """Return the ten questions of the sample's one interaction."""
    a, b = sample.instances[0].appearance, sample.instances[1].appearance
    return [
        Question(
            sample_id=sample.id,
            interaction=0,
            question_id=number,
            stage=STAGES[number - 1],
            text=text.format(a=a, b=b) + poison,
            names=("id1", "id2"),
            verb=sample.interactions[0].verb,
        )
        for number, text in enumerate(ASKED, 1)
    ]


def _path(rng: random.Random, world: World, place: int) -> tuple[np.ndarray, float]:
    """Return centres (F, 2) as x, y and a radius: instance 0 glides to instance 1, others stand."""
    height, width = world.size
    radius = height * (0.16 - 0.02 * place)
    start = np.array([width * (0.2 + 0.2 * place), height * (0.55 + 0.06 * ((place * 7) % 3 - 1))])
    path = np.repeat(start[None], world.frames, axis=0)
    if place == 0:
        reach = width * 0.2 * rng.uniform(0.2, 1.0)
        ease = (1 - np.cos(np.linspace(0, math.pi, world.frames))) / 2
        path[:, 0] += reach * ease
    return path, radius


def tracks_of(sample: Sample, world: World, rng: random.Random, seed: int, vanish: bool) -> Tracks:
    """Return tracks of moving ellipses; with `vanish` the second instance goes for frames 20 to 33."""
    height, width = world.size
    ys, xs = np.mgrid[0:height, 0:width]
    made = []
    for place, instance in enumerate(sample.instances):
        path, radius = _path(rng, world, place)
        states = [
            TrackState.VANISHED if vanish and place == 1 and 20 <= frame < 34 else TrackState.VISIBLE
            for frame in range(world.frames)
        ]
        shapes = []
        cache: dict[tuple[float, float], np.ndarray] = {}
        for frame, state in enumerate(states):
            centre = (round(float(path[frame, 0])), round(float(path[frame, 1])))
            if centre not in cache:
                cache[centre] = ((xs - centre[0]) / (0.7 * radius)) ** 2 + ((ys - centre[1]) / (1.3 * radius)) ** 2 <= 1
            shapes.append(cache[centre] if state is TrackState.VISIBLE else np.zeros(world.size, dtype=bool))
        made.append(masks.track_of(instance.id, shapes, states, [0.9] * world.frames))
    return Tracks(sample_id=sample.id, seed=seed, tracker="stored", size=world.size, tracks=tuple(made), fps=8.0)


def sampled(frames: int) -> tuple[int, ...]:
    """Return every fifth frame and the last."""
    return tuple(sorted({*range(0, frames, 5), frames - 1}))


def _answers(sample: Sample, seed: int, skill: float, rng: random.Random, world: World) -> list[Answer]:
    made = []
    frames = sampled(world.frames)
    for number in range(1, 11):
        yes = rng.random() < skill
        value = AnswerValue.YES if yes else (AnswerValue.IMPLAUSIBLE if rng.random() < 0.1 else AnswerValue.NO)
        made.append(
            Answer(
                sample_id=sample.id,
                seed=seed,
                interaction=0,
                question_id=number,
                status=AnswerStatus.OK,
                value=value,
                frame=frames[min(number, len(frames) - 1)] if yes else None,
                reason=world.poison + f"the outlines are {rng.uniform(0, 40):.1f} px apart, the limit is 4.3 px"
                if not yes
                else world.poison + "the gap closes to 0.0 px",
                evidence={"gap_px" + world.poison: world.poison or 0.0},
                judge=world.judge,
                usage={"seconds": 0.25, "input_tokens": 1200, "output_tokens": 20},
            )
        )
    return made


def score_of(answers: Sequence[Answer], missing: Sequence[bool], partial: tuple[str, ...]) -> Score:
    """Return the bounded score of one video from its answers and disappearances."""
    kisa = sum(a.value is AnswerValue.YES for a in answers if a.question_id <= 6)
    sgi = sum(a.value is AnswerValue.YES for a in answers if a.question_id > 6)
    gone = sum(missing) / len(missing)
    spi = min(1.0, max(0.0, 0.5 * (1.0 + (1.0 - 5 * gone))))
    raw = (kisa / 6, sgi / 4)
    return Score(
        sample_id=answers[0].sample_id,
        seed=answers[0].seed,
        status=ScoreStatus.OK,
        kisa_raw=raw[0],
        sgi_raw=raw[1],
        spi=spi,
        kisa=raw[0] * spi,
        sgi=raw[1] * spi,
        if_=(raw[0] * spi + raw[1] * spi) / 2,
        answered="10/10",
        partial=partial,
        emergence_ratio=None if partial else 0.0,
        disappearance_ratio=gone,
        kisa_bounds=(raw[0], raw[0]),
        sgi_bounds=(raw[1], raw[1]),
        spi_bounds=(spi, spi),
        if_bounds=((raw[0] * spi + raw[1] * spi) / 2,) * 2,
        disappearance_bounds=(gone, gone),
        emergence_bounds=None if partial else (0.0, 0.0),
        video=answers[0].video,
        interactions=(
            InteractionScore(
                interaction=0,
                kisa_raw=raw[0],
                sgi_raw=raw[1],
                kisa_answered=6,
                sgi_answered=4,
                kisa_bounds=(raw[0], raw[0]),
                sgi_bounds=(raw[1], raw[1]),
            ),
        ),
    )


def header_of(world: World, model: str, samples: Sequence[Sample], model_path: Path) -> RunHeader:
    """Return the run's header."""
    comparability = Comparability(
        bench=sha256_json([sample.to_json() for sample in samples]),
        questions=sha256_bytes(b"questions"),
        judge=world.judge + world.poison,
        judge_revision="1",
        tracker="stored",
        detector="none" if world.partial else "staged",
        sampling="equal-time",
        profile=Profile.BOUNDED,
        samples="all",
        partial=world.partial,
    )
    return RunHeader(
        schema=1,
        model=model + world.poison,
        source=f"folder:{model}",
        source_hash=sha256_bytes(model.encode()),
        bench="made-up" + world.poison,
        bench_version="1",
        samples=len(samples),
        bench_samples=len(samples),
        seeds=world.seeds,
        comparability=comparability,
        key=comparability.key,
        config={"model": str(model_path)},
        versions={"python": "3.11", "intergeneval": "0.1.0"},
        commit="0123456789abcdef0123456789abcdef01234567",
        command=f"intergeneval run --model {model} --bench made-up" + world.poison,
        created="2026-01-01T00:00:00Z",
        templates=TEMPLATES,
    )


def write_lines(path: Path, records: Iterable[Record]) -> None:
    """Write records as JSON lines."""
    path.write_text("".join(json.dumps(record.to_json(), sort_keys=True) + "\n" for record in records), encoding="utf-8")


def _encode_video(path: Path, tracks: Tracks) -> None:
    import av

    height, width = tracks.size
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=8, options={"crf": "30", "preset": "ultrafast", "g": "8"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in range(len(tracks.tracks[0].masks)):
            picture = np.full((height, width, 3), (232, 226, 214), dtype=np.uint8)
            for place, track in enumerate(tracks.tracks):
                inside = masks.decode(track.masks[frame], tracks.size)
                picture[inside] = ((170, 70, 90), (70, 120, 60), (60, 110, 150), (60, 60, 60))[place]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def build(root: Path, world: World) -> list[Path]:
    """Write one run folder a model under `root` and return them."""
    samples = samples_of(world)
    folders = []
    for order, model in enumerate(world.models):
        folder, models = root / "runs" / model, root / "models" / model
        folder.mkdir(parents=True)
        models.mkdir(parents=True)
        videos, tracks, answers, checks, scores = [], [], [], [], []
        skill = 0.9 - 0.6 * order / max(len(world.models) - 1, 1)
        for index, sample in enumerate(samples):
            for seed in world.seeds:
                rng = random.Random(f"{model}/{index}/{seed}")
                if (model, index) in world.missing:
                    reason = f"no file called {sample.id}.mp4"
                    videos.append(Video(sample_id=sample.id, seed=seed, status=VideoStatus.MISSING, reason=reason))
                    zeros = dict.fromkeys(("kisa", "sgi", "if_"), 0.0)
                    scores.append(Score(sample_id=sample.id, seed=seed, status=ScoreStatus.MISSING, reason=reason, **zeros))
                    continue
                vanish = rng.random() < 0.15 + 0.05 * order
                drawn = world.tracks or world.videos
                track = tracks_of(sample, world, rng, seed, vanish) if drawn else None
                name = f"{sample.id}.mp4" if len(world.seeds) == 1 else f"{sample.id}-{seed}.mp4"
                digest = ""
                if world.videos and track is not None:
                    _encode_video(models / name, track)
                    digest = sha256_bytes((models / name).read_bytes())
                frames = sampled(world.frames)
                videos.append(
                    Video(
                        sample_id=sample.id,
                        seed=seed,
                        status=VideoStatus.OK,
                        path=name,
                        sha256=digest or sha256_bytes(f"{model}/{name}".encode()),
                        size=world.size,
                        source_size=world.size,
                        frames=world.frames,
                        fps=8.0,
                        sampled=frames,
                    )
                )
                digest = videos[-1].sha256
                if track is not None:
                    tracks.append(replace(track, video=digest))
                mine = _answers(sample, seed, min(1.0, max(0.0, rng.gauss(skill, 0.2))), rng, world)
                mine = [replace(answer, video=digest) for answer in mine]
                answers += mine
                states = {
                    item.id: tuple(
                        TrackState.VANISHED if vanish and place == 1 and 20 <= frame < 34 else TrackState.VISIBLE
                        for frame in frames[1:]
                    )
                    for place, item in enumerate(sample.instances)
                }
                gone = [any(line[place] is TrackState.VANISHED for line in states.values()) for place in range(len(frames) - 1)]
                checks.append(
                    Consistency(
                        sample_id=sample.id,
                        seed=seed,
                        video=digest,
                        frames=frames[1:],
                        states=states,
                        diagnostics=tuple(Diagnostics(instance_id=item.id, appearance_drift=0.1) for item in sample.instances),
                        emergence=None if world.partial else (False,) * (len(frames) - 1),
                    )
                )
                scores.append(score_of(mine, gone, world.partial))
        header = header_of(world, model, samples, models)
        (folder / "run.json").write_text(json.dumps(header.to_json()), encoding="utf-8")
        write_lines(folder / "samples.jsonl", samples)
        write_lines(
            folder / "questions.jsonl", [question for sample in samples for question in questions_of(sample, world.poison)]
        )
        write_lines(folder / "videos.jsonl", videos)
        write_lines(folder / "tracks.jsonl", tracks)
        write_lines(folder / "answers.jsonl", answers)
        write_lines(folder / "consistency.jsonl", checks)
        write_lines(folder / "scores.jsonl", scores)
        folders.append(folder)
    return folders
