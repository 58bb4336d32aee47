"""The simulation of long runs on a cluster, which rests on the line of jobs that the engines use."""

import argparse
import importlib
from pathlib import Path

import pytest

PLACE = Path(__file__).parents[2] / "reports" / "cluster"


@pytest.fixture
def simulate(monkeypatch):
    monkeypatch.syspath_prepend(str(PLACE))
    return importlib.import_module("simulate")


def held(simulate, **changes):
    given = {name: default for name, (default, _) in simulate.INPUTS.items()} | {"nodes": 3, "gpus": 2, "clips": 600}
    simulation = simulate.Simulation(argparse.Namespace(**(given | changes)))
    simulation.run()
    return simulation, simulate.told(simulation.given, simulation)


def test_without_losses_workers_wait_for_nothing_but_the_start_the_first_process_and_the_last_clip(simulate):
    _, told = held(simulate, failures=0.0, hopeless=0.0, node_loss=1e12)
    assert told["work_done_twice"] == told["clips_failed"] == told["workers_that_ended_under_a_clip"] == 0
    assert 0.97 < told["workers_at_useful_work"] < 1


def test_clips_that_end_every_worker_fail_after_three_and_no_other_does(simulate):
    simulation, told = held(simulate, failures=0.0, hopeless=0.02, node_loss=1e12)
    assert 5 <= told["clips_failed"] <= 25
    assert told["workers_that_ended_under_a_clip"] == 3 * told["clips_failed"]
    assert simulation.sums.done == 600 - told["clips_failed"]


def test_nodes_that_go_cost_what_was_under_way_there_and_the_run_ends(simulate):
    simulation, told = held(simulate, failures=0.0, hopeless=0.0, node_loss=120.0, away=60.0)
    nodes_lost = simulation.now / 120
    assert 0 < told["workers_that_ended_under_a_clip"] <= 2 * nodes_lost
    assert (simulation.sums.done + simulation.sums.failed, len(simulation.line)) == (600, 0)
    assert told["hours"] > told["hours_without_losses"]


def test_a_first_process_that_takes_longer_than_the_workers_holds_them_up(simulate):
    _, told = held(simulate, failures=0.0, hopeless=0.0, node_loss=1e12, driver_ms=4000.0)
    assert told["first_process_busy"] > 0.95
    assert told["workers_at_useful_work"] < 0.6
