"""Runs whose videos and folder lie behind URLs."""

import subprocess
import sys

import pytest

from intergeneval import errors
from intergeneval.errors import StoreError, UsageError
from intergeneval.records import ScoreStatus
from intergeneval.records.remote import Mirror, RemoteFolder
from intergeneval.run import remote_out
from intergeneval.run.run import Run
from tests.remote.conftest import IDS, World


def scores_here(world, **changes) -> bytes:
    """Return the scores of the same run over the same videos in folders."""
    folder = Run(world.config(model=str(world.model), out=str(world.root / "here"), **changes)).execute().store.folder
    return (folder / "scores.jsonl").read_bytes()


def test_a_run_reads_its_videos_from_a_url_and_writes_its_folder_to_one(world):
    result = Run(world.config()).execute()
    assert result.complete
    assert result.store.header.model == "model"
    assert world.read("run/scores.jsonl") == scores_here(world)
    # All that the folder holds is there, and nothing that only this machine needs.
    here = {path.relative_to(result.store.folder).as_posix() for path in result.store.folder.rglob("*") if path.is_file()}
    assert world.names("run") == {name for name in here if not name.startswith(".")}
    assert {"run.json", "stills/a/0.webp"} <= world.names("run")


def test_another_machine_goes_on_with_what_lies_at_the_url(world):
    Run(world.config(limit=None, shard="1/2")).execute()
    world.other_machine()
    Run(world.config(shard="2/2")).execute()
    assert any(".shard-" in name for name in world.names("run"))
    world.other_machine()
    result = Run(world.config()).execute()
    assert (result.observed, result.complete) == (0, True)
    assert world.read("run/scores.jsonl") == scores_here(world)
    assert not any(".shard-" in name for name in world.names("run"))


def test_packed_tracks_take_the_place_of_their_lines_at_the_url_and_another_machine_goes_on_with_them(world):
    Run(world.config(pack_above=1000)).execute()
    assert "tracks.jsonl" in world.names("run")
    Run(world.config(pack_above=0)).execute()
    assert {name for name in world.names("run") if name.startswith("tracks")} == {"tracks.pack-00001.jsonl.zst"}
    world.other_machine()
    result = Run(world.config(pack_above=0)).execute()
    assert (result.observed, result.complete) == (0, True)
    assert world.read("run/scores.jsonl") == scores_here(world)


def test_a_video_is_copied_once_and_again_when_it_changed_there(world, monkeypatch):
    fetched, fetch = [], RemoteFolder.fetch
    monkeypatch.setattr(RemoteFolder, "fetch", lambda self, name, to: fetched.append(name) or fetch(self, name, to))
    Run(world.config()).execute()
    assert sorted(name for name in fetched if name.endswith(".mp4")) == [f"{name}.mp4" for name in IDS]
    fetched.clear()
    assert Run(world.config()).execute().observed == 0
    assert fetched == []
    (world.model / "b.mp4").write_bytes((world.model / "c.mp4").read_bytes())
    world.files.put_file(str(world.model / "b.mp4"), f"{world.base}/model/b.mp4")
    assert Run(world.config()).execute().observed == 1
    assert fetched == ["b.mp4"]
    assert world.read("run/scores.jsonl") == scores_here(world)


def test_only_videos_of_the_samples_that_are_scored_are_copied(world, monkeypatch):
    fetched, fetch = [], RemoteFolder.fetch
    monkeypatch.setattr(RemoteFolder, "fetch", lambda self, name, to: fetched.append(name) or fetch(self, name, to))
    Run(world.config(samples=("c",))).execute()
    assert [name for name in fetched if name.endswith(".mp4")] == ["c.mp4"]


def test_a_video_that_is_not_there_is_missing_and_one_that_cannot_be_read_ends_the_run_which_goes_on(world, monkeypatch):
    world.files.rm_file(f"{world.base}/model/b.mp4")
    broken, real = {"c.mp4"}, RemoteFolder.fetch

    def fetch(self, name, to):
        if name in broken:
            raise StoreError(f"{self.url}: {name} cannot be read")
        real(self, name, to)

    monkeypatch.setattr(RemoteFolder, "fetch", fetch)
    with pytest.raises(StoreError, match=r"c\.mp4 cannot be read"):
        Run(world.config()).execute()
    # What was done until then is there, and no video counts as missing for the network.
    assert world.read("run/videos.jsonl").count(b'"status":"ok"') == 1
    broken.clear()
    result = Run(world.config()).execute()
    assert [score.status for score in result.scores] == [
        ScoreStatus.OK, ScoreStatus.MISSING, ScoreStatus.OK, ScoreStatus.OK,
    ]  # fmt: skip


def test_what_was_done_is_copied_on_the_way(world, monkeypatch):
    monkeypatch.setattr(remote_out, "EVERY_SECONDS", 0.0)
    seen = []
    Run(world.config()).execute(lambda _: seen.append(len(world.names("run"))))
    # From the second video on, what came before is there.
    assert seen[0] == 0
    assert all(count > 0 for count in seen[1:])


def test_an_empty_url_and_one_with_a_key_in_it_are_refused(world):
    with pytest.raises(UsageError, match="no such folder, or nothing in it"):
        Run(world.config(model=f"{world.home}/nothing"))
    with pytest.raises(UsageError, match="a name or key in it is not taken"):
        Run(world.config(model="s3://me:secret@bucket/model"))
    with pytest.raises(UsageError, match="nowhere://x"):
        Run(world.config(model="nowhere://x"))


def test_names_that_leave_the_folder_are_refused(tmp_path):
    class Hostile:
        def invalidate_cache(self):
            pass

        def find(self, root, detail):
            return {f"{root}/../../up.mp4": {"size": 1}}

    folder = RemoteFolder(f"file://{tmp_path}")
    folder._files = Hostile()
    with pytest.raises(UsageError, match="leaves"):
        Mirror(folder, tmp_path / "copy").refresh()


def test_several_processes_and_the_command_line_read_from_s3_and_write_to_it(s3, tmp_path, monkeypatch):
    world = World(f"{s3}/typed", tmp_path, monkeypatch)
    command = ["run", "--model", f"{s3}/typed/model", "--bench", str(world.bench), "--tracker", "stored", "--workers", "2"]
    command += ["--out", f"{s3}/typed/run", "--cache", "off"]
    done = subprocess.run(
        [sys.executable, "-c", "from intergeneval.cli import main; main()", *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == errors.EXIT_OK, done.stderr
    assert world.read("run/scores.jsonl") == scores_here(world)


def test_two_shards_of_one_machine_share_a_copy_and_lose_no_line(world, monkeypatch):
    url = f"{world.home}/shared"
    one = remote_out.RemoteOut(url)
    one.folder.mkdir(parents=True, exist_ok=True)
    mine = one.folder / "answers.1-of-2.jsonl"
    mine.write_text("one\n")
    one.copy()
    with mine.open("a") as lines:
        lines.write("two\n")
        lines.flush()
        # As it is between what another process has put and what it has written down.
        world.files.pipe_file(f"{world.base}/shared/answers.1-of-2.jsonl", b"one\n")
        other = remote_out.RemoteOut(url)
        assert mine.read_text() == "one\ntwo\n"
        put = RemoteFolder.put

        def slow(remote, name, place):
            version = put(remote, name, place)
            if not lines.closed and lines.tell() < 12:
                lines.write("three\n")
                lines.flush()
            return version

        monkeypatch.setattr(RemoteFolder, "put", slow)
        other.copy()
    one.copy()
    other.copy()
    assert mine.read_text() == "one\ntwo\nthree\n"
    assert world.read("shared/answers.1-of-2.jsonl") == mine.read_bytes()
