"""Which GPUs this machine has, and what a worker is told so that it sees one of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""Environment variable that says which GPUs a process sees; a scheduler of jobs sets it, and each worker is given its own."""
_CARD = re.compile(r"nvidia\d+")


def gpus(environ: Mapping[str, str], devices: Path = Path("/dev")) -> tuple[str, ...]:
    """Return the GPUs that a command may use, as its workers name them; nothing is loaded and no GPU is touched to know.

    Those that the environment names, up to one that is none (as CUDA reads that list), else all whose device files are there.
    """
    told = environ.get(VISIBLE)
    if told is None:
        return tuple(map(str, range(sum(bool(_CARD.fullmatch(path.name)) for path in devices.glob("nvidia*")))))
    found = list[str]()
    for name in (part.strip() for part in told.split(",")):
        if name in ("", "-1", "NoDevFiles"):
            break
        found.append(name)
    return tuple(found)


def environments(cards: Sequence[str], each: int) -> tuple[dict[str, str], ...]:
    """Return the environment of every worker that there is room for, `each` on a GPU: one a GPU comes before a second on any."""
    return tuple({VISIBLE: card} for _ in range(each) for card in cards)
