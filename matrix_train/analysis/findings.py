"""What the scores of all videos say: dummies, influential and dominant layers, heads; written as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from intergeneval.errors import BackendError
from matrix_train.analysis import layers
from matrix_train.analysis.config import AnalysisConfig
from matrix_train.analysis.files import Folder, write_table
from matrix_train.analysis.layers import VARIANT, VIDEO, Sets
from matrix_train.analysis.places import binding_layers
from matrix_train.analysis.sets import read_sets


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The tables of an analysis and what follows from them."""

    steps: pd.DataFrame
    """Every score, one row for each video, interaction, role, kind, layer and step."""
    heads: pd.DataFrame
    """Mean over videos of each head; empty where heads were not kept."""
    layers: pd.DataFrame
    """One row for each variant, kind and layer, dummies left out."""
    places: pd.DataFrame
    """Mean lift of each place over videos, one row for each role, kind, layer, step and place; empty where none could be told."""
    binding: pd.DataFrame
    """How well each layer tells the two of an interaction apart by their words, wherever it does so; the best first."""
    videos: tuple[tuple[str, int], ...]
    """Sample id and seed of each video."""
    dummies: tuple[int, ...]
    """Video-to-text layers that answer every prompt alike."""
    suggested: Mapping[str, tuple[int, ...]]
    """Kind -> layers to align."""
    sets: Sets | None
    """Successes and failures, where they are known."""
    notes: tuple[str, ...]
    """What is left out or should be known, one sentence each."""

    def chosen(self, column: str) -> dict[str, list[int]]:
        """Return ``variant/kind`` -> layers with a mark in `column` (influential or dominance), the best first."""
        found = {}
        order = "place" if column == "influential" else column
        for (variant, kind), table in self.layers.groupby(VARIANT, sort=True):
            marked = table[table[column] > 0].sort_values(order)
            found[f"{variant}/{kind}"] = [int(layer) for layer in marked["layer"]]
        return found


def find(
    folder: Folder, videos: Sequence[tuple[str, int]], config: AnalysisConfig, sets: Path | None, *, cross: bool
) -> Findings:
    """Read the videos' tables, choose layers and write what `Findings` holds as Parquet files.

    `cross` says that text is attended to in an attention of its own, whose dummy layers are dropped. Raises BackendError where no
    video has a score, and ConfigError for sets that cannot be made.
    """
    records = [done for key in videos if (done := folder.done(*key)) is not None]
    steps = folder.tables("aas", videos)
    if steps.empty:
        raise BackendError("no role of any video could be scored; see the notes in records/")
    notes = [f"{done.sample_id}, seed {done.seed}: {note}" for done in records for note in done.notes]
    dummies = layers.dummy_layers(steps, config.layers.dummy_variance) if cross else ()
    if cross and len(videos) < 2:
        notes.append("dummy layers cannot be told from one prompt; analyse more")
    live = steps[~((steps["kind"] == "v2t") & steps["layer"].isin(dummies))]
    means = layers.step_means(live)
    table = layers.influential(means, config.layers.top)
    found, gap = None, pd.DataFrame()
    if sets is not None:
        found, left = read_sets(sets, {(done.sample_id, done.seed): done.sha256 for done in records}, config.layers)
        notes += left
        gap = layers.gaps(means, found)
    table = layers.with_gaps(table, gap)
    heads = _head_means(folder.tables("heads", videos))
    matrix = _place_means(folder.tables("places", videos), "step")
    by_head = _place_means(folder.tables("head-places", videos), "head")
    binding = binding_layers(matrix) if len(matrix) else pd.DataFrame()
    tables = {"aas": steps, "heads": heads, "layers": table, "places": matrix, "head-places": by_head, "binding": binding}
    for name, written in tables.items():
        if len(written):
            write_table(folder.root / f"{name}.parquet", written)
    counts = {"v2t": config.layers.suggest_v2t, "v2v": config.layers.suggest_v2v}
    return Findings(
        steps=steps,
        heads=heads,
        layers=table,
        places=matrix,
        binding=binding,
        videos=tuple(videos),
        dummies=dummies,
        suggested={kind: layers.suggestion(table, kind, count) for kind, count in counts.items()},
        sets=found,
        notes=tuple(notes),
    )


def _place_means(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the mean lift of each place over videos, by step or by head; interactions of a video are averaged first."""
    if table.empty:
        return table
    keys = ["role", "kind", "layer", column, "place"]
    videos = table.groupby([*VIDEO, *keys])["lift"].mean()
    return videos.groupby(keys).mean().reset_index()


def _head_means(heads: pd.DataFrame) -> pd.DataFrame:
    """Return mean AAS and lift of each head over videos, per variant and kind."""
    if heads.empty:
        return heads
    even = (heads["total"] * heads["area"]).where(lambda value: value > 0)
    marked = heads.assign(lift=heads["aas"] / even, variant=np.where(heads["role"] == "verb", "verb", "noun"))
    videos = marked.groupby([*VIDEO, *VARIANT, "layer", "head"])[["aas", "lift"]].mean()
    return videos.groupby([*VARIANT, "layer", "head"]).mean().reset_index()
