"""A whole tiny study from one file, done once in pieces with kills in between, and once in one go."""

import contextlib
import fcntl
import json
import multiprocessing
import os
import random
import re
import signal
import sys
import time
from pathlib import Path

import cv2
import drift_tracker
import pytest
import study_process
import tiny_study
from click.testing import CliRunner

from intergeneval.errors import ComparabilityError, ConfigError
from intergeneval.records import Sample
from intergeneval.store import RunStore
from intergeneval.videos import Reader
from matrix_train.cli import main
from matrix_train.study.contact_sheets import twins_side_by_side
from matrix_train.study.made import Made
from matrix_train.study.pieces import State
from matrix_train.study.plan import load
from matrix_train.study.progress import left_of
from matrix_train.study.run import Study

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
RESULTS = ("result/table.md", "result/table.csv", "result/study.json", "labels/questions.json", "labels-key.json")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = tmp_path_factory.mktemp("study")
    tiny_study.write_plan(root / "study.toml", tiny_study.BASE)
    site = str(drift_tracker.register(root / "site"))
    sys.path.insert(0, site)
    yield root
    sys.path.remove(site)


@pytest.fixture(scope="module")
def done(place):
    """A study that was done in one go from the command line."""
    found = CliRunner().invoke(main, ["study", str(place / "study.toml"), "--out", str(place / "whole"), "--json"])
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout)["whole"] is True
    return place / "whole"


def bytes_of(folder):
    scores = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.glob("run/**/scores.jsonl"))}
    return {**scores, **{name: (folder / name).read_bytes() for name in RESULTS}}


def test_one_command_leaves_table_orders_control_pictures_report_and_a_blind_sheet(done):
    text = (done / "result" / "table.md").read_text()
    assert "2 scenes show that the machinery works; the numbers are no findings" in text
    assert re.search(r"\| VII \| matrix \| <= \d\.\d{3} \[-?\d\.\d{3}, -?\d\.\d{3}\] ", text)
    assert "| matrix > base |" in text
    assert "The claim about layers is dropped" in text or "The control does worse" in text
    assert "No order is claimed" in text
    board = json.loads((done / "result" / "study.json").read_text())["board"]
    assert [row["arm"] for row in board["rows"]] == ["base", "matrix", "wrong"]
    assert list(board["rows"][1]["by_seed"]) == ["0"]
    assert list(board["rows"][0]["by_seed"]) == ["-"]
    assert [item["seed"] for item in board["orders"][0]["seeds"]] == [0]
    assert len(list((done / "result" / "side-by-side").glob("*.png"))) == 2
    assert (done / "report" / "index.html").is_file()
    assert len(list((done / "labels" / "contact").glob("c*.png"))) == 6
    rows = (done / "result" / "table.csv").read_text().splitlines()
    assert len(rows) == 1 + 3 * 3 + 2


def test_two_samples_stand_side_by_side_a_row_an_arm_three_frames_of_either(done, tmp_path):
    stores = {("base", None): RunStore.open(done / "run" / "base"), ("matrix", 0): RunStore.open(done / "run" / "matrix" / "0")}
    first, second = sorted(item.id for item in stores["base", None].read("samples", Sample))
    twins_side_by_side(stores, ["base", "matrix"], tmp_path, [(first, second), (first, "nobody")])
    one = cv2.imread(str(tmp_path / f"{first}.png"))
    assert [path.name for path in tmp_path.iterdir()] == [f"{first}.png"]
    twins_side_by_side(stores, ["base"], tmp_path, [(first, second)])
    alone = cv2.imread(str(tmp_path / f"{first}.png"))
    assert one.shape[1] == alone.shape[1] == 6 * 230
    assert alone.shape[0] < one.shape[0] < 2 * alone.shape[0]


def test_every_arm_makes_videos_of_its_own_that_last_as_long_as_staged_ones(done):
    shas = {}
    for path in done.glob("run/**/videos.jsonl"):
        first = json.loads(path.read_text().splitlines()[0])
        shas[str(path.parent.relative_to(done))] = first["sha256"]
    assert len(shas) == 3
    assert len(set(shas.values())) == 3
    video = json.loads((done / "run" / "base" / "videos.jsonl").read_text().splitlines()[0])
    assert sum(1 for _ in Reader(done / "run" / "base" / video["path"])) == 9
    assert video["fps"] == pytest.approx(8 * 8 / 48, rel=1e-3)


def test_the_list_of_pieces_says_what_is_done_and_what_it_took(done, place):
    study = Study(load(place / "study.toml"), done)
    found = study.standings()
    assert {item.state for item in found} == {State.DONE}
    assert left_of(found) == (0.0, 0)
    assert all(item.seconds > 0 for item in found)


def test_a_finished_study_does_nothing_again_and_goes_on_with_a_further_seed(done, place):
    lines = []
    assert Study(load(place / "study.toml"), done, lines.append).run()
    assert lines == []
    more = load(tiny_study.write_plan(place / "more.toml", tiny_study.BASE, seeds="0, 1"))
    found = Study(more, done).standings()
    open_ = [item for item in found if item.state is State.OPEN]
    assert [item.piece for item in open_ if "/" in item.piece] == [
        *("train/matrix/1", "train/wrong/1", "run/matrix/1", "run/wrong/1"),
    ]
    assert all(item.seconds > 0 for item in open_ if "/" in item.piece)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"steps": 3}, r"train/matrix/0 was made with another train\.steps \(2, now 3\)"),
        ({"scenes": 3}, "bench was made with another"),
    ],
)
def test_a_changed_plan_is_refused_before_anything_is_done(done, place, change, said):
    other = load(tiny_study.write_plan(place / "other.toml", tiny_study.BASE, **change))
    with pytest.raises(ConfigError, match=said):
        Study(other, done).run()


def test_another_base_under_the_same_name_is_refused(done, place):
    path = done / "base.json"
    kept = path.read_text()
    path.write_text(json.dumps({**json.loads(kept), "hash": "0"}))
    try:
        with pytest.raises(ConfigError, match="is not the one that this study began with"):
            Study(load(place / "study.toml"), done).run()
    finally:
        path.write_text(kept)


def test_videos_that_can_have_no_score_leave_a_piece_done_and_stand_in_the_table_as_such(place):
    plan = load(tiny_study.write_plan(place / "noise.toml", tiny_study.model(place / "model")))
    lines = []
    study = Study(plan, place / "noise", lines.append)
    # What random weights make does not begin with the benchmark's picture; the same command would find so again for ever.
    assert study.run(only=("bench", "train/base", "run/base"))
    states = {item.piece: item.state for item in study.standings()}
    assert states["run/base"] is State.DONE
    assert not [line for line in lines if "incomplete" in line]
    scores = [json.loads(line) for line in (place / "noise" / "run" / "base" / "scores.jsonl").read_text().splitlines()]
    assert [item["status"] for item in scores] == ["foreign_first_frame"] * 2


def test_a_piece_whose_needs_are_not_done_names_them(place):
    study = Study(load(place / "study.toml"), place / "early")
    with pytest.raises(ConfigError, match=r"run/matrix/0 needs bench, train/matrix/0; do these first"):
        study.run(only=("run/matrix/0",))


@contextlib.contextmanager
def held_by_another(folder, piece):
    """Hold a piece's lock as another process does."""
    (folder / "pieces").mkdir(parents=True, exist_ok=True)
    with (folder / "pieces" / f".lock-{piece}").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def test_what_another_process_works_on_is_passed_by_and_waited_for(place, monkeypatch):
    folder, lines = place / "shared", []
    study = Study(load(place / "study.toml"), folder, lines.append)
    with contextlib.ExitStack() as other:
        other.enter_context(held_by_another(folder, "bench"))

        def pause(_):
            assert any(line.startswith("data: done") for line in lines)  # it was free, and nothing waited for it
            assert not any(line.startswith("bench: begins") for line in lines)
            other.close()

        monkeypatch.setattr(Study, "_pause", pause)
        assert study.run(only=("bench", "data"))
    assert lines.index("waiting for another process: bench") < lines.index("bench: begins")


def test_two_processes_share_a_study_and_do_no_piece_twice(done, place):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(study_process.PRELOAD)
    folder = place / "two"
    both = [context.Process(target=study_process.go_on, args=(place / "study.toml", folder)) for _ in range(2)]
    for process in both:
        process.start()
    try:
        for process in both:
            process.join(900)
    finally:
        for process in both:
            process.kill()
    said = (place / "two.log").read_text()
    assert [process.exitcode for process in both] == [0, 0], said[-2000:]
    begun = re.findall(r"(\d+) (\S+): begins", said)
    assert sorted(name for _, name in begun) == sorted(item.name for item in Study.open(folder).pieces)
    assert {int(worker) for worker, _ in begun} == {process.pid for process in both}
    assert bytes_of(folder) == bytes_of(done)


def test_a_study_is_whole_when_another_process_finished_what_could_not_be_finished_here(place, monkeypatch):
    folder = place / "helped"
    here, other = (Study(load(place / "study.toml"), folder) for _ in range(2))

    def made(piece):
        assert other.run(only=("data",))
        return Made(digest="", units=0, notes={})

    monkeypatch.setattr(here, "_made", made)
    monkeypatch.setattr("matrix_train.study.run.locked", lambda _: True)  # the other works while this one holds the piece
    assert here.run(only=("data",))


def test_a_process_leaves_the_table_to_another_that_went_on_with_a_changed_plan(done, place):
    old, kept = Study(load(place / "study.toml"), done), (done / "study.json").read_text()
    (done / "study.json").write_text(kept.replace("A tiny study", "Another title"))
    (done / "pieces" / "table.json").unlink()
    try:
        with pytest.raises(ConfigError, match="goes on with a changed plan; table is left to it"):
            old._work_through(old.pieces)
    finally:
        (done / "study.json").write_text(kept)
        assert Study(load(place / "study.toml"), done).run()


def test_labels_are_not_taken_while_another_process_writes_the_table(done, tmp_path):
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps(whole_labels(done, "no")))
    given = done / "labels-given.json"
    before = given.read_bytes() if given.exists() else None
    for piece in ("labels", "table"):
        with held_by_another(done, piece):
            found = CliRunner().invoke(main, ["study", "read-labels", str(done), str(labels)])
        assert found.exit_code == 1
        assert "another process is at the sheet or the table" in found.stderr
    assert before == (given.read_bytes() if given.exists() else None)


def test_labels_are_not_taken_while_runs_are_open(done, tmp_path):
    labels, record = tmp_path / "labels.json", done / "pieces" / "run~matrix~0.json"
    labels.write_text(json.dumps(whole_labels(done, "no")))
    kept = record.read_text()
    record.unlink()
    try:
        found = CliRunner().invoke(main, ["study", "read-labels", str(done), str(labels)])
    finally:
        record.write_text(kept)
    assert found.exit_code == 2
    assert "run/matrix/0, labels not done yet; give the labels when the study is" in found.stderr
    assert (done / "pieces" / "table.json").is_file()


def test_runs_that_were_not_made_alike_make_no_table(done, place):
    header = done / "run" / "wrong" / "0" / "run.json"
    kept = header.read_text()
    value = json.loads(kept)
    value["comparability"]["judge_revision"] = "another"
    header.write_text(json.dumps(value))
    try:
        study = Study(load(place / "study.toml"), done)
        (done / "pieces" / "table.json").unlink()
        with pytest.raises(ComparabilityError, match="were not made alike: judge_revision"):
            study.run(only=("table",))
    finally:
        header.write_text(kept)
        assert Study(load(place / "study.toml"), done).run()


def test_a_study_killed_again_and_again_ends_with_the_bytes_of_one_done_in_one_go(done, place):
    """Also the determinism of generation and scoring: these are two runs of everything."""
    # A server that has loaded the libraries and forks: a kill should hit work, not imports.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(study_process.PRELOAD)
    rng, folder, kills = random.Random(11), place / "killed", 0
    while True:
        process = context.Process(target=study_process.go_on, args=(place / "study.toml", folder))
        process.start()
        if kills < 6:
            before = len(list(folder.glob("pieces/*.json")))
            # As soon as a piece or two are done, at a moment of its own.
            until, deadline = before + rng.randrange(3), time.monotonic() + 120
            while process.is_alive() and len(list(folder.glob("pieces/*.json"))) < until and time.monotonic() < deadline:
                time.sleep(0.02)
            process.join(rng.random() * 1.5)
            if process.is_alive():
                os.kill(process.pid, signal.SIGKILL)
                kills += 1
        process.join()
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL, (place / "killed.log").read_text()[-2000:]
    assert kills >= 3
    assert bytes_of(folder) == bytes_of(done)


def whole_labels(done, word):
    sheet = json.loads((done / "labels" / "questions.json").read_text())
    labels = {clip["id"]: {str(asked["id"]): word for asked in clip["questions"]} for clip in sheet["clips"]}
    return {"schema": 1, "sheet": sheet["sheet"], "labeller": "test", "labels": labels}


def test_nothing_on_the_sheet_tells_the_arm_and_the_key_tells_it_apart(done):
    blind = (done / "labels" / "questions.json").read_text() + (done / "labels" / "sheet.html").read_text()
    key = json.loads((done / "labels-key.json").read_text())
    names = {clip["arm"] for clip in key["clips"]}
    assert names == {"base", "matrix", "wrong"}
    for clip in key["clips"]:
        assert clip["sample_id"] not in blind
        assert clip["video"] not in blind
    for name in ("matrix", "wrong"):
        assert not re.search(rf"\b{name}\b", re.sub(r"data:image/jpeg;base64,[A-Za-z0-9+/=]+", "", blind)), name
    assert sorted(path.name for path in (done / "labels").iterdir()) == ["contact", "questions.json", "sheet.html"]
    order = [clip["arm"] for clip in key["clips"]]
    assert order != sorted(order)
    assert sorted(order.count(name) for name in names) == [2, 2, 2]


def test_labels_that_come_back_put_the_judges_accuracy_of_each_arm_into_the_table(done, tmp_path):
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps(whole_labels(done, "no")))
    found = CliRunner().invoke(main, ["study", "read-labels", str(done), str(labels), "--json"])
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout) == {"labelled": 6, "clips": 6}
    value = json.loads((done / "result" / "study.json").read_text())
    assert value["examined"] is True
    for row in value["board"]["rows"]:
        accuracy = row["accuracy"]
        assert accuracy["questions"] == 20
        if accuracy["answered"]:
            assert accuracy["accuracy"] == pytest.approx(1 - accuracy["judge_yes"])
    assert "6 of 6 clips are labelled." in (done / "result" / "table.md").read_text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sheet": "other"}, "labels sheet other, and this study's sheet is"),
        ({"labels": {"c999": {"1": "yes"}}}, "there is no clip 'c999'"),
        ({"labels": {"c001": {"1": "maybe"}}}, "clip c001, question 1: 'maybe'"),
        ({"labels": {"c001": {"11": "yes"}}}, "clip c001, question 11"),
        ({"schema": 2}, "schema 2 is not 1"),
    ],
)
def test_labels_that_do_not_fit_the_sheet_are_refused_and_the_table_stays(done, tmp_path, change, said):
    before = (done / "result" / "table.md").read_bytes()
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({**whole_labels(done, "yes"), **change}))
    found = CliRunner().invoke(main, ["study", "read-labels", str(done), str(labels)])
    assert found.exit_code == 2
    assert said in found.stderr
    assert (done / "result" / "table.md").read_bytes() == before


def test_a_folder_that_is_no_study_is_told(tmp_path):
    found = CliRunner().invoke(main, ["study", "label-sheet", str(tmp_path)])
    assert found.exit_code == 2
    assert "not a study (study.json is missing)" in found.stderr


def test_the_label_sheet_is_found_from_the_command_line(done):
    found = CliRunner().invoke(main, ["study", "label-sheet", str(done), "--json"])
    assert found.exit_code == 0, found.output
    result = json.loads(found.stdout)
    assert Path(result["page"]).is_file()
    assert Path(result["key"]).is_file()
