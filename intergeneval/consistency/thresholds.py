"""Every threshold of the consistency assessment: named, with its unit and why it has this value.

Lengths are in instance sizes, the square root of an instance's mask area, so that they hold at any resolution.
"""

from __future__ import annotations

MATCH_IOU = 0.3
"""A detection belongs to an instance from this box IoU on: loose, since a detector's box may cut off a limb a mask has."""

MATCH_COVER = 0.7
"""... or when this share of the smaller box lies in the larger one: partly hidden instances keep a small box."""

SAME_DETECTION_IOU = 0.75
"""Two detections of one class that overlap this much are one object found twice."""

AREA_JUMP = 1.8
"""Factor between two neighbouring frames beyond which a mask's area jumps; limbs and turning heads stay below 1.5."""

TELEPORT_SIZES = 1.0
"""Centre movement in instance sizes per frame beyond which a single step may be a teleport ..."""

TELEPORT_ISOLATION = 3.0
"""... if it is also this many times the steps around it: a thrown ball is fast in several frames in a row."""

EXCHANGE_SIZES = 0.4
"""Movement in instance sizes per frame from which two that stand close to each other may have changed places in one step ..."""

EXCHANGE_MISS = 0.35
"""... if each then stands where the other stood, to this share of the step."""

TELEPORT_SECONDS = 0.25
"""How long before and after a step its surroundings reach, in seconds."""

LEAST_PIXELS = 40
"""Masks below this area say nothing about colour or pieces."""

DRIFT_BINS = (4, 12, 12)
"""Histogram bins for lightness and the two colour axes of Lab: few for lightness, which a lamp changes."""

DRIFT_BLUR = 1.0
"""Standard deviation in bins of the smoothing between histogram bins, so that a shift by one bin is a small distance."""
