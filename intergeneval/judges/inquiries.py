"""Questions beside the ten: a model is shown a text, with or without pictures, and its reply is read strictly or not at all.

What is asked, the shape of the reply and how it is read are one `Inquiry`; a judge that `Inquires` sends it, gives the model one
turn to mend a faulty reply, and remembers good ones by their content where it has a cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from intergeneval.errors import BackendError
from intergeneval.ids import sha256_bytes, sha256_json
from intergeneval.records import Record

INQUIRIES = "inquiries.jsonl"
"""File of a folder that keeps what was answered, for ``replay:FOLDER``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """One question with the way to read its answer."""

    system: str
    """The rules."""
    text: str
    """The question."""
    schema: Mapping[str, Any]
    """JSON schema of the reply, for servers that hold a model to it."""
    read: Callable[[str], Any]
    """Reply -> plain JSON value; raises ValueError saying what is wrong with it."""
    correct: Callable[[str], str]
    """What is wrong with a reply -> the text of the repair turn."""
    pictures: tuple[bytes, ...] = ()
    """JPEG files, shown before the text."""
    reply_tokens: int = 100
    """Expected length of the reply, for the cost limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A usable answer."""

    value: Any
    """What the inquiry's `read` made of the reply: a plain JSON value."""
    usage: Mapping[str, Any] = field(default_factory=dict)
    """Requests, tokens and cost; ``cached`` where nothing was asked."""


class InquiryError(BackendError):
    """An inquiry came to nothing; `kind` names the way, `usage` what it took all the same."""

    def __init__(self, kind: str, text: str, usage: Mapping[str, Any]) -> None:
        super().__init__(text)
        self.kind = kind
        self.usage = usage


@runtime_checkable
class Inquires(Protocol):
    """A judge that can be asked such questions."""

    @property
    def id(self) -> str:
        """Name with its argument."""

    @property
    def inquirer(self) -> str:
        """Everything of the judge that an answer depends on beside the inquiry itself: model, sampling, weights."""

    def inquire(self, inquiry: Inquiry) -> Found:
        """Ask. Raises InquiryError when no usable answer comes, BudgetError at the cost limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(Record):
    """An inquiry that was answered: one line of ``inquiries.jsonl``."""

    key: str
    """`inquiry_key` of what was asked."""
    judge: str
    """Id of who answered."""
    inquirer: str
    """Everything of the judge that the answer depends on."""
    value: Any
    """What the inquiry's `read` made of the reply."""


def inquiry_key(inquiry: Inquiry) -> str:
    """Return the hash of what a model is shown: rules, question and pictures."""
    return sha256_json([inquiry.system, inquiry.text, [sha256_bytes(picture) for picture in inquiry.pictures]])
