"""Every template of version 3 read against ten situations: the answer that its words alone give.

Written by hand; ``python -m tests.questions.readings > docs/wording.md`` renders the page. A letter a question, from 1 to 10:
``y`` yes, ``n`` no, ``-`` not asked, because the first frame decides it.
"""

import sys

from intergeneval.questions import embedded
from intergeneval.verbs import look_up

SITUATIONS = {
    "done": "the subject does it to the object, plainly and to the end",
    "not done": "the subject sets about it, stops before touch or hold (before the gesture shows), and goes back",
    "roles swapped": "the object does it to the subject, who lets it happen",
    "bystander did it": "another of the subject's class does it to the object; the subject stands by",
    "idle": "the subject stands there and fidgets, turned elsewhere; nobody does it",
    "already touching": "they touch in the first frame, the benchmark says so, and then it is done",
    "tool used": "it is done with the instrument that the benchmark names",
    "hidden end": "it is done, but for the last third object and subject are hidden",
    "melted body": "it is done, while an arm melts into the other's body",
    "nothing moves": "the picture of the first frame stands still, the subject turned elsewhere",
}
DONE, NOT_DONE, NOTHING = "yyyyyyyyyy", "yynnnnynnn", "ynnnnnnnnn"
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
}
BOTH_ALIKE = {"roles swapped": DONE}
"""What two do to each other they do in either order of names."""
OTHERWISE = {
    "common": {"not done": "yyynnnynnn"},
    "touch.mutual": BOTH_ALIKE,
    "push.mutual": BOTH_ALIKE,
    "gesture.mutual": BOTH_ALIKE,
    "attend.mutual": BOTH_ALIKE,
    "release": {"not done": "ynnnnnynnn", "bystander did it": SEEN_IN_OBJECT},
    "transfer": {"not done": "ynnnnnynnn"},
    "place": {"not done": "ynnnnnynnn", "bystander did it": SEEN_IN_OBJECT},
    **{name: {"bystander did it": SEEN_IN_OBJECT} for name in ("strike", "push", "lift", "carry", "reshape")},
    "verbs.paint": {"bystander did it": SEEN_IN_OBJECT},
}
"""Section -> situations in which it is answered in another way than most: an outcome that lies in the object is there whoever
brought it about, and a hold that is there at the start lasts."""
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
    """Return the answers to the questions of a section, situation by situation."""
    return {**LIKE_MOST, **OTHERWISE.get(section, {})}


def texts(section: str) -> list[tuple[int, str]]:
    """Return the ten questions of a section, those of others that it takes over included."""
    pattern, _, mode = section.partition(".")
    made = embedded(3)
    if pattern == "verbs":
        known = look_up(mode)
        assert known is not None
        return [(number, made.text(known.pattern.name, number, verb=mode)[1]) for number in range(1, 11)]
    return [(number, made.text(pattern, number, modes=(mode,) if mode else ())[1]) for number in range(1, 11)]


def page() -> str:
    """Return the page of the docs."""
    lines = [
        "# The questions, read against ten situations",
        "",
        "Question templates of version 3. Below each pattern's questions stands what their words alone call for: `y` yes,",
        "`n` no, `-` not asked, a letter a question from 1 to 10. `tests/questions/readings.py` renders the page, and a test",
        "holds it against the truth of staged videos. A verb's own words (`[verbs.…]`) ask for tool, mouth or rope in place",
        "of the body; verbs with `as` read alike.",
        "",
        "| situation | what the video shows |",
        "|---|---|",
        *(f"| {name} | {said} |" for name, said in SITUATIONS.items()),
        "",
        "Bodies that cannot be are no matter of these questions: plausibility is asked apart.",
    ]
    for section in SECTIONS:
        lines += ["", f"## {section}", ""]
        lines += [f"{number}. {text}" for number, text in texts(section)]
        lines += ["", "| situation | 1 to 10 |", "|---|---|"]
        lines += [f"| {name} | `{letters}` |" for name, letters in reading(section).items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(page() + "\n")
