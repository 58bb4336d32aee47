"""One request to a chat interface: sent, repeated with back-off while that can help, and given up with a kind and a sentence."""

from __future__ import annotations

import datetime
import email.utils
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import tenacity

from intergeneval.errors import BackendError
from intergeneval.judges.openai import choices
from intergeneval.judges.openai.limiter import Limiter
from intergeneval.judges.openai.settings import OpenAISettings

MAX_REPLY = 8 << 20
"""Largest reply that is read, in bytes."""
CONNECT_SECONDS = 20.0
_BUSY = frozenset({429, 503, 529})
_AGAIN = frozenset({408, 409, 425, 500, 502, 504})
_SHORTEST_NOTICE = 2.0


class AskError(BackendError):
    """A request came to nothing; `kind` names the way in which it did."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class _AgainError(Exception):
    """An attempt failed in a way that another attempt may not; `wait` is what the server asked for, in seconds."""

    def __init__(self, kind: str, text: str, wait: float | None = None, usage: Any = None) -> None:
        super().__init__(text)
        self.kind = kind
        self.wait = wait
        self.usage = usage


@dataclass(slots=True, kw_only=True)
class Took:
    """What asking about one video took so far."""

    requests: int = 0
    """Requests sent."""
    input_tokens: int = 0
    """Tokens sent."""
    cached_tokens: int = 0
    """Of these, from the server's prefix cache."""
    output_tokens: int = 0
    """Tokens received."""
    cost: float = 0.0
    """By the price table."""
    failures: Counter[str] = field(default_factory=Counter)
    """Attempts that failed, by kind."""
    served: Counter[str] = field(default_factory=Counter)
    """Replies by the revision the server names."""
    uncounted: list[Any] = field(default_factory=list)
    """What replies that were errors say they took, until it is added to the tokens above."""

    def usage(self) -> dict[str, Any]:
        """Return this as the `usage` of a record; empty when nothing was sent."""
        if not self.requests:
            return {}
        numbers = {name: getattr(self, name) for name in ("requests", "input_tokens", "cached_tokens", "output_tokens", "cost")}
        return {**numbers, "failures": dict(sorted(self.failures.items())), "served": dict(sorted(self.served.items()))}


class Client:
    """Posts requests from several threads over kept connections."""

    def __init__(self, settings: OpenAISettings, notice: Callable[[str], None]) -> None:
        self.notice = notice
        self._settings = settings
        self._limiter = Limiter(settings.concurrency)
        self._wait_longer = tenacity.wait_random_exponential(multiplier=settings.backoff, max=settings.longest_wait)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if settings.key:
            headers["Authorization"] = f"Bearer {settings.key}"
        most = settings.concurrency
        # No redirects: the key goes to the host that was named and to no other.
        self._http = httpx.Client(
            headers=headers,
            timeout=httpx.Timeout(settings.timeout, connect=min(CONNECT_SECONDS, settings.timeout)),
            limits=httpx.Limits(max_connections=most, max_keepalive_connections=most),
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def ask(self, body: bytes, took: Took) -> dict[str, Any]:
        """Return the reply to one request as a JSON object that holds a choice; adds to `took`. Raises AskError."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_AgainError),
            stop=tenacity.stop_after_attempt(self._settings.attempts),
            wait=self._wait,
            reraise=True,
        )
        try:
            return retrying(self._once, body, took)
        except _AgainError as error:
            raise AskError(error.kind, f"{error} ({self._settings.attempts} attempts)") from None

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        longer = self._wait_longer(state)
        # A wait the server asked for holds back every request, in the limiter; here only what spreads them afterwards.
        return min(longer, self._settings.backoff) if isinstance(error, _AgainError) and error.wait is not None else longer

    def _once(self, body: bytes, took: Took) -> dict[str, Any]:
        with self._limiter.turn() as began:
            took.requests += 1
            try:
                status, headers, content = self._post(body)
                reply = self._checked(status, headers, content, began)
            except _AgainError as error:
                took.failures[error.kind] += 1
                took.uncounted.append(error.usage)
                raise
            except AskError as error:
                took.failures[error.kind] += 1
                raise
            except httpx.TimeoutException:
                took.failures["timeout"] += 1
                raise _AgainError("timeout", f"no reply within {self._settings.timeout:g} s") from None
            except (httpx.TransportError, httpx.DecodingError) as error:
                took.failures["connection"] += 1
                raise _AgainError("connection", f"the connection broke ({type(error).__name__})") from None
        self._limiter.speed_up()
        return reply

    def _post(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Send once and read the reply, within the time and the size that are allowed."""
        until, content = time.monotonic() + self._settings.timeout, bytearray()
        with self._http.stream("POST", f"{self._settings.base_url}/chat/completions", content=body) as response:
            for piece in response.iter_bytes():
                content += piece
                if len(content) > MAX_REPLY:
                    raise AskError("oversized", f"the reply is larger than {MAX_REPLY >> 20} MB")
                if time.monotonic() > until:
                    raise httpx.ReadTimeout("too slow")
            return response.status_code, response.headers, bytes(content)

    def _checked(self, status: int, headers: Mapping[str, str], content: bytes, began: float) -> dict[str, Any]:
        """Return the reply if it is one. What the server wrote about an error is not repeated: it may quote key or prompt."""
        if status in _BUSY:
            raise self._busy(status, headers, began)
        if status in _AGAIN:
            raise _AgainError(f"http {status}", f"the server answered with status {status}")
        if status != httpx.codes.OK:
            raise AskError(f"http {status}", f"the server refused the request with status {status}{_HINTS.get(status, '')}")
        try:
            reply = json.loads(content)
        except (ValueError, RecursionError):
            raise _AgainError("broken reply", "the reply is cut off or not JSON") from None
        if found := choices.fault(reply):
            raise _AgainError(*found, usage=reply.get("usage") if isinstance(reply, dict) else None)
        assert isinstance(reply, dict)
        return reply

    def _busy(self, status: int, headers: Mapping[str, str], began: float) -> Exception:
        asked = retry_after(headers.get("retry-after"))
        if asked is not None and asked > self._settings.longest_wait:
            return AskError(
                "rate limit", f"the server asks to wait {asked:.0f} s, longer than longest_wait {self._settings.longest_wait:g} s"
            )
        cut = self._limiter.slow_down(began, asked or 0.0)
        if cut and (asked or 0.0) >= _SHORTEST_NOTICE:
            self.notice(
                f"rate limit: waiting {asked:.0f} s as the server asks, then at most {self._limiter.limit} requests at once"
            )
        elif cut:
            self.notice(f"rate limit: going on with at most {self._limiter.limit} requests at once")
        kind = "rate limit" if status == httpx.codes.TOO_MANY_REQUESTS else f"http {status}"
        return _AgainError(kind, f"the server is busy (status {status})", asked)


_HINTS = {
    401: "; check the key in the environment",
    403: "; check the key in the environment",
    404: "; check model name and base_url",
    413: "; its pictures are too large for this server",
}


def retry_after(text: str | None, now: datetime.datetime | None = None) -> float | None:
    """Return the seconds of a Retry-After header, given as a number or as a date; None where it says nothing readable."""
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            then = email.utils.parsedate_to_datetime(text)
        except ValueError:
            return None
        if then.tzinfo is None:
            then = then.replace(tzinfo=datetime.UTC)
        seconds = (then - (now or datetime.datetime.now(datetime.UTC))).total_seconds()
    return max(0.0, seconds) if seconds == seconds and seconds < float("inf") else None  # noqa: PLR0124  # NaN is not itself
