"""`matrix-train import`: a file of another tool as an adapter folder."""

from __future__ import annotations

from pathlib import Path

import click

from matrix_train.cli.options import answer, json_option


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="The adapter folder to write.")
@click.option("--base", default="", help="Base pipeline; needed where the file was not written by 'export'.")
@click.option("--frames", type=click.IntRange(min=1), help="Frames of its videos, where the base does not tell.")
@click.option("--height", type=click.IntRange(min=16), help="Height of its videos, where the base does not tell.")
@click.option("--width", type=click.IntRange(min=16), help="Width of its videos, where the base does not tell.")
@json_option
def command(*, file: Path, out: Path, base: str, frames: int | None, as_json: bool, **sides: int | None) -> None:
    """Write FILE, in the names of diffusers, kohya's tools or ComfyUI, as an adapter folder."""
    from matrix_train.model.bring_back import bring_back

    height, width = sides["height"], sides["width"]
    if (height is None) != (width is None):
        raise click.UsageError("give --height and --width, or neither")
    size = None if height is None or width is None else (height, width)
    info = bring_back(file, out, base=base, frames=frames or 0, size=size)
    text = f"{out}  rank {info.rank}, alpha {info.alpha}, for {info.base}"
    answer({"adapter": str(out), **info.to_json()}, text, as_json=as_json)
