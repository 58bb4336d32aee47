"""Attention maps without the matrix agree with the matrix."""

import pytest
import tiny
import torch
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from intergeneval.errors import ConfigError
from matrix_train.backbones import MapKind
from matrix_train.model.attention import column_means, logsumexp, row_means
from matrix_train.model.readout import Readout, RoleWeights

CASES = [(name, kind) for name in tiny.NAMES for kind in tiny.KINDS[name]]
LAYERS = {"cogvideox": (1, 3), "wan": (1, 3), "hunyuan": (0, 3), "hunyuan-replace": (0, 3)}
"""For HunyuanVideo one dual-stream and one single-stream block."""


class KernelTap:
    """Records the queries, keys and mask that the library itself hands to the attention kernel, in call order."""

    def __init__(self, monkeypatch):
        self.calls = []
        original = F.scaled_dot_product_attention

        def record(query, key, value, attn_mask=None, **settings):
            self.calls.append((query.detach().clone(), key.detach().clone(), attn_mask))
            return original(query, key, value, attn_mask=attn_mask, **settings)

        monkeypatch.setattr(F, "scaled_dot_product_attention", record)
        monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", record)


def kernel_call(name, kind, layer, calls):
    """Pick the call of a layer: CogVideoX has one a block, Wan three (self, image, text), HunyuanVideo one after the refiner."""
    if name == "cogvideox":
        return calls[layer]
    if name == "wan":
        return calls[3 * layer + (0 if kind is MapKind.V2V else 2)]
    return calls[len(calls) - 4 + layer]


def reference(name, kind, call, weights, *, softmax):
    """The full-matrix map, in float64: mean over heads and set."""
    query, key, mask = (None if item is None else item for item in call)
    scores = query.double() @ key.double().transpose(-1, -2) / query.shape[-1] ** 0.5
    if softmax and mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    matrix = (scores.softmax(dim=-1) if softmax else scores).mean(dim=1)
    video = 48
    text = tiny.text_tokens(name)
    first = text if name == "cogvideox" else 0
    start = video if name.startswith("hunyuan") else 0
    rows = matrix[:, first : first + video] if kind is not MapKind.T2V else matrix[:, start : start + text]
    columns = slice(start, start + text) if kind is MapKind.V2T else slice(first, first + video)
    block = rows[:, :, columns]
    if kind is MapKind.V2T:
        return weights.text_BRT.double() @ block.transpose(1, 2)
    chosen = weights.text_BRT if kind is MapKind.T2V else F.pad(weights.cells_BRC, (0, 32))
    return chosen.double() @ block


@pytest.mark.parametrize("mode", ["logits", "probs"])
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_readout_equals_the_full_matrix_map(name, kind, mode, monkeypatch):
    settings = tiny.config()
    backbone, batch = tiny.backbone(name), tiny.batch(name, settings, id_map=False)
    readout = Readout(backbone, {kind: LAYERS[name]}, mode)
    tap = KernelTap(monkeypatch)
    worst = 0.0
    with torch.no_grad(), readout.recording():
        backbone.predict(batch.clean, batch.time_B, batch.condition)
        for layer in LAYERS[name]:
            maps = readout.maps(kind, layer, batch.weights, backbone.grid(tiny.LATENT)).flatten(2)
            wanted = reference(name, kind, kernel_call(name, kind, layer, tap.calls), batch.weights, softmax=mode == "probs")
            assert wanted.std() > (1e-6 if mode == "probs" else 1e-3)
            worst = max(worst, ((maps - wanted).abs().max() / wanted.abs().max()).item())
    print(f"\n{name} {kind} {mode}: largest relative difference {worst:.1e}")
    assert worst < 1e-6 if mode == "logits" else worst < 3e-6


def draws(seed=0):
    generator = torch.Generator().manual_seed(seed)
    tensors = [torch.randn(2, 3, 40, 8, generator=generator) * 2, torch.randn(2, 3, 50, 8, generator=generator) * 2]
    valid = torch.arange(50).expand(2, 50) < torch.tensor([[50], [44]])
    weights = torch.rand(2, 4, 40, generator=generator)
    return [item.requires_grad_() for item in tensors], valid, weights


@pytest.mark.parametrize("budget", [1 << 20, 1500])
def test_softmax_columns_and_their_gradient_equal_a_float64_reference(budget):
    (query, key), valid, _ = draws()
    tokens = torch.rand(2, 2, 5, generator=torch.Generator().manual_seed(1))
    upstream = torch.randn(2, 2, 40, generator=torch.Generator().manual_seed(2))
    lse = logsumexp(query, key, valid, scale=0.3, budget=budget)
    found = column_means(query, key[:, :, 3:8], lse, tokens, scale=0.3)
    gradients = torch.autograd.grad((found * upstream).sum(), (query, key))
    wide = [item.detach().double().requires_grad_() for item in (query, key)]
    scores = (wide[0] @ wide[1].transpose(-1, -2) * 0.3).masked_fill(~valid[:, None, None], float("-inf"))
    wanted = tokens.double() @ scores.softmax(-1)[..., 3:8].mean(1).transpose(1, 2)
    exact = torch.autograd.grad((wanted * upstream).sum(), wide)
    assert (found - wanted).abs().max() / wanted.abs().max() < 1e-5
    for mine, theirs in zip(gradients, exact, strict=True):
        assert (mine - theirs).norm() / theirs.norm() < 1e-5


@pytest.mark.parametrize("budget", [1 << 20, 1500])
def test_softmax_rows_and_their_gradient_equal_a_float64_reference(budget):
    (query, key), valid, weights = draws()
    upstream = torch.randn(2, 4, 50, generator=torch.Generator().manual_seed(2))
    found = row_means(query, key, weights, valid, scale=0.3, budget=budget)
    gradients = torch.autograd.grad((found * upstream).sum(), (query, key))
    wide = [item.detach().double().requires_grad_() for item in (query, key)]
    scores = (wide[0] @ wide[1].transpose(-1, -2) * 0.3).masked_fill(~valid[:, None, None], float("-inf"))
    wanted = weights.double() @ scores.softmax(-1).mean(1)
    exact = torch.autograd.grad((wanted * upstream).sum(), wide)
    assert (found - wanted).abs().max() / wanted.abs().max() < 1e-5
    for mine, theirs in zip(gradients, exact, strict=True):
        assert (mine - theirs).norm() / theirs.norm() < 1e-5


class Ledger(TorchDispatchMode):
    """Largest tensor any operation returns, and the peak of bytes that live at once."""

    def __init__(self):
        super().__init__()
        self.largest, self.live, self.peak, self._seen = 0, 0, 0, {}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        import weakref

        output = function(*args, **(kwargs or {}))
        for tensor in output if isinstance(output, tuple | list) else (output,):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                self.largest = max(self.largest, tensor.numel())
                if storage._cdata not in self._seen:
                    size = storage.nbytes()
                    self._seen[storage._cdata] = size
                    self.live += size
                    self.peak = max(self.peak, self.live)
                    weakref.finalize(storage, self._free, storage._cdata)
        return output

    def _free(self, key):
        self.live -= self._seen.pop(key, 0)


def measured(tokens, mode):
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(1, 2, tokens, 16, generator=generator).requires_grad_()
    key = torch.randn(1, 2, tokens, 16, generator=generator).requires_grad_()
    weights = torch.full((1, 2, 32), 1 / 32)
    with Ledger() as ledger:
        if mode == "logits":
            found = (weights[:, None] @ key[:, :, :32]).transpose(1, 2).flatten(2) @ query.transpose(1, 2).flatten(2).mT
        elif mode == "columns":
            lse = logsumexp(query, key, scale=0.25, budget=1 << 16)
            found = column_means(query, key[:, :, :32], lse, weights, scale=0.25)
        else:
            found = row_means(query[:, :, :32], key, weights, scale=0.25, budget=1 << 16)
        found.square().sum().backward()
    return ledger


@pytest.mark.parametrize("mode", ["logits", "columns", "rows"])
def test_memory_of_the_readout_grows_with_n_and_no_n_by_n_tensor_is_made(mode):
    sizes = (1024, 2048, 4096)
    ledgers = [measured(size, mode) for size in sizes]
    peaks = [ledger.peak for ledger in ledgers]
    print(f"\n{mode}: peak {', '.join(f'{peak / 1e6:.2f} MB at N={size}' for peak, size in zip(peaks, sizes, strict=True))}")
    for ledger, size in zip(ledgers, sizes, strict=True):
        assert ledger.largest < size * size / 4
    assert peaks[2] / peaks[0] < 4.4
    assert peaks[2] / peaks[1] < 2.2


def test_a_layer_that_does_not_exist_is_named():
    with pytest.raises(ConfigError, match="layer 9 does not exist; cogvideox has layers 0 to 3"):
        Readout(tiny.backbone("cogvideox"), {MapKind.V2T: (9,)})


def test_wan_has_no_text_to_video_attention():
    with pytest.raises(ConfigError, match="wan has no t2v attention"):
        Readout(tiny.backbone("wan"), {MapKind.T2V: (1,)})


def test_reentrant_checkpointing_is_refused():
    backbone = tiny.backbone("cogvideox")
    backbone.transformer.enable_gradient_checkpointing(
        lambda module, *args: torch.utils.checkpoint.checkpoint(module.__call__, *args, use_reentrant=True)
    )
    readout = Readout(backbone, {MapKind.V2T: (1,)})
    batch = tiny.batch("cogvideox", tiny.config(), id_map=False)
    backbone.transformer.train()
    with pytest.raises(ConfigError, match="reentrant"), readout.recording():
        backbone.predict(batch.clean.requires_grad_(), batch.time_B, batch.condition)


def test_a_set_without_tokens_gives_a_map_of_zeros():
    settings = tiny.config()
    backbone, batch = tiny.backbone("cogvideox"), tiny.batch("cogvideox", settings, id_map=False)
    readout = Readout(backbone, {MapKind.V2V: (1,)}, "probs")
    weights = RoleWeights(text_BRT=batch.weights.text_BRT, cells_BRC=torch.zeros_like(batch.weights.cells_BRC))
    with torch.no_grad(), readout.recording():
        backbone.predict(batch.clean, batch.time_B, batch.condition)
        assert readout.maps(MapKind.V2V, 1, weights, backbone.grid(tiny.LATENT)).abs().max() == 0
