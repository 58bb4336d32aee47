"""Pictures made by a text-to-image pipeline of diffusers: ``--text-to-image FOLDER`` with a ``model_index.json``, or a hub id.

Any pipeline of the library does that takes a prompt and gives pictures; one that was made to change pictures stands for its
text-to-image sibling with the same parts. Noise is drawn on a CPU generator from text and seed.
"""

from __future__ import annotations

import gc
import inspect
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import torch

from intergeneval.errors import BackendError, ConfigError
from intergeneval.plugins.weights import Once, check_known, locate, place
from intergeneval.sources.painting import OWNER, Picture, PictureSettings, picture_seed
from intergeneval.sources.pipeline_index import MARKER, pipeline_class, rebuilt_tokenizers

_CHANNELS = 3


class DiffusersPainter:
    """Paints with one pipeline, whose weights are loaded for the first picture."""

    def __init__(self, source: str, settings: PictureSettings) -> None:
        """Look at the pipeline's index. Raises ConfigError for one that paints no pictures from text alone."""
        self._settings = settings
        self._weights = locate(OWNER, source, MARKER)
        self._class_name, found, self._index = pipeline_class(OWNER, self._weights)
        self._class = _from_text(self._class_name, found)
        accepted = inspect.signature(self._class.__call__).parameters
        self._numbers = "output_type" in accepted
        for name in settings.given():
            if name not in accepted:
                raise ConfigError(f"{OWNER}: {self._class.__name__} takes no {name}; leave that setting out")
        self._device, self._dtype = place(OWNER, {"device": settings.device, "dtype": settings.dtype})
        self._pipeline = Once(OWNER, self._load)

    @property
    def id(self) -> str:
        """Name and revision of the pipeline."""
        return f"diffusers:{self._weights.label}"

    def describe(self) -> Mapping[str, Any]:
        """Return pipeline, weights and every setting that decides a picture.

        Precision counts where it was asked for: a build that goes on upon a machine without a GPU paints nothing again.
        """
        return {
            "painter": "diffusers",
            "pipeline": self._class.__name__,
            "weights": self._weights.label,
            **{name: value for name, value in asdict(self._settings).items() if name not in ("device", "offload")},
        }

    def paint(self, text: str, seed: int) -> Picture:
        """Return the picture of a text. Raises BackendError for one that is withheld, not finite, or no picture."""
        pipeline = self._pipeline.get()
        generator = torch.Generator(device="cpu").manual_seed(picture_seed(text, seed))
        given: dict[str, Any] = {"prompt": text, "generator": generator, **self._settings.given()}
        if self._numbers:
            # As numbers, since pixels that are none turn black on the way to an image, without a word.
            given["output_type"] = "np"
        with torch.inference_mode():
            made = pipeline(**given)
        if any(getattr(made, "nsfw_content_detected", None) or ()):
            raise BackendError(f"the safety checker of {self._class_name} withheld the picture of seed {seed}; try another seed")
        images = getattr(made, "images", None)
        if images is None or not len(images):
            raise BackendError(f"{self._class.__name__} gave no picture; give a text-to-image pipeline")
        return _as_picture(images[0], self._class.__name__)

    def close(self) -> None:
        """Let go of the weights."""
        self._pipeline = Once(OWNER, self._load)
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _load(self) -> Any:
        tokenizers = rebuilt_tokenizers(self._weights, self._index)
        pipeline = self._class.from_pretrained(self._weights.source, dtype=self._dtype, **tokenizers)
        pipeline.set_progress_bar_config(disable=True)
        if self._settings.offload and self._device.type == "cuda":
            pipeline.enable_model_cpu_offload(device=self._device)
            return pipeline
        return pipeline.to(self._device)


def _from_text(name: str, found: Any) -> Any:
    """Return the class that paints from text with the parts of a pipeline. Raises ConfigError where there is none."""
    accepted = inspect.signature(found.__call__).parameters
    if "num_frames" in accepted:
        raise ConfigError(f"{OWNER}: {name} makes videos; give a text-to-image pipeline")
    if "image" in accepted and (sibling := _sibling(name, found)) is not found:
        return sibling
    if "prompt" not in accepted:
        raise ConfigError(f"{OWNER}: {name} takes no prompt, so it cannot paint what a text says; give a text-to-image pipeline")
    if "generator" not in accepted:
        raise ConfigError(
            f"{OWNER}: {name} takes no generator, so its pictures could not be painted again; give another pipeline"
        )
    needed = [
        key for key, value in accepted.items() if key not in ("self", "prompt") and value.default is inspect.Parameter.empty
        and value.kind not in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    ]  # fmt: skip
    if needed:
        raise ConfigError(f"{OWNER}: {name} needs {needed[0]} beside a prompt; give a text-to-image pipeline")
    return found


def _sibling(name: str, found: Any) -> Any:
    """Return the class of a pipeline's family that paints from text, itself where it is in none. Raises ConfigError for none."""
    # It loads every pipeline that there is, which few classes are worth.
    from diffusers.pipelines import auto_pipeline

    by_text: Mapping[str, Any] = auto_pipeline.AUTO_TEXT2IMAGE_PIPELINES_MAPPING
    if found in by_text.values():
        return found
    for others in (auto_pipeline.AUTO_IMAGE2IMAGE_PIPELINES_MAPPING, auto_pipeline.AUTO_INPAINT_PIPELINES_MAPPING):
        family = next((key for key, value in others.items() if value is found), None)
        if family is not None and family not in by_text:
            raise ConfigError(f"{OWNER}: {name} changes pictures and paints none; give a text-to-image pipeline")
        if family is not None:
            return by_text[family]
    return found


def _as_picture(image: Any, name: str) -> Picture:
    """Return what a pipeline gave as pixels: numbers from 0 to 1, bytes, or an image. Raises BackendError."""
    if hasattr(image, "convert"):
        image = image.convert("RGB")
    pixels = np.asarray(image)
    if pixels.ndim == _CHANNELS and pixels.shape[2] == 1:
        pixels = np.repeat(pixels, _CHANNELS, axis=2)
    if pixels.ndim != _CHANNELS or pixels.shape[2] != _CHANNELS:
        raise BackendError(f"{name} gave an array of shape {pixels.shape}, which is no picture; give a text-to-image pipeline")
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels)
    if not np.isfinite(pixels).all():
        raise BackendError(f"{name} made pixels that are not numbers; try dtype float32")
    return np.ascontiguousarray(np.rint(pixels.clip(0.0, 1.0) * 255).astype(np.uint8))


def create(argument: str, settings: Mapping[str, Any]) -> DiffusersPainter:
    """Make the painter; the argument is a folder or hub id, settings are the fields of `PictureSettings`. Raises ConfigError."""
    if not argument:
        raise ConfigError(f"{OWNER}: say which pipeline, as in --text-to-image FOLDER or --text-to-image OWNER/NAME")
    check_known(OWNER, settings, [item.name for item in fields(PictureSettings)])
    return DiffusersPainter(argument, PictureSettings(**settings))
