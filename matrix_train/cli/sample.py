"""`matrix-train sample`: one video with one adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from matrix_train.cli.options import answer, json_option


@click.command("sample")
@click.argument("adapter", type=click.Path(path_type=Path, file_okay=False))
@click.option("--image", type=click.Path(path_type=Path, dir_okay=False), required=True, help="First frame.")
@click.option(
    "--mask",
    "masks",
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
@json_option
def command(*, as_json: bool, **options: Any) -> None:
    """Generate one video with ADAPTER."""
    from matrix_train.generate import VideoRequest, write_one

    request = VideoRequest(**options)
    frames = write_one(request)
    answer({"video": str(request.out), "frames": frames}, f"{request.out}  {frames} frames", as_json=as_json)
