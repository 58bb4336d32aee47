"""Staged twins: one first frame, exchanged roles, and truth about both."""

import dataclasses

import numpy as np
import pytest

from intergeneval.errors import BackendError
from intergeneval.records import TWIN_IDS, AnswerValue
from intergeneval.staged import Request, perform, scene_of, twin_scenes
from intergeneval.staged.dial import Dial
from intergeneval.staged.stage import Stage
from intergeneval.staged.write import write_twins

SMALL = (64, 96)


def gaps(policy, count=20, seed=0):
    """Of each pair, how many more of the questions each video answers with yes about its own deed than about its twin's."""
    found = []
    for index in range(count):
        pair = []
        for scene in twin_scenes(1, index):
            verdict = perform(scene, Request(policy=policy, seed=seed)).verdict()
            yes = [
                {item.question_id for item in verdict.sampled if item.value is AnswerValue.YES and item.interaction == act}
                for act in (0, 1)
            ]
            pair.append(len(yes[0] & set(TWIN_IDS)) - len(yes[1] & set(TWIN_IDS)))
        found.append(tuple(pair))
    return found


@pytest.mark.parametrize("index", range(10))
def test_twins_begin_with_the_same_picture_and_the_same_outlines(index):
    first, second = twin_scenes(1, index)
    shots = [Stage(scene, Dial(), (120, 180)).shot(0.0) for scene in (first, second)]
    assert np.array_equal(shots[0].frame, shots[1].frame)
    assert np.array_equal(shots[0].ids, shots[1].ids)
    assert (first.acts[0].subject, first.acts[0].object) == (second.acts[0].object, second.acts[0].subject)
    facing = {item.id: item.facing * np.sign(75.0 - item.x) for item in first.figures[:2]}
    assert facing == {"id1": 1.0, "id2": 1.0}, "both look at the middle"


def test_what_is_asked_is_shown_and_the_twin_s_deed_is_not():
    assert set(gaps("perfect")) == {(7, 7)}


def test_a_policy_that_tosses_a_coin_gets_each_outcome_once_in_four_pairs_and_one_that_paints_one_picture_never_both():
    either = gaps("either-role")
    for start in range(0, 20, 4):
        assert {(mine > 0, theirs > 0) for mine, theirs in either[start : start + 4]} == {
            (True, True),
            (True, False),
            (False, True),
            (False, False),
        }
    assert either != gaps("either-role", seed=1)
    assert all(mine == -theirs for mine, theirs in gaps("one-role"))


def test_one_role_paints_the_very_same_video_for_both_twins():
    first, second = (
        list(perform(scene, Request(policy="one-role", size=SMALL, frames=9)).frames()) for scene in twin_scenes(1, 0)
    )
    assert all(np.array_equal(mine, theirs) for mine, theirs in zip(first, second, strict=True))


def test_samples_of_twins_are_a_sound_benchmark_that_shares_its_pictures(tmp_path):
    from intergeneval import bench

    samples = write_twins(tmp_path / "twins", count=5, size=SMALL)
    found = bench.load(tmp_path / "twins")
    assert not bench.check(tmp_path / "twins")
    assert not bench.check_suite(found, found.suite).faults
    assert samples[0].image == samples[1].image
    assert samples[0].scene == samples[1].scene == "staged-twins-1-000"
    assert scene_of(samples[1]).acts[0].subject == samples[1].interactions[0].subject == "id2"
    assert len(list((tmp_path / "twins/first_frames").iterdir())) == 5


def test_a_sample_that_says_otherwise_than_its_scene_is_refused():
    sample = twin_scenes(1, 0)[0].sample()
    with pytest.raises(BackendError, match="differs from the staged scene"):
        scene_of(dataclasses.replace(sample, id="staged-twins-1-000-b"))
