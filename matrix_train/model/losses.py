"""The alignment losses, pure functions in fp32 (training objective of the paper, section on SGA and SPA)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # torch's own name for it

from matrix_train.config import LossConfig

TERMS = ("bce", "dice", "l2")


def soft_dice(share_MFHW: Tensor, mask_MFHW: Tensor) -> Tensor:
    """Return 2 sum(X Y) / (sum(X) + sum(Y)) of each map, shape (M,), X and Y in 0..1."""
    both = (share_MFHW * mask_MFHW).flatten(1).sum(dim=1)
    each = share_MFHW.flatten(1).sum(dim=1) + mask_MFHW.flatten(1).sum(dim=1)
    return 2 * both / each.clamp_min(1e-6)


def mask_terms(logits_MFHW: Tensor, mask_MFHW: Tensor, config: LossConfig) -> dict[str, Tensor]:
    """Return BCE, 1 - softDice and L2 of each map, each of shape (M,), unweighted.

    BCE is taken from logits, with the weight of positive voxels bounded by `config.positive_limit`; Dice and L2 compare
    X = sigmoid(logits); BCE and L2 are means over voxels.
    """
    logits, mask = logits_MFHW.float(), mask_MFHW.float()
    inside = mask.flatten(1).mean(dim=1).clamp_min(1e-6)
    weight_M111 = ((1 - inside) / inside).clamp(1.0, config.positive_limit).view(-1, 1, 1, 1)
    bce = F.binary_cross_entropy_with_logits(logits, mask, reduction="none", pos_weight=weight_M111)
    share = torch.sigmoid(logits)
    return {
        "bce": bce.flatten(1).mean(dim=1),
        "dice": 1 - soft_dice(share, mask),
        "l2": (share - mask).square().flatten(1).mean(dim=1),
    }


def combine(terms: dict[str, Tensor], config: LossConfig) -> Tensor:
    """Return l(X, Y) = b_bce BCE + b_dice (1 - softDice) + b_2 L2 of each map, shape (M,)."""
    return config.bce * terms["bce"] + config.dice * terms["dice"] + config.l2 * terms["l2"]


def mass_outside(maps_MFHW: Tensor, mask_MFHW: Tensor) -> Tensor:
    """Return the share of a probability map's mass that lies outside its mask, shape (M,), 0..1."""
    maps, mask = maps_MFHW.float(), mask_MFHW.float()
    inside = (maps * mask).flatten(1).sum(dim=1)
    return 1 - inside / maps.flatten(1).sum(dim=1).clamp_min(1e-12)


def log_mass(maps_MFHW: Tensor, mask_MFHW: Tensor, *, logits: bool) -> Tensor:
    """Return minus the logarithm of the share of attention that lies inside its mask, shape (M,), 0 or more.

    Of probabilities it is the share of the map's mass. Of `logits` it is the share after a softmax over the video's tokens, which
    needs no other token's score: O(N). Every mask must hold a token.
    """
    maps, inside = maps_MFHW.float().flatten(1), mask_MFHW.flatten(1) > 0
    if not logits:
        maps = maps.clamp_min(1e-30).log()
    return torch.logsumexp(maps, dim=1) - torch.logsumexp(maps.masked_fill(~inside, float("-inf")), dim=1)


def at_place(mask_MFHW: Tensor, place: str) -> Tensor:
    """Return where attention is wanted: the track (``is``), the first frame's mask in every frame (``first``), or ``both``."""
    if place == "is":
        return mask_MFHW
    stood = mask_MFHW[:, :1].expand_as(mask_MFHW)
    return stood if place == "first" else torch.maximum(mask_MFHW, stood)


def role_weights(owners: Sequence[tuple[int, int]], clips: int) -> list[float]:
    """Return the weight of each supervised role so that the weighted sum is the batch's loss.

    `owners` names (clip, interaction) of each role. A clip's loss is the mean over its interactions of the sum over their present
    roles; the batch's is the mean over all `clips`, those without a role counting as 0.
    """
    interactions: dict[int, set[int]] = {}
    for clip, interaction in owners:
        interactions.setdefault(clip, set()).add(interaction)
    return [1.0 / (len(interactions[clip]) * clips) for clip, _ in owners]


def intersection_over_union(logits_MFHW: Tensor, mask_MFHW: Tensor) -> Tensor:
    """Return the IoU of logits above 0 with the mask, over all frames of each map, shape (M,)."""
    found, mask = logits_MFHW > 0, mask_MFHW > 0
    union = (found | mask).flatten(1).sum(dim=1).clamp_min(1)
    return (found & mask).flatten(1).sum(dim=1) / union
