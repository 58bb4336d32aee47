"""Masks of a build that may not show what they are called: their sample waits until somebody has looked at it."""

from __future__ import annotations

from intergeneval import videos
from intergeneval.bench.doubts import doubts
from intergeneval.build.config import BuildConfig
from intergeneval.build.folder import BuildFolder
from intergeneval.build.records import Cut
from intergeneval.build.segment_step import FIRST
from intergeneval.build.source import Item
from intergeneval.build.standing import standing
from intergeneval.masks import decode
from intergeneval.records import Sample


def doubted_masks(item: Item, sample: Sample, folder: BuildFolder, config: BuildConfig) -> str:
    """Return what is doubtful about the masks of a sample; empty for nothing, or where it was accepted.

    It is accepted by ``--accept-doubts``, or by a person who kept the sample in a review.
    """
    cut = folder.latest(Cut, item.id)
    accepted = config.accept_doubts or not folder.header.doubting or standing(folder.decided(item.id)).kept
    if config.text_only or accepted or cut is None or cut.size is None:
        return ""
    kept = [one.id for one in sample.instances]
    masks = {name: decode(counts, cut.size) for name, counts in cut.masks.items() if name in kept}
    found = doubts(sample.instances, masks, videos.read_picture(folder.out / FIRST / f"{item.id}.png"))
    told = "; ".join(str(doubt) for doubt in found)
    way = "look at the review page and keep or mend the sample, or build with --accept-doubts"
    return f"doubtful masks: {told}: {way}" if found else ""
