"""What was left out, told by cause: one line a cause, with how many it met and whom."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intergeneval.build.records import Drop

_NAMED = 4
"""Of how many that share a cause the names are told."""


def by_cause(drops: Sequence[Drop], most: int) -> list[str]:
    """Return a line a cause, in the order in which they came up, and after `most` of them how many more there are.

    Reasons that differ in nothing but the sample's own id are one cause, told in the words of the first.
    """
    found: dict[str, list[Drop]] = {}
    for drop in drops:
        found.setdefault(_without_id(drop), []).append(drop)
    lines = [_line(group) for group in list(found.values())[:most]]
    rest = list(found.values())[most:]
    if rest:
        count = sum(len(group) for group in rest)
        lines.append(f"and {count} more, with {len(rest)} other {'causes' if len(rest) > 1 else 'cause'}")
    return lines


def _line(group: Sequence[Drop]) -> str:
    if len(group) == 1:
        return f"{_whom(group[0])}: {group[0].reason}"
    names = list(dict.fromkeys(_whom(drop) for drop in group))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    such = "" if len({drop.reason for drop in group}) == 1 else "such as "
    return f"{len(group)} times ({'; '.join(names[:_NAMED])}{more}): {such}{group[0].reason}"


def _whom(drop: Drop) -> str:
    what: Iterable[str] = (drop.sample_id, drop.instance_id or (f"'{drop.interaction}'" if drop.interaction else ""))
    return ", ".join(part for part in what if part)


def _without_id(drop: Drop) -> str:
    return re.sub(rf"(?<![\w-]){re.escape(drop.sample_id)}(?![\w-])", "\0", drop.reason)
