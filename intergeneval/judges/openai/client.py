"""One request to a chat interface: sent, repeated with back-off while that can help, and given up with a kind and a sentence."""

from __future__ import annotations

import datetime
import email.utils
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpcore
import tenacity

from intergeneval.errors import BackendError
from intergeneval.judges.openai import choices
from intergeneval.judges.openai.address import CHAT, read_address
from intergeneval.judges.openai.inner_errors import refusal_within
from intergeneval.judges.openai.limiter import Limiter
from intergeneval.judges.openai.refusals import Refusal, refusal_of
from intergeneval.judges.openai.server_words import load
from intergeneval.judges.openai.settings import OpenAISettings
from intergeneval.judges.openai.wire import MAX_REPLY, Received, TooLargeError, Wire

LONGEST_BELIEVED = 7 * 86_400.0
"""Seconds of a Retry-After beyond which it is taken for nonsense, as one in the past is."""
_TOO_MANY_REQUESTS = 429
OVERSIZED = "oversized"
"""Kind of a reply that is larger than is read."""
_BUSY = frozenset({_TOO_MANY_REQUESTS, 503, 529})
_SHORTEST_NOTICE = 2.0
SCHEMA = b'"response_format":'
"""What a request holds that is held to a schema; within a text its quotes would be escaped."""


class AskError(BackendError):
    """A request came to nothing; `kind` names the way in which it did, `refusal` why the server refuses it for good, or None.

    `usage` is what the server says that it took all the same, `busy` whether it has too much to do, and only that.
    """

    def __init__(self, kind: str, text: str, refusal: Refusal | None = None, usage: Any = None, *, busy: bool = False) -> None:
        super().__init__(text)
        self.kind = kind
        self.refusal = refusal
        self.usage = usage
        self.busy = busy


class _AgainError(Exception):
    """An attempt failed in a way that another attempt may not; `wait` is what the server asked for, in seconds.

    `busy` says that it has too much to do, and only that.
    """

    def __init__(self, kind: str, text: str, wait: float | None = None, usage: Any = None, *, busy: bool = False) -> None:
        super().__init__(text)
        self.busy = busy
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
    """Posts requests from several threads over kept connections.

    With `others` there are servers that can be asked instead: what fails otherwise than for a server that has too much to do is
    not tried again here.
    """

    live = True
    """Whether what is asked goes to the server now; replies that came earlier are no reason to stop a run."""

    def __init__(self, settings: OpenAISettings, notice: Callable[[str], None], *, others: bool = False) -> None:
        self.notice = notice
        self._others = others
        self._settings = settings
        self._limiter = Limiter(settings.concurrency)
        self._wait_longer = tenacity.wait_random_exponential(multiplier=settings.backoff, max=settings.longest_wait)
        headers = {"Content-Type": "application/json", **accepting(settings)}
        address = read_address(settings.base_url, "[settings.openai]", settings.key_variable)
        self._wire = Wire(address, headers, settings.concurrency)

    def close(self) -> None:
        """Close all connections."""
        self._wire.close()

    def ask(self, body: bytes, took: Took, pictures: int = 0) -> dict[str, Any]:
        """Return the reply to one request, of so many pictures, as a JSON object that holds a choice; adds to `took`.

        Raises AskError, with a refusal where sending it again would change nothing.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, _AgainError) and (error.busy or not self._others)),
            stop=tenacity.stop_after_attempt(self._settings.attempts),
            wait=self._wait,
            reraise=True,
        )
        try:
            return retrying(self._once, body, took, pictures)
        except _AgainError as error:
            many = f" ({self._settings.attempts} attempts)" if error.busy or not self._others else ""
            raise AskError(error.kind, f"{error}{many}", busy=error.busy) from None

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        longer = self._wait_longer(state)
        # A wait the server asked for holds back every request, in the limiter; here only what spreads them afterwards.
        return min(longer, self._settings.backoff) if isinstance(error, _AgainError) and error.wait is not None else longer

    def _once(self, body: bytes, took: Took, pictures: int) -> dict[str, Any]:
        with self._limiter.turn() as began:
            took.requests += 1
            try:
                reply = self._tried(body, began, pictures)
            except (_AgainError, AskError) as error:
                took.failures[error.kind] += 1
                took.uncounted.append(error.usage)
                raise
        self._limiter.speed_up()
        return reply

    def _tried(self, body: bytes, began: float, pictures: int) -> dict[str, Any]:
        """Send once; a redirect is not followed: the key goes to the host that was named and to no other."""
        try:
            received = self._post(body)
        except httpcore.TimeoutException:
            raise _AgainError("timeout", f"no reply within {self._settings.timeout:g} s") from None
        except TooLargeError:
            raise AskError(OVERSIZED, f"the reply is larger than {MAX_REPLY >> 20} MB") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError, httpcore.UnsupportedProtocol) as error:
            raise _AgainError("connection", f"the connection broke ({type(error).__name__})") from None
        if not 200 <= received.status < 300:  # some gateways answer with 201
            raise self._failed(received, began, pictures, schema=SCHEMA in body)
        return self._reply(received.content, pictures, schema=SCHEMA in body)

    def _post(self, body: bytes) -> Received:
        return self._wire.post(CHAT, body, self._settings.timeout)

    def _failed(self, received: Received, began: float, pictures: int, *, schema: bool) -> Exception:
        """Return what a status that is no reply means. The body is not repeated: it may quote key or prompt."""
        status = received.status
        refusal = refusal_of(status, received.content, self._settings, pictures, schema=schema)
        if refusal is not None:
            return AskError(refusal.kind, refusal.text, refusal)
        if status in _BUSY:
            return self._busy(status, received.headers, began)
        return _AgainError(f"http {status}", f"the server answered with status {status}")

    def _reply(self, content: bytes, pictures: int, *, schema: bool) -> dict[str, Any]:
        try:
            reply = load(content)
        except (ValueError, RecursionError):
            raise _AgainError("broken reply", "the reply is cut off or not JSON") from None
        found = choices.fault(reply)
        if found is None:
            assert isinstance(reply, dict)
            return reply
        usage = reply.get("usage") if isinstance(reply, dict) else None
        refusal = refusal_within(reply, self._settings, pictures, schema=schema)
        if refusal is not None:
            raise AskError(refusal.kind, refusal.text, refusal, usage)
        raise _AgainError(*found, usage=usage)

    def _busy(self, status: int, headers: Mapping[str, str], began: float) -> Exception:
        asked = retry_after(headers.get("retry-after"))
        if asked is not None and asked > self._settings.longest_wait:
            text = f"the server asks to wait {asked:.0f} s, longer than longest_wait {self._settings.longest_wait:g} s"
            return AskError("rate limit", text, busy=True)
        cut = self._limiter.slow_down(began, asked or 0.0)
        if cut and (asked or 0.0) >= _SHORTEST_NOTICE:
            self.notice(
                f"rate limit: waiting {asked:.0f} s as the server asks, then at most {self._limiter.limit} requests at once"
            )
        elif cut:
            self.notice(f"rate limit: going on with at most {self._limiter.limit} requests at once")
        kind = "rate limit" if status == _TOO_MANY_REQUESTS else f"http {status}"
        return _AgainError(kind, f"the server is busy (status {status})", asked, busy=True)


def accepting(settings: OpenAISettings) -> dict[str, str]:
    """Return the headers of every call: what is read, and the key where there is one."""
    key = {"Authorization": f"Bearer {settings.key}"} if settings.key else {}
    return {"Accept": "application/json", **key}


_SECONDS = re.compile(r"\d{1,20}(\.\d{0,20})?", re.ASCII)


def retry_after(text: str | None, now: datetime.datetime | None = None) -> float | None:
    """Return the seconds of a Retry-After header, given as a number or as a date.

    None where it says nothing readable, or nothing that can be meant: less than none, a date long past, or more than a week.
    """
    if text is None:
        return None
    if _SECONDS.fullmatch(text.strip()):
        seconds = float(text)
    else:
        try:
            then = email.utils.parsedate_to_datetime(text)
            if then.tzinfo is None:
                then = then.replace(tzinfo=datetime.UTC)
            seconds = (then - (now or datetime.datetime.now(datetime.UTC))).total_seconds()
        except (ValueError, OverflowError, TypeError, IndexError):
            return None
        # Clocks differ: a date that has just passed means now.
        seconds = 0.0 if -86_400 < seconds < 0 else seconds
    return seconds if 0 <= seconds <= LONGEST_BELIEVED else None
