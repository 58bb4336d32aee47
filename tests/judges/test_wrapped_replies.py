"""What may stand around the one object of a reply, in which spellings its values are read, and what of a cut reply is kept."""

import json
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intergeneval.judges import parsing, spelling, unfinished, wrapping
from intergeneval.records import AnswerValue

LABELS = [f"0.{number}" for number in range(1, 11)]
SHOWN = [0, 1, 5, 12]
IDS = ["id1", "id2"]


def said(labels=LABELS, answer="yes", frame=5, reason="seen"):
    return [{"question": name, "reason": reason, "answer": answer, "frame": frame} for name in labels]


def whole(answer="yes", reason="seen"):
    frames = [{"frame": frame, "reason": reason, "emerged": False, "missing": []} for frame in SHOWN[1:]]
    return {"answers": said(answer=answer, reason=reason), "frames": frames}


GOOD, DRAFT = json.dumps(whole("yes")), json.dumps(whole("no"))


def read(text, *, cut=False, labels=LABELS):
    return parsing.read(text, labels, SHOWN, SHOWN[1:], IDS, cut=cut)


def is_good(reading):
    return (
        not reading.problems
        and {item.value for item in reading.answers.values()} == {AnswerValue.YES}
        and len(reading.frames) == 3
    )


WRAPPED = {
    "bare": "{}",
    "thinking": "<think>First {draft}, no.</think>\n\n{}",
    "thinking in capitals": "<THINKING>\n{draft}\n</THINKING>{}",
    "reasoning": "<reasoning>{draft}</reasoning><answer>{}</answer>",
    "thinking that the template began": "So, {draft}? No.\n</think>\n\n{}",
    "thinking in brackets": "[THINK]{draft}[/THINK]{}</s>",
    "thinking in triangles": "◁think▷{draft}◁/think▷{}",
    "thinking with a name": '<seed:think budget="5">{draft}</seed:think>{}<seed:eos>',
    "thinking twice": "<think>{draft}</think> Hm. <think>{draft}</think>{}",
    "thinking in a channel": "<|channel>thought\n{draft}<channel|>{}<turn|>",
    "channels": "<|channel|>analysis<|message|>{draft}<|end|><|start|>assistant<|channel|>final<|message|>{}<|return|>",
    "the end of channels": "{draft}<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>{}",
    "channels less their tokens": "analysisWe need JSON, say {draft}.assistantfinal{}",
    "the token of a turn's end": "{}<|im_end|>\n",
    "another": "{}<|eot_id|>",
    "a third": "{}</s>",
    "a fourth": "{}<end_of_turn>\n<eos>",
    "a fifth": "{}<｜end▁of▁sentence｜>",
    "a fence in capitals": "```JSON\n{}\n```",
    "a fence of another system": "```Json\r\n{}\r\n```\r\n",
    "a fence on one line": "```json{}```",
    "a fence of tildes": "~~~\n{}\n~~~",
    "a fence of another language": "```javascript\n{}\n```<|im_end|>",
    "thinking in tokens": "<|begin_of_thought|>{draft}<|end_of_thought|>{}",
    "thinking in other tokens": "<|START_THINKING|>{draft}<|END_THINKING|>{}<|END_OF_TURN_TOKEN|>",
    "a box": "<think>{draft}</think><|begin_of_box|>{}<|end_of_box|>",
    "a sentence before": "Here is the JSON for [0.1] to [0.10]:\n{}",
    "a sentence after": "{}\n\nFrame 5 decided most of them [sic].",
    "all of it": "<think>\n{draft}\n</think>\n\nSure:\n\n```JSON\r\n{}\r\n```\r\nI hope this helps.<|im_end|>",
    "a mark of bytes": "\ufeff{}",
}


def wrap(shape, text=GOOD, draft=DRAFT):
    return shape.replace("{draft}", "\0").replace("{}", text).replace("\0", draft)


@pytest.mark.parametrize("name", WRAPPED)
def test_what_stands_around_the_only_object_does_not_matter(name):
    assert is_good(read(wrap(WRAPPED[name])))


AMBIGUOUS = {
    "two objects": lambda good, draft: f"{good}\n{draft}",
    "the same object twice": lambda good, _: f"{good}\n{good}",
    "two fences": lambda good, draft: f"```json\n{good}\n```\nor\n```json\n{draft}\n```",
    "an object and a list": lambda good, _: f'{good}\n["no", "no"]',
    "a list of objects and an object": lambda good, draft: f"{json.dumps(json.loads(draft)['answers'])}\n{good}",
    "an object in a list": lambda good, _: f"Here: [{good}]",
    "an object in a list that does not close": lambda good, _: f"[{good}",
    "an object in a text": lambda good, _: json.dumps(good),
    "an object in another brace": lambda good, _: f"Here {{{good}}}",
    "an object with a brace beside it": lambda good, _: f"{good} }}",
    "an object after a damaged one": lambda good, _: f'{{"answers": [}} {good}',
    "thinking that does not end": lambda good, _: f"<think>I would say {good}",
    "thinking after the thinking": lambda good, _: f"<think>Well.</think><think>{good}",
    "thinking in thinking": lambda good, _: f"<think>Well <think>again</think> {good}",
    "thinking ended by another mark": lambda good, _: f"<think>Well </reasoning> {good}",
    "thinking in tokens that does not end": lambda good, _: f"<|thinking_start|>I would say {good}",
    "thinking with nothing after": lambda good, _: f"<think>{good}</think>",
    "the end of thinking and nothing after": lambda good, _: f"I would say {good}</think>",
    "thinking after the answer": lambda good, _: f"{good}<think>but no",
    "channels without a last word": lambda good, _: f"<|channel|>analysis<|message|>{good}<|end|>",
    "channels with two": lambda good, draft: (
        f"<|channel|>final<|message|>{good}<|end|><|channel|>final<|message|>{draft}<|return|>"
    ),
    "channels less their tokens, without a last word": lambda good, _: f"analysisI would say {good}",
    "a name twice": lambda good, _: good[:-1] + ', "answers": []}',
    "a number that JSON does not have": lambda good, _: re.sub(r'"frame": \d+', '"frame": NaN', good, count=1),
    "another number that JSON does not have": lambda good, _: re.sub(r'"frame": \d+(?=[^\d]*\Z)', '"frame": -Infinity', good),
    "a comma too many": lambda good, _: good[:-1] + ",}",
    "prose": lambda *_: "Yes to all of them; frame 0 decides.",
    "nothing": lambda *_: "<think></think>\n<|im_end|>",
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_what_could_be_two_replies_or_none_is_none(name):
    reading = read(AMBIGUOUS[name](GOOD, DRAFT))
    assert (reading.answers, reading.frames) == ({}, {})
    assert len(reading.problems) == 1


names = st.sampled_from(["question", "answer", "frame", "reason", "x", "</think>", "<think>"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 999) | st.text(max_size=8) | st.sampled_from(["</think>", "}", "{", '"']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)
objects = st.dictionaries(names, values, max_size=4)


@given(objects, objects, st.sampled_from(sorted(WRAPPED)), st.sampled_from([None, 1]), st.booleans())
@settings(max_examples=400, deadline=None)
def test_any_object_reads_the_same_however_it_is_wrapped(found, draft, name, indent, ascii_only):
    text = json.dumps(found, indent=indent, ensure_ascii=ascii_only)
    # A draft that quotes the end of thinking ends it, as far as anybody can tell.
    thought = json.dumps(draft).replace("think", "thin")
    assert wrapping.sole_object(wrap(WRAPPED[name], text, thought)) == found


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("Yes", "yes"),
        ("yes.", "yes"),
        (" NO ", "no"),
        ("**No**", "no"),
        ("No (Visually Implausible)", "no (visually implausible)"),
        ("no, visually implausible.", "no (visually implausible)"),
        *(
            (value, None)
            for value in ("yes and no", "yes/no", "maybe", "yes?", "!yes", "not yes", "y", "true", "visually implausible")
        ),
        *((value, None) for value in (True, False, 1, 0, None, ["yes"], {"yes": True}, "", "no no", "yes (no)")),
    ],
)
def test_an_answer_is_read_in_any_case_and_nothing_is_taken_for_one(written, value):
    assert spelling.word(written, list(AnswerValue)) == value


@pytest.mark.parametrize(
    ("written", "number"),
    [
        *((value, 5) for value in (5, 5.0, "5", " 5 ", "5.0", "[5]", "frame 5", "Frame 5:", "#5")),
        *(
            (value, None)
            for value in (5.5, True, False, None, "5.5", ".5", "-5", "5 or 6", "5-6", "[5, 6]", [5], "five", "", "5e0")
        ),
        (float("inf"), None),
        ("٥", None),
    ],
)
def test_a_frame_is_read_as_any_whole_number_and_nothing_is_taken_for_one(written, number):
    found = spelling.whole(written, "frame")
    assert found == number
    assert type(found) is type(number)


@pytest.mark.parametrize(
    ("written", "expected", "found"),
    [
        (["[0.1]", "Question 0.10", "q0.2", " 0.3. "], LABELS, ["0.1", "0.10", "0.2", "0.3"]),
        ([0.2, 0.3], LABELS, ["0.2", "0.3"]),
        ([0.1], LABELS, [None]),
        ([0.1], ["0.10"], ["0.10"]),
        (["0.1"], ["0.10"], [None]),
        ([f"q{number}" for number in range(1, 11)], LABELS, LABELS),
        ([f"Question {number}" for number in range(10, 0, -1)], LABELS, LABELS[::-1]),
        ([f"q{number}" for number in range(10)], LABELS, [None] * 10),
        (["0.1", "Q2"], ["0.1", "0.2"], ["0.1", "0.2"]),
        (["q4"], ["0.4"], ["0.4"]),
        (["q1", "q2"], ["0.2", "0.3"], [None, None]),
        (["q1", "q1"], ["0.1", "0.2"], [None, None]),
        (["q1", "q2"], ["0.1", "1.2"], [None, None]),
        ([4, "4", "-0.4", "0.4 0.5", None, ["0.4"], "00.4"], LABELS, [None] * 7),
    ],
)
def test_a_label_is_read_where_it_can_be_one_question_only(written, expected, found):
    assert spelling.labels(written, expected, partial=False) == found


def test_two_spellings_of_one_question_or_frame_are_two_answers():
    found = whole()
    found["answers"] += said(["[0.3]"])
    found["frames"][0]["frame"] = "12"
    reading = read(json.dumps(found))
    assert sorted(set(LABELS) - set(reading.answers)) == ["0.3"]
    assert set(reading.frames) == {5}


@given(
    st.integers(0, 10_000),
    st.booleans(),
    st.sampled_from([None, 1]),
    st.sampled_from(["seen", 'a "b" { é\n', "\ud83d\ude00"]),
)
@settings(max_examples=400, deadline=None)
def test_a_reply_cut_off_anywhere_gives_only_entries_that_the_whole_one_has(length, wrapped, indent, reason):
    found = whole(reason=reason)
    for number, entry in enumerate(found["answers"]):
        entry |= {"answer": list(AnswerValue)[number % 3].value, "frame": [12, 1, 5][number % 3]}
    text = json.dumps(found, indent=indent)
    if wrapped:
        text = f"<think>{DRAFT}</think>\n```json\n{text}"
    cut = text[: length % (len(text) + 1)]
    expected = read(text)
    reading = read(cut, cut=True)
    assert reading.answers.items() <= expected.answers.items()
    assert reading.frames.items() <= expected.frames.items()
    # Neither is one left out whose closing brace is there.
    after = cut.split("```json\n")[1] if wrapped and "```json\n" in cut else "" if wrapped else cut
    assert len(reading.answers) + len(reading.frames) == min(13, after.count("}"))


def test_a_number_of_which_digits_may_be_missing_is_not_read():
    text = json.dumps({"answers": said(["0.1"]), "frames": []})
    assert read(text[: text.index('"frame": 5') + 10], cut=True).answers == {}
    assert unfinished.begun_object('{"match": 1').fields == {}
    assert unfinished.begun_object('{"numbers": [1, 12').fields == {"numbers": [1]}


@pytest.mark.parametrize(
    "text",
    [
        f"I would say {GOOD[:-40]}",
        f"I would say {GOOD}",
        f"{GOOD}\nBut then",
        f"<think>{GOOD[:-40]}",
        f"analysisI would say {GOOD[:-40]}",
        f"<|channel|>analysis<|message|>{GOOD[:-40]}",
        f"[{GOOD[:-40]}",
        GOOD[:-40].replace('"yes"', "yes", 1),
        '{"answers": [], ' + GOOD[1:-40],
        "Yes, all of it",
        "",
    ],
)
def test_a_cut_reply_that_may_be_thinking_or_is_damaged_before_its_end_gives_nothing(text):
    reading = read(text, cut=True)
    assert (reading.answers, reading.frames) == ({}, {})
    assert reading.problems


def test_entries_of_a_cut_reply_pass_the_same_checks_as_others():
    entries = said()
    entries[1] |= {"answer": "maybe"}
    entries[2] |= {"frame": 99}
    entries[4] |= {"question": "0.4"}
    reading = read(json.dumps({"answers": entries})[:-30], cut=True)
    assert sorted(reading.answers) == ["0.1", "0.6", "0.7", "0.8", "0.9"]
    frames = whole()["frames"]
    frames[0]["missing"] = ["id9"]
    reading = read(json.dumps({"frames": frames, "answers": entries})[:-1200], cut=True)
    assert reading.frames == {}


@pytest.mark.parametrize(
    "piece",
    ['{"a":', "[", "{", '{"a', "<think>", "<think ", "</think>", "[1", "<|", "<|channel|>" + "9" * 50_000, "`", '{"a":1,', "\\u"],
)
def test_a_hostile_reply_takes_no_longer_than_its_length_asks(piece):
    text = piece * (400_000 // len(piece))
    began = time.process_time()
    for cut in (False, True):
        assert not read(text, cut=cut).answers
    assert time.process_time() - began < 20  # seconds; minutes where the time grows as the square
