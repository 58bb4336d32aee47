import codecs
import json

import pytest

from intergeneval import bench
from intergeneval.errors import BenchError
from intergeneval.records import Category, Direction
from tests.bench.small_benchmarks import SIZE, meta_entry, official_type, questions_json

HASH_BEFORE = "e8e06595c74b285bda66585b65eeb3e3607c3535d05ad540a303f4065ad06deb"
"""Hash of one sound type before an item could hold further keys."""


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


def with_keys(folder, *keys, number="000", **head):
    """Give the items of a file of questions further keys, one set an item."""
    value = questions_json(number)
    value["items"] = [{**value["items"][0], **own} for own in keys]
    (folder / f"questions/{number}.json").write_text(json.dumps(value))
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps([{**entry, **head} for entry in meta]))


def test_further_keys_of_an_item_say_who_does_what_to_whom_and_with_what(tmp_path):
    folder = official_type(tmp_path / "synthetic")
    first = {"subject": "id1", "verb": "lifts", "object": "id2", "part": "hand", "touching_at_start": "no", "instrument": None}
    with_keys(folder, first, {"destination": "the shelf", "relation": "on", "after": 0}, {})
    lifts, then, bare = bench.load(tmp_path).samples[0].interactions
    assert (lifts.subject, lifts.verb, lifts.object, lifts.part, lifts.touching_at_start) == ("id1", "lifts", "id2", "hand", "no")
    assert (lifts.text, len(lifts.questions), lifts.category) == ("man lifts cup", 10, Category.CONTACT)
    assert (then.subject, then.destination, then.relation, then.after) == (None, "the shelf", "on", 0)
    assert bare.to_json().keys() == {"subject", "verb", "object", "category", "direction", "text", "questions"}


def test_a_file_without_further_keys_has_the_hash_that_it_had_before_there_were_any(tmp_path):
    assert bench.load(official_type(tmp_path / "synthetic")).hash == HASH_BEFORE


@pytest.mark.parametrize(
    ("keys", "field", "said"),
    [
        ({"subject": "man"}, "items[0].subject", "no instance is called 'man'; use one of id1, id2"),
        ({"subject": 1}, "items[0].subject", "expected a text or null"),
        ({"part": "elbow"}, "items[0].part", "expected one of 'mouth', 'hand', 'foot'"),
        ({"after": "0"}, "items[0].after", "expected a whole number"),
        ({"after": 4}, "items[0].after", "interaction 4 does not exist"),
        ({"instrument": "id3"}, "items[0].instrument", "no instance is called 'id3'"),
        ({"relation": "in"}, "items[0].relation", "there is a relation (in) and no destination"),
        ({"subject": "id1", "object": "id1"}, "items[0].object", "'id1' is the subject too"),
        ({"destination": "a \ud800", "relation": "in"}, "items[0].destination", "holds half of a character"),
        ({"subject": "id1", "verb": "hugs", "object": "id2", "twin_of": "007"}, "items[0].twin_of", "no sample '007'"),
    ],
)
def test_a_further_key_that_is_wrong_is_named_in_its_own_file(tmp_path, keys, field, said):
    with_keys(official_type(tmp_path / "synthetic"), keys, interaction_direction="unidirectional")
    (fault,) = bench.check(tmp_path / "synthetic")
    assert (fault.file, fault.field, fault.sample) == ("questions/000.json", field, "000")
    assert said.partition("; ")[0].replace(" or null", "") in fault.problem
    assert fault.fix


def test_twins_are_called_by_their_number_in_the_type_however_many_types_are_loaded(tmp_path):
    act = {"subject": "id1", "verb": "lifts", "object": "id2"}
    for kind in ("real", "synthetic"):
        folder = official_type(tmp_path / kind, 2)
        with_keys(folder, {**act, "twin_of": "001"})
        back = {"subject": "id2", "verb": "lifts", "object": "id1", "twin_of": "000"}
        with_keys(folder, back, number="001", interaction_direction="unidirectional")
    assert bench.check(tmp_path) == []
    assert [sample.interactions[0].twin_of for sample in bench.load(tmp_path).samples[:2]] == ["real-001", "real-000"]
    assert [sample.interactions[0].twin_of for sample in bench.load(tmp_path / "real").samples] == ["001", "000"]
    with_keys(tmp_path / "real", act, number="001")
    (fault,) = bench.check(tmp_path)
    assert (fault.file, fault.field) == ("real/questions/000.json", "items[0].twin_of")
    assert "does not call 'real-000' its twin" in fault.problem


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


def test_what_the_masks_contradict_is_named_in_the_file_of_the_questions(tmp_path):
    folder = official_type(tmp_path / "synthetic")
    with_keys(folder, {"subject": "id1", "verb": "lifts", "object": "id2", "touching_at_start": "yes"})
    (fault,) = bench.check(folder)
    assert (fault.file, fault.field) == ("questions/000.json", "items[0].touching_at_start")
    assert "px apart" in fault.problem
