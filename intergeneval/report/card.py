"""The judge card: how often this judge was right where the truth is known, matched by judge, revision and templates."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intergeneval.errors import RecordError
from intergeneval.ids import bounded_json
from intergeneval.records import Comparability, RunHeader
from intergeneval.records.disk import MOST_SETTINGS, lines_of, read_text

SHIPPED = Path(__file__).with_name("cards")
"""Cards of the embedded default pair; `generated` holds its figures on generated video."""


FAILURES = "failures.jsonl"
"""Beside a card: every wrong answer of its exam, as `validate` writes them."""
MOST_MISSES = 2000
"""Lines of it that are looked at."""
MISSES_SHOWN = 8
"""Wrong answers on the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """One wrong answer of an exam."""

    policy: str
    """What the staged model does."""
    question: int
    """1 to 10."""
    verb: str
    """The deed."""
    expected: str
    """The true answer."""
    given: str
    """What the judge said."""
    reason: str
    """Why, in its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeCard:
    """What `validate` found out about a judge."""

    path: Path
    """The file it came from."""
    content: Mapping[str, Any] = field(default_factory=dict)
    """The JSON object."""

    def figure(self, name: str) -> float | None:
        """Return one of the card's plain numbers; None where it has none."""
        value = self.content.get(name)
        return _finite(value)

    def interval(self, name: str) -> tuple[float, float] | None:
        """Return the interval of a number; None where the card gives none."""
        intervals = self.content.get("intervals")
        value = intervals.get(name) if isinstance(intervals, Mapping) else None
        if not isinstance(value, list) or len(value) != 2:
            return None
        low, high = (_finite(end) for end in value)
        return None if low is None or high is None else (low, high)

    @property
    def faults(self) -> tuple[tuple[str, float | None], ...]:
        """(name, AUC) of each fault, by name; None where the fault could not be examined."""
        found = self.content.get("faults")
        if not isinstance(found, Mapping):
            return ()
        return tuple((str(name), _finite(value)) for name, value in sorted(found.items()))

    @property
    def confusion(self) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """((said yes, said no) where yes is true, (said yes, said no) where no is true); None where the card does not say."""
        found: Any = self.content
        for name in ("detail", "answers", "all"):
            found = found.get(name) if isinstance(found, Mapping) else None
        names = ("both_yes", "true_yes", "said_yes", "answered")
        counts = [found.get(name) for name in names] if isinstance(found, Mapping) else []
        whole = [count for count in counts if isinstance(count, int) and not isinstance(count, bool) and count >= 0]
        if len(whole) != len(names):
            return None
        both, true, said, answered = whole
        cells = ((both, true - both), (said - both, answered - true - said + both))
        return cells if all(count >= 0 for row in cells for count in row) else None

    @property
    def misses(self) -> tuple[Miss, ...]:
        """Wrong answers of its exam, one of each kind first, from the list that lies beside the card; empty without one."""
        path = self.path.with_name(FAILURES)
        if not path.is_file():
            return ()
        found: dict[tuple[str, int], list[Miss]] = {}
        for line in itertools.islice(lines_of(path), MOST_MISSES):
            miss = _miss(line)
            if miss is not None:
                found.setdefault((miss.policy, miss.question), []).append(miss)
        turns = itertools.zip_longest(*found.values())
        return tuple(itertools.islice((miss for turn in turns for miss in turn if miss is not None), MISSES_SHOWN))

    @property
    def generated(self) -> tuple[tuple[str, str], ...]:
        """What is known of the judge on generated video, as (name, value in words); empty where the card says nothing of it."""
        found = self.content.get("generated")
        figures = found.get("figures") if isinstance(found, Mapping) else None
        return tuple((str(name), str(value)) for name, value in figures.items()) if isinstance(figures, Mapping) else ()

    def fits(self, header: RunHeader) -> bool:
        """Return whether the card is about a run's judge, revision and templates; what either does not name does not fit."""
        wanted = {
            "judge": header.comparability.judge,
            "judge_revision": header.comparability.judge_revision,
            "templates": header.templates,
        }
        return all(value and self.content.get(name) == value for name, value in wanted.items())

    def elsewhere(self, comparability: Comparability) -> tuple[str, ...]:
        """Return what the judge was examined with that a run did not use, such as ``tracker stored``."""
        return tuple(
            f"{name} {self.content.get(name)}"
            for name, used in (("tracker", comparability.tracker), ("detector", comparability.detector))
            if self.content.get(name) != used
        )


def _miss(line: bytes) -> Miss | None:
    """Return a wrong answer; None for a line that is none, such as one that a kill tore."""
    try:
        content = bounded_json(line.decode("utf-8"))
    except ValueError:
        return None
    if not isinstance(content, Mapping) or not isinstance(content.get("question"), int):
        return None
    texts = {name: str(content.get(name) or "") for name in ("policy", "verb", "expected", "given", "reason")}
    return Miss(question=content["question"], **texts)


def _finite(value: Any) -> float | None:
    """Return a plain number; None for what is none, or is one that no float holds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def find_cards(runs: Sequence[Path]) -> list[Path]:
    """Return the cards of exams held here or beside the runs (``runs/exams/*/card.json``), then those that are shipped."""
    homes = [Path("runs"), *(parent for run in runs for parent in list(run.resolve().parents)[:2])]
    found = {path.resolve(): path for home in homes for path in sorted((home / "exams").glob("*/card.json"))}
    return [*found.values(), *sorted(SHIPPED.glob("*.json"))]


def read_cards(paths: Sequence[Path]) -> list[JudgeCard]:
    """Read judge cards. Raises RecordError naming the file that is none."""
    cards = []
    for path in paths:
        try:
            content = bounded_json(read_text(path, MOST_SETTINGS))
        except (OSError, ValueError) as error:
            raise RecordError(f"{path}: not a judge card ({error}); write one with 'intergeneval validate'") from None
        if not isinstance(content, dict) or "accuracy" not in content:
            raise RecordError(f"{path}: not a judge card, field 'accuracy' is missing; write one with 'intergeneval validate'")
        cards.append(JudgeCard(path=path, content=content))
    return cards
