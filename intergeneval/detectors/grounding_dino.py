"""Detector ``grounding_dino``: boxes for class nouns by GroundingDINO as the transformers library has it.

``grounding_dino:PATH`` takes a folder or a hub id; alone it takes the base weights. Settings: ``box_threshold`` (0.35) and
``text_threshold`` (0.25), the paper's (protocol, section 2), and ``batch`` (frames at once).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import transformers

from intergeneval.detectors import DetectRequest, Frame
from intergeneval.detectors.phrases import Prompt, Thresholds, detections, prompt_of, prompts_for
from intergeneval.errors import ConfigError
from intergeneval.plugins.weights import DEFAULTS, DEVICE_SETTINGS, Once, check_settings, locate, number, place
from intergeneval.records import Detection, Detections

OWNER = "detector 'grounding_dino'"
DEFAULT = DEFAULTS["grounding_dino"]
"""Weights that ``grounding_dino`` alone stands for."""
MODEL_TYPES = ("grounding-dino", "mm-grounding-dino")
SETTINGS = (*DEVICE_SETTINGS, "box_threshold", "text_threshold", "batch")


class GroundingDinoDetector:
    """Finds every object of the listed classes, each as the one class that fits it best."""

    needs_truth = False
    parallel = False
    """One copy of the weights serves all videos."""

    def __init__(self, source: str, settings: Mapping[str, Any]) -> None:
        """Look at the weights' configuration; they are loaded with the first video. Raises ConfigError."""
        check_settings(OWNER, settings, SETTINGS)
        self._thresholds = Thresholds.read(OWNER, settings)
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
        return f"grounding_dino:{self._weights.label}-{self._thresholds.label}"

    def _load(self) -> tuple[Any, Any]:
        source = self._weights.source
        model = transformers.AutoModelForZeroShotObjectDetection.from_pretrained(source, dtype=self._dtype)
        return model.to(self._device).eval(), transformers.AutoProcessor.from_pretrained(source)

    def probe(self) -> str:
        """Look at one small frame, for ``intergeneval doctor``; return what worked. Raises BackendError."""
        _, processor = self._model.get()
        self._look([np.zeros((64, 96, 3), dtype=np.uint8)], prompt_of(["man"], processor.tokenizer))
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
            detections(chances[index], boxes[index], prompt, (frame.shape[0], frame.shape[1]), self._thresholds)
            for index, frame in enumerate(frames)
        ]


def create(argument: str, settings: Mapping[str, Any]) -> GroundingDinoDetector:
    """Build the detector; the argument is a folder or hub id. Raises ConfigError."""
    return GroundingDinoDetector(argument or DEFAULT, settings)
