"""Class nouns to one text and back, as GroundingDINO reads them: what its two implementations share.

All classes of a sample are asked in one text, in more only where that would be too long for the model. Class nouns only: an
appearance phrase makes the model latch on to part of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch

from intergeneval.errors import BackendError
from intergeneval.plugins.weights import number
from intergeneval.records import Box, Detection


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What a detection must reach; the defaults are the paper's (protocol, section 2)."""

    box: float = 0.35
    """Least confidence of the best token."""
    text: float = 0.25
    """Least confidence of a class's tokens on average."""

    @classmethod
    def read(cls, owner: str, settings: Mapping[str, Any]) -> Self:
        """Return what ``box_threshold`` and ``text_threshold`` say. Raises ConfigError."""
        return cls(
            box=number(owner, settings, "box_threshold", 0.35, 0.0, 1.0),
            text=number(owner, settings, "text_threshold", 0.25, 0.0, 1.0),
        )

    @property
    def label(self) -> str:
        """Both, as part of a detector's id."""
        return f"box{self.box:g}-text{self.text:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """Some class nouns as the model reads them, such as ``man. coffee mug.``."""

    classes: tuple[str, ...]
    """The class nouns."""
    text: str
    """The text."""
    tokens: tuple[tuple[int, ...], ...]
    """Positions of each class's tokens in the tokenised text."""


def prompts_for(classes: Sequence[str], tokenizer: Any, limit: int) -> list[Prompt]:
    """Return texts that hold all classes in at most `limit` tokens each. Raises BackendError for a longer class."""
    if not classes:
        return []
    prompt = prompt_of(classes, tokenizer)
    length = len(tokenizer(prompt.text)["input_ids"])
    if length <= limit:
        return [prompt]
    if len(classes) == 1:
        raise BackendError(f"class {classes[0]!r:.80} has {length} tokens, the model reads {limit}; use a shorter noun")
    half = len(classes) // 2
    return [*prompts_for(classes[:half], tokenizer, limit), *prompts_for(classes[half:], tokenizer, limit)]


def prompt_of(classes: Sequence[str], tokenizer: Any) -> Prompt:
    """Return one text that holds all classes. Raises BackendError for a class without a word."""
    text, spans = "", []
    for name in classes:
        # A full stop ends a class for the model, so none may stand inside one.
        noun = " ".join(name.lower().replace(".", " ").replace("?", " ").split())
        spans.append((len(text), len(text) + len(noun)))
        text += f"{noun}. "
    offsets = tokenizer(text.strip(), return_offsets_mapping=True)["offset_mapping"]
    tokens = tuple(
        tuple(index for index, (start, end) in enumerate(offsets) if first <= start < end <= last) for first, last in spans
    )
    empty = next((name for name, found in zip(classes, tokens, strict=True) if not found), None)
    if empty is not None:
        raise BackendError(f"class {empty!r} has no word the model could look for")
    return Prompt(classes=tuple(classes), text=text.strip(), tokens=tokens)


def _box(relative: Sequence[float], size: tuple[int, int]) -> Box:
    """Return corners in pixels, inside a picture of that size (H, W), of a box given as relative centre and sides."""
    x, y, width, height = relative
    tall, wide = size
    return (
        min(max((x - width / 2) * wide, 0.0), float(wide)),
        min(max((y - height / 2) * tall, 0.0), float(tall)),
        min(max((x + width / 2) * wide, 0.0), float(wide)),
        min(max((y + height / 2) * tall, 0.0), float(tall)),
    )


def detections(
    chances: torch.Tensor, boxes: torch.Tensor, prompt: Prompt, size: tuple[int, int], thresholds: Thresholds
) -> list[Detection]:
    """Return the detections among all queries of one frame of that size (H, W), the surest first.

    `chances` (query, token) are 0 to 1, `boxes` (query, 4) relative centre and sides. A query is one object: it becomes the class
    whose tokens it agrees with most, if its best token passes the box threshold and the class's tokens on average the text
    threshold (or the ``dog`` of ``hot dog`` would stand for the whole noun).
    """
    best = torch.stack([chances[:, list(tokens)].amax(dim=1) for tokens in prompt.tokens], dim=1)
    mean = torch.stack([chances[:, list(tokens)].mean(dim=1) for tokens in prompt.tokens], dim=1)
    kept = []
    for query, which in enumerate(mean.argmax(dim=1).tolist()):
        score = float(best[query, which])
        if score > thresholds.box and float(mean[query, which]) > thresholds.text:
            box = _box(boxes[query].tolist(), size)
            if box[2] > box[0] and box[3] > box[1]:
                kept.append(Detection(class_=prompt.classes[which], box=box, score=score))
    return sorted(kept, key=lambda item: -item.score)
