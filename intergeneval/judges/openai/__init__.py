"""A vision-language model behind any server with an OpenAI-compatible chat interface (``openai:MODEL``).

A request is one POST whose content is the cache key; httpx sends it as it is, and nothing in between repeats or rewrites it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intergeneval.judges.openai.judge import OpenAIJudge
from intergeneval.judges.openai.settings import read_servers

__all__ = ["OpenAIJudge", "create"]


def create(argument: str, settings: Mapping[str, Any]) -> OpenAIJudge:
    """Make the judge for model `argument`. Raises ConfigError for settings that cannot be used; nothing is sent."""
    first, *others = read_servers(argument, settings)
    return OpenAIJudge(first, others=others)
