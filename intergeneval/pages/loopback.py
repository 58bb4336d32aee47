"""A page served on this machine alone: who asks by another name than its own, or without the page's token, gets nothing."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any
from urllib.parse import parse_qs, urlsplit

from intergeneval.errors import IntergenevalError

LOOPBACK = "127.0.0.1"
LARGEST = 4 << 20
"""Bytes of the largest request that is read."""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_KINDS = {"html": "text/html", "js": "text/javascript", "css": "text/css"}


class LoopbackServer(ThreadingHTTPServer):
    """Serves the pages of one kind until it is closed."""

    daemon_threads = True
    package = ""
    """Package whose folder ``templates`` holds the page and its parts."""
    page = ""
    """Name of the page; its script and style are called the same."""

    def __init__(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0: any that is free. Raises OSError where the port is taken."""
        self.token = secrets.token_urlsafe(16)
        super().__init__((LOOPBACK, port), _Handler)

    @property
    def url(self) -> str:
        """Address of the page, with the token that only who started it knows."""
        return f"http://{LOOPBACK}:{self.server_port}/?token={self.token}"

    def give(self, name: str, asked: Mapping[str, str]) -> tuple[str, bytes] | Any:  # noqa: ARG002  # for a page that asks
        """Return what is asked for by GET: plain JSON values, or (content type, bytes). Raises KeyError where there is none."""
        raise KeyError(name)

    def take(self, name: str, job: Any) -> Any:  # noqa: ARG002  # for a page that has steps
        """Do what is asked for by POST, and return plain JSON values. Raises KeyError where there is no such step."""
        raise KeyError(name)


class _Handler(BaseHTTPRequestHandler):
    server: LoopbackServer

    def do_GET(self) -> None:
        """Give the page, its parts, or what the server knows."""
        parts = urlsplit(self.path)
        name, asked = parts.path.strip("/"), {key: values[0] for key, values in parse_qs(parts.query).items()}
        page = self.server.page
        static = name in (f"{page}.js", f"{page}.css")
        if not self._ours(asked, static=static):
            return
        if not name or static:
            self._file(name or f"{page}.html")
        else:
            self._answer(lambda: self.server.give(name, asked))

    def do_POST(self) -> None:
        """Do one step, and answer with what is known then."""
        parts = urlsplit(self.path)
        if not self._ours({}, static=False):
            return
        try:
            length = int(self.headers.get("Content-Length") or 0)
            if not 0 < length <= LARGEST:
                raise ValueError(f"it has {length} bytes, at most {LARGEST} are read")
            job = json.loads(self.rfile.read(length))
        except ValueError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, f"the request cannot be read: {error}")
            return
        self._answer(lambda: self.server.take(parts.path.strip("/"), job))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name in the standard library
        """Say nothing of each request."""

    def _ours(self, asked: Mapping[str, str], *, static: bool) -> bool:
        """Whether a request comes from our page: by this machine's name, and with the token; style and script need none."""
        host = (self.headers.get("Host") or "").rpartition(":")[0]
        token = self.headers.get("X-Token") or asked.get("token") or ""
        if host not in (LOOPBACK, "localhost") or not (
            static or secrets.compare_digest(token.encode(), self.server.token.encode())
        ):
            self._refuse(HTTPStatus.FORBIDDEN, "this page belongs to whoever started it; open the address it printed")
            return False
        return True

    def _answer(self, work: Callable[[], Any]) -> None:
        try:
            found = work()
        except IntergenevalError as error:
            self._refuse(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        except (IndexError, KeyError, TypeError, ValueError) as error:
            self._refuse(HTTPStatus.BAD_REQUEST, f"there is no such thing, or the request cannot be read: {error}")
        else:
            if isinstance(found, tuple):
                self._send(HTTPStatus.OK, *found)
            else:
                self._send(HTTPStatus.OK, "application/json", json.dumps(found).encode())

    def _file(self, name: str) -> None:
        content = resources.files(self.server.package).joinpath("templates", name).read_bytes()
        self._send(HTTPStatus.OK, f"{_KINDS[name.rpartition('.')[2]]}; charset=utf-8", content)

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self._send(status, "application/json", json.dumps({"error": why}).encode())

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(content)), "Content-Security-Policy": _POLICY}
        more = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
        for name, value in {**headers, **more}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
