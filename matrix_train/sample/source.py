"""``intergeneval run --model``: videos of an adapter or a base pipeline, from the benchmark's own first frames and masks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from intergeneval.errors import BackendError, ConfigError, IntergenevalError, RecordError
from intergeneval.ids import sha256_file
from intergeneval.masks import Mask
from intergeneval.plugins.fitting import Fitting
from intergeneval.plugins.weights import Once
from intergeneval.records import Sample
from intergeneval.sources import Frame, SourceVideo
from matrix_train.backbones.files import describe, look_up
from matrix_train.data.clips import inside, read_mask, read_picture
from matrix_train.guidance.config import check_layers, parse
from matrix_train.guidance.roles import roles_of
from matrix_train.model.checkpoint import LORA, MARK, REST
from matrix_train.sample.config import SampleConfig, find_model

SAMPLED = ("base", "dtype", "device", "steps", "guidance", "frames", "height", "width")
"""Settings that are fields of SampleConfig."""
OWN: Mapping[str, Any] = {"seeds": [0], "fps": None, "name": "", "attention_guidance": {}}
"""Further settings, with the defaults; ``fps`` is the base's own where it is not set."""


class MatrixSource:
    """Generates one video for each sample and seed; the model is loaded when the first video is asked for."""

    parallel = False
    """One process holds the model."""

    def __init__(self, model: str, settings: Mapping[str, Any]) -> None:
        unknown = sorted(set(settings) - {*SAMPLED, *OWN})
        if unknown:
            raise ConfigError(f"source 'matrix' has no setting {unknown[0]!r}; it knows {', '.join((*SAMPLED, *OWN))}")
        self._spec = model
        self._settings = {**OWN, **settings}
        if isinstance(settings.get("guidance"), str | list | dict):
            raise ConfigError("source 'matrix': guidance is a number; cmg and cag stand in attention_guidance")
        try:
            chosen = {name: settings[name] for name in SAMPLED if name in settings}
            self._config = SampleConfig.from_json(chosen, where="source 'matrix'")
        except RecordError as error:
            raise ConfigError(str(error)) from None
        seeds, fps = self._settings["seeds"], self._settings["fps"]
        if not isinstance(seeds, list | tuple) or not seeds or not all(type(seed) is int for seed in seeds):
            raise ConfigError(f"source 'matrix': seeds is {seeds!r}; it must be a list of whole numbers, such as [0, 1]")
        if fps is not None and (type(fps) not in (int, float) or not 0 < fps < float("inf")):
            raise ConfigError(f"source 'matrix': fps is {fps!r}; it must be a number above 0")
        self._guidance = parse(self._settings["attention_guidance"], where="source 'matrix': attention_guidance")
        self._model = find_model(model, self._config)
        self._fps: float = self._model.rate if fps is None else fps
        self._fit = "crop"
        check_layers(self._guidance, look_up(self._model.base_path))
        self._root: Path | None = None
        self._generator = Once("source 'matrix'", self._load)

    @property
    def name(self) -> str:
        """Name of the model in tables: the setting, or the folder's with the guidance behind it."""
        own = Path(self._spec).resolve()
        plain = own.parent.name if own.name == "adapter" else own.name
        return str(self._settings["name"] or "+".join((plain, *(self._guidance.kinds if self._guidance.active else ()))))

    def describe(self) -> Mapping[str, Any]:
        """Return base, adapter hashes, and settings of sampling and guidance."""
        config, model = self._config, self._model
        found: dict[str, Any] = {"source": "matrix", "dtype": config.dtype, "steps": config.steps, "guidance": config.guidance}
        found["fps"] = self._fps
        if model.adapter is None or model.info is None:
            base = model.base()
            parts = tuple(sorted(path.name for path in base.iterdir() if path.is_dir()))
            found |= {"base": self._spec, "pipeline": describe(base, parts)}
        else:
            files = {name: sha256_file(model.adapter / name) for name in (LORA, REST, MARK) if (model.adapter / name).is_file()}
            found |= {"base": config.base or model.info.base, "adapter": files}
        # What is not set leaves the key as it was before there was such a setting.
        found |= {name: getattr(config, name) for name in ("frames", "height", "width") if getattr(config, name)}
        return {**found, "attention_guidance": self._guidance.to_json()} if self._guidance.active else found

    def attach(self, root: Path) -> None:
        """Take the benchmark's folder."""
        self._root = root

    def seeds(self, sample: Sample, wanted: Sequence[int]) -> tuple[int, ...]:  # noqa: ARG002  # protocol
        """Return the configured seeds, or those that are wanted."""
        return tuple(wanted) or tuple(self._settings["seeds"])

    def video(self, sample: Sample, seed: int) -> SourceVideo:
        """Return frames that are generated when they are walked; a sample that lacks what the model needs has no video."""
        reason = self._missing(sample)
        if reason:
            return SourceVideo(missing=reason)
        return SourceVideo(frames=lambda: self._frames(sample, seed), fps=float(self._fps), fitting=self.geometry(sample))

    def give_by(self, fit: str) -> None:
        """Take how the videos will be read, which is how first frames are given."""
        self._fit = fit

    def geometry(self, sample: Sample) -> Fitting | None:
        """Return the way of a sample's first frame into the model and back; None for a sample without one."""
        return None if sample.size is None else Fitting.of(self._model.size, sample.size, self._fit)

    def _missing(self, sample: Sample) -> str:
        """Return why a sample cannot have a video, in one sentence; empty where it can."""
        if sample.image is None:
            return "the sample has no first frame to start from"
        info = self._model.info
        if info is not None and info.projection and not all(instance.mask for instance in sample.instances):
            return "an instance has no first-frame mask, which this adapter's id map needs"
        if not self._guidance.needs_regions:
            return ""
        try:
            needed = {name for role in roles_of(sample, self._guidance.roles) for name in role.instances}
        except ConfigError as error:
            return str(error)
        bare = [name for name in sorted(needed) if not sample.instance(name).mask]
        return f"{bare[0]} has no first-frame mask, which cmg needs" if bare else ""

    def _frames(self, sample: Sample, seed: int) -> Iterator[Frame]:
        try:
            first, masks = self._inputs(sample)
            frames = self._generator.get().frames(first, sample, masks, seed=seed)
        except IntergenevalError:
            raise
        except Exception as error:
            raise BackendError(f"sample {sample.id}, seed {seed}: generation failed: {error}") from error
        yield from frames

    def _inputs(self, sample: Sample) -> tuple[Frame, dict[str, Mask]]:
        """Return first frame and masks by instance, at the size of the video."""
        if self._root is None:
            raise BackendError("source 'matrix' was not told where the benchmark's files are")
        assert sample.image is not None
        picture = read_picture(inside(self._root, sample.image, "first frame"))
        way = self.geometry(sample) or Fitting.of(self._model.size, (picture.shape[0], picture.shape[1]), self._fit)
        paths = {item.id: inside(self._root, item.mask, "mask") for item in sample.instances if item.mask}
        return way.give(picture), {name: way.give_mask(read_mask(path)) for name, path in paths.items()}

    def _load(self) -> Any:
        from matrix_train.sample.generate import Generator

        return Generator(self._spec, self._config, self._guidance)


def create(argument: str, settings: Mapping[str, Any]) -> MatrixSource:
    """Make the source of an adapter or a base pipeline. Raises ConfigError when it is neither."""
    if not argument:
        raise ConfigError("source 'matrix' needs an adapter's or a pipeline's folder: --model matrix:FOLDER")
    return MatrixSource(argument, settings)
