"""The statistics page of a dataset: one file without a script, with bars, and pictures of what is in it and of what is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from intergeneval.errors import ConfigError, MediaError, RecordError
from intergeneval.records.disk import write_atomically
from intergeneval.sheet import environment
from matrix_train.data.clips import Clip, inside
from matrix_train.datasets.decisions import drawn
from matrix_train.datasets.pictures import poster, shown_frames
from matrix_train.datasets.statistics import Statistics
from matrix_train.datasets.writing import Dropped

ROWS = 15
"""Lines of a table of names; the rest is one line."""
EXAMPLES = 3
"""Pictures of a reason for which clips were left out."""
SHOWN = 10
"""Clips of the dataset that are shown."""
TABLES: Mapping[str, tuple[str, str]] = {
    "splits": ("Split", "clips"),
    "categories": ("Categories of interactions", "interactions"),
    "verbs": ("Verbs", "interactions"),
    "classes": ("Classes of instances", "instances"),
    "instances": ("Instances a clip", "clips"),
    "interactions": ("Interactions a clip", "clips"),
    "words": ("Words a caption", "clips"),
    "lengths": ("Seconds", "clips"),
    "sizes": ("Sizes in pixels", "clips"),
    "rates": ("Frames per second", "clips"),
    "sources": ("Sources", "clips"),
    "licences": ("Licences", "clips"),
}
"""Field of the statistics -> heading of its table, and what is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table."""

    name: str
    """What is counted."""
    count: int
    """How often."""
    share: float
    """Share of all, 0 to 1."""
    width: float
    """Length of the bar, in percent of the longest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An example."""

    data: str
    """The picture, as an address that holds it."""
    caption: str
    """What is said under it."""


def write_statistics_page(
    root: Path, clips: Sequence[Clip], found: Statistics, dropped: Sequence[tuple[Dropped, str]], out: Path
) -> None:
    """Write the page; `dropped` are the clips that were left out, each with the video its line names. Raises OSError."""
    tables = {name: (*TABLES[name], rows_of(getattr(found, name))) for name in TABLES if getattr(found, name)}
    examples = {(loss.stage, kind): _examples(root, loss.stage, kind, dropped) for loss in found.funnel for kind in loss.kinds}
    text = (
        environment("matrix_train.datasets")
        .get_template("statistics.html")
        .render(
            name=root.resolve().name,
            found=found,
            tables=tables,
            examples=examples,
            shown=list(_shown(root, clips)),
            all=found.clips + len(dropped),
        )
    )
    write_atomically(out, text)


def rows_of(counts: Mapping[str, int]) -> list[Row]:
    """Return the lines of a table: at most so many, and one for the rest."""
    names = list(counts)
    kept = names if len(names) <= ROWS + 1 else names[:ROWS]
    total, longest = sum(counts.values()), max(counts.values())
    rows = [(name, counts[name]) for name in kept]
    if len(kept) < len(names):
        rows.append((f"{len(names) - len(kept)} others", total - sum(counts[name] for name in kept)))
    return [Row(name=name, count=count, share=count / total, width=100 * min(1.0, count / longest)) for name, count in rows]


def _shown(root: Path, clips: Sequence[Clip]) -> Iterator[Picture]:
    for clip in drawn(clips, min(SHOWN, len(clips)), 0):
        try:
            frames = shown_frames(root, clip, 3)
        except (MediaError, ConfigError, RecordError) as error:
            yield Picture(data="", caption=f"{clip.id} cannot be shown: {error}")
            continue
        yield Picture(data=frames[len(frames) // 2].data, caption=clip.caption)


def _examples(root: Path, stage: str, kind: str, dropped: Sequence[tuple[Dropped, str]]) -> list[Picture]:
    found: list[Picture] = []
    for item, video in dropped:
        if len(found) == EXAMPLES:
            break
        if (item.stage, item.group) != (stage, kind) or not video:
            continue
        try:
            found.append(Picture(data=poster(inside(root, video, "video")), caption=f"{item.clip}: {item.reason}"))
        except (MediaError, ConfigError) as error:
            found.append(Picture(data="", caption=f"{item.clip}: {item.reason} ({error})"))
    return found
