"""Benchmarks, manifests and results of the release, damaged at random: every time a message or a named fault, never a crash."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from intergeneval.cli import main
from tests.bench.small_benchmarks import official_type, own_benchmark

ROUNDS = 25

Damage = Callable[[Path, random.Random], None]


def _truncate(path: Path, rng: random.Random) -> None:
    path.write_bytes(path.read_bytes()[: rng.randrange(path.stat().st_size)])


def _flip(path: Path, rng: random.Random) -> None:
    raw = bytearray(path.read_bytes())
    for _ in range(rng.choice((1, 4, 30))):
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    path.write_bytes(bytes(raw))


def _overwrite(path: Path, rng: random.Random) -> None:
    path.write_bytes(rng.choice((b"", b"\0" * 99, rng.randbytes(999), b"\xff\xfe[]", b"[" * 50_000, b"null", b'"x"', b"3")))


def _remove(path: Path, _: random.Random) -> None:
    path.unlink()


def _make_folder(path: Path, _: random.Random) -> None:
    path.unlink()
    path.mkdir()


def _link_away(path: Path, _: random.Random) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


def _link_to_itself(path: Path, _: random.Random) -> None:
    path.unlink()
    path.symlink_to(path.name)


def _wrong_value(path: Path, rng: random.Random) -> None:
    """Put a wrong value somewhere into a JSON file (or one line of one)."""
    text = path.read_text()
    lines = text.splitlines() if path.suffix == ".jsonl" else [text]
    index = rng.randrange(len(lines))
    value = json.loads(lines[index])
    holder, key = rng.choice(list(_places(value)))
    holder[key] = rng.choice((None, 7, -1, 1e300, True, "", "../x", "a\0b", "\ud800", [], {}, "x" * 5000, [None], {"a": []}))
    lines[index] = json.dumps(value)
    path.write_text("\n".join(lines))


def _places(value):
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


DAMAGES: tuple[Damage, ...] = (_truncate, _flip, _overwrite, _remove, _make_folder, _link_away, _link_to_itself)


def _damage(root: Path, rng: random.Random) -> str:
    path = rng.choice(sorted(item for item in root.rglob("*") if item.is_file()))
    damage = rng.choice((_wrong_value, _wrong_value, *DAMAGES) if path.suffix in (".json", ".jsonl") else DAMAGES)
    damage(path, rng)
    return f"{damage.__name__} {path.relative_to(root)}"


def _wrong_values(root: Path, rng: random.Random) -> str:
    """Put eight wrong values into well-formed files: damage that gets past the first look."""
    for path in rng.choices(sorted(root.rglob("*.json")), k=8):
        if isinstance(json.loads(path.read_text()), list | dict) and len(path.read_text()) > 4:
            _wrong_value(path, rng)
    return "eight wrong values"


def _call(*words: object):
    return CliRunner().invoke(main, [str(word) for word in words])


def _no_crash(result, what: str, allowed: tuple[int, ...]) -> None:
    assert result.exception is None or isinstance(result.exception, SystemExit), (what, result.exc_info)
    assert result.exit_code in allowed, (what, result.output)
    assert "Traceback" not in result.output


@pytest.mark.parametrize("layout", ["own", "official"])
@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_damaged_benchmark_is_checked_and_shown_without_a_crash(tmp_path, layout, seed):
    rng = random.Random(f"{layout}-{seed}")
    root = tmp_path / "b"
    if layout == "own":
        own_benchmark(root, ("one", "a 'b' ü"))
    else:
        official_type(root / "synthetic", 2)
        official_type(root / "real", 1)
    what = _damage(root, rng)
    before = sorted(tmp_path.rglob("*"))
    checked = _call("bench", "check", root, "--json")
    _no_crash(checked, what, (0, 2))
    if checked.exit_code == 2 and checked.stdout:
        told = json.loads(checked.stdout)
        # A value may be well-formed and yet make a mask that fits its name no more.
        assert told["faults"] or told["doubts"]
        assert all(fault["problem"] and fault["fix"] for fault in told["faults"]), what
    _no_crash(_call("bench", "show", root), what, (0, 2))
    _no_crash(_call("bench", "show", root, "--sheet", tmp_path / "sheet.png"), what, (0, 2))
    assert sorted(set(tmp_path.rglob("*")) - {tmp_path / "sheet.png"}) == before


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_damaged_manifest_ends_in_a_message(tmp_path, seed):
    rng = random.Random(f"manifest-{seed}")
    model = tmp_path / "model"
    model.mkdir()
    (model / "x.mp4").write_bytes(b"no film")
    lines = [{"sample_id": "coffee", "seed": 0, "path": "x.mp4"}, {"sample_id": "juggle", "path": "x.mp4", "bench": "clips"}]
    (model / "manifest.jsonl").write_text("\n".join(map(json.dumps, lines)))
    what = _damage(model, rng)
    result = _call("run", "--model", model, "--bench", "clips", "--out", tmp_path / "out", "--workers", 1)
    # Whatever the manifest says, the film is none: unscored at best.
    _no_crash(result, what, (2, 3))


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_damaged_results_of_the_release_are_imported_or_named(tmp_path, seed):
    rng = random.Random(f"results-{seed}")
    fixture = Path(__file__).parent.parent / "fixtures" / "official" / "SCORE_RESULTS"
    for path in fixture.rglob("*.json"):
        if "model_a" in path.parts:
            target = tmp_path / "in" / path.relative_to(fixture.parent)
            target.parent.mkdir(parents=True)
            target.write_text(json.dumps(json.loads(path.read_text())[:3]))
    whats = [_damage(tmp_path / "in", rng)] if seed % 2 else [_wrong_values(tmp_path / "in", rng)]
    result = _call("import", tmp_path / "in", "--layout", "official", "--out", tmp_path / "out", "--json")
    _no_crash(result, "; ".join(whats), (0, 2))
    if result.exit_code == 0:
        run = json.loads(result.stdout)["runs"][0]["run"]
        _no_crash(_call("score", run, "--profile", "paper", "--json"), "; ".join(whats), (0,))
        _no_crash(_call("export", run, "--layout", "official", "--out", tmp_path / "back"), "; ".join(whats), (0,))
    assert {path.name for path in tmp_path.iterdir()} <= {"in", "out", "back"}
