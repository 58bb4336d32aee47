"""One frozen dataclass per component, read from TOML, written as TOML beside every checkpoint."""

from __future__ import annotations

import json
import math
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from intergeneval.errors import ConfigError, RecordError
from intergeneval.records import Record
from intergeneval.records.disk import read_toml
from matrix_train.alignment import (
    ROLES,
    DecoderConfig,
    HeldoutConfig,
    LayersConfig,
    LossConfig,
    ReadoutConfig,
    different,
    later,
    one_of,
    share,
)

__all__ = ["ROLES", "DecoderConfig", "HeldoutConfig", "LayersConfig", "LossConfig", "ReadoutConfig"]
ID_MAPS = ("palette", "target", "none")
SMALLEST = 16
"""Pixels of the smallest side: one token of the backbones, eight pixels of the VAE by a patch of two."""
STEP = 8
"""Pixels of a latent cell: the VAEs would cut other sizes without a word, and pipelines refuse them."""
IMAGE_NOISES = ("recipe", "base", "none")
WINDOWS = ("start", "random")
MOST_WINDOWS = 1000
TRACKERS = ("tensorboard", "wandb", "trackio", "mlflow")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig(Record):
    """The base model."""

    path: str = ""
    """Folder of a diffusers pipeline, or its id on a model hub."""
    dtype: str = "bfloat16"
    """Type of the frozen weights: bfloat16 or float32."""
    gradient_checkpointing: bool = True
    """Recompute blocks in the backward pass instead of keeping their activations."""

    def __post_init__(self) -> None:
        one_of("model.dtype", self.dtype, ("bfloat16", "float32"))


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig(Record):
    """The clips and the shape in which they are trained."""

    path: str = ""
    """Dataset folder: ours (clips.jsonl) or the release's (metadata.csv, .json or .jsonl)."""
    cache: str = ""
    """Folder of precomputed latents, texts and masks; empty: ``.matrix-cache`` inside `path`."""
    frames: int = 49
    """Frames of a training clip; one more than a multiple of four."""
    height: int = 480
    """Height in pixels."""
    width: int = 720
    """Width in pixels."""
    sizes: tuple[tuple[int, int], ...] = ()
    """Further (height, width) buckets; a clip goes to the one whose aspect is nearest."""
    fps: float = later(0.0)
    """Frames per second at which clips are seen; 0: the base model's own."""
    resample: bool = later(default=True)
    """Bring clips of another rate to `fps`, frames and masks by time; false: take their frames one by one, as if they had it."""
    stride: int = later(1)
    """Take every n-th frame at that rate."""
    window: str = later("start")
    """Which part of a longer clip: ``start``: from its first frame, several ones evenly spread behind it; ``random``: drawn once
    from the clip's id, so that every seed shares a cache."""
    windows: int = later(1)
    """Windows of a clip at most, each a training clip of its own; a clip that has not as many different ones gives fewer."""
    bad_limit: float = later(0.05)
    """Share of the clips that may be left out because they cannot be trained on; each is named with its reason."""
    prefetch: int = later(2)
    """Batches that are read ahead while a step runs; 0: none."""

    def __post_init__(self) -> None:
        one_of("data.window", self.window, WINDOWS)
        share("data.bad_limit", self.bad_limit)
        if not 0 <= self.fps < 1000:
            raise ValueError(f"data.fps is {self.fps}; it must be above 0 and under 1000, or 0 for the base model's own")
        if self.stride < 1 or not 1 <= self.windows <= MOST_WINDOWS or self.prefetch < 0:
            raise ValueError(f"data.stride must be at least 1, data.windows 1 to {MOST_WINDOWS}, data.prefetch not negative")
        if self.frames < 5 or self.frames % 4 != 1:
            raise ValueError(f"data.frames is {self.frames}; it must be one more than a multiple of four, at least 5")
        for height, width in ((self.height, self.width), *self.sizes):
            if min(height, width) < SMALLEST:
                raise ValueError(f"data: a size of {height}x{width} is below {SMALLEST} pixels")
            if height % STEP or width % STEP:
                raise ValueError(f"data: a size of {height}x{width} is no multiple of {STEP} pixels in both directions")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionConfig(Record):
    """The first-frame conditioning that grows the input projection."""

    id_map: str = "palette"
    """``palette``: every instance in its own colour; ``target``: the object's mask alone; ``none``: no extra channels."""
    image_dropout: float = 0.05
    """Share of training clips whose first-frame latent is replaced by zeros, where it lies beside the video."""
    image_noise: str = "recipe"
    """Noise on the first frame's pixels, drawn and encoded anew in each step: ``recipe``: as the backbone's own training recipe
    has it (CogVideoX does, the others do not); ``base``: as this very base was trained, where its folder tells, and never more
    noise or dropout than the backbone's recipe; ``none``."""
    text_dropout: float = later(0.0)
    """Share of training clips whose caption is replaced by the empty one; SGA has nothing to ground in them."""
    id_map_dropout: float = later(0.0)
    """Share of training clips whose id map is replaced by zeros."""
    projection: str = later("all")
    """Weights of the grown input projection that are trained: ``all``: the base's too; ``grown``: the new channels' alone, so
    that without an id map the projection stays the base's."""
    id_map_mask: bool = later(default=False)
    """Put four channels in front of the id map's latent that are one on the first frame and zero after it: the 20 channels
    of the release."""

    def __post_init__(self) -> None:
        one_of("condition.id_map", self.id_map, ID_MAPS)
        one_of("condition.image_noise", self.image_noise, IMAGE_NOISES)
        one_of("condition.projection", self.projection, ("all", "grown"))
        for name in ("image_dropout", "text_dropout", "id_map_dropout"):
            share(f"condition.{name}", getattr(self, name))
        if self.id_map == "none" and (self.id_map_dropout or self.id_map_mask or self.projection != "all"):
            raise ValueError(
                "condition.id_map is 'none', so condition.id_map_dropout, id_map_mask and projection have nothing to act on"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraConfig(Record):
    """The adapter."""

    rank: int = 128
    """Rank of each pair of matrices."""
    alpha: int = 64
    """Numerator of the scale alpha / rank."""
    layers: tuple[int, ...] = (7, 11, 12)
    """Layers whose q, k, v and out are adapted; [-1] means all."""
    attentions: str = later("all")
    """Where a layer has an attention of its own for each kind of map (Wan): ``all``: both are adapted; ``aligned``: the one that
    holds the kinds for which the layer is aligned, and both in a layer that is aligned for none."""

    def __post_init__(self) -> None:
        if self.rank < 1 or self.alpha < 1:
            raise ValueError(f"lora.rank and lora.alpha must be at least 1, not {self.rank} and {self.alpha}")
        different("lora.layers", self.layers)
        one_of("lora.attentions", self.attentions, ("all", "aligned"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig(Record):
    """The loop."""

    steps: int = 4000
    """Optimiser steps; 0 trains nothing."""
    batch: int = 1
    """Clips of one process in one forward pass."""
    accumulate: int = 1
    """Forward passes per optimiser step."""
    rate: float = 1e-4
    """Peak learning rate of adapter and projection."""
    decoder_rate: float = 1e-3
    """Peak learning rate of the decoders."""
    weight_decay: float = 1e-4
    """AdamW's weight decay."""
    warmup: int = 100
    """Steps of linear warm-up."""
    clip_norm: float = 1.0
    """Upper bound of the gradient's norm."""
    seed: int = 0
    """Seed of noise, timesteps, dropout, order and initial weights."""
    save_every: int = 500
    """Steps between checkpoints; the last step is always saved."""
    validate_every: int = 0
    """Steps between validation videos; 0: none."""
    validate_clips: int = 1
    """Clips that are sampled at each validation: the first ones that are held out, or of the dataset where none is."""
    log_every: int = 10
    """Steps between log lines."""
    skip_limit: int = later(20)
    """Steps that may be skipped in all because loss or gradient was not finite; one more ends the run."""
    init_from: str = later("")
    """Adapter folder whose tensors the run begins with; empty: none."""
    ema: float = later(0.0)
    """Decay of the moving average of the trained weights, which is then what is saved, compared and sampled; 0: none."""
    tie_decoder: bool = later(default=False)
    """Let the decoders' rate be the adapter's once the warm-up is over, so that they cannot outrun it."""
    clip_apart: bool = later(default=False)
    """Clip the gradients of adapter, projection and decoders each by itself, so that the one does not shrink the other."""
    trackers: tuple[str, ...] = later(("tensorboard",))
    """Where the log goes beside log.jsonl: tensorboard, wandb, trackio, mlflow."""

    def __post_init__(self) -> None:
        if self.steps < 0 or min(self.batch, self.accumulate, self.save_every, self.log_every) < 1:
            raise ValueError("train.steps must not be negative; batch, accumulate, save_every and log_every at least 1")
        if self.skip_limit < 0:
            raise ValueError(f"train.skip_limit is {self.skip_limit}; it must not be negative")
        if min(self.warmup, self.validate_every) < 0 or self.validate_clips < 1:
            raise ValueError("train.warmup and train.validate_every must not be negative, and train.validate_clips at least 1")
        if min(self.rate, self.decoder_rate, self.weight_decay) < 0 or self.clip_norm <= 0:
            raise ValueError("train.rate, decoder_rate and weight_decay must not be negative, and train.clip_norm above 0")
        if not 0 <= self.ema < 1:
            raise ValueError(f"train.ema is {self.ema}; it must be 0 (none) or a decay below 1, such as 0.999")
        for name in self.trackers:
            one_of("train.trackers", name, TRACKERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(Record):
    """All of a training run."""

    model: ModelConfig = field(default_factory=ModelConfig)
    """The base model."""
    data: DataConfig = field(default_factory=DataConfig)
    """The clips."""
    condition: ConditionConfig = field(default_factory=ConditionConfig)
    """First-frame conditioning."""
    lora: LoraConfig = field(default_factory=LoraConfig)
    """The adapter."""
    layers: LayersConfig = field(default_factory=LayersConfig)
    """Aligned layers."""
    readout: ReadoutConfig = field(default_factory=ReadoutConfig)
    """Attention maps."""
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    """Mask decoders."""
    loss: LossConfig = field(default_factory=LossConfig)
    """The loss."""
    train: TrainConfig = field(default_factory=TrainConfig)
    """The loop."""
    heldout: HeldoutConfig = field(default_factory=HeldoutConfig)
    """Clips that are kept out of training, to compare with the base."""

    def __post_init__(self) -> None:
        if self.loss.kind == "mass" and self.readout.mode != "probs":
            raise ValueError("loss.kind = 'mass' needs probabilities; set readout.mode = 'probs'")
        for name, chosen, roles in (
            ("sga", (*self.layers.v2t, *self.layers.t2v), self.loss.sga_roles),
            ("spa", self.layers.v2v, self.loss.spa_roles),
        ):
            if chosen and getattr(self.loss, name) > 0 and not roles:
                raise ValueError(f"loss.{name}_roles is empty, so its layers {list(chosen)} would be aligned with nothing")


def load(path: Path, overrides: tuple[str, ...] = ()) -> Config:
    """Read a TOML config; `overrides` are ``section.field=value`` texts. Raises ConfigError naming file and field."""
    return parse(read_table(path, overrides), where=str(path))


def read_table(path: Path | None, overrides: tuple[str, ...] = ()) -> dict[str, Any]:
    """Read a TOML file (None: an empty one) and apply ``section.field=value`` texts. Raises ConfigError."""
    table: dict[str, Any] = {}
    if path is not None:
        try:
            table = read_toml(path)
        except FileNotFoundError:
            raise ConfigError(f"{path}: there is no such config file") from None
        except OSError as error:
            raise ConfigError(f"{path}: the config cannot be read ({error.strerror})") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: not TOML ({error})") from None
    for override in overrides:
        _apply(table, override)
    return table


def parse(table: dict[str, Any], *, where: str) -> Config:
    """Build a config from parsed TOML. Raises ConfigError."""
    condition = table.get("condition")
    if isinstance(condition, dict) and isinstance(condition.get("id_map"), bool):
        # One line switches the id map off or on, whatever its kind is called.
        table = {**table, "condition": {**condition, "id_map": "palette" if condition["id_map"] else "none"}}
    train = table.get("train")
    # Records hold no infinity, which no JSON can; of a TOML file it is the word for "never clipped".
    unclipped = isinstance(train, dict) and train.get("clip_norm") == math.inf
    if unclipped:
        table = {**table, "train": {name: value for name, value in table["train"].items() if name != "clip_norm"}}
    try:
        found = Config.from_json(table, where=where)
        return replace(found, train=replace(found.train, clip_norm=math.inf)) if unclipped else found
    except RecordError as error:
        raise ConfigError(str(error)) from None


def _apply(table: dict[str, Any], override: str) -> None:
    """Set one value of parsed TOML from a ``section.field=value`` text. Raises ConfigError."""
    name, separator, text = override.partition("=")
    section, dot, key = name.strip().partition(".")
    if not separator or not dot:
        raise ConfigError(f"override {override!r} is not of the form section.field=value")
    try:
        value = tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    if not isinstance(table.setdefault(section, {}), dict):
        raise ConfigError(f"override {override!r}: {section} is {table[section]!r} in the config file and not a table")
    table[section][key] = value


def differences(before: Config, now: Config) -> list[tuple[str, Any, Any]]:
    """Return the fields in which two configs differ, each as its dotted name with both values."""
    sections = ((part.name, getattr(before, part.name), getattr(now, part.name)) for part in fields(Config))
    return [
        (f"{name}.{item.name}", _listed(getattr(one, item.name)), _listed(getattr(other, item.name)))
        for name, one, other in sections
        for item in fields(one)
        if getattr(one, item.name) != getattr(other, item.name)
    ]


def _listed(value: Any) -> Any:
    """Return a value as it stands in the file."""
    return list(value) if isinstance(value, tuple) else value


def dump(config: Config) -> str:
    """Return the config as TOML with every field written, but for those that came later and are at their default."""
    lines = []
    for section, values in config.to_json().items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {_toml(value)}" for key, value in values.items()]
        lines.append("")
    return "\n".join(lines)


def _toml(value: Any) -> str:
    """Return a scalar, string or list as TOML: JSON as it stands, but for infinity and characters that take two escapes."""
    return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
