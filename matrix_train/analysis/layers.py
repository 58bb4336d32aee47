"""From scores to layers: dummies out, influential by rank sum, dominant by the gap of successes and failures; pure tables."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

VIDEO = ["sample_id", "seed"]
"""Columns that tell one video from another."""
VARIANT = ["variant", "kind"]
"""Noun (subject and object) or verb, and the kind of map."""
TOP = 10
"""Layers of a video that count as its top in a model of forty layers and more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sets:
    """Videos that went well and videos that went wrong, equally many."""

    success: tuple[tuple[str, int], ...]
    """Sample id and seed of each."""
    failure: tuple[tuple[str, int], ...]
    """Sample id and seed of each."""
    origin: str
    """Where the split comes from, in words."""


def top_of(layers: int, wanted: int = 0) -> int:
    """Return how many layers count as top: as wanted, ten, or a quarter of fewer than forty layers (at least one)."""
    return min(wanted, layers) if wanted else min(TOP, max(1, round(layers / 4)))


def step_means(steps: pd.DataFrame) -> pd.DataFrame:
    """Return the step-mean AAS of each video, variant, kind and layer; noun is the mean of subject and object.

    Roles weigh alike whatever the number of interactions that have them. ``lift`` is AAS over what attention spread evenly over
    the video would give: it does not grow with the mask.
    """
    even = (steps["total"] * steps["area"]).where(lambda value: value > 0)
    lifted = steps.assign(lift=steps["aas"] / even)
    roles = lifted.groupby([*VIDEO, "role", "kind", "layer"], sort=True)[["aas", "lift"]].mean().reset_index()
    roles["variant"] = np.where(roles["role"] == "verb", "verb", "noun")
    means = roles.groupby([*VIDEO, *VARIANT, "layer"], sort=True)[["aas", "lift"]].mean()
    return means.reset_index()


def prompt_variances(steps: pd.DataFrame, kind: str = "v2t") -> pd.Series:
    """Return the variance across videos of each layer's mean map value, before any mask; indexed by layer.

    In a layer that spreads its attention evenly over the text this value is one over the number of keys, whatever the prompt.
    """
    chosen = steps[steps["kind"] == kind]
    values = (chosen["total"] / chosen["tokens"]).groupby([chosen[name] for name in (*VIDEO, "layer")]).mean()
    return values.groupby("layer").var(ddof=0).rename("variance")


def dummy_layers(steps: pd.DataFrame, threshold: float) -> tuple[int, ...]:
    """Return the video-to-text layers whose mean map value is the same for every prompt; none where there is only one video."""
    if steps.empty or len(steps[VIDEO].drop_duplicates()) < 2:
        return ()
    variances = prompt_variances(steps)
    return tuple(int(layer) for layer in variances.index[variances < threshold])


def influential(means: pd.DataFrame, top: int = 0) -> pd.DataFrame:
    """Return for each variant, kind and layer how often it is a video's top, its mean AAS, and its place by rank sum.

    Columns: variant, kind, layer, videos, frequency (0 to 1), mean, lift, rank_sum, place (1 is best), influential. Equal numbers
    share the mean of their ranks; equal sums go by the larger mean, then by the lower layer.
    """
    found = []
    for _, table in means.groupby(VARIANT, sort=True):
        count = top_of(table["layer"].nunique(), top)
        ranks = table.groupby(VIDEO)["aas"].rank(ascending=False, method="first")
        marked = table.assign(top=ranks <= count)
        part = marked.groupby([*VARIANT, "layer"], sort=True).agg(
            videos=("aas", "size"), frequency=("top", "mean"), mean=("aas", "mean"), lift=("lift", "mean")
        )
        part = part.reset_index()
        part["rank_sum"] = part["frequency"].rank(ascending=False) + part["mean"].rank(ascending=False)
        part = part.sort_values(["rank_sum", "mean", "layer"], ascending=[True, False, True], kind="stable")
        part["place"] = range(1, len(part) + 1)
        part["influential"] = part["place"] <= count
        found.append(part.sort_values("layer"))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def gaps(means: pd.DataFrame, sets: Sets) -> pd.DataFrame:
    """Return each layer's success gap, failure gap and their separation, with its 95 % interval (Welch).

    Success gap: mean AAS of the successes minus the mean of all videos; failure gap likewise; separation: their difference.
    """
    keys = pd.MultiIndex.from_frame(means[VIDEO])
    good, bad = keys.isin(list(sets.success)), keys.isin(list(sets.failure))
    found = []
    for names, table in means.groupby([*VARIANT, "layer"], sort=True):
        variant, kind, layer = (str(names[0]), str(names[1]), int(str(names[2])))
        chosen = means.index.isin(table.index)
        ones, others = (means["aas"].to_numpy()[chosen & part] for part in (good, bad))
        if not len(ones) or not len(others):
            continue
        overall = float(table["aas"].mean())
        low = high = float("nan")
        if min(len(ones), len(others)) > 1 and (ones.var() or others.var()):
            interval = stats.ttest_ind(ones, others, equal_var=False).confidence_interval(0.95)
            low, high = float(interval.low), float(interval.high)
        found.append(
            {
                "variant": variant,
                "kind": kind,
                "layer": layer,
                "successes": len(ones),
                "failures": len(others),
                "success_gap": float(ones.mean()) - overall,
                "failure_gap": float(others.mean()) - overall,
                "separation": float(ones.mean() - others.mean()),
                "lift_separation": float(np.nanmean(means["lift"].to_numpy()[chosen & good]))
                - float(np.nanmean(means["lift"].to_numpy()[chosen & bad])),
                "low": low,
                "high": high,
            }
        )
    return pd.DataFrame(found)


def with_gaps(table: pd.DataFrame, gap: pd.DataFrame) -> pd.DataFrame:
    """Join gaps to the table of layers and mark the dominant: influential, success gap above and failure gap below zero.

    Column ``dominance`` is their place by separation, 1 being the largest; 0 for the others.
    """
    if gap.empty:
        return table.assign(dominance=0)
    joined = table.merge(gap, on=[*VARIANT, "layer"], how="left")
    dominant = joined["influential"] & (joined["success_gap"] > 0) & (joined["failure_gap"] < 0)
    ranks = joined["separation"].where(dominant).groupby([joined[name] for name in VARIANT]).rank(ascending=False, method="first")
    return joined.assign(dominance=ranks.fillna(0).astype(int))


def suggestion(table: pd.DataFrame, kind: str, count: int) -> tuple[int, ...]:
    """Return the `count` layers of a kind to align, by the sum of their places as noun and verb layers.

    Where successes and failures are known, dominant layers alone are taken, by the sum of their places in dominance; a layer that
    is dominant in one variant only takes the place behind the last in the other.
    """
    rows = table[table["kind"] == kind]
    if rows.empty:
        return ()
    column = "dominance" if (rows["dominance"] > 0).any() else "place"
    behind = int(rows[column].max()) + 1
    places = rows.assign(value=rows[column].where(rows[column] > 0, behind)).groupby("layer")["value"].sum()
    allowed: Collection[int] = set(rows.loc[rows[column] > 0, "layer"]) if column == "dominance" else set(rows["layer"])
    ordered = sorted((float(value), int(str(layer))) for layer, value in places.items() if layer in allowed)
    return tuple(sorted(layer for _, layer in ordered[:count]))
