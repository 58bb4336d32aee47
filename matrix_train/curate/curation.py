"""The curation: every clip through the stages, over a folder that can be stopped and gone on with anywhere."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import Counter as Counts
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from intergeneval import provenance
from intergeneval.config import shard_name, shard_of
from intergeneval.errors import BudgetError, UsageError
from intergeneval.ids import canonical_json, sha256_json
from intergeneval.judges.prompting import CAPTION_NAMES, CROP_NAMES, SCENE_NAMES, WORDS_NAMES, Prompts
from intergeneval.records.disk import write_atomically
from intergeneval.run.engine import Engine
from intergeneval.run.engines import engine_of
from intergeneval.run.gpus import environments, gpus
from intergeneval.run.preflight import check_settings
from intergeneval.run.processes import worker_count
from intergeneval.run.thread_pool import ThreadPool
from matrix_train.curate.captions import CaptionsStage, KeptStage, ScenesStage, WordsStage
from matrix_train.curate.checks import ChecksStage
from matrix_train.curate.config import NONE, CurateConfig
from matrix_train.curate.dataset import Chosen, check_own, sweep, write_dataset
from matrix_train.curate.doubles import DoublesStage
from matrix_train.curate.form import FormStage
from matrix_train.curate.lines import Folder
from matrix_train.curate.look import FiltersStage, LookStage
from matrix_train.curate.masks import CutsStage, PlacesStage, ProposalsStage
from matrix_train.curate.records import FAILED, OK, Entry, Known, LeftOut, Line
from matrix_train.curate.reviews import applied, store, stored
from matrix_train.curate.shots import ShotsStage, SourceStage, detector_version
from matrix_train.curate.sources import entries, root_of
from matrix_train.curate.stage import Stage, Task
from matrix_train.curate.tools import Asking, Counter, settled
from matrix_train.data.clips import clip_of
from matrix_train.datasets.decisions import Decision

HEADER = "curation.json"
SCHEMA = 1
ENTRY, CUT = "entry", "cut"
"""What a clip knows beside its lines: its file, and its shot."""
_ELSEWHERE = ("out", "workers", "engine", "shard", "cache", "max_cost", "source")
"""Settings on which nothing in a dataset depends."""
Tell = Callable[[str, int, int], None]
"""Takes a stage, and how many of how many clips are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurateResult:
    """What a curation came to."""

    out: Path
    """Folder of the dataset."""
    videos: int
    """Videos of the source."""
    clips: int
    """Clips of the dataset."""
    dropped: tuple[LeftOut, ...]
    """What did not get into it."""
    made: Mapping[str, int]
    """Stage -> lines that were made now."""
    applied: int | None = None
    """Decisions of the review that are new; None without a review."""
    stale: int = 0
    """Decisions of the review that say nothing: their clips are not as they were."""
    stopped: str = ""
    """Why asking stopped before the end; empty when it did not."""

    @property
    def pending(self) -> tuple[LeftOut, ...]:
        """What another run may mend."""
        return tuple(one for one in self.dropped if one.pending)

    @property
    def causes(self) -> dict[tuple[str, str], int]:
        """How many clips were dropped, by stage and kind, in the order of the stages."""
        return dict(Counts((one.stage, one.kind) for one in self.dropped))


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardResult:
    """What a shard came to."""

    made: Mapping[str, int]
    """Stage -> lines that were made now."""
    waiting: str = ""
    """Which clips of other shards it waits for; empty when it is done."""
    stopped: str = ""
    """Why asking stopped before the end; empty when it did not."""


@dataclass(slots=True)
class _Walk:
    """One pass through the stages."""

    tell: Tell
    made: dict[str, int] = field(default_factory=dict)
    stopped: str = ""


class _MissingError(Exception):
    """A line of another shard is not there yet."""


class Curation:
    """One curation, from settings to a dataset.

    The constructor settles what is to be done and checks that it can be; nothing has been written then. Raises UsageError and its
    kin.
    """

    def __init__(self, config: CurateConfig) -> None:
        if not config.source or not config.out:
            raise UsageError("a curation needs a SOURCE and --out, the folder of the dataset")
        check_settings(config.settings)
        tools = settled(config)
        self.config = config = tools.config
        if config.shots.detector != NONE:
            detector_version()
        self._place, self._out = Path(config.source), Path(config.out)
        self._count = shard_of(config.shard)
        found = entries(
            self._place,
            names=config.captions.names,
            licence=config.licence,
            collection=config.collection,
            out=self._out,
        )[: config.limit]
        if self._out.resolve() == root_of(self._place).resolve():
            raise UsageError(f"--out {config.out}: is the folder of the source; choose another one")
        check_own(self._out)
        self.entries = {one.id: one for one in found}
        self._asking = Asking(tools, self._out, shard_name(*self._count))
        self._engines: dict[bool, Engine] = {}
        self._folder = Folder(self._out, shard_name(*self._count))
        judge, templates = self._asking.judge, Path(config.prompts) if config.prompts else None
        words = {
            names: Prompts(templates, names) if judge is not None else None
            for names in (CAPTION_NAMES, SCENE_NAMES, WORDS_NAMES, CROP_NAMES)
        }
        self._threads = int(getattr(tools.judge, "concurrency", 0))
        asked: dict[str, Any] = {"judge": judge, "asks": judge is not None}
        root, out = root_of(self._place).resolve(), self._out.resolve()
        self._first: tuple[Stage, ...] = (
            SourceStage(root=root, entries=self.entries),
            ShotsStage(root=root, config=config.shots),
        )
        self._second: tuple[Stage, ...] = (
            FormStage(root=root, out=out, config=config.form),
            LookStage(out=out),
            FiltersStage(config=config.filters, fps=config.form.fps),
        )
        self._doubles = DoublesStage(config=config.doubles)
        caption = asked if judge is not None and config.captions.ask != "never" else {}
        self._third: tuple[Stage, ...] = (
            CaptionsStage(out=out, config=config.captions, seconds=config.form.seconds, prompts=words[CAPTION_NAMES], **caption),
            ScenesStage(prompts=words[SCENE_NAMES], **asked),
            KeptStage(config=config.scenes),
            WordsStage(prompts=words[WORDS_NAMES], **asked),
            ProposalsStage(
                out=out,
                detector=tools.detector,
                config=config.grounding,
                anchors=config.anchors,
                alone=tools.detector_alone,
            ),
            PlacesStage(out=out, detector=tools.detector.id, config=config.grounding, prompts=words[CROP_NAMES], **asked),
            CutsStage(out=out, tracker=tools.tracker, alone=tools.tracker_alone),
            ChecksStage(out=out, config=config.checks),
        )

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the stages, in their order."""
        return (
            *(stage.name for stage in (*self._first, *self._second)),
            self._doubles.name,
            *(stage.name for stage in self._third),
        )

    def execute(
        self,
        review: Sequence[Decision] | None = None,
        tell: Tell = lambda *_: None,
        notice: Callable[[str], None] = lambda _: None,
    ) -> CurateResult:
        """Do what the folder still lacks and write the dataset, with the decisions of all reviews.

        `notice` takes lines for the user and is called from several threads. Raises StoreError where the folder cannot be
        written, RefusedError where the judge's server refuses what it is asked first, UsageError for a review that cannot be.
        """
        with self._folder.open(), self._asking.lent(notice), self._closing():
            walk = _Walk(tell)
            self._check_videos()
            cut = self._entries_through(list(self.entries.values()), walk)
            clips = self._through_all(self._second, _clips(cut), walk)
            doubles = self._without_doubles(clips, walk)
            self._through_all(self._third, doubles, walk)
            known = [*cut, *clips]
            chosen, dropped, stale = self._chosen(cut, clips, review or ())
            # Once it is known that it can be carried out: what is stored counts in every later run.
            new = None if review is None else store(self._out, review)
            write_dataset(self._out, chosen, dropped)
            self._write_header(len(chosen), dropped)
            everything = (*self._first, *self._second, *self._third)
            if self.config.limit is None and not walk.stopped:
                # Else files of clips that were not come to now are still wanted.
                sweep(self._out, known, {stage.name: stage.files for stage in everything if stage.files})
            return CurateResult(
                out=self._out,
                videos=len(self.entries),
                clips=len(chosen),
                dropped=tuple(dropped),
                made=walk.made,
                applied=new,
                stale=stale,
                stopped=walk.stopped,
            )

    def execute_shard(self, tell: Tell = lambda *_: None, notice: Callable[[str], None] = lambda _: None) -> ShardResult:
        """Do what the folder still lacks of a shard's videos, up to where the clips of all shards must be known.

        Where those are, it goes on to the end. Raises as `execute` does.
        """
        first, count = self._count
        own = list(self.entries.values())[first - 1 :: count]
        with self._folder.open(), self._asking.lent(notice), self._closing():
            walk = _Walk(tell)
            self._check_videos()
            self._through_all(self._second, _clips(self._entries_through(own, walk)), walk)
            try:
                everything = _clips(self._entries_through(list(self.entries.values()), None))
                clips = self._through_all(self._second, everything, None)
            except _MissingError as error:
                return ShardResult(made=walk.made, waiting=str(error), stopped=walk.stopped)
            names = {one.id for one in own}
            ours = [clip for clip in self._without_doubles(clips, walk) if clip.value(ENTRY)["id"] in names]
            self._through_all(self._third, ours, walk)
            return ShardResult(made=walk.made, stopped=walk.stopped)

    def _check_videos(self) -> None:
        """Raise UsageError where the folder is of other videos: the dataset of those would be replaced."""
        before = self._folder.lines(SourceStage.name).clips
        if before and not before & self.entries.keys():
            raise UsageError(
                f"--out {self.config.out}: is a curation of other videos, such as {min(before)}, none of which is in "
                f"{self.config.source}; choose another --out, or remove that folder"
            )

    def _entries_through(self, own: Sequence[Entry], walk: _Walk | None) -> list[Known]:
        """Bring videos through the stages that know no clips; return all of them, with their lines."""
        known = [Known(id=one.id, lines={ENTRY: _said(one.id, one.to_json())}) for one in own]
        self._through_all(self._first, known, walk)
        return known

    def _through_all(self, stages: Sequence[Stage], clips: Sequence[Known], walk: _Walk | None) -> list[Known]:
        """Bring clips through stages, each as far as it goes; return all of them. Without a walk lines are only looked up."""
        for stage in stages:
            self._through(stage, [clip for clip in clips if _goes_on(clip)], walk)
        return list(clips)

    def _through(self, stage: Stage, clips: Sequence[Known], walk: _Walk | None) -> None:
        lines = self._folder.lines(stage.name)
        digest = stage.digest()
        open_tasks: list[Task] = []
        by_id = {clip.id: clip for clip in clips}
        for clip in clips:
            given = stage.given(clip)
            wanted = sha256_json([digest, given])
            line = lines.find(clip.id, wanted, stage.version)
            if line is not None and self._stands(line, stage, again=walk is not None):
                clip.lines[stage.name] = line
                continue
            if walk is None:
                raise _MissingError(f"{clip.id} ({stage.name})")
            open_tasks.append(Task(clip=clip.id, input=wanted, given=given, beside=stage.beside(clip)))
        if walk is None:
            return
        count = Counter(stage.name, len(open_tasks), walk.tell)
        lock = threading.Lock()

        def take(line: Line) -> None:
            with lock:
                lines.add(line)
                by_id[line.clip].lines[stage.name] = line
            count()

        try:
            if open_tasks:
                walk.stopped = self._do(stage, open_tasks, take) or walk.stopped
        finally:
            lines.close()
        walk.made[stage.name] = lines.made
        for clip in clips:
            # Where asking stopped, nothing is known of those behind it.
            clip.lines.setdefault(stage.name, _said(clip.id, {}, FAILED, walk.stopped or "not done yet"))

    def _stands(self, line: Line, stage: Stage, *, again: bool) -> bool:
        if line.status == FAILED:
            return not again
        return all((self._out / str(line.value[name])).is_file() for name in stage.files if name in line.value)

    def _do(self, stage: Stage, tasks: Sequence[Task], take: Callable[[Line], None]) -> str:
        """Have lines made, by whom the stage is for; return why that stopped before the last."""
        if stage.asks and self._threads:
            make = stage.build()
            pool: ThreadPool[Task] = ThreadPool(self._threads, lambda task: take(make(task)), stage.name)
            try:
                for task in tasks:
                    if not pool.submit(task):
                        break
                pool.finish()
            except BaseException:
                pool.abandon()
                raise
            return pool.stopped
        engine = self._engine(stage, len(tasks)) if stage.heavy and not stage.asks else None
        if engine is None:
            make = stage.build()
            try:
                for task in tasks:
                    take(make(task))
            except BudgetError as error:
                return str(error)
            return ""
        with contextlib.closing(engine.outcomes(stage, tasks)) as outcomes:
            for line in outcomes:
                take(line)
        return ""

    def _engine(self, stage: Stage, tasks: int) -> Engine | None:
        """Return the engine for a stage; None where this process alone does it."""
        config = self.config
        cards = environments(gpus(os.environ), 1) if stage.alone else ()
        workers = min(config.workers or max(len(cards), worker_count(0, tasks, ())), tasks)
        if stage.alone:
            workers = min(workers, max(1, len(cards)))
        if workers <= 1 and not config.engine:
            return None
        if stage.alone and len(cards) <= 1 and not config.engine.startswith("ray"):
            return None
        if stage.alone not in self._engines:
            self._engines[stage.alone] = engine_of(
                config.engine, workers, cards, cluster_workers=config.workers, gpu_share=1.0 if stage.alone else 0.0
            )
        return self._engines[stage.alone]

    @contextlib.contextmanager
    def _closing(self) -> Iterator[None]:
        try:
            yield
        finally:
            for engine in self._engines.values():
                engine.close()
            self._engines.clear()

    def _without_doubles(self, clips: Sequence[Known], walk: _Walk) -> list[Known]:
        """Return the clips that go on, less those that show the same as an earlier one."""
        on = [clip for clip in clips if _goes_on(clip)]
        stage, lines = self._doubles, self._folder.lines(self._doubles.name)
        wanted = stage.wanted(on)
        found = [line for clip in on if (line := lines.find(clip.id, wanted, stage.version)) is not None]
        if len(found) < len(on):
            found = stage.make(on, wanted)
            for line in found:
                lines.add(line)
        lines.close()
        walk.made[stage.name] = lines.made
        for clip, line in zip(on, found, strict=True):
            clip.lines[stage.name] = line
        return [clip for clip in on if _goes_on(clip)]

    def _chosen(
        self, cut: Sequence[Known], clips: Sequence[Known], review: Sequence[Decision]
    ) -> tuple[list[Chosen], list[LeftOut], int]:
        """Return the clips of the dataset as all reviews have them, and what is not among them, both in the order of the source.

        Third comes how many decisions of `review` say nothing, since their clips are not as they were.
        """
        decisions: dict[str, list[Decision]] = {}
        for one in (*stored(self._out), *review):
            decisions.setdefault(one.clip, []).append(one)
        states: set[tuple[str, str]] = set()
        chosen: list[Chosen] = []
        dropped = [gone for video in cut if (gone := _dropped(video)) is not None]
        for known in clips:
            if (gone := _dropped(known)) is not None:
                dropped.append(gone)
                continue
            found = known.value("checks")
            clip, gone, met = applied(clip_of(found["clip"], known.id), decisions.get(known.id, ()))
            states |= {(known.id, state) for state in met}
            if gone is not None:
                dropped.append(replace(gone, video=known.value("form")["video"]))
                continue
            chosen.append(Chosen(clip=clip, video=known.value("form")["video"], tracks=found["tracks"]))
        order = {name: place for place, name in enumerate(self.stages)}
        stale = sum((one.clip, one.state) not in states for one in review)
        return chosen, sorted(dropped, key=lambda one: order.get(one.stage, len(order))), stale

    def _write_header(self, clips: int, dropped: Sequence[LeftOut]) -> None:
        """Write what the dataset was made with. Raises OSError."""
        config = {name: value for name, value in self.config.to_json().items() if name not in _ELSEWHERE}
        causes = Counts((one.stage, one.kind) for one in dropped)
        header = {
            "schema": SCHEMA,
            "config": config,
            "versions": provenance.versions(),
            "videos": len(self.entries),
            "clips": clips,
            "dropped": {f"{stage}/{kind}": count for (stage, kind), count in causes.items()},
        }
        write_atomically(self._out / HEADER, canonical_json(header) + "\n")


def _said(clip: str, value: Mapping[str, Any], status: str = OK, reason: str = "") -> Line:
    kind = "open" if status == FAILED else ""
    return Line(clip=clip, input="", version=0, status=status, reason=reason, kind=kind, value=value)


def _goes_on(clip: Known) -> bool:
    return all(line.status == OK for line in clip.lines.values())


def _clips(cut: Sequence[Known]) -> list[Known]:
    """Return the clips of videos that were cut: one a shot, called ``<video>-s<shot>``."""
    return [
        Known(
            id=f"{video.id}-s{number}",
            lines={
                ENTRY: video.lines[ENTRY],
                "source": video.lines["source"],
                CUT: _said(video.id, {"shot": shot, "told": video.value("shots")["told"]}),
            },
        )
        for video in cut
        if _goes_on(video)
        for number, shot in enumerate(video.value("shots")["shots"])
    ]


def _dropped(known: Known) -> LeftOut | None:
    """Return why a clip is not in the dataset; None where it is, or where its shots speak for a video."""
    for stage, line in known.lines.items():
        if line.status != OK:
            return LeftOut(
                clip=known.id,
                stage=stage,
                kind=line.kind,
                reason=line.reason,
                measured=line.measured,
                pending=line.status == FAILED,
                video=str(known.lines["form"].value.get("video", "")) if "form" in known.lines else "",
            )
    return None
