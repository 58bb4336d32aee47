"""`matrix-train analyze`: which layers of a model bind words and regions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from intergeneval.errors import EXIT_INCOMPLETE
from matrix_train.cli.options import answer, json_option, overrides_option, say


@click.command("analyze")
@click.argument("model")
@click.option(
    "--bench",
    "data",
    default="staged",
    show_default=True,
    help="Benchmark by name or path; with --on clips, the folder of a dataset.",
)
@click.option(
    "--on",
    type=click.Choice(["generated", "clips"]),
    default="generated",
    show_default=True,
    help="Videos that the model makes, or real clips with known tracks.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the analysis; resumed when it exists.  [default: runs/MODEL/analysis]",
)
@click.option("--sets", type=click.Path(path_type=Path), help="Successes and failures: a run folder with scores, or labels.")
@click.option("--tracker", default="", help="Tracker of the finished videos.  [default: flow]")
@click.option("--limit", type=int, help="First samples or clips only.")
@overrides_option
@json_option
def command(*, model: str, out: Path | None, tracker: str, overrides: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Find the layers of MODEL whose attention follows who does what to whom.

    MODEL is a pipeline folder, a hub id, an adapter folder, builtin:NAME, or a config file ending in .toml.
    """
    from matrix_train.analysis.config import load
    from matrix_train.analysis.run import Request, analyse

    config = load(model, (*overrides, f"video.tracker={tracker}") if tracker else overrides)
    name = Path(config.model.path.rpartition(":")[2]).resolve().name
    result = analyse(Request(config=config, out=out or Path("runs") / name / "analysis", **options), say)
    findings = result.findings
    summary = {
        "page": str(result.page),
        "videos": len(findings.videos),
        "failed": list(result.failed),
        "dummies": list(findings.dummies),
        "influential": findings.chosen("influential"),
        "dominant": findings.chosen("dominance"),
        "binding": json.loads(findings.binding.to_json(orient="records")),
        "suggested": {kind: list(layers) for kind, layers in findings.suggested.items()},
    }
    shown = "; ".join(f"{kind} {', '.join(map(str, layers)) or 'none'}" for kind, layers in findings.suggested.items())
    answer(summary, f"{result.page}  layers to align: {shown}", as_json=as_json)
    if result.failed:
        click.get_current_context().exit(EXIT_INCOMPLETE)
