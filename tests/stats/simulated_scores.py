"""A made-up benchmark with a known answer: beta-binomial answers, and a consistency tail as lambda = 5 makes it.

A scene draws how well its action succeeds and how often its instances slip; its one to four prompts vary around that; each
prompt has two seeds. A video answers 6 + 4 questions, and in a slip some of its 10 later frames lose or gain an object.
"""

import numpy as np
from scipy import stats

from intergeneval.records import Score, ScoreStatus

FRAMES = 10
SCENE = (6.0, 4.0)  # scene-level chance of a yes: 0.6 on average
CONCENTRATION = 6.0  # of prompts around their scene
SEEDS = 2
USUAL = {"slip": (0.6, 1.4), "length": (0.6, 1.8)}
"""Scene-level chance that a video slips: 0.3 on average; share of frames a slip lasts: 0.25, often nearly none or nearly all."""
RARE = {"slip": (0.1, 4.9), "length": (3.0, 1.0)}
"""A slip in one video of fifty, then over most of its frames: nearly all the variance of profile `paper` sits in few scenes."""


def cluster_codes(clusters, rng):
    """1 to 4 prompts a cluster, drawn once: (P,)."""
    return np.repeat(np.arange(clusters), rng.integers(1, 5, size=clusters))


def slips(codes, repeats, rng, world):
    """Emergence or disappearance ratios, (repeats, P, SEEDS)."""
    chance = rng.beta(*world["slip"], size=(repeats, codes.max() + 1))[:, codes, None]
    shape = (repeats, len(codes), SEEDS)
    frames = rng.binomial(FRAMES, rng.beta(*world["length"], size=shape))
    return np.where(rng.random(shape) < chance, frames, 0) / FRAMES


def spi(emergence, disappearance, profile):
    """The two profiles of the protocol for ratios in [0, 1]."""
    value = 0.5 * ((1 - 5 * emergence) + (1 - 5 * disappearance))
    return np.clip(value, 0, 1) if profile == "bounded" else value


def prompt_spi(codes, repeats, profile, rng, world=USUAL):
    """Prompt scores of SPI, means over the seeds: (repeats, P)."""
    return spi(slips(codes, repeats, rng, world), slips(codes, repeats, rng, world), profile).mean(axis=-1)


def prompt_scores(codes, repeats, profile, rng, world=USUAL):
    """Prompt scores of IF, means over the seeds: (repeats, P)."""
    return videos(codes, repeats, profile, rng, world).mean(axis=-1)


def videos(codes, repeats, profile, rng, world=USUAL):
    """IF of each video, (repeats, P, SEEDS)."""
    scene = rng.beta(*SCENE, size=(repeats, codes.max() + 1))[:, codes]
    yes = rng.beta(CONCENTRATION * scene, CONCENTRATION * (1 - scene))[..., None]
    shape = (repeats, len(codes), SEEDS)
    raw = (rng.binomial(6, yes, size=shape) / 6 + rng.binomial(4, yes, size=shape) / 4) / 2
    return raw * spi(slips(codes, repeats, rng, world), slips(codes, repeats, rng, world), profile)


def true_spi(profile, world=USUAL):
    """The expected SPI, in closed form: the lengths of the slips are enumerated."""
    slip = world["slip"][0] / sum(world["slip"])
    frames = slip * stats.betabinom(FRAMES, *world["length"]).pmf(np.arange(FRAMES + 1))
    frames[0] += 1 - slip
    ratios = np.arange(FRAMES + 1) / FRAMES
    return (frames[:, None] * frames[None, :] * spi(ratios[:, None], ratios[None, :], profile)).sum()


def true_mean(profile, world=USUAL):
    """The expected IF, in closed form: answers and consistency are independent."""
    return SCENE[0] / sum(SCENE) * true_spi(profile, world)


def records(values, name="p"):
    """Score records of an array of IF values (P, SEEDS); NaN: no score. Prompt ids sort like their numbers."""
    found = []
    for prompt, row in enumerate(values):
        for seed, value in enumerate(row):
            scored = np.isfinite(value)
            number = float(value) if scored else None
            status = ScoreStatus.OK if scored else ScoreStatus.UNANSWERED
            found.append(Score(sample_id=f"{name}{prompt:04d}", seed=seed, status=status, if_=number, kisa=number, sgi=number))
    return found


def cluster_names(codes, name="p"):
    """Sample id -> cluster for `records`."""
    return {f"{name}{prompt:04d}": f"scene:{code}" for prompt, code in enumerate(codes)}
