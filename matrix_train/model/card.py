"""The card of an adapter folder: what a person must know who finds it, in words."""

from __future__ import annotations

from collections.abc import Sequence

from matrix_train.alignment import TIMES
from matrix_train.config import Config
from matrix_train.model.adapter_info import AdapterInfo
from matrix_train.model.aligned import HEADS, loss_weights

CARD = "README.md"


def card(info: AdapterInfo, config: Config, modules: Sequence[str], held_out: Sequence[str] = ()) -> str:
    """Return the card of an adapter: base, layers, losses, `held_out` figures one a line, and what other loaders give of it."""
    sections = [
        f"# An adapter of matrix-train for {info.base or 'an unnamed base'}",
        _what(info, config, modules),
        _losses(config),
        "## Held out\n\n"
        + ("\n".join(f"- {line}" for line in held_out) or "No figure on held-out clips was written by this run."),
        _loading(info, config),
    ]
    return "\n\n".join(sections) + "\n"


def _what(info: AdapterInfo, config: Config, modules: Sequence[str]) -> str:
    height, width = info.size
    rows = [
        ("base", f"`{info.base}`" if info.base else "not told"),
        ("backbone", info.backbone),
        ("steps", f"{info.steps} of {config.train.batch} x {config.train.accumulate} clips a process"),
        ("clips", f"{info.frames} frames of {width}x{height}"),
        ("adapter", f"LoRA, rank {info.rank}, alpha {info.alpha}, {len(modules)} modules" if info.rank else "none"),
        ("layers", _layers(config.lora.layers) if info.rank else "none"),
        ("id map", info.id_map if info.projection else "none"),
        ("seed", str(config.train.seed)),
    ]
    if info.projection:
        new = f"{info.channels} new channels"
        rows.append(("input projection", f"{new} alone" if config.condition.projection == "grown" else f"the base's and {new}"))
    if config.train.ema:
        rows.append(("weights", f"their moving average, decay {config.train.ema:g}"))
    if config.train.init_from:
        rows.append(("begun from", f"`{config.train.init_from}`"))
    return "\n".join(["| what | value |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _losses(config: Config) -> str:
    rows = []
    for name, weight in loss_weights(config).items():
        roles, layers = getattr(config.loss, f"{name}_roles"), {kind: getattr(config.layers, kind.value) for kind in HEADS[name]}
        chosen = [f"{kind.value} {_layers(own)}" for kind, own in layers.items() if own]
        pull = f"weight {weight:g}"
        if config.loss.balance:
            pull = f"a gradient of {config.loss.balance:g} of denoising's on the adapter"
        rows.append(f"- {name.upper()}: {pull}, roles {', '.join(roles)}, on {' and '.join(chosen)}")
    found = ["## Losses", "", "- denoising: weight 1", *rows]
    if rows:
        found.append(f"- read as {config.readout.mode}, compared by {_comparing(config)}")
    else:
        found.append("- no alignment")
    return "\n".join(found)


def _comparing(config: Config) -> str:
    """Return how maps are compared with masks, with what differs from the usual."""
    loss, found = config.loss, [config.loss.kind]
    if loss.kind == "decoder":
        found = [f"decoder ({config.decoder.shape}{', one for both losses' if config.decoder.shared else ''})"]
    elif loss.place != "is":
        found.append(f"place {loss.place}")
    if loss.masks != "own":
        found.append("subject and object held against each other's masks")
    if loss.band != (0.0, TIMES):
        found.append(f"timesteps {loss.band[0]:g} to {loss.band[1]:g}")
    return ", ".join(found)


def _layers(layers: Sequence[int]) -> str:
    return "all layers" if tuple(layers) == (-1,) else f"layers {', '.join(str(layer) for layer in layers)}"


def _loading(info: AdapterInfo, config: Config) -> str:
    own = '## Loading\n\n`matrix_train.load_matrix(pipeline, "THIS FOLDER")` gives the whole adapter.'
    if not info.projection:
        whole = " `pipeline.load_lora_weights` of plain diffusers gives it whole as well, alpha / rank included."
        return own + (whole if info.rank else " It changes nothing: the base was not trained.")
    other = "on the base's own input\nprojection: another model than the one that was trained."
    if config.condition.projection == "grown":
        other = "as it is without\nan id map, which is not what it was trained for."
    return (
        f"{own} Set `id_map` before each video: the input\nprojection was grown by {info.channels} channels for it and "
        f"trained on.\n\n`pipeline.load_lora_weights` of plain diffusers gives the LoRA alone, {other}\n`matrix-train export` "
        "writes a file that plain diffusers loads whole, without the id map, and says what is lost."
    )
