"""Marks of bodies that cannot be: asked for once a frame, read strictly, combined with answers, cached, resumed and replayed."""

import json
import re
from dataclasses import replace

import pytest

from intergeneval.errors import ConfigError
from intergeneval.judges import parsing
from intergeneval.judges.prompting import JudgePrompts
from intergeneval.records import (
    AnswerStatus,
    AnswerValue,
    Consistency,
    Instance,
    Interaction,
    Profile,
    Question,
    Sample,
    Stage,
)
from intergeneval.run.plan import Plan
from intergeneval.run.run import Run
from tests import judged_world, tiny_world
from tests.fakes.chat_server import Asked, ChatServer, good, reply

SAMPLE = Sample(
    id="a",
    prompt="p",
    instances=(
        Instance(id="id1", class_="man", appearance="tall man", colour="red"),
        Instance(id="id2", class_="crate", appearance="blue crate", colour="blue"),
    ),
    interactions=(Interaction(subject="id1", verb="pushes", object="id2"),),
)
QUESTIONS = [
    Question(
        sample_id="a",
        interaction=0,
        question_id=number,
        stage=Stage.DURING,
        text=f"Is it so for the {number}. time?",
        names=("id1",),
        verb="pushes",
    )
    for number in (1, 2)
]
ASSESS = Consistency(sample_id="a", seed=0, frames=(5, 9))


@pytest.fixture
def world(tmp_path):
    tiny_world.write_benchmark(tmp_path / "bench")
    tiny_world.write_videos(tmp_path / "model")
    return tmp_path


def informative(root, url, **changes):
    return judged_world.run(root, url, **{"profile": Profile.INFORMATIVE, "limit": 1, **changes})


def marking(*impossible):
    """A model that says which of the frames it is asked about, by their place, show a body of somebody unnamed that cannot be."""

    def script(asked: Asked):
        found = json.loads(good(asked))
        if asked.frames:
            found["bodies"] = [f"other: {asked.frames[place]}" for place in impossible]
        return reply(json.dumps(found))

    return script


def forgetful(turns):
    """A model that says nothing of bodies as long as a request has fewer than so many turns."""

    def script(asked: Asked):
        found = json.loads(good(asked))
        if asked.turns < turns:
            found.pop("bodies", None)
        return reply(json.dumps(found))

    return script


# -- under every profile


def test_another_profile_has_bodies_marked_beside_the_questions_and_counts_no_plausibility(world):
    with ChatServer(marking(0)) as server:
        result = judged_world.run(world, server.url, limit=1)
    (stated,) = judged_world.assessed(result.store)
    assert stated.implausible is not None
    assert sum(stated.implausible) == 1
    (score,) = result.scores
    assert (score.if_, score.plausibility) == (1.0, None)
    assert "bodies" not in result.store.header.comparability.judge_revision


@pytest.mark.parametrize(("who", "spoilt"), [("both", True), ("other", False)])
def test_a_yes_is_implausible_where_its_frame_shows_of_somebody_it_names_what_cannot_be(world, who, spoilt):
    def script(asked: Asked):
        found = json.loads(good(asked))
        frame = asked.frames[1]
        names = re.findall(r"^(\w+) = ", asked.text, re.MULTILINE)
        found["bodies"] = [f"{name}: {frame}" for name in (names if who == "both" else [who])]
        for item in found["answers"]:
            item["frame"] = frame
        found["answers"][2] |= {"answer": "no", "frame": None}
        return reply(json.dumps(found))

    with ChatServer(script) as server:
        result = judged_world.run(world, server.url, limit=1)
    answers = [item for item in judged_world.answers(result.store) if item.question_id <= 10]
    assert {item.value for item in answers} == {AnswerValue.YES, AnswerValue.NO}
    counted = {item.verdict for item in answers if item.value is AnswerValue.YES}
    assert counted == {AnswerValue.IMPLAUSIBLE if spoilt else AnswerValue.YES}
    assert result.scores[0].kisa_raw == (0 if spoilt else pytest.approx(5 / 6))


def test_a_yes_stands_where_another_frame_than_its_own_shows_an_odd_body(world):
    def script(asked: Asked):
        found = json.loads(good(asked))
        names = re.findall(r"^(\w+) = ", asked.text, re.MULTILINE)
        found["bodies"] = [f"{name}: {asked.frames[3]}" for name in names]
        return reply(json.dumps(found))

    with ChatServer(script) as server:
        result = judged_world.run(world, server.url, limit=1)
    assert result.scores[0].if_ == 1.0


def test_tracks_have_the_word_on_frames_and_so_nobody_is_asked_for_marks(world):
    config = judged_world.config(world, "http://127.0.0.1:9/v1", profile=Profile.INFORMATIVE, consistency="tracks")
    comparability = Plan.of(config).settled.header.comparability
    assert comparability.partial == ("emergence", "plausibility")
    assert "bodies" not in comparability.judge_revision


# -- what is asked, said and recorded with marks


def test_under_informative_each_frame_carries_the_judge_s_mark_and_the_key_says_with_which_words(world):
    with ChatServer(marking(1)) as server:
        result = informative(world, server.url)
    (asked,) = server.asked
    (stated,) = judged_world.assessed(result.store)
    assert stated.implausible == tuple(place == 1 for place in range(len(asked.frames)))
    assert stated.reasons[:2] == ("", "a body or thing that cannot be; as before")
    assert set(stated.assessors) == {"emergence", "disappearance", "implausible"}
    comparability = result.store.header.comparability
    assert comparability.judge_revision.startswith("prompts 2-")
    assert comparability.judge_revision.endswith(", bodies " + JudgePrompts().bodies_version)
    assert comparability.partial == ()


def test_a_missing_mark_is_asked_for_once_more_and_that_frame_named(world):
    with ChatServer(forgetful(turns=4)) as server:
        result = informative(world, server.url)
    assert [asked.turns for asked in server.asked] == [2, 4]
    assert '"bodies" is not a list of lines' in server.asked[1].text
    assert (server.asked[1].labels, server.asked[1].frames) == ([], server.asked[0].frames)
    assert set(judged_world.assessed(result.store)[0].implausible) == {False}


def test_a_reply_in_the_layout_of_before_must_mark_bodies_too_though_it_was_asked_in_ours(world):
    def script(asked: Asked):
        found = json.loads(good(asked))
        if asked.turns == 2:
            stated = [{"frame": frame, "reason": "", "emerged": False, "missing": []} for frame in asked.frames]
            found = {"answers": found["answers"], "frames": stated}
        return reply(json.dumps(found))

    with ChatServer(script) as server:
        result = informative(world, server.url)
    assert len(server.asked) == 2
    assert "impossible" in server.asked[1].text
    (stated,) = judged_world.assessed(result.store)
    assert stated.implausible is not None


def test_a_mark_that_stays_missing_leaves_frames_without_any_statement_and_a_resume_asks_for_them_alone(world):
    with ChatServer(forgetful(turns=9)) as server:
        result = informative(world, server.url)
        (stated,) = judged_world.assessed(result.store)
        assert (stated.status, stated.implausible, stated.emergence) == (AnswerStatus.UNPARSED, None, None)
        # What a yes is worth is not known while nobody has said what its frame shows.
        assert {answer.status for answer in judged_world.answers(result.store)} == {AnswerStatus.UNPARSED}
        assert result.scores[0].if_ is None
        server.script = marking(0)
        informative(world, server.url)
        assert [asked.labels for asked in server.asked[2:]] == [[]]
        assert judged_world.assessed(result.store)[-1].implausible[:2] == (True, False)


@pytest.mark.parametrize("mark", ["true", 1, None, [], "no"])
def test_only_true_and_false_are_marks(mark):
    entry = {"frame": 5, "emerged": False, "missing": [], "reason": "", "impossible": mark}
    reading = parsing.read(json.dumps({"frames": [entry]}), [], [0, 5], [5], ["id1"], bodies=True)
    assert (reading.frames, len(reading.problems)) == ({}, 1)


def test_a_resume_and_another_run_take_the_marks_from_folder_and_cache_and_ask_nothing(world):
    with ChatServer(marking(0, 2)) as server:
        first = informative(world, server.url)
        again = informative(world, server.url)
        other = informative(world, server.url, out=str(world / "other"))
        assert len(server.asked) == 1
    assert again.observed == 0
    (one,), (two,) = judged_world.assessed(first.store), judged_world.assessed(other.store)
    assert one.implausible == two.implausible
    assert sum(one.implausible) == 2


def test_after_a_bounded_run_nothing_is_asked_again_since_bodies_were_marked_there_too(world):
    with ChatServer(marking(1)) as server:
        judged_world.run(world, server.url, limit=1)
        other = informative(world, server.url, out=str(world / "other"))
        assert len(server.asked) == 1
    assert sum(judged_world.assessed(other.store)[0].implausible) == 1


# -- own words


def test_own_words_for_questions_need_own_words_for_marks_beside_them_before_the_run_begins(world):
    folder = world / "prompts"
    folder.mkdir()
    (folder / "ask.j2").write_text("{{ questions }} {{ frames }} {{ instances }} {{ classes }}")
    config = judged_world.config(world, "http://127.0.0.1:9/v1", prompts=str(folder))
    Plan.of(config)
    with pytest.raises(ConfigError, match=r"ask\.j2.*put an ask_bodies\.j2 of your own beside it"):
        Plan.of(replace(config, profile=Profile.INFORMATIVE))
    (folder / "ask_bodies.j2").write_text("mine: {{ questions }} {{ frames }} {{ instances }} {{ classes }}")
    own = Plan.of(replace(config, profile=Profile.INFORMATIVE)).settled.header.comparability.judge_revision
    assert own.endswith(", bodies " + JudgePrompts(folder).bodies_version)
    assert "+own" in own.partition(", bodies ")[2]


def test_own_words_for_marks_change_nothing_where_the_words_for_questions_are_ours_and_ask_for_them_already(world):
    folder = world / "prompts"
    folder.mkdir()
    (folder / "ask_bodies.j2").write_text("mine: {{ questions }} {{ frames }} {{ instances }} {{ classes }}")
    other, plain = JudgePrompts(folder), JudgePrompts()
    assert other.version == plain.version
    assert other.bodies_version == plain.bodies_version


# -- replay


def replay(world, folder, out, **changes):
    settings = {"judge": f"replay:{folder}", "settings": {}, "out": str(world / out), "limit": 1}
    return Run(judged_world.config(world, "", **{**settings, **changes})).execute()


def test_replay_gives_the_marks_again_under_informative_and_leaves_them_out_elsewhere(world):
    with ChatServer(marking(0)) as server:
        first = informative(world, server.url)
    again = replay(world, first.store.folder, "again", profile=Profile.INFORMATIVE)
    (said,), (repeated,) = judged_world.assessed(first.store), judged_world.assessed(again.store)
    assert repeated.implausible == said.implausible
    assert sum(repeated.implausible) == 1
    header = again.store.header.comparability
    assert (header.judge_revision, header.partial) == (first.store.header.comparability.judge_revision, ())
    (plain,) = judged_world.assessed(replay(world, first.store.folder, "plain").store)
    assert plain.implausible is None


def test_replay_of_a_run_that_asked_for_no_marks_goes_on_without_them_and_says_so(world):
    with ChatServer() as server:
        first = judged_world.run(world, server.url, limit=1)
    again = replay(world, first.store.folder, "again", profile=Profile.INFORMATIVE)
    assert again.store.header.comparability.partial == ("plausibility",)
    (stated,) = judged_world.assessed(again.store)
    assert (stated.status, stated.implausible) == (AnswerStatus.OK, None)
