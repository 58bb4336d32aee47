"""SA-V: one JSON file a video, with masklets annotated at six frames a second of a video of twenty-four."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from intergeneval.build.formats.clip import Clip, Marked, Named, Pictures, Times, load, sample_ids, size_of, tracks, whole
from intergeneval.build.formats.wording import clip_words, plain_text, states_of, told_states, told_words
from intergeneval.errors import UsageError
from intergeneval.masks import area, decode
from intergeneval.records.disk import write_atomically
from intergeneval.records.limits import MOST_FRAMES, id_fault

LAYOUT = "sa-v"
STEP = 4
"""Every so many frames of the video are annotated, where the two counts say nothing else."""
FPS = 24.0
"""Frame rate of the videos."""


def read(path: Path, pictures: Pictures) -> list[Clip]:
    """Return the videos of one file or of every ``*_manual.json`` and ``*_auto.json`` (or ``*.json``) of a folder."""
    files = [path] if path.is_file() else sorted(path.glob("*_manual.json")) or sorted(path.glob("*.json"))
    if not files:
        raise UsageError(f"{path}: holds no JSON file of SA-V (<video>_manual.json)")
    names = [file.stem.removesuffix("_manual").removesuffix("_auto") for file in files]
    found = []
    for file, name in zip(files, sample_ids([f"{name}.x" for name in names]), strict=True):
        clip = _clip(file, name, pictures)
        if clip is None:
            pictures.said.append(f"{file}: holds no object of the classes read: left out")
        else:
            found.append(clip)
    return found


def _clip(path: Path, name: str, pictures: Pictures) -> Clip | None:
    value, where = load(path), str(path)
    if not isinstance(value, dict) or not isinstance(value.get("masklet"), list) or not value["masklet"]:
        raise UsageError(f"{where}: has no 'masklet', a list of frames; is this the right --layout?")
    size = size_of(value, where, ("video_height", "video_width"))
    seen = value["masklet"]
    frames = whole(value, "video_frame_count", where, MOST_FRAMES)
    step = _step(frames, len(seen), where)
    named = _named(value, max(len(row) if isinstance(row, list) else 0 for row in seen), where)
    forms: dict[str, dict[int, Any]] = {item.id: {} for item in named}
    for at, row in enumerate(seen):
        if not isinstance(row, list) or len(row) != len(named):
            raise UsageError(f"{where}: masklet[{at}] must list a mask of each of the {len(named)} objects")
        for item, form in zip(named, row, strict=True):
            if form and not _is_empty(form):
                forms[item.id][at * step] = form
    known = frozenset(range(0, len(seen) * step, step))
    told = value.get("states")
    states = [told_states(item) for item in told] if isinstance(told, list) and len(told) == len(named) else [()] * len(named)
    shown = [
        Marked(named=item, forms=forms[item.id], states=own)
        for item, own in zip(named, states, strict=True)
        if pictures.wanted(item.class_)
    ]
    if not shown:
        return None
    # Theirs are videos; of a picture we write its name.
    file = plain_text(value.get("file_name")) or f"{plain_text(value.get('video_id')) or name}.mp4"
    fps = frames / seconds if (seconds := _seconds(value)) > 0 else FPS
    return Clip(
        instances=tuple(one.named for one in shown),
        tracks=tracks(name, LAYOUT, size, shown, Times(frames=max(frames, max(known) + 1), known=known, fps=fps), where=where),
        files=(file,),
        **told_words(value, name, where),
    )


def _seconds(value: dict[str, Any]) -> float:
    """Return how long a video of ours lasts; 0 for others, whose rate is that of the data set."""
    told = value.get("video_duration")
    return float(told) if "instances" in value and isinstance(told, int | float) and not isinstance(told, bool) else 0.0


def _is_empty(form: Any) -> bool:
    return isinstance(form, dict) and not form.get("counts")


def _step(frames: int, seen: int, where: str) -> int:
    if seen == frames:
        return 1
    if (seen - 1) * STEP < frames + STEP:
        return STEP
    raise UsageError(f"{where}: {seen} annotated frames of {frames} are neither all nor every {STEP}th")


def _named(value: dict[str, Any], count: int, where: str) -> list[Named]:
    ids, told = value.get("masklet_id"), value.get("instances")
    if not isinstance(ids, list) or len(ids) != count:
        raise UsageError(f"{where}: 'masklet_id' must name each of the {count} objects")
    if isinstance(told, list) and len(told) == count and all(isinstance(item, dict) for item in told):
        found = [
            Named(
                id=plain_text(item.get("id")), class_=plain_text(item.get("class")), appearance=plain_text(item.get("appearance"))
            )
            for item in told
        ]
        if all(item.class_ and item.appearance and id_fault(item.id) is None for item in found):
            return found
    # The files say of no object what it is.
    return [Named(id=f"id{place}", class_="object", appearance=f"object {place}") for place in range(1, count + 1)]


def write(clips: Sequence[Clip], out: Path) -> None:
    """Write a file a video, ``<video>_manual.json``, with every frame annotated that is known; the video lies beside it."""
    for clip in clips:
        size, total = clip.tracks.size, clip.frames
        lists = [[{"size": list(size), "counts": track.masks[at]} for track in clip.tracks.tracks] for at in range(total)]
        areas = [[area(decode(track.masks[at], size)) for at in range(total)] for track in clip.tracks.tracks]
        value = {
            "video_id": clip.id, "video_duration": total / (clip.tracks.fps or FPS), "video_frame_count": float(total),
            "video_height": float(size[0]), "video_width": float(size[1]), "video_resolution": float(size[0] * size[1]),
            "masklet": lists, "masklet_id": list(range(len(clip.instances))), "masklet_num": len(clip.instances),
            "masklet_frame_count": [total] * len(clip.instances),
            "masklet_first_appeared_frame": [float(next((at for at, n in enumerate(row) if n), 0)) for row in areas],
            "masklet_visibility": [[n > 0 for n in row] for row in areas],
            "masklet_size_rel": [sum(row) / (total * size[0] * size[1]) for row in areas],
            **clip_words(clip), "states": [states_of(track) for track in clip.tracks.tracks],
            "file_name": f"{clip.id}{clip.suffix if clip.files else '.mp4'}",
            "instances": [{"id": item.id, "class": item.class_, "appearance": item.appearance} for item in clip.instances],
        }  # fmt: skip
        write_atomically(out / f"{clip.id}_manual.json", json.dumps(value, ensure_ascii=False))
        if clip.contents:
            write_atomically(out / f"{clip.id}{clip.suffix}", clip.contents[0])
