"""What a run took from its judge: requests, tokens, cost and failures, recomputed from the lines of the run folder.

Money that was spent stays spent: lines that a later answer replaced count as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from intergeneval.records import Answer, AnswerStatus, Consistency, Grounding, Record
from intergeneval.store import RunStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending(Record):
    """What a run, or one sample of it, took."""

    requests: int = 0
    """Requests that were sent, repeated ones included."""
    cached: int = 0
    """Answers that came from the cache."""
    input_tokens: int = 0
    """Tokens sent."""
    cached_tokens: int = 0
    """Of these, tokens the server had in its own prefix cache."""
    output_tokens: int = 0
    """Tokens received."""
    cost: float = 0.0
    """In the price table's currency; 0 without a price table."""
    transient: Mapping[str, int] = field(default_factory=dict)
    """Failed attempts by kind, those that a later attempt made good included."""
    unanswered: Mapping[str, int] = field(default_factory=dict)
    """Lines without an answer, by status and kind of failure, such as ``failed: timeout``."""
    served: Mapping[str, int] = field(default_factory=dict)
    """Requests by the model revision that the server says it served."""


def spending(store: RunStore) -> Spending:
    """Return what the whole run took. Raises RecordError for a damaged line."""
    lines = (store.read("answers", Answer), store.read("consistency", Consistency), store.read("grounding", Grounding))
    return total([line for stage in lines for line in stage])


def spending_by_sample(store: RunStore) -> dict[str, Spending]:
    """Return what each sample took, by sample id. Raises RecordError for a damaged line."""
    lines: dict[str, list[Answer | Consistency | Grounding]] = {}
    for answer in store.read("answers", Answer):
        lines.setdefault(answer.sample_id, []).append(answer)
    for assessed in store.read("consistency", Consistency):
        lines.setdefault(assessed.sample_id, []).append(assessed)
    for grounding in store.read("grounding", Grounding):
        lines.setdefault(grounding.sample_id, []).append(grounding)
    return {sample_id: total(found) for sample_id, found in lines.items()}


class Spent(Protocol):
    """A line that says what its requests took."""

    @property
    def status(self) -> str:
        """``ok``, or why it holds nothing."""

    @property
    def usage(self) -> Mapping[str, Any]:
        """Requests, tokens, cost."""


def total(lines: Iterable[Spent]) -> Spending:
    """Add up what lines say they took."""
    sums: Counter[str] = Counter()
    transient: Counter[str] = Counter()
    unanswered: Counter[str] = Counter()
    served: Counter[str] = Counter()
    cost = 0.0
    for line in lines:
        usage = line.usage
        for name in ("requests", "input_tokens", "cached_tokens", "output_tokens"):
            sums[name] += int(usage.get(name, 0))
        sums["cached"] += int(usage.get("cached", 0))
        cost += float(usage.get("cost", 0.0))
        transient.update(usage.get("failures", {}))
        served.update(usage.get("served", {}))
        if line.status not in (AnswerStatus.OK, AnswerStatus.UNANSWERABLE):
            unanswered[_why(line.status, usage)] += 1
    return Spending(**sums, cost=cost, transient=transient, unanswered=unanswered, served=served)


def spending_text(spent: Spending) -> str:
    """Return the lines that end a run with a judge that was asked for money; empty where there was none."""
    if not spent.requests and not spent.cached:
        return ""
    text = f"judge: {spent.requests} requests, {spent.cached} answers from the cache, "
    text += f"{spent.input_tokens} tokens in ({spent.cached_tokens} of them cached by the server), {spent.output_tokens} out"
    parts = [text + (f", cost {spent.cost:.4f}" if spent.cost else "")]
    if spent.transient:
        parts.append("judge: attempts that failed: " + _counts(spent.transient))
    if spent.unanswered:
        parts.append("judge: lines without an answer: " + _counts(spent.unanswered))
    if len(spent.served) > 1:
        parts.append("judge: the server changed its model during the run: " + _counts(spent.served))
    return "\n".join(parts)


def _why(status: str, usage: Mapping[str, Any]) -> str:
    kind = usage.get("kind")
    return f"{status!s}: {kind}" if kind else str(status)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
