"""The staged world: scenes by seed, pictures, and what scripts promise."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from intergeneval import verbs
from intergeneval.errors import BackendError
from intergeneval.records import Category, Direction
from intergeneval.staged import SCRIPTS, Request, Scene, perform, scene, scene_of, scenes
from intergeneval.staged.dial import Dial
from intergeneval.staged.kinds import ACTORS, PROPS
from intergeneval.staged.play import Events, Play
from intergeneval.staged.stage import Stage

SMALL = (80, 120)
STRIDE = 5 / 48


def _digest(scene_: Scene, policy: str = "perfect", **options: object) -> str:
    request = Request(policy=policy, **{"size": SMALL, "frames": 9, **options})  # type: ignore[arg-type]
    return hashlib.sha256(b"".join(frame.tobytes() for frame in perform(scene_, request).frames())).hexdigest()


def test_equal_seeds_give_equal_bytes_and_other_seeds_do_not():
    """The frames of a scene are the same whenever it is performed; noise and faults follow the seed."""
    noisy = scene(1, 13)
    assert noisy.noise > 0
    assert _digest(noisy) == _digest(noisy)
    assert _digest(noisy) != _digest(noisy, seed=1)
    assert _digest(noisy) != _digest(scene(2, 13))


def test_painting_one_frame_does_not_depend_on_the_frames_before_it_except_for_noise():
    """A still frame is a function of its time: painted alone it equals the one painted in order."""
    quiet = scene(1, 0)
    assert quiet.noise == 0
    in_order = list(Stage(quiet, Dial(), SMALL).shots(5))
    alone = Stage(quiet, Dial(), SMALL).shot(0.5)
    assert np.array_equal(in_order[2].frame, alone.frame)
    assert np.array_equal(in_order[2].ids, alone.ids)


@pytest.mark.parametrize(("size", "frames"), [((64, 64), 5), ((96, 54), 17), ((480, 720), 2)])
def test_any_size_and_length_is_rendered(size, frames):
    """Frames, masks and sampled indices follow the size and the number of frames that were asked for."""
    images, truth = perform(scene(1, 3), Request(policy="perfect", size=size, frames=frames)).record(keep_frames=True)
    assert len(images) == frames
    assert all(image.shape == (*size, 3) and image.dtype == np.uint8 for image in images)
    assert truth.visible.size == size
    assert all(len(track.masks) == frames and track.areas[0] > 0 for track in truth.visible.tracks)
    assert truth.frames[0] == 0
    assert truth.frames[-1] == frames - 1


def test_there_are_enough_actors_props_and_verbs_and_the_lexicon_knows_each_verb():
    """At least 6 kinds of actors, 12 of props and 18 verbs, two or more a category, three without contact, some mutual."""
    assert len(ACTORS) >= 6
    assert len(PROPS) >= 12
    assert len(SCRIPTS) >= 18
    assert min(Counter(item.category for item in SCRIPTS.values())[category] for category in Category) >= 2
    assert sum(not item.contact for item in SCRIPTS.values()) >= 3
    assert sum(item.direction is Direction.BIDIRECTIONAL for item in SCRIPTS.values()) >= 3
    for script in SCRIPTS.values():
        entry = verbs.look_up(script.verb)
        assert entry is not None, script.verb
        assert (entry.category, entry.contact) == (script.category, script.contact), script.verb
        assert set(script.subjects) <= set(ACTORS)
        assert set(script.objects) <= {*ACTORS, *PROPS}


def test_every_event_lasts_longer_than_the_distance_of_two_sampled_frames():
    """No part of any script can fall between two sampled frames."""
    for verb in SCRIPTS:
        found = next(item for item in scenes(1, 400) if item.acts[0].script.verb == verb)
        for name in ("start", "contact", "keep", "advance", "outcome", "acting", "deed"):
            low, high = getattr(Stage(found, Dial(), SMALL).events[0], name)
            assert high - low > STRIDE, (verb, name)


def test_scenes_are_balanced_over_categories_directions_counts_and_levels():
    """Six groups of equal size; every instance count, level and number of interactions is common."""
    found = scenes(1, 144)
    groups = Counter((item.acts[0].script.category, item.acts[0].script.direction) for item in found)
    assert set(groups.values()) == {24}
    assert min(Counter(len(item.figures) for item in found)[count] for count in (2, 3, 4)) >= 20
    assert min(Counter(item.level for item in found)[level] for level in (1, 2, 3)) >= 40
    assert sum(len(item.acts) == 2 for item in found) >= 10
    assert len({item.acts[0].script.verb for item in found}) == len(SCRIPTS)


def test_instances_of_a_scene_can_be_told_apart_by_their_phrases():
    """No two instances of one sample share an appearance phrase."""
    for item in scenes(2, 60):
        phrases = [instance.appearance for instance in item.sample().instances]
        assert len(set(phrases)) == len(phrases)


def test_a_sample_that_was_edited_or_is_not_staged_is_refused():
    """A changed appearance or a foreign name is an error that says so."""
    sample = scene(1, 4).sample()
    assert scene_of(sample) == scene(1, 4)
    edited = type(sample).from_json({**sample.to_json(), "interactions": []})
    with pytest.raises(BackendError, match="differs from the staged scene"):
        scene_of(edited)
    foreign = type(sample).from_json({**sample.to_json(), "id": "coffee"})
    with pytest.raises(BackendError, match="is not a staged scene"):
        scene_of(foreign)


def test_a_script_needs_a_subject_that_acts():
    """A thing in the subject's role is a mistake of the author, found at once."""
    with pytest.raises(TypeError, match="cannot be the subject"):
        Play(PROPS["box"](10.0), PROPS["box"](50.0), 20.0, 20.0)
    assert Events().contact[0] < Events().contact[1]


def test_what_a_dog_carries_turns_with_it_and_is_never_suddenly_elsewhere():
    """A held thing moves less than twice its size from one frame to the next while its bearer turns round."""
    item = next(item for item in scenes(2, 60) if item.acts[0].script.verb == "fetches")
    track = perform(item, Request(policy="perfect", size=(120, 180))).truth().visible.track(item.acts[0].object)
    middles = [((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) for box in track.boxes if box is not None]
    size = float(np.sqrt(np.median([area for area in track.areas if area])))
    assert max(np.hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(middles)) < 2.0 * size
