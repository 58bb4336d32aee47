"""Files of twelve kinds, changed in one or two places: a verb ends in its answer or in one message, and writes nowhere else."""

import copy
import json
import os
import random
import resource
import shutil
import time

import pytest
from click.testing import CliRunner

from intergeneval.cli import main
from tests import tiny_world
from tests.report.report_world import World, build

CASES = int(os.environ.get("MUTATED_CASES") or (250 if os.environ.get("NIGHTLY_TESTS") else 12))
"""Tries a kind; nightly 3,000 in all."""
MOST_MEMORY = 1024
"""MiB that a process may have taken after all tries; it has 130 without any."""
STRANGE = [
    *(None, True, -1, 0, 2**31, 2**63, 10**399, 0.5, -1e308, "", "..", "../../x", "/etc/passwd", "\x1b]0;x\x07", "é\u202e"),
    *("x" * 5000, [], {}, [[]], [None] * 50, {"a": {"a": {"a": []}}}, "no", "ok", "nan", "1e999"),
]
STAGES = ("run.json", "samples.jsonl", "videos.jsonl", "questions.jsonl", "answers.jsonl", "scores.jsonl", "tracks.jsonl")
KINDS = (*STAGES, "consistency.jsonl", "bench", "manifest", "baseline", "columns")


def places(value, path=()):
    """Every place of a JSON value."""
    yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))


def changed(value, draw):
    """A value with one place replaced, removed or doubled."""
    *path, last = draw.choice([place for place in places(value) if place] or [("x",)])
    at = value
    for key in path:
        at = at[key]
    how = draw.randrange(4)
    if how == 0 and isinstance(at, dict):
        at.pop(last, None)
    elif how == 1 and isinstance(at, dict):
        at["strange" if draw.random() < 0.5 else draw.choice(list(at) or ["x"])] = copy.deepcopy(draw.choice(STRANGE))
    elif how == 2 and isinstance(at, list):
        at.insert(last, copy.deepcopy(draw.choice(STRANGE)))
    else:
        at[last] = copy.deepcopy(draw.choice(STRANGE))
    return value


def mutate(path, draw):
    """Change a file: a value in one of its lines, or its bytes."""
    content = path.read_bytes()
    if draw.random() < 0.2:
        place = draw.randrange(len(content) or 1)
        put = draw.choice([b"", b"\x00", b"\xff", b"[" * 3000, b"9" * 5000, b"}", b"\n", b"\r"])
        path.write_bytes(content[:place] + put + content[place + draw.randrange(3) :])
        return
    single = path.suffix == ".json"
    lines = [content] if single else content.splitlines()
    index = draw.randrange(len(lines))
    value = json.loads(lines[index])
    for _ in range(draw.choice([1, 1, 2])):
        value = changed(value, draw)
    lines[index] = json.dumps(value).encode()
    path.write_bytes(b"\n".join(lines) + b"\n")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run with a baseline, columns, a benchmark and videos, as others would hand them over."""
    home = tmp_path_factory.mktemp("made")
    run = build(home, World(models=("atlas",), samples=3))[0]
    CliRunner().invoke(main, ["gate", str(run), "--baseline", "main", "--update", "--baselines", str(home / "kept")])
    (home / "columns.json").write_text('{"motion": [0.5, [{"video_path": "contact-000.mp4", "video_results": 0.5}]]}')
    tiny_world.write_benchmark(home / "bench", ("a", "b"))
    (home / "model").mkdir()
    (home / "model" / "manifest.jsonl").write_text('{"bench": "tiny"}\n{"sample_id": "a", "seed": 0, "path": "a.mp4"}\n')
    (home / "run").symlink_to(run)
    return home


def words_of(kind, home, out):
    """The file that is changed, and the verbs that read it."""
    run = (home / "run").resolve()
    if kind == "bench":
        return home / "bench" / "samples.jsonl", [["bench", "check", home / "bench"]]
    if kind == "manifest":
        told = ["run", "--model", home / "model", "--bench", home / "bench", "--estimate"]
        return home / "model" / "manifest.jsonl", [told]
    if kind == "baseline":
        return home / "kept" / "main.json", [["gate", run, "--baseline", home / "kept" / "main.json"]]
    if kind == "columns":
        return home / "columns.json", [["report", run, "-o", out / "report", "--columns", f"atlas={home / 'columns.json'}"]]
    export = ["export", run, "--layout", "official", "--out", out / "export"]
    return run / kind, [["score", run], ["report", run, "-o", out / "report"], ["gate", run, "--baseline", run], export]


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_file_is_no_traceback_no_hang_and_no_file_elsewhere(made, tmp_path, kind):
    for case in range(CASES):
        draw = random.Random(f"{kind} {case}")
        home, out = tmp_path / f"{case}" / "home", tmp_path / f"{case}" / "out"
        shutil.copytree(made, home, symlinks=True)
        (home / "run").unlink()
        (home / "run").symlink_to(home / "runs" / "atlas")
        path, verbs = words_of(kind, home, out)
        mutate(path, draw)
        before = set(tmp_path.rglob("*"))
        for words in verbs:
            # Seconds of work: a machine that stands still for a minute is no fault of a file.
            began = time.process_time()
            done = CliRunner().invoke(main, [str(word) for word in words])
            said = f"{kind} {case}: {words[0]}: {done.exception!r}\n{path.read_bytes()[:300]!r}"
            assert done.exception is None or isinstance(done.exception, SystemExit), said
            assert time.process_time() - began < 20, said
            assert "\x1b" not in done.output
        assert all(item.is_relative_to(out) for item in set(tmp_path.rglob("*")) - before)
        shutil.rmtree(tmp_path / f"{case}")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"{kind}: {CASES} tries, {grown} MiB at most")  # noqa: T201  # measured figures are printed
    assert grown < MOST_MEMORY
