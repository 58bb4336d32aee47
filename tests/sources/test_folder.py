import json

import pytest

from intergeneval import plugins
from intergeneval.errors import ConfigError, UsageError
from intergeneval.records import Sample
from intergeneval.sources.folder import FolderSource


def sample(name, *tags):
    return Sample(id=name, prompt="p", instances=(), interactions=(), tags=tags)


def put(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"film")


def manifest(root, *lines):
    (root / "manifest.jsonl").write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))


@pytest.mark.parametrize("suffix", ["mp4", "webm", "mov", "mkv", "avi", "gif", "MP4"])
def test_a_file_named_by_the_sample_is_its_video_with_seed_0(tmp_path, suffix):
    put(tmp_path, f"cup.{suffix}")
    source = FolderSource(tmp_path)
    assert source.seeds(sample("cup"), ()) == (0,)
    found = source.video(sample("cup"), 0)
    assert (found.path, found.label, found.missing) == (tmp_path / f"cup.{suffix}", f"cup.{suffix}", "")


def test_a_folder_named_by_the_sample_holds_one_video_a_seed(tmp_path):
    put(tmp_path, "cup/3.mp4", "cup/0012.webm", "cup/-1.mp4", "cup/notes.txt", "cup/best.mp4")
    source = FolderSource(tmp_path)
    assert source.seeds(sample("cup"), ()) == (-1, 3, 12)
    assert source.seeds(sample("cup"), (3, 5)) == (3, 5)
    assert source.video(sample("cup"), 12).label == "cup/0012.webm"
    assert source.video(sample("cup"), 5).missing == "no video of sample 'cup' with seed 5; there are the seeds -1, 3, 12"


def test_a_seed_of_one_sample_is_expected_of_every_other(tmp_path):
    put(tmp_path, "cup/0.mp4", "cup/1.mp4", "mug/0.mp4", "mug/2/a.png", "mug.tracks/7/000.png")
    source = FolderSource(tmp_path)
    assert [source.seeds(sample(name), ()) for name in ("cup", "mug", "pot")] == [(0, 1, 2)] * 3
    assert source.seeds(sample("cup"), (0, 1)) == (0, 1)
    assert source.video(sample("mug"), 1).missing == "no video of sample 'mug' with seed 1; there are the seeds 0, 2"


def test_a_plain_video_is_seed_0_lacks_the_numbered_seeds_of_others_and_adds_none(tmp_path):
    put(tmp_path, "cup.mp4", "bowl/000.png", "mug/1.mp4", "mug/2.mp4")
    source = FolderSource(tmp_path)
    assert source.seeds(sample("mug"), ()) == (1, 2)
    assert source.seeds(sample("cup"), ()) == source.seeds(sample("bowl"), ()) == (0, 1, 2)


def test_in_the_release_s_layout_numbers_are_samples_and_seeds_lie_below_them(tmp_path):
    put(tmp_path, "synthetic/000.mp4", "synthetic/001.mp4", "real/000/0.mp4", "real/000/3.mp4")
    source = FolderSource(tmp_path)
    assert source.seeds(sample("synthetic-000", "type:synthetic"), ()) == (0,)
    assert source.seeds(sample("real-001", "type:real"), ()) == (0, 3)


def test_folders_of_frames_count_as_videos(tmp_path):
    put(tmp_path, "cup/000.png", "cup/001.png", "mug/7/a.JPG")
    source = FolderSource(tmp_path)
    assert source.video(sample("cup"), 0).path == tmp_path / "cup"
    assert source.seeds(sample("mug"), ()) == (7,)
    assert source.video(sample("mug"), 7).label == "mug/7"


@pytest.mark.parametrize("name", ["a b", 'it\'s "q"', "größe-日本", "$(rm -rf x)", "a;b", "*", "a.b"])
def test_any_file_name_can_be_a_sample(tmp_path, name):
    put(tmp_path, f"{name}.mp4")
    assert FolderSource(tmp_path).video(sample(name), 0).path == tmp_path / f"{name}.mp4"


@pytest.mark.parametrize(("there", "asked"), [("Cup", "cup"), ("7", "007"), ("re\u0301sume\u0301", "r\u00e9sum\u00e9")])
def test_names_are_exact_and_a_near_miss_is_told(tmp_path, there, asked):
    put(tmp_path, f"{there}.mp4")
    found = FolderSource(tmp_path).video(sample(asked), 0)
    assert found.path is None
    assert f"{there!r} is not the same name" in found.missing


def test_a_missing_video_is_a_reason_and_no_error(tmp_path):
    source = FolderSource(tmp_path)
    assert source.seeds(sample("cup"), ()) == (0,)
    assert source.video(sample("cup"), 0).missing == "no video called 'cup' in the folder"


@pytest.mark.parametrize("files", [("cup.mp4", "cup.gif"), ("cup.mp4", "cup/0.mp4"), ("cup/1.mp4", "cup/01.mp4")])
def test_two_files_that_claim_to_be_one_video_are_refused(tmp_path, files):
    put(tmp_path, *files)
    with pytest.raises(UsageError, match=r"has 2 videos: .*; keep one"):
        FolderSource(tmp_path).seeds(sample("cup"), ())


def test_the_layout_of_the_release_is_found_by_the_type_tag_alone(tmp_path):
    put(tmp_path, "synthetic/000.mp4", "cup/1.mp4")
    source = FolderSource(tmp_path)
    assert source.video(sample("synthetic-000", "type:synthetic"), 0).label == "synthetic/000.mp4"
    assert source.video(sample("000", "type:synthetic"), 0).label == "synthetic/000.mp4"
    assert source.video(sample("synthetic-000"), 0).path is None
    assert source.video(sample("cup-1"), 0).path is None


def test_a_manifest_alone_says_where_videos_lie(tmp_path):
    put(tmp_path, "out/x.bin", "cup.mp4")
    manifest(
        tmp_path,
        {"bench": "clips"},
        {"sample_id": "cup", "seed": 4, "path": "out/x.bin", "prompt": "kept by the generator"},
        {"sample_id": "mug", "path": "out/gone.mp4"},
    )
    source = FolderSource(tmp_path)
    assert source.bench == "clips"
    assert source.seeds(sample("cup"), ()) == source.seeds(sample("pot"), ()) == (0, 4)
    assert source.seeds(sample("cup"), (4,)) == (4,)
    assert source.video(sample("cup"), 4).path == tmp_path / "out/x.bin"
    assert source.video(sample("mug"), 0).missing == "manifest.jsonl names 'out/gone.mp4', and there is no such file"
    assert source.video(sample("pot"), 0).missing == "manifest.jsonl names no video of sample 'pot'"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2: not JSON"),
        ("[]", "line 2: not a JSON object"),
        ({"sample_id": 3, "path": "a.mp4"}, "field 'sample_id': expected a text, got 3"),
        ({"sample_id": "b", "seed": "1", "path": "a.mp4"}, "field 'seed': expected a whole number, got '1'"),
        ({"sample_id": "b", "seed": True, "path": "a.mp4"}, "field 'seed'"),
        ({"sample_id": "b"}, "field 'path': expected a path"),
        ({"sample_id": "b", "path": "../a.mp4"}, "leaves the folder"),
        ({"sample_id": "b", "path": "/etc/passwd"}, "leaves the folder"),
        ({"sample_id": "b", "path": "link/passwd"}, "is a link that leaves the folder"),
        ({"sample_id": "b", "path": "a\0.mp4"}, "a character that a path cannot have"),
        ({"sample_id": "b", "path": "\ud800"}, "no path this system can follow"),
        ({"sample_id": "a", "path": "b.mp4"}, "sample 'a' with seed 0 stands twice"),
        ({"bench": 3}, "field 'bench'"),
        ({"bench": "other"}, "names 2 benchmarks"),
    ],
)
def test_a_damaged_manifest_names_line_and_field(tmp_path, line, said):
    (tmp_path / "link").symlink_to("/etc")
    manifest(tmp_path, {"sample_id": "a", "path": "a.mp4", "bench": "clips"}, line)
    with pytest.raises(ConfigError) as caught:
        FolderSource(tmp_path)
    assert said in str(caught.value)


def test_the_description_stays_when_videos_come_or_the_folder_moves(tmp_path):
    for place in ("here", "there"):
        put(tmp_path, f"{place}/model/cup.mp4")
    first = FolderSource(tmp_path / "here/model").describe()
    put(tmp_path, "here/model/pot.mp4")
    assert FolderSource(tmp_path / "here/model").describe() == first == FolderSource(tmp_path / "there/model").describe()
    assert str(tmp_path) not in json.dumps(first)
    assert FolderSource(tmp_path / "here").describe() != first


def test_the_model_is_called_after_the_folder(tmp_path, monkeypatch):
    (tmp_path / "my model").mkdir()
    monkeypatch.chdir(tmp_path / "my model")
    assert plugins.build("sources", "folder:.").name == "my model"


@pytest.mark.parametrize("argument", ["", "nowhere", "a\0b"])
def test_a_folder_that_is_none_is_a_usage_error(argument):
    with pytest.raises(UsageError):
        plugins.build("sources", f"folder:{argument}")


def test_an_unknown_setting_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no setting 'speed'"):
        plugins.build("sources", f"folder:{tmp_path}", {"speed": 1})
