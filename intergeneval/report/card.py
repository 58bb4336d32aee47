"""The judge card: how often this judge was right where the truth is known, matched by judge, revision and prompts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intergeneval.errors import RecordError
from intergeneval.records import Comparability


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeCard:
    """What `validate --json` said of a judge."""

    path: Path
    """The file it came from."""
    content: Mapping[str, Any] = field(default_factory=dict)
    """The JSON object."""

    def figure(self, name: str) -> float | None:
        """Return one of the card's plain numbers; None where it has none."""
        value = self.content.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def interval(self, name: str) -> tuple[float, float] | None:
        """Return the interval of a number; None where the card gives none."""
        intervals = self.content.get("intervals")
        value = intervals.get(name) if isinstance(intervals, Mapping) else None
        if isinstance(value, list) and len(value) == 2 and all(isinstance(end, int | float) for end in value):
            return float(value[0]), float(value[1])
        return None

    @property
    def faults(self) -> tuple[tuple[str, float | None], ...]:
        """(name, AUC) of each fault, by name; None where the fault could not be examined."""
        found = self.content.get("faults")
        if not isinstance(found, Mapping):
            return ()
        return tuple(
            (str(name), float(value) if isinstance(value, int | float) else None) for name, value in sorted(found.items())
        )

    def fits(self, comparability: Comparability) -> bool:
        """Return whether the card is about the judge, revision and questions of a run; what a card does not name does not fit."""
        wanted = {
            "judge": comparability.judge,
            "judge_revision": comparability.judge_revision,
            "questions": comparability.questions,
        }
        return all(self.content.get(name) == value for name, value in wanted.items())


def read_cards(paths: Sequence[Path]) -> list[JudgeCard]:
    """Read judge cards. Raises RecordError naming the file that is none."""
    cards = []
    for path in paths:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ValueError) as error:
            raise RecordError(f"{path}: not a judge card ({error}); write one with 'intergeneval validate --json'") from None
        if not isinstance(content, dict) or "accuracy" not in content:
            raise RecordError(
                f"{path}: not a judge card, field 'accuracy' is missing; write one with 'intergeneval validate --json'"
            )
        cards.append(JudgeCard(path=path, content=content))
    return cards
