"""How far a mask is believed: a logistic regression on six pieces of evidence, fitted on videos whose truth is known.

``python -m tests.trackers.calibrate`` fits it anew, on staged scenes that were blurred and recompressed and on the drawn clips.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What speaks for a mask, each from 0 (against) to 1 (nothing against)."""

    colour: float
    """Agreement of its colours with the first frame's and recent ones (Bhattacharyya)."""
    look: float
    """How much it looks like the instance, relative to the first frame."""
    contrast: float
    """How much more than a ring around it, relative to the first frame."""
    size: float
    """Its area against the last whole one, the smaller over the larger."""
    part: float
    """How much of its last whole area is seen, whatever hides the rest: a sliver is often on what it uncovered."""
    rooted: float
    """How firmly its pixels were handed down from the first frame."""


COLOUR, LOOK, CONTRAST, SIZE, PART, ROOTED, BASE = 0.88, 0.91, 1.02, 3.69, 3.37, 0.0, 3.82
"""Weights of the evidence's logarithms, and log odds where nothing speaks against a mask."""
LEAST = 0.05
"""Evidence below this counts as this: one piece never decides alone."""
COLOUR_MIN = 0.6
"""Agreement of colours below which it is another thing, whatever else speaks for it."""


def confidence(evidence: Evidence) -> float:
    """Return the probability, 0 to 1, that a mask lies on its instance."""
    if evidence.colour < COLOUR_MIN:
        return 0.0
    pieces = (
        (COLOUR, evidence.colour),
        (LOOK, evidence.look),
        (CONTRAST, evidence.contrast),
        (SIZE, evidence.size),
        (PART, evidence.part),
        (ROOTED, evidence.rooted),
    )
    return 1 / (1 + math.exp(-BASE - math.fsum(weight * math.log(max(piece, LEAST)) for weight, piece in pieces)))
