"""The chat server with a batch interface in the OpenAI form: files, batches, their statuses, and all that can go wrong there."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.chat_server import ChatServer, Fault, Script, understood

EXPIRED = {"code": "batch_expired", "message": "This request could not be executed before the completion window expired."}


class BatchServer(ChatServer):
    """`with BatchServer(script) as server`: a batch is done when it is looked at, as `ends` says; chat requests go as before.

    `paid` counts the requests that a batch answered, by their content: what is in it twice was paid twice.
    """

    def __init__(self, script: Script | None = None) -> None:
        super().__init__(script)
        self.ends: Callable[[dict[str, Any]], str] = lambda _: "completed"
        """Batch -> status it is found in when it is looked at."""
        self.line: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any] | None] = lambda _, line: line
        """(request, line of its reply) -> the line as it is written; None: none."""
        self.before: Callable[[str, str], Fault | None] = lambda *_: None
        """Called with method and path before a call has any effect; what it returns is answered instead."""
        self.after: Callable[[str, str], Fault | None] = lambda *_: None
        """Likewise after a call had its effect and before it is answered."""
        self.executes: Callable[[int], bool] = lambda _: True
        """Number of a line in its file -> whether it is executed before the batch ends."""
        self.keeps_metadata = True
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.calls: Counter[str] = Counter()
        self.paid: Counter[str] = Counter()
        self._state = threading.RLock()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        if handler.path.endswith("/chat/completions"):
            super()._serve(handler)
            return
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self._call("POST", handler, body)

    def _show(self, handler: BaseHTTPRequestHandler) -> None:
        self._call("GET", handler, b"")

    def _call(self, method: str, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        path = urlsplit(handler.path).path.removeprefix("/v1")
        given = self.before(method, path)
        if given is None:
            with self._state:
                self.calls[f"{method} {re.sub(r'(file|batch)-[0-9]+', 'ID', path)}"] += 1
                given = self._done(method, path, handler, body)
            given = self.after(method, path) or given
        self._answer(handler, given)

    def _done(self, method: str, path: str, handler: BaseHTTPRequestHandler, body: bytes) -> dict[str, Any] | Fault:
        if (method, path) == ("POST", "/files"):
            content = body.split(b"\r\n\r\n")
            assert b'name="purpose"' in content[0]
            assert content[1].startswith(b"batch\r\n")
            name = f"file-{len(self.files)}"
            self.files[name] = content[2].rpartition(b"\r\n--")[0]
            return {"id": name, "object": "file", "purpose": "batch", "bytes": len(self.files[name])}
        if (method, path) == ("POST", "/batches"):
            return self._made(json.loads(body))
        if (method, path) == ("GET", "/batches"):
            return self._listed(parse_qs(urlsplit(handler.path).query))
        if found := re.fullmatch(r"/batches/(batch-\d+)", path):
            return self._looked_at(found[1])
        if (found := re.fullmatch(r"/files/(file-\d+)/content", path)) and found[1] in self.files:
            return Fault(body=self.files[found[1]])
        return Fault(status=404)

    def _made(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert set(asked) == {"input_file_id", "endpoint", "completion_window", "metadata"}
        batch = {
            **asked,
            "id": f"batch-{len(self.batches)}",
            "object": "batch",
            "status": "validating",
            "metadata": asked["metadata"] if self.keeps_metadata else None,
        }
        self.batches[batch["id"]] = batch
        return batch

    def _listed(self, query: dict[str, list[str]]) -> dict[str, Any]:
        newest = list(reversed(self.batches.values()))
        ids = [batch["id"] for batch in newest]
        first = ids.index(query["after"][0]) + 1 if "after" in query else 0
        # Small pages, so that following them is tested.
        page = newest[first : first + 2]
        return {"object": "list", "data": page, "has_more": first + 2 < len(newest)}

    def _looked_at(self, name: str) -> dict[str, Any] | Fault:
        batch = self.batches.get(name)
        if batch is None:
            return Fault(status=404)
        if batch["status"] in ("completed", "failed", "expired", "cancelled"):
            return batch
        batch["status"] = self.ends(batch)
        if batch["status"] in ("completed", "expired", "cancelled"):
            self._execute(batch)
        return batch

    def _execute(self, batch: dict[str, Any]) -> None:
        lines = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]
        written: dict[str, list[bytes]] = {"output_file_id": [], "error_file_id": []}
        for number, asked in enumerate(lines):
            assert set(asked) == {"custom_id", "method", "url", "body"}
            if not self.executes(number):
                reply = {"custom_id": asked["custom_id"], "response": None, "error": EXPIRED}
            else:
                reply = self._replied(asked)
            line = self.line(asked, reply)
            if line is not None:
                response = line.get("response")
                good = isinstance(response, dict) and response.get("status_code") == 200
                written["output_file_id" if good else "error_file_id"].append(json.dumps(line).encode() + b"\n")
        for name, content in written.items():
            if content:
                # Replies come in no order.
                batch[name] = f"file-{len(self.files)}"
                self.files[batch[name]] = b"".join(reversed(content))
        batch["request_counts"] = {"total": len(lines), "completed": len(written["output_file_id"]), "failed": 0}

    def _replied(self, asked: dict[str, Any]) -> dict[str, Any]:
        read = understood(asked["body"], {}, len(self.asked))
        self.asked.append(read)
        given = self.script(read)
        if isinstance(given, Fault):
            body = json.loads(given.body or b'{"error": {"message": "no"}}')
            response = {"status_code": given.status, "request_id": "r", "body": body}
        else:
            self.paid[json.dumps(asked["body"], sort_keys=True)] += 1
            response = {"status_code": 200, "request_id": "r", "body": given}
        return {"id": f"line-{len(self.asked)}", "custom_id": asked["custom_id"], "response": response, "error": None}
