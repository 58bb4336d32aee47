"""The API judge in whole runs over the loopback server: cache, money, prompts, questions, secrets."""

from __future__ import annotations

import json
import re
import shutil
import time
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from intergeneval import masks, videos
from intergeneval.cli import main
from intergeneval.errors import BackendError, ConfigError, UsageError
from intergeneval.plugins import build
from intergeneval.records import AnswerStatus, AnswerValue, TrackState
from intergeneval.run.run import Run
from intergeneval.store.spending import spending, spending_by_sample
from tests import judged_world, tiny_world
from tests.fakes.chat_server import Asked, ChatServer, Fault, good, reply

PRICES = {"input": 1.0, "output": 10.0, "cached_input": 0.5}
COST = (600 * 1.0 + 400 * 0.5 + 100 * 10.0) / 1e6
"""What one reply of the loopback server costs: 1,000 tokens in, 400 of them cached, 100 out."""


@pytest.fixture
def world(tmp_path):
    tiny_world.write_benchmark(tmp_path / "bench")
    tiny_world.write_videos(tmp_path / "model")
    return tmp_path


def test_one_request_a_video_shows_its_frames_first_and_asks_everything_at_once(world):
    with ChatServer() as server:
        result = judged_world.run(world, server.url)
    assert len(server.asked) == 3
    for asked in server.asked:
        assert asked.labels == [f"0.{number}" for number in range(1, 11)]
        assert asked.shown[1:] == asked.frames
        kinds = [part["type"] for part in asked.request["messages"][1]["content"]]
        # Frame 0 comes twice: as it is, and with outlines.
        assert kinds == ["text", "image_url"] * (len(asked.shown) + 1) + ["text"]
        assert len(set(asked.pictures)) == len(asked.pictures)
        assert asked.request["response_format"]["json_schema"]["strict"] is True
    assert [(score.if_, score.partial) for score in result.scores] == [(1.0, ())] * 3
    assert result.store.header.comparability.partial == ()


def test_without_being_asked_for_consistency_it_says_nothing_of_emergence_and_the_run_is_partial(world):
    with ChatServer() as server:
        result = judged_world.run(world, server.url, consistency="tracks")
    # It goes through the frames all the same: evidence comes first.
    assert [(asked.walks, asked.assessed) for asked in server.asked] == [(True, False)] * 3
    assert [score.partial for score in result.scores] == [("emergence",)] * 3


def test_what_the_judge_says_is_what_is_scored(world):
    def script(asked: Asked):
        found = json.loads(good(asked))
        found["answers"][0] |= {"answer": "no", "frame": None}
        found["answers"][1] |= {"answer": "no (visually implausible)"}
        found["emerged"] = [asked.frames[0]]
        found["missing"] = [f"C: {asked.frames[1]}"]
        return reply("```json\n" + json.dumps(found) + "\n```")

    with ChatServer(script) as server:
        result = judged_world.run(world, server.url, limit=1, profile="paper")
    (score,) = result.scores
    count = len(server.asked[0].frames)
    assert (score.kisa_raw, score.sgi_raw) == (4 / 6, 1.0)
    assert score.spi == pytest.approx(1 - 5 / count)
    values = [answer.value for answer in judged_world.answers(result.store)]
    assert values[:3] == [AnswerValue.NO, AnswerValue.IMPLAUSIBLE, AnswerValue.YES]
    (assessed,) = judged_world.assessed(result.store)
    assert assessed.reasons[:3] == ("something emerged; as before", "missing: id2; as before", "")
    assert assessed.diagnostics


def test_the_same_run_again_asks_nothing_and_a_new_folder_asks_nothing_either(world):
    with ChatServer() as server:
        first = judged_world.run(world, server.url)
        began = time.process_time()
        again = judged_world.run(world, server.url)
        assert time.process_time() - began < 10  # of this process, so that neighbours on the machine do not count
        other = judged_world.run(world, server.url, out=str(world / "other"), workers=2)
        assert len(server.asked) == 3
    assert again.observed == 0
    expected = (first.store.folder / "scores.jsonl").read_bytes()
    assert (other.store.folder / "scores.jsonl").read_bytes() == expected
    assert (spending(other.store).requests, spending(other.store).cached) == (0, 33)


def test_changing_one_sampled_frame_of_one_video_asks_about_exactly_that_video(world):
    def changed(index: int):
        frame = tiny_world.frame_at(index, 1)
        if index == 12:
            frame[:20, :20] = 255
        return frame

    with ChatServer() as server:
        judged_world.run(world, server.url)
        videos.write_video(world / "model" / "b.mp4", (changed(index) for index in range(tiny_world.FRAMES)), 8.0)
        judged_world.run(world, server.url, out=str(world / "other"))
        assert len(server.asked) == 4
        new = set(server.asked[3].pictures)
        known = [set(asked.pictures) for asked in server.asked[:3]]
        assert new not in known
        # The frames before the changed one are as they were, so it is seen whose they are.
        assert sorted(bool(new & pictures) for pictures in known) == [False, False, True]
        result = judged_world.run(world, server.url)
        assert len(server.asked) == 4
    assert all(score.if_ == 1.0 for score in result.scores)


def test_changing_one_word_of_one_appearance_asks_exactly_the_questions_that_hold_it(world):
    with ChatServer() as server:
        judged_world.run(world, server.url)

        def change(row):
            if row["id"] == "b":
                row["instances"][0]["appearance"] = "tall crimson block"

        judged_world.change_samples(world, change)
        result = judged_world.run(world, server.url, out=str(world / "other"))
        texts = {
            f"0.{item.question_id}"
            for item in Run(judged_world.config(world, server.url)).settle().questions["b"]
            if "crimson" in item.text
        }
        assert set(server.asked[3].labels) == texts
        assert len(texts) < 10
        assert len(server.asked) == 4
        # Somebody else is looked for, so the frames are gone through again.
        assert server.asked[3].frames == server.asked[1].frames
    assert all(score.if_ == 1.0 for score in result.scores)


def test_another_model_host_parameter_prompt_or_served_revision_asks_again(world, tmp_path):
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    (prompts / "system.j2").write_text("Look closely and reply with JSON.")
    with ChatServer() as server:
        judged_world.run(world, server.url, limit=1)
        other = {
            "model": {"judge": "openai:other"},
            "parameter": {"judge_settings": {"parameters": {"temperature": 0.5}}},
            "revision": {"judge_settings": {"revision": "int4"}},
            "prompts": {"prompts": str(prompts)},
            "host": {"url": server.url.replace("127.0.0.1", "localhost")},
        }
        for number, (name, changes) in enumerate(other.items()):
            url = changes.pop("url", server.url)
            judge = changes.pop("judge_settings", None)
            judged_world.run(world, url, limit=1, out=str(world / name), judge_settings=judge, **changes)
            assert len(server.asked) == number + 2, name
        assert server.asked[4].request["messages"][0]["content"] == "Look closely and reply with JSON."


def test_a_new_revision_behind_the_same_name_is_noticed_and_old_answers_are_not_reused(world):
    with ChatServer() as server:
        judged_world.run(world, server.url)
        server.script = lambda asked: {**reply(good(asked)), "model": "served-2"}
        judged_world.change_samples(world, lambda row: row["instances"][0].update(appearance=f"{row['id']} block"))
        judged_world.run(world, server.url, out=str(world / "second"), limit=1)
        asked = len(server.asked)
        judged_world.run(world, server.url, out=str(world / "third"))
        assert len(server.asked) > asked


def test_tokens_and_cost_are_counted_by_sample_and_for_the_run(world):
    with ChatServer() as server:
        result = judged_world.run(world, server.url, judge_settings={"prices": PRICES})
    spent = spending(result.store)
    assert (spent.requests, spent.input_tokens, spent.cached_tokens, spent.output_tokens) == (3, 3000, 1200, 300)
    assert spent.cost == pytest.approx(3 * COST)
    assert {name: part.cost for name, part in spending_by_sample(result.store).items()} == pytest.approx(
        dict.fromkeys("abc", COST)
    )


def test_a_run_stops_before_its_cost_limit_says_so_and_goes_on_with_a_higher_one(world):
    judge = {"prices": PRICES, "concurrency": 1, "image_tokens": 1}
    with ChatServer() as server:
        stopped = judged_world.run(world, server.url, judge_settings=judge, max_cost=1.5 * COST + 0.0075)
        limit = stopped.store.header.config["max_cost"]
        assert "may cost" in stopped.stopped
        assert not stopped.complete
        assert spending(stopped.store).cost <= limit
        done = len(server.asked)
        assert done < 3
        rest = judged_world.run(world, server.url, judge_settings=judge, max_cost=1.0)
        assert (rest.stopped, len(server.asked)) == ("", 3)
    assert all(score.if_ == 1.0 for score in rest.scores)


def test_a_cost_limit_needs_a_price_table_and_a_judge_that_costs(world):
    with pytest.raises(ConfigError, match="prices"):
        Run(judged_world.config(world, "http://127.0.0.1:9/v1", max_cost=1.0))
    with pytest.raises(UsageError, match="costs nothing"):
        Run(judged_world.config(world, "", judge="geometry", consistency="tracks", settings={}, max_cost=1.0))


def test_the_estimate_comes_before_the_first_request(world):
    with ChatServer() as server:
        found = Run(judged_world.config(world, server.url, judge_settings={"prices": PRICES})).plan.estimate()
        assert server.asked == []
    assert found is not None
    assert found.requests == 3
    assert found.cost == pytest.approx((found.input_tokens * 1.0 + found.output_tokens * 10.0) / 1e6)


def test_a_lost_instance_is_asked_about_and_the_judge_told_that_it_has_no_outline(world):
    tracks = tiny_world.true_tracks("a")
    count = tiny_world.FRAMES
    first = tiny_world.mask_of(tiny_world.boxes_at(0)["id2"])
    states = [TrackState.VISIBLE] + [TrackState.LOST] * (count - 1)
    gone = masks.track_of("id2", [first] + [np.zeros_like(first)] * (count - 1), states, [1.0] * count)
    tracks = replace(tracks, tracks=(tracks.tracks[0], gone))
    (world / "model" / "a.tracks.json").write_text(json.dumps(tracks.to_json()))
    with ChatServer() as server:
        result = judged_world.run(world, server.url, limit=1)
    assert {answer.status for answer in judged_world.answers(result.store)} == {AnswerStatus.OK}
    assert len(server.questions) == 10
    assert "blue outline (no outline after frame 0)" in server.asked[0].text
    assert "is drawn\nby a program, may slip or be missing" in server.asked[0].request["messages"][0]["content"]
    assert result.scores[0].if_ == 1.0


def test_a_video_whose_tracking_failed_is_not_shown_to_the_judge(world):
    shutil.move(world / "model" / "a.tracks.json", world / "kept.json")
    with ChatServer() as server:
        result = judged_world.run(world, server.url, limit=1)
    assert server.asked == []
    assert result.scores[0].if_ is None


# -- questions for verbs nobody knows


def written(asked: Asked, names=("the tall red block (red outline)", "the blue crate (blue outline)")):
    subject, object_ = names
    texts = [f"Does {subject} flummox {object_} in way {number}?" for number in range(1, 11)]
    texts[6], texts[9] = f"Is {subject} up to something?", f"Is {object_} being flummoxed?"
    return json.dumps({"questions": [{"id": number, "text": text} for number, text in enumerate(texts, start=1)]})


def is_writing(asked: Asked) -> bool:
    return isinstance(asked.request["messages"][1]["content"], str)


def flummox(row):
    if row["id"] == "a":
        row["interactions"][0]["verb"] = "flummoxes"


def test_questions_for_an_unknown_verb_are_written_once_and_asked(world):
    judged_world.change_samples(world, flummox)
    with ChatServer(lambda asked: reply(written(asked) if is_writing(asked) else good(asked))) as server:
        result = judged_world.run(world, server.url, unknown_verbs="judge")
        judged_world.run(world, server.url, unknown_verbs="judge", out=str(world / "other"))
    assert len(server.asked) == 4
    assert result.scores[0].if_ == 1.0
    assert sum("[0.7] Is B up to something?" in asked.text for asked in server.asked) == 1


@pytest.mark.parametrize(
    "fault",
    [
        lambda text: text + text,
        lambda text: text.replace('"id": 4', '"id": 3'),
        lambda text: text.replace("Is the tall red block (red outline) up to", "Is the blue crate (blue outline) up to"),
        lambda text: text.replace("flummox the blue crate (blue outline) in way 3", "flummox the box in way 3"),
    ],
    ids=["two objects", "an id twice", "question 7 about the wrong one", "a name left out"],
)
def test_unusable_questions_are_asked_for_once_more_and_then_end_the_run_before_it_begins(world, fault):
    judged_world.change_samples(world, flummox)
    with ChatServer(lambda asked: reply(fault(written(asked)))) as server:
        with pytest.raises(BackendError, match="no usable questions"):
            judged_world.run(world, server.url, unknown_verbs="judge")
        assert [asked.turns for asked in server.asked] == [2, 4]
    assert not (world / "run").exists()


# -- doctor


def test_doctor_asks_the_server_once_as_a_run_does_and_says_what_it_serves(world):
    judge = {"base_url": "", "timeout": 5.0}
    with ChatServer() as server:
        told = build("judges", "openai:m", {**judge, "base_url": server.url}).probe()
        assert (len(server.asked), len(server.asked[0].pictures)) == (1, 14)
        assert server.asked[0].labels == ["0.1", "0.4"]
        assert "json_schema" in server.asked[0].request["response_format"]
        place = server.url.removeprefix("http://").removesuffix("/v1")
    assert told == f"{place} serves served-1: takes 14 pictures and a JSON schema; its reply could be scored (1 request)"
    with ChatServer(lambda asked: Fault(status=400) if "response_format" in asked.request else reply(good(asked))) as server:
        assert "refuses JSON schemas" in build("judges", "openai:m", {**judge, "base_url": server.url}).probe()
    with ChatServer(lambda _: Fault(status=500)) as server:
        config = world / "judge.toml"
        config.write_text(f'[settings.openai]\nbase_url = "{server.url}"\n')
        done = CliRunner().invoke(main, ["doctor", "--judge", "openai:m", "--config", str(config)])
        assert len(server.asked) == 1
    assert done.exit_code == 1
    assert "the server answered with status 500" in done.stdout


def test_doctor_is_not_content_with_a_server_whose_replies_cannot_be_scored(world):
    config = world / "judge.toml"
    for said in ('{"dark": true}', "", "Certainly! Both questions: yes."):
        with ChatServer(lambda _, said=said: reply(said)) as server:
            config.write_text(f'[settings.openai]\nbase_url = "{server.url}"\n')
            done = CliRunner().invoke(main, ["doctor", "--judge", "openai:m", "--config", str(config)])
        assert done.exit_code == 1, said
        assert "2 of 2 things asked could not be scored (unparsed)" in done.stdout


def test_doctor_asks_about_the_frames_too_where_the_run_would(world):
    config = world / "judge.toml"

    def answers_alone(asked: Asked):
        return reply(json.dumps({"answers": json.loads(good(asked)).get("answers", [])}))

    with ChatServer(answers_alone) as server:
        for consistency, said in (("tracks", "2 of 2"), ("judge", "3 of 3")):
            config.write_text(f'consistency = "{consistency}"\n[settings.openai]\nbase_url = "{server.url}"\n')
            done = CliRunner().invoke(main, ["doctor", "--judge", "openai:m", "--config", str(config)])
            assert done.exit_code == 1, done.stdout
            # Nobody can say what a yes is worth whose frame was not looked at.
            assert f"{said} things asked could not be scored" in done.stdout


# -- prompts, settings, secrets


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "replaces nothing"),
        ({"sytem.j2": "x"}, "no prompt is called sytem.j2"),
        ({"system.j2": "{% if %}"}, "not a jinja2 template"),
    ],
)
def test_a_prompts_folder_is_checked_before_the_run(world, files, said):
    folder = world / "prompts"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    with pytest.raises(ConfigError, match=said):
        Run(judged_world.config(world, "http://127.0.0.1:9/v1", prompts=str(folder)))


def test_a_prompt_cannot_reach_into_python(world):
    (world / "prompts").mkdir()
    (world / "prompts" / "frame.j2").write_text("{{ index.__class__.__mro__[1].__subclasses__() }}")
    with ChatServer() as server:
        result = judged_world.run(world, server.url, limit=1, prompts=str(world / "prompts"))
    assert server.asked == []
    assert "frame.j2: cannot be rendered" in judged_world.answers(result.store)[0].reason


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"api_key": "sk-1"}, "api_key: secrets do not belong"),
        ({"headers": {"Authorization": "x"}}, "headers: secrets do not belong"),
        ({"parameters": {"auth": {"token": 1}}}, "secrets do not belong"),
        ({"base_url": "http://user:pw@host/v1"}, "holds a user, password or query"),
        ({"base_url": "http://host/v1?api=1"}, "holds a user, password or query"),
        ({"base_url": "ftp://host/v1"}, "no http or https address"),
        ({"base_url": "http://host/v1", "attempts": 0}, "attempts 0 is below 1"),
        ({"base_url": "http://host/v1", "timeout": -1.0}, "timeout -1.0 is not above 0"),
        ({"base_url": "http://host/v1", "parameters": {"stream": True}}, "parameters holds 'stream'"),
        ({"base_url": "http://host/v1", "parameters": {"temperature": float("nan")}}, "openai"),
        ({"base_url": "http://host/v1", "prices": {"input": -1.0, "output": 1.0}}, "input -1.0"),
        ({"base_url": "http://host/v1", "modle": "x"}, "unknown field 'modle'"),
        ({}, "OPENAI_API_KEY is not set"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_with_the_way_out(settings, said, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(ConfigError, match=re.escape(said)) as caught:
        build("judges", "openai:m", settings)
    assert "sk-1" not in str(caught.value)
    assert "pw" not in str(caught.value)


KEY = "sk-planted-0123456789"
SECRET = "the-owl-flies-at-midnight"


def test_no_key_header_or_prompt_secret_stands_in_any_file_even_if_the_server_repeats_them(world, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    (world / "prompts").mkdir()
    (world / "prompts" / "system.j2").write_text(f"{SECRET}. Reply with JSON.")

    def script(asked: Asked):
        echo = json.dumps([asked.headers, asked.request["messages"][0]])
        assert KEY in echo
        assert SECRET in echo
        if asked.number == 0:
            return Fault(status=400, body=echo.encode())
        if asked.number == 1:
            return reply(echo)
        if asked.number == 2:
            return Fault(status=500, body=echo.encode(), headers={"Retry-After": KEY})
        found = json.loads(good(asked))
        for item in [*found.get("answers", ()), *found.get("frames", ())]:
            item["reason"] = f"Authorization: Bearer {KEY}"
        found["answers"][0]["question"] = KEY
        return {**reply(json.dumps(found)), "model": f"model {KEY}"}

    with ChatServer(script) as server:
        result = judged_world.run(world, server.url, prompts=str(world / "prompts"), judge_settings={"concurrency": 1})
        assert len(server.asked) > 4
    assert any("***" in answer.reason for answer in judged_world.answers(result.store))
    held = {path: path.read_bytes() for path in [*result.store.folder.rglob("*"), *world.glob("cache.sqlite*")] if path.is_file()}
    assert len(held) > 5
    for path, content in held.items():
        assert KEY.encode() not in content, path
        assert SECRET.encode() not in content, path


# -- replay


def test_replay_gives_the_same_scores_without_asking_and_fails_what_was_not_recorded(world):
    with ChatServer() as server:
        first = judged_world.run(world, server.url)
        replayed = {"judge": f"replay:{first.store.folder}", "settings": {}, "out": str(world / "again")}
        again = Run(judged_world.config(world, server.url, **replayed)).execute()
        assert len(server.asked) == 3
    assert [score.if_ for score in again.scores] == [score.if_ for score in first.scores]
    judged_world.change_samples(world, lambda row: row["instances"][0].update(appearance="green block"))
    other = Run(judged_world.config(world, "", **{**replayed, "out": str(world / "third")})).execute()
    assert [score.if_ for score in other.scores] == [None] * 3
    assert {answer.reason for answer in judged_world.answers(other.store) if answer.status is AnswerStatus.FAILED} == {
        "the replayed run asked this question in other words"
    }
