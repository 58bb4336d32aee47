"""Every write of a run, an export, a baseline update and a report fails, by a kill and by a full disk: the end is the same."""

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from intergeneval.cli import gate as gate_command
from intergeneval.config import RunConfig
from intergeneval.errors import IntergenevalError
from intergeneval.official import export_run
from intergeneval.report import write_report
from intergeneval.run.run import Run
from intergeneval.store import RunStore
from tests.hostile.failing_disk import Counter, disk, in_child
from tests.report.report_world import World, build

NIGHTLY = bool(os.environ.get("NIGHTLY_TESTS"))


def tree(folder):
    """Every file with its bytes; what a moment or a machine decides is left out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith(".lock"):
            content = path.read_bytes()
            if path.name == "run.json":
                content = b""
            if path.suffix == ".jsonl":
                lines = {json.dumps({**json.loads(line), "usage": {}}, sort_keys=True) for line in content.splitlines()}
                content = "\n".join(sorted(lines)).encode()
            found[path.relative_to(folder).as_posix()] = content
    return found


def left_over(folder):
    """Half-written files that a name tells: nobody cleans up after a kill, and no reader takes them for results."""
    return [path for path in folder.rglob(".*") if path.is_file() and not path.name.startswith(".lock")]


def run_of(tiny, out, **changes):
    bench, videos = tiny
    base = RunConfig(model=str(videos), bench=str(bench), tracker="stored", out=str(out), workers=1, cache="off", limit=2)
    return Run(replace(base, **changes))


def works(tiny, tmp_path):
    """Name -> (what is done into a folder, whether its end is compared byte by byte)."""
    finished = build(tmp_path / "made", World(models=("atlas",), samples=1))[0]
    return {
        "run": lambda out: run_of(tiny, out / "run").execute(),
        "packed": lambda out: run_of(tiny, out / "run", pack_above=1).execute(),
        "resume": lambda out: run_of(tiny, out / "run").execute(),
        "export": lambda out: export_run(paper(tmp_path, tiny), out),
        "baseline": lambda out: gate_command.store(finished, "main", out),
        "report": lambda out: write_report([finished], out / "report"),
        "single": lambda out: write_report([finished], out / "page.html"),
    }


def half(tiny, tmp_path):
    """A run that was killed between its first video and its last."""
    folder = tmp_path / "half"
    if not folder.exists():
        folder.mkdir()
        with disk(Counter(how="kill")) as counter:
            run_of(tiny, tmp_path / "uncut").execute()
        code, _ = in_child(lambda: run_of(tiny, folder / "run").execute(), Counter(2 * counter.seen // 3, "kill"))
        assert code == 9
        assert (folder / "run" / "videos.jsonl").read_bytes()
    return folder


def paper(tmp_path, tiny):
    folder = tmp_path / "paper"
    if not (folder / "run.json").exists():
        bench, videos = tiny
        config = RunConfig(
            model=str(videos),
            bench=str(bench),
            tracker="stored",
            out=str(folder),
            workers=1,
            cache="off",
            limit=1,
            profile="paper",
        )
        Run(config).execute()
    return RunStore.open(folder)


@pytest.mark.parametrize("how", ["kill", "full", "denied"])
@pytest.mark.parametrize("name", ["run", "packed", "resume", "export", "baseline", "report", "single"])
def test_after_any_write_that_failed_the_same_command_ends_in_the_same_bytes(tiny, tmp_path, name, how):
    paper(tmp_path, tiny)
    work = works(tiny, tmp_path)[name]
    whole = tmp_path / "whole"
    begin = functools.partial(shutil.copytree, half(tiny, tmp_path)) if name == "resume" else Path.mkdir
    begin(whole)
    with disk(Counter(how=how)) as counter:
        work(whole)
    wanted = tree(whole)
    assert counter.seen
    step = 1 if NIGHTLY else max(1, counter.seen // (4 if how == "denied" else 10))
    points = sorted({*range(1, counter.seen + 1, step), counter.seen})
    for at in points:
        out = tmp_path / f"{how}-{at}"
        begin(out)
        killed = left_over(out)
        if how == "kill":
            code, _ = in_child(lambda out=out: work(out), Counter(at, "kill"))
            assert code == 9
        else:
            with disk(Counter(at, how)) as counted, contextlib.suppress(IntergenevalError):
                work(out)
                # Only what makes names safe from a power cut may fail without a word: then all is there.
                assert tree(out) == wanted, f"write {at} of {counter.seen} was swallowed"
            assert counted.seen >= at
            # Where names may not be taken away either, what was begun stays until the next try.
            left = [path for path in left_over(out) if path not in killed]
            assert how == "denied" or not left, f"write {at} of {counter.seen} left {left}"
        work(out)
        # What a kill left is gone too.
        kept = tree(out)
        assert kept.keys() == wanted.keys(), f"write {at} of {counter.seen}"
        assert kept == wanted, f"write {at} of {counter.seen}"
    print(f"{name}: {len(points)} of {counter.seen} writes tried by {how}")  # noqa: T201  # measured figures are printed


def test_a_run_whose_folder_is_removed_ends_within_one_video(tiny, tmp_path):
    out = tmp_path / "run"
    seen = []

    def tell(progress):
        seen.append(progress)
        if len(seen) == 1:
            shutil.rmtree(out)

    run = run_of(tiny, out)
    with pytest.raises(IntergenevalError, match="cannot be written"):
        run.execute(tell)
    assert len(seen) <= 2


def test_a_full_device_as_standard_output_is_one_message(tiny, tmp_path):
    store = paper(tmp_path, tiny)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tests.hostile.command", "score", str(store.folder), "--json"],
            stdout=full,
            check=False,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("error: No space left on device")
    assert len(done.stderr.splitlines()) == 1
