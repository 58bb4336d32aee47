"""Does a file hold the whole of an adapter, under the names of this transformer? Told before and after it is loaded.

Libraries that load adapters pass over what they do not know: a file with other names loads nothing, half of a file loads half,
and the base is shown under the adapter's name. So the names, the pairs and the shapes are held against the transformer first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn

from intergeneval.errors import ConfigError

PREFIX = "transformer."
"""In front of every name in a file of diffusers."""
METADATA = "lora_adapter_metadata"
DOWN, UP, BIAS = "lora_A.weight", "lora_B.weight", "lora_B.bias"
BACK = "if another tool wrote it, bring it into this format with 'matrix-train import'"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraSettings:
    """What the metadata of an adapter file says."""

    rank: int
    """Rank of each pair of matrices."""
    alpha: float
    """Numerator of the scale alpha / rank."""
    modules: tuple[str, ...]
    """Adapted modules, sorted; empty where they are not listed."""
    raw: Mapping[str, Any]
    """All of it, without the prefix of its names."""

    def rank_of(self, module: str) -> int:
        """Return the rank of a module's pair."""
        rank: int = (self.raw.get("rank_pattern") or {}).get(module, self.rank)
        return rank

    def scale(self, module: str) -> float:
        """Return the factor on a module's product."""
        return float((self.raw.get("alpha_pattern") or {}).get(module, self.alpha)) / float(self.rank_of(module))


def settings_of(metadata: Mapping[str, str], where: str) -> LoraSettings:
    """Read rank, alpha and modules out of a file's metadata. Raises ConfigError where they are not told."""
    try:
        found = json.loads(metadata.get(METADATA, "{}"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ConfigError(f"{where}: its metadata cannot be read")
    raw = {key.removeprefix(PREFIX): value for key, value in found.items()}
    rank, alpha, modules = raw.get("r"), raw.get("lora_alpha"), raw.get("target_modules")
    if not isinstance(rank, int) or not isinstance(alpha, int | float) or rank < 1:
        raise ConfigError(f"{where}: its metadata names no rank and alpha, so its strength is not known; {BACK}")
    listed = tuple(sorted(modules)) if isinstance(modules, list) else ()
    return LoraSettings(rank=rank, alpha=alpha, modules=listed, raw=raw)


def modules_of(names: Mapping[str, Any] | set[str], where: str) -> dict[str, set[str]]:
    """Return the parts that a file has of each adapted module. Raises ConfigError for names of another format."""
    found: dict[str, set[str]] = {}
    odd = []
    for name in sorted(names):
        stem, part = next(((name[: -len(end) - 1], end) for end in (DOWN, UP, BIAS) if name.endswith(f".{end}")), ("", ""))
        if not stem.startswith(PREFIX):
            odd.append(name)
        found.setdefault(stem.removeprefix(PREFIX), set()).add(part)
    if odd:
        raise ConfigError(
            f"{where}: {len(odd)} of its {len(names)} tensors have names that are none of an adapter of diffusers, "
            f"{odd[0]!r} first, and would be passed over; {BACK}"
        )
    return found


def check_fits(tensors: Mapping[str, Tensor], settings: LoraSettings, transformer: nn.Module, where: str) -> tuple[str, ...]:
    """Return the modules that a file adapts. Raises ConfigError unless it is whole and every tensor has its place."""
    found = modules_of({*tensors}, where)
    wanted = set(settings.modules) or set(found)
    lost, strange = sorted(wanted - set(found)), sorted(set(found) - wanted)
    if lost:
        raise ConfigError(
            f"{where}: holds {len(found)} of the {len(wanted)} modules that the adapter has, without {lost[0]}; it is not whole"
        )
    if strange:
        raise ConfigError(f"{where}: holds {strange[0]}, which its metadata does not list among the adapter's modules")
    if not found:
        raise ConfigError(f"{where}: holds no tensor of an adapter")
    parts = dict(transformer.named_modules())
    for module in sorted(found):
        if not {DOWN, UP} <= found[module]:
            raise ConfigError(f"{where}: {module} has {' and '.join(sorted(found[module]))} alone; it is not whole")
        _check_shapes(tensors, settings, module, parts.get(module), where)
    return tuple(sorted(found))


def _check_shapes(tensors: Mapping[str, Tensor], settings: LoraSettings, module: str, part: Any, where: str) -> None:
    base = getattr(part.get_base_layer() if isinstance(part, BaseTunerLayer) else part, "weight", None)
    if base is None:
        raise ConfigError(f"{where}: does not fit this pipeline: its transformer has no {module}")
    down, up = (tensors[f"{PREFIX}{module}.{end}"] for end in (DOWN, UP))
    rank = settings.rank_of(module)
    shapes = (tuple(down.shape), tuple(up.shape))
    ones = (1,) * (base.ndim - 2)
    wanted = ((rank, *base.shape[1:]), (base.shape[0], rank, *ones))
    if shapes != wanted:
        raise ConfigError(
            f"{where}: does not fit this pipeline: {module} has matrices of {shapes[0]} and {shapes[1]}, "
            f"and {wanted[0]} and {wanted[1]} are wanted"
        )


def check_loaded(transformer: nn.Module, name: str, modules: tuple[str, ...], settings: LoraSettings, where: str) -> None:
    """Raise ConfigError unless every module of a file is adapted under `name`, at its scale, and no other is."""
    layers = {path: item for path, item in transformer.named_modules() if isinstance(item, BaseTunerLayer)}
    loaded: dict[str, Any] = {path: item for path, item in layers.items() if name in getattr(item, "lora_A", {})}
    missing = [module for module in modules if module not in loaded]
    if missing:
        raise ConfigError(f"{where}: {len(modules) - len(missing)} of its {len(modules)} modules were loaded, not {missing[0]}")
    for module in modules:
        scale = float(loaded[module].scaling[name])
        if abs(scale - settings.scale(module)) > 1e-6 * max(1.0, abs(scale)):
            raise ConfigError(f"{where}: {module} was loaded at the scale {scale:g} and not {settings.scale(module):g}")
