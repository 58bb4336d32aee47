"""`matrix-train export`: an adapter as one file for plain diffusers, kohya's tools or ComfyUI."""

from __future__ import annotations

from pathlib import Path

import click

from matrix_train.cli.options import answer, json_option, say


@click.command("export")
@click.argument("adapter", type=click.Path(path_type=Path, file_okay=False))
@click.option("--to", "kind", type=click.Choice(["diffusers", "kohya", "comfyui"]), required=True, help="Whose names it has.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The safetensors file to write.")
@click.option("--base", default="", help="Where the base pipeline lies now, if not where the adapter was trained.")
@click.option("--without-id-map", is_flag=True, help="Export what an adapter with an id map does without one.")
@json_option
def command(*, adapter: Path, kind: str, out: Path, base: str, without_id_map: bool, as_json: bool) -> None:
    """Write ADAPTER as a file that another tool loads whole, or say why it cannot."""
    from matrix_train.model.export import export

    said = export(adapter, out, kind, base=base, without_id_map=without_id_map)
    for line in said:
        say(f"note: {line}")
    answer({"file": str(out), "format": kind, "notes": said}, f"{out}  for {kind}", as_json=as_json)
