"""`matrix-train sample`: one video of a base pipeline or an adapter, with or without attention guidance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from matrix_train.cli.options import answer, json_option

_MORE = (
    "Further settings stand in --config, tables [sample] (steps, base, dtype, device, guidance, frames, height, width) and "
    "[attention_guidance] (kinds, scale, cmg_layers, cag_layers, regions, tracker, roles); --steps, --base, --dtype and "
    "--regions also work as options."
)


@click.command("sample", epilog=_MORE)
@click.argument("model")
@click.option("--image", type=click.Path(path_type=Path, dir_okay=False), required=True, help="First frame.")
@click.option(
    "--mask",
    "masks",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="First-frame mask of an instance, in colour order; may be repeated.",
)
@click.option("--prompt", required=True, help="What happens.")
@click.option(
    "--interaction",
    "interactions",
    metavar="SUBJECT|VERB|OBJECT",
    multiple=True,
    help="Words of the prompt for guidance; subject and object have masks 1 and 2, or 'N:' in front names them. May be repeated.",
)
@click.option("--guidance", "kinds", metavar="KINDS", help="Attention guidance: cmg, cag or cmg,cag.")
@click.option("--config", "config_file", type=click.Path(path_type=Path, dir_okay=False), help="TOML file with further settings.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The mp4 to write.")
@click.option("--seed", default=0, show_default=True, help="Seed of the noise.")
@click.option("--steps", type=int, hidden=True)
@click.option("--base", hidden=True)
@click.option("--dtype", hidden=True)
@click.option("--regions", hidden=True)
@json_option
def command(*, as_json: bool, config_file: Path | None, **options: Any) -> None:
    """Generate one video with MODEL: an adapter folder, or a base pipeline's folder or hub id."""
    from matrix_train.guidance.config import parse_kinds
    from matrix_train.sample.config import load
    from matrix_train.sample.generate import VideoRequest, write_one

    kinds, regions = options.pop("kinds"), options.pop("regions")
    given = {
        "sample": {name: options.pop(name) for name in ("steps", "base", "dtype")},
        "attention_guidance": {"kinds": None if kinds is None else list(parse_kinds(kinds)), "regions": regions},
    }
    request = VideoRequest(config=load(config_file, given), **options)
    frames = write_one(request)
    answer({"video": str(request.out), "frames": frames}, f"{request.out}  {frames} frames", as_json=as_json)
