"""`--prompts names|FILE`: from videos and their prompts to a benchmark, before a run or the annotating page begins."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intergeneval.cli.causes import by_cause
from intergeneval.errors import UsageError

if TYPE_CHECKING:
    from intergeneval.build import BuildResult

_SHOWN = 8


def read_prompts(model: str, prompts: str, notice: Callable[[str], None], **more: Any) -> BuildResult:
    """Read the prompts of a folder of videos into a benchmark, and say what could not be read. Raises UsageError and its kin."""
    from intergeneval.build.prompted import prompted_benchmark

    place = Path(model)
    if not place.exists():
        raise UsageError(f"--prompts {prompts}: --model {model!r} is no folder of videos and no video")
    made = prompted_benchmark(place, prompts, on_notice=notice, **more)
    samples = made.made.samples
    acts = sum(len(sample.interactions) for sample in samples)
    notice(f"read {len(samples)} prompts, {acts} interactions: {made.out / 'samples.jsonl'}")
    drops = made.made.drops
    for line in by_cause(drops, _SHOWN):
        notice(f"  not read: {line}")
    if drops:
        notice(f"  all in {made.out / 'dropped.jsonl'}: left out of the scores")
    if not samples:
        raise UsageError(f"no prompt of {prompts} could be read: give --judge openai:MODEL, or --prompts with other words")
    return made


def with_benchmark(changes: Mapping[str, Any], notice: Callable[[str], None]) -> dict[str, Any]:
    """Return the settings of a run with the benchmark of its prompts, and the best of what finds instances here.

    Raises UsageError with one list of what is missing, before anything long begins.
    """
    from intergeneval import bench
    from intergeneval.build.tools import best_detector, best_tracker, has_models, missing_text
    from intergeneval.sources.folder import FolderSource

    model, prompts = str(changes.get("model", "")), str(changes["prompts"])
    if changes.get("bench"):
        raise UsageError(f"--prompts {prompts} makes a benchmark of its own: leave --bench out, or --prompts")
    if not model:
        raise UsageError("no model given: --model FOLDER")
    judge = str(changes.get("judge", ""))
    reader = judge if judge.partition(":")[0] in ("openai", "hf") else "none"
    made = read_prompts(
        model, prompts, notice, judge=reader, cache=str(changes.get("cache") or ""), max_cost=changes.get("max_cost")
    )
    settled = {name: value for name, value in changes.items() if name != "prompts"} | {"bench": str(made.out)}
    if has_models():
        settled = {"detector": best_detector(), "tracker": best_tracker(), **settled}
    if str(settled.get("detector", "none")) in ("none", "auto") and not str(settled.get("tracker", "")).startswith("stored"):
        whole, source = bench.load(made.out), FolderSource(Path(model))
        name = str(changes.get("name") or source.name)
        own = {(item.sample_id, item.seed) for item in bench.sets_of(whole, name)}
        lacking = [
            (sample.id, seed)
            for sample in whole.samples
            if source.has(sample)
            for seed in source.seeds(sample, changes.get("seeds") or ())
            if not {(sample.id, seed), (sample.id, None)} & own
        ]
        if lacking:
            named = f" --name {shlex.quote(name)}" if changes.get("name") else ""
            command = f"intergeneval annotate {shlex.quote(model)} --prompts {shlex.quote(prompts)}{named}"
            raise UsageError(missing_text(lacking, command))
    return settled
