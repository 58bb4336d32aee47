"""The command line: a shell that assembles; each verb is a module with a thin click command over a plain function.

Verbs are imported when they are typed, so ``--help`` loads none of them.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from intergeneval import __version__
from intergeneval.cli.terminal import echo
from intergeneval.errors import EXIT_CRASH, EXIT_INTERRUPTED, IntergenevalError, Told, ending_by_signals

VERBS: dict[str, tuple[str, str]] = {
    "run": ("run", "Score the videos of a model."),
    "annotate": ("annotate", "Say on a page who is meant: first-frame masks, names, interactions."),
    "view": ("view", "Look at runs on a page, also at one that is going on."),
    "score": ("score", "Score a run folder again, without judging again."),
    "compare": ("compare", "Tell which of several runs is better, and how sure that is."),
    "gate": ("gate", "Tell whether a run may replace its baseline; exit codes for CI."),
    "power": ("power", "Tell how small a difference a benchmark can find."),
    "validate": ("validate", "Examine a judge on videos whose truth is known."),
    "report": ("report", "Write pages that show runs, down to the frame."),
    "bench": ("bench", "List, show, check and build benchmarks."),
    "import": ("import_", "Read results of the public release into run folders."),
    "export": ("export", "Write a run in the public release's layout."),
    "cache": ("cache", "Look at or empty the cache of judge answers."),
    "doctor": ("doctor", "Tell which backends work here, and what each missing one needs."),
}
"""Verb -> (module under intergeneval.cli that holds a click command called `command`, one-line help)."""


class LazyGroup(click.Group):
    """A group that knows its verbs' names and one-line help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the verbs in the order in which one uses them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """Import the module of a verb and return its command."""
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"intergeneval.cli.{VERBS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        """Write the list of verbs from the table above."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Turn our errors, and a stream or a disk that refuses, into one message on stderr and an exit code."""
        try:
            with ending_by_signals():
                return super().invoke(ctx)
        except IntergenevalError as error:
            echo(f"error: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt as told:
            how = f"stopped by {told}" if isinstance(told, Told) else "interrupted"
            echo(f"{how}; run the same command again to go on", err=True)
            ctx.exit(EXIT_INTERRUPTED)
        except BrokenPipeError:
            sys.stderr.close()
            ctx.exit(EXIT_CRASH)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            _drop_unwritten()
            echo(f"error: {where}{error.strerror or error}; nothing more was printed or written", err=True)
            ctx.exit(EXIT_CRASH)
        except MemoryError:
            echo("error: memory ran out; narrow the command (--limit, --workers), or give it more", err=True)
            ctx.exit(EXIT_CRASH)


def _drop_unwritten() -> None:
    """Let go of what standard output could not take: the interpreter would try again when it ends, and fail over our message."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@click.group(cls=LazyGroup, context_settings={"auto_envvar_prefix": "INTERGENEVAL", "help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="intergeneval")
def main() -> None:
    """Score generated videos: who does what to whom, and does it hold over time."""
