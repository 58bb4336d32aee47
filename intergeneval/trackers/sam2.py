"""Tracker ``sam2``: the video predictor of the sam2 package, all instances in one pass.

``sam2:CHECKPOINT`` takes a checkpoint file (its name tells its configuration, or the setting ``config`` does), ``sam2:HUB/ID``
is one of the published ones, ``sam2:CONFIG`` a configuration of the package with the setting ``checkpoint``; ``sam2`` alone takes
SAM 2.1 large. The predictor reads pictures from a folder and keeps what it reads, so a long video goes through it in chunks of at
most 300 frames, each prompted with the masks the last one ended with; the record says so.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from sam2.build_sam import HF_MODEL_ID_TO_FILENAMES, build_sam2_video_predictor

from intergeneval.errors import BackendError, ConfigError
from intergeneval.masks import Mask
from intergeneval.plugins.weights import DEVICE_SETTINGS, Once, Weights, check_settings, locate, number, place
from intergeneval.records import Box, Tracks
from intergeneval.trackers import Frame, TrackRequest
from intergeneval.trackers.anchored import Seen, probe_scene, track_both_ways

OWNER = "tracker 'sam2'"
DEFAULT = "facebook/sam2.1-hiera-large"
"""Weights that ``sam2`` alone stands for."""
CHUNK = 300
"""Most frames the predictor is given at once: at 1024 pixels each takes 12.6 MB."""
SETTINGS = (*DEVICE_SETTINGS, "checkpoint", "config", "overrides", "chunk")
_CONFIGS = {Path(file).stem: config for config, file in HF_MODEL_ID_TO_FILENAMES.values()}


class Sam2Tracker:
    """Prompts every instance with its mask on the anchor frame and propagates all of them together."""

    needs_truth = False
    keepable = True
    both_ways = True
    parallel = False
    """One copy of the weights serves all videos."""

    def __init__(self, source: str, settings: Mapping[str, Any]) -> None:
        """Find checkpoint and configuration; the weights are loaded with the first video. Raises ConfigError."""
        check_settings(OWNER, settings, SETTINGS)
        self._config, self._weights = _find(source, settings)
        overrides = settings.get("overrides", [])
        if not isinstance(overrides, list) or not all(isinstance(item, str) for item in overrides):
            raise ConfigError(f"{OWNER}: overrides is {overrides!r}; it is a list of texts such as '++model.image_size=512'")
        self._overrides = list(overrides)
        self._chunk = int(number(OWNER, settings, "chunk", CHUNK, 2, CHUNK))
        self._device, self._dtype = place(OWNER, settings)
        self._model = Once(OWNER, self._load)

    @property
    def id(self) -> str:
        """``sam2:`` with the weights' name and revision; whatever else may move a pixel is part of it."""
        precision = "" if self._dtype == torch.float32 else f"-{str(self._dtype).removeprefix('torch.')}"
        chunk = "" if self._chunk == CHUNK else f"-chunk{self._chunk}"
        return f"sam2:{self._weights.label}{precision}{chunk}" + "".join(f"-{item.lstrip('+')}" for item in self._overrides)

    def _load(self) -> Any:
        # The package reads checkpoints with weights_only; nothing in them is run.
        return build_sam2_video_predictor(
            self._config, self._weights.source, device=str(self._device), hydra_overrides_extra=list(self._overrides)
        )

    def probe(self) -> str:
        """Follow a square through a few small frames, for ``intergeneval doctor``; return what worked. Raises BackendError."""
        frames, masks = probe_scene()
        count = sum(1 for _ in self.follow(frames, masks, []))
        return f"{self.id} on {self._device}: followed an instance through {count} frames"

    def track(self, request: TrackRequest) -> Tracks:
        """Track all instances from the anchor frame, both ways where it is not the first.

        Raises BackendError when the weights cannot be loaded or an instance's mask is empty.
        """
        chunks: list[int] = []

        def follow(frames: Iterable[Frame], masks: Mapping[str, Mask]) -> Iterator[Seen]:
            return self.follow(frames, masks, chunks)

        tracks = track_both_ways(request, follow)
        cut = f"tracked in {len(chunks)} chunks of at most {self._chunk} frames, each prompted with the last masks"
        return Tracks(
            sample_id=request.sample.id,
            seed=request.video.seed,
            tracker=self.id,
            size=request.video.size,
            tracks=tracks,
            anchor=request.anchor,
            fps=request.video.fps,
            notes=(cut,) if max([0, *chunks]) == self._chunk and len(chunks) > 1 else (),
        )

    def follow(self, frames: Iterable[Frame], masks: Mapping[str, Mask], chunks: list[int]) -> Iterator[Seen]:
        """Yield every instance's mask per frame, the given masks first; the length of each chunk is added to `chunks`.

        An instance that is out of sight where a chunk ends cannot be prompted in the next: from there on it is lost.
        """
        rest = iter(frames)
        known, first = dict(masks), next(rest, None)
        if first is None:
            return
        yield Seen(masks=masks, confidence=dict.fromkeys(masks, 1.0))
        nothing = np.zeros(first.shape[:2], dtype=np.bool_)
        while chunk := list(islice(rest, self._chunk - 1)):
            chunks.append(len(chunk) + 1)
            gone = tuple(name for name in masks if not known[name].any())
            prompts = {name: known[name] for name in masks if name not in gone}
            for found, trust in self._propagate([first, *chunk], prompts):
                known = {name: found.get(name, nothing) for name in masks}
                yield Seen(masks=known, confidence={name: trust.get(name, 0.0) for name in masks}, lost=gone)
            first = chunk[-1]

    def _propagate(
        self, frames: Sequence[Frame], masks: Mapping[str, Mask]
    ) -> Iterator[tuple[dict[str, Mask], dict[str, float]]]:
        """Yield masks and confidences for every frame after the first, which `masks` belong to."""
        if not masks:
            yield from (({}, {}) for _ in frames[1:])
            return
        predictor, names = self._model.get(), list(masks)
        half = torch.autocast(self._device.type, dtype=self._dtype, enabled=self._dtype != torch.float32)
        with tempfile.TemporaryDirectory() as folder, torch.inference_mode(), half:
            _write(Path(folder), frames)
            state = predictor.init_state(folder, offload_video_to_cpu=True)
            for index, name in enumerate(names):
                predictor.add_new_mask(state, 0, index, torch.from_numpy(masks[name]))
            for frame, ids, logits in predictor.propagate_in_video(state, start_frame_idx=0):
                if frame == 0:
                    continue
                found = (logits[:, 0] > 0).cpu().numpy()
                order = {names[index]: row for row, index in enumerate(ids)}
                trust = {
                    name: float(
                        state["output_dict_per_obj"][names.index(name)]["non_cond_frame_outputs"][frame][
                            "object_score_logits"
                        ].sigmoid()
                    )
                    for name in names
                }
                yield {name: found[order[name]] for name in names}, trust

    def segment(self, frame: Frame, boxes: Mapping[str, Box]) -> dict[str, Mask]:
        """Return a mask (H, W) for each box. Raises BackendError when the weights cannot be loaded."""
        predictor, found = self._model.get(), dict[str, Mask]()
        half = torch.autocast(self._device.type, dtype=self._dtype, enabled=self._dtype != torch.float32)
        with tempfile.TemporaryDirectory() as folder, torch.inference_mode(), half:
            _write(Path(folder), [frame])
            state = predictor.init_state(folder, offload_video_to_cpu=True)
            for index, name in enumerate(boxes):
                _, ids, logits = predictor.add_new_points_or_box(state, 0, index, box=list(boxes[name]))
                found[name] = (logits[list(ids).index(index), 0] > 0).cpu().numpy()
        return found


def _write(folder: Path, frames: Sequence[Frame]) -> None:
    """Write frames as the JPEG files that the predictor reads, without chroma subsampling and at full quality."""
    flags = [cv2.IMWRITE_JPEG_QUALITY, 100, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    for index, frame in enumerate(frames):
        if not cv2.imwrite(str(folder / f"{index:05d}.jpg"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), flags):
            raise BackendError(f"{OWNER}: frame {index} cannot be written to {folder}; is the disk full?")


def _find(source: str, settings: Mapping[str, Any]) -> tuple[str, Weights]:
    """Return configuration and checkpoint. Raises ConfigError where one of the two is not known."""
    given = settings.get("config")
    if source in HF_MODEL_ID_TO_FILENAMES:
        from huggingface_hub import hf_hub_download

        config, file = HF_MODEL_ID_TO_FILENAMES[source]
        weights = locate(OWNER, source, file)
        local = hf_hub_download(source, file)
        return given or config, Weights(source=local, name=weights.name, revision=weights.revision)
    if source.endswith(".yaml"):
        checkpoint = settings.get("checkpoint")
        if not checkpoint:
            raise ConfigError(
                f"{OWNER}: {source!r} is a configuration, which holds no weights; set checkpoint under [settings.sam2]"
            )
        return source, _checkpoint(str(checkpoint))
    weights = _checkpoint(source)
    config = given or _CONFIGS.get(weights.name)
    if config is None:
        raise ConfigError(f"{OWNER}: the name of {source!r} does not tell its configuration; set config under [settings.sam2]")
    return str(config), weights


def _checkpoint(source: str) -> Weights:
    if not Path(source).is_file():
        known = ", ".join(HF_MODEL_ID_TO_FILENAMES)
        raise ConfigError(f"{OWNER}: {source!r} is no checkpoint file and none of the published ids: {known}")
    return locate(OWNER, source, "")


def create(argument: str, settings: Mapping[str, Any]) -> Sam2Tracker:
    """Build the tracker; see the module for its argument. Raises ConfigError."""
    return Sam2Tracker(argument or DEFAULT, settings)
