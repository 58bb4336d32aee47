"""The ``hf`` judge remembers by content: asked again is what changed, and nothing else."""

import json

import pytest
from click.testing import CliRunner

from intergeneval import videos
from intergeneval.cli import main
from intergeneval.errors import BackendError
from intergeneval.judges import hf, hf_model
from intergeneval.run.run import Run
from intergeneval.store.spending import spending
from tests import judged_world, tiny_world
from tests.models import checkpoints


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return checkpoints.qwen3_vl(tmp_path_factory.mktemp("weights") / "tiny-vlm")


@pytest.fixture
def world(tmp_path):
    tiny_world.write_benchmark(tmp_path / "bench")
    tiny_world.write_videos(tmp_path / "model")
    # Short prompts: what is asked how often does not depend on their length, and the time does.
    (tmp_path / "prompts").mkdir()
    ask = "{% for item in questions %}{{ item.label }} {{ item.text }} {% endfor %}"
    for name, text in {"system": "Judge.", "frame": "{{ index }}", "ask": ask}.items():
        (tmp_path / "prompts" / f"{name}.j2").write_text(text)
    return tmp_path


@pytest.fixture
def asked(monkeypatch):
    """What the model was really asked, in order: sample and question label."""
    found, choose = [], hf.ChoosingJudge._choose

    def watched(self, request, questions, images):
        found.extend((request.sample.id, hf.label(item)) for item in questions)
        return choose(self, request, questions, images)

    monkeypatch.setattr(hf.ChoosingJudge, "_choose", watched)
    return found


def config(world, folder, out="run", **changes):
    settings = {"hf": {"mode": changes.pop("mode", "choice"), "side": changes.pop("side", 64)}}
    base = {"judge": f"hf:{folder}", "consistency": "tracks", "settings": settings, "prompts": str(world / "prompts")}
    return judged_world.config(world, "", **base, out=str(world / out), **changes)


def test_a_run_elsewhere_asks_nothing_and_says_the_same_with_its_evidence(world, folder, asked):
    first = Run(config(world, folder)).execute()
    assert len(asked) == 30
    again = Run(config(world, folder, "other")).execute()
    assert len(asked) == 30
    one, two = (
        [(item.value, item.frame, item.reason, dict(item.evidence)) for item in judged_world.answers(result.store)]
        for result in (first, again)
    )
    assert one == two
    assert (spending(first.store).requests, spending(first.store).cached) == (3, 0)
    assert (spending(again.store).requests, spending(again.store).cached) == (0, 30)


def test_one_changed_frame_asks_about_that_video_and_one_word_asks_its_questions(world, folder, asked):
    Run(config(world, folder)).execute()
    asked.clear()

    def changed(index):
        frame = tiny_world.frame_at(index, 1)
        if index == 12:
            frame[:20, :20] = 255
        return frame

    videos.write_video(world / "model" / "b.mp4", (changed(index) for index in range(tiny_world.FRAMES)), 8.0)
    Run(config(world, folder, "second")).execute()
    assert {name for name, _ in asked} == {"b"}
    assert len(asked) == 10
    asked.clear()
    judged_world.change_samples(
        world, lambda row: row["instances"][0].update(appearance="tall crimson block") if row["id"] == "a" else None
    )
    run = Run(config(world, folder, "third"))
    run.execute()
    texts = [("a", hf.label(item)) for item in run.settle().questions["a"] if "crimson" in item.text]
    assert 0 < len(texts) < 10
    assert asked == texts


def test_other_settings_of_the_model_ask_again(world, folder, asked):
    for number, side in enumerate((64, 96, 64), start=1):
        Run(config(world, folder, f"run-{number}", side=side, limit=1)).execute()
    assert len(asked) == 20


def test_replies_that_could_be_read_are_kept_and_the_others_are_asked_for_again(world, folder, monkeypatch):
    replies = []

    def write(self, messages, frames, limit):
        replies.append(messages)
        good = {"question": "0.1", "reason": "", "answer": "no", "frame": None}
        return hf_model.Written(text=json.dumps({"answers": [good]}) if len(replies) == 1 else "?", cut=False)

    monkeypatch.setattr(hf.Vlm, "write", write)
    for out in ("run", "other"):
        Run(config(world, folder, out, mode="generate", limit=1)).execute()
    assert len(replies) == 4
    assert "0.1 " in replies[0][1]["content"][-1]["text"]
    assert "0.1 " not in replies[2][1]["content"][-1]["text"]


def test_a_cost_limit_is_refused_because_it_costs_nothing(world, folder):
    command = ["run", "--model", str(world / "model"), "--bench", str(world / "bench"), "--tracker", "stored", "--max-cost", "1"]
    done = CliRunner().invoke(main, [*command, "--judge", f"hf:{folder}", "--out", str(world / "run")])
    assert done.exit_code == 2
    assert "costs nothing" in done.stderr


def test_questions_for_a_verb_nobody_knows_are_written_once_and_asked(world, folder, monkeypatch):
    judged_world.change_samples(world, lambda row: row["interactions"][0].update(verb="flummoxes") if row["id"] == "a" else None)
    names = ("the tall red block (red outline)", "the blue crate (blue outline)")
    texts = [f"Does {names[0]} flummox {names[1]} in way {number}?" for number in range(1, 11)]
    texts[6], texts[9] = f"Is {names[0]} up to something?", f"Is {names[1]} being flummoxed?"
    good = json.dumps({"questions": [{"id": number, "text": text} for number, text in enumerate(texts, start=1)]})
    chats = []

    def write(self, messages, frames, limit):
        chats.append((len(messages), len(frames)))
        return hf_model.Written(text=good if not frames and len(messages) == 4 else "?", cut=False)

    monkeypatch.setattr(hf.Vlm, "write", write)
    for out in ("run", "other"):
        run = Run(config(world, folder, out, mode="generate", limit=1, unknown_verbs="judge"))
        assert [item.text for item in run.settle().questions["a"]] == texts
    assert chats == [(2, 0), (4, 0)]


def test_a_model_goes_on_without_pictures_and_what_it_writes_is_not_taken_for_questions(world, folder):
    judge = hf.create(str(folder), {"max_tokens": 8, "prompts": str(world / "prompts")})
    sample = Run(config(world, folder, limit=1)).plan.bench.samples[0]
    with pytest.raises(BackendError, match="wrote no usable questions"):
        judge.write_questions(sample, 0, ("the man", "the ball"))
