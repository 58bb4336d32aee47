"""Prompt suites of others: the ids by which each names its videos, and benchmarks out of them."""

import json

import pytest
from click.testing import CliRunner

from intergeneval import bench
from intergeneval.build.formats.suites import read_suite
from intergeneval.build.prompted import prompts_of
from intergeneval.cli import main
from intergeneval.errors import UsageError
from intergeneval.sources.folder import FolderSource

LONG = "A woman in a red coat " + "and a very long scarf " * 10 + "hugs a man."


def written(folder, name, value):
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(value if isinstance(value, str) else json.dumps(value))
    return place


def test_each_suite_gives_the_ids_by_which_it_names_its_videos(tmp_path):
    rows = [
        {"prompt_en": "A dog chases a cat", "dimension": ["color", "scene"]},
        {"prompt_en": "A dog chases a cat", "dimension": ["scene"]},
    ]
    (one,) = read_suite("vbench", written(tmp_path, "VBench_full_info.json", rows))
    assert one.tags == ("dimension:color", "dimension:scene")
    (two,) = read_suite("vbench2", written(tmp_path, "text.json", {LONG[:180]: {"caption": LONG, "dimension": ["Plot"]}}))
    assert two.prompt == LONG
    written(tmp_path, "prompts/1_consistent_attr.txt", "A red dog bites a blue ball\nA man lifts a cup\n")
    written(tmp_path, "prompts/6_interaction.txt", "A man pushes a cart\n")
    found = read_suite("t2v-compbench", tmp_path / "prompts")
    assert [item.id for item in found] == ["consistent_attr-0001", "consistent_attr-0002", "interaction-0001"]
    assert found[0].tags == ("type:consistent_attr", "dimension:consistent_attr")
    crafter = read_suite("evalcrafter", written(tmp_path, "prompt700.txt", "A man lifts a cup\n\nA dog chases a cat\n"))
    assert [item.id for item in crafter] == ["0000", "0002"]


def test_an_empty_line_of_a_suite_is_a_place_in_its_numbering(tmp_path):
    """EvalCrafter and T2V-CompBench call videos by the line of their prompt: the third line's video is not the second's."""
    written(tmp_path, "prompts/6_interaction.txt", "A man pushes a cart\n\nA dog chases a cat\n\n")
    said = []
    found = read_suite("t2v-compbench", tmp_path / "prompts", said)
    assert len(said) == 1
    assert "line 2 is empty and counted" in said[0]
    assert [(item.id, item.prompt) for item in found] == [
        ("interaction-0001", "A man pushes a cart"),
        ("interaction-0003", "A dog chases a cat"),
    ]


def test_a_suite_becomes_a_benchmark_that_finds_the_videos_it_names(tmp_path):
    place = written(
        tmp_path,
        "VBench_full_info.json",
        [{"prompt_en": "A dog chases a cat.", "dimension": ["scene"]}, {"prompt_en": "The sea."}],
    )
    done = CliRunner().invoke(main, ["bench", "import", str(place), "--layout", "vbench", "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "1 of 2 prompts name no interaction" in done.output
    (sample,) = bench.load(str(tmp_path / "out")).samples
    written(tmp_path, "videos/A dog chases a cat.-3.mp4", "")
    assert FolderSource(tmp_path / "videos").seeds(sample, ()) == (3,)
    assert sample.tags == ("dimension:scene",)


def test_the_suites_own_file_is_a_list_of_prompts_for_a_run(tmp_path):
    place = written(tmp_path, "text.json", {LONG[:180]: {"caption": LONG, "dimension": ["Plot"]}})
    written(tmp_path, f"videos/{LONG[:180]}-0.mp4", "")
    (row,) = prompts_of(tmp_path / "videos", str(place))
    assert row.prompt == LONG


@pytest.mark.parametrize("value", ["[]", "{}", '[{"dimension": []}]', '"text"'])
def test_a_list_that_is_none_is_refused(value, tmp_path):
    with pytest.raises(UsageError):
        read_suite("vbench", written(tmp_path, "x.json", value))
