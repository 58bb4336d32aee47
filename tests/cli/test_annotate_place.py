"""Where `annotate` writes, which is never the installed package, and which lines it takes."""

import shutil

import pytest
from click.testing import CliRunner

from intergeneval import bench, bench_paths
from intergeneval.cli import main
from intergeneval.cli.annotate import opened
from intergeneval.errors import UsageError
from tests.build.prompted_videos import videos


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A user's folder with a model's videos in it, and no benchmark."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(bench.load("clips").root / "videos", tmp_path / "model")
    return tmp_path


def test_masks_for_a_benchmark_that_came_with_the_package_are_drawn_in_a_copy_that_a_run_finds_first(elsewhere, capsys):
    shipped = bench.load("clips")
    session = opened("model", prompts=None, bench="clips", name="", tracker=None)
    assert session.root.resolve() == elsewhere / "benchmarks/clips"
    assert "came with the package, so masks are drawn in a copy of it: benchmarks/clips" in capsys.readouterr().err
    found = bench.load("clips")
    assert found.root.resolve() == elsewhere / "benchmarks/clips"
    assert found.hash == shipped.hash
    # The second time the copy is what the name means.
    (session.root / "mine.txt").write_text("kept")
    assert (opened("model", prompts=None, bench="clips", name="", tracker=None).root / "mine.txt").is_file()
    assert capsys.readouterr().err == ""


def test_a_benchmark_of_the_user_is_annotated_where_it_lies(elsewhere):
    shutil.copytree(bench.load("clips").root, elsewhere / "mine")
    assert opened("model", prompts=None, bench="mine", name="", tracker=None).root.resolve() == elsewhere / "mine"
    assert bench_paths.own_place(elsewhere / "mine") == elsewhere / "mine"


def test_a_copy_that_cannot_be_made_is_one_message_and_leaves_nothing_behind(elsewhere):
    (elsewhere / "benchmarks").write_text("a file where the folder should be")
    with pytest.raises(UsageError, match="cannot be copied there"):
        opened("model", prompts=None, bench="clips", name="", tracker=None)
    assert sorted(item.name for item in elsewhere.iterdir()) == ["benchmarks", "model"]


def test_a_benchmark_that_came_with_the_package_is_annotated_by_its_name_alone(elsewhere, capsys):
    session = opened("clips", prompts=None, bench=None, name="", tracker="flow")
    assert session.root.resolve() == elsewhere / "benchmarks/clips"
    assert session.model == ""
    assert len(session.items) == len(bench.load("clips").samples)


def test_what_cannot_be_annotated_leaves_no_copy_behind(elsewhere):
    for file in (elsewhere / "model").iterdir():
        file.rename(file.with_name(f"other-{file.name}"))
    with pytest.raises(UsageError, match="is a video of a sample of benchmark clips"):
        opened("model", prompts=None, bench="clips", name="", tracker="flow")
    assert [item.name for item in elsewhere.iterdir()] == ["model"]


def test_a_benchmark_of_prompts_alone_says_whose_first_frames_are_drawn_on(elsewhere, capsys):
    (elsewhere / "list.jsonl").write_text('{"id": "a", "prompt": "a man lifts a box"}\n')
    done = CliRunner().invoke(main, ["bench", "build", "list.jsonl", "--text-only", "--out", "benchmarks/mine"])
    assert done.exit_code == 0, done.output
    with pytest.raises(UsageError, match="annotate VIDEOS --bench benchmarks/mine") as error:
        opened("mine", prompts=None, bench=None, name="", tracker="flow")
    assert "None" not in str(error.value)


def test_a_line_that_would_leave_nothing_of_a_mask_is_refused_and_forgotten(tmp_path, monkeypatch):
    """Each line counts from then on: one that was refused must not make every later one fail."""
    monkeypatch.chdir(tmp_path)
    videos(tmp_path / "model", "a dog chases a cat.mp4")
    session = opened("model", prompts="names", bench=None, name="", tracker="flow")
    session.draw(0, "id1", (4, 9, 21, 41))
    everything = [(x, y) for x in range(0, 65, 2) for y in (0, 48)]
    with pytest.raises(UsageError, match="this line is not taken"):
        session.scribble(0, "id1", everything, plus=False)
    with pytest.raises(UsageError, match="no point of the first frame"):
        session.scribble(0, "id1", [(float("inf"), 3)], plus=True)
    assert session.scribble(0, "id1", [(40, 44), (60, 44)], plus=False)["instances"][0]["mask"]
