#!/usr/bin/env bash
# A Wan adapter in kohya's names is read by diffusers only if it covers every layer of every block from 0 on.
#
# Training one kind of layer alone (the attention's, say, or some blocks) is usual, and its file is whole: it holds all that was
# trained. In the names of Wan's own code (diffusion_model.blocks.N...) diffusers reads such a file and takes what is there. The same
# tensors under kohya's names (lora_unet_blocks_N_...) end in a KeyError that names a tensor of a layer that was never trained: the
# converter counts the blocks and asks for each of their layers. One would expect both names to be read alike. Who has such a file
# renames its tensors first.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet diffusers==0.42.1 torch==2.14.1 transformers==5.24.0 peft==0.21.2
cat > "$work/probe.py" <<'PY'
import sys

import diffusers
import torch
from diffusers.loaders import WanLoraLoaderMixin

ATTENTION = [f"{kind}_attn_{part}" for kind in ("self", "cross") for part in "qkvo"]
ALL = [*ATTENTION, "ffn_0", "ffn_2"]
CASES = {
    "every layer of blocks 0 and 1": ((0, 1), ALL),
    "attention of blocks 0 and 1": ((0, 1), ATTENTION),
    "queries of blocks 0 and 1": ((0, 1), ["self_attn_q"]),
    "every layer of blocks 2 and 5": ((2, 5), ALL),
}


def kohya(blocks, layers):
    made = {}
    for name in (f"lora_unet_blocks_{block}_{layer}" for block in blocks for layer in layers):
        made |= {f"{name}.lora_down.weight": torch.ones(4, 32), f"{name}.lora_up.weight": torch.ones(32, 4)}
        made[f"{name}.alpha"] = torch.tensor(4.0)
    return made


def own(blocks, layers):
    made = {}
    for block in blocks:
        for layer in layers:
            name = f"diffusion_model.blocks.{block}." + layer.replace("_attn_", "_attn.").replace("ffn_", "ffn.")
            made |= {f"{name}.lora_A.weight": torch.ones(4, 32), f"{name}.lora_B.weight": torch.ones(32, 4)}
    return made


def read(state):
    try:
        return f"{len(WanLoraLoaderMixin.lora_state_dict(state))} tensors"
    except KeyError as error:
        return f"KeyError {error}"


print("diffusers", diffusers.__version__)
seen = {}
for name, case in CASES.items():
    seen[name] = read(own(*case)), read(kohya(*case))
    print(f"  {name}: Wan's names {seen[name][0]}; kohya's names {seen[name][1]}")
whole, *some = seen.values()
as_described = whole == ("40 tensors", "40 tensors") and all(
    mine.endswith("tensors") and theirs.startswith("KeyError") for mine, theirs in some
)
sys.exit(0 if as_described else "the behaviour has changed")
PY
HF_HUB_OFFLINE=1 "$work/venv/bin/python" -W ignore "$work/probe.py"
echo "as described"
