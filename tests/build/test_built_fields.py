"""The optional fields of interactions through a build: read, given, looked at, kept sound when something is left out."""

import json

from intergeneval import bench, plugins
from intergeneval.ids import canonical_json, sha256_json
from intergeneval.judges.prompting import SCENE_NAMES, SCENES_BEFORE, Prompts
from intergeneval.records import Part, Relation, TouchingAtStart
from tests.build import workshop
from tests.build.workshop import BOXES, PROMPT, Model, found
from tests.fakes.chat_server import ChatServer, reply

HAND = "A man in a red coat lifts a blue mug and hands it to a woman in a green coat."


def handing():
    """A man lifts a mug and then hands it to a woman."""
    value = workshop.scene("man", "mug", "woman", source="lifts a blue mug")
    given = {**value["interactions"][0], "verb": "hands over", "source": "hands it to a woman", "part": "hand"}
    value["interactions"].append({**given, "destination": "id3", "relation": "at", "after": 0})
    return value


class Desk:
    """One picture with a model behind a server; ``flow`` cuts out what a file of boxes proposes."""

    def __init__(self, root, prompt=HAND, scene=None, boxes=workshop.EVERYBODY):
        self.root = root
        self.model = Model()
        self.model.scenes[prompt] = scene or handing()
        self.asked = 0
        workshop.write_picture(root / "source/one.png")
        workshop.write_list(root / "source", [{"id": "one", "prompt": prompt}])
        workshop.write_boxes(root / "boxes.jsonl", {"one": boxes})

    def build(self, *arguments, model=None, more=""):
        with ChatServer(model or self.model) as server:
            options = ("--detector", f"stored:{self.root}/boxes.jsonl", "--tracker", "flow", "--json", "--cache", "off")
            done = workshop.build(self.root, *options, *arguments, server=server, more=more)
            self.asked = len(server.asked)
        return done

    def given(self, *rows, names=("one",)):
        """Replace the list by rows that bring instances, boxes and interactions."""
        for name in names:
            workshop.write_picture(self.root / f"source/{name}.png")
        workshop.write_list(self.root / "source", list(rows))

    @property
    def sample(self):
        return bench.load(self.root / "bench").samples[0]

    @property
    def drops(self):
        return workshop.lines(self.root / "bench/dropped.jsonl")


def row(name="one", *, acts, classes=("man", "mug", "woman"), **more):
    instances = [
        {"id": f"id{number}", "class": kind, "appearance": f"the {kind}", "box": BOXES[kind]}
        for number, kind in enumerate(classes, start=1)
    ]
    return {"id": name, "prompt": PROMPT, "instances": instances, "interactions": acts, **more}


ACT = {"subject": "id1", "verb": "lifts", "object": "id2"}


def test_what_a_model_reads_and_sees_gets_into_the_benchmark_and_a_destination_alone_keeps_its_instance(tmp_path):
    desk = Desk(tmp_path)
    desk.model.touching = "yes"
    done = desk.build()
    assert done.exit_code == 0, done.output
    lifts, hands = desk.sample.interactions
    assert (hands.destination, hands.relation, hands.after, hands.part) == ("id3", Relation.AT, 0, Part.HAND)
    # The masks of this world lie apart, and a model that says they touch is found out.
    assert (lifts.touching_at_start, hands.touching_at_start) == (TouchingAtStart.UNKNOWN, TouchingAtStart.UNKNOWN)
    notes = [drop for drop in desk.drops if drop.get("field") == "touching_at_start"]
    assert len(notes) == 2
    assert all("lie 19 px apart" in drop["reason"] for drop in notes)
    assert [one.id for one in desk.sample.instances] == ["id1", "id2", "id3"]
    assert bench.check(tmp_path / "bench") == []
    assert "ends at: woman in a green coat (green box)" in (tmp_path / "bench/review.html").read_text()


def test_a_destination_that_is_not_found_leaves_the_interaction_with_a_note(tmp_path):
    desk = Desk(tmp_path, boxes=found(("man", BOXES["man"], 0.9), ("mug", BOXES["mug"], 0.7)))
    assert desk.build().exit_code == 0
    assert [(act.verb, act.destination, act.relation) for act in desk.sample.interactions] == [
        ("lifts", None, None),
        ("hands over", None, None),
    ]
    (note,) = [drop for drop in desk.drops if drop.get("field")]
    assert (note["interaction"], note["field"]) == ("man hands over mug", "destination")
    assert note["reason"] == "its destination id3 is left out, so it is told without one"
    assert bench.check(tmp_path / "bench") == []


def test_instrument_and_alternatives_that_go_leave_no_dangling_name_and_the_order_is_counted_anew(tmp_path):
    desk = Desk(tmp_path)
    acts = [
        {**ACT, "verb": "sees", "object": "id3"},
        {**ACT, "object": "id3", "after": 0},
        {**ACT, "instrument": "id4", "alternatives": ["id4x"], "touching_at_start": "yes", "after": 1},
        {**ACT, "verb": "shakes", "after": 2},
    ]
    given = row(acts=acts, classes=("man", "mug", "woman"))
    lost = {"class": "stick", "box": [500, 10, 540, 40]}
    given["instances"] += [{"id": "id4", **lost}, {"id": "id4x", **lost}]
    # The woman lies outside the picture as well: both interactions with her go, the first two of the chain.
    given["instances"][2]["box"] = [600, 10, 640, 40]
    desk.given(given)
    assert desk.build("--judge", "none").exit_code == 0
    lifts, shakes = desk.sample.interactions
    assert (lifts.instrument, lifts.alternatives, lifts.after, lifts.touching_at_start) == (None, (), None, "unknown")
    assert (shakes.verb, shakes.after) == ("shakes", 0)
    notes = [(drop["interaction"], drop["field"]) for drop in desk.drops if drop.get("field")]
    assert notes == [("man lifts mug", name) for name in ("instrument", "touching_at_start", "alternatives")]
    assert bench.check(tmp_path / "bench") == []


def test_an_interaction_whose_predecessor_goes_follows_what_that_one_followed(tmp_path):
    desk = Desk(tmp_path)
    acts = [ACT, {**ACT, "verb": "greets", "object": "id3", "after": 0}, {**ACT, "verb": "shakes", "after": 1}]
    given = row(acts=acts)
    given["instances"][2]["box"] = [600, 10, 640, 40]
    desk.given(given)
    assert desk.build("--judge", "none").exit_code == 0
    assert [(act.verb, act.after) for act in desk.sample.interactions] == [("lifts", None), ("shakes", 0)]


def test_a_twin_that_did_not_get_into_the_benchmark_is_no_twin(tmp_path):
    desk = Desk(tmp_path)

    def rows(*, whole):
        acts = [{**ACT, "verb": "hugs", "object": "id2"}]
        there = row("there", acts=[{**acts[0], "twin_of": "back"}], classes=("man", "woman"))
        back = row("back", acts=[{**acts[0], "twin_of": "there"}], classes=("woman", "man"))
        if not whole:
            back["instances"][0]["box"] = [600, 10, 640, 40]
        return there, back

    desk.given(*rows(whole=True), names=("there", "back"))
    assert desk.build("--judge", "none").exit_code == 0
    assert [sample.interactions[0].twin_of for sample in bench.load(tmp_path / "bench").samples] == ["back", "there"]
    desk.given(*rows(whole=False), names=("there", "back"))
    assert desk.build("--judge", "none").exit_code == 0
    assert [(sample.id, sample.interactions[0].twin_of) for sample in bench.load(tmp_path / "bench").samples] == [("there", None)]
    (note,) = [drop for drop in desk.drops if drop.get("field")]
    assert (note["field"], note["step"]) == ("twin_of", "twins")
    assert note["reason"].startswith("the benchmark has no sample 'back'")


def test_a_list_whose_fields_are_wrong_is_refused_with_line_and_field(tmp_path):
    desk = Desk(tmp_path)
    desk.given(row(acts=[{**ACT, "instrument": "id9", "twin_of": "one"}, {**ACT, "relation": "in"}]))
    said = desk.build().output
    assert "prompts.jsonl:1: interactions[0].instrument: sample 'one': no instance is called 'id9'" in said
    assert "prompts.jsonl:1: interactions[0].twin_of: sample 'one': the sample is its own twin" in said
    assert "interactions[1].relation: sample 'one': there is a relation (in) and no destination" in said


def test_the_first_frame_is_looked_at_once_and_not_where_the_list_tells(tmp_path):
    desk = Desk(tmp_path)
    desk.given(row(acts=[ACT, {**ACT, "verb": "shakes", "touching_at_start": "yes"}]))
    assert desk.build().exit_code == 0
    assert (desk.asked, desk.model.looks) == (1, 1)
    # The list's own yes is not asked about, and falls to the masks, which lie apart.
    assert [act.touching_at_start for act in desk.sample.interactions] == [TouchingAtStart.NO, TouchingAtStart.UNKNOWN]
    assert desk.build().exit_code == 0
    assert desk.asked == 0
    desk.given(row(acts=[{**ACT, "touching_at_start": "no"}]))
    assert desk.build().exit_code == 0
    assert desk.asked == 0
    # A change of the words or of the picture is another question.
    (tmp_path / "words").mkdir()
    (tmp_path / "words/touching_system.j2").write_text("Look closely.")
    desk.given(row(acts=[ACT]))
    assert desk.build("--prompts", tmp_path / "words").exit_code == 0
    assert desk.asked == 1


def test_with_an_instrument_it_is_the_instrument_that_is_asked_about(tmp_path):
    desk = Desk(tmp_path)
    texts = []

    def listening(asked):
        texts.append(asked.text)
        return desk.model(asked)

    desk.given(row(acts=[{**ACT, "object": "id3", "instrument": "id2"}]))
    assert desk.build(model=listening).exit_code == 0
    assert 'pair 0: "the mug" (blue box) and "the woman" (green box)' in texts[0]


def test_a_first_frame_that_nobody_could_judge_waits_for_the_next_run_or_for_a_person(tmp_path):
    desk = Desk(tmp_path)
    desk.given(row(acts=[ACT]))
    done = desk.build(model=lambda asked: reply("They might."))
    assert done.exit_code == 3
    (drop,) = json.loads(done.stdout)["dropped"]
    assert (drop["step"], drop["pending"]) == ("touching", True)
    assert "gave no usable answer on what touches in the first frame: the reply is not one JSON object" in drop["reason"]
    blank = json.loads((tmp_path / "bench/build/review.json").read_text())
    said = {"sample_id": "one", "interaction": 0, "decision": "fix", "fields": {"touching_at_start": "no"}}
    (tmp_path / "review.json").write_text(json.dumps({"build": blank["build"], "decisions": [said]}))
    done = desk.build("--review", tmp_path / "review.json", model=lambda asked: reply("They might."))
    assert done.exit_code == 0, done.output
    assert desk.asked == 0
    assert desk.sample.interactions[0].touching_at_start is TouchingAtStart.NO


def test_touching_can_be_left_to_nobody(tmp_path):
    desk = Desk(tmp_path)
    desk.given(row(acts=[ACT]))
    assert desk.build(more="touching = false").exit_code == 0
    assert desk.asked == 0
    assert desk.sample.interactions[0].touching_at_start is TouchingAtStart.UNKNOWN
    done = desk.build("--text-only", more="touching = true")
    assert done.exit_code == 2


def test_a_build_of_an_earlier_version_asks_nothing_again_and_its_benchmark_keeps_its_bytes(tmp_path):
    desk = Desk(tmp_path, PROMPT, workshop.scene("man", "mug"))
    assert desk.build().exit_code == 0
    folder = tmp_path / "bench/build"
    # What the earlier version left behind: the hash of its own words, no look at the first frame, a header that knows of none.
    (line,) = workshop.lines(folder / "scenes.jsonl")
    inquirer = plugins.build("judges", "openai:test-model", {"base_url": "http://127.0.0.1:1"}).inquirer
    now = sha256_json([PROMPT, inquirer, Prompts(None, SCENE_NAMES).hash, ""])
    assert line["input"] == now, "the test must know what the hash is made of"
    old = {**line, "input": sha256_json([PROMPT, inquirer, SCENES_BEFORE[0], ""])}
    (folder / "scenes.jsonl").write_text(canonical_json(old) + "\n")
    (folder / "touching.jsonl").unlink()
    header = json.loads((folder / "build.json").read_text())
    del header["touching"]
    (folder / "build.json").write_text(canonical_json(header) + "\n")
    done = desk.build()
    assert done.exit_code == 0, done.output
    assert desk.asked == 0
    assert "touching" not in json.loads((folder / "build.json").read_text())
    before = (tmp_path / "bench/samples.jsonl").read_bytes()
    assert b"touching" not in before
    assert desk.build().exit_code == 0
    assert (tmp_path / "bench/samples.jsonl").read_bytes() == before
    # Words of the user's own are another question, and asked anew as ever.
    (tmp_path / "words").mkdir()
    (tmp_path / "words/scene_system.j2").write_text("Read closely.")
    assert desk.build("--prompts", tmp_path / "words").exit_code == 0
    assert desk.asked == 1


def test_a_text_only_build_takes_what_the_text_tells_and_looks_at_nothing(tmp_path):
    desk = Desk(tmp_path)
    workshop.write_list(tmp_path / "source", [{"id": "one", "prompt": HAND}])
    with ChatServer(desk.model) as server:
        assert workshop.build(tmp_path, "--text-only", server=server).exit_code == 0
    assert (desk.sample.interactions[1].destination, desk.sample.interactions[1].after) == ("id3", 0)
    assert desk.model.looks == 0
