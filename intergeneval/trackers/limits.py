"""The numbers behind tracker ``flow``, each with its unit and its reason; lengths are relative to an instance's size.

The size of an instance is the square root of its mask's area. Shares lie between 0 and 1.
"""

from __future__ import annotations

WORK_SIDE = 480
"""Longest side, in pixels, at which frames are analysed; masks are brought back to the video's size."""
MIN_AREA = 24
"""Pixels at that resolution below which a mask carries no evidence: such an instance is not seen."""

CONSISTENT_PX = 1.0
"""Forward and backward motion may disagree by so many pixels ..."""
CONSISTENT_SHARE = 0.1
"""... plus this share of the motion, before a pixel's motion is not believed."""

MOTION_PX = 2.0
"""Pixels a frame by which two motions must differ to count as different."""
MOTION_ODDS = 2.0
"""Log odds against a pixel that moves with the ground while the instance moves otherwise."""
TEXTURE = 6.0
"""Mean grey gradient (0 to 255, over a window) that a pixel needs for its motion to count: plain cloth goes with anything."""
FIT_SIDE = 40.0
"""Motions are fitted on about so many pixels along an instance's side."""
FIT_ROUNDS = 3
"""Rounds of fitting, each on the better half of the round before, or on all that fit within MOTION_PX."""
FIT_MIN = 24
"""Pixels below which no motion is fitted."""

RECENT_WEIGHT = 0.3
"""Share of the recent appearance, beside the anchor's, in a colour model: light changes, but the anchor is the truth."""
RECENT_RATE = 0.1
"""Share of a confident frame that enters the recent appearance."""
SCENE_RATE = 0.05
"""Share of a frame that enters the background's colour model."""
COLOUR_CLIP = 4.0
"""Largest log ratio that a colour may speak with; one pixel never decides alone."""
COLOUR_DEAD = 0.8
"""Log ratios below this say nothing about a border: white cloth on a white table must not spread."""

PRIOR_WIDTH = 0.05
"""Distance from the carried border, in sizes, over which the carried mask's word grows to full weight ..."""
PRIOR_WIDTH_MIN = 3.0
"""... never below so many pixels ..."""
PRIOR_WIDTH_MAX = 6.0
"""... nor above: a large body's border is carried as sharply as a small one's."""
PRIOR_SLOPE = 1.5
"""Log odds gained per such width."""
PRIOR_CLIP = 6.0
"""Largest log odds of the carried mask: above the colour's, so a mask cannot jump; jumps are the search's work."""
PRIOR_DOUBT = 0.5
"""Weight of the carried mask where its motion is not believed."""
REVEALED_ODDS = -0.3
"""Log odds, before colour, of ground that another instance has just uncovered: it may be this one, which stood behind ..."""
REVEALED_TOUCH = 0.3
"""... where this one makes up so large a share of that ground's surroundings."""
SMOOTH_RADIUS = 3
"""Radius in pixels of the edge-keeping smoothing of the log odds."""
SMOOTH_EPSILON = 0.001
"""Contrast (squared, grey 0 to 1) that the smoothing takes for an edge."""
PIECE_SHARE = 0.1
"""Pieces of a mask smaller than this share of its largest piece are dropped."""

RING = 0.3
"""Width, in sizes, of the surroundings that an instance is told apart from."""
SEARCH_SPAN = 0.6
"""Instances whose box exceeds this share of either side of the frame are not searched: there is nowhere to search."""
SEARCH_SCALES = (0.85, 1.0, 1.18)
"""Sizes tried, relative to the last whole shape."""
SEARCH_COST = 0.05
"""Response lost per size of distance from where the instance was expected ..."""
SEARCH_COST_MAX = 0.4
"""... up to this."""
SEARCH_REACH = 3.0
"""An instance that is seen jumps no further than so many sizes from where it was expected."""
NEW_SHARE = 0.6
"""A found place must have held less than this share of its present probability when the instance was last seen: a lookalike
that already stood there is another thing."""
SEARCH_GAIN = 0.12
"""A found place must beat the carried one by this response to be taken."""
SEARCH_GRAIN = 16.0
"""Sizes are brought to about so many pixels before searching; finer detail does not tell places apart."""
ALIGN_FREE = 0.5
"""Cost of a pixel of the whole shape on free ground, against 1 gained for one on the mask, when the two are laid together."""
RECALL = 2.0
"""Log odds added where the last whole shape, laid over the carried mask, says so and the colour agrees: parts come back."""
RIVAL_GAP = 0.1
"""A second place within this response of the best makes the find ambiguous."""

AGREE_LOW, AGREE_HIGH = 0.68, 0.88
"""Colour agreement with the anchor (Bhattacharyya): below the first it is another thing, from the second it is fully trusted."""
AGREE_PART = 0.6
"""A part of share f agrees by at most sqrt(f) when colours lie apart; agreement is taken relative to that, never below this."""
CONTRAST_LOW, CONTRAST_HIGH = 0.05, 0.3
"""Difference of mean foreground probability inside and around a mask: the same two points."""
SHAPE_LOW, SHAPE_HIGH = 0.4, 0.7
"""IoU with the last whole shape less what other instances and the border hide of it: the same two points."""
VISIBLE = 0.5
"""Confidence from which an instance is called visible; below it is lost."""
REGAIN = 0.75
"""Confidence that a lost instance must reach to be visible again."""
REGAIN_RESPONSE = 0.7
"""Response, relative to the anchor's own, that a place must reach to be looked at for a lost instance."""

ABSENT_HERE = 0.3
"""Mean foreground probability of the last place below which it is seen to be empty."""
ABSENT_WHOLE = 0.5
"""Share of the whole area that must have been seen last: what was already slipping from sight may be hidden, not gone."""
ABSENT_ELSEWHERE = 0.35
"""Response, relative to the anchor's own, below which no place of the frame is similar."""
WHOLE_SHARE = 0.85
"""Area, relative to the whole area, from which a confident mask becomes the whole shape (and up to the inverse)."""
WHOLE_FADE = 0.98
"""The whole area shrinks by no more than this a frame: an instance that loses a limb at a time must not be whole each time."""
