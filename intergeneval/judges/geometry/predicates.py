"""The table of predicates: the names that questions carry, and what decides each."""

from __future__ import annotations

from collections.abc import Callable

from intergeneval.judges.geometry import distance, grounding, steps, through
from intergeneval.judges.geometry.findings import Case, Finding

PREDICATES: dict[str, Callable[[Case], Finding]] = {
    item.__name__: item
    for item in (
        steps.apart_at_start,
        steps.approaches,
        steps.gap_closes,
        steps.makes_contact,
        steps.keeps_contact,
        steps.engages,
        steps.has_touched,
        steps.contact_at_end,
        steps.settled_at_end,
        steps.moves_on_contact,
        steps.moves_in_contact,
        steps.moves_away,
        steps.displaced,
        steps.raised,
        steps.not_yet_moved,
        steps.has_hold,
        steps.separates,
        steps.apart_at_end,
        steps.comes_to_rest,
        steps.reshapes,
        steps.reshaped_at_end,
        distance.not_yet_over,
        distance.comes_over,
        distance.stays_over,
        distance.not_yet_heading,
        distance.moves_toward,
        distance.follows,
        distance.keeps_following,
        distance.keeps_up,
        distance.has_followed,
        distance.halves_gap,
        distance.keeps_nearing,
        distance.comes_close,
        distance.close_at_end,
        distance.close_at_start,
        distance.moves_off,
        distance.gap_opens,
        distance.keeps_leaving,
        distance.doubles_gap,
        distance.far_at_end,
        distance.rests_at_start,
        distance.starts_gesture,
        distance.gesture_shows,
        distance.keeps_gesture,
        distance.keeps_distance,
        distance.has_gestured,
        distance.thing_not_yet_there,
        distance.thing_with_subject,
        distance.thing_nears_object,
        distance.thing_leaves_subject,
        distance.thing_reaches_object,
        distance.thing_with_object_at_end,
        through.unseen_work,
        through.holds_line,
        through.keeps_line,
        through.comes_along,
        through.agent_through,
        through.nears_mouth,
        through.at_mouth,
        through.stays_at_mouth,
        grounding.acts,
        grounding.agent,
        grounding.recipient,
        grounding.receives,
    )
}
"""Name of a predicate -> what decides it."""
