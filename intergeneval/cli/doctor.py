"""`intergeneval doctor`: what works here."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from intergeneval.cli.terminal import echo
from intergeneval.errors import EXIT_CRASH


@click.command("doctor")
@click.option("--tracker", help="Try this tracker with its weights, such as hf:PATH.")
@click.option("--detector", help="Try this detector with its weights, such as grounding_dino:PATH.")
@click.option("--judge", help="Try this judge: weights such as hf:PATH, or a server with one request (openai:MODEL).")
@click.option("--model", help="Try this source with its weights, such as diffusers:PATH.")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="TOML file with the backends' settings.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(config: Path | None, as_json: bool, **specs: str | None) -> None:
    """List Python, codecs, devices and backends with whether they work here, and what each missing one needs.

    A backend that is named is tried for real: its weights are loaded and used once. A judge behind a server is sent one small
    request with pictures, which costs what a request costs, and is ok when its reply could be scored. Exit code 1 means that one
    of them failed.
    """
    from intergeneval.config import read_config
    from intergeneval.doctor import check, check_backends

    kinds = {"tracker": "trackers", "detector": "detectors", "judge": "judges", "model": "sources"}
    named = {kinds[name]: spec for name, spec in specs.items() if spec is not None}
    checks = check_backends(read_config(config, {}), named) if named else check()
    if as_json:
        echo(json.dumps([item.to_json() for item in checks], indent=1))
    else:
        for item in checks:
            echo(f"{'ok     ' if item.ok else 'MISSING'}  {item.kind:<9} {item.name:<12} {item.detail}")
    if any(not item.ok and f"{item.kind}s" in named for item in checks):
        sys.exit(EXIT_CRASH)
