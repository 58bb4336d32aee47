"""One sample as a page shows it: prompt, every model's videos, timelines, answers side by side, and the arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from intergeneval.records import Answer, Consistency, Instance, Profile, Sample, Score, TrackState, Video
from intergeneval.report.arithmetic import Line, in_one_line, spell_out
from intergeneval.report.columns import Columns
from intergeneval.report.combining import combining
from intergeneval.report.formats import shorten
from intergeneval.report.load import LoadedRun, Take
from intergeneval.report.marks import Mark, marks_of
from intergeneval.report.media import MediaFolder, Shown
from intergeneval.report.overlay import Overlay
from intergeneval.report.plots import WIDTH
from intergeneval.report.stills import Still, StillsFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A stretch of one state on a timeline."""

    state: str
    """Track state."""
    start: float
    """Left end, 0 to 1000."""
    width: float
    """Length, 0 to 1000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineLane:
    """One instance on the timeline."""

    instance: Instance
    """Who it is."""
    bars: tuple[Bar, ...]
    """Stretches of equal state over all frames."""
    marks: tuple[tuple[str, int, float], ...]
    """(``appears`` or the state it goes into, frame, place 0 to 1000), where visibility changes."""
    said: str
    """The same in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticks:
    """Sampled frames with and without something, such as contact."""

    name: str
    """What happens at them."""
    hits: tuple[int, ...]
    """Frames at which it does."""
    on: str
    """Path of the dots where it does."""
    off: str
    """Path of the dots where it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeView:
    """One video of one model on the page."""

    anchor: str
    """Anchor on the page."""
    label: str
    """Model name."""
    seed: int
    """The seed."""
    video: Video
    """The video's record."""
    score: Score
    """The score's record."""
    shown: Shown
    """Where the file lies in the report."""
    overlay: Overlay | None
    """Outlines."""
    tracking: str
    """Why there are none."""
    own_masks: bool
    """Whether it was followed from masks of the model's own first frame."""
    lanes: tuple[TimelineLane, ...]
    """Timeline of the instances."""
    ticks: tuple[Ticks, ...]
    """Contact, emergence, impossible bodies and decisive frames."""
    lines: tuple[Line, ...]
    """The arithmetic."""
    product: str
    """The same in one line, ``½ (KISA raw + SGI raw) × SPI`` in numbers; empty where IF did not come of it."""
    combined: tuple[str, ...]
    """How answers combine that seem to contradict each other."""
    consistency: Consistency | None
    """Diagnostics and reasons."""
    extra: tuple[tuple[str, float], ...]
    """Columns of other suites for this sample."""
    answers: tuple[Answer, ...]
    """The answers that count."""
    still: Still
    """Poster and strip."""
    marks: tuple[Mark, ...]
    """What stands beside its score."""

    @property
    def events(self) -> tuple[tuple[int, str], ...]:
        """(frame, reason) of every statement on emergence or disappearance that has a reason, and of doubles that were seen."""
        check = self.consistency
        if check is None:
            return ()
        told = [(frame, why) for frame, why in zip(check.frames, check.reasons, strict=False) if why]
        seen = [(item.frames[0], f"{item.text}; seen without a detector, not scored") for item in check.sightings]
        return tuple(sorted([*told, *seen], key=lambda event: event[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionRow:
    """One question with every take's answer."""

    interaction: int
    """Index of the key interaction."""
    question_id: int
    """1 to 10."""
    stage: str
    """pre, during, post or grounding."""
    texts: tuple[tuple[str, tuple[str, ...]], ...]
    """(text, models that were asked so); one entry where all were asked alike."""
    answers: tuple[Answer | None, ...]
    """One entry a take."""
    twin: str = ""
    """Id of the twin sample whose interaction it asks about; empty: the sample's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleView:
    """Everything on one sample's page."""

    sample: Sample
    """The sample."""
    name: str
    """File name without extension, and anchor."""
    first_frame: str
    """Address of the first frame; empty where there is none."""
    takes: tuple[TakeView, ...]
    """All models' videos, in leaderboard order, then by seed."""
    questions: tuple[QuestionRow, ...]
    """All questions."""
    many_seeds: bool
    """Whether any model has more than one video."""
    left_out: Mapping[int, str]
    """Index of an interaction -> which questions the runs' profiles left out of it, in words."""

    @property
    def outlined(self) -> bool:
        """Whether any take has outlines."""
        return any(take.overlay is not None for take in self.takes)

    @property
    def data(self) -> dict[str, Any]:
        """What the page's script needs: outlines at the sampled frames, lengths and rates."""
        return {"takes": [_take_data(take) for take in self.takes]}


def make_sample(
    sample: Sample, name: str, runs: Sequence[LoadedRun], media: MediaFolder, stills: StillsFolder, columns: Columns
) -> SampleView:
    """Build one sample's view from all runs that have it; video files and pictures are put into the report on the way."""
    found = [(run, take) for run in runs for take in run.by_sample.get(sample.id, ())]
    takes = tuple(
        _take(f"{name}-t{number}", run, take, sample, (media, stills), columns)
        for number, (run, take) in enumerate(found, start=1)
    )
    labels = [take.label for take in takes]
    return SampleView(
        sample=sample,
        name=name,
        first_frame=media.first_frame(sample, [(take.video, run.header, run.folder) for run, take in found]),
        takes=takes,
        questions=_questions(sample, found),
        many_seeds=len(set(labels)) < len(labels),
        left_out=_left_out([(run.header.comparability.profile, take.score) for run, take in found]),
    )


def _left_out(found: Sequence[tuple[Profile, Score]]) -> dict[int, str]:
    """Return for each interaction the questions that do not count and why, once a profile."""
    told: dict[int, dict[str, None]] = {}
    for profile, score in found:
        for part in score.interactions:
            if part.left_out:
                numbers = " and ".join(map(str, part.left_out))
                why = "nearly every video gets them right" if profile is Profile.INFORMATIVE else "the first frame decides them"
                text = f"{'questions' if len(part.left_out) > 1 else 'question'} {numbers} (profile {profile}: {why})"
                told.setdefault(part.interaction, {})[text] = None
    return {index: "; ".join(texts) for index, texts in told.items()}


def _take(
    anchor: str, run: LoadedRun, take: Take, sample: Sample, files: tuple[MediaFolder, StillsFolder], columns: Columns
) -> TakeView:
    media, stills = files
    length = take.overlay.length if take.overlay else take.video.frames
    # For all models, for the model, and for this one of several runs of it: the nearest wins.
    owners = ("", run.header.model, run.label)
    extra = {name: value for owner in owners for name, value in columns.by_sample.get((owner, sample.id), {}).items()}
    return TakeView(
        anchor=anchor,
        label=run.label,
        seed=take.video.seed,
        video=take.video,
        score=take.score,
        shown=media.show(take.video, run.header, run.folder),
        overlay=take.overlay,
        tracking=take.tracking,
        own_masks=bool({sample.id, f"{sample.id}/{take.video.seed}"} & set(run.header.own_masks)),
        lanes=_lanes(take.overlay, sample),
        ticks=_ticks(take, sample, length),
        lines=spell_out(take.score, take.answers, take.consistency, run.header.comparability.profile),
        product=in_one_line(take.score),
        combined=combining(take.answers, take.consistency, sample),
        consistency=take.consistency,
        answers=take.answers,
        still=stills.show(anchor, sample, run, take),
        marks=marks_of(take.video, take.answers, take.consistency, run.doubts.get(take.key, ())),
        extra=tuple((column, extra[column]) for column in columns.names if column in extra),
    )


def _lanes(overlay: Overlay | None, sample: Sample) -> tuple[TimelineLane, ...]:
    if overlay is None:
        return ()
    known = {instance.id: instance for instance in sample.instances}
    scale = WIDTH / max(overlay.length, 1)
    lanes = []
    for lane in overlay.lanes:
        if lane.instance_id not in known:
            continue
        marks = []
        for (before, _, _), (after, start, _) in zip(lane.spans, lane.spans[1:], strict=False):
            if TrackState.VISIBLE.value in (before, after):
                marks.append(("appears" if after == TrackState.VISIBLE.value else after, start, round(start * scale, 1)))
        said = ", ".join(
            f"{state} {start}" if end - start == 1 else f"{state} {start}–{end - 1}" for state, start, end in lane.spans
        )
        lanes.append(
            TimelineLane(
                instance=known[lane.instance_id],
                bars=tuple(
                    Bar(state=state, start=round(start * scale, 1), width=round((end - start) * scale, 1))
                    for state, start, end in lane.spans
                ),
                marks=tuple(marks),
                said=said,
            )
        )
    return tuple(lanes)


def _ticks(take: Take, sample: Sample, length: int) -> tuple[Ticks, ...]:
    made = []
    looks = {instance.id: shorten(instance.appearance, 24) for instance in sample.instances}
    for touch in take.overlay.touches if take.overlay else ():
        name = f"{looks.get(touch.subject, touch.subject)} touches {looks.get(touch.object, touch.object)}"
        made.append(_dots(name, touch.frames, take.overlay.frames if take.overlay else (), length))
    check = take.consistency
    said = (
        ()
        if check is None
        else (
            ("goes missing", check.disappearance),
            ("emerges", check.emergence),
            ("impossible body", check.implausible),
        )
    )
    for name, values in said:
        if check is not None and values is not None:
            hits = tuple(frame for frame, value in zip(check.frames, values, strict=False) if value)
            made.append(_dots(name, hits, check.frames, length))
    decisive = tuple(sorted({answer.frame for answer in take.answers if answer.frame is not None}))
    if decisive:
        made.append(_dots("frames that decide an answer", decisive, decisive, length))
    return tuple(made)


def _dots(name: str, hits: Sequence[int], frames: Sequence[int], length: int) -> Ticks:
    """Return dots in the middle of each frame's stretch of the timeline."""
    hit = set(hits)
    at = {frame: f"M{round((frame + 0.5) * WIDTH / max(length, 1), 1)} 5h0" for frame in frames}
    return Ticks(
        name=name,
        hits=tuple(sorted(hit)),
        on="".join(path for frame, path in at.items() if frame in hit),
        off="".join(path for frame, path in at.items() if frame not in hit),
    )


def _questions(sample: Sample, found: Sequence[tuple[LoadedRun, Take]]) -> tuple[QuestionRow, ...]:
    runs = list({id(run): run for run, _ in found}.values())
    texts: dict[tuple[int, int], dict[str, list[str]]] = {}
    stages: dict[tuple[int, int], str] = {}
    twins: dict[tuple[int, int], str] = {}
    for run in runs:
        for question in run.questions.get(sample.id, ()):
            key = (question.interaction, question.question_id)
            texts.setdefault(key, {}).setdefault(question.text, []).append(run.label)
            stages.setdefault(key, question.stage.value)
            twins.setdefault(key, question.twin)
    by_take: list[Mapping[tuple[int, int], Answer]] = [
        {(answer.interaction, answer.question_id): answer for answer in take.answers} for _, take in found
    ]
    return tuple(
        QuestionRow(
            interaction=key[0],
            question_id=key[1],
            stage=stages[key],
            texts=tuple((text, tuple(labels)) for text, labels in texts[key].items()),
            answers=tuple(answers.get(key) for answers in by_take),
            twin=twins[key],
        )
        for key in sorted(texts)
    )


def _take_data(take: TakeView) -> dict[str, Any]:
    overlay = take.overlay
    return {
        "n": overlay.length if overlay else take.video.frames,
        "fps": take.video.fps,
        "frames": list(overlay.frames) if overlay else [],
        "lanes": {lane.instance_id: list(lane.outlines) for lane in overlay.lanes} if overlay else {},
        **({"times": list(take.video.times)} if take.video.times else {}),
    }
