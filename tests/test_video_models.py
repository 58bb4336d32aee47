"""The table of video models: what the docs print of it, and what a folder's files tell."""

import json
from pathlib import Path

import pytest

from intergeneval.errors import ConfigError
from intergeneval.plugins.video_models import TABLE, as_markdown, read_rules

DOCS = Path(__file__).parents[1] / "docs" / "models.md"


def pipeline(folder, name, **files):
    folder.mkdir()
    (folder / "model_index.json").write_text(json.dumps({"_class_name": name}))
    for part, config in files.items():
        (folder / part).mkdir()
        (folder / part / "config.json").write_text(json.dumps(config))
    return read_rules(folder)


def test_the_docs_print_the_table_as_it_is():
    assert as_markdown() in DOCS.read_text(encoding="utf-8")


def test_every_pipeline_is_told_by_one_row_and_those_with_a_mark_stand_before_the_rest():
    for name in {name for row in TABLE for name in row.pipelines}:
        marks = [bool(row.mark) for row in TABLE if name in row.pipelines]
        assert marks == sorted(marks, reverse=True)
        assert marks.count(False) == 1


def test_two_models_of_one_class_are_told_apart_by_their_files(tmp_path):
    told = {"sample_height": 96, "sample_width": 170, "patch_size_t": 2}
    newer = pipeline(tmp_path / "a", "CogVideoXImageToVideoPipeline", transformer=told)
    older = pipeline(tmp_path / "b", "CogVideoXImageToVideoPipeline", transformer={"patch_size_t": None})
    assert [(item.name, item.rate, item.size) for item in (newer, older)] == [
        ("CogVideoX 1.5", 16.0, (768, 1360)),
        ("CogVideoX", 8.0, (480, 720)),
    ]
    small = pipeline(tmp_path / "c", "WanImageToVideoPipeline", vae={"z_dim": 48})
    large = pipeline(tmp_path / "d", "WanImageToVideoPipeline", vae={"z_dim": 16})
    assert [(item.rate, item.model.step) for item in (small, large)] == [(24.0, 32), (16.0, 16)]


def test_learned_positions_allow_their_one_size(tmp_path):
    told = {"sample_height": 60, "sample_width": 90, "use_learned_positional_embeddings": True}
    rules = pipeline(tmp_path / "a", "CogVideoXImageToVideoPipeline", transformer=told)
    rules.check_size((480, 720), "height and width are")
    with pytest.raises(ConfigError, match="has learned positions for 480 and 720 alone"):
        rules.check_size((720, 480), "height and width are")


def test_a_damaged_file_is_named(tmp_path):
    pipeline(tmp_path / "a", "WanPipeline", vae={})
    (tmp_path / "a" / "vae" / "config.json").write_text("{")
    with pytest.raises(ConfigError, match=r"vae/config.json: cannot be read"):
        read_rules(tmp_path / "a")
