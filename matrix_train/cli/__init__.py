"""The command line of the training package: a shell that assembles; each verb is a module over plain functions.

Verbs are imported when they are typed, so ``--help`` loads none of them.
"""

from __future__ import annotations

import importlib
from typing import Any

import click

from intergeneval.errors import EXIT_CRASH, EXIT_INTERRUPTED, EXIT_USAGE, IntergenevalError
from matrix_train import __version__

VERBS: dict[str, tuple[str, str]] = {
    "curate": ("curate", "Make a dataset of raw clips: cut, filter, caption, find, track, check."),
    "check": ("check", "Name every fault of a dataset."),
    "dataset": ("dataset", "Make a dataset of what is there; pack, split, describe and review one."),
    "precompute": ("precompute", "Encode and cache every clip of a config."),
    "fit": ("fit", "Train the adapter that a config describes."),
    "export": ("export", "Write an adapter as a file for plain diffusers, kohya's tools or ComfyUI."),
    "import": ("import_", "Make an adapter folder of such a file."),
    "sample": ("sample", "Generate one video with a base model or an adapter, guided or not."),
    "study": ("study", "Train, generate, score and compare several arms; label their clips blind."),
    "pretrain": ("pretrain", "Train a small base model on staged videos, from nothing."),
    "analyze": ("analyze", "Find the layers whose attention follows who does what to whom."),
}
"""Verb -> (module under matrix_train.cli that holds a click command called `command`, one-line help)."""

LIBRARIES = ("torch", "diffusers", "transformers", "peft", "accelerate", "safetensors", "pyarrow", "matplotlib")
"""Packages of the extra "train" whose absence is a user's matter."""

SMALLER = "choose a smaller data.height and data.width, fewer frames, or a device with more memory"
"""What makes encoding and sampling fit; `fit` knows more and says so itself."""


class LazyGroup(click.Group):
    """A group that knows its verbs' names and one-line help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the verbs in the order in which one uses them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """Import the module of a verb and return its command."""
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"matrix_train.cli.{VERBS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        """Write the list of verbs from the table above."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb; a missing package or a known error is one sentence on stderr and an exit code, never a traceback."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.split(".")[0] not in LIBRARIES:
                raise
            click.echo(f"error: the package {error.name} is not installed; pip install 'intergeneval[train]'", err=True)
            ctx.exit(EXIT_USAGE)
        except IntergenevalError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(error.exit_code)
        except OSError as error:
            # A full disk or a folder that may not be written is no fault of the program's.
            click.echo(f"error: {error}", err=True)
            ctx.exit(EXIT_CRASH)
        except RuntimeError as error:
            # By name: torch is not imported for this, and only a verb that uses it can raise it.
            if type(error).__name__ != "OutOfMemoryError":
                raise
            click.echo(f"error: the GPU has no memory left ({str(error).splitlines()[0]}); {SMALLER}", err=True)
            ctx.exit(EXIT_CRASH)
        except KeyboardInterrupt:
            click.echo("interrupted; run the same command again to go on from the last checkpoint", err=True)
            ctx.exit(EXIT_INTERRUPTED)


@click.group(cls=LazyGroup, context_settings={"auto_envvar_prefix": "MATRIX_TRAIN", "help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="matrix-train")
def main() -> None:
    """Train adapters that align the attention of a video diffusion transformer with mask tracks."""
