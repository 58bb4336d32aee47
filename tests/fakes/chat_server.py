"""A chat server on the loopback, real sockets and threads: it reads what it is asked and answers by a script, well or badly."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_LABEL = re.compile(r"^\[(\d+\.\d+)\] ", re.MULTILINE)
_FRAMES = re.compile(r"^(?:Go through|Look at) frames ([\d, ]+?)(?: one by one|, beside)", re.MULTILINE)
_ALL = re.compile(r"^Look at each later frame beside", re.MULTILINE)
_SHOWN = re.compile(r"Frame (\d+)(?:, [\d.]+ of [\d.]+ s)?:")


@dataclass
class Asked:
    """One request as the server understood it."""

    request: dict[str, Any]
    headers: dict[str, str]
    labels: list[str]
    frames: list[int]
    pictures: list[str]
    shown: list[int]
    turns: int
    number: int
    text: str = ""

    @property
    def bodies(self) -> bool:
        """Whether frames with bodies that cannot be are to be marked, in the layout of own words of before."""
        return '- "impossible": ' in self.text

    @property
    def walks(self) -> bool:
        """Whether a line a frame is asked for, and whose body cannot be."""
        return bool(self.frames) and "\nwalk: " in self.text

    @property
    def assessed(self) -> bool:
        """Whether what emerged and is missing is asked for."""
        return bool(self.frames) and (not self.walks or "\nemerged: " in self.text)


@dataclass
class Fault:
    """An answer other than 200 with a good reply."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    drop: bool = False
    sleep: float = 0.0


def good(asked: Asked, answer: str = "yes") -> str:
    """What a model says that looks and keeps to the format."""
    found: dict[str, Any] = {}
    if asked.walks:
        found["walk"] = [{"frame": number, "seen": "as before"} for number in asked.frames]
        found |= {"emerged": [], "missing": []} if asked.assessed else {}
        found["bodies"] = []
    if asked.labels:
        found["answers"] = [
            {"question": name, "reason": "seen", "frame": asked.shown[0], "answer": answer} for name in asked.labels
        ]
    if asked.frames and not asked.walks:
        mark = {"impossible": False} if asked.bodies else {}
        found["frames"] = [{"frame": number, "reason": "", "emerged": False, "missing": [], **mark} for number in asked.frames]
    return json.dumps(found)


def reply(content: str | None, **message: Any) -> dict[str, Any]:
    """A chat completion with these words."""
    finish = message.pop("finish_reason", "stop")
    return {
        "model": "served-1",
        "choices": [{"message": {"role": "assistant", "content": content, **message}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 400}},
    }


Script = Callable[[Asked], "dict[str, Any] | Fault"]


class ChatServer:
    """`with ChatServer(script) as server`: serves until the block ends; `server.asked` holds every request in order."""

    def __init__(self, script: Script | None = None, latency: float = 0.0) -> None:
        self.script = script or (lambda asked: reply(good(asked)))
        self.latency = latency
        self.asked: list[Asked] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                server._open.add(self.connection)

            def do_POST(self) -> None:
                server._serve(self)

            def do_GET(self) -> None:
                server._show(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 128
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A client that went away is what some tests want."""

        self._http = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    @property
    def questions(self) -> list[str]:
        return [name for asked in self.asked for name in asked.labels]

    def __enter__(self) -> ChatServer:
        self._thread.start()
        return self

    def kill(self) -> None:
        """End as a killed server does: nobody listens any more, and every connection breaks."""
        self._http.shutdown()
        self._http.server_close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(10)

    def _show(self, handler: BaseHTTPRequestHandler) -> None:
        self._answer(handler, Fault(status=404))

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            asked = understood(json.loads(body), dict(handler.headers), len(self.asked))
            self.asked.append(asked)
        try:
            time.sleep(self.latency)
            self._answer(handler, self.script(asked))
        finally:
            with self._lock:
                self._at_once -= 1

    @staticmethod
    def _answer(handler: BaseHTTPRequestHandler, given: dict[str, Any] | Fault) -> None:
        fault = given if isinstance(given, Fault) else Fault(body=json.dumps(given).encode())
        time.sleep(fault.sleep)
        handler.close_connection = fault.drop
        if fault.drop:
            handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"choices": [')
            return
        content = fault.body if fault.body is not None else b'{"error": {"message": "no"}}'
        handler.send_response(fault.status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(content)))
        for name, value in fault.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)


def understood(request: dict[str, Any], headers: dict[str, str], number: int) -> Asked:
    messages = request["messages"]
    parts = messages[1]["content"] if isinstance(messages[1]["content"], list) else []
    pictures = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    marks = [_SHOWN.fullmatch(part["text"]) for part in parts if part["type"] == "text"]
    shown = [int(mark.group(1)) for mark in marks if mark]
    last = messages[-1]["content"]
    text = last if isinstance(last, str) else last[-1]["text"]
    found = _FRAMES.search(text)
    later = sorted(set(shown))[1:] if _ALL.search(text) else []
    return Asked(
        request=request,
        headers=headers,
        labels=_LABEL.findall(text),
        frames=[int(part) for part in found.group(1).split(", ")] if found else later,
        pictures=[hashlib.sha256(url.encode()).hexdigest() for url in pictures],
        shown=shown,
        turns=len(messages),
        number=number,
        text=text,
    )
