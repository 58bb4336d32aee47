"""Templates compiled for large reports: what a page is made of is gathered in lists, and escaped without detours.

Jinja's own code hands on each piece of a page through a generator for every template around it, and wraps each escaped text into
a `Markup` that is joined and thrown away. A report of ten models and a thousand samples has five million pieces. The text is the
same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from jinja2 import Environment, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.filters import do_dictsort
from markupsafe import escape

_ACTIVE = re.compile(r"[&<>\"']").search


def escaped(value: Any) -> str:
    """Return a value as it stands in a page; what says that it is HTML is left as it is."""
    kind = type(value)
    if kind is str:
        return escape(value) if _ACTIVE(value) else value
    return str(value) if kind is int or kind is float else escape(value)


def by_name(value: Mapping[str, Any], *how: Any, **more: Any) -> list[tuple[str, Any]]:
    """Return a mapping's items as Jinja's ``dictsort`` does; most of what answers have as evidence is one item."""
    return list(value.items()) if len(value) < 2 else do_dictsort(value, *how, **more)


class Gathering(CodeGenerator):
    """Writes templates that gather their pieces and hand them on once."""

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802
        """Write a template."""
        self.writeline("from intergeneval.report.rendering import escaped")
        super().visit_Template(node, frame)

    def blockvisit(self, nodes: Iterable[nodes.Node], frame: Frame) -> None:
        """Write the statements of a template, a block or a loop; the outermost get the list."""
        if frame.buffer is not None:
            super().blockvisit(nodes, frame)
            return
        self.buffer(frame)
        super().blockvisit(nodes, frame)
        self.writeline(f"yield concat({frame.buffer})")
        frame.buffer = None

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("escaped(")


class Pages(Environment):
    """An environment whose templates are written so."""

    code_generator_class = Gathering

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.filters["dictsort"] = by_name
