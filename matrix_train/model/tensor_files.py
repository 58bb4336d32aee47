"""safetensors files: read with one error, written whole and with the same bytes for the same tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from intergeneval.errors import ConfigError
from intergeneval.records.disk import growing

_LENGTH = 8
"""Bytes in front of the header that say how long it is."""
_METADATA = "__metadata__"


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file. Raises ConfigError when it is missing or torn."""
    try:
        return load_file(str(path))
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from None


def read_metadata(path: Path) -> dict[str, str]:
    """Read what a safetensors file says of itself. Raises ConfigError when it is missing or torn."""
    try:
        with safe_open(str(path), framework="pt") as stream:
            return dict(stream.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from None


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file, there whole or not at all; equal content gives equal bytes."""
    with growing(path) as made:
        held = {name: tensors[name].detach().cpu().contiguous() for name in sorted(tensors)}
        save_file(held, str(made), dict(metadata) if metadata else None)
        sort_metadata(made)


def sort_metadata(path: Path) -> None:
    """Bring the metadata of a file that is not yet in use into the order of its names.

    safetensors writes it in the order of a hash table that is seeded anew in each process and each call.
    """
    with path.open("rb+") as stream:
        length = int.from_bytes(stream.read(_LENGTH), "little")
        header = json.loads(stream.read(length))
        if _METADATA not in header:
            return
        own = {_METADATA: dict(sorted(header.pop(_METADATA).items())), **header}
        text = json.dumps(own, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
        if len(text) > length:
            raise ConfigError(f"{path}: its header of {length} bytes would take {len(text)}; its metadata holds odd characters")
        stream.seek(_LENGTH)
        stream.write(text.ljust(length))
