"""The benchmark's files: everything but first frames, which the cuts write, derived from the lines and rewritten whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from intergeneval.bench.own import SAMPLES
from intergeneval.bench_paths import TOML
from intergeneval.build.assembly import Assembled
from intergeneval.build.config import BuildConfig
from intergeneval.build.folder import BuildFolder
from intergeneval.build.paint_step import painted_by
from intergeneval.build.pictures import mask_picture, write_png
from intergeneval.build.records import Cut
from intergeneval.build.source import Item
from intergeneval.errors import StoreError
from intergeneval.ids import canonical_json, sha256_file
from intergeneval.masks import decode
from intergeneval.records import Sample
from intergeneval.records.disk import copy
from intergeneval.store import write_atomically

VIDEOS = "videos"
DROPPED = "dropped.jsonl"


def write_benchmark(folder: BuildFolder, config: BuildConfig, items: Sequence[Item], made: Assembled) -> None:
    """Write masks, videos with their tracks, ``samples.jsonl``, ``bench.toml`` and ``dropped.jsonl``.

    Without a sample left, ``samples.jsonl`` and ``bench.toml`` go: an empty benchmark is none. Raises StoreError.
    """
    out, sources = folder.out, {item.id: item for item in items}
    try:
        write_atomically(out / DROPPED, "".join(canonical_json(drop.to_json()) + "\n" for drop in made.drops))
        if not made.samples:
            for name in (SAMPLES, TOML):
                (out / name).unlink(missing_ok=True)
            return
        for sample in made.samples:
            _write_masks(folder, sample)
            _write_video(folder, sources[sample.id], sample)
        with_hashes = [_hashed(sample, out) for sample in made.samples]
        write_atomically(out / SAMPLES, "".join(canonical_json(sample.to_json()) + "\n" for sample in with_hashes))
        # Reference videos are there for every sample or for none.
        has_videos = all(sources[sample.id].is_video for sample in made.samples)
        lines = [painted_by(folder, sources[sample.id]) for sample in made.samples]
        painters = sorted({line.by for line in lines if line is not None})
        write_atomically(out / TOML, _head(config, made, painters, has_videos=has_videos))
    except OSError as error:
        raise StoreError(f"{out}: cannot be written ({error.strerror or error})") from None


def _head(config: BuildConfig, made: Assembled, painters: Sequence[str], *, has_videos: bool) -> str:
    name = config.name or Path(config.out).resolve().name
    source = Path(config.source).resolve().name
    built = f"Built from {source}: {len(made.samples)} samples, {len(made.reviewed)} of them reviewed by a person."
    if painters:
        built += f" First frames were painted by {' and '.join(painters)}, from the texts in image_prompt."
    fields = {
        "name": name,
        "version": config.version,
        "description": config.description or built,
        "licence": config.licence,
        **({"videos": VIDEOS} if has_videos else {}),
        **({"task": "text-to-video"} if config.text_only else {}),
    }
    # A JSON text is a TOML text as well, but for the delete character.
    head = "".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n".replace("\x7f", "\\u007f") for key, value in fields.items()
    )
    twins = painters and all(any(act.twin_of is not None for act in sample.interactions) for sample in made.samples)
    return head + ("\n[suite]\ntwins = true\n" if twins else "")


def _write_masks(folder: BuildFolder, sample: Sample) -> None:
    cut = folder.latest(Cut, sample.id)
    place = folder.out / "masks" / sample.id
    names = {item.mask: item.id for item in sample.instances if item.mask is not None}
    if cut is None or not names:
        return
    for path, name in names.items():
        write_png(folder.out / path, mask_picture(decode(cut.masks[name], cut.size)))
    for old in place.glob("*.png"):
        if f"masks/{sample.id}/{old.name}" not in names:
            old.unlink()


def _write_video(folder: BuildFolder, item: Item, sample: Sample) -> None:
    """Copy the video, and write the tracks of the instances that stayed beside it, for the tracker ``stored``."""
    cut = folder.latest(Cut, sample.id)
    if not item.is_video or item.media is None or cut is None or cut.tracks is None:
        return
    place = folder.out / VIDEOS
    place.mkdir(parents=True, exist_ok=True)
    target = place / f"{sample.id}{item.media.suffix.lower()}"
    if (
        not target.is_file()
        or target.stat().st_size != item.media.stat().st_size
        or sha256_file(target) != sha256_file(item.media)
    ):
        copy(item.media, target)
    kept = {instance.id for instance in sample.instances}
    tracks = replace(cut.tracks, tracks=tuple(track for track in cut.tracks.tracks if track.instance_id in kept))
    write_atomically(place / f"{sample.id}.tracks.json", canonical_json(tracks.to_json()) + "\n")


def _hashed(sample: Sample, out: Path) -> Sample:
    named = [path for path in (sample.image, *(item.mask for item in sample.instances)) if path is not None]
    return replace(sample, hashes={path: sha256_file(out / path) for path in named})
