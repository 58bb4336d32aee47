"""What is asked of a pipeline of diffusers, and what its files tell before it is loaded; imports no learned-model library."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intergeneval.errors import ConfigError
from intergeneval.plugins.video_models import FILES, TOLD, Files, Rules, read_file
from intergeneval.plugins.weights import Weights

OWNER = "source 'diffusers'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """How videos are made: ``[settings.diffusers]`` of a config file."""

    steps: int | None = None
    """Denoising steps."""
    guidance: float | None = None
    """Guidance scale."""
    height: int | None = None
    """Height of the video, pixels."""
    width: int | None = None
    """Width of the video, pixels."""
    frames: int | None = None
    """Number of frames of the video; one that the model would give back as another is refused."""
    fps: float | None = None
    """Frame rate of the video, frames per second, told to pipelines that ask for it; None: the one the model was trained at."""
    negative_prompt: str | None = None
    """What the video should not show."""
    seeds: int = 1
    """Videos a prompt, with seeds 0, 1, ...; ``--seeds`` names others."""
    device: str | None = None
    """``cpu``, ``cuda`` or ``cuda:N``."""
    dtype: str | None = None
    """``float32``, ``bfloat16`` or ``float16``."""
    offload: bool = False
    """Keep on the GPU only the part that works: less memory, more time."""
    tiling: bool = False
    """Decode the video in tiles: less memory, more time."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("steps", 1, 1000),
            ("height", 16, 8192),
            ("width", 16, 8192),
            ("frames", 2, 2000),
            ("seeds", 1, 1000),
        ):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high):
                raise ConfigError(f"{OWNER}: {name} is {value!r}; it is a whole number from {low} to {high}")
        for name, high in (("guidance", 100), ("fps", 1000)):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= high):
                raise ConfigError(f"{OWNER}: {name} is {value!r}; it is a number above 0 and at most {high}")

    def arguments(self) -> dict[str, Any]:
        """Return what is set, under the names that pipelines use."""
        given = {
            "num_inference_steps": self.steps,
            "guidance_scale": self.guidance,
            "height": self.height,
            "width": self.width,
            "num_frames": self.frames,
            "negative_prompt": self.negative_prompt,
        }
        return {name: value for name, value in given.items() if value is not None}


def pipeline_files(weights: Weights, index: Mapping[str, Any]) -> Files:
    """Return the files that tell a pipeline's rules. Raises ConfigError for one that is damaged or cannot be fetched."""
    folder = Path(weights.source)
    if folder.is_dir():
        return {name: read_file(folder / name) for name in FILES}
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    found: dict[str, Mapping[str, Any]] = {}
    for name in FILES:
        part = name.partition("/")[0]
        if name not in (TOLD, part) and part not in index:
            continue
        try:
            found[name] = read_file(Path(hf_hub_download(weights.source, name)))
        except EntryNotFoundError:
            # Most have no file that tells a rate; a pipeline without one of the others is no row of the table.
            continue
        except ConfigError:
            raise
        except Exception as error:  # noqa: BLE001  # the hub's client raises many kinds, all of which mean: not to be had
            raise ConfigError(
                f"{OWNER}: {name} of {weights.source} cannot be fetched ({type(error).__name__}: {error})"
            ) from None
    return found


def video_size(generation: Generation, accepted: Mapping[str, inspect.Parameter], rules: Rules) -> tuple[int, int] | None:
    """Return the height and width of the videos; None where the pipeline decides when it runs."""
    own = rules.size or (0, 0)
    found = []
    for place, name in enumerate(("height", "width")):
        default = accepted[name].default if name in accepted else None
        found.append(getattr(generation, name) or (default if isinstance(default, int) else own[place]))
    return (found[0], found[1]) if all(found) else None
