"""Which clips a step sees, and everything random about them: all a function of seed, step and clip id, on the CPU.

Nothing depends on what ran before, so a resumed run draws what the unbroken one would have drawn, on any number of processes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from intergeneval.errors import ConfigError
from intergeneval.ids import sha256_json
from matrix_train.backbones import Backbone
from matrix_train.backbones.files import resolve
from matrix_train.backbones.load_encoders import Encoder, Frames, load_image_encoder
from matrix_train.config import Config
from matrix_train.data.cache import (
    CachedClip,
    Entry,
    check_clip_cache,
    entries_of,
    load_clip,
    picks_of,
    scaling_of,
)
from matrix_train.data.catalogue import SHAPE, Catalogue
from matrix_train.data.clips import Clip, inside
from matrix_train.data.condition_noise import frame_noise
from matrix_train.data.empty_text import load_empty_text
from matrix_train.data.encoding import training_frames
from matrix_train.data.holding import kept_apart
from matrix_train.data.windows import timing_of
from matrix_train.model.batch import Batch, RoleEntry
from matrix_train.model.conditioning import on_first_frame, with_mask
from matrix_train.model.readout import RoleWeights

HELD_SEED = 0
"""Seed of the noise on clips that are held out, the same for every training seed."""


def generator_of(seed: int, *what: object) -> torch.Generator:
    """Return a CPU generator whose seed is a hash of `seed` and `what`."""
    digest = sha256_json([seed, *[str(item) for item in what]])
    return torch.Generator().manual_seed(int(digest[:15], 16))


@dataclass(frozen=True, slots=True)
class Plan:
    """The order of clips: whole batches of one latent shape, shuffled anew each epoch; a bucket's rest waits an epoch out."""

    buckets: Sequence[Sequence[int]]
    """Clip indices by latent shape."""
    batch: int
    """Clips of one batch over all processes."""
    seed: int
    """Seed of the order."""

    def __post_init__(self) -> None:
        if not any(len(bucket) for bucket in self.buckets):
            raise ConfigError("there is no clip to train on")

    def epoch(self, number: int) -> list[list[int]]:
        """Return the batches of an epoch. A bucket smaller than a batch repeats its clips to fill one."""
        found = []
        for index, bucket in enumerate(self.buckets):
            order = torch.randperm(len(bucket), generator=generator_of(self.seed, "order", number, index)).tolist()
            items = [bucket[place] for place in order]
            while items and len(items) < self.batch:
                items += items[: self.batch - len(items)]
            found += [items[start : start + self.batch] for start in range(0, len(items) - self.batch + 1, self.batch)]
        shuffle = torch.randperm(len(found), generator=generator_of(self.seed, "batches", number)).tolist()
        return [found[place] for place in shuffle]

    def at(self, position: int) -> list[int]:
        """Return the clips of the batch at a position counted from the start of training."""
        size = len(self.epoch(0))
        return self.epoch(position // size)[position % size]


class Batches:
    """Draws batches from a cache; `device` is where first frames are encoded, for those that get noise.

    A training clip is a window of a clip of the dataset, and most often all there is of it.
    """

    def __init__(
        self,
        config: Config,
        backbone: Backbone,
        clips: Sequence[Clip],
        folder: Path,
        *,
        processes: int = 1,
        device: torch.device | None = None,
        held: Sequence[int] = (),
    ) -> None:
        """`held` are the indices of clips no window of which is ever drawn; in `held` of the batches is the first of each.

        Nor are any drawn that the dataset itself keeps for validation.
        """
        self._backbone, self._folder = backbone, folder
        self._scaling = scaling_of(folder)
        self._empty = load_empty_text(folder) if config.condition.text_dropout else None
        base = resolve(config.model.path) if config.condition.image_noise == "base" else Path()
        noise, dropout = frame_noise(config, backbone, base)
        self._config = replace(config, condition=replace(config.condition, image_dropout=dropout))
        self._images = None if noise is None else NoisyImages(config, noise, device or torch.device("cpu"))
        root, timing, catalogue, kept = Path(config.data.path), timing_of(config), Catalogue(folder), {*held, *kept_apart(clips)}
        buckets: dict[tuple[int, ...], list[int]] = {}
        found: list[tuple[Clip, int, Mapping[str, str]]] = []
        firsts: list[int] = []
        self._drawn: list[int] = []
        for index, clip in enumerate(clips):
            firsts.append(len(found))
            for window, stored in enumerate(check_clip_cache(folder, root, clip, timing, catalogue)):
                if index not in kept:
                    self._drawn.append(len(found))
                    buckets.setdefault(tuple(json.loads(stored[SHAPE])), []).append(len(found))
                found.append((clip, window, stored))
        self.held = tuple(firsts[index] for index in held)
        self.clips = tuple(clip for clip, _, _ in found)
        self._windows = tuple(window for _, window, _ in found)
        self._stored = tuple(stored for _, _, stored in found)
        self.plan = Plan(buckets=list(buckets.values()), batch=config.train.batch * processes, seed=config.train.seed)
        self._ahead: dict[tuple[int, int, int], Future[tuple[Batch, list[CachedClip]]]] = {}
        self._reader: ThreadPoolExecutor | None = None

    def entries(self) -> list[tuple[Entry, ...]]:
        """Return the supervised roles of every training clip, of none that is held out."""
        return [entries_of(self._stored[index]) for index in self._drawn]

    def draw(self, step: int, part: int = 0, process: int = 0) -> Batch:
        """Return the batch of an optimiser step, of one of its accumulated parts, for one process."""
        waiting = self._ahead.pop((step, part, process), None)
        batch, cached = self._collated(step, part, process) if waiting is None else waiting.result()
        return batch if self._images is None else self._images.put(batch, cached, step)

    def read_ahead(self, step: int, part: int, process: int, until: int) -> None:
        """Begin to read the batches that come after one, up to step `until`, beside whatever else is done.

        They are those that `draw` would have made, since everything random follows from step and clip.
        """
        train = self._config.train
        if self._reader is None:
            self._reader = ThreadPoolExecutor(1, thread_name_prefix="batches")
        for ahead in range(1, self._config.data.prefetch + 1):
            position = step * train.accumulate + part + ahead
            place = (position // train.accumulate, position % train.accumulate, process)
            if place[0] < until and place not in self._ahead:
                self._ahead[place] = self._reader.submit(self._collated, *place)

    def close(self) -> None:
        """Stop reading ahead."""
        if self._reader is not None:
            self._reader.shutdown(wait=True, cancel_futures=True)
        self._reader = None
        self._ahead.clear()

    def _collated(self, step: int, part: int, process: int) -> tuple[Batch, list[CachedClip]]:
        train = self._config.train
        chosen = self.plan.at(step * train.accumulate + part)[process * train.batch : (process + 1) * train.batch]
        cached = [self.cached(index) for index in chosen]
        return collate(self._config, self._backbone, cached, self._scaling, step, self._empty), cached

    def cached(self, index: int) -> CachedClip:
        """Return a training clip from the cache."""
        return load_clip(self._folder, self.clips[index], self._stored[index], self._windows[index])

    def one(self, index: int, time: float) -> Batch:
        """Return a batch of one clip with the noise of step 0, a given timestep and nothing dropped."""
        return self._plain(self.cached(index), time, self._config.train.seed, 0)

    def fixed(self, item: CachedClip, time: float) -> Batch:
        """Return a batch of one clip as it is looked at whatever is trained: noise by clip and timestep, whatever the seed."""
        return self._plain(item, time, HELD_SEED, int(time))

    def _plain(self, item: CachedClip, time: float, seed: int, step: int) -> Batch:
        condition = replace(self._config.condition, image_dropout=0.0, text_dropout=0.0, id_map_dropout=0.0)
        plain = replace(self._config, condition=condition, train=replace(self._config.train, seed=seed))
        batch = collate(plain, self._backbone, [item], self._scaling, step)
        return replace(batch, time_B=torch.full_like(batch.time_B, time))

    def frames(self, index: int) -> Frames:
        """Return the frames (F, H, W, 3) of a training clip as they were encoded."""
        video = inside(Path(self._config.data.path), self.clips[index].video, "video")
        return training_frames(self._config, video, picks_of(self._stored[index]))


class NoisyImages:
    """Puts noise on first frames and encodes them; strength and noise follow from seed, step and clip.

    A cached latent would hold one draw for ever, so the frame's pixels are cached and its one frame is encoded in each step.
    """

    def __init__(self, config: Config, strength: tuple[float, float], device: torch.device) -> None:
        self._config, self._strength, self._device = config, strength, device
        self._encoder: Encoder | None = None

    def put(self, batch: Batch, cached: Sequence[CachedClip], step: int) -> Batch:
        """Return the batch with its images encoded anew; those that were dropped stay dropped."""
        images = [
            self._encoded(item, step, frames=1 + 4 * (batch.clean.shape[2] - 1)) if image.any() else image
            for item, image in zip(cached, batch.condition["image"], strict=True)
        ]
        return replace(batch, condition={**batch.condition, "image": torch.stack(images)})

    def _encoded(self, item: CachedClip, step: int, frames: int) -> Tensor:
        if self._encoder is None:
            dtype = getattr(torch, self._config.model.dtype)
            self._encoder = load_image_encoder(resolve(self._config.model.path), dtype, self._device)
        generator, (mean, deviation) = generator_of(self._config.train.seed, step, item.id, "image"), self._strength
        strength = torch.exp(mean + deviation * torch.randn((), generator=generator))
        frame = item.tensors["first"].numpy()
        noise = strength * torch.randn(3, *frame.shape[:2], generator=generator)
        return self._encoder.first_frame(frame, frames, noise)["image"]


def collate(
    config: Config,
    backbone: Backbone,
    cached: Sequence[CachedClip],
    scaling: tuple[Tensor, Tensor],
    step: int,
    empty: Mapping[str, Tensor] | None = None,
) -> Batch:
    """Draw noise, timestep and dropout of each clip and put the clips together; `empty` is the text of a dropped caption."""
    drawn = [_draw(config, backbone, item, scaling, step) for item in cached]
    clean, noise, times, given = zip(*drawn, strict=True)
    mute = [empty is not None and _chance(config, item, step, "text", config.condition.text_dropout) for item in cached]
    conditions = [{**own, **(empty or {})} if silent else own for own, silent in zip(given, mute, strict=True)]
    entries = tuple(
        RoleEntry(
            clip=place,
            slot=slot,
            interaction=entry.interaction,
            role=entry.role,
            has_text=bool(entry.tokens) and not mute[place],
            has_cells=entry.has_cells,
        )
        for place, item in enumerate(cached)
        for slot, entry in enumerate(item.entries)
    )
    masks = "masks" if config.loss.kind == "decoder" else "coarse"
    return Batch(
        clips=tuple(item.id for item in cached),
        clean=torch.stack(clean),
        noise=torch.stack(noise),
        time_B=torch.tensor(times),
        condition={name: torch.stack([item[name] for item in conditions]) for name in conditions[0]},
        weights=_weights(cached),
        entries=entries,
        targets=torch.cat([item.tensors[masks] for item in cached]),
    )


def _draw(
    config: Config, backbone: Backbone, item: CachedClip, scaling: tuple[Tensor, Tensor], step: int
) -> tuple[Tensor, Tensor, float, Mapping[str, Tensor]]:
    generator = generator_of(config.train.seed, step, item.id)
    mean, log_variance = item.tensors["video"].float().chunk(2)
    shift, factor = (value.view(-1, 1, 1, 1) for value in scaling)
    spread = torch.exp(0.5 * log_variance.clamp(-30, 20))
    clean = (mean + spread * torch.randn(mean.shape, generator=generator) - shift) * factor
    noise = torch.randn(mean.shape, generator=generator)
    time = backbone.noising.draw(generator)
    condition = {name.removeprefix("condition/"): value for name, value in item.tensors.items() if name.startswith("condition/")}
    dropped = float(torch.rand((), generator=generator)) < config.condition.image_dropout
    # An image that takes the place of the first latent frame is a part of the video, and nothing could stand there instead.
    if dropped and condition["image"].shape[1] == mean.shape[1]:
        condition["image"] = torch.zeros_like(condition["image"])
    if "id_map" in item.tensors:
        latent = on_first_frame(item.tensors["id_map"][None].float(), mean.shape[1])
        latent = with_mask(latent) if config.condition.id_map_mask else latent
        gone = _chance(config, item, step, "id map", config.condition.id_map_dropout)
        condition["id_map"] = torch.zeros_like(latent[0]) if gone else latent[0]
    return clean, noise, time, condition


def _chance(config: Config, item: CachedClip, step: int, what: str, share: float) -> bool:
    """Return whether something is dropped, drawn apart from all else so that nothing else changes with the share."""
    drawn = torch.rand((), generator=generator_of(config.train.seed, step, item.id, what)) if share else 1.0
    return float(drawn) < share


def _weights(cached: Sequence[CachedClip]) -> RoleWeights:
    """Return uniform weights over each role's tokens and cells, padded to the clip with most roles (at least one)."""
    slots = max(1, *(len(item.entries) for item in cached))
    rows, columns = cached[0].tensors["cells"].shape[1:]
    text_BRT = torch.zeros(len(cached), slots, cached[0].text_tokens)
    cells_BRC = torch.zeros(len(cached), slots, rows * columns)
    for place, item in enumerate(cached):
        for slot, entry in enumerate(item.entries):
            if entry.tokens:
                text_BRT[place, slot, list(entry.tokens)] = 1 / len(entry.tokens)
            first = item.tensors["cells"][slot].flatten().float()
            if entry.has_cells:
                cells_BRC[place, slot] = first / first.sum()
    return RoleWeights(text_BRT=text_BRT, cells_BRC=cells_BRC)
