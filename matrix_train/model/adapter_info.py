"""The mark of an adapter folder: what must be known of it before anything of it is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from intergeneval.records import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterInfo(Record):
    """The mark of an adapter folder."""

    schema: int
    """Version of the folder's format."""
    backbone: str
    """Name of the backbone it was trained on."""
    base: str
    """Path or hub id of the base pipeline."""
    id_map: str
    """Kind of first-frame conditioning: palette, target or none."""
    projection: str
    """Dotted name of the grown input projection; empty where it was not grown."""
    channels: int
    """Extra input channels."""
    channel_axis: int
    """Axis of the channels in the transformer's input."""
    steps: int
    """Optimiser steps it was trained for."""
    rank: int
    """LoRA rank."""
    alpha: int
    """LoRA alpha; the scale is alpha / rank."""
    frames: int
    """Frames it was trained with."""
    size: tuple[int, int]
    """Height and width it was trained with, in pixels."""
