"""What is under way, told from the journal: pieces that were handed in, replies that came, videos that wait for them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from intergeneval.judges.openai_batch import entries
from intergeneval.judges.openai_batch.entries import Begun, Entry, Got, Sent
from intergeneval.judges.services import Journal


@dataclass(slots=True, kw_only=True)
class Piece:
    """Requests that are handed in together."""

    name: str
    """Its name, which no other piece of any run has."""
    address: str
    """The server."""
    made: float
    """When it was put together, in seconds since 1970."""
    sent: Mapping[str, Sent]
    """Its requests by key."""
    mine: bool
    """Whether it may be gone on with here; not where another shard is at it."""
    file: str = ""
    """The server's name of its file; empty until that is there."""
    batch: str = ""
    """The server's name of the batch; empty until that is known."""
    status: str = ""
    """How it ended; empty as long as it is waited for."""
    answered: set[str] = field(default_factory=set)
    """Keys of requests that got a reply, be it an error."""
    told: str = ""
    """What the server said of it last."""


class Ledger:
    """The journal, read once and kept up with."""

    def __init__(self, journal: Journal) -> None:
        self.pieces: dict[str, Piece] = {}
        self._journal = journal
        self._replies: dict[str, Got] = {}
        self._failed: dict[str, list[str]] = defaultdict(list)
        self._times: Counter[str] = Counter()
        self._begun: dict[str, Begun] = {}
        self._keys: dict[str, set[str]] = defaultdict(set)
        self._waiting: dict[str, Sent] = {}
        for line, where, mine in journal.read():
            self._take(Entry.from_line(line, where=where), mine)

    @property
    def open(self) -> list[Piece]:
        """Pieces that are waited for, in the order in which they were made."""
        return [piece for piece in self.pieces.values() if not piece.status]

    @property
    def waiting(self) -> Mapping[str, Sent]:
        """Requests that are waited for, by key."""
        return self._waiting

    @property
    def unused(self) -> Iterable[Got]:
        """Replies of videos that are not done."""
        return self._replies.values()

    def reply(self, key: str) -> Got | None:
        """Return what came back for a request; None where nothing did, or where it is asked once more."""
        return None if key in self._waiting else self._replies.get(key)

    def failed(self, key: str) -> list[str]:
        """Return the kinds of the replies to a request that were errors, in order."""
        return self._failed.get(key, [])

    def times(self, key: str) -> int:
        """Return how many replies came to a request."""
        return self._times[key]

    def begun(self, video: str) -> Begun | None:
        """Return how the asking about a video began; None where it has not, or is done."""
        return self._begun.get(video)

    def write(self, entry: Entry) -> None:
        """Write a step down, then keep it in mind. Raises StoreError."""
        self._journal.append(entry)
        self._take(entry, mine=True)

    def done(self, video: str) -> None:
        """Note that a video is done: its replies are used up."""
        if video in self._begun or self._keys.get(video):
            self.write(Entry(step=entries.RECORDED, video=video))

    def _take(self, entry: Entry, mine: bool) -> None:
        if entry.step == entries.PIECE:
            self._gathered(entry, mine)
        elif entry.step == entries.RECORDED:
            self._begun.pop(entry.video, None)
            for key in self._keys.pop(entry.video, set()):
                self._replies.pop(key, None)
                self._failed.pop(key, None)
                self._times.pop(key, None)
        elif entry.piece in self.pieces:
            self._moved(self.pieces[entry.piece], entry)

    def _gathered(self, entry: Entry, mine: bool) -> None:
        sent = {item.key: item for item in entry.sent}
        self.pieces[entry.piece] = Piece(name=entry.piece, address=entry.address, made=entry.made, sent=sent, mine=mine)
        for key, item in sent.items():
            self._replies.pop(key, None)
            self._waiting[key] = item
            self._keys[item.video].add(key)
        self._begun.update({item.video: item for item in entry.begun})

    def _moved(self, piece: Piece, entry: Entry) -> None:
        piece.file, piece.batch = entry.file or piece.file, entry.batch or piece.batch
        for got in entry.got:
            if got.key in piece.answered or got.key not in piece.sent:
                continue
            piece.answered.add(got.key)
            self._waiting.pop(got.key, None)
            self._replies[got.key] = got
            self._times[got.key] += 1
            if got.status != 200:
                self._failed[got.key].append(f"http {got.status}" if got.status else f"batch: {got.code}")
        if entry.step == entries.ENDED:
            piece.status = entry.status or "ended"
            for key in piece.sent.keys() - piece.answered:
                self._waiting.pop(key, None)
