"""Maps recorded beside the ordinary forward pass equal the full softmax matrix, and leave the output as it is."""

from dataclasses import replace

import pytest
import tiny
import torch
from test_readout import KernelTap, Ledger, kernel_call, reference
from torch.nn import functional as F

from intergeneval.errors import BackendError
from matrix_train.analysis.maps import MapStore
from matrix_train.analysis.recorder import Recorder
from matrix_train.backbones import Grid, MapKind
from matrix_train.model.kernel import attend, row_logsumexp
from matrix_train.model.readout import RoleWeights

LAYERS = 4
KINDS = (MapKind.V2T, MapKind.V2V, MapKind.T2V)


def one(name, seed=1):
    """A batch of one clip."""
    return tiny.batch(name, tiny.config(), clips=1, seed=seed, id_map=False)


def predict(backbone, batch):
    with torch.no_grad():
        return backbone.predict(batch.clean, batch.time_B, batch.condition)


def record(name, *, heads=False, budget=1 << 26, backbone=None, batch=None):
    backbone, batch = backbone or tiny.backbone(name), batch or one(name)
    recorder = Recorder(backbone, KINDS, heads=heads, budget=budget)
    with recorder.recording(batch.weights, backbone.grid(tiny.LATENT)) as store:
        output = predict(backbone, batch)
    return store, output


@pytest.mark.parametrize("budget", [1 << 26, 300])
@pytest.mark.parametrize("name", tiny.NAMES)
def test_maps_of_every_layer_and_kind_equal_the_full_softmax_matrix(name, budget, monkeypatch):
    backbone, batch = tiny.backbone(name), one(name)
    tap = KernelTap(monkeypatch)
    predict(backbone, batch)
    monkeypatch.undo()
    store, _ = record(name, budget=budget, backbone=backbone, batch=batch)
    worst = rounded = 0.0
    assert set(store.kinds) == set(tiny.KINDS[name])
    for kind in store.kinds:
        assert store.layers(kind) == LAYERS
        for layer in range(LAYERS):
            wanted = reference(name, kind, kernel_call(name, kind, layer, tap.calls), batch.weights, softmax=True)[0]
            assert wanted.std() > 1e-6
            # Totals are taken before rounding; the maps themselves carry ten bits.
            worst = max(worst, (torch.from_numpy(store.totals(kind))[0, layer] - wanted.sum(dim=-1)).abs().max().item())
            rounded = max(rounded, ((store.layer_maps(kind, layer)[0] - wanted).abs().max() / wanted.abs().max()).item())
    print(f"\n{name}, budget {budget}: totals within {worst:.1e}, stored maps within {rounded:.1e} of their largest entry")
    assert worst < 1e-6 * store.grid.tokens
    assert rounded < 1e-3


class Exact(MapStore):
    """Keeps what the recorder computed, before it is rounded."""

    def __init__(self, roles, grid):
        super().__init__(roles=roles, grid=grid)
        self.exact = {}

    def put(self, kind, layer, maps_HRN, *, heads):
        self.exact[kind, layer] = maps_HRN.mean(dim=0)
        super().put(kind, layer, maps_HRN, heads=heads)


@pytest.mark.parametrize("name", tiny.NAMES)
def test_maps_before_rounding_are_within_one_millionth_of_a_float64_reference(name, monkeypatch):
    backbone, batch = tiny.backbone(name), one(name)
    tap = KernelTap(monkeypatch)
    predict(backbone, batch)
    monkeypatch.undo()
    monkeypatch.setattr("matrix_train.analysis.recorder.MapStore", Exact)
    store, _ = record(name, backbone=backbone, batch=batch)
    worst = share = 0.0
    for (kind, layer), found in store.exact.items():
        wanted = reference(name, kind, kernel_call(name, kind, layer, tap.calls), batch.weights, softmax=True)[0]
        worst = max(worst, (found - wanted).abs().max().item())
        share = max(share, ((found - wanted).abs().max() / wanted.max()).item())
    print(f"\n{name}: largest difference {worst:.1e}, {share:.1e} of the largest entry")
    assert worst < 1e-6


@pytest.mark.parametrize("name", tiny.NAMES)
def test_the_model_gives_the_same_bits_with_swapped_processors_and_gets_its_own_back(name):
    backbone, batch = tiny.backbone(name), one(name)
    before = [backbone.attention(layer, MapKind.V2V).processor for layer in range(LAYERS)]
    plain = predict(backbone, batch)
    _, recorded = record(name, backbone=backbone, batch=batch)
    assert torch.equal(plain, recorded)
    assert [backbone.attention(layer, MapKind.V2V).processor for layer in range(LAYERS)] == before


def test_processors_come_back_after_an_error():
    backbone, batch = tiny.backbone("cogvideox"), one("cogvideox")
    before = backbone.attention(0, MapKind.V2V).processor
    with (
        pytest.raises(BackendError, match="queries and 60 keys"),
        Recorder(backbone, KINDS).recording(batch.weights, Grid(frames=3, height=4, width=5)),
    ):
        predict(backbone, batch)
    assert backbone.attention(0, MapKind.V2V).processor is before


def test_only_the_conditional_half_of_a_batch_is_read():
    backbone = tiny.backbone("cogvideox")
    both = tiny.batch("cogvideox", tiny.config(), clips=2, id_map=False)
    alone, _ = record("cogvideox", backbone=backbone, batch=_second(both))
    recorder = Recorder(backbone, KINDS)
    with recorder.recording(_second(both).weights, backbone.grid(tiny.LATENT)) as store:
        predict(backbone, both)
    for kind in store.kinds:
        assert abs(store.totals(kind) - alone.totals(kind)).max() < 1e-4


def _second(batch):
    condition = {name: value[1:] for name, value in batch.condition.items()}
    weights = RoleWeights(text_BRT=batch.weights.text_BRT[1:], cells_BRC=batch.weights.cells_BRC[1:])
    return replace(batch, clean=batch.clean[1:], time_B=batch.time_B[1:], condition=condition, weights=weights)


def test_a_pass_with_another_text_is_left_alone():
    backbone, batch = tiny.backbone("wan"), one("wan")
    other = {**batch.condition, "text": batch.condition["text"] * 0}
    with Recorder(backbone, KINDS).recording(batch.weights, backbone.grid(tiny.LATENT)) as store:
        for condition in (batch.condition, other, batch.condition, other):
            predict(backbone, replace(batch, condition=condition))
    assert len(store.timesteps) == 2


def test_the_mean_of_the_heads_is_the_map():
    store, _ = record("cogvideox", heads=True)
    for kind in store.kinds:
        heads = store.head_mean(kind)
        assert heads.shape == (LAYERS, 2, 3, 48)
        assert (heads.mean(dim=1) - store.step_mean(kind)).abs().max() < 1e-4


def test_a_store_comes_back_from_disk_as_it_was(tmp_path):
    store, _ = record("hunyuan", heads=True)
    store.save(tmp_path / "maps.safetensors", {"sample": "x"})
    again, note = MapStore.load(tmp_path / "maps.safetensors")
    assert note == {"sample": "x"}
    assert again.timesteps == store.timesteps
    for kind in store.kinds:
        assert torch.equal(again.step_mean(kind), store.step_mean(kind))
        assert torch.equal(again.head_mean(kind), store.head_mean(kind))
        assert (again.totals(kind) == store.totals(kind)).all()


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_kernel_gives_the_ordinary_output_and_the_log_sum_exp(dtype, masked):
    draws = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, 3, length, 16, generator=draws).to(dtype) for length in (40, 53, 53))
    mask = (torch.arange(53) < 30).expand(2, 1, 1, 53) if masked else None
    output, lse = attend(query, key, value, mask)
    assert torch.equal(output, F.scaled_dot_product_attention(query, key, value, attn_mask=mask))
    scores = query.double() @ key.double().transpose(-1, -2) / 4
    scores = scores if mask is None else scores.masked_fill(~mask, float("-inf"))
    assert (lse - torch.logsumexp(scores, dim=-1)).abs().max() < {torch.bfloat16: 1e-3, torch.float32: 2e-6}.get(dtype, 1e-12)


def test_the_log_sum_exp_is_right_where_no_kernel_hands_it_out():
    draws = torch.Generator().manual_seed(0)
    # Attention over a full bias that wants a gradient runs without a fused kernel.
    query, key, value = (torch.randn(1, 2, length, 8, generator=draws) for length in (9, 11, 11))
    bias = torch.randn(1, 2, 9, 11, generator=draws)
    _, lse = attend(query, key, value, bias.requires_grad_(), budget=40)
    wanted = torch.logsumexp(query @ key.transpose(-1, -2) * 8**-0.5 + bias, dim=-1)
    assert (lse - wanted).abs().max() < 1e-5
    assert (row_logsumexp(query, key, bias, scale=8**-0.5, budget=40) - wanted).abs().max() < 1e-5


def recorded_ledger(frames):
    """Tensors of a pass over `frames` latent frames of 16 tokens, in the recorder alone: a wide model would hide it."""
    from matrix_train.analysis.recorder import KernelCall, _columns, _rows

    tokens = 16 * frames
    draws = torch.Generator().manual_seed(0)
    query, key = (torch.randn(1, 2, tokens, 8, generator=draws) for _ in range(2))
    value = torch.randn(1, 2, tokens, 8, generator=draws)
    with Ledger() as ledger:
        _, lse = attend(query, key, value)
        call = KernelCall(query=query, key=key, lse=lse, scale=8**-0.5)
        picked, weights = torch.arange(16), torch.full((3, 16), 1 / 16)
        _columns(call, slice(0, tokens), picked, weights, 1 << 15)
        _rows(call, picked, slice(0, tokens), weights, 1 << 15)
    return ledger


def test_memory_grows_with_n_and_no_n_by_n_tensor_is_made():
    sizes = (64, 128, 256)
    recorded_ledger(8)
    ledgers = [recorded_ledger(size) for size in sizes]
    shown = ", ".join(f"{ledger.peak / 1e6:.2f} MB at N={16 * size}" for ledger, size in zip(ledgers, sizes, strict=True))
    print(f"\nrecording one layer: peak {shown}")
    for ledger, size in zip(ledgers, sizes, strict=True):
        assert ledger.largest < (16 * size) ** 2 / 8
    assert ledgers[2].peak / ledgers[0].peak < 4.4
