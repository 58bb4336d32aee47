"""The whole model on the three architectures: what step 0 is, what the gradient is, what moves."""

from dataclasses import replace

import pytest
import tiny
import torch
from torch.nn.parallel import DistributedDataParallel  # noqa: F401  # its import must not need a GPU

from intergeneval.errors import ConfigError
from matrix_train.config import ConditionConfig, Config, LayersConfig, LoraConfig, LossConfig, ModelConfig, ReadoutConfig
from matrix_train.model.aligned import AlignedModel, load_trainable, mask_owners, supervised, trainable_state


def gradients(model):
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.grad is not None}


@pytest.mark.parametrize("name", tiny.NAMES)
def test_at_step_0_the_output_equals_the_base_bit_for_bit(name):
    settings = tiny.config()
    base, batch = tiny.backbone(name), tiny.batch(name, settings)
    plain = {key: value for key, value in batch.condition.items() if key != "id_map"}
    with torch.no_grad():
        wanted = base.predict(batch.clean, batch.time_B, plain)
        model = tiny.aligned(name, settings)
        found = model.backbone.predict(batch.clean, batch.time_B, batch.condition)
    assert batch.condition["id_map"].abs().max() > 1
    assert torch.equal(found, wanted)


@pytest.mark.parametrize("name", tiny.NAMES)
def test_at_step_0_a_bfloat16_base_is_kept_bit_for_bit_under_fp32_masters(name):
    settings = tiny.config()
    base = tiny.backbone(name)
    base.transformer.to(torch.bfloat16)
    batch = tiny.batch(name, settings).to(torch.device("cpu"), torch.bfloat16)
    plain = {key: value for key, value in batch.condition.items() if key != "id_map"}
    with torch.no_grad():
        wanted = base.predict(batch.clean, batch.time_B, plain)
        model = AlignedModel(base, settings)
        found = model.backbone.predict(batch.clean, batch.time_B, batch.condition)
    assert {parameter.dtype for group in model.groups().values() for _, parameter in group} == {torch.float32}
    assert torch.equal(found, wanted)


@pytest.mark.parametrize("mode", ["logits", "probs"])
@pytest.mark.parametrize("name", tiny.NAMES)
def test_gradients_are_equal_with_and_without_checkpointing(name, mode):
    found = []
    for checkpointed in (False, True):
        settings = tiny.config(
            model=ModelConfig(dtype="float32", gradient_checkpointing=checkpointed), readout=ReadoutConfig(mode=mode)
        )
        model = tiny.shaken(tiny.aligned(name, settings)).train()
        output = model(tiny.batch(name, settings))
        output["loss"].backward()
        found.append((output["loss"].item(), gradients(model)))
    (plain_loss, plain), (checked_loss, checked) = found
    assert plain_loss == checked_loss
    assert plain.keys() == checked.keys()
    for key, value in plain.items():
        assert value.abs().max() > 0, key
        assert (value - checked[key]).norm() <= 1e-6 * value.norm(), key


@pytest.mark.parametrize("name", tiny.NAMES)
def test_the_alignment_loss_reaches_the_adapter_and_the_projection(name):
    settings = tiny.config(loss=LossConfig(sga=1.0, spa=1.0))
    model, batch = tiny.shaken(tiny.aligned(name, settings)), tiny.batch(name, settings)
    output = model(batch)
    aligned = output["loss"] - output["terms"]["denoising"]
    (aligned * 1.0).backward()
    with_both = gradients(model)
    model.zero_grad(set_to_none=True)
    other = tiny.shaken(tiny.aligned(name, replace(settings, loss=LossConfig(sga=0.0, spa=0.0))))
    other(batch)["loss"].backward()
    alone = gradients(other)
    differing = [key for key, value in alone.items() if not torch.allclose(value, with_both[key], rtol=1e-4, atol=1e-7)]
    assert any("lora" in key for key in differing)
    assert any("grown" in key for key in differing)


@pytest.mark.parametrize("name", tiny.NAMES)
def test_only_the_declared_parameters_change_after_a_step(name):
    settings = tiny.config()
    model = tiny.shaken(tiny.aligned(name, settings)).train()
    before = {key: value.detach().clone() for key, value in model.named_parameters()}
    declared = {key for group in model.groups().values() for key, _ in group}
    optimiser = torch.optim.AdamW([parameter for group in model.groups().values() for _, parameter in group], lr=1e-2)
    model(tiny.batch(name, settings))["loss"].backward()
    optimiser.step()
    changed = {key for key, value in model.named_parameters() if not torch.equal(value, before[key])}
    assert set(model.groups()) == {"lora", "projection", "decoder"}
    assert changed == declared
    assert all("lora" in key for key, _ in model.groups()["lora"])
    layers = {"cogvideox": {"transformer_blocks.1.attn1", "transformer_blocks.2.attn1"}}.get(name)
    if layers:
        assert {key.split(".to_")[0].removeprefix("transformer.") for key, _ in model.groups()["lora"]} == layers


def test_wan_keeps_its_image_branch():
    settings = tiny.config()
    model, batch = tiny.aligned("wan", settings), tiny.batch("wan", settings)
    with torch.no_grad():
        first = model.backbone.predict(batch.clean, batch.time_B, batch.condition)
        other = {**batch.condition, "image_embeds": batch.condition["image_embeds"] + 1}
        assert not torch.allclose(first, model.backbone.predict(batch.clean, batch.time_B, other))


def test_every_term_is_reported_per_layer():
    settings = tiny.config()
    terms = tiny.aligned("cogvideox", settings)(tiny.batch("cogvideox", settings))["terms"]
    expected = {"denoising", "loss", "sga", "spa", "sga/v2t/1", "spa/v2v/2"}
    expected |= {f"{name}/{term}" for name in ("sga", "spa") for term in ("bce", "dice", "l2", "iou")}
    assert set(terms) == expected
    assert torch.allclose(terms["loss"], terms["denoising"] + 0.3 * terms["sga"] + 0.2 * terms["spa"])


def test_layers_are_averaged_or_summed_as_the_config_says():
    layers = LayersConfig(v2t=(0, 1), v2v=(2,))
    mean = tiny.config(layers=layers)
    total = tiny.config(layers=layers, loss=LossConfig(sga=0.3, spa=0.2, sum_layers=True))
    batch = tiny.batch("cogvideox", mean)
    first = tiny.aligned("cogvideox", mean)(batch)["terms"]
    second = tiny.aligned("cogvideox", total)(batch)["terms"]
    assert torch.allclose(second["sga"], 2 * first["sga"])
    assert torch.allclose(first["sga"], (first["sga/v2t/0"] + first["sga/v2t/1"]) / 2)


def test_a_batch_without_roles_trains_denoising_and_leaves_no_decoder_without_gradient():
    settings = tiny.config()
    model, batch = tiny.aligned("cogvideox", settings), tiny.batch("cogvideox", settings)
    output = model(replace(batch, entries=(), targets=batch.targets[:0]))
    output["loss"].backward()
    assert torch.equal(output["terms"]["loss"], output["terms"]["denoising"])
    assert all(parameter.grad is not None for parameter in model.heads.parameters())


def test_sga_needs_text_and_spa_needs_cells_and_leaves_the_verb_out():
    settings = tiny.config()
    entries = list(tiny.batch("cogvideox", settings, clips=1).entries)
    entries[0] = replace(entries[0], has_text=False)
    entries[1] = replace(entries[1], has_cells=False)
    assert supervised(entries, "sga", settings) == [1, 2]
    assert supervised(entries, "spa", settings) == [0]


def test_with_exchanged_masks_subject_and_object_are_held_against_each_others_and_the_verb_against_its_own():
    own = tiny.config(loss=LossConfig(kind="log_mass", sga=0.5, spa=0.0))
    exchanged = replace(own, loss=replace(own.loss, masks="exchanged"))
    batch = tiny.batch("cogvideox", own)
    roles = {(item.clip, item.interaction, item.role): index for index, item in enumerate(batch.entries)}
    for (clip, interaction, role), index in roles.items():
        other = {"sub": "obj", "obj": "sub", "verb": "verb"}[role]
        assert mask_owners(batch.entries, "exchanged")[index] == roles[clip, interaction, other]
    with torch.no_grad():
        terms = [tiny.aligned("cogvideox", config)(batch)["terms"]["sga"] for config in (own, exchanged)]
        # Held against each other's masks, masks that are exchanged beforehand are the right ones.
        order = torch.tensor([mask_owners(batch.entries, "exchanged")[index] for index in range(len(batch.entries))])
        back = tiny.aligned("cogvideox", exchanged)(replace(batch, targets=batch.targets[order]))["terms"]["sga"]
    assert terms[0] != terms[1]
    assert torch.equal(back, terms[0])


def test_a_role_whose_counterpart_has_no_mask_is_not_held_against_anything():
    entries = tiny.batch("cogvideox", tiny.config(), clips=1).entries
    left = tuple(item for item in entries if item.role != "obj")
    assert [left[index].role for index in mask_owners(left, "exchanged")] == ["verb"]
    assert len(mask_owners(left, "own")) == len(left)


def test_the_target_aware_baseline_reads_mass_and_needs_no_decoder():
    settings = tiny.config(
        loss=LossConfig(kind="mass", sga=0.5, spa=0.0, sga_roles=("obj",)), readout=ReadoutConfig(mode="probs")
    )
    model, batch = tiny.aligned("cogvideox", settings), tiny.batch("cogvideox", settings)
    output = model(batch)
    assert len(model.heads) == 0
    assert 0 < output["terms"]["sga"] < 1
    output["loss"].backward()


def test_without_id_map_and_layers_the_control_arms_are_plain_lora():
    settings = tiny.config(
        condition=ConditionConfig(id_map="none"), layers=LayersConfig(v2t=(), v2v=()), lora=LoraConfig(rank=2, layers=(-1,))
    )
    model = tiny.aligned("cogvideox", settings)
    assert set(model.groups()) == {"lora"}
    assert len(model.adapted) == 4 * 4
    model(tiny.batch("cogvideox", settings, id_map=False))["loss"].backward()


def test_trained_tensors_go_out_and_come_back():
    settings = tiny.config()
    model, batch = tiny.shaken(tiny.aligned("cogvideox", settings)), tiny.batch("cogvideox", settings)
    other = tiny.aligned("cogvideox", settings)
    assert not torch.equal(other(batch)["loss"], model(batch)["loss"])
    load_trainable(other, trainable_state(model), "here")
    assert torch.equal(other(batch)["loss"], model(batch)["loss"])
    narrower = tiny.aligned("cogvideox", tiny.config(lora=LoraConfig(rank=2, alpha=1, layers=(1, 2))))
    with pytest.raises(ConfigError, match="the config makes"):
        load_trainable(narrower, trainable_state(model), "here")


def test_a_wrong_lora_layer_is_named():
    with pytest.raises(ConfigError, match=r"lora\.layers: layer 40 does not exist"):
        tiny.aligned("cogvideox", tiny.config(lora=LoraConfig(layers=(40,))))


def test_an_unmatched_lora_name_lists_candidates():
    from matrix_train.model.lora import check_names

    with pytest.raises(ConfigError, match=r"candidates are transformer_blocks\.0\.attn1\.to_q"):
        check_names(tiny.backbone("cogvideox").transformer, ["transformer_blocks.77.attn1.to_q"])


def test_the_defaults_are_the_papers():
    defaults = Config()
    assert (defaults.lora.rank, defaults.lora.alpha, defaults.lora.layers) == (128, 64, (7, 11, 12))
    assert (defaults.layers.v2t, defaults.layers.v2v) == ((7, 11), (12,))
    assert (defaults.loss.sga, defaults.loss.spa) == (0.01, 0.005)
