"""One exchange with a server, bounded as a whole: in time whatever trickles, and in memory whatever is sent or packed.

httpx and httpcore bound each single read. A server that sends a byte now and then, interim replies without end or packed nothing
never meets such a bound; so every wait here is as long as what is left of the attempt, and every byte counts.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from intergeneval.judges.openai.address import Address, find_proxy
from intergeneval.judges.openai.server_words import load

MAX_REPLY = 8 << 20
"""Largest reply that is read, in bytes, packed or not; headers and what frames it count as well."""
CONNECT_SECONDS = 20.0
_FRAMING = 1 << 20
_PIECE = 1 << 16
_READ = 1 << 14  # little, since what was read is worked through before the clock is looked at again
_GZIP = b"\x1f\x8b"
_TEXT_STARTS = b"{[ \t\r\n\xef"


class TooLargeError(Exception):
    """A server sent more than is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What a server sent back."""

    status: int
    """HTTP status."""
    headers: Mapping[str, str]
    """The first header of each name; names in small letters."""
    content: bytes
    """The body, unpacked."""


class _Attempt(threading.local):
    """What is left to the attempt that this thread makes; a connection serves one attempt at a time."""

    until = float("inf")
    room = 0

    def begin(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        self.room = MAX_REPLY + _FRAMING

    def left(self, late: type[httpcore.TimeoutException]) -> float:
        """Return the seconds that are left. Raises `late`."""
        rest = self.until - time.monotonic()
        if rest <= 0:
            raise late("the attempt is over")
        return rest

    def took(self, size: int) -> None:
        self.room -= size
        if self.room < 0:
            raise TooLargeError


class Wire:
    """Kept connections to one server, for several threads."""

    def __init__(self, address: Address, headers: Mapping[str, str], connections: int) -> None:
        self._url = address.url
        # Packed replies save nothing where a reply is a page, and cost a guard; one that comes packed all the same is read.
        plain = {"Accept-Encoding": "identity", "User-Agent": "intergeneval"}
        self._headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in {**plain, **headers}.items()]
        self._attempt = _Attempt()
        self._pool = _pool(address, _Network(self._attempt), connections)

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def post(self, path: str, body: bytes, seconds: float) -> Received:
        """Send once and return what comes back within `seconds`. Raises TooLargeError and what httpcore raises.

        A reply that breaks off, or never ends, behind a whole JSON object is a whole reply: it was paid for.
        """
        self._attempt.begin(seconds)
        url = httpx.URL(f"{self._url}{path}")
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        waits = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        content = bytearray()
        with self._pool.stream("POST", target, headers=self._headers, content=body, extensions={"timeout": waits}) as response:
            headers = _first(response.headers)
            packed = headers.get("content-encoding", "")
            try:
                for piece in _unpacked(self._timely(response.iter_stream()), packed):
                    content += piece
                    if len(content) > MAX_REPLY:
                        raise TooLargeError
            except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, TooLargeError):
                # Of a refusal whatever came is enough.
                good = 200 <= response.status < 300
                if good and not (len(content) <= MAX_REPLY and _whole(bytes(content))):
                    raise
            return Received(status=response.status, headers=headers, content=bytes(content))

    def _timely(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Give pieces as long as the attempt lasts, also those that unpack to nothing and are read faster than looked at."""
        for piece in pieces:
            self._attempt.left(httpcore.ReadTimeout)
            yield piece


def _first(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        found.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    return found


def _whole(content: bytes) -> bool:
    """Tell whether this is a JSON object from end to end: no object is the beginning of a longer one."""
    if not content.rstrip().endswith(b"}"):
        return False
    try:
        return isinstance(load(content), dict)
    except (ValueError, RecursionError):
        return False


def _unpacked(pieces: Iterable[bytes], named: str) -> Iterator[bytes]:
    """Give the body in small pieces, unpacked where it is packed in truth: what the header says may be wrong."""
    inflate: _Inflate | None = None
    known, begun = named.strip().lower(), False
    for piece in pieces:
        if not begun and piece:
            begun = True
            deflated = known == "deflate" and piece[:1] not in {bytes([start]) for start in _TEXT_STARTS}
            if piece.startswith(_GZIP[: len(piece)]) or deflated:
                inflate = _Inflate(gzip=piece.startswith(_GZIP[:1]))
        if inflate is None:
            yield piece
        else:
            yield from inflate.read(piece)


class _Inflate:
    """Unpacks gzip and deflate, never more than a piece at a time."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._begun = False
        self._machine = self._new(zlib.MAX_WBITS | 16 if gzip else zlib.MAX_WBITS)

    @staticmethod
    def _new(bits: int) -> Any:
        return zlib.decompressobj(bits)

    def read(self, packed: bytes) -> Iterator[bytes]:
        """Give what these bytes hold. Raises httpcore.RemoteProtocolError for what is damaged."""
        while packed:
            if self._machine.eof:
                if not (self._gzip and packed.startswith(_GZIP)):
                    return
                self._machine = self._new(zlib.MAX_WBITS | 16)
            try:
                piece = self._machine.decompress(packed, _PIECE)
            except zlib.error:
                if self._begun or self._gzip:
                    raise httpcore.RemoteProtocolError("the packed reply is damaged") from None
                # Some servers leave out the two bytes that deflate begins with.
                self._machine, self._begun = self._new(-zlib.MAX_WBITS), True
                continue
            self._begun = True
            if piece:
                yield piece
            packed = self._machine.unused_data if self._machine.eof else self._machine.unconsumed_tail
        while not self._machine.eof and (rest := self._machine.decompress(b"", _PIECE)):
            yield rest


def _pool(address: Address, network: httpcore.NetworkBackend, connections: int) -> httpcore.ConnectionPool:
    """Return the pool that reaches a server, through the environment's proxy where there is one. Raises ConfigError."""
    limits: dict[str, Any] = {"max_connections": connections, "max_keepalive_connections": connections, "keepalive_expiry": 5.0}
    secure = httpx.create_ssl_context() if address.url.startswith("https") else None
    proxy = find_proxy(address)
    if proxy is None:
        return httpcore.ConnectionPool(ssl_context=secure, network_backend=network, **limits)
    url = httpcore.URL(scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=proxy.url.raw_path)
    common = {"proxy_url": url, "proxy_auth": proxy.raw_auth, "ssl_context": secure, "network_backend": network, **limits}
    if proxy.url.scheme.startswith("socks"):
        return httpcore.SOCKSProxy(**common)
    return httpcore.HTTPProxy(proxy_headers=proxy.headers.raw, proxy_ssl_context=proxy.ssl_context, **common)


class _Network(httpcore.NetworkBackend):
    """Connections whose every wait ends with the attempt."""

    def __init__(self, attempt: _Attempt) -> None:
        self._attempt = attempt
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002  # what is left of the attempt is shorter
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of a host that answers, each being given its share of the time."""
        until = time.monotonic() + min(CONNECT_SECONDS, self._attempt.left(httpcore.ConnectTimeout))
        found = _resolve(host, port, until - time.monotonic())
        options = list(socket_options or ())
        fault: Exception = httpcore.ConnectError("the name has no address")
        for number, place in enumerate(found):
            share = (until - time.monotonic()) / (len(found) - number)
            if share <= 0:
                break
            try:
                stream = self._plain.connect_tcp(place, port, share, local_address, options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault = error
                continue
            return _Stream(stream, self._attempt)
        raise fault


def _resolve(host: str, port: int, seconds: float) -> list[str]:
    """Return the addresses of a host. Raises httpcore.ConnectError and, since a resolver may hang, httpcore.ConnectTimeout."""
    answer: queue.Queue[list[str] | Exception] = queue.Queue()

    def look() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answer.put(list(dict.fromkeys(str(row[4][0]) for row in rows)))
        except (OSError, UnicodeError) as error:
            answer.put(error)

    threading.Thread(target=look, name="resolve", daemon=True).start()
    try:
        found = answer.get(timeout=max(seconds, 0.0))
    except queue.Empty:
        raise httpcore.ConnectTimeout("the name was not resolved in time") from None
    if isinstance(found, Exception):
        raise httpcore.ConnectError("the name cannot be resolved") from None
    return found


class _Stream(httpcore.NetworkStream):
    """A connection that waits no longer than its attempt and takes in no more than is read."""

    def __init__(self, inner: httpcore.NetworkStream, attempt: _Attempt, *, layers: int = 0) -> None:
        self._inner = inner
        self._attempt = attempt
        self._layers = layers

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002  # see `connect_tcp`
        """Read what is there."""
        data = self._inner.read(min(max_bytes, _READ), self._attempt.left(httpcore.ReadTimeout))
        self._attempt.took(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002  # see `connect_tcp`
        """Write everything."""
        if self._layers > 1:  # TLS within TLS: only the library knows how
            self._inner.write(buffer, self._attempt.left(httpcore.WriteTimeout))
            return
        connection, rest = self._inner.get_extra_info("socket"), memoryview(buffer)
        while rest:
            try:
                connection.settimeout(self._attempt.left(httpcore.WriteTimeout))
                rest = rest[connection.send(rest) :]
            except TimeoutError:
                raise httpcore.WriteTimeout("the attempt is over") from None
            except OSError as error:
                raise httpcore.WriteError(type(error).__name__) from None

    def close(self) -> None:
        """Close it."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002  # see `connect_tcp`
    ) -> httpcore.NetworkStream:
        """Shake hands."""
        inner = self._inner.start_tls(ssl_context, server_hostname, self._attempt.left(httpcore.ConnectTimeout))
        return _Stream(inner, self._attempt, layers=self._layers + 1)

    def get_extra_info(self, info: str) -> Any:
        """Return what the connection knows of itself."""
        return self._inner.get_extra_info(info)
