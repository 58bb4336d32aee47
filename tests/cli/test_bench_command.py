import json
import shutil

import cv2
import pytest
from click.testing import CliRunner

from intergeneval.cli import main
from tests.bench.small_benchmarks import TOML, own_benchmark, sample_json, write_samples


def call(*arguments):
    return CliRunner().invoke(main, ["bench", *map(str, arguments)])


def test_list_names_what_can_be_loaded_and_what_is_damaged(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own_benchmark(tmp_path / "benchmarks/small")
    own_benchmark(tmp_path / "benchmarks/torn")
    (tmp_path / "benchmarks/torn/samples.jsonl").write_text("{")
    result = call("list", "--json")
    assert result.exit_code == 0
    rows = {row["name"]: row for row in json.loads(result.stdout)["benchmarks"]}
    assert rows["clips"]["samples"] == 2
    assert rows["small"]["description"] == "A small one."
    assert "fault" in rows["torn"]["error"]
    assert "torn: damaged" in call("list").stdout


def test_show_prints_samples_with_instances_and_interactions():
    result = call("show", "clips")
    assert result.exit_code == 0
    assert "coffee  [red man, blue kettle, green mug]  man lifts kettle; kettle pours coffee into mug" in result.stdout
    one = call("show", "clips", "--sample", "juggle").stdout
    assert "id2: ball, white football (blue box), mask masks/juggle/id2.png" in one
    found = json.loads(call("show", "clips", "--limit", 1, "--json").stdout)
    assert [sample["id"] for sample in found["samples"]] == ["coffee"]


def test_the_contact_sheet_shows_masks_in_instance_colours(tmp_path):
    root = own_benchmark(tmp_path / "small", ("one", "two"))
    raw = sample_json(root, "three")
    raw |= {"image": None, "hashes": {}}
    write_samples(root, [sample_json(root, "one"), sample_json(root, "two"), raw])
    sheet = tmp_path / "sheet.png"
    result = call("show", root, "--sheet", sheet)
    assert result.exit_code == 0, result.output
    picture = cv2.imread(str(sheet))[:, :, ::-1].astype(int)
    assert picture.shape[1] == 3 * 360
    # Inside the first mask: half red over the grey frame, so clearly redder than it is green or blue.
    red, green, blue = picture[80, 60]
    assert red > green + 40
    assert red > blue + 40
    assert (picture[100, 900] == 200).all()


def test_a_sheet_without_first_frames_is_refused(tmp_path):
    root = own_benchmark(tmp_path / "small")
    raw = sample_json(root)
    raw |= {"image": None, "hashes": {}}
    write_samples(root, [raw])
    result = call("show", root, "--sheet", tmp_path / "sheet.png")
    assert (result.exit_code, "no first frames" in result.stderr) == (2, True)
    assert not (tmp_path / "sheet.png").exists()


def test_check_exits_0_without_and_2_with_faults(tmp_path):
    assert call("check", "clips").exit_code == 0
    root = own_benchmark(tmp_path / "small")
    (root / "masks/one/id1.png").unlink()
    (root / "bench.toml").write_text(TOML + "mood = 1\n")
    result = call("check", root, "--json")
    assert result.exit_code == 2
    faults = json.loads(result.stdout)["faults"]
    assert [(fault["file"], bool(fault["fix"])) for fault in faults] == [("bench.toml", True), ("masks/one/id1.png", True)]
    plain = call("check", root)
    assert "masks/one/id1.png: samples.jsonl:1 instances[0].mask: sample 'one': the file does not exist" in plain.stdout
    assert "2 faults" in plain.stderr


@pytest.mark.parametrize("words", [("show", "nope"), ("check", "nope"), ("show", "clips", "--sample", "nope"), ("check", "/")])
def test_a_wrong_name_is_a_message_and_exit_code_2(words):
    result = call(*words)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert result.stdout == ""


def test_a_sheet_that_cannot_be_written_is_a_message(tmp_path):
    root = own_benchmark(tmp_path / "small")
    result = call("show", root, "--sheet", tmp_path / "nowhere/sheet.png")
    assert (result.exit_code, "cannot be written" in result.stderr) == (2, True)


def test_show_says_which_models_have_first_frame_masks_of_their_own(tmp_path):
    root = own_benchmark(tmp_path / "small", ("one", "two"))
    assert "own first-frame masks" not in call("show", root).stdout
    shutil.copytree(root / "masks/one", root / "masks/staged%3Aperfect/one")
    shutil.copytree(root / "masks/two", root / "masks/other/two/4")
    shutil.copytree(root / "masks/two", root / "masks/other/one")
    shown = call("show", root).stdout
    assert "own first-frame masks: staged:perfect, 1 of 2 samples, in masks/staged%3Aperfect\n" in shown
    assert json.loads(call("show", root, "--json").stdout)["own_masks"] == {"other": 2, "staged:perfect": 1}
