"""What a judge's bias towards yes does to the order of models, by IF and by contrast.

``python -m tests.stats.yes_bias FILE.svg`` prints the figures and draws them.

Eleven models do the deed with the right roles in a share of .5 to 1 of their videos, and with the roles exchanged in the others;
that share is the truth. They also differ in how well their instances hold together (SPI from .85 to 1), which has nothing to do
with roles. The judge says yes to what is shown, and to what is not with a chance that is its bias; `leaning` makes that chance
grow with the model's SPI, as of a judge that believes what looks good. Every repeat draws models' SPI and answers anew.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from scipy import stats as scipy_stats

BIASES = (0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9)
ACCURACIES = np.linspace(0.5, 1.0, 11)
# Of a right video all ten questions are yes and none about the twin's, of one with exchanged roles the other way round.
ABOUT_TWINS = [2, 3, 4, 5, 7, 8, 9]
# Places of the questions 3-6 and 8-10 among the ten.


def judged(rng, accuracy, spi, bias, pairs):
    """Return mean IF and contrast of one model, by the formulas of the protocol on arrays (pairs, two videos, questions)."""
    right = (rng.random((pairs, 2)) < accuracy)[..., None]
    own = right | (rng.random((pairs, 2, 10)) < bias)
    other = ~right | (rng.random((pairs, 2, len(ABOUT_TWINS))) < bias)
    fidelity = spi * (own[..., :6].mean(axis=-1) + own[..., 6:].mean(axis=-1)) / 2
    gap = own[..., ABOUT_TWINS].sum(axis=-1) - other.sum(axis=-1)
    return float(fidelity.mean()), float(((np.sign(gap) + 1) / 2).prod(axis=-1).mean())


def rank_correlations(bias, repeats, *, pairs=160, leaning=False, seed=0):
    """Return the mean Spearman correlation with the truth of IF and of contrast."""
    found = []
    for repeat in range(repeats):
        rng = np.random.default_rng([seed, repeat])
        polish = rng.permutation(len(ACCURACIES)) / (len(ACCURACIES) - 1)
        rows = [
            judged(rng, accuracy, 0.85 + 0.15 * one, bias * one if leaning else bias, pairs)
            for accuracy, one in zip(ACCURACIES, polish, strict=True)
        ]
        found.append([scipy_stats.spearmanr(ACCURACIES, column).statistic for column in np.array(rows).T])
    return tuple(np.mean(found, axis=0))


def svg(curves):
    """Draw curves: name -> correlations by bias."""
    width, height, left, top = 560, 320, 56, 20
    x = lambda bias: left + bias / 0.9 * (width - left - 150)  # noqa: E731  # two scales, used in this drawing alone
    y = lambda value: top + (1 - value) * (height - top - 50)  # noqa: E731  # see above
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">']
    parts.append(f'<rect width="{width}" height="{height}" fill="white"/>')
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(f'<path d="M{x(0):.0f} {y(value):.1f}H{x(0.9):.0f}" stroke="#ccc"/>')
        parts.append(f'<text x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    parts += [f'<text x="{x(bias):.1f}" y="{height - 32}" text-anchor="middle">{bias:g}</text>' for bias in BIASES]
    parts.append(f'<text x="{x(0.45):.0f}" y="{height - 10}" text-anchor="middle">the judge\'s bias towards yes</text>')
    for (name, values), (colour, dash) in zip(curves.items(), (("#0b5", ""), ("#b30", "6 4")), strict=True):
        path = "L".join(f"{x(bias):.1f} {y(value):.1f}" for bias, value in zip(BIASES, values, strict=True))
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2.5" stroke-dasharray="{dash}"/>')
        parts.append(f'<text x="{x(0.9) + 8:.0f}" y="{y(values[-1]) + 4:.1f}" fill="{colour}">{name}</text>')
    parts.append(f'<text x="{left}" y="12">rank correlation with the share of right roles</text></svg>')
    return "\n".join(parts) + "\n"


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.stats.yes_bias", description=__doc__.partition("\n")[0])
    parser.add_argument("file", metavar="FILE.svg", type=Path, help="Where the curves are drawn.")
    place = parser.parse_args(arguments).file
    if not place.parent.is_dir():
        parser.error(f"{place}: the folder {place.parent} is not there")
    rows = [rank_correlations(bias, 20) for bias in BIASES]
    leaning = [rank_correlations(bias, 20, leaning=True) for bias in BIASES]
    for bias, row, other in zip(BIASES, rows, leaning, strict=True):
        sys.stdout.write(
            f"{bias:.2f}  IF {row[0]:.3f}  contrast {row[1]:.3f}  leaning: IF {other[0]:.3f}  contrast {other[1]:.3f}\n"
        )
    place.write_text(svg({"contrast": [row[1] for row in rows], "IF": [row[0] for row in rows]}), encoding="utf-8")


if __name__ == "__main__":
    main()
