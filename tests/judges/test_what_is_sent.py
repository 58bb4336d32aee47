"""What goes over the wire to a judge that looks, and what it says of it: order, prefix, pictures and the server's cap on them."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest

from intergeneval.judges import walking
from intergeneval.judges.naming import short_names, shortened
from intergeneval.judges.walking import Look
from intergeneval.records import AnswerStatus, AnswerValue, Instance
from intergeneval.store.spending import spending
from intergeneval.videos import Reader
from tests import judged_world, tiny_world
from tests.fakes.chat_server import Asked, ChatServer, Fault, good, reply

PEOPLE = (
    Instance(id="id1", class_="woman", appearance="a woman in a wide hat", colour="blue"),
    Instance(id="id2", class_="man", appearance="man", colour="red"),
    Instance(id="id3", class_="man", appearance="man in a white T-shirt", colour="green"),
)
LOOK = Look(frames=(5, 10, 15), assess=True)
SAID = {"walk": ["5: W waves", "10: W gone", "15: W gone"], "emerged": [15], "missing": ["W: 10, 15"], "bodies": ["M2: 10-15"]}


@pytest.fixture
def world(tmp_path):
    tiny_world.write_benchmark(tmp_path / "bench")
    tiny_world.write_videos(tmp_path / "model")
    return tmp_path


def places(text, *words):
    found = [text.index(word) for word in words]
    assert found == sorted(found)


def test_the_bytes_on_the_wire_hold_the_walk_before_the_answers_and_a_reason_before_its_answer(world):
    with ChatServer() as server:
        judged_world.run(world, server.url, limit=1)
    # What a server reads keeps its order; json does so, too.
    sent = json.dumps(server.asked[0].request["response_format"])
    places(sent, '"walk": {', '"emerged": {', '"missing": {', '"bodies": {', '"answers": {')
    places(sent, '"question": {', '"reason": {', '"frame": {', '"answer": {')
    places(sent, '"question", "reason"', '"reason", "frame"', '"frame", "answer"')
    places(server.asked[0].text, "\nwalk: ", "\nThen answer")


def test_all_requests_about_a_video_begin_alike_with_all_its_pictures(world):
    def script(asked: Asked):
        found = json.loads(good(asked))
        if asked.turns == 2:
            found["answers"] = found["answers"][:5]
        return reply(json.dumps(found))

    with ChatServer(script) as server:
        judged_world.run(world, server.url, limit=1)
        judged_world.run(world, server.url, limit=1, out=str(world / "controls"), cache="off", controls=False)
    first, repair, other, _ = server.asked
    assert repair.request["messages"][:2] == first.request["messages"]
    assert other.request["messages"][1]["content"][:-1] == first.request["messages"][1]["content"][:-1]
    assert repair.labels == first.labels[5:]


def test_frame_0_comes_plain_and_then_with_outlines_and_each_frame_with_its_time(world):
    with ChatServer() as server:
        judged_world.run(world, server.url, limit=1)
    words = [part["text"] for part in server.asked[0].request["messages"][1]["content"] if part["type"] == "text"]
    assert words[:3] == ["Frame 0, 0.0 of 2.9 s, plain:", "Frame 0, 0.0 of 2.9 s:", "Frame 2, 0.2 of 2.9 s:"]
    assert " box" not in "".join(words)
    assert "outline" in words[-1]


@pytest.mark.parametrize("detail", ["", "low", "high"])
def test_how_closely_to_look_is_sent_only_where_it_is_set(world, detail):
    with ChatServer() as server:
        result = judged_world.run(world, server.url, limit=1, judge_settings={"detail": detail})
    sent = {part["image_url"].get("detail", "") for part in _pictures(server.asked[0])}
    assert sent == {detail}
    assert (f"detail {detail}" in result.store.header.comparability.judge_revision) == bool(detail)


def _pictures(asked: Asked):
    return [part for part in asked.request["messages"][1]["content"] if part["type"] == "image_url"]


def capped(most):
    def script(asked: Asked):
        if len(asked.pictures) > most:
            text = f"At most {most} image(s) may be provided in one request."
            return Fault(status=400, body=json.dumps({"error": {"message": text}}).encode())
        return reply(good(asked))

    return script


def test_more_frames_than_a_server_takes_are_shown_in_turns_and_the_record_says_so(world):
    with ChatServer(capped(8)) as server:
        result = judged_world.run(world, server.url)
        again = len(server.asked)
        judged_world.run(world, server.url, out=str(world / "other"))
        assert len(server.asked) == again
    assert [score.if_ for score in result.scores] == [1.0] * 3
    assert max(len(asked.pictures) for asked in server.asked[1:]) <= 8
    # Asked once in vain; each video then in turns, of which the last one asks and knows what was seen before.
    turns = server.asked[1:]
    assert len(turns) == 6
    assert [bool(asked.labels) for asked in turns] == [False, True] * 3
    assert all("What was seen:" in asked.text for asked in turns[1::2])
    told = [answer.usage["shown"] for answer in judged_world.answers(result.store) if "shown" in answer.usage]
    assert told == ["frames in 2 requests, for the server takes 8 pictures a request"] * 3
    assert spending(result.store).unanswered == {}


def test_fewer_frames_are_shown_where_that_is_wished_and_they_alone_are_spoken_of(world):
    with ChatServer(capped(8)) as server:
        settings = {"pictures": 8, "beyond": "fewer"}
        result = judged_world.run(world, server.url, limit=1, judge_settings=settings)
    (asked,) = server.asked
    assert len(asked.pictures) == 8
    (stated,) = judged_world.assessed(result.store)
    assert stated.frames == tuple(asked.frames)
    shown = judged_world.answers(result.store)[0].usage["shown"]
    assert shown == "7 of 13 frames, for the server takes 8 pictures a request"
    assert result.scores[0].if_ == 1.0


def test_the_video_itself_is_shown_where_that_is_wished(world, tmp_path):
    with ChatServer() as server:
        result = judged_world.run(world, server.url, limit=1, judge_settings={"clip": True})
    (asked,) = server.asked
    parts = asked.request["messages"][1]["content"]
    kinds = [part["type"] for part in parts]
    assert (kinds.count("video_url"), kinds.count("image_url")) == (1, 2)
    url = next(part["video_url"]["url"] for part in parts if part["type"] == "video_url")
    assert url.startswith("data:video/mp4;base64,")
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(base64.b64decode(url.partition(",")[2]))
    frames = list(Reader(clip))
    assert len(frames) == tiny_world.FRAMES
    with_outlines = frames[0].astype(int) - tiny_world.frame_at(0, 0).astype(int)
    assert np.abs(with_outlines).max() > 60
    assert result.scores[0].if_ == 1.0
    assert ", clip" in result.store.header.comparability.judge_revision


def test_names_are_said_once_and_then_short(world):
    with ChatServer() as server:
        judged_world.run(world, server.url, limit=1)
    text = server.asked[0].text
    assert len(re.findall("tall red block", text)) == 1
    assert short_names(PEOPLE) == {"id1": "W", "id2": "M1", "id3": "M2"}
    asked = "Does the woman in a wide hat (blue box) lift the man in a white T-shirt (green outline)?"
    assert shortened(asked, PEOPLE) == ("Does W lift M2?", {"id1", "id3"})
    # Of words alone it is not known that somebody is meant.
    assert shortened("Does a man (red outline) wave?", PEOPLE[:1])[0] == "Does a man (red outline) wave?"


# -- what a reply says of the frames


def read(found, look=LOOK):
    return walking.read(json.dumps(found), [], [0, 5, 10, 15], look, PEOPLE)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"walk": [{"frame": 5, "seen": "W waves"}, "Frame 10: W gone", "15 - W gone"]},
        {"missing": [{"who": "id1", "frames": [10, 15]}]},
        {"missing": ["w: 10-15"], "emerged": ["15"]},
        {"missing": ["W: 10", "W: frame 15"]},
    ],
)
def test_what_is_seen_is_read_in_every_spelling_that_can_mean_one_thing(changes):
    reading = read({**SAID, **changes})
    assert reading.problems == []
    assert [reading.frames[frame].missing for frame in (5, 10, 15)] == [(), ("id1",), ("id1",)]
    assert [reading.frames[frame].emerged for frame in (5, 10, 15)] == [False, False, True]
    assert [reading.frames[frame].odd for frame in (5, 10, 15)] == [(), ("id3",), ("id3",)]
    assert reading.frames[10].reason == "W gone"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"walk": ["5: W waves", "10: W gone"]}, "frame 15: 0 lines instead of one"),
        ({"walk": ["5: W", "5: W", "10: a", "15: b"]}, "frame 5: 2 lines instead of one"),
        ({"walk": ["W waves", "10: a", "15: b"]}, "frame None is none of those to look at"),
        ({"missing": ["somebody: 10"]}, "missing: 'somebody' is none of W, M1, M2"),
        ({"missing": ["W: 11"]}, "missing: 'W: 11' does not name frames"),
        ({"missing": ["W: some"]}, "missing: 'W: some' does not name frames"),
        ({"missing": ["W"]}, "missing: 'W' does not name frames"),
        ({"emerged": [7]}, "emerged: frame 7 is none of those to look at"),
        ({"emerged": True}, '"emerged" is not a list of frames'),
        ({"bodies": None}, '"bodies" is not a list of lines'),
    ],
)
def test_what_can_be_meant_in_two_ways_says_nothing_of_any_frame(changes, said):
    reading = read({**SAID, **changes})
    assert reading.frames == {}
    assert said in "; ".join(reading.problems)


ANSWERS = {
    "answers": [
        {"question": name, "reason": 'seen "so" {', "frame": 15, "answer": answer}
        for name, answer in (("0.1", "yes"), ("0.2", "no"), ("0.3", "yes"))
    ]
}


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    "parts", [(SAID, ANSWERS), (ANSWERS, SAID), ({}, SAID)], ids=["evidence first", "answers first", "frames"]
)
def test_a_reply_cut_off_anywhere_tells_of_the_frames_all_or_nothing_and_keeps_each_answer_written_to_its_end(parts, indent):
    found = {name: value for part in parts for name, value in part.items()}
    labels, text = ["0.1", "0.2", "0.3"] if "answers" in found else [], json.dumps(found, indent=indent)
    whole = walking.read(text, labels, [0, 5, 10, 15], LOOK, PEOPLE)
    assert (len(whole.frames), len(whole.answers), whole.problems) == (3, len(labels), [])
    # The end of the list that comes last of those that speak of frames.
    told = text.index("]", text.index('"bodies"')) + 1
    for end in range(text.index("{") + 1, len(text)):
        reading = walking.read(text[:end], labels, [0, 5, 10, 15], LOOK, PEOPLE, cut=True)
        assert reading.frames == (whole.frames if end >= told else {})
        assert reading.answers.items() <= whole.answers.items()
        assert len(reading.answers) == text[:end].count("}")
        assert reading.problems == []


def test_a_list_in_which_a_reply_was_cut_off_is_not_taken_for_all_there_was():
    said = {"answers": [], "walk": SAID["walk"], "bodies": [], "emerged": [], "missing": ["W: 10", "M1: 15"]}
    text = json.dumps(said)
    reading = walking.read(text[: text.index('"M1')], ["0.1"], [0, 5, 10, 15], LOOK, PEOPLE, cut=True)
    assert reading.frames == {}


def test_a_run_that_needs_the_walk_alone_takes_what_was_said_of_the_frames_with_what_emerged(world):
    with ChatServer() as server:
        first = judged_world.run(world, server.url, limit=1)
        other = judged_world.run(world, server.url, limit=1, consistency="tracks", out=str(world / "other"))
        assert len(server.asked) == 1
    assert [score.kisa_raw for score in (*first.scores, *other.scores)] == [1.0, 1.0]


def test_a_run_that_needs_what_emerged_asks_for_it_though_the_walk_alone_is_known(world):
    with ChatServer() as server:
        judged_world.run(world, server.url, limit=1, consistency="tracks")
        result = judged_world.run(world, server.url, limit=1, out=str(world / "other"))
    assert [(bool(asked.labels), asked.assessed) for asked in server.asked] == [(True, False), (False, True)]
    assert judged_world.assessed(result.store)[0].status is AnswerStatus.OK


def test_a_reply_in_the_layout_before_is_read_as_it_was():
    entry = {"reason": "", "emerged": False, "missing": ["id2"]}
    answers = [{"question": "0.1", "reason": "", "answer": "no (visually implausible)", "frame": 5}]
    found = {"answers": answers, "frames": [{"frame": frame, **entry} for frame in (5, 10, 15)]}
    reading = walking.read(json.dumps(found), ["0.1"], [0, 5, 10, 15], LOOK, PEOPLE)
    assert reading.problems == []
    assert reading.answers["0.1"].value is AnswerValue.IMPLAUSIBLE
    assert {seen.missing for seen in reading.frames.values()} == {("id2",)}


def test_a_yes_whose_frame_nobody_looked_at_waits_for_the_look(world):
    def script(asked: Asked):
        found = json.loads(good(asked))
        return reply(json.dumps({"answers": found["answers"]} if "answers" in found else {}))

    with ChatServer(script) as server:
        result = judged_world.run(world, server.url, limit=1)
        assert {answer.status for answer in judged_world.answers(result.store)} == {AnswerStatus.UNPARSED}
        server.script = lambda asked: reply(good(asked))
        again = judged_world.run(world, server.url, limit=1)
    # The answers themselves were kept: only the frames are asked about again.
    assert server.asked[-1].labels == []
    assert again.scores[0].if_ == 1.0
