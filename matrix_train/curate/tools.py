"""Who works on clips: detector, tracker and judge, settled and checked before anything is written."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from intergeneval import plugins
from intergeneval.build.tools import best_tools
from intergeneval.config import AUTO, OFF, plugin_settings
from intergeneval.errors import ConfigError, UsageError
from intergeneval.judges import Defers, UsesServices
from intergeneval.judges.inquiries import INQUIRIES, Answered, Found, Inquires, Inquiry, inquiry_key
from intergeneval.judges.replay import ReplayInquirer
from intergeneval.judges.services import Budget, Services
from intergeneval.records.disk import cache_file, read_json, write_atomically
from intergeneval.run.processes import exclusive
from intergeneval.store import LineFile, read_lines
from intergeneval.store.answer_cache import Cache
from intergeneval.trackers import Segments
from matrix_train.curate.config import NONE, CurateConfig
from matrix_train.curate.masks import Backend

_SPENT = "spent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The backends of a curation."""

    config: CurateConfig
    """The settings, with the best of what is there in place of ``auto``."""
    detector: Backend
    """Who proposes boxes; spec ``none``: nobody."""
    detector_alone: bool
    """Whether only one process may have it."""
    tracker: Backend
    """Who cuts out and follows."""
    tracker_alone: bool
    """Whether only one process may have it."""
    judge: Inquires | None
    """Who is asked; None: nobody."""


def settled(config: CurateConfig) -> Tools:
    """Return the backends. Raises UsageError and ConfigError for what cannot be used here."""
    if AUTO in (config.detector, config.tracker):
        best = best_tools()
        config = replace(
            config,
            detector=best.detector if config.detector == AUTO else config.detector,
            tracker=best.tracker if config.tracker == AUTO else config.tracker,
        )
    tracker = _built(config, "trackers", config.tracker)
    if not isinstance(tracker, Segments):
        raise UsageError(f"--tracker {config.tracker}: makes no masks from boxes; use hf, sam2 or flow")
    if not getattr(tracker, "both_ways", False):
        # Who cannot follow backwards must be shown the first frame.
        config = replace(config, anchors=1)
    detector = None if config.detector == NONE else _built(config, "detectors", config.detector)
    if detector is not None and detector.needs_truth:
        raise ConfigError(f"--detector {config.detector}: reads the truth of staged videos, which nobody has here")
    return Tools(
        config=config,
        detector=_backend(config, "detectors", config.detector, NONE if detector is None else detector.id),
        detector_alone=detector is not None and exclusive([detector]),
        tracker=_backend(config, "trackers", config.tracker, tracker.id),
        tracker_alone=exclusive([tracker]),
        judge=_judge(config),
    )


def _built(config: CurateConfig, kind: str, spec: str, **more: Any) -> Any:
    return plugins.build(kind, spec, {**plugin_settings(config.settings, spec, kind[:-1]), **more})


def _backend(config: CurateConfig, kind: str, spec: str, name: str) -> Backend:
    return Backend(kind=kind, spec=spec, settings=dict(plugin_settings(config.settings, spec, kind[:-1])), id=name)


def _judge(config: CurateConfig) -> Inquires | None:
    if config.judge == NONE:
        if config.captions.ask == "all":
            raise UsageError('captions.ask = "all": nobody is there to be asked; give --judge openai:MODEL, or leave it out')
        if config.max_cost is not None:
            raise UsageError(f"max_cost {config.max_cost}: nobody is asked, so nothing costs money; leave the limit out")
        return None
    judge: object = _built(config, "judges", config.judge)
    costs = isinstance(judge, UsesServices)
    if isinstance(judge, Defers):
        raise UsageError(f"--judge {config.judge}: each stage needs the replies of the one before at once; give another judge")
    if not isinstance(judge, Inquires):
        raise UsageError(f"--judge {config.judge}: scores videos, and cannot be asked about clips; give openai:MODEL or hf:PATH")
    if config.max_cost is not None and not costs:
        raise UsageError(f"max_cost {config.max_cost}: {config.judge} costs no money; leave the limit out")
    return judge


class Recording:
    """A judge whose good answers are kept in the curation's folder, so that ``replay:DIR`` can give them again."""

    def __init__(self, judge: Inquires, path: Path) -> None:
        self._judge = judge
        self._file = LineFile(path)
        self._lock = threading.Lock()
        self._kept = {line.key for line in read_lines(path, Answered)} if path.is_file() else set()

    @property
    def id(self) -> str:
        """As of the judge."""
        return self._judge.id

    @property
    def inquirer(self) -> str:
        """As of the judge."""
        return self._judge.inquirer

    def inquire(self, inquiry: Inquiry) -> Found:
        """Ask the judge, and keep its answer. Raises what it raises, and StoreError."""
        found = self._judge.inquire(inquiry)
        key = inquiry_key(inquiry)
        with self._lock:
            if key not in self._kept:
                self._kept.add(key)
                self._file.append([Answered(key=key, judge=self.id, inquirer=self.inquirer, value=found.value)])
        return found

    def close(self) -> None:
        """Close the file. Raises StoreError."""
        self._file.close()


class Asking:
    """What a judge is lent, for the time of a curation: the cache, what is left of the cost limit, and a place for notices."""

    def __init__(self, tools: Tools, out: Path, shard: str) -> None:
        """`shard` is ``I-of-N`` or empty: what each has spent stands in a file of its own."""
        self._judge: object = tools.judge
        self._config, self._out = tools.config, out
        self._place = out / f"{_SPENT}.{shard or 'all'}.json"
        name = Path(INQUIRIES)
        path = out / (f"{name.stem}.shard-{shard}.jsonl" if shard else name)
        replays = isinstance(tools.judge, ReplayInquirer)
        self.judge = tools.judge if tools.judge is None or replays else Recording(tools.judge, path)
        """Who is asked by the stages; None: nobody."""

    @contextlib.contextmanager
    def lent(self, notice: Callable[[str], None]) -> Iterator[None]:
        """Lend it. Raises RecordError for a damaged file of what was spent, OSError."""
        with contextlib.ExitStack() as held:
            if isinstance(self.judge, Recording):
                held.callback(self.judge.close)
            if isinstance(self._judge, UsesServices):
                held.enter_context(self._served(self._judge, notice))
            yield

    @contextlib.contextmanager
    def _served(self, judge: UsesServices, notice: Callable[[str], None]) -> Iterator[None]:
        config = self._config
        cache = None if config.cache == OFF else Cache(Path(config.cache) if config.cache else cache_file(os.environ))
        others = sum(float(read_json(path)) for path in self._out.glob(f"{_SPENT}.*.json") if path != self._place)
        own = float(read_json(self._place)) if self._place.is_file() else 0.0
        budget = Budget(config.max_cost, own + others)
        judge.attach(Services(cache=cache, budget=budget, notice=notice))
        try:
            yield
        finally:
            judge.close()
            if cache is not None:
                cache.close()
            if budget.spent > own + others:
                write_atomically(self._place, f"{budget.spent - others}\n")


class Counter:
    """Counts what is done of one stage, from several threads."""

    def __init__(self, stage: str, total: int, tell: Callable[[str, int, int], None]) -> None:
        """`tell` is given stage, done and total."""
        self._stage, self._total, self._tell = stage, total, tell
        self._done = 0
        self._lock = threading.Lock()
        tell(stage, 0, total)

    def __call__(self) -> None:
        """Count one."""
        with self._lock:
            self._done += 1
            self._tell(self._stage, self._done, self._total)
