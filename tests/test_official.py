import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from intergeneval.bench.official_fields import ITEM_KEYS
from intergeneval.errors import StoreError, UsageError
from intergeneval.official import export_run, import_results, read_results
from intergeneval.records import (
    Answer,
    AnswerStatus,
    AnswerValue,
    Consistency,
    Interaction,
    Profile,
    Question,
    Sample,
    ScoreStatus,
    Tracks,
    TrackState,
    Video,
    VideoStatus,
)
from intergeneval.store import RunStore
from tests.bench.small_benchmarks import official_type
from tests.official_results import FRAMES, hallucination, imported, scores_of, verification, with_results, write_results

FIXTURE = Path(__file__).parent / "fixtures" / "official"


def test_scores_equal_the_release_s_own_for_every_sample_of_both_models(tmp_path):
    expected = json.loads((FIXTURE / "expected.json").read_text())
    stores = import_results(FIXTURE, tmp_path)
    assert [store.header.model for store in stores] == sorted(expected)
    for store in stores:
        scores = scores_of(store)
        assert sorted(scores) == sorted(expected[store.header.model])
        for name, wanted in expected[store.header.model].items():
            score = scores[name]
            assert score.status is ScoreStatus.OK
            assert score.spi == pytest.approx(wanted["SPI"], abs=1e-9)
            assert round(score.kisa_raw, 3) == wanted["KISA_raw_rounded3"]
            assert round(score.sgi_raw, 3) == wanted["SGI_raw_rounded3"]
            assert score.if_ == pytest.approx(wanted["IF_official"], abs=1e-3 * abs(score.spi) + 1e-9)


def test_the_header_tells_what_was_read(tmp_path):
    store = imported(tmp_path, [verification()], [hallucination()])
    comparability = store.header.comparability
    assert (comparability.judge, comparability.detector, comparability.sampling) == ("judge-1", "judge:judge-2", "paper")
    assert (comparability.profile, comparability.partial) == (Profile.PAPER, ())
    assert store.header.key == comparability.key
    assert sorted(store.header.config["files"]) == [
        "emergence_disappearance_results/m/synthetic/_emergence_disappearance.json",
        "question_verification_results/m/synthetic/question_verification.json",
    ]
    (sample,) = store.read("samples", Sample)
    assert [(item.id, item.class_, item.colour) for item in sample.instances] == [("id1", "man", "red"), ("id2", "cup", "green")]
    assert [question.text for question in store.read("questions", Question)] == [f"q{index}?" for index in range(1, 11)]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("yes", AnswerValue.YES),
        (" YES ", AnswerValue.YES),
        ("No.", AnswerValue.NO),
        ("no (visually implausible)", AnswerValue.IMPLAUSIBLE),
        ("No  (Visually Implausible)", AnswerValue.IMPLAUSIBLE),
    ],
)
def test_the_three_answers_are_read_in_any_case(tmp_path, word, value):
    store = imported(tmp_path, [verification(answers={4: word})], [hallucination()])
    answer = next(item for item in store.read("answers", Answer) if item.question_id == 4)
    assert (answer.status, answer.value, answer.frame, answer.judge) == (AnswerStatus.OK, value, 5, "judge-1")


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("error", AnswerStatus.FAILED),
        ("Error: rate limit", AnswerStatus.FAILED),
        ("refused", AnswerStatus.REFUSED),
        ("", AnswerStatus.UNPARSED),
        ("maybe", AnswerStatus.UNPARSED),
        ("yes and no", AnswerStatus.UNPARSED),
        ("yes (visually implausible)", AnswerStatus.UNPARSED),
        (True, AnswerStatus.UNPARSED),
        (3, AnswerStatus.UNPARSED),
        (None, AnswerStatus.FAILED),
    ],
)
def test_anything_else_is_no_answer_and_no_score(tmp_path, word, status):
    store = imported(tmp_path, [verification(answers={4: word})], [hallucination()])
    answer = next(item for item in store.read("answers", Answer) if item.question_id == 4)
    assert (answer.status, answer.value) == (status, None)
    assert answer.reason
    score = scores_of(store)["000"]
    assert (score.status, score.if_) == (ScoreStatus.UNANSWERED, None)


@pytest.mark.parametrize(
    ("entry", "status"),
    [
        (with_results({"raw_response": "I see", "parsing_error": "No valid JSON found"}), AnswerStatus.UNPARSED),
        (with_results([], error="Connection error."), AnswerStatus.FAILED),
        (with_results([]), AnswerStatus.FAILED),
        (with_results(None), AnswerStatus.FAILED),
        (with_results("error"), AnswerStatus.FAILED),
        (with_results(7), AnswerStatus.UNPARSED),
        (with_results(["yes"] * 10), AnswerStatus.FAILED),
        (verification(items=[]), AnswerStatus.FAILED),
        (verification(items=["man lifts cup"]), AnswerStatus.UNPARSED),
    ],
)
def test_a_reply_that_is_no_list_of_answers_leaves_all_ten_open(tmp_path, entry, status):
    store = imported(tmp_path, [entry, verification("001")], [hallucination(), hallucination("001")])
    answers = [item for item in store.read("answers", Answer) if item.sample_id == "000"]
    assert [item.question_id for item in answers] == list(range(1, 11))
    assert {item.status for item in answers} == {status}
    scores = scores_of(store)
    assert (scores["000"].if_, scores["001"].if_) == (None, 1.0)


def test_question_ids_may_be_texts_and_unknown_ones_are_left_out(tmp_path):
    results = [{"question_id": str(index), "answer": "yes", "frame_index": None} for index in range(1, 11)]
    results += [{"question_id": 11, "answer": "no"}, {"question_id": 0, "answer": "no"}, {"answer": "no"}]
    assert scores_of(imported(tmp_path, [with_results(results)], [hallucination()]))["000"].kisa_raw == 1.0


def test_a_question_with_two_answers_has_none(tmp_path):
    results = verification()["items"][0]["question_verification_results"]
    same = imported(tmp_path / "same", [with_results([*results, results[0]])], [hallucination()])
    assert scores_of(same)["000"].if_ == 1.0
    differing = imported(tmp_path / "two", [with_results([*results, {"question_id": 1, "answer": "no"}])], [hallucination()])
    assert scores_of(differing)["000"].if_ is None


@pytest.mark.parametrize("frame", ["x", -1, 2.5, [1]])
def test_a_frame_that_is_none_does_not_cost_the_answer(tmp_path, frame):
    entry = verification()
    entry["items"][0]["question_verification_results"][0]["frame_index"] = frame
    answer = imported(tmp_path, [entry], [hallucination()]).read("answers", Answer)[0]
    assert (answer.value, answer.frame) == (AnswerValue.YES, None)
    assert "frame_index" in answer.reason


def test_several_interactions_are_averaged(tmp_path):
    entry = verification()
    entry["items"].append(verification(answers=dict.fromkeys(range(1, 7), "no"))["items"][0])
    score = scores_of(imported(tmp_path, [entry], [hallucination()]))["000"]
    assert (score.kisa_raw, score.sgi_raw, score.answered) == (0.5, 1.0, "20/20")


def test_ratios_count_frames_after_frame_0_only(tmp_path):
    rows = {0: ("yes", "yes"), 5: ("no", "yes"), 10: ("No", "NO"), 12: ("no", "no")}
    store = imported(tmp_path, [verification()], [hallucination(rows=rows)])
    score = scores_of(store)["000"]
    assert (score.emergence_ratio, score.disappearance_ratio) == (0.0, 1 / 3)
    assert scores_of(store, Profile.BOUNDED)["000"].spi == pytest.approx(1 / 6)


@pytest.mark.parametrize(
    "entry",
    [
        hallucination(rows=dict.fromkeys(FRAMES[1:], ("error", "error"))),
        hallucination(rows={5: ("no", "no"), 10: ("error", "error"), 12: ("no", "no")}),
        hallucination(rows={5: ("no", "no"), 10: ("maybe", "no"), 12: ("no", "no")}),
        hallucination(rows={5: ("no", "no"), 10: ("no", None), 12: ("no", "no")}),
        hallucination(rows={5: ("no", "no"), 12: ("no", "no")}),
        hallucination(rows={}),
        hallucination(hallucination_results=None),
        hallucination(hallucination_results=["no"]),
        hallucination(rows={0: ("no", "no")}, frames_analyzed=1),
        hallucination(overall_analysis={"raw_response": "Sorry", "parsing_error": "No valid JSON found"}),
    ],
    ids=["all failed", "one failed", "unknown", "no word", "frame missing", "none", "null", "texts", "frame 0 only", "unparsed"],
)
def test_what_nobody_assessed_is_no_perfect_video(tmp_path, entry):
    store = imported(tmp_path, [verification(), verification("001")], [entry, hallucination("001")])
    scores = scores_of(store)
    score = scores["000"]
    assert (score.spi, score.if_, score.status, score.kisa_raw) == (None, None, ScoreStatus.UNANSWERED, 1.0)
    assert score.reason
    assert scores["001"].if_ == 1.0


def test_a_video_with_nothing_after_frame_0_counts_as_undecodable(tmp_path):
    entry = hallucination(rows={}, frames_analyzed=1, error="Insufficient frames for comparison")
    store = imported(tmp_path, [verification()], [entry])
    (video,) = store.read("videos", Video)
    assert (video.status, video.reason) == (VideoStatus.UNDECODABLE, "Insufficient frames for comparison")
    assert scores_of(store, Profile.BOUNDED)["000"].if_ == 0.0
    assert scores_of(store)["000"].if_ is None


def test_emergence_that_no_frame_speaks_of_was_not_assessed(tmp_path):
    entry = hallucination()
    for row in entry["hallucination_results"]:
        del row["emergence"]
    store = imported(tmp_path, [verification()], [entry])
    score = scores_of(store)["000"]
    assert (score.partial, score.spi) == (("emergence",), 1.0)
    assert store.header.comparability.partial == ("emergence",)


def test_a_missing_file_leaves_the_other_half(tmp_path):
    asked = scores_of(imported(tmp_path / "a", [verification()], None))["000"]
    assert (asked.kisa_raw, asked.spi, asked.if_) == (1.0, None, None)
    assert "there is no _emergence_disappearance.json" in asked.reason
    seen = scores_of(imported(tmp_path / "b", None, [hallucination()]))["000"]
    assert (seen.if_, seen.status) == (None, ScoreStatus.UNANSWERED)
    assert "there is no question_verification.json" in seen.reason


def test_a_video_in_one_file_only_is_listed_without_a_score(tmp_path):
    store = imported(tmp_path, [verification(), verification("001")], [hallucination(), hallucination("002")])
    scores = scores_of(store)
    assert {name: score.if_ for name, score in scores.items()} == {"000": 1.0, "001": None, "002": None}
    assert "no entry for video '001'" in scores["001"].reason
    assert "no entry for video '002'" in scores["002"].reason


def test_a_video_that_stands_twice_counts_only_if_both_agree(tmp_path):
    same = imported(tmp_path / "a", [verification(), verification()], [hallucination(), hallucination()])
    assert scores_of(same)["000"].if_ == 1.0
    asked = imported(tmp_path / "b", [verification(), verification(answers={1: "no"})], [hallucination()])
    assert scores_of(asked)["000"].if_ is None
    seen = imported(tmp_path / "c", [verification()], [hallucination(), hallucination(rows={5: ("yes", "no")})])
    assert scores_of(seen)["000"].spi is None


def test_several_types_put_the_type_before_the_number(tmp_path):
    for kind in ("synthetic", "real"):
        write_results(tmp_path / "in", [verification()], [hallucination()], kind=kind)
    (store,) = import_results(tmp_path / "in", tmp_path / "out")
    assert sorted(scores_of(store)) == ["real-000", "synthetic-000"]
    assert store.header.bench == "real+synthetic"


def test_models_with_the_same_questions_are_comparable(tmp_path):
    for model, word in (("a", "yes"), ("b", "no")):
        write_results(tmp_path, [verification(answers={1: word})], [hallucination()], model=model)
    first, second = read_results(tmp_path)
    assert first.header.key == second.header.key


def test_models_that_were_asked_other_things_are_not(tmp_path):
    for model, text in (("a", "man lifts cup"), ("b", "man drops cup")):
        write_results(tmp_path, [with_results([], key_interaction=text)], [hallucination()], model=model)
    first, second = read_results(tmp_path)
    assert first.header.comparability.differences(second.header.comparability) == ("questions",)


def test_a_video_that_one_model_lacks_does_not_make_them_incomparable(tmp_path):
    write_results(tmp_path, [verification(), verification("001")], [hallucination(), hallucination("001")], model="a")
    write_results(tmp_path, [verification()], [hallucination()], model="b")
    first, second = read_results(tmp_path)
    assert first.header.key == second.header.key
    assert [len(item.samples) for item in (first, second)] == [2, 1]


def test_the_set_beside_the_results_adds_appearances_and_the_videos_that_were_left_out(tmp_path):
    official_type(tmp_path / "in/EVAL_DATA/synthetic", 3)
    store = imported(tmp_path, [verification(), verification("001")], [hallucination(), hallucination("001", entity=["dog"])])
    samples = {sample.id: sample for sample in store.read("samples", Sample)}
    assert [item.appearance for item in samples["000"].instances] == ["man in red", "blue cup"]
    assert [item.appearance for item in samples["001"].instances] == ["dog"]
    assert "interaction_type:contact" in samples["000"].tags
    scores = scores_of(store)
    assert {name: score.if_ for name, score in scores.items()} == {"000": 1.0, "001": 1.0, "002": None}
    assert "no entry for video '002'" in scores["002"].reason


def test_a_damaged_set_beside_the_results_takes_nothing_from_them(tmp_path):
    official_type(tmp_path / "in/EVAL_DATA/synthetic", 3)
    (tmp_path / "in/EVAL_DATA/synthetic/meta.json").write_text("[{")
    assert sorted(scores_of(imported(tmp_path, [verification()], [hallucination()]))) == ["000"]


def test_box_colours_we_do_not_have_are_told_in_a_tag(tmp_path):
    entry = hallucination(colors=["teal", "magenta"])
    (sample,) = imported(tmp_path, [verification()], [entry]).read("samples", Sample)
    assert [item.colour for item in sample.instances] == ["red", "magenta"]
    assert "box of id1: teal" in sample.tags


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "cannot be read as JSON"),
        ("{}", "holds an object, not a list"),
        ('["x"]', "entry 0 is a text, not an object"),
        ("[{}]", "the video_id of entry 0 is None"),
        ('[{"video_id": "a/../../x"}]', "the video_id of entry 0 'a/../../x' holds '/'"),
        ('[{"video_id": "\\ud800"}]', "cannot be part of a file name"),
        ("[" * 100_000, "cannot be read as JSON"),
    ],
)
def test_a_file_that_is_not_in_the_layout_is_named(tmp_path, content, said):
    write_results(tmp_path, content, None)
    with pytest.raises(UsageError, match=r"question_verification\.json: ") as caught:
        read_results(tmp_path)
    assert said in str(caught.value)


def test_a_folder_without_results_says_what_is_missing(tmp_path):
    with pytest.raises(UsageError, match="holds no results of the release"):
        read_results(tmp_path)
    (tmp_path / "SCORE_RESULTS/question_verification_results").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"holds no \{model\}"):
        read_results(tmp_path)


def test_importing_again_changes_nothing_and_another_run_is_left_alone(tmp_path):
    first = imported(tmp_path, [verification()], [hallucination()])
    before = {path: path.read_bytes() for path in first.folder.iterdir()}
    import_results(tmp_path / "in", tmp_path / "out")
    assert {path: path.read_bytes() for path in first.folder.iterdir()} == before
    write_results(tmp_path / "in", [verification(answers={1: "no"})], [hallucination()])
    with pytest.raises(UsageError, match="exists already and holds another run"):
        import_results(tmp_path / "in", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["m"]


def test_a_place_that_cannot_be_written_is_a_message(tmp_path):
    write_results(tmp_path / "in", [verification()], [hallucination()])
    (tmp_path / "out").write_text("a file")
    with pytest.raises(StoreError, match="cannot be written"):
        import_results(tmp_path / "in", tmp_path / "out")


def write_tracks(root, frames=3):
    for index in range(frames):
        for name, left in (("id1", 2), ("id2", 20)):
            mask = np.zeros((24, 36), np.uint8)
            if not (name == "id2" and index == 2):
                mask[4:12, left : left + 8] = 255
            path = root / f"EVAL_RESULTS/m/synthetic/tracks/000/{name}/{index:03d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(path), mask)


def test_mask_tracks_beside_the_results_come_along(tmp_path):
    write_tracks(tmp_path / "in")
    (tracks,) = imported(tmp_path, [verification()], [hallucination()]).read("tracks", Tracks)
    assert (tracks.size, [track.areas for track in tracks.tracks]) == ((24, 36), [(64, 64, 64), (64, 64, 0)])
    assert tracks.tracks[1].states[2] is TrackState.VANISHED


def test_damaged_tracks_are_left_out_with_a_note(tmp_path):
    write_tracks(tmp_path)
    (tmp_path / "EVAL_RESULTS/m/synthetic/tracks/000/id1/001.png").write_bytes(b"torn")
    (found,) = read_results(write_results(tmp_path, [verification()], [hallucination()]))
    assert found.tracks == ()
    assert "its tracks were left out" in found.notes[0]


def test_what_is_exported_comes_back_with_the_same_answers_scores_and_tracks(tmp_path):
    write_tracks(tmp_path / "in")
    asked = [
        verification(answers={2: "no (visually implausible)"}),
        verification("001", answers={3: "error"}),
        verification("002"),
    ]
    rows = {5: ("yes", "no"), 10: ("no", "yes"), 12: ("no", "no")}
    store = imported(tmp_path, asked, [hallucination(rows=rows), hallucination("001"), hallucination("002", rows={})])
    export_run(store, tmp_path / "exported")
    (again,) = import_results(tmp_path / "exported", tmp_path / "again")
    for stage, cls in (("answers", Answer), ("tracks", Tracks), ("questions", Question), ("videos", Video)):
        here, there = store.read(stage, cls), again.read(stage, cls)
        if cls is Answer:
            here, there = (
                [(item.sample_id, item.question_id, item.status, item.value, item.frame) for item in side]
                for side in (here, there)
            )
        assert there == here
    before, after = scores_of(store), scores_of(again)
    assert {name: (score.if_, score.spi) for name, score in after.items()} == {
        name: (score.if_, score.spi) for name, score in before.items()
    }


def test_both_models_survive_export_and_import(tmp_path):
    for store in import_results(FIXTURE, tmp_path / "in"):
        export_run(store, tmp_path / "exported")
    for store in import_results(tmp_path / "exported", tmp_path / "again"):
        before = scores_of(RunStore.open(tmp_path / "in" / store.header.model))
        assert scores_of(store) == before


def test_a_run_of_ours_is_written_as_the_release_would(tmp_path):
    source = imported(tmp_path, [verification()], [hallucination()])
    states = {"id1": (TrackState.VISIBLE, TrackState.LEFT, TrackState.LOST)}
    folder = RunStore.create(tmp_path / "ours", source.header)
    with folder.writer() as writer:
        for stage, cls in (("samples", Sample), ("videos", Video), ("questions", Question), ("answers", Answer)):
            writer.append(stage, source.read(stage, cls))
        writer.append("consistency", [Consistency(sample_id="000", seed=0, frames=(5, 10, 12), states=states)])
    export_run(folder, tmp_path / "exported")
    path = tmp_path / "exported/SCORE_RESULTS/emergence_disappearance_results/m/synthetic/_emergence_disappearance.json"
    (entry,) = json.loads(path.read_text())
    # More than a fifth of the frames are lost: no score, so no row that the release's scorer would read as perfect.
    assert entry["hallucination_results"] == []
    assert "lost" in entry["error"]
    meta = json.loads((tmp_path / "exported/EVAL_RESULTS/m/synthetic/eval_metas/000.json").read_text())
    assert meta["entity"] == ["man", "cup"]


def test_frames_without_a_statement_leave_the_ratio_on_the_way_out_too(tmp_path):
    source = imported(tmp_path, [verification()], [hallucination()])
    frames = tuple(range(1, 11))
    states = (TrackState.LOST, TrackState.VANISHED, *[TrackState.VISIBLE] * 8)
    folder = RunStore.create(tmp_path / "ours", source.header)
    with folder.writer() as writer:
        for stage, cls in (("samples", Sample), ("videos", Video), ("questions", Question), ("answers", Answer)):
            writer.append(stage, source.read(stage, cls))
        writer.append("consistency", [Consistency(sample_id="000", seed=0, frames=frames, states={"id1": states})])
    export_run(folder, tmp_path / "exported")
    (again,) = import_results(tmp_path / "exported", tmp_path / "again")
    before, after = scores_of(folder)["000"], scores_of(again)["000"]
    assert before.disappearance_ratio == after.disappearance_ratio == 1 / 9
    assert before.partial == after.partial == ("emergence",)


TOLD = {"subject": "id1", "verb": "lifts", "object": "id2", "instrument": "id3", "touching_at_start": "no"}


def acts_of(store):
    return {sample.id: sample.interactions[0] for sample in store.read("samples", Sample)}


def set_with_keys(root, **keys):
    """The set beside the results, whose first item has further keys."""
    folder = official_type(root / "EVAL_DATA/synthetic", 2)
    path = folder / "questions/000.json"
    value = json.loads(path.read_text())
    value["items"][0] |= keys
    path.write_text(json.dumps(value))


def test_an_imported_run_carries_what_the_set_beside_it_tells_of_an_interaction(tmp_path):
    set_with_keys(
        tmp_path / "in", subject="id1", verb="lifts", object="id2", touching_at_start="yes", destination="up", relation="at"
    )
    store = imported(tmp_path, [verification(), verification("001")], [hallucination(), hallucination("001", entity=["dog"])])
    act = acts_of(store)["000"]
    assert (act.subject, act.verb, act.object, act.destination, act.touching_at_start) == ("id1", "lifts", "id2", "up", "yes")
    assert (act.text, act.questions[0], act.category) == ("man lifts cup", "q1?", None)
    assert acts_of(store)["001"].subject is None


def test_what_the_set_tells_of_other_words_or_classes_is_not_taken_over(tmp_path):
    set_with_keys(tmp_path / "in", subject="id1", verb="lifts", object="id2")
    other = verification()
    other["items"][0]["key_interaction"] = "man drops cup"
    assert acts_of(imported(tmp_path, [other], [hallucination()]))["000"].subject is None
    there = tmp_path / "there"
    set_with_keys(there / "in", subject="id1", verb="lifts", object="id2")
    assert acts_of(imported(there, [verification()], [hallucination(entity=["cup", "man"])]))["000"].subject is None


def test_further_keys_survive_export_and_import_and_an_item_without_any_is_written_as_before(tmp_path):
    first = verification()
    first["items"][0] |= TOLD | {"instrument": None, "alternatives": ["id3"]}
    seen = [hallucination(entity=["man", "cup", "tray"], colors=["red", "green", "blue"]), hallucination("001")]
    store = imported(tmp_path, [first, verification("001")], seen)
    act = acts_of(store)["000"]
    assert (act.subject, act.alternatives, act.touching_at_start) == ("id1", ("id3",), "no")
    export_run(store, tmp_path / "exported")
    path = tmp_path / "exported/SCORE_RESULTS/question_verification_results/m/synthetic/question_verification.json"
    items = [entry["items"][0] for entry in json.loads(path.read_text())]
    keys = ["item_index", "key_interaction", "questions", "question_verification_results"]
    assert [list(item) for item in items] == [
        [*keys[:2], "subject", "verb", "object", "alternatives", "touching_at_start", *keys[2:]],
        keys,
    ]
    (again,) = import_results(tmp_path / "exported", tmp_path / "again")
    assert acts_of(again) == acts_of(store)


def test_a_run_of_a_benchmark_of_ours_calls_its_instances_by_entity_number_and_leaves_out_a_twin_that_is_not_there(tmp_path):
    source = imported(tmp_path, [verification()], [hallucination()])
    (sample,) = source.read("samples", Sample)
    instances = tuple(replace(one, id=name) for one, name in zip(sample.instances, ("man", "cup"), strict=True))
    act = Interaction(
        subject="man", verb="lifts", object="cup", destination="cup rack", relation="on", twin_of="elsewhere", after=0
    )
    store = RunStore.create(tmp_path / "ours", source.header)
    with store.writer() as writer:
        writer.append("samples", [replace(sample, instances=instances, interactions=(act,))])
        writer.append("videos", source.read("videos", Video))
    export_run(store, tmp_path / "exported")
    path = tmp_path / "exported/SCORE_RESULTS/question_verification_results/m/synthetic/question_verification.json"
    item = json.loads(path.read_text())[0]["items"][0]
    wanted = {"subject": "id1", "verb": "lifts", "object": "id2", "destination": "cup rack", "relation": "on", "after": 0}
    assert {key: value for key, value in item.items() if key in ITEM_KEYS} == wanted


@pytest.mark.parametrize(
    ("keys", "note"),
    [
        ({"instrument": "id9"}, "what is told of interaction 0 was left out (instrument: no instance is called 'id9')"),
        ({"part": "elbow"}, "part of an interaction was left out: expected one of 'mouth', 'hand', 'foot', got 'elbow'"),
        ({"destination": "\ud800"}, "destination of an interaction was left out: '\\ud800' holds half of a character"),
    ],
)
def test_further_keys_that_do_not_fit_are_left_out_with_a_note_and_cost_no_answer(tmp_path, keys, note):
    entry = verification()
    entry["items"][0] |= keys
    (found,) = read_results(write_results(tmp_path, [entry], [hallucination()]))
    assert note in found.notes[0]
    assert found.samples[0].interactions[0].instrument is None
    assert scores_of(imported(tmp_path, [entry], [hallucination()]))["000"].if_ == 1.0


def test_export_asks_for_the_seed_where_there_are_several(tmp_path):
    source = imported(tmp_path, [verification()], [hallucination()])
    with source.writer() as writer:
        writer.append("videos", [Video(sample_id="000", seed=1, status=VideoStatus.OK)])
    with pytest.raises(UsageError, match=r"the seeds 0, 1; .*--seed"):
        export_run(source, tmp_path / "exported")
    export_run(source, tmp_path / "exported", seed=0)
    written = {path: path.read_bytes() for path in sorted((tmp_path / "exported").rglob("*.json"))}
    export_run(source, tmp_path / "exported", seed=0)
    assert written == {path: path.read_bytes() for path in sorted((tmp_path / "exported").rglob("*.json"))}
    next(path for path in written if path.name == "question_verification.json").write_text("[]\n")
    with pytest.raises(UsageError, match="exists already"):
        export_run(source, tmp_path / "exported", seed=0)
    with pytest.raises(UsageError, match="no video of seed 7"):
        export_run(source, tmp_path / "other", seed=7)
