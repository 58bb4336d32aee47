"""The embedded models: small pipelines that travel with the package, and an adapter trained on one of them.

``intergeneval run --model builtin:staged-base`` makes videos with the pipeline of the staged world, ``builtin:staged-matrix``
with the adapter on top of it, ``builtin:binding-base`` with the pipeline of the binding world; ``model.path =
"builtin:staged-base"`` in a config of matrix-train trains on it. Importing this loads no learned-model library.
"""

from __future__ import annotations

from pathlib import Path

from intergeneval.errors import ConfigError

BASE, ADAPTER, BINDING = "staged-base", "staged-matrix", "binding-base"
"""Names of the staged world's pipeline, of the adapter on it, and of the binding world's pipeline."""
ROOT = Path(__file__).parent
"""Where they lie."""
PREFIX = "builtin:"
"""How a config and an adapter name a pipeline, wherever the package is installed."""
_MARKS = {BASE: "model_index.json", ADAPTER: "matrix_config.json", BINDING: "model_index.json"}


def folder(name: str) -> Path:
    """Return the folder of an embedded model. Raises ConfigError naming those that exist."""
    if name not in _MARKS:
        raise ConfigError(f"no embedded model is called {name!r}; there are: {', '.join(_MARKS)}")
    found = ROOT / name
    if not (found / _MARKS[name]).is_file():
        raise ConfigError(f"{PREFIX}{name}: this version brings no weights for it; {_way_out(name)}")
    return found


def _way_out(name: str) -> str:
    if name == ADAPTER:
        return f"train them with: matrix-train fit matrix --set model.path={PREFIX}{BASE}"
    recipe = "binding-small" if name == BINDING else "staged-small"
    return f"make them with: matrix-train pretrain dit {recipe} --out RUN, and give --model RUN/pipeline"
