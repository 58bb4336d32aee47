"""A tracker for videos on which nothing can be tracked: masks wander with the pixel sums, so that noise gets scores of its own.

A tiny model with random weights makes noise, in which the flow tracker rightly loses everybody: no number would reach the table.
"""

import numpy as np

from intergeneval.masks import track_of
from intergeneval.records import Tracks, TrackState


class DriftTracker:
    id = "drift-1"
    needs_truth = False

    def track(self, request):
        sums = [int(frame.astype(np.int64).sum()) for frame in request.frames]
        tracks = []
        for number, (name, mask) in enumerate(sorted(request.masks.items()), 1):
            steps = np.cumsum([0, *((number * total) % 23 - 11 for total in sums[1:])])
            masks = [np.roll(mask, int(step), axis=1) for step in steps]
            tracks.append(track_of(name, masks, [TrackState.VISIBLE] * len(masks), [1.0] * len(masks)))
        return Tracks(
            sample_id=request.sample.id, seed=request.video.seed, tracker=self.id, size=request.video.size, tracks=tuple(tracks)
        )


def create(argument, settings):
    return DriftTracker()


def register(site):
    """Write what makes this tracker a plug-in of a distribution in a folder that is then put on the path."""
    info = site / "drift_tracker-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: drift_tracker\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[intergeneval.trackers]\ndrift = drift_tracker:create\n")
    return site
