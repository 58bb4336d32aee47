"""CVAT's own XML, "for images 1.1" and "for video 1.1": polygons, masks and boxes with labels."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import numpy as np

from intergeneval.build.formats.clip import (
    MOST_HERE,
    Clip,
    Marked,
    Named,
    Pictures,
    Times,
    polygons,
    put_picture,
    rectangle,
    sample_ids,
    size_of,
    tracks,
)
from intergeneval.build.formats.wording import clip_words, named_from, plain_text, states_of, told_states, told_words
from intergeneval.errors import UsageError
from intergeneval.ids import bounded_json
from intergeneval.masks import Mask, box, decode, encode
from intergeneval.records.disk import read_bytes, write_atomically

LAYOUT = "cvat"
_OURS = "intergeneval"
"""Name of the element with words of ours, in the head of a file."""
USUAL = "annotations.xml"
"""What we call the file of pictures."""
_SHAPES = ("polygon", "mask", "box", "ellipse")


def read(path: Path, pictures: Pictures) -> list[Clip]:
    """Return the pictures, or the one video, of an ``annotations.xml``, or of every XML file of a folder.

    Raises UsageError naming the shape.
    """
    if path.is_dir():
        files = [path / USUAL] if (path / USUAL).is_file() else sorted(path.glob("*.xml"))
        if not files:
            raise UsageError(f"{path}: holds no XML file; export the task as 'CVAT for images 1.1' or 'CVAT for video 1.1'")
        return [clip for file in files for clip in read(file, pictures)]
    root = _root(path)
    places = [*root.findall("image"), *root.findall("track")]
    other = {shape.tag for place in places for shape in place} - {*_SHAPES, "tag", "attribute"}
    if other:
        pictures.said.append(f"{path}: shapes that are no masks are left out: {', '.join(sorted(other))}")
    if root.findall("track"):
        return [_video(root, path, pictures)]
    images = root.findall("image")
    ids = sample_ids([_text(image, "name", str(path)) for image in images])
    ours = _ours(root, path)
    found = []
    for image, name in zip(images, ids, strict=True):
        where = f"{path}: image {name!r}"
        size = size_of(_numbered(image), where)
        shown: list[Marked] = []
        for shape in (shape for shape in image if shape.tag in _SHAPES and pictures.wanted(_label(shape, where))):
            item = named_from(_words(shape), _label(shape, where), [one.named for one in shown])
            shown.append(Marked(named=item, forms={0: encode(_mask(shape, size, where))}))
        if shown:
            words = told_words(ours.get(_text(image, "name", where), {}), name, where)
            words["prompt"] = _said(image) or words["prompt"]
            found.append(
                Clip(
                    instances=tuple(one.named for one in shown),
                    tracks=tracks(name, LAYOUT, size, shown, Times(frames=1), where=where),
                    files=(_text(image, "name", where),),
                    **words,
                )
            )
    if found and len(found) < len(images):
        kind = " of the classes read" if pictures.classes else ""
        pictures.said.append(
            f"{path}: {len(images) - len(found)} of {len(images)} pictures have no shape{kind} and are no samples"
        )
    return found


def _ours(root: Xml.Element, path: Path) -> dict[str, Any]:
    """Return the words of ours in a file that we wrote, by picture or video; nothing in others."""
    told = root.findtext(f"meta/{_OURS}")
    if told is None:
        return {}
    try:
        value = bounded_json(told)
    except ValueError as error:
        raise UsageError(f"{path}: <{_OURS}> is not JSON ({error}); remove it, and the prompts alone are read") from None
    return {key: item for key, item in value.items() if isinstance(item, dict)} if isinstance(value, dict) else {}


def _root(path: Path) -> Xml.Element:
    try:
        content = read_bytes(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    if b"<!DOCTYPE" in content[:4096] or b"<!ENTITY" in content:
        raise UsageError(f"{path}: declares entities, which no export of CVAT does; it is not read")
    try:
        root = Xml.fromstring(content)  # noqa: S314  # bounded, and without entities
    except Xml.ParseError as error:
        raise UsageError(f"{path}: is not XML ({error})") from None
    if root.tag != "annotations":
        raise UsageError(
            f"{path}: its root is <{root.tag}>, not <annotations>; export it as 'CVAT for images 1.1' or 'for video 1.1'"
        )
    return root


def _text(element: Xml.Element, key: str, where: str) -> str:
    found = element.get(key)
    if not found or not found.strip():
        raise UsageError(f"{where}: <{element.tag}> has no {key!r}")
    return found


def _label(shape: Xml.Element, where: str) -> str:
    return _text(shape, "label", where).strip()


def _numbered(element: Xml.Element) -> dict[str, Any]:
    """Return the attributes, whole numbers as numbers."""
    return {key: int(value) if value.isdecimal() and len(value) < 16 else value for key, value in element.attrib.items()}


def _words(shape: Xml.Element) -> dict[str, str]:
    """Return what labels' own attributes say of who it is."""
    return {str(item.get("name")): item.text or "" for item in shape.findall("attribute")}


def _said(element: Xml.Element) -> str:
    """Return the text of a tag that tells what a picture shows: ``<tag label="prompt"><attribute name="text">``."""
    for tag in element.findall("tag"):
        if tag.get("label") in ("prompt", "caption"):
            return plain_text(next((item.text for item in tag.findall("attribute")), ""))
    return ""


def _values(text: str, where: str) -> list[float]:
    try:
        found = [float(number) for number in text.replace(";", ",").split(",") if number.strip()]
    except ValueError:
        raise UsageError(f"{where}: {text!r:.60} are no numbers") from None
    if not np.isfinite(found).all():
        raise UsageError(f"{where}: {text!r:.60} holds a number that is not finite")
    return found


def _mask(shape: Xml.Element, size: tuple[int, int], where: str) -> Mask:
    told = f"{where}: <{shape.tag} label={shape.get('label')!r}>"
    if shape.tag == "polygon":
        return polygons([_values(_text(shape, "points", told), told)], size, told)
    if shape.tag == "box":
        edges = [_values(_text(shape, key, told), told)[0] for key in ("xtl", "ytl", "xbr", "ybr")]
        if _values(shape.get("rotation", "0"), told)[:1] not in ([], [0.0]):
            raise UsageError(f"{told}: is rotated; draw it without a rotation, or as a polygon")
        return rectangle(edges, size, told)
    if shape.tag == "mask":
        return _run_lengths(shape, size, told)
    raise UsageError(f"{told}: an ellipse is no mask; draw a polygon or a mask")


def _run_lengths(shape: Xml.Element, size: tuple[int, int], where: str) -> Mask:
    """Return the mask of run lengths row by row inside a window, background first."""
    left, top, wide, high = (int(_values(_text(shape, key, where), where)[0]) for key in ("left", "top", "width", "height"))
    if not (left >= 0 and top >= 0 and 0 < wide <= size[1] - left and 0 < high <= size[0] - top):
        raise UsageError(f"{where}: its window {left}, {top}, {wide}x{high} does not lie in the picture of {size[1]}x{size[0]}")
    runs = [int(number) for number in _values(_text(shape, "rle", where), where)]
    if any(run < 0 for run in runs) or sum(runs) != wide * high:
        raise UsageError(f"{where}: its run lengths cover {sum(runs)} pixels, the window {wide}x{high} has {wide * high}")
    found = np.zeros(size, dtype=np.bool_)
    found[top : top + high, left : left + wide] = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(high, wide)
    return found


@dataclass(slots=True)
class _Track:
    """One track while it is read."""

    named: Named
    """Who it is."""
    forms: dict[int, str] = field(default_factory=dict)
    """Frame -> counts."""


def _video(root: Xml.Element, path: Path, pictures: Pictures) -> Clip:
    where = str(path)
    meta = root.find("meta")
    if meta is None or (size_at := meta.find(".//original_size")) is None:
        raise UsageError(f"{where}: says no <original_size> of its video; export it as 'CVAT for video 1.1'")
    size = size_of({child.tag: int(child.text) for child in size_at if child.text and child.text.strip().isdecimal()}, where)
    task = next((item for item in (meta.find("task"), meta.find("job")) if item is not None), None)
    told = {child.tag: child.text or "" for child in task} if task is not None else {}
    listed = [_read_track(item, place, size, where) for place, item in enumerate(root.findall("track"))]
    tracks_read = [item for item in listed if item is not None and pictures.wanted(item.named.class_)]
    named = _distinct([item.named for item in tracks_read])
    if not named:
        raise UsageError(f"{where}: holds no track with a mask{' of the classes read' if pictures.classes else ''}")
    last = max((max(item.forms, default=0) for item in tracks_read), default=0)
    count = told.get("size", "")
    frames = max(int(count) if count.isdecimal() and int(count) <= MOST_HERE else 0, last + 1)
    source = plain_text(told.get("source")) or plain_text(meta.findtext(".//source"))
    name = sample_ids([source or plain_text(told.get("name")) or path.stem])[0]
    ours: dict[str, Any] = next(iter(_ours(root, path).values()), {})
    states = ours.get("states")
    of = states if isinstance(states, dict) else {}
    shown = [
        Marked(named=item, forms=one.forms, states=told_states(of.get(item.id)))
        for item, one in zip(named, tracks_read, strict=True)
    ]
    return Clip(
        instances=tuple(named),
        tracks=tracks(name, LAYOUT, size, shown, Times(frames=frames), where=where),
        files=(source or f"{name}.mp4",),
        **told_words(ours, name, where),
    )


def _distinct(listed: Sequence[Named]) -> list[Named]:
    found: list[Named] = []
    for item in listed:
        found.append(named_from({"instance_id": item.id, "appearance": item.appearance}, item.class_, found))
    return found


def _read_track(track: Xml.Element, place: int, size: tuple[int, int], where: str) -> _Track | None:
    """Return a track with its masks: each shape holds until the next, and ``outside`` ends it."""
    told = f"{where}: track {track.get('id', place)}"
    label = _label(track, told)
    shapes = [shape for shape in track if shape.tag in _SHAPES]
    if not shapes:
        return None
    words = next((own for own in map(_words, shapes) if own), {})
    named = named_from({"instance_id": words.get("instance_id", f"id{place + 1}"), **words}, label, [])
    found = _Track(named)
    at_frame = sorted(((int(_values(_text(shape, "frame", told), told)[0]), shape) for shape in shapes), key=lambda item: item[0])
    for (frame, shape), following in itertools.zip_longest(at_frame, at_frame[1:]):
        if shape.get("outside") == "1":
            continue
        counts = encode(_mask(shape, size, told))
        end = following[0] if following is not None else frame + 1
        if not 0 <= frame < end <= MOST_HERE:
            raise UsageError(f"{told}: frame {frame} cannot be")
        # CVAT writes every frame of a polygon between two keys; a mask stands until the next.
        for at in range(frame, end):
            found.forms[at] = counts
    return found


def write(clips: Sequence[Clip], out: Path) -> None:
    """Write pictures as ``annotations.xml`` ("for images 1.1"), a video each as ``<video>.xml`` ("for video 1.1")."""
    if all(clip.frames == 1 for clip in clips):
        ours = {f"{clip.id}{clip.suffix}": clip_words(clip) for clip in clips}
        root, _ = _headed(clips, (("name", out.name), ("size", str(len(clips))), ("mode", "annotation")), ours)
        for number, clip in enumerate(clips):
            size, name = clip.tracks.size, put_picture(clip, out)
            image = Xml.SubElement(root, "image", id=str(number), name=name, width=str(size[1]), height=str(size[0]))
            for item, track in zip(clip.instances, clip.tracks.tracks, strict=True):
                _shape(image, track.masks[0], size, item, {"label": item.class_})
            if clip.prompt:
                tag = Xml.SubElement(image, "tag", label="prompt", source="manual")
                Xml.SubElement(tag, "attribute", name="text").text = clip.prompt
        _save(root, out / USUAL)
        return
    for clip in clips:
        _save(_video_xml(clip), out / f"{clip.id}.xml")
        if clip.contents:
            write_atomically(out / f"{clip.id}{clip.suffix}", clip.contents[0])


def _headed(clips: Sequence[Clip], fields: Sequence[tuple[str, str]], ours: Mapping[str, Any]) -> tuple[Xml.Element, Xml.Element]:
    """Return the root of a file and the task it tells of, with its labels and their attributes, and words of ours."""
    root = Xml.Element("annotations")
    Xml.SubElement(root, "version").text = "1.1"
    meta = Xml.SubElement(root, "meta")
    task = Xml.SubElement(meta, "task")
    Xml.SubElement(meta, _OURS).text = json.dumps(ours, ensure_ascii=False)
    count = max(int(dict(fields)["size"]), 1)
    for key, value in (("id", "1"), *fields, ("start_frame", "0"), ("stop_frame", str(count - 1)), ("frame_filter", "")):
        Xml.SubElement(task, key).text = value
    labels = Xml.SubElement(task, "labels")
    keys = {item.class_: ("instance_id", "appearance") for clip in clips for item in clip.instances}
    for name, own in {**keys, **({"prompt": ("text",)} if any(clip.prompt for clip in clips) else {})}.items():
        label = Xml.SubElement(labels, "label")
        Xml.SubElement(label, "name").text = name
        attributes = Xml.SubElement(label, "attributes")
        for key in own:
            attribute = Xml.SubElement(attributes, "attribute")
            for part, value in (
                ("name", key),
                ("mutable", "False"),
                ("input_type", "text"),
                ("default_value", ""),
                ("values", ""),
            ):
                Xml.SubElement(attribute, part).text = value
    return root, task


def _video_xml(clip: Clip) -> Xml.Element:
    size = clip.tracks.size
    # The name of the file as it lies beside; without one, as videos are usually called.
    source = f"{clip.id}{clip.suffix if clip.files else '.mp4'}"
    fields = (("name", clip.id), ("size", str(clip.frames)), ("mode", "interpolation"), ("source", source))
    states = {track.instance_id: states_of(track) for track in clip.tracks.tracks}
    root, task = _headed([clip], fields, {clip.id: {**clip_words(clip), "states": states}})
    original = Xml.SubElement(task, "original_size")
    Xml.SubElement(original, "width").text, Xml.SubElement(original, "height").text = str(size[1]), str(size[0])
    for number, (item, track) in enumerate(zip(clip.instances, clip.tracks.tracks, strict=True)):
        made = Xml.SubElement(root, "track", id=str(number), label=item.class_, source="manual")
        for at, counts in enumerate(track.masks):
            _shape(made, counts, size, item, {"frame": str(at), "keyframe": "1", "outside": "0"})
    return root


def _shape(parent: Xml.Element, counts: str, size: tuple[int, int], item: Named, more: Mapping[str, str]) -> None:
    mask = decode(counts, size)
    edges = box(mask)
    if edges is None:
        if "frame" in more:
            # Not to be seen: the shape before must not go on.
            hidden = {**more, "outside": "1", "rle": "1", "left": "0", "top": "0", "width": "1", "height": "1"}
            Xml.SubElement(parent, "mask", {**hidden, "occluded": "0", "z_order": "0"})
        return
    x0, y0, x1, y1 = (int(number) for number in edges)
    inner = mask[y0:y1, x0:x1].ravel()
    steps = np.flatnonzero(np.diff(inner.astype(np.int8))) + 1
    runs = np.diff(np.concatenate(([0], steps, [inner.size])))
    listed = [0, *runs.tolist()] if inner[0] else runs.tolist()
    window = {"left": str(x0), "top": str(y0), "width": str(x1 - x0), "height": str(y1 - y0)}
    attributes = {**more, "source": "manual", "occluded": "0", "rle": ", ".join(map(str, listed)), **window, "z_order": "0"}
    made = Xml.SubElement(parent, "mask", attributes)
    for key, value in (("instance_id", item.id), ("appearance", item.appearance)):
        Xml.SubElement(made, "attribute", name=key).text = value


def _save(root: Xml.Element, path: Path) -> None:
    Xml.indent(root)
    write_atomically(path, b'<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(root, encoding="utf-8") + b"\n")
