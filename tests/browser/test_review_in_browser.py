"""The review page of a build in a real browser, opened from a disk: fields of interactions are set and saved."""

import json

import pytest

from intergeneval import bench
from tests.build import test_painted, workshop

place = test_painted.place

POISON = '</script><script>window.owned=1</script><img src=x onerror="window.owned=2">'
ACTS = [
    {"subject": "id1", "verb": "lifts", "object": "id2", "part": "hand"},
    {"subject": "id1", "verb": f"hands over {POISON}", "object": "id2", "destination": 'the "far" end', "relation": "at"},
]


@pytest.fixture
def built(tmp_path):
    """A built benchmark of one picture, without any model."""
    workshop.write_picture(tmp_path / "source/one.png")
    instances = [
        {"id": f"id{number}", "class": kind, "box": workshop.BOXES[kind]}
        for number, kind in enumerate(("man", "mug", "woman"), start=1)
    ]
    row = {"id": "one", "prompt": "A man hands a mug to a woman.", "instances": instances, "interactions": ACTS}
    workshop.write_list(tmp_path / "source", [row])
    assert workshop.build(tmp_path, "--tracker", "flow").exit_code == 0
    return tmp_path


def test_fields_are_set_with_the_keyboard_saved_applied_and_shown(drive, built):
    seen = drive("review", built / "bench", "review.html")
    assert seen["hidden"] is False
    assert (
        seen["refused"]
        == "Not saved. one, interaction 1: a destination needs a relation (in, on or at), and a relation a destination"
    )
    assert (seen["plain"], seen["key"], seen["whole"]) == (True, "keep", 0)
    # Neither side of the interaction would do as its object.
    assert seen["offered"] == ["id3"]
    assert seen["kept_open"] == "id3"
    assert seen["name"] == "review.json"
    first, second = seen["saved"]["decisions"]
    assert (first["interaction"], first["decision"], first["fields"]) == (
        0,
        "fix",
        {"touching_at_start": "no", "instrument": "id3"},
    )
    wanted = {"relation": "in", "after": 0, "destination": "id3", "alternatives": ["id3"], "twin_of": "two"}
    assert (second["interaction"], second["fields"]) == (1, wanted)
    # The page lets a person say what the build then refuses, and the refusal names decision and fix.
    path = built / "review.json"
    path.write_text(json.dumps(seen["saved"]))
    said = workshop.build(built, "--tracker", "flow", "--review", path).output
    assert "decisions[1] (one, interaction 1): " in said
    assert "'id3' is the destination" in said or "the build has no sample 'two'" in said
    del second["fields"]["twin_of"]
    second["fields"]["alternatives"] = []
    path.write_text(json.dumps(seen["saved"]))
    done = workshop.build(built, "--tracker", "flow", "--review", path)
    assert done.exit_code == 0, done.output
    lifts, hands = bench.load(built / "bench").samples[0].interactions
    assert (lifts.instrument, lifts.touching_at_start, lifts.part) == ("id3", "no", "hand")
    assert (hands.destination, hands.relation, hands.after) == ("id3", "in", 0)
    again = drive("open", built / "bench", "review.html")
    assert again["owned"] is None
    assert "ends in: woman (green box)" in again["text"]
    assert "with: woman (green box)" in again["text"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_or_critical_violation_on_the_review_page(drive, built, scheme):
    seen = drive("review_axe", built / "bench", "review.html", scheme=scheme)
    assert seen["checked"] > 10
    assert [item for item in seen["violations"] if item["impact"] in ("serious", "critical")] == []


def test_the_picture_of_two_twins_is_looked_at_rejected_without_a_note_and_shown_painted_anew(drive, place):
    test_painted.build(place)
    seen = drive("review_painted", place / "bench", "review.html")
    assert seen["prompts"] == ["a", "b"]
    assert seen["painted"] == [f"First frame painted by made@1, seed 0: {test_painted.TEXT}"] * 2
    first, second = seen["plain"]
    assert first == second
    assert seen["marked"] == [list(workshop.SIZE[::-1])] * 2
    assert seen["hidden"] is True
    assert seen["hint"] == "Its first frame is painted again with another seed, for its twin as well."
    # What the build would refuse is refused here, where it can be put right.
    assert seen["refused"] == (
        "Not saved. b: it starts from the picture of a, which is to be painted again; leave it open until that was done"
    )
    assert seen["early"] == "Not saved. b: its picture is to be painted again, so nothing else can be said of it yet"
    assert [(made["sample_id"], made["decision"]) for made in seen["saved"]["decisions"]] == [("a", "fix"), ("b", "fix")]
    path = place / "review.json"
    path.write_text(json.dumps(seen["saved"]))
    done = test_painted.build(place, "--review", path)
    assert done.exit_code == 0, done.output
    again = drive("review_painted", place / "bench", "review.html")
    assert again["painted"] == [text.replace("seed 0", "seed 1") for text in seen["painted"]]
    assert again["plain"][0] == again["plain"][1] != first
