"""`--prompts names|FILE`: from videos and their prompts to a benchmark, before a run or the annotating page begins."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intergeneval.cli.causes import by_cause
from intergeneval.errors import UsageError
from intergeneval.ids import few

if TYPE_CHECKING:
    from intergeneval.bench import Benchmark
    from intergeneval.build.prompted import PromptedResult
    from intergeneval.config import RunConfig

_SHOWN = 8
_FEW = 4


def read_prompts(model: str, prompts: str, notice: Callable[[str], None], **more: Any) -> PromptedResult:
    """Read the prompts of a folder of videos into a benchmark, and say what could not be read and what has no counterpart.

    Raises UsageError and its kin.
    """
    from intergeneval.build.list_masks import settle_masks
    from intergeneval.build.prompted import prompted_benchmark
    from intergeneval.run.preflight import adapter_text, source_of

    place = Path(model)
    if not place.exists():
        raise UsageError(f"--prompts {prompts}: --model {model!r} is no folder of videos and no video")
    if (source := source_of(place)) != "folder":
        told = f"{adapter_text(model)};" if source == "lora" else f"{model}: is a model ({source}) and no folder of videos:"
        raise UsageError(
            f"{told} for prompts of your own make a benchmark of them first, intergeneval bench build LIST "
            f"--text-only --out benchmarks/NAME, and give --bench NAME instead of --prompts"
        )
    found = prompted_benchmark(place, prompts, on_notice=notice, **more)
    made = found.build.made
    for line in found.home.told:
        notice(line)
    acts = sum(len(sample.interactions) for sample in made.samples)
    count = "1 prompt" if len(made.samples) == 1 else f"{len(made.samples)} prompts"
    notice(f"read {count}, {'1 interaction' if acts == 1 else f'{acts} interactions'}: {found.home.folder / 'samples.jsonl'}")
    drops = made.drops
    for line in by_cause(drops, _SHOWN):
        notice(f"  not read: {line}")
    if drops:
        notice(f"  all in {found.home.folder / 'dropped.jsonl'}: left out of the scores")
    if found.alone:
        notice(f"  no prompt: {few(found.alone, _FEW)}: not scored; give each a prompt in {prompts}, or take it out of {model}")
    if found.idle:
        notice(f"  no video: {few(found.idle, _FEW)}: counted as missing; is the video called otherwise?")
    if not made.samples:
        raise UsageError(
            f"no prompt of {prompts} could be read into who does what to whom: give --judge openai:MODEL, other words, or a "
            f"jsonl list with instances and interactions"
        )
    for line in settle_masks(found.home.folder, made.samples):
        notice(line)
    return found


def with_benchmark(changes: Mapping[str, Any], config_file: Path | None, notice: Callable[[str], None]) -> dict[str, Any]:
    """Return the settings of a run with the benchmark of its prompts, and the best of what finds instances here.

    Raises UsageError with one list of what is missing, before anything long begins.
    """
    from intergeneval import bench
    from intergeneval.build.tools import best_tools, missing_text
    from intergeneval.config import AUTO, read_config

    settled = {name: value for name, value in changes.items() if name != "prompts"}
    config = read_config(config_file, settled)
    prompts = str(changes["prompts"])
    if config.bench:
        raise UsageError(f"--prompts {prompts} makes a benchmark of its own: leave --bench out, or --prompts")
    if not config.model:
        raise UsageError("no model given: --model FOLDER")
    reader = config.judge if config.judge.partition(":")[0] in ("openai", "hf") else "none"
    found = read_prompts(config.model, prompts, notice, judge=reader, cache=config.cache, max_cost=config.max_cost)
    whole = bench.load(found.home.folder)
    settled["bench"] = str(found.home.folder)
    settled |= _one_video(config, found, whole, notice)
    config = read_config(config_file, settled)
    open_ = AUTO in (config.detector, config.tracker)
    tools = best_tools() if open_ else None
    if tools is not None:
        settled |= {
            kind: spec
            for kind, spec in (("detector", tools.detector), ("tracker", tools.tracker))
            if getattr(config, kind) == AUTO
        }
        config = read_config(config_file, settled)
    if config.detector == "none" and not config.tracker.startswith("stored"):
        lacking = _without_masks(config, whole, notice)
        if lacking:
            raise UsageError(missing_text(lacking, annotate_command(config.model, prompts, config.name), tools))
    if tools is not None:
        notice(tools.text(config.detector, config.tracker))
    return settled


def annotate_command(model: str, prompts: str, name: str) -> str:
    """Return the command that opens the annotating page of a model's videos; with its name where that is not the folder's."""
    place = Path(model)
    usual = place.stem if place.is_file() else place.resolve().name
    named = f" --name {shlex.quote(name)}" if name and name != usual else ""
    return f"intergeneval annotate {shlex.quote(model)} --prompts {shlex.quote(prompts)}{named}"


def _one_video(config: RunConfig, found: PromptedResult, whole: Benchmark, notice: Callable[[str], None]) -> dict[str, Any]:
    """Return the settings that a single video of a list adds: its sample alone, under the name of its folder where that was used.

    A video that was annotated or scored with its folder is that model's: its masks and tracks are there.
    """
    place = Path(config.model)
    if not place.is_file():
        return {}
    more: dict[str, Any] = {}
    held = tuple(sample.id for sample in whole.samples if sample.id in found.held)
    if not config.samples and config.limit is None and len(held) < len(whole.samples):
        more["samples"] = held
    if not config.name and (folder := used_name(whole.root, place, notice)):
        more["name"] = folder
    return more


def used_name(root: Path, model: Path, notice: Callable[[str], None]) -> str:
    """Return the name of a single video's folder where that was annotated or scored as a model; else nothing."""
    from intergeneval import bench
    from intergeneval.run.plan import runs_of

    folder = model.resolve().parent.name if model.is_file() else ""
    if not folder or not (any(runs_of(folder, root.name)) or (root / bench.MASKS / bench.model_folder(folder)).is_dir()):
        return ""
    notice(f"{model.name} was looked at with its folder before, so it counts as a video of {folder!r} (else: --name)")
    return folder


def _without_masks(config: RunConfig, whole: Benchmark, notice: Callable[[str], None]) -> dict[tuple[str, int], str]:
    """Return the videos, as (sample, seed), that a run cannot begin with: each with why masks of it do not count.

    Masks that were drawn on the videos that are there now, and laid aside for others, are brought back first.
    """
    from intergeneval.bench import sets_of
    from intergeneval.bench.drawn import Drawn, fit
    from intergeneval.build.list_masks import restore_masks
    from intergeneval.run.drawn_masks import first_of_video, unfit, unreadable, video_of
    from intergeneval.sources.folder import FolderSource

    source = FolderSource(Path(config.model), config.name)
    chosen = whole.narrow(ids=config.samples or None, limit=config.limit)
    listed = [(sample, seed) for sample in chosen.samples if source.has(sample) for seed in source.seeds(sample, config.seeds)]

    broken = unreadable(source, listed)
    if broken and len(broken) == len(listed):
        raise UsageError(f"no video can be read: {'; '.join(list(broken.values())[:_FEW])}")
    for why in broken.values():
        notice(f"  not readable: {why}: counts as undecodable; bring a whole file, or take it and its prompt out")

    def without() -> dict[tuple[str, int], str]:
        sets = sets_of(whole, source.name)
        own = {(item.sample_id, item.seed) for item in sets}
        lacking = {(sample.id, seed): "" for sample, seed in listed if not {(sample.id, seed), (sample.id, None)} & own}
        lacking = {key: why for key, why in lacking.items() if key not in broken}
        return lacking | unfit(source, whole, source.name, sets, listed)

    def right(key: str, drawn: Drawn) -> bool:
        name, _, seed = key.rpartition("/")
        sample, number = whole.sample(name), int(seed)
        found = fit(drawn, sample, whole.root, video_of(source, sample, number), lambda: first_of_video(source, sample, number))
        return not found.fault

    lacking = without()
    keys = [f"{name}/{seed}" for name, seed in lacking]
    back = restore_masks(whole.root, source.name, {sample.id: sample for sample in chosen.samples}, keys, right)
    if not back:
        return lacking
    notice(f"masks that were drawn on these videos before are back: {few(back, _FEW)}")
    return without()
