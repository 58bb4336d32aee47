"""Several servers of one model as one judge: the one with least in flight is asked, and one that is away is left aside."""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from intergeneval.errors import RefusedError
from intergeneval.judges.openai.client import OVERSIZED, AskError, Client, Took
from intergeneval.judges.openai.link import Link, Reply
from intergeneval.judges.openai.requests import Known
from intergeneval.judges.openai.settings import OpenAISettings
from intergeneval.judges.services import Services

_MOST_DOUBLINGS = 64
"""Losses after which the time that a server is left aside no longer doubles."""


@dataclass(slots=True, eq=False)
class _Server:
    """One of them."""

    link: Link
    in_flight: int = 0
    """Requests that are on their way to it or wait for their turn there."""
    asked: int = 0
    """When it was asked last, counted in requests."""
    answered: bool = False
    """Whether it has answered at all: until then it is asked by one request alone, so that one that hangs holds up no more."""
    losses: int = 0
    """How often in a row it was found to be away; 0: it is not."""
    found_away: float = float("-inf")
    """When it was found so last: requests that were sent before tell nothing more."""
    until: float = 0.0
    """When it may be tried again, by one request alone."""


class Servers:
    """Sends for one judge to the servers of `settings`, which are equal but for their addresses; `client` as for `Link`.

    Safe to use from several threads. All share one cache, one budget and one key. What is known of each (revision, schema, number
    of pictures) is its own, and so are its turns: ``concurrency`` holds for each.
    """

    def __init__(
        self, settings: Sequence[OpenAISettings], client: Client | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        several = len(settings) > 1
        self._settings = settings[0]
        self._servers = [_Server(Link(item, client, others=several)) for item in settings]
        self._clock = clock
        self._changed = threading.Condition()
        self._numbers = itertools.count(1)
        self._answered = False
        self._stop = ""

    @property
    def services(self) -> Services:
        """What the run lends."""
        return self._servers[0].link.services

    def attach(self, services: Services) -> None:
        """Use these services at all of them."""
        with self._changed:
            self._answered, self._stop = False, ""
            for server in self._servers:
                server.link.attach(services)
                server.answered, server.losses, server.until, server.found_away = False, 0, 0.0, float("-inf")

    def close(self) -> None:
        """Close connections."""
        for server in self._servers:
            server.link.close()

    def known(self) -> tuple[Known, ...]:
        """Return what is known of each."""
        return tuple(server.link.known() for server in self._servers)

    def most_pictures(self) -> int:
        """Return how many pictures a request may have that any of them is to take; 0: no limit is known."""
        return min(filter(None, (server.link.most_pictures() for server in self._servers)), default=0)

    def clean(self, text: str) -> str:
        """Return a text of a server as it may be kept."""
        return self._servers[0].link.clean(text)

    def send(
        self,
        compose: Callable[[bool], Mapping[str, Any]],
        estimate: float,
        took: Took,
        about: str = "a video",
        pictures: int = 0,
        *,
        trial: bool = False,
    ) -> Reply:
        """Send one request to one of them, as `Link.send` does, and to another where that one does not answer.

        A server that breaks off, is silent, fails, or has too much to do ``attempts`` times is left aside, longer each time, and
        then tried by one request. Raises as `Link.send` does; AskError after ``attempts`` tries, or when as many as there are had
        too much to do; and RefusedError when each was found away ``attempts`` times in a row.
        """
        if len(self._servers) == 1:
            return self._servers[0].link.send(compose, estimate, took, about, pictures, trial=trial)
        busy = 0
        for tries in itertools.count(1):
            with self._turn() as (server, began):
                try:
                    reply = server.link.send(compose, estimate, took, about, pictures, trial=trial)
                except AskError as error:
                    if error.refusal is not None or error.kind == OVERSIZED:
                        self._there(server)
                        raise
                    self._away(server, began, error)
                    busy += error.busy
                    if busy == len(self._servers):
                        raise AskError(error.kind, f"{error}, and so at {busy} servers in turn", busy=True) from None
                    if tries == self._settings.attempts:
                        raise AskError(error.kind, f"{error} ({tries} attempts at {len(self._servers)} servers)") from None
                else:
                    self._there(server)
                    return reply
        raise AssertionError

    @contextlib.contextmanager
    def _turn(self) -> Iterator[tuple[_Server, float]]:
        """Wait for a server that can be asked and take it; gives the time as well. Raises RefusedError when none is left."""
        with self._changed:
            while (server := self._free()) is None:
                now = self._clock()
                self._changed.wait(min((item.until - now for item in self._servers if item.until > now), default=None))
            server.in_flight += 1
            server.asked = next(self._numbers)
            began = self._clock()
        try:
            yield server, began
        finally:
            with self._changed:
                server.in_flight -= 1
                self._changed.notify_all()

    def _free(self) -> _Server | None:
        if self._stop:
            raise RefusedError(self._stop, begun=self._answered)
        now = self._clock()
        free = [
            item for item in self._servers if (item.answered and not item.losses) or (item.until <= now and not item.in_flight)
        ]
        return min(free, key=lambda item: (item.in_flight, item.asked), default=None)

    def _there(self, server: _Server) -> None:
        with self._changed:
            self._answered = server.answered = True
            back, server.losses = bool(server.losses), 0
            self._changed.notify_all()
        if back:
            self.services.notice(f"{server.link.place} answers again")

    def _away(self, server: _Server, began: float, error: AskError) -> None:
        with self._changed:
            now = self._clock()
            if began < server.found_away:
                return
            server.losses += 1
            fresh = server.losses == 1
            server.found_away = now
            # Long before so many the wait is the longest; a power of all losses of a week would leave the numbers.
            longest = min(self._settings.backoff * 2 ** min(server.losses - 1, _MOST_DOUBLINGS), self._settings.longest_wait)
            # From half of it on, so that several runs do not come back to it at once.
            server.until = now + longest * (1 + random.random()) / 2
            if all(item.losses >= self._settings.attempts for item in self._servers):
                places = ", ".join(item.link.place for item in self._servers)
                self._stop = (
                    f"judge openai:{self._settings.model}: none of its {len(self._servers)} servers answers ({places}; the last: "
                    f"{error}); nothing more was asked, and the same command goes on afterwards"
                )
            self._changed.notify_all()
        if fresh:
            self.services.notice(f"{server.link.place} is left aside for a while ({error}): the other servers are asked instead")
