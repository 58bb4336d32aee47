"""A training step that is large enough to tell what the alignment adds to it, and small enough for a CPU."""

from dataclasses import replace

import tiny
import torch
from diffusers import CogVideoXTransformer3DModel

from matrix_train.backbones.cogvideox.transformer import CogVideoX
from matrix_train.backbones.noising import VPrediction
from matrix_train.config import Config, DecoderConfig, LayersConfig, LoraConfig, LossConfig, ModelConfig
from matrix_train.model.aligned import AlignedModel
from matrix_train.model.batch import Batch, RoleEntry
from matrix_train.model.readout import RoleWeights

ROLES = ("sub", "obj", "verb")


def empty_batch(shape, tokens, cells, target, width, clips=1):
    def blank(*size, dtype=torch.float32):
        return torch.zeros(*size, dtype=dtype)

    return Batch(
        clips=tuple(f"clip{index}" for index in range(clips)),
        clean=blank(clips, *shape),
        noise=blank(clips, *shape),
        time_B=torch.full((clips,), 500.0),
        condition={"text": blank(clips, tokens, width), "image": blank(clips, *shape), "id_map": blank(clips, *shape)},
        weights=RoleWeights(text_BRT=blank(clips, 3, tokens), cells_BRC=blank(clips, 3, cells)),
        entries=tuple(
            RoleEntry(clip=clip, slot=slot, interaction=0, role=role, has_text=True, has_cells=True)
            for clip in range(clips)
            for slot, role in enumerate(ROLES)
        ),
        targets=blank(3 * clips, *target, dtype=torch.uint8),
    )


def small_config(scale=2, widths=()):
    """Return the settings of a step with eight maps and decoders of these widths; without alignment where no width is given."""
    layers, decoder = LayersConfig(v2t=(), v2v=()), DecoderConfig(scale=scale)
    if widths:
        layers = LayersConfig(v2t=(2, 3), v2v=(4,))
        decoder = DecoderConfig(widths=widths, scale=scale, maps_per_call=8 if scale > 2 else 0)
    return Config(
        model=ModelConfig(dtype="float32", gradient_checkpointing=False),
        lora=LoraConfig(rank=16, alpha=16, layers=(2, 3, 4)),
        layers=layers,
        decoder=decoder,
        loss=LossConfig(),
    )


def small_mass():
    """Return the settings of a step with eight maps and the mass loss, which has no decoder."""
    return replace(small_config(scale=2, widths=(8, 4, 4)), loss=LossConfig(kind="log_mass"))


def small_step(settings):
    """Return a function that takes a step at 1,312 tokens, batch 4."""
    torch.manual_seed(0)
    model = CogVideoXTransformer3DModel(
        num_attention_heads=6, attention_head_dim=64, in_channels=8, out_channels=4, time_embed_dim=64, text_embed_dim=32,
        num_layers=6, sample_width=32, sample_height=32, sample_frames=17, max_text_seq_length=32,
        use_rotary_positional_embeddings=True,
    )  # fmt: skip
    aligned = AlignedModel(CogVideoX(model, VPrediction(tiny.alphas())), settings)
    side = 16 * settings.decoder.scale
    target = (5, 16, 16) if settings.loss.kind == "log_mass" else (17, side, side)
    batch = empty_batch((4, 5, 32, 32), 32, 256, target, 32, clips=4)
    # A mask without a token would be left out.
    batch.targets[:, :, 4:8, 4:8] = 1
    optimiser = torch.optim.AdamW([item for group in aligned.groups().values() for _, item in group])

    def step():
        aligned(batch)["loss"].backward()
        optimiser.step()
        optimiser.zero_grad()

    return step
