"""Attention guidance: cut attention equals the full matrix with zeroed entries, and the branch adds what the paper says."""

from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from intergeneval.errors import ConfigError
from matrix_train.backbones import Grid, MapKind
from matrix_train.guidance.branch import PerturbedBranch
from matrix_train.guidance.config import GuidanceConfig, layers_of, parse
from matrix_train.guidance.guide import cuts_of, token_cut
from matrix_train.guidance.perturb import Cut, Product, cut_attention
from matrix_train.model.conditioning import IdMapInput, grow

GRID = Grid(frames=3, height=4, width=4)
LAYERS = {"cmg": (1, 2), "cag": (2, 3)}
PARTS = {"cogvideox": ("text", "video"), "hunyuan": ("video", "text"), "self": ("video",), "cross": ("text",)}


def some_tokens(grid=GRID, text=12):
    """Two roles of their own and one token that both share."""
    generator = np.random.default_rng(3)
    regions = {name: generator.random(grid.tokens) < share for name, share in (("id1", 0.3), ("id2", 0.2))}
    roles = [((1, 2), ("id1",)), ((4,), ("id2",)), ((2, 7), ("id1", "id2"))]
    kept = np.ones((grid.tokens, text), dtype=bool)
    for tokens, instances in roles:
        for name in instances:
            for token in tokens:
                kept[regions[name], token] = False
    return token_cut(roles, regions, text), kept


def kept_entries(parts, grid, text, *, frames, tokens):
    """The matrix over (queries, keys) that says which entries stay, written down from the definition."""
    length = {"video": grid.tokens, "text": text}
    starts, total = {}, 0
    for part in parts:
        starts[part], total = total, total + length[part]
    rows = total if "video" in parts else grid.tokens
    first = starts.get("video", 0)
    kept = np.ones((rows, total), dtype=bool)
    for i in range(grid.tokens):
        for j in range(grid.tokens):
            if frames and i // grid.cells != j // grid.cells:
                kept[first + i, starts["video"] + j] = False
    if tokens is not None:
        kept[first : first + grid.tokens, starts["text"] : starts["text"] + text] &= tokens
    return torch.from_numpy(kept)


def dense(q, k, v, kept, valid=None, scale=None):
    """Attention in float64 through its full matrix, entries zeroed after the softmax, nothing rescaled."""
    scores = q.double() @ k.double().transpose(-1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if valid is not None:
        scores = scores.masked_fill(~valid, float("-inf"))
    return (torch.softmax(scores, dim=-1) * kept) @ v.double()


CUTS = [
    (kind, frames, cmg)
    for kind, parts in PARTS.items()
    for frames, cmg in ((True, False), (False, True), (True, True))
    if (not frames or "video" in parts) and (not cmg or "text" in parts)
]


@pytest.mark.parametrize(("dtype", "allowed"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize(("kind", "frames", "cmg"), CUTS)
def test_cut_attention_equals_the_full_matrix_with_entries_zeroed(kind, frames, cmg, padded, dtype, allowed):
    parts = PARTS[kind]
    tokens, matrix = some_tokens()
    cut = Cut(parts=parts, grid=GRID, text=12, tokens=tokens if cmg else None, frames=frames)
    generator = torch.Generator().manual_seed(0)
    rows = cut.keys if "video" in parts else GRID.tokens
    q, k, v = (torch.randn(1, 2, size, 16, generator=generator, dtype=dtype) for size in (rows, cut.keys, cut.keys))
    valid = torch.ones(cut.keys, dtype=torch.bool)
    if padded and "text" in parts:
        valid[cut.start("text") + 7 : cut.start("text") + 12] = False
    found = cut_attention(Product(q=q, k=k, v=v, scale=0.5, valid_N=valid if padded else None), cut)
    kept = kept_entries(parts, GRID, 12, frames=frames, tokens=matrix if cmg else None)
    assert not kept[:, valid].all()
    assert torch.allclose(found.double(), dense(q, k, v, kept, valid, 0.5), rtol=0, atol=allowed)


class _Largest(TorchDispatchMode):
    """The largest tensor that any operation made."""

    def __init__(self):
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        sizes = [item.numel() for item in tree_leaves(made) if isinstance(item, torch.Tensor)]
        self.elements = max([self.elements, *sizes])
        return made


def test_no_matrix_of_tokens_by_tokens_is_ever_made():
    grid = Grid(frames=6, height=16, width=16)
    tokens, _ = some_tokens(grid)
    cut = Cut(parts=("text", "video"), grid=grid, text=12, tokens=tokens, frames=True)
    q, k, v = (torch.randn(1, 2, cut.keys, 16) for _ in range(3))
    with _Largest() as largest:
        cut_attention(Product(q=q, k=k, v=v, scale=0.25), cut)
    assert 0 < largest.elements <= 2 * 2 * cut.keys * 16
    assert largest.elements < cut.keys**2 / 10


def calls_of(name, generator):
    """Arguments of the transformer for one step: (noisy, time, condition)."""
    shape = (1, tiny.CHANNELS, *tiny.LATENT)
    condition = tiny.condition(name, 1, generator, id_map=False)
    return torch.randn(shape, generator=generator), torch.tensor([500.0]), condition


def layered(name):
    """Layers that exist in the tiny model, with a joint cut where the architecture allows one."""
    return LAYERS if name != "wan" else {"cmg": (1, 2), "cag": (2,)}


def reference(backbone, layers, matrix, call, monkeypatch):
    """e_perturbed by running everything again with full matrices in the chosen layers."""
    at = {}
    for kind, wanted in (("cag", MapKind.V2V), ("cmg", MapKind.V2T)):
        for layer in layers.get(kind, ()):
            at.setdefault(backbone.attention(layer, wanted), []).append(kind)
    current = []
    hooks = [module.register_forward_pre_hook(lambda module, _: current.append(module)) for module in at]
    hooks += [module.register_forward_hook(lambda *_: current.clear()) for module in at]
    plain = F.scaled_dot_product_attention
    text = call[2]["text"].shape[1]

    def replaced(query, key, value, attn_mask=None, **kwargs):
        module = current[-1] if current else None
        if module is None:
            return plain(query, key, value, attn_mask=attn_mask, **kwargs)
        kinds = at[module]
        parts = backbone.parts(MapKind.V2V if kinds == ["cag"] else MapKind.V2T)
        kept = kept_entries(parts, GRID, text, frames="cag" in kinds, tokens=matrix if "cmg" in kinds else None)
        if key.shape[2] != kept.shape[1]:
            return plain(query, key, value, attn_mask=attn_mask, **kwargs)
        return dense(query, key, value, kept, None if attn_mask is None else attn_mask).to(query.dtype)

    with monkeypatch.context() as patch, torch.no_grad():
        patch.setattr(F, "scaled_dot_product_attention", replaced)
        found = backbone.predict(*call)
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize("kinds", [("cmg",), ("cag",), ("cmg", "cag")])
@pytest.mark.parametrize("name", tiny.NAMES)
def test_the_guided_prediction_is_e_plus_s_times_e_minus_e_perturbed(name, kinds, monkeypatch):
    backbone = tiny.backbone(name)
    call = calls_of(name, torch.Generator().manual_seed(1))
    tokens, matrix = some_tokens(text=call[2]["text"].shape[1])
    layers = {kind: layered(name)[kind] for kind in kinds}
    with torch.no_grad():
        plain = backbone.predict(*call)
    perturbed = reference(backbone, layers, matrix, call, monkeypatch)
    cuts, first = cuts_of(backbone, layers, GRID, tokens if "cmg" in kinds else None)
    assert first == min(layer for chosen in layers.values() for layer in chosen)
    with torch.no_grad(), PerturbedBranch(backbone, cuts, first, 3.0):
        guided = backbone.predict(*call)
    change = (plain - perturbed).abs().max()
    assert change > 1e-3
    assert torch.allclose(guided, plain + 3.0 * (plain - perturbed), rtol=0, atol=1e-5 * max(1.0, float(plain.abs().max())))
    with torch.no_grad():
        assert torch.equal(backbone.predict(*call), plain)


@pytest.mark.parametrize("name", tiny.NAMES)
def test_blocks_before_the_first_cut_layer_run_once_and_the_others_twice(name):
    backbone = tiny.backbone(name)
    blocks = [item for kind in backbone.block_lists for item in getattr(backbone.transformer, kind)]
    counts = [0] * len(blocks)
    for index, block in enumerate(blocks):
        block.register_forward_hook(lambda *_, place=index: counts.__setitem__(place, counts[place] + 1))
    for first in (1, 2, 3):
        counts[:] = [0] * len(blocks)
        cuts, start = cuts_of(backbone, {"cag": (first,)}, GRID, None)
        with torch.no_grad(), PerturbedBranch(backbone, cuts, start, 3.0):
            backbone.predict(*calls_of(name, torch.Generator().manual_seed(1)))
        assert counts == [1] * first + [2] * (len(blocks) - first)
    assert [item for kind in backbone.block_lists for item in getattr(backbone.transformer, kind)] == blocks


def test_an_id_map_that_a_hook_appends_reaches_the_perturbed_pass_once():
    generator = torch.Generator().manual_seed(1)
    noisy, time, condition = calls_of("cogvideox", generator)
    latent = torch.randn(1, tiny.CHANNELS, *tiny.LATENT, generator=generator)
    backbone = tiny.backbone("cogvideox")
    grown = grow(backbone.transformer, backbone.projection, tiny.CHANNELS)
    torch.nn.init.normal_(grown.grown, generator=generator)
    cuts, first = cuts_of(backbone, {"cag": (2,)}, GRID, None)
    with torch.no_grad(), PerturbedBranch(backbone, cuts, first, 3.0):
        wanted = backbone.predict(noisy, time, {**condition, "id_map": latent})
    hook = IdMapInput(backbone.transformer, backbone.channel_axis, tiny.CHANNELS)
    hook.latent = latent
    with torch.no_grad(), PerturbedBranch(backbone, cuts, first, 3.0):
        found = backbone.predict(noisy, time, condition)
    assert torch.equal(found, wanted)


def test_a_cut_that_takes_nothing_out_changes_nothing():
    backbone = tiny.backbone("cogvideox")
    call = calls_of("cogvideox", torch.Generator().manual_seed(1))
    one_frame = Grid(frames=1, height=4, width=12)
    cuts, first = cuts_of(backbone, {"cag": (2,)}, one_frame, None)
    with torch.no_grad():
        plain = backbone.predict(*call)
        with PerturbedBranch(backbone, cuts, first, 3.0):
            assert torch.allclose(backbone.predict(*call), plain, rtol=0, atol=1e-5)


def test_both_prompts_are_shifted_alike_in_one_batch_and_one_by_one():
    backbone = tiny.backbone("cogvideox")
    noisy, time, condition = calls_of("cogvideox", torch.Generator().manual_seed(1))
    empty = {**condition, "text": torch.randn(condition["text"].shape, generator=torch.Generator().manual_seed(2))}
    both = {name: torch.cat([empty[name], item]) for name, item in condition.items()}
    cuts, first = cuts_of(backbone, {"cag": (2,)}, GRID, None)
    with torch.no_grad():
        plain = backbone.predict(noisy, time, condition)
        without = backbone.predict(noisy, time, empty)
        with PerturbedBranch(backbone, cuts, first, 3.0):
            alone = backbone.predict(noisy, time, condition)
            second = backbone.predict(noisy, time, empty)
        with PerturbedBranch(backbone, cuts, first, 3.0):
            together = backbone.predict(noisy.repeat(2, 1, 1, 1, 1), time.repeat(2), both)
    shift = alone - plain
    assert shift.abs().max() > 1e-3
    assert torch.allclose(second, without + shift, rtol=0, atol=1e-5)
    assert torch.allclose(together, torch.cat([second, alone]), rtol=0, atol=1e-4)
    # Classifier-free guidance of any scale then gives e_cfg + s (e - e_perturbed).
    guided, usual = (left + 6.0 * (right - left) for left, right in ((second, alone), (without, plain)))
    assert torch.allclose(guided, usual + shift, rtol=0, atol=1e-4)


def test_layers_of_a_model_of_another_depth_must_be_named_and_must_exist():
    with pytest.raises(ConfigError, match=r"cmg_layers is not set.* 7, 11 are layers of a cogvideox of 42, not of 4; name"):
        layers_of(GuidanceConfig(kinds=("cmg",)), "cogvideox", 4)
    with pytest.raises(ConfigError, match=r"attention_guidance\.cag_layers: layer 12 does not exist; .* has layers 0 to 3"):
        layers_of(GuidanceConfig(kinds=("cag",), cag_layers=(12,)), "cogvideox", 4)
    chosen = GuidanceConfig(kinds=("cag", "cmg"), cag_layers=(3,), cmg_layers=(2, 1, 2))
    assert layers_of(chosen, "cogvideox", 4) == {"cag": (3,), "cmg": (1, 2)}
    assert layers_of(GuidanceConfig(kinds=("cmg", "cag")), "cogvideox", 42) == {"cmg": (7, 11), "cag": (12,)}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("cgm", "attention_guidance.kinds: 'cgm' is not one of cmg, cag"),
        ({"kinds": ["cag"], "scale": -1.0}, "attention_guidance.scale is -1.0; it must lie between 0 and 100"),
        ({"kinds": ["cmg"], "regions": "third"}, "attention_guidance.regions: 'third' is not one of two_pass, first_frame"),
        ({"kinds": ["cmg"], "layers": [1]}, "layers"),
        (6.0, "the scale of classifier-free guidance is `guidance`"),
    ],
)
def test_a_wrong_setting_is_named(value, message):
    with pytest.raises(ConfigError) as caught:
        parse(value, where="config")
    assert message in str(caught.value)


def test_kinds_alone_are_a_whole_setting():
    assert parse("cmg, cag", where="") == parse(["cmg", "cag"], where="") == GuidanceConfig(kinds=("cmg", "cag"))
    assert replace(parse("cag", where=""), scale=0.0).active is False
