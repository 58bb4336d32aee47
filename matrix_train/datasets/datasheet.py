"""A datasheet: what "Datasheets for Datasets" (Gebru et al., 2021) asks, in words of our own, answered where the data can.

What only people know is marked as theirs to write: nothing is made up, and nothing is passed over.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from intergeneval.errors import ConfigError, MediaError, RecordError, UsageError
from intergeneval.records.disk import read_text, write_atomically
from matrix_train.data.clips import Clip, stored_tracks
from matrix_train.datasets.kinds import UNTOLD
from matrix_train.datasets.statistics import Statistics

NAME = "DATASHEET.md"
OPEN = "*To be written by you.*"
"""What stands where the data have no answer."""
LISTED = 20
"""Names of a kind that are listed."""
PICTURES = "pictures of masks"
"""What made the masks of a clip that has them as pictures, and says nothing of it."""


def datasheet(name: str, clips: Sequence[Clip], found: Statistics, trackers: Mapping[str, int]) -> str:
    """Return the datasheet of a dataset as Markdown; `trackers` are what made its masks, with the number of clips."""
    environment = Environment(
        loader=PackageLoader("matrix_train.datasets"),
        autoescape=False,  # noqa: S701  # Markdown, and every text of the data goes through `plain`
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"plain": plain, "listed": listed}
    more = sorted({field for clip in clips if clip.more for field in json.loads(clip.more)})
    text = environment.get_template("datasheet.md").render(
        name=name, found=found, open=OPEN, untold=UNTOLD, trackers=trackers, more=more, example=clips[0].caption
    )
    return text.strip() + "\n"


def trackers_of(root: Path, clips: Sequence[Clip]) -> dict[str, int]:
    """Return what made the masks of clips, as their tracks name it, with how many each; what cannot be read is not counted."""
    counts: Counter[str] = Counter()
    for clip in clips:
        try:
            tracks = stored_tracks(root, clip)
        except (MediaError, ConfigError, RecordError):
            continue
        counts[PICTURES if tracks is None else tracks.tracker] += 1
    return dict(counts.most_common())


def write_datasheet(path: Path, text: str) -> None:
    """Write a datasheet; one that a person has gone on with is never written over.

    Raises UsageError where another text lies there, OSError.
    """
    if path.is_file() and read_text(path) != text:
        raise UsageError(f"{path} is there and says something else; give --out another file, and take from it what has changed")
    write_atomically(path, text)


def plain(text: str) -> str:
    """Return a text of the data as it stands in Markdown: on one line, with nothing in it that formats or that is a tag."""
    escaped = "".join(f"\\{char}" if char in "\\`*_{}[]()#+!|<>~" else char for char in " ".join(text.split()))
    return escaped.replace("&", "&amp;")


def listed(counts: Mapping[str, int]) -> str:
    """Return names with their counts as one line of Markdown, the first ones of many."""
    names = list(counts)
    shown = [f"{plain(name)} ({counts[name]})" for name in names[:LISTED]]
    return ", ".join(shown) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")
