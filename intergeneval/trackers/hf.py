"""Tracker ``hf``: video segmenters of the transformers library (SAM 2, EdgeTAM, SAM 3's tracker), all instances in one pass.

``hf:PATH`` takes a folder or a hub id; ``hf`` alone takes SAM 2.1 large. Frames are streamed: each is encoded once, its features
serve every instance, and of the past only what the model's memory can still look at is kept, so a long video needs no more
memory than a short one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
import transformers

from intergeneval.errors import ConfigError
from intergeneval.masks import Mask
from intergeneval.plugins.weights import DEFAULTS, DEVICE_SETTINGS, Once, check_settings, locate, place
from intergeneval.records import Box, Tracks
from intergeneval.trackers import Frame, TrackRequest
from intergeneval.trackers.anchored import Seen, probe_scene, track_both_ways

OWNER = "tracker 'hf'"
DEFAULT = DEFAULTS["hf"]
"""Weights that ``hf`` alone stands for."""
FAMILIES = {
    "sam2_video": ("Sam2VideoModel", "Sam2VideoProcessor"),
    "edgetam_video": ("EdgeTamVideoModel", "Sam2VideoProcessor"),
    "sam3_tracker_video": ("Sam3TrackerVideoModel", "Sam3TrackerVideoProcessor"),
    # SAM 3 as published holds its tracker as a part, which its tracker's class loads.
    "sam3_video": ("Sam3TrackerVideoModel", "Sam3TrackerVideoProcessor"),
}
"""Model type in ``config.json`` -> model and processor class."""


class HfTracker:
    """Prompts every instance with its mask on the anchor frame and propagates all of them together."""

    needs_truth = False
    keepable = True
    both_ways = True
    parallel = False
    """One copy of the weights serves all videos."""

    def __init__(self, source: str, settings: Mapping[str, Any]) -> None:
        """Look at the weights' configuration; they are loaded with the first video. Raises ConfigError."""
        check_settings(OWNER, settings, DEVICE_SETTINGS)
        self._settings = dict(settings)
        self._weights = locate(OWNER, source, "config.json")
        kind = transformers.PreTrainedConfig.get_config_dict(source)[0].get("model_type")
        if kind not in FAMILIES:
            raise ConfigError(f"{OWNER}: {source!r} holds a {kind!r} model; this tracker knows {', '.join(FAMILIES)}")
        self._classes = FAMILIES[kind]
        self._device, self._dtype = place(OWNER, settings)
        self._model = Once(OWNER, self._load)

    @property
    def id(self) -> str:
        """``hf:`` with the weights' name and revision; half precision, which may move a pixel, is part of it."""
        return f"hf:{self._weights.label}" + (
            "" if self._dtype == torch.float32 else f"-{str(self._dtype).removeprefix('torch.')}"
        )

    def _load(self) -> tuple[Any, Any]:
        model_class, processor_class = (getattr(transformers, name) for name in self._classes)
        model = model_class.from_pretrained(self._weights.source, dtype=self._dtype)
        return model.to(self._device).eval(), processor_class.from_pretrained(self._weights.source)

    def probe(self) -> str:
        """Follow a square through a few small frames, for ``intergeneval doctor``; return what worked. Raises BackendError."""
        frames, masks = probe_scene()
        count = sum(1 for _ in self.follow(frames, masks))
        return f"{self.id} on {self._device}: followed an instance through {count} frames"

    def track(self, request: TrackRequest) -> Tracks:
        """Track all instances from the anchor frame, both ways where it is not the first.

        Raises BackendError when the weights cannot be loaded or an instance's mask is empty.
        """
        return Tracks(
            sample_id=request.sample.id,
            seed=request.video.seed,
            tracker=self.id,
            size=request.video.size,
            tracks=track_both_ways(request, self.follow),
            anchor=request.anchor,
            fps=request.video.fps,
        )

    def follow(self, frames: Iterable[Frame], masks: Mapping[str, Mask]) -> Iterator[Seen]:
        """Yield every instance's mask per frame, the given masks first: they are the truth of their frame."""
        model, processor = self._model.get()
        names = list(masks)
        session = processor.init_video_session(inference_device=self._device, dtype=self._dtype)
        for index, frame in enumerate(frames):
            with torch.inference_mode():
                inputs = processor(images=frame, device=self._device, return_tensors="pt")
                if index == 0:
                    processor.add_inputs_to_inference_session(
                        session, frame_idx=0, obj_ids=list(range(len(names))), input_masks=[masks[name] for name in names]
                    )
                out = model(inference_session=session, frame=inputs.pixel_values[0], frame_idx=index)
                scores = out.object_score_logits.float().sigmoid().reshape(-1).cpu().tolist()
                grown = processor.post_process_masks([out.pred_masks.float()], inputs.original_sizes)[0]
                found = grown.reshape(len(names), *frame.shape[:2]).cpu().numpy()
            forget(session, index, memory_length(model.config))
            if index == 0:
                yield Seen(masks=masks, confidence=dict.fromkeys(names, 1.0))
            else:
                yield Seen(masks=dict(zip(names, found, strict=True)), confidence=dict(zip(names, scores, strict=True)))

    def segment(self, frame: Frame, boxes: Mapping[str, Box]) -> dict[str, Mask]:
        """Return a mask (H, W) for each box. Raises BackendError when the weights cannot be loaded."""
        if not boxes:
            return {}
        model, processor = self._model.get()
        names = list(boxes)
        session = processor.init_video_session(inference_device=self._device, dtype=self._dtype)
        with torch.inference_mode():
            inputs = processor(images=frame, device=self._device, return_tensors="pt")
            processor.add_inputs_to_inference_session(
                session,
                frame_idx=0,
                obj_ids=list(range(len(names))),
                input_boxes=[[list(boxes[name]) for name in names]],
                original_size=(frame.shape[0], frame.shape[1]),
            )
            out = model(inference_session=session, frame=inputs.pixel_values[0], frame_idx=0)
            grown = processor.post_process_masks([out.pred_masks.float()], inputs.original_sizes)[0]
            found = grown.reshape(len(names), *frame.shape[:2]).cpu().numpy()
        return dict(zip(names, found, strict=True))


def memory_length(config: Any) -> int:
    """Return how many past frames the model's memory can look at."""
    return max(int(config.num_maskmem), int(config.max_object_pointers_in_encoder))


def forget(session: Any, index: int, keep: int) -> None:
    """Drop from a streaming session the frame `index` just seen and every output older than `keep` frames.

    The session itself keeps all of them for corrections by hand, which nobody makes here.
    """
    session.processed_frames.pop(index, None)
    for outputs in session.output_dict_per_obj.values():
        for stored in outputs.values():
            # Needed only until the memory of their frame is encoded, and larger than all else together.
            stored.get(index, {}).pop("high_res_masks", None)
        recent = outputs["non_cond_frame_outputs"]
        for old in [frame for frame in recent if frame <= index - keep]:
            del recent[old]
    for tracked in session.frames_tracked_per_obj.values():
        tracked.pop(index - keep, None)


def create(argument: str, settings: Mapping[str, Any]) -> HfTracker:
    """Build the tracker; the argument is a folder or hub id, settings are ``device`` and ``dtype``. Raises ConfigError."""
    return HfTracker(argument or DEFAULT, settings)
