"""The cache: VAE moments, text, first-frame conditions, id maps and bit-packed masks, one safetensors file a clip.

It is keyed by the encoders' files, the shape, the decoders' grid and the id map; a cache made for anything else is refused, and a
clip whose files changed is refused by name. Encoding is resumed by running it again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from intergeneval.errors import ConfigError
from intergeneval.ids import sha256_json
from intergeneval.plugins.fitting import Fitting
from intergeneval.records.disk import growing, read_text, write_atomically
from intergeneval.videos import Reader
from matrix_train.backbones import Backbone, Grid
from matrix_train.backbones.load_encoders import Encoder, Frames
from matrix_train.config import Config
from matrix_train.data.checking import check_clip, cut_notes
from matrix_train.data.clips import ROLE_ORDER, Clip, inside, mask_folder, mask_tracks, misread
from matrix_train.data.empty_text import cache_empty_text, is_wanted
from matrix_train.model.conditioning import palette_picture, target_picture
from matrix_train.roles import token_indices
from matrix_train.targets import Masks, Window, latent_frames, of_role, on_tokens, pack, resize

VERSION = 4
INDEX = "cache.json"
_READER = "mask_reader"
"""Noted of every clip since masks are read by value; what was cached before holds empty masks where they were misread."""


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


def sizes_of(config: Config) -> tuple[tuple[int, int], ...]:
    """Return the training sizes, (height, width), the main one first."""
    return tuple(dict.fromkeys(((config.data.height, config.data.width), *config.data.sizes)))


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
        if found.get(name) != value:
            raise ConfigError(
                f"{folder}: the cache is stale: {name} was {found.get(name)!r} and is now {value!r}; "
                "delete the folder or set data.cache to another one"
            )
    return True


def clip_digest(root: Path, clip: Clip) -> str:
    """Return a hash of a clip's record and of the size and time of every file it names; the time tells re-made masks."""
    video = inside(root, clip.video, "video")
    files = sorted(video.iterdir()) if video.is_dir() else [video]
    if clip.tracks:
        files.append(inside(root, clip.tracks, "tracks"))
    else:
        folder = inside(root, clip.masks, "masks")
        owns = [mask_folder(folder, instance.id) for instance in clip.instances]
        files += [path for own in owns if own is not None for path in sorted(own.iterdir())]
    stats = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files if path.exists()]
    return sha256_json({"clip": clip.to_json(), "files": [[Path(name).name, size, time] for name, size, time in stats]})


def precompute(
    config: Config,
    clips: Sequence[Clip],
    encoder: Encoder,
    backbone: Backbone,
    report: Callable[[int, int, str], None] = lambda *_: None,
) -> int:
    """Encode every clip that is not cached yet and return how many were; `report` is told (done, all, clip id).

    Raises ConfigError for a stale cache and for the first clip that cannot be trained on.
    """
    root, folder = Path(config.data.path), folder_of(config)
    key = key_of(config, encoder, backbone.name)
    if not check_key(folder, key):
        folder.mkdir(parents=True, exist_ok=True)
        shift, factor = encoder.scaling()
        key = {**key, "shift": shift.tolist(), "factor": factor.tolist()}
        write_atomically(folder / INDEX, json.dumps(key, indent=1) + "\n")
    if is_wanted(config, backbone):
        cache_empty_text(folder, config, encoder)
    made = 0
    for number, clip in enumerate(clips, 1):
        path, digest = _path(folder, clip), clip_digest(root, clip)
        stored = _stored(path) if path.is_file() else {}
        if stored.get("digest") != digest or (_READER not in stored and misread(root, clip)):
            faults = [fault.what for fault in check_clip(root, clip, config.data.frames) if fault.fatal]
            if faults:
                raise ConfigError(f"clip {clip.id}: {'; '.join(faults)}")
            _encode(path, digest, config, clip, encoder, backbone)
            made += 1
        report(number, len(clips), clip.id)
    return made


def _path(folder: Path, clip: Clip) -> Path:
    # Ids may hold any characters; the name on disk must not.
    return folder / f"{sha256_json(clip.id)[:24]}.safetensors"


def _stored(path: Path) -> dict[str, str]:
    try:
        with safe_open(str(path), framework="pt") as stream:
            return dict(stream.metadata() or {})
    except (OSError, SafetensorError):
        # A file torn by a killed run is encoded again.
        return {}


def _encode(path: Path, digest: str, config: Config, clip: Clip, encoder: Encoder, backbone: Backbone) -> None:
    root = Path(config.data.path)
    frames, fitting = training_frames(config, Reader(inside(root, clip.video, "video"), keep=False))
    tracks = {name: masks[: config.data.frames] for name, masks in mask_tracks(root, clip).items()}
    moments = encoder.video(frames)
    grid = backbone.grid((moments.shape[1], moments.shape[2], moments.shape[3]))
    text = encoder.text(clip.caption, frames[0])
    tensors: dict[str, Tensor] = {"video": moments, **{f"condition/{name}": item for name, item in text.tensors.items()}}
    tensors |= {f"condition/{name}": item for name, item in encoder.first_frame(frames[0], len(frames)).items()}
    # Noise on the first frame is drawn anew in each step, and a latent cannot take it.
    tensors["first"] = torch.from_numpy(frames[0].copy())
    if config.condition.id_map != "none":
        tensors["id_map"] = encoder.picture(_id_map(config, clip, tracks, fitting))
    entries, found = _roles(clip, tracks, text.offsets)
    latents = latent_frames(len(frames), backbone.strides[0])
    made = [_on_grids(masks, grid, config.decoder.scale, fitting.window, latents) for masks in found]
    # What is cropped away, or falls between the decoder's cells, is skipped and not trained as absent.
    lost = [entry for entry, (fine, _, _) in zip(entries, made, strict=True) if not fine.any()]
    listed = [
        {**entry, "has_cells": bool(cells.any())} for entry, (fine, _, cells) in zip(entries, made, strict=True) if fine.any()
    ]
    made = [item for item in made if item[0].any()]
    tensors |= _stacked(made, len(frames), grid, config.decoder.scale)
    metadata = {
        "digest": digest,
        _READER: "1",
        "notes": json.dumps([*cut_notes(clip, text.offsets), *_lost_notes(lost), *_cell_notes(listed)]),
        "clip": clip.id,
        "entries": json.dumps(listed),
        "mask_shape": json.dumps(_mask_shape(len(made), len(frames), grid, config.decoder.scale)),
        "text_tokens": str(len(text.offsets)),
    }
    with growing(path) as made_at:
        save_file({name: item.contiguous() for name, item in tensors.items()}, str(made_at), metadata)


def training_frames(config: Config, reader: Reader) -> tuple[Frames, Fitting]:
    """Return the first frames of a video at the training size whose aspect is nearest, and how they were brought there."""
    size = min(sizes_of(config), key=lambda item: abs(item[1] / item[0] - reader.size[1] / reader.size[0]))
    fitting = Fitting.of(reader.size, size, "crop")
    return np.stack([fitting.apply(frame) for frame in islice(reader, config.data.frames)]), fitting


def _on_grids(masks: Masks, grid: Grid, scale: int, window: Window, latents: npt.NDArray[np.int64]) -> tuple[Masks, Masks, Masks]:
    """Return a role's masks at the decoder's grid and at the tokens of each latent frame, and its tokens of the first frame."""
    size = (grid.height, grid.width)
    fine = resize(masks, (grid.height * scale, grid.width * scale), window)
    return fine, resize(masks[latents], size, window), on_tokens(masks[:1], size, window)[0]


def _mask_shape(roles: int, frames: int, grid: Grid, scale: int) -> tuple[int, int, int, int]:
    return roles, frames, grid.height * scale, grid.width * scale


def _stacked(made: Sequence[tuple[Masks, Masks, Masks]], frames: int, grid: Grid, scale: int) -> dict[str, Tensor]:
    """Return the masks of all roles of a clip as they are stored; a clip may have none."""
    shapes = (_mask_shape(0, frames, grid, scale), (0, grid.frames, grid.height, grid.width), (0, grid.height, grid.width))
    columns = zip(*made, strict=True) if made else (() for _ in shapes)
    fine, coarse, cells = (np.array(list(own), bool).reshape(-1, *shape[1:]) for own, shape in zip(columns, shapes, strict=True))
    return {
        "masks": torch.from_numpy(pack(fine)),
        "coarse": torch.from_numpy(coarse.astype(np.uint8)),
        "cells": torch.from_numpy(cells.astype(np.uint8)),
    }


def _id_map(config: Config, clip: Clip, tracks: Mapping[str, Masks], fitting: Fitting) -> Any:
    firsts = [resize(tracks[item.id][0], fitting.size, fitting.window) for item in clip.instances]
    if config.condition.id_map == "palette":
        return palette_picture(firsts)
    target = clip.interactions[0].object or clip.interactions[0].subject
    return target_picture(firsts[[item.id for item in clip.instances].index(target)])


def _roles(
    clip: Clip, tracks: Mapping[str, Masks], offsets: tuple[tuple[int, int], ...]
) -> tuple[list[dict[str, Any]], list[Masks]]:
    """Return the roles that have a mask with a voxel in it, and those masks at the video's size; empty ones are left out."""
    entries, found = [], []
    for index, item in enumerate(clip.interactions):
        subject, target = tracks.get(item.subject), tracks.get(item.object or "")
        for role in ROLE_ORDER:
            masks = of_role(role, subject, target)
            if masks is None or not masks.any():
                continue
            tokens = token_indices(offsets, clip.caption, item.spans(role))
            entries.append({"interaction": index, "role": role, "tokens": list(tokens)})
            found.append(masks)
    return entries, found


def _lost_notes(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"interaction {entry['interaction']}: no mask of {entry['role']} reaches the part and the grid that are trained on, "
        "so it is left out"
        for entry in entries
    ]


def _cell_notes(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"interaction {entry['interaction']}: the first mask of {entry['role']} lies on no token, so it is not propagated"
        for entry in entries
        if entry["role"] != "verb" and not entry["has_cells"]
    ]


def notes_of(folder: Path, clips: Sequence[Clip]) -> list[str]:
    """Return what training will leave out of cached clips, one line each, named by clip."""
    return [f"{clip.id}: {note}" for clip in clips for note in json.loads(_stored(_path(folder, clip)).get("notes", "[]"))]


def check_clip_cache(folder: Path, root: Path, clip: Clip) -> dict[str, str]:
    """Return what is noted of a cached clip. Raises ConfigError when it is missing or was made from other files."""
    path = _path(folder, clip)
    if not path.is_file():
        raise ConfigError(f"{folder}: clip {clip.id!r} is not cached; run 'matrix-train precompute' with this config")
    stored = _stored(path)
    if stored.get("digest") != clip_digest(root, clip):
        raise ConfigError(f"{folder}: clip {clip.id!r} changed since it was cached; run 'matrix-train precompute' again")
    if _READER not in stored and misread(root, clip):
        raise ConfigError(
            f"{folder}: the masks of clip {clip.id!r} were misread when cached; run 'matrix-train precompute' again"
        )
    return stored


def load_clip(folder: Path, clip: Clip, stored: Mapping[str, str] | None = None) -> CachedClip:
    """Read a cached clip that has been checked."""
    path = _path(folder, clip)
    stored = stored or _stored(path)
    with safe_open(str(path), framework="pt") as stream:
        tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118  # not a mapping
    shape = tuple(json.loads(stored["mask_shape"]))
    bits = np.unpackbits(tensors["masks"].numpy(), count=int(np.prod(shape)))
    tensors["masks"] = torch.from_numpy(bits.reshape(shape))
    entries = tuple(
        Entry(interaction=item["interaction"], role=item["role"], tokens=tuple(item["tokens"]), has_cells=item["has_cells"])
        for item in json.loads(stored["entries"])
    )
    return CachedClip(id=clip.id, tensors=tensors, entries=entries, text_tokens=int(stored["text_tokens"]))


def shape_of(folder: Path, clip: Clip) -> tuple[int, ...]:
    """Return the latent shape (F, H, W) of a cached clip, without reading it whole."""
    with safe_open(str(_path(folder, clip)), framework="pt") as stream:
        return tuple(stream.get_slice("video").get_shape()[1:])


def scaling_of(folder: Path) -> tuple[Tensor, Tensor]:
    """Return shift and factor of each latent channel that the cache was made with."""
    found = json.loads(read_text(folder / INDEX))
    return torch.tensor(found["shift"]), torch.tensor(found["factor"])
