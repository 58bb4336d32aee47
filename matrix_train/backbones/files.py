"""The folder of a pipeline on disk: found by path, name or hub id, described by its files; its tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from intergeneval.errors import ConfigError
from intergeneval.ids import sha256_bytes, sha256_json
from matrix_train import builtin

_HEAD = 1 << 16


def resolve(path: str) -> Path:
    """Return the local folder of a pipeline: itself, ``builtin:NAME``, or a hub id, which is downloaded. Raises ConfigError."""
    if not path:
        raise ConfigError("model.path is empty; give the folder of a diffusers pipeline or its hub id")
    if path.startswith(builtin.PREFIX):
        return builtin.folder(path.removeprefix(builtin.PREFIX))
    folder = Path(path)
    if not is_hub_id(path):
        if not (folder / "model_index.json").is_file():
            raise ConfigError(f"model.path: {path} is not a diffusers pipeline folder (it has no model_index.json)")
        return folder
    from diffusers import DiffusionPipeline

    try:
        return Path(DiffusionPipeline.download(path))
    except Exception as error:  # noqa: BLE001  # the hub client raises many kinds, all of which mean that it is not to be had
        raise ConfigError(f"model.path: {path} is no folder here and cannot be downloaded ({error})") from None


def look_up(path: str) -> Path:
    """Return a folder with index and transformer config of a pipeline, as `resolve` takes it, without fetching weights.

    Raises ConfigError where they cannot be had.
    """
    if not is_hub_id(path):
        return resolve(path)
    from huggingface_hub import hf_hub_download

    try:
        hf_hub_download(path, "transformer/config.json")
        return Path(hf_hub_download(path, "model_index.json")).parent
    except Exception as error:  # noqa: BLE001  # the hub client raises many kinds, all of which mean that it is not to be had
        raise ConfigError(f"model.path: {path} is no folder here and cannot be looked up on the hub ({error})") from None


def is_hub_id(path: str) -> bool:
    """Return whether `resolve` takes a path for the id of a repository on the hub: OWNER/NAME, and no folder here."""
    return not path.startswith((builtin.PREFIX, ".", "/")) and path.count("/") == 1 and not Path(path).exists()


def load_tokenizer(folder: Path) -> Any:
    """Load the tokenizer of a pipeline folder.

    By its file and not by the class that the pipeline names: transformers 5 builds the class of HunyuanVideo's tokenizer anew,
    with rules that are not byte-level and cut the prompt's template into other tokens than the model was trained on.
    """
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer
    return tokenizer.from_pretrained(folder / "tokenizer")


def describe(folder: Path, parts: tuple[str, ...]) -> str:
    """Return a hash of the named parts of a pipeline: their small files whole, of large ones the size and the first 64 KiB.

    The head of a safetensors file holds the name, type and place of every tensor; a re-trained file of equal layout whose first
    tensors are equal too would not be told apart.
    """
    found: dict[str, list[Any]] = {}
    for part in parts:
        for path in sorted((folder / part).rglob("*")):
            if path.is_file():
                with path.open("rb") as stream:
                    found[str(path.relative_to(folder))] = [path.stat().st_size, sha256_bytes(stream.read(_HEAD))]
    return sha256_json(found)
