"""What an exam is: which judge, tracker and detector are examined, on which scenes and under which policies."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any, Self

from intergeneval.errors import RecordError, UsageError
from intergeneval.ids import bounded_json, sha256_json, short
from intergeneval.questions import NEWEST
from intergeneval.records import Record
from intergeneval.staged import DEVELOPMENT_SEED, POLICIES, TEST_SEED

SPLITS = {"test": TEST_SEED, "dev": DEVELOPMENT_SEED}
"""Split -> seed of its scenes. Judges and trackers are tuned on ``dev`` only."""
SCENES = 48
"""Scenes of an exam unless asked otherwise."""
SIZE = (240, 360)
"""Height and width of an exam's videos unless asked otherwise, in pixels: the benchmark's at three quarters of its sides."""
PERFECT = "perfect"
"""The policy whose videos are the twins that faults are told from."""


@functools.cache
def world() -> str:
    """Return a hash of the staged world's code: videos of another world must not be mixed with those of this one."""
    parts = [resources.files("intergeneval.staged"), resources.files("intergeneval.staged") / "scripts"]
    files = {f"{part.name}/{item.name}": item for part in parts for item in part.iterdir() if item.name.endswith(".py")}
    return short(sha256_json([[name, files[name].read_text(encoding="utf-8")] for name in sorted(files)]), 16)


EARLIER_WORLDS = frozenset({"4400d62cf2db1f01", "91b49c5921f961e7"})
"""Worlds whose pictures and truth are those of this one: an exam that was begun in one of them goes on.

4400d62cf2db1f01: its samples had no optional fields of interactions.
91b49c5921f961e7: its truth had no answers to control questions, which templates up to version 2 do not ask.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamSpec(Record):
    """Everything that decides an exam's figures; stored as ``exam.json``, and an exam goes on only in a folder of the same."""

    judge: str = "geometry"
    """Judge spec."""
    tracker: str = "stored"
    """Tracker spec; ``stored`` gives the true masks."""
    detector: str = "staged"
    """Detector spec, or ``none``: emergence is not assessed."""
    seed: int = TEST_SEED
    """Seed of the scenes."""
    scenes: int = SCENES
    """Number of scenes, from index 0."""
    size: tuple[int, int] = SIZE
    """Height and width of the videos, in pixels."""
    policies: tuple[str, ...] = POLICIES
    """Policies that play them; ``perfect`` among them."""
    recheck: float = 0.1
    """Share of the videos about which the judge is asked a second time, and with the questions turned round, 0 to 1."""
    world: str = field(default_factory=world)
    """Hash of the code that plays the scenes."""
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Settings of single backends, by plug-in name."""
    templates: int = NEWEST
    """Version of the question templates."""

    def __post_init__(self) -> None:
        if self.scenes < 2:
            raise ValueError(f"an exam needs 2 scenes or more, not {self.scenes}")
        if min(self.size) < 32:
            raise ValueError(f"videos of {self.size[0]}x{self.size[1]} are too small to see anything; take 32 pixels or more")
        if not 0 <= self.recheck <= 1:
            raise ValueError(f"recheck {self.recheck} is not between 0 and 1")

    @classmethod
    def begun(cls, text: str, where: str) -> Self:
        """Return the spec that ``exam.json`` holds; one that names no templates asked those of version 1. Raises RecordError."""
        try:
            raw = bounded_json(text)
        except ValueError as error:
            raise RecordError(f"{where}: not JSON ({error})") from None
        return cls.from_json({"templates": 1, **raw} if isinstance(raw, dict) else raw, where=where)

    def going_on(self, found: ExamSpec) -> ExamSpec:
        """Return this spec as an exam goes on that was begun as `found`: with its templates, and in its world if it is ours."""
        same = self.world == world() and found.world in EARLIER_WORLDS
        return replace(self, templates=found.templates, world=found.world if same else self.world)


def policies_of(text: str | None) -> tuple[str, ...]:
    """Return the policies of a list separated by commas, ``perfect`` first; None: all. Raises UsageError for unknown ones."""
    if text is None:
        return POLICIES
    wanted = {part.strip() for part in text.split(",") if part.strip()}
    unknown = sorted(wanted - set(POLICIES))
    if unknown or not wanted:
        what = f"there is no policy {unknown[0]!r}" if unknown else "no policy is named"
        raise UsageError(f"--policies {text!r}: {what}; there are: {', '.join(POLICIES)}")
    return tuple(name for name in POLICIES if name in wanted or name == PERFECT)
