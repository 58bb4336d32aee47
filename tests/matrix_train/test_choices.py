"""Each choice of how attention is read and compared does what it says, and leaves the rest as it was."""

from dataclasses import replace

import pytest
import tiny
import torch

from matrix_train.backbones import MapKind
from matrix_train.config import ConditionConfig, DecoderConfig, LayersConfig, LoraConfig, LossConfig, ModelConfig, ReadoutConfig
from matrix_train.model import losses
from matrix_train.model.conditioning import IdMapInput, with_mask
from matrix_train.model.readout import Readout


def on_tokens(settings, **changes):
    """A batch whose targets lie on the token grid."""
    batch = tiny.batch("cogvideox", tiny.config(loss=LossConfig(kind="mass"), readout=ReadoutConfig(mode="probs")))
    return replace(batch, **changes)


@pytest.mark.parametrize("mode", ["logits", "probs"])
def test_log_mass_is_minus_the_log_of_the_share_inside_the_mask_by_hand(mode):
    torch.manual_seed(0)
    scores, mask = torch.randn(2, 2, 3, 3), torch.rand(2, 2, 3, 3) < 0.4
    shares = scores.flatten(1).softmax(dim=1).reshape(scores.shape)
    wanted = -torch.log((shares * mask).flatten(1).sum(dim=1))
    given = scores if mode == "logits" else 7 * shares
    assert torch.allclose(losses.log_mass(given, mask, logits=mode == "logits"), wanted, atol=1e-5)


def test_a_place_is_the_track_the_first_mask_in_all_frames_or_either():
    mask = torch.zeros(1, 3, 1, 3, dtype=torch.uint8)
    mask[0, 0, 0, 0] = mask[0, 1, 0, 1] = 1
    assert losses.at_place(mask, "is")[0, :, 0].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert losses.at_place(mask, "first")[0, :, 0].tolist() == [[1, 0, 0]] * 3
    assert losses.at_place(mask, "both")[0, :, 0].tolist() == [[1, 0, 0], [1, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize("mode", ["logits", "probs"])
def test_log_mass_trains_the_adapter_without_a_decoder_and_skips_a_mask_without_a_token(mode):
    settings = tiny.config(loss=LossConfig(kind="log_mass", sga=0.5, spa=0.5), readout=ReadoutConfig(mode=mode))
    model, batch = tiny.shaken(tiny.aligned("cogvideox", settings)), on_tokens(settings)
    batch.targets[0] = 0
    output = model(batch)
    assert set(model.groups()) == {"lora", "projection"}
    assert torch.isfinite(output["loss"])
    assert 0 < output["terms"]["sga/inside"] < 1
    (output["parts"]["sga"] + output["parts"]["spa"]).backward()
    grads = [item.grad for _, item in model.groups()["lora"] if item.grad is not None]
    assert max(float(item.abs().max()) for item in grads) > 0


@pytest.mark.parametrize(("kind", "part"), [("log_mass", "sga/inside"), ("decoder", "sga/iou")])
def test_of_shares_a_clips_mean_over_its_roles_is_told_by_timestep_and_not_their_sum(kind, part):
    def told(*roles):
        settings = tiny.config(loss=LossConfig(kind=kind, sga=0.5, spa=0.0, sga_roles=roles))
        model = tiny.shaken(tiny.aligned("cogvideox", settings))
        return model(on_tokens(settings) if kind == "log_mass" else tiny.batch("cogvideox", settings))["clips"][part]

    each = torch.stack([told(role) for role in ("sub", "obj", "verb")])
    assert (each.nan_to_num() > 0).sum() >= 3
    assert torch.allclose(told("sub", "obj", "verb"), each.nanmean(dim=0), equal_nan=True)


def test_one_step_against_the_gradient_brings_attention_onto_the_mask():
    settings = tiny.config(loss=LossConfig(kind="log_mass", sga=1.0, spa=1.0))
    model, batch = tiny.shaken(tiny.aligned("cogvideox", settings)), on_tokens(settings)
    before = model(batch)["parts"]
    (before["sga"] + before["spa"]).backward()
    with torch.no_grad():
        moving = [item for _, item in model.groups()["lora"] if item.grad is not None]
        for item in moving:
            item.sub_(0.02 * item.grad)
    after = model(batch)["parts"]
    assert after["sga"] < before["sga"]
    assert after["spa"] < before["spa"]


def test_outside_of_its_band_of_timesteps_a_clip_is_not_aligned():
    # The batch's clips lie at 300 and 700.
    whole, low, none = (tiny.config(loss=LossConfig(sga=0.3, spa=0.2, band=band)) for band in ((0, 1000), (0, 400), (710, 1000)))
    batch = tiny.batch("cogvideox", whole)
    found = [tiny.aligned("cogvideox", settings)(batch) for settings in (whole, low, none)]
    assert torch.isnan(found[0]["clips"]["sga"]).tolist() == [False, False]
    assert torch.isnan(found[1]["clips"]["sga"]).tolist() == [False, True]
    assert torch.equal(found[1]["clips"]["sga"][:1], found[0]["clips"]["sga"][:1])
    assert "sga" not in found[2]["terms"]
    assert torch.equal(found[2]["loss"], found[2]["terms"]["denoising"])


@pytest.mark.parametrize("name", ["cogvideox", "wan"])
def test_the_recipes_weights_of_timesteps_have_a_mean_of_1_and_weigh_clips(name):
    noising = tiny.backbone(name).noising
    times = torch.arange(1000, dtype=torch.float32)
    assert noising.weight(times).mean() == pytest.approx(1, abs=1e-3)
    plain, weighed = (tiny.config(loss=LossConfig(timesteps=kind)) for kind in ("uniform", "scheduler"))
    batch = tiny.batch(name, plain)
    one, other = (tiny.aligned(name, settings)(batch)["clips"]["sga"] for settings in (plain, weighed))
    assert torch.allclose(other, one * noising.weight(batch.time_B), rtol=1e-4)


def test_joined_heads_score_the_root_of_their_number_more():
    plain, joined = (tiny.config(readout=ReadoutConfig(scale=scale)) for scale in ("head", "joined"))
    batch = tiny.batch("cogvideox", plain)
    one, other = (tiny.aligned("cogvideox", settings)(batch)["maps"]["v2t/1"] for settings in (plain, joined))
    assert torch.allclose(other, one * 2**0.5, rtol=1e-4)


def test_averaged_layers_are_compared_once_as_their_mean():
    settings = tiny.config(
        layers=LayersConfig(v2t=(0, 1), v2v=(2,)), loss=LossConfig(kind="log_mass"), readout=ReadoutConfig(average_layers=True)
    )
    batch = on_tokens(settings)
    output = tiny.aligned("cogvideox", settings)(batch)
    assert {"sga/v2t/mean", "spa/v2v/mean"} <= set(output["terms"])
    assert "sga/v2t/0" not in output["terms"]
    mean = (output["maps"]["v2t/0"] + output["maps"]["v2t/1"]) / 2
    picked = [mean[entry.clip, entry.slot] for entry in batch.entries]
    wanted = losses.log_mass(torch.stack(picked), batch.targets, logits=True)
    assert torch.allclose(output["terms"]["sga"], wanted.mean() * 3, rtol=1e-4)


def test_a_shared_decoder_is_one_and_serves_both_losses():
    settings = tiny.config(decoder=DecoderConfig(widths=(4, 4, 4), scale=2, shared=True))
    model = tiny.aligned("cogvideox", settings)
    assert list(model.heads) == ["shared"]
    terms = model(tiny.batch("cogvideox", settings))["terms"]
    assert {"sga/iou", "spa/iou"} <= set(terms)


def test_with_grown_channels_alone_the_bases_projection_is_frozen():
    model = tiny.aligned("cogvideox", tiny.config(condition=ConditionConfig(projection="grown", image_dropout=0.0)))
    assert [name for name, _ in model.groups()["projection"]] == ["transformer.patch_embed.proj.grown"]


def test_on_a_backbone_with_two_attentions_the_adapter_goes_to_the_one_that_is_aligned():
    found = {}
    for kind in ("all", "aligned"):
        settings = tiny.config(lora=LoraConfig(rank=2, alpha=2, layers=(0, 1, 2), attentions=kind))
        found[kind] = {name.rpartition(".to_")[0] for name in tiny.aligned("wan", settings).adapted}
    # Layer 1 is aligned from text, layer 2 within the video, layer 0 for nothing.
    assert found["all"] == {f"blocks.{layer}.attn{number}" for layer in (0, 1, 2) for number in (1, 2)}
    assert found["aligned"] == {"blocks.0.attn1", "blocks.0.attn2", "blocks.1.attn2", "blocks.2.attn1"}


def test_the_releases_id_map_has_four_mask_channels_in_front_in_training_and_in_a_pipeline():
    settings = tiny.config(condition=ConditionConfig(id_map_mask=True, image_dropout=0.0))
    model = tiny.shaken(tiny.aligned("cogvideox", settings))
    assert model.projection.grown.shape[1] == tiny.CHANNELS + 4
    batch = tiny.batch("cogvideox", settings)
    latent = batch.condition["id_map"]
    masked = with_mask(latent)
    assert masked[:, :4, 0].eq(1).all()
    assert masked[:, :4, 1:].eq(0).all()
    plain = {key: value for key, value in batch.condition.items() if key != "id_map"}
    with torch.no_grad():
        wanted = model.backbone.predict(batch.clean, batch.time_B, {**plain, "id_map": masked})
        hook = IdMapInput(model.transformer, model.backbone.channel_axis, tiny.CHANNELS + 4)
        hook.latent = latent[:1]
        one = {key: value[:1] for key, value in plain.items()}
        found = model.backbone.predict(batch.clean[:1], batch.time_B[:1], one)
    assert torch.allclose(found, wanted[:1], atol=1e-5)


@pytest.mark.parametrize("checkpointed", [False, True])
def test_scores_taken_from_the_pass_itself_are_those_projected_again_with_their_gradients(checkpointed):
    found = []
    for again in (False, True):
        settings = tiny.config(
            model=ModelConfig(dtype="float32", gradient_checkpointing=checkpointed),
            layers=LayersConfig(v2t=(1,), t2v=(2,), v2v=(2,)),
            loss=LossConfig(kind="log_mass", sga=1.0, spa=1.0),
        )
        model = tiny.shaken(tiny.aligned("cogvideox", settings)).train()
        if again:
            model.readout.close()
            chosen = {MapKind.V2T: (1,), MapKind.T2V: (2,), MapKind.V2V: (2,)}
            model.readout = Readout(model.backbone, chosen)
        output = model(on_tokens(settings))
        output["loss"].backward()
        found.append((output["maps"], {name: item.grad for name, item in model.groups()["lora"]}))
    (maps, grads), (other_maps, other_grads) = found
    for key, value in maps.items():
        assert torch.allclose(value, other_maps[key], rtol=1e-4, atol=1e-6), key
    for key, value in grads.items():
        assert (value - other_grads[key]).norm() <= 1e-4 * value.norm() + 1e-8, key
