"""Text-to-video models: the instances of a prompt are found in the first frame that the model drew, or nothing is claimed."""

import json

import pytest
from click.testing import CliRunner

from intergeneval import bench
from intergeneval.cli import main
from intergeneval.records import Detection, Detections
from intergeneval.videos import sample_frames
from tests import tiny_world
from tests.fakes.chat_server import ChatServer, good, reply


@pytest.fixture
def world(tmp_path):
    """The small world as a text-to-video benchmark, its videos, and a file of boxes."""
    root = tiny_world.write_benchmark(tmp_path / "bench", ("a",))
    (root / "bench.toml").write_text((root / "bench.toml").read_text() + 'task = "text-to-video"\n')
    row = json.loads((root / "samples.jsonl").read_text())
    row["size"] = None
    for item in row["instances"]:
        del item["mask"]
    (root / "samples.jsonl").write_text(json.dumps(row) + "\n")
    tiny_world.write_videos(tmp_path / "model", ("a",), tracks=False)
    return tmp_path


def write_boxes(path, crates=1):
    """What a detector finds in every sampled frame: the block, the crate, and with `crates` 2 one more that lies elsewhere."""
    frames = sample_frames(tiny_world.FRAMES)
    found = []
    for frame in frames:
        boxes = tiny_world.boxes_at(frame)
        seen = [Detection(class_="block", box=boxes["id1"], score=0.9), Detection(class_="crate", box=boxes["id2"], score=0.8)]
        seen += [Detection(class_="crate", box=(70.0, 4.0, 86.0, 16.0), score=0.7)] * (crates - 1)
        found.append(tuple(seen[: 1 + crates]))
    line = Detections(sample_id="a", seed=0, detector="made", frames=frames, found=tuple(found))
    path.write_text(json.dumps(line.to_json()) + "\n")
    return path


def run(world, *arguments, detector=None):
    command = ["run", "--model", world / "model", "--bench", world / "bench", "--tracker", "flow", "--out", world / "run"]
    spec = ("--detector", f"stored:{detector}") if detector else ()
    options = ("--workers", 1, "--cache", world / "cache.sqlite")
    return CliRunner().invoke(main, [str(part) for part in (*command, *spec, *options, *arguments)])


def lines(world, name):
    return [json.loads(line) for line in (world / f"run/{name}.jsonl").read_text().splitlines()]


def test_a_benchmark_without_first_frames_passes_the_check_when_it_says_that_it_is_meant_so(world):
    assert bench.check(world / "bench") == []
    toml = world / "bench/bench.toml"
    toml.write_text(toml.read_text().replace("text-to-video", "video"))
    assert any("'video' is no task" in str(fault) for fault in bench.check(world / "bench"))


def test_instances_found_in_the_first_frame_are_tracked_and_scored_and_the_run_says_how_they_were_found(world):
    done = run(world, detector=write_boxes(world / "boxes.jsonl"))
    assert done.exit_code == 0, done.output
    (score,) = lines(world, "scores")
    assert score["status"] == "ok"
    assert score["if"] is not None
    (grounding,) = lines(world, "grounding")
    assert [place["basis"] for place in grounding["places"]] == ["only candidate", "only candidate"]
    (tracks,) = lines(world, "tracks")
    assert [track["instance_id"] for track in tracks["tracks"]] == ["id1", "id2"]
    assert "first frame: stored:boxes.jsonl@" in tracks["notes"][-1]
    comparability = json.loads((world / "run/run.json").read_text())["comparability"]
    assert comparability["tracker"].startswith("flow-2, first frame: stored:boxes.jsonl@")
    assert comparability["tracker"].endswith("at most 8 a class, not verified (only)")
    before = (world / "run/grounding.jsonl").read_bytes()
    assert run(world, detector=world / "boxes.jsonl").exit_code == 0
    assert (world / "run/grounding.jsonl").read_bytes() == before


def test_what_cannot_be_told_apart_stays_without_a_score_and_with_a_reason(world):
    done = run(world, detector=write_boxes(world / "boxes.jsonl", crates=2))
    assert done.exit_code == 3, done.output
    (score,) = lines(world, "scores")
    assert (score["status"], score["if"]) == ("untracked", None)
    reason = "id2 was not found in the first frame: 2 candidates of class 'crate', and no model that could verify one of them"
    assert score["reason"] == reason
    both = [answer for answer in lines(world, "answers") if answer["question_id"] <= 6]
    assert {answer["status"] for answer in both} == {"unanswerable"}


def test_a_judge_that_can_look_verifies_the_crops_within_the_same_cost_and_cache(world):
    def script(asked):
        if "What is meant" not in asked.text:
            return reply(good(asked))
        return reply(json.dumps({"reason": "seen", "match": "block" in asked.text}))

    boxes = write_boxes(world / "boxes.jsonl", crates=2)
    with ChatServer(script) as server:
        config = world / "run.toml"
        config.write_text(f'[settings.openai]\nbase_url = "{server.url}"\nattempts = 2\nbackoff = 0.01\n')
        done = run(world, "--judge", "openai:m", "--config", config, detector=boxes)
        assert done.exit_code == 3, done.output
        crops = sum("What is meant" in asked.text for asked in server.asked)
        assert run(world, "--judge", "openai:m", "--config", config, detector=boxes).exit_code == 3
        assert sum("What is meant" in asked.text for asked in server.asked) == crops == 3
    (grounding,) = lines(world, "grounding")
    assert [place["basis"] for place in grounding["places"]] == ["verified", None]
    assert grounding["usage"]["requests"] == 3
    (score,) = lines(world, "scores")
    assert "none of 2 candidates of class 'crate' was verified; the last: seen" in score["reason"]
    assert "judge: 3 requests" in done.output or "judge: 4 requests" in done.output


def test_a_verifier_that_breaks_leaves_the_video_to_be_tried_again(world):
    state = {"broken": True}

    def script(asked):
        if "What is meant" not in asked.text:
            return reply(good(asked))
        return reply("I think so." if state["broken"] else json.dumps({"reason": "seen", "match": True}))

    boxes = write_boxes(world / "boxes.jsonl")
    with ChatServer(script) as server:
        config = world / "run.toml"
        config.write_text(f'[settings.openai]\nbase_url = "{server.url}"\nattempts = 2\nbackoff = 0.01\n')
        done = run(world, "--judge", "openai:m", "--config", config, detector=boxes)
        assert done.exit_code == 3
        assert "verifying failed: the reply is not one JSON object" in done.output
        state["broken"] = False
        done = run(world, "--judge", "openai:m", "--config", config, detector=boxes)
        assert done.exit_code == 0, done.output
    (score,) = lines(world, "scores")
    assert score["status"] == "ok"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give a detector, such as --detector grounding_dino"),
        (("--detector", "stored:gone.jsonl"), "gone.jsonl cannot be read"),
    ],
)
def test_a_text_to_video_benchmark_says_what_a_run_needs(world, arguments, said):
    done = run(world, *arguments)
    assert done.exit_code == 2
    assert said in done.output


def test_a_benchmark_of_prompts_alone_says_which_step_is_missing(world):
    toml = world / "bench/bench.toml"
    toml.write_text(toml.read_text().replace('task = "text-to-video"\n', ""))
    done = run(world)
    assert done.exit_code == 2
    assert "the steps of finding and cutting them out are missing; 'intergeneval bench build' takes them" in done.output
    row = json.loads((world / "bench/samples.jsonl").read_text())
    (world / "bench/samples.jsonl").write_text(json.dumps({**row, "interactions": []}) + "\n")
    assert "the step from prompt to instances and interactions is missing" in run(world).output
