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
