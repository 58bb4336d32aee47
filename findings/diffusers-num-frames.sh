#!/usr/bin/env bash
# diffusers' video pipelines give other numbers of frames than num_frames asks for, each by a rule of its own, and all but one without a word.
#
# num_frames is described as the number of frames to generate, or in the generated video. Where the autoencoder cannot give that number one would
# expect an error, as for a height that does not divide, or the same rounding in all. For 80 frames HunyuanVideo gives 77, LTX 73, Wan 81
# and CogVideoX 80; for 8 they give 5, 1, 9 and 8, so that LTX makes a single picture of a clip of 8. Only Wan says so, in a log.
# HunyuanVideo and LTX round down (4k + 1, 8k + 1); Wan rounds 80 up and 82 down. CogVideoX asks in its description for a multiple of 4 and
# says that one frame more will come: none does, for its decoder makes 8 frames of 2 latent ones. With 8k + 1 frames all four agree;
# compare models on such a number, and count what came. The weights are random and tiny, which has no part in the lengths.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 diffusers==0.42.1 transformers==5.24.0 numpy==2.4.6
cat > "$work/probe.py" <<'PY'
import logging

import diffusers
import torch
from diffusers import (
    AutoencoderKLCogVideoX,
    AutoencoderKLHunyuanVideo,
    AutoencoderKLLTXVideo,
    AutoencoderKLWan,
    CogVideoXDDIMScheduler,
    CogVideoXPipeline,
    CogVideoXTransformer3DModel,
    FlowMatchEulerDiscreteScheduler,
    HunyuanVideoPipeline,
    HunyuanVideoTransformer3DModel,
    LTXPipeline,
    LTXVideoTransformer3DModel,
    UniPCMultistepScheduler,
    WanPipeline,
    WanTransformer3DModel,
)

print("diffusers", diffusers.__version__)
torch.manual_seed(0)
FOUR, UNREAD = (8, 8, 8, 8), {"tokenizer": None, "text_encoder": None}
TEXT, MASK, UNGUIDED = torch.zeros(1, 4, 16), torch.ones(1, 4), {"guidance_scale": 1.0}
DENOISER = {"num_attention_heads": 2, "num_layers": 1}


def hunyuan():
    vae = AutoencoderKLHunyuanVideo(
        down_block_types=("HunyuanVideoDownBlock3D",) * 4, up_block_types=("HunyuanVideoUpBlock3D",) * 4,
        block_out_channels=FOUR, latent_channels=4, layers_per_block=1, norm_num_groups=2,
    )
    denoiser = HunyuanVideoTransformer3DModel(
        in_channels=4, out_channels=4, attention_head_dim=10, num_single_layers=1, num_refiner_layers=1, patch_size=1,
        text_embed_dim=16, pooled_projection_dim=8, rope_axes_dim=(2, 4, 4), **DENOISER,
    )
    parts = {"vae": vae, "transformer": denoiser, "scheduler": FlowMatchEulerDiscreteScheduler()}
    pipeline = HunyuanVideoPipeline(**parts, **UNREAD, tokenizer_2=None, text_encoder_2=None)
    return pipeline, {"prompt_embeds": TEXT, "prompt_attention_mask": MASK, "pooled_prompt_embeds": torch.zeros(1, 8)}


def ltx():
    scaled = (True, True, True, False)
    vae = AutoencoderKLLTXVideo(
        latent_channels=8, block_out_channels=FOUR, decoder_block_out_channels=FOUR, layers_per_block=(1,) * 5,
        decoder_layers_per_block=(1,) * 5, spatio_temporal_scaling=scaled, decoder_spatio_temporal_scaling=scaled,
    )
    denoiser = LTXVideoTransformer3DModel(
        in_channels=8, out_channels=8, attention_head_dim=16, cross_attention_dim=32, caption_channels=16, **DENOISER
    )
    pipeline = LTXPipeline(vae=vae, transformer=denoiser, scheduler=FlowMatchEulerDiscreteScheduler(), **UNREAD)
    return pipeline, {"prompt_embeds": TEXT, "prompt_attention_mask": MASK, **UNGUIDED}


def wan():
    vae = AutoencoderKLWan(
        base_dim=4, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True],
        latents_mean=[0.0] * 4, latents_std=[1.0] * 4,
    )
    denoiser = WanTransformer3DModel(
        attention_head_dim=12, in_channels=4, out_channels=4, text_dim=16, freq_dim=16, ffn_dim=16, **DENOISER
    )
    scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True)
    return WanPipeline(vae=vae, transformer=denoiser, scheduler=scheduler, **UNREAD), {"prompt_embeds": TEXT, **UNGUIDED}


def cogvideox():
    vae = AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * 4, up_block_types=("CogVideoXUpBlock3D",) * 4,
        block_out_channels=FOUR, latent_channels=4, layers_per_block=1, norm_num_groups=2,
    )
    denoiser = CogVideoXTransformer3DModel(
        attention_head_dim=16, in_channels=4, out_channels=4, time_embed_dim=4, text_embed_dim=16, sample_width=4,
        sample_height=4, max_text_seq_length=4, use_rotary_positional_embeddings=True, **DENOISER,
    )
    pipeline = CogVideoXPipeline(vae=vae, transformer=denoiser, scheduler=CogVideoXDDIMScheduler(), **UNREAD)
    return pipeline, {"prompt_embeds": TEXT, **UNGUIDED}


class Kept(logging.Handler):
    def __init__(self):
        super().__init__()
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


kept = Kept()
logging.getLogger("diffusers").addHandler(kept)
seen = {}
for make in (hunyuan, ltx, wan, cogvideox):
    pipeline, prompt = make()
    pipeline.set_progress_bar_config(disable=True)
    kept.messages.clear()
    row = {}
    for asked in (8, 16, 24, 80, 82, 17, 81):
        video = pipeline(num_frames=asked, height=32, width=32, num_inference_steps=1, output_type="np", **prompt).frames
        row[asked] = video.shape[1]
    seen[make.__name__] = row, any("num_frames" in message for message in kept.messages)
    print(f"{type(pipeline).__name__}: " + ", ".join(f"{asked} asked {came} came" for asked, came in row.items()), end="; ")
    print("logged:", sorted(set(kept.messages)) or "nothing")
expected = {
    "hunyuan": ({8: 5, 16: 13, 24: 21, 80: 77, 82: 81, 17: 17, 81: 81}, False),
    "ltx": ({8: 1, 16: 9, 24: 17, 80: 73, 82: 81, 17: 17, 81: 81}, False),
    "wan": ({8: 9, 16: 17, 24: 25, 80: 81, 82: 81, 17: 17, 81: 81}, True),
    "cogvideox": ({8: 8, 16: 16, 24: 24, 80: 80, 82: 81, 17: 17, 81: 81}, False),
}
assert seen == expected, f"the behaviour has changed: {seen}"
print("as described")
PY
OMP_NUM_THREADS=2 "$work/venv/bin/python" -W ignore "$work/probe.py"
