"""Tiny random text-to-image pipelines, whole, as save_pretrained writes them: a UNet with CLIP, a transformer with T5."""

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    PixArtAlphaPipeline,
    PixArtTransformer2DModel,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel, T5Tokenizer

from tests.models.checkpoints import spread, t5_pieces
from tests.models.pipelines import _clip_letters

SIDE = 64
"""Height and width of their pictures."""


def stable_diffusion(folder: Path, seed: int = 0, *, from_image: bool = False) -> Path:
    """Write a Stable Diffusion pipeline, or one that changes pictures with the same parts, and return the folder."""
    torch.manual_seed(seed)
    tokenizer = _clip_letters()
    tokenizer.model_max_length = 77
    clip = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
    )
    unet = UNet2DConditionModel(
        sample_size=SIDE // 2,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=2,
        attention_head_dim=2,
        cross_attention_dim=16,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )
    vae = _autoencoder()
    for part in (clip, unet, vae):
        spread(part)
    (StableDiffusionImg2ImgPipeline if from_image else StableDiffusionPipeline)(
        vae=vae,
        text_encoder=clip,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return folder


def pixart(folder: Path, seed: int = 0) -> Path:
    """Write a PixArt pipeline and return the folder."""
    torch.manual_seed(seed)
    words = t5_pieces()
    encoder = T5EncoderModel(T5Config(vocab_size=len(words), d_model=12, d_kv=4, d_ff=16, num_layers=1, num_heads=2))
    transformer = PixArtTransformer2DModel(
        sample_size=SIDE // 2,
        num_layers=1,
        patch_size=2,
        attention_head_dim=8,
        num_attention_heads=2,
        in_channels=4,
        out_channels=8,
        cross_attention_dim=16,
        caption_channels=12,
        use_additional_conditions=False,
    )
    vae = _autoencoder()
    for part in (encoder, transformer, vae):
        spread(part)
    PixArtAlphaPipeline(
        tokenizer=T5Tokenizer(vocab=words, extra_ids=0),
        text_encoder=encoder,
        vae=vae,
        transformer=transformer,
        scheduler=DDIMScheduler(steps_offset=1, clip_sample=False),
    ).save_pretrained(folder)
    return folder


def _autoencoder() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(4, 8),
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
        up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"),
        latent_channels=4,
        norm_num_groups=2,
        sample_size=SIDE,
    )
