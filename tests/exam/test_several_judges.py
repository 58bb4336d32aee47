"""Several judges of one `run` and one `validate`: scored apart, held against each other, tracked once."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from intergeneval.cli import main
from intergeneval.cli.several import judges_of
from intergeneval.exam.between import between
from intergeneval.records import Answer, AnswerStatus, AnswerValue
from intergeneval.run.run import Run
from intergeneval.store import RunStore
from tests import judged_world, tiny_world
from tests.fakes.chat_server import ChatServer, good, reply


def says(word):
    return lambda asked: reply(good(asked, word))


@pytest.fixture
def held(tmp_path):
    """`run --judge A,B` with a server each: one says yes to everything, the other no."""
    tiny_world.write_benchmark(tmp_path / "bench")
    tiny_world.write_videos(tmp_path / "model")
    with ChatServer(says("yes")) as first, ChatServer(says("no")) as second:
        (tmp_path / "judges.toml").write_text(
            f'[settings.openai]\nattempts = 2\ntimeout = 5.0\nbase_url = "{first.url}"\n'
            f'[settings.judge."openai:second"]\nbase_url = "{second.url}"\n'
        )
        arguments = ["run", "--model", str(tmp_path / "model"), "--bench", str(tmp_path / "bench"), "--tracker", "stored"]
        arguments += ["--judge", "openai:first,openai:second", "--config", str(tmp_path / "judges.toml"), "--workers", "1"]
        arguments += ["--cache", str(tmp_path / "cache.sqlite"), "--out", str(tmp_path / "runs")]
        told, as_json = CliRunner().invoke(main, arguments), CliRunner().invoke(main, [*arguments, "--json"])
        asked = (len(first.asked), len(second.asked))
    return tmp_path / "runs", told, as_json, asked


def test_each_judge_has_a_run_of_its_own_and_the_figures_say_how_they_agree(held):
    folder, told, as_json, asked = held
    assert told.exit_code == 0, told.output
    assert asked == (3, 3), "the second command goes on with what is there"
    found = json.loads(as_json.stdout)
    assert [(item["judge"], item["if"]) for item in found["judges"]] == [("openai:first", 1.0), ("openai:second", 0.0)]
    assert [item["controls"]["flatters"] for item in found["judges"]] == [True, False]
    (pair,) = found["pairs"]
    assert (pair["agreement"], pair["kappa"], pair["count"], pair["yes"]) == (0.0, 0.0, 30, [30, 0])
    assert set(pair["questions"]) == {str(number) for number in range(1, 11)}
    assert found["majority"]["undecided"] == found["majority"]["questions"] == 30
    assert found["majority"]["if"] is None
    assert {path.name for path in folder.iterdir()} == {"openai-first", "openai-second"}
    assert "majority (no judge; never the default)" in told.stdout


def copies(tmp_path, flips):
    """Run folders of one run whose answers to the questions of `flips` are turned, a judge each."""
    tiny_world.write_benchmark(tmp_path / "bench")
    tiny_world.write_videos(tmp_path / "model")
    stores = {}
    for name, turned in flips.items():
        settings = {"judge": "geometry", "settings": {}, "consistency": "tracks", "out": str(tmp_path / name)}
        store = Run(judged_world.config(tmp_path, "", **settings)).execute().store
        rows = [
            replace(item, status=AnswerStatus.OK, value=turn(item.value) if item.question_id in turned else item.value)
            for item in store.read("answers", Answer)
        ]
        (store.folder / "answers.jsonl").write_text("".join(json.dumps(item.to_json()) + "\n" for item in rows))
        stores[name] = [RunStore.open(store.folder)]
    return stores


def turn(value):
    return AnswerValue.NO if value is AnswerValue.YES else AnswerValue.YES


def test_agreement_kappa_and_majority_are_counted_question_by_question(tmp_path):
    found = between(copies(tmp_path, {"a": (), "b": (3,), "c": (3, 6)}))
    by_name = {(pair["first"], pair["second"]): pair for pair in found["pairs"]}
    assert by_name["a", "b"]["agreement"] == pytest.approx(0.9)
    assert by_name["a", "b"]["questions"]["3"]["agreement"] == 0.0
    assert by_name["b", "c"]["questions"]["6"]["agreement"] == 0.0
    assert by_name["b", "c"]["questions"]["3"]["agreement"] == 1.0
    # Two of three turned question 3, one question 6: the majority says what b says.
    means = {item["judge"]: item["if"] for item in found["judges"]}
    assert found["majority"]["undecided"] == 0
    assert found["majority"]["if"] == pytest.approx(means["b"])


def test_runs_about_other_files_are_refused(tmp_path):
    stores = copies(tmp_path, {"a": (), "b": ()})
    videos = tmp_path / "b" / "videos.jsonl"
    sha256 = json.loads(videos.read_text().splitlines()[0])["sha256"]
    videos.write_text(videos.read_text().replace(sha256, "0" * 64))
    with pytest.raises(Exception, match="about other files"):
        between(stores)


def test_a_judge_that_answers_alone_is_no_majority(tmp_path):
    stores = copies(tmp_path, {"a": (), "silent": ()})
    path = tmp_path / "silent" / "answers.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps({**row, "status": "failed", "value": None, "frame": None}) + "\n" for row in rows))
    found = between(stores)
    assert found["majority"]["undecided"] == found["majority"]["questions"] > 0
    assert found["majority"]["if"] is None


@pytest.mark.parametrize(
    ("judges", "said"),
    [("geometry,", "a name is empty"), ("geometry,geometry", "named twice"), ("geometry,oracl", "no judge is called 'oracl'")],
)
def test_a_list_of_judges_that_cannot_be_meant_is_exit_2(tmp_path, judges, said):
    for command in (["run", "--model", "staged:perfect"], ["validate", "--scenes", "2", "--out", str(tmp_path / "e")]):
        result = CliRunner().invoke(main, [*command, "--judge", judges])
        assert result.exit_code == 2
        assert said in result.stderr


def test_a_comma_in_the_path_of_a_folder_separates_nothing(tmp_path):
    (tmp_path / "one,two").mkdir()
    assert judges_of(f"replay:{tmp_path / 'one,two'}") == (f"replay:{tmp_path / 'one,two'}",)
    assert judges_of("openai:a, geometry") == ("openai:a", "geometry")
