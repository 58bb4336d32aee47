"""Where a training's log goes beside its own file: experiment trackers, through accelerate."""

from __future__ import annotations

from typing import Any

from accelerate.tracking import get_available_trackers

from intergeneval.errors import ConfigError
from matrix_train.config import TrainConfig


def checked_trackers(train: TrainConfig) -> list[Any]:
    """Return the trackers of a config. Raises ConfigError where a package is missing, which accelerate leaves out unsaid."""
    available = {str(item) for item in get_available_trackers()}
    for name in train.trackers:
        if name not in available:
            raise ConfigError(f"train.trackers names {name!r} and its package is not installed here: pip install {name}")
    return list(train.trackers)
