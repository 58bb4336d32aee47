"""One HTML page that says what was found and what every number means: it needs no script, no network and no server."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from intergeneval import provenance
from intergeneval.errors import MediaError
from intergeneval.records.disk import read_bytes, read_text, write_atomically
from intergeneval.videos import Reader, encode_jpeg
from matrix_train.analysis import plots
from matrix_train.analysis.files import Folder, write_text
from matrix_train.analysis.findings import Findings
from matrix_train.analysis.overlays import read_means, read_slots, strip

KINDS = {"v2t": "video to text", "v2v": "video to video", "t2v": "text to video"}
QUALITY = 88
"""Of the overlays, JPEG."""
HEADS = 8
"""Heads of a kind that are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture of the page."""

    src: str
    """Its bytes as a data address."""
    alt: str
    """What it shows, for who cannot see it."""
    caption: str
    """What is said under it."""


def write_page(folder: Folder, findings: Findings, about: Mapping[str, Any]) -> Path:
    """Draw the plots and overlays into the folder and write ``index.html``, with all of them inside it; return its path."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "ratio": lambda value: _number(math.exp(value)),
        "num": _number,
        "layers": lambda items: ", ".join(map(str, items)) or "none",
    }
    page = folder.root / "index.html"
    text = environment.get_template("page.html").render(
        about=about,
        findings=findings,
        kinds=[_kind(folder, findings, kind) for kind in KINDS if (findings.layers["kind"] == kind).any()],
        overlays=_overlays(folder, findings, about),
        influential=findings.chosen("influential"),
        dominant=findings.chosen("dominance"),
        snippet=_snippet(findings.suggested),
        indifferent=[KINDS[kind] for kind, chosen in findings.suggested.items() if _indifferent(findings, kind, chosen)],
        versions=provenance.versions(),
        settings=json.dumps(about["config"].to_json(), indent=1),
        samples=len({name for name, _ in findings.videos}),
        style=read_text(Path(__file__).parent / "templates" / "page.css"),
    )
    write_text(page, text)
    return page


def _number(value: float) -> str:
    """Return three significant digits; a dash where there is no number."""
    return "–" if value is None or math.isnan(value) else f"{value:.3g}"


def _indifferent(findings: Findings, kind: str, chosen: tuple[int, ...]) -> bool:
    """Return whether attention in the chosen layers prefers the instances nowhere: AAS also rises with attention as such."""
    rows = findings.layers[(findings.layers["kind"] == kind) & findings.layers["layer"].isin(chosen)]
    return bool(len(rows)) and not bool((rows["lift"] > 1).any())


def _snippet(suggested: Mapping[str, tuple[int, ...]]) -> str:
    every = sorted({layer for layers in suggested.values() for layer in layers})
    lines = ["[layers]", *(f"{kind} = {list(layers)}" for kind, layers in suggested.items()), "", "[lora]", f"layers = {every}"]
    return "\n".join(lines)


def _kind(folder: Folder, findings: Findings, kind: str) -> dict[str, Any]:
    """Return the tables and plots of one kind of map."""
    table = findings.layers[findings.layers["kind"] == kind]
    places = folder.root / "plots"
    name = KINDS[kind]
    drawn = {"bars": places / f"layers-{kind}.svg", "steps": places / f"steps-{kind}.svg"}
    plots.layer_bars(drawn["bars"], findings.layers, kind)
    plots.step_heat(drawn["steps"], findings.steps, kind)
    pictures = {
        "bars": _svg(drawn["bars"], f"Bars of the mean AAS of each layer in {name} attention; the table below has the numbers."),
        "steps": _svg(drawn["steps"], f"Heat map of AAS over layer and denoising step in {name} attention, for each role."),
    }
    has_gaps = "separation" in table.columns and bool(table["separation"].notna().any())
    if has_gaps:
        plots.gap_bars(places / f"gaps-{kind}.svg", findings.layers, kind)
        pictures["gaps"] = _svg(
            places / f"gaps-{kind}.svg", f"Bars of the success and the failure gap of each layer in {name} attention."
        )
    bound: list[Any] = []
    if len(findings.places) and (findings.places["kind"] == kind).any():
        plots.place_heat(places / f"places-{kind}.svg", findings.places, kind)
        pictures["places"] = _svg(
            places / f"places-{kind}.svg",
            f"Heat map of lift over layer and place in {name} attention, for the words of each role.",
        )
        bound = findings.binding[findings.binding["kind"] == kind].head(HEADS).to_dict("records")
    heads: list[Any] = []
    if len(findings.heads) and (findings.heads["kind"] == kind).any():
        plots.head_heat(places / f"heads-{kind}.svg", findings.heads, kind)
        pictures["heads"] = _svg(places / f"heads-{kind}.svg", f"Heat map of the lift of each head in {name} attention.")
        ordered = findings.heads[findings.heads["kind"] == kind].sort_values(
            ["lift", "layer", "head"], ascending=[False, True, True]
        )
        heads = ordered.head(HEADS).to_dict("records")
    return {
        "kind": kind,
        "name": name,
        "rows": table.sort_values(["variant", "place"]).to_dict("records"),
        "gaps": table[table["separation"].notna()]
        .sort_values(["variant", "separation"], ascending=[True, False])
        .to_dict("records")
        if has_gaps
        else [],
        "heads": heads,
        "binding": bound,
        "pictures": pictures,
    }


def _svg(path: Path, alt: str) -> Picture:
    return Picture(src=_data("image/svg+xml", read_bytes(path)), alt=alt, caption="")


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _overlays(folder: Folder, findings: Findings, about: Mapping[str, Any]) -> list[Picture]:
    """Return maps of the suggested layers laid over the frames of the first videos; a video whose file is gone has none."""
    settings = about["config"].page
    found: list[Picture] = []
    for name, seed in findings.videos[: settings.overlays]:
        path, video = folder.place("means", name, seed, ".safetensors"), folder.video(name, seed)
        if not (path.is_file() and video.is_file()):
            continue
        try:
            frames = list(Reader(video, keep=False))
        except MediaError:
            continue
        count = min(settings.frames, len(frames))
        chosen = sorted({round(item * (len(frames) - 1) / max(1, count - 1)) for item in range(count)})
        picked = [(index, frames[index]) for index in chosen]
        for kind, layers in findings.suggested.items():
            for layer in layers:
                kept = read_means(path, kind, layer)
                if kept is None:
                    continue
                for row, slot in enumerate(read_slots(path)):
                    if not (slot.tokens if kind == "v2t" else slot.has_cells):
                        continue
                    picture = strip(picked, len(frames), kept[0][row], kept[1][row])
                    stem = f"{path.stem}-{kind}-{layer}-{slot.interaction}-{slot.role}"
                    found.append(_overlay(folder, stem, picture, (name, kind, layer, plots.ROLES[slot.role])))
    return found


def _overlay(folder: Folder, stem: str, picture: Any, what: tuple[str, str, int, str]) -> Picture:
    name, kind, layer, role = what
    content = encode_jpeg(picture, QUALITY)
    write_atomically(folder.root / "overlays" / f"{stem}.jpg", content)
    caption = f"{name}: {role}, {KINDS[kind]}, layer {layer}"
    alt = f"Frames of {name} side by side, attention of the {role} in red, its mask outlined in white."
    return Picture(src=_data("image/jpeg", content), alt=alt, caption=caption)
