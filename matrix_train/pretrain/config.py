"""The config of a pretraining run: one frozen dataclass a component, TOML in, TOML out beside the checkpoints."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from intergeneval.errors import ConfigError, RecordError
from intergeneval.records import LATER, Record
from matrix_train.config import read_table

PRECISIONS = ("float32", "bfloat16")
WORLDS = ("staged", "binding")
AUTOENCODERS = ("learned", "linear")
OPTIMISERS = ("adamw", "muon")
PREDICTIONS = {"velocity": "v_prediction", "clean": "sample"}
"""``dit.predict`` -> the name that schedulers of diffusers have for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldConfig(Record):
    """The clips that are learned from."""

    kind: str = field(default="staged", metadata=LATER)
    """``staged``: scenes of people and things; ``binding``: four plain figures, four clips to a scene."""
    seed: int = 1000
    """Seed of the scenes; 1 and 2 are the benchmark's and the development split's."""
    clips: int = 1200
    """Number of clips, indices 0, 1, ..."""
    frames: int = 17
    """Frames of a clip; one more than a multiple of eight, which gives an odd number of latent frames."""
    height: int = 96
    """Height in pixels."""
    width: int = 144
    """Width in pixels."""
    oversampling: int = 2
    """Staged scenes are painted this many times larger and averaged down, as first frames of a benchmark are."""
    faulty: float = 1.0 / 3.0
    """Share of clips in which what is seen is not what the caption says."""

    def __post_init__(self) -> None:
        if self.kind not in WORLDS:
            raise ValueError(f"world.kind is {self.kind!r}; it is one of {', '.join(WORLDS)}")
        if self.seed in (1, 2):
            raise ValueError(f"world.seed is {self.seed}; 1 is the benchmark's and 2 the development split's")
        if self.frames < 9 or self.frames % 8 != 1:
            raise ValueError(f"world.frames is {self.frames}; it must be one more than a multiple of eight, at least 9")
        for name in ("height", "width"):
            if getattr(self, name) % 16 or getattr(self, name) < 32:
                raise ValueError(f"world.{name} is {getattr(self, name)}; it must be a multiple of 16, at least 32")
        if not 0 <= self.faulty <= 1:
            raise ValueError(f"world.faulty is {self.faulty}; it must lie between 0 and 1")
        if self.clips < 1 or self.oversampling < 1:
            raise ValueError("world.clips and world.oversampling must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class VaeConfig(Record):
    """The video autoencoder, and how it is taught."""

    kind: str = field(default="learned", metadata=LATER)
    """``learned``: CogVideoX's, from random weights; ``linear``: the principal directions of the first `clips` clips, of which
    `latent` are kept, so that no other field counts."""
    channels: tuple[int, ...] = (8, 16, 32, 64)
    """Channels of the four levels, fine to coarse."""
    latent: int = 12
    """Channels of the latent."""
    layers: int = 1
    """Residual blocks a level."""
    groups: int = 4
    """Groups of the group norms."""
    steps: int = 3000
    """Optimiser steps."""
    freeze: int = 1900
    """Step from which the encoder stays as it is and the decoder alone learns; latents may be made from then on."""
    batch: int = 2
    """Moving crops of a step."""
    stills: int = 1
    """Steps with single frames after each step with moving crops: frames of a clip resemble one another, clips do not."""
    still_batch: int = 16
    """Single frames of such a step."""
    clips: int = 360
    """The first clips of the world that crops are taken from."""
    candidates: int = 1
    """Places drawn for each crop; the one where most moves is taken, in single frames the one with most of the figures."""
    crop: int = 64
    """Height and width of a crop in pixels."""
    crop_frames: int = 9
    """Frames of a crop; one more than a multiple of eight."""
    rate: float = 2e-3
    """Peak learning rate."""
    warmup: int = 50
    """Steps of linear warm-up."""
    figures: float = 4.0
    """Extra weight of pixels that belong to somebody or something, over the backdrop's 1."""
    gradient: float = 0.5
    """Weight of the error of neighbouring pixels' differences."""
    colour: float = 2.0
    """Weight of the error of colour apart from brightness."""
    blocks: float = 1.0
    """Weight of the error of the means of 8x8 pixels."""
    kl: float = 5e-4
    """Weight of the latent's divergence from a unit normal, a value's mean."""
    precision: str = "float32"
    """Arithmetic of a step and of encoding: float32, or bfloat16, faster where a processor has instructions for it; weights,
    gradients and loss stay float32."""
    workers: int = 1
    """Equal parts of a batch that are worked on at the same time, each in its own thread; best with OMP_NUM_THREADS=1."""
    seed: int = 0
    """Seed of initial weights, crops and noise."""
    save_every: int = 100
    """Steps between checkpoints."""

    def __post_init__(self) -> None:
        if self.kind not in AUTOENCODERS:
            raise ValueError(f"vae.kind is {self.kind!r}; it is one of {', '.join(AUTOENCODERS)}")
        if len(self.channels) != 4:
            raise ValueError(f"vae.channels has {len(self.channels)} entries; it needs four")
        if self.crop_frames < 9 or self.crop_frames % 8 != 1 or self.crop % 16:
            raise ValueError("vae.crop must be a multiple of 16, vae.crop_frames one more than a multiple of eight")
        if min(self.steps, self.freeze, self.batch, self.clips, self.save_every, self.warmup, self.candidates) < 1:
            raise ValueError("vae.steps, freeze, batch, clips, warmup, save_every and candidates must be at least 1")
        check_work("vae", self.precision, self.workers, (self.batch, self.still_batch))


@dataclass(frozen=True, slots=True, kw_only=True)
class TextConfig(Record):
    """The text encoder: a small T5 that is taught together with the transformer."""

    width: int = 128
    """Width of a token."""
    layers: int = 2
    """Blocks."""
    heads: int = 4
    """Attention heads."""
    tokens: int = 52
    """Length of the text sequence, padding included."""
    near: float = field(default=0.0, metadata=LATER)
    """Strength of the start's preference of each head for one neighbour of a word, those before and after in turn; 0: none. The
    transformer knows no order of words but what the encoder puts into them, which it learns late without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DitConfig(Record):
    """The video transformer, and how it is taught."""

    heads: int = 6
    """Attention heads."""
    head_width: int = 32
    """Channels of a head."""
    layers: int = 8
    """Blocks."""
    time_width: int = 128
    """Width of the timestep's embedding."""
    patch: int = field(default=2, metadata=LATER)
    """Side of a token in latent cells."""
    predict: str = field(default="velocity", metadata=LATER)
    """What the transformer predicts: ``velocity``, or ``clean``, the clean latent."""
    steps: int = 4000
    """Optimiser steps."""
    schedules: tuple[tuple[int, int], ...] = field(default=(), metadata=LATER)
    """Pairs of a step, rising, and a length: until that step the learning rate is that of a schedule of so many steps, then as
    the next pair has it, in the end as one of `steps` has it. So it can fall early, and go up again."""
    batch: int = 8
    """Clips a step."""
    rate: float = 1e-3
    """Peak learning rate."""
    optimiser: str = field(default="adamw", metadata=LATER)
    """``adamw``, or ``muon``: matrices by Muon, all else by AdamW."""
    matrix_rate: float = field(default=0.02, metadata=LATER)
    """Muon's peak learning rate."""
    warmup: int = 100
    """Steps of linear warm-up."""
    weight_decay: float = 1e-2
    """AdamW's weight decay."""
    clip_norm: float = 1.0
    """Upper bound of the gradient's norm."""
    text_dropout: float = 0.1
    """Share of clips that are seen with an empty caption, for classifier-free guidance."""
    figures: float = 3.0
    """Extra weight of latent cells in which somebody or something is, over the backdrop's 1."""
    average: float = 0.998
    """Decay of the moving average of the weights, which is what is kept in the end."""
    near: float = 0.0
    """Strength of the start's preference for attending to the same place in other frames; 0: none. Words lose by it."""
    noisy: float = field(default=0.0, metadata=LATER)
    """Share of clips whose timestep is drawn from the noisiest third, where nothing but the words tells what happens."""
    precision: str = "float32"
    """Arithmetic of a step: float32, or bfloat16, faster where a processor has instructions for it; weights, gradients and
    loss stay float32."""
    workers: int = 1
    """Equal parts of a batch that are worked on at the same time, each in its own thread; best with OMP_NUM_THREADS=1."""
    seed: int = 0
    """Seed of initial weights, order, noise, timesteps and dropout."""
    save_every: int = 100
    """Steps between checkpoints."""
    measure: int = field(default=0, metadata=LATER)
    """Scenes of the binding world, two videos each, of which `curve.csv` tells at each checkpoint how many are right; 0: none."""

    def __post_init__(self) -> None:
        if self.measure < 0:
            raise ValueError(f"dit.measure is {self.measure}; it must be at least 0")
        if min(self.steps, self.batch, self.save_every, self.warmup, self.layers) < 1:
            raise ValueError("dit.steps, batch, warmup, layers and save_every must be at least 1")
        ends = [until for until, _ in self.schedules]
        if ends != sorted(set(ends)) or min((item for pair in self.schedules for item in pair), default=1) < 1:
            raise ValueError(f"dit.schedules is {[list(pair) for pair in self.schedules]}; its steps must rise, from 1 on")
        if self.optimiser not in OPTIMISERS:
            raise ValueError(f"dit.optimiser is {self.optimiser!r}; it is one of {', '.join(OPTIMISERS)}")
        if self.predict not in PREDICTIONS:
            raise ValueError(f"dit.predict is {self.predict!r}; it is one of {', '.join(PREDICTIONS)}")
        if self.patch < 1:
            raise ValueError(f"dit.patch is {self.patch}; it must be at least 1")
        if self.measure == 1:
            raise ValueError("dit.measure is 1; a standard error takes two scenes")
        if not 0 <= self.text_dropout <= 1 or not 0 <= self.noisy <= 1 or not 0 <= self.average < 1:
            raise ValueError("dit.text_dropout and dit.noisy must lie between 0 and 1, dit.average below 1")
        check_work("dit", self.precision, self.workers, (self.batch,))


def check_work(section: str, precision: str, workers: int, batches: tuple[int, ...]) -> None:
    """Raise ValueError unless the arithmetic is known and every batch falls into `workers` equal parts."""
    if precision not in PRECISIONS:
        raise ValueError(f"{section}.precision is {precision!r}; it is one of {', '.join(PRECISIONS)}")
    if workers < 1 or any(batch % workers for batch in batches):
        raise ValueError(
            f"{section}.workers is {workers}; batches of {' and '.join(map(str, batches))} must fall into so many equal parts"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainConfig(Record):
    """All of a pretraining run."""

    world: WorldConfig = field(default_factory=WorldConfig)
    """The clips."""
    vae: VaeConfig = field(default_factory=VaeConfig)
    """The autoencoder."""
    text: TextConfig = field(default_factory=TextConfig)
    """The text encoder."""
    dit: DitConfig = field(default_factory=DitConfig)
    """The transformer."""

    def __post_init__(self) -> None:
        if self.vae.kind == "learned" and (
            self.vae.crop > min(self.world.height, self.world.width) or self.vae.crop_frames > self.world.frames
        ):
            raise ValueError("vae.crop and vae.crop_frames must fit into the world's clips")


def names() -> tuple[str, ...]:
    """Return the names of the configs that come with the package, sorted."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.toml")))


def read(source: str, overrides: tuple[str, ...] = ()) -> PretrainConfig:
    """Read a config file, or one of the package's by its name. Raises ConfigError."""
    path = Path(source)
    if not path.exists() and source in names():
        path = Path(__file__).parent / f"{source}.toml"
    elif not path.exists():
        raise ConfigError(f"{source}: there is no such config file, and none of that name here; here are {', '.join(names())}")
    return load(path, overrides)


def load(path: Path, overrides: tuple[str, ...] = ()) -> PretrainConfig:
    """Read a TOML config; `overrides` are ``section.field=value`` texts. Raises ConfigError naming file and field."""
    table = read_table(path, overrides)
    try:
        return PretrainConfig.from_json(table, where=str(path))
    except RecordError as error:
        raise ConfigError(str(error)) from None


def dump(config: PretrainConfig) -> str:
    """Return the config as TOML with every field written."""
    lines: list[str] = []
    for section, values in config.to_json().items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        lines.append("")
    return "\n".join(lines)


def parse_part(text: str) -> tuple[int, int]:
    """Read ``I/N``, I from 0. Raises ConfigError."""
    first, _, count = text.partition("/")
    if not (first.isdigit() and count.isdigit() and int(first) < int(count)):
        raise ConfigError(f"--part {text!r} is not of the form I/N with I from 0 to N - 1")
    return int(first), int(count)
