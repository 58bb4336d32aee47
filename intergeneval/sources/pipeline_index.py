"""What the index of a diffusers pipeline says: its class, which must be the library's own, and how its tokenizers are loaded."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers

from intergeneval.errors import ConfigError
from intergeneval.plugins.weights import Weights
from intergeneval.records.disk import read_text

MARKER = "model_index.json"
"""Name of the index, beside the folders of a pipeline's parts."""
REBUILT = ("LlamaTokenizer", "LlamaTokenizerFast")
"""Classes that do not read a tokenizer's file as it stands: transformers 5.24 builds Llama 2's rules around its vocabulary.

HunyuanVideo's pipelines name the second for a byte-level tokenizer of Llama 3, and lose the spaces of every prompt by it.
"""


def pipeline_class(owner: str, weights: Weights) -> tuple[str, Any, Mapping[str, Any]]:
    """Return name and class of a pipeline, and its index. Raises ConfigError, naming `owner`, the plug-in.

    The class must be one of the library's own: a folder must not bring code along.
    """
    folder = Path(weights.source)
    if folder.is_dir():
        place_of_index = folder / MARKER
    else:
        from huggingface_hub import hf_hub_download

        place_of_index = Path(hf_hub_download(weights.source, MARKER))
    try:
        index = json.loads(read_text(place_of_index))
        name = index["_class_name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{owner}: {place_of_index} does not say which pipeline it is ({type(error).__name__}: {error})"
        ) from None
    found = getattr(diffusers, name, None) if isinstance(name, str) and name.isidentifier() else None
    if not (inspect.isclass(found) and issubclass(found, diffusers.DiffusionPipeline)):
        raise ConfigError(
            f"{owner}: {place_of_index} names the pipeline {name!r}, which diffusers {diffusers.__version__} does not have"
        )
    return name, found, index


def rebuilt_tokenizers(weights: Weights, index: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tokenizers that a pipeline would load by a class that rebuilds them, loaded by their files."""
    named = {part for part, made in index.items() if isinstance(made, list) and made[-1:] and made[-1] in REBUILT}
    if not named:
        return {}
    from transformers import AutoTokenizer

    auto: Any = AutoTokenizer
    return {part: auto.from_pretrained(weights.source, subfolder=part) for part in sorted(named)}
