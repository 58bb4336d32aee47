"""Detector ``groundingdino_py``: GroundingDINO as its own package has it (``pip install intergeneval[groundingdino]``).

``groundingdino_py:CHECKPOINT`` takes a checkpoint file of that package; its name tells the configuration, or the setting
``config`` does. Settings: ``box_threshold`` (0.35), ``text_threshold`` (0.25), ``text_encoder`` (folder of the BERT it reads
with; ``bert-base-uncased``), ``side`` (shorter side of a frame for the model, 800 pixels), ``batch``, ``device`` and
``overrides`` of the configuration. The detector ``grounding_dino`` reads the same weights with transformers alone and is the
default; this one is for those who must have the package's own numbers.
"""

from __future__ import annotations

import contextlib
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from intergeneval.detectors import DetectRequest, Frame
from intergeneval.detectors.phrases import Prompt, Thresholds, detections, prompt_of, prompts_for
from intergeneval.errors import BackendError, ConfigError
from intergeneval.plugins.weights import Once, check_settings, locate, number, place
from intergeneval.records import Detection, Detections

with warnings.catch_warnings():
    # The package imports a module of timm under the name it had before.
    warnings.simplefilter("ignore", FutureWarning)
    import groundingdino
    from groundingdino.datasets import transforms
    from groundingdino.models.GroundingDINO import groundingdino as architecture
    from groundingdino.util.slconfig import SLConfig
    from groundingdino.util.utils import clean_state_dict

OWNER = "detector 'groundingdino_py'"
CONFIGS = {"groundingdino_swint_ogc": "GroundingDINO_SwinT_OGC", "groundingdino_swinb_cogcoor": "GroundingDINO_SwinB_cfg"}
"""Name of a published checkpoint -> the package's configuration of it."""
SETTINGS = ("device", "box_threshold", "text_threshold", "text_encoder", "side", "batch", "config", "overrides")
SIDE = 800
"""Shorter side of a frame as the package prepares it, pixels; the longer one at most 1333."""
LONGEST = 1333 / 800
MAX_TOKENS = 256
"""Tokens of a text that the package's model reads."""
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


class TextEncoder(torch.nn.Module):
    """BERT under the parameter names of the package's checkpoints, called as transformers 5 has it.

    The package's own wrapper calls methods of BertModel that are gone since transformers 5.
    """

    def __init__(self, bert_model: Any) -> None:
        super().__init__()
        self.config = bert_model.config
        self.embeddings = bert_model.embeddings
        self.encoder = bert_model.encoder
        self.pooler = bert_model.pooler

    def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any, position_ids: Any) -> dict[str, Any]:
        """Return the last hidden state (B, tokens, width); `attention_mask` (B, tokens, tokens) says who may look at whom."""
        hidden = self.embeddings(input_ids=input_ids, token_type_ids=token_type_ids, position_ids=position_ids)
        unseen = torch.finfo(hidden.dtype).min
        added = torch.zeros(attention_mask.shape, dtype=hidden.dtype, device=hidden.device)
        added = added.masked_fill(~attention_mask.bool(), unseen)[:, None]
        return {"last_hidden_state": self.encoder(hidden, attention_mask=added)[0]}


class GroundingDinoPackageDetector:
    """Finds every object of the listed classes, each as the one class that fits it best."""

    needs_truth = False
    parallel = False
    """One copy of the weights serves all videos."""

    def __init__(self, source: str, settings: Mapping[str, Any]) -> None:
        """Find checkpoint and configuration; the weights are loaded with the first video. Raises ConfigError."""
        check_settings(OWNER, settings, SETTINGS)
        self._thresholds = Thresholds.read(OWNER, settings)
        self._weights = locate(OWNER, source, "")
        self.arguments = _configuration(self._weights.name, settings)
        self._device, _ = place(OWNER, {"device": settings.get("device"), "dtype": "float32"})
        self._side = int(number(OWNER, settings, "side", SIDE, 64, 4096))
        self._batch = int(number(OWNER, settings, "batch", 4 if self._device.type == "cuda" else 1, 1, 256))
        self._model = Once(OWNER, self._load)
        size = transforms.RandomResize([self._side], max_size=int(self._side * LONGEST))
        self._prepare = transforms.Compose([size, transforms.ToTensor(), transforms.Normalize(MEAN, DEVIATION)])

    @property
    def id(self) -> str:
        """``groundingdino_py:`` with the weights' name and revision, both thresholds, and another side than the package's."""
        side = "" if self._side == SIDE else f"-side{self._side}"
        return f"groundingdino_py:{self._weights.label}-{self._thresholds.label}{side}"

    def _load(self) -> Any:
        model = build(self.arguments)
        stored = torch.load(self._weights.source, map_location="cpu", weights_only=True)
        state = clean_state_dict(stored.get("model", stored))
        # Weights that only training used, and a count of positions that transformers no longer stores, may be left over.
        missing = [name for name in model.load_state_dict(state, strict=False).missing_keys if not name.endswith("position_ids")]
        if missing:
            raise BackendError(
                f"{OWNER}: {self._weights.source!r} holds no {missing[0]} ({len(missing)} parts are missing); does its "
                f"configuration fit? set config under [settings.groundingdino_py]"
            )
        return model.to(self._device).eval()

    def probe(self) -> str:
        """Look at one small frame, for ``intergeneval doctor``; return what worked. Raises BackendError."""
        model = self._model.get()
        self._look([np.zeros((64, 96, 3), dtype=np.uint8)], prompt_of(["man"], model.tokenizer))
        return f"{self.id} on {self._device}: looked at one frame"

    def detect(self, request: DetectRequest) -> Detections:
        """Look at every frame of the request. Raises BackendError when the weights cannot be loaded or a class is too long."""
        began = time.perf_counter()
        model = self._model.get()
        frames = tuple(sorted(request.frames))
        prompts = prompts_for(request.classes, model.tokenizer, MAX_TOKENS)
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
        """Return what is found per frame; all frames are of one size."""
        pictures = torch.stack([self._prepare(Image.fromarray(frame), None)[0] for frame in frames])
        with torch.inference_mode():
            out = self._model.get()(pictures.to(self._device), captions=[prompt.text] * len(frames))
            chances, boxes = out["pred_logits"].sigmoid().cpu(), out["pred_boxes"].cpu()
        return [
            detections(chances[index], boxes[index], prompt, (frame.shape[0], frame.shape[1]), self._thresholds)
            for index, frame in enumerate(frames)
        ]


def build(arguments: Any) -> Any:
    """Return the package's model of a configuration, with random weights."""
    architecture.BertModelWarper = TextEncoder
    # It prints as it builds, and standard output belongs to results.
    with contextlib.redirect_stdout(sys.stderr):
        return architecture.build_groundingdino(arguments)


def _configuration(name: str, settings: Mapping[str, Any]) -> Any:
    """Return the package's configuration for a checkpoint of that name. Raises ConfigError where it is not known.

    Configurations of the package are Python files, which are run when they are read, so none is taken from elsewhere.
    """
    wanted = settings.get("config") or CONFIGS.get(name)
    if wanted not in CONFIGS.values():
        known = ", ".join(CONFIGS.values())
        said = (
            f"config {wanted!r} is none of"
            if wanted
            else f"the name {name!r} does not tell its configuration; set config to one of"
        )
        raise ConfigError(f"{OWNER}: {said} {known} under [settings.groundingdino_py]")
    arguments = SLConfig.fromfile(str(Path(groundingdino.__file__).parent / "config" / f"{wanted}.py"))
    overrides = settings.get("overrides", {})
    known_names = set(arguments._cfg_dict)  # the package offers no list of them
    for key in overrides:
        if key not in known_names:
            raise ConfigError(f"{OWNER}: overrides names {key!r}, which {wanted} does not have")
    encoder = str(settings.get("text_encoder", "bert-base-uncased"))
    if encoder != "bert-base-uncased" and not Path(encoder).is_dir():
        raise ConfigError(f"{OWNER}: text_encoder {encoder!r} is neither 'bert-base-uncased' nor a folder with BERT's weights")
    # Recomputing activations saves memory in training and does nothing here.
    fixed = {"use_checkpoint": False, "use_transformer_ckpt": False, "text_encoder_type": encoder}
    for key, value in {**overrides, **fixed}.items():
        setattr(arguments, key, value)
    return arguments


def create(argument: str, settings: Mapping[str, Any]) -> GroundingDinoPackageDetector:
    """Build the detector; the argument is a checkpoint file. Raises ConfigError."""
    if not Path(argument).is_file():
        said = f"{argument!r} is no file; " if argument else ""
        raise ConfigError(f"{OWNER}: {said}say which checkpoint file, as in groundingdino_py:groundingdino_swint_ogc.pth")
    return GroundingDinoPackageDetector(argument, settings)
