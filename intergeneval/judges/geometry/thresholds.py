"""Every threshold of the geometry judge: named, with its unit and the reason for its value.

Lengths are in instance sizes (the square root of an instance's median mask area) and times in seconds, so that the same numbers
hold at any resolution and frame rate. Changing one changes the judge's revision.
"""

from __future__ import annotations

REVISION = "3"
"""Version of rules and thresholds; part of the comparability key."""

# How finely the video is measured.
MOST_FRAMES = 400
"""Frames measured at most; longer videos are measured at an even stride, always including the sampled frames."""
GRID = 240
"""Longer side of the reduced masks on which shapes of different frames are compared, in cells."""
DEFAULT_FPS = 8.0
"""Frames per second where the video does not say."""

# Contact in two dimensions.
CONTACT_GAP = 0.03
"""Largest gap between two masks in contact, in sizes of the smaller: antialiasing and a tracker's edge leave a seam."""
CONTACT_GAP_PIXELS = 1.5
"""... and never less than this many pixels, for small things."""
CONTACT_GAP_MOST = 0.004
"""... nor more than this share of the longer side of the frame, for large ones."""
JITTERS = 2.0
"""How many times the tremble of both outlines is added to that gap ..."""
JITTER_MOST = 0.35
"""... up to this share of the thickness of the thinner one."""
RELEASE = 2.0
"""A contact ends where the gap grows beyond so many times the one at which it began: masks of small things tremble."""
BRIDGE_SECONDS = 0.3
"""Breaks in a contact up to this long are bridged: a limb hides the place of contact."""
HOLD_SECONDS = 0.5
"""From this on a contact, a position or a motion lasts, instead of being a moment."""
PASS_SIZES = 1.2
"""Two that move past each other by more than this, in sizes of the smaller, while they touch are passing by."""

# Motion.
MOVED_SHARE = 0.12
"""Share of a mask that must lie outside the other's outline, both ways, before two frames show it in different places or shapes:
hiding a part takes pixels away on one side only."""
RESHAPED_SHARE = 0.06
"""Share of its outline by which a thing must grow or shrink to have been opened, bent or turned."""
MOVED_SIZES = 0.2
"""Centre shift in its own sizes from which a thing has moved."""
UNCONFIRMED_SIZES = 1.0
"""Shift of a mask from which it is believed without a look at what moves inside ..."""
CONFIRMED_FROM = 0.12
"""... of a thing of at least this size, in shares of the frame's longer side: of smaller ones little is left in small frames;"""
CONFIRMED_BY = 1.25
"""... while a shorter one is at most so many times as long as what is inside has gone: flow between small frames falls short."""
DISPLACED_SIZES = 0.35
"""Centre shift in its own sizes from which it is in another place."""
RAISED_SIZES = 0.25
"""Upward shift in its own sizes from which it is higher up."""
AWAY_SIZES = 0.6
"""Shift in its own sizes from which a thing has travelled away."""
ONSET_BEFORE_SECONDS = 0.25
"""How long before the first touch a motion may seem to begin, through blur and coarse frames ..."""
ONSET_AFTER_SECONDS = 0.6
"""... and how long after it the motion may take to show and still be its effect."""
REST_SECONDS = 0.35
"""How long something must stay in place to be at rest."""

# Approach.
APPROACH_SHARE = 0.25
"""Share of the first gap that the subject's own motion must close to be an approach ..."""
APPROACH_SIZES = 0.15
"""... and at least this far, in sizes of the smaller of the two."""
NEAR_SIZES = 0.6
"""Gap in sizes of the smaller of the two up to which they are close to each other."""
OVER_SIZES = 1.0
"""Gap in sizes of the lower of the two up to which something is held over it."""
START_SPEED = 0.06
"""Speed towards the other in own sizes a second from which something begins to head for it ..."""
FOLLOW_SPEED = 0.12
"""... and from which it heads for it."""
HALF = 0.5
"""Share of the first gap that counts as half the way."""
DOUBLE = 1.5
"""Factor on the first gap (plus one size) that counts as a considerable distance."""
DECIDES_SIZES = 0.1
"""Closings of a gap by less than this, in sizes of the smaller, or than the largest gap in contact say nothing of who came."""
AGENCY_SHARE = 0.25
"""By how much of the first gap the other side may have closed more of it and this one still be the one who acts."""

# Activity of the subject and gestures.
ACTIVE_SHARE = 0.02
"""Share of a mask that changes place or shape when its owner acts; breathing and a tracker's flicker stay below."""
GESTURE_START_SHARE = 0.01
"""Share of a mask that a limb moving in place must newly cover for a gesture to have begun ..."""
GESTURE_SHARE = 0.045
"""... and to be plain to see ..."""
BOW_SHARE = 0.25
"""... which takes more where the whole upper body moves."""
GESTURE_BRIDGE_SECONDS = 0.75
"""Breaks in a gesture up to this long are bridged: a waving hand passes before the body."""
GESTURE_COMPACT = 0.97
"""Ratio of hull areas from which the subject's last outline, not its first, is taken for its rest: the gesture was on already."""
STANCE_SIZES = 0.5
"""Sideways shift of the feet, in the subject's sizes, beyond which it walks and makes no gesture; one step is less."""
GESTURE_ALONG = -0.1
"""How far towards the object, in the subject's sizes, the newly covered place must lie from the subject's centre at least: a hand
that waves beside the head lies near 0, so only what goes clearly away from the object counts against it."""

SETTLED_SHARE = 0.1
"""Change of its own outline, place aside, by which one who sits differs from one who stands."""
FIRST_SECONDS = 0.8
"""The first moments: long enough to see that a thing is on its way already."""

# Camera.
CAMERA_SECONDS = 0.5
"""Window over which camera motion is read from things that keep their shape."""
CAMERA_SEEN = 0.01
"""Way of the picture's surroundings, in shares of the frame's longer side, from which they are asked instead of the instances;
on a plain background nothing can be read, and then it seems to stand still."""
CAMERA_STILL = 0.002
"""Motion in shares of the frame's longer side per window up to which a voter stands still."""
CAMERA_AGREE = 0.003
"""Difference in the same measure up to which two voters share a motion; a slow zoom stays below."""
CAMERA_ALONE = 0.012
"""Fastest motion in the same measure that a single voter may speak for: a camera pans slowly, a thing may fly."""
RIGID_SHARE = 0.012
"""Largest share of an aligned mask that may differ within any window for a thing to be rigid; a runner's legs exceed it."""

STIR_PLAIN = 4.0
"""So many times what counts as motion is plain to see, even where the outline stays as it is."""

# Heads, ropes.
HEAD_SHARE = 0.25
"""Share of the height of an upright body that its head and neck take at most ..."""
AT_HEAD_SIZES = 0.06
"""... and how near to it a thing must be to be at the mouth, in the body's sizes."""
ALIKE = 0.3
"""Cosine from which two go the same way."""

# What tracks must show.
LOST_SHARE = 0.1
"""Share of the frames in which a needed track may be lost and a ``no`` still be given; a ``yes`` rests on what was seen."""
TELEPORT_SIZES = 1.0
"""A single step farther than this, in its own sizes, that ends in or starts from the decisive frame cannot be a motion ..."""
SWAP_SIZES = 0.4
"""Step in sizes of the larger from which two may have changed places within one frame ..."""
SWAP_MISS = 0.35
"""... if each then stands where the other stood, to this share of the step."""
TELEPORT_ISOLATION = 4.0
"""... if it is also this many times as far as the steps around it."""

# Motion of one's own, inside the mask.
STIR_SIZES = 0.012
"""How far the liveliest tenth of an instance must go within a stretch for it to move, in its own sizes ..."""
STIR_SIDE = 0.002
"""... in shares of the frame's longer side: compressed stills seem to move up to half as far ..."""
STIR_ABOVE = 2.5
"""... and in parts of what the restless quarter of the surroundings does: some generated pictures breathe as a whole."""
STIR_SECONDS = 0.5
"""Length of a stretch where only outlines tell of motion ..."""
STIR_SHARE = 0.01
"""... in which this share of the mask must change ..."""
STIR_FAR = 0.03
"""... or its centre go this far, in its own sizes."""
