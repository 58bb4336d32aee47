"""The decoder is light, causal, and mirrors the VAE's strides."""

import pytest
import torch

from intergeneval.errors import ConfigError
from matrix_train.backbones import Grid
from matrix_train.config import DecoderConfig
from matrix_train.model.decoder import MaskDecoder


def made(**settings):
    torch.manual_seed(0)
    return MaskDecoder(DecoderConfig(**settings), stride=4)


def test_default_widths_make_about_37_thousand_parameters():
    count = sum(parameter.numel() for parameter in made().parameters())
    print(f"\ndefault decoder: {count} parameters")
    assert 36_000 < count < 38_500


@pytest.mark.parametrize("scale", [1, 2, 4, 8, 16])
def test_every_scale_that_divides_gives_frames_at_the_frame_rate(scale):
    decoder = made(widths=(4, 4, 4, 4, 4), scale=scale)
    grid = Grid(frames=3, height=2, width=3)
    logits = decoder(torch.randn(2, 3, 2, 3))
    assert logits.shape == (2, 9, 2 * scale, 3 * scale)
    assert logits.shape[1:] == decoder.output(grid)


def test_no_frame_sees_the_future_and_the_first_stands_alone():
    decoder = made(widths=(4, 4, 4), scale=2)
    maps = torch.randn(1, 4, 3, 3)
    before = decoder(maps)
    maps[:, 2] += 1.0
    after = decoder(maps)
    # Latent frame 2 becomes frames 5 to 8.
    assert torch.equal(before[:, :5], after[:, :5])
    assert not torch.allclose(before[:, 5], after[:, 5])
    assert torch.allclose(decoder(maps[:, :1]), after[:, :1], atol=1e-6)


def test_logits_are_not_clamped():
    decoder = made(widths=(4, 4, 4), scale=2)
    with torch.no_grad():
        decoder.exit.conv.bias.fill_(50.0)
    assert decoder(torch.randn(1, 2, 2, 2)).min() > 10


def test_decoding_map_by_map_changes_neither_result_nor_gradient():
    maps, found = torch.randn(5, 3, 2, 2), []
    for piece in (0, 2):
        decoder = made(widths=(4, 4, 4), scale=2, maps_per_call=piece)
        source = maps.clone().requires_grad_()
        logits = decoder(source)
        logits.square().sum().backward()
        found.append((logits.detach(), source.grad, decoder.entry.conv.weight.grad))
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-5)


def test_scales_and_widths_that_cannot_be_are_named():
    with pytest.raises(ConfigError, match=r"decoder\.scale is 6; it must be a power of two"):
        made(scale=6)
    with pytest.raises(ConfigError, match=r"decoder\.widths has 2 entries"):
        made(widths=(4, 4), scale=8)


def peaks(sign):
    """Maps (4, 3, 6, 6) that are high (or, with sign -1, low) where the mask at twice the grid is."""
    generator = torch.Generator().manual_seed(1)
    inside = torch.zeros(4, 3, 6, 6)
    for index in range(4):
        inside[index, :, index : index + 2, 1:4] = 1
    maps = 0.01 * (sign * inside + 0.1 * torch.randn(inside.shape, generator=generator))
    mask = torch.cat([inside[:, :1], inside[:, 1:].repeat_interleave(4, dim=1)], dim=1)
    return maps, mask.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


def reads(decoder, maps, mask):
    """IoU of what a decoder makes of maps."""
    found = decoder(maps) > 0
    return float((found & (mask > 0)).sum() / (found | (mask > 0)).sum())


def fitted(maps, mask, **settings):
    """IoU after sixty steps of the decoder alone."""
    decoder = made(widths=(4, 4, 4), scale=2, **settings)
    optimiser = torch.optim.Adam(decoder.parameters(), lr=2e-2)
    for _ in range(60):
        optimiser.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(decoder(maps), mask).backward()
        optimiser.step()
    return reads(decoder, maps, mask)


def test_a_free_decoder_learns_to_read_a_hole_as_a_peak_and_a_monotone_one_cannot():
    hole, mask = peaks(-1)
    assert fitted(hole, mask, standardise=True) > 0.8
    assert fitted(hole, mask, shape="monotone") == 0


def test_a_monotone_decoder_reads_a_peak_before_it_has_learnt_anything():
    maps, mask = peaks(1)
    decoder = made(widths=(4, 4, 4), scale=2, shape="monotone")
    assert reads(decoder, maps, mask) > 0.5
    # Whatever the scale of attention, which differs by orders of magnitude between layers.
    assert torch.allclose(decoder(maps), decoder(1e4 * maps + 3), atol=0.05)


def test_more_attention_at_a_place_never_lowers_the_mask_there():
    torch.manual_seed(2)
    decoder = made(widths=(4, 4, 4), scale=2, shape="monotone")
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.add_(0.5 * torch.randn(parameter.shape))
    maps = torch.randn(1, 2, 8, 8)
    before = decoder(maps)
    maps[0, 1, 3, 3] += 1
    after = decoder(maps)
    assert (after - before)[0, 1:, 6:8, 6:8].min() > 0
