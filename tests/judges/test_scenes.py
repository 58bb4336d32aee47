"""What a model may say of a prompt: the curation rules, each with its sentence for the repair turn."""

import copy
import json
import re

import pytest

from intergeneval.errors import ConfigError
from intergeneval.judges.prompting import SCENE_NAMES, Prompts
from intergeneval.judges.scenes import read_scene, scene_inquiry
from tests.build.workshop import PROMPT, scene


def changed(change):
    value = copy.deepcopy(scene("man", "mug"))
    change(value)
    return json.dumps(value)


def test_a_scene_is_read_and_pruned_to_what_its_interactions_need():
    value = scene("man", "mug", "woman")
    found = read_scene(json.dumps(value), PROMPT)
    assert [item["id"] for item in found["instances"]] == ["id1", "id2"]
    assert found["interactions"][0]["verb"] == "lifts"
    assert read_scene('{"instances": [], "interactions": []}', PROMPT) == {"instances": [], "interactions": []}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda v: v["instances"][0].update(living=False), "the subject id1 is no living being"),
        (lambda v: v["interactions"][0].update(object="id1"), "subject and object are the same"),
        (lambda v: v["interactions"][0].update(object="id7"), "no instance is called 'id7'"),
        (lambda v: v["interactions"][0].update(verb="uses"), "the verb 'uses' names nothing that can be seen"),
        (lambda v: v["interactions"][0].update(verb="wants"), "the verb 'wants' names nothing that can be seen"),
        (lambda v: v["interactions"][0].update(source="smashes the mug"), "source is not copied from the text"),
        (lambda v: v["interactions"][0].update(category="magic"), "category 'magic' is none of"),
        (lambda v: v["interactions"][0].update(contact=6), "contact 6 is not a whole number from 1 to 5"),
        (lambda v: v["interactions"][0].update(dynamism=True), "dynamism True is not a whole number"),
        (lambda v: v["interactions"][0].pop("direction"), "lacks 'direction'"),
        (lambda v: v["instances"][1].update(id="mug"), "the ids are not id1, id2 in this order"),
        (lambda v: v["instances"][1].update({"class": "man", "appearance": "Man in a red coat"}), "cannot be told apart"),
        (lambda v: v["instances"].extend({**v["instances"][0], "id": f"id{n}"} for n in range(3, 7)), "at most 5"),
        (lambda v: v["instances"][0].update(id=["id1"]), "the ids are not id1, id2 in this order"),
        (lambda v: v["interactions"][0].update(subject=["id1"]), "no instance is called"),
        (lambda v: v["interactions"][0].update(contact=1.0), "contact 1.0 is not a whole number"),
        (lambda v: v["interactions"][0].update(verb="lifts \ud800"), "names nothing that can be seen"),
        (lambda v: v["interactions"][0].update(source="."), "source is not copied from the text"),
        (lambda v: v["interactions"].append(dict(v["interactions"][0])), r"interactions\[1] stands there twice"),
        (lambda v: v["instances"][1].update(appearance="a \ud800 mug"), "appearance of id2 is no text"),
        (lambda v: v["instances"][1].update({"class": "..."}), "class of id2 holds no word"),
        (lambda v: v.update(notes="x"), "'notes', which nobody asked for"),
        (lambda v: v["interactions"][0].pop("part"), "lacks 'part'"),
        (lambda v: v["interactions"][0].update(instrument="id7"), "the instrument 'id7' is no instance; list it, or write null"),
        (lambda v: v["interactions"][0].update(instrument=["id2"]), "is no instance; list it, or write null"),
        (lambda v: v["interactions"][0].update(instrument="id2"), "the instrument id2 is the object too"),
        (lambda v: v["interactions"][0].update(instrument=""), "the instrument '' is no instance; list it, or write null"),
        (lambda v: v["interactions"][0].update(relation="in"), "there is a relation (in) and no destination"),
        (lambda v: v["interactions"][0].update(destination="the shelf"), "the destination 'the shelf' has no relation"),
        (lambda v: v["interactions"][0].update(destination="id2", relation="on"), "the destination id2 is the object too"),
        (lambda v: v["interactions"][0].update(destination="id 9", relation="on"), "the destination 'id 9' is no instance"),
        (lambda v: v["interactions"][0].update(destination=" ", relation="on"), "is neither an id nor a few words"),
        (lambda v: v["interactions"][0].update(destination="x", relation="under"), "relation 'under' is none of in, on, at"),
        (lambda v: v["interactions"][0].update(destination="a \ud800", relation="on"), "destination is no text"),
        (lambda v: v["interactions"][0].update(after=0), "after 0 is the interaction itself"),
        (lambda v: v["interactions"][0].update(after=1), "after 1 is no index of an interaction"),
        (lambda v: v["interactions"][0].update(after=False), "after False is no index of an interaction"),
        (lambda v: v["interactions"][0].update(alternatives=None), "alternatives is not a list of ids; write []"),
        (lambda v: v["interactions"][0].update(alternatives=["id2"]), "the alternative id2 is the object already"),
        (lambda v: v["interactions"][0].update(alternatives=[["id2"]]), "is no instance"),
        (lambda v: v["interactions"][0].update(part="elbow"), "part 'elbow' is none of mouth, hand, foot, or null"),
    ],
)
def test_a_reply_that_breaks_a_rule_is_no_scene_and_says_which(change, said):
    with pytest.raises(ValueError, match=re.escape(said.replace("\\", ""))):
        read_scene(changed(change), PROMPT)


def test_instances_that_are_only_instrument_destination_or_alternative_are_needed_and_the_order_keeps_its_indices():
    value = scene("man", "mug", "woman")
    more = [("id4", "tray", "tin tray"), ("id5", "mug", "blue mug")]
    value["instances"] += [{"id": name, "class": kind, "appearance": look, "living": False} for name, kind, look in more]
    first = {**value["interactions"][0], "instrument": "id4", "alternatives": ["id5"], "part": "hand"}
    then = {**value["interactions"][0], "verb": "puts  down", "destination": "id3", "relation": "at", "after": 0}
    value["interactions"] = [first, then]
    found = read_scene(json.dumps(value), PROMPT)
    # Alike alternatives need not be told apart, since any of them would do.
    assert [item["id"] for item in found["instances"]] == ["id1", "id2", "id3", "id4", "id5"]
    assert [(item["instrument"], item["after"], item["alternatives"]) for item in found["interactions"]] == [
        ("id4", None, ["id5"]),
        (None, 0, []),
    ]
    value["interactions"][0]["after"] = 1
    with pytest.raises(ValueError, match="follow each other in a circle"):
        read_scene(json.dumps(value), PROMPT)
    value["interactions"] = [{**first, "alternatives": [], "after": None, "destination": "the  far shelf", "relation": "on"}]
    value["instances"].pop()
    found = read_scene(json.dumps(value), PROMPT)
    assert [item["id"] for item in found["instances"]] == ["id1", "id2", "id4"]
    assert found["interactions"][0]["destination"] == "the far shelf"


def test_every_key_is_required_of_servers_that_hold_a_model_to_a_schema():
    schema = scene_inquiry(Prompts(None, SCENE_NAMES), PROMPT).schema["properties"]["interactions"]["items"]
    assert set(schema["required"]) == set(scene("man", "mug")["interactions"][0])
    assert None in schema["properties"]["relation"]["enum"]


def test_prose_is_no_scene():
    with pytest.raises(ValueError, match="not one JSON object"):
        read_scene("The man lifts the mug.", PROMPT)


def test_the_question_carries_prompt_limit_and_note_and_a_user_may_word_it():
    inquiry = scene_inquiry(Prompts(None, SCENE_NAMES), PROMPT, "there are two men")
    assert PROMPT in inquiry.text
    assert "at most 5" in inquiry.text
    assert "remarked: there are two men" in inquiry.text
    assert "lacks 'direction'" in inquiry.correct("interactions[0] lacks 'direction'")


def test_words_of_a_build_do_not_move_the_judge_s_revision_and_the_other_way(tmp_path):
    (tmp_path / "crop.j2").write_text("Is it {{ class }} ({{ appearance }})?")
    assert Prompts(tmp_path).version == Prompts().version
    assert Prompts(tmp_path, ("crop_system", "crop")).version != Prompts(None, ("crop_system", "crop")).version


@pytest.mark.parametrize(
    "text", ["{{ 1 // 0 }}", "{{ prompt.nothing }}", "{{ (none).strip() }}", "{% for i in 3 %}{% endfor %}", "{{ 3(4) }}"]
)
def test_a_template_that_fails_is_told_with_its_file(tmp_path, text):
    (tmp_path / "scene.j2").write_text(text)
    with pytest.raises(ConfigError, match=r"scene\.j2: cannot be rendered"):
        scene_inquiry(Prompts(tmp_path, SCENE_NAMES), PROMPT, "")
