"""Two hundred damaged inputs through the command line: each ends in a message or a recorded reason, and nothing else happens."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from intergeneval.cli import main
from intergeneval.records import ScoreStatus
from tests import tiny_world

SAMPLES = ("a", "b")
Damage = Callable[[Path, random.Random], None]


def _truncate(path: Path, rng: random.Random) -> None:
    raw = path.read_bytes()
    path.write_bytes(raw[: rng.randrange(len(raw))])


def _flip(path: Path, rng: random.Random) -> None:
    raw = bytearray(path.read_bytes())
    for _ in range(rng.choice((1, 3, 40))):
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    path.write_bytes(bytes(raw))


def _overwrite(path: Path, rng: random.Random) -> None:
    path.write_bytes(rng.choice((b"", b"\0" * 500, rng.randbytes(3000), "ünï\n".encode(), b"\xff\xfe{}", b"[" * 100_000)))


def _remove(path: Path, _: random.Random) -> None:
    path.unlink()


def _folder_instead(path: Path, _: random.Random) -> None:
    path.unlink()
    path.mkdir()


def _on_file(pattern: str, damage: Damage) -> Damage:
    def apply(root: Path, rng: random.Random) -> None:
        damage(rng.choice(sorted(root.glob(pattern))), rng)

    return apply


def _wrong_mask(root: Path, rng: random.Random) -> None:
    path = rng.choice(sorted(root.glob("bench/masks/a/*.png")))
    shape = rng.choice(((1, 1), (64, 95), (640, 960), (64, 96)))
    picture = np.zeros(shape, dtype=np.uint8) if rng.random() < 0.5 else np.full((*shape, 3), rng.randrange(256), dtype=np.uint8)
    cv2.imwrite(str(path), picture)


def _json_value(root: Path, rng: random.Random) -> None:
    """Put a value of another kind at a random place of the first sample."""
    path = root / "bench" / "samples.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    node, key = rows[0], "id"
    while True:
        key = rng.choice(list(node) if isinstance(node, dict) else range(len(node)))
        if not isinstance(node[key], dict | list) or not node[key] or rng.random() < 0.3:
            break
        node = node[key]
    node[key] = rng.choice((None, 7, -1.5, "", "../../etc/passwd", "a\0b", [], {}, "x" * 5000, True, "id9", "<script>", 1e308))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _json_field(root: Path, rng: random.Random) -> None:
    path = root / "bench" / "samples.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    if rng.random() < 0.5:
        rows[0].pop(rng.choice(list(rows[0])))
    else:
        rows[0][rng.choice(("extra", "Id", "__class__"))] = 1
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _sample_id(root: Path, rng: random.Random) -> None:
    """Name a sample (and its video, where a file can be called so) in ways that users and attackers do."""
    name = rng.choice(
        ("with space", "quo'te\"d", "名前", "../outside", "/abs", "..", "a/b", "-rf", "a\nb", "CON", "a" * 300, "$(id)")
    )
    path = root / "bench" / "samples.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[0]["id"] = name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    if "/" not in name and len(name) < 200:
        for suffix in (".mp4", ".tracks.json"):
            (root / "model" / f"a{suffix}").rename(root / "model" / f"{name}{suffix}")


def _manifest(root: Path, rng: random.Random) -> None:
    paths = ("../outside.mp4", "/etc/passwd", "a.mp4", "missing.mp4", "", "a\0.mp4", 5)
    row = {"sample_id": rng.choice(("a", "zz", 5, "../a")), "seed": rng.choice((0, -3, "x", 1.5)), "path": rng.choice(paths)}
    (root / "model" / "manifest.jsonl").write_text(
        rng.choice((json.dumps(row), "{", json.dumps([row]), json.dumps(row) + "\n{}")) + "\n"
    )


def _link_out(root: Path, _: random.Random) -> None:
    path = root / "model" / "a.mp4"
    path.unlink()
    path.symlink_to("/dev/zero")


def _tracks(root: Path, rng: random.Random) -> None:
    path = root / "model" / "a.tracks.json"
    content = json.loads(path.read_text())
    track = content["tracks"][0]
    rng.choice(
        (
            track["masks"].pop,
            lambda: track.update(masks=["~~~~"] * 24),
            lambda: track.update(instance_id="../../x"),
            lambda: content.update(size=[10**6, 10**6]),
            lambda: content.update(tracks=[]),
            lambda: track.update(states=["flying"] * 24),
            lambda: content.update(size=[-1, 5]),
        )
    )()
    path.write_text(json.dumps(content))


DAMAGES: dict[str, tuple[int, Damage]] = {
    "video cut short": (30, _on_file("model/a.mp4", _truncate)),
    "video with flipped bits": (40, _on_file("model/a.mp4", _flip)),
    "video replaced by something else": (8, _on_file("model/a.mp4", _overwrite)),
    "video missing": (1, _on_file("model/a.mp4", _remove)),
    "video is an empty folder": (1, _on_file("model/a.mp4", _folder_instead)),
    "video is an endless device": (1, _link_out),
    "mask of another size or without an object": (12, _wrong_mask),
    "mask cut short or flipped": (12, _on_file("bench/masks/a/*.png", _truncate)),
    "mask missing": (2, _on_file("bench/masks/a/*.png", _remove)),
    "samples cut short": (10, _on_file("bench/samples.jsonl", _truncate)),
    "samples with flipped bits": (10, _on_file("bench/samples.jsonl", _flip)),
    "a value of the wrong kind": (25, _json_value),
    "a field missing or unknown": (8, _json_field),
    "bench.toml damaged": (10, _on_file("bench/bench.toml", _flip)),
    "bench.toml replaced": (4, _on_file("bench/bench.toml", _overwrite)),
    "strange sample ids": (12, _sample_id),
    "manifest damaged": (10, _manifest),
    "stored tracks damaged": (12, _tracks),
    "stored tracks cut short": (6, _on_file("model/a.tracks.json", _truncate)),
}
CASES = [(name, number) for name, (count, _) in DAMAGES.items() for number in range(count)]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("whole")
    tiny_world.write_benchmark(root / "bench", SAMPLES)
    tiny_world.write_videos(root / "model", SAMPLES)
    return root


def test_there_are_at_least_two_hundred_cases():
    assert len(CASES) >= 200


@pytest.mark.parametrize(("name", "number"), CASES)
def test_damage_ends_in_a_message_or_a_recorded_reason(world, tmp_path, monkeypatch, name, number):
    root = tmp_path / "in"
    shutil.copytree(world, root)
    DAMAGES[name][1](root, random.Random(f"{name} {number}"))
    before = _snapshot(tmp_path)
    monkeypatch.chdir(tmp_path)
    words = [
        "run",
        "--model",
        "in/model",
        "--bench",
        "in/bench",
        "--tracker",
        "stored",
        "--workers",
        "1",
        "--out",
        "out/run",
        "--json",
    ]
    result = CliRunner().invoke(main, words)
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code in (0, 2, 3), result.output
    assert "Traceback" not in result.output
    if result.exit_code == 2:
        assert result.stderr.startswith("error: "), result.stderr
    else:
        for sample in json.loads(result.stdout)["samples"]:
            assert sample["status"] == ScoreStatus.OK or sample["reason"]
            assert (sample["if"] is None) or sample["status"] != "unanswered"
    after = _snapshot(tmp_path)
    assert before == {path: size for path, size in after.items() if not path.startswith("out")}, "something outside was written"


def _snapshot(root: Path) -> dict[str, int]:
    return {str(path.relative_to(root)): path.lstat().st_size for path in root.rglob("*") if not path.is_dir()}
