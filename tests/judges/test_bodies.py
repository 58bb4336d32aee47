"""Marks of bodies that cannot be: asked for under profile `informative` alone, read strictly, cached, resumed and replayed."""

import hashlib
import json
from dataclasses import replace

import pytest

from intergeneval.errors import ConfigError
from intergeneval.judges import parsing
from intergeneval.judges.openai import requests
from intergeneval.judges.prompting import JudgePrompts
from intergeneval.plugins import build
from intergeneval.records import (
    AnswerStatus,
    Consistency,
    Instance,
    Interaction,
    Profile,
    Question,
    Sample,
    Stage,
)
from intergeneval.run.plan import TYPICAL_FRAMES, Plan
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
    """A model that says which of the frames it is asked about, by their place, cannot be."""

    def script(asked: Asked):
        found = json.loads(good(asked))
        for place in impossible:
            found["frames"][place] |= {"impossible": True, "reason": "a third arm"}
        return reply(json.dumps(found))

    return script


def forgetful(turns):
    """A model that leaves the first frame's mark out as long as a request has fewer than so many turns."""

    def script(asked: Asked):
        found = json.loads(good(asked))
        if asked.turns < turns:
            del found["frames"][0]["impossible"]
        return reply(json.dumps(found))

    return script


# -- what is sent and kept without marks


def test_where_no_marks_are_asked_for_requests_keys_and_revision_are_what_they_were_before_there_were_any():
    # At its scheme's own port; any other is part of the key since two servers on one host shared answers.
    judge = build("judges", "openai:m", {"base_url": "http://127.0.0.1/v1"})
    composer = requests.Composer(judge.settings, judge.prompts, SAMPLE, {0: b"zero", 5: b"five", 9: b"nine"})
    asked = requests.Asked(questions=QUESTIONS, assess=ASSESS)
    assert judge.revision == "prompts 1-efb6cdc5, parser 1, parameters 9e60a240"
    expected = {
        True: (
            "7ad325a704a209b66f771ba5bf5f1aa0b42c4f78dc839923d17585ec5470def4",
            "f66726318ced46e29cd96fffd1e37a469efadde97d2c1a68749aaeddf3338a95",
            "2bc317bdbba07ec4e8f306ff5f45f1a080355898261e85bb9408f75c32370d89",
            "6bfc4428dd4ba6cda1bfb01f5d4c62b002a021c52840f50b602a74191580cef0",
        ),
        False: (
            "616335b29e221dbb3eabd8f6659ef5e6e2534aad21974b915e58be6fbd274cb3",
            "cfee2e6a98c015a02459ffd05600140e6c6c8f4a3f2e5e71368c9c99b8f5e837",
            "4ffbdfd601a821363e51a11d619b34c5fe088949dae235c414e8364481c4c31e",
            "759d043a08af630aaf50bdbf3fd1bcfb1f1b89d4c2997dad60da8a928849592a",
        ),
    }
    for held, (body, first, second, frames) in expected.items():
        sent = requests.body(composer.payload(composer.messages(asked), asked, json_schema=held))
        assert hashlib.sha256(sent).hexdigest() == body
        assert composer.keys(asked, "served-1", 0, json_schema=held) == {"0.1": first, "0.2": second, "": frames}


def test_marks_change_the_key_of_the_frames_alone_so_that_answers_given_before_are_used_again():
    judge = build("judges", "openai:m", {"base_url": "http://127.0.0.1:9/v1"})
    composer = requests.Composer(judge.settings, judge.prompts, SAMPLE, {0: b"zero", 5: b"five", 9: b"nine"})
    asked = requests.Asked(questions=QUESTIONS, assess=ASSESS)
    for held in (True, False):
        before = composer.keys(asked, "", 0, json_schema=held)
        after = composer.keys(replace(asked, bodies=True), "", 0, json_schema=held)
        assert {name for name in before if before[name] != after[name]} == {""}


def test_the_words_about_questions_and_frames_are_the_same_with_and_without_marks():
    prompts = JudgePrompts()
    before, after = (prompts.ask(SAMPLE, QUESTIONS, ASSESS, bodies=bodies).splitlines() for bodies in (False, True))
    gone = [line for line in before if line not in after]
    assert len(gone) == 2
    assert gone[0].startswith('- "reason": what you saw')
    assert gone[1].startswith('  "frames": [{')
    assert prompts.ask(SAMPLE, QUESTIONS, None, bodies=True) == prompts.ask(SAMPLE, QUESTIONS, None)


def test_another_profile_asks_for_no_marks_and_keeps_none(world):
    with ChatServer(marking(0)) as server:
        result = judged_world.run(world, server.url, limit=1)
    assert "impossible" not in json.dumps(server.asked[0].request)
    (stated,) = judged_world.assessed(result.store)
    assert stated.implausible is None
    assert "implausible" not in (result.store.folder / "consistency.jsonl").read_text()
    assert "bodies" not in result.store.header.comparability.judge_revision


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
    entry = asked.request["response_format"]["json_schema"]["schema"]["properties"]["frames"]["items"]
    assert entry["properties"]["impossible"] == {"type": "boolean"}
    assert "impossible" in entry["required"]
    (stated,) = judged_world.assessed(result.store)
    assert stated.implausible == tuple(place == 1 for place in range(len(asked.frames)))
    assert stated.reasons[:2] == ("", "a body or thing that cannot be; a third arm")
    assert set(stated.assessors) == {"emergence", "disappearance", "implausible"}
    comparability = result.store.header.comparability
    assert comparability.judge_revision == (
        "prompts 1-efb6cdc5, parser 1, parameters 9e60a240, bodies " + JudgePrompts().bodies_version
    )
    assert comparability.partial == ()


def test_a_missing_mark_is_asked_for_once_more_and_that_frame_named(world):
    with ChatServer(forgetful(turns=4)) as server:
        result = informative(world, server.url)
    assert [asked.turns for asked in server.asked] == [2, 4]
    frame = server.asked[0].frames[0]
    assert f"frame {frame}: impossible 'None' is neither true nor false" in server.asked[1].text
    assert (server.asked[1].labels, server.asked[1].bodies) == ([], True)
    assert set(judged_world.assessed(result.store)[0].implausible) == {False}


def test_a_mark_that_stays_missing_leaves_frames_without_any_statement_and_a_resume_asks_for_them_alone(world):
    with ChatServer(forgetful(turns=9)) as server:
        result = informative(world, server.url)
        (stated,) = judged_world.assessed(result.store)
        assert (stated.status, stated.implausible, stated.emergence) == (AnswerStatus.UNPARSED, None, None)
        assert {answer.status for answer in judged_world.answers(result.store)} == {AnswerStatus.OK}
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


def test_after_a_bounded_run_only_the_frames_are_asked_about_again(world):
    with ChatServer() as server:
        judged_world.run(world, server.url, limit=1)
        informative(world, server.url, out=str(world / "other"))
        assert [(bool(asked.labels), asked.bodies) for asked in server.asked] == [(True, False), (False, True)]


def test_the_estimate_counts_the_marks(world):
    config = judged_world.config(world, "http://127.0.0.1:9/v1")
    plan = Plan.of(replace(config, profile=Profile.INFORMATIVE))
    more = plan.estimate()
    asked = sum(len(questions) for questions in plan.templated.values())
    plain = plan.backends.judge.estimate(len(plan.templated), asked, TYPICAL_FRAMES, assess=True)
    assert more.requests == plain.requests
    assert more.input_tokens > plain.input_tokens
    assert more.output_tokens > plain.output_tokens


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


def test_other_words_for_marks_leave_the_revision_of_the_rest_as_it_is(world):
    folder = world / "prompts"
    folder.mkdir()
    (folder / "ask_bodies.j2").write_text("mine: {{ questions }} {{ frames }} {{ instances }} {{ classes }}")
    other, plain = JudgePrompts(folder), JudgePrompts()
    assert other.version == plain.version
    assert other.bodies_version != plain.bodies_version


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
