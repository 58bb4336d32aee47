"""The exam written for a reader, and the reader's replies read as any model's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fakes.chat_server import good, understood
from tests.reader import desk

CASES = [desk.Case(model="staged:perfect", bench="staged", samples=("staged-1-035",))]


def test_a_reader_s_replies_are_graded_kept_and_replayed_and_nothing_written_tells_who_made_a_video(tmp_path):
    folder, runs, kept = tmp_path / "exam", tmp_path / "runs", tmp_path / "kept"
    (request,) = desk.write(CASES, folder)
    place = folder / "01"
    words = (place / "request.txt").read_text()
    assert words.count("[picture-") == desk.size_of(request)["pictures"] == len(list(place.glob("*.jpg")))
    told = "".join(path.read_text() for path in [folder / "README.md", *place.glob("*.txt"), *place.glob("*.json")])
    assert not any(word in told for word in ("staged", "perfect", "policy"))

    stores, owed = desk.read(CASES, folder, runs)
    assert owed == [f"{place / 'reply.json'} is not there"]
    (place / "reply.json").write_text(_all_yes(request))
    stores, owed = desk.read(CASES, folder, runs)
    assert owed == []
    found = desk.grade(stores)
    assert (found["answers"], found["right"]) == (20, 20)
    assert (found["statements"], found["statements_right"]) == (20, 20)
    # It says yes to whatever it is asked.
    assert found["controls_right"] == 0

    desk.keep(stores, kept)
    again = desk.replay(CASES, kept, tmp_path / "again")
    assert desk.grade(again) == found


EXAM = Path(__file__).parents[1] / "fixtures" / "exam"


@pytest.mark.parametrize("name", sorted(path.name for path in EXAM.iterdir()))
def test_what_readers_said_of_the_exam_is_right_as_far_as_it_was(name, tmp_path):
    if name != "roles-swapped" and not os.environ.get("NIGHTLY_TESTS"):
        pytest.skip("the whole exam is replayed nightly")
    cases = [case for case in desk.cases_of(Path(__file__).with_name("exam.jsonl")) if case.name == name]
    found = desk.grade(desk.replay(cases, EXAM, tmp_path))
    # 277 of 280 in all: a dog that only turns round, a thing that floats off, a greeting to somebody who has gone by then.
    wrong = 1 if name in ("wrong-recipient", "no-contact", "vanishes") else 0
    assert found["answers"] - found["right"] == wrong, found["errors"]
    assert found["statements_right"] == found["statements"] > 0
    assert found["controls_right"] == found["controls"] > 0


def _all_yes(request):
    return good(understood(request, {}, 0))
