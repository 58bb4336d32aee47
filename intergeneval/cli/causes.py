"""What was left out, told by cause: one line a cause, with how many it met and whom."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from intergeneval.ids import few

if TYPE_CHECKING:
    from intergeneval.build.records import Drop

_OWN = re.compile(r"'[^']*'|\d+")
_NAMED = 4
"""Samples that are named of those that share a cause."""


def by_cause(drops: Sequence[Drop], most: int) -> list[str]:
    """Return a line a cause, in the order in which they came up, and after `most` of them how many more there are.

    Reasons that differ in nothing but names, numbers and what they quote are one cause, told in the words of the first.
    """
    found: dict[str, list[Drop]] = {}
    for drop in drops:
        found.setdefault(_kind(drop), []).append(drop)
    lines = [_line(group) for group in list(found.values())[:most]]
    rest = list(found.values())[most:]
    if rest:
        count = sum(len(group) for group in rest)
        lines.append(f"and {count} more, with {len(rest)} other {'causes' if len(rest) > 1 else 'cause'}")
    return lines


def _line(group: Sequence[Drop]) -> str:
    first = group[0]
    if len(group) == 1:
        what = first.instance_id or (f"'{first.interaction}'" if first.interaction else "")
        return f"{first.sample_id}{f', {what}' if what else ''}: {first.reason}"
    names = list(dict.fromkeys(drop.sample_id for drop in group))
    such = "" if len({drop.reason for drop in group}) == 1 else "such as "
    return f"{len(group)} times ({few(names, _NAMED)}): {such}{first.reason}"


def _kind(drop: Drop) -> str:
    """Return a reason less what is said of this sample alone: its id, what stands in quotes, numbers."""
    plain = re.sub(rf"(?<![\w-]){re.escape(drop.sample_id)}(?![\w-])", "\0", drop.reason)
    return _OWN.sub("\0", plain)
