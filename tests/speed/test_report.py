"""A report of six models on scenes with answers, tracks and outlines grows with the scenes; there are no video files to link."""

import time
from pathlib import Path

from intergeneval.report import write_report
from tests.report.report_world import World, build

FEW, MANY = 15, 60
LIMIT = 1.25
"""CPU seconds of the many over those of the few, against the ratio of the scenes."""


def _seconds(folder: Path, samples: int) -> float:
    """Return the CPU seconds of a report of six models on so many scenes."""
    folders = build(folder, World(models=tuple(f"model-{number}" for number in range(6)), samples=samples))
    began = time.process_time()
    written = write_report(folders, folder / "report")
    seconds = time.process_time() - began
    assert written.pages == samples
    return seconds


def test_a_report_of_four_times_the_scenes_costs_about_four_times(tmp_path: Path, capsys):
    _seconds(tmp_path / "warm", 2)
    few, many = _seconds(tmp_path / "few", FEW), _seconds(tmp_path / "many", MANY)
    ratio = many / few
    with capsys.disabled():
        print(f"\nreport of 6 models x {FEW} and {MANY} scenes, {few:.1f} and {many:.1f} CPU s, {ratio:.2f} x")  # noqa: T201  # the figure
    assert ratio < LIMIT * MANY / FEW
