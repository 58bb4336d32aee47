"""What the batch judge writes down beside the run: one line a step, so that a run killed anywhere knows what is under way.

A step is written before what follows from it is done: a piece before its file is sent, its file before the batch is made from it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from intergeneval.judges.openai.causes import Cause
from intergeneval.records import LATER, Consistency, Question, Record

BEGUN, PIECE, UPLOADED, SUBMITTED = "begun", "piece", "uploaded", "submitted"
REPLIES, ENDED, RECORDED = "replies", "ended", "recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent(Record):
    """One request of a piece."""

    key: str
    """Its name in the file that is handed in (``custom_id``): the first digits of its hash."""
    video: str
    """Whom it is about: the name of its `Begun`."""
    cost: float
    """What it may cost."""
    tokens: int
    """Tokens it sends, by our estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun(Record):
    """How the asking about one video began: what it takes to come to the same requests again."""

    video: str
    """Sample, seed, hash of the file and number of the asking."""
    questions: tuple[Question, ...]
    """The questions that were open."""
    assess: Consistency | None
    """What was to be assessed; None: nothing."""
    bodies: bool
    """Whether frames were to be marked that show a body or thing that cannot be."""
    server: Mapping[str, Any]
    """What was remembered of the server."""
    known: Mapping[str, Any]
    """What the answer cache held of it, by key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Got(Record):
    """What came back for one request."""

    key: str
    """The request."""
    status: int
    """HTTP status of its reply; 0: it got none."""
    body: str = field(default="", metadata=LATER)
    """The reply as JSON text in ASCII; of an error only what its code and parameter are."""
    code: str = field(default="", metadata=LATER)
    """Why it got none, in the server's word for it."""
    cause: Cause | None = field(default=None, metadata=LATER)
    """What the server objects to for good; None: nothing, or it was written before that was told here."""
    parameter: str = field(default="", metadata=LATER)
    """The parameter of ours that it objects to."""
    most: int = field(default=0, metadata=LATER)
    """Pictures that it takes at most; 0: it does not say."""

    @property
    def good(self) -> bool:
        """Whether it is a reply, as the chat client takes it: some gateways answer with 201."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Record):
    """One line; see `entry`."""

    step: str
    """``begun`` (videos), ``piece`` (requests), ``uploaded``, ``submitted``, ``replies``, ``ended``, or ``recorded`` (videos)."""
    made: float
    """When, in seconds since 1970."""
    piece: str = field(default="", metadata=LATER)
    """The requests that are handed in together; a name that no other piece of any run has."""
    address: str = field(default="", metadata=LATER)
    """Address of the server."""
    sent: tuple[Sent, ...] = field(default=(), metadata=LATER)
    """Its requests."""
    begun: tuple[Mapping[str, Any], ...] = field(default=(), metadata=LATER)
    """Videos whose asking begins with the next piece: a `Begun` each, read as one only when its video is asked about."""
    file: str = field(default="", metadata=LATER)
    """The server's name of the file."""
    batch: str = field(default="", metadata=LATER)
    """The server's name of the batch."""
    got: tuple[Got, ...] = field(default=(), metadata=LATER)
    """Replies."""
    status: str = field(default="", metadata=LATER)
    """How it ended."""
    video: str = field(default="", metadata=LATER)
    """The video that is done."""


def entry(step: str, **rest: Any) -> Entry:
    """Return the line for a step that is taken now."""
    return Entry(step=step, made=time.time(), **rest)
