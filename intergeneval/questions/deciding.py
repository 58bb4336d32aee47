"""Which predicate of the geometry judge decides a question; None where masks cannot know, as that judge then says beforehand."""

from __future__ import annotations

from collections.abc import Mapping

from intergeneval.questions.scene import Scene
from intergeneval.records import Part, Predicate
from intergeneval.verbs import Pattern, framed_classes

_OUTLINE = ("reshapes", "reshaped_at_end")
"""Predicates that look at the object's outline: what swings within a frame keeps it, whatever happens."""
_GROUNDING = {8: "agent", 9: "recipient", 10: "receives"}
_BODILY = frozenset(
    {
        "acts",
        "agent",
        "agent_through",
        "unseen_work",
        "comes_along",
        "holds_line",
        "keeps_line",
        "displaced",
        "raised",
        "settled_at_end",
        "contact_at_end",
        "reshaped_at_end",
        "apart_at_end",
        "separates",
    }
)
"""Predicates that speak of the object's place or the subject itself, whatever the subject acts with."""
_OF_THE_WAY = frozenset({"apart_at_start", "not_yet_over", "approaches", "gap_closes"})
"""Predicates that speak of the way between two, which a deed between others leaves as it is."""
VERBS_OF_THEIR_OWN = frozenset({"eat", "drink", "feed", "lead", "walk"})
"""Verbs of which masks do not show when they are done: the deed lies at a mouth or in a rope."""
_UNSEEN = {
    **dict.fromkeys(("cut", "chop", "slice", "saw", "peel"), frozenset({5})),
    **dict.fromkeys(("read", "examine"), frozenset({3, 4, 5})),
    **dict.fromkeys(("hold up", "swing", "grab", "snatch", "take", "shove", "nudge"), frozenset({4, 5, 6})),
    "block": frozenset({3, 4, 5, 6}),
    # Masks show who sits on a thing as well while nothing moves.
    **dict.fromkeys(("ride", "drive"), frozenset({4})),
    **dict.fromkeys(VERBS_OF_THEIR_OWN, frozenset(range(1, 7))),
}
"""Verb -> questions of which its own words (from version 3 on) ask what masks do not show; others ask what the pattern asks."""
_BY_LINE = {2: "comes_along", 3: "holds_line", 4: "keeps_line", 5: "comes_along", 6: "displaced"}
"""Leading, where the rope is an instance."""
_AT_MOUTH = {2: "nears_mouth", 3: "at_mouth", 4: "stays_at_mouth"}
"""Eating and drinking, where the interaction says that the mouth does it."""
_LED = frozenset({"lead", "walk"})
_EATEN = frozenset({"eat", "drink"})
_WITH_A_THING = _LED | _EATEN | frozenset({
    "feed", "cut", "chop", "slice", "saw", "peel", "wipe", "clean", "wash", "polish", "sweep", "mop", "iron", "sand", "brush",
    "comb", "stir", "mix", "hammer", "drill", "sew",
})  # fmt: skip
"""Verbs that a thing decides, and not two bodies side by side; where it is no instance masks show at most that nothing moves."""
_MANNER = frozenset({"gesture.touching", "bow.touching"})
"""Sections that ask how a gesture looks instead of whether the two are apart, since they touch from the start."""
_TOUCHED = frozenset({"touch", "move"})
"""Deeds that are done in a contact, so that a tool may have done them."""
_WITHOUT_TOOL = frozenset({"mount", "gesture", "bow", "attend", "pursue", "approach", "retreat", "release"})
"""Patterns in which the instrument is not what touches the object."""


def predicate_of(scene: Scene, number: int, section: str) -> Predicate | None:
    """Return what geometry would check for a question whose words come from `section`; None where it cannot know."""
    if number == 7:
        return _predicate(scene, "acts")
    pattern = scene.pattern
    if pattern is None or (pattern.thing and not _others(scene)):
        return None
    if section.endswith("destination"):
        return _at_destination(scene) if number == 6 else None
    if scene.version > 2 and scene.lemma in _WITH_A_THING and number > 1:
        return _with_a_thing(scene, number, section)
    name = _name(scene, pattern, number, section)
    return None if name is None else _predicate(scene, name)


def _with_a_thing(scene: Scene, number: int, section: str) -> Predicate | None:
    """Return what decides a question about a deed done with a thing: the thing, the mouth, or whether anything moves."""
    tool = scene.interaction.instrument
    if scene.lemma in _EATEN and scene.interaction.part is Part.MOUTH:
        name = _GROUNDING.get(number) or _AT_MOUTH.get(number)
    elif tool is not None and scene.lemma in _LED:
        name = _GROUNDING.get(number) or _BY_LINE.get(number)
    elif tool is not None and scene.lemma not in _EATEN:
        name = _name(scene, scene.pattern, number, section) if scene.pattern is not None else None
    else:
        name = "unseen_work"
    return None if name is None else _predicate(scene, name)


def control_predicate(scene: Scene, roles: tuple[str, str]) -> Predicate | None:
    """Return what geometry would check for the question whether the deed was done in other roles; None where it cannot know."""
    pattern = scene.pattern
    if pattern is None or not pattern.deed or pattern.thing:
        return None
    others = [one.id for one in scene.sample.instances if one.id not in roles]
    arguments = {"mutual": False, "others": others, "deed": pattern.deed}
    return Predicate(name="agent", subject=roles[0], object=roles[1], arguments=arguments)


def _name(scene: Scene, pattern: Pattern, number: int, section: str) -> str | None:
    if number in _GROUNDING:
        if number == 8 and _tool(scene) is not None:
            # The instrument did it, and what it was in touch with had it.
            return "agent_through" if pattern.deed in _TOUCHED and scene.version > 2 else None
        return _GROUNDING[number] if pattern.deed else None
    name = pattern.predicates.get(number)
    if section in _MANNER or _own_words(scene, number, section) or (section.endswith("after") and not _follows(scene, name)):
        # These look at a mouth, a rope, or a moment that masks do not tell.
        return None
    return None if name in _OUTLINE and scene.object.class_.lower() in framed_classes() else name


def _own_words(scene: Scene, number: int, section: str) -> bool:
    """Whether a verb's own words ask for what its pattern's predicate does not decide; up to version 2 all of them did."""
    if not section.startswith("verbs."):
        return False
    return scene.version <= 2 or number in _UNSEEN.get(scene.lemma, frozenset())


def _follows(scene: Scene, name: str | None) -> bool:
    """Whether masks show when the earlier deed is first seen, and from there on the way between these two."""
    before = scene.earlier
    seen = before is not None and _deed(before) not in ("", "transfer") and before.lemma not in VERBS_OF_THEIR_OWN
    return seen and name in _OF_THE_WAY and not scene.goes_on


def _predicate(scene: Scene, name: str) -> Predicate:
    tool = None if name in _BODILY or name == "receives" else _tool(scene)
    arguments: dict[str, object] = {"mutual": scene.mutual, "others": _others(scene, tool), "deed": _deed(scene)}
    if name == "acts":
        roles = (scene.subject.id, scene.object.id)
        everybody = [one.id for one in scene.sample.instances if one.id not in roles]
        arguments = {"deed": _deed(scene), "mutual": scene.mutual, "others": everybody}
    else:
        arguments |= {**_alternatives(scene), **_since(scene, name)}
    return Predicate(name=name, subject=tool or scene.subject.id, object=scene.object.id, arguments=arguments)


def _at_destination(scene: Scene) -> Predicate | None:
    """Object and destination touch at the end; None where only words say where it is to end."""
    place = scene.destination
    if place is None:
        return None
    arguments = {"mutual": False, "others": [], "deed": "", **_alternatives(scene)}
    return Predicate(name="contact_at_end", subject=scene.object.id, object=place.id, arguments=arguments)


def _alternatives(scene: Scene) -> Mapping[str, object]:
    """Return the ids that may stand in the place of the object, where there are any."""
    if not scene.alternatives:
        return {}
    given: dict[str, object] = {"instead_of": scene.object.id, "alternatives": list(scene.alternatives)}
    return given | {"by": _tool(scene) or scene.subject.id, "done": _deed(scene)}


def _since(scene: Scene, name: str) -> Mapping[str, object]:
    """Return the deed that the interaction follows, for what is asked from there on."""
    before = scene.earlier
    if before is None or name not in _OF_THE_WAY:
        return {}
    actor = _tool(before) or before.subject.id
    return {"since": {"deed": _deed(before), "subject": actor, "object": before.object.id, "mutual": before.mutual}}


def _tool(scene: Scene) -> str | None:
    """Return the instance that touches the object in the subject's place."""
    pattern = scene.pattern
    if pattern is None or pattern.thing or pattern.name in _WITHOUT_TOOL or (scene.version > 2 and scene.lemma in _LED):
        return None
    return scene.interaction.instrument


def _deed(scene: Scene) -> str:
    if scene.version > 2 and scene.interaction.instrument is not None and scene.lemma in _LED:
        return "lead"
    if scene.version > 2 and scene.interaction.part is Part.MOUTH and scene.lemma in _EATEN:
        return "mouth"
    return scene.pattern.deed if scene.pattern is not None else ""


def _others(scene: Scene, tool: str | None = None) -> list[str]:
    """Return who is neither: not the subject where a tool acts, nor what would do as object, nor whom a linked deed needs."""
    item = scene.interaction
    if scene.pattern is not None and scene.pattern.thing and item.instrument is not None:
        return [item.instrument]
    out = {scene.subject.id, scene.object.id, tool, *scene.alternatives, *scene.linked}
    return [one.id for one in scene.sample.instances if one.id not in out]
