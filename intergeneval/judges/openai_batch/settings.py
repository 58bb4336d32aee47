"""Settings of the batch judge: those of ``openai:MODEL``, and beside them ``[settings.openai-batch]`` of the run's TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from intergeneval.errors import ConfigError, RecordError
from intergeneval.judges.openai.settings import OpenAISettings, read_settings
from intergeneval.records import Record

MEGABYTE = 1_000_000
"""Bytes in one, as limits of servers are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSettings(Record):
    """What can be set for the way through the batch interface; nothing of it changes what is asked."""

    requests: int = 50_000
    """Most requests in one batch."""
    megabytes: float = 200.0
    """Largest file that is handed in, in millions of bytes."""
    waiting_tokens: int | None = None
    """Most tokens that may wait at the server at once, by our estimate; the rest is handed in when these are done. None: any."""
    price: float = 1.0
    """What a token costs in a batch, as a share of the price table; 1: as much, which is on the high side where batches are
    cheaper."""
    window: str = "24h"
    """Time within which the server is to reply (``completion_window``)."""
    endpoint: str = "/v1/chat/completions"
    """What the server calls its chat interface, in a batch and in each of its lines."""
    wait: float = 0.0
    """Seconds to wait for replies, in all, before the run ends without them; 0: it ends as soon as all is handed in."""
    poll: float = 60.0
    """Seconds between two looks while it waits, at first; they grow to ten times that."""
    transfer: float = 3600.0
    """Seconds one file may take on its way."""
    forget: tuple[str, ...] = ()
    """Batches that are no longer waited for, since the server does not know them any more: what they hold is handed in again."""

    def __post_init__(self) -> None:
        if self.requests < 1:
            raise ValueError(f"requests {self.requests} is below 1")
        if self.waiting_tokens is not None and self.waiting_tokens < 1:
            raise ValueError(f"waiting_tokens {self.waiting_tokens} is below 1")
        for name in ("megabytes", "poll", "transfer"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name} {getattr(self, name)} is not above 0")
        for name in ("price", "wait"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} {getattr(self, name)} is not a number of 0 or more")
        for name in ("window", "endpoint"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} is empty")

    @property
    def bytes(self) -> int:
        """Largest file that is handed in."""
        return int(self.megabytes * MEGABYTE)


def read(model: str, settings: Mapping[str, Any]) -> tuple[OpenAISettings, BatchSettings]:
    """Return the settings for a model: how it is asked, and how that goes through batches. Raises ConfigError."""
    own = {item.name for item in fields(BatchSettings)}
    try:
        batch = BatchSettings.from_json(
            {name: value for name, value in settings.items() if name in own}, where="[settings.openai-batch]"
        )
    except RecordError as error:
        raise ConfigError(str(error)) from None
    if not model.strip():
        raise ConfigError("judge 'openai-batch': say which model, as in openai-batch:MODEL")
    if isinstance(settings.get("base_url"), list | tuple):
        raise ConfigError(
            "[settings.openai] base_url: judge 'openai-batch' takes one address, for its batches lie at one server; a list is "
            "for judge 'openai'"
        )
    return read_settings(model, {name: value for name, value in settings.items() if name not in own}), batch


def at_batch_price(settings: OpenAISettings, batch: BatchSettings) -> OpenAISettings:
    """Return the settings with the price table of batches."""
    prices = settings.prices
    if prices is None:
        return settings
    kept = None if prices.cached_input is None else prices.cached_input * batch.price
    return replace(
        settings,
        prices=replace(prices, input=prices.input * batch.price, output=prices.output * batch.price, cached_input=kept),
    )
