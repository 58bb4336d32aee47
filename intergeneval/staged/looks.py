"""Looks: the colours and patterns that tell two of a kind apart, and the phrases that name them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from intergeneval.staged.canvas import Colour

COLOURS: dict[str, Colour] = {
    "red": (214, 64, 62),
    "blue": (62, 112, 200),
    "green": (76, 158, 92),
    "yellow": (240, 196, 64),
    "purple": (138, 86, 176),
    "orange": (236, 138, 54),
    "pink": (236, 136, 168),
    "white": (244, 243, 238),
    "teal": (52, 158, 158),
    "brown": (150, 104, 66),
    "grey": (148, 152, 160),
    "black": (62, 62, 70),
}
"""Name -> colour of clothes and things."""
HAIR: dict[str, Colour] = {
    "black": (48, 42, 44),
    "brown": (112, 72, 46),
    "blond": (226, 188, 108),
    "red": (178, 84, 44),
    "grey": (172, 172, 176),
}
SKIN: tuple[Colour, ...] = ((246, 208, 178), (228, 178, 140), (188, 132, 94), (128, 84, 60))
PATTERNS = ("plain", "striped", "dotted", "checked")
_CLOTHES = ("red", "blue", "green", "yellow", "purple", "orange", "pink", "white", "teal")
_FUR = ("brown", "black", "white", "grey", "orange")
_GARMENT = {"man": "shirt", "woman": "dress", "child": "T-shirt"}
_TROUSERS: tuple[Colour, ...] = ((64, 78, 112), (92, 84, 78), (72, 96, 104), (108, 92, 120))


@dataclass(frozen=True, slots=True)
class Look:
    """How one individual of a class is coloured."""

    name: str
    """Name of the main colour."""
    main: Colour
    """Colour of the garment, the fur or the thing."""
    accent: Colour
    """Colour of the pattern and small parts."""
    pattern: str = "plain"
    """One of PATTERNS."""
    hair: Colour = (48, 42, 44)
    """Hair of people."""
    hair_name: str = "black"
    """Its name."""
    skin: Colour = SKIN[0]
    """Skin of people."""
    trousers: Colour = _TROUSERS[0]
    """Trousers of people."""


def draw_look(kind: str, rng: Random, taken: set[str]) -> Look:
    """Draw a look for a class that differs in main colour from those taken, and record its colour in `taken`."""
    people = kind in _GARMENT
    names = _CLOTHES if people else _FUR if kind in {"dog", "cat", "horse"} else tuple(COLOURS)[:9]
    free = [name for name in names if name not in taken] or list(names)
    name = free[int(rng.random() * len(free))]
    taken.add(name)
    main = COLOURS[name]
    accent = COLOURS["white"] if name not in {"white", "yellow", "grey"} else COLOURS["blue" if name == "white" else "brown"]
    marked = kind in {"dog", "cat"} or people or kind in {"box", "ball", "cup", "bag", "suitcase", "vase"}
    kinds = PATTERNS if people or kind not in {"dog", "cat"} else ("plain", "spotted")
    chosen = kinds[int(rng.random() * len(kinds))] if marked else "plain"
    look = Look(name=name, main=main, accent=accent, pattern=chosen)
    if people:
        shades = [name for name in HAIR if name != "grey" or kind != "child"]
        hair = shades[int(rng.random() * len(shades))]
        look = replace(
            look,
            hair=HAIR[hair],
            hair_name=hair,
            skin=SKIN[int(rng.random() * len(SKIN))],
            trousers=_TROUSERS[int(rng.random() * len(_TROUSERS))],
        )
    return look


def phrase(kind: str, look: Look) -> str:
    """Return the noun phrase that names an individual, such as ``woman in a yellow striped dress with black hair``."""
    pattern = "" if look.pattern == "plain" else f"{look.pattern} "
    if kind in _GARMENT:
        article = "an" if look.name == "orange" else "a"
        return f"{kind} in {article} {look.name} {pattern}{_GARMENT[kind]} with {look.hair_name} hair"
    return f"{look.name} {pattern}{kind}"
