"""The part of the config that says what is aligned, how it is read and weighed, and what is held out to see whether it helped."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from intergeneval.records import Record
from intergeneval.records.codec import LATER

ROLES = ("sub", "obj", "verb")
KINDS = ("decoder", "mass", "log_mass")
PLACES = ("is", "first", "both")
MASKS = ("own", "exchanged")
TIMES = 1000.0
"""Timesteps of every backbone run from 0 (clean) to this (noise)."""
FIXED_TIMES = (150.0, 400.0, 650.0, 900.0)


def one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise ValueError unless a field has one of the allowed values."""
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; it must be one of {', '.join(allowed)}")


def different(name: str, layers: tuple[int, ...]) -> None:
    """Raise ValueError where a layer is named twice."""
    if len(set(layers)) < len(layers):
        raise ValueError(f"{name} is {list(layers)}; a layer stands in it twice")


def share(name: str, value: float) -> None:
    """Raise ValueError unless a field lies between 0 and 1."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value}; it must lie between 0 and 1")


def later(default: Any) -> Any:
    """Return a field that configs written before it do not have, and that new ones name only where it says something."""
    return field(default=default, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayersConfig(Record):
    """Which layers are aligned, per kind of attention map."""

    v2t: tuple[int, ...] = (7, 11)
    """Video-to-text layers, grounded by SGA."""
    t2v: tuple[int, ...] = ()
    """Text-to-video layers, grounded by SGA."""
    v2v: tuple[int, ...] = (12,)
    """Video-to-video layers, propagated by SPA."""

    def __post_init__(self) -> None:
        for kind in ("v2t", "t2v", "v2v"):
            different(f"layers.{kind}", getattr(self, kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadoutConfig(Record):
    """How attention maps are read."""

    mode: str = "logits"
    """``logits``: scores before the softmax; ``probs``: exact probabilities."""
    scale: str = later("head")
    """Of logits: ``head``: the mean over heads of q . k / sqrt(D); ``joined``: the heads concatenated to one product over
    sqrt(heads D), which is sqrt(heads) times larger."""
    average_layers: bool = later(default=False)
    """Average the maps of a loss over its layers and compare once, instead of comparing each layer's."""

    def __post_init__(self) -> None:
        one_of("readout.mode", self.mode, ("logits", "probs"))
        one_of("readout.scale", self.scale, ("head", "joined"))
        if self.scale == "joined" and self.mode == "probs":
            raise ValueError(
                "readout.scale is 'joined', which scores alone know; set readout.mode = 'logits' or readout.scale = 'head'"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderConfig(Record):
    """The light mask decoders."""

    widths: tuple[int, ...] = (16, 16, 8, 8)
    """Channels of the stages, coarse to fine."""
    scale: int = 8
    """Pixels of the output per token, in each direction; a power of two."""
    maps_per_call: int = 0
    """Decode this many maps at a time and recompute them in the backward pass; 0: all at once."""
    shape: str = later("free")
    """``free``: any sign of every weight; ``monotone``: no weight is negative and the map is standardised, so that more attention
    at a place can never mean less of the mask, and a hole is not read as a peak."""
    standardise: bool = later(default=False)
    """Bring each map to mean 0 and deviation 1 over its tokens before a free decoder sees it; a monotone one always does."""
    shared: bool = later(default=False)
    """One decoder for SGA and SPA instead of one each."""

    def __post_init__(self) -> None:
        if min(self.widths, default=0) < 1:
            raise ValueError("decoder.widths needs at least one entry, each at least 1")
        if self.maps_per_call < 0:
            raise ValueError(f"decoder.maps_per_call is {self.maps_per_call}; it must be 0 (all at once) or more")
        one_of("decoder.shape", self.shape, ("free", "monotone"))

    @property
    def standardised(self) -> bool:
        """Whether maps are standardised before they are decoded."""
        return self.standardise or self.shape == "monotone"


@dataclass(frozen=True, slots=True, kw_only=True)
class LossConfig(Record):
    """The loss and its weights."""

    kind: str = "decoder"
    """``decoder``: decoded masks; ``mass``: the share of attention outside the mask, read from probabilities; ``log_mass``: minus
    the logarithm of the share inside it, without a decoder, from either readout."""
    sga: float = 0.01
    """Weight of the grounding loss; with `balance` only whether it is there."""
    spa: float = 0.005
    """Weight of the propagation loss; with `balance` only whether it is there."""
    bce: float = 1.0
    """Weight of binary cross-entropy."""
    dice: float = 1.0
    """Weight of 1 - softDice."""
    l2: float = 1.0
    """Weight of the squared error."""
    positive_limit: float = 10.0
    """Upper bound of the weight of voxels inside a mask in BCE."""
    sga_roles: tuple[str, ...] = ROLES
    """Roles that are grounded."""
    spa_roles: tuple[str, ...] = ("sub", "obj")
    """Roles that are propagated."""
    sum_layers: bool = False
    """Sum over layers instead of taking their mean."""
    balance: float = later(0.0)
    """Wanted ratio of each alignment loss's gradient on the adapter to the denoising loss's, kept by running means of the norms;
    0: the weights above are what they are."""
    place: str = later("is")
    """Where the mass losses want attention: ``is``: on the track; ``first``: where the instance stood in the first frame, all the
    time; ``both``: on either."""
    masks: str = later("own")
    """``own``: each role is held against its own instance's mask; ``exchanged``: subject and object against each other's, the
    control that tells whether it matters which mask it is. The verb has both either way."""
    band: tuple[float, float] = later((0.0, TIMES))
    """Least and largest timestep, 0 to 1000, at which a clip is aligned; outside of it the clip is denoised alone."""
    timesteps: str = later("uniform")
    """``uniform``: alignment weighs the same at each timestep; ``scheduler``: as the backbone's own recipe weighs its loss there,
    with a mean of 1."""

    def __post_init__(self) -> None:
        one_of("loss.kind", self.kind, KINDS)
        one_of("loss.place", self.place, PLACES)
        one_of("loss.masks", self.masks, MASKS)
        one_of("loss.timesteps", self.timesteps, ("uniform", "scheduler"))
        for role in (*self.sga_roles, *self.spa_roles):
            one_of("loss roles", role, ROLES)
        if min(self.sga, self.spa, self.bce, self.dice, self.l2) < 0 or self.positive_limit < 1:
            raise ValueError("loss weights must not be negative and loss.positive_limit must be at least 1")
        if self.balance < 0:
            raise ValueError(f"loss.balance is {self.balance}; it must be 0 (fixed weights) or a ratio above it, such as 0.1")
        if not 0 <= self.band[0] < self.band[1] <= TIMES:
            raise ValueError(
                f"loss.band is {list(self.band)}; it must be two timesteps between 0 and {TIMES:g}, the smaller first"
            )
        if self.place != "is" and self.kind == "decoder":
            raise ValueError(f"loss.place is {self.place!r}, which the mass losses alone know; set loss.kind = 'log_mass'")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldoutConfig(Record):
    """Clips that are kept out of training, on which the adapter is compared with its base."""

    share: float = 0.02
    """Share of the clips that are held out; 0: none."""
    clips: int = 8
    """Least number that is held out; where that is more than half of the clips, none is."""
    most: int = 64
    """Largest number."""
    every: int = 500
    """Steps between comparisons; there is one after the last step too. 0: there alone."""
    timesteps: tuple[float, ...] = FIXED_TIMES
    """Timesteps, 0 to 999, at which the denoising loss is compared, with the same noise each time."""

    def __post_init__(self) -> None:
        share("heldout.share", self.share)
        if not 1 <= self.clips <= self.most:
            raise ValueError(f"heldout.clips is {self.clips}; it must lie between 1 and heldout.most = {self.most}")
        if self.every < 0:
            raise ValueError(f"heldout.every is {self.every}; it must be 0 (after the last step alone) or more")
        if not self.timesteps or not all(0 <= time < TIMES for time in self.timesteps):
            raise ValueError(f"heldout.timesteps is {list(self.timesteps)}; it must name timesteps from 0 to {TIMES - 1:g}")
        if len(set(self.timesteps)) < len(self.timesteps):
            raise ValueError(f"heldout.timesteps is {list(self.timesteps)}; a timestep stands in it twice")
