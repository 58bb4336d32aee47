"""COCO instance JSON: pictures with polygons, or with run lengths as ``pycocotools`` and ``supervision`` write them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from intergeneval.build.formats.clip import (
    Clip,
    Marked,
    Pictures,
    Times,
    load,
    numbers,
    put_picture,
    rows,
    sample_ids,
    segmentation,
    size_of,
    text,
    the_file,
    tracks,
    whole,
)
from intergeneval.build.formats.wording import clip_words, named_from, plain_text, told_words
from intergeneval.errors import UsageError
from intergeneval.masks import area, box, decode
from intergeneval.records.disk import write_atomically

LAYOUT = "coco"
_SHOWN = 5


USUAL = "annotations.json"
"""What we call the file."""


def categories(whole_file: Any, where: str) -> dict[int, str]:
    """Return category id -> name. Raises UsageError, also for an id with two names: its annotations might be either."""
    found: dict[int, str] = {}
    for place, row in enumerate(rows(whole_file, "categories", where)):
        named = f"{where}: categories[{place}]"
        number, name = whole(row, "id", named), text(row, "name", named)
        if found.setdefault(number, name) != name:
            raise UsageError(f"{named}: the id {number} is {found[number]!r} already, and {name!r} here; give each class its own")
    return found


def ids_of(listed: Sequence[Mapping[str, Any]], key: str, where: str) -> list[int]:
    """Return the ids of pictures or videos. Raises UsageError for one that stands twice: its annotations might be either's."""
    found: dict[int, int] = {}
    for place, row in enumerate(listed):
        number = whole(row, "id", f"{where}: {key}[{place}]")
        if number in found:
            raise UsageError(
                f"{where}: {key}[{place}]: the id {number} is that of {key}[{found[number]}] already; give each its own"
            )
        found[number] = place
    return list(found)


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
        number = whole(row, key, named)
        if pictures.wanted(category(row, known, named)):
            found.setdefault(number, []).append((row, named))
    return found


def say_loose(key: str, of: Mapping[int, Sequence[Any]], ids: Sequence[int], pictures: Pictures, where: str) -> None:
    """Say which annotations belong to no picture or video of the file, and how many of those have none."""
    loose = {number: len(marked) for number, marked in of.items() if number not in set(ids)}
    if loose:
        count = sum(loose.values())
        shown = ", ".join(map(str, list(loose)[:_SHOWN])) + (", ..." if len(loose) > _SHOWN else "")
        what = "1 annotation is" if count == 1 else f"{count} annotations are"
        pictures.said.append(f"{where}: {what} of {key} {shown}, which the file does not list: left out")
    bare = sum(number not in of for number in ids)
    if bare and of:
        kind = " of the classes read" if pictures.classes else ""
        pictures.said.append(f"{where}: {bare} of {len(ids)} have no annotation{kind} and are no samples")


def read(path: Path, pictures: Pictures) -> list[Clip]:
    """Return the annotated pictures of a COCO file; pictures without annotation are none. Raises UsageError, MediaError."""
    path = the_file(path, USUAL)
    value, where = load(path), str(path)
    if isinstance(value, list):
        raise UsageError(f"{where}: a list of results names no pictures; load it with pycocotools and save the whole data set")
    known = categories(value, where)
    images = rows(value, "images", where)
    of = annotations_by("image_id", value, known, pictures, where)
    names = sample_ids([_file(row, f"{where}: images[{place}]") for place, row in enumerate(images)])
    ids = ids_of(images, "images", where)
    say_loose("image_id", of, ids, pictures, where)
    return [
        _clip(row, name, of[number], known, f"{where}: image {name!r}")
        for row, name, number in zip(images, names, ids, strict=True)
        if number in of
    ]


def _clip(
    image: Mapping[str, Any], name: str, marked: Sequence[tuple[Mapping[str, Any], str]], known: Mapping[int, str], where: str
) -> Clip:
    size = size_of(image, where)
    shown: list[Marked] = []
    for row, told in marked:
        item = named_from(row, category(row, known, told), [one.named for one in shown])
        form = segmentation(row.get("segmentation"), size, told)
        if not form:
            raise UsageError(
                f"{told}: no segmentation, only a box; a mask is needed: --layout coco reads polygons and run lengths"
            )
        boxes = {}
        if row.get("bbox") is not None:
            x, y, wide, high = _four(numbers(row["bbox"], told), told)
            boxes[0] = [x, y, x + wide, y + high]
        shown.append(Marked(named=item, forms={0: form}, boxes=boxes))
    return Clip(
        instances=tuple(one.named for one in shown),
        tracks=tracks(name, LAYOUT, size, shown, Times(frames=1), where=where),
        files=(_file(image, where),),
        **told_words(image, name, where),
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
                **clip_words(clip),
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
    write_atomically(out / USUAL, json.dumps(whole_file, ensure_ascii=False))
