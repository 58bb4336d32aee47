"""Detector ``grounding_dino``: boxes for class nouns by GroundingDINO as the transformers library has it.

``grounding_dino:PATH`` takes a folder or a hub id; alone it takes the base weights. Settings: ``box_threshold`` (0.35) and
``text_threshold`` (0.25), the paper's (protocol, section 2), and ``batch`` (frames at once). All classes of a sample are asked in
one text, in more only where that would be too long for the model. Class nouns only: an appearance phrase makes it latch on to
part of it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import transformers

from intergeneval.detectors import DetectRequest, Frame
from intergeneval.errors import BackendError, ConfigError
from intergeneval.records import Box, Detection, Detections
from intergeneval.weights import DEVICE_SETTINGS, Once, check_settings, locate, number, place

OWNER = "detector 'grounding_dino'"
DEFAULT = "IDEA-Research/grounding-dino-base"
"""Weights that ``grounding_dino`` alone stands for."""
MODEL_TYPES = ("grounding-dino", "mm-grounding-dino")
SETTINGS = (*DEVICE_SETTINGS, "box_threshold", "text_threshold", "batch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """Some class nouns as the model reads them, such as ``man. coffee mug.``."""

    classes: tuple[str, ...]
    """The class nouns."""
    text: str
    """The text."""
    tokens: tuple[tuple[int, ...], ...]
    """Positions of each class's tokens in the tokenised text."""


class GroundingDinoDetector:
    """Finds every object of the listed classes, each as the one class that fits it best."""

    needs_truth = False
    parallel = False
    """One copy of the weights serves all videos."""

    def __init__(self, source: str, settings: Mapping[str, Any]) -> None:
        """Look at the weights' configuration; they are loaded with the first video. Raises ConfigError."""
        check_settings(OWNER, settings, SETTINGS)
        self._box_threshold = number(OWNER, settings, "box_threshold", 0.35, 0.0, 1.0)
        self._text_threshold = number(OWNER, settings, "text_threshold", 0.25, 0.0, 1.0)
        self._weights = locate(OWNER, source, "config.json")
        kind = transformers.PreTrainedConfig.get_config_dict(source)[0].get("model_type")
        if kind not in MODEL_TYPES:
            raise ConfigError(f"{OWNER}: {source!r} holds a {kind!r} model; this detector knows {', '.join(MODEL_TYPES)}")
        self._device, self._dtype = place(OWNER, {"dtype": "float32", **settings})
        self._batch = int(number(OWNER, settings, "batch", 4 if self._device.type == "cuda" else 1, 1, 256))
        self._model = Once(OWNER, self._load)

    @property
    def id(self) -> str:
        """``grounding_dino:`` with the weights' name and revision and both thresholds."""
        return f"grounding_dino:{self._weights.label}-box{self._box_threshold:g}-text{self._text_threshold:g}"

    def _load(self) -> tuple[Any, Any]:
        source = self._weights.source
        model = transformers.AutoModelForZeroShotObjectDetection.from_pretrained(source, dtype=self._dtype)
        return model.to(self._device).eval(), transformers.AutoProcessor.from_pretrained(source)

    def probe(self) -> str:
        """Look at one small frame, for ``intergeneval doctor``; return what worked. Raises BackendError."""
        _, processor = self._model.get()
        self._look([np.zeros((64, 96, 3), dtype=np.uint8)], _prompt(["man"], processor.tokenizer))
        return f"{self.id} on {self._device}: looked at one frame"

    def detect(self, request: DetectRequest) -> Detections:
        """Look at every frame of the request. Raises BackendError when the weights cannot be loaded or a class is too long."""
        began = time.perf_counter()
        model, processor = self._model.get()
        frames = tuple(sorted(request.frames))
        prompts = prompts_for(request.classes, processor.tokenizer, int(model.config.max_text_len))
        found: dict[int, list[Detection]] = {frame: [] for frame in frames}
        for prompt in prompts:
            for start in range(0, len(frames), self._batch):
                some = frames[start : start + self._batch]
                for frame, items in zip(some, self._look([request.frames[frame] for frame in some], prompt), strict=True):
                    found[frame] += items
        return Detections(
            sample_id=request.sample.id,
            seed=request.video.seed,
            detector=self.id,
            frames=frames,
            found=tuple(tuple(found[frame]) for frame in frames),
            usage={"seconds": time.perf_counter() - began, "prompts": len(prompts)},
        )

    def _look(self, frames: Sequence[Frame], prompt: Prompt) -> list[list[Detection]]:
        """Return what is found per frame."""
        model, processor = self._model.get()
        with torch.inference_mode():
            inputs = processor(images=list(frames), text=[prompt.text] * len(frames), return_tensors="pt").to(self._device)
            inputs["pixel_values"] = inputs["pixel_values"].to(self._dtype)
            out = model(**inputs)
            chances = out.logits.float().sigmoid().cpu()
            boxes = out.pred_boxes.float().cpu()
        return [
            self._kept(chances[index], boxes[index], prompt, (frame.shape[0], frame.shape[1]))
            for index, frame in enumerate(frames)
        ]

    def _kept(self, chances: torch.Tensor, boxes: torch.Tensor, prompt: Prompt, size: tuple[int, int]) -> list[Detection]:
        """Return the detections among all queries: chances (query, token), boxes (query, 4) as relative centre and sides.

        A query is one object: it becomes the class whose tokens it agrees with most, if its best token passes the box threshold
        and the class's tokens on average the text threshold (or the ``dog`` of ``hot dog`` would stand for the whole noun).
        """
        best = torch.stack([chances[:, list(tokens)].amax(dim=1) for tokens in prompt.tokens], dim=1)
        mean = torch.stack([chances[:, list(tokens)].mean(dim=1) for tokens in prompt.tokens], dim=1)
        chosen = mean.argmax(dim=1)
        kept = []
        for query, which in enumerate(chosen.tolist()):
            score = float(best[query, which])
            if score > self._box_threshold and float(mean[query, which]) > self._text_threshold:
                box = _box(boxes[query].tolist(), size)
                if box[2] > box[0] and box[3] > box[1]:
                    kept.append(Detection(class_=prompt.classes[which], box=box, score=score))
        return sorted(kept, key=lambda item: -item.score)


def prompts_for(classes: Sequence[str], tokenizer: Any, limit: int) -> list[Prompt]:
    """Return texts that hold all classes in at most `limit` tokens each. Raises BackendError for a longer class."""
    if not classes:
        return []
    prompt = _prompt(classes, tokenizer)
    length = len(tokenizer(prompt.text)["input_ids"])
    if length <= limit:
        return [prompt]
    if len(classes) == 1:
        raise BackendError(f"{OWNER}: class {classes[0]!r:.80} has {length} tokens, the model reads {limit}; use a shorter noun")
    half = len(classes) // 2
    return [*prompts_for(classes[:half], tokenizer, limit), *prompts_for(classes[half:], tokenizer, limit)]


def _prompt(classes: Sequence[str], tokenizer: Any) -> Prompt:
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
        raise BackendError(f"{OWNER}: class {empty!r} has no word the model could look for")
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


def create(argument: str, settings: Mapping[str, Any]) -> GroundingDinoDetector:
    """Build the detector; the argument is a folder or hub id. Raises ConfigError."""
    return GroundingDinoDetector(argument or DEFAULT, settings)
