"""Benchmarks that a plug-in makes: registered by a distribution on the path, as an installed one is."""

import pytest
from click.testing import CliRunner

from intergeneval import bench
from intergeneval.cli import main
from intergeneval.errors import BenchError
from tests.bench.small_benchmarks import own_benchmark

MODULE = """
from pathlib import Path
import numpy as np
from intergeneval.bench import Benchmark
from intergeneval.records import Instance, Interaction, Sample

def look(sample):
    mask = np.zeros((24, 36), bool)
    mask[4:12, 2:10] = True
    return np.full((24, 36, 3), 90, np.uint8), {"id1": mask}

def sample(name, interactions):
    pair = [Instance(id=f"id{i}", class_=c, appearance=c, colour=k) for i, c, k in ((1, "man", "red"), (2, "cup", "blue"))]
    return Sample(id=name, prompt="p", instances=tuple(pair), interactions=interactions)

def made():
    lifts = (Interaction(subject="id1", verb="lifts", object="id2"),)
    samples = (sample("one", lifts), sample("two", ()))
    return Benchmark(name="made", version="1", root=Path("."), samples=samples, hash="0", layout="made", first_look=look)

def wrong():
    return 3
"""


@pytest.fixture(autouse=True)
def plug_in(tmp_path, monkeypatch):
    info = tmp_path / "site/maker-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: maker\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[intergeneval.benchmarks]\nmade = maker_of_benchmarks:made\nwrong = maker_of_benchmarks:wrong\n"
    )
    (tmp_path / "site/maker_of_benchmarks.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.chdir(tmp_path)


def test_it_is_listed_and_loaded_by_name():
    assert "made" in bench.names()
    assert [sample.id for sample in bench.load("made").samples] == ["one", "two"]


def test_check_names_the_sample_that_needs_interactions():
    result = CliRunner().invoke(main, ["bench", "check", "made"])
    assert result.exit_code == 2
    assert "sample 'two': the sample has no interaction yet" in result.stdout
    assert "1 fault" in result.stderr


def test_the_sheet_shows_what_it_renders(tmp_path):
    result = CliRunner().invoke(main, ["bench", "show", "made", "--sheet", str(tmp_path / "sheet.png")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "sheet.png").stat().st_size > 1000


def test_a_folder_of_that_name_in_the_working_folder_comes_first(tmp_path):
    own_benchmark(tmp_path / "benchmarks/made")
    assert bench.load("made").name == "small"


def test_a_plug_in_that_makes_no_benchmark_is_named():
    with pytest.raises(BenchError, match="'wrong' returned int"):
        bench.load("wrong")
