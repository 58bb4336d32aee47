"""What a run lends its judge: the answer cache, the cost limit, notices; and the questions a judge words for it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from intergeneval import questions
from intergeneval.config import RunConfig
from intergeneval.errors import UsageError
from intergeneval.judges import Judge, UsesServices, WritesQuestions
from intergeneval.judges.services import Budget, Services
from intergeneval.records import Question, Sample
from intergeneval.store import RunStore
from intergeneval.store.answer_cache import Cache, default_path
from intergeneval.store.spending import spending

OFF = "off"


class JudgeServices:
    """Opens what a judge works with, and closes it when the run ends."""

    def __init__(self, config: RunConfig, judge: Judge) -> None:
        self._config = config
        self._judge = judge
        self._cache = None if config.cache == OFF else Cache(Path(config.cache) if config.cache else default_path(os.environ))
        self._attach(Services(cache=self._cache, budget=Budget(config.max_cost)))

    def _attach(self, services: Services) -> None:
        if isinstance(self._judge, UsesServices):
            self._judge.attach(services)

    def questions_for(self, sample: Sample) -> tuple[Question, ...]:
        """Return the questions of a sample, those of unknown verbs worded by the judge where the settings say so.

        Raises UsageError when the judge cannot, or when nothing would remember what it wrote; BackendError when it fails.
        """
        judge = self._judge
        if self._config.unknown_verbs != "judge":
            return questions.questions_for(sample)
        if not isinstance(judge, WritesQuestions):
            raise UsageError(f"unknown_verbs 'judge': the judge {judge.id} writes no questions; use 'templates'")
        if self._cache is None:
            raise UsageError(
                "unknown_verbs 'judge' needs the cache, so that a resumed run asks the same questions; drop cache 'off'"
            )
        return questions.questions_for(sample, writer=judge.write_questions)

    @contextlib.contextmanager
    def lend(self, store: RunStore, notice: Callable[[str], None]) -> Iterator[None]:
        """Give the judge its cache, what is left of the cost limit, and the place for notices, for the time of a run."""
        spent = spending(store).cost if self._config.max_cost is not None else 0.0
        self._attach(Services(cache=self._cache, budget=Budget(self._config.max_cost, spent), notice=notice))
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
