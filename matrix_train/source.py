"""``intergeneval run --model ADAPTER_DIR``: videos from base, adapter and the benchmark's own first frames and masks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from intergeneval.errors import BackendError, ConfigError, IntergenevalError
from intergeneval.ids import sha256_file
from intergeneval.masks import Mask
from intergeneval.records import Sample
from intergeneval.sources import Frame, SourceVideo
from matrix_train.checkpoint import LORA, MARK, REST, read_info
from matrix_train.data.clips import inside, read_mask, read_picture
from matrix_train.targets import resize

SETTINGS = {"base": "", "dtype": "bfloat16", "device": "", "steps": 50, "guidance": None, "seeds": [0], "fps": 8.0, "name": ""}
"""What a run's config may set for this source, with the defaults."""


class MatrixSource:
    """Generates one video for each sample and seed; the model is loaded when the first video is asked for."""

    parallel = False
    """One process holds the model."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        unknown = sorted(set(settings) - set(SETTINGS))
        if unknown:
            raise ConfigError(f"source 'matrix' has no setting {unknown[0]!r}; it knows {', '.join(SETTINGS)}")
        self._folder = folder
        self._info = read_info(folder)
        self._settings = {**SETTINGS, **settings}
        self._root: Path | None = None
        self._generator: Any = None

    @property
    def name(self) -> str:
        """Name of the model in tables: the folder's, or the setting."""
        own = self._folder.resolve()
        return str(self._settings["name"] or (own.parent.name if own.name == "adapter" else own.name))

    def describe(self) -> Mapping[str, Any]:
        """Return base, adapter hashes and sampling settings."""
        files = {name: sha256_file(self._folder / name) for name in (LORA, REST, MARK) if (self._folder / name).is_file()}
        chosen = {name: self._settings[name] for name in ("dtype", "steps", "guidance", "fps")}
        return {"source": "matrix", "base": self._settings["base"] or self._info.base, "adapter": files, **chosen}

    def attach(self, root: Path) -> None:
        """Take the benchmark's folder."""
        self._root = root

    def seeds(self, sample: Sample, wanted: Sequence[int]) -> tuple[int, ...]:  # noqa: ARG002  # protocol
        """Return the configured seeds, or those that are wanted."""
        return tuple(wanted) or tuple(int(seed) for seed in self._settings["seeds"])

    def video(self, sample: Sample, seed: int) -> SourceVideo:
        """Return frames that are generated when they are walked; a sample without a first frame has no video."""
        if sample.image is None:
            return SourceVideo(missing="the sample has no first frame to start from")
        if self._info.projection and not all(instance.mask for instance in sample.instances):
            return SourceVideo(missing="an instance has no first-frame mask, which this adapter's id map needs")
        return SourceVideo(frames=lambda: self._frames(sample, seed), fps=float(self._settings["fps"]))

    def _frames(self, sample: Sample, seed: int) -> Iterator[Frame]:
        try:
            first, masks = self._inputs(sample)
            generator = self._loaded()
            settings = self._settings
            frames = generator.frames(
                first, sample.prompt, masks, seed=seed, steps=int(settings["steps"]), guidance=settings["guidance"]
            )
        except IntergenevalError:
            raise
        except Exception as error:
            raise BackendError(f"sample {sample.id}, seed {seed}: generation failed: {error}") from error
        yield from frames

    def _inputs(self, sample: Sample) -> tuple[Frame, list[Mask]]:
        """Return first frame and masks at the size the adapter was trained with."""
        if self._root is None:
            raise BackendError("source 'matrix' was not told where the benchmark's files are")
        assert sample.image is not None
        size = self._info.size
        first = read_picture(inside(self._root, sample.image, "first frame"), size)
        masks = [resize(read_mask(inside(self._root, item.mask, "mask")), size) for item in sample.instances if item.mask]
        return first, masks

    def _loaded(self) -> Any:
        if self._generator is None:
            from matrix_train.generate import Generator

            settings = self._settings
            self._generator = Generator(self._folder, base=settings["base"], dtype=settings["dtype"], device=settings["device"])
        return self._generator


def create(argument: str, settings: Mapping[str, Any]) -> MatrixSource:
    """Make the source of an adapter folder. Raises ConfigError when the folder is none."""
    if not argument:
        raise ConfigError("source 'matrix' needs an adapter folder: --model matrix:FOLDER")
    return MatrixSource(Path(argument), settings)
