"""The embedded model: a small pipeline that travels with the package, and the adapter trained on it.

``intergeneval run --model builtin:staged-base`` makes videos with the pipeline, ``builtin:staged-matrix`` with the adapter on top
of it; ``model.path = "builtin:staged-base"`` in a config of matrix-train trains on it. Importing this loads no learned-model
library.
"""

from __future__ import annotations

from pathlib import Path

from intergeneval.errors import ConfigError

BASE, ADAPTER = "staged-base", "staged-matrix"
"""Names of the pipeline and of the adapter."""
ROOT = Path(__file__).parent
"""Where they lie."""
PREFIX = "builtin:"
"""How a config and an adapter name the pipeline, wherever the package is installed."""
_MARKS = {BASE: "model_index.json", ADAPTER: "matrix_config.json"}


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
    return "make them with: matrix-train pretrain dit staged-small --out RUN, and give --model RUN/pipeline"
