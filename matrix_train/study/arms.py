"""From an arm and a training seed to the config that `matrix-train fit` would take, and to the settings of its source."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from intergeneval.errors import ConfigError
from intergeneval.records.disk import read_toml
from matrix_train import config as configs
from matrix_train.config import Config
from matrix_train.study.plan import Arm, LayerSet, StudyPlan

RECIPES = Path(configs.__file__).parent / "recipes"
SAVES = 5
"""Checkpoints of a training: what a killed one loses at most is a fifth of it."""


def is_trained(plan: StudyPlan, arm: Arm) -> bool:
    """Whether the adapter an arm samples was trained, so that a training seed is a factor of its scores."""
    return config_of(plan, plan.source(arm), plan.seeds[0]).train.steps > 0


def seeds_of(plan: StudyPlan, arm: Arm) -> tuple[int | None, ...]:
    """Return the training seeds of an arm; (None,) where nothing is trained."""
    return plan.seeds if is_trained(plan, arm) else (None,)


def config_of(plan: StudyPlan, arm: Arm, seed: int | None, *, data: str = "", cache: str = "") -> Config:
    """Return the training config of an arm. Raises ConfigError for a recipe or field that does not exist.

    A recipe's layers are replaced by the arm's layer set, kind by kind: a kind that the recipe leaves out stays out, and ``[-1]``
    (all) stays all. An arm whose recipe trains nothing stays untrained whatever the study's steps are.
    """
    where = f"study {plan.name}, arm {arm.name}"
    path = RECIPES / f"{arm.recipe}.toml"
    if not path.is_file():
        known = ", ".join(sorted(item.stem for item in RECIPES.glob("*.toml")))
        raise ConfigError(f"{where}: there is no recipe {arm.recipe!r}; recipes are {known}")
    table: dict[str, Any] = read_toml(path)
    steps = table["train"]["steps"]
    layers = layers_of(plan, arm)
    if layers is not None:
        _place(table, layers)
    for layer in (plan.training, arm.training):
        _lay(table, layer)
    shape = plan.shape
    base = plan.base
    model = {"path": base.model, "dtype": base.dtype, "gradient_checkpointing": base.gradient_checkpointing}
    _lay(table, {"model": model})
    _lay(table, {"data": {"path": data, "cache": cache, "frames": shape.frames, "height": shape.height, "width": shape.width}})
    if not plan.clips.path:
        # The study's own clips are played at this rate, whatever the base's is.
        table["data"].setdefault("fps", shape.rate)
    _lay(table, {"train": {"seed": seed or 0, **({} if steps else {"steps": 0})}})
    wanted = table["train"]["steps"]
    # An arm trains on every clip of the study, which compares the videos; a plan may say otherwise.
    table.setdefault("heldout", {}).setdefault("share", 0.0)
    table["train"].setdefault("save_every", max(1, -(-wanted // SAVES)))
    return configs.parse(table, where=where)


def cache_of(config: Config) -> str:
    """Return the name of the cache that a config can share: what differs beside it does not change what is encoded."""
    return f"{config.condition.id_map}-x{config.decoder.scale}"


def settings_of(plan: StudyPlan, arm: Arm) -> dict[str, Any]:
    """Return the settings of the source that makes an arm's videos; guidance that names no layers cuts those of the layer set."""
    settings: dict[str, Any] = {"dtype": plan.base.dtype, "fps": plan.shape.rate, **plan.generation, **arm.generation}
    guidance, layers = settings.get("attention_guidance"), layers_of(plan, arm)
    if isinstance(guidance, Mapping) and layers is not None:
        own = {"cmg": ("cmg_layers", layers.v2t), "cag": ("cag_layers", layers.v2v)}
        chosen = {name: list(found) for kind, (name, found) in own.items() if kind in guidance.get("kinds", ())}
        settings["attention_guidance"] = {**chosen, **guidance}
    return settings


def layers_of(plan: StudyPlan, arm: Arm) -> LayerSet | None:
    """Return the layer set of an arm; None where it keeps its recipe's layers. Raises ConfigError for a set that is not there."""
    if not arm.layers:
        return None
    if arm.layers not in plan.layers:
        raise ConfigError(
            f"study {plan.name}, arm {arm.name}: there is no layer set {arm.layers!r}; "
            f"add [layers.{arm.layers}] with lora, v2t and v2v, as `matrix-train analyze` suggests them for the base model"
        )
    return plan.layers[arm.layers]


def _place(table: dict[str, Any], layers: LayerSet) -> None:
    if table["lora"]["layers"] not in ([], [-1]):
        table["lora"]["layers"] = list(layers.lora)
    for kind, chosen in (("v2t", layers.v2t), ("t2v", layers.t2v or layers.v2t), ("v2v", layers.v2v)):
        if table["layers"][kind]:
            table["layers"][kind] = list(chosen)


def _lay(table: dict[str, Any], over: Mapping[str, Mapping[str, Any]]) -> None:
    for section, values in over.items():
        table.setdefault(section, {}).update(values)
