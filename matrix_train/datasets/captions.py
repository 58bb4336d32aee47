"""A caption cut where a role's words begin and end, so that a page can mark who is who in it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from matrix_train.data.clips import ROLE_ORDER, Clip

LETTERS = {"sub": "S", "verb": "V", "obj": "O"}
WORDS = {"sub": "subject", "verb": "verb", "obj": "object"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Words of a caption that have the same roles from end to end."""

    text: str
    """The words."""
    marks: str
    """Letter and number of each role, such as ``S0 O1``; empty: none."""
    said: str
    """The same in words."""
    colour: str
    """Name of the colour of the instance that they name first; empty: they name none."""


def pieces_of(clip: Clip, colours: dict[str, str]) -> tuple[Piece, ...]:
    """Return a clip's caption in pieces; spans that lie outside of it are cut at its ends."""
    length = len(clip.caption)
    named: list[tuple[int, int, str, str, str]] = []
    for index, item in enumerate(clip.interactions):
        who = {"sub": item.subject, "verb": None, "obj": item.object}
        for role in ROLE_ORDER:
            for first, last in item.spans(role):
                colour = colours.get(who[role] or "", "")
                named.append((max(first, 0), min(last, length), f"{LETTERS[role]}{index}", f"{WORDS[role]} of {index}", colour))
    edges = sorted({0, length, *(edge for first, last, *_ in named for edge in (first, last) if 0 <= edge <= length)})
    found = []
    for first, last in pairwise(edges):
        over = [item for item in named if item[0] <= first and last <= item[1]]
        found.append(
            Piece(
                text=clip.caption[first:last],
                marks=" ".join(dict.fromkeys(item[2] for item in over)),
                said=", ".join(dict.fromkeys(item[3] for item in over)),
                colour=next((item[4] for item in over if item[4]), ""),
            )
        )
    return tuple(found)


def phrase_of(clip: Clip, role: str, index: int) -> str:
    """Return the words of a role in a caption, ``...`` between those that lie apart; empty where it has none."""
    return " ... ".join(clip.caption[first:last] for first, last in clip.interactions[index].spans(role))
