"""Datasets, shards and decisions as they should not be: each is taken as it was written, or refused in a sentence."""

import json
import tarfile
from dataclasses import replace

import pytest
from click.testing import CliRunner

from intergeneval.errors import RecordError
from matrix_train.cli import main
from matrix_train.data.clips import mask_tracks, read_own, write_own
from matrix_train.data.staged import write_staged_clips


def run(*words, code=0):
    done = CliRunner().invoke(main, ["dataset", *map(str, words)])
    assert done.exit_code == code, done.output
    return done


@pytest.fixture
def data(tmp_path):
    write_staged_clips(tmp_path / "set", seed=5, count=2, frames=5, size=(48, 64))
    return tmp_path / "set"


def decide(path, root, decision, fields=None, **more):
    clip = read_own(root)[0]
    line = {"clip": clip.id, "state": clip.state, "decision": decision, "note": "", "fields": fields or {}, **more}
    path.write_text(json.dumps(line, ensure_ascii=False) + "\r\n", newline="")
    return path


def test_a_caption_with_unicode_line_ends_comes_back_as_it_was_written(data):
    first, second = read_own(data)
    odd = replace(first, caption=first.caption + " a\u2028b\u2029c\u0085d")
    write_own(data, (odd, second))
    assert read_own(data) == (odd, second)


def test_a_note_with_a_unicode_line_end_is_a_part_of_its_line(data, tmp_path):
    path = decide(tmp_path / "review.json", data, "drop", note="dark\u2028and short")
    found = json.loads(run("review", data, "--decisions", path, "--json").stdout)
    assert [item["note"] for item in found["wrong"]] == ["dark\u2028and short"]


def test_a_track_without_any_mask_is_named_and_shown_as_such_on_both_pages(data):
    clip = read_own(data)[0]
    path = data / clip.tracks
    value = json.loads(path.read_text())
    tracks = [{name: [] if isinstance(item, list) else item for name, item in track.items()} for track in value["tracks"]]
    path.write_text(json.dumps({**value, "tracks": tracks}))
    with pytest.raises(RecordError, match="the track of id1 has no mask at all"):
        mask_tracks(data, clip)
    run("stats", data)
    run("review", data, "--out", data / "review.html")
    assert f"{clip.id} cannot be shown: " in (data / "statistics.html").read_text()
    assert "the track of id1 has no mask at all" in (data / "review.html").read_text()


def test_a_shard_that_was_cut_between_two_clips_is_refused(data, tmp_path):
    shard = tmp_path / "shards/clips-000000.tar"
    run("to-webdataset", data, "--out", shard.parent)
    with tarfile.open(shard) as opened:
        second = next(item for item in opened if item.name == f"{read_own(data)[1].id}.json")
    shard.write_bytes(shard.read_bytes()[: second.offset])
    assert "breaks off before the end" in run("from-webdataset", shard, "--out", tmp_path / "back", code=2).output
    assert not (tmp_path / "back/clips.jsonl").exists()


def test_frames_whose_names_end_in_capitals_come_back(data, tmp_path):
    clip = read_own(data)[0]
    for path in sorted((data / clip.video).iterdir()):
        path.rename(path.with_suffix(".PNG"))
    run("to-webdataset", data, "--out", tmp_path / "shards")
    run("from-webdataset", tmp_path / "shards/clips-000000.tar", "--out", tmp_path / "back")
    assert len(list((tmp_path / "back" / read_own(tmp_path / "back")[0].video).iterdir())) == 5


def test_what_is_not_there_is_a_usage_error_that_writes_nothing(tmp_path):
    assert "does not exist" in run("from-webdataset", tmp_path / "no.tar", "--out", tmp_path / "set", code=2).output
    assert "does not exist" in run("stats", tmp_path / "none", code=2).output
    assert list(tmp_path.iterdir()) == []


def test_decisions_about_other_masks_than_there_are_now_are_refused_and_nothing_is_carried_out(data, tmp_path):
    run("review", data, "--out", tmp_path / "review.html")
    page = (tmp_path / "review.html").read_text()
    masks = page.split('data-masks="')[1].split('"')[0]
    path = decide(tmp_path / "review.json", data, "drop", masks=masks)
    run("review", data, "--decisions", path)
    tracks = data / read_own(data)[0].tracks
    tracks.write_text(tracks.read_text() + "\n")
    assert "about other masks of their clips" in run("review", data, "--decisions", path, "--apply", code=2).output
    assert len(read_own(data)) == 2


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"split": "validation"}, "split is nothing that a decision changes"),
        ({"interactions": []}, "without a caption or an interaction"),
        ({"interactions": [{"subject": "id9"}]}, "'id9' is none of its instances (id1, "),
        ({"caption": "In the evening " * 9},
         "give its interactions too"),
    ],
)  # fmt: skip
def test_a_fix_that_makes_no_sound_clip_is_refused_and_nothing_is_written(data, tmp_path, fields, said):
    before = (data / "clips.jsonl").read_bytes()
    path = decide(tmp_path / "review.json", data, "fix", fields)
    assert said in run("review", data, "--decisions", path, "--apply", code=2).output
    assert (data / "clips.jsonl").read_bytes() == before


def test_a_caption_that_changes_behind_the_words_of_its_roles_needs_no_interactions(data, tmp_path):
    clip = read_own(data)[0]
    path = decide(tmp_path / "review.json", data, "fix", {"caption": clip.caption + " It rains."})
    run("review", data, "--decisions", path, "--apply")
    assert read_own(data)[0] == replace(clip, caption=clip.caption + " It rains.")
