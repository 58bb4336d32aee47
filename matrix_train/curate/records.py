"""What passes between the stages of a curation, and what it leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from intergeneval.records import Box, Interaction, Record
from intergeneval.records.codec import LATER
from matrix_train.datasets.writing import Dropped

OK, DROPPED, FAILED = "ok", "dropped", "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(Record):
    """What a stage made of one clip: one line of ``stages/NAME/SHARD.jsonl``."""

    clip: str
    """The clip; in the stages ``source`` and ``shots`` the file that clips are cut from."""
    input: str
    """sha256 over the stage's settings and everything that the line is made from."""
    version: int
    """Version of the stage: another one makes every line anew."""
    status: str = OK
    """``ok``; ``dropped``: the clip goes no further; ``failed``: another try may mend it."""
    reason: str = ""
    """Why it was dropped or failed, in one sentence."""
    kind: str = ""
    """Which of the stage's reasons it is, in one word, by which drops are counted."""
    measured: Mapping[str, float] = field(default_factory=dict)
    """What was measured of the clip, by name."""
    value: Mapping[str, Any] = field(default_factory=dict)
    """What the stage found, for those after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenInstance(Record):
    """An instance that a list of clips brings."""

    id: str
    """Its id, such as ``id1``."""
    class_: str
    """Class noun; JSON field ``class``."""
    appearance: str = ""
    """Noun phrase that tells it from others of its class; empty: the class says it all."""
    box: Box | None = None
    """Its box in the first frame of the clip, in pixels of the file; None: it is to be found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(Record):
    """Where the bytes of a video are."""

    path: str
    """The file: a video, an archive, or a data set, relative to the source."""
    member: str = field(default="", metadata=LATER)
    """Name inside an archive; empty: the file is the video."""
    start: int = field(default=0, metadata=LATER)
    """First byte of the member in its archive."""
    length: int = field(default=0, metadata=LATER)
    """Number of its bytes."""
    row: int = field(default=-1, metadata=LATER)
    """Row of a data set; -1: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Record):
    """One video of the source, with what comes with it."""

    id: str
    """Name, unique in its source; its clips are called ``<id>-s<shot>``."""
    place: Place
    """Where it is."""
    stamp: tuple[int, ...]
    """Size and time of change of the file that holds it: while they stay, it is not read again."""
    caption: str = ""
    """Its caption; empty: none is given."""
    licence: str = ""
    """Its licence, with attribution; empty: not stated."""
    source: str = ""
    """The collection that it is from; empty: not stated."""
    instances: tuple[GivenInstance, ...] | None = None
    """Its instances; None: they are read in the caption."""
    interactions: tuple[Interaction, ...] | None = None
    """Its interactions; None: they are read in the caption."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut(Dropped):
    """A clip that did not get into the dataset, or a file where it has no clips: one line of ``dropped.jsonl``."""

    video: str = ""
    """Its video where it was made, relative to the dataset; empty where it was not."""
    measured: Mapping[str, float] = field(default_factory=dict)
    """What was measured for it, by name."""
    pending: bool = False
    """Whether another run may mend it: a backend failed."""


@dataclass(slots=True, kw_only=True)
class Known:
    """A clip on its way, with the lines that were made of it so far."""

    id: str
    """The clip."""
    lines: dict[str, Line]
    """Stage -> its line."""

    def value(self, stage: str) -> Mapping[str, Any]:
        """Return what a stage found."""
        return self.lines[stage].value
