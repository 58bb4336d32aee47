"""`matrix-train check`: what is wrong with a dataset."""

from __future__ import annotations

from pathlib import Path

import click

from intergeneval.errors import EXIT_INCOMPLETE
from matrix_train.cli.options import answer, json_option


@click.command("check")
@click.argument("dataset", type=click.Path(path_type=Path))
@click.option("--frames", type=click.IntRange(min=1), default=49, show_default=True, help="Frames a clip must have.")
@click.option("--model", default="", help="Base pipeline; tells captions and numbers of frames that do not suit it.")
@json_option
@click.pass_context
def command(ctx: click.Context, dataset: Path, frames: int, model: str, as_json: bool) -> None:
    """Name every fault of DATASET; exit 3 when a clip cannot be trained on."""
    from matrix_train.data.checking import check_dataset

    offsets, notes = None, []
    if model:
        from matrix_train.backbones.files import resolve
        from matrix_train.backbones.load_encoders import load_offsets
        from matrix_train.backbones.loading import shape_notes

        offsets, notes = load_offsets(resolve(model)), shape_notes(resolve(model), frames, ())
    clips, faults = check_dataset(dataset, frames, offsets)
    usable = clips - len({fault.clip for fault in faults if fault.fatal})
    lines = [f"{fault.clip}: {'' if fault.fatal else 'note: '}{fault.what}" for fault in faults]
    lines += [f"note: {note}" for note in notes]
    lines.append(f"{usable} of {clips} clips can be trained on")
    result = {"clips": clips, "usable": usable, "faults": [fault.to_json() for fault in faults], "notes": notes}
    answer(result, "\n".join(lines), as_json=as_json)
    if usable < clips:
        ctx.exit(EXIT_INCOMPLETE)
