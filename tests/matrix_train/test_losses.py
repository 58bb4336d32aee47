"""The losses are the paper's equation, on values one can compute by hand."""

import pytest
import torch
from torch.nn import functional as F

from matrix_train.config import LossConfig
from matrix_train.model import losses


def test_a_perfect_mask_costs_nothing_because_nothing_is_clamped():
    mask = torch.zeros(1, 2, 4, 4)
    mask[:, :, :2] = 1
    terms = losses.mask_terms((mask * 2 - 1) * 30, mask, LossConfig())
    assert all(value.item() < 1e-6 for value in terms.values())


def test_each_term_equals_its_formula():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 2, 4, 5, generator=generator)
    mask = (torch.rand(3, 2, 4, 5, generator=generator) < 0.2).float()
    terms = losses.mask_terms(logits, mask, LossConfig(positive_limit=3.0))
    for index in range(3):
        share, truth = torch.sigmoid(logits[index]), mask[index]
        weight = ((1 - truth.mean()) / truth.mean()).clamp(1, 3)
        bce = -(weight * truth * F.logsigmoid(logits[index]) + (1 - truth) * F.logsigmoid(-logits[index])).mean()
        assert terms["bce"][index] == pytest.approx(bce.item(), rel=1e-5)
        assert terms["dice"][index] == pytest.approx(
            (1 - 2 * (share * truth).sum() / (share.sum() + truth.sum())).item(), rel=1e-5
        )
        assert terms["l2"][index] == pytest.approx(((share - truth) ** 2).mean().item(), rel=1e-5)


def test_the_weight_of_the_inside_is_bounded():
    mask = torch.zeros(1, 1, 10, 10)
    mask[..., 0, 0] = 1
    low = losses.mask_terms(torch.zeros_like(mask), mask, LossConfig(positive_limit=1.0))["bce"]
    high = losses.mask_terms(torch.zeros_like(mask), mask, LossConfig(positive_limit=10.0))["bce"]
    assert (high - low).item() == pytest.approx(9 * 0.6931 / 100, rel=1e-3)


def test_the_weights_combine_linearly():
    terms = {"bce": torch.tensor([1.0]), "dice": torch.tensor([10.0]), "l2": torch.tensor([100.0])}
    assert losses.combine(terms, LossConfig(bce=2, dice=3, l2=0.5)).item() == 82


def test_mass_outside_is_the_share_of_attention_off_the_mask():
    maps = torch.tensor([[[[1.0, 3.0], [0.0, 4.0]]]])[0]
    mask = torch.tensor([[[[0.0, 1.0], [1.0, 0.0]]]])[0]
    assert losses.mass_outside(maps[None, 0], mask[None, 0]).item() == pytest.approx(5 / 8)


def test_a_clip_counts_the_mean_over_its_interactions_of_the_sum_over_roles():
    # Clip 0: two interactions with 2 and 1 roles; clip 1: one interaction with 3 roles; clip 2: none.
    owners = [(0, 0), (0, 0), (0, 1), (1, 0), (1, 0), (1, 0)]
    assert losses.role_weights(owners, clips=3) == pytest.approx([1 / 6] * 3 + [1 / 3] * 3)


def test_iou_counts_logits_above_zero():
    logits = torch.tensor([[[[1.0, 1.0, -1.0, -1.0]]]])[0][None, 0]
    mask = torch.tensor([[[[1.0, 0.0, 1.0, 0.0]]]])[0][None, 0]
    assert losses.intersection_over_union(logits, mask).item() == pytest.approx(1 / 3)
