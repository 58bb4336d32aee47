"""A report of six models on sixty scenes with answers, tracks and outlines; there are no video files to hash and link."""

import time

from intergeneval.report import write_report
from tests.report.report_world import World, build

TARGET = 10.0
LIMIT = 20.0
"""Fails only above: other work on the same cores may double the time."""


def test_six_models_on_sixty_scenes_are_reported_in_seconds(tmp_path, capsys):
    world = World(models=tuple(f"model-{number}" for number in range(6)), samples=60)
    folders = build(tmp_path, world)
    began = time.perf_counter()
    written = write_report(folders, tmp_path / "report")
    seconds = time.perf_counter() - began
    with capsys.disabled():
        print(f"\nreport of 6 models x 60 scenes, {seconds:.1f} s (target {TARGET:g} s)")  # noqa: T201  # the figure
    assert written.pages == 60
    assert seconds < LIMIT
