"""Carrying decisions out: clips that are to be dropped leave a dataset, and those that are to be fixed get other fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from intergeneval.errors import ConfigError, RecordError, UsageError
from intergeneval.records.disk import read_text, write_atomically
from matrix_train.data.clips import INDEX, Clip, clip_of, line_of, read_own, write_own
from matrix_train.datasets.decisions import DROP, FIX, Decision
from matrix_train.datasets.writing import DROPPED, Dropped
from matrix_train.roles import Span

HELD = ("id", "video", "tracks", "masks", "instances", "split")
"""Fields that no decision changes: which clip it is, whom its masks are of, and its side of a split, which hangs on others."""
STAGE = "review"


def carry_out(root: Path, decisions: Mapping[str, Decision]) -> tuple[int, int]:
    """Write a dataset as it was decided to be; return how many clips were changed, and how many left it.

    The files of a clip that leaves stay where they are, and ``dropped.jsonl`` names it with the note. Raises UsageError for a fix
    that cannot be, ConfigError for another layout than ours and where no clip is left; nothing is written then.
    """
    if not (root / INDEX).is_file():
        raise ConfigError(f"{root} holds no {INDEX}; 'matrix-train dataset from-release' makes a dataset of the release's layout")
    kept: list[Clip] = []
    gone: list[tuple[Dropped, str]] = []
    fixes = 0
    for clip in read_own(root):
        made = decisions.get(clip.id)
        if made is not None and made.decision == DROP:
            reason = made.note or "a person dropped it"
            gone.append((Dropped(clip=clip.id, stage=STAGE, kind=STAGE, reason=reason), clip.video))
            continue
        if made is not None and made.decision == FIX:
            clip = fixed(clip, made)  # noqa: PLW2901  # the clip as it is from here on
            fixes += 1
        kept.append(clip)
    if not kept:
        raise ConfigError(f"{root}: every clip was dropped; a dataset has at least one")
    if gone:
        before = read_text(root / DROPPED) if (root / DROPPED).is_file() else ""
        lines = [json.dumps({**item.to_json(), "video": video}, ensure_ascii=False) for item, video in gone]
        # First, so that a clip that is in neither list after a kill cannot be: it is decided about once more.
        write_atomically(root / DROPPED, before + "".join(f"{line}\n" for line in lines if f"{line}\n" not in before))
    write_own(root, tuple(kept))
    return fixes, len(gone)


def fixed(clip: Clip, decision: Decision) -> Clip:
    """Return a clip with the fields of a decision. Raises UsageError naming what cannot be."""
    where = f"review of {clip.id}"
    if not decision.fields:
        raise UsageError(f"{where}: it is to be fixed, and no field says how; fix it on the page, or drop it")
    held = sorted(set(decision.fields) & set(HELD))
    if held:
        raise UsageError(f"{where}: {held[0]} is nothing that a decision changes")
    try:
        made = clip_of({**line_of(clip), **decision.fields}, where)
    except RecordError as error:
        raise UsageError(str(error)) from None
    if not made.caption.strip() or not made.interactions:
        raise UsageError(f"{where}: without a caption or an interaction there is nothing to train on; drop it")
    known = {one.id for one in made.instances}
    strangers = {name for item in made.interactions for name in (item.subject, item.object) if name is not None} - known
    if strangers:
        raise UsageError(f"{where}: {min(strangers)!r} is none of its instances ({', '.join(sorted(known))})")
    spans = [span for item in made.interactions for span in (*item.subject_spans, *item.verb_spans, *item.object_spans)]
    if any(not 0 <= first < last <= len(made.caption) for first, last in spans):
        raise UsageError(f"{where}: words of a role lie outside of the caption; with another caption their places are others")
    if "interactions" not in decision.fields and any(_word(made, span) != _word(clip, span) for span in spans):
        raise UsageError(f"{where}: with another caption the words of its roles stand elsewhere; give its interactions too")
    return made


def _word(clip: Clip, span: Span) -> str:
    return clip.caption[span[0] : span[1]].casefold()
