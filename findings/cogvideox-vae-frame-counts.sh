#!/usr/bin/env bash
# The video autoencoder of CogVideoX in diffusers does not give back every clip of 4k + 1 frames at its own length.
#
# It turns 4k + 1 frames into k + 1 latent frames, the first alone, and one would expect k + 1 latent frames to become 4k + 1 frames
# again, as they do with Wan's autoencoder of the same stride. With an even number of latent frames three more come out: 5 frames come back as
# 8, 13 as 16, 21 as 24, 45 as 48; with an odd number (1, 9, 17, 25, ..., 49) the length is kept. No error is raised.
# Masks, captions by frame and losses that count on the length are shifted or cut; frame counts of the form 8k + 1 are safe.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 diffusers==0.42.1 transformers==5.24.0 numpy==2.4.6
cat > "$work/probe.py" <<'PY'
import diffusers
import torch
from diffusers import AutoencoderKLCogVideoX, AutoencoderKLWan

print("diffusers", diffusers.__version__)
torch.manual_seed(0)
cogvideox = AutoencoderKLCogVideoX(
    down_block_types=("CogVideoXDownBlock3D",) * 4,
    up_block_types=("CogVideoXUpBlock3D",) * 4,
    block_out_channels=(8, 8, 8, 8),
    latent_channels=4,
    layers_per_block=1,
    norm_num_groups=2,
).eval()
wan = AutoencoderKLWan(
    base_dim=4, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
).eval()
asked = (1, 5, 9, 13, 17, 21, 25, 45, 49)
came = {}
with torch.no_grad():
    for frames in asked:
        clip = torch.zeros(1, 3, frames, 32, 32)
        rows = []
        for vae in (cogvideox, wan):
            latent = vae.encode(clip).latent_dist.mode()
            rows.append((latent.shape[2], vae.decode(latent).sample.shape[2]))
        came[frames] = rows[0][1], rows[1][1]
        print(f"{frames} frames: CogVideoX {rows[0][0]} latent, {rows[0][1]} back; Wan {rows[1][0]} latent, {rows[1][1]} back")
expected = {1: 1, 5: 8, 9: 9, 13: 16, 17: 17, 21: 24, 25: 25, 45: 48, 49: 49}
assert {frames: pair[0] for frames, pair in came.items()} == expected, f"the behaviour has changed: {came}"
assert all(pair[1] == frames for frames, pair in came.items()), f"the behaviour has changed: {came}"
print("as described")
PY
"$work/venv/bin/python" -W ignore "$work/probe.py"
