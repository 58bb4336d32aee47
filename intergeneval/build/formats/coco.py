"""COCO instance JSON: pictures with polygons, or with run lengths as ``pycocotools`` and ``supervision`` write them."""

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
    put_picture,
    rows,
    sample_ids,
    segmentation,
    size_of,
    text,
    tracks,
    whole,
)
from intergeneval.build.formats.wording import acts_from_json, acts_to_json, named_from, plain_text
from intergeneval.errors import UsageError
from intergeneval.masks import area, box, decode
from intergeneval.records.disk import write_atomically

LAYOUT = "coco"


def categories(whole_file: Any, where: str) -> dict[int, str]:
    """Return category id -> name. Raises UsageError."""
    found = {}
    for place, row in enumerate(rows(whole_file, "categories", where)):
        named = f"{where}: categories[{place}]"
        found[whole(row, "id", named)] = text(row, "name", named)
    return found


def category(row: Mapping[str, Any], known: Mapping[int, str], where: str) -> str:
    """Return the class noun of an annotation. Raises UsageError."""
    number = whole(row, "category_id", where)
    if number not in known:
        raise UsageError(f"{where}: category_id {number} is not among the categories")
    return known[number].replace("_", " ")


def annotations_by(
    key: str, whole_file: Any, known: Mapping[int, str], pictures: Pictures, where: str
) -> dict[int, list[tuple[Mapping[str, Any], str]]]:
    """Return the wanted annotations, each with where it stands, by the id of their picture or video. Raises UsageError."""
    found: dict[int, list[tuple[Mapping[str, Any], str]]] = {}
    for place, row in enumerate(rows(whole_file, "annotations", where)):
        named = f"{where}: annotations[{place}]"
        if pictures.wanted(category(row, known, named)):
            found.setdefault(whole(row, key, named), []).append((row, named))
    return found


def read(path: Path, pictures: Pictures) -> list[Clip]:
    """Return the annotated pictures of a COCO file; pictures without annotation are none. Raises UsageError, MediaError."""
    value, where = load(path), str(path)
    if isinstance(value, list):
        raise UsageError(f"{where}: a list of results names no pictures; load it with pycocotools and save the whole data set")
    known = categories(value, where)
    images = rows(value, "images", where)
    of = annotations_by("image_id", value, known, pictures, where)
    ids = sample_ids([_file(row, f"{where}: images[{place}]") for place, row in enumerate(images)])
    found = []
    for place, (row, name) in enumerate(zip(images, ids, strict=True)):
        marked = of.get(whole(row, "id", f"{where}: images[{place}]"), [])
        if marked:
            found.append(_clip(row, plain_text(row.get("sample_id")) or name, marked, known, f"{where}: image {name!r}"))
    return found


def _clip(
    image: Mapping[str, Any], name: str, marked: Sequence[tuple[Mapping[str, Any], str]], known: Mapping[int, str], where: str
) -> Clip:
    size = size_of(image, where)
    named: list[Named] = []
    forms: dict[str, dict[int, Any]] = {}
    boxes: dict[str, dict[int, list[float]]] = {}
    for row, told in marked:
        item = named_from(row, category(row, known, told), named)
        named.append(item)
        form = segmentation(row.get("segmentation"), size, told)
        if not form:
            raise UsageError(
                f"{told}: no segmentation, only a box; a mask is needed: --layout coco reads polygons and run lengths"
            )
        forms[item.id] = {0: form}
        if row.get("bbox") is not None:
            x, y, wide, high = _four(numbers(row["bbox"], told), told)
            boxes[item.id] = {0: [x, y, x + wide, y + high]}
    return Clip(
        id=name,
        instances=tuple(named),
        tracks=tracks(name, LAYOUT, size, named, forms, 1, where=where, boxes=boxes),
        files=(_file(image, where),),
        prompt=plain_text(image.get("prompt")) or plain_text(image.get("caption")),
        interactions=acts_from_json(image.get("interactions"), where),
    )


def _file(image: Mapping[str, Any], where: str) -> str:
    """Return the picture's name; LVIS tells of it by the link from which it came alone."""
    link = plain_text(image.get("coco_url"))
    return link.rpartition("/")[2] if link and not image.get("file_name") else text(image, "file_name", where)


def _four(found: list[float], where: str) -> tuple[float, float, float, float]:
    if len(found) != 4:
        raise UsageError(f"{where}: 'bbox' has {len(found)} numbers, not 4 (x, y, width, height)")
    return found[0], found[1], found[2], found[3]


def class_list(clips: Sequence[Clip]) -> dict[str, int]:
    """Return class -> category id, from 1, in the order in which they come."""
    names = dict.fromkeys(item.class_ for clip in clips for item in clip.instances)
    return {name: number for number, name in enumerate(names, start=1)}


def write(clips: Sequence[Clip], out: Path) -> None:
    """Write the first frames of clips as ``annotations.json`` with compressed run lengths; pictures lie in ``images/``."""
    known = class_list(clips)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, clip in enumerate(clips, start=1):
        size, name = clip.tracks.size, put_picture(clip, out)
        images.append(
            {
                "id": number,
                "file_name": f"images/{name}",
                "height": size[0],
                "width": size[1],
                "sample_id": clip.id,
                "prompt": clip.prompt,
                "interactions": acts_to_json(clip.interactions),
            }
        )
        for item, track in zip(clip.instances, clip.tracks.tracks, strict=True):
            mask = decode(track.masks[0], size)
            edges = box(mask)
            if edges is None:
                continue
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": known[item.class_],
                    "iscrowd": 0,
                    "segmentation": {"size": list(size), "counts": track.masks[0]},
                    "area": area(mask),
                    "bbox": [edges[0], edges[1], edges[2] - edges[0], edges[3] - edges[1]],
                    "instance_id": item.id,
                    "appearance": item.appearance,
                }
            )
    whole_file = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": name, "supercategory": ""} for name, number in known.items()],
    }
    write_atomically(out / "annotations.json", json.dumps(whole_file, ensure_ascii=False))
