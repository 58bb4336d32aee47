"""Tiny random Wan and HunyuanVideo pipelines, whole: every part that the published ones have, as save_pretrained writes them."""

import json
import re
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLHunyuanVideo,
    AutoencoderKLWan,
    FlowMatchEulerDiscreteScheduler,
    HunyuanVideoImageToVideoPipeline,
    HunyuanVideoTransformer3DModel,
    UniPCMultistepScheduler,
    WanImageToVideoPipeline,
    WanPipeline,
    WanTransformer3DModel,
)
from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video_image2video import DEFAULT_PROMPT_TEMPLATE
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModel,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedTokenizerFast,
    T5Tokenizer,
    UMT5Config,
    UMT5EncoderModel,
)

from tests.models.checkpoints import spread, t5_pieces

CHANNELS = 4
PATCHES = 24
"""Patches a side of a picture for HunyuanVideo's reader: their square is the 576 picture tokens that its pipeline counts on."""


def wan(folder: Path, *, image: bool = True, seed: int = 0) -> Path:
    """Write a Wan pipeline, image-to-video or text-to-video, and return the folder."""
    torch.manual_seed(seed)
    words = t5_pieces()
    settings = {"vocab_size": len(words), "d_model": 12, "d_kv": 4, "d_ff": 16, "num_layers": 1, "num_heads": 2}
    encoder = UMT5EncoderModel(UMT5Config(**settings))
    vae = AutoencoderKLWan(
        base_dim=4,
        z_dim=CHANNELS,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        latents_mean=[0.0] * CHANNELS,
        latents_std=[1.0] * CHANNELS,
    )
    seen = {"image_dim": 10, "added_kv_proj_dim": 32} if image else {}
    transformer = WanTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=2 * CHANNELS + 4 if image else CHANNELS,
        out_channels=CHANNELS,
        text_dim=12,
        freq_dim=16,
        ffn_dim=32,
        num_layers=2,
        rope_max_seq_len=32,
        **seen,
    )
    for part in (transformer, encoder):
        spread(part)
    parts = {
        "tokenizer": T5Tokenizer(vocab=words, extra_ids=0),
        "text_encoder": encoder,
        "vae": vae,
        "transformer": transformer,
        "scheduler": UniPCMultistepScheduler(use_flow_sigmas=True, flow_shift=3.0, prediction_type="flow_prediction"),
    }
    if image:
        look = CLIPVisionConfig(
            hidden_size=10, intermediate_size=16, num_hidden_layers=3, num_attention_heads=2, image_size=16, patch_size=8
        )
        pipeline = WanImageToVideoPipeline(**parts, image_encoder=CLIPVisionModel(look), image_processor=_pictures(16))
    else:
        pipeline = WanPipeline(**parts)
    pipeline.save_pretrained(folder)
    return folder


def hunyuan(folder: Path, seed: int = 0) -> Path:
    """Write a HunyuanVideo image-to-video pipeline and return the folder."""
    torch.manual_seed(seed)
    tokenizer, tokenizer_2 = _llama_words(), _clip_letters()
    clip = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer_2),
            hidden_size=10,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
    )
    transformer = HunyuanVideoTransformer3DModel(
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        num_attention_heads=2,
        attention_head_dim=16,
        num_layers=1,
        num_single_layers=1,
        num_refiner_layers=1,
        text_embed_dim=12,
        pooled_projection_dim=10,
        rope_axes_dim=(4, 6, 6),
        image_condition_type="token_replace",
    )
    encoder = _llava(tokenizer)
    for part in (transformer, encoder):
        spread(part)
    HunyuanVideoImageToVideoPipeline(
        text_encoder=encoder,
        tokenizer=tokenizer,
        transformer=transformer,
        vae=AutoencoderKLHunyuanVideo(
            latent_channels=CHANNELS, block_out_channels=(4, 4, 4, 4), layers_per_block=1, norm_num_groups=2
        ),
        text_encoder_2=clip,
        tokenizer_2=tokenizer_2,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=7.0),
        image_processor=_pictures(2 * PATCHES),
    ).save_pretrained(folder)
    # The index of the published pipeline names the class that transformers has for this tokenizer.
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({**index, "tokenizer": ["transformers", "PreTrainedTokenizerFast"]}))
    return folder


def _llava(tokenizer: PreTrainedTokenizerFast) -> LlavaForConditionalGeneration:
    vision = CLIPVisionConfig(
        hidden_size=8, intermediate_size=16, num_hidden_layers=3, num_attention_heads=2, image_size=2 * PATCHES, patch_size=2
    )
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=12,
        intermediate_size=24,
        num_hidden_layers=4,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        pad_token_id=tokenizer.pad_token_id,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
        vision_feature_layer=-2,
        image_seq_length=PATCHES**2,
    )
    return LlavaForConditionalGeneration(config)


def _llama_words() -> PreTrainedTokenizerFast:
    """One token a word: the template then has the 103 tokens that the pipeline cuts off."""
    marks = ["<pad>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<image>"]
    texts = re.split(r"<[^>]*>|{}", DEFAULT_PROMPT_TEMPLATE["template"])
    words = sorted({word for text in texts for word in re.findall(r"\w+|[^\w\s]", text)})
    made = Tokenizer(models.WordLevel({word: place for place, word in enumerate([*marks, "<unk>", *words])}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()])
    return PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token="<unk>", pad_token="<pad>", padding_side="right", additional_special_tokens=marks[1:]
    )


def _clip_letters() -> CLIPTokenizer:
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    return CLIPTokenizer(vocab={word: place for place, word in enumerate(words)}, merges=[])


def _pictures(side: int) -> CLIPImageProcessor:
    return CLIPImageProcessor(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
