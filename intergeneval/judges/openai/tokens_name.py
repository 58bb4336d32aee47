"""The two names under which servers take the limit of a reply's length: one thing, so a server is asked in its own word.

Records, revision and cache keys keep the name that the settings give: what is asked for is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMES = ("max_tokens", "max_completion_tokens")


def other_name(parameters: Mapping[str, Any]) -> str:
    """Return the name that the parameters do not use; empty where they use none or both."""
    used = [name for name in NAMES if name in parameters]
    return NAMES[1 - NAMES.index(used[0])] if len(used) == 1 else ""


def under(request: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the request with the limit under another name; as it is where `name` is empty or it has no limit."""
    if not name or name in request:
        return request
    return {name if key in NAMES else key: value for key, value in request.items()}
