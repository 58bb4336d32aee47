"""Where the cards of failures lie, for the pages that lead to them. Knows nothing of how cards are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

VideoKey = tuple[str, str, int]
"""Model name on the page, sample id and seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardLink:
    """One card in a folder of cards."""

    label: str
    """Model name."""
    sample_id: str
    """The sample."""
    seed: int
    """The seed."""
    text: str
    """What was lost, how it was answered, and what it cost, in words."""
    picture: str
    """File name of the picture."""
    clip: str
    """File name of the clip; empty where there is none."""


def by_video(links: Iterable[CardLink]) -> Mapping[VideoKey, tuple[CardLink, ...]]:
    """Return the cards of each video, the costliest first."""
    found: dict[VideoKey, list[CardLink]] = {}
    for link in links:
        found.setdefault((link.label, link.sample_id, link.seed), []).append(link)
    return {key: tuple(items) for key, items in found.items()}
