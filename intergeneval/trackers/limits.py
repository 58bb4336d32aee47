"""The numbers behind tracker ``flow``, each with its unit and its reason; lengths are relative to an instance's size.

The size of an instance is the square root of its mask's area. Shares lie between 0 and 1.
"""

from __future__ import annotations

WORK_SIDE = 360
"""Longest side, in pixels, at which frames are followed; masks are brought back to the video's size."""
LOOK_SIDE = 200
"""Longest side, in pixels, up to which looks are compared: halves of the followed frame until they fit."""
MIN_AREA = 14
"""Pixels at the followed size below which a mask carries no evidence: such an instance is not seen."""

STILL_CHANGE = 1.0
"""Mean change of colour (0 to 255) over a few pixels below which a picture stands still there: a rounding step."""
MOVED_PX = 0.15
"""Pixels a frame from which a pixel has moved: the flow is not finer."""
CONSISTENT_PX = 0.7
"""Forward and backward motion may disagree by so many pixels ..."""
CONSISTENT_SHARE = 0.1
"""... plus this share of the motion, before a pixel's motion is not believed."""
RESIDUE = 10.0
"""Change of colour (0 to 255) that motion may leave unexplained: noise of coding ..."""
RESIDUE_MEDIANS = 3.0
"""... plus so many times the frame's median one: fades and flicker change everything a little."""
TORN_PX = 0.8
"""Difference of motions within a few pixels from which one thing slides along another."""
CUT_SHARE = 0.75
"""Share of a frame that no motion explains from which it is another picture."""

SHARP_BELOW, SHARPEN = 0.98, 1.6
"""Shares below the first are raised to this power once they have moved: against the blur of carrying."""
ROOT_KEPT = 0.97
"""What is left, a frame of motion, of the trust that an owner was handed down from the first frame: errors of flow add up."""
ROOT_SLIDING = 0.5
"""The most of it at a border along which two things slide."""
ROOT_FIRM = 0.98
"""The trust above which a pixel's looks are not asked."""
ROOT_ASKED = 0.5
"""Weight of looks a frame where that trust is gone: errors mend themselves, slowly enough for a glance of light."""
AROUND_SIDE = 11
"""Side in pixels of the surroundings that speak for an open pixel's owner."""
AROUND, AROUND_BROKEN = 0.4, 0.75
"""Weight of the surroundings against the carried share: at sliding borders, and where motion is not believed."""
SHARE_FLOOR = 0.0001
"""Share that an owner may have in an open pixel before looks are asked ..."""
NEAR_SIDE, NEAR_SHARE = 41, 0.001
"""... where it has the second share of a square of the first side in pixels around: further away ..."""
SHARE_FAR = 0.000001
"""... it has this: there a thing is found by the search or not at all."""
SMOOTH_RADIUS = 3
"""Radius in pixels of the edge-keeping smoothing of open pixels."""
SMOOTH_EPSILON = 0.001
"""Contrast (squared, grey 0 to 1) that the smoothing takes for an edge."""
PIECE_SHARE = 0.1
"""Pieces of a mask smaller than this share of its largest piece are dropped."""

LOOK_WAYS = 64
"""Random features of the classifier: more cost more and tell little more apart."""
LOOK_RATE = 0.25
"""Share of a learnt frame that enters the looks learnt on the way."""
LOOK_EVERY = 3
"""Frames between two lessons."""
LOOK_SURE = 0.9
"""Share in a pixel from which it is learnt from."""
LOOK_ROOTED = 0.6
"""Trust in its owner from which a pixel teaches a new look, one that the classifier would give to another."""
LOOK_MANY = 2000
"""Pixels of an owner above which every fourth is learnt from."""
LOOK_MASS = 2000.0
"""Weight of a frame against the ridge's 1."""
LOOK_FLOOR = 0.03
"""Belief that every owner keeps: one pixel's looks never decide alone."""

RECENT_WEIGHT = 0.5
"""Share of the recent colours beside the anchor's when colours are compared."""
RECENT_RATE = 0.1
"""Share of a confident frame that enters the recent colours."""

RING = 0.3
"""Width, in sizes, of the surroundings that an instance is told apart from."""
SEARCH_SPAN = 0.6
"""Instances whose box exceeds this share of either side of the frame are not searched: there is nowhere to search."""
SEARCH_SCALES = (0.85, 1.0, 1.18)
"""Sizes tried, relative to the last whole shape."""
SEARCH_GRAIN = 12.0
"""Sizes are brought to about so many pixels before searching; finer detail does not tell places apart."""
SEARCH_REACH = 3.0
"""An instance turns up no further than so many sizes from where it was last seen ..."""
SEARCH_SPEED = 0.5
"""... and so many more a frame since."""
PUT_INSIDE, PUT_RIM = 0.85, 0.4
"""Share that a found instance gets inside its shape and just around it, before looks are asked."""
NEW_SHARE = 0.6
"""A found place must have held less than this share of its present belief when the instance was last seen: a lookalike that
already stood there is another thing."""
RIVAL_GAP = 0.1
"""A second place within this response of the best makes the find ambiguous."""
COLLAPSED = 0.5
"""Share of the whole area below which what is left may be a remnant: the instance is searched for ..."""
SOUGHT = 0.8
"""... and so it is below this confidence ..."""
DRIFTING = 0.2
"""... and now and then where less than this share of its mask was handed down from the first frame."""

LOOK_DAMP = 0.1
"""Added to both sides when responses are compared with the anchor's own: an instance that its first frame hardly tells from its
surroundings is not lost for that."""
HIDING = 5.0
"""Weight of what touches an instance, as a share of its surroundings, when part of it may lie behind: from a fifth on all may."""
AGREE_PART = 0.6
"""A part of share f agrees by at most sqrt(f) when colours lie apart; agreement is taken relative to that, never below this."""
VISIBLE = 0.5
"""Confidence from which an instance is called visible; below it is lost."""
REGAIN = 0.75
"""Confidence that a lost instance must reach to be visible again, and from which a frame is learnt from."""
REGAIN_RESPONSE = 0.7
"""Response, relative to the anchor's own, that a place must reach to be looked at for a lost instance."""

ABSENT_HERE = 0.3
"""Mean belief at the last place below which it is seen to be empty."""
SHOWS = 0.5
"""Response, relative to the anchor's own, from which a place may be the instance: it is lost then, and not hidden."""
IN_PART, IN_PART_LOOK = 0.05, 0.5
"""Share of the whole area, and look relative to the first frame's, from which an instance that is not believed is lost and not
hidden: part of it may be in plain view."""
ABSENT_WHOLE = 0.5
"""Share of the whole area that must have been seen last: what was already slipping from sight may be hidden, not gone."""
ABSENT_ELSEWHERE = 0.35
"""Response, relative to the anchor's own, below which no place of the frame is similar."""
WHOLE_SHARE = 0.85
"""Area, relative to the whole area, from which a confident mask becomes the whole shape (and up to the inverse)."""
WHOLE_FADE = 0.98
"""The whole area shrinks by no more than this a frame: an instance that loses a limb at a time must not be whole each time."""
