"""Scenes by seed: who stands where, who does what to whom, before which backdrop, and how the camera moves.

A scene is drawn from (seed, index) alone; the name of its sample, ``staged-<seed>-<index>``, says both. Scenes with one seed walk
through the categories in turn, so any stretch of them is balanced.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from random import Random

from intergeneval.errors import BackendError
from intergeneval.ids import sha256_bytes
from intergeneval.records import BOX_COLOURS, Category, Direction, Instance, Interaction, Part, Sample, TouchingAtStart
from intergeneval.staged.looks import Look, draw_look, phrase
from intergeneval.staged.rig import GROUND
from intergeneval.staged.scripts import SCRIPTS, Script

SIZE = (320, 480)
"""Height and width of the benchmark's first frames, in pixels."""
TEST_SEED, DEVELOPMENT_SEED = 1, 2
"""Seeds of the benchmark and of the development split."""
_SCALE = {"cup": 1.3, "bottle": 1.2, "book": 1.15, "ball": 1.2, "cat": 1.25, "dog": 1.12, "vase": 1.1}
"""Scale of classes that would be hard to see at their true size."""
_NAME = re.compile(r"staged-(\d{1,9})-(\d{1,5})")
_TWIN_NAME = re.compile(r"staged-twins-(\d{1,9})-(\d{1,5})-([ab])")
_LARGE = frozenset({"horse", "cart", "robot arm"})
"""Classes that take so much room that half of the stage is too small for them."""
_WHERE = {"park": "in", "street": "on", "beach": "on", "room": "in", "kitchen": "in", "workshop": "in"}
_ROOMS = {"indoors": ("room", "kitchen", "workshop"), "outdoors": ("park", "street", "beach")}
"""Where -> its backdrops."""
_GROUPS: tuple[tuple[Category, Direction], ...] = (
    *((category, Direction.UNIDIRECTIONAL) for category in Category),
    (Category.SOCIAL, Direction.BIDIRECTIONAL),
)


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


def rng_of(*parts: object) -> Random:
    """Return a generator seeded with the sha256 of the parts' texts."""
    return Random(int(sha256_bytes("/".join(map(str, parts)).encode())[:16], 16))


def scene(seed: int, index: int) -> Scene:
    """Draw one scene. Equal arguments give equal scenes."""
    rng = rng_of("scene", seed, index)
    level = 1 + (index // 6) % 3
    layout = ("pair", "bystander", "decoy", "both", "double", "both")[(index // 6 + index) % 6]
    category, direction = _GROUPS[index % 6]
    verbs = [item for item in SCRIPTS.values() if item.category is category and item.direction is direction]
    script = verbs[(index // 6 + seed) % len(verbs)]
    if layout == "double" and (script.roomy or script.wide):
        layout = "both"
    taken: set[str] = set()
    figures: list[Figure] = []
    acts: list[Act] = []
    if layout == "double":
        mates = [
            item
            for item in SCRIPTS.values()
            if not (item.roomy or item.wide) and item.verb != script.verb and item.place in {"any", script.place}
        ]
        other = mates[int(rng.random() * len(mates))]
        figures, acts = _double(script, other, rng, taken)
    else:
        figures, act = _single(script, layout, rng, taken)
        acts = [act]
    place = next((act.script.place for act in acts if act.script.place != "any"), "any")
    choice = _ROOMS.get(place, (*_ROOMS["indoors"], *_ROOMS["outdoors"]))
    pan = (rng.random() - 0.5) * 7.0 if level >= 2 else 0.0
    zoom = (rng.random() - 0.5) * 0.14 if level >= 2 else 0.0
    passer = None
    backdrop = choice[int(rng.random() * len(choice))]
    if level == 3 and backdrop in _ROOMS["outdoors"]:
        kind = ("man", "woman")[int(rng.random() * 2)]
        spots = [10.0 + 130.0 * rng.random() for _ in range(8)]
        passer = kind, draw_look(kind, rng, taken), max(spots, key=lambda x: min(abs(x - item.x) for item in figures))
    return Scene(
        seed=seed,
        index=index,
        level=level,
        figures=tuple(figures),
        acts=tuple(acts),
        backdrop=backdrop,
        camera=(-pan / 2, pan / 2, 0.97 - zoom / 2, 0.97 + zoom / 2),
        light=0.14 * rng.random() if level >= 2 else 0.0,
        noise=(0.0, 2.0, 4.5)[level - 1],
        passer=passer,
    )


def scenes(seed: int, count: int, start: int = 0) -> list[Scene]:
    """Return `count` scenes of a seed, from index `start`."""
    return [scene(seed, index) for index in range(start, start + count)]


def scene_of(sample: Sample) -> Scene:
    """Return the scene behind a sample, and check that the sample still says what the scene shows. Raises BackendError."""
    found = _named(sample.id)
    mine = found.sample()
    told = [(item.id, item.class_, item.appearance) for item in sample.instances]
    deeds = [(item.subject, item.verb, item.object) for item in sample.interactions]
    if told != [(item.id, item.class_, item.appearance) for item in mine.instances] or deeds != [
        (item.subject, item.verb, item.object) for item in mine.interactions
    ]:
        raise BackendError(
            f"sample {sample.id!r} differs from the staged scene of that name; use the benchmark as it was written"
        )
    return found


def _named(name: str) -> Scene:
    if match := _NAME.fullmatch(name):
        return scene(int(match[1]), int(match[2]))
    if match := _TWIN_NAME.fullmatch(name):
        return twin_scenes(int(match[1]), int(match[2]))["ab".index(match[3])]
    raise BackendError(f"sample {name!r} is not a staged scene; their names look like staged-1-042 or staged-twins-1-042-a")


def twin_scenes(seed: int, index: int) -> tuple[Scene, Scene]:
    """Draw two scenes that begin with the same picture: in the second, the object of the first does it to its subject.

    The two stand alike, as far from the middle, and look at each other, so that the picture does not tell who will act.
    """
    rng = rng_of("twins", seed, index)
    script = replace(SCRIPTS[_TWIN_VERBS[index % len(_TWIN_VERBS)]], turned=False)
    level = 1 + (index // len(_TWIN_VERBS)) % 3
    kinds = tuple(kind for kind in script.subjects if kind in script.objects)
    kind = _pick(kinds, rng)
    other = kind if script.afar or rng.random() < 0.7 else _pick(kinds, rng)
    cast = [kind, other, *([kind] if not script.afar and rng.random() < 0.5 else [])]
    taken: set[str] = set()
    flip = rng.random() < 0.5
    figures = []
    for number, (who, spot) in enumerate(zip(cast, (_APART if script.afar else _CLOSE), strict=False), start=1):
        x = spot + (rng.random() - 0.5) * 2.0
        towards = 1.0 if spot < 75.0 else -1.0
        look = draw_look(who, rng, taken)
        figures.append(
            Figure(
                id=f"id{number}",
                kind=who,
                look=look,
                x=150.0 - x if flip else x,
                facing=-towards if flip else towards,
                size=_SCALE.get(who, 1.0),
            )
        )
    backdrops = [name for name, place in _BACKDROPS.items() if script.place in {"any", place}]
    pan, zoom = ((rng.random() - 0.5) * 7.0, (rng.random() - 0.5) * 0.14) if level >= 2 else (0.0, 0.0)
    bystander = "id3" if len(figures) > 2 else None
    first = Scene(
        seed=seed,
        index=index,
        level=level,
        figures=tuple(figures),
        acts=(Act(script=script, subject="id1", object="id2", bystander=bystander),),
        backdrop=_pick(tuple(backdrops), rng),
        camera=(-pan / 2, pan / 2, 0.97 - zoom / 2, 0.97 + zoom / 2),
        light=0.14 * rng.random() if level >= 2 else 0.0,
        noise=(0.0, 2.0, 4.5)[level - 1],
        passer=None,
        twin="a",
    )
    return first, replace(first, acts=(replace(first.acts[0], subject="id2", object="id1"),), twin="b")


_TWIN_VERBS = ("taps", "points at", "chases", "waves to", "bows to")
"""Deeds that either of two can do to the other, alike at the start."""
_CLOSE, _APART = (53.0, 97.0, 134.0), (49.0, 101.0)
"""Where the two stand, and a bystander; in stage units."""
_BACKDROPS = {name: place for place, names in _ROOMS.items() for name in names}


def _pick(options: tuple[str, ...], rng: Random) -> str:
    return options[int(rng.random() * len(options))]


def _cast(script: Script, rng: Random, *, narrow: bool = False) -> tuple[Script, str, str]:
    """Draw the classes of subject and object, and set the things of a cat's play on the floor; `narrow`: nothing large."""
    subject = _pick(tuple(item for item in script.subjects if not (narrow and item in _LARGE)), rng)
    objects = tuple(item for item in script.objects if not (script.afar and item == subject) and not (narrow and item in _LARGE))
    if subject == "cat" and script.raised:
        script, objects = replace(script, raised=()), script.raised
    if subject == "cat" and script.afar:
        objects = ("cat",)
    if subject == "child" and script.afar:
        objects = ("dog", "cat")
    return script, subject, _pick(objects, rng)


def _single(script: Script, layout: str, rng: Random, taken: set[str]) -> tuple[list[Figure], Act]:
    script, subject, object_ = _cast(script, rng)
    spots = {
        "pair": {"subject": 46.0, "object": 86.0},
        "bystander": {"subject": 36.0, "object": 76.0, "bystander": 132.0},
        "decoy": {"decoy": 22.0, "subject": 60.0, "object": 98.0},
        "both": {"decoy": 18.0, "subject": 52.0, "object": 87.0, "bystander": 136.0},
    }[layout]
    if script.afar:
        spots = {
            "pair": {"subject": 40.0, "object": 80.0},
            "bystander": {"subject": 54.0, "object": 92.0, "bystander": 20.0},
        }.get(layout, {"decoy": 30.0, "subject": 66.0, "object": 100.0})
    if not script.afar and (script.wide or object_ in _LARGE or subject in _LARGE):
        spots = {
            "bystander": {"subject": 30.0, "object": 82.0, "bystander": 137.0},
            "decoy": {"decoy": 20.0, "subject": 68.0, "object": 117.0},
        }.get(_wide_layout(layout, object_, rng), {"subject": 34.0, "object": 88.0})
    flip = rng.random() < 0.5
    figures: list[Figure] = []
    ids: dict[str, str] = {}
    for role in ("subject", "object", "bystander", "decoy"):
        if role not in spots:
            continue
        ids[role] = f"id{len(figures) + 1}"
        kind = subject if role in {"subject", "bystander"} else object_
        x = spots[role] + (rng.random() - 0.5) * 3.0
        towards = 1.0 if role == "subject" or x < spots["subject"] else -1.0
        if script.afar and role in {"object", "decoy"}:
            towards = -towards
        if script.afar and role == "bystander":
            towards = 1.0
        figures.append(
            _figure(
                ids[role],
                kind,
                draw_look(kind, rng, taken),
                150.0 - x if flip else x,
                -towards if flip else towards,
                script,
                role,
            )
        )
    return figures, Act(
        script=script, subject=ids["subject"], object=ids["object"], bystander=ids.get("bystander"), decoy=ids.get("decoy")
    )


def _wide_layout(layout: str, object_: str, rng: Random) -> str:
    """Return the layout of a scene with room for three at most; a second horse would fill it."""
    if layout == "both":
        layout = "bystander" if rng.random() < 0.5 else "decoy"
    return "bystander" if layout == "decoy" and object_ == "horse" else layout


def _double(script: Script, other: Script, rng: Random, taken: set[str]) -> tuple[list[Figure], list[Act]]:
    figures: list[Figure] = []
    acts: list[Act] = []
    for side, one in enumerate((script, other)):
        mirror = side == 1
        played, subject, object_ = _cast(one, rng, narrow=True)
        ids = []
        for role, kind, x in (("subject", subject, 16.0), ("object", object_, 51.0)):
            ids.append(f"id{len(figures) + 1}")
            towards = 1.0 if role == "subject" else -1.0
            look = draw_look(kind, rng, taken)
            figures.append(
                _figure(ids[-1], kind, look, 150.0 - x if mirror else x, -towards if mirror else towards, played, role)
            )
        acts.append(Act(script=played, subject=ids[0], object=ids[1], walls=(75.5, 147.0) if mirror else (3.0, 74.5)))
    return figures, acts


def _figure(figure_id: str, kind: str, look: Look, x: float, facing: float, script: Script, role: str) -> Figure:
    thing = role in {"object", "decoy"}
    table = thing and kind in script.raised
    back = script.afar and role == "bystander"
    return Figure(
        id=figure_id,
        kind=kind,
        look=look,
        x=x,
        y=GROUND - 18.6 if table else GROUND - 13.0 if back else GROUND,
        facing=-facing if thing and _turned(kind, script) else facing,
        table=table,
        state=script.setup.get("state", 0.0) if thing else 0.0,
        size=_SCALE.get(kind, 1.0),
        holds="" if thing else script.holds,
    )


def _turned(kind: str, script: Script) -> bool:
    """Whether a thing looks away from its subject: a cart has its bar behind, an open door its leaf near who comes to shut it."""
    return script.turned or kind == "cart" or (kind == "door" and bool(script.setup))
