"""Policies: the synthetic models."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from intergeneval.errors import ConfigError
from intergeneval.masks import box_iou
from intergeneval.staged import FAULTS, MIXTURES, POLICIES, Request, perform, plan, scenes
from intergeneval.staged.dial import Dial
from intergeneval.staged.play import Events
from intergeneval.staged.scene import rng_of
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


def test_the_graded_family_spans_true_if_from_nearly_one_to_nearly_zero():
    """Mean true IF falls from mix-01 (a few faults) to mix-10 (below 0.1)."""
    means = [_mean_if(policy) for policy in (MIXTURES[0], MIXTURES[3], MIXTURES[6], MIXTURES[9])]
    assert 0.9 < means[0] < 1.0
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


def test_every_fault_looks_different_when_it_is_graver():
    """In some scene of the first thirty the mildest and the gravest case of each fault differ in what is seen."""
    for name, fault in FAULTS.items():
        for item in scenes(2, 30):
            mild, grave = (fault.turn(item, rng_of("severity", name), value) for value in (0.0, 0.999))
            if mild is None or grave is None:
                continue
            clocks = [step / 24 for step in range(1, 25)]
            seen = ([Stage(item, dial, (48, 72)).shot(clock).frame for clock in clocks] for dial in (mild, grave))
            if any(not np.array_equal(one, other) for one, other in zip(*seen, strict=True)):
                break
        else:
            pytest.fail(f"{name}: severity changes nothing")


def test_a_new_verb_starts_engaged_and_is_undone_by_its_own_events():
    """Where a script says when it is engaged and done, the faults that depend on it follow, without a table to add to."""
    item = next(item for item in scenes(2, 40) if item.acts[0].script.verb == "pushes")
    late = Events(engaged=0.55, start=(0.3, 0.54), contact=(0.54, 0.9), keep=(0.58, 0.9), advance=(0.6, 0.8), outcome=(0.8, 1.0))
    known = item.acts[0].script

    def act(play):
        known.act(play)
        return late

    new = replace(item, acts=(replace(item.acts[0], script=replace(known, act=act)), *item.acts[1:]))
    for severity in (0.0, 0.5, 1.0):
        engaged = FAULTS["pre-state"].turn(new, rng_of("new"), severity)
        assert late.engaged <= engaged.warp(0.0) < late.advance[1]
        undone = FAULTS["outcome-missing"].turn(new, rng_of("new"), severity)
        times = [undone.warp(step / 96) for step in range(97)]
        assert late.advance[0] < max(times) < late.outcome[0]
        assert late.contact[0] < times[-1] < late.advance[0]


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
