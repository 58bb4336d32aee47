"""A server of raw sockets on the loopback: what it writes is written as it stands, framing and headers included."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.fakes.chat_server import good, understood

Play = Callable[["Talk"], None]
"""Answers one request, well or oddly."""


class Talk:
    """One request, and the connection on which to answer it."""

    def __init__(self, connection: socket.socket, request: dict[str, Any], attempt: int) -> None:
        self._connection = connection
        self.asked = understood(request, {}, 0)
        self.attempt = attempt
        self.until = time.monotonic() + 20

    def answers(self, reason: str = "seen") -> str:
        """What a model says that looks and keeps to the format."""
        found = json.loads(good(self.asked))
        for item in found["answers"]:
            item["reason"] = reason
        return json.dumps(found)

    def write(self, data: bytes) -> None:
        self._connection.sendall(data)

    def forever(self, data: bytes, pause: float = 0.0) -> None:
        """Write again and again until the other side has had enough."""
        while time.monotonic() < self.until:
            self.write(data)
            if pause:
                time.sleep(pause)

    def hang(self) -> None:
        """Keep the connection and say nothing, until the other side leaves."""
        self._connection.settimeout(20)
        with contextlib.suppress(OSError):
            while self._connection.recv(65536):
                pass


class RawServer:
    """`with RawServer(plays) as server`: the play of index N is at ``server.url(N)``; `attempts` counts requests by index."""

    def __init__(self, plays: list[Play]) -> None:
        self._plays = plays
        self.attempts: Counter[int] = Counter()
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def url(self, index: int) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}/{index}/v1"

    def __enter__(self) -> RawServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            stream = connection.makefile("rb")
            path = stream.readline()
            length = 0
            while (line := stream.readline()).strip():
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            named, sent = re.search(rb"/(\d+)/v1", path), stream.read(length)
            if named is None or len(sent) < length or not sent:  # whoever connected has left
                return
            index = int(named.group(1))
            with self._lock:
                self.attempts[index] += 1
                attempt = self.attempts[index]
            request = json.loads(sent)
            self._plays[index](Talk(connection, request, attempt))
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
                Talk(connection, request, attempt).hang()
