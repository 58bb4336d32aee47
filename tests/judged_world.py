"""Runs over the small world with the API judge and the loopback server, as settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from intergeneval.config import RunConfig
from intergeneval.records import Answer, Consistency
from intergeneval.run.run import Run, RunResult
from intergeneval.store import RunStore

FAST = {"attempts": 3, "timeout": 1.0, "backoff": 0.02, "longest_wait": 5.0}
"""Judge settings that lose no time in tests."""


def config(root: Path, url: str, *, judge_settings: dict[str, Any] | None = None, **changes: Any) -> RunConfig:
    """Settings of a run over ``root/bench`` and ``root/model`` into ``root/run`` with a cache in ``root``.

    Control questions are off, so that ten questions a video are asked; tests/run/test_controls.py is about them.
    """
    base: dict[str, Any] = {
        "model": str(root / "model"),
        "bench": str(root / "bench"),
        "tracker": "stored",
        "out": str(root / "run"),
        "workers": 1,
        "controls": False,
        "judge": "openai:test-model",
        "consistency": "judge",
        "cache": str(root / "cache.sqlite"),
        "settings": {"openai": {"base_url": url, **FAST, **(judge_settings or {})}},
    }
    return RunConfig(**{**base, **changes})


def run(root: Path, url: str, **changes: Any) -> RunResult:
    return Run(config(root, url, **changes)).execute()


def answers(store: RunStore) -> list[Answer]:
    return store.read("answers", Answer)


def assessed(store: RunStore) -> list[Consistency]:
    return store.read("consistency", Consistency)


def change_samples(root: Path, change: Any) -> None:
    """Rewrite the benchmark's samples after `change` was called with each."""
    path = root / "bench" / "samples.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        change(row)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
