from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from intergeneval.masks import decode, iou
from intergeneval.records import Instance, Sample, TrackState, Video, VideoStatus
from intergeneval.trackers import TrackRequest
from intergeneval.trackers.flow import create

ROOT = Path(__file__).parents[2]
CLIPS = ROOT / "benchmarks" / "clips"
DRAWN = ROOT / "tests" / "fixtures" / "clips"


def read_mask(path):
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert mask is not None, path
    return mask > 127


def truth(clip):
    """Give the masks drawn by hand: frame -> instance -> mask."""
    return {
        int(folder.name): {path.stem: read_mask(path) for path in folder.glob("*.png")}
        for folder in sorted((DRAWN / clip).iterdir())
    }


@pytest.fixture(scope="module", params=["coffee", "juggle"])
def tracked(request):
    """A real clip's name and its tracks by `flow`."""
    clip = request.param
    with av.open(str(CLIPS / "videos" / f"{clip}.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    anchors = {path.stem: read_mask(path) for path in sorted((CLIPS / "masks" / clip).glob("*.png"))}
    instances = tuple(Instance(id=name, class_="thing", appearance="a thing", colour="red") for name in anchors)
    found = create("", {}).track(
        TrackRequest(
            sample=Sample(id=clip, prompt="p", instances=instances, interactions=()),
            video=Video(sample_id=clip, seed=0, status=VideoStatus.OK, size=frames[0].shape[:2], frames=len(frames), fps=8.0),
            masks=anchors,
            frames=iter(frames),
        )
    )
    return clip, found


def overlaps(clip, found):
    """Yield frame, track, true mask and IoU wherever a drawn mask meets a visible one."""
    for frame, masks in truth(clip).items():
        for name, mask in masks.items():
            track = found.track(name)
            if track.states[frame] is TrackState.VISIBLE:
                yield frame, name, iou(decode(track.masks[frame], found.size), mask)


def test_no_visible_mask_lies_on_something_else(tracked):
    clip, found = tracked
    assert [(frame, name, share) for frame, name, share in overlaps(clip, found) if share < 0.4] == []


def test_most_of_what_is_drawn_is_found(tracked):
    clip, found = tracked
    shares = [share for _, _, share in overlaps(clip, found)]
    assert len(shares) >= 0.9 * sum(len(masks) for masks in truth(clip).values())
    assert np.mean(shares) > 0.75


def test_the_mug_is_followed_while_it_is_filled_and_the_ball_while_it_is_kicked(tracked):
    clip, found = tracked
    name = "id3" if clip == "coffee" else "id2"
    shares = {frame: share for frame, item, share in overlaps(clip, found) if item == name}
    assert set(shares) >= {16, 32, 48}
    assert min(shares.values()) > 0.6


def test_frame_0_holds_the_masks_that_were_given(tracked):
    clip, found = tracked
    for track in found.tracks:
        given = read_mask(CLIPS / "masks" / clip / f"{track.instance_id}.png")
        assert np.array_equal(decode(track.masks[0], found.size), given)
