"""A clock that jumps, two writers of one file or folder, and thousands of samples with kills between them."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from intergeneval.config import RunConfig
from intergeneval.records import Score
from intergeneval.records.disk import growing_folder, write_atomically
from intergeneval.run.run import Run
from intergeneval.store import RunStore
from tests import tiny_world
from tests.faults.test_crash_points import left_over, run_of, tree


def test_a_clock_that_jumps_by_days_both_ways_changes_nothing_of_a_run(tiny, tmp_path, monkeypatch):
    run_of(tiny, tmp_path / "plain" / "run").execute()
    real, jumps = time.time, iter(range(10**9))
    monkeypatch.setattr(time, "time", lambda: real() + (-1) ** next(jumps) * 86_400 * 400)
    run_of(tiny, tmp_path / "jumping" / "run").execute()
    assert tree(tmp_path / "jumping") == tree(tmp_path / "plain")


def test_two_writers_of_one_file_leave_one_of_both_whole_and_nothing_beside_it(tmp_path):
    texts = [letter * 50_000 for letter in "ab"]
    seen = set()

    def write(text):
        for _ in range(60):
            write_atomically(tmp_path / "page.html", text)

    writers = [threading.Thread(target=write, args=(text,)) for text in texts]
    write_atomically(tmp_path / "page.html", texts[0])
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        seen.add((tmp_path / "page.html").read_text())
    assert seen <= set(texts)
    assert not left_over(tmp_path)


def test_a_folder_that_a_kill_left_half_made_goes_and_one_that_is_being_made_stays(tmp_path):
    (tmp_path / ".report.partial" / "samples").mkdir(parents=True)
    with growing_folder(tmp_path / "report") as first:
        assert not any(first.iterdir())
        (first / "one").write_text("1")
        with growing_folder(tmp_path / "report") as second:
            assert second != first
            (second / "two").write_text("2")
        assert (first / "one").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
    assert [path.name for path in (tmp_path / "report").iterdir()] == ["one"]


def test_a_link_where_a_half_written_file_would_lie_leads_nowhere(tmp_path):
    mine = tmp_path / "mine.txt"
    mine.write_text("kept")
    (tmp_path / ".page.html.partial").symlink_to(mine)
    write_atomically(tmp_path / "page.html", "new")
    assert (mine.read_text(), (tmp_path / "page.html").read_text()) == ("kept", "new")


def test_a_second_run_into_a_folder_that_is_written_is_refused_and_spoils_nothing(tiny, tmp_path):
    run_of(tiny, tmp_path / "alone" / "run").execute()
    run = run_of(tiny, tmp_path / "both" / "run")
    refused = []

    def tell(_):
        words = ["run", "--model", str(tiny[1]), "--bench", str(tiny[0]), "--tracker", "stored", "--workers", "1", "--limit", "2"]
        command = [
            sys.executable,
            "-m",
            "tests.faults.command",
            *words,
            "--cache",
            "off",
            "--out",
            str(tmp_path / "both" / "run"),
        ]
        refused.append(subprocess.run(command, check=False, capture_output=True, text=True))

    run.execute(tell)
    assert {done.returncode for done in refused} == {1}
    assert all("another run is writing here" in done.stderr for done in refused)
    assert tree(tmp_path / "both") == tree(tmp_path / "alone")


@pytest.mark.skipif(not os.environ.get("NIGHTLY_TESTS"), reason="minutes: part of the nightly environment")
def test_two_thousand_samples_with_a_kill_every_few_seconds_all_have_their_score(tmp_path):
    names = tuple(f"s{number:05d}" for number in range(2000))
    bench, videos = tiny_world.write_benchmark(tmp_path / "bench", names), tmp_path / "videos"
    tiny_world.write_videos(videos, names[:1])
    for name in names[1:]:
        for end in ("mp4", "tracks.json"):
            os.link(videos / f"{names[0]}.{end}", videos / f"{name}.{end}")
    words = ["run", "--model", str(videos), "--bench", str(bench), "--tracker", "stored", "--out", str(tmp_path / "run")]
    for _ in range(4):
        child = subprocess.Popen([sys.executable, "-m", "tests.faults.command", *words], stderr=subprocess.DEVNULL)
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(timeout=15)
        child.send_signal(signal.SIGKILL)
        child.wait()
    config = RunConfig(model=str(videos), bench=str(bench), tracker="stored", out=str(tmp_path / "run"))
    result = Run(config).execute()
    assert result.observed < len(names)
    found = RunStore.open(tmp_path / "run").read("scores", Score)
    assert len({score.sample_id for score in found}) == len(found) == len(names)
    assert {score.if_ for score in found} == {found[0].if_}
