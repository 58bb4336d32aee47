"""Training recipes: one TOML file for each arm of the comparison, complete, so that nothing but the file differs."""

from __future__ import annotations

from pathlib import Path

from intergeneval.errors import ConfigError
from matrix_train.config import Config, load


def names() -> tuple[str, ...]:
    """Return the recipes' names, sorted."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.toml")))


def read(source: str, overrides: tuple[str, ...] = ()) -> Config:
    """Read a config file, or a recipe by its name; `overrides` are ``section.field=value`` texts. Raises ConfigError."""
    path = Path(source)
    if not path.exists() and source in names():
        path = Path(__file__).parent / f"{source}.toml"
    elif not path.exists():
        raise ConfigError(f"{source}: there is no such config file, and no recipe of that name; recipes are {', '.join(names())}")
    return load(path, overrides)
