"""Frames, sizes and rates of every backbone: what the table says, held against real pipelines with tiny random weights."""

import json

import numpy as np
import pytest
import tiny_pipeline
import torch
from click.testing import CliRunner
from diffusers import (
    AutoencoderKLLTXVideo,
    AutoencoderKLMochi,
    AutoencoderKLWan,
    CogVideoXTransformer3DModel,
    WanTransformer3DModel,
)
from PIL import Image

from intergeneval.errors import ConfigError
from intergeneval.plugins.video_models import DROPPED, read_rules
from matrix_train.backbones.files import load_tokenizer
from matrix_train.cli import main
from matrix_train.sample.config import SampleConfig, find_model
from matrix_train.sample.source import MatrixSource

ASKED = (5, 9, 13, 17, 21, 25, 45, 49, 81, 6, 8, 14, 80)
"""Numbers of frames: some from 5 to 81 as the trainer takes them, and some that no autoencoder keeps."""


def cogvideox_15(folder):
    """CogVideoX 1.5: two latent frames a token, and an embedding of the offset."""
    tiny_pipeline.cogvideox(folder)
    torch.manual_seed(0)
    config = json.loads((folder / "transformer" / "config.json").read_text())
    names = ("num_attention_heads", "attention_head_dim", "in_channels", "out_channels", "time_embed_dim", "text_embed_dim")
    kept = {name: config[name] for name in (*names, "num_layers", "max_text_seq_length", "sample_height", "sample_width")}
    CogVideoXTransformer3DModel(
        **kept, sample_frames=17, patch_size_t=2, ofs_embed_dim=16, patch_bias=False, use_rotary_positional_embeddings=True
    ).save_pretrained(folder / "transformer")
    return folder


def wan_5b(folder):
    """Wan 2.2 TI2V 5B: a time of its own for every token, the first frame among them, and cells of 16 pixels."""
    tiny_pipeline.wan(folder)
    config = json.loads((folder / "transformer" / "config.json").read_text())
    channels, names = config["out_channels"], ("num_attention_heads", "attention_head_dim", "out_channels", "text_dim")
    kept = {name: config[name] for name in (*names, "freq_dim", "ffn_dim", "num_layers", "rope_max_seq_len")}
    WanTransformer3DModel(**kept, in_channels=channels).save_pretrained(folder / "transformer")
    AutoencoderKLWan(
        base_dim=4, decoder_base_dim=4, z_dim=channels, dim_mult=[1, 1, 1, 1], num_res_blocks=1, latents_mean=[0.0] * channels,
        latents_std=[1.0] * channels, is_residual=True, in_channels=12, out_channels=12, patch_size=2, scale_factor_spatial=16,
    ).save_pretrained(folder / "vae")  # fmt: skip
    index = json.loads((folder / "model_index.json").read_text())
    none = {name: [None, None] for name in ("image_encoder", "image_processor")}
    (folder / "model_index.json").write_text(json.dumps({**index, **none, "expand_timesteps": True}))
    return folder


PIPELINES = {
    "cogvideox": tiny_pipeline.cogvideox,
    "cogvideox-1.5": cogvideox_15,
    "wan": tiny_pipeline.wan,
    "wan-5b": wan_5b,
    "hunyuan": tiny_pipeline.hunyuan,
    "hunyuan-concat": lambda folder: tiny_pipeline.hunyuan(folder, variant="latent_concat"),
}


@pytest.fixture(scope="module", params=PIPELINES)
def made(request, tmp_path_factory):
    from diffusers import DiffusionPipeline

    folder = PIPELINES[request.param](tmp_path_factory.mktemp("tiny") / request.param)
    more = {"tokenizer": load_tokenizer(folder)} if request.param.startswith("hunyuan") else {}
    pipeline = DiffusionPipeline.from_pretrained(folder, **more)
    pipeline.set_progress_bar_config(disable=True)
    return request.param, folder, pipeline


def given(pipeline, frames, height=32, width=32):
    image = Image.fromarray(np.full((height, width, 3), 90, np.uint8))
    text = {"max_sequence_length": 40} if "CogVideoX" in type(pipeline).__name__ else {}
    with torch.no_grad():
        video = pipeline(
            image=image, prompt="a red box", height=height, width=width, num_frames=frames, num_inference_steps=1,
            generator=torch.Generator().manual_seed(0), output_type="np", guidance_scale=1.0, **text,
        )  # fmt: skip
    return np.asarray(video.frames[0])


def test_the_table_says_how_many_frames_come_back_of_those_asked_for_and_a_number_that_is_not_kept_is_refused(made):
    name, folder, pipeline = made
    rules, kept = read_rules(folder), []
    for frames in ASKED:
        came = len(given(pipeline, frames + rules.dropped))
        assert came == rules.back(frames), (name, frames)
        if came == frames:
            rules.check_frames(frames, "frames")
            kept.append(frames)
        else:
            with pytest.raises(ConfigError, match=rf"frames is {frames}, and .* would give {came} frames"):
                rules.check_frames(frames, "frames")
    # Pairs of latent frames without one before them: CogVideoX gives a multiple of eight back as well.
    also = (0,) if name.startswith("cogvideox") else ()
    assert kept == [frames for frames in ASKED if frames % rules.model.kept in (1, *also)]
    assert rules.dropped == (DROPPED if name == "hunyuan-concat" else 0)


def test_a_size_off_the_table_s_step_is_none_that_the_pipeline_makes(made):
    _, folder, pipeline = made
    rules = read_rules(folder)
    step = rules.model.step
    good, bad = (3 * step, 4 * step), (3 * step - step // 2, 4 * step)
    assert given(pipeline, 9 + rules.dropped, *good).shape[1:3] == good
    rules.check_size(good, "height and width are")
    with pytest.raises(
        ConfigError, match=rf"{bad[0]} and {bad[1]}, and .* makes multiples of {step} pixels; set \d+ and {bad[1]}"
    ):
        rules.check_size(bad, "height and width are")
    try:
        came = given(pipeline, 9 + rules.dropped, *bad).shape[1:3]
    except (ValueError, RuntimeError):
        return
    assert came != bad


@pytest.mark.parametrize(
    ("vae", "latent", "rule"),
    [
        (
            lambda: AutoencoderKLLTXVideo(
                latent_channels=8, block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8),
                layers_per_block=(1, 1, 1, 1, 1), decoder_layers_per_block=(1, 1, 1, 1, 1), patch_size=4,
            ),
            8,
            "LTXImageToVideoPipeline",
        ),
        (
            lambda: AutoencoderKLMochi(
                latent_channels=4, out_channels=3, encoder_block_out_channels=(32, 32, 32, 32),
                decoder_block_out_channels=(32, 32, 32, 32), layers_per_block=(1, 1, 1, 1, 1),
            ),
            4,
            "MochiPipeline",
        ),
    ],
    ids=["ltx", "mochi"],
)  # fmt: skip
def test_the_frames_of_a_row_without_a_pipeline_here_are_those_that_its_autoencoder_decodes(vae, latent, rule, tmp_path):
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": rule}))
    rules, decoder = read_rules(tmp_path), vae().eval()
    step = rules.model.kept
    for latents in (1, 2, 3, 4):
        asked = (latents - 1) * step + 1
        with torch.no_grad():
            assert decoder.decode(torch.zeros(1, latent, latents, 2, 2)).sample.shape[2] == rules.back(asked) == asked
        assert rules.back(asked + step - 1) == asked


def test_an_adapter_or_a_pipeline_is_refused_before_it_is_loaded_where_it_would_give_other_frames(tmp_path):
    folder = tiny_pipeline.cogvideox(tmp_path / "tiny")
    with pytest.raises(ConfigError, match=r"frames is 13, and CogVideoX would give 16 frames; .* set 9 or 17"):
        find_model(str(folder), SampleConfig(frames=13))
    with pytest.raises(ConfigError, match="CogVideoX makes multiples of 16 pixels; set 64 and 64"):
        find_model(str(folder), SampleConfig(height=64, width=72))


def test_the_rate_is_the_model_s_or_what_its_folder_tells_or_the_setting_and_decides_the_key_only_where_it_changed(tmp_path):
    wan = tiny_pipeline.wan(tmp_path / "wan")
    shape = {"frames": 5, "height": 64, "width": 64}
    assert MatrixSource(str(wan), shape).describe()["fps"] == 16.0
    assert MatrixSource(str(wan), {**shape, "fps": 12}).describe()["fps"] == 12
    assert MatrixSource(str(tiny_pipeline.cogvideox(tmp_path / "cog")), {}).describe()["fps"] == 8.0
    (wan / "video.json").write_text('{"fps": 10}')
    assert MatrixSource(str(wan), shape).describe()["fps"] == 10.0
    (wan / "video.json").write_text('{"fps": "fast"}')
    with pytest.raises(ConfigError, match=r"video.json: fps is 'fast'"):
        MatrixSource(str(wan), shape)


def test_training_is_told_of_a_number_of_frames_that_no_video_of_the_adapter_can_have(tmp_path):
    folder, data = tiny_pipeline.cogvideox(tmp_path / "tiny"), tiny_pipeline.dataset(tmp_path / "data", clips=1, frames=13)
    said = "note: data.frames is 13, and CogVideoX would give 16 frames"
    done = CliRunner().invoke(main, ["check", str(data), "--frames", "13", "--model", str(folder)])
    assert (done.exit_code, said in done.output) == (0, True)
    done = CliRunner().invoke(main, ["check", str(data), "--frames", "9", "--model", str(folder)])
    assert (done.exit_code, said in done.output) == (0, False)
