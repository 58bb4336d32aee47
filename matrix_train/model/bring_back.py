"""A file of another tool as an adapter folder: by the names of diffusers, of kohya's tools or of ComfyUI."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from intergeneval.errors import ConfigError, RecordError
from intergeneval.plugins.video_models import read_rules
from intergeneval.records.disk import growing_folder, write_atomically
from matrix_train.backbones import Backbone
from matrix_train.backbones.files import look_up
from matrix_train.backbones.loading import load_outline, told_shape
from matrix_train.backbones.table import by_name
from matrix_train.model.adapter_info import AdapterInfo
from matrix_train.model.card import CARD
from matrix_train.model.checkpoint import CONFIG, LORA, MARK, REST, SCHEMA
from matrix_train.model.export import COMFY, KOHYA, OURS, diffusers_file, rows_of
from matrix_train.model.lora_files import METADATA, PREFIX, settings_of
from matrix_train.model.parts import Pair, parted
from matrix_train.model.tensor_files import read_metadata, read_tensors, write_tensors

_DOWN = ("lora_A.weight", "lora_down.weight", "lora.down.weight")
_UP = ("lora_B.weight", "lora_up.weight", "lora.up.weight")
_ENDS = {
    **dict.fromkeys(_DOWN, "down"),
    **dict.fromkeys(_UP, "up"),
    "lora_B.bias": "bias",
    "diff_b": "bias",
    "alpha": "alpha",
    "diff": "diff",
}


def bring_back(path: Path, out: Path, *, base: str = "", frames: int = 0, size: tuple[int, int] | None = None) -> AdapterInfo:
    """Write an adapter folder `out` from a file of any of the formats; return its mark.

    `base`, `frames` and `size` (height, width) are needed where the file was not written by `export` and the base does not tell
    them. The id map of an adapter stays lost. Raises ConfigError naming the first tensor that has no place in the base.
    """
    tensors, metadata = read_tensors(path), read_metadata(path)
    mark = _mark(metadata, path)
    named = base or str(mark.get("info", {}).get("base", ""))
    if not named:
        raise ConfigError(f"{path} does not say which base it is for; give it with --base")
    place = look_up(named)
    outline = load_outline(place)
    rows = rows_of(outline.transformer)
    pairs = _pairs(tensors, metadata, outline.name, rows, path)
    info = _info(mark, outline, named, place, (frames, size), path)
    if out.exists() and not (out / MARK).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"--out {out} holds something else than an adapter; give another folder")
    rank, alpha = _strength(pairs, mark)
    info = replace(info, rank=rank, alpha=alpha)
    written, told = diffusers_file(pairs, alpha, rank)
    out.parent.mkdir(parents=True, exist_ok=True)
    with growing_folder(out) as made:
        write_tensors(made / LORA, written, told)
        write_tensors(made / REST, {})
        if mark.get("config"):
            write_atomically(made / CONFIG, str(mark["config"]))
        write_atomically(made / CARD, _card(path, info, len(pairs)))
        write_atomically(made / MARK, json.dumps(info.to_json(), indent=1) + "\n")
    return info


def _mark(metadata: Mapping[str, str], path: Path) -> dict[str, Any]:
    try:
        found = json.loads(metadata.get(OURS, "{}"))
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("info", {}), dict):
        raise ConfigError(f"{path}: its metadata {OURS!r} cannot be read")
    return found


def _pairs(
    tensors: Mapping[str, Tensor], metadata: Mapping[str, str], backbone: str, rows: Mapping[str, int], path: Path
) -> dict[str, Pair]:
    """Return the pairs by the names of diffusers, the scale in the second matrix."""
    name_of = by_name(backbone).original
    places: dict[str, tuple[str, ...]] = {}
    for module in rows:
        original, members = name_of(module)
        places |= {KOHYA + original.replace(".", "_"): members, COMFY + original: members, PREFIX + module: (module,)}
        # Names of diffusers under the heads of the others are in use for models that have no others.
        places.setdefault(COMFY + module, (module,))
        places.setdefault(KOHYA + module.replace(".", "_"), (module,))
    found: dict[tuple[str, ...], dict[str, Tensor]] = {}
    odd = []
    for name, item in tensors.items():
        stem, part = next(((name[: -len(end) - 1], what) for end, what in _ENDS.items() if name.endswith(f".{end}")), (name, ""))
        if not part or stem not in places:
            odd.append(name)
        else:
            found.setdefault(places[stem], {})[part] = item
    if odd or not found:
        first = f", {odd[0]!r} first" if odd else ""
        raise ConfigError(
            f"{path}: {len(odd)} of its {len(tensors)} tensors name nothing of this {backbone}{first}; "
            "it is of another model, or of a format that is not known here"
        )
    scales = settings_of(metadata, str(path)) if METADATA in metadata else None
    pairs: dict[str, Pair] = {}
    for members, parts in found.items():
        scale = None if scales is None else scales.scale(members[0])
        pairs |= parted(_pair(members, parts, scale, path), members, rows)
    return pairs


def _pair(members: tuple[str, ...], parts: Mapping[str, Tensor], scale: float | None, path: Path) -> Pair:
    if "diff" in parts:
        raise ConfigError(f"{path}: holds the whole change of {members[0]} and no pair of matrices; it cannot be brought back")
    if not {"down", "up"} <= set(parts):
        raise ConfigError(f"{path}: {members[0]} has {' and '.join(sorted(parts))} alone; the file is not whole")
    down, up = parts["down"].float(), parts["up"].float()
    if scale is None:
        scale = float(parts["alpha"]) / down.shape[0] if "alpha" in parts else 1.0
    bias = parts.get("bias")
    return Pair(
        down, up * scale, None if bias is None or not bias.any() else bias.float() * (scale if len(members) == 1 else 1.0)
    )


def _strength(pairs: Mapping[str, Pair], mark: Mapping[str, Any]) -> tuple[int, int]:
    """Return rank and alpha: those that the adapter had, where it is still of that rank; else alpha is the rank."""
    ranks = sorted(pair.rank for pair in pairs.values() if pair.down.ndim == 2) or [pair.rank for pair in pairs.values()]
    info = mark.get("info", {})
    if info and info.get("rank") in ranks:
        return int(info["rank"]), int(info["alpha"])
    return ranks[-1], ranks[-1]


def _info(
    mark: Mapping[str, Any], outline: Backbone, base: str, place: Path, shape: tuple[int, tuple[int, int] | None], path: Path
) -> AdapterInfo:
    frames, size = shape
    plain: dict[str, Any] = {"id_map": "none", "projection": "", "channels": 0}
    if mark.get("info"):
        try:
            own = AdapterInfo.from_json({**mark["info"], **plain, "base": base}, where=str(path))
        except RecordError as error:
            raise ConfigError(str(error)) from None
        if own.backbone != outline.name:
            raise ConfigError(f"{path}: the adapter was trained on {own.backbone}; {base} is {outline.name}")
        return replace(own, frames=frames or own.frames, size=size or own.size)
    told, own_size = told_shape(place)
    frames, size = frames or told, size or own_size or read_rules(place).size
    if not frames or size is None:
        raise ConfigError(f"{base} does not say the shape of its videos; give --frames, --height and --width")
    return AdapterInfo(
        schema=SCHEMA,
        backbone=outline.name,
        base=base,
        channel_axis=outline.channel_axis,
        steps=0,
        rank=1,
        alpha=1,
        frames=frames,
        size=size,
        **plain,
    )


def _card(path: Path, info: AdapterInfo, modules: int) -> str:
    return (
        f"# An adapter for {info.base}\n\n"
        f"Brought back from `{path.name}` by `matrix-train import`: LoRA of rank {info.rank} and alpha {info.alpha} on {modules} "
        f"modules of {info.backbone}, for\n{info.frames} frames of {info.size[1]}x{info.size[0]}. An id map that it may have "
        "been trained with is not in it.\n\n"
        "`matrix_train.load_matrix` and `pipeline.load_lora_weights` of plain diffusers give it whole.\n"
    )
