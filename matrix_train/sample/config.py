"""What is sampled and how: a base pipeline or an adapter on one, its shape, steps, and guidance; TOML with one table for each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from intergeneval.errors import ConfigError, RecordError
from intergeneval.plugins.video_models import read_rules
from intergeneval.records import Record
from intergeneval.records.disk import read_toml
from matrix_train.backbones.files import look_up, resolve
from matrix_train.backbones.loading import architecture, rate_of, told_shape
from matrix_train.config import STEP
from matrix_train.guidance.config import GuidanceConfig, parse
from matrix_train.model.adapter_info import AdapterInfo
from matrix_train.model.checkpoint import MARK, read_info

DTYPES = ("bfloat16", "float16", "float32")
"""Types of weights that a pipeline may be sampled in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleConfig(Record):
    """How videos are sampled; frames and size are 0 for those of the model."""

    base: str = ""
    """Base pipeline of an adapter; empty: the one it was trained on."""
    dtype: str = "bfloat16"
    """Type of the weights: bfloat16, float16 or float32."""
    device: str = ""
    """``cpu``, ``cuda`` or ``cuda:N``; empty: a GPU where there is one."""
    steps: int = 50
    """Sampling steps."""
    guidance: float | None = None
    """Scale of classifier-free guidance; None: the pipeline's own."""
    frames: int = 0
    """Frames of the video."""
    height: int = 0
    """Height in pixels."""
    width: int = 0
    """Width in pixels."""

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype is {self.dtype!r}; it must be one of {', '.join(DTYPES)}")
        if not 1 <= self.steps <= 1000:
            raise ValueError(f"steps is {self.steps}; it must lie between 1 and 1000")
        if self.frames < 0 or (self.frames and self.frames % 4 != 1):
            raise ValueError(f"frames is {self.frames}; it must be one more than a multiple of four")
        if (self.height > 0) != (self.width > 0) or min(self.height, self.width) < 0:
            raise ValueError(f"height and width are {self.height} and {self.width}; give both or neither")
        if self.height % STEP or self.width % STEP:
            raise ValueError(f"height and width are {self.height} and {self.width}; both must be multiples of {STEP}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingConfig(Record):
    """A config file of `matrix-train sample`."""

    sample: SampleConfig = field(default_factory=SampleConfig)
    """How videos are sampled."""
    attention_guidance: GuidanceConfig = field(default_factory=GuidanceConfig)
    """Guidance by perturbed attention."""


def load(path: Path | None, changes: Mapping[str, Mapping[str, Any]] | None = None) -> SamplingConfig:
    """Read a config file, or take the defaults, with `changes` that are not None over it. Raises ConfigError."""
    table: dict[str, Any] = {}
    where = "options" if path is None else str(path)
    if path is not None:
        try:
            table = read_toml(path)
        except FileNotFoundError:
            raise ConfigError(f"{path}: there is no such config file") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: not TOML ({error})") from None
    guidance = parse(table.pop("attention_guidance", {}), where=f"{where}: attention_guidance")
    try:
        read = replace(SamplingConfig.from_json(table, where=where), attention_guidance=guidance).to_json()
        for section, values in (changes or {}).items():
            read[section] |= {name: value for name, value in values.items() if value is not None}
        return SamplingConfig.from_json(read, where=where)
    except RecordError as error:
        raise ConfigError(str(error)) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A base pipeline, with or without an adapter, and the shape of its videos."""

    base_path: str
    """Folder of the base pipeline, ``builtin:NAME`` or hub id."""
    adapter: Path | None
    """Adapter folder; None: the base alone."""
    info: AdapterInfo | None
    """The adapter's mark."""
    frames: int
    """Frames of a video."""
    size: tuple[int, int]
    """Height and width in pixels."""
    rate: float
    """Frames per second of its videos, as the files of the base tell."""

    def base(self) -> Path:
        """Return the folder of the base pipeline; one on the hub is downloaded where that was not done. Raises ConfigError."""
        return resolve(self.base_path)


def is_adapter(folder: Path) -> bool:
    """Return whether a folder is an adapter's, known by its mark."""
    return (folder / MARK).is_file()


def find_model(spec: str, config: SampleConfig) -> Model:
    """Find a model by the folder of an adapter or pipeline, or by a hub id. Raises ConfigError.

    The base of an adapter is looked up and not fetched: the adapter knows its own shape. A pipeline on the hub is fetched, since
    its files stand in the description of a run. The shape is the config's, or else the one the adapter was trained with, or the
    one that a base tells of itself; a shape that the base would change without a word is refused.
    """
    folder = Path(spec)
    size = (config.height, config.width) if config.height else None
    if is_adapter(folder):
        info = read_info(folder)
        base, frames = config.base or info.base, config.frames or info.frames
        # Better known to be missing, or none that we know, now than after hours of other work.
        place = look_up(base)
        architecture(place)
        return _checked(
            Model(base_path=base, adapter=folder, info=info, frames=frames, size=size or info.size, rate=rate_of(place))
        )
    if folder.is_dir() and not (folder / "model_index.json").is_file():
        raise ConfigError(f"{spec} is neither an adapter folder (no {MARK}) nor a diffusers pipeline (no model_index.json)")
    if config.base:
        raise ConfigError(f"{spec} is a pipeline itself, so base is not to be set")
    place = resolve(spec)
    told, own = told_shape(place)
    frames = config.frames or told
    if not frames or not (size or own):
        raise ConfigError(f"{spec} does not say the shape it was trained with; set frames, height and width")
    size = size or own or (0, 0)
    return _checked(Model(base_path=str(place), adapter=None, info=None, frames=frames, size=size, rate=rate_of(place)))


def _checked(model: Model) -> Model:
    """Return the model. Raises ConfigError where its base gives back other frames than it is asked for, or another size."""
    rules = read_rules(look_up(model.base_path))
    rules.check_frames(model.frames, f"{model.adapter or model.base_path}: frames")
    rules.check_size(model.size, f"{model.adapter or model.base_path}: height and width are")
    return model
