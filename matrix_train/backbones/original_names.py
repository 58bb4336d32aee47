"""What the makers of a model call the layers that diffusers calls otherwise: the names that kohya's tools and ComfyUI go by.

CogVideoX has none here: whoever reads adapters for it outside of diffusers goes by the names of diffusers.
"""

from __future__ import annotations

import re

Original = tuple[str, tuple[str, ...]]
"""A layer's original name, and the layers of diffusers whose outputs stand one under another in it, in that order."""

_WAN = re.compile(r"blocks\.(\d+)\.attn([12])\.(to_q|to_k|to_v|to_out\.0|add_k_proj|add_v_proj)")
_WAN_ATTENTION = {"1": "self_attn", "2": "cross_attn"}
_WAN_LEAF = {"to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "o", "add_k_proj": "k_img", "add_v_proj": "v_img"}
_DUAL = re.compile(r"transformer_blocks\.(\d+)\.attn\.(to_q|to_k|to_v|to_out\.0|add_q_proj|add_k_proj|add_v_proj|to_add_out)")
_SINGLE = re.compile(r"single_transformer_blocks\.(\d+)\.(attn\.to_q|attn\.to_k|attn\.to_v|proj_mlp|proj_out)")


def same(module: str) -> Original:
    """Return a name that is the same everywhere."""
    return module, (module,)


def of_wan(module: str) -> Original:
    """Return the name in the code of Wan's makers."""
    match = _WAN.fullmatch(module)
    if match is None:
        return same(module)
    return f"blocks.{match[1]}.{_WAN_ATTENTION[match[2]]}.{_WAN_LEAF[match[3]]}", (module,)


def of_hunyuan(module: str) -> Original:
    """Return the name in the code of HunyuanVideo's makers, where queries, keys and values are one layer."""
    if module == "x_embedder.proj":
        return "img_in.proj", (module,)
    match = _DUAL.fullmatch(module)
    if match is not None:
        stem, leaf = f"transformer_blocks.{match[1]}.attn.", match[2]
        for original, leaves in (
            ("img_attn_qkv", ("to_q", "to_k", "to_v")),
            ("txt_attn_qkv", ("add_q_proj", "add_k_proj", "add_v_proj")),
            ("img_attn_proj", ("to_out.0",)),
            ("txt_attn_proj", ("to_add_out",)),
        ):
            if leaf in leaves:
                return f"double_blocks.{match[1]}.{original}", tuple(stem + item for item in leaves)
    match = _SINGLE.fullmatch(module)
    if match is None:
        return same(module)
    if match[2] == "proj_out":
        return f"single_blocks.{match[1]}.linear2", (module,)
    stem = f"single_transformer_blocks.{match[1]}."
    return f"single_blocks.{match[1]}.linear1", tuple(stem + item for item in ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"))
