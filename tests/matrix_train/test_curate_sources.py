"""Where raw clips come from, and how they are cut: folders, lists, archives, data sets, shots, and what is refused."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from click.testing import CliRunner

from intergeneval.errors import ConfigError, UsageError
from matrix_train.cli import main
from matrix_train.curate.archives import Files
from matrix_train.curate.config import ChecksConfig, CurateConfig, FormConfig, ShotsConfig
from matrix_train.curate.doubles import doubles
from matrix_train.curate.form import held_for, picks_of
from matrix_train.curate.records import Entry
from matrix_train.curate.sources import entries, root_of
from matrix_train.curate.tools import settled
from matrix_train.data.clips import read_own
from tests.matrix_train import raw_clips
from tests.matrix_train.test_curate import curate, dropped


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three clips and their list."""
    return raw_clips.write(tmp_path_factory.mktemp("clips"), list(raw_clips.painted(3)))


def listed(place: Path, **more: Any) -> tuple[Entry, ...]:
    return entries(place, **{"names": False, "licence": "", "collection": "", **more})


def rows_of(place: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in place.read_text().splitlines()]


def test_a_folder_an_archive_and_a_data_set_give_the_clips_of_the_list(clips, tmp_path):
    rows, told = rows_of(clips), ("caption", "licence", "instances", "interactions")
    folder, archive, saved = tmp_path / "folder", tmp_path / "all.tar", tmp_path / "saved"
    folder.mkdir()
    with tarfile.open(archive, "w") as tar:
        for row in rows:
            content = (clips.parent / row["video"]).read_bytes()
            (folder / f"{row['id']}.mp4").write_bytes(content)
            (folder / f"{row['id']}.json").write_text(json.dumps({name: row[name] for name in told}))
            texts = json.dumps({**{name: row[name] for name in told}, "id": row["id"]}).encode()
            for ending, part in (("mp4", content), ("json", texts)):
                member = tarfile.TarInfo(f"{row['id']}.{ending}")
                member.size = len(part)
                tar.addfile(member, io.BytesIO(part))
    features = {"id": [row["id"] for row in rows], **{name: [row[name] for row in rows] for name in told}}
    videos = [{"bytes": (clips.parent / row["video"]).read_bytes(), "path": None} for row in rows]
    made = datasets.Dataset.from_dict({**features, "video": videos})
    made.save_to_disk(str(saved))
    outs = {}
    for name, source in (("list", clips), ("folder", folder), ("archive", archive), ("saved", saved)):
        curate(source, tmp_path / f"out-{name}", settings='collection = "same"\n' + raw_clips.SETTINGS)
        outs[name] = (tmp_path / f"out-{name}" / "clips.jsonl").read_text()
    assert outs["list"].count("\n") >= 2
    assert outs["folder"] == outs["archive"] == outs["saved"] == outs["list"]


def test_captions_lie_beside_videos_or_in_their_names(clips, tmp_path):
    for number, row in enumerate(rows_of(clips)):
        shutil.copy(clips.parent / row["video"], tmp_path / f"a_man_lifts_a_cup-{number}.mp4")
    (tmp_path / "a_man_lifts_a_cup-1.txt").write_text("A woman\n pours tea.\n")
    without = listed(tmp_path)
    assert [one.caption for one in without] == ["", "A woman pours tea.", ""]
    named = listed(tmp_path, names=True, licence="CC-BY-4.0", collection="mine")
    assert [one.caption for one in named] == ["a man lifts a cup", "A woman pours tea.", "a man lifts a cup"]
    assert {(one.licence, one.source) for one in named} == {("CC-BY-4.0", "mine")}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"video": "../raw.mp4"}, "leaves"),
        ({"video": "absent.mp4"}, "no file 'absent.mp4'"),
        ({"caption": "A man waves."}, "names no video"),
        ({"video": "here.mp4", "caption": 7}, "caption is int"),
        ({"video": "here.mp4", "instances": [{"id": "id1", "class": "man"}]}, "come together"),
        ({"video": "here.mp4", "id": ".hidden/../x"}, ""),
    ],
)
def test_a_row_that_does_not_fit_is_named(tmp_path, row, said):
    (tmp_path / "here.mp4").write_bytes(b"x")
    (tmp_path / "list.jsonl").write_text(json.dumps(row) + "\n")
    if not said:
        assert all("/" not in one.id and not one.id.startswith(".") for one in listed(tmp_path / "list.jsonl"))
        return
    with pytest.raises(UsageError, match=said) as raised:
        listed(tmp_path / "list.jsonl")
    assert "list.jsonl:1" in str(raised.value)


def test_a_source_that_is_none_is_one_sentence(tmp_path):
    for place, said in ((tmp_path / "absent", "no such folder"), (tmp_path, "holds no video")):
        found = CliRunner().invoke(main, ["curate", str(place), "--out", str(tmp_path / "out"), "--tracker", "flow"])
        assert found.exit_code == 2
        assert said in found.output
        assert "Traceback" not in found.output


def test_bytes_inside_of_an_archive_are_those_of_the_video(clips, tmp_path):
    content = (clips.parent / rows_of(clips)[0]["video"]).read_bytes()
    with tarfile.open(tmp_path / "one.tar", "w") as tar:
        for name in ("first.txt", "clip.mp4"):
            member = tarfile.TarInfo(name)
            part = b"x" * 700 if name.endswith("txt") else content
            member.size = len(part)
            tar.addfile(member, io.BytesIO(part))
    (one,) = listed(tmp_path / "one.tar")
    with Files(root_of(tmp_path / "one.tar")).opened(one.place) as path:
        assert path.read_bytes() == content
        assert path.suffix == ".mp4"
    assert not path.exists()


def test_shots_become_clips_of_their_own_and_a_cut_is_where_it_is(clips, tmp_path):
    one, other = list(raw_clips.painted(2, seed=99))
    source = raw_clips.write(tmp_path / "raw", [raw_clips.joined(one, other)])
    rows = rows_of(source)
    source.write_text(
        "".join(json.dumps({"id": row["id"], "video": row["video"], "caption": row["caption"]}) + "\n" for row in rows)
    )
    settings = raw_clips.SETTINGS.replace('[shots]\ndetector = "none"\n', "")
    curate(source, tmp_path / "out", settings=settings, code=3)
    (line,) = rows_of(tmp_path / "out" / "stages" / "shots" / "all.jsonl")
    assert line["value"]["shots"] == [[0, raw_clips.COUNT], [raw_clips.COUNT, 2 * raw_clips.COUNT]]
    assert set(dropped(tmp_path / "out")) == {f"cut-{one.id}-s0", f"cut-{one.id}-s1"}


def test_frames_are_taken_by_their_times():
    form = FormConfig(frames=5, fps=8.0)
    steady = [index / 24 for index in range(40)]
    assert picks_of(steady, form) == (0, 3, 6, 9, 12)
    assert picks_of([index / 8 for index in range(9)], form) == (0, 1, 2, 3, 4)
    # Frames that come late are taken where they stand, not by their number.
    assert picks_of([0.0, 0.02, 0.04, 0.125, 0.25, 0.375, 0.5], form) == (0, 3, 4, 5, 6)


def test_repeated_pictures_are_told_from_little_movement():
    repeated = [9.0 if index % 3 == 2 else 0.1 for index in range(30)]
    assert held_for(repeated) == 3
    assert held_for([0.8] * 30) == 1
    assert held_for([9.0] * 10 + [0.1] * 10 + [8.0] * 10) == 1
    assert held_for([]) == 1


def test_of_clips_that_are_alike_the_first_is_kept_and_a_chain_hides_nobody():
    rng = np.random.default_rng(5)
    bits = rng.integers(0, 2, 1024).astype(bool)

    def moved(share: float, seed: int) -> str:
        other = bits.copy()
        flipped = np.random.default_rng(seed).permutation(1024)[: round(share * 1024)]
        other[flipped] = ~other[flipped]
        return np.packbits(other).tobytes().hex()

    red, blue = np.full(72, 20, np.int8).tobytes().hex(), np.full(72, -40, np.int8).tobytes().hex()
    prints = [moved(0, 0), moved(0.1, 1), moved(0.1, 2), moved(0.5, 3), moved(0, 0)]
    found = doubles(prints, [red, red, red, red, blue], 0.16)
    # The second and third differ by more from one another than from the first; the last has other colours.
    assert [first for first, _ in found] == [None, 0, 0, None, None]
    assert found[1][1] == pytest.approx(0.1, abs=0.001)
    assert [first for first, _ in doubles(prints, [red] * 5, -1)] == [None] * 5
    assert doubles([], [], 0.16) == []


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: ShotsConfig(detector="adaptive"), "neither 'content' nor 'none'"),
        (lambda: FormConfig(frames=1), "frames 1 is not between 2 and"),
        (lambda: ChecksConfig(lost=1.5), "lost 1.5 is not between 0 and 1"),
        (lambda: CurateConfig(engine="spark"), "engine 'spark'"),
        (
            lambda: settled(CurateConfig.from_json({"tracker": "flow", "detector": "none", "captions": {"ask": "all"}})),
            "to be asked",
        ),
        (lambda: settled(CurateConfig(tracker="flow", detector="none", max_cost=1.0)), "nobody is asked"),
        (lambda: settled(CurateConfig(tracker="stored", detector="none")), "makes no masks from boxes"),
        (lambda: settled(CurateConfig(tracker="flow", detector="staged")), "reads the truth"),
        (lambda: settled(CurateConfig(tracker="flow", detector="none", judge="oracle")), "cannot be asked"),
        (lambda: CurateConfig(shard="3/2"), "shard '3/2'"),
    ],
)
def test_settings_out_of_range_are_named(made, said):
    with pytest.raises((ValueError, UsageError, ConfigError), match=said):
        made()


def test_tools_for_datasets_take_it_and_a_split_outlives_another_curation(clips, tmp_path):
    out = tmp_path / "out"
    curate(clips, out)
    split = CliRunner().invoke(main, ["dataset", "split", str(out), "--validation", "0.4", "--json"])
    assert split.exit_code == 0, split.output
    sides = {clip.id: clip.split for clip in read_own(out)}
    assert set(sides.values()) == {"train", "validation"}
    curate(clips, out)
    assert {clip.id: clip.split for clip in read_own(out)} == sides
    stats = CliRunner().invoke(main, ["dataset", "stats", str(out), "--out", str(tmp_path / "stats")])
    assert stats.exit_code == 0, stats.output


def test_decisions_of_a_person_stay_through_later_runs_and_stale_ones_say_nothing(clips, tmp_path):
    out = tmp_path / "out"
    curate(clips, out)
    before = {clip.id: clip for clip in read_own(out)}
    assert len(before) >= 2
    gone, mended = list(before.values())[:2]
    said = [
        {"clip": gone.id, "state": gone.state, "decision": "drop", "note": "the masks are swapped"},
        {"clip": mended.id, "state": mended.state, "decision": "fix", "fields": {"licence": "CC-BY-4.0"}},
        {"clip": mended.id + "x", "state": "0" * 64, "decision": "accept"},
    ]
    review = tmp_path / "review.json"
    review.write_text("".join(json.dumps(row) + "\n" for row in said))
    first = curate(clips, out, "--review", str(review))
    again = curate(clips, out, "--review", str(review))
    later = curate(clips, out)
    assert (first["applied"], again["applied"], later["applied"]) == (3, 0, None)
    now = {clip.id: clip for clip in read_own(out)}
    assert set(before) - set(now) == {gone.id}
    assert dropped(out)[gone.id] == ("review", "review")
    assert now[mended.id].licence == "CC-BY-4.0"
    assert not (out / gone.video).exists()
    # Another state of the clip: what was said about the old one does not count.
    curate(clips, out, settings='licence = "MIT"\n' + raw_clips.SETTINGS.replace("frames = 17", "frames = 15"))
    assert gone.id in {clip.id for clip in read_own(out)}


def test_a_review_that_cannot_be_carried_out_leaves_the_curation_as_it_was(clips, tmp_path):
    out = tmp_path / "out"
    curate(clips, out)
    clip = read_own(out)[0]
    review = tmp_path / "review.json"
    review.write_text(json.dumps({"clip": clip.id, "state": clip.state, "decision": "fix", "fields": {"caption": "x"}}) + "\n")
    assert "lie outside of the caption" in curate(clips, out, "--review", str(review), code=2)["said"]
    curate(clips, out)
    # One about a clip as it no longer is says nothing, and the person is told.
    review.write_text(json.dumps({"clip": clip.id, "state": "0" * 64, "decision": "drop"}) + "\n")
    assert curate(clips, out, "--review", str(review))["stale"] == 1
    assert clip.id in {one.id for one in read_own(out)}


def test_a_part_of_the_videos_costs_nothing_that_was_made_of_the_others(clips, tmp_path):
    out = tmp_path / "out"
    curate(clips, out)
    made = sorted((out / "work").rglob("*.*"))
    curate(clips, out, "--limit", "1")
    assert sorted((out / "work").rglob("*.*")) == made
    assert not any(count for stage, count in curate(clips, out)["made"].items() if stage != "doubles")


def test_a_folder_with_files_that_no_curation_of_these_videos_made_is_let_be(clips, tmp_path):
    theirs = tmp_path / "theirs"
    (theirs / "videos").mkdir(parents=True)
    (theirs / "videos" / "mine.mp4").write_bytes(b"mine")
    assert "which no curation made" in curate(clips, theirs, code=2)["said"]
    assert [path.name for path in (theirs / "videos").iterdir()] == ["mine.mp4"]
    other = raw_clips.write(tmp_path / "other", [replace(one, id="another") for one in raw_clips.painted(1)])
    out = tmp_path / "out"
    curate(other, out)
    before = (out / "clips.jsonl").read_bytes()
    assert "is a curation of other videos, such as another" in curate(clips, out, code=2)["said"]
    assert (out / "clips.jsonl").read_bytes() == before


def test_a_dataset_inside_of_its_source_is_no_source_and_long_paths_are_shortened(tmp_path):
    root = tmp_path / "raw"
    for name in ("a.mp4", f"{'deep' * 30}/{'deeper' * 10}.mp4", "out/videos/made.mp4"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"video")
    found = entries(root, names=False, licence="", collection="", out=root / "out")
    assert [one.place.path for one in found] == ["a.mp4", f"{'deep' * 30}/{'deeper' * 10}.mp4"]
    assert len(found[1].id) <= 130
    assert found[1].id.startswith("deepdeep")
    (root / "shard.tar").write_bytes(b"")
    with pytest.raises(UsageError, match=r"holds archives, such as shard\.tar, and videos, such as a\.mp4"):
        entries(root, names=False, licence="", collection="", out=root / "out")
