"""YouTube-VIS JSON (OVIS and UVO are written alike): videos as lists of pictures, a list of masks an instance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from intergeneval.build.formats.clip import (
    Clip,
    Marked,
    Pictures,
    Times,
    load,
    numbers,
    rows,
    sample_ids,
    segmentation,
    size_of,
    the_file,
    tracks,
)
from intergeneval.build.formats.coco import annotations_by, categories, category, class_list, ids_of, say_loose
from intergeneval.build.formats.wording import clip_words, named_from, states_of, told_states, told_words
from intergeneval.errors import UsageError
from intergeneval.masks import area, box, decode
from intergeneval.records.disk import write_atomically

LAYOUT = "youtube-vis"
USUAL = "instances.json"
"""What we call the file."""


def read(path: Path, pictures: Pictures) -> list[Clip]:
    """Return the annotated videos. Raises UsageError and MediaError naming the annotation."""
    path = the_file(path, USUAL)
    value, where = load(path), str(path)
    known = categories(value, where)
    of = annotations_by("video_id", value, known, pictures, where)
    listed = rows(value, "videos", where)
    files = [_files(row, f"{where}: videos[{place}]") for place, row in enumerate(listed)]
    ids = ids_of(listed, "videos", where)
    say_loose("video_id", of, ids, pictures, where)
    called = sample_ids([f"{Path(names[0]).parent.name or number}.x" for names, number in zip(files, ids, strict=True)])
    return [
        _clip(row, _Place(name, names, f"{where}: video {name!r}"), of[number], known)
        for row, names, name, number in zip(listed, files, called, ids, strict=True)
        if number in of
    ]


class _Place(NamedTuple):
    """Which video a row of the file is."""

    name: str
    files: tuple[str, ...]
    where: str


def _files(row: Mapping[str, Any], where: str) -> tuple[str, ...]:
    found = row.get("file_names")
    if not isinstance(found, list) or not found or not all(isinstance(name, str) and name for name in found):
        raise UsageError(f"{where}: 'file_names' must be a list of the video's pictures")
    return tuple(found)


def _clip(
    video: Mapping[str, Any], place: _Place, marked: Sequence[tuple[Mapping[str, Any], str]], known: Mapping[int, str]
) -> Clip:
    name, files, where = place
    size = size_of(video, where)
    shown: list[Marked] = []
    for row, told in marked:
        item = named_from(row, category(row, known, told), [one.named for one in shown])
        parts = row.get("segmentations")
        if not isinstance(parts, list) or len(parts) != len(files):
            count = len(parts) if isinstance(parts, list) else "no list of"
            raise UsageError(f"{told}: {count} segmentations, and the video has {len(files)} pictures")
        forms = {at: segmentation(part, size, f"{told}, frame {at}") for at, part in enumerate(parts) if part}
        states = told_states(row.get("states"))
        shown.append(Marked(named=item, forms=forms, boxes=_boxes(row.get("bboxes"), told), states=states))
    return Clip(
        instances=tuple(one.named for one in shown),
        tracks=tracks(name, LAYOUT, size, shown, Times(frames=len(files)), where=where),
        files=files,
        **told_words(video, name, where),
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
                **clip_words(clip),
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
                    "states": states_of(track),
                    "height": size[0],
                    "width": size[1],
                    "length": 1,
                }
            )
    listed = [{"id": number, "name": name, "supercategory": ""} for name, number in known.items()]
    whole_file = {"info": {}, "licenses": [], "videos": videos, "annotations": annotations, "categories": listed}
    write_atomically(out / USUAL, json.dumps(whole_file, ensure_ascii=False))
