"""Data sets of the library ``datasets`` as source and as target: benchmarks, lists of prompts and scores."""

import json
from pathlib import Path

import datasets
from click.testing import CliRunner

from intergeneval import bench
from intergeneval.cli import main

CLIPS = "clips"


def called(*arguments):
    found = CliRunner().invoke(main, [str(item) for item in arguments], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


def test_a_benchmark_goes_into_a_data_set_and_comes_back_as_it_was(tmp_path):
    called("bench", "export", CLIPS, "--layout", "hf", "--out", tmp_path / "set")
    found = datasets.load_from_disk(str(tmp_path / "set"))
    assert sorted(found["id"]) == sorted(sample.id for sample in bench.load(CLIPS).samples)
    called("bench", "import", tmp_path / "set", "--layout", "hf", "--out", tmp_path / "again")
    for sample in bench.load(CLIPS).samples:
        again = bench.load(str(tmp_path / "again")).sample(sample.id)
        assert again.prompt == sample.prompt
        assert again.interactions == sample.interactions
        mine, theirs = (
            bench.load_masks(made, one)
            for made, one in ((bench.load(CLIPS), sample), (bench.load(str(tmp_path / "again")), again))
        )
        assert all((mine[name] == theirs[name]).all() for name in mine)


def test_rows_of_prompts_become_a_benchmark_for_text_to_video(tmp_path):
    rows = [{"prompt": "A man kicks a ball", "name": "x1"}, {"prompt": "A dog chases a cat", "name": "x2"}]
    datasets.Dataset.from_list(rows).to_parquet(str(tmp_path / "rows.parquet"))
    called("bench", "import", tmp_path / "rows.parquet", "--layout", "hf", "--out", tmp_path / "out")
    assert [sample.id for sample in bench.load(str(tmp_path / "out")).samples] == ["x1", "x2"]


def test_a_picture_that_is_only_named_is_not_fetched(tmp_path):
    mask = {"size": [4, 4], "counts": [0, 16]}
    who = {"id": "id1", "class": "man", "appearance": "man", "mask": mask}
    row = {"prompt": "A man kicks a ball", "image": {"bytes": None, "path": "http://127.0.0.1:9/a.png"}, "instances": [who]}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    command = ["bench", "import", str(tmp_path / "rows.jsonl"), "--layout", "hf", "--out", str(tmp_path / "out")]
    found = CliRunner().invoke(main, command)
    assert found.exit_code == 2
    assert "save it with the bytes embedded" in found.output


def test_the_scores_of_a_run_go_into_a_data_set(tmp_path):
    ids = ",".join(sample.id for sample in bench.load("staged").samples[:2])
    called(
        "run", "--model", "staged:perfect", "--bench", "staged", "--samples", ids, "--judge", "oracle", "--out", tmp_path / "run"
    )
    called("bench", "export", "staged", "--layout", "hf", "--run", tmp_path / "run", "--out", tmp_path / "scores")
    found = datasets.load_from_disk(str(tmp_path / "scores"))
    lines = [json.loads(line) for line in Path(tmp_path / "run" / "scores.jsonl").read_text().splitlines()]
    assert [row["kisa_raw"] for row in found] == [line["kisa_raw"] for line in lines]
    assert all(row["prompt"] for row in found)
