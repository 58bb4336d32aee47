"""Tiny checkpoints with random weights, written as save_pretrained writes real ones: real classes, small numbers."""

import json
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLCogVideoX,
    CogVideoXDDIMScheduler,
    CogVideoXImageToVideoPipeline,
    CogVideoXPipeline,
    CogVideoXTransformer3DModel,
)
from sam2.build_sam import build_sam2_video_predictor
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizer,
    CLIPTokenizer,
    EdgeTamVideoConfig,
    EdgeTamVideoModel,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    GroundingDinoImageProcessor,
    GroundingDinoProcessor,
    Qwen2Tokenizer,
    Qwen2VLImageProcessor,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
    Sam2ImageProcessor,
    Sam2VideoConfig,
    Sam2VideoModel,
    Sam2VideoProcessor,
    Sam2VideoVideoProcessor,
    Sam3Config,
    Sam3ImageProcessor,
    Sam3Model,
    Sam3Processor,
    Sam3TrackerVideoConfig,
    Sam3TrackerVideoModel,
    Sam3TrackerVideoProcessor,
    SwinConfig,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

SENTENCES = (
    "the man lifts the silver kettle from the table and pours coffee into the blue mug",
    "a boy kicks a white football over the grass",
    "she throws the ball to him and he catches it with both hands",
)
"""What small tokenizers learn their pieces from."""
SIDE = 128
"""Side of the pictures a tiny segmenter works on, in pixels."""


def sam2(folder: Path, seed: int = 0) -> Path:
    """Write a SAM 2 video model with its processor and return the folder."""
    torch.manual_seed(seed)
    width = 128
    config = Sam2VideoConfig(
        image_size=SIDE,
        vision_config={
            "backbone_config": {
                "model_type": "sam2_hiera_det_model",
                "hidden_size": 16,
                "num_attention_heads": 1,
                "image_size": [SIDE, SIDE],
                "blocks_per_stage": [1, 1, 2, 1],
                "embed_dim_per_stage": [16, 32, 64, 128],
                "num_attention_heads_per_stage": [1, 2, 4, 8],
                "window_size_per_stage": [8, 4, 4, 4],
                "global_attention_blocks": [3],
                "window_positional_embedding_background_size": [4, 4],
            },
            "backbone_channel_list": [128, 64, 32, 16],
            "backbone_feature_sizes": [[SIDE // stride, SIDE // stride] for stride in (4, 8, 16)],
            "fpn_hidden_size": width,
        },
        prompt_encoder_config={"hidden_size": width, "image_size": SIDE},
        mask_decoder_config={
            "hidden_size": width,
            "mlp_dim": 64,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": width,
        },
        memory_attention_hidden_size=width,
        memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=64,
        memory_attention_rope_feat_sizes=[SIDE // 16, SIDE // 16],
        memory_encoder_hidden_size=width,
        memory_encoder_output_channels=64,
        mask_downsampler_embed_dim=width,
        memory_fuser_embed_dim=width,
        memory_fuser_intermediate_dim=64,
        memory_fuser_layer_scale_init_value=1.0,
    )
    model = Sam2VideoModel(config).eval()
    spread(model)
    # Random weights may call every object absent, and an absent object's mask is empty: nothing would be compared.
    with torch.no_grad():
        model.mask_decoder.pred_obj_score_head.proj_out.weight.zero_()
        model.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(3.0)
    model.save_pretrained(folder)
    _segmenter_processor().save_pretrained(folder)
    return folder


SAM2_CONFIG = "configs/sam2.1/sam2.1_hiera_t.yaml"
SAM2_SMALL = ["++model.image_size=128"]
"""What makes the sam2 package's smallest model work on small pictures."""


def sam2_package(folder: Path, seed: int = 0) -> Path:
    """Write a checkpoint of the sam2 package's smallest model and return the file."""
    torch.manual_seed(seed)
    model = build_sam2_video_predictor(SAM2_CONFIG, None, device="cpu", hydra_overrides_extra=list(SAM2_SMALL))
    with torch.no_grad():
        # Random weights may call every object absent, whose mask would be empty: nothing would be compared.
        model.sam_mask_decoder.pred_obj_score_head.layers[-1].weight.zero_()
        model.sam_mask_decoder.pred_obj_score_head.layers[-1].bias.fill_(3.0)
    place = folder / "sam2.1_hiera_tiny.pt"
    torch.save({"model": model.state_dict()}, place)
    return place


def spread(model: torch.nn.Module) -> None:
    """Give every weight matrix outputs of the size of its inputs: with the usual start, all inputs give nearly one output."""
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.normal_(0.0, weight[0].numel() ** -0.5)


def _segmenter_processor() -> Sam2VideoProcessor:
    size = {"height": SIDE, "width": SIDE}
    small = {"height": SIDE // 4, "width": SIDE // 4}
    return Sam2VideoProcessor(
        image_processor=Sam2ImageProcessor(size=size, mask_size=small), video_processor=Sam2VideoVideoProcessor(size=size)
    )


def grounding_dino(folder: Path, seed: int = 0) -> Path:
    """Write a GroundingDINO with a word tokenizer of its own and return the folder."""
    torch.manual_seed(seed)
    vocabulary = {name: index for index, name in enumerate(_bert_words())}
    tokenizer = BertTokenizer(vocab=vocabulary, do_lower_case=True)
    config = GroundingDinoConfig(
        backbone_config=SwinConfig(
            image_size=64, embed_dim=16, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4, out_indices=[2, 3, 4]
        ),
        text_config=BertConfig(
            vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64
        ),
        d_model=32,
        num_queries=30,
        encoder_layers=1,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_text_len=24,
    )
    GroundingDinoForObjectDetection(config).eval().save_pretrained(folder)
    size = {"shortest_edge": 64, "longest_edge": 96}
    GroundingDinoProcessor(image_processor=GroundingDinoImageProcessor(size=size), tokenizer=tokenizer).save_pretrained(folder)
    return folder


PACKAGE_OVERRIDES = {
    "enc_layers": 1,
    "dec_layers": 2,
    "dim_feedforward": 32,
    "num_queries": 30,
    "num_feature_levels": 3,
}
"""What makes the package's GroundingDINO small; its backbone has no size below Swin-T, and its text has 256 channels always."""


def groundingdino_package(folder: Path, seed: int = 0) -> tuple[Path, dict]:
    """Write a checkpoint of the groundingdino-py package with a small BERT beside it; return the file and its settings."""
    from intergeneval.detectors import groundingdino_py

    torch.manual_seed(seed)
    encoder = folder / "bert"
    vocabulary = {name: index for index, name in enumerate(_bert_words())}
    BertTokenizer(vocab=vocabulary, do_lower_case=True).save_pretrained(encoder)
    small = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64
    )
    BertModel(small).eval().save_pretrained(encoder)
    settings = {"text_encoder": str(encoder), "overrides": PACKAGE_OVERRIDES, "side": 64}
    place = folder / "groundingdino_swint_ogc.pth"
    place.touch()
    made = groundingdino_py.create(str(place), settings)
    model = groundingdino_py.build(made.arguments)
    # Saved as training saves it, wrapped for several devices.
    torch.save({"model": {f"module.{name}": value for name, value in model.state_dict().items()}}, place)
    return place, settings


def sam3(folder: Path, seed: int = 0) -> Path:
    """Write a SAM 3 detector with a word tokenizer of its own and return the folder."""
    torch.manual_seed(seed)
    side, cells, width = 112, 8, 32
    small = {"hidden_size": width, "num_attention_heads": 2, "intermediate_size": 64}
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    tokenizer = CLIPTokenizer(vocab={word: index for index, word in enumerate(words)}, merges=[])
    config = Sam3Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam3_vit_model",
                **small,
                "num_hidden_layers": 2,
                "image_size": side,
                "pretrain_image_size": 56,
                "window_size": 4,
                "global_attn_indexes": [1],
            },
            "backbone_feature_sizes": [[4 * cells, 4 * cells], [2 * cells, 2 * cells], [cells, cells]],
            "fpn_hidden_size": width,
        },
        text_config={
            **small,
            "model_type": "clip_text_model",
            "vocab_size": len(words),
            "num_hidden_layers": 1,
            "projection_dim": width,
            "max_position_embeddings": 32,
            "bos_token_id": 0,
            "eos_token_id": 1,
        },
        geometry_encoder_config={**small, "num_layers": 1},
        detr_encoder_config={**small, "num_layers": 1},
        detr_decoder_config={**small, "num_layers": 1, "num_queries": 20},
        mask_decoder_config={"hidden_size": width, "num_attention_heads": 2},
    )
    Sam3Model(config).eval().save_pretrained(folder)
    Sam3Processor(image_processor=Sam3ImageProcessor(size={"height": side, "width": side}), tokenizer=tokenizer).save_pretrained(
        folder
    )
    return folder


def _bert_words() -> list[str]:
    """Words at the places where BERT has them: the model knows its delimiters by number."""
    words = [f"[unused{index}]" for index in range(1030)]
    words[0], words[100:104] = "[PAD]", ["[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words[1012], words[1029] = ".", "?"
    return [*words, "man", "kettle", "mug", "ball", "coffee", "##s"]


def cogvideox(folder: Path, seed: int = 0, *, image: bool = True) -> Path:
    """Write a CogVideoX pipeline, image-to-video or text-to-video, and return the folder."""
    torch.manual_seed(seed)
    words = t5_pieces()
    vae = AutoencoderKLCogVideoX(
        block_out_channels=(4, 4, 4, 4),
        latent_channels=4,
        layers_per_block=1,
        norm_num_groups=2,
        sample_height=64,
        sample_width=64,
    )
    transformer = CogVideoXTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=8 if image else 4,
        out_channels=4,
        time_embed_dim=16,
        text_embed_dim=12,
        num_layers=2,
        sample_width=8,
        sample_height=8,
        sample_frames=9,
        max_text_seq_length=226,
        use_rotary_positional_embeddings=True,
    )
    encoder = T5EncoderModel(T5Config(vocab_size=len(words), d_model=12, d_kv=4, d_ff=16, num_layers=1, num_heads=2))
    for part in (vae, transformer, encoder):
        spread(part)
    (CogVideoXImageToVideoPipeline if image else CogVideoXPipeline)(
        tokenizer=T5Tokenizer(vocab=words, extra_ids=0),
        text_encoder=encoder,
        vae=vae,
        transformer=transformer,
        scheduler=CogVideoXDDIMScheduler(prediction_type="v_prediction", timestep_spacing="trailing"),
    ).save_pretrained(folder)
    return folder


def t5_pieces() -> list[tuple[str, float]]:
    """Word pieces learned from a few sentences."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=80, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return [(piece, score) for piece, score in json.loads(tokenizer.to_str())["model"]["vocab"]]


CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% for part in message.content %}{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part.text }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""A chat template of the usual kind."""


def qwen3_vl(folder: Path, seed: int = 0, words: tuple[str, ...] = ()) -> Path:
    """Write a Qwen3-VL with a byte-level tokenizer of its own, which also learns from `words`, and return the folder."""
    torch.manual_seed(seed)
    tokenizer = _chat_tokenizer(words)
    ids = dict(
        zip(
            ("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id"),
            tokenizer.convert_tokens_to_ids(["<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"]),
            strict=True,
        )
    )
    config = Qwen3VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "max_position_embeddings": 8192,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10000.0,
                "mrope_section": [4, 2, 2],
                "mrope_interleaved": True,
            },
        },
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "out_hidden_size": 64,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0],
        },
        **ids,
    )
    model = Qwen3VLForConditionalGeneration(config).eval()
    model.generation_config.eos_token_id = tokenizer.convert_tokens_to_ids("<|im_end|>")
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    small = {"shortest_edge": 32 * 32, "longest_edge": 64 * 64}
    Qwen3VLProcessor(
        image_processor=Qwen2VLImageProcessor(size=small, patch_size=16, merge_size=2, temporal_patch_size=2),
        tokenizer=tokenizer,
        video_processor=Qwen3VLVideoProcessor(),
        chat_template=CHAT,
    ).save_pretrained(folder)
    return folder


def _chat_tokenizer(more: tuple[str, ...] = ()) -> Qwen2Tokenizer:
    """Byte pairs learned from a few sentences, so that every text can be read."""
    special = [
        "<|endoftext|>",
        "<|im_start|>",
        "<|im_end|>",
        "<|vision_start|>",
        "<|vision_end|>",
        "<|image_pad|>",
        "<|video_pad|>",
    ]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=320 + 200 * len(more),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
        special_tokens=special,
    )
    tokenizer.train_from_iterator((*SENTENCES, *more * 50), trainer)
    learned = json.loads(tokenizer.to_str())["model"]
    made = Qwen2Tokenizer(vocab=learned["vocab"], merges=[tuple(pair) for pair in learned["merges"]])
    made.add_special_tokens({"additional_special_tokens": special[1:], "pad_token": special[0]})
    return made


def edgetam(folder: Path, seed: int = 0) -> Path:
    """Write an EdgeTAM video model with its processor and return the folder."""
    torch.manual_seed(seed)
    model = EdgeTamVideoModel(EdgeTamVideoConfig()).eval()
    model.save_pretrained(folder)
    Sam2VideoProcessor(image_processor=Sam2ImageProcessor(), video_processor=Sam2VideoVideoProcessor()).save_pretrained(folder)
    return folder


def sam3_tracker(folder: Path, seed: int = 0) -> Path:
    """Write SAM 3's tracker with its processor and return the folder."""
    torch.manual_seed(seed)
    side, cells = 112, 8
    config = Sam3TrackerVideoConfig(
        image_size=side,
        vision_config={
            "backbone_config": {
                "model_type": "sam3_vit_model",
                "hidden_size": 32,
                "intermediate_size": 64,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "image_size": side,
                "pretrain_image_size": 56,
                "window_size": 4,
                "global_attn_indexes": [1],
            },
            "backbone_feature_sizes": [[4 * cells, 4 * cells], [2 * cells, 2 * cells], [cells, cells]],
        },
        prompt_encoder_config={"image_size": side},
        memory_attention_num_layers=1,
        memory_attention_rope_feat_sizes=[cells, cells],
    )
    Sam3TrackerVideoModel(config).eval().save_pretrained(folder)
    size = {"height": side, "width": side}
    small = {"height": 4 * cells, "width": 4 * cells}
    Sam3TrackerVideoProcessor(
        image_processor=Sam3ImageProcessor(size=size, mask_size=small), video_processor=Sam2VideoVideoProcessor(size=size)
    ).save_pretrained(folder)
    return folder
