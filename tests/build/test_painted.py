"""First frames painted from text, by a painter that another package registers: twins start from one picture, looked at once."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from intergeneval import bench, videos
from intergeneval.build.records import Drop
from intergeneval.cli import main
from intergeneval.cli.causes import by_cause
from tests.build import workshop
from tests.fakes.chat_server import ChatServer

TEXT = "A man in a red coat and a woman in a green coat stand in a grey room, a blue mug between them."
PLUGIN = """
from pathlib import Path
import numpy as np
from intergeneval.errors import BackendError
from tests.build import workshop

class Painter:
    id = "made@1"
    def __init__(self, place, settings):
        self.place, self.settings = Path(place), settings
    def describe(self):
        return {"painter": "made", **self.settings}
    def paint(self, text, seed):
        if (self.place / "broken").exists():
            raise BackendError("out of paint")
        with (self.place / "painted.txt").open("a") as log:
            log.write(f"{seed} {text}\\n")
        return workshop.picture() + np.uint8(seed)
    def close(self):
        (self.place / "closed").touch()

def create(argument, settings):
    return Painter(argument, dict(settings))
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a list of two twins, boxes of everybody, and a package that registers a painter."""
    package = tmp_path / "package"
    (package / "made-1.dist-info").mkdir(parents=True)
    (package / "made-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: made\nVersion: 1\n")
    (package / "made-1.dist-info/entry_points.txt").write_text("[intergeneval.painters]\nmade = made_painter:create\n")
    (package / "made_painter.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(package)
    monkeypatch.delitem(sys.modules, "made_painter", raising=False)
    workshop.write_list(tmp_path / "source", [row("a"), row("b")])
    workshop.write_boxes(tmp_path / "boxes.jsonl", {"a": workshop.EVERYBODY, "b": workshop.EVERYBODY})
    return tmp_path


def row(name, **more):
    """One twin: in ``a`` the man pushes the woman, in ``b`` the woman pushes the man."""
    first, second = ("id1", "id2") if name == "a" else ("id2", "id1")
    looks = {"id1": "man in a red coat", "id2": "woman in a green coat"}
    return {
        "id": name,
        "prompt": f"The {looks[first]} pushes the {looks[second]}.",
        "scene": "push",
        "image_prompt": TEXT,
        "instances": [{"id": key, "class": look.split()[0], "appearance": look} for key, look in looks.items()],
        "interactions": [
            {"subject": first, "verb": "pushes", "object": second, "category": "force", "direction": "unidirectional",
             "touching_at_start": "no", "twin_of": "b" if name == "a" else "a"}
        ],
        **more,
    }  # fmt: skip


def build(place, *more):
    boxes = ("--detector", f"stored:{place / 'boxes.jsonl'}", "--tracker", "flow")
    return workshop.build(place, "--text-to-image", f"made:{place}", *boxes, *more)


def painted(place):
    log = place / "painted.txt"
    return [line.partition(" ")[0] for line in log.read_text().splitlines()] if log.exists() else []


def review(place, *decisions):
    header = json.loads((place / "bench/build/build.json").read_text())
    path = place / f"review-{len(list(place.glob('review-*.json')))}.json"
    path.write_text(json.dumps({"build": header["id"], "decisions": list(decisions)}))
    return build(place, "--review", path)


def test_twins_get_one_picture_painted_once_and_the_benchmark_holds_what_it_promises_of_twins(place):
    done = build(place)
    assert done.exit_code == 0, done.output
    assert painted(place) == ["0"]
    assert (place / "closed").exists()
    made = bench.load(str(place / "bench"))
    assert bench.check(place / "bench") == []
    assert [sample.id for sample in made.samples] == ["a", "b"]
    first, second = (made.root / sample.image for sample in made.samples)
    assert first.read_bytes() == second.read_bytes()
    assert (videos.read_picture(first) == workshop.picture()).all()
    assert made.suite.twins
    assert bench.check_suite(made, made.suite).twins == 2
    assert "painted by made@1" in made.description
    # The same command has nothing left to do.
    assert build(place).exit_code == 0
    assert painted(place) == ["0"]


def test_a_picture_that_a_person_rejects_is_painted_again_with_another_seed_for_both_twins(place):
    build(place)
    before = (place / "bench/first_frames/b.png").read_bytes()
    done = review(place, {"sample_id": "a", "decision": "fix"})
    assert done.exit_code == 0, done.output
    assert "1 decisions applied" in done.output
    assert painted(place) == ["0", "1"]
    first, second = ((place / f"bench/first_frames/{name}.png").read_bytes() for name in "ab")
    assert first == second != before
    seeds = {line["sample_id"]: line["seed"] for line in workshop.lines(place / "bench/build/paintings.jsonl")}
    assert seeds == {"a": 1, "b": 1}
    assert "painted by <bdi>made@1, seed 1: A man in a red coat" in (place / "bench/review.html").read_text()
    # Both rejected in one review are one rejection of one picture.
    review(place, {"sample_id": "a", "decision": "fix"}, {"sample_id": "b", "decision": "fix", "note": "too dark"})
    assert painted(place) == ["0", "1", "2"]


def test_what_a_person_says_of_an_instance_holds_for_the_twin_that_starts_from_the_same_picture(place):
    build(place)
    wanted = [14.0, 22.0, 40.0, 80.0]
    review(place, {"sample_id": "a", "instance_id": "id1", "decision": "fix", "box": wanted})
    places = {line["sample_id"]: line["grounding"]["places"] for line in workshop.lines(place / "bench/build/places.jsonl")}
    found = {name: [(one["box"], one["basis"]) for one in some if one["instance_id"] == "id1"] for name, some in places.items()}
    assert found["a"] == found["b"] == [(wanted, "review")]
    masks = [(place / f"bench/masks/{name}/id1.png").read_bytes() for name in "ab"]
    assert masks[0] == masks[1]
    # What the same review says of the twin itself goes before.
    other = [10.0, 20.0, 44.0, 86.0]
    own = {"sample_id": "b", "instance_id": "id1", "decision": "fix", "box": other}
    review(place, {"sample_id": "a", "instance_id": "id1", "decision": "drop"}, own)
    gone = {(line["sample_id"], line["instance_id"]) for line in workshop.lines(place / "bench/dropped.jsonl")}
    assert ("a", "id1") in gone
    assert ("b", "id1") not in gone


def test_nothing_is_said_of_a_picture_that_the_twin_has_painted_again(place):
    build(place)
    keep = {"sample_id": "b", "decision": "keep"}
    done = review(place, {"sample_id": "a", "decision": "fix"}, keep)
    assert done.exit_code == 2
    assert "decisions[1] (b): it starts from the picture of a, which is to be painted again" in done.output
    assert painted(place) == ["0"]


def test_a_prompt_that_a_model_reads_is_read_again_only_with_a_note_and_its_picture_painted_again_in_any_case(place):
    workshop.write_list(place / "source", [{"id": "lift", "prompt": workshop.PROMPT, "image_prompt": TEXT}])
    workshop.write_boxes(place / "boxes.jsonl", {"lift": workshop.EVERYBODY})
    model = workshop.Model()
    options = ("--text-to-image", f"made:{place}", "--detector", f"stored:{place / 'boxes.jsonl'}", "--tracker", "flow")
    with ChatServer(model) as server:
        assert workshop.build(place, *options, server=server).exit_code == 0
        told = []
        for number, note in enumerate(("", "the mug alone is lifted", "")):
            header = json.loads((place / "bench/build/build.json").read_text())
            said = {"sample_id": "lift", "decision": "fix", **({"note": note} if note else {})}
            (place / f"{number}.json").write_text(json.dumps({"build": header["id"], "decisions": [said]}) + " " * number)
            done = workshop.build(place, *options, "--review", place / f"{number}.json", server=server)
            assert done.exit_code == 0, done.output
            told.append((model.read, painted(place)))
    # The last fix, without a note, leaves the earlier one standing.
    assert told == [(1, ["0", "1"]), (2, ["0", "1", "2"]), (2, ["0", "1", "2", "3"])]
    assert bench.check(place / "bench") == []


def seen_from(place, counts):
    """A detector that finds so many of the two in the picture of each seed; it tells pictures by their first pixel."""
    (place / "package/made_painter.py").write_text(
        PLUGIN
        + f"""
from intergeneval.records import Detections
COUNTS = {counts!r}

class Detector:
    id, needs_truth = "made@1", False
    def detect(self, request):
        seed = int(request.frames[0][0, 0, 0]) - int(workshop.picture()[0, 0, 0])
        found = (workshop.EVERYBODY[: COUNTS[seed]],)
        return Detections(sample_id=request.sample.id, seed=0, detector=self.id, frames=(0,), found=found)

def detector(argument, settings):
    return Detector()
"""
    )
    entries = "[intergeneval.painters]\nmade = made_painter:create\n[intergeneval.detectors]\nmade = made_painter:detector\n"
    (place / "package/made-1.dist-info/entry_points.txt").write_text(entries)
    return "--detector", "made", "--tracker", "flow", "--text-to-image", f"made:{place}"


@pytest.mark.parametrize(
    ("counts", "seeds", "taken"),
    [
        ([1, 0, 2, 2], ["0", "1", "2"], 2),
        ([0, 1, 1, 0], ["0", "1", "2", "1"], 1),
        ([1, 0, 0, 2], ["0", "1", "2", "0"], 0),
        ([2], ["0"], 0),
    ],
    ids=["the first that shows all", "the first of those that show most", "the very first", "nothing to try"],
)
def test_other_seeds_are_tried_where_a_picture_does_not_show_everybody(place, counts, seeds, taken):
    options = seen_from(place, counts)
    done = workshop.build(place, *options, "--image-tries", 3, "--json")
    assert painted(place) == seeds
    assert json.loads(done.stdout)["painted"] == {"a": taken, "b": taken}
    assert (
        videos.read_picture(place / "bench/build/painted" / made_picture(place)) == workshop.picture() + np.uint8(taken)
    ).all()
    # The same command has nothing left to do.
    workshop.build(place, *options, "--image-tries", 3)
    assert painted(place) == seeds


def made_picture(place):
    (found,) = (place / "bench/build/painted").iterdir()
    return found.name


def test_a_rejected_picture_is_not_tried_again_however_many_came_before_it(place):
    options = seen_from(place, [1, 2, 1, 2])
    workshop.build(place, *options, "--image-tries", 3)
    assert painted(place) == ["0", "1"]
    header = json.loads((place / "bench/build/build.json").read_text())
    decisions = [{"sample_id": "b", "decision": "fix"}]
    (place / "review.json").write_text(json.dumps({"build": header["id"], "decisions": decisions}))
    done = workshop.build(place, *options, "--image-tries", 3, "--json", "--review", place / "review.json")
    assert painted(place) == ["0", "1", "2", "3"]
    assert json.loads(done.stdout)["painted"] == {"a": 3, "b": 3}


def test_a_painter_that_fails_leaves_the_samples_waiting_and_the_next_run_mends_them(place):
    (place / "broken").touch()
    done = build(place)
    assert done.exit_code == 3
    drops = workshop.lines(place / "bench/dropped.jsonl")
    assert {(line["sample_id"], line["step"], line["pending"]) for line in drops} == {
        ("a", "painting", True), ("b", "painting", True)
    }  # fmt: skip
    assert "made@1 painted no first frame: out of paint" in drops[0]["reason"]
    (place / "broken").unlink()
    assert build(place).exit_code == 0


def test_a_new_text_or_seed_is_a_new_picture_and_a_damaged_one_is_painted_again(place):
    build(place)
    workshop.write_list(place / "source", [row(name, image_prompt=TEXT + " At noon.") for name in "ab"])
    assert build(place).exit_code == 0
    assert build(place, "--image-seed", 3).exit_code == 0
    workshop.write_list(place / "source", [row(name, image_prompt=TEXT + " At noon.", image_seed=5) for name in "ab"])
    assert build(place, "--image-seed", 3).exit_code == 0
    assert painted(place) == ["0", "0", "3", "5"]
    for picture in (place / "bench/build/painted").iterdir():
        picture.write_bytes(picture.read_bytes()[:200])
    done = build(place, "--image-seed", 3)
    assert done.exit_code == 0, done.output
    assert painted(place) == ["0", "0", "3", "5", "5"]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([row("a"), row("b", image_prompt="A man sits.")], "'a' would start from another picture"),
        ([row("a"), row("b", image_seed=1)], "give both the same image_prompt and image_seed"),
        ([row("a", image_prompt="")], "or write image_prompt, the text of a first frame from which the prompt can go on"),
        ([row("", image_prompt=TEXT)], "the row has no id"),
        ([row("a", image_seed=-1)], "image_seed: sample 'a': -1 is below 0"),
    ],
)
def test_a_list_that_cannot_be_painted_is_refused_with_the_way_out(place, rows, told):
    workshop.write_list(place / "source", rows)
    done = build(place)
    assert done.exit_code == 2
    assert told in done.output
    assert painted(place) == []


def test_a_twin_whose_picture_lies_beside_the_list_is_no_twin_of_a_painted_one(place):
    workshop.write_picture(place / "source/a.png")
    done = build(place)
    assert done.exit_code == 2
    assert "name one picture for both" in done.output


def test_a_list_with_texts_and_no_pictures_says_how_they_can_be_painted(place):
    done = workshop.build(place, "--detector", f"stored:{place / 'boxes.jsonl'}", "--tracker", "flow")
    assert done.exit_code == 2
    assert "have it painted from its image_prompt with --text-to-image FOLDER_OR_ID" in done.output


def test_a_benchmark_that_brings_its_list_is_named_alone(place, monkeypatch):
    monkeypatch.chdir(place)
    command = ["bench", "build", "whodoes-lite", "--out", "made", "--text-to-image", f"made:{place}", "--limit", "2"]
    done = CliRunner().invoke(main, [*command, "--detector", f"stored:{place / 'boxes.jsonl'}", "--tracker", "flow"])
    assert "2 prompts of whodoes-lite: made" in done.output
    assert painted(place) == ["0"]


def test_a_csv_brings_texts_and_seeds(place):
    (place / "source/prompts.jsonl").unlink()
    text = f'id,prompt,image_prompt,image_seed\na,The man in a red coat pushes the woman in a green coat.,"{TEXT}",7\n'
    (place / "source/prompts.csv").write_text(text)
    done = build(place)
    assert done.exit_code == 0, done.output
    assert painted(place) == ["7"]


@pytest.mark.parametrize("given", ["nowhere", "a/b/c", "nobody:weights"])
def test_a_painter_that_there_is_not_is_refused_before_anything_is_written(place, given):
    done = workshop.build(place, "--text-to-image", given, "--detector", f"stored:{place / 'boxes.jsonl'}", "--tracker", "flow")
    assert done.exit_code == 2
    assert f"--text-to-image {given}" in done.output
    assert not (place / "bench").exists() or not list(Path(place / "bench").rglob("*.jsonl"))


def test_one_cause_is_told_once_with_how_many_it_met_and_the_first_of_them(place):
    (place / "broken").touch()
    rows = []
    for number in range(20):
        for name in "ab":
            one = row(name, id=f"pair-{number:02}-{name}", scene=f"pair-{number:02}", image_prompt=f"{TEXT} Room {number}.")
            one["interactions"][0]["twin_of"] = f"pair-{number:02}-{'b' if name == 'a' else 'a'}"
            rows.append(one)
    workshop.write_list(place / "source", rows)
    done = build(place)
    assert done.exit_code == 3
    assert done.output.count("out of paint") == 1
    assert "FAILED: 40 prompts" in done.output
    told = "  40 times (pair-00-a, pair-00-b, pair-01-a, pair-01-b and 36 more): made@1 painted no first frame: "
    assert told in done.output
    # The file still holds every one of them.
    assert len(workshop.lines(place / "bench/dropped.jsonl")) == 40


def test_reasons_that_differ_in_names_and_numbers_are_one_cause_and_other_causes_are_counted():
    named = [Drop(sample_id=name, step="scene", reason=f"no picture {name}.png is there") for name in ("cat", "cat-b", "dog")]
    named += [
        Drop(sample_id=name, step="places", reason=f"{count} instances of class '{name}'", instance_id=f"id{count}")
        for count, name in enumerate(("hen", "ram"), start=2)
    ]
    others = [Drop(sample_id="cat", step="places", reason=f"cause {letter}", instance_id="id1") for letter in "xyz"]
    assert by_cause([*named, *others], 3) == [
        "3 times (cat, cat-b, dog): such as no picture cat.png is there",
        "2 times (hen, ram): such as 2 instances of class 'hen'",
        "cat, id1: cause x",
        "and 2 more, with 2 other causes",
    ]
