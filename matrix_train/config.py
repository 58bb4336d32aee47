"""One frozen dataclass per component, read from TOML, written as TOML beside every checkpoint."""

from __future__ import annotations

import json
import math
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from intergeneval.errors import ConfigError, RecordError
from intergeneval.records import LATER, Record
from intergeneval.records.disk import read_toml

ROLES = ("sub", "obj", "verb")
ID_MAPS = ("palette", "target", "none")
SMALLEST = 16
"""Pixels of the smallest side: one token of the backbones, eight pixels of the VAE by a patch of two."""
STEP = 8
"""Pixels of a latent cell: the VAEs would cut other sizes without a word, and pipelines refuse them."""
IMAGE_NOISES = ("recipe", "none")
WINDOWS = ("start", "random")
MOST_WINDOWS = 1000


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
        _one_of("model.dtype", self.dtype, ("bfloat16", "float32"))


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
    fps: float = field(default=0.0, metadata=LATER)
    """Frames per second at which clips are seen; 0: the base model's own."""
    resample: bool = field(default=True, metadata=LATER)
    """Bring clips of another rate to `fps`, frames and masks by time; false: take their frames one by one, as if they had it."""
    stride: int = field(default=1, metadata=LATER)
    """Take every n-th frame at that rate."""
    window: str = field(default="start", metadata=LATER)
    """Which part of a longer clip: ``start``: from its first frame, several ones evenly spread behind it; ``random``: drawn once
    from the clip's id, so that every seed shares a cache."""
    windows: int = field(default=1, metadata=LATER)
    """Windows of a clip at most, each a training clip of its own; a clip that has not as many different ones gives fewer."""
    bad_limit: float = field(default=0.05, metadata=LATER)
    """Share of the clips that may be left out because they cannot be trained on; each is named with its reason."""
    prefetch: int = field(default=2, metadata=LATER)
    """Batches that are read ahead while a step runs; 0: none."""

    def __post_init__(self) -> None:
        _one_of("data.window", self.window, WINDOWS)
        _share("data.bad_limit", self.bad_limit)
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
    has it (CogVideoX does, the others do not); ``none``."""

    def __post_init__(self) -> None:
        _one_of("condition.id_map", self.id_map, ID_MAPS)
        _one_of("condition.image_noise", self.image_noise, IMAGE_NOISES)
        _share("condition.image_dropout", self.image_dropout)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraConfig(Record):
    """The adapter."""

    rank: int = 128
    """Rank of each pair of matrices."""
    alpha: int = 64
    """Numerator of the scale alpha / rank."""
    layers: tuple[int, ...] = (7, 11, 12)
    """Layers whose q, k, v and out are adapted; [-1] means all."""

    def __post_init__(self) -> None:
        if self.rank < 1 or self.alpha < 1:
            raise ValueError(f"lora.rank and lora.alpha must be at least 1, not {self.rank} and {self.alpha}")
        _different("lora.layers", self.layers)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayersConfig(Record):
    """Which layers are aligned, per kind of attention map."""

    v2t: tuple[int, ...] = (7, 11)
    """Video-to-text layers, grounded by SGA."""
    t2v: tuple[int, ...] = ()
    """Text-to-video layers, grounded by SGA."""
    v2v: tuple[int, ...] = (12,)
    """Video-to-video layers, propagated by SPA."""

    def __post_init__(self) -> None:
        for kind in ("v2t", "t2v", "v2v"):
            _different(f"layers.{kind}", getattr(self, kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadoutConfig(Record):
    """How attention maps are read."""

    mode: str = "logits"
    """``logits``: scores before the softmax; ``probs``: exact probabilities."""

    def __post_init__(self) -> None:
        _one_of("readout.mode", self.mode, ("logits", "probs"))


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderConfig(Record):
    """The light mask decoders."""

    widths: tuple[int, ...] = (16, 16, 8, 8)
    """Channels of the stages, coarse to fine."""
    scale: int = 8
    """Pixels of the output per token, in each direction; a power of two."""
    maps_per_call: int = 0
    """Decode this many maps at a time and recompute them in the backward pass; 0: all at once."""

    def __post_init__(self) -> None:
        if min(self.widths, default=0) < 1:
            raise ValueError("decoder.widths needs at least one entry, each at least 1")
        if self.maps_per_call < 0:
            raise ValueError(f"decoder.maps_per_call is {self.maps_per_call}; it must be 0 (all at once) or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class LossConfig(Record):
    """The loss and its weights."""

    kind: str = "decoder"
    """``decoder``: decoded masks; ``mass``: the share of attention outside the mask, read from probabilities."""
    sga: float = 0.01
    """Weight of the grounding loss."""
    spa: float = 0.005
    """Weight of the propagation loss."""
    bce: float = 1.0
    """Weight of binary cross-entropy."""
    dice: float = 1.0
    """Weight of 1 - softDice."""
    l2: float = 1.0
    """Weight of the squared error."""
    positive_limit: float = 10.0
    """Upper bound of the weight of voxels inside a mask in BCE."""
    sga_roles: tuple[str, ...] = ROLES
    """Roles that are grounded."""
    spa_roles: tuple[str, ...] = ("sub", "obj")
    """Roles that are propagated."""
    sum_layers: bool = False
    """Sum over layers instead of taking their mean."""

    def __post_init__(self) -> None:
        _one_of("loss.kind", self.kind, ("decoder", "mass"))
        for role in (*self.sga_roles, *self.spa_roles):
            _one_of("loss roles", role, ROLES)
        if min(self.sga, self.spa, self.bce, self.dice, self.l2) < 0 or self.positive_limit < 1:
            raise ValueError("loss weights must not be negative and loss.positive_limit must be at least 1")


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
    """Clips that are sampled at each validation, the first ones of the dataset."""
    log_every: int = 10
    """Steps between log lines."""
    skip_limit: int = field(default=20, metadata=LATER)
    """Steps that may be skipped in all because loss or gradient was not finite; one more ends the run."""
    init_from: str = field(default="", metadata=LATER)
    """Adapter folder whose tensors the run begins with; empty: none."""

    def __post_init__(self) -> None:
        if self.steps < 0 or min(self.batch, self.accumulate, self.save_every, self.log_every) < 1:
            raise ValueError("train.steps must not be negative; batch, accumulate, save_every and log_every at least 1")
        if self.skip_limit < 0:
            raise ValueError(f"train.skip_limit is {self.skip_limit}; it must not be negative")
        if min(self.warmup, self.validate_every) < 0 or self.validate_clips < 1:
            raise ValueError("train.warmup and train.validate_every must not be negative, and train.validate_clips at least 1")
        if min(self.rate, self.decoder_rate, self.weight_decay) < 0 or self.clip_norm <= 0:
            raise ValueError("train.rate, decoder_rate and weight_decay must not be negative, and train.clip_norm above 0")


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
    """Return the config as TOML, every field written but for later ones at their default."""
    lines = []
    for section, values in config.to_json().items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {_toml(value)}" for key, value in values.items()]
        lines.append("")
    return "\n".join(lines)


def _toml(value: Any) -> str:
    """Return a scalar, string or list as TOML: JSON as it stands, but for infinity and characters that take two escapes."""
    return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; it must be one of {', '.join(allowed)}")


def _different(name: str, layers: tuple[int, ...]) -> None:
    if len(set(layers)) < len(layers):
        raise ValueError(f"{name} is {list(layers)}; a layer stands in it twice")


def _share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value}; it must lie between 0 and 1")
