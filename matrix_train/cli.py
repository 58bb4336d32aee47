"""The command line of the training package: thin commands over plain functions, heavy imports inside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from intergeneval.errors import EXIT_INCOMPLETE, EXIT_INTERRUPTED, BackendError, ConfigError, IntergenevalError
from matrix_train import __version__
from matrix_train import config as configs


class _Group(click.Group):
    """Turns our errors into one message on stderr and their exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb; a missing package or a known error is one sentence, never a traceback."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.split(".")[0] not in ("torch", "diffusers", "transformers", "peft", "accelerate"):
                raise
            click.echo(f"error: the package {error.name} is not installed; pip install 'intergeneval[train]'", err=True)
            ctx.exit(2)
        except IntergenevalError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("interrupted; run the same command again to go on from the last checkpoint", err=True)
            ctx.exit(EXIT_INTERRUPTED)


@click.group(cls=_Group, context_settings={"auto_envvar_prefix": "MATRIX_TRAIN", "help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="matrix-train")
def main() -> None:
    """Train adapters that align the attention of a video diffusion transformer with mask tracks."""


def _say(line: str) -> None:
    click.echo(line, err=True)


def _config(source: str, overrides: tuple[str, ...]) -> configs.Config:
    """Read a config file, or a recipe by its name."""
    path = Path(source)
    recipe = Path(__file__).parent / "recipes" / f"{source}.toml"
    if not path.exists() and recipe.is_file():
        path = recipe
    elif not path.exists():
        known = ", ".join(sorted(item.stem for item in recipe.parent.glob("*.toml")))
        raise ConfigError(f"{source}: there is no such config file, and no recipe of that name; recipes are {known}")
    return configs.load(path, overrides)


_set = click.option(
    "--set", "overrides", multiple=True, metavar="SECTION.FIELD=VALUE", help="Override one value of the config; may be repeated."
)
_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def _answer(result: dict[str, Any], as_json: bool, text: str) -> None:
    click.echo(json.dumps(result) if as_json else text)


@main.command()
@click.argument("config")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the run; resumed when it exists."
)
@click.option("--fold-alpha", is_flag=True, help="Also write the adapter with its scale multiplied in, for tools that ignore it.")
@_set
@_json
def fit(config: str, out: Path, fold_alpha: bool, overrides: tuple[str, ...], as_json: bool) -> None:
    """Train the adapter that CONFIG (a TOML file or a recipe's name) describes."""
    settings = _config(config, overrides)
    from matrix_train.loop import Run

    done = Run(settings, out, _say, fold_alpha=fold_alpha).fit()
    result = {"adapter": str(done.folder), "steps": done.steps, "loss": done.loss, "seconds_per_step": done.seconds_per_step}
    _answer(result, as_json, f"{done.folder}  {done.steps} steps")


@main.command()
@click.argument("config")
@_set
@_json
def precompute(config: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Encode and cache every clip that CONFIG trains on."""
    settings = _config(config, overrides)
    import torch

    from matrix_train.backbones.encoders import load_encoder
    from matrix_train.backbones.loading import load_backbone, resolve
    from matrix_train.data.cache import folder_of, notes_of
    from matrix_train.data.cache import precompute as encode
    from matrix_train.data.checking import read_dataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype, folder = getattr(torch, settings.model.dtype), resolve(settings.model.path)
    clips = read_dataset(Path(settings.data.path))
    encoder, backbone = load_encoder(folder, dtype, device), load_backbone(folder, dtype)
    made = encode(settings, clips, encoder, backbone, lambda done, all_, name: _say(f"{done}/{all_}  {name}"))
    cache = folder_of(settings)
    for note in notes_of(cache, clips):
        _say(f"note: {note}")
    _answer({"cache": str(cache), "clips": len(clips), "encoded": made}, as_json, f"{cache}  {made} of {len(clips)} encoded")


@main.command()
@click.argument("dataset", type=click.Path(path_type=Path))
@click.option("--frames", default=49, show_default=True, help="Frames a clip must have.")
@click.option("--model", default="", help="Base pipeline; tells captions that are too long for its text encoder.")
@_json
def check(dataset: Path, frames: int, model: str, as_json: bool) -> None:
    """Name every fault of DATASET; exit 3 when a clip cannot be trained on."""
    from matrix_train.data.checking import Fault, check_clip, read_dataset

    clips = read_dataset(dataset)
    faults = [fault for clip in clips for fault in check_clip(dataset, clip, frames)]
    if model:
        from matrix_train.backbones.encoders import load_offsets
        from matrix_train.backbones.loading import resolve
        from matrix_train.data.cache import cut_notes

        offsets = load_offsets(resolve(model))
        faults += [
            Fault(clip=clip.id, what=what, fatal=False) for clip in clips for what in cut_notes(clip, offsets(clip.caption))
        ]
    fatal = {fault.clip for fault in faults if fault.fatal}
    lines = [f"{fault.clip}: {'' if fault.fatal else 'note: '}{fault.what}" for fault in faults]
    lines.append(f"{len(clips) - len(fatal)} of {len(clips)} clips can be trained on")
    _answer(
        {"clips": len(clips), "usable": len(clips) - len(fatal), "faults": [item.to_json() for item in faults]},
        as_json,
        "\n".join(lines),
    )
    if fatal:
        click.get_current_context().exit(EXIT_INCOMPLETE)


@main.command()
@click.argument("adapter", type=click.Path(path_type=Path, file_okay=False))
@click.option("--image", type=click.Path(path_type=Path, dir_okay=False), required=True, help="First frame.")
@click.option(
    "--mask",
    "mask_paths",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="First-frame mask of an instance, in colour order; may be repeated.",
)
@click.option("--prompt", required=True, help="What happens.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The mp4 to write.")
@click.option("--seed", default=0, show_default=True, help="Seed of the noise.")
@click.option("--steps", default=50, show_default=True, help="Sampling steps.")
@click.option("--base", default="", help="Base pipeline, where it is not where the adapter was trained.")
@click.option("--dtype", default="bfloat16", show_default=True, help="Type of the weights.")
@_json
def sample(  # noqa: PLR0913  # one parameter for each option
    *,
    adapter: Path,
    image: Path,
    mask_paths: tuple[Path, ...],
    prompt: str,
    out: Path,
    seed: int,
    steps: int,
    base: str,
    dtype: str,
    as_json: bool,
) -> None:
    """Generate one video with ADAPTER."""
    import cv2
    import numpy as np

    from intergeneval.videos import write_video
    from matrix_train.checkpoint import read_info
    from matrix_train.data.clips import read_mask
    from matrix_train.generate import Generator
    from matrix_train.targets import resize

    size = read_info(adapter).size
    picture = cv2.imdecode(np.fromfile(image, dtype=np.uint8), cv2.IMREAD_COLOR_RGB) if image.is_file() else None
    if picture is None:
        raise BackendError(f"{image}: the first frame cannot be read")
    first = np.asarray(cv2.resize(picture, (size[1], size[0]), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    masks = [resize(read_mask(path), size) for path in mask_paths]
    frames = Generator(adapter, base=base, dtype=dtype).frames(first, prompt, masks, seed=seed, steps=steps)
    count = write_video(out, iter(frames), 8.0)
    _answer({"video": str(out), "frames": count}, as_json, f"{out}  {count} frames")
