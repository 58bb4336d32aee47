"""Policies: the synthetic models."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from intergeneval.errors import ConfigError
from intergeneval.masks import box_iou
from intergeneval.staged import FAULTS, MIXTURES, POLICIES, Request, perform, plan, scenes
from intergeneval.staged.dial import Dial
from intergeneval.staged.stage import Stage


def _mean_if(policy: str, count: int = 36) -> float:
    found = [perform(item, Request(policy=policy)).verdict() for item in scenes(5, count)]
    return float(np.mean([item.scores["bounded"]["if"] for item in found]))


def test_there_are_at_least_twelve_policies_and_each_fault_is_one():
    """Perfect, sixteen faults, and a graded family."""
    assert len(POLICIES) >= 12
    assert set(FAULTS) < set(POLICIES)
    with pytest.raises(ConfigError, match="no staged policy is called 'sloppy'; there are: perfect"):
        plan("sloppy", scenes(1, 1)[0])


def test_the_graded_family_spans_true_if_from_one_to_nearly_zero():
    """Mean true IF falls from mix-00 (exactly 1) to mix-10 (below 0.1)."""
    means = [_mean_if(policy) for policy in (MIXTURES[0], MIXTURES[4], MIXTURES[7], MIXTURES[10])]
    assert means[0] == 1.0
    assert means[3] < 0.1
    assert sorted(means, reverse=True) == means


def test_plans_depend_on_scene_seed_and_policy_alone():
    """Asked twice, a plan is the same; other seeds give other draws."""
    found = scenes(1, 40)
    for policy in ("vanishes", "mix-05"):
        assert [plan(policy, item).severity for item in found] == [plan(policy, item).severity for item in found]
        assert [plan(policy, item, 1).severity for item in found] != [plan(policy, item).severity for item in found]


def test_every_fault_has_a_place_in_many_scenes():
    """At least a tenth of the scenes can show each fault."""
    found = scenes(1, 144)
    for name in FAULTS:
        assert sum(plan(name, item).dial.faults == (name,) for item in found) >= 14, name


def test_the_first_frame_of_a_faulty_video_is_the_perfect_one():
    """Benchmark masks hold for every policy but the one that starts engaged."""
    for name in set(FAULTS) - {"pre-state"}:
        for item in scenes(3, 12):
            perfect, faulty = (Stage(item, dial, (48, 72)).shot(0.0) for dial in (Dial(), plan(name, item).dial))
            assert np.array_equal(perfect.ids, faulty.ids), (name, item.id)


def test_a_double_stands_where_nobody_ends_up():
    """Whoever is pushed or kicked does not stop on the double's place, where the two would be found as one."""
    for item in scenes(2, 12):
        for name in ("duplicate", "foreign"):
            truth = perform(item, Request(policy=name, size=(120, 180), frames=13)).truth()
            double = plan(name, item).dial.extras[0]
            for found, emerged in zip(truth.detections.found[1:], truth.emergence, strict=True):
                before = sum(one.class_ == double.kind for one in truth.detections.found[0])
                boxes = [one.box for one in found if one.class_ == double.kind]
                assert len(boxes) == before + emerged, (item.id, name)
                assert all(box_iou(a, b) < 0.5 for a, b in combinations(boxes, 2)), (item.id, name)


def test_two_who_do_something_together_are_never_swapped_with_each_other():
    # After the exchange they would still do it, to each other, in plain sight.
    found = 0
    for scene in scenes(2, 80):
        dial = plan("identity-swap", scene, 0).dial
        act = scene.acts[0]
        if dial.swap is not None and act.script.direction.value == "bidirectional":
            found += 1
            assert set(dial.swap[:2]) != {act.subject, act.object}, scene.id
    assert found > 0
