"""Plots of an analysis as SVG files that follow the reader's light or dark setting, wherever they are opened."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from matrix_train.analysis.files import write_text
from matrix_train.analysis.places import PLACES

INK = "#010203"
"""Colour that stands for the reader's text colour until the file is written."""
STYLE = (
    "<style>svg{color:#1a1d21}@media(prefers-color-scheme:dark){svg{color:#e9eaec}}text{font-family:system-ui,sans-serif}</style>"
)
BLUE, ORANGE, GREY = "#3a86d4", "#e08225", "#8b929c"
ROLES = {"sub": "subject", "obj": "object", "verb": "verb"}
_RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "matrix-train",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
}


def layer_bars(path: Path, layers: pd.DataFrame, kind: str) -> None:
    """Draw the mean AAS of each layer, one panel a variant; influential layers are filled."""
    variants = [variant for variant in ("noun", "verb") if ((layers["variant"] == variant) & (layers["kind"] == kind)).any()]
    figure, axes = panels(len(variants), width=8, height=2.3)
    for axis, variant in zip(axes, variants, strict=True):
        table = layers[(layers["variant"] == variant) & (layers["kind"] == kind)].sort_values("layer")
        colours = [BLUE if marked else "none" for marked in table["influential"]]
        edges = [BLUE if marked else GREY for marked in table["influential"]]
        axis.bar(table["layer"], table["mean"], color=colours, edgecolor=edges, linewidth=1)
        axis.set_title(f"{variant}s")
        axis.set_ylabel("mean AAS")
        _layer_axis(axis, table["layer"])
    axes[-1].set_xlabel("layer")
    write(figure, path)


def gap_bars(path: Path, layers: pd.DataFrame, kind: str) -> None:
    """Draw success and failure gap of each layer, one panel a variant."""
    chosen = layers[(layers["kind"] == kind) & layers["success_gap"].notna()]
    variants = [variant for variant in ("noun", "verb") if (chosen["variant"] == variant).any()]
    figure, axes = panels(len(variants), width=8, height=2.3)
    for axis, variant in zip(axes, variants, strict=True):
        table = chosen[chosen["variant"] == variant].sort_values("layer")
        axis.bar(table["layer"] - 0.2, table["success_gap"], width=0.4, color=BLUE, label="successes")
        axis.bar(table["layer"] + 0.2, table["failure_gap"], width=0.4, color=ORANGE, label="failures", hatch="//", edgecolor=INK)
        axis.axhline(0, color=INK, linewidth=0.8)
        axis.set_title(f"{variant}s")
        axis.set_ylabel("AAS minus mean")
        _layer_axis(axis, table["layer"])
    axes[0].legend(frameon=False, loc="upper left", bbox_to_anchor=(0.55, 1.25), ncols=2)
    axes[-1].set_xlabel("layer")
    write(figure, path)


def step_heat(path: Path, steps: pd.DataFrame, kind: str) -> None:
    """Draw mean AAS over layer and step, one panel a role."""
    chosen = steps[steps["kind"] == kind]
    roles = [role for role in ROLES if (chosen["role"] == role).any()]
    figure, axes = panels(1, width=8, height=3.2, columns=len(roles))
    for axis, role in zip(axes, roles, strict=True):
        grid = chosen[chosen["role"] == role].pivot_table(index="layer", columns="step", values="aas", aggfunc="mean")
        _heat(figure, axis, grid, label="AAS")
        axis.set_title(ROLES[role])
        axis.set_xlabel("step")
    axes[0].set_ylabel("layer")
    write(figure, path)


def head_heat(path: Path, heads: pd.DataFrame, kind: str) -> None:
    """Draw the mean lift of each head, one panel a variant."""
    chosen = heads[heads["kind"] == kind]
    variants = [variant for variant in ("noun", "verb") if (chosen["variant"] == variant).any()]
    figure, axes = panels(1, width=8, height=3.2, columns=len(variants))
    for axis, variant in zip(axes, variants, strict=True):
        grid = chosen[chosen["variant"] == variant].pivot_table(index="layer", columns="head", values="lift", aggfunc="mean")
        _heat(figure, axis, grid, label="lift")
        axis.set_title(f"{variant}s")
        axis.set_xlabel("head")
    axes[0].set_ylabel("layer")
    write(figure, path)


def place_heat(path: Path, places: pd.DataFrame, kind: str) -> None:
    """Draw the mean lift over layer and place, one panel a role; the middle of the colours is 1, no preference."""
    chosen = places[places["kind"] == kind]
    roles = [role for role in ROLES if (chosen["role"] == role).any()]
    figure, axes = panels(1, width=8, height=3.6, columns=len(roles))
    for axis, role in zip(axes, roles, strict=True):
        grid = chosen[chosen["role"] == role].pivot_table(index="layer", columns="place", values="lift", aggfunc="mean")
        grid = grid[[place for place in PLACES if place in grid.columns]]
        doubled = grid.clip(lower=1 / 8, upper=8).map(math.log2)
        _heat(figure, axis, doubled, label="log2 of lift", colours="RdBu_r", limit=3.0)
        axis.set_title(f"words of the {ROLES[role]}")
        axis.set_xticks(range(len(grid.columns)), list(grid.columns), rotation=60, ha="right")
    axes[0].set_ylabel("layer")
    write(figure, path)


def panels(rows: int, *, width: float, height: float, columns: int = 1) -> tuple[Figure, Sequence[Any]]:
    """Return a figure and its panels, row by row; width and the height of a row in inches."""
    with mpl.rc_context(_RC):
        figure = Figure(figsize=(width, height * rows), layout="constrained")
        figure.patch.set_alpha(0)
        axes = np.atleast_1d(figure.subplots(rows, columns)).reshape(-1)
        for axis in axes:
            axis.patch.set_alpha(0)
    return figure, list(axes)


def _layer_axis(axis: Any, layers: pd.Series) -> None:
    numbers = list(layers)
    step = 1 if len(numbers) <= 24 else 2
    axis.set_xticks(numbers[::step])
    axis.set_xlim(min(numbers) - 0.8, max(numbers) + 0.8)


def _heat(
    figure: Figure, axis: Any, grid: pd.DataFrame, *, label: str, colours: str = "viridis", limit: float | None = None
) -> None:
    ends = {} if limit is None else {"vmin": -limit, "vmax": limit}
    drawn = axis.imshow(grid.to_numpy(), aspect="auto", origin="lower", cmap=colours, interpolation="nearest", **ends)
    for ticks, names in ((axis.set_xticks, grid.columns), (axis.set_yticks, grid.index)):
        every = max(1, len(names) // 8)
        ticks(range(0, len(names), every), [str(name) for name in names[::every]])
    bar = figure.colorbar(drawn, ax=axis, label=label)
    bar.outline.set_edgecolor(INK)


def write(figure: Figure, path: Path) -> None:
    """Write without a date, so that equal numbers give equal bytes."""
    target = io.StringIO()
    with mpl.rc_context(_RC):
        figure.savefig(target, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = target.getvalue().replace(INK, "currentColor")
    start = text.index(">", text.index("<svg")) + 1
    write_text(path, text[:start] + STYLE + text[start:])
