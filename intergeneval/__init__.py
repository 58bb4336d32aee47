"""InterGenEval: who does what to whom in a generated video, and does it hold over time.

`evaluate` runs the evaluation and `load_run` reads a run folder back; both are imported when first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from intergeneval.api import evaluate, load_run

__all__ = ["__version__", "evaluate", "load_run"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in ("evaluate", "load_run"):
        from intergeneval import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
