import codecs
import json

import pytest

from intergeneval import bench
from intergeneval.errors import BenchError
from intergeneval.records import Category, Direction
from tests.bench.small_benchmarks import SIZE, meta_entry, official_type, questions_json


def test_one_type_keeps_the_release_s_numbers_as_ids(tmp_path):
    official_type(tmp_path / "EVAL_DATA" / "synthetic", 2)
    for path in (tmp_path, tmp_path / "EVAL_DATA", tmp_path / "EVAL_DATA" / "synthetic"):
        found = bench.load(path)
        assert [sample.id for sample in found.samples] == ["000", "001"]
        assert found.layout == "official"
        assert bench.check(path) == []


def test_several_types_put_the_type_before_the_number(tmp_path):
    for kind in ("synthetic", "real"):
        official_type(tmp_path / kind, 2)
    found = bench.load(tmp_path)
    assert [sample.id for sample in found.samples] == ["real-000", "real-001", "synthetic-000", "synthetic-001"]
    assert "type:real" in found.samples[0].tags
    assert bench.masks_for(found, found.samples[3], SIZE)["id1"].any()


def test_the_ten_questions_are_taken_verbatim(tmp_path):
    official_type(tmp_path / "synthetic")
    (tmp_path / "synthetic/questions/000.json").write_text(json.dumps(questions_json("000", ("yellow", "magenta"))))
    sample = bench.load(tmp_path).samples[0]
    (interaction,) = sample.interactions
    assert interaction.questions == tuple(f"question {index}?" for index in range(1, 11))
    assert (interaction.subject, interaction.object, interaction.text) == (None, None, "man lifts cup")
    assert [item.colour for item in sample.instances] == ["yellow", "magenta"]


def test_without_questions_check_names_the_samples_that_need_interactions(tmp_path):
    official_type(tmp_path / "synthetic", 3, questions=False)
    assert all(sample.interactions == () for sample in bench.load(tmp_path).samples)
    faults = bench.check(tmp_path)
    assert [(fault.sample, fault.field) for fault in faults] == [(f"00{index}", "interactions") for index in range(3)]
    assert [fault.fix for fault in faults][1] == "add synthetic/questions/001.json with key_interaction and ten questions an item"


def test_the_place_of_missing_questions_names_the_type_where_there_are_several(tmp_path):
    official_type(tmp_path / "real", 2, questions=False)
    official_type(tmp_path / "synthetic")
    first, second = bench.check(tmp_path)
    assert first.fix.startswith("add real/questions/000.json with")
    assert second.fix.startswith("add real/questions/001.json with")


def test_a_byte_order_mark_is_no_fault(tmp_path):
    folder = official_type(tmp_path / "synthetic")
    for path in (folder / "meta.json", folder / "questions/000.json"):
        path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    assert bench.check(tmp_path) == []


def test_what_is_no_number_is_a_fault_of_its_file(tmp_path):
    folder = official_type(tmp_path / "synthetic")
    (folder / "meta.json").write_text(json.dumps([{**meta_entry(), "rating": float("nan")}]))
    (found,) = bench.check(tmp_path)
    assert "NaN is no number that JSON can hold" in found.problem


@pytest.mark.parametrize(
    ("word", "category"), [("contact", Category.CONTACT), (" Force ", Category.FORCE), ("transport_move", None), (3, None)]
)
def test_a_type_is_taken_where_the_word_is_ours_and_never_guessed(tmp_path, word, category):
    folder = official_type(tmp_path / "synthetic")
    (folder / "meta.json").write_text(json.dumps([{**meta_entry(), "interaction_type": word}]))
    sample = bench.load(tmp_path).samples[0]
    assert sample.interactions[0].category is category
    assert sample.interactions[0].direction is Direction.BIDIRECTIONAL
    assert (f"interaction_type:{word}" in sample.tags) is isinstance(word, str)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"video_text_prompt": None}, "[0].video_text_prompt"),
        ({"video_text_prompt": " "}, "prompt"),
        ({"objects": []}, "[0].objects"),
        ({"objects": "man"}, "[0].objects"),
        ({"objects": [{"class": "man"}, {"class": "cup", "appearance": "c"}]}, "[0].objects[0]"),
        ({"num_objects": 7}, "[0].num_objects"),
    ],
)
def test_a_damaged_entry_is_named_with_its_field(tmp_path, change, field):
    folder = official_type(tmp_path / "synthetic")
    (folder / "meta.json").write_text(json.dumps([{**meta_entry(), **change}]))
    assert field in [fault.field for fault in bench.check(tmp_path)]
    with pytest.raises(BenchError, match=r"meta\.json"):
        bench.load(tmp_path)


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"items": []}', '{"items": [{"questions": ["one?"]}]}', '{"video_id": "001", "items": []}', '{"items": [3]}'],
)
def test_a_damaged_question_file_is_named(tmp_path, content):
    folder = official_type(tmp_path / "synthetic")
    (folder / "questions/000.json").write_text(content)
    faults = [fault for fault in bench.check(tmp_path) if fault.file == "synthetic/questions/000.json"]
    assert faults
    assert all(fault.sample == "000" and fault.fix for fault in faults)


def test_colours_that_cannot_be_drawn_are_a_fault(tmp_path):
    folder = official_type(tmp_path / "synthetic")
    (folder / "questions/000.json").write_text(json.dumps(questions_json("000", ("red", "mauve"))))
    assert [fault.field for fault in bench.check(tmp_path)] == ["colors"]


def test_every_fault_is_found_in_one_pass(tmp_path):
    folder = official_type(tmp_path / "synthetic", 3)
    meta = [meta_entry(), {**meta_entry(), "objects": []}, "sample"]
    (folder / "meta.json").write_text(json.dumps(meta))
    (folder / "masks/000/id2.png").unlink()
    faults = bench.check(tmp_path)
    assert faults[-1].fix == "add synthetic/masks/000/id2.png"
    fields = [(fault.sample, fault.field) for fault in faults]
    assert fields == [("001", "[1].objects"), ("", "[2]"), ("000", "instances[1].mask")]
