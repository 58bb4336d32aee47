"""What the tracks of one video depend on, as one name: equal names stand for equal tracks."""

from __future__ import annotations

from collections.abc import Mapping

from intergeneval.config import RunConfig
from intergeneval.ids import sha256_json
from intergeneval.masks import Mask
from intergeneval.records import Sample
from intergeneval.run.job import PackedMask
from intergeneval.trackers import Keepable, Tracker


def track_key(
    config: RunConfig, tracker: Tracker, sample: Sample, masks: Mapping[str, Mask], size: tuple[int, int], digest: str
) -> str:
    """Return the name; empty where nothing is kept.

    Nothing is kept of a tracker that does not say that it may be: what it reads beside the video is no part of the name.
    `digest` is the sha256 of the video, `size` the height and width at which it is read.
    """
    if tracker.needs_truth or not (isinstance(tracker, Keepable) and tracker.keepable):
        return ""
    looks = [[item.id, item.class_, item.appearance] for item in sample.instances]
    packed = {name: PackedMask.of(mask).counts for name, mask in masks.items()}
    settings = config.settings_for(config.tracker, "tracker")
    return sha256_json([digest, tracker.id, config.tracker, settings, looks, packed, list(size), config.fit])
