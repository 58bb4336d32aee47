"""The table of video models: what each gives back of what it is asked, and how fast its videos run, told by its own files.

One table that sources, trainer, guidance and docs (``docs/models.md``) read. A row is found by the pipeline's class in diffusers
and, where one class serves models of different kinds, by the configs beside the weights. Frame rates are those that the makers
of a model name; frame counts and sizes are rules of the pipelines in diffusers 0.42 and of their autoencoders, which round what
does not fit without a word, or change it with a line in a log.

What is not in the table is not guessed: its rate must be set. A folder can tell its rate itself, in ``video.json`` beside
``model_index.json``: ``{"fps": 12}``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intergeneval.errors import ConfigError
from intergeneval.records.disk import read_text

INDEX, TRANSFORMER, VAE, TOLD = "model_index.json", "transformer/config.json", "vae/config.json", "video.json"
FILES = (INDEX, TRANSFORMER, VAE, TOLD)
"""Files of a pipeline that decide; all but the first may be missing."""

Files = Mapping[str, Mapping[str, Any]]
"""Name of a file -> what it holds; empty where there is none."""


def _always(_: Files) -> bool:
    return True


def _by_latent(step: int) -> Callable[[int], int]:
    """Return the rule of an autoencoder that keeps the first frame alone and then `step` frames a latent one."""
    return lambda asked: (asked - 1) // step * step + 1


def _rounded(asked: int) -> int:
    """Wan's pipelines round up or down to 4k + 1, whichever is the multiple of four below."""
    return asked if asked % 4 == 1 else asked // 4 * 4 + 1


def _cogvideox(asked: int) -> int:
    """CogVideoX decodes latent frames in pairs; an even number of them comes out three frames longer than it went in."""
    latents = (asked - 1) // 4 + 1
    return 4 * latents if latents % 2 == 0 else 4 * (latents - 1) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoModel:
    """One row: models that run by one rule."""

    name: str
    """What people call it."""
    pipelines: tuple[str, ...]
    """Classes of its pipelines in diffusers."""
    rate: float
    """Frames per second that it was trained at."""
    size: tuple[int, int]
    """Height and width that its pipelines take unless told otherwise, in pixels."""
    step: int
    """Pixels of which height and width are multiples: a latent cell by the transformer's patch."""
    kept: int
    """Numbers of frames that come back as asked are one more than a multiple of this."""
    gives: Callable[[int], int]
    """Frames asked -> frames that come back, before any are dropped."""
    told: str = ""
    """Argument by which its pipelines are told the rate; empty: they know one rate."""
    known_by: Callable[[Files], bool] = _always
    """Whether a pipeline's files are of this row; asked row by row, so that the last one of a class takes the rest."""
    mark: str = ""
    """What in the files tells it from other models of these classes."""


def _two_in_time(files: Files) -> bool:
    return files[TRANSFORMER].get("patch_size_t") is not None


def _own_times(files: Files) -> bool:
    return bool(files[INDEX].get("expand_timesteps")) or files[VAE].get("z_dim") == 48


_WAN = ("WanPipeline", "WanImageToVideoPipeline", "WanVACEPipeline")
_COGVIDEOX = ("CogVideoXPipeline", "CogVideoXImageToVideoPipeline")

TABLE: tuple[VideoModel, ...] = (
    VideoModel(
        name="CogVideoX 1.5",
        pipelines=_COGVIDEOX,
        rate=16.0,
        size=(768, 1360),
        step=16,
        kept=8,
        gives=_cogvideox,
        known_by=_two_in_time,
        mark="`patch_size_t` of the transformer",
    ),
    VideoModel(
        name="CogVideoX",
        pipelines=(*_COGVIDEOX, "ConsisIDPipeline"),
        rate=8.0,
        size=(480, 720),
        step=16,
        kept=8,
        gives=_cogvideox,
    ),
    VideoModel(
        name="Wan 2.2 TI2V 5B",
        pipelines=_WAN,
        rate=24.0,
        size=(480, 832),
        step=32,
        kept=4,
        gives=_rounded,
        known_by=_own_times,
        mark="`expand_timesteps` of the index, or 48 channels of the autoencoder",
    ),
    VideoModel(name="Wan 2.1, Wan 2.2 A14B", pipelines=_WAN, rate=16.0, size=(480, 832), step=16, kept=4, gives=_rounded),
    VideoModel(
        name="SkyReels V2",
        pipelines=("SkyReelsV2Pipeline", "SkyReelsV2ImageToVideoPipeline"),
        rate=24.0,
        size=(544, 960),
        step=16,
        kept=4,
        gives=_rounded,
    ),
    VideoModel(
        name="HunyuanVideo",
        pipelines=("HunyuanVideoPipeline", "HunyuanVideoImageToVideoPipeline"),
        rate=24.0,
        size=(720, 1280),
        step=16,
        kept=4,
        gives=_by_latent(4),
    ),
    VideoModel(
        name="SkyReels V1",
        pipelines=("HunyuanSkyreelsImageToVideoPipeline",),
        rate=24.0,
        size=(544, 960),
        step=16,
        kept=4,
        gives=_by_latent(4),
    ),
    VideoModel(
        name="LTX-Video",
        pipelines=("LTXPipeline", "LTXImageToVideoPipeline", "LTXConditionPipeline"),
        rate=25.0,
        size=(512, 704),
        step=32,
        kept=8,
        gives=_by_latent(8),
        told="frame_rate",
    ),
    VideoModel(name="Mochi 1", pipelines=("MochiPipeline",), rate=30.0, size=(480, 848), step=16, kept=6, gives=_by_latent(6)),
)
"""The rows; of two with one class, the one with a mark stands first."""

RATES: Mapping[str, float] = {
    "HunyuanVideo15Pipeline": 24.0,
    "HunyuanVideo15ImageToVideoPipeline": 24.0,
    "HunyuanVideoFramepackPipeline": 30.0,
    "AllegroPipeline": 15.0,
    "EasyAnimatePipeline": 8.0,
    "Kandinsky5T2VPipeline": 24.0,
    "Kandinsky5I2VPipeline": 24.0,
}
"""Further classes of pipelines whose rate is known; what comes back of theirs is seen only when it has come back."""

DROPPED = 4
"""Frames at the start that HunyuanVideo's pipeline throws away in its latent-concat variant, after all were made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is known of one pipeline before its weights are loaded."""

    pipeline: str
    """Its class in diffusers."""
    model: VideoModel | None
    """Its row; None for one that we know nothing of."""
    rate: float | None
    """Frames per second of its videos; None where nothing tells."""
    size: tuple[int, int] | None = None
    """Height and width that it takes unless told otherwise; None where that is not known."""
    only: tuple[int, int] | None = None
    """The one size that it can make, where positions are learned."""
    dropped: int = 0
    """Frames at its start that it makes and does not give."""
    files: Files = field(default_factory=dict, repr=False)
    """What it was told by."""

    @property
    def name(self) -> str:
        """What a message calls it."""
        return self.model.name if self.model is not None else self.pipeline

    def back(self, asked: int) -> int | None:
        """Return how many frames come back where `asked` are called for; None where no rule is known."""
        return None if self.model is None else self.model.gives(asked + self.dropped) - self.dropped

    def check_frames(self, frames: int, what: str) -> None:
        """Raise ConfigError where another number of frames than `frames` would come back; `what` names the setting."""
        found = self.back(frames)
        if found is None or self.model is None or found == frames:
            return
        step = self.model.kept
        below, above = (frames - 1) // step * step + 1, -(-(frames - 1) // step) * step + 1
        fitting = " or ".join(str(item) for item in dict.fromkeys((below, above)) if item > 1)
        raise ConfigError(
            f"{what} is {frames}, and {self.name} would give {found} frames; it keeps numbers that are one more than a multiple "
            f"of {step}: set {fitting}"
        )

    def check_size(self, size: tuple[int, int], what: str) -> None:
        """Raise ConfigError where `size` (height, width) is none that it makes; `what` names the settings."""
        if self.only is not None and size != self.only:
            raise ConfigError(
                f"{what} {size[0]} and {size[1]}, and this {self.name} has learned positions for {self.only[0]} and "
                f"{self.only[1]} alone; set those"
            )
        step = 1 if self.model is None else self.model.step
        if size[0] % step or size[1] % step:
            near = tuple(max(step, round(item / step) * step) for item in size)
            raise ConfigError(
                f"{what} {size[0]} and {size[1]}, and {self.name} makes multiples of {step} pixels; set {near[0]} and {near[1]}"
            )


def rules_of(files: Files, where: str = "") -> Rules:
    """Return what a pipeline's files tell. Raises ConfigError for a rate in ``video.json`` that is none."""
    files = {name: files.get(name, {}) for name in FILES}
    pipeline = str(files[INDEX].get("_class_name", ""))
    row = next((item for item in TABLE if pipeline in item.pipelines and item.known_by(files)), None)
    told = files[TOLD].get("fps")
    if told is not None and (isinstance(told, bool) or not isinstance(told, int | float) or not 0 < told < 1000):
        raise ConfigError(f"{where or TOLD}: fps is {told!r}; it is a number above 0 and under 1000")
    rate = float(told) if told is not None else row.rate if row is not None else RATES.get(pipeline)
    transformer = files[TRANSFORMER]
    own = own_size(files) if pipeline in _COGVIDEOX else None
    return Rules(
        pipeline=pipeline,
        model=row,
        rate=rate,
        size=own or (row.size if row is not None else None),
        only=own if transformer.get("use_learned_positional_embeddings") else None,
        dropped=DROPPED if transformer.get("image_condition_type") == "latent_concat" else 0,
        files=files,
    )


def own_size(files: Files) -> tuple[int, int] | None:
    """Return the size that a CogVideoX tells of itself, in cells of its autoencoder."""
    cell = 2 ** (len(files[VAE].get("block_out_channels") or (0, 0, 0, 0)) - 1)
    height, width = (int(files[TRANSFORMER].get(name) or 0) * cell for name in ("sample_height", "sample_width"))
    return (height, width) if height and width else None


def read_rules(folder: Path) -> Rules:
    """Return what a pipeline's folder tells. Raises ConfigError for a file that cannot be read."""
    return rules_of({name: read_file(folder / name) for name in FILES}, where=str(folder / TOLD))


def read_file(path: Path) -> Mapping[str, Any]:
    """Return one of the files, empty where there is none. Raises ConfigError where it is damaged."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(read_text(path))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: holds no table of settings")
    return found


def as_markdown() -> str:
    """Return the table as ``docs/models.md`` prints it."""
    lines = [
        "| model | pipelines of diffusers | told by | frames a second | frames | height and width | unless set |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in TABLE:
        names = ", ".join(f"`{name.removesuffix('Pipeline')}`" for name in row.pipelines)
        rate = f"{row.rate:g}" + (f", or `fps`, as `{row.told}`" if row.told else "")
        lines.append(
            f"| {row.name} | {names} | {row.mark or 'the class'} | {rate} | {row.kept}k + 1 | multiples of {row.step} | "
            f"{row.size[0]}x{row.size[1]} |"
        )
    return "\n".join(lines)
