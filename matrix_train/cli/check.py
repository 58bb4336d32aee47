"""`matrix-train check`: what is wrong with a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from intergeneval.errors import EXIT_INCOMPLETE
from matrix_train.cli.options import answer, json_option


@click.command("check")
@click.argument("dataset", type=click.Path(path_type=Path))
@click.option("--frames", type=click.IntRange(min=1), default=49, show_default=True, help="Frames a clip must have.")
@click.option("--model", default="", help="Base pipeline; tells captions and numbers of frames that do not suit it.")
@click.option("--fps", type=click.FloatRange(min=0.0), help="Frames per second at which clips are seen; else the model's own.")
@click.option("--stride", type=click.IntRange(min=1), default=1, show_default=True, help="Every n-th frame at that rate.")
@click.option("--all", "every", is_flag=True, help="Print every fault, not a line for each kind.")
@json_option
@click.pass_context
def command(ctx: click.Context, /, *, dataset: Path, model: str, every: bool, as_json: bool, **seen: Any) -> None:
    """Count the faults of DATASET by kind, or name them all; exit 3 when a clip cannot be trained on."""
    from matrix_train.data.checking import check_dataset, summary
    from matrix_train.data.windows import Timing

    offsets, notes, frames, fps = None, [], int(seen["frames"]), seen["fps"]
    rate = fps or 0.0
    if model:
        from matrix_train.backbones.files import resolve
        from matrix_train.backbones.load_encoders import load_offsets
        from matrix_train.backbones.loading import rate_of, shape_notes

        rate = rate_of(resolve(model)) if fps is None else fps
        offsets, notes = load_offsets(resolve(model)), shape_notes(resolve(model), frames, ())
    clips, faults = check_dataset(dataset, frames, offsets, Timing(frames=frames, fps=rate, stride=seen["stride"]))
    usable = clips - len({fault.clip for fault in faults if fault.fatal})
    named = [f"{fault.clip}: {'' if fault.fatal else 'note: '}{fault.what}" for fault in faults]
    lines = named if every else summary(faults, clips)
    lines += [f"note: {note}" for note in notes]
    lines.append(f"{usable} of {clips} clips can be trained on")
    result = {"clips": clips, "usable": usable, "faults": [fault.to_json() for fault in faults], "notes": notes}
    answer(result, "\n".join(lines), as_json=as_json)
    if usable < clips:
        ctx.exit(EXIT_INCOMPLETE)
