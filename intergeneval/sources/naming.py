"""Videos that are called by their prompts: ``a man lifts a cup-0.mp4``, as VBench and others write them."""

from __future__ import annotations

import re

LONGEST = 180
"""Characters after which such names are cut off."""
_SEEDED = re.compile(
    r"(?P<text>.*?\S)\s*(?:[-_ (]+seed[-_ =#]*(?=\d{1,9}[)_]?\Z)|[-_](?=\d{1,9}_?\Z))(?P<seed>\d{1,9})[)_]?",
    re.DOTALL | re.IGNORECASE,
)
"""A seed behind a prompt: ``-0``, ``_00001_``, ``_seed7`` or `` (seed 42)``."""


def prompt_of_name(stem: str) -> str:
    """Return the prompt that a file's name, without its ending, holds: less a seed behind it, underscores read as spaces."""
    found = _SEEDED.fullmatch(stem)
    text = found["text"] if found is not None else stem
    return " ".join(text.replace("_", " ").split())


def seed_of_name(stem: str) -> int:
    """Return the seed behind the prompt in a file's name, 0 where there is none."""
    found = _SEEDED.fullmatch(stem)
    return int(found["seed"]) if found is not None else 0


def plain_prompt(text: str) -> str:
    """Return a prompt as names are compared: without case, punctuation at its end, and what file names cannot hold."""
    kept = "".join(" " if char in "_\t\n" else "" if char in '/\\:*?"<>|' else char for char in text.casefold())
    return " ".join(kept.split()).rstrip(" .,;!").replace("\u2019", "'")[:LONGEST].strip()
