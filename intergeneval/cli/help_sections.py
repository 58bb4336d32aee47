"""A click command whose help has a short main list of options and a second list for the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class MoreOption(click.Option):
    """An option that stands in the second list, under "More options"."""


class Command(click.Command):
    """A command that shows `MoreOption`s apart, so that the main list stays short."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write both lists."""
        main: list[tuple[str, str]] = []
        more: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            # An argument that carries a help text stands in the usage line, not among the options.
            if record is not None and isinstance(parameter, click.Option):
                (more if isinstance(parameter, MoreOption) else main).append(record)
        for title, rows in (("Options", main), ("More options", more)):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def more(*names: str, **settings: Any) -> Callable[[F], F]:
    """Declare an option of the second list; same arguments as `click.option`."""
    return click.option(*names, cls=MoreOption, **settings)
