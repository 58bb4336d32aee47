"""YouTube-VIS JSON (OVIS and UVO are written alike): videos as lists of pictures, a list of masks an instance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from intergeneval.build.formats.clip import (
    Clip,
    Named,
    Pictures,
    load,
    numbers,
    rows,
    sample_ids,
    segmentation,
    size_of,
    tracks,
    whole,
)
from intergeneval.build.formats.coco import annotations_by, categories, category, class_list
from intergeneval.build.formats.wording import acts_from_json, acts_to_json, named_from, plain_text
from intergeneval.errors import UsageError
from intergeneval.masks import area, box, decode
from intergeneval.records.disk import write_atomically

LAYOUT = "youtube-vis"


def read(path: Path, pictures: Pictures) -> list[Clip]:
    """Return the annotated videos. Raises UsageError and MediaError naming the annotation."""
    value, where = load(path), str(path)
    known = categories(value, where)
    of = annotations_by("video_id", value, known, pictures, where)
    listed = rows(value, "videos", where)
    files = [_files(row, f"{where}: videos[{place}]") for place, row in enumerate(listed)]
    ids = sample_ids([f"{Path(names[0]).parent.name or row.get('id')}.x" for names, row in zip(files, listed, strict=True)])
    found = []
    for place, (row, names, name) in enumerate(zip(listed, files, ids, strict=True)):
        marked = of.get(whole(row, "id", f"{where}: videos[{place}]"), [])
        if marked:
            told = plain_text(row.get("sample_id")) or name
            found.append(_clip(row, told, names, marked, known, f"{where}: video {told!r}"))
    return found


def _files(row: Mapping[str, Any], where: str) -> tuple[str, ...]:
    found = row.get("file_names")
    if not isinstance(found, list) or not found or not all(isinstance(name, str) and name for name in found):
        raise UsageError(f"{where}: 'file_names' must be a list of the video's pictures")
    return tuple(found)


def _clip(  # one row of the file with what was looked up for it
    video: Mapping[str, Any], name: str, files: tuple[str, ...], marked: Sequence[tuple[Mapping[str, Any], str]],
    known: Mapping[int, str], where: str,
) -> Clip:  # fmt: skip
    size = size_of(video, where)
    named: list[Named] = []
    forms: dict[str, dict[int, Any]] = {}
    boxes: dict[str, dict[int, list[float]]] = {}
    for row, told in marked:
        item = named_from(row, category(row, known, told), named)
        named.append(item)
        parts = row.get("segmentations")
        if not isinstance(parts, list) or len(parts) != len(files):
            count = len(parts) if isinstance(parts, list) else "no list of"
            raise UsageError(f"{told}: {count} segmentations, and the video has {len(files)} pictures")
        forms[item.id] = {at: segmentation(part, size, f"{told}, frame {at}") for at, part in enumerate(parts) if part}
        boxes[item.id] = _boxes(row.get("bboxes"), told)
    return Clip(
        id=name,
        instances=tuple(named),
        tracks=tracks(name, LAYOUT, size, named, forms, len(files), where=where, boxes=boxes),
        files=files,
        prompt=plain_text(video.get("prompt")) or plain_text(video.get("caption")),
        interactions=acts_from_json(video.get("interactions"), where),
    )


def _boxes(value: Any, where: str) -> dict[int, list[float]]:
    if value is None:
        return {}
    if not isinstance(value, list):
        raise UsageError(f"{where}: 'bboxes' must be a list, got {value!r:.60}")
    found = {}
    for at, item in enumerate(value):
        if item:
            edges = numbers(item, where)
            if len(edges) != 4:
                raise UsageError(f"{where}, frame {at}: a box has {len(edges)} numbers, not 4 (x, y, width, height)")
            x, y, wide, high = edges
            found[at] = [x, y, x + wide, y + high]
    return found


def write(clips: Sequence[Clip], out: Path) -> None:
    """Write clips as ``instances.json``; their pictures lie in ``JPEGImages/<video>/``."""
    known = class_list(clips)
    videos: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, clip in enumerate(clips, start=1):
        size = clip.tracks.size
        names = [f"{clip.id}/{at:05d}{clip.suffix}" for at in range(clip.frames)]
        videos.append(
            {
                "id": number,
                "file_names": names,
                "height": size[0],
                "width": size[1],
                "length": clip.frames,
                "sample_id": clip.id,
                "prompt": clip.prompt,
                "interactions": acts_to_json(clip.interactions),
            }
        )
        for name, content in zip(names, clip.contents, strict=False):
            place = out / "JPEGImages" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(place, content)
        for item, track in zip(clip.instances, clip.tracks.tracks, strict=True):
            masks = [decode(counts, size) for counts in track.masks]
            edges = [box(mask) for mask in masks]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "video_id": number,
                    "category_id": known[item.class_],
                    "iscrowd": 0,
                    "segmentations": [
                        None if one is None else {"size": list(size), "counts": counts}
                        for one, counts in zip(edges, track.masks, strict=True)
                    ],
                    "bboxes": [None if one is None else [one[0], one[1], one[2] - one[0], one[3] - one[1]] for one in edges],
                    "areas": [None if one is None else area(mask) for one, mask in zip(edges, masks, strict=True)],
                    "instance_id": item.id,
                    "appearance": item.appearance,
                    "height": size[0],
                    "width": size[1],
                    "length": 1,
                }
            )
    listed = [{"id": number, "name": name, "supercategory": ""} for name, number in known.items()]
    whole_file = {"info": {}, "licenses": [], "videos": videos, "annotations": annotations, "categories": listed}
    write_atomically(out / "instances.json", json.dumps(whole_file, ensure_ascii=False))
