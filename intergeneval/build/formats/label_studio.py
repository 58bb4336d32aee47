"""Label Studio's JSON export: brushes, polygons and boxes with labels, and relations, which say who does what to whom."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from intergeneval import verbs
from intergeneval.build.formats.brush import BrushError, pack, unpack
from intergeneval.build.formats.clip import (
    Clip,
    Marked,
    Named,
    Pictures,
    Times,
    load,
    numbers,
    polygons,
    put_picture,
    rectangle,
    sample_ids,
    size_of,
    the_file,
    tracks,
)
from intergeneval.build.formats.wording import clip_words, named_from, plain_text, told_words
from intergeneval.errors import UsageError
from intergeneval.masks import Mask, decode, encode
from intergeneval.records import Direction, Interaction
from intergeneval.records.disk import write_atomically

LAYOUT = "label-studio"
USUAL = "tasks.json"
"""What we call the file."""
_SHOWN = 5
_ROUNDED = 0.5
_KINDS = ("brushlabels", "polygonlabels", "rectanglelabels")
_SEEN = ("image", "picture", "img", "url", "frame")


def read(path: Path, pictures: Pictures) -> list[Clip]:
    """Return the annotated tasks; of several annotations of one, the last that was not cancelled. Raises UsageError."""
    path = the_file(path, USUAL)
    tasks = load(path)
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise UsageError(f"{path}: must be a list of tasks; export it from Label Studio as 'JSON'")
    listed = [(task, *_results(task, f"{path}: task {task.get('id', place)}", pictures)) for place, task in enumerate(tasks)]
    empty = [where for _, results, where in listed if not results]
    if empty and len(empty) < len(listed):
        shown = ", ".join(where.rpartition(": ")[2] for where in empty[:_SHOWN]) + (", ..." if len(empty) > _SHOWN else "")
        pictures.said.append(f"{path}: {len(empty)} of {len(listed)} tasks have no annotation that counts: {shown}")
    listed = [entry for entry in listed if entry[1]]
    files = [_picture(task, where) for task, _, where in listed]
    ids = sample_ids(files)
    found = [
        _clip(task, results, file, name, pictures, where)
        for (task, results, where), file, name in zip(listed, files, ids, strict=True)
    ]
    return [clip for clip in found if clip is not None]


def _results(task: Mapping[str, Any], where: str, pictures: Pictures) -> tuple[list[Mapping[str, Any]], str]:
    listed = task.get("annotations", task.get("completions"))
    if not isinstance(listed, list):
        raise UsageError(f"{where}: has no list 'annotations'; export it as 'JSON', not as 'JSON-MIN'")
    kept = [
        one for one in listed if isinstance(one, dict) and not one.get("was_cancelled") and isinstance(one.get("result"), list)
    ]
    if len(kept) > 1:
        left = ", ".join(_who(one) for one in kept[:-1][:_SHOWN]) + (", ..." if len(kept) > _SHOWN + 1 else "")
        pictures.said.append(f"{where}: has {len(kept)} annotations; the last, {_who(kept[-1])}, is taken, and left out {left}")
    return ([item for item in kept[-1]["result"] if isinstance(item, dict)] if kept else []), where


def _who(annotation: Mapping[str, Any]) -> str:
    """Return the number of an annotation and who made it, as far as the file says it."""
    by = annotation.get("completed_by")
    by = next((by[key] for key in ("email", "username", "id") if by.get(key)), None) if isinstance(by, dict) else by
    told = plain_text(by) or (str(by) if isinstance(by, int) else "")
    return f"annotation {annotation.get('id', '?')}" + (f" by {told}" if told else "")


def _picture(task: Mapping[str, Any], where: str) -> str:
    data = task.get("data")
    if not isinstance(data, dict):
        raise UsageError(f"{where}: has no 'data'")
    if "video" in data and not any(key in data for key in _SEEN):
        raise UsageError(f"{where}: is a video, in which Label Studio draws boxes and no masks; annotate its first frame")
    link = next((data[key] for key in _SEEN if isinstance(data.get(key), str)), None)
    if link is None:
        raise UsageError(f"{where}: its 'data' names no picture under {', '.join(_SEEN)}")
    parts = urlsplit(link)
    if not parts.scheme and not parts.netloc and not link.startswith("/"):
        return unquote(parts.path)
    # Uploads and local files are called by their place on the server; what lies here is called by the last of it.
    asked = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    return unquote(Path(asked.get("d", parts.path)).name)


def _clip(
    task: Mapping[str, Any], results: Sequence[Mapping[str, Any]], file: str, name: str, pictures: Pictures, where: str
) -> Clip | None:
    named: list[Named] = []
    masks: dict[str, Mask] = {}
    of_region: dict[str, str] = {}
    size: tuple[int, int] | None = None
    other = sorted({str(item.get("type")) for item in results} - {*_KINDS, "relation", "choices", "textarea", "labels"})
    if other:
        pictures.said.append(f"{where}: regions that are no masks are left out: {', '.join(other)}")
    for item in results:
        if item.get("type") not in _KINDS:
            continue
        told = f"{where}: region {item.get('id')!r}"
        label, region, size = _region(item, size, told)
        if not pictures.wanted(label):
            continue
        known = of_region.get(str(item.get("id")))
        who = next((one for one in named if one.id == known), None) or named_from(_words(item), label, named)
        if who not in named:
            named.append(who)
        of_region[str(item.get("id"))] = who.id
        masks[who.id] = masks[who.id] | region if who.id in masks else region
    if not named or size is None:
        return None
    data = task["data"]
    words = told_words(data, name, where)
    if not words["interactions"]:
        words["interactions"], lost = _relations(results, of_region)
        if lost:
            what = "1 relation joins" if lost == 1 else f"{lost} relations join"
            pictures.said.append(f"{where}: {what} regions that are not there, or a region and itself: left out")
    shown = [Marked(named=one, forms={0: encode(masks[one.id])}) for one in named]
    return Clip(
        instances=tuple(named),
        tracks=tracks(name, LAYOUT, size, shown, Times(frames=1), where=where),
        files=(file,),
        **words,
    )


def _words(item: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = item.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    text = meta.get("text")
    told = text[0] if isinstance(text, list) and text else text
    return {"instance_id": meta.get("instance_id"), "appearance": meta.get("appearance") or told}


def _region(item: Mapping[str, Any], size: tuple[int, int] | None, where: str) -> tuple[str, Mask, tuple[int, int]]:
    """Return label, mask and size of one region."""
    value, kind = item.get("value"), str(item.get("type"))
    if not isinstance(value, dict):
        raise UsageError(f"{where}: has no 'value'")
    labels = value.get(kind)
    if not isinstance(labels, list) or not labels or not plain_text(labels[0]):
        raise UsageError(f"{where}: has no label")
    shown = size_of(item, where, ("original_height", "original_width"))
    if size is not None and shown != size:
        raise UsageError(f"{where}: is of a picture of {shown[1]}x{shown[0]}, the regions before it of {size[1]}x{size[0]}")
    label = plain_text(labels[0])
    if kind == "brushlabels":
        if value.get("format") != "rle" or not isinstance(value.get("rle"), list):
            raise UsageError(f"{where}: its brush is not written as run lengths ('format': 'rle')")
        try:
            return label, unpack(value["rle"], shown), shown
        except BrushError as error:
            raise UsageError(f"{where}: {error}") from None
    if item.get("image_rotation") or value.get("rotation"):
        raise UsageError(f"{where}: is rotated; draw it without a rotation")
    if kind == "polygonlabels":
        points = value.get("points")
        if not isinstance(points, list):
            raise UsageError(f"{where}: a polygon without points")
        flat = [number for point in points for number in _pair(point, where)]
        _within(flat, "a point", where)
        scaled = [number * (shown[1] if place % 2 == 0 else shown[0]) / 100 for place, number in enumerate(flat)]
        return label, polygons([scaled], shown, where), shown
    x, y, wide, high = numbers([value.get(key) for key in ("x", "y", "width", "height")], where)
    if wide <= 0 or high <= 0:
        raise UsageError(f"{where}: its box is {wide:g} % wide and {high:g} % high; draw it anew")
    _within([x, y, x + wide, y + high], "its box", where)
    edges = [x * shown[1], y * shown[0], (x + wide) * shown[1], (y + high) * shown[0]]
    return label, rectangle([number / 100 for number in edges], shown, where), shown


def _within(shares: Sequence[float], what: str, where: str) -> None:
    """Raise UsageError for what lies outside the picture, whose sides are 0 and 100 %; rounding may take it a little further."""
    if (wrong := next((share for share in shares if not -_ROUNDED <= share <= 100 + _ROUNDED), None)) is not None:
        raise UsageError(f"{where}: {what} is at {wrong:g} %, outside the picture, which goes from 0 to 100; are those pixels?")


def _pair(point: Any, where: str) -> tuple[float, float]:
    found = numbers(point, where)
    if len(found) != 2:
        raise UsageError(f"{where}: a point has {len(found)} numbers, not 2")
    return found[0], found[1]


def _relations(
    results: Sequence[Mapping[str, Any]], of_region: Mapping[str, str]
) -> tuple[tuple[Interaction, ...], int]:  # fmt: skip
    """Return the relations that bear a verb, from the one who acts to the one it is done to, and how many join nobody."""
    found, lost = [], 0
    for item in results:
        if item.get("type") != "relation":
            continue
        ends = of_region.get(str(item.get("from_id"))), of_region.get(str(item.get("to_id")))
        labels = item.get("labels")
        verb = plain_text(labels[0]) if isinstance(labels, list) and labels else ""
        if None in ends or ends[0] == ends[1]:
            lost += 1
            continue
        if not verb:
            continue
        if item.get("direction") == "left":
            ends = ends[1], ends[0]
        entry = verbs.look_up(verb)
        both = item.get("direction") == "bi"
        found.append(
            Interaction(
                subject=ends[0],
                verb=verb,
                object=ends[1],
                category=entry.category if entry is not None else None,
                direction=Direction.BIDIRECTIONAL if both else Direction.UNIDIRECTIONAL,
            )
        )
    return tuple(found), lost


def write(clips: Sequence[Clip], out: Path) -> None:
    """Write the first frames of clips as ``tasks.json`` with brushes and relations; pictures lie in ``images/``."""
    tasks = []
    for number, clip in enumerate(clips, start=1):
        size, name = clip.tracks.size, put_picture(clip, out)
        common = {
            "original_width": size[1],
            "original_height": size[0],
            "image_rotation": 0,
            "from_name": "tag",
            "to_name": "image",
        }
        results: list[dict[str, Any]] = []
        for item, track in zip(clip.instances, clip.tracks.tracks, strict=True):
            value = {"format": "rle", "rle": pack(decode(track.masks[0], size)), "brushlabels": [item.class_]}
            meta = {"instance_id": item.id, "appearance": item.appearance, "text": [item.appearance]}
            results.append({**common, "id": item.id, "type": "brushlabels", "origin": "manual", "value": value, "meta": meta})
        for act in clip.interactions:
            both = act.direction is Direction.BIDIRECTIONAL
            ends = {"from_id": act.subject, "to_id": act.object, "direction": "bi" if both else "right"}
            results.append({"type": "relation", **ends, "labels": [act.verb]})
        data = {"image": f"images/{name}", **clip_words(clip)}
        tasks.append({"id": number, "data": data, "annotations": [{"id": number, "was_cancelled": False, "result": results}]})
    write_atomically(out / USUAL, json.dumps(tasks, ensure_ascii=False))
