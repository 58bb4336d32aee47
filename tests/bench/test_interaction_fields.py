"""The optional fields of an interaction: every fault of each is named with file, field and fix, and none where there is none."""

import json

import pytest

from intergeneval import bench
from intergeneval.errors import BenchError
from tests.bench.small_benchmarks import SIZE, own_benchmark, sample_json, square, write_image, write_samples

THIRD = {"id": "id3", "class": "spoon", "appearance": "long spoon", "colour": "green"}
FOURTH = {"id": "id4", "class": "cup", "appearance": "white cup", "colour": "yellow"}
FIELDS = {
    "instrument": "id3",
    "destination": "the shelf",
    "relation": "on",
    "alternatives": ["id4"],
    "part": "hand",
    "touching_at_start": "no",
}


def scene(root, name="one", *, acts=1, twin=None):
    """A sample with four instances and `acts` interactions."""
    raw = sample_json(root, name)
    for number, item in enumerate((THIRD, FOURTH)):
        path = f"masks/{name}/{item['id']}.png"
        mask = square(6 + 14 * number)
        mask[:] = 0
        mask[14:20, 4 + 14 * number : 10 + 14 * number] = 255
        write_image(root / path, mask)
        raw["instances"].append({**item, "mask": path})
    raw["interactions"] = [{**raw["interactions"][0]} for _ in range(acts)]
    if twin is not None:
        raw["interactions"][0]["twin_of"] = twin
    return raw


def one(root, *, acts=1, **fields):
    own_benchmark(root)
    raw = scene(root, acts=acts)
    raw["interactions"][0] |= fields
    write_samples(root, [raw])
    return root


WRONG = {
    "instrument unknown": ({"instrument": "id9"}, "instrument", "no instance is called 'id9'"),
    "instrument empty": ({"instrument": ""}, "instrument", "no instance is called ''"),
    "instrument a number": ({"instrument": 3}, "instrument", "expected a text, got 3"),
    "instrument a list": ({"instrument": ["id3"]}, "instrument", "expected a text"),
    "instrument acts": ({"instrument": "id1"}, "instrument", "is the subject too"),
    "instrument is acted upon": ({"instrument": "id2"}, "instrument", "is the object too"),
    "instrument misspelt": ({"instrumnet": "id3"}, "instrumnet", "unknown field"),
    "destination without relation": ({"destination": "id3"}, "relation", "has no relation"),
    "destination empty": ({"destination": " ", "relation": "in"}, "destination", "is empty"),
    "destination unknown id": ({"destination": "id9", "relation": "in"}, "destination", "no instance is called 'id9'"),
    "destination unknown ID": ({"destination": "ID 9", "relation": "in"}, "destination", "no instance is called 'ID 9'"),
    "destination is the object": ({"destination": "id2", "relation": "on"}, "destination", "is the object too"),
    "destination is the instrument": (
        {"instrument": "id3", "destination": "id3", "relation": "on"},
        "destination",
        "is the instrument too",
    ),
    "destination a number": ({"destination": 4, "relation": "in"}, "destination", "expected a text, got 4"),
    "relation without destination": ({"relation": "in"}, "relation", "no destination"),
    "relation into": ({"destination": "id3", "relation": "into"}, "relation", "expected one of 'in', 'on', 'at'"),
    "relation upper case": ({"destination": "id3", "relation": "IN"}, "relation", "expected one of"),
    "relation empty": ({"destination": "id3", "relation": ""}, "relation", "expected one of"),
    "after itself": ({"after": 0}, "after", "follows itself"),
    "after what is not there": ({"after": 5}, "after", "interaction 5 does not exist"),
    "after below 0": ({"after": -1}, "after", "interaction -1 does not exist"),
    "after in words": ({"after": "lifts"}, "after", "expected a whole number"),
    "after a truth value": ({"after": True}, "after", "expected a whole number"),
    "after a part": ({"after": 0.5}, "after", "expected a whole number"),
    "alternatives a text": ({"alternatives": "id4"}, "alternatives", "expected a list"),
    "alternatives unknown": ({"alternatives": ["id4", "id9"]}, "alternatives[1]", "no instance is called 'id9'"),
    "alternatives the object": ({"alternatives": ["id2"]}, "alternatives[0]", "is the object already"),
    "alternatives the subject": ({"alternatives": ["id1"]}, "alternatives[0]", "is the subject already"),
    "alternatives the instrument": ({"instrument": "id3", "alternatives": ["id3"]}, "alternatives[0]", "is the instrument"),
    "alternatives the destination": (
        {"destination": "id3", "relation": "in", "alternatives": ["id3"]},
        "alternatives[0]",
        "is the destination",
    ),
    "alternatives twice": ({"alternatives": ["id4", "id4"]}, "alternatives[1]", "stands there twice"),
    "alternatives null": ({"alternatives": None}, "alternatives", "expected a list"),
    "alternatives a number inside": ({"alternatives": [4]}, "alternatives[0]", "expected a text"),
    "alternatives of nothing": (
        {"object": None, "questions": ["q?"] * 10, "alternatives": ["id4"]},
        "alternatives",
        "no object",
    ),
    "part unknown": ({"part": "elbow"}, "part", "expected one of 'mouth', 'hand', 'foot'"),
    "part several": ({"part": ["hand", "foot"]}, "part", "expected one of"),
    "touching a truth value": ({"touching_at_start": True}, "touching_at_start", "expected one of 'yes', 'no', 'unknown'"),
    "touching perhaps": ({"touching_at_start": "maybe"}, "touching_at_start", "expected one of"),
    "touching null": ({"touching_at_start": None}, "touching_at_start", "expected one of"),
    "touching far apart": ({"touching_at_start": "yes"}, "touching_at_start", "lie 11 px apart"),
    "twin unknown": ({"twin_of": "nobody"}, "twin_of", "has no sample 'nobody'"),
    "twin itself": ({"twin_of": "one"}, "twin_of", "its own twin"),
    "twin empty": ({"twin_of": ""}, "twin_of", "id is empty"),
    "twin a number": ({"twin_of": 2}, "twin_of", "expected a text, got 2"),
    "twin of both sides": ({"twin_of": "two", "direction": "bidirectional"}, "twin_of", "both sides act on each other"),
    "twin with alternatives": ({"twin_of": "two", "alternatives": ["id4"]}, "twin_of", "nobody else would do as subject"),
    "twin whose object ends at the subject": (
        {"twin_of": "two", "destination": "id1", "relation": "at"},
        "twin_of",
        "is to end at the subject 'id1'",
    ),
    "twin without object": (
        {"twin_of": "two", "object": None, "verb": "", "questions": ["q?"] * 10},
        "twin_of",
        "needs subject, verb and object",
    ),
}


@pytest.mark.parametrize(("fields", "field", "problem"), WRONG.values(), ids=WRONG)
def test_a_broken_field_names_line_field_and_fix(tmp_path, fields, field, problem):
    faults = bench.check(one(tmp_path / "b", **fields))
    found = [fault for fault in faults if fault.field == f"interactions[0].{field}" and problem in fault.problem]
    assert found, faults
    assert found[0].file == "samples.jsonl:1"
    assert found[0].fix
    assert found[0].fix != "correct the value" or "expected" in problem


def test_sound_fields_are_no_faults(tmp_path):
    root = one(tmp_path / "b", acts=2, **FIELDS)
    raw = json.loads((root / "samples.jsonl").read_text())
    raw["interactions"][1] |= {"after": 0, "destination": "id3", "relation": "at"}
    write_samples(root, [raw])
    assert bench.check(root) == []
    loaded = bench.load(root).samples[0].interactions
    assert loaded[0].to_json() == {**loaded[0].plain.to_json(), **FIELDS}
    assert loaded[1].after == 0


def test_interactions_that_follow_each_other_in_a_circle_are_named(tmp_path):
    root = one(tmp_path / "b", acts=3)
    raw = json.loads((root / "samples.jsonl").read_text())
    for index, after in enumerate((2, 0, 1)):
        raw["interactions"][index]["after"] = after
    write_samples(root, [raw])
    assert [fault.field for fault in bench.check(root)] == [f"interactions[{index}].after" for index in range(3)]
    assert "0 -> 2 -> 1 -> 0" in bench.check(root)[0].problem


def test_a_text_to_video_benchmark_knows_no_first_frame(tmp_path):
    root = one(tmp_path / "b", touching_at_start="no")
    (root / "bench.toml").write_text((root / "bench.toml").read_text() + 'task = "text-to-video"\n')
    (found,) = bench.check(root)
    assert (found.field, found.fix[:12]) == ("interactions[0].touching_at_start", "leave it out")


def exchanged(raw):
    raw["interactions"][0] |= {"subject": "id2", "object": "id1"}
    return raw


def pair(root):
    """A benchmark of two samples that are twins."""
    own_benchmark(root)
    samples = [scene(root, "one", twin="two"), exchanged(scene(root, "two", twin="one"))]
    write_samples(root, samples)
    return samples


def test_twins_are_sound(tmp_path):
    pair(tmp_path / "b")
    assert bench.check(tmp_path / "b") == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda twin: twin["interactions"][0].pop("twin_of"), "does not call 'one' its twin"),
        (lambda twin: twin["interactions"][0].update(subject="id1", object="id2"), "subject and object exchanged"),
        (lambda twin: twin["interactions"][0].update(verb="pushes"), "subject and object exchanged"),
        (lambda twin: twin["instances"][0].update(appearance="man in white"), "subject and object exchanged"),
        (lambda twin: twin["interactions"][0].update(instrument="id3"), "subject and object exchanged"),
        (lambda twin: twin["interactions"][0].update(part="foot"), "subject and object exchanged"),
        (lambda twin: twin["interactions"][0].update(destination="the wall", relation="at"), "subject and object exchanged"),
    ],
    ids=["one-sided", "not exchanged", "another verb", "another man", "a tool more", "a part more", "a place more"],
)
def test_a_twin_that_is_none_is_named(tmp_path, change, problem):
    one, two = pair(tmp_path / "b")
    change(two)
    write_samples(tmp_path / "b", [one, two])
    assert [fault.field for fault in bench.check(tmp_path / "b") if problem in fault.problem and fault.sample == "one"] == [
        "interactions[0].twin_of"
    ]
    with pytest.raises(BenchError, match="twin_of"):
        bench.load(tmp_path / "b")


def test_a_sample_that_cannot_be_read_hides_no_fault_of_other_twins(tmp_path):
    one, two = pair(tmp_path / "b")
    one["interactions"][0]["twin_of"] = "nobody"
    broken = scene(tmp_path / "b", "three", twin="two")
    broken["prompt"] = 5
    two["interactions"][0]["twin_of"] = "three"
    write_samples(tmp_path / "b", [one, two, broken])
    problems = [fault.problem for fault in bench.check(tmp_path / "b") if fault.field == "interactions[0].twin_of"]
    assert problems == ["the benchmark has no sample 'nobody'"]


def test_a_benchmark_without_fields_has_the_hash_it_had(tmp_path):
    root = own_benchmark(tmp_path / "b")
    plain = bench.load(root)
    assert plain.hash == "d0210007cdf229897e893aa87f0e689adb99a051f0fb19219da22777b4c58e83"
    assert plain.plain is plain
    raw = sample_json(root)
    raw["interactions"][0] |= {"part": "hand", "touching_at_start": "no"}
    write_samples(root, [raw])
    carried_over = bench.load(root)
    assert carried_over.hash != plain.hash
    assert carried_over.plain.hash == plain.hash
    assert carried_over.plain.samples == plain.samples
    raw["interactions"][0] |= {"part": None, "touching_at_start": "unknown", "alternatives": []}
    write_samples(root, [raw])
    assert bench.load(root).hash == plain.hash


def test_the_first_frame_is_held_against_the_instrument_where_there_is_one(tmp_path):
    root = one(tmp_path / "b", instrument="id3", touching_at_start="yes")
    assert "'id3' and 'id2' lie" in bench.check(root)[0].problem
    mask = square(20)
    mask[:] = 0
    mask[10:14, 18:22] = 255
    assert mask.shape == SIZE
    raw = json.loads((root / "samples.jsonl").read_text())
    write_image(root / "masks/one/id3.png", mask)
    write_samples(root, [raw])
    assert bench.check(root) == []
