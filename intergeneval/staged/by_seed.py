"""Scenes by seed: who stands where, who does what to whom, before which backdrop, and how the camera moves.

A scene is drawn from (seed, index) alone; the name of its sample, ``staged-<seed>-<index>``, says both. Scenes with one seed walk
through the categories in turn, so any stretch of them is balanced.
"""

from __future__ import annotations

import re
from dataclasses import replace

from intergeneval.errors import BackendError
from intergeneval.records import Category, Direction, Sample
from intergeneval.staged.casting import SCALE, double, pick, single
from intergeneval.staged.looks import draw_look
from intergeneval.staged.scene import Act, Figure, Scene, rng_of
from intergeneval.staged.scripts import SCRIPTS

_NAME = re.compile(r"staged-(\d{1,9})-(\d{1,5})")
_TWIN_NAME = re.compile(r"staged-twins-(\d{1,9})-(\d{1,5})-([ab])")
_ROOMS = {"indoors": ("room", "kitchen", "workshop"), "outdoors": ("park", "street", "beach")}
"""Where -> its backdrops."""
_GROUPS: tuple[tuple[Category, Direction], ...] = (
    *((category, Direction.UNIDIRECTIONAL) for category in Category),
    (Category.SOCIAL, Direction.BIDIRECTIONAL),
)
_TWIN_VERBS = ("taps", "points at", "chases", "waves to", "bows to")
"""Deeds that either of two can do to the other, alike at the start."""
_CLOSE, _APART = (53.0, 97.0, 134.0), (49.0, 101.0)
"""Where the two stand, and a bystander; in stage units."""
_BACKDROPS = {name: place for place, names in _ROOMS.items() for name in names}


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
        figures, acts = double(script, other, rng, taken)
    else:
        figures, act = single(script, layout, rng, taken)
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
    kind = pick(kinds, rng)
    other = kind if script.afar or rng.random() < 0.7 else pick(kinds, rng)
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
                size=SCALE.get(who, 1.0),
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
        backdrop=pick(tuple(backdrops), rng),
        camera=(-pan / 2, pan / 2, 0.97 - zoom / 2, 0.97 + zoom / 2),
        light=0.14 * rng.random() if level >= 2 else 0.0,
        noise=(0.0, 2.0, 4.5)[level - 1],
        passer=None,
        twin="a",
    )
    return first, replace(first, acts=(replace(first.acts[0], subject="id2", object="id1"),), twin="b")
