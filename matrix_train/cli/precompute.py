"""`matrix-train precompute`: fill the cache without training."""

from __future__ import annotations

import click

from intergeneval.config import check_engine, shard_of
from intergeneval.errors import ConfigError, ending_by_signals
from matrix_train.cli.options import answer, json_option, overrides_option, say


@click.command("precompute")
@click.argument("config")
@overrides_option
@click.option("--shard", default="", help="I/N: encode the I-th of N parts of the clips.")
@click.option("--workers", type=click.IntRange(min=0), default=0, help="Parallel processes; default one a GPU.")
@click.option("--engine", default="", metavar="NAME", help="Who encodes: processes, ray (a cluster), ray:HOST:PORT.")
@json_option
def command(config: str, overrides: tuple[str, ...], shard: str, workers: int, engine: str, as_json: bool) -> None:
    """Encode and cache every clip that CONFIG (a TOML file or a recipe's name) trains on."""
    from matrix_train.recipes import read

    settings = read(config, overrides)
    from matrix_train.data.precompute import fill_cache

    try:
        part = shard_of(shard)
    except ValueError as error:
        raise ConfigError(f"--shard: {error}") from None
    try:
        check_engine(engine)
    except ValueError as error:
        raise ConfigError(f"--engine: {error}") from None
    with ending_by_signals():
        filled = fill_cache(settings, lambda done, all_, name: say(f"{done}/{all_}  {name}"), part, engine, workers)
    for note in filled.notes:
        say(f"note: {note}")
    result = {
        "cache": str(filled.folder),
        "clips": filled.clips,
        "encoded": filled.encoded,
        "left_out": [{"clip": name, "reason": reason} for name, reason in filled.bad],
    }
    left = f", {len(filled.bad)} left out" if filled.bad else ""
    answer(result, f"{filled.folder}  {filled.encoded} of {filled.clips} encoded{left}", as_json=as_json)
