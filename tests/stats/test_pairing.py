"""Comparing as arrays and drawing sign patterns once give the numbers of the plain way, to the bit."""

import dataclasses
import math
import random
import subprocess
import sys

import numpy as np
import pytest

from intergeneval.records import Profile, Score, ScoreStatus, difference_of
from intergeneval.stats import METRICS, ScoreTable, compare_metrics, paired_bounds, prompt_differences, sign_flip
from intergeneval.stats.signflip import FLIPS


def scores(seed, *, prompts=40, seeds=(0, 1, 2), lacking=0.2):
    """Made-up scores of a run, some without a value, some missing, some with another part unassessed."""
    rng = random.Random(seed)
    found = []
    for number in range(prompts):
        for one in seeds:
            if rng.random() < 0.1:
                continue
            base = {"sample_id": f"s{number:03d}", "seed": one, "video": f"{number} {one} {rng.choice('ab')}"}
            if rng.random() < lacking:
                status = rng.choice([ScoreStatus.UNANSWERED, ScoreStatus.UNTRACKED])
                bounds = dict.fromkeys(("if_bounds", "spi_bounds", "kisa_bounds", "sgi_bounds"), (0.0, 1.0))
                found.append(Score(**base, status=status, **bounds, open=(("video", 1.0),)))
                continue
            kisa, sgi, spi = rng.randrange(7) / 6, rng.randrange(5) / 4, rng.randrange(11) / 10
            low = max(kisa - rng.choice([0, 0, 1 / 6]), 0.0)
            found.append(
                Score(
                    **base,
                    status=ScoreStatus.OK,
                    kisa_raw=kisa,
                    sgi_raw=sgi,
                    spi=spi,
                    kisa=kisa * spi,
                    sgi=sgi * spi,
                    if_=(kisa * spi + sgi * spi) / 2,
                    kisa_bounds=(low, kisa),
                    sgi_bounds=(sgi, sgi),
                    spi_bounds=(spi, spi),
                    if_bounds=((low + sgi) / 2 * spi, (kisa + sgi) / 2 * spi),
                    open=(("0:3", kisa - low),) if low < kisa else (),
                )
            )
    return found


def by_key(found):
    return {(item.sample_id, item.seed): item for item in found}


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
@pytest.mark.parametrize("metric", METRICS)
def test_differences_and_bounds_are_those_of_the_plain_way(metric, seeds):
    first, second = scores(1, seeds=seeds), scores(2, seeds=seeds)
    one, other = by_key(first), by_key(second)
    name = "if_" if metric == "if" else metric
    expected, spans = {}, {}
    for key in sorted(one.keys() & other.keys()):
        spans.setdefault(key[0], []).append(difference_of(one[key], other[key], metric, Profile.BOUNDED))
        before, after = getattr(one[key], name), getattr(other[key], name)
        if before is not None and after is not None:
            expected.setdefault(key[0], []).append((before, after, key[1]))
    found = prompt_differences(first, second, metric)
    assert [item.sample_id for item in found] == list(expected)
    for item in found:
        before, after, common = zip(*expected[item.sample_id], strict=True)
        means = [math.fsum(values) / len(values) for values in (before, after)]
        assert (item.baseline, item.candidate, item.difference) == (*means, means[1] - means[0])
        assert item.seeds == common
    assert paired_bounds(first, second, metric, Profile.BOUNDED) == spans


def test_videos_with_different_parts_assessed_are_in_no_pair():
    first = [item for item in scores(3, lacking=0) if item.status is ScoreStatus.OK]
    second = [dataclasses.replace(item, partial=("emergence",)) if item.seed == 1 else item for item in first]
    assert {seed for item in prompt_differences(first, second) for seed in item.seeds} == {0, 2}


def test_a_table_of_scores_is_compared_as_the_scores_are():
    first, second = scores(4), scores(5)
    clusters = {item.sample_id: item.sample_id for item in (*first, *second)}
    assert compare_metrics(first, second, clusters) == compare_metrics(ScoreTable(first), ScoreTable(second), clusters)


def plainly(differences, flips, seed=20_251_008):
    """The sign-flip p as it is defined: patterns drawn a thousand at a time, each summed."""
    rng, hits = np.random.default_rng(seed), 0
    slack = 1e-9 * np.abs(differences).sum()
    sums = differences[np.abs(differences) > slack]
    for start in range(0, flips, 1000):
        patterns = rng.integers(0, 2, size=(min(1000, flips - start), len(sums)), dtype=np.int8)
        hits += int((np.abs(2 * (patterns @ sums) - sums.sum()) >= abs(sums.sum()) - slack).sum())
    return (1 + hits) / (1 + flips)


@pytest.mark.parametrize(
    ("count", "flips"),
    [*((count, flips) for count in (24, 25, 63, 64, 65, 257) for flips in (FLIPS, 8000, 4567)), (1000, FLIPS), (8200, FLIPS)],
)
def test_the_patterns_are_those_that_were_always_drawn(count, flips):
    rng = np.random.default_rng(count)
    for values in (rng.normal(0.02, 0.3, size=count), rng.choice([0.0, 1 / 6, -1 / 6, 0.25, -0.25], size=count)):
        assert sign_flip(values, np.arange(count), flips)[0] == plainly(values, flips)


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("intergeneval.gate.baselines", "scipy.stats"),
        ("intergeneval.report", "scipy.stats"),
        ("intergeneval.api", "intergeneval.run"),
    ],
)
def test_comparing_reporting_and_reading_back_load_nothing_that_takes_longer_than_they_do(module, unwanted):
    code = f"import sys, {module}; sys.exit({unwanted!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
