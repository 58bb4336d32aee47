"""Tiny pipelines on disk, loaded the ordinary way, and a hand-made dataset: a ball that a box pushes across a floor."""

from __future__ import annotations

import json
import re

import cv2
import numpy as np
import tiny
import torch
from diffusers import (
    AutoencoderKLCogVideoX,
    AutoencoderKLHunyuanVideo,
    AutoencoderKLWan,
    CogVideoXDDIMScheduler,
    CogVideoXImageToVideoPipeline,
    CogVideoXTransformer3DModel,
    FlowMatchEulerDiscreteScheduler,
    HunyuanVideoImageToVideoPipeline,
    HunyuanVideoTransformer3DModel,
    UniPCMultistepScheduler,
    WanImageToVideoPipeline,
    WanTransformer3DModel,
)
from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video_image2video import DEFAULT_PROMPT_TEMPLATE
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModel,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
    UMT5Config,
    UMT5EncoderModel,
)

from intergeneval import masks as rle
from intergeneval.records import Tracks, TrackState
from intergeneval.videos import write_video
from matrix_train.config import Config, DataConfig, ModelConfig
from matrix_train.data.clips import Clip, ClipInstance, ClipInteraction, write_own
from matrix_train.roles import find_phrase

SIDE, FRAMES, WIDTH = 64, 9, 48
CAPTIONS = (
    "a red box pushes a blue ball across the floor",
    "a tall green block knocks over the small yellow cone",
    "a white dog picks a stick up and carries it away",
    "the purple disc nudges an orange square to the right",
)


def pieces():
    """A vocabulary for T5's tokenizer, cut by rule: a trained one would come out differently each time."""
    words = sorted({word for caption in CAPTIONS for word in caption.split()})
    cut = {("▁" + word)[start : start + 4] for word in words for start in range(0, len(word) + 1, 4)}
    singles = {"▁", *"abcdefghijklmnopqrstuvwxyz"}
    special = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    return [*special, *((piece, -5.0) for piece in sorted(singles)), *((piece, -2.0) for piece in sorted(cut - singles))]


def tokenizer():
    return T5Tokenizer(vocab=pieces(), extra_ids=0)


def text_settings():
    return {"vocab_size": len(pieces()), "d_model": 12, "d_kv": 4, "d_ff": 16, "num_layers": 1, "num_heads": 2}


def cogvideox(folder, *, heads=2, width=16, layers=4, side=SIDE, rotary=True, seed=0):
    """A CogVideoX pipeline whose transformer has `heads` heads of `width` channels; VAE stride 8, so 64 pixels are 4 tokens."""
    torch.manual_seed(seed)
    vae = AutoencoderKLCogVideoX(
        block_out_channels=(4, 4, 4, 4), latent_channels=tiny.CHANNELS, layers_per_block=1, norm_num_groups=2, sample_height=SIDE,
        sample_width=SIDE,
    )  # fmt: skip
    transformer = CogVideoXTransformer3DModel(
        num_attention_heads=heads, attention_head_dim=width, in_channels=2 * tiny.CHANNELS, out_channels=tiny.CHANNELS,
        time_embed_dim=16, text_embed_dim=12, num_layers=layers, sample_width=side // 8, sample_height=side // 8,
        sample_frames=FRAMES, max_text_seq_length=40, use_rotary_positional_embeddings=rotary,
    )  # fmt: skip
    scheduler = CogVideoXDDIMScheduler(
        prediction_type="v_prediction", rescale_betas_zero_snr=True, timestep_spacing="trailing", snr_shift_scale=1.0
    )
    encoder = T5EncoderModel(T5Config(**text_settings()))
    for part in (vae, transformer, encoder) if rotary else (vae,):
        tiny.randomise(part, seed)
    CogVideoXImageToVideoPipeline(
        tokenizer=tokenizer(), text_encoder=encoder, vae=vae, transformer=transformer, scheduler=scheduler
    ).save_pretrained(folder)
    return folder


def wan(folder, seed=0):
    torch.manual_seed(seed)
    vae = AutoencoderKLWan(
        base_dim=4, z_dim=tiny.CHANNELS, dim_mult=[1, 1, 1, 1], num_res_blocks=1, latents_mean=[0.1, 0.0, -0.1, 0.2],
        latents_std=[1.0, 2.0, 1.5, 0.5],
    )  # fmt: skip
    vision = CLIPVisionModel(
        CLIPVisionConfig(
            hidden_size=10, intermediate_size=16, num_hidden_layers=3, num_attention_heads=2, image_size=16, patch_size=8
        )
    )
    transformer = WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=2 * tiny.CHANNELS + 4, out_channels=tiny.CHANNELS, text_dim=12,
        freq_dim=16, ffn_dim=32, num_layers=3, image_dim=10, added_kv_proj_dim=32, rope_max_seq_len=32,
    )  # fmt: skip
    encoder = UMT5EncoderModel(UMT5Config(**text_settings()))
    for part in (transformer, encoder):
        tiny.randomise(part, seed)
    WanImageToVideoPipeline(
        tokenizer=tokenizer(), text_encoder=encoder, vae=vae, transformer=transformer, image_encoder=vision,
        image_processor=image_processor(),
        scheduler=UniPCMultistepScheduler(use_flow_sigmas=True, flow_shift=3.0, prediction_type="flow_prediction"),
    ).save_pretrained(folder)  # fmt: skip
    return folder


SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
"""How LLaMA 3 cuts text before byte pairs are merged."""
MARKS = ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<image>", "<pad>")


def llama_tokenizer():
    """A byte-level tokenizer of LLaMA 3's make that knows the words of the prompt template whole, and the captions' in pieces."""
    split = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(SPLIT), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    words = {
        piece
        for part in re.split(r"<[^>]*>|{}", DEFAULT_PROMPT_TEMPLATE["template"])
        for piece, _ in split.pre_tokenize_str(part)
    }
    vocabulary, merges = sorted(pre_tokenizers.ByteLevel.alphabet()), []
    for word in sorted(words):
        for end in range(2, len(word) + 1):
            if word[:end] not in vocabulary:
                vocabulary.append(word[:end])
                merges.append((word[: end - 1], word[end - 1]))
    ids = {token: place for place, token in enumerate([*vocabulary, *MARKS])}
    # Whole words first, as LLaMA 3 does; without it, merges of other words would get in the way.
    made = Tokenizer(models.BPE(vocab=ids, merges=merges, ignore_merges=True))
    made.pre_tokenizer, made.decoder = split, decoders.ByteLevel()
    begin = processors.TemplateProcessing(single=f"{MARKS[0]} $A", special_tokens=[(MARKS[0], ids[MARKS[0]])])
    made.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), begin])
    return PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token=MARKS[0], eos_token="<|eot_id|>", pad_token="<pad>", padding_side="right",
        additional_special_tokens=[*MARKS[1:3], "<image>"],
    )  # fmt: skip


def clip_tokenizer(folder):
    """CLIP's tokenizer with single characters, from files as the hub has them."""
    letters = [*"abcdefghijklmnopqrstuvwxyz", *(f"{letter}</w>" for letter in "abcdefghijklmnopqrstuvwxyz")]
    ids = {token: place for place, token in enumerate([*letters, "<|startoftext|>", "<|endoftext|>"])}
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps(ids))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer.from_pretrained(folder), len(ids)


def llava(tokenizer):
    """LLaVA with a vision tower of 24 x 24 patches, which are the 576 image tokens that the pipeline counts on."""
    vision = CLIPVisionConfig(
        hidden_size=8, intermediate_size=16, num_hidden_layers=3, num_attention_heads=2, image_size=48, patch_size=2
    )
    text = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=12, intermediate_size=24, num_hidden_layers=4, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=1024, pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    settings = LlavaConfig(
        vision_config=vision, text_config=text, image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id, vision_feature_layer=-2, image_seq_length=576,
    )  # fmt: skip
    return LlavaForConditionalGeneration(settings)


def hunyuan(folder, *, variant="token_replace", seed=0):
    """A HunyuanVideo image-to-video pipeline of either variant, its tokenizer named in the index as on the hub."""
    torch.manual_seed(seed)
    vae = AutoencoderKLHunyuanVideo(
        latent_channels=tiny.CHANNELS, block_out_channels=(4, 4, 4, 4), layers_per_block=1, norm_num_groups=2,
        scaling_factor=0.476986,
    )  # fmt: skip
    tokenizer = llama_tokenizer()
    tokenizer_2, size = clip_tokenizer(folder / "clip")
    clip = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=size, hidden_size=10, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
            bos_token_id=size - 2, eos_token_id=size - 1, pad_token_id=size - 1,
        )
    )  # fmt: skip
    joined = variant == "latent_concat"
    transformer = HunyuanVideoTransformer3DModel(
        in_channels=2 * tiny.CHANNELS + 1 if joined else tiny.CHANNELS, out_channels=tiny.CHANNELS, num_attention_heads=2,
        attention_head_dim=16, num_layers=2, num_single_layers=2, num_refiner_layers=1, patch_size=2, patch_size_t=1,
        text_embed_dim=12, pooled_projection_dim=10, rope_axes_dim=(4, 6, 6), image_condition_type=variant,
    )  # fmt: skip
    encoder = llava(tokenizer)
    for part in (transformer, encoder):
        tiny.randomise(part, seed)
    HunyuanVideoImageToVideoPipeline(
        text_encoder=encoder, tokenizer=tokenizer, transformer=transformer, vae=vae, text_encoder_2=clip, tokenizer_2=tokenizer_2,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=7.0), image_processor=image_processor(48),
    ).save_pretrained(folder)  # fmt: skip
    rewrite(folder / "model_index.json", tokenizer=["transformers", "LlamaTokenizerFast"])
    rewrite(folder / "tokenizer" / "tokenizer_config.json", tokenizer_class="LlamaTokenizerFast")
    return folder


def pipeline(folder, name):
    """A pipeline by the name of its backbone; ``hunyuan-concat`` is HunyuanVideo's other variant."""
    if name.startswith("hunyuan"):
        return hunyuan(folder, variant="latent_concat" if name.endswith("concat") else "token_replace")
    return {"cogvideox": cogvideox, "wan": wan}[name](folder)


def rewrite(path, **fields):
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def image_processor(side=16):
    from transformers import CLIPImageProcessorPil

    return CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size={"height": side, "width": side})


def scene(index, frames=FRAMES, side=SIDE):
    """Frames and the two instances' masks: a square moves right and pushes another one in front of it."""
    generator = np.random.default_rng(index)
    ground = generator.integers(40, 90, 3)
    colours = generator.integers(120, 255, (2, 3))
    wide = side * 3 // 8
    pictures, first, second = [], [], []
    for frame in range(frames):
        shift = (side // 16) * (3 * frame // frames)
        top = side // 4 + (side // 8) * (index % 2)
        one, two = np.zeros((side, side), bool), np.zeros((side, side), bool)
        one[top : top + wide, shift : shift + wide] = True
        two[top : top + wide, shift + wide : shift + 2 * wide - side // 16] = True
        picture = np.broadcast_to(ground, (side, side, 3)).copy()
        picture[one], picture[two] = colours
        pictures.append(picture.astype(np.uint8))
        first.append(one)
        second.append(two)
    return np.stack(pictures), np.stack(first), np.stack(second)


PHRASES = (
    ("red box", "pushes", "blue ball"),
    ("tall green block", "knocks over", "small yellow cone"),
    ("white dog", "picks ... up", "stick"),
    ("purple disc", "nudges", "orange square"),
)


def dataset(root, clips=4, frames=FRAMES, side=SIDE):
    """Our own layout, `clips` clips."""
    (root / "videos").mkdir(parents=True)
    (root / "tracks").mkdir()
    records = []
    for index in range(clips):
        pictures, first, second = scene(index, frames, side)
        name = f"clip{index}"
        write_video(root / "videos" / f"{name}.mp4", iter(pictures), 8.0)
        states = [TrackState.VISIBLE] * frames
        tracks = Tracks(
            sample_id=name, seed=0, tracker="hand", size=(side, side),
            tracks=(rle.track_of("id1", first, states, [1.0] * frames), rle.track_of("id2", second, states, [1.0] * frames)),
        )  # fmt: skip
        (root / "tracks" / f"{name}.json").write_text(json.dumps(tracks.to_json()))
        caption, (subject, verb, target) = CAPTIONS[index], PHRASES[index]
        records.append(
            Clip(
                id=name, video=f"videos/{name}.mp4", caption=caption, tracks=f"tracks/{name}.json",
                instances=(ClipInstance(id="id1"), ClipInstance(id="id2")),
                interactions=(
                    ClipInteraction(
                        subject="id1", object="id2", verb=verb, subject_spans=find_phrase(caption, subject),
                        verb_spans=find_phrase(caption, verb), object_spans=find_phrase(caption, target),
                    ),
                ),
            )
        )  # fmt: skip
    write_own(root, tuple(records))
    return root


def release_dataset(root, clips=2):
    """The release's layout with `<idN>` marks."""
    (root / "videos").mkdir(parents=True)
    rows = ["video,prompt"]
    prompts = ('"a <id1> box pushes a <id2> ball"', '"the <id1> dog picks up a <id2> stick"')
    for index in range(clips):
        pictures, first, second = scene(index)
        write_video(root / "videos" / f"{index:06d}.mp4", iter(pictures), 8.0)
        rows.append(f"{index:06d}.mp4,{prompts[index]}")
        for name, masks in (("<id1>", first), ("<id2>", second)):
            folder = root / "mask_annotation" / f"{index:06d}" / name
            folder.mkdir(parents=True)
            for frame, mask in enumerate(masks):
                cv2.imwrite(str(folder / f"{frame:03d}.png"), mask.astype(np.uint8) * 255)
    (root / "metadata.csv").write_text("\n".join(rows) + "\n")
    return root


def config(pipeline, data, **sections):
    base = tiny.config(
        model=ModelConfig(path=str(pipeline), dtype="float32", gradient_checkpointing=False),
        data=DataConfig(path=str(data), frames=FRAMES, height=SIDE, width=SIDE),
    )
    return Config(**{**{name: getattr(base, name) for name in base.__dataclass_fields__}, **sections})


def benchmark(root, side=80):
    """A benchmark of one sample with first frame and masks, of another size than the pipelines are trained with."""
    root.mkdir(parents=True, exist_ok=True)
    pictures, first, second = scene(0, side=side)
    cv2.imwrite(str(root / "first.png"), pictures[0][..., ::-1])
    for name, masks in (("one", first), ("two", second)):
        cv2.imwrite(str(root / f"{name}.png"), masks[0].astype(np.uint8) * 255)
    sample = {
        "id": "s1",
        "prompt": CAPTIONS[0],
        "instances": [
            {"id": "id1", "class": "box", "appearance": "red box", "colour": "red", "mask": "one.png"},
            {"id": "id2", "class": "ball", "appearance": "blue ball", "colour": "blue", "mask": "two.png"},
        ],
        "interactions": [{"subject": "id1", "verb": "pushes", "object": "id2", "category": "force"}],
        "image": "first.png",
        "size": [side, side],
    }
    (root / "samples.jsonl").write_text(json.dumps(sample) + "\n")
    (root / "bench.toml").write_text('name = "tiny"\nversion = "1"\ndescription = "For tests."\nlicence = "Apache-2.0"\n')
    return root
