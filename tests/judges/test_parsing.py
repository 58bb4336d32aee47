"""Replies are read strictly: whatever a model writes, an answer comes out only where it says exactly one."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intergeneval.judges import parsing
from intergeneval.records import AnswerValue

LABELS = ["0.1", "0.2"]
SHOWN = [0, 5, 10]
IDS = ["id1", "id2"]
GOOD = {
    "answers": [
        {"question": "0.1", "answer": "yes", "frame": 5, "reason": "seen"},
        {"question": "0.2", "answer": "no", "frame": None, "reason": ""},
    ],
    "frames": [
        {"frame": 5, "emerged": False, "missing": [], "reason": ""},
        {"frame": 10, "emerged": True, "missing": ["id2"], "reason": "a second man"},
    ],
}

words = st.sampled_from(
    ["yes", "no", "Yes", "no (visually implausible)", "maybe", "0.1", "0.2", "0.3", "id1", "id9", "", "answers", "frames"]
)
leaves = st.none() | st.booleans() | st.integers(-2, 12) | st.floats() | words | st.text(max_size=5)
names = st.sampled_from(["question", "answer", "frame", "reason", "emerged", "missing", "answers", "frames", "x"])
trees = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5), max_leaves=30)


def read(text):
    return parsing.read(text, LABELS, SHOWN, SHOWN[1:], IDS)


def test_a_good_reply_is_read_whole_bare_or_fenced():
    for text in (json.dumps(GOOD), f"```json\n{json.dumps(GOOD, indent=1)}\n```", f"\n```\n{json.dumps(GOOD)}\n```  "):
        reading = read(text)
        assert reading.problems == []
        assert {name: (said.value, said.frame) for name, said in reading.answers.items()} == {
            "0.1": (AnswerValue.YES, 5),
            "0.2": (AnswerValue.NO, None),
        }
        assert {frame: (seen.emerged, seen.missing) for frame, seen in reading.frames.items()} == {
            5: (False, ()),
            10: (True, ("id2",)),
        }


def _number(value):
    return None if isinstance(value, bool) else value


@given(trees)
@settings(max_examples=300, deadline=None)
def test_any_json_gives_only_answers_that_stand_in_it_and_a_problem_for_every_other_question(tree):
    reading = read(json.dumps(tree))
    for name, said in reading.answers.items():
        (entry,) = [entry for entry in tree["answers"] if isinstance(entry, dict) and str(entry.get("question")) == name]
        assert entry["answer"].lower() == said.value.value
        assert entry["frame"] == said.frame
        assert said.frame in SHOWN or (said.frame is None and said.value is AnswerValue.NO)
    for frame, seen in reading.frames.items():
        entries = [entry for entry in tree["frames"] if isinstance(entry, dict) and _number(entry.get("frame")) == frame]
        assert any(entry["emerged"] is seen.emerged and entry["missing"] == list(seen.missing) for entry in entries)
    if len(reading.answers) < len(LABELS) or len(reading.frames) < len(SHOWN) - 1:
        assert reading.problems


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_no_text_breaks_the_reader(text):
    reading = read(text)
    assert reading.problems
    assert not reading.answers


@given(st.integers(0, len(json.dumps(GOOD)) - 1))
def test_a_reply_cut_off_anywhere_gives_nothing(length):
    assert not read(json.dumps(GOOD)[:length]).answers


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(GOOD) + json.dumps(GOOD),
        "Sure! {" + json.dumps(GOOD),
        json.dumps(GOOD) + '\n["no"]',
        f"```json\n{json.dumps(GOOD)}\n```\n```json\n{json.dumps(GOOD)}\n```",
        json.dumps([GOOD]),
        json.dumps(json.dumps(GOOD)),
        json.dumps(GOOD).replace("5", "NaN", 1),
        "[" * 100_000,
    ],
)
def test_what_is_more_or_less_than_one_object_gives_nothing(text):
    reading = read(text)
    assert (reading.answers, reading.frames) == ({}, {})
    assert len(reading.problems) == 1


def test_reasons_are_shortened_to_one_line_that_can_be_written():
    entry = {"question": "0.1", "answer": "no", "frame": None, "reason": "a\nb \ud800" + "c" * 1000}
    reading = parsing.read(json.dumps({"answers": [entry]}), ["0.1"], SHOWN, [], [])
    reason = reading.answers["0.1"].reason
    assert reason.startswith("a b ?ccc")
    assert len(reason) == parsing.MAX_REASON
    reason.encode("utf-8")


NO = '{"answers": [{"question": "0.1", "answer": "no", "frame": null, "reason": ""}]}'


@pytest.mark.parametrize(
    "text",
    [
        '{"answers": [{"question": "0.1", "answer": "no", "Answer": "yes", "frame": null, "reason": ""}]}',
        '{"answers": [{"question": "0.1", "answer": "no", "final_answer": "yes", "frame": null, "reason": ""}]}',
        f"{NO} Correction: question 0.1 should be yes.",
        f"{NO}\nOn second thought, swap yes and no.",
        f"The following is wrong: {NO}",
        f"<!-- {NO} -->",
        f'analysisHm. assistantfinal{{"answers": []}}assistantfinal{NO}',
    ],
)
def test_an_answer_that_its_own_reply_takes_back_is_none(text):
    assert parsing.read(text, ["0.1"], [0, 5], [], []).answers == {}


def test_a_sentence_that_takes_nothing_back_changes_nothing():
    text = f"Here you are: {NO} I hope this helps. No doubt!"
    assert set(parsing.read(text, ["0.1"], [0, 5], [], []).answers) == {"0.1"}
