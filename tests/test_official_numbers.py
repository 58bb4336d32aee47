"""Numbers in result files that are none, that are absurd, or that are not there."""

import codecs
import json

import pytest

from intergeneval.official import import_results, read_results
from intergeneval.records import Answer, AnswerStatus, ScoreStatus, Video
from tests.official_results import FRAMES, hallucination, imported, scores_of, verification, write_results

CUT = {5: ("no", "no"), 10: ("no", "no")}


@pytest.mark.parametrize("said", [None, "many", True, [4]])
def test_without_a_number_of_analysed_frames_the_frames_of_the_answers_say_how_many_statements_there_must_be(tmp_path, said):
    whole = imported(tmp_path / "whole", [verification()], [hallucination(frames_analyzed=said)])
    assert scores_of(whole)["000"].if_ == 1.0
    cut = scores_of(imported(tmp_path / "cut", [verification()], [hallucination(rows=CUT, frames_analyzed=said)]))["000"]
    assert (cut.status, cut.spi, cut.if_) == (ScoreStatus.UNANSWERED, None, None)
    assert "4 frames were analysed, but only 2 of 3" in cut.reason


def test_a_number_of_analysed_frames_may_be_a_text_of_digits(tmp_path):
    cut = scores_of(imported(tmp_path, [verification()], [hallucination(rows=CUT, frames_analyzed="4")]))["000"]
    assert cut.spi is None


@pytest.mark.parametrize("indices", [[99999999999, 0, 5], [0, 1, 99999999999], [0, 5, 10**40]])
def test_absurd_frames_cost_an_entry_its_frames_and_say_so(tmp_path, indices):
    asked = [verification(), verification("001", frame_indices=indices)]
    root = write_results(tmp_path / "in", asked, [hallucination(), hallucination("001")])
    (found,) = read_results(root)
    assert any("sample 001: frame_indices were left out" in note for note in found.notes)
    (store,) = import_results(root, tmp_path / "out")
    first, second = store.read("videos", Video)
    assert (first.sampled, first.notes) == (tuple(FRAMES), ())
    assert second.sampled == tuple(FRAMES)
    assert "no video has a frame" in second.notes[0]
    assert scores_of(store)["001"].if_ == 1.0


def test_the_longest_frame_list_that_passes_tells_its_sampling_at_once(tmp_path):
    entry = verification(frame_indices=[0, 1, 1_000_000])
    assert read_results(write_results(tmp_path, [entry], [hallucination()]))[0].header.comparability.sampling == "unknown"


def test_absurd_frames_of_a_statement_or_an_answer_are_no_frames(tmp_path):
    seen = hallucination(rows={5: ("no", "no"), 10: ("no", "no"), 99999999999: ("no", "no")})
    assert "names no frame" in scores_of(imported(tmp_path / "a", [verification()], [seen]))["000"].reason
    entry = verification()
    entry["items"][0]["question_verification_results"][0]["frame_index"] = 99999999999
    answer = imported(tmp_path / "b", [entry], [hallucination()]).read("answers", Answer)[0]
    assert (answer.status, answer.frame) == (AnswerStatus.OK, None)
    assert "99999999999" in answer.reason


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_number_leaves_its_own_field_unparsed(tmp_path, word):
    asked = json.dumps([verification(answers={4: "HERE"}), verification("001")]).replace('"HERE"', word)
    store = imported(tmp_path / "a", asked, [hallucination(), hallucination("001")])
    answer = next(item for item in store.read("answers", Answer) if item.question_id == 4)
    assert (answer.status, answer.value) == (AnswerStatus.UNPARSED, None)
    assert {name: score.if_ for name, score in scores_of(store).items()} == {"000": None, "001": 1.0}
    seen = json.dumps([hallucination(frames_analyzed="HERE", rows=CUT)]).replace('"HERE"', word)
    assert scores_of(imported(tmp_path / "b", [verification()], seen))["000"].spi is None
    framed = (
        json.dumps([verification(prompt="HERE")]).replace('"frame_index": 5', f'"frame_index": {word}').replace('"HERE"', word)
    )
    answer = imported(tmp_path / "c", framed, [hallucination()]).read("answers", Answer)[0]
    assert (answer.status, answer.frame) == (AnswerStatus.OK, None)
    assert answer.reason


def test_a_byte_order_mark_is_no_fault(tmp_path):
    root = write_results(tmp_path / "in", [verification()], [hallucination()])
    for path in root.rglob("*.json"):
        path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    (store,) = import_results(root, tmp_path / "out")
    assert scores_of(store)["000"].if_ == 1.0
