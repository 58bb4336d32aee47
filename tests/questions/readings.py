"""Every template of version 3 read against situations that go wrong: the answer that its words alone give.

Written by hand; ``python -m tests.questions.readings > docs/wording.md`` renders the page. A letter a question, from 1 to 10:
``y`` yes, ``n`` no, ``-`` not asked, because the first frame decides it, or not to be had at all.
"""

import sys

from intergeneval.questions import embedded
from intergeneval.verbs import look_up

SITUATIONS = {
    "done": "the subject does it to the object, plainly and to the end",
    "not done": "the subject sets about it and goes back: before touch or hold (also of what is to be let go, put or handed "
    "over), before a gesture shows, within the first step of a way",
    "roles swapped": "the object does it to the subject, who lets it happen (where both do it to each other: the object begins)",
    "bystander did it": "another of the subject's class does it to the object; the subject stands by",
    "idle": "the subject stands there and fidgets, turned elsewhere; nobody does it",
    "already touching": "they touch in the first frame, the benchmark says so, and then it is done",
    "tool used": "it is done with the instrument that the benchmark names",
    "hidden end": "it is done, but for the last third object and subject are hidden",
    "melted body": "it is done, while an arm melts into the other's body",
    "nothing moves": "the picture of the first frame stands still, the subject turned elsewhere",
    "other target": "the subject does it, plainly, to another of the object's class; the object stands by",
    "touching and idle": "they touch in the first frame, or one holds the other or sits there, the benchmark says so, and "
    "nothing is done",
    "object by itself": "the subject is idle, while the object moves, turns or rises of its own accord",
    "one-sided": "where both are to do it to each other: the subject alone does it, the object lets it happen or takes no notice",
}
DONE, NOT_DONE, NOTHING, CANNOT_BE = "yyyyyyyyyy", "yynnnnynnn", "ynnnnnnnnn", "----------"
BYSTANDER, SEEN_IN_OBJECT = "ynnnnnnnny", "ynnnnynnny"
LIKE_MOST = {
    "done": DONE,
    "not done": NOT_DONE,
    "roles swapped": NOTHING,
    "bystander did it": BYSTANDER,
    "idle": NOTHING,
    "already touching": "--yyyyyyyy",
    "tool used": DONE,
    "hidden end": "yyyyynyyyy",
    "melted body": DONE,
    "nothing moves": NOTHING,
    "other target": "ynnnnnynnn",
    "touching and idle": "--nnnnnnnn",
    "object by itself": NOTHING,
}
MUTUAL = {"roles swapped": DONE, "one-sided": NOT_DONE}
"""What two do to each other they do in either order of names; one alone only sets about it."""
OTHERWISE = {
    "common": {"not done": "yyynnnynnn"},
    "touch.mutual": MUTUAL,
    "push.mutual": {**MUTUAL, "one-sided": "yynynnynnn"},
    "gesture.mutual": MUTUAL,
    "attend.mutual": {**MUTUAL, "one-sided": "ynnnnnynnn"},
    "release": {"not done": "ynnnnnynnn", "bystander did it": SEEN_IN_OBJECT},
    "transfer": {"not done": "ynnnnnynnn"},
    "place": {"not done": "ynnnnnynnn", "bystander did it": SEEN_IN_OBJECT},
    **{name: {"bystander did it": SEEN_IN_OBJECT} for name in ("strike", "push", "lift", "carry", "reshape")},
    "verbs.paint": {"bystander did it": SEEN_IN_OBJECT},
    **{name: {"other target": "yynnnnynnn"} for name in ("gesture", "bow")},
    # Nobody comes near, runs after or catches what is in touch already.
    **{name: {"already touching": CANNOT_BE} for name in ("approach", "pursue", "catch")},
}
"""Section -> situations in which it is answered in another way than most: an outcome that lies in the object is there whoever
brought it about, who stops before a hold does not begin with what takes one, and a gesture begins alike whoever is meant."""
SECTIONS = (
    *("common", "touch", "touch.mutual", "mount", "strike", "release", "push", "push.mutual", "lift", "carry", "place", "catch"),
    *("transfer", "manipulate", "reshape", "pour", "pursue", "approach", "retreat", "gesture", "gesture.mutual", "bow", "attend"),
    *(
        "attend.mutual",
        "verbs.cut",
        "verbs.wipe",
        "verbs.paint",
        "verbs.stir",
        "verbs.hammer",
        "verbs.read",
        "verbs.eat",
        "verbs.drink",
    ),
    *("verbs.feed", "verbs.lead", "verbs.ride", "verbs.block"),
)


def reading(section: str) -> dict[str, str]:
    """Return the answers to the questions of a section, situation by situation; those that can be for it."""
    found = {**LIKE_MOST, **OTHERWISE.get(section, {})}
    return {name: found[name] for name in SITUATIONS if name in found}


def texts(section: str) -> list[tuple[int, str]]:
    """Return the ten questions of a section, those of others that it takes over included."""
    pattern, _, mode = section.partition(".")
    made = embedded(3)
    if pattern == "verbs":
        known = look_up(mode)
        assert known is not None
        return [(number, made.text(known.pattern.name, number, verb=mode)[1]) for number in range(1, 11)]
    return [(number, made.text(pattern, number, modes=(mode,) if mode else ())[1]) for number in range(1, 11)]


FIELDS = {
    "touching": "where the benchmark says that they touch at first",
    "instrument": "where it names an instrument",
    "destination": "where it says where the object is to end",
}


def in_fields(section: str) -> list[tuple[str, int, str]]:
    """Return (field in words, number, text) of the questions that a section asks in other words where a field is there."""
    made = embedded(3).sections
    return [(said, *item) for mode, said in FIELDS.items() for item in sorted(made.get(f"{section}.{mode}", {}).items())]


def page() -> str:
    """Return the page of the docs."""
    lines = [
        "# The questions, read situation by situation",
        "",
        "Question templates of version 3. Below each pattern's questions stands what their words alone call for: `y` yes,",
        "`n` no, `-` not asked or not to be had, a letter a question from 1 to 10. `tests/questions/readings.py` renders the",
        "page, and a test holds it against the truth of staged videos. A verb's own words (`[verbs.…]`) ask for tool, mouth",
        "or rope in place of the body; verbs with `as` read alike.",
        "",
        "| situation | what the video shows |",
        "|---|---|",
        *(f"| {name} | {said} |" for name, said in SITUATIONS.items()),
        "",
        "Bodies that cannot be are no matter of these questions: plausibility is asked apart, and each request says so.",
        "",
        "| placeholder | stands for |",
        "|---|---|",
        "| `{subject}`, `{object}`, `{tool}` | who is meant, by looks and outline; the instrument |",
        "| `{actor}` | the subject, the hand, foot or mouth of the subject, or the instrument as used by the subject |",
        "| `{with}` | nothing, or with which instrument or part |",
        "| `{real}` | `, with touch` (or `by body or tool`) where the deed needs it, else nothing |",
        "| `{End}` | In the end, or, where another deed follows, At some point |",
        "| `{earlier}`, `{destination}` | the deed before, as a clause; in, on or at which place |",
        "",
        "For every pattern: where one deed follows another, 1 and 2 are those of `after`; where the object has a place to end, 6",
        "is that of `destination`; one question more is that of `control`.",
    ]
    for section in ("after", "destination", "control"):
        lines += ["", f"## {section}", ""]
        lines += [f"- {number}: {text}" for number, text in sorted(embedded(3).sections[section].items())]
    for section in SECTIONS:
        lines += ["", f"## {section}", ""]
        lines += [f"{number}. {text}" for number, text in texts(section)]
        if other := in_fields(section):
            lines += ["", *(f"- {said}, {number}: {text}" for said, number, text in other)]
        lines += ["", "| situation | 1 to 10 |", "|---|---|"]
        lines += [f"| {name} | `{letters}` |" for name, letters in reading(section).items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(page() + "\n")
