"""Tiny real transformers of the three architectures and batches for them; the library's own classes, random weights."""

from __future__ import annotations

from dataclasses import replace

import torch
from diffusers import CogVideoXTransformer3DModel, HunyuanVideoTransformer3DModel, WanTransformer3DModel

from matrix_train.backbones import MapKind
from matrix_train.backbones.cogvideox.transformer import CogVideoX
from matrix_train.backbones.hunyuan.transformer import HunyuanVideo
from matrix_train.backbones.noising import FlowMatching, VPrediction
from matrix_train.backbones.wan.transformer import Wan
from matrix_train.config import (
    ConditionConfig,
    Config,
    DecoderConfig,
    LayersConfig,
    LoraConfig,
    LossConfig,
    ModelConfig,
    ReadoutConfig,
    TrainConfig,
)
from matrix_train.model.aligned import WITHOUT_DECODER, AlignedModel
from matrix_train.model.batch import Batch, RoleEntry
from matrix_train.model.readout import RoleWeights

NAMES = ("cogvideox", "wan", "hunyuan", "hunyuan-replace")
CHANNELS = 4
LATENT = (3, 8, 8)
"""Latent frames, rows and columns; a 3 x 4 x 4 token grid at patch 2."""


def alphas(steps=1000):
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, steps, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, dim=0)


def randomise(model, seed=0):
    """Give every weight a value: fresh models have zero gates and norms that would make half of the checks empty."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * (0.15 if parameter.ndim > 1 else 0.3))
    return model


def backbone(name, seed=0):
    if name == "cogvideox":
        model = CogVideoXTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=16,
            in_channels=2 * CHANNELS,
            out_channels=CHANNELS,
            time_embed_dim=16,
            text_embed_dim=12,
            num_layers=4,
            sample_width=8,
            sample_height=8,
            sample_frames=9,
            max_text_seq_length=12,
            use_rotary_positional_embeddings=True,
        )
        return CogVideoX(randomise(model, seed).eval(), VPrediction(alphas()))
    if name == "wan":
        model = WanTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=16,
            in_channels=2 * CHANNELS + 4,
            out_channels=CHANNELS,
            text_dim=12,
            freq_dim=16,
            ffn_dim=32,
            num_layers=4,
            image_dim=10,
            added_kv_proj_dim=32,
            rope_max_seq_len=32,
        )
        return Wan(randomise(model, seed).eval(), FlowMatching(5.0))
    replaces = name == "hunyuan-replace"
    model = HunyuanVideoTransformer3DModel(
        in_channels=CHANNELS if replaces else 2 * CHANNELS + 1,
        out_channels=CHANNELS,
        num_attention_heads=2,
        attention_head_dim=16,
        num_layers=2,
        num_single_layers=2,
        num_refiner_layers=1,
        patch_size=2,
        patch_size_t=1,
        text_embed_dim=12,
        pooled_projection_dim=10,
        rope_axes_dim=(4, 6, 6),
        image_condition_type="token_replace" if replaces else "latent_concat",
    )
    return HunyuanVideo(randomise(model, seed).eval(), FlowMatching(7.0, given_frames=int(replaces)))


def text_tokens(name):
    return 512 if name == "wan" else 12


def config(**sections):
    base = Config(
        model=ModelConfig(dtype="float32", gradient_checkpointing=False),
        condition=ConditionConfig(image_dropout=0.0),
        lora=LoraConfig(rank=4, alpha=2, layers=(1, 2)),
        layers=LayersConfig(v2t=(1,), v2v=(2,)),
        decoder=DecoderConfig(widths=(4, 4, 4), scale=2),
        loss=LossConfig(sga=0.3, spa=0.2),
        readout=ReadoutConfig(),
        train=TrainConfig(seed=3),
    )
    return replace(base, **sections)


def condition(name, clips, generator, *, id_map=True):
    def draw(*shape):
        return torch.randn(*shape, generator=generator)

    found = {"text": draw(clips, text_tokens(name), 12)}
    if name == "cogvideox":
        found["image"] = draw(clips, CHANNELS, *LATENT)
    elif name == "wan":
        found["image"] = draw(clips, CHANNELS + 4, *LATENT)
        found["image_embeds"] = draw(clips, 5, 10)
    else:
        found["image"] = draw(clips, CHANNELS, 1, *LATENT[1:]) if name.endswith("replace") else draw(clips, CHANNELS + 1, *LATENT)
        found["text_mask"] = (torch.arange(12) < 9).expand(clips, 12).long()
        found["pooled"] = draw(clips, 10)
    if id_map:
        found["id_map"] = draw(clips, CHANNELS, *LATENT)
    return found


def batch(name, settings, clips=2, seed=1, *, id_map=True):
    generator = torch.Generator().manual_seed(seed)
    shape = (clips, CHANNELS, *LATENT)
    tokens, cells = text_tokens(name), 16
    text = torch.zeros(clips, 3, tokens)
    places = torch.zeros(clips, 3, cells)
    for clip in range(clips):
        for slot, chosen in enumerate(((1, 2), (4,), (6, 7, 8))):
            text[clip, slot, list(chosen)] = 1 / len(chosen)
            squares = (3 * slot + clip, 3 * slot + clip + 1)
            places[clip, slot, list(squares)] = 0.5
    entries = tuple(
        RoleEntry(clip=clip, slot=slot, interaction=0, role=role, has_text=True, has_cells=True)
        for clip in range(clips)
        for slot, role in enumerate(("sub", "obj", "verb"))
    )
    scale = settings.decoder.scale
    grid = (3, 4, 4) if settings.loss.kind in WITHOUT_DECODER else (9, 4 * scale, 4 * scale)
    return Batch(
        clips=tuple(f"clip{index}" for index in range(clips)),
        clean=torch.randn(shape, generator=generator),
        noise=torch.randn(shape, generator=generator),
        time_B=torch.tensor([300.0, 700.0, 500.0, 100.0])[:clips],
        condition=condition(name, clips, generator, id_map=id_map),
        weights=RoleWeights(text_BRT=text, cells_BRC=places),
        entries=entries,
        targets=(torch.rand(len(entries), *grid, generator=generator) < 0.3).to(torch.uint8),
    )


def aligned(name, settings=None, seed=0):
    return AlignedModel(backbone(name, seed), settings or config())


def shaken(model, seed=5):
    """Move everything trainable off its start, so that zero adapters and zero channels hide nothing."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, parameter in sorted(item for group in model.groups().values() for item in group):
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return model


KINDS = {name: (MapKind.V2T, MapKind.V2V) if name == "wan" else tuple(MapKind) for name in NAMES}
