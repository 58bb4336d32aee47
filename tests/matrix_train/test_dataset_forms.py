"""Datasets are made of benchmarks, of the public release's layout and of tar shards, and come back as they were packed."""

import io
import json
import tarfile
from dataclasses import replace

import pytest
import tiny_pipeline
from click.testing import CliRunner

from matrix_train.cli import main
from matrix_train.data.checking import check_dataset
from matrix_train.data.clips import mask_tracks, read_own, write_own
from matrix_train.data.release import read_release
from matrix_train.data.staged import write_staged_clips


def run(*words, code=0):
    done = CliRunner().invoke(main, ["dataset", *map(str, words)])
    assert done.exit_code == code, done.output
    return done


def files_of(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture
def bench(tmp_path):
    """A benchmark of two samples, one of which has a video without tracks."""
    root = tmp_path / "bench"
    made = tiny_pipeline.dataset(tmp_path / "made", clips=2)
    (root / "videos").mkdir(parents=True)
    (root / "bench.toml").write_text('name = "kitchen"\nversion = "1"\ndescription = "x"\nlicence = "CC0"\nvideos = "videos"\n')
    (root / "samples.jsonl").write_text("")
    lines = []
    for index, (caption, phrases) in enumerate(zip(tiny_pipeline.CAPTIONS, tiny_pipeline.PHRASES, strict=True)):
        if index == 2:
            break
        subject, verb, target = phrases
        instances = [
            {"id": name, "class": phrase.split()[-1], "appearance": phrase, "colour": colour, "mask": None}
            for name, phrase, colour in (("id1", subject, "red"), ("id2", target, "blue"))
        ]
        act = {"subject": "id1", "verb": verb, "object": "id2", "category": "force"}
        lines.append(
            {"id": f"s{index}", "prompt": caption, "size": [tiny_pipeline.SIDE] * 2, "instances": instances,
             "interactions": [act], "scene": "table"}
        )  # fmt: skip
        (root / f"videos/s{index}.mp4").write_bytes((made / f"videos/clip{index}.mp4").read_bytes())
    (root / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    tracks = json.loads((made / "tracks/clip0.json").read_text()) | {"sample_id": "s0"}
    (root / "videos/s0.tracks.json").write_text(json.dumps(tracks))
    return root


def test_a_benchmark_of_videos_becomes_a_dataset_that_can_be_trained_on_and_what_lacks_tracks_is_named(bench, tmp_path):
    done = run("from-bench", bench, "--out", tmp_path / "set", "--json", code=3)
    result = json.loads(done.stdout)
    assert result["clips"] == 1
    assert [(item["clip"], item["stage"]) for item in result["dropped"]] == [("s1", "from-bench")]
    assert "no stored tracks" in result["dropped"][0]["reason"]
    clip = read_own(tmp_path / "set")[0]
    caption, act = clip.caption, clip.interactions[0]
    shown = [caption[a:b] for a, b in (*act.subject_spans, *act.verb_spans, *act.object_spans)]
    assert shown == list(tiny_pipeline.PHRASES[0])
    assert (clip.licence, clip.source, act.category) == ("CC0", "table", "force")
    assert [fault for fault in check_dataset(tmp_path / "set", tiny_pipeline.FRAMES)[1] if fault.fatal] == []
    dropped = json.loads((tmp_path / "set/dropped.jsonl").read_text())
    assert dropped == result["dropped"][0]


def test_a_benchmark_that_was_built_without_a_licence_gives_none(bench, tmp_path):
    path = bench / "bench.toml"
    path.write_text(path.read_text().replace("CC0", "not stated"))
    run("from-bench", bench, "--out", tmp_path / "set", code=3)
    assert read_own(tmp_path / "set")[0].licence == ""


def test_of_an_instance_without_a_track_nothing_is_claimed(bench, tmp_path):
    path = bench / "videos/s0.tracks.json"
    value = json.loads(path.read_text())
    path.write_text(json.dumps({**value, "tracks": value["tracks"][:1]}))
    run("from-bench", bench, "--out", tmp_path / "set", code=3)
    clip = read_own(tmp_path / "set")[0]
    assert [item.id for item in clip.instances] == ["id1"]
    assert (clip.interactions[0].object, clip.interactions[0].object_spans) == (None, ())
    path.write_text(json.dumps({**value, "tracks": value["tracks"][1:]}))
    done = run("from-bench", bench, "--out", tmp_path / "none", code=2)
    assert "no clip is left to write; the first: s0: no interaction has a subject with a track" in done.output


def test_the_releases_layout_keeps_its_masks_and_roles(tmp_path):
    root = tiny_pipeline.release_dataset(tmp_path / "release")
    done = run("from-release", root, "--out", tmp_path / "set", "--licence", "CC-BY-4.0")
    assert "roles of 2 clips are guessed" in done.output
    for before, after in zip(read_release(root), read_own(tmp_path / "set"), strict=True):
        assert after.plain == replace(before, masks="", video=after.video, tracks=f"tracks/{before.id}.json")
        assert after.licence == "CC-BY-4.0"
        own, theirs = mask_tracks(tmp_path / "set", after), mask_tracks(root, before)
        assert own.keys() == theirs.keys()
        assert all((own[name] == theirs[name]).all() for name in own)
    assert [fault for fault in check_dataset(tmp_path / "set", tiny_pipeline.FRAMES)[1] if fault.fatal] == []


def test_a_clip_of_the_release_that_says_nothing_of_roles_is_left_out_with_the_way_out(tmp_path):
    root = tiny_pipeline.release_dataset(tmp_path / "release")
    (root / "metadata.csv").write_text('video,prompt\n000000.mp4,"a <id1> box pushes a <id2> ball"\n000001.mp4,"a <id1> dog"\n')
    done = run("from-release", root, "--out", tmp_path / "set", code=3)
    assert "1 left out (000001): its prompt says nothing of who does what to whom: give it a field 'interactions'" in done.output


def test_a_folder_with_a_dataset_is_never_written_into(tmp_path):
    root = tiny_pipeline.release_dataset(tmp_path / "release")
    run("from-release", root, "--out", tmp_path / "set")
    before = files_of(tmp_path / "set")
    done = run("from-release", root, "--out", tmp_path / "set", code=2)
    assert "holds a dataset already" in done.output
    assert files_of(tmp_path / "set") == before


@pytest.fixture
def mixed(tmp_path):
    """Videos and folders of frames, ids with dots and percent signs, fields of another tool, and a split."""
    root = tiny_pipeline.dataset(tmp_path / "set", clips=4)
    write_staged_clips(tmp_path / "staged", seed=5, count=1, frames=5, size=(48, 64))
    staged = read_own(tmp_path / "staged")[0]
    for path, content in files_of(tmp_path / "staged").items():
        if path != "clips.jsonl":
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
    clips = [
        replace(clip, split="validation" if index == 1 else "train", licence="CC0", more=json.dumps({"hash": "0f"}))
        for index, clip in enumerate((*read_own(root), staged))
    ]
    clips[0] = replace(clips[0], id="v1.2 50%")
    write_own(root, tuple(clips))
    return root


def test_a_dataset_comes_back_from_its_shards_and_equal_datasets_give_equal_bytes(mixed, tmp_path):
    done = run("to-webdataset", mixed, "--out", tmp_path / "shards", "--shard-mb", 1, "--json")
    shards = sorted((tmp_path / "shards").iterdir())
    assert json.loads(done.stdout)["shards"] == [str(path) for path in shards]
    assert [path.name for path in shards] == ["train-000000.tar", "validation-000000.tar"]
    with tarfile.open(shards[0]) as shard:
        names = shard.getnames()
    assert names[:3] == ["v1%2E2 50%25.json", "v1%2E2 50%25.tracks.json", "v1%2E2 50%25.mp4"]
    assert sum(name.endswith(".png") for name in names) == 5
    run("from-webdataset", *shards, "--out", tmp_path / "back")
    before = {clip.id: clip for clip in read_own(mixed)}
    after = {clip.id: clip for clip in read_own(tmp_path / "back")}
    assert before.keys() == after.keys()
    for name, clip in before.items():
        assert replace(after[name], video=clip.video, tracks=clip.tracks) == clip
        own, theirs = mask_tracks(tmp_path / "back", after[name]), mask_tracks(mixed, clip)
        assert all((own[key] == theirs[key]).all() for key in theirs)
        video = mixed / clip.video
        if video.is_file():
            assert (tmp_path / "back" / after[name].video).read_bytes() == video.read_bytes()
        else:
            assert files_of(tmp_path / "back" / after[name].video) == files_of(video)
    run("to-webdataset", mixed, "--out", tmp_path / "again", "--shard-mb", 1)
    assert files_of(tmp_path / "again") == files_of(tmp_path / "shards")


def test_a_full_shard_is_followed_by_another_and_no_clip_is_torn(tmp_path):
    root = tiny_pipeline.dataset(tmp_path / "set", clips=4)
    video = root / "videos/clip0.mp4"
    video.write_bytes(video.read_bytes() + bytes(1 << 20))
    clips = read_own(root)
    write_own(root, tuple(replace(clip, video=clips[0].video) for clip in clips))
    run("to-webdataset", root, "--out", tmp_path / "shards", "--shard-mb", 2)
    held = []
    for path in sorted((tmp_path / "shards").iterdir()):
        with tarfile.open(path) as shard:
            held.append([name for name in shard.getnames() if name.endswith(".mp4")])
    assert held == [["clip0.mp4", "clip1.mp4"], ["clip2.mp4", "clip3.mp4"]]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"../../c.json": b"{}"}, "is no file of a clip"),
        ({"c.json": b"{}", "c.mp4": b""}, "has no c.tracks.json: it is not a dataset of ours"),
        ({"c.json": b"nonsense", "c.tracks.json": b"{}", "c.mp4": b""}, "c.json is not JSON"),
        ({"c.json": b'{"id": "c"}', "c.tracks.json": b"{}", "c.mp4": b""}, "field 'video' is missing"),
    ],
)
def test_a_shard_of_somebody_else_is_refused_with_what_it_lacks_and_writes_nothing_elsewhere(tmp_path, members, said):
    with tarfile.open(tmp_path / "x.tar", "w") as shard:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            shard.addfile(member, io.BytesIO(content))
    done = run("from-webdataset", tmp_path / "x.tar", "--out", tmp_path / "set", code=2)
    assert said in done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set", "x.tar"]
    assert not (tmp_path / "set/clips.jsonl").exists()


def test_a_link_in_a_shard_is_refused(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as shard:
        member = tarfile.TarInfo("c.mp4")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        shard.addfile(member)
    assert "is no file of a clip" in run("from-webdataset", tmp_path / "x.tar", "--out", tmp_path / "set", code=2).output


def test_an_id_that_leads_elsewhere_becomes_no_file(tmp_path):
    root = tiny_pipeline.dataset(tmp_path / "set", clips=1)
    write_own(root, (replace(read_own(root)[0], id="../out"),))
    run("to-webdataset", root, "--out", tmp_path / "shards")
    done = run("from-webdataset", tmp_path / "shards/clips-000000.tar", "--out", tmp_path / "back", code=2)
    assert "clip '../out': its id" in done.output
    assert "become the names of files" in done.output


def test_masks_that_a_clip_lacks_are_named_before_a_shard_is_written(tmp_path):
    root = tiny_pipeline.dataset(tmp_path / "set", clips=1)
    path = root / "tracks/clip0.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "tracks": []}))
    done = run("to-webdataset", root, "--out", tmp_path / "shards", code=1)
    assert "clip clip0 has no masks of id1, id2" in done.output
    assert list((tmp_path / "shards").iterdir()) == []
