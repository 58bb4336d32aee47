"""`matrix-train fit`: train one adapter."""

from __future__ import annotations

from pathlib import Path

import click

from matrix_train.cli.options import answer, importing, json_option, overrides_option, say


@click.command("fit")
@click.argument("config")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the run; resumed when it exists."
)
@click.option("--fold-alpha", is_flag=True, help="Also write the adapter with its scale multiplied in, for tools that ignore it.")
@overrides_option
@json_option
def command(config: str, out: Path, fold_alpha: bool, overrides: tuple[str, ...], as_json: bool) -> None:
    """Train the adapter that CONFIG (a TOML file or a recipe's name) describes."""
    from matrix_train.recipes import read

    settings = read(config, overrides)
    with importing():
        from matrix_train.train.loop import Run

    done = Run(settings, out, say, fold_alpha=fold_alpha).fit()
    from matrix_train.train.heldout import told_of

    result = {"adapter": str(done.folder), "steps": done.steps, "loss": done.loss, "seconds_per_step": done.seconds_per_step}
    result["heldout"] = told_of(done.verdict)
    lines = [f"{done.folder}  {done.steps} steps", *([done.verdict.line()] if done.verdict is not None else [])]
    answer(result, "\n".join(lines), as_json=as_json)
