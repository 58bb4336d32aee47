"""What a fault may turn: the clock of an interaction, its cast, distances, and what is seen of whom and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from intergeneval.staged.looks import Look

Warp = Callable[[float], float]
"""Share of the video that has passed -> script time, both 0 to 1."""


def straight(clock: float) -> float:
    """Return the clock itself: the interaction as written."""
    return clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """Somebody who was not there at the start."""

    kind: str
    """Class noun."""
    look: Look
    """Its colours."""
    x: float
    """Place, in stage units."""
    start: float
    """Share of the video after which it is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """The settings of one performance; the defaults are a performance without fault."""

    faults: tuple[str, ...] = ()
    """Names of the faults."""
    act: int = 0
    """Index of the interaction that `warp`, `subject`, `object`, `gap` and `fuse` speak of."""
    warp: Warp = straight
    """Its clock."""
    subject: str | None = None
    """Who plays its subject instead."""
    object: str | None = None
    """Who plays its object instead."""
    gap: float = 0.0
    """How far its subject stays away from contact, in stage units."""
    float_: float = 0.0
    """How far its object is drawn above where it plays, in stage units, out of reach."""
    still: float = 0.0
    """How far the idle life of its members (breath, blinking, a wagging tail) is slowed: 0 not at all, 1 to a still picture."""
    fuse: float = 0.0
    """How far subject and object grow into each other, 0 to 1."""
    hidden: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    """Instance id -> shares of the video (from, to) in which it is not there."""
    swap: tuple[str, str, float] | None = None
    """Two instances that change places, and the share of the video at which they do."""
    drift: tuple[str, float, Look] | None = None
    """An instance whose look changes from a share of the video on, and the look it ends with."""
    limbs: tuple[str, float, int] | None = None
    """An instance that grows limbs at a share of the video, and how many."""
    extras: tuple[Extra, ...] = ()
    """Those who appear."""

    def absent(self, figure_id: str, clock: float) -> bool:
        """Return whether an instance is not there at a share of the video."""
        return any(start <= clock < end for start, end in self.hidden.get(figure_id, ()))

    def player(self, figure_id: str, clock: float) -> str:
        """Return in whose place an instance is at a share of the video: another's after a swap."""
        if self.swap is not None and clock >= self.swap[2]:
            first, second, _ = self.swap
            return second if figure_id == first else first if figure_id == second else figure_id
        return figure_id
