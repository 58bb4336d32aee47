"""What an analysis does, read from TOML: one frozen dataclass per section."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from intergeneval.errors import ConfigError, RecordError
from intergeneval.records import Record
from matrix_train.backbones import MapKind
from matrix_train.config import read_table

DTYPES = ("", "bfloat16", "float16", "float32")
METRICS = ("if", "kisa", "sgi")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSection(Record):
    """The model whose attention is read."""

    path: str = ""
    """Folder or hub id of a diffusers pipeline, or an adapter folder."""
    base: str = ""
    """Base pipeline of an adapter, where it is not where the adapter was trained."""
    dtype: str = ""
    """Type of the weights; empty: bfloat16 on a GPU, float32 on a CPU."""
    device: str = ""
    """Torch device; empty: the GPU where there is one."""

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(f"model.dtype is {self.dtype!r}; it must be one of {', '.join(DTYPES[1:])}")


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSection(Record):
    """How videos are sampled."""

    frames: int = 0
    """Frames; 0: what the adapter was trained with, or the pipeline's own."""
    height: int = 0
    """Height in pixels; 0 as above."""
    width: int = 0
    """Width in pixels; 0 as above."""
    steps: int = 50
    """Denoising steps; all of them are recorded."""
    guidance: float | None = None
    """Scale of classifier-free guidance; unset: the pipeline's own."""
    seeds: tuple[int, ...] = (0,)
    """One video of each sample for each seed."""
    fps: float = 0.0
    """Frame rate of the files, frames per second; 0: the model's own."""
    tracker: str = "flow"
    """Tracker of the finished videos, as ``intergeneval run --tracker`` takes it."""

    def __post_init__(self) -> None:
        if min(self.frames, self.height, self.width, self.fps) < 0 or self.steps < 1 or not self.seeds:
            raise ValueError("video.frames, height, width and fps must not be negative, steps at least 1, and seeds not empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipsSection(Record):
    """How real clips are noised, with ``--on clips``."""

    timesteps: tuple[float, ...] = (100.0, 300.0, 500.0, 700.0, 900.0)
    """Noise levels, in the transformer's unit: 0 is clean, 1000 noise alone."""
    seed: int = 0
    """Seed of the noise; it also depends on the clip."""

    def __post_init__(self) -> None:
        if not self.timesteps or min(self.timesteps) < 0 or max(self.timesteps) >= 1000:
            raise ValueError(f"clips.timesteps is {list(self.timesteps)}; it needs values of at least 0 and under 1000")


@dataclass(frozen=True, slots=True, kw_only=True)
class MapsSection(Record):
    """Which maps are recorded."""

    kinds: tuple[str, ...] = ("v2t", "v2v", "t2v")
    """Kinds of map; those the model does not have are left out."""
    heads: bool = True
    """Score each head as well, over the mean of all steps."""
    keep: bool = False
    """Keep the map files after they are scored: 0.22 GB a video, kind and interaction for CogVideoX-5B at 50 steps."""

    def __post_init__(self) -> None:
        known = [kind.value for kind in MapKind]
        for kind in self.kinds:
            if kind not in known:
                raise ValueError(f"maps.kinds holds {kind!r}; known are {', '.join(known)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LayersSection(Record):
    """How layers are chosen."""

    top: int = 0
    """Layers that count as a video's top; 0: ten, or a quarter of the layers where the model has fewer than forty."""
    dummy_variance: float = 1e-18
    """A cross-attention layer whose mean map value varies less than this across prompts is dropped; the paper prints 1e-29."""
    metric: str = "if"
    """Score that makes a video a success or a failure: if, kisa or sgi."""
    share: float = 1 / 3
    """Largest share of the scored videos that each set takes."""
    suggest_v2t: int = 2
    """Video-to-text layers that are suggested for alignment."""
    suggest_v2v: int = 1
    """Video-to-video layers that are suggested."""

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise ValueError(f"layers.metric is {self.metric!r}; it must be one of {', '.join(METRICS)}")
        if not 0 < self.share <= 0.5 or min(self.top, self.suggest_v2t, self.suggest_v2v) < 0:
            raise ValueError("layers.share must lie above 0 and at most at 0.5; top and suggestions must not be negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSection(Record):
    """What the page shows."""

    overlays: int = 2
    """Videos whose maps are laid over their frames."""
    frames: int = 5
    """Frames of each of them."""

    def __post_init__(self) -> None:
        if self.overlays < 0 or self.frames < 1:
            raise ValueError("page.overlays must not be negative, page.frames at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisConfig(Record):
    """All of an analysis."""

    model: ModelSection = field(default_factory=ModelSection)
    """The model."""
    video: VideoSection = field(default_factory=VideoSection)
    """Sampling."""
    clips: ClipsSection = field(default_factory=ClipsSection)
    """Noising of real clips."""
    maps: MapsSection = field(default_factory=MapsSection)
    """Maps."""
    layers: LayersSection = field(default_factory=LayersSection)
    """Choice of layers."""
    page: PageSection = field(default_factory=PageSection)
    """The page."""


def load(source: str, overrides: tuple[str, ...] = ()) -> AnalysisConfig:
    """Read a config file, or take `source` for the model itself; `overrides` are ``section.field=value`` texts.

    Raises ConfigError naming file and field.
    """
    if not source:
        raise ConfigError("name a model (a pipeline folder, a hub id or an adapter folder) or a config file ending in .toml")
    is_file = source.endswith(".toml")
    table = read_table(Path(source) if is_file else None, overrides)
    if not is_file:
        table.setdefault("model", {})["path"] = source
    try:
        config = AnalysisConfig.from_json(table, where=source if is_file else "--set")
    except RecordError as error:
        raise ConfigError(str(error)) from None
    if not config.model.path:
        raise ConfigError(f"{source}: model.path is empty; give a pipeline folder, a hub id or an adapter folder")
    return config
