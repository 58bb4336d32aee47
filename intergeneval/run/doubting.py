"""Which first-frame masks of a run may not show what they are called: said before the run, and beside its scores.

The masks that are given, a benchmark's or a model's own, are known before the first video; those that a run finds itself stand in
its tracks. Kept in ``doubts.jsonl`` of the run folder, one line a doubt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from intergeneval import bench, videos
from intergeneval.bench import Doubt, Fit, doubts
from intergeneval.errors import BenchError
from intergeneval.ids import canonical_json
from intergeneval.masks import Mask, decode
from intergeneval.records import DoubtedMask, Sample, Tracks
from intergeneval.run.drawn_masks import first_of_video
from intergeneval.run.plan import Plan
from intergeneval.store import DOUBTS, RunStore, write_atomically
from intergeneval.trackers.stored import StoredTracker


def given_doubts(plan: Plan) -> tuple[DoubtedMask, ...]:
    """Return the doubts about masks that are given, before anything runs; of a sample's seeds with one set only the first's."""
    found: list[DoubtedMask] = []
    seen: set[tuple[str, str]] = set()
    if isinstance(plan.backends.tracker, StoredTracker):
        return ()
    for sample, seed in plan.masks.videos:
        found += (
            DoubtedMask(sample_id=sample.id, seed=seed, instance_id=name, kind="video", problem=problem)
            for name, problem in plan.drawn.get((sample.id, seed), Fit()).doubts
        )
        own = plan.masks.own(sample, seed)
        key = (sample.id, "" if own is None else own.name)
        if key in seen:
            continue
        seen.add(key)
        try:
            masks = plan.masks.read(sample, seed)
        except BenchError:
            continue  # a fault, which is named where it matters
        frame = bench.load_first_frame(plan.bench, sample) if own is None else first_of_video(plan.backends.source, sample, seed)
        found += _doubted(sample, seed, masks, frame)
    return tuple(found)


def found_doubts(plan: Plan, store: RunStore) -> tuple[DoubtedMask, ...]:
    """Return the doubts about masks that the run found itself, or that came with stored tracks, from their first frame."""
    stored = isinstance(plan.backends.tracker, StoredTracker)
    lacking = {(sample.id, seed) for sample, seed in plan.masks.videos} if stored else set(plan.masks.lacking)
    if not (plan.grounding or stored) or not lacking:
        return ()
    found: list[DoubtedMask] = []
    index = store.index("tracks", Tracks)
    for sample, seed in plan.masks.videos:
        # All tracks at once would be most of what a run holds.
        tracks = index.last((sample.id, seed)) if (sample.id, seed) in lacking else None
        if tracks is None or tracks.status != "ok":
            continue
        masks = {track.instance_id: decode(track.masks[0], tracks.size) for track in tracks.tracks if track.masks}
        found += _doubted(sample, seed, masks, first_of_video(plan.backends.source, sample, seed))
    return tuple(found)


def write_doubts(folder: Path, found: tuple[DoubtedMask, ...]) -> None:
    """Write the doubts beside the scores; without any, there is no file. Raises StoreError."""
    if found:
        write_atomically(folder / DOUBTS, "".join(canonical_json(item.to_json()) + "\n" for item in found))
    elif (folder / DOUBTS).exists():
        (folder / DOUBTS).unlink()


def _doubted(sample: Sample, seed: int, masks: Mapping[str, Mask], frame: videos.Frame | None) -> Iterator[DoubtedMask]:
    doubt: Doubt
    for doubt in doubts(sample.instances, masks, frame):
        yield DoubtedMask(sample_id=sample.id, seed=seed, instance_id=doubt.instance_id, kind=doubt.kind, problem=doubt.problem)
