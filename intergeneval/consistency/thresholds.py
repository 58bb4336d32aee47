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

LOOK_SIDE = 240
"""Longest side of the frames in which looks are sought, in pixels."""

LOOK_OWN = 0.6
"""Share of a colour in frame 0 that must lie inside an instance for it to be a colour of its own."""

LOOK_GROUND = 0.9
"""Share of a colour in frame 0 that must lie outside of all instances for it to be a colour of the ground."""

LOOK_PIXELS = 25
"""Pixels of its own colours an instance must have in the small frame 0 to be known by them ..."""

LOOK_SHARE = 0.2
"""... and the share of it that they must be."""

DOUBLE_SHARE = 0.25
"""Pixels of an instance's colours that make a second place, over those that it had in frame 0."""

DOUBLE_TOTAL = 1.15
"""... and what all places together must have: what an arm splits in two does not become more."""

DOUBLE_GAP = 0.25
"""Distance in instance sizes below which two places are one."""

DOUBLE_SELF = 0.4
"""Share of an instance's own colours that its mask must keep, of what it had in frame 0, for a second place to count."""

DOUBLE_CHANGE = 20.0
"""Change of the second place since frame 0, in Lab (8 bit, summed): ground that a light makes alike stood there before."""

DOUBLE_FRAMES = 2
"""Sampled frames in a row that a second place must be seen in."""

SWALLOWED = 0.4
"""Share of an instance's own colours inside another's mask from which it was taken for a part of it."""

REGAINED_SIZES = 1.5
"""Distance in instance sizes from where it was last seen from which an instance that comes back has come back elsewhere ..."""

REGAINED_SIZES_A_FRAME = 0.15
"""... and what is granted besides for each frame out of sight."""
