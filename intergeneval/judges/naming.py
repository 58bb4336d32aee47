"""Short names: who is meant is said once, with looks and outline, and from there on in a letter.

Question texts call an instance by its appearance and colour, "the man in a white T-shirt (red box)". That is half of their
length, and a box may be a thing of the scene; so a request puts a short name there, and says outline.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from intergeneval.records import Instance

_ARTICLE = re.compile(r"\A(?:an?|the)\s+", re.IGNORECASE)
_BOX = re.compile(r"\((\w+) box\)")
OTHER = "other"
"""How a reply calls what no name means."""


def long_name(instance: Instance) -> str:
    """Return who is meant, by looks: ``man in a white T-shirt``."""
    words = " ".join((instance.appearance or instance.class_).split()).rstrip(".")
    return _ARTICLE.sub("", words, count=1)


def short_names(instances: Sequence[Instance]) -> dict[str, str]:
    """Return a short name by instance id: the first letter of its class, with a number where several share it or it is a word."""
    letters = {item.id: _letter(item.class_) for item in instances}
    counts, seen, found = Counter(letters.values()), Counter[str](), {}
    for name, letter in letters.items():
        seen[letter] += 1
        found[name] = f"{letter}{seen[letter]}" if counts[letter] > 1 or letter in ("A", "I") else letter
    return found


def _letter(class_: str) -> str:
    words = class_.split()
    first = words[-1][:1].upper() if words else ""
    return first if first.isalpha() and first.isascii() else "X"


def shortened(text: str, instances: Sequence[Instance]) -> tuple[str, set[str]]:
    """Return a text with each long name that its colour follows in short, and the ids of those it names.

    A name without its colour stays: other words may look like it.
    """
    short, named = short_names(instances), set[str]()
    patterns: dict[str, tuple[str, re.Pattern[str]]] = {}
    for item in instances:
        words = r"\s+".join(map(re.escape, long_name(item).split()))
        suffix = rf"\s+\({re.escape(item.colour)} (?:box|outline)\)"
        patterns[item.id] = (words, re.compile(rf"\b(?:the\s+)?{words}{suffix}", re.IGNORECASE))
    for name, (_, pattern) in sorted(patterns.items(), key=lambda part: -len(part[1][0])):
        text, count = pattern.subn(short[name], text)
        named |= {name} if count else set()
    return _BOX.sub(r"(\1 outline)", text), named


def read_who(value: object, instances: Sequence[Instance]) -> str | None:
    """Return the instance id that a short name or an id means; None for anything else."""
    known: Mapping[str, str] = {name.casefold(): key for key, name in short_names(instances).items()}
    if not isinstance(value, str):
        return None
    return value if any(item.id == value for item in instances) else known.get(value.strip().casefold())
