"""Control questions on the whole way: asked like the others, shown beside the score, part of no score."""

import csv
import json

import pytest
from click.testing import CliRunner

from intergeneval.cli import main
from intergeneval.questions import embedded, questions_for
from intergeneval.records import CONTROL_ID, Answer, AnswerValue, Interaction, Question, Score
from intergeneval.run.run import Run
from intergeneval.stats import controls
from intergeneval.store import RunStore
from tests import judged_world, tiny_world
from tests.fakes.chat_server import ChatServer


@pytest.fixture
def world(tmp_path):
    tiny_world.write_benchmark(tmp_path / "bench")
    tiny_world.write_videos(tmp_path / "model")
    return tmp_path


def test_a_judge_that_says_yes_to_everything_is_told_beside_its_score(world):
    with ChatServer() as server:
        result = judged_world.run(world, server.url, controls=True, out=str(world / "run"))
        told = CliRunner().invoke(main, ["score", str(world / "run")])
        as_json = json.loads(CliRunner().invoke(main, ["score", str(world / "run"), "--json"]).stdout)
        report = CliRunner().invoke(main, ["report", str(world / "run"), "-o", str(world / "page")])
    assert report.exit_code == 0, report.output
    assert all(score.if_ == 1.0 and score.answered == "10/10" for score in result.scores)
    assert "3 of 3 answered yes" in told.stdout
    assert "THE JUDGE FLATTERS" in told.stdout
    assert (as_json["controls"]["share"], as_json["controls"]["flatters"]) == (1.0, True)
    assert "its judge says yes too readily" in (world / "page" / "index.html").read_text()
    assert "control: must be no" in (world / "page" / "samples" / "a.html").read_text()
    row = next(csv.DictReader((world / "page" / "data" / "leaderboard.csv").read_text().splitlines()))
    assert (row["controls_yes"], row["controls_answered"], row["controls_share"]) == ("3", "3", "1.0")


def test_the_judge_is_told_nothing_that_tells_a_control_from_the_others(world):
    with ChatServer() as server:
        judged_world.run(world, server.url, controls=True)
    assert [asked.labels for asked in server.asked] == [[f"0.{number}" for number in range(1, 12)]] * 3
    assert all("control" not in json.dumps(asked.request).lower() for asked in server.asked)


def test_scores_and_comparability_are_the_same_with_and_without(world):
    stores = {}
    with ChatServer() as server:
        for asked in (True, False):
            out = str(world / f"run-{asked}")
            stores[asked] = (
                Run(
                    judged_world.config(
                        world, server.url, controls=asked, out=out, judge="geometry", settings={}, consistency="tracks"
                    )
                )
                .execute()
                .store
            )
    assert (stores[True].folder / "scores.jsonl").read_bytes() == (stores[False].folder / "scores.jsonl").read_bytes()
    assert stores[True].header.comparability == stores[False].header.comparability
    kinds = {asked: {item.question_id for item in store.read("questions", Question)} for asked, store in stores.items()}
    assert kinds[True] - kinds[False] == {CONTROL_ID}
    assert controls(stores[False].current_answers()) is None


def test_the_geometry_judge_answers_no_where_a_crate_pushes_nobody(world):
    run = Run(judged_world.config(world, "", controls=True, judge="geometry", settings={}, consistency="tracks")).execute()
    held = [item for item in run.store.read("answers", Answer) if item.question_id == CONTROL_ID]
    assert [item.value for item in held] == [AnswerValue.NO] * 3


def test_a_run_that_was_begun_with_older_templates_is_asked_no_control(world):
    settings = {"judge": "geometry", "settings": {}, "consistency": "tracks", "controls": True, "out": str(world / "old")}
    Run(judged_world.config(world, "", **settings, templates=2)).execute()
    before = (world / "old" / "answers.jsonl").read_bytes()
    again = Run(judged_world.config(world, "", **settings)).execute()
    assert again.observed == 0
    assert (world / "old" / "answers.jsonl").read_bytes() == before
    assert controls(RunStore.open(world / "old").current_answers()) is None


def test_of_several_interactions_a_control_stands_among_the_others_and_never_by_both_directions():
    from tests.questions.test_templates import sample

    one = sample()
    first = one.interactions[0]
    two = type(one).from_json({**one.to_json(), "interactions": [first.to_json(), first.to_json()]}, where="test")
    asked = [(item.interaction, item.question_id) for item in questions_for(two, embedded(3), controls=True)]
    assert sum(number == CONTROL_ID for _, number in asked) == 2
    assert asked[-1] != (1, CONTROL_ID) or asked[10] != (0, CONTROL_ID)
    mutual = Interaction.from_json({**first.to_json(), "direction": "bidirectional"}, where="test")
    both = type(one).from_json({**one.to_json(), "interactions": [mutual.to_json()]}, where="test")
    assert CONTROL_ID not in {item.question_id for item in questions_for(both, embedded(3), controls=True)}


def test_a_replay_asks_the_controls_that_its_run_asked_and_no_others(world):
    with ChatServer() as server:
        for asked in (True, False):
            judged_world.run(world, server.url, controls=asked, out=str(world / f"run-{asked}"), cache="off")
    for asked in (True, False):
        settings = {
            "judge": f"replay:{world / f'run-{asked}'}",
            "settings": {},
            "controls": True,
            "out": str(world / f"again-{asked}"),
        }
        again = Run(judged_world.config(world, "", **settings)).execute()
        assert again.complete
        held = [item for item in again.store.read("answers", Answer) if item.question_id == CONTROL_ID]
        assert [item.value for item in held] == [AnswerValue.YES] * (3 if asked else 0)
        assert (controls(again.store.current_answers()) is not None) == asked


def test_a_control_that_its_run_asked_and_got_no_answer_to_is_open_in_a_replay_as_well(world):
    with ChatServer() as server:
        judged_world.run(world, server.url, controls=True)
    kept = [
        line for line in (world / "run" / "answers.jsonl").read_text().splitlines() if f'"question_id":{CONTROL_ID},' not in line
    ]
    (world / "run" / "answers.jsonl").write_text("".join(f"{line}\n" for line in kept))
    settings = {"judge": f"replay:{world / 'run'}", "settings": {}, "controls": True, "out": str(world / "again")}
    again = Run(judged_world.config(world, "", **settings)).execute()
    held = [item for item in again.store.read("answers", Answer) if item.question_id == CONTROL_ID]
    assert [item.usage["kind"] for item in held] == ["not recorded"] * 3


def test_replies_of_older_templates_say_which_version_they_answer(world):
    settings = {"settings": {}, "consistency": "tracks", "controls": True}
    Run(judged_world.config(world, "", **settings, judge="geometry", templates=2, out=str(world / "old"))).execute()
    replayed = {**settings, "judge": f"replay:{world / 'old'}"}
    now = Run(judged_world.config(world, "", **replayed, out=str(world / "now"))).execute()
    assert "set templates = 2" in now.store.read("answers", Answer)[0].reason
    then = Run(judged_world.config(world, "", **replayed, out=str(world / "then"), templates=2)).execute()
    assert [score.if_ for score in then.scores] == [score.if_ for score in RunStore.open(world / "old").read("scores", Score)]
