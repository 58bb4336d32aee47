"""Which of an interaction's ten questions a profile counts (protocol, section 1): the one place that says so."""

from __future__ import annotations

from intergeneval.records.answers import KISA_IDS, SGI_IDS
from intergeneval.records.bench import Category, Direction, Interaction, Sample, TouchingAtStart
from intergeneval.records.score import Profile

TWIN_IDS = (3, 4, 5, 6, 8, 9, 10)
"""Question ids that are asked about a sample's own interaction and about its twin's, for `contrast`."""


CONTROL_ID = 11
"""Question id of the control: asked like the others, must be no, counts for no score."""


def control_roles(sample: Sample, index: int) -> tuple[str, str] | None:
    """Return (subject, object) that the control question of an interaction names; None where there is none to ask.

    Mostly the roles exchanged: a box pushes nobody. Where the object might do the same (social acts, two of a class), or the
    exchanged roles are asked about anyway, a bystander stands in for the subject, one of another class first, since who is of its
    class may have done it in the subject's place. Without a bystander the roles are exchanged there too, but for a twin: a model
    that shows its twin's deed would make the judge look as if it flattered.
    """
    item = sample.interactions[index]
    if item.direction is Direction.BIDIRECTIONAL or item.subject is None or item.object is None or item.questions:
        return None
    classes = {one.id: one.class_ for one in sample.instances}
    if item.subject not in classes or item.object not in classes:
        return None
    alike = item.category is Category.SOCIAL or classes[item.subject] == classes[item.object]
    if not alike and item.twin_of is None:
        return item.object, item.subject
    taken = {name for act in sample.interactions for name in (act.subject, act.object, act.instrument, act.destination)}
    taken |= {name for act in sample.interactions for name in act.alternatives}
    free = [name for name in classes if name not in taken]
    free.sort(key=lambda name: classes[name] == classes[item.subject or ""])
    if not free:
        return None if item.twin_of is not None else (item.object, item.subject)
    return free[0], item.object


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
