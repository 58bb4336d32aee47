"""Scenes of the binding world by seed: who stands where, and the four deeds that are asked of one first frame.

A scene is drawn from (seed, index) alone, its layout from one stream and its deeds from another, so the layout knows nothing of
them: one is kept only where every deed of every pair could be played in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from intergeneval.errors import ConfigError
from intergeneval.records import BOX_COLOURS, Category, Instance, Interaction, Sample, TouchingAtStart

Points = npt.NDArray[np.float64]
"""Places in world units, x and y on the last axis; y grows downwards."""

SIDE = 40.0
"""Height and width of the world, in units."""
RADIUS = 2.8
"""How far a figure reaches from its centre, in units."""
TOUCH = 1.7 * RADIUS
"""Distance of the centres of two that touch, in units: no two shapes, however they lie, leave a gap that is seen as one."""
SHOVE = 4.0
"""How far somebody is pushed, in units."""
HUES: Mapping[str, tuple[int, int, int]] = {
    "red": (214, 40, 44),
    "yellow": (236, 200, 30),
    "green": (46, 160, 60),
    "cyan": (30, 190, 205),
    "blue": (44, 76, 210),
    "pink": (232, 84, 190),
}
"""Word -> colour."""
SHAPES = ("diamond", "disc", "triangle", "cross")
"""Class nouns."""
VERBS: Mapping[str, Category] = {"touches": Category.CONTACT, "pushes": Category.FORCE, "jumps onto": Category.CONTACT}
"""Verb -> category; each is told by where the two are in the end."""
TEST_SEED = 1
"""Seed of the benchmark."""
LETTERS = "abcd"
"""Names of a scene's deeds: b and d exchange the roles of a and c; c has another object than a, d another subject than b."""
FIGURES = 4

_EDGE = RADIUS + 0.5
_APART, _CLEAR, _PASS = 12.0, 5.6, 4.5
"""Least distances, in units: of two figures, of an end from everybody else, and of somebody from another's way."""
_DRAWN = 2000
"""Layouts that are drawn at once; about one in seven hundred is kept."""
_NAME = re.compile(rf"binding-(\d{{1,9}})-(\d{{1,6}})-([{LETTERS}])")
_OTHERS = ~np.eye(FIGURES, dtype=bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One of the four."""

    id: str
    """Instance id, ``id1`` to ``id4``."""
    hue: str
    """Word of HUES."""
    shape: str
    """Word of SHAPES."""
    place: tuple[float, float]
    """Centre at the start, x and y in units."""

    @property
    def words(self) -> str:
        """What captions call it."""
        return f"{self.hue} {self.shape}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Who does what to whom, by the figures' numbers from 0."""

    subject: int
    """The one who acts."""
    verb: str
    """One of VERBS."""
    object: int
    """The one acted upon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One first frame and the deeds that are asked of it."""

    seed: int
    """Seed of the set."""
    index: int
    """Number in the set."""
    figures: tuple[Figure, ...]
    """The four; two have one hue, and each of their shapes occurs once more."""
    backdrop: int
    """Grey value of the backdrop, 0..255."""
    deeds: tuple[Deed, ...]
    """The four deeds, in the order of LETTERS."""

    @property
    def id(self) -> str:
        """Name of the first frame."""
        return f"binding-{self.seed}-{self.index:04d}"

    @property
    def places(self) -> Points:
        """Where the figures stand at the start, shape (4, 2)."""
        return np.array([item.place for item in self.figures])

    def caption(self, deed: Deed) -> str:
        """Return a deed in words."""
        return f"The {self.figures[deed.subject].words} {deed.verb} the {self.figures[deed.object].words}."

    def sample(self, letter: str) -> Sample:
        """Return the benchmark sample of one of the deeds, without files. Raises ValueError for another letter."""
        number = LETTERS.index(letter)
        deed = self.deeds[number]
        return Sample(
            id=f"{self.id}-{letter}",
            prompt=self.caption(deed),
            instances=tuple(
                Instance(id=item.id, class_=item.shape, appearance=item.words, colour=colour)
                for item, colour in zip(self.figures, BOX_COLOURS, strict=False)
            ),
            interactions=(
                Interaction(
                    subject=self.figures[deed.subject].id,
                    verb=deed.verb,
                    object=self.figures[deed.object].id,
                    category=VERBS[deed.verb],
                    touching_at_start=TouchingAtStart.NO,
                    twin_of=f"{self.id}-{LETTERS[number ^ 1]}",
                ),
            ),
            scene=self.id,
            tags=(deed.verb.replace(" ", "-"),),
        )


@lru_cache(maxsize=4096)
def scene(seed: int, index: int) -> Scene:
    """Draw one scene. Equal arguments give equal scenes."""
    looks = np.random.default_rng((seed, index, 1))
    hues = [list(HUES)[int(number)] for number in looks.permutation(len(HUES))[:3]]
    shapes = [SHAPES[int(number)] for number in looks.permutation(len(SHAPES))[:2]]
    # The first two share their hue, and each shares its shape with one of another hue: neither word alone names them.
    drawn = [(hues[0], shapes[0]), (hues[0], shapes[1]), (hues[1], shapes[0]), (hues[2], shapes[1])]
    drawn = [drawn[int(number)] for number in looks.permutation(FIGURES)]
    backdrop = int(looks.integers(196, 236))
    figures = tuple(
        Figure(id=f"id{number}", hue=hue, shape=shape, place=(float(place[0]), float(place[1])))
        for number, ((hue, shape), place) in enumerate(zip(drawn, _layout(seed, index), strict=True), start=1)
    )
    return Scene(seed=seed, index=index, figures=figures, backdrop=backdrop, deeds=_deeds(seed, index))


def scene_named(sample_id: str) -> tuple[Scene, str]:
    """Return the scene and the letter of the deed of a sample's name. Raises ConfigError for another name."""
    match = _NAME.fullmatch(sample_id)
    if match is None:
        raise ConfigError(f"sample {sample_id!r} is not of the binding world; their names look like binding-1-0042-a")
    return scene(int(match[1]), int(match[2])), match[3]


def _deeds(seed: int, index: int) -> tuple[Deed, ...]:
    rng = np.random.default_rng((seed, index, 2))
    one, two, three = (int(number) for number in rng.permutation(FIGURES)[:3])
    verb = list(VERBS)[int(rng.integers(len(VERBS)))]
    pairs = ((one, two), (two, one), (one, three), (three, one))
    return tuple(Deed(subject=subject, verb=verb, object=object_) for subject, object_ in pairs)


def _layout(seed: int, index: int) -> Points:
    rng = np.random.default_rng((seed, index, 0))
    while True:
        # Nobody stands so high that no one could be on top of them.
        drawn = rng.uniform((_EDGE, _EDGE + TOUCH), SIDE - _EDGE, (_DRAWN, FIGURES, 2))
        kept = drawn[_apart(drawn)]
        found = np.flatnonzero(_playable(kept))
        if len(found):
            return np.asarray(kept[found[0]])


def _apart(places: Points) -> npt.NDArray[np.bool_]:
    distances = np.linalg.norm(places[:, None] - places[:, :, None], axis=-1)
    return np.asarray(distances[:, _OTHERS].min(axis=1) >= _APART)


def ends(places: Points, verb: str) -> tuple[Points, Points]:
    """Return where subject and object are in the end, for every pair of figures.

    `places` are (..., 4, 2); each result is (..., 4, 4, 2), by subject and object. What it holds on the diagonal means nothing.
    """
    apart = places[..., None, :, :] - places[..., :, None, :]
    length = np.linalg.norm(apart, axis=-1, keepdims=True)
    towards = apart / np.where(length == 0, 1, length)
    objects = np.broadcast_to(places[..., None, :, :], apart.shape)
    if verb == "touches":
        return objects - towards * TOUCH, objects
    if verb == "pushes":
        return objects - towards * (TOUCH - SHOVE), objects + towards * SHOVE
    return objects + np.array((0.0, -TOUCH)), objects


def _playable(places: Points) -> npt.NDArray[np.bool_]:
    """Return which layouts (N, 4, 2) have room for every deed of every pair, seen apart from every other one."""
    good: npt.NDArray[np.bool_] = np.ones(len(places), dtype=bool)
    for verb in VERBS:
        subject_ends, object_ends = ends(places, verb)
        for reached in (subject_ends, object_ends):
            inside = ((reached >= _EDGE) & (reached <= SIDE - _EDGE)).all(axis=-1)
            good &= np.asarray(inside)[:, _OTHERS].all(axis=1)
        for subject, object_ in zip(*np.nonzero(_OTHERS), strict=True):
            end, moved = subject_ends[:, subject, object_], object_ends[:, subject, object_]
            for other in set(range(FIGURES)) - {int(subject), int(object_)}:
                there = places[:, other]
                good &= _distance(end, there) >= _CLEAR
                good &= _distance(moved, there) >= _CLEAR
                good &= _distance(end, subject_ends[:, subject, other]) >= _CLEAR
                good &= _from_way(there, places[:, subject], end) >= _PASS
    return good


def _distance(one: Points, other: Points) -> Points:
    return np.asarray(np.linalg.norm(one - other, axis=-1))


def _from_way(place: Points, start: Points, end: Points) -> Points:
    """Return the distance of places (N, 2) from the way between starts and ends."""
    way = end - start
    share = ((place - start) * way).sum(axis=-1) / (way**2).sum(axis=-1)
    return _distance(place, start + np.clip(share, 0, 1)[:, None] * way)
