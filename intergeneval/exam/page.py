"""The judge card as one HTML page: figures first, then the failures to look at, with their frames inside the file."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from intergeneval import videos
from intergeneval.errors import MediaError
from intergeneval.exam.grading import GradedAnswer, GradedVideo
from intergeneval.exam.policy_runs import PolicyRun
from intergeneval.records import AnswerValue, Sample, Tracks
from intergeneval.store import RunStore

SHOWN = 30
"""Failures on the page; all of them stand in ``failures.jsonl``."""
WIDTH = 300
"""Width of their pictures, in pixels."""
QUALITY = 70
"""JPEG quality of their pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One wrong answer to look at."""

    video: GradedVideo
    """The video."""
    answer: GradedAnswer
    """The answer."""
    prompt: str
    """The scene's prompt."""
    pictures: tuple[tuple[str, str], ...]
    """(caption, data URI) of its frames."""


def card_page(card: Mapping[str, Any], runs: Sequence[PolicyRun]) -> str:
    """Return the page. Names and reasons come from judges and benchmarks: all is escaped, nothing is loaded from outside."""
    wrong = [(run, video, answer) for run in runs for video in run.videos for answer in video.scored if answer.right is False]
    shown = [_failure(*item) for item in spread(wrong)]
    return _environment().get_template("card.html").render(card=card, failures=shown, wrong=len(wrong), plot=plot(card))


def cards_page(found: Mapping[str, Any], places: Sequence[str]) -> str:
    """Return the page of several judges, figures side by side and how they agree; `places` are the links to their cards."""
    cards = [{"card": card, "href": place} for card, place in zip(found["cards"], places, strict=True)]
    return (
        _environment()
        .get_template("cards.html")
        .render(cards=cards, agreements=[("Staged videos", found["between"]), ("Videos with labels", found["between_labelled"])])
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("intergeneval.exam"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(num=number, ends=ends, percent=percent)
    return environment


def spread(wrong: Sequence[tuple[PolicyRun, GradedVideo, GradedAnswer]]) -> list[tuple[PolicyRun, GradedVideo, GradedAnswer]]:
    """Return up to `SHOWN` failures, one of each (policy, question) before a second of any, so that each kind is seen."""
    turns: dict[tuple[str, int], int] = {}
    ranked = []
    for place, item in enumerate(wrong):
        kind = (item[1].policy, item[2].question_id)
        turns[kind] = turns.get(kind, 0) + 1
        ranked.append((turns[kind], place, item))
    # Of the first turns an even stretch over all policies, not the first policies' alone.
    ordered = [item for _, _, item in sorted(ranked, key=lambda entry: entry[:2])]
    first = sum(turn == 1 for turn, _, _ in ranked)
    if first <= SHOWN:
        return ordered[:SHOWN]
    return [ordered[index * first // SHOWN] for index in range(SHOWN)]


def _failure(run: PolicyRun, video: GradedVideo, answer: GradedAnswer) -> Failure:
    store = RunStore.open(run.folder)
    sample = next(item for item in store.read("samples", Sample) if item.id == video.sample_id)
    tracks = next((item for item in store.read("tracks", Tracks) if item.sample_id == video.sample_id), None)
    wanted: dict[int, str] = {}
    if answer.frame is not None:
        wanted[answer.frame] = f"frame {answer.frame}, decisive to the judge"
    if answer.truth is AnswerValue.YES and answer.true_frames:
        middle = answer.true_frames[len(answer.true_frames) // 2]
        wanted.setdefault(middle, f"frame {middle}, shows it in truth")
    if not wanted:
        wanted = {video.frames[len(video.frames) // 2]: f"frame {video.frames[len(video.frames) // 2]}"}
    return Failure(
        video=video, answer=answer, prompt=sample.prompt, pictures=_pictures(run.folder / video.path, sample, tracks, wanted)
    )


def _pictures(path: Path, sample: Sample, tracks: Tracks | None, wanted: Mapping[int, str]) -> tuple[tuple[str, str], ...]:
    """Return the wanted frames with boxes; none where the video can no longer be read, which the caption says."""
    try:
        reader = videos.Reader(path, size=sample.size, keep=False)
        frames = {index: frame for index, frame in enumerate(reader) if index in wanted}
    except MediaError as error:
        return ((f"no picture: {error}", ""),)
    colours = {item.id: item.colour for item in sample.instances}
    found = []
    for index, caption in sorted(wanted.items()):
        if index not in frames:
            continue
        frame = frames[index]
        if tracks is not None and tracks.status == "ok" and tracks.size == frame.shape[:2]:
            frame = videos.annotate(frame, {item.instance_id: item.boxes[index] for item in tracks.tracks}, colours)
        height = round(frame.shape[0] * WIDTH / frame.shape[1])
        small = np.asarray(cv2.resize(frame, (WIDTH, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
        data = videos.encode_jpeg(small, QUALITY)
        found.append((caption, "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")))
    return tuple(found)


def plot(card: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the points of the calibration plot, in units of a square of side 100 whose y axis points down."""
    return [
        {**item, "x": round(100.0 * item["true"], 2), "y": round(100.0 - 100.0 * item["measured"], 2)}
        for item in card["detail"]["scores"]["policies"]
        if item["true"] is not None and item["measured"] is not None
    ]


def number(value: float | None) -> str:
    """Return a figure with three digits and a true minus sign; a dash where there is none."""
    return "–" if value is None else f"{round(value, 3) + 0.0:.3f}".replace("-", "−")


def ends(interval: Sequence[float] | None) -> str:
    """Return an interval in brackets, or that there is none."""
    return "no interval" if interval is None else f"[{number(interval[0])}, {number(interval[1])}]"


def percent(value: float | None) -> float:
    """Return a share as a width in per cent, 0 for none."""
    return 0.0 if value is None else round(100.0 * min(max(value, 0.0), 1.0), 1)
