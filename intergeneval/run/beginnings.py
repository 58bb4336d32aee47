"""How a video begins against the benchmark's first frame, and what that means for the benchmark's masks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from intergeneval import bench
from intergeneval.bench import Benchmark
from intergeneval.masks import Mask
from intergeneval.records import Beginning
from intergeneval.run.job import Job
from intergeneval.run.walk import Walk
from intergeneval.videos.beginning import compare, is_foreign, moved_mask


def begins(
    benchmark: Benchmark, job: Job, walk: Walk, masks: Callable[[], Mapping[str, Mask]], *, known: bool
) -> Beginning | None:
    """Return how the first frame lies against the benchmark's; None where they are one, or there is nothing to hold it against.

    A model's own masks were drawn on its video, and a staged video, whose truth is `known`, begins as its policy has it. Without
    masks in the benchmark instances are looked for in the video itself. Raises BenchError, and MediaError as the walk does.
    """
    if job.own is not None or known:
        return None
    picture = bench.load_first_frame(benchmark, job.sample)
    given = masks() if picture is not None else {}
    first = walk.peek() if given else None
    if picture is None or first is None:
        return None
    found = compare(picture, first, [mask for mask in given.values() if mask.shape == picture.shape[:2]])
    return None if found is None or (found.in_place and not is_foreign(found)) else found


def moved_masks(masks: Mapping[str, Mask], beginning: Beginning) -> tuple[dict[str, Mask], str]:
    """Return the masks where the video shows what they mark, and whom it does not show."""
    moved = {name: moved_mask(mask, beginning) for name, mask in masks.items()}
    outside = [name for name, mask in moved.items() if masks[name].any() and not mask.any()]
    told_of = [f"{name} is not in the first frame: the video shows a part of the benchmark's without it" for name in outside]
    return {name: mask for name, mask in moved.items() if name not in outside}, "; ".join(told_of)
