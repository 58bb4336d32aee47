"""Judge answers by the content of what was asked: one SQLite file, one transaction an answer, shared by runs and processes.

Only good answers are stored; what failed or was empty is asked again. The file holds answers and hashes, never prompts,
pictures or keys.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from intergeneval.errors import StoreError
from intergeneval.ids import canonical_json
from intergeneval.records import Record

SCHEMA = 1

_TABLES = """
CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, judge TEXT NOT NULL, value TEXT NOT NULL, stored REAL NOT NULL);
CREATE TABLE IF NOT EXISTS servers (host TEXT, model TEXT, facts TEXT NOT NULL, PRIMARY KEY (host, model));
"""
_WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStats(Record):
    """What a cache file holds."""

    path: str
    """The file."""
    bytes: int
    """Its size."""
    answers: int
    """Answers in it."""
    judges: Mapping[str, int]
    """Answers by judge."""


class Cache:
    """A cache file, opened when first used; safe to use from several threads and processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None

    def get(self, key: str) -> Mapping[str, Any] | None:
        """Return what was stored under a key, or None. Raises StoreError when the file cannot be used."""
        rows = self._run("SELECT value FROM answers WHERE key = ?", (key,))
        return cast(Mapping[str, Any], json.loads(rows[0][0])) if rows else None

    def put(self, key: str, judge: str, value: Mapping[str, Any]) -> None:
        """Store an answer in a transaction of its own. Raises StoreError when the file cannot be used."""
        text = canonical_json(value)
        self._run("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", (key, judge, text, time.time()))

    def server(self, host: str, model: str) -> Mapping[str, Any]:
        """Return what was remembered of a model on a host; empty where nothing was. Raises StoreError."""
        rows = self._run("SELECT facts FROM servers WHERE host = ? AND model = ?", (host, model))
        return cast(Mapping[str, Any], json.loads(rows[0][0])) if rows else {}

    def remember_server(self, host: str, model: str, facts: Mapping[str, Any]) -> None:
        """Replace what is remembered of a model on a host. Raises StoreError when the file cannot be used."""
        self._run("INSERT OR REPLACE INTO servers VALUES (?, ?, ?)", (host, model, canonical_json(facts)))

    def stats(self) -> CacheStats:
        """Count what is in the file; an absent file is an empty cache. Raises StoreError when it cannot be read."""
        if not self.path.exists():
            return CacheStats(path=str(self.path), bytes=0, answers=0, judges={})
        rows = self._run("SELECT judge, COUNT(*) FROM answers GROUP BY judge ORDER BY judge", ())
        judges = {str(judge): int(count) for judge, count in rows}
        return CacheStats(path=str(self.path), bytes=self.path.stat().st_size, answers=sum(judges.values()), judges=judges)

    def clear(self, judge: str = "") -> int:
        """Remove all answers, or those of one judge, and return their number. Raises StoreError."""
        if not self.path.exists():
            return 0
        before = self.stats()
        if judge:
            self._run("DELETE FROM answers WHERE judge = ?", (judge,))
            return before.judges.get(judge, 0)
        self._run("DELETE FROM answers", ())
        self._run("DELETE FROM servers", ())
        self._run("VACUUM", ())
        return before.answers

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None

    def _run(self, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        """Run one statement as a transaction of its own."""
        with self._lock:
            try:
                return self._opened().execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise StoreError(
                    f"{self.path}: the answer cache cannot be used ({error}); remove the file, or choose another with --cache"
                ) from None

    def _opened(self) -> sqlite3.Connection:
        if self._database is not None:
            return self._database
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self.path.parent}: cannot be made ({error.strerror}); choose another cache file") from None
        # Autocommit: each statement is a transaction of its own.
        database = sqlite3.connect(self.path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            # A killed process loses nothing so; a power cut may cost the last answers, which are then asked again.
            database.execute("PRAGMA synchronous = NORMAL")
            version = database.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, SCHEMA):
                raise StoreError(f"{self.path}: written by another version (schema {version}); choose another cache file")
            database.executescript(_TABLES)
            database.execute(f"PRAGMA user_version = {SCHEMA}")
            self.path.chmod(0o600)
        except BaseException:
            database.close()
            raise
        self._database = database
        return database
