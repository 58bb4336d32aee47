"""What `run` and `score` say of a benchmark's twins: contrast and sensitivity, which no row of their table shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from intergeneval.records import Estimate, Profile, Score
    from intergeneval.store import RunStore


def contrast_of(store: RunStore, scores: Sequence[Score], profile: Profile) -> Mapping[str, Estimate]:
    """Return contrast and sensitivity of a run folder by name; empty where it holds no twins."""
    from intergeneval.gate.run_scores import run_twins, with_bytes
    from intergeneval.stats import twin_estimates

    twins = run_twins(store, with_bytes(scores, store))
    return twin_estimates(twins, profile=profile) if twins else {}


def contrast_text(found: Mapping[str, Estimate]) -> str:
    """Return the line that tells of both; empty where there are no twins."""
    from intergeneval.cli.text_table import interval, marked, number
    from intergeneval.stats import CHANCE

    if not found:
        return ""
    told = [
        f"{name} {marked(number(item.mean), item.open)} ({interval(item.low, item.high)}; by chance {CHANCE[name]:g})"
        for name, item in found.items()
    ]
    one = next(iter(found.values()))
    text = f"twins (do the videos show who was named): {', '.join(told)}, {one.prompts} of {one.prompts_total} pairs"
    return f"{text}\ncontrast: {one.caveat}" if one.caveat else text


def contrast_json(found: Mapping[str, Estimate]) -> dict[str, Any]:
    """Return the entry of a JSON object that tells of both; empty where there are no twins."""
    return {"twins": {name: item.to_json() for name, item in found.items()}} if found else {}
