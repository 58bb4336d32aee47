"""Videos made on the spot by a pipeline of diffusers: ``--model FOLDER`` with a ``model_index.json``, or ``diffusers:HUB/ID``.

Image-to-video pipelines (CogVideoX, Wan, HunyuanVideo and others) get the sample's first frame, text-to-video ones the prompt
alone. A first frame of another shape than the video goes in by `plugins.fitting`, as an image of exactly the video's size,
since the pipelines would stretch it. Noise is drawn on a CPU generator from the sample's id and the seed, so a video does not
depend on the device's random numbers nor on which samples went before. Settings: see `Generation`; whatever is unset is what
the pipeline itself takes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from intergeneval.errors import BackendError, ConfigError
from intergeneval.ids import sha256_file
from intergeneval.plugins.adapters import Adapter, adapter_in
from intergeneval.plugins.fitting import Fitting
from intergeneval.plugins.video_models import TOLD, rules_of
from intergeneval.plugins.weights import Once, check_known, locate, place
from intergeneval.records import Fit, Sample
from intergeneval.sources import Frame, SourceVideo
from intergeneval.sources.generation import OWNER, Generation, pipeline_files, video_size
from intergeneval.sources.pipeline_index import MARKER, pipeline_class, rebuilt_tokenizers

__all__ = ["DiffusersSource", "Generation", "create", "noise_seed"]

FORMER_RATES = {"CogVideoX": 8.0, "Wan": 16.0, "HunyuanVideo": 24.0, "LTX": 24.0, "Mochi": 30.0}
"""Start of a pipeline's class name -> the rate that older versions took for every model of that class, and 8 for others: what
`describe` holds the present rate against, so that runs whose rate was right keep their hash."""
TOLD_RATE = ("frame_rate", "fps")
"""Arguments by which a pipeline is told the rate of the video that it is to make."""
FULL_PRECISION = {"Wan": ("vae", "image_encoder")}
"""Start of a pipeline's class name -> parts that lose quality in half precision."""


class DiffusersSource:
    """Generates the video of each sample and seed when the run asks for it; the run writes it once and never asks again."""

    parallel = False
    """One copy of the weights serves all videos."""

    def __init__(self, source: str, generation: Generation) -> None:
        """Look at the pipeline's index; its weights are loaded with the first video. Raises ConfigError."""
        self._generation = generation
        self._weights = locate(OWNER, source, MARKER)
        self._class_name, self._class, self._index = pipeline_class(OWNER, self._weights)
        accepted = inspect.signature(self._class.__call__).parameters
        if "num_frames" not in accepted:
            raise ConfigError(f"{OWNER}: {self._class_name} makes no videos; give a text-to-video or image-to-video pipeline")
        unknown = [name for name in generation.arguments() if name not in accepted]
        if unknown:
            raise ConfigError(f"{OWNER}: {self._class_name} takes no {unknown[0]}; leave that setting out")
        if "prompt" not in accepted:
            raise ConfigError(f"{OWNER}: {self._class_name} takes no prompt, so it cannot be asked for what a sample says")
        self._takes_image = "image" in accepted
        self._rules = rules_of(pipeline_files(self._weights, self._index))
        self._rate_argument = next((name for name in TOLD_RATE if name in accepted), "")
        told = accepted[self._rate_argument].default if self._rate_argument else None
        own = self._rules.rate if told is None or self._rules.files[TOLD] else float(told)
        self._own_rate, self._size = own, video_size(generation, accepted, self._rules)
        self._check()
        self._fit = "crop"
        self._device, self._dtype = place(OWNER, {"device": generation.device, "dtype": generation.dtype})
        self._root: Path | None = None
        self._pipeline = Once(OWNER, self._load)

    def _check(self) -> None:
        """Refuse what the model would change without a word. Raises ConfigError."""
        chosen, rules = self._generation, self._rules
        if not chosen.fps and not self._own_rate:
            raise ConfigError(
                f"{OWNER}: how many frames a second a {self._class_name} makes is not known; set fps in [settings.diffusers], "
                f'or write {{"fps": ...}} into {TOLD} beside its {MARKER}'
            )
        if chosen.frames is not None:
            rules.check_frames(chosen.frames, f"{OWNER}: frames")
        if (chosen.height or chosen.width) and self._size is not None:
            rules.check_size(self._size, f"{OWNER}: height and width are")

    @property
    def name(self) -> str:
        """Name of the model in tables."""
        return self._weights.name

    def attach(self, root: Path) -> None:
        """Take the folder that first frames are relative to."""
        self._root = root

    def describe(self) -> Mapping[str, Any]:
        """Return pipeline, weights and every setting that decides a video."""
        chosen, former = self._generation, _of_family(FORMER_RATES, self._class_name) or 8.0
        more: dict[str, Any] = {}
        # What older versions did otherwise, and what they did alike leaves the hash as it was.
        if chosen.fps is None and self._own_rate != former:
            more["rate"] = self._own_rate
        if chosen.fps is not None and self._rate_argument:
            more["told_rate"] = True
        if chosen.frames is not None and self._rules.dropped:
            more["sampled_frames"] = chosen.frames + self._rules.dropped
        return {
            "source": "diffusers",
            "pipeline": self._class_name,
            "weights": self._weights.label,
            "dtype": str(self._dtype).removeprefix("torch."),
            **{
                key: value
                for key, value in asdict(self._generation).items()
                if key not in ("device", "dtype", "offload", "seeds")
            },
            **more,
        }

    def seeds(self, sample: Sample, wanted: Sequence[int]) -> tuple[int, ...]:  # noqa: ARG002  # every sample has every seed
        """Return the wanted seeds, or as many as the settings say."""
        return tuple(dict.fromkeys(wanted)) or tuple(range(self._generation.seeds))

    def video(self, sample: Sample, seed: int) -> SourceVideo:
        """Return a video whose frames are made when they are taken. Raises BackendError without a first frame to start from."""
        image = self._first_frame(sample) if self._takes_image else None

        def frames() -> Iterator[Frame]:
            return iter(self._generate(sample, seed, image))

        fitting = None if image is None else self.geometry(sample)
        return SourceVideo(frames=frames, fps=self._rate, label=f"{sample.id}-{seed}", fitting=fitting)

    def give_by(self, fit: str) -> None:
        """Take how the videos will be read, which is how first frames are given."""
        self._fit = fit

    def geometry(self, sample: Sample) -> Fitting | None:
        """Return the way of a sample's first frame into the model and back; None where the videos' size is not known yet."""
        if not self._takes_image or self._size is None or sample.size is None:
            return None
        return Fitting.of(self._size, sample.size, self._fit)

    @property
    def _rate(self) -> float:
        rate = self._generation.fps or self._own_rate
        assert rate is not None
        return float(rate)

    def probe(self) -> str:
        """Make one tiny video in one step, for ``intergeneval doctor``; return what worked. Raises BackendError."""
        given: dict[str, Any] = {"image": Image.new("RGB", (128, 128))} if self._takes_image else {}
        given |= {"num_inference_steps": 1, "height": 128, "width": 128, "num_frames": 9}
        with torch.inference_mode():
            frames = self._pipeline.get()(prompt="a ball", output_type="np", **given).frames[0]
        return f"{self._class_name} {self._weights.label} on {self._device}: made {len(frames)} frames in one step"

    def _first_frame(self, sample: Sample) -> Path:
        if sample.image is None or self._root is None:
            raise BackendError(f"sample {sample.id}: {self._class_name} starts from an image, and the sample has none")
        path = self._root / sample.image
        if not path.resolve().is_relative_to(self._root.resolve()) or not path.is_file():
            raise BackendError(f"sample {sample.id}: its first frame {sample.image!r} is not a file inside {self._root}")
        return path

    def _load(self) -> Any:
        whole = _of_family(FULL_PRECISION, self._class_name) or ()
        dtype = {"default": self._dtype, **dict.fromkeys(whole, torch.float32)} if whole else self._dtype
        pipeline = self._class.from_pretrained(
            self._weights.source, dtype=dtype, **rebuilt_tokenizers(self._weights, self._index)
        )
        pipeline.set_progress_bar_config(disable=True)
        if self._generation.tiling:
            pipeline.vae.enable_tiling()
        if self._generation.offload and self._device.type == "cuda":
            pipeline.enable_model_cpu_offload(device=self._device)
            return pipeline
        return pipeline.to(self._device)

    def _generate(self, sample: Sample, seed: int, image: Path | None) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Return the frames (N, H, W, 3). Raises BackendError for an image that is none or frames that are not finite."""
        pipeline = self._pipeline.get()
        generator = torch.Generator(device="cpu").manual_seed(noise_seed(sample.id, seed))
        given: dict[str, Any] = {
            "prompt": sample.prompt,
            "generator": generator,
            "output_type": "np",
            **self._generation.arguments(),
            **_text_length(pipeline),
        }
        if self._generation.frames is not None:
            given["num_frames"] = self._generation.frames + self._rules.dropped
        if self._rate_argument and (self._generation.fps is not None or self._rules.files[TOLD]):
            given[self._rate_argument] = self._rate
        fitting = None
        if image is not None:
            fitting, given["image"] = self._given_image(pipeline, sample, image)
        with torch.inference_mode():
            frames = np.asarray(pipeline(**given).frames[0])
        if not np.isfinite(frames).all():
            raise BackendError(
                f"sample {sample.id}, seed {seed}: the pipeline made pixels that are not numbers; try dtype float32"
            )
        self._check_made(sample, frames, fitting)
        made: np.ndarray[Any, np.dtype[np.uint8]] = np.rint(frames.clip(0.0, 1.0) * 255).astype(np.uint8)
        return made

    def _given_image(self, pipeline: Any, sample: Sample, place: Path) -> tuple[Fitting | None, Image.Image]:
        """Return a sample's first frame as the pipeline is given it, and the geometry. Raises BackendError for no image."""
        try:
            image = Image.open(place).convert("RGB")
        except OSError as error:
            raise BackendError(f"sample {sample.id}: its first frame {sample.image!r} cannot be read ({error})") from None
        shape = sample.size or (image.height, image.width)
        size = self._size or _size_by_image(pipeline, shape)
        if size is None:
            raise BackendError(
                f"sample {sample.id}: the size of a {self._class_name}'s videos is not known, so its first frame cannot be "
                "brought to it; set height and width"
            )
        fitting = Fitting.of(size, shape, self._fit)
        if fitting.fit is not Fit.CROP and self._rules.model is not None:
            # The table's pipelines stretch what they are given, which is all there is to do, and some look at the whole image.
            return fitting, image
        return fitting, Image.fromarray(fitting.give(np.asarray(image)))

    def _check_made(self, sample: Sample, frames: np.ndarray[Any, Any], fitting: Fitting | None) -> None:
        """Raise BackendError where a video is not what was asked for: its masks or its clock would be another's."""
        asked = self._generation.frames
        if asked is not None and len(frames) != asked:
            raise BackendError(
                f"sample {sample.id}: {self._class_name} gave {len(frames)} frames where {asked} were asked for; set frames to a "
                "number that it keeps"
            )
        size = self._size if fitting is None else fitting.source_size
        if size is not None and frames.shape[1:3] != size:
            raise BackendError(
                f"sample {sample.id}: {self._class_name} gave a video of {frames.shape[2]}x{frames.shape[1]} where "
                f"{size[1]}x{size[0]} was to come, so its first frame lies elsewhere in it; set height and width to what it makes"
            )


def noise_seed(sample_id: str, seed: int) -> int:
    """Return the seed (0 to 2^63 - 1) of a sample's noise: its own for each sample, so that videos do not share their noise."""
    return int.from_bytes(hashlib.sha256(f"{seed}\0{sample_id}".encode()).digest()[:8], "big") >> 1


def _size_by_image(pipeline: Any, shape: tuple[int, int]) -> tuple[int, int] | None:
    """Return the size that a pipeline chooses by the shape (height, width) of its image, as HunyuanVideo 1.5 does; else None."""
    choose = getattr(getattr(pipeline, "video_processor", None), "calculate_default_height_width", None)
    target = getattr(pipeline, "target_size", None)
    if choose is None or target is None:
        return None
    height, width = choose(shape[0], shape[1], target)
    return int(height), int(width)


def _text_length(pipeline: Any) -> dict[str, int]:
    """Return the length of text that the transformer was trained with, where it tells: pipelines pad to that of the first one."""
    length = getattr(getattr(getattr(pipeline, "transformer", None), "config", None), "max_text_seq_length", None)
    takes = "max_sequence_length" in inspect.signature(type(pipeline).__call__).parameters
    return {"max_sequence_length": int(length)} if takes and length else {}


def _of_family(table: Mapping[str, Any], class_name: str) -> Any:
    return next((value for start, value in table.items() if class_name.startswith(start)), None)


class LoraSource(DiffusersSource):
    """The videos of a pipeline with an adapter on it."""

    def __init__(self, adapter: Adapter, folder: Path, base: str, scale: float, generation: Generation) -> None:
        super().__init__(base, generation)
        self._adapter, self._folder, self._scale = adapter, folder, scale

    @property
    def name(self) -> str:
        """Name of the model in tables: the adapter's."""
        return self._folder.resolve().stem

    def describe(self) -> Mapping[str, Any]:
        """Return what decides a video: the base's settings, and the adapter's bytes and scale."""
        return {
            **super().describe(),
            "adapter": sha256_file(self._adapter.file),
            "form": self._adapter.form,
            "scale": self._scale,
        }

    def _load(self) -> Any:
        pipeline = super()._load()
        if not hasattr(pipeline, "load_lora_weights"):
            raise BackendError(f"lora: {type(pipeline).__name__} takes no LoRA weights")
        if importlib.util.find_spec("peft") is None:
            raise BackendError("lora: adapters are put on their base by peft: pip install 'intergeneval[models]'")
        try:
            pipeline.load_lora_weights(_weights_of(self._adapter), adapter_name="adapter")
            pipeline.set_adapters(["adapter"], [self._scale])
        except KeyError as error:
            named = f"{self._adapter.file} does not fit {type(pipeline).__name__}"
            raise BackendError(f"lora: {named}: it has no weight {error}, which an adapter of this form has") from error
        except (ValueError, RuntimeError, ImportError) as error:
            raise BackendError(f"lora: {self._adapter.file} does not fit {type(pipeline).__name__}: {error}") from error
        if not pipeline.get_active_adapters():
            raise BackendError(f"lora: no weight of {self._adapter.file} has a place in {type(pipeline).__name__}")
        return pipeline


def _weights_of(adapter: Adapter) -> dict[str, Any]:
    """Return an adapter's tensors under the names that diffusers knows, with the scale that peft keeps beside them worked in."""
    from safetensors.torch import load_file

    found: dict[str, Any] = load_file(adapter.file)
    if adapter.form != "peft":
        return found
    place = adapter.file.parent / "adapter_config.json"
    settings = json.loads(place.read_text(encoding="utf-8")) if place.is_file() else {}
    rank, alpha = float(settings.get("r") or 1), float(settings.get("lora_alpha") or settings.get("r") or 1)
    factor = alpha / (rank**0.5 if settings.get("use_rslora") else rank)
    renamed = {}
    for name, tensor in found.items():
        short = name.removeprefix("base_model.model.").removeprefix("transformer.")
        renamed[f"transformer.{short}"] = tensor * factor if ".lora_B." in short else tensor
    return renamed


def create_lora(argument: str, settings: Mapping[str, Any]) -> LoraSource:
    """Make the source of an adapter, which lies in a folder or is a file.

    The setting ``base`` names the pipeline, ``scale`` the adapter's strength; the others are the base's. Raises ConfigError.
    """
    adapter = adapter_in(Path(argument)) if argument else None
    if adapter is None or adapter.form == "unknown":
        raise ConfigError(
            f"lora: {argument or 'no folder'}: holds no LoRA weights as safetensors of diffusers, peft, kohya or musubi"
        )
    own = dict(settings)
    base, scale = own.pop("base", None), own.pop("scale", 1.0)
    if not isinstance(base, str) or not base:
        raise ConfigError(f"lora: whose adapter {argument} is must be said: --set base=PIPELINE, a diffusers folder or hub id")
    known = {field.name for field in fields(Generation)}
    for name in own:
        if name not in known:
            raise ConfigError(f"source 'lora' has no setting {name!r}; it knows: base, scale, {', '.join(sorted(known))}")
    return LoraSource(adapter, Path(argument), base, float(scale), Generation(**own))


def create(argument: str, settings: Mapping[str, Any]) -> DiffusersSource:
    """Make the source; the argument is a folder or hub id, settings are the fields of `Generation`. Raises ConfigError."""
    if not argument:
        raise ConfigError(f"{OWNER}: say which pipeline, as in --model FOLDER or --model diffusers:OWNER/NAME")
    check_known(OWNER, settings, [item.name for item in fields(Generation)])
    return DiffusersSource(argument, Generation(**settings))
