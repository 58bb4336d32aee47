"""What a staged scene is: who stands where, who does what to whom, before which backdrop, and how the camera moves."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from intergeneval.ids import sha256_bytes
from intergeneval.records import BOX_COLOURS, Direction, Instance, Interaction, Part, Sample, TouchingAtStart
from intergeneval.staged.looks import Look, phrase
from intergeneval.staged.rig import GROUND
from intergeneval.staged.scripts import Script

SIZE = (320, 480)
"""Height and width of the benchmark's first frames, in pixels."""
TEST_SEED, DEVELOPMENT_SEED = 1, 2
"""Seeds of the benchmark and of the development split."""
_WHERE = {"park": "in", "street": "on", "beach": "on", "room": "in", "kitchen": "in", "workshop": "in"}
_OTHER = {"a": "b", "b": "a"}
_PARTS = {
    "kicks": Part.FOOT,
    "licks": Part.MOUTH,
    "fetches": Part.MOUTH,
    "pats": Part.HAND,
    "taps": Part.HAND,
    "throws": Part.HAND,
    "high-fives": Part.HAND,
    "shakes hands with": Part.HAND,
}
"""Verb -> the part of the body that its script does it with, whoever plays it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One tracked individual of a scene."""

    id: str
    """Instance id."""
    kind: str
    """Class noun."""
    look: Look
    """Its colours."""
    x: float
    """Place at the start, in stage units."""
    y: float = GROUND
    """Height of its foot."""
    facing: float = 1.0
    """+1 looks to the right, -1 to the left."""
    table: bool = False
    """Whether it stands on a table."""
    state: float = 0.0
    """State of its mechanism at the start."""
    size: float = 1.0
    """Scale."""
    holds: str = ""
    """What it holds all the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One key interaction of a scene."""

    script: Script
    """What is done."""
    subject: str
    """Instance id of the subject."""
    object: str
    """Instance id of the object."""
    bystander: str | None = None
    """An idle individual of the subject's class."""
    decoy: str | None = None
    """An idle individual of the object's class."""
    walls: tuple[float, float] = (6.0, 144.0)
    """Left and right end of the room it plays in, in stage units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything a performance starts from, before any fault."""

    seed: int
    """Seed of the set of scenes."""
    index: int
    """Number of the scene in its set."""
    level: int
    """Difficulty, 1 to 3."""
    figures: tuple[Figure, ...]
    """The tracked individuals."""
    acts: tuple[Act, ...]
    """The key interactions."""
    backdrop: str
    """Name of the backdrop."""
    camera: tuple[float, float, float, float]
    """Pan at the start and at the end (stage units), zoom at the start and at the end."""
    light: float
    """How much the light swells, 0 to 0.2."""
    noise: float
    """Standard deviation of the sensor noise, in grey values."""
    passer: tuple[str, Look, float] | None
    """Class, look and place of an untracked figure far behind."""
    twin: str = ""
    """``a`` or ``b`` where another scene begins with the same picture and asks for the exchanged roles; empty: there is none."""

    @property
    def id(self) -> str:
        """Name of the sample."""
        return f"{self.stage_id}-{self.twin}" if self.twin else self.stage_id

    @property
    def stage_id(self) -> str:
        """Name of what is seen before anybody moves, the same for twins."""
        return f"staged-twins-{self.seed}-{self.index:03d}" if self.twin else f"staged-{self.seed}-{self.index:03d}"

    def figure(self, figure_id: str) -> Figure:
        """Return the figure with that id. Raises KeyError."""
        for item in self.figures:
            if item.id == figure_id:
                return item
        raise KeyError(figure_id)

    def sample(self) -> Sample:
        """Return the benchmark sample of the scene, without files."""
        instances = tuple(
            Instance(id=item.id, class_=item.kind, appearance=phrase(item.kind, item.look), colour=BOX_COLOURS[number])
            for number, item in enumerate(self.figures)
        )
        names = {item.id: item.appearance for item in instances}
        clauses = [f"the {names[act.subject]} {act.script.verb} the {names[act.object]}" for act in self.acts]
        text = " while ".join(clauses)
        interactions = tuple(
            Interaction(
                subject=act.subject,
                verb=act.script.verb,
                object=act.object,
                category=act.script.category,
                direction=act.script.direction,
                part=_PARTS.get(act.script.verb),
                # Whoever is to touch something starts apart from it; scripts without contact leave it open.
                touching_at_start=TouchingAtStart.NO if act.script.contact else TouchingAtStart.UNKNOWN,
                twin_of=f"{self.stage_id}-{_OTHER[self.twin]}" if self.twin else None,
            )
            for act in self.acts
        )
        mutual = any(act.script.direction is Direction.BIDIRECTIONAL for act in self.acts)
        return Sample(
            id=self.id,
            prompt=f"{text[0].upper()}{text[1:]}, {_WHERE[self.backdrop]} a {self.backdrop}.",
            instances=instances,
            interactions=interactions,
            size=SIZE,
            scene=self.stage_id if self.twin else None,
            tags=(
                f"level-{self.level}",
                f"backdrop-{self.backdrop}",
                f"instances-{len(self.figures)}",
                f"interactions-{len(self.acts)}",
                "bidirectional" if mutual else "unidirectional",
                "contact" if all(act.script.contact for act in self.acts) else "non-contact",
            ),
        )


def rng_of(*parts: object) -> Random:
    """Return a generator seeded with the sha256 of the parts' texts."""
    return Random(int(sha256_bytes("/".join(map(str, parts)).encode())[:16], 16))
