"""A person's review: what the page holds, what a saved file does, and what is refused."""

import json
import re

import pytest

from intergeneval import bench
from intergeneval.masks import box
from tests.build import workshop
from tests.build.workshop import BOXES, Model, found
from tests.fakes.chat_server import ChatServer

PROMPT = "A man in a red coat lifts a blue mug while a <b>cat</b> looks on."


class Desk:
    """A built benchmark of two pictures, and the way to review it."""

    def __init__(self, root):
        self.root = root
        self.model = Model()
        self.model.scenes = {PROMPT: workshop.scene("man", "mug")}
        for name in ("one", "two"):
            workshop.write_picture(root / f"source/{name}.png")
        workshop.write_list(root / "source", [{"id": name, "prompt": PROMPT} for name in ("one", "two")])
        both = found(("man", BOXES["man"], 0.9), ("man", BOXES["woman"], 0.6), ("mug", BOXES["mug"], 0.7))
        workshop.write_boxes(root / "boxes.jsonl", dict.fromkeys(("one", "two"), both))

    def build(self, *arguments):
        with ChatServer(self.model) as server:
            options = ("--detector", f"stored:{self.root}/boxes.jsonl", "--tracker", "flow", "--json")
            return workshop.build(self.root, *options, *arguments, server=server)

    def review(self, *decisions, **more):
        path = self.root / "review.json"
        blank = json.loads((self.root / "bench/build/review.json").read_text())
        seen = {item["sample_id"]: item["seen"] for item in blank["decisions"]}
        filled = [{"seen": seen.get(item["sample_id"], ""), **item} for item in decisions]
        path.write_text(json.dumps({"build": blank["build"], "decisions": filled, **more}))
        return self.build("--review", path)

    @property
    def samples(self):
        return {sample.id: sample for sample in bench.load(self.root / "bench").samples}

    def mask_box(self, sample_id, instance_id):
        loaded = bench.load(self.root / "bench")
        return box(bench.load_mask(loaded, loaded.sample(sample_id), instance_id))


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    assert desk.build().exit_code == 0
    return desk


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """A desk whose reviews are all refused."""
    desk = Desk(tmp_path_factory.mktemp("untouched"))
    assert desk.build().exit_code == 0
    return desk


def near(first, second):
    return all(abs(one - other) <= 3 for one, other in zip(first, second, strict=True))


def test_keep_drop_and_fix_take_effect_and_stay_when_the_build_is_run_again(desk):
    assert near(desk.mask_box("one", "id1"), BOXES["man"])
    done = desk.review(
        {"sample_id": "one", "decision": "keep"},
        {"sample_id": "one", "instance_id": "id1", "decision": "fix", "candidate": 1},
        {"sample_id": "two", "decision": "drop", "note": "too dark"},
    )
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert (result["applied"], result["samples"], result["reviewed"]) == (3, ["one"], ["one"])
    assert near(desk.mask_box("one", "id1"), BOXES["woman"])
    (dropped,) = [item for item in result["dropped"] if item["sample_id"] == "two"]
    assert (dropped["step"], dropped["reason"]) == ("review", "dropped by a person: too dark")
    again = json.loads(desk.build("--review", desk.root / "review.json").stdout)
    assert (again["applied"], again["samples"]) == (0, ["one"])
    assert bench.check(desk.root / "bench") == []


def test_a_fix_without_a_choice_asks_about_the_next_candidate(desk):
    # The model says no to the woman as a man, so there is nothing left, and the sample goes with its reason.
    result = json.loads(desk.review({"sample_id": "one", "instance_id": "id1", "decision": "fix"}).stdout)
    assert result["samples"] == ["two"]
    reasons = {(item["sample_id"], item["instance_id"]): item["reason"] for item in result["dropped"]}
    assert reasons["one", "id1"].startswith("the only candidate of class 'man' was not verified")


def test_a_box_drawn_by_a_person_is_cut_out_and_a_dropped_instance_takes_its_interaction_along(desk):
    drawn = list(BOXES["mug"])
    done = desk.review(
        {"sample_id": "one", "instance_id": "id1", "decision": "fix", "box": drawn},
        {"sample_id": "two", "instance_id": "id2", "decision": "drop"},
    )
    result = json.loads(done.stdout)
    line = workshop.lines(desk.root / "bench/build/places.jsonl")[-1]
    assert {place["instance_id"]: place["basis"] for place in line["grounding"]["places"]}["id1"] in ("review", "verified")
    assert "two" not in result["samples"]
    assert any(item["interaction"] == "man lifts mug" and item["reason"].startswith("it needs id2") for item in result["dropped"])


def test_a_sample_to_fix_is_read_again_with_the_note_and_starts_afresh(desk):
    assert json.loads(desk.review({"sample_id": "two", "instance_id": "id1", "decision": "drop"}).stdout)["samples"] == ["one"]
    desk.model.scenes[PROMPT] = workshop.scene("man", "mug", verb="raises")
    both = ({"sample_id": "two", "decision": "fix", "note": "x"}, {"sample_id": "two", "instance_id": "id1", "decision": "keep"})
    assert "nothing can be said of its instances yet" in desk.review(*both).output
    result = json.loads(desk.review({"sample_id": "two", "decision": "fix", "note": "he raises it"}).stdout)
    assert result["samples"] == ["one", "two"]
    assert [desk.samples[name].interactions[0].verb for name in ("one", "two")] == ["lifts", "raises"]


def act(index, decision="fix", **fields):
    """A decision on an interaction of sample one."""
    return {"sample_id": "one", "interaction": index, "decision": decision, "fields": fields}


def test_fields_that_a_person_sets_get_into_the_benchmark_and_stand_on_the_next_page_and_in_the_blank_review(desk):
    first = act(0, destination="the top shelf", relation="on", part="hand", touching_at_start="no")
    result = json.loads(desk.review(first).stdout)
    assert (result["applied"], result["samples"]) == (1, ["one", "two"])
    (found,) = desk.samples["one"].interactions
    assert (found.destination, found.relation, found.part, found.touching_at_start) == ("the top shelf", "on", "hand", "no")
    assert desk.samples["two"].interactions[0].destination is None
    page = (desk.root / "bench/review.html").read_text()
    assert "ends on: the top shelf" in page
    assert "touching at the start: no" in page
    assert 'value="the top shelf"' in page
    assert page.count("corrected by a person") == 1
    (kept,) = [line for line in decisions(desk) if line.get("interaction") == 0 and line["sample_id"] == "one"]
    assert (kept["decision"], kept["fields"]["destination"], kept["fields"]["part"]) == ("keep", "the top shelf", "hand")
    # The second review changes one field and empties another; the rest stays, and nobody is asked again.
    looked = desk.model.looks
    assert desk.review(act(0, part=None, destination="the floor", relation="on")).exit_code == 0
    (found,) = desk.samples["one"].interactions
    assert (found.destination, found.part, found.touching_at_start) == ("the floor", None, "no")
    assert desk.model.looks == looked
    assert bench.check(desk.root / "bench") == []


def decisions(desk):
    return json.loads((desk.root / "bench/build/review.json").read_text())["decisions"]


def test_the_blank_review_as_it_stands_changes_nothing_and_one_word_in_it_drops_an_interaction(desk):
    before = (desk.root / "bench/samples.jsonl").read_bytes()
    assert desk.review(*decisions(desk)).exit_code == 0
    assert (desk.root / "bench/samples.jsonl").read_bytes() == before
    lines = [
        {**line, "decision": "drop"} if line.get("interaction") == 0 and line["sample_id"] == "two" else line
        for line in decisions(desk)
    ]
    result = json.loads(desk.review(*lines).stdout)
    assert result["samples"] == ["one"]
    assert any(item["interaction"] == "man lifts mug" and item["reason"] == "dropped by a person" for item in result["dropped"])


def test_twins_are_made_on_the_page_when_each_names_the_other(desk):
    done = desk.review(act(0, twin_of="two"))
    # The two samples ask for the same, not for exchanged roles: no twins, and the note says why.
    (note,) = [item for item in json.loads(done.stdout)["dropped"] if item.get("field")]
    assert note["reason"].startswith("sample 'two' does not call 'one' its twin")
    assert desk.samples["one"].interactions[0].twin_of is None


def test_fields_of_a_prompt_that_was_read_again_are_those_of_the_new_reading(desk):
    assert desk.review(act(0, part="hand")).exit_code == 0
    desk.model.scenes[PROMPT] = workshop.scene("man", "mug", verb="raises")
    assert desk.review({"sample_id": "one", "decision": "fix", "note": "he raises it"}).exit_code == 0
    assert [(found.verb, found.part) for found in desk.samples["one"].interactions] == [("raises", None)]


def test_a_review_file_of_an_earlier_version_still_reads(desk):
    line = {"sample_id": "one", "instance_id": None, "candidate": None, "box": None, "note": "", "seen": "", "decision": "keep"}
    (desk.root / "bench/build/reviews.jsonl").write_text(
        '{"box":null,"decision":"drop","frame":0,"instance_id":null,"note":"dark","rejected":null,"review":"00","sample_id":"two"}\n'
    )
    assert json.loads(desk.review(line).stdout)["samples"] == ["one"]


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ({"sample_id": "three", "decision": "keep"}, "the build has no such sample"),
        ({"sample_id": "one", "instance_id": "id9", "decision": "drop"}, "the sample has no such instance"),
        ({"sample_id": "one", "instance_id": "id1", "decision": "fix", "candidate": 7}, "there is no candidate 7; there are 3"),
        ({"sample_id": "one", "instance_id": "id1", "decision": "fix", "box": [9, 9, 3, 20]}, "is no box"),
        ({"sample_id": "one", "decision": "fix"}, "a sample to fix needs a note"),
        ({"sample_id": "one", "decision": "keep", "seen": "old"}, "has changed since this page was written"),
        ({"sample_id": "one", "decision": "perhaps"}, "decision 'perhaps' is none of keep, fix, drop"),
        ({"sample_id": "one", "decision": "keep", "stars": 5}, "unknown field 'stars'"),
        (act(3, part="hand"), "decisions[1] (one, interaction 3): there is no interaction 3; there is 1, counted from 0"),
        (act(0), "an interaction to fix needs fields, such as instrument"),
        (act(0, colour="red"), "no field is called 'colour'; an interaction may have instrument, destination"),
        (act(0, part="elbow"), "fields.part: expected one of 'mouth', 'hand', 'foot', got 'elbow'"),
        (act(0, after="0"), "fields.after: expected a whole number, got '0'"),
        (
            act(0, instrument="id9"),
            "decisions[1] (one, interaction 0): instrument: no instance is called 'id9'; use one of id1, id2",
        ),
        (act(0, relation="in"), "relation: there is a relation (in) and no destination; add the destination"),
        (act(0, after=0), "after: the interaction follows itself"),
        (act(0, twin_of="nine"), "twin_of: the build has no sample 'nine'"),
        (act(0, decision="keep", part="hand"), "part is not what stands, and the decision is keep; write fix to change it"),
        ({**act(0, part="hand"), "instance_id": "id1"}, "instance_id, candidate and box say nothing of an interaction"),
        ({"sample_id": "one", "decision": "fix", "note": "x", "fields": {}}, "fields belong to an interaction"),
    ],
)
def test_a_decision_that_cannot_be_carried_out_stops_the_whole_review(untouched, decision, said):
    done = untouched.review({"sample_id": "two", "decision": "drop"}, decision)
    assert done.exit_code == 2
    assert said in done.output
    assert sorted(untouched.samples) == ["one", "two"]


def test_a_review_of_another_build_and_a_file_that_is_none_are_refused(untouched):
    desk = untouched
    done = desk.review({"sample_id": "one", "decision": "keep"}, build="0123456789ab")
    assert done.exit_code == 2
    assert "is a review of build '0123456789ab'" in done.output
    (desk.root / "review.json").write_text("keep everything")
    assert "is no review, it is not JSON" in desk.build("--review", desk.root / "review.json").output
    (desk.root / "review.json").unlink()
    assert "the review cannot be read" in desk.build("--review", desk.root / "review.json").output


def test_the_page_holds_everything_in_one_file_and_escapes_what_a_prompt_says(untouched):
    desk = untouched
    page = (desk.root / "bench/review.html").read_text()
    assert "&lt;b&gt;cat&lt;/b&gt;" in page
    assert "<b>cat" not in page
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert page.count("<article") == 2
    for radio in re.findall(r'<input type="radio" name="(s1i1c)" value="(\d)"', page):
        assert radio in {("s1i1c", "0"), ("s1i1c", "1")}
