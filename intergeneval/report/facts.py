"""What a report is about, in words: its title, its one sentence, and what the runs of a group have in common."""

from __future__ import annotations

from collections.abc import Sequence

from intergeneval.ids import short
from intergeneval.report.formats import counted, shorten, spans
from intergeneval.report.leaderboard import Group
from intergeneval.report.load import LoadedRun


def title_of(runs: Sequence[LoadedRun]) -> str:
    """Return the title of a report that was given none."""
    benches = list(dict.fromkeys(run.header.bench for run in runs))
    models = f"{len(runs)} models" if len(runs) > 1 else runs[0].label
    return f"{' and '.join(benches)}, {models}"


def summary_of(runs: Sequence[LoadedRun], groups: Sequence[Group]) -> str:
    """Return what was measured, in one sentence."""
    prompts = len({(run.header.comparability.bench, sample_id) for run in runs for sample_id in run.samples})
    expected = sum(row.completeness.expected for group in groups for row in group.rows)
    scored = sum(row.main.statuses.get("ok", 0) for group in groups for row in group.rows)
    kinds = {_examined(group) for group in groups}
    judge = next(iter(kinds)) if len(kinds) == 1 else "judges partly examined"
    videos = f"{scored} of {expected} videos scored" if scored < expected else f"all {expected} videos scored"
    return f"{counted(len(runs), 'model')}, {counted(prompts, 'prompt')}, {videos}, {judge}."


def _examined(group: Group) -> str:
    """Return whether the judge was examined as it ran: with the tracker and the detector of these runs."""
    if group.card is None:
        return "an unexamined judge"
    return "a judge examined with other masks" if group.card.elsewhere(group.comparability) else "an examined judge"


def facts_of(group: Group) -> list[tuple[str, str]]:
    """Return (name, value) of what a group's runs have in common."""
    header, key = group.rows[0].run.header, group.comparability
    seeds = sorted({seed for row in group.rows for seed in row.seeds})
    frames = sorted({count for row in group.rows for count in row.frames})
    return [
        ("Benchmark", f"{shorten(header.bench, 40)} {shorten(header.bench_version, 20)} ({short(key.bench)})"),
        ("Samples", key.samples if key.samples != "all" else f"all {header.samples}"),
        ("Judge", f"{shorten(key.judge, 60)}, revision {shorten(key.judge_revision, 40)}"),
        ("Questions", short(key.questions)),
        ("Tracker", shorten(key.tracker, 60)),
        ("Detector", shorten(key.detector, 60)),
        ("Frames", f"{spans(frames) or 'unknown'}, sampled {key.sampling}"),
        ("Seeds", spans(seeds)),
        ("Profile", key.profile.value),
        ("Key", short(group.comparability.key)),
    ]
