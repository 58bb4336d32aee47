"""Two models of which one loses videos, and what is claimed of them: by bounds, and by the survivors as it was done before."""

import numpy as np

from intergeneval.stats import clustered, within_bounds
from tests.stats.simulated_scores import cluster_codes, videos

RANGE = (-1.0, 1.0)
LOSSES = (0.0, 0.05, 0.2, 0.4, 0.6)
SEED = 20


def pair(prompts, repeats, better=0.0, seed=SEED):
    """IF of one video a prompt and model, (repeats, P) each; the second model is better by `better` on average."""
    rng = np.random.default_rng(seed)
    codes = np.arange(prompts)
    both = videos(codes, repeats, "bounded", rng)
    first, second = both[..., 0], both[..., 1]
    # What is left to 1 is closed by the same share everywhere, so that no score leaves its range.
    return first, second + better / (1 - both.mean()) * (1 - second), codes


def lost(values, share, how, seed=SEED):
    """Which videos are lost, (repeats, P): so many of each repeat, at random or the worst ones."""
    order = values if how == "worst" else np.random.default_rng(seed + 1).random(values.shape)
    ranks = order.argsort(axis=-1, kind="stable").argsort(axis=-1)
    return ranks < round(share * values.shape[-1])


def by_bounds(first, second, gone_first, gone_second, codes):
    """The interval of second minus first with every lost video at its worst and at its best: (low, high) of each repeat."""
    low = np.where(gone_second, 0, second) - np.where(gone_first, 1, first)
    high = np.where(gone_second, 1, second) - np.where(gone_first, 0, first)
    lowest, highest = within_bounds(low, high, codes, within=RANGE)
    return lowest.low, highest.high


def by_survivors(first, second, gone):
    """The t interval over the prompts that both models keep, as it was done before."""
    found = [clustered(row[keep], np.arange(keep.sum())) for row, keep in zip(second - first, ~gone, strict=True)]
    return np.array([float(item.low) for item in found]), np.array([float(item.high) for item in found])


def by_survivor_means(first, second, gone_first, gone_second):
    """The order of the two means over what each model keeps, as tables showed it: second above first."""
    with np.errstate(invalid="ignore"):
        means = [
            np.nanmean(np.where(gone, np.nan, values), axis=-1) for values, gone in ((first, gone_first), (second, gone_second))
        ]
    return means[1] - means[0]


__all__ = ["LOSSES", "by_bounds", "by_survivor_means", "by_survivors", "cluster_codes", "lost", "pair"]
