"""The review sheet: one self-contained page (several for many samples) on which a person decides what to keep, fix or drop."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from intergeneval.build.acts import scene_hash
from intergeneval.build.assembly import Assembled
from intergeneval.build.config import BuildConfig
from intergeneval.build.folder import BuildFolder
from intergeneval.build.page_acts import shown_acts
from intergeneval.build.paint_step import painted_by
from intergeneval.build.pictures import shown_anchor, shown_crops, shown_frames
from intergeneval.build.records import Cut, Drop, Placing, Scene, Touch
from intergeneval.build.reviews import state_of
from intergeneval.build.source import Item
from intergeneval.build.standing import standing
from intergeneval.build.touch_step import acts_now, seen_by_a_model
from intergeneval.errors import StoreError
from intergeneval.ids import sha256_json, short
from intergeneval.records import Instance, Sample
from intergeneval.records.disk import read_bytes
from intergeneval.sheet import data_uri, environment
from intergeneval.store import write_atomically

PAGE = "review.html"
BLANK = "review.json"
A_PAGE = 100
"""Samples on one page: pictures lie inside the file."""


def write_pages(folder: BuildFolder, config: BuildConfig, items: Sequence[Item], made: Assembled) -> tuple[Path, ...]:
    """Write ``review.html`` (and ``review-2.html`` and so on), and ``build/review.json``, the same to be filled in by hand.

    Raises StoreError. Texts come from prompts and models: all is escaped, nothing is loaded from outside.
    """
    template = environment("intergeneval.build").get_template("review.html")
    samples = {sample.id: sample for sample in made.samples}
    drops: dict[str, list[Drop]] = {}
    for drop in made.drops:
        drops.setdefault(drop.sample_id, []).append(drop)
    shown = [view(folder, config, item, samples.get(item.id), drops.get(item.id, [])) for item in items]
    parts = [shown[start : start + A_PAGE] for start in range(0, len(shown), A_PAGE)]
    names = [PAGE if number == 1 else f"review-{number}.html" for number in range(1, len(parts) + 1)]
    common = {
        "build": folder.id,
        "name": config.name or Path(config.out).resolve().name,
        "kept": len(samples),
        "count": len(shown),
        "names": names,
    }
    try:
        for number, (name, part) in enumerate(zip(names, parts, strict=True)):
            write_atomically(folder.out / name, template.render(samples=part, number=number, **common))
        write_atomically(folder.root / BLANK, blank_review(folder, shown))
        for old in folder.out.glob("review-*.html"):
            if old.name not in names:
                old.unlink()
    except OSError as error:
        raise StoreError(f"{folder.out}: the review page cannot be written ({error.strerror or error})") from None
    return tuple(folder.out / name for name in names)


def blank_review(folder: BuildFolder, shown: Sequence[dict[str, Any]]) -> str:
    """Return a review that keeps everything as it is, one decision a line, for a text editor."""
    lines = []
    for sample in shown:
        key = {"sample_id": sample["id"], "seen": sample["seen"]}
        lines.append({**key, "decision": "keep" if sample["in"] else "drop"})
        if sample["in"]:
            lines += [{**key, "instance_id": one["id"], "decision": "keep"} for one in sample["instances"] if one["in"]]
            lines += [
                {**key, "interaction": act["index"], "decision": "keep", "fields": act["fields"]}
                for act in sample["acts"]
                if not act["why"]
            ]
    decisions = ",\n  ".join(json.dumps(line, ensure_ascii=False) for line in lines)
    return f'{{"build": {json.dumps(folder.id)}, "decisions": [\n  {decisions}\n]}}\n'


def view(folder: BuildFolder, config: BuildConfig, item: Item, sample: Sample | None, own: Sequence[Drop]) -> dict[str, Any]:
    """Return what the page shows of one prompt; `own` is what was left out of it."""
    scene, placing, cut = folder.latest(Scene, item.id), folder.placing(item), folder.latest(Cut, item.id)
    now, painting = standing(folder.decided(item.id)), painted_by(folder, item)
    frames = shown_frames(folder.root, item.id, cut.input) if cut is not None and cut.input else {}
    anchor = shown_anchor(folder.root, item.id, placing.input) if placing is not None and placing.input else None
    fixed = {index for about, index in now.fields if scene is not None and about == scene_hash(scene)}
    acts = shown_acts(scene, acts_now(folder, item, config), own, _seen(folder, config, item), fixed)
    return {
        "id": item.id,
        "in": sample is not None,
        "kept": now.kept,
        "seen": state_of(folder, item.id),
        "prompt": item.row.prompt.strip(),
        "painted": "" if painting is None else f"{painting.by}, seed {painting.seed}: {item.row.image_prompt.strip()}",
        "again": item.painted,
        # Samples of one picture: it is rejected for all of them.
        "picture": item.media.name if item.painted and item.media is not None else "",
        "asked": scene is not None and scene.by != "given",
        "why": next((drop.reason for drop in own if drop.instance_id is None and not drop.interaction), ""),
        "acts": acts,
        # What was chosen about fields that were different then is not brought back.
        "shown": short(sha256_json([act["fields"] for act in acts]), 12),
        "frames": [{"index": index, "data": _data(path)} for index, path in frames.items()],
        "anchor": None
        if anchor is None or placing is None
        else {"data": _data(anchor), "width": placing.size[1], "height": placing.size[0], "frame": placing.grounding.frame},
        "instances": [_instance(folder, one, placing, sample, own) for one in (() if scene is None else scene.instances)],
    }


def _seen(folder: BuildFolder, config: BuildConfig, item: Item) -> dict[int, str]:
    """Return what a model said of what touches, in one sentence an interaction."""
    line, seen = folder.latest(Touch, item.id), seen_by_a_model(folder, item, config)
    return {
        one.interaction: f"{line.by} on touching at the start: {one.touching}{f', {one.reason}' if one.reason else ''}"
        for one in (line.said if line is not None else ())
        if line is not None and one.interaction in seen
    }


def _instance(
    folder: BuildFolder, one: Instance, placing: Placing | None, sample: Sample | None, own: Sequence[Drop]
) -> dict[str, Any]:
    inside = sample is not None and any(item.id == one.id for item in sample.instances)
    shown: dict[str, Any] = {
        "id": one.id,
        "class": one.class_,
        "appearance": one.appearance,
        "colour": one.colour,
        "in": inside,
        "why": next((drop.reason for drop in own if drop.instance_id == one.id), ""),
        "basis": "",
        "box": None,
        "candidates": [],
    }
    if placing is None:
        return shown
    place = placing.grounding.place(one.id)
    crops = shown_crops(folder.root, placing.sample_id, placing.input)
    said = {check.candidate: check for check in placing.grounding.checks if check.instance_id == one.id}
    shown["basis"] = str(place.basis) if place is not None and place.basis is not None else ""
    shown["box"] = list(place.box) if place is not None and place.box is not None else None
    shown["candidates"] = [
        {
            "index": index,
            "data": _data(crops[index]) if index in crops else "",
            "score": candidate.score,
            "taken": place is not None and place.box == candidate.box,
            "said": "" if index not in said else ("yes" if said[index].match else "no"),
            "reason": said[index].reason if index in said else "",
        }
        for index, candidate in enumerate(placing.grounding.candidates)
        if candidate.class_ == one.class_
    ]
    return shown


def _data(path: Path) -> str:
    return data_uri(read_bytes(path))
