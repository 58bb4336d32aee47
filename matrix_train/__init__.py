"""matrix_train: LoRA adapters that align the attention of video diffusion transformers with mask tracks.

`load_matrix` puts an adapter on a pipeline of diffusers, `Generator` makes videos with it; both are imported when first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matrix_train.model.checkpoint import load_matrix
    from matrix_train.sample.generate import Generator

__all__ = ["Generator", "__version__", "load_matrix"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "load_matrix":
        from matrix_train.model import checkpoint

        return checkpoint.load_matrix
    if name == "Generator":
        from matrix_train.sample import generate

        return generate.Generator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
