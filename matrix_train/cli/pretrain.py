"""`matrix-train pretrain`: a base model out of a procedural world, in resumable pieces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from matrix_train.cli.options import answer, json_option, overrides_option, say

_out = click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the run; resumed when it exists."
)
_start = click.option("--start", default="", help="Pipeline to go on from: a folder, or builtin:staged-base.")


@click.group("pretrain")
def command() -> None:
    """Train a small image-to-video base model on procedural videos, from nothing: first `vae`, then `dit`.

    CONFIG is a TOML file or the name of one that comes with the package: staged-small, binding-small and others. Every piece
    takes up where it was stopped when the same command is given again.
    """


@command.command("vae")
@click.argument("config")
@_out
@_start
@overrides_option
@json_option
def vae(*, config: str, out: Path, start: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Train the video autoencoder."""
    from matrix_train.pretrain.config import read
    from matrix_train.pretrain.vae import train_vae

    folder = train_vae(read(config, overrides), out / "vae", say, _pipeline(start) / "vae" if start else None)
    answer({"vae": str(folder)}, str(folder), as_json=as_json)


@command.command("latents")
@click.argument("config")
@_out
@_start
@click.option(
    "--part", default="0/1", show_default=True, metavar="I/N", help="Do every Nth file from the Ith, for several processes."
)
@overrides_option
@json_option
def latents(*, config: str, out: Path, start: str, part: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Encode the training clips; `dit` does what is left of it."""
    from matrix_train.pretrain.config import parse_part, read
    from matrix_train.pretrain.latents import encode_world

    encode_world(read(config, overrides), _vae_of(out, start), out / "latents", say, parse_part(part))
    answer({"latents": str(out / "latents")}, str(out / "latents"), as_json=as_json)


@command.command("dit")
@click.argument("config")
@_out
@_start
@overrides_option
@json_option
def dit(config: str, out: Path, start: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Train the transformer with its text encoder, and write the pipeline."""
    from matrix_train.pretrain.config import read
    from matrix_train.pretrain.dit import Places, check_fit, train_dit
    from matrix_train.pretrain.latents import encode_world, load_latents

    settings, autoencoder = read(config, overrides), _vae_of(out, start)
    source = _pipeline(start) if start else None
    if source is not None:
        check_fit(source, autoencoder)
    encode_world(settings, autoencoder, out / "latents", say)
    found = load_latents(settings, autoencoder, out / "latents")
    places = Places(out=out / "dit", vae=autoencoder, pipeline=out / "pipeline", start=source)
    folder = train_dit(settings, found, places, say)
    answer({"pipeline": str(folder)}, str(folder), as_json=as_json)


@command.command("measure")
@click.argument("model")
@click.option("--scenes", type=click.IntRange(2), default=300, show_default=True, help="Held-out scenes, two videos each.")
@click.option("--seed", default=2, show_default=True, help="Seed of the scenes.")
@click.option("--steps", type=click.IntRange(1, 1000), default=10, show_default=True, help="Sampling steps.")
@click.option("--guidance", default=1.0, show_default=True, help="Scale of classifier-free guidance; 1: none.")
@json_option
def measure(*, model: str, scenes: int, seed: int, steps: int, guidance: float, as_json: bool) -> None:
    """Tell how well a base of the binding world binds: who moves, and to whom, by colours at known places.

    MODEL is a pipeline's folder, or builtin:binding-base.
    """
    import torch

    from matrix_train.backbones.loading import load_pipeline, told_shape
    from matrix_train.binding import measure as measuring

    folder = _pipeline(model)
    frames, size = told_shape(folder)
    form = measuring.Sampling(steps=steps, guidance=guidance)
    form = replace(form, frames=frames or form.frames, size=size or form.size)
    pipeline = load_pipeline(folder, torch.float32)
    found = measuring.measure(pipeline, seed=seed, scenes=scenes, sampling=form)
    answer({"model": model, **found.to_json(), "sampling": form.to_json()}, found.text(), as_json=as_json)


@command.command("clips")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--world", type=click.Choice(("staged", "binding")), default="staged", show_default=True, help="What they show.")
@click.option("--seed", default=3000, show_default=True, help="Seed of the scenes; 1 and 2 are the benchmarks'.")
@click.option("--count", default=200, show_default=True, help="Number of clips.")
@click.option("--frames", type=int, help="Frames of a clip; staged 17, binding 9.")
@click.option("--size", nargs=2, type=int, help="Height and width, pixels; staged 96 144, binding 80 80.")
@json_option
def clips(
    *, folder: Path, world: str, seed: int, count: int, frames: int | None, size: tuple[int, int] | None, as_json: bool
) -> None:
    """Write scenes, played as their captions say, as a dataset for `fit`."""
    if world == "binding":
        from matrix_train.binding.write import write_clips

        made = write_clips(folder, seed=seed, count=count, frames=frames or 9, size=size or (80, 80))
    else:
        from matrix_train.data.staged import write_staged_clips

        made = write_staged_clips(folder, seed=seed, count=count, frames=frames or 17, size=size or (96, 144))
    answer({"dataset": str(folder), "clips": made}, f"{folder}  {made} clips", as_json=as_json)


def _pipeline(start: str) -> Path:
    from matrix_train.backbones.files import resolve

    return resolve(start)


def _vae_of(out: Path, start: str) -> Path:
    """Return the autoencoder's folder: the run's own, else that of the pipeline that is gone on from. Raises ConfigError."""
    from intergeneval.errors import ConfigError

    found: Any = out / "vae" / "model"
    if start and not (out / "vae").is_dir():
        found = _pipeline(start) / "vae"
    if not (found / "config.json").is_file():
        raise ConfigError(f"{found}: there is no autoencoder; train it first with: matrix-train pretrain vae CONFIG --out {out}")
    return Path(found)
