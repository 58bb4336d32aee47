"""`intergeneval cache`: what the answer cache holds, and emptying it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from intergeneval.cli.terminal import echo

if TYPE_CHECKING:
    from intergeneval.store.answer_cache import Cache
    from intergeneval.store.track_cache import TrackCache


@click.group("cache")
def command() -> None:
    """Look at or empty the cache of judge answers."""


@command.command("stats")
@click.option("--path", type=click.Path(path_type=Path, dir_okay=False), help="Cache file; default the user's own.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def stats(path: Path | None, as_json: bool) -> None:
    """Count the answers in the cache, by judge."""
    cache = _cache(path)
    try:
        found = cache.stats()
    finally:
        cache.close()
    tracks = [path.stat().st_size for path in _tracks(cache).files()]
    if as_json:
        echo(json.dumps({**found.to_json(), "tracks": len(tracks), "track_bytes": sum(tracks)}, indent=1))
        return
    echo(f"{found.path}: {found.answers} answers, {found.bytes / 1e6:.2f} MB")
    for judge, count in found.judges.items():
        echo(f"  {count:8d}  {judge}")
    echo(f"tracks of {len(tracks)} videos, {sum(tracks) / 1e6:.2f} MB")


@command.command("clear")
@click.option("--path", type=click.Path(path_type=Path, dir_okay=False), help="Cache file; default the user's own.")
@click.option("--judge", default="", help="Remove the answers of this judge only, as `cache stats` names it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def clear(path: Path | None, judge: str, yes: bool) -> None:
    """Remove answers, and all tracks unless a judge is named, from the cache; a later run asks, and pays, again."""
    cache = _cache(path)
    if not yes:
        click.confirm(f"remove {f'the answers of {judge}' if judge else 'all answers'} from {cache.path}?", abort=True)
    try:
        removed = cache.clear(judge)
    finally:
        cache.close()
    echo(f"{removed} answers removed")
    if not judge:
        echo(f"tracks of {_tracks(cache).clear()} videos removed")


def _tracks(cache: Cache) -> TrackCache:
    from intergeneval.store.track_cache import TrackCache  # likewise

    return TrackCache(cache.path)


def _cache(path: Path | None) -> Cache:
    from intergeneval.records.disk import cache_file
    from intergeneval.store.answer_cache import Cache  # the class itself, when a verb is run

    return Cache(path or cache_file(os.environ))
