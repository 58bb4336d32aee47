"""What the cache gives a transformer is what its own pipeline would give it, and roles lead to the right text tokens."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_pipeline
import torch
from diffusers.pipelines.cogvideo.pipeline_cogvideox_image2video import get_resize_crop_region_for_grid
from PIL import Image
from transformers import LlamaTokenizerFast

from intergeneval.errors import ConfigError
from intergeneval.sources import diffusers as diffusers_source
from matrix_train.backbones.cogvideox.encoder import CogVideoXEncoder
from matrix_train.backbones.cogvideox.transformer import crop
from matrix_train.backbones.files import load_tokenizer
from matrix_train.backbones.hunyuan.encoder import stream_offsets
from matrix_train.backbones.load_encoders import load_encoder, load_image_encoder, load_offsets
from matrix_train.backbones.loading import architecture, load_backbone, load_pipeline, sampled_frames
from matrix_train.data.batches import Batches
from matrix_train.data.cache import folder_of, precompute
from matrix_train.data.clips import read_own
from matrix_train.roles import find_phrase, token_indices

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
CPU = torch.device("cpu")
NAMES = ("cogvideox", "wan", "hunyuan", "hunyuan-concat")
CAPTION = tiny_pipeline.CAPTIONS[0]


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    root = tmp_path_factory.mktemp("encoders")
    for name in NAMES:
        tiny_pipeline.pipeline(root / name, name)
    return root


def first_call(pipeline, frame):
    """What a pipeline hands its transformer in the first step."""
    seen = {}

    def keep(_module, _args, kwargs):
        if not seen:
            seen.update({name: value for name, value in kwargs.items() if isinstance(value, torch.Tensor)})

    pipeline.set_progress_bar_config(disable=True)
    hook = pipeline.transformer.register_forward_pre_hook(keep, with_kwargs=True)
    frames = sampled_frames(pipeline, tiny_pipeline.FRAMES)
    length = pipeline.transformer.config.get("max_text_seq_length")
    pipeline(
        image=Image.fromarray(frame), prompt=CAPTION, height=64, width=64, num_frames=frames, num_inference_steps=1,
        guidance_scale=1.0, generator=torch.Generator().manual_seed(0), output_type="latent",
        **({} if length is None else {"max_sequence_length": length}),
    )  # fmt: skip
    hook.remove()
    return seen, frames


@pytest.mark.parametrize("name", NAMES)
def test_text_and_first_frame_are_what_the_pipeline_gives_its_transformer(places, name):
    frame = tiny_pipeline.scene(0)[0][0]
    seen, frames = first_call(load_pipeline(places / name, torch.float32), frame)
    encoder = load_encoder(places / name, torch.float32, CPU)
    text, image = encoder.text(CAPTION, frame), encoder.first_frame(frame, frames)
    assert torch.allclose(text.tensors["text"], seen["encoder_hidden_states"][0], atol=1e-5)
    assert len(text.offsets) == text.tensors["text"].shape[0] == encoder.describe()["text_tokens"]
    if name == "hunyuan":
        assert torch.allclose(image["image"][:, 0], seen["hidden_states"][0, :, 0], atol=1e-4)
    elif name == "cogvideox":
        # The pipeline draws this latent from its distribution, so only where it lies and what follows it can be compared.
        given = seen["hidden_states"][0, :, tiny_pipeline.tiny.CHANNELS :]
        assert image["image"].transpose(0, 1).shape == given.shape
        assert given[1:].abs().max() == image["image"][:, 1:].abs().max() == 0
    else:
        assert torch.allclose(image["image"], seen["hidden_states"][0, tiny_pipeline.tiny.CHANNELS :], atol=1e-4)
    if name.startswith("hunyuan"):
        assert torch.equal(text.tensors["text_mask"].float(), seen["encoder_attention_mask"][0])
        assert torch.allclose(text.tensors["pooled"], seen["pooled_projections"][0], atol=1e-5)
    if name == "wan":
        assert torch.allclose(image["image_embeds"], seen["encoder_hidden_states_image"][0], atol=1e-5)


@pytest.mark.parametrize("name", ["hunyuan", "hunyuan-concat"])
def test_a_word_stands_in_hunyuans_text_stream_where_its_characters_lead(places, name):
    encoder, frame = load_encoder(places / name, torch.float32, CPU), tiny_pipeline.scene(0)[0][0]
    other = CAPTION.replace("ball", "bell")
    one, two = encoder.text(CAPTION, frame), encoder.text(other, frame)
    changed = (one.tensors["text"] != two.tensors["text"]).any(dim=1).nonzero()[:, 0]
    tokens = token_indices(one.offsets, CAPTION, find_phrase(CAPTION, "ball"))
    # A causal language model: nothing in front of a changed word moves, the images in front of the caption included.
    assert changed[0] == tokens[0]
    assert "".join(CAPTION[first:last] for first, last in (one.offsets[index] for index in tokens)).strip() == "ball"
    assert load_offsets(places / name)(CAPTION) == one.offsets
    turned = encoder.text(CAPTION, frame[::-1])
    assert (turned.tensors["text"] != one.tensors["text"]).any(dim=1)[0]
    assert not any(last > first for first, last in one.offsets[: len(one.offsets) - 252])


def test_a_run_of_the_base_gives_hunyuan_the_prompt_that_was_typed(places):
    """The class that the pipeline names cuts it into other tokens, without the spaces; a run must not."""
    index = json.loads((places / "hunyuan" / "model_index.json").read_text())
    assert index["tokenizer"] == ["transformers", "LlamaTokenizerFast"]
    loaded = diffusers_source.create(str(places / "hunyuan"), {"device": "cpu"})._pipeline.get().tokenizer
    by_name = LlamaTokenizerFast.from_pretrained(places / "hunyuan" / "tokenizer")
    right = load_tokenizer(places / "hunyuan")(CAPTION)["input_ids"]
    assert loaded(CAPTION)["input_ids"] == right
    assert by_name(CAPTION)["input_ids"] != right
    assert loaded.decode(right, skip_special_tokens=True) == CAPTION


def test_a_caption_that_fills_hunyuans_text_keeps_its_length_and_its_places(places):
    encoder, frame = load_encoder(places / "hunyuan", torch.float32, CPU), tiny_pipeline.scene(0)[0][0]
    long = " ".join([CAPTION] * 12)
    code = encoder.text(long, frame)
    other = encoder.text(long.replace("red", "ted", 1), frame)
    assert len(code.offsets) == code.tensors["text"].shape[0]
    changed = (code.tensors["text"] != other.tensors["text"]).any(dim=1).nonzero()[:, 0]
    assert changed[0] == token_indices(code.offsets, long, ((2, 5),))[0]


def test_a_tokenizer_that_cuts_the_template_differently_is_refused(places):
    folder = places / "hunyuan"
    with pytest.raises(ConfigError, match=r"puts \d+ tokens in front of the caption where the pipeline counts on 103"):
        stream_offsets(folder, LlamaTokenizerFast.from_pretrained(folder / "tokenizer"), CAPTION, 144)


def test_a_pipeline_with_two_transformers_is_refused_in_one_sentence(places, tmp_path):
    folder = shutil.copytree(places / "wan", tmp_path / "wan22")
    tiny_pipeline.rewrite(folder / "model_index.json", transformer_2=["diffusers", "WanTransformer3DModel"], boundary_ratio=0.9)
    with pytest.raises(ConfigError, match=r"it has two transformers \(as Wan 2\.2 A14B does\)"):
        architecture(folder)
    shutil.copytree(folder / "transformer", folder / "transformer_2")
    from diffusers import WanImageToVideoPipeline

    from matrix_train.backbones.loading import architecture_of

    with pytest.raises(ConfigError, match="an adapter would change only the first"):
        architecture_of(WanImageToVideoPipeline.from_pretrained(folder))


def test_a_pipeline_with_a_time_for_every_token_is_refused(places, tmp_path):
    folder = shutil.copytree(places / "wan", tmp_path / "ti2v")
    tiny_pipeline.rewrite(folder / "model_index.json", expand_timesteps=True)
    with pytest.raises(ConfigError, match=r"as Wan 2\.2 TI2V 5B does"):
        architecture(folder)


def batches_of(places, data, name, **condition):
    settings = tiny_pipeline.config(places / name, data)
    settings = replace(
        settings,
        condition=replace(settings.condition, **condition),
        data=replace(settings.data, cache=str(places / f"cache-{name}")),
        train=replace(settings.train, batch=2),
    )
    backbone, clips = load_backbone(places / name, torch.float32), read_own(Path(settings.data.path))
    precompute(settings, clips, load_encoder(places / name, torch.float32, CPU), backbone)
    return Batches(settings, backbone, clips, folder_of(settings))


@pytest.fixture(scope="module")
def data(places):
    return tiny_pipeline.dataset(places / "data", clips=2)


def test_cogvideox_gets_a_first_frame_with_fresh_noise_in_each_step_and_the_same_one_again(places, data):
    noisy, plain = batches_of(places, data, "cogvideox"), batches_of(places, data, "cogvideox", image_noise="none")
    image = noisy.draw(3).condition["image"]
    assert torch.equal(image, batches_of(places, data, "cogvideox").draw(3).condition["image"])
    assert not torch.equal(image, noisy.draw(4).condition["image"])
    assert not torch.equal(image, plain.draw(3).condition["image"])
    assert image[:, :, 1:].abs().max() == 0
    # Everything else is drawn as without it.
    assert torch.equal(noisy.draw(3).noise, plain.draw(3).noise)
    assert torch.equal(noisy.draw(3).clean, plain.draw(3).clean)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_first_frames_are_encoded_by_the_vae_alone_as_by_the_whole_pipeline(places, dtype):
    frame, noise = tiny_pipeline.scene(0)[0][0], 0.1 * torch.ones(3, 64, 64)
    found = [load(places / "cogvideox", dtype, CPU).first_frame(frame, 9, noise) for load in (load_encoder, load_image_encoder)]
    assert found[0]["image"].abs().max() > 0
    assert torch.equal(found[0]["image"], found[1]["image"])


@pytest.mark.parametrize("trained", [(30, 45), (6, 9), (16, 16), (45, 30), (48, 85)])
def test_positions_of_any_size_lie_where_cogvideox_s_pipeline_puts_them(trained):
    for size in ((rows, columns) for rows in range(1, 97) for columns in range(1, 97)):
        assert crop(size, trained) == get_resize_crop_region_for_grid(size, trained[1], trained[0])


def test_a_dropped_first_frame_gets_no_noise(places, data):
    image = batches_of(places, data, "cogvideox", image_dropout=1.0).draw(0).condition["image"]
    assert image.abs().max() == 0


def test_the_noise_on_first_frames_has_the_recipes_strength(places, data):
    class Recorder(CogVideoXEncoder):
        def first_frame(self, frame, frames, noise=None):
            strengths.append(noise.std().item())
            return super().first_frame(frame, frames, noise)

    strengths = []
    batches = batches_of(places, data, "cogvideox")
    pipeline = load_pipeline(places / "cogvideox", torch.float32, transformer=None, text_encoder=None)
    batches._images._encoder = Recorder(places / "cogvideox", pipeline, CPU)
    for step in range(60):
        batches.draw(step)
    logs = np.log(strengths)
    assert abs(logs.mean() + 3.0) < 4 * 0.5 / math.sqrt(len(logs))
    assert 0.35 < logs.std() < 0.65


@pytest.mark.parametrize("name", ["wan", "hunyuan"])
def test_backbones_whose_recipe_has_no_noise_take_the_cached_first_frame(places, data, name):
    batches = batches_of(places, data, name)
    assert torch.equal(batches.draw(0).condition["image"][0], batches.cached(batches.plan.at(0)[0]).tensors["condition/image"])


def test_a_first_frame_that_is_part_of_the_video_is_never_dropped(places, data):
    batches = batches_of(places, data, "hunyuan", image_dropout=1.0)
    assert batches.draw(0).condition["image"].abs().max() > 0
    beside = batches_of(places, data, "hunyuan-concat", image_dropout=1.0)
    assert beside.draw(0).condition["image"].abs().max() == 0
