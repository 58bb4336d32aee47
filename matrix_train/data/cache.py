"""The cache: VAE moments, text, first-frame conditions, id maps and masks, one safetensors file a window of a clip.

It is keyed by the encoders' files, the shape, the decoders' grid and the id map; a cache made for anything else is refused, and a
clip whose files changed, or that is to be seen at another rate, is refused by name. Encoding is resumed by running it again.
Caches of earlier versions are read as they are; `layout` and `catalogue` know how.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from intergeneval.errors import ConfigError
from intergeneval.ids import sha256_json
from intergeneval.records.disk import read_text, write_atomically
from matrix_train.backbones import Backbone
from matrix_train.backbones.load_encoders import Encoder
from matrix_train.config import Config
from matrix_train.data import layout
from matrix_train.data.catalogue import Catalogue
from matrix_train.data.checking import examine
from matrix_train.data.clips import Clip, inside, mask_folder, misread
from matrix_train.data.empty_text import cache_empty_text, is_wanted
from matrix_train.data.encoding import BAD, READER, RESAMPLED, TIMING, Work, path_of, sizes_of
from matrix_train.data.windows import Picks, Timing, timing_of

VERSION = 5
_READ_AS_WELL = (4,)
"""Versions of a cache that this one reads and adds to."""
INDEX = "cache.json"

Report = Callable[[int, int, str], None]
"""Is told (done, all, clip id)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One supervised role of a cached clip."""

    interaction: int
    """Index of the interaction."""
    role: str
    """sub, obj or verb."""
    tokens: tuple[int, ...]
    """Positions of its text tokens; empty where the caption does not name it or the text was cut."""
    has_cells: bool
    """Whether its first-frame mask covers a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedClip:
    """One clip as it was cached."""

    id: str
    """The clip."""
    tensors: Mapping[str, Tensor]
    """``video`` moments, ``id_map``, ``condition/*``, the ``first`` frame's pixels, and of the roles ``masks``, ``coarse`` ones
    on the token grid, and the ``cells`` of the first frame."""
    entries: tuple[Entry, ...]
    """Its roles, in the order of the packed masks."""
    text_tokens: int
    """Length of the model's text sequence."""
    picks: Picks | None = None
    """The clip's frames that it shows; None: the first ones, one by one."""


def folder_of(config: Config) -> Path:
    """Return the cache folder of a config."""
    return Path(config.data.cache) if config.data.cache else Path(config.data.path) / ".matrix-cache"


def key_of(config: Config, encoder: Encoder, name: str) -> dict[str, Any]:
    """Return everything a cache depends on beside the clips: encoders with their type and text length, shape, grid, id map."""
    return {
        "version": VERSION,
        "backbone": name,
        **encoder.describe(),
        "frames": config.data.frames,
        "sizes": [list(size) for size in sizes_of(config)],
        "decoder_scale": config.decoder.scale,
        "id_map": config.condition.id_map,
    }


def check_key(folder: Path, key: Mapping[str, Any]) -> bool:
    """Return whether a cache with this key is there; False when there is none. Raises ConfigError for another's cache."""
    path = folder / INDEX
    if not path.is_file():
        return False
    try:
        found = json.loads(read_text(path))
    except ValueError:
        raise ConfigError(f"{path}: is damaged, so what the cache was made for is not known; delete {folder}") from None
    for name, value in key.items():
        if name == "version" and found.get(name) in _READ_AS_WELL:
            continue
        if found.get(name) != value:
            raise ConfigError(
                f"{folder}: the cache is stale: {name} was {found.get(name)!r} and is now {value!r}; "
                "delete the folder or set data.cache to another one"
            )
    return True


def clip_digest(root: Path, clip: Clip) -> str:
    """Return a hash of what a clip is trained on, and of the size and time of its files; the time tells re-made masks."""
    video = inside(root, clip.video, "video")
    files = sorted(video.iterdir()) if video.is_dir() else [video]
    if clip.tracks:
        files.append(inside(root, clip.tracks, "tracks"))
    else:
        folder = inside(root, clip.masks, "masks")
        owns = [mask_folder(folder, instance.id) for instance in clip.instances]
        files += [path for own in owns if own is not None for path in sorted(own.iterdir())]
    looked = [(path.name, _look(path)) for path in files]
    stats = [[name, found.st_size, found.st_mtime_ns] for name, found in looked if found is not None]
    return sha256_json({"clip": clip.plain.to_json(), "files": stats})


def _look(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheState:
    """What filling a cache came to."""

    encoded: int
    """Clips that were encoded now."""
    clips: tuple[Clip, ...]
    """Clips that can be trained on, in the dataset's order."""
    bad: tuple[tuple[str, str], ...]
    """Clips that cannot, each with the reason."""
    resampled: int
    """Clips of another rate than the one at which they are seen."""
    notes: tuple[str, ...]
    """What training will leave out of the clips that can be trained on, one line each."""


def precompute(
    config: Config, clips: Sequence[Clip], encoder: Encoder, backbone: Backbone, report: Report = lambda *_: None
) -> int:
    """Encode every clip that is not cached yet and return how many were, as `fill` does."""
    return fill(config, clips, encoder, backbone, report).encoded


def fill(
    config: Config,
    clips: Sequence[Clip],
    encoder: Encoder,
    backbone: Backbone,
    report: Report = lambda *_: None,
    *,
    again: bool = False,
) -> CacheState:
    """Encode every clip that is not cached yet; with `again` also look anew at clips that could not be encoded.

    Raises ConfigError for a stale cache, and naming every clip so far that cannot be trained on once they are more than
    `data.bad_limit` of all.
    """
    root, folder, timing = Path(config.data.path), folder_of(config), timing_of(config)
    key = key_of(config, encoder, backbone.name)
    there = check_key(folder, key)
    if is_wanted(config, backbone):
        there = there or _begin(folder, key, encoder)
        cache_empty_text(folder, config, encoder)
    catalogue = Catalogue(folder)
    work = Work(config, folder, timing, encoder, backbone, catalogue)
    made, resampled, good, bad = 0, 0, [], []
    for number, clip in enumerate(clips, 1):
        digest, reason = _digest(root, clip)
        stored = catalogue.metadata(path_of(folder, clip)) if digest else {}
        known_bad = stored.get(BAD, "") if _same(stored, digest, timing) and not again else ""
        reason = reason or known_bad
        if not reason and _fault(catalogue, folder, root, clip, digest, timing):
            there = there or _begin(folder, key, encoder)
            reason = work.encode(clip, digest)
            made += not reason
        if reason:
            bad.append((clip.id, reason))
            _check_limit(config, len(clips), bad)
        else:
            good.append(clip)
            resampled += RESAMPLED in catalogue.metadata(path_of(folder, clip))
        report(number, len(clips), clip.id)
    if not good:
        raise ConfigError(f"{root}: no clip can be trained on; 'matrix-train check' names all there is")
    if made and json.loads(read_text(folder / INDEX))["version"] != VERSION:
        _begin(folder, key, encoder)
    notes = notes_of(folder, good, catalogue)
    catalogue.save()
    return CacheState(encoded=made, clips=tuple(good), bad=tuple(bad), resampled=resampled, notes=tuple(notes))


def _begin(folder: Path, key: Mapping[str, Any], encoder: Encoder) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    shift, factor = encoder.scaling()
    write_atomically(folder / INDEX, json.dumps({**key, "shift": shift.tolist(), "factor": factor.tolist()}, indent=1) + "\n")
    return True


def _digest(root: Path, clip: Clip) -> tuple[str, str]:
    """Return a clip's digest, or why it has none."""
    try:
        return clip_digest(root, clip), ""
    except ConfigError as error:
        return "", str(error)


def _check_limit(config: Config, clips: int, bad: Sequence[tuple[str, str]]) -> None:
    limit = math.floor(config.data.bad_limit * clips)
    if len(bad) > limit:
        found = "; ".join(f"clip {name}: {reason}" for name, reason in bad)
        allowed = f" ({limit} of {clips} may be left out by data.bad_limit)" if limit else ""
        raise ConfigError(f"{found}{allowed}; 'matrix-train check' names all there is")


def _same(stored: Mapping[str, str], digest: str, timing: Timing) -> bool:
    return stored.get("digest") == digest and stored.get(TIMING) == timing.text


def _fault(catalogue: Catalogue, folder: Path, root: Path, clip: Clip, digest: str, timing: Timing | None) -> str:
    """Return why a clip's cached files cannot be used, as a text with a place for its id; empty where they can."""
    path = path_of(folder, clip)
    stored = catalogue.metadata(path)
    if not stored or BAD in stored:
        return "clip {id!r} is not cached; run 'matrix-train precompute' with this config"
    if stored.get("digest") != digest:
        return "clip {id!r} changed since it was cached; run 'matrix-train precompute' again"
    if READER not in stored:
        if misread(root, clip):
            return "the masks of clip {id!r} were misread when cached; run 'matrix-train precompute' again"
        catalogue.note(path, **{READER: "1"})
    if timing is not None and stored.get(TIMING) != timing.text:
        if not _is_plain(stored, timing) or examine(root, clip, timing, masks=False).windows != (timing.plain,):
            return "clip {id!r} was cached at another rate or with other windows; run 'matrix-train precompute' again"
        catalogue.note(path, **{TIMING: timing.text})
    if any(item.get("digest") != digest for item in _windows_of(catalogue, folder, clip)):
        return "clip {id!r} is not cached whole; run 'matrix-train precompute' again"
    return ""


def _is_plain(stored: Mapping[str, str], timing: Timing) -> bool:
    """Whether a cached clip shows its first frames one by one, in one window."""
    return picks_of(stored) in (None, timing.plain) and stored.get("windows", "1") == "1"


def notes_of(folder: Path, clips: Sequence[Clip], catalogue: Catalogue | None = None) -> list[str]:
    """Return what training will leave out of cached clips, one line each, named by clip."""
    catalogue = catalogue or Catalogue(folder)
    return [
        f"{clip.id}{f', window {window}' if window else ''}: {note}"
        for clip in clips
        for window, stored in enumerate(_windows_of(catalogue, folder, clip))
        for note in json.loads(stored.get("notes", "[]"))
    ]


def _windows_of(catalogue: Catalogue, folder: Path, clip: Clip) -> list[dict[str, str]]:
    first = catalogue.metadata(path_of(folder, clip))
    later = range(1, int(first.get("windows", "1")))
    return [first, *(catalogue.metadata(path_of(folder, clip, window)) for window in later)]


def check_clip_cache(
    folder: Path, root: Path, clip: Clip, timing: Timing | None = None, catalogue: Catalogue | None = None
) -> list[dict[str, str]]:
    """Return what is noted of a cached clip, window by window; its latent's shape stands under ``shape``.

    Raises ConfigError when it is missing, or was made from other files or for another `timing` (None: any will do).
    """
    catalogue = catalogue or Catalogue(folder)
    fault = _fault(catalogue, folder, root, clip, clip_digest(root, clip), timing)
    if fault:
        raise ConfigError(f"{folder}: {fault.format(id=clip.id)}")
    return _windows_of(catalogue, folder, clip)


def load_clip(folder: Path, clip: Clip, stored: Mapping[str, str] | None = None, window: int = 0) -> CachedClip:
    """Read a window of a cached clip that has been checked."""
    path = path_of(folder, clip, window)
    with safe_open(str(path), framework="pt") as stream:
        tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118  # not a mapping
        stored = stored or dict(stream.metadata())
    entries = entries_of(stored)
    name = f"{clip.id}, window {window}" if window else clip.id
    restored = layout.restored(tensors, stored)
    return CachedClip(id=name, tensors=restored, entries=entries, text_tokens=int(stored["text_tokens"]), picks=picks_of(stored))


def entries_of(stored: Mapping[str, str]) -> tuple[Entry, ...]:
    """Return the supervised roles that are noted of a cached clip."""
    return tuple(
        Entry(interaction=item["interaction"], role=item["role"], tokens=tuple(item["tokens"]), has_cells=item["has_cells"])
        for item in json.loads(stored["entries"])
    )


def picks_of(stored: Mapping[str, str]) -> Picks | None:
    """Return the frames that a cached window shows; None: the clip's first ones, one by one."""
    return tuple(json.loads(stored["picks"])) if "picks" in stored else None


def scaling_of(folder: Path) -> tuple[Tensor, Tensor]:
    """Return shift and factor of each latent channel that the cache was made with."""
    found = json.loads(read_text(folder / INDEX))
    return torch.tensor(found["shift"]), torch.tensor(found["factor"])
