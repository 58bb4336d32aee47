"""Short made-up videos for trackers: frames, masks and requests."""

import numpy as np

from intergeneval.records import BOX_COLOURS, Instance, Sample, Video, VideoStatus
from intergeneval.trackers import TrackRequest

SIZE = (96, 144)


def frames(count, seed=0):
    """Frames with a bright square that moves over noise."""
    noise = np.random.default_rng(seed).integers(0, 120, (count, *SIZE, 3), dtype=np.uint8)
    for index, frame in enumerate(noise):
        frame[20:50, 10 + 2 * index : 40 + 2 * index] = (220, 180, 40)
    return list(noise)


def masks(count):
    """One mask an instance, side by side."""
    found = {}
    for index in range(count):
        mask = np.zeros(SIZE, dtype=np.bool_)
        mask[15 + 20 * index : 33 + 20 * index, 10 + 30 * index : 40 + 30 * index] = True
        found[f"id{index + 1}"] = mask
    return found


def request(shown, given, anchor=0):
    """A request to track the given masks over these frames."""
    instances = tuple(
        Instance(id=name, class_="thing", appearance=f"thing {name}", colour=BOX_COLOURS[index])
        for index, name in enumerate(given)
    )
    return TrackRequest(
        sample=Sample(id="scene", prompt="", instances=instances, interactions=(), size=SIZE),
        video=Video(sample_id="scene", seed=0, status=VideoStatus.OK, size=SIZE, fps=8.0),
        masks=given,
        frames=iter(shown),
        anchor=anchor,
    )
