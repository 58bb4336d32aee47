"""`intergeneval doctor`: what works here."""

from __future__ import annotations

import json

import click


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """List Python, codecs and backends with whether they work here, and what each missing one needs."""
    from intergeneval.doctor import check

    checks = check()
    if as_json:
        click.echo(json.dumps([item.to_json() for item in checks], indent=1))
        return
    for item in checks:
        click.echo(f"{'ok     ' if item.ok else 'MISSING'}  {item.kind:<9} {item.name:<12} {item.detail}")
