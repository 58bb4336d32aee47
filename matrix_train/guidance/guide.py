"""Guidance of a loaded pipeline: roles and regions of a sample become cuts of its attention, and a video is sampled with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from intergeneval.errors import ConfigError
from intergeneval.masks import Mask
from intergeneval.records import Sample
from intergeneval.trackers import Tracker
from matrix_train.backbones import Backbone, Grid, MapKind
from matrix_train.backbones.load_encoders import load_offsets
from matrix_train.backbones.loading import architecture_of, rate_of, sampled_frames, wrap
from matrix_train.guidance.branch import PerturbedBranch
from matrix_train.guidance.config import GuidanceConfig, layers_of
from matrix_train.guidance.perturb import Cut, TokenCut
from matrix_train.guidance.regions import check_masks, on_grid, tracked, tracker_of
from matrix_train.guidance.roles import roles_of, tokens_of
from matrix_train.roles import Span

Frames = npt.NDArray[np.uint8]
"""RGB frames, shape (F, H, W, 3)."""
Regions = Mapping[str, npt.NDArray[np.bool_]]
"""Instance id -> the video tokens it lies on, shape (N,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidedSample:
    """What guidance knows of one video before it is made."""

    sample: Sample
    """Prompt, instances and interactions."""
    masks: Mapping[str, Mask]
    """Instance id -> first-frame mask (H, W) at the video's size."""
    size: tuple[int, int]
    """Height and width of the video, in pixels."""
    frames: int
    """Frames of the video."""
    seed: int
    """Seed of the noise, told to the tracker for its records."""


class Guide:
    """Guides the videos of one pipeline. Raises ConfigError at once for layers that it does not have."""

    def __init__(self, config: GuidanceConfig, folder: Path, pipeline: Any) -> None:
        if getattr(pipeline, "transformer_2", None) is not None:
            raise ConfigError(f"{folder}: a pipeline of two transformers cannot be guided; guidance would reach one of them only")
        self.config = config
        self._pipeline, self._rate = pipeline, rate_of(folder)
        self._backbone = wrap(architecture_of(pipeline), pipeline.transformer, pipeline.scheduler)
        self._layers = layers_of(config, self._backbone.name, self._backbone.layers)
        two_pass = config.needs_regions and config.regions == "two_pass"
        self._tracker: Tracker | None = tracker_of(config.tracker) if two_pass else None
        self._offsets = load_offsets(folder) if config.needs_regions else None

    def video(self, given: GuidedSample, sample: Callable[[], Frames]) -> Frames:
        """Return the guided video; `sample` makes one with the pipeline as it stands and draws the same noise every time.

        With two passes it is called twice, first unguided. Raises ConfigError for a role whose words or mask are missing.
        """
        if not self.config.active:
            return sample()
        grid = self._grid(given)
        tokens = self._tokens(given, grid, sample) if self._offsets is not None else None
        cuts, first = cuts_of(self._backbone, self._layers, grid, tokens)
        with PerturbedBranch(self._backbone, cuts, first, self.config.scale):
            return sample()

    def _grid(self, given: GuidedSample) -> Grid:
        temporal, spatial = self._pipeline.vae_scale_factor_temporal, self._pipeline.vae_scale_factor_spatial
        decoded = sampled_frames(self._pipeline, given.frames)
        return self._backbone.grid((1 + (decoded - 1) // temporal, given.size[0] // spatial, given.size[1] // spatial))

    def _tokens(self, given: GuidedSample, grid: Grid, sample: Callable[[], Frames]) -> TokenCut:
        """Find words and regions of the roles; everything that can be missing is asked for before the first pass is made."""
        assert self._offsets is not None
        roles = roles_of(given.sample, self.config.roles)
        offsets: tuple[Span, ...] = self._offsets(given.sample.prompt)
        found = [(role, tokens_of(role, offsets, given.sample.prompt)) for role in roles]
        needed = tuple(dict.fromkeys(name for role in roles for name in role.instances))
        check_masks(given.sample, given.masks, given.size, needed)
        starts = {name: given.masks[name] for name in needed}
        tracks = (
            {name: mask[None].repeat(given.frames, axis=0) for name, mask in starts.items()}
            if self._tracker is None
            else tracked(self._tracker, given.sample, starts, sample(), given.seed, self._rate)
        )
        decoded = sampled_frames(self._pipeline, given.frames)
        regions = {name: on_grid(track, grid, decoded, self._backbone.strides[0]) for name, track in tracks.items()}
        return token_cut([(tokens, role.instances) for role, tokens in found], regions, len(offsets))


def token_cut(roles: list[tuple[tuple[int, ...], tuple[str, ...]]], regions: Regions, text: int) -> TokenCut:
    """Put roles, given as (text tokens, instances), together; a token that two roles share is cut where either is."""
    tokens = sorted({token for chosen, _ in roles for token in chosen})
    place = {token: index for index, token in enumerate(tokens)}
    hidden = np.zeros((len(next(iter(regions.values()))), len(tokens)), dtype=np.bool_)
    for chosen, instances in roles:
        region = np.logical_or.reduce([regions[name] for name in instances])
        hidden[np.ix_(np.flatnonzero(region), np.array([place[token] for token in chosen]))] = True
    rows = np.flatnonzero(hidden.any(axis=1))
    cut = torch.from_numpy(hidden[rows])
    return TokenCut(rows_R=torch.from_numpy(rows), tokens_T=torch.tensor(tokens), cut_RT=cut, text=text)


def cuts_of(
    backbone: Backbone, layers: Mapping[str, tuple[int, ...]], grid: Grid, tokens: TokenCut | None
) -> tuple[dict[nn.Module, Cut], int]:
    """Return what is cut out of which attention module, and the first layer that has a cut."""
    cuts: dict[nn.Module, Cut] = {}
    for layer in layers.get("cag", ()):
        cuts[backbone.attention(layer, MapKind.V2V)] = Cut(parts=backbone.parts(MapKind.V2V), grid=grid, frames=True)
    for layer in layers.get("cmg", ()):
        module = backbone.attention(layer, MapKind.V2T)
        # In a joint attention both kinds may cut the same layer.
        cuts[module] = Cut(parts=backbone.parts(MapKind.V2T), grid=grid, frames=module in cuts, tokens=tokens)
    return cuts, min(layer for chosen in layers.values() for layer in chosen)
