"""The page on which a sheet is labelled: one file, opened from a disk, worked with the keyboard, saved as ``labels.json``."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from intergeneval.masks import COLOUR_RGB
from intergeneval.store import write_atomically
from intergeneval.videos import Frame, encode_jpeg

WIDEST = 256
"""Width of frames on the page, in pixels; smaller ones stay as they are and are enlarged when shown."""
QUALITY = 88
"""JPEG quality of the frames."""
_ROW = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownClip:
    """One clip as the sheet shows it."""

    id: str
    """Its name on the sheet."""
    prompt: str
    """Text the video model was given."""
    legend: Sequence[tuple[str, str]]
    """(colour, appearance) of each instance."""
    questions: Sequence[tuple[int, str]]
    """(id, text) of the questions asked of it."""
    first: Frame
    """First frame with masks, (H, W, 3)."""
    frames: Sequence[Frame]
    """The clip's frames."""
    fps: float
    """Frames per second at which they are played."""
    contact: Frame
    """The contact sheet."""

    def blind(self) -> dict[str, Any]:
        """Return what a model that labels is given beside the contact sheet."""
        return {
            "id": self.id,
            "picture": f"contact/{self.id}.png",
            "prompt": self.prompt,
            "legend": [{"colour": colour, "who": who} for colour, who in self.legend],
            "questions": [{"id": number, "text": text} for number, text in self.questions],
        }


def write_page(path: Path, sheet: str, clips: Sequence[ShownClip]) -> None:
    """Write the page. Texts come from benchmarks: all is escaped, and only this page's own script runs."""
    environment = Environment(
        loader=PackageLoader("matrix_train.study"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    folder = Path(__file__).parent / "templates"
    css, js = ((folder / name).read_text(encoding="utf-8") for name in ("label.css", "label.js"))
    css += "".join(f'.swatch[data-colour="{name}"] {{ background: rgb{rgb}; }}\n' for name, rgb in COLOUR_RGB.items())
    data = json.dumps({"sheet": sheet, "clips": [_data(clip) for clip in clips]}, ensure_ascii=False).replace("<", "\\u003c")
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(css)}'; script-src '{_hash(js)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    page = environment.get_template("label.html").render(
        sheet=sheet,
        count=len(clips),
        policy=policy,
        # Style and script come from this package, and in the data no tag can end the block.
        css=Markup(css),  # noqa: S704
        js=Markup(js),  # noqa: S704
        data=Markup(data),  # noqa: S704
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, page)


def _data(clip: ShownClip) -> dict[str, Any]:
    small = [_shrunk(frame) for frame in clip.frames]
    height, width = small[0].shape[:2]
    blank = np.zeros_like(small[0])
    rows = [small[start : start + _ROW] for start in range(0, len(small), _ROW)]
    strip = np.concatenate([np.concatenate([*row, *[blank] * (_ROW - len(row))], axis=1) for row in rows], axis=0)
    shown = {name: value for name, value in clip.blind().items() if name != "picture"}
    sprite = {"uri": _uri(strip), "frames": len(small), "row": _ROW, "width": width, "height": height, "fps": clip.fps}
    return {**shown, "sprite": sprite, "first": _uri(_shrunk(clip.first))}


def _shrunk(frame: Frame) -> Frame:
    if frame.shape[1] <= WIDEST:
        return frame
    height = round(frame.shape[0] * WIDEST / frame.shape[1])
    return np.asarray(cv2.resize(frame, (WIDEST, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _uri(picture: Frame) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(np.ascontiguousarray(picture), QUALITY)).decode("ascii")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
