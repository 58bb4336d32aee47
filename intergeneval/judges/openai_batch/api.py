"""The batch interface of a server: files up and down, batches made, looked at and listed; each call bounded in time and size."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import httpx
import tenacity

from intergeneval.errors import BackendError
from intergeneval.judges.openai.address import find_proxy, read_address
from intergeneval.judges.openai.client import Client, accepting, retry_after
from intergeneval.judges.openai.refusals import PASSING, Refusal, refusal_of
from intergeneval.judges.openai.server_words import load
from intergeneval.judges.openai.settings import OpenAISettings
from intergeneval.judges.openai.wire import CONNECT_SECONDS, MAX_REPLY
from intergeneval.judges.openai_batch.settings import BatchSettings

PIECE = "intergeneval_piece"
"""Name under which a batch carries the name of its piece (``metadata``)."""
JUDGE = "openai-batch"
"""What the judge is called on the command line, before its model."""
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,200}\Z")
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,80}\Z")
_PAGES = 200
_BLOCK = 1 << 16


class ApiError(BackendError):
    """A call came to nothing; `status` is that of the reply, 0 where there was none; `refusal` why it was refused, if known."""

    def __init__(
        self, text: str, status: int = 0, code: str = "", wait: float | None = None, refusal: Refusal | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.wait = wait
        self.refusal = refusal

    @property
    def passing(self) -> bool:
        """Whether the same call may go well later."""
        if self.refusal is not None and self.refusal.everything:
            return False
        return self.status in PASSING or not self.status


class BatchApi(Client):
    """Calls of one judge, to the address and with the key of its chat client."""

    def __init__(self, settings: OpenAISettings, batch: BatchSettings) -> None:
        # What the chat client would say of a busy server is not true of replies that came in a batch.
        super().__init__(settings, lambda _: None)
        self._batch = batch
        address = read_address(settings.base_url, "[settings.openai]", settings.key_variable)
        self._base = address.url
        # No redirects: the key goes to the host that was named and to no other. The proxy is the chat client's choice.
        self._http = httpx.Client(
            headers={"Accept-Encoding": "identity", **accepting(settings)},
            timeout=httpx.Timeout(settings.timeout, connect=min(CONNECT_SECONDS, settings.timeout)),
            follow_redirects=False,
            proxy=find_proxy(address),
            trust_env=False,
        )
        self._attempts = settings.attempts
        self._seconds = settings.timeout
        self._longest = settings.longest_wait
        self._longer = tenacity.wait_random_exponential(multiplier=settings.backoff, max=settings.longest_wait)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()
        super().close()

    def upload(self, path: Path, name: str) -> str:
        """Hand in a file and return the server's name of it. Raises ApiError."""

        def send() -> dict[str, Any]:
            boundary = secrets.token_hex(16)
            with path.open("rb") as stream:
                until = time.monotonic() + self._batch.transfer
                return self._json(
                    "POST",
                    "/files",
                    until,
                    data={"purpose": "batch"},
                    files={"file": (f"{name}.jsonl", _Timed(stream, until), "application/jsonl")},
                    headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
                    timeout=httpx.Timeout(self._batch.transfer, connect=min(CONNECT_SECONDS, self._seconds)),
                )

        return _name(self._patiently(send).get("id"), "file")

    def make(self, file: str, piece: str) -> dict[str, Any]:
        """Make a batch of a file, once only: where it is not known whether it was made, it is looked for before the next try."""
        body = {
            "input_file_id": file,
            "endpoint": self._batch.endpoint,
            "completion_window": self._batch.window,
            "metadata": {PIECE: piece},
        }
        for attempt in range(1, self._attempts + 1):
            made: dict[str, Any] | None
            try:
                made = self._json("POST", "/batches", self._soon(), json=body)
            except ApiError as error:
                if not error.passing or attempt == self._attempts:
                    raise
                self._pause(error, attempt)
                made = self._made_after_all(file, piece)
            if made is not None:
                return made
        raise AssertionError("the loop returns or raises")

    def _made_after_all(self, file: str, piece: str) -> dict[str, Any] | None:
        """Return the batch of a call whose reply was lost; raises an ApiError that is no refusal where that cannot be told."""
        try:
            return self.find(file, piece)
        except ApiError as error:
            raise ApiError(f"it cannot be told whether the batch was made: {error}") from None

    def look(self, batch: str) -> dict[str, Any]:
        """Return what the server says of a batch. Raises ApiError."""
        return self._patiently(lambda: self._json("GET", f"/batches/{_name(batch, 'batch')}", self._soon()))

    def find(self, file: str, piece: str) -> dict[str, Any] | None:
        """Return the batch of a piece, if one was made: told by the piece's name, which no other has, or by its file."""
        after = ""
        for _ in range(_PAGES):
            query = {"limit": "100", **({"after": after} if after else {})}
            page = self._patiently(lambda query=query: self._json("GET", "/batches", self._soon(), params=query))  # type: ignore[misc]
            batches = [item for item in page.get("data") or [] if isinstance(item, dict)]
            for item in batches:
                metadata = item.get("metadata")
                named = isinstance(metadata, dict) and metadata.get(PIECE) == piece
                if named or item.get("input_file_id") == file:
                    return item
            after = str(batches[-1].get("id", "")) if batches else ""
            if not page.get("has_more") or not _NAME.match(after):
                return None
        return None

    def reachable(self) -> None:
        """List one batch, to see whether there is such an interface. Raises ApiError."""
        self._json("GET", "/batches", self._soon(), params={"limit": "1"})

    def lines(self, file: str) -> Iterator[bytes]:
        """Give the lines of a file as they come; one that is too long is given cut off. Raises ApiError."""
        until, kept = time.monotonic() + self._batch.transfer, bytearray()
        try:
            with self._http.stream("GET", f"{self._base}/files/{_name(file, 'file')}/content") as response:
                if response.status_code != httpx.codes.OK:
                    raise self._refused(response.status_code, response.headers, _beginning(response, self._soon()))
                for piece in response.iter_bytes(_BLOCK):
                    if time.monotonic() > until:
                        raise ApiError(f"file {file} did not come within {self._batch.transfer:g} s")
                    *whole, rest = piece.split(b"\n")
                    for part in whole:
                        yield bytes(kept + part)[: MAX_REPLY + 1]
                        kept.clear()
                    if len(kept) <= MAX_REPLY:
                        kept += rest
        except httpx.TransportError as error:
            raise ApiError(f"the connection broke ({type(error).__name__})") from None
        except httpx.DecodingError as error:
            raise ApiError(f"what came cannot be unpacked ({type(error).__name__})") from None
        if kept:
            yield bytes(kept)

    def wait_longer(self, attempt: int) -> None:
        """Wait before the next of several tries of something that takes many calls."""
        self._pause(ApiError(""), attempt)

    def _soon(self) -> float:
        return time.monotonic() + self._seconds

    def _pause(self, error: ApiError, attempt: int) -> None:
        state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
        state.attempt_number = attempt
        time.sleep(self._longer(state) if error.wait is None else min(error.wait, self._longest))

    def _patiently(self, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        for attempt in range(1, self._attempts + 1):
            try:
                return call()
            except ApiError as error:
                if not error.passing or attempt == self._attempts or (error.wait or 0.0) > self._longest:
                    raise
                self._pause(error, attempt)
        raise AssertionError("the loop returns or raises")

    def _json(self, method: str, path: str, until: float, **what: Any) -> dict[str, Any]:
        content = bytearray()
        try:
            with self._http.stream(method, self._base + path, **what) as response:
                for piece in response.iter_bytes():
                    content += piece
                    if len(content) > MAX_REPLY:
                        raise ApiError(f"the reply is larger than {MAX_REPLY >> 20} MB", response.status_code or 1)
                    if time.monotonic() > until:
                        raise httpx.ReadTimeout("too slow")
                status, headers = response.status_code, response.headers
        except httpx.TimeoutException:
            raise ApiError("no reply in time") from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise ApiError(f"the connection broke ({type(error).__name__})") from None
        try:
            found = load(bytes(content))
        except (ValueError, RecursionError):
            found = None
        if status // 100 != 2:
            raise self._refused(status, headers, bytes(content))
        if not isinstance(found, dict):
            raise ApiError("the reply is not a JSON object")
        return found

    def _refused(self, status: int, headers: Mapping[str, str], content: bytes) -> ApiError:
        """Return what a status that is no reply means: told as the chat client tells it where the cause is known."""
        try:
            code = code_of(load(content))
        except (ValueError, RecursionError):
            code = ""
        text = f"the server answered with status {status}" + (f" ({code})" if code else "")
        refusal = refusal_of(status, content, self._settings, 0, JUDGE)
        return ApiError(text, status, code, retry_after(headers.get("retry-after")), refusal)


def _beginning(response: httpx.Response, until: float) -> bytes:
    """Return as much of an error as is looked at; what comes after it, or too late, is left on the way."""
    content = bytearray()
    for piece in response.iter_bytes():
        content += piece
        if len(content) >= _BLOCK or time.monotonic() > until:
            break
    return bytes(content)


class _Timed:
    """A file that is read until a time and no longer."""

    def __init__(self, stream: IO[bytes], until: float) -> None:
        self._stream = stream
        self._until = until

    def read(self, size: int = -1) -> bytes:
        if time.monotonic() > self._until:
            raise httpx.WriteTimeout("too slow")
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def fileno(self) -> int:
        return self._stream.fileno()


def word(value: Any) -> str:
    """Return a server's code word, and nothing else that it may have written."""
    return value if isinstance(value, str) and _WORD.match(value) else ""


def code_of(content: Any) -> str:
    """Return code and parameter of an error as the server names them: never its sentence, which may quote key or prompt."""
    error = content.get("error") if isinstance(content, dict) else None
    if not isinstance(error, dict):
        return ""
    said = word(error.get("code")) or word(error.get("type"))
    return ", ".join(part for part in (said, word(error.get("param"))) if part)


def file_of(batch: Mapping[str, Any], name: str) -> str:
    """Return the name of a file that a batch speaks of; empty where it has none. Raises ApiError for one that cannot be one."""
    value = batch.get(name)
    return _name(value, "file") if value else ""


def named(batch: Mapping[str, Any]) -> str:
    """Return the name of a batch that was made. Raises an ApiError that is no refusal, as the batch is there."""
    try:
        return _name(batch.get("id"), "batch")
    except ApiError as error:
        raise ApiError(str(error)) from None


def _name(value: Any, what: str) -> str:
    if not isinstance(value, str) or not _NAME.match(value):
        raise ApiError(f"the server names a {what} in a way that no {what} is named", 1)
    return value
