"""The embedded models as sources of videos: small pipelines that travel with the package, and the adapter trained on one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intergeneval.errors import ConfigError
from matrix_train import builtin

NEEDS = ("torch", "diffusers", "safetensors", "peft")
"""Packages that `create` imports when it is asked for a model; ``intergeneval doctor`` looks for them."""
STEPS, GUIDANCE, FPS = 20, 3.0, 8.0 / 3.0
"""Sampling steps, guidance scale and frames per second unless a setting says otherwise; a video lasts as long as a staged one."""
BINDING: Mapping[str, Any] = {"steps": 10, "guidance": 1.0, "dtype": "float32"}
"""The same of the binding world's base, as it is measured; its files tell the frames per second."""


def create(argument: str, settings: Mapping[str, Any]) -> Any:
    """Make the source of an embedded model; `settings` are those of the source ``matrix``.

    Raises ConfigError for an unknown name or setting, and where the weights are not there.
    """
    if not argument:
        names = ", ".join(f"--model {builtin.PREFIX}{name}" for name in (builtin.BASE, builtin.ADAPTER, builtin.BINDING))
        raise ConfigError(f"source 'builtin' needs a name: {names}")
    given: dict[str, Any] = {"steps": STEPS, "guidance": GUIDANCE, "fps": FPS, "dtype": "float32"}
    if argument == builtin.BINDING:
        given = dict(BINDING)
    if argument == builtin.ADAPTER:
        # Wherever the adapter was trained, its base is the embedded one.
        given["base"] = f"{builtin.PREFIX}{builtin.BASE}"
    found = builtin.folder(argument)

    from matrix_train.sample.source import MatrixSource

    return MatrixSource(str(found), {**given, **settings})
