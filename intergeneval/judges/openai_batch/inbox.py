"""Takes in what came back: finds what a killed run handed in, looks at each batch, reads the files of those that are done."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from intergeneval.errors import BackendError, ConfigError
from intergeneval.judges.openai.causes import Cause
from intergeneval.judges.openai.complaints import complaint_in
from intergeneval.judges.openai.refusals import objection_of
from intergeneval.judges.openai.server_words import count, load
from intergeneval.judges.openai.settings import OpenAISettings
from intergeneval.judges.openai.wire import MAX_REPLY
from intergeneval.judges.openai_batch import entries
from intergeneval.judges.openai_batch.api import ApiError, BatchApi, code_of, file_of, named, word
from intergeneval.judges.openai_batch.entries import Got, entry
from intergeneval.judges.openai_batch.ledger import Ledger, Piece
from intergeneval.judges.openai_batch.outbox import refusals, submit
from intergeneval.judges.openai_batch.refused import at_validation, told
from intergeneval.judges.openai_batch.settings import BatchSettings
from intergeneval.plugins import secrets

FINAL = frozenset({"completed", "failed", "expired", "cancelled"})
"""Statuses after which a batch changes no more; any other is waited for."""
_UNASKED = frozenset({"batch_expired", "batch_cancelled"})
_NO_LOSS = frozenset({Cause.QUOTA, Cause.REGION, Cause.REDIRECT})
"""Causes that say nothing of whether the batch is still there."""
_ERRORS, _BROKEN = 400, 500
_LINES = 200
_SPELLINGS = 4
"""How deep JSON stands in JSON: a reply holds what the model wrote, which is JSON as well."""


class Inbox:
    """Takes in the replies of one run; `arrived` is told of each with what it cost, as soon as it is written down."""

    def __init__(self, settings: OpenAISettings, batch: BatchSettings, ledger: Ledger, api: BatchApi) -> None:
        self._settings = settings
        self._batch = batch
        self._ledger = ledger
        self._api = api

    def take(self, arrived: Callable[[str, Got], None], freed: Callable[[str], None], notice: Callable[[str], None]) -> int:
        """Take in what is there; return how many batches ended. Calls `freed` with each request that ended without a reply.

        Raises ConfigError for what the server refused, after all else was taken in; BackendError where it cannot be reached.
        """
        ended, refused = 0, list[str]()
        for piece in self._ledger.open:
            if not self._ours(piece):
                continue
            try:
                if piece.mine and not piece.batch:
                    self._recover(piece)
                if piece.batch:
                    ended += self._look(piece, arrived, refused, notice)
            except ApiError as error:
                raise self._lost(piece, error) from None
            finally:
                if piece.status:
                    for key in piece.sent.keys() - piece.answered:
                        freed(key)
        if refused:
            raise ConfigError("; ".join(refused))
        return ended

    def _ours(self, piece: Piece) -> bool:
        """Return whether a piece can be asked after here. Raises ConfigError where it lies at another server."""
        if {piece.batch, piece.name} & set(self._batch.forget):
            self._ledger.write(entry(entries.ENDED, piece=piece.name, status="forgotten"))
            return True
        if piece.address != self._settings.base_url:
            name = piece.batch or piece.name
            raise ConfigError(
                f"judge 'openai-batch': {name} was handed in at {piece.address}, not at {self._settings.base_url}; go on with "
                f'that base_url, or give it up with forget = ["{name}"] under [settings.openai-batch]'
            )
        return True

    def _recover(self, piece: Piece) -> None:
        """Find the batch of a piece that was cut off on its way, or make it: never twice."""
        if piece.status:
            return
        if not piece.file:
            # A batch is made only after its file was written down.
            self._ledger.write(entry(entries.ENDED, piece=piece.name, status="not handed in"))
            return
        found = self._api.find(piece.file, piece.name)
        if found is not None:
            self._ledger.write(entry(entries.SUBMITTED, piece=piece.name, batch=named(found)))
            return
        with refusals(self._ledger, piece.name):
            submit(self._ledger, self._api, piece)

    def _look(self, piece: Piece, arrived: Callable[[str, Got], None], refused: list[str], notice: Callable[[str], None]) -> int:
        if piece.status:
            return 0
        batch = self._api.look(piece.batch)
        status = word(batch.get("status"))
        piece.told = status + _counted(batch)
        if status not in FINAL:
            return 0
        for name in ("output_file_id", "error_file_id"):
            if file := file_of(batch, name):
                self._fetch(piece, file, arrived)
        if status == "completed" and (silent := piece.sent.keys() - piece.answered):
            self._write(piece, [Got(key=key, status=0, code="no line") for key in sorted(silent)], arrived)
        self._ledger.write(entry(entries.ENDED, piece=piece.name, status=status))
        if status == "failed":
            refused.append(at_validation(piece.batch, batch, self._settings))
        elif open_ := piece.sent.keys() - piece.answered:
            notice(f"batch {piece.batch} {status}: {len(open_)} of {len(piece.sent)} requests are handed in again")
        return 1

    def _fetch(self, piece: Piece, file: str, arrived: Callable[[str, Got], None]) -> None:
        """Read a file of replies, from its beginning again where the connection broke: what came before counts once."""
        for attempt in range(1, self._settings.attempts + 1):
            try:
                waiting: list[Got] = []
                for got in self._replies(piece, self._api.lines(file)):
                    waiting.append(got)
                    if len(waiting) >= _LINES:
                        self._write(piece, waiting, arrived)
                        waiting = []
                self._write(piece, waiting, arrived)
                return
            except ApiError as error:
                if not error.passing or attempt == self._settings.attempts:
                    raise
                self._api.wait_longer(attempt)

    def _replies(self, piece: Piece, lines: Iterator[bytes]) -> Iterator[Got]:
        seen = set(piece.answered)
        for line in lines:
            got = self._reply(line)
            if got is not None and got.key in piece.sent and got.key not in seen:
                seen.add(got.key)
                yield got

    def _reply(self, line: bytes) -> Got | None:
        """Return what a line says; None for one that cannot be told, or of a request that was never asked."""
        if len(line) > MAX_REPLY:
            return None
        try:
            # As the chat client reads a reply: what stands beside the answer is no reason to pay for it twice.
            found = load(line)
            if not isinstance(found, dict) or not isinstance(found.get("custom_id"), str):
                return None
            return self._told(found["custom_id"], found)
        except (ValueError, RecursionError):
            return None

    def _told(self, key: str, found: dict[str, Any]) -> Got | None:
        response, error, code = found.get("response"), found.get("error"), code_of(found)
        body = response.get("body") if isinstance(response, dict) else None
        status = _status(response.get("status_code")) if isinstance(response, dict) else 0
        if status and (body or not error):
            return self._got(key, status, body)
        if code in _UNASKED:
            return None
        if not error:
            return Got(key=key, status=0, code="no reply")
        # vLLM writes an error beside the response instead of into it, others its status as its code, or none.
        named = _status(error.get("code")) if isinstance(error, dict) else 0
        status = next((number for number in (status, named) if number >= _ERRORS), 0)
        if not status and objection_of(_BROKEN, complaint_in({"error": error}), self._settings.parameters) is None:
            return Got(key=key, status=0, code=code or "no reply")
        return self._got(key, status or _BROKEN, {"error": error})

    def _got(self, key: str, status: int, body: Any) -> Got:
        """Return a reply as ASCII text without the key; of an error what it objects to, code and parameter: not its sentence."""
        got = Got(key=key, status=status)
        if not got.good:
            objects = objection_of(status, complaint_in(body), self._settings.parameters)
            error = body.get("error") if isinstance(body, dict) else None
            named = error if isinstance(error, dict) else {}
            body = {"error": {name: said for name in ("type", "code", "param") if (said := word(named.get(name)))}}
            if objects is not None:
                got = replace(got, cause=objects.cause, parameter=objects.name, most=objects.most)
        # Halves of surrogate pairs stay escaped, as they came.
        text, key = json.dumps(body), self._settings.key
        for _ in range(_SPELLINGS if len(key) >= secrets.LEAST else 0):
            text, key = text.replace(key, "***"), json.dumps(key)[1:-1]
        return replace(got, body=text)

    def _write(self, piece: Piece, got: list[Got], arrived: Callable[[str, Got], None]) -> None:
        if got:
            self._ledger.write(entry(entries.REPLIES, piece=piece.name, got=tuple(got)))
            for item in got:
                arrived(item.key, item)

    def _lost(self, piece: Piece, error: ApiError) -> Exception:
        name = piece.batch or piece.name
        if error.passing:
            return BackendError(
                f"judge 'openai-batch': batch {name} at {piece.address} cannot be asked after ({error}); nothing is lost, "
                f"the same command goes on"
            )
        head = f"judge 'openai-batch': batch {name} cannot be asked after: {told(error, handing_in=False)}"
        if error.refusal is not None and error.refusal.cause in _NO_LOSS:
            return ConfigError(head)
        return ConfigError(
            f"{head}; use the key it was handed in with, or, if it is gone, give it up with "
            f'forget = ["{name}"] under [settings.openai-batch]'
        )


def _counted(batch: dict[str, Any]) -> str:
    counts = batch.get("request_counts")
    if not isinstance(counts, dict):
        return ""
    numbers = [value for name in ("completed", "failed", "total") if isinstance(value := counts.get(name), int)]
    if len(numbers) != 3 or not all(0 <= value < 10**9 for value in numbers) or not numbers[2]:
        return ""
    return f", {numbers[0] + numbers[1]} of {numbers[2]} done"


def _status(value: Any) -> int:
    """Return an HTTP status, written as a number or as a text; 0 for what is none."""
    status = count(value)
    return status if 100 <= status < 600 else 0
