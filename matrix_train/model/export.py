"""An adapter for those who have no matrix-train: one file that plain diffusers, kohya's tools or ComfyUI load whole.

What none of them can take is the id map: its channels of the input are not there in a plain pipeline. So an adapter that was
trained with one is refused, unless it is asked for as it is without: then the input projection, which was trained on as well,
becomes an adapter of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from intergeneval.errors import ConfigError
from intergeneval.records.disk import read_text
from matrix_train.backbones.files import look_up, resolve
from matrix_train.backbones.loading import load_outline, stored_tensors
from matrix_train.backbones.table import by_name
from matrix_train.model.adapter_info import AdapterInfo
from matrix_train.model.checkpoint import CONFIG, LORA, REST, read_info
from matrix_train.model.lora_files import METADATA, PREFIX, LoraSettings, check_fits, settings_of
from matrix_train.model.parts import Pair, as_pair, joined
from matrix_train.model.tensor_files import read_metadata, read_tensors, write_tensors

FORMATS = ("diffusers", "kohya", "comfyui")
KOHYA, COMFY = "lora_unet_", "diffusion_model."
OURS = "matrix_train"
"""Metadata by which `bring_back` knows what the adapter was."""
_NEVER = 1e-12
"""Changes of the projection below this are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """An adapter folder, read into memory."""

    folder: Path
    """Where it lies."""
    info: AdapterInfo
    """Its mark."""
    settings: LoraSettings | None
    """What its adapter file says; None where it has none."""
    pairs: Mapping[str, Pair]
    """Module -> its pair."""
    transformer: Any
    """The transformer that it belongs to, its shapes alone."""

    def rows(self) -> dict[str, int]:
        """Return the number of outputs of each layer of the transformer."""
        return rows_of(self.transformer)


def rows_of(transformer: torch.nn.Module) -> dict[str, int]:
    """Return the number of outputs of each linear layer and convolution."""
    kinds = (torch.nn.Linear, torch.nn.Conv2d, torch.nn.Conv3d)
    return {name: int(part.weight.shape[0]) for name, part in transformer.named_modules() if isinstance(part, kinds)}


def export(folder: Path, out: Path, kind: str, *, base: str = "", without_id_map: bool = False) -> list[str]:
    """Write an adapter folder as one file for another tool, `out`; return what is to be said of it, one line each.

    `kind` is one of `FORMATS`; `base` is where the base pipeline lies, if not where the adapter was trained. Raises ConfigError
    with the reason for what the tool cannot load whole.
    """
    if kind not in FORMATS:
        raise ConfigError(f"{kind!r} is no format; they are {', '.join(FORMATS)}")
    adapter = read_adapter(folder, base)
    pairs, said = dict(adapter.pairs), []
    if adapter.info.projection:
        if not without_id_map:
            raise ConfigError(
                f"{folder} was trained with an id map: {adapter.info.channels} further channels of the transformer's input, "
                f"which {kind} does not give. --without-id-map exports what the adapter does without one, which is less than it "
                "learned; load_matrix gives the whole"
            )
        said.append(f"without the id map: what load_matrix gives with id_map = None, and not what {folder} was trained for")
        change = _projection(adapter, base)
        if change is not None:
            pairs[adapter.info.projection] = change
            said.append(f"the input projection, which was trained on, is in it as an adapter of rank {change.rank}")
    if not pairs:
        raise ConfigError(f"{folder} holds no adapter: there is nothing to export")
    mark: dict[str, Any] = {"info": adapter.info.to_json(), "ranks": {name: pair.rank for name, pair in pairs.items()}}
    path = folder / CONFIG
    mark["config"] = read_text(path) if path.is_file() else ""
    own = {OURS: json.dumps(mark, sort_keys=True)}
    out.parent.mkdir(parents=True, exist_ok=True)
    if kind == "diffusers":
        _diffusers(adapter, pairs, out, own)
    elif kind == "kohya":
        _kohya(adapter, pairs, out, own)
    else:
        _comfyui(adapter, pairs, out, own)
    return said


def read_adapter(folder: Path, base: str = "") -> Adapter:
    """Read an adapter folder and hold it against the shapes of its base. Raises ConfigError."""
    info = read_info(folder)
    outline = load_outline(look_up(base or info.base))
    if outline.name != info.backbone:
        raise ConfigError(f"{folder}: the adapter was trained on {info.backbone}; {base or info.base} is {outline.name}")
    if not info.rank:
        return Adapter(folder=folder, info=info, settings=None, pairs={}, transformer=outline.transformer)
    path = folder / LORA
    settings, tensors = settings_of(read_metadata(path), str(path)), read_tensors(path)
    modules = check_fits(tensors, settings, outline.transformer, str(path))
    pairs = {name: _pair(tensors, settings, name) for name in modules}
    return Adapter(folder=folder, info=info, settings=settings, pairs=pairs, transformer=outline.transformer)


def _pair(tensors: Mapping[str, Tensor], settings: LoraSettings, module: str) -> Pair:
    down, up = (tensors[f"{PREFIX}{module}.lora_{part}.weight"].float() for part in "AB")
    bias, scale = tensors.get(f"{PREFIX}{module}.lora_B.bias"), settings.scale(module)
    return Pair(down, up * scale, None if bias is None or not bias.any() else bias.float() * scale)


def _projection(adapter: Adapter, base: str) -> Pair | None:
    """Return what training changed of the base's own part of the input projection; None where it changed nothing."""
    name = adapter.info.projection
    state = {key.removeprefix("projection."): item for key, item in read_tensors(adapter.folder / REST).items()}
    wanted = [part for part in ("weight", "bias") if part in state]
    found = stored_tensors(resolve(base or adapter.info.base), [f"{name}.{part}" for part in wanted])
    # What was not trained on is kept as the base was loaded, which may have rounded it.
    base_own = {part: found[f"{name}.{part}"].to(state[part].dtype).float() for part in wanted}
    change = {part: state[part].float() - base_own[part] for part in wanted}
    bias = change.get("bias")
    bias = None if bias is None or float(bias.abs().max()) <= _NEVER else bias
    if bias is None and float(change["weight"].abs().max()) <= _NEVER:
        return None
    return as_pair(change["weight"], bias)


def diffusers_file(pairs: Mapping[str, Pair], alpha: float, rank: int) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return tensors and metadata of diffusers' own format; pairs of another rank than `rank` have theirs in its patterns."""
    scale, biased = alpha / rank, any(pair.bias is not None for pair in pairs.values())
    others = {name: pair.rank for name, pair in sorted(pairs.items()) if pair.rank != rank or pair.down.ndim > 2}
    tensors: dict[str, Tensor] = {}
    for name, pair in pairs.items():
        own = 1.0 if name in others else scale
        tensors[f"{PREFIX}{name}.lora_A.weight"] = pair.down
        tensors[f"{PREFIX}{name}.lora_B.weight"] = pair.up / own
        if biased:
            bias = pair.up.new_zeros(pair.up.shape[0]) if pair.bias is None else pair.bias / own
            tensors[f"{PREFIX}{name}.lora_B.bias"] = bias
    settings = {
        "r": rank,
        "lora_alpha": int(alpha) if float(alpha).is_integer() else alpha,
        "target_modules": sorted(pairs),
        "rank_pattern": others,
        "alpha_pattern": others,
        "lora_bias": biased,
        "peft_type": "LORA",
    }
    metadata = {f"{PREFIX}{key}": value for key, value in settings.items()}
    return tensors, {"format": "pt", METADATA: json.dumps(metadata, indent=2, sort_keys=True)}


def _diffusers(adapter: Adapter, pairs: Mapping[str, Pair], out: Path, own: Mapping[str, str]) -> None:
    settings = adapter.settings
    rank, alpha = (settings.rank, settings.alpha) if settings is not None else (1, 1)
    tensors, metadata = diffusers_file(pairs, alpha, rank)
    write_tensors(out, tensors, {**metadata, **own})


def _originals(adapter: Adapter, pairs: Mapping[str, Pair]) -> dict[str, Pair]:
    """Return the pairs by the names that the model's makers gave the layers."""
    name_of, rows = by_name(adapter.info.backbone).original, adapter.rows()
    return {original: joined(members, pairs, rows) for original, members in dict.fromkeys(map(name_of, pairs))}


def _kohya(adapter: Adapter, pairs: Mapping[str, Pair], out: Path, own: Mapping[str, str]) -> None:
    tensors: dict[str, Tensor] = {}
    found = _originals(adapter, pairs)
    for name, pair in found.items():
        if pair.bias is not None:
            raise ConfigError(
                f"{adapter.folder}: the bias of {name} was trained on, and kohya's format has no place for one; "
                "export for diffusers or ComfyUI"
            )
        stem = KOHYA + name.replace(".", "_")
        tensors[f"{stem}.lora_down.weight"], tensors[f"{stem}.lora_up.weight"] = pair.down, pair.up
        # The scale is in the second matrix.
        tensors[f"{stem}.alpha"] = torch.tensor(float(pair.rank))
    most = str(max(pair.rank for pair in found.values()))
    told = {"ss_network_module": "networks.lora", "ss_network_dim": most, "ss_network_alpha": most}
    write_tensors(out, tensors, {**told, **own})


def _comfyui(adapter: Adapter, pairs: Mapping[str, Pair], out: Path, own: Mapping[str, str]) -> None:
    tensors: dict[str, Tensor] = {}
    for name, pair in _originals(adapter, pairs).items():
        stem = COMFY + name
        # No alpha: the scale is in the second matrix, since not every loader heeds one.
        tensors[f"{stem}.lora_A.weight"], tensors[f"{stem}.lora_B.weight"] = pair.down, pair.up
        if pair.bias is not None:
            tensors[f"{stem}.diff_b"] = pair.bias
    write_tensors(out, tensors, own)
