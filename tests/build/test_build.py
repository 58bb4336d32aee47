"""`bench build` from the command line: a model behind a real server, boxes in a file, GrabCut for masks."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from intergeneval import bench
from intergeneval.build import Build, BuildConfig
from intergeneval.cli import main
from intergeneval.errors import UsageError
from intergeneval.masks import iou
from tests.build import workshop
from tests.build.workshop import BOXES, PROMPT, Model, found
from tests.fakes.chat_server import ChatServer, Fault, reply

HUG = "A man in a red coat hugs a woman in a green coat, who holds a blue mug."


def drawn(root, name):
    return cv2.imread(str(root / f"bench/masks/{name}.png"), cv2.IMREAD_UNCHANGED) > 0


def hugging():
    value = workshop.scene("man", "woman", "mug", verb="hugs", source="hugs a woman")
    held = {**value["interactions"][0], "subject": "id2", "verb": "holds", "object": "id3", "source": "who holds a blue mug"}
    return {**value, "interactions": [*value["interactions"], held]}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A picture of which all is found, one whose mug is not, a clip, and one that tells of nothing; built twice."""
    root = tmp_path_factory.mktemp("built")
    source = root / "source"
    workshop.write_picture(source / "lift.png")
    workshop.write_picture(source / "hug.png")
    workshop.write_picture(source / "walk.png")
    workshop.write_clip(source / "clip.mp4")
    rows = [{"id": "lift", "prompt": PROMPT}, {"id": "hug", "prompt": HUG}, {"id": "walk", "prompt": "A man walks."}]
    workshop.write_list(source, [*rows, {"id": "clip", "prompt": PROMPT, "scene": "room", "tags": ["indoor"]}])
    # The detector takes the woman for a man too, and more surely than the man.
    confused = found(("man", BOXES["woman"], 0.95), ("man", BOXES["man"], 0.9), ("woman", BOXES["woman"], 0.8))
    boxes = {"lift": workshop.EVERYBODY, "hug": confused, "clip": workshop.EVERYBODY}
    workshop.write_boxes(root / "boxes.jsonl", boxes)
    model = Model()
    model.scenes |= {HUG: hugging(), "A man walks.": {"instances": [], "interactions": []}}
    with ChatServer(model) as server:
        arguments = ("--detector", f"stored:{root}/boxes.jsonl", "--tracker", "flow", "--json")
        first = workshop.build(root, *arguments, server=server)
        asked = len(server.asked)
        second = workshop.build(root, *arguments, server=server)
        again = len(server.asked) - asked
    assert first.exit_code == 0, first.output
    return root, json.loads(first.stdout), json.loads(second.stdout), again, model


def test_a_build_passes_the_check_and_holds_what_was_verified(built):
    root, result, _, _, _ = built
    assert result["samples"] == ["lift", "hug", "clip"]
    assert bench.check(root / "bench") == []
    loaded = bench.load(root / "bench")
    hug = loaded.sample("hug")
    assert [(item.id, item.class_, item.appearance, item.colour) for item in hug.instances] == [
        ("id1", "man", "man in a red coat", "red"),
        ("id2", "woman", "woman in a green coat", "blue"),
    ]
    assert [(act.subject, act.verb, act.object) for act in hug.interactions] == [("id1", "hugs", "id2")]
    assert loaded.sample("clip").tags == ("indoor", "contact:5", "dynamism:2")
    assert loaded.sample("clip").scene == "room"
    # The first verified candidate, not the most confident one; and the mask is the thing's.
    assert iou(drawn(root, "hug/id1"), _box_mask("man")) > 0.9
    assert iou(drawn(root, "lift/id2"), _box_mask("mug")) > 0.9


def _box_mask(name):
    import numpy as np

    mask = np.zeros(workshop.SIZE, dtype=bool)
    x0, y0, x1, y1 = BOXES[name]
    mask[y0:y1, x0:x1] = True
    return mask


def test_what_was_left_out_stands_with_its_reason(built):
    root, result, _, _, _ = built
    drops = {(item["sample_id"], item["instance_id"], item["interaction"]): item for item in result["dropped"]}
    assert drops["hug", "id3", ""]["reason"] == "the detector found no 'mug' that is not taken"
    assert drops["hug", None, "woman holds mug"]["reason"] == "it needs id3, which is left out"
    assert "no active interaction of a living subject" in drops["walk", None, ""]["reason"]
    assert workshop.lines(root / "bench/dropped.jsonl") == result["dropped"]


def test_a_second_build_asks_nothing_and_changes_nothing(built):
    _, first, second, again, _ = built
    assert again == 0
    assert {**second, "pages": 0} == {**first, "pages": 0}


def test_a_model_is_shown_one_crop_at_a_time_with_class_and_appearance(built):
    root, result, _, _, model = built
    # lift and clip are one prompt, read once. Crops: man and mug of lift and of clip, of hug the woman as a man and as a woman;
    # the man of hug is the man of lift, pixel for pixel, so the cache knows. And each first frame is looked at once.
    assert model.read == 3
    assert model.crops == 6
    assert model.looks == 3
    assert result["spent"]["requests"] == 12
    assert result["spent"]["cached"] == 2
    checks = {line["sample_id"]: line["grounding"]["checks"] for line in workshop.lines(root / "bench/build/places.jsonl")}
    assert [(item["instance_id"], item["match"]) for item in checks["hug"]] == [("id1", False), ("id1", True), ("id2", True)]


def test_a_built_benchmark_of_clips_runs_on_its_own_videos_and_tracks(built, tmp_path):
    root = built[0]
    command = ["run", "--model", str(root / "bench/videos"), "--bench", str(root / "bench"), "--tracker", "stored"]
    done = CliRunner().invoke(main, [*command, "--samples", "clip", "--out", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output
    (score,) = workshop.lines(tmp_path / "run/scores.jsonl")
    assert (score["sample_id"], score["status"]) == ("clip", "ok")


def test_no_key_stands_in_any_file_of_a_build(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-a-build")
    workshop.write_list(tmp_path / "source", [{"id": "lift", "prompt": PROMPT}])
    workshop.write_picture(tmp_path / "source/lift.png")
    workshop.write_boxes(tmp_path / "boxes.jsonl", {"lift": workshop.EVERYBODY})
    model = Model()
    with ChatServer(model) as server:
        workshop.build(tmp_path, "--detector", f"stored:{tmp_path}/boxes.jsonl", "--tracker", "flow", server=server)
        assert server.asked[0].headers["Authorization"] == "Bearer sk-secret-of-a-build"
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"sk-secret-of-a-build" not in path.read_bytes(), path


def test_given_boxes_and_interactions_need_neither_model_nor_detector(tmp_path):
    workshop.write_picture(tmp_path / "source/lift.png")
    act = {"subject": "id1", "verb": "lifts", "object": "id2", "category": "manipulation"}
    given = [
        {"id": "id1", "class": "man", "appearance": "man in red", "box": BOXES["man"]},
        {"id": "id2", "class": "mug", "box": BOXES["mug"]},
    ]
    workshop.write_list(tmp_path / "source", [{"id": "lift", "prompt": PROMPT, "instances": given, "interactions": [act]}])
    done = workshop.build(tmp_path, "--tracker", "flow")
    assert done.exit_code == 0, done.output
    assert bench.check(tmp_path / "bench") == []
    (line,) = workshop.lines(tmp_path / "bench/build/places.jsonl")
    assert {place["basis"] for place in line["grounding"]["places"]} == {"given"}


def test_prompts_that_nobody_was_asked_about_are_read_by_rules_and_what_they_cannot_read_is_said(tmp_path):
    workshop.write_list(tmp_path / "source", [{"id": "lift", "prompt": PROMPT}, {"id": "sea", "prompt": "The sea is calm."}])
    done = workshop.build(tmp_path, "--text-only")
    assert done.exit_code == 3
    assert "sea: no interaction could be read by rules" in done.output
    (sample,) = workshop.lines(tmp_path / "bench/samples.jsonl")
    assert [sample["interactions"][0][name] for name in ("subject", "verb", "object")] == ["id1", "lifts", "id2"]


def test_a_build_goes_on_after_prose_errors_and_a_torn_line_and_never_takes_them_for_an_answer(tmp_path):
    for name in ("a", "b", "c"):
        workshop.write_picture(tmp_path / f"source/{name}.png")
    prompts = {name: f"A man in a red coat lifts a blue mug, {name}." for name in ("a", "b", "c")}
    workshop.write_list(tmp_path / "source", [{"id": name, "prompt": text} for name, text in prompts.items()])
    workshop.write_boxes(tmp_path / "boxes.jsonl", dict.fromkeys(prompts, workshop.EVERYBODY))
    model = Model()
    model.scenes = dict.fromkeys(prompts.values(), workshop.scene("man", "mug"))
    model.scenes[prompts["a"]] = "The man lifts the mug, obviously."
    broken = {"on": True}

    def script(asked):
        if broken["on"] and prompts["b"] in asked.text:
            return Fault(status=500)
        if broken["on"] and asked.pictures and "mug" in asked.text.partition("looks like")[0]:
            return reply(None, refusal="I will not look at that.")
        return model(asked)

    arguments = ("--detector", f"stored:{tmp_path}/boxes.jsonl", "--tracker", "flow", "--json")
    with ChatServer(script) as server:
        first = workshop.build(tmp_path, *arguments, server=server)
        assert first.exit_code == 3
        result = json.loads(first.stdout)
        reasons = {item["sample_id"]: item["reason"] for item in result["dropped"]}
        assert result["samples"] == []
        assert all(item["pending"] for item in result["dropped"])
        assert "the reply is not one JSON object" in reasons["a"]
        assert "status 500" in reasons["b"]
        assert reasons["c"] == "verifying failed: the model declined to answer"
        assert not (tmp_path / "bench/bench.toml").exists()
        with (tmp_path / "bench/build/scenes.jsonl").open("a") as stream:
            stream.write('{"sample_id": "a", "input": "torn')
        broken["on"] = False
        model.scenes[prompts["a"]] = workshop.scene("man", "mug")
        before = len(server.asked)
        second = workshop.build(tmp_path, *arguments, server=server)
        assert second.exit_code == 0, second.output
        # Scenes of a and b anew, c's is kept; all pictures are one, so of their crops only the refused one is asked about, and
        # what touches in them is asked once.
        assert len(server.asked) - before == 2 + 1 + 1
    assert json.loads(second.stdout)["samples"] == ["a", "b", "c"]


def test_a_cost_limit_stops_cleanly_and_a_higher_one_goes_on(tmp_path):
    workshop.write_picture(tmp_path / "source/lift.png")
    workshop.write_list(tmp_path / "source", [{"id": "lift", "prompt": PROMPT}])
    workshop.write_boxes(tmp_path / "boxes.jsonl", {"lift": workshop.EVERYBODY})
    config = tmp_path / "priced.toml"
    arguments = ("--detector", f"stored:{tmp_path}/boxes.jsonl", "--tracker", "flow", "--json", "--config", config)
    with ChatServer(Model()) as server:
        workshop.settings(config, server)
        # A request costs 0.6 tokens-in plus 0.1 out: the second would pass the limit.
        config.write_text(config.read_text() + "[settings.openai.prices]\ninput = 600\ncached_input = 600\noutput = 1000\n")
        first = workshop.build(tmp_path, *arguments, "--max-cost", 1.39, server=server)
        assert first.exit_code == 3
        result = json.loads(first.stdout)
        assert "is spent" in result["stopped"]
        assert result["spent"]["cost"] == pytest.approx(0.7)
        second = workshop.build(tmp_path, *arguments, "--max-cost", 10, server=server)
        assert second.exit_code == 0, second.output
        assert json.loads(second.stdout)["spent"]["cost"] == pytest.approx(2.8)
        assert len(server.asked) == 4


def test_a_build_stopped_before_a_changed_prompt_was_read_keeps_the_old_reading_out_of_the_benchmark(tmp_path):
    workshop.write_picture(tmp_path / "source/lift.png")
    workshop.write_list(tmp_path / "source", [{"id": "lift", "prompt": PROMPT}])
    workshop.write_boxes(tmp_path / "boxes.jsonl", {"lift": workshop.EVERYBODY})
    config = tmp_path / "priced.toml"
    arguments = ("--detector", f"stored:{tmp_path}/boxes.jsonl", "--tracker", "flow", "--json", "--config", config)
    with ChatServer(Model()) as server:
        workshop.settings(config, server)
        config.write_text(config.read_text() + "[settings.openai.prices]\ninput = 600\ncached_input = 600\noutput = 1000\n")
        assert json.loads(workshop.build(tmp_path, *arguments, server=server).stdout)["samples"] == ["lift"]
        workshop.write_list(tmp_path / "source", [{"id": "lift", "prompt": PROMPT.replace("lifts", "holds")}])
        stopped = workshop.build(tmp_path, *arguments, "--max-cost", 2.9, server=server)
        assert stopped.exit_code == 3
        assert json.loads(stopped.stdout)["samples"] == []


def test_a_changed_appearance_or_picture_makes_anew_what_depends_on_it_and_nothing_else(tmp_path):
    act = {"subject": "id1", "verb": "lifts", "object": "id2"}

    def rows(look):
        given = [{"id": "id1", "class": "man", "appearance": look}, {"id": "id2", "class": "mug", "appearance": "blue mug"}]
        row = {"prompt": PROMPT, "instances": given, "interactions": [act]}
        other = [{**given[0], "appearance": "man"}, given[1]]
        return [{"id": "a", **row}, {"id": "b", **row, "instances": other}]

    for name in ("a", "b"):
        workshop.write_picture(tmp_path / f"source/{name}.png")
    workshop.write_boxes(tmp_path / "boxes.jsonl", dict.fromkeys("ab", workshop.EVERYBODY))
    arguments = ("--detector", f"stored:{tmp_path}/boxes.jsonl", "--tracker", "flow")
    with ChatServer(Model()) as server:
        workshop.write_list(tmp_path / "source", rows("man in red"))
        assert workshop.build(tmp_path, *arguments, server=server).exit_code == 0
        before = len(server.asked)
        workshop.write_list(tmp_path / "source", rows("man in scarlet"))
        assert workshop.build(tmp_path, *arguments, server=server).exit_code == 0
        assert ["scarlet" in asked.text for asked in server.asked[before:]] == [True, True]
    counts = {name: len(workshop.lines(tmp_path / f"bench/build/{name}.jsonl")) for name in ("scenes", "proposals", "places")}
    assert counts == {"scenes": 3, "proposals": 2, "places": 3}


def test_a_picture_that_does_not_decode_is_left_out_with_the_reason(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source/lift.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    act = {"subject": "id1", "verb": "lifts", "object": "id2"}
    given = [{"id": name, "class": kind, "box": BOXES[kind]} for name, kind in (("id1", "man"), ("id2", "mug"))]
    workshop.write_list(tmp_path / "source", [{"id": "lift", "prompt": PROMPT, "instances": given, "interactions": [act]}])
    done = workshop.build(tmp_path, "--tracker", "flow")
    assert done.exit_code == 3
    assert "lift.png" in done.output
    assert "no sample is left" in done.output


def test_a_folder_of_another_build_or_another_benchmark_is_never_written_over(tmp_path):
    workshop.write_picture(tmp_path / "source/lift.png")
    act = {"subject": "id1", "verb": "lifts", "object": "id2"}
    given = [{"id": name, "class": kind, "box": BOXES[kind]} for name, kind in (("id1", "man"), ("id2", "mug"))]
    workshop.write_list(tmp_path / "source", [{"id": "lift", "prompt": PROMPT, "instances": given, "interactions": [act]}])
    config = BuildConfig(source=str(tmp_path / "source"), out=str(tmp_path / "bench"), tracker="flow", cache="off")
    Build(config).execute()
    (tmp_path / "source").rename(tmp_path / "other")
    with pytest.raises(UsageError, match="was built from"):
        Build(replace(config, source=str(tmp_path / "other")))
    (tmp_path / "made").mkdir()
    (tmp_path / "made/bench.toml").write_text("")
    with pytest.raises(UsageError, match="was not built here"):
        Build(replace(config, source=str(tmp_path / "other"), out=str(tmp_path / "made")))


def test_a_text_only_build_makes_a_benchmark_for_text_to_video_models(tmp_path):
    workshop.write_list(tmp_path / "source", [{"id": "lift", "prompt": PROMPT}])
    with ChatServer(Model()) as server:
        done = workshop.build(tmp_path, "--text-only", server=server)
    assert done.exit_code == 0, done.output
    assert bench.check(tmp_path / "bench") == []
    loaded = bench.load(tmp_path / "bench")
    assert loaded.task == bench.TEXT_TO_VIDEO
    assert loaded.samples[0].image is None
    assert [item.class_ for item in loaded.samples[0].instances] == ["man", "mug"]


def test_interactions_rated_below_the_thresholds_are_left_out(tmp_path):
    workshop.write_list(tmp_path / "source", [{"id": "lift", "prompt": PROMPT}])
    with ChatServer(Model()) as server:
        done = workshop.build(tmp_path, "--text-only", server=server, more="min_dynamism = 3")
    assert done.exit_code == 3
    assert "its dynamism is rated 2, below min_dynamism 3" in done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tracker", "stored"), "makes no masks from boxes"),
        (("--detector", "staged", "--tracker", "flow"), "reads the truth of staged videos"),
        (("--detector", "nothing", "--tracker", "flow"), "no detector is called 'nothing'"),
        (("--detector", "stored:gone.jsonl", "--tracker", "flow"), "gone.jsonl cannot be read"),
    ],
)
def test_backends_that_cannot_do_it_are_refused_before_any_work(tmp_path, arguments, said):
    workshop.write_picture(tmp_path / "source/lift.png")
    workshop.write_list(tmp_path / "source", [{"id": "lift", "prompt": PROMPT}])
    with ChatServer(Model()) as server:
        done = workshop.build(tmp_path, *arguments, server=server)
        assert server.asked == []
    assert done.exit_code == 2
    assert said in done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tracker", "none"), "nobody cuts the instances out"),
        (("--detector", "none", "--tracker", "flow"), "nobody proposes boxes"),
    ],
)
def test_a_step_that_nobody_takes_is_named(tmp_path, arguments, said):
    workshop.write_picture(tmp_path / "source/lift.png")
    workshop.write_list(tmp_path / "source", [{"id": "lift", "prompt": PROMPT}])
    with ChatServer(Model()) as server:
        done = workshop.build(tmp_path, *arguments, server=server)
    assert done.exit_code == 2
    assert said in done.output


def test_boxes_that_leave_the_picture_are_cut_or_refused_with_a_reason(tmp_path):
    workshop.write_picture(tmp_path / "source/lift.png")
    act = {"subject": "id1", "verb": "lifts", "object": "id2"}
    given = [
        {"id": "id1", "class": "woman", "box": [96, 10, 400, 300]},
        {"id": "id2", "class": "mug", "box": [200, 10, 240, 40]},
    ]
    workshop.write_list(tmp_path / "source", [{"id": "lift", "prompt": PROMPT, "instances": given, "interactions": [act]}])
    done = workshop.build(tmp_path, "--tracker", "flow", "--json")
    reasons = {item["instance_id"]: item["reason"] for item in json.loads(done.stdout)["dropped"] if not item["interaction"]}
    assert reasons == {"id2": "its box lies outside the picture", None: "no interaction is left"}


def test_masks_that_a_list_brings_later_replace_boxes_that_were_found_before(tmp_path):
    workshop.write_picture(tmp_path / "source/lift.png")
    act = {"subject": "id1", "verb": "lifts", "object": "id2"}
    given = [{"id": "id1", "class": "man"}, {"id": "id2", "class": "mug"}]
    row = {"id": "lift", "prompt": PROMPT, "interactions": [act]}
    workshop.write_boxes(tmp_path / "boxes.jsonl", {"lift": workshop.EVERYBODY})
    arguments = ("--detector", f"stored:{tmp_path}/boxes.jsonl", "--tracker", "flow")
    workshop.write_list(tmp_path / "source", [{**row, "instances": given}])
    assert workshop.build(tmp_path, *arguments).exit_code == 0
    for number, name in enumerate(("man", "mug"), start=1):
        mask = np.zeros(workshop.SIZE, dtype=np.uint8)
        mask[5 * number : 5 * number + 3, 7:11] = 255
        cv2.imwrite(str(tmp_path / f"source/{name}-mask.png"), mask)
    masked = [{**item, "mask": f"{item['class']}-mask.png"} for item in given]
    workshop.write_list(tmp_path / "source", [{**row, "instances": masked}])
    done = workshop.build(tmp_path, *arguments)
    assert done.exit_code == 0, done.output
    for number, name in ((1, "man"), (2, "mug")):
        wanted = cv2.imread(str(tmp_path / f"source/{name}-mask.png"), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(drawn(tmp_path, f"lift/id{number}"), wanted > 0)


def test_settings_of_a_plug_in_that_nobody_registered_are_refused(tmp_path):
    workshop.write_list(tmp_path / "source", [{"id": "lift", "prompt": PROMPT}])
    done = workshop.build(tmp_path, "--text-only", more="[settings.opnai]\nconcurrency = 4\n")
    assert done.exit_code == 2
    assert "[settings.opnai]: no plug-in of that name" in done.output
    assert not (tmp_path / "bench").exists()
