"""Which of an interaction's ten questions a profile counts (protocol, section 1): the one place that says so."""

from __future__ import annotations

from intergeneval.records.answers import KISA_IDS, SGI_IDS
from intergeneval.records.bench import Interaction, TouchingAtStart
from intergeneval.records.score import Profile

TWIN_IDS = (3, 4, 5, 6, 8, 9, 10)
"""Question ids that are asked about a sample's own interaction and about its twin's, for `contrast`."""


def counted(interaction: Interaction, profile: Profile) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the question ids that make KISA_raw and those that make SGI_raw; the others are not asked under this profile.

    ``paper`` counts all ten. Where subject and object touch in the first frame already, that frame decides questions 1 and 2 in
    every video alike. ``informative`` leaves out question 1 always, since a given first frame decides it, and question 7.
    """
    out: set[int] = set()
    if profile != Profile.PAPER and interaction.touching_at_start is TouchingAtStart.YES:
        out |= {1, 2}
    if profile == Profile.INFORMATIVE:
        out |= {1, 7}
    return tuple(number for number in KISA_IDS if number not in out), tuple(number for number in SGI_IDS if number not in out)
