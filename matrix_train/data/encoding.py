"""From a clip to the files of its windows in a cache: frames, masks and text of the same moments, through the encoders."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from intergeneval.errors import ConfigError, MediaError, RecordError
from intergeneval.ids import sha256_json
from intergeneval.plugins.fitting import Fitting
from intergeneval.videos import Frame, Reader
from matrix_train.backbones import Backbone, Grid
from matrix_train.backbones.load_encoders import Encoder, Frames
from matrix_train.config import Config
from matrix_train.data import layout
from matrix_train.data.catalogue import Catalogue
from matrix_train.data.checking import Examined, cut_notes, examine
from matrix_train.data.clips import ROLE_ORDER, Clip, inside
from matrix_train.data.empty_text import cache_empty_text
from matrix_train.data.windows import Picks, Timing
from matrix_train.model.conditioning import palette_picture, target_picture
from matrix_train.model.tensor_files import write_tensors
from matrix_train.roles import token_indices
from matrix_train.targets import Masks, Window, latent_frames, of_role, on_tokens, resize

READER = "mask_reader"
"""Noted of every clip since masks are read by value; what was cached before holds empty masks where they were misread."""
TIMING = "timing"
"""Noted of every clip since clips are seen at a rate; before, the first frames were taken one by one."""
BAD = "bad"
"""Noted in the catalogue alone, of a clip that cannot be trained on: the reason."""
RESAMPLED = "resampled"
"""Noted of a clip of another rate than the one at which it is seen: its own."""
FAULTS = (ConfigError, MediaError, RecordError)
"""What one clip may raise without ending the others."""


def sizes_of(config: Config) -> tuple[tuple[int, int], ...]:
    """Return the training sizes, (height, width), the main one first."""
    return tuple(dict.fromkeys(((config.data.height, config.data.width), *config.data.sizes)))


def path_of(folder: Path, clip: Clip, window: int = 0) -> Path:
    """Return where a window of a clip is cached."""
    # Ids may hold any characters; the name on disk must not.
    return folder / f"{sha256_json([clip.id, window] if window else clip.id)[:24]}.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeJob:
    """What is to be encoded; it is pickled."""

    clip: Clip | None
    """The clip; None: the empty caption."""
    digest: str
    """Hash of its record and files, as it is noted of what is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """What came of it."""

    job: EncodeJob
    """What was to be encoded."""
    reason: str = ""
    """Why it cannot be trained on; empty where it can."""


class Encodes(Protocol):
    """Writes the files of a cache, here or elsewhere; whoever asks it keeps index and catalogue."""

    def scaling(self) -> tuple[Tensor, Tensor]:
        """Return shift and factor of each latent channel."""

    def encoded(self, jobs: Sequence[EncodeJob]) -> Generator[Encoded, None, None]:
        """Give what comes of each job, in the order in which they end."""


@dataclass(frozen=True, slots=True)
class Work:
    """What encoding a clip takes; as `Encodes`, it works in this process."""

    config: Config
    folder: Path
    timing: Timing
    encoder: Encoder
    backbone: Backbone

    def scaling(self) -> tuple[Tensor, Tensor]:
        """Return shift and factor of each latent channel, of which the encoder's VAE is loaded."""
        return self.encoder.scaling()

    def encoded(self, jobs: Sequence[EncodeJob]) -> Generator[Encoded, None, None]:
        """Give what comes of each job, one after another."""
        yield from map(self.do, jobs)

    def do(self, job: EncodeJob) -> Encoded:
        """Write the files of a job. Raises ConfigError where it is not the clip's fault."""
        if job.clip is None:
            cache_empty_text(self.folder, self.config, self.encoder)
            return Encoded(job=job)
        return Encoded(job=job, reason=self._encode(job.clip, job.digest))

    def _encode(self, clip: Clip, digest: str) -> str:
        root = Path(self.config.data.path)
        found = examine(root, clip, self.timing)
        reason = "; ".join(fault.what for fault in found.faults if fault.fatal)
        if not reason:
            try:
                frames, fitting = _frames_of(self.config, inside(root, clip.video, "video"), found.windows)
                # The first window comes last: it says how many there are, and that they are there.
                for window in reversed(range(len(found.windows))):
                    self._window(clip, digest, found, window, frames, fitting)
            except FAULTS as error:
                reason = str(error)
        return reason

    def _window(
        self, clip: Clip, digest: str, found: Examined, window: int, decoded: Mapping[int, Frame], fitting: Fitting
    ) -> None:
        config, encoder, backbone = self.config, self.encoder, self.backbone
        picks = found.windows[window]
        frames = np.stack([decoded[pick] for pick in picks])
        tracks = {name: masks[list(found.mask_picks(name, window))] for name, masks in found.tracks.items()}
        moments = encoder.video(frames)
        grid = backbone.grid((moments.shape[1], moments.shape[2], moments.shape[3]))
        text = encoder.text(clip.caption, frames[0])
        tensors: dict[str, Tensor] = {"video": moments, **{f"condition/{name}": item for name, item in text.tensors.items()}}
        tensors |= {f"condition/{name}": item for name, item in encoder.first_frame(frames[0], len(frames)).items()}
        if backbone.image_noise is not None:
            # Noise on the first frame is drawn anew in each step, and a latent cannot take it.
            tensors["first"] = torch.from_numpy(frames[0].copy())
        if config.condition.id_map != "none":
            tensors["id_map"] = encoder.picture(_id_map(config, clip, tracks, fitting))
        entries, roles = _roles(clip, tracks, text.offsets)
        latents = latent_frames(len(frames), backbone.strides[0])
        made = [_on_grids(masks, grid, config.decoder.scale, fitting.window, latents) for masks in roles]
        # What is cropped away, or falls between the decoder's cells, is skipped and not trained as absent.
        lost = [entry for entry, (fine, _, _) in zip(entries, made, strict=True) if not fine.any()]
        listed = [
            {**entry, "has_cells": bool(cells.any())} for entry, (fine, _, cells) in zip(entries, made, strict=True) if fine.any()
        ]
        made = [item for item in made if item[0].any()]
        tensors |= _stacked(made, len(frames), grid, config.decoder.scale)
        written, told = layout.stored(tensors)
        metadata = {
            "digest": digest,
            READER: "1",
            TIMING: self.timing.text,
            "picks": json.dumps(picks),
            "windows": str(len(found.windows)),
            "notes": json.dumps([*cut_notes(clip, text.offsets), *_lost_notes(lost), *_cell_notes(listed)]),
            "clip": clip.id,
            "entries": json.dumps(listed),
            "text_tokens": str(len(text.offsets)),
            **({RESAMPLED: f"{found.time.rate:g}"} if found.resampled and found.time is not None else {}),
            **told,
        }
        write_tensors(path_of(self.folder, clip, window), written, metadata)


def note_encoded(catalogue: Catalogue, folder: Path, timing: Timing, done: Encoded) -> None:
    """Have the catalogue look anew at what was written of a clip; one that cannot be trained on is noted, and its file goes."""
    clip = done.job.clip
    assert clip is not None
    path = path_of(folder, clip)
    catalogue.forget(path)
    if done.reason:
        path.unlink(missing_ok=True)
        catalogue.note(path, digest=done.job.digest, **{TIMING: timing.text}, **{BAD: done.reason})
        return
    for window in range(1, int(catalogue.metadata(path)["windows"])):
        catalogue.forget(path_of(folder, clip, window))


def _size_of(config: Config, size: tuple[int, int]) -> tuple[int, int]:
    return min(sizes_of(config), key=lambda item: abs(item[1] / item[0] - size[1] / size[0]))


def _frames_of(config: Config, video: Path, windows: Sequence[Picks]) -> tuple[dict[int, Frame], Fitting]:
    """Decode the frames of some windows at the training size whose aspect is nearest, by index, and say how they came there."""
    wanted = {pick for picks in windows for pick in picks}
    reader, last = Reader(video, keep=False), max(wanted)
    fitting = Fitting.of(reader.size, _size_of(config, reader.size), "crop")
    found = {}
    for index, frame in enumerate(reader):
        if index in wanted:
            found[index] = fitting.apply(frame).copy()
        if index >= last:
            break
    return found, fitting


def training_frames(config: Config, video: Path, picks: Picks | None = None) -> Frames:
    """Return the frames (F, H, W, 3) of a clip as they are encoded; without `picks` the first ones, one by one."""
    picks = tuple(range(config.data.frames)) if picks is None else picks
    found, _ = _frames_of(config, video, [picks])
    return np.stack([found[pick] for pick in picks])


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
        "masks": torch.from_numpy(fine.astype(np.uint8)),
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
