"""What is under way, told from the journal: pieces that were handed in, replies that came, videos that wait for them."""

from __future__ import annotations

import heapq
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from intergeneval.judges.openai_batch import entries
from intergeneval.judges.openai_batch.entries import Begun, Entry, Got, Sent, entry
from intergeneval.judges.services import Journal


@dataclass(slots=True, kw_only=True)
class Piece:
    """Requests that are handed in together."""

    name: str
    """Its name, which no other piece of any run has."""
    address: str
    """The server."""
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
        self.tokens = 0
        self._journal = journal
        self._replies: dict[str, Got] = {}
        self._failed: dict[str, list[str]] = defaultdict(list)
        self._times: Counter[str] = Counter()
        self._begun: dict[str, bytes] = {}
        self._keys: dict[str, set[str]] = defaultdict(set)
        self._waiting: dict[str, Sent] = {}
        # Each writer has a file of its own and may go on with what another began: together they are read as they were written.
        for _, line, mine in heapq.merge(*map(_timed, journal.read()), key=lambda item: item[0]):
            self._take(line, mine)

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
        kept = self._begun.get(video)
        return None if kept is None else Begun.from_line(zlib.decompress(kept).decode(), where=str(self._journal.path))

    def write(self, step: Entry) -> None:
        """Write a step down, then keep it in mind. Raises StoreError."""
        self._journal.append(step)
        self._take(step, mine=True)

    def done(self, video: str) -> None:
        """Note that a video is done: its replies are used up."""
        if video in self._begun or self._keys.get(video):
            self.write(entry(entries.RECORDED, video=video))

    def _take(self, line: Entry, mine: bool) -> None:
        if line.step == entries.BEGUN:
            for item in line.begun:
                # Small, since thousands may wait at once.
                self._begun[str(item.get("video"))] = zlib.compress(json.dumps(item).encode(), 1)
        elif line.step == entries.PIECE:
            self._gathered(line, mine)
        elif line.step == entries.RECORDED:
            self._begun.pop(line.video, None)
            for key in self._keys.pop(line.video, set()):
                self._replies.pop(key, None)
                self._failed.pop(key, None)
                self._times.pop(key, None)
        elif line.piece in self.pieces:
            self._moved(self.pieces[line.piece], line)

    def _gathered(self, line: Entry, mine: bool) -> None:
        sent = {item.key: item for item in line.sent}
        self.pieces[line.piece] = Piece(name=line.piece, address=line.address, sent=sent, mine=mine)
        for key, item in sent.items():
            self._replies.pop(key, None)
            if key not in self._waiting:
                self._waiting[key] = item
                self.tokens += item.tokens
            self._keys[item.video].add(key)

    def _moved(self, piece: Piece, line: Entry) -> None:
        piece.file, piece.batch = line.file or piece.file, line.batch or piece.batch
        for got in line.got:
            if got.key in piece.answered or got.key not in piece.sent:
                continue
            piece.answered.add(got.key)
            self._unqueue(got.key)
            self._replies[got.key] = got
            self._times[got.key] += 1
            if not got.good:
                self._failed[got.key].append(f"http {got.status}" if got.status else f"batch: {got.code}")
        if line.step == entries.ENDED:
            piece.status = line.status or "ended"
            for key in piece.sent.keys() - piece.answered:
                self._unqueue(key)

    def _unqueue(self, key: str) -> None:
        sent = self._waiting.pop(key, None)
        if sent is not None:
            self.tokens -= sent.tokens


def _timed(lines: Iterator[tuple[str, str, bool]]) -> Iterator[tuple[float, Entry, bool]]:
    """Give the lines of one file with when they were written; a clock that was set back does not change their order."""
    latest = 0.0
    for line, where, mine in lines:
        read = Entry.from_line(line, where=where)
        latest = max(latest, read.made)
        yield latest, read, mine
