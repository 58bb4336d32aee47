"""Folders that hold the weights of a LoRA adapter rather than videos: told by their files, in the forms that trainers write."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path

_LARGEST_HEADER = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """An adapter that lies in a folder, or is one file."""

    form: str
    """``peft``, ``diffusers``, ``kohya`` (which musubi-tuner writes too) or ``unknown``."""
    file: Path
    """Its weights."""


def adapter_in(place: Path) -> Adapter | None:
    """Return the adapter that a folder or a safetensors file holds; None where it holds none."""
    files = [place] if place.is_file() else sorted(item for item in place.glob("*.safetensors") if item.is_file())
    for file in files:
        if file.suffix != ".safetensors":
            continue
        form = _form(_names(file))
        if form:
            return Adapter(
                form="peft" if (file.parent / "adapter_config.json").is_file() and form != "kohya" else form, file=file
            )
    if place.is_dir() and (place / "adapter_config.json").is_file():
        # peft's older form, a pickle, which is never loaded.
        return Adapter(form="unknown", file=place / "adapter_config.json")
    return None


def _form(names: list[str]) -> str:
    """Return the form that names of tensors are written in; empty where they are no adapter's."""
    if any(name.endswith((".lora_down.weight", ".lora_up.weight")) for name in names):
        return "kohya"
    if not any(".lora_A." in name or ".lora_B." in name or ".lora.down." in name for name in names):
        return ""
    return "peft" if any(name.startswith("base_model.model.") for name in names) else "diffusers"


def _names(file: Path) -> list[str]:
    """Return the names of a safetensors file's tensors, by its header alone; none for a file that is damaged."""
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            header = json.loads(stream.read(length)) if length <= _LARGEST_HEADER else {}
    except (OSError, struct.error, ValueError):
        return []
    return [name for name in header if name != "__metadata__"] if isinstance(header, dict) else []
