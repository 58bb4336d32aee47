"""How guidance is set: which attention is cut, in which layers, where, and how far the prediction moves away from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intergeneval.errors import ConfigError, RecordError
from intergeneval.records import Record
from intergeneval.records.disk import read_text
from matrix_train.backbones import MapKind
from matrix_train.backbones.loading import architecture
from matrix_train.backbones.table import by_name
from matrix_train.config import ROLES

KINDS = ("cmg", "cag")
REGIONS = ("two_pass", "first_frame")
CUTS = {"cmg": MapKind.V2T, "cag": MapKind.V2V}
"""Kind of guidance -> kind of map that it cuts, and in whose dominant layers it does so unless told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidanceConfig(Record):
    """Cross-modal and cross-frame attention guidance."""

    kinds: tuple[str, ...] = ()
    """``cmg``, ``cag`` or both, which then cut in one perturbed pass; empty: no guidance."""
    scale: float = 3.0
    """Factor s of e + s (e - e_perturbed); 0 gives the unguided video."""
    cmg_layers: tuple[int, ...] = ()
    """Layers whose video-to-text attention CMG cuts; empty: those the paper names for the backbone."""
    cag_layers: tuple[int, ...] = ()
    """Layers whose attention between frames CAG cuts; empty: those the paper names for the backbone."""
    regions: str = "two_pass"
    """Where an instance is: ``two_pass``: its track in an unguided video of the same seed; ``first_frame``: its first mask."""
    tracker: str = "flow"
    """Tracker of the two passes, as ``intergeneval run --tracker`` takes it."""
    roles: tuple[str, ...] = ROLES
    """Roles whose words CMG cuts off: sub, obj, verb."""

    def __post_init__(self) -> None:
        for name, values, allowed in (
            ("kinds", self.kinds, KINDS),
            ("roles", self.roles, ROLES),
            ("regions", (self.regions,), REGIONS),
        ):
            for value in values:
                if value not in allowed:
                    raise ValueError(f"attention_guidance.{name}: {value!r} is not one of {', '.join(allowed)}")
        if len(set(self.kinds)) < len(self.kinds):
            raise ValueError(f"attention_guidance.kinds names {self.kinds[0]} twice")
        if not 0 <= self.scale <= 100:
            raise ValueError(f"attention_guidance.scale is {self.scale}; it must lie between 0 and 100")
        if "cmg" in self.kinds and not self.roles:
            raise ValueError("attention_guidance.roles is empty; CMG needs at least one of sub, obj, verb")

    @property
    def active(self) -> bool:
        """Whether anything is guided at all."""
        return bool(self.kinds) and self.scale > 0

    @property
    def needs_regions(self) -> bool:
        """Whether masks and words of the instances are needed: CAG alone needs neither."""
        return self.active and "cmg" in self.kinds


def parse_kinds(text: str) -> tuple[str, ...]:
    """Read ``cmg,cag``; an empty text or ``none`` is no guidance."""
    found = tuple(item.strip() for item in text.split(",") if item.strip())
    return () if found == ("none",) else found


def parse(value: Any, *, where: str) -> GuidanceConfig:
    """Read guidance from a config file: a table, or only its kinds as a list or as ``cmg,cag``. Raises ConfigError."""
    if isinstance(value, bool | int | float):
        raise ConfigError(f"{where}: {value!r} is not cmg, cag or a table; the scale of classifier-free guidance is `guidance`")
    table = (
        {"kinds": list(parse_kinds(value))} if isinstance(value, str) else {"kinds": value} if isinstance(value, list) else value
    )
    try:
        return GuidanceConfig.from_json(table, where=where)
    except RecordError as error:
        raise ConfigError(str(error)) from None


def layers_of(config: GuidanceConfig, backbone: str, depth: int) -> dict[str, tuple[int, ...]]:
    """Return the layers in which each kind cuts. Raises ConfigError for one that a depth of `depth` does not have."""
    found = {}
    for kind in config.kinds:
        chosen = config.cmg_layers if kind == "cmg" else config.cag_layers
        name = f"attention_guidance.{kind}_layers"
        if not chosen:
            row = by_name(backbone)
            chosen = row.dominant.get(CUTS[kind], ())
            if not chosen:
                raise ConfigError(
                    f"{name} is not set, and the paper names no layers of a {backbone}; name layers from 0 to {depth - 1}"
                )
            if depth != row.dominant_depth:
                raise ConfigError(
                    f"{name} is not set, and the paper's {', '.join(map(str, chosen))} are layers of a {backbone} of "
                    f"{row.dominant_depth}, not of {depth}; name layers from 0 to {depth - 1}"
                )
        for layer in chosen:
            if not 0 <= layer < depth:
                raise ConfigError(f"{name}: layer {layer} does not exist; this {backbone} has layers 0 to {depth - 1}")
        found[kind] = tuple(sorted(set(chosen)))
    return found


def check_layers(config: GuidanceConfig, base: Path) -> None:
    """Raise ConfigError for layers that a pipeline folder does not have; its weights stay on the disk."""
    name = architecture(base)
    told = json.loads(read_text(base / "transformer" / "config.json"))
    layers_of(config, name, int(told["num_layers"]) + int(told.get("num_single_layers", 0)))
