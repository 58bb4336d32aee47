"""The review sheet of a dataset: ten frames a clip with masks, its caption with roles marked, and a decision to be made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from intergeneval.errors import ConfigError, MediaError, RecordError
from intergeneval.ids import sha256_json, short
from intergeneval.records.disk import write_atomically
from intergeneval.sheet import environment
from matrix_train.data.clips import ROLE_ORDER, Clip, line_of
from matrix_train.datasets.captions import phrase_of, pieces_of
from matrix_train.datasets.decisions import CHOICES, masks_state
from matrix_train.datasets.kinds import category_of
from matrix_train.datasets.pictures import colours_of, shown_frames

A_PAGE = 100
"""Clips on one page: pictures lie inside the file."""


def write_review(
    root: Path,
    clips: Sequence[Clip],
    out: Path,
    *,
    of: int,
    report: Callable[[int, int, str], None] = lambda *_: None,
) -> tuple[Path, ...]:
    """Write a page for clips of a dataset that has `of` in all, and more beside it for many; return them.

    ``review.html`` is followed by ``review-2.html`` and so on. `report` is told (done, all, clip id). A clip that cannot be
    looked at is shown with the reason. Raises OSError.
    """
    template = environment("matrix_train.datasets").get_template("review.html")
    parts = [clips[start : start + A_PAGE] for start in range(0, len(clips), A_PAGE)]
    paths = [out if number == 1 else out.with_name(f"{out.stem}-{number}{out.suffix}") for number in range(1, len(parts) + 1)]
    common = {
        "name": root.resolve().name,
        "digest": short(sha256_json([clip.state for clip in clips]), 12),
        "count": len(clips),
        "of": of,
        "names": [path.name for path in paths],
        "words": CHOICES,
    }
    done = 0
    out.parent.mkdir(parents=True, exist_ok=True)
    for number, (path, part) in enumerate(zip(paths, parts, strict=True)):
        shown = []
        for clip in part:
            shown.append(view(root, clip))
            done += 1
            report(done, len(clips), clip.id)
        write_atomically(path, template.render(clips=shown, number=number, **common))
    return tuple(paths)


def view(root: Path, clip: Clip) -> dict[str, Any]:
    """Return what the page shows of one clip."""
    colours = colours_of(clip)
    try:
        frames, fault = shown_frames(root, clip), ""
    except (MediaError, ConfigError, RecordError) as error:
        frames, fault = (), str(error)
    line = line_of(clip)
    return {
        "id": clip.id,
        "state": clip.state,
        "masks": masks_state(root, clip),
        "pieces": pieces_of(clip, colours),
        "caption": clip.caption,
        "frames": frames,
        "fault": fault,
        "source": clip.source,
        "licence": clip.licence,
        "split": clip.split,
        "instances": [{"id": one.id, "class": one.class_, "colour": colours[one.id]} for one in clip.instances],
        "acts": [
            {
                "index": index,
                "subject": item.subject,
                "verb": item.verb,
                "object": item.object,
                "category": category_of(item),
                "phrases": {role: phrase_of(clip, role, index) for role in ROLE_ORDER},
                "line": line["interactions"][index],
            }
            for index, item in enumerate(clip.interactions)
        ],
    }
