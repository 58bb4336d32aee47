"""Requests that have no reply yet, gathered into files and handed in as batches, each under the limits of the server."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from intergeneval.errors import BackendError, ConfigError, IntergenevalError, StoreError
from intergeneval.judges.openai.client import AskError
from intergeneval.judges.openai.settings import OpenAISettings
from intergeneval.judges.openai_batch import entries
from intergeneval.judges.openai_batch.api import ApiError, BatchApi, named, word
from intergeneval.judges.openai_batch.entries import Begun, Sent, entry
from intergeneval.judges.openai_batch.ledger import Ledger, Piece
from intergeneval.judges.openai_batch.refused import told
from intergeneval.judges.openai_batch.settings import MEGABYTE, BatchSettings
from intergeneval.judges.services import Journal

_VIDEOS = 200
"""Videos whose beginning stands in one line."""


class Outbox:
    """Gathers the requests of one run; a file that is full is handed in while the run goes on."""

    def __init__(self, settings: OpenAISettings, batch: BatchSettings, ledger: Ledger, journal: Journal, api: BatchApi) -> None:
        self.held = 0
        self._trouble: IntergenevalError | None = None
        self._settings = settings
        self._batch = batch
        self._ledger = ledger
        self._journal = journal
        self._api = api
        self._stream: IO[bytes] | None = None
        self._path = Path()
        self._bytes = 0
        self._tokens = 0
        self._sent: dict[str, Sent] = {}
        self._begun: dict[str, Begun] = {}

    def holds(self, key: str) -> bool:
        """Whether a request is gathered already."""
        return key in self._sent

    def room(self, tokens: int) -> bool:
        """Whether so many tokens more may wait at the server; always where nothing waits."""
        most, there = self._batch.waiting_tokens, self._ledger.tokens + self._tokens
        return most is None or not there or there + tokens <= most

    def begins(self, begun: Begun) -> None:
        """Keep how the asking about a video began, to be written down with its first request."""
        self._begun[begun.video] = begun

    def fits(self, body: bytes) -> None:
        """Raise AskError for a request that is too large for any file."""
        if len(body) + 1000 > self._batch.bytes:
            size = len(body) / MEGABYTE
            raise AskError("oversized", f"the request of {size:.1f} MB is larger than a file may be (megabytes)")

    def add(self, sent: Sent, body: bytes) -> None:
        """Add a request, after what is gathered was handed in where it would not fit any more. Raises StoreError.

        What the server refuses meanwhile is no fault of this video: nothing more is gathered then, and `hand_in` raises it.
        """
        if self._trouble is not None:
            return
        head = f'{{"custom_id":"{sent.key}","method":"POST","url":"{self._batch.endpoint}","body":'.encode()
        line = head + body + b"}\n"
        if self._sent and (self._bytes + len(line) > self._batch.bytes or len(self._sent) >= self._batch.requests):
            begun = self._begun.pop(sent.video, None)
            try:
                self.hand_in()
            except (BackendError, ConfigError) as error:
                self._trouble = error
                return
            if begun is not None:
                self._begun[sent.video] = begun
        try:
            if self._stream is None:
                self._path = self._journal.scratch(uuid.uuid4().hex)
                self._stream = self._path.open("wb")
            self._stream.write(line)
        except OSError as error:
            raise StoreError(f"{self._path}: cannot be written ({error.strerror})") from None
        self._bytes += len(line)
        self._tokens += sent.tokens
        self._sent[sent.key] = sent

    def hand_in(self) -> None:
        """Hand in what is gathered, if anything.

        Raises ConfigError when the server refuses it, BackendError when it cannot be reached.
        """
        if self._trouble is not None:
            raise self._trouble
        if self._stream is None:
            return
        path, piece = self._path, uuid.uuid4().hex
        try:
            self._stream.close()
            begun, sent = [item.to_json() for item in self._begun.values()], tuple(self._sent.values())
            for first in range(0, len(begun), _VIDEOS):
                self._ledger.write(entry(entries.BEGUN, begun=tuple(begun[first : first + _VIDEOS])))
            self._ledger.write(entry(entries.PIECE, piece=piece, address=self._settings.base_url, sent=sent))
            self._forget()
            with refusals(self._ledger, piece):
                file = self._api.upload(path, f"intergeneval-{piece}")
                self._ledger.write(entry(entries.UPLOADED, piece=piece, file=file))
                submit(self._ledger, self._api, self._ledger.pieces[piece])
        except OSError as error:
            raise StoreError(f"{path}: cannot be written ({error.strerror})") from None
        finally:
            path.unlink(missing_ok=True)

    def drop(self) -> None:
        """Let go of what is gathered and not handed in: it is gathered again by the next run."""
        if self._stream is not None:
            self._stream.close()
            self._path.unlink(missing_ok=True)
        self._forget()

    def _forget(self) -> None:
        self._stream, self._bytes, self._tokens, self._sent, self._begun = None, 0, 0, {}, {}


@contextlib.contextmanager
def refusals(ledger: Ledger, name: str) -> Iterator[None]:
    """End a piece that the server refuses, and say so in one sentence that names what to change.

    Raises ConfigError for a refusal, BackendError where the server cannot be reached.
    """
    try:
        yield
    except ApiError as error:
        piece = ledger.pieces[name]
        if not piece.file or not error.passing:
            # Without a file there is no batch, and one that was refused is none.
            ledger.write(entry(entries.ENDED, piece=piece.name, status="refused"))
        if error.passing:
            raise BackendError(
                f"judge 'openai-batch': {piece.address} cannot be reached ({error}); nothing is lost, the same command goes on"
            ) from None
        raise ConfigError(f"judge 'openai-batch': a batch was refused: {told(error)}") from None


def submit(ledger: Ledger, api: BatchApi, piece: Piece) -> None:
    """Make the batch of a piece whose file is there. Raises ApiError."""
    made = api.make(piece.file, piece.name)
    ledger.write(entry(entries.SUBMITTED, piece=piece.name, batch=named(made)))
    piece.told = word(made.get("status"))
