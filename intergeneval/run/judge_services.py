"""What a run lends its judge: the answer cache, the cost limit, notices; and the questions a judge words for it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from intergeneval import questions
from intergeneval.config import OFF, RunConfig
from intergeneval.judges import Defers, Judge, UsesServices, WritesQuestions
from intergeneval.judges.services import Budget, Journal, Services
from intergeneval.records import Question, Sample
from intergeneval.records.disk import cache_file
from intergeneval.store import RunStore
from intergeneval.store.answer_cache import Cache
from intergeneval.store.journal import RunJournal
from intergeneval.store.spending import spending

Notice = Callable[[str], None]
"""Takes a line for the user, such as that a server asks to wait; called from several threads."""


class JudgeServices:
    """Opens what a judge works with, and closes it when the run ends.

    Nothing is opened before it is used. Raises ConfigError where the judge cannot keep to the cost limit.
    """

    def __init__(self, config: RunConfig, judge: Judge) -> None:
        self._config = config
        self._judge = judge
        self._cache = None if config.cache == OFF else Cache(Path(config.cache) if config.cache else cache_file(os.environ))
        self._wording = Budget(config.max_cost)
        self._attach(self._wording, lambda _: None)

    def _attach(self, budget: Budget, notice: Notice, journal: Journal | None = None) -> None:
        if isinstance(self._judge, UsesServices):
            self._judge.attach(Services(cache=self._cache, budget=budget, notice=notice, journal=journal))

    def word(self, samples: Iterable[Sample], version: int, notice: Notice) -> dict[str, tuple[Question, ...]]:
        """Return the questions of samples from templates of a version, those of unknown verbs worded by the judge.

        What it wrote before comes from the cache. Raises BackendError when it fails, BudgetError at the cost limit.
        """
        assert isinstance(self._judge, WritesQuestions)
        writer, templates = self._judge.write_questions, questions.embedded(version)
        profile, controls = self._config.profile, self._config.controls
        self._attach(self._wording, notice)
        try:
            return {
                sample.id: questions.questions_for(sample, templates, writer, profile, controls=controls) for sample in samples
            }
        finally:
            self.close()

    @contextlib.contextmanager
    def lend(self, store: RunStore, notice: Notice, shard: str = "") -> Iterator[None]:
        """Give the judge its cache, what is left of the cost limit, and the place for notices, for the time of a run.

        One that replies later gets a journal in the run folder; `shard` is ``I-of-N`` or empty, as for the folder's writer.
        """
        # What the wording cost just now stands in no line of the run folder.
        spent = spending(store).cost + self._wording.spent if self._config.max_cost is not None else 0.0
        journal = RunJournal(store.folder, shard) if isinstance(self._judge, Defers) else None
        self._attach(Budget(self._config.max_cost, spent), notice, journal)
        try:
            yield
        finally:
            self.close()

    def close(self) -> None:
        """Close connections and the cache file; both open again when they are needed."""
        if isinstance(self._judge, UsesServices):
            self._judge.close()
        if self._cache is not None:
            self._cache.close()
