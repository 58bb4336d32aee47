"""Measure the learned backends with random weights: SAM 2 for 1 to 4 instances, and a local vision-language judge.

`python tests/gpu/measure_models.py --size large OUT.json` on a GPU: SAM 2 hiera-large at 1024 pixels, and a 7B-class Qwen3-VL
at 11 frames. `--size tiny` does the same with the tests' tiny checkpoints in seconds on a CPU, so that the script can be checked.
"""

import argparse
import json
import platform
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import transformers

sys.path.insert(0, str(Path(__file__).parents[2]))

from intergeneval.judges import JudgeRequest
from intergeneval.judges import hf as judge
from intergeneval.records import Instance, Sample, Tracks, Video, VideoStatus
from intergeneval.trackers import hf as tracker
from tests.models import checkpoints

LARGE_TRACKER = {
    "hidden_size": 144,
    "blocks_per_stage": [2, 6, 36, 4],
    "embed_dim_per_stage": [144, 288, 576, 1152],
    "num_attention_heads_per_stage": [2, 4, 8, 16],
    "window_size_per_stage": [8, 4, 16, 8],
    "global_attention_blocks": [23, 33, 43],
    "window_positional_embedding_background_size": [7, 7],
    "num_attention_heads": 2,
}


def large_tracker(folder):
    backbone = {"model_type": "sam2_hiera_det_model", **LARGE_TRACKER}
    vision = {"backbone_config": backbone, "backbone_channel_list": [1152, 576, 288, 144]}
    transformers.Sam2VideoModel(transformers.Sam2VideoConfig(vision_config=vision)).save_pretrained(folder)
    transformers.Sam2VideoProcessor(
        image_processor=transformers.Sam2ImageProcessor(), video_processor=transformers.Sam2VideoVideoProcessor()
    ).save_pretrained(folder)
    return folder


def peak(device):
    return torch.cuda.max_memory_allocated() / 2**30 if device == "cuda" else None


def measure_tracker(folder, size, count):
    """Frames a second and memory of one shared pass, and its time against single passes, per number of instances."""
    found = []
    follower = tracker.create(str(folder), {})
    frames = list(np.random.default_rng(0).integers(0, 255, (count, *size, 3), dtype=np.uint8))
    masks = {}
    for index in range(4):
        mask = np.zeros(size, dtype=np.bool_)
        mask[size[0] // 8 * (index + 1) : size[0] // 8 * (index + 3), size[1] // 6 * index : size[1] // 6 * (index + 2)] = True
        masks[f"id{index + 1}"] = mask
    list(follower.follow(frames[:2], masks))
    for instances in range(1, 5):
        given = dict(list(masks.items())[:instances])
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        began = time.perf_counter()
        list(follower.follow(frames, given))
        shared = time.perf_counter() - began
        memory = peak("cuda" if torch.cuda.is_available() else "cpu")
        began = time.perf_counter()
        for name, mask in given.items():
            list(follower.follow(frames, {name: mask}))
        single = time.perf_counter() - began
        found.append(
            {"instances": instances, "frames_per_s": count / shared, "single_over_shared": single / shared, "gib": memory}
        )
        print(found[-1])
    return {"tracker": follower.id, "size": size, "frames": count, "passes": found}


def measure_judge(folder, mode, frames, size):
    """Seconds a video of ten questions, memory included."""
    made = judge.create(str(folder), {"mode": mode, "max_tokens": 512})
    pictures = dict(enumerate(np.random.default_rng(0).integers(0, 255, (frames, *size, 3), dtype=np.uint8)))
    instances = (Instance(id="id1", class_="thing", appearance="thing", colour="red"),)
    sample = Sample(id="s", prompt="A thing.", instances=instances, interactions=())
    video = Video(sample_id="s", seed=0, status=VideoStatus.OK, sha256="s", frames=frames, sampled=tuple(range(frames)))
    tracks = Tracks(sample_id="s", seed=0, tracker="stored", size=size, tracks=())
    request = JudgeRequest(sample=sample, video=video, tracks=tracks, questions=[], jpegs={})
    words = "\n".join(f"[0.{number}] Does the first thing touch the second?" for number in range(1, 11))

    def once():
        if mode == "generate":
            made.vlm.generate(made.content(request, list(pictures), words), list(pictures.values()), made.max_tokens)
            return
        scorer = made.vlm.scorer(lambda text: made.content(request, list(pictures), text), list(pictures.values()), made.batch)
        begun = [(line, '{"answer": "') for line in words.splitlines()]
        scorer.log_chances(begun, [['yes",', 'no",', 'no (visually implausible)",']] * len(begun))
        scorer.log_chances(begun, [[f" {frame}}}" for frame in pictures]] * len(begun))

    once()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    once()
    seconds = time.perf_counter() - began
    result = {"judge": made.revision, "mode": mode, "frames": frames, "size": size, "s_per_video": seconds}
    result["gib"] = peak("cuda" if torch.cuda.is_available() else "cpu")
    print(result)
    return result


def large_judge(folder):
    """A 7B-class model: the tests' tokenizer, the published layer sizes."""
    checkpoints.qwen3_vl(folder)
    config = transformers.AutoConfig.from_pretrained(folder)
    text, vision = config.text_config, config.vision_config
    text.hidden_size, text.intermediate_size, text.num_hidden_layers = 4096, 12288, 36
    text.num_attention_heads, text.num_key_value_heads, text.head_dim = 32, 8, 128
    text.vocab_size, text.max_position_embeddings = 151936, 32768
    text.rope_parameters = {"rope_type": "default", "rope_theta": 5e6, "mrope_section": [24, 20, 20], "mrope_interleaved": True}
    vision.depth, vision.hidden_size, vision.intermediate_size, vision.num_heads = 27, 1152, 4304, 16
    vision.out_hidden_size, vision.num_position_embeddings, vision.deepstack_visual_indexes = 4096, 2304, [8, 16, 24]
    with torch.device("cuda"):
        model = transformers.Qwen3VLForConditionalGeneration(config).to(torch.bfloat16)
    model.generation_config.eos_token_id = None  # every reply then takes all its tokens, so that times can be compared
    model.save_pretrained(folder)
    processor = transformers.AutoProcessor.from_pretrained(folder)
    processor.image_processor.size = {"shortest_edge": 256 * 256, "longest_edge": 1280 * 1280}
    processor.save_pretrained(folder)
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=["tiny", "large"], default="tiny")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    torch.manual_seed(0)
    large = options.size == "large"
    picture = (480, 720) if large else (96, 144)
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        weights = large_tracker(folder / "sam2") if large else checkpoints.sam2(folder / "sam2")
        found = {"machine": torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or "cpu"}
        found |= {"torch": torch.__version__, "transformers": transformers.__version__, "weights": "random"}
        found["tracker"] = measure_tracker(weights, picture, 49 if large else 5)
        vlm = large_judge(folder / "vlm") if large else checkpoints.qwen3_vl(folder / "vlm")
        found["judge"] = [measure_judge(vlm, mode, 11 if large else 3, picture) for mode in ("choice", "generate")]
    options.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
