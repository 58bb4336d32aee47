"""The build: every prompt through the steps, over a folder that can be stopped and gone on with anywhere."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from intergeneval import provenance
from intergeneval.build.assembly import Assembled, assemble
from intergeneval.build.config import NONE, BuildConfig
from intergeneval.build.folder import FOLDER, PAINTED, BuildFolder
from intergeneval.build.ground_step import GroundStep, ProposeJob, Ready
from intergeneval.build.page import write_pages
from intergeneval.build.paint_step import PaintStep, lacks_picture, painted_by
from intergeneval.build.parse_step import ParseStep, reader_of
from intergeneval.build.records import SCHEMA, BuildHeader, Cut
from intergeneval.build.reviews import apply_review
from intergeneval.build.segment_step import CutJob, Cutter, SegmentStep
from intergeneval.build.source import Item, Source, read_source
from intergeneval.build.tools import how_to_find, with_best_tools
from intergeneval.build.touch_step import TouchStep
from intergeneval.build.workers import CutSetup, ProposeSetup, StepWorkers, backend
from intergeneval.build.writing import write_benchmark
from intergeneval.config import shard_name, shard_of
from intergeneval.detectors import Detector
from intergeneval.errors import BudgetError, ConfigError, UsageError
from intergeneval.grounding import Grounder
from intergeneval.ids import sha256_json, short
from intergeneval.judges import Defers, UsesServices
from intergeneval.judges.inquiries import Inquires
from intergeneval.judges.prompting import CROP_NAMES, SCENE_NAMES, TOUCHING_NAMES, Prompts
from intergeneval.judges.services import Budget, Services
from intergeneval.records.disk import cache_file
from intergeneval.run.preflight import check_settings
from intergeneval.run.thread_pool import ThreadPool
from intergeneval.sources.painting import Painter, painter_spec
from intergeneval.store.answer_cache import Cache
from intergeneval.store.spending import Spending, total
from intergeneval.trackers import Segments, Tracker

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a step is."""

    step: str
    """``reading``, ``painting``, ``finding``, ``cutting`` or ``looking``."""
    done: int
    """Items finished in this step."""
    total: int
    """Items of this step."""
    sample_id: str
    """The one just finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    """What a build ended with."""

    out: Path
    """Folder of the benchmark."""
    made: Assembled
    """Samples, and what was left out."""
    pages: tuple[Path, ...]
    """Review pages."""
    spent: Spending
    """What models took, over all starts of this build."""
    painted: Mapping[str, int] = field(default_factory=dict)
    """Seed of each first frame that was painted, by sample."""
    applied: int | None = None
    """Decisions of the review that were applied; None without a review."""
    stopped: str = ""
    """Why asking stopped before the end; empty when it did not."""
    refused: bool = False
    """Whether that is because the judge's server refuses everything by now; else it is the cost limit."""

    @property
    def complete(self) -> bool:
        """Whether nothing is left that another run may mend, and there is a sample."""
        return bool(self.made.samples) and not self.made.pending and not self.stopped


class Build:
    """One build, from settings to a benchmark.

    The constructor settles what is to be built and checks that it can be. It raises UsageError and its kin; nothing has been
    written then.
    """

    def __init__(self, config: BuildConfig, command: Sequence[str] = ()) -> None:
        if not config.source or not config.out:
            raise UsageError("a build needs a source and --out, the folder of the benchmark")
        check_settings(config.settings)
        config = with_best_tools(config)
        self.config = config
        place = Path(config.source)
        pictures = Path(config.out) / FOLDER / PAINTED if config.text_to_image else None
        self.source: Source = read_source(place, text_only=config.text_only, painted=pictures)
        first, count = shard_of(config.shard)
        self.items: tuple[Item, ...] = self.source.items[: config.limit][first - 1 :: count]
        judge = None if config.judge == NONE else self._made("judges", config.judge, prompts=config.prompts)
        if isinstance(judge, Defers):
            raise UsageError(
                f"--judge {config.judge}: each step of a build needs the replies of the one before at once; "
                f"give --judge {judge.id}"
            )
        self._judge = judge
        self._refused = False
        self._reader = reader_of(judge)
        folder = Path(config.prompts) if config.prompts else None
        self._prompts = Prompts(folder, SCENE_NAMES), Prompts(folder, CROP_NAMES), Prompts(folder, TOUCHING_NAMES)
        painter: Painter | None = None
        if config.text_to_image:
            painter = self._made("painters", painter_spec(config.text_to_image))
        self._tracker = self._needed_tracker()
        self._detector = self._needed_detector()
        header = BuildHeader(
            schema=SCHEMA,
            id=short(sha256_json([os.fspath(place), provenance.now()]), 12),
            source=os.path.normpath(config.source),
            created=provenance.now(),
            config=config.to_json(),
            versions=provenance.versions(),
            commit=provenance.commit(Path.cwd()),
            command=provenance.redact(command),
        )
        self.folder = BuildFolder(Path(config.out), header, shard_name(first, count))
        self._painting = self._painting_by(painter)
        self._touching = self._wanted_touching()
        self._cache = None if config.cache == "off" else Cache(Path(config.cache) if config.cache else cache_file(os.environ))
        self._workers = StepWorkers(config)
        self._lend(0.0, lambda _: None)

    def _made(self, kind: str, spec: str, **more: Any) -> Any:
        return backend(self.config, kind, spec, **more)

    def _painting_by(self, painter: Painter | None) -> PaintStep | None:
        """Return the step that paints first frames; None where nobody does."""
        if painter is None:
            return None
        config = self.config
        return PaintStep(folder=self.folder, painter=painter, items=self.items, seed=config.image_seed, tries=config.image_tries)

    def _needed_tracker(self) -> Tracker | None:
        """Return the tracker where something is to be cut out or followed. Raises UsageError for one that cannot."""
        if self.config.text_only:
            return None
        given = all(item.row.instances and all(one.mask for one in item.row.instances) for item in self.items)
        if given and not any(item.is_video for item in self.items):
            return None
        if self.config.tracker == NONE:
            raise UsageError("--tracker none: nobody cuts the instances out; give a tracker, or a mask for each in prompts.jsonl")
        tracker: Tracker = self._made("trackers", self.config.tracker)
        if not isinstance(tracker, Segments):
            raise UsageError(f"--tracker {self.config.tracker}: makes no masks from boxes; use hf, sam2 or flow")
        if not getattr(tracker, "both_ways", False):
            late = next((item.id for item in self.items if item.row.anchor), None)
            if late is not None:
                raise UsageError(
                    f"{late}: its anchor is not frame 0, and {tracker.id} follows from the first frame only; use hf or sam2"
                )
        return tracker

    def _needed_detector(self) -> Detector | None:
        """Return the detector where any instance comes without box and mask."""
        if self.config.text_only:
            return None
        if all(item.row.instances and all(one.box or one.mask for one in item.row.instances) for item in self.items):
            return None
        if self.config.detector == NONE:
            raise UsageError(
                f"--detector none: nobody proposes boxes; give a detector, or a box or mask for each instance: {how_to_find()}"
            )
        detector: Detector = self._made("detectors", self.config.detector)
        if detector.needs_truth:
            raise ConfigError(f"--detector {self.config.detector}: reads the truth of staged videos, which nobody has here")
        return detector

    def _wanted_touching(self) -> TouchStep | None:
        """Return the step that has first frames looked at. Raises UsageError where it is asked for and nobody can."""
        config = self.config
        if config.touching and (config.text_only or not isinstance(self._judge, Inquires)):
            why = "a text-only build has no first frames" if config.text_only else f"--judge {config.judge} looks at no pictures"
            raise UsageError(f"touching = true: {why}; leave it out, or give --judge openai:MODEL")
        wanted = self.folder.header.touching if config.touching is None else config.touching
        if not wanted or config.text_only or not isinstance(self._judge, Inquires):
            return None
        return TouchStep(folder=self.folder, config=config, judge=self._judge, prompts=self._prompts[2])

    def _lend(self, spent: float, notice: Callable[[str], None]) -> None:
        if isinstance(self._judge, UsesServices):
            self._judge.attach(Services(cache=self._cache, budget=Budget(self.config.max_cost, spent), notice=notice))
        elif self.config.max_cost is not None:
            raise UsageError(f"max_cost {self.config.max_cost}: nothing here costs money; leave the limit out")

    def execute(
        self,
        review: Path | None = None,
        on_progress: Callable[[Progress], None] = lambda _: None,
        on_notice: Callable[[str], None] = lambda _: None,
    ) -> BuildResult:
        """Apply a review where one is given, do what the folder still lacks, and write the benchmark.

        `on_notice` takes lines for the user and is called from several threads. Raises UsageError for a review that does not
        fit, StoreError when the folder cannot be written, RefusedError when the judge's server refuses what it is asked first.
        """
        with self.folder.open():
            applied = None
            if review is not None:
                applied = apply_review(self.folder, review, self.items, self.config)
            stopped, outdated = self._done(on_progress, on_notice)
            made = assemble(self.items, self.folder, self.config, outdated, self._touching)
            write_benchmark(self.folder, self.config, self.items, made)
            pages = write_pages(self.folder, self.config, self.items, made)
            return BuildResult(
                out=self.folder.out,
                made=made,
                pages=pages,
                spent=total(self.folder.spent),
                painted={item.id: line.seed for item in self.items if (line := painted_by(self.folder, item)) is not None},
                applied=applied,
                stopped=stopped,
                refused=self._refused,
            )

    def execute_shard(
        self, on_progress: Callable[[Progress], None] = lambda _: None, on_notice: Callable[[str], None] = lambda _: None
    ) -> str:
        """Do what the folder still lacks of a shard's prompts; return why that stopped early, empty when it did not.

        A plain build writes the benchmark and does what is still lacking then. Raises as `execute` does.
        """
        with self.folder.open():
            return self._done(on_progress, on_notice)[0]

    def _done(self, on_progress: Callable[[Progress], None], on_notice: Callable[[str], None]) -> tuple[str, frozenset[str]]:
        """Bring every item through the steps, as `_steps` says, with what the judge needs for the time."""
        self._lend(total(self.folder.spent).cost, on_notice)
        try:
            return self._steps(on_progress)
        finally:
            self._workers.close()
            if isinstance(self._judge, UsesServices):
                self._judge.close()
            if self._cache is not None:
                self._cache.close()

    def _steps(self, on_progress: Callable[[Progress], None]) -> tuple[str, frozenset[str]]:
        """Bring every item through the steps; return why asking stopped early, and whose lines are older than their prompt."""
        scenes = ParseStep(folder=self.folder, judge=self._reader, prompts=self._prompts[0])
        open_scenes = [item for item in self.items if scenes.open(item)]
        tell = _Teller("reading", len(open_scenes), on_progress)
        stopped = self._each(open_scenes, scenes.make, lambda item: tell(item.id))
        # What was read or found for another prompt, note or box would stand in the benchmark beside the new one.
        outdated = {item.id for item in self.items if stopped and scenes.outdated(item)}
        if self.config.text_only:
            return stopped, frozenset(outdated)
        verifier = self._judge if isinstance(self._judge, Inquires) else None
        config = self.config
        if self._tracker is not None and not getattr(self._tracker, "both_ways", False):
            # Who cannot follow backwards must be shown the first frame.
            config = BuildConfig.from_json({**config.to_json(), "anchors": 1})
        grounder = Grounder(self._detector, verifier, self._prompts[1], config.grounding)
        places = GroundStep(folder=self.folder, config=config, grounder=grounder)
        self._paint(on_progress)
        stopped = self._find(places, on_progress) or stopped
        while not stopped and self._painting is not None and self._painting.try_others():
            self._paint(on_progress)
            stopped = self._find(places, on_progress)
        items = self._pictured
        outdated |= {item.id for item in items if stopped and item.id not in outdated and places.outdated(item)}
        cuts = SegmentStep(folder=self.folder, tracker=self._tracker, root=self.source.root)
        open_cuts = [item for item in items if cuts.open(item)]
        tell = _Teller("cutting", len(open_cuts), on_progress)
        for cut in self._cut([cuts.job(item) for item in open_cuts]):
            self.folder.add(cut)
            tell(cut.sample_id)
        looks = self._touching
        if looks is not None:
            open_looks = [item for item in items if looks.open(item)]
            tell = _Teller("looking", len(open_looks), on_progress)
            stopped = self._each(open_looks, looks.make, lambda item: tell(item.id)) or stopped
        return stopped, frozenset(outdated)

    @property
    def _pictured(self) -> list[Item]:
        """The items whose picture is there: nothing is looked for in another than the one that should be."""
        return [item for item in self.items if not lacks_picture(self.folder, item)]

    def _find(self, places: GroundStep, on_progress: Callable[[Progress], None]) -> str:
        """Look for the instances of all items; return why asking stopped early."""
        items = self._pictured
        tell = _Teller("finding", len(items), on_progress)

        def ready() -> Generator[Ready, None, None]:
            for item in self._proposed(places, items):
                found = places.prepare(item)
                if found is None:
                    tell(item.id)
                else:
                    yield found

        with contextlib.closing(ready()) as given:
            return self._each(given, places.make, lambda found: tell(found.item.id))

    def _proposed(self, places: GroundStep, items: Sequence[Item]) -> Iterator[Item]:
        """Give all items, those that workers propose boxes for once these are there."""
        jobs = dict[str, ProposeJob]()

        def lacking() -> list[ProposeJob]:
            jobs.update({item.id: job for item in items if (job := places.job(item)) is not None})
            return list(jobs.values())

        setup = ProposeSetup(config=self.config, detector=places.grounder.detector)
        given = self._workers.outcomes(setup, (self._detector, "detector", self.config.detector), lacking)
        if given is None:
            yield from items
            return
        yield from (item for item in items if item.id not in jobs)
        waiting = {item.id: item for item in items if item.id in jobs}
        with contextlib.closing(given):
            for made in given:
                if made is not None:
                    places.take(made)
                    yield waiting.pop(made.sample_id)
        # Whose picture could not be opened there cannot be opened here, and `prepare` says so.
        yield from waiting.values()

    def _cut(self, jobs: Sequence[CutJob]) -> Iterator[Cut]:
        """Give the lines of items that are cut out, here or in workers."""
        tracker = NONE if self._tracker is None else self.config.tracker
        setup = CutSetup(config=self.config, tracker=tracker, root=self.source.root)
        given = self._workers.outcomes(setup, (self._tracker, "tracker", tracker), lambda: jobs)
        if given is None:
            cutter = Cutter(tracker=self._tracker, root=self.source.root, out=self.folder.out)
            yield from map(cutter.make, jobs)
            return
        with contextlib.closing(given):
            yield from given

    def _paint(self, on_progress: Callable[[Progress], None]) -> None:
        """Paint the first frames that are missing, and let go of the painter before others need its memory."""
        paints = self._painting
        open_pictures = [item for item in self.items if paints is not None and paints.open(item)]
        if paints is None or not open_pictures:
            return
        tell = _Teller("painting", len(open_pictures), on_progress)
        try:
            for item in open_pictures:
                paints.make(item)
                tell(item.id)
        finally:
            paints.painter.close()

    def _each(self, items: Iterable[T], work: Callable[[T], None], done: Callable[[T], None]) -> str:
        """Work on items, from as many threads as the judge may be asked by; return why that stopped before the last."""

        def both(item: T) -> None:
            work(item)
            done(item)

        threads = int(getattr(self._judge, "concurrency", 0))
        if not threads:
            try:
                for item in items:
                    both(item)
            except BudgetError as error:
                return str(error)
            return ""
        pool: ThreadPool[T] = ThreadPool(threads, both, "build")
        try:
            for item in items:
                if not pool.submit(item):
                    break
            pool.finish()
        except BaseException:
            pool.abandon()
            raise
        self._refused = self._refused or pool.refused
        return pool.stopped


class _Teller:
    """Counts the finished items of one step."""

    def __init__(self, step: str, count: int, on_progress: Callable[[Progress], None]) -> None:
        self._step = step
        self._total = count
        self._done = 0
        self._lock = threading.Lock()
        self._tell = on_progress

    def __call__(self, sample_id: str) -> None:
        with self._lock:
            self._done += 1
        self._tell(Progress(step=self._step, done=self._done, total=self._total, sample_id=sample_id))
