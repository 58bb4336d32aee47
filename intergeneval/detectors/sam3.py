"""Detector ``sam3``: boxes for class nouns by SAM 3's concept prompts, as the transformers library has it.

``sam3:PATH`` takes a folder or a hub id; alone it takes the published weights. Each frame is encoded once, and each class is
asked of it by itself, so the number of classes is not limited and one thing may be found as two classes that both fit. Settings:
``threshold`` (0.5), ``device`` and ``dtype``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import transformers

from intergeneval.detectors import DetectRequest, Frame
from intergeneval.errors import BackendError, ConfigError
from intergeneval.plugins.weights import DEVICE_SETTINGS, Once, check_settings, locate, number, place
from intergeneval.records import Detection, Detections

OWNER = "detector 'sam3'"
DEFAULT = "facebook/sam3"
"""Weights that ``sam3`` alone stands for."""
MODEL_TYPES = ("sam3", "sam3_video")
"""The published weights hold detector and tracker together; the detector's class loads its part."""
SETTINGS = (*DEVICE_SETTINGS, "threshold")


class Sam3Detector:
    """Finds every object that a class noun names."""

    needs_truth = False
    parallel = False
    """One copy of the weights serves all videos."""

    def __init__(self, source: str, settings: Mapping[str, Any]) -> None:
        """Look at the weights' configuration; they are loaded with the first video. Raises ConfigError."""
        check_settings(OWNER, settings, SETTINGS)
        self._threshold = number(OWNER, settings, "threshold", 0.5, 0.0, 1.0)
        self._weights = locate(OWNER, source, "config.json")
        kind = transformers.PreTrainedConfig.get_config_dict(source)[0].get("model_type")
        if kind not in MODEL_TYPES:
            raise ConfigError(f"{OWNER}: {source!r} holds a {kind!r} model; this detector knows {', '.join(MODEL_TYPES)}")
        self._device, self._dtype = place(OWNER, settings)
        self._model = Once(OWNER, self._load)

    @property
    def id(self) -> str:
        """``sam3:`` with the weights' name and revision and the threshold; half precision may move a box and is part of it."""
        precision = "" if self._dtype == torch.float32 else f"-{str(self._dtype).removeprefix('torch.')}"
        return f"sam3:{self._weights.label}-{self._threshold:g}{precision}"

    def _load(self) -> tuple[Any, Any]:
        source = self._weights.source
        model = transformers.Sam3Model.from_pretrained(source, dtype=self._dtype)
        return model.to(self._device).eval(), transformers.Sam3Processor.from_pretrained(source)

    def probe(self) -> str:
        """Look at one small frame, for ``intergeneval doctor``; return what worked. Raises BackendError."""
        self._look(np.zeros((64, 96, 3), dtype=np.uint8), self._asked(["man"]))
        return f"{self.id} on {self._device}: looked at one frame"

    def detect(self, request: DetectRequest) -> Detections:
        """Look at every frame of the request. Raises BackendError when the weights cannot be loaded or a class is too long."""
        began = time.perf_counter()
        frames = tuple(sorted(request.frames))
        asked = self._asked(request.classes)
        return Detections(
            sample_id=request.sample.id,
            seed=request.video.seed,
            detector=self.id,
            frames=frames,
            found=tuple(tuple(self._look(request.frames[frame], asked)) for frame in frames),
            usage={"seconds": time.perf_counter() - began, "prompts": len(request.classes)},
        )

    def _asked(self, classes: Sequence[str]) -> dict[str, tuple[Any, Any]]:
        """Return class -> (what the model makes of its words, which of their places are words)."""
        model, processor = self._model.get()
        limit = int(model.text_encoder.config.max_position_embeddings)
        asked = {}
        for name in classes:
            whole = processor.tokenizer(name, truncation=False, padding=False)["input_ids"]
            if len(whole) > limit:
                raise BackendError(f"class {name!r:.80} has {len(whole)} tokens, the model reads {limit}; use a shorter noun")
            with torch.inference_mode():
                words = processor(text=name, return_tensors="pt").to(self._device)
                read = model.get_text_features(input_ids=words.input_ids, attention_mask=words.attention_mask)
            asked[name] = (read, words.attention_mask)
        return asked

    def _look(self, frame: Frame, asked: Mapping[str, tuple[Any, Any]]) -> list[Detection]:
        """Return what is found in one frame, the surest first."""
        model, processor = self._model.get()
        tall, wide = frame.shape[:2]
        kept = []
        with torch.inference_mode():
            pixels = processor(images=frame, return_tensors="pt").pixel_values.to(self._device, self._dtype)
            seen = model.get_vision_features(pixel_values=pixels)
            for name, (words, places) in asked.items():
                out = model(vision_embeds=seen, text_embeds=words, attention_mask=places)
                for part in ("pred_boxes", "pred_logits", "presence_logits"):
                    out[part] = out[part].float()
                found = processor.post_process_object_detection(out, threshold=self._threshold, target_sizes=[(tall, wide)])[0]
                for box, score in zip(found["boxes"].tolist(), found["scores"].tolist(), strict=True):
                    x0, x1 = (min(max(side, 0.0), float(wide)) for side in (box[0], box[2]))
                    y0, y1 = (min(max(side, 0.0), float(tall)) for side in (box[1], box[3]))
                    if x1 > x0 and y1 > y0:
                        kept.append(Detection(class_=name, box=(x0, y0, x1, y1), score=float(score)))
        return sorted(kept, key=lambda item: -item.score)


def create(argument: str, settings: Mapping[str, Any]) -> Sam3Detector:
    """Build the detector; the argument is a folder or hub id. Raises ConfigError."""
    return Sam3Detector(argument or DEFAULT, settings)
