"""Proposes boxes, has them verified where a model can, and gives each instance one or the reason why it has none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from intergeneval.config import GroundingConfig
from intergeneval.detectors import Detector, DetectRequest
from intergeneval.errors import BackendError, BudgetError, RefusedError
from intergeneval.grounding.crops import crop_jpeg
from intergeneval.grounding.matching import Wanted, assign, distinct
from intergeneval.judges.crops import crop_inquiry
from intergeneval.judges.inquiries import Inquires, InquiryError
from intergeneval.judges.prompting import Prompts
from intergeneval.records import CropCheck, Detection, Grounding, Instance, Sample, Truth, Video

Frame = npt.NDArray[np.uint8]
"""One RGB frame, shape (H, W, 3), values 0..255."""


class Grounder:
    """Finds the instances of a sample in a frame."""

    def __init__(self, detector: Detector | None, verifier: Inquires | None, prompts: Prompts, config: GroundingConfig) -> None:
        """Without a `detector` only boxes that are settled already are placed; without a `verifier` nothing is looked at."""
        self._detector = detector
        self._verifier = verifier
        self._prompts = prompts
        self._config = config

    @property
    def method(self) -> str:
        """Detector with its thresholds, and who verifies: what a reader must know of where boxes come from."""
        proposed = f"{self.detector}, at most {self._config.candidates} a class"
        if self._verifier is None:
            return f"{proposed}, not verified ({self._config.unverified})"
        return f"{proposed}, verified by {self._verifier.inquirer}, prompts {self._prompts.version}"

    @property
    def detector(self) -> str:
        """Id of the detector, ``none`` without one."""
        return self._detector.id if self._detector is not None else "none"

    def propose(
        self, sample: Sample, video: Video, frames: Mapping[int, Frame], truth: Truth | None = None
    ) -> dict[int, tuple[Detection, ...]]:
        """Return the candidates per frame (RGB uint8 (H, W, 3) by index), none without a detector. Raises BackendError."""
        if self._detector is None:
            return dict.fromkeys(frames, ())
        request = DetectRequest(
            sample=sample,
            video=video,
            frames=frames,
            classes=tuple(dict.fromkeys(item.class_ for item in sample.instances)),
            truth=truth if self._detector.needs_truth else None,
        )
        found = self._detector.detect(request)
        seen = dict(zip(found.frames, found.found, strict=True))
        if found.status != "ok" or set(frames) - set(seen):
            raise BackendError(found.reason or f"the detector did not look at frames {sorted(set(frames) - set(seen))}")
        return {index: distinct(seen[index], self._config.candidates) for index in frames}

    def place(
        self, key: tuple[str, int, int], frame: Frame, wanted: Sequence[Wanted], candidates: Sequence[Detection]
    ) -> Grounding:
        """Return where the wanted instances are in one frame; `key` is sample id, seed and index of the frame.

        A model that fails makes the grounding failed, with what was spent on it. Raises BudgetError when the cost limit lets
        nothing be asked at all, RefusedError when the server does.
        """
        took: list[Mapping[str, Any]] = []
        checks: list[CropCheck] = []
        verifier = self._verifier

        def verify(instance: Instance, index: int) -> CropCheck:
            assert verifier is not None
            jpeg = crop_jpeg(frame, candidates[index].box)
            found = verifier.inquire(crop_inquiry(self._prompts, jpeg, instance.class_, instance.appearance))
            took.append(found.usage)
            said = found.value
            checks.append(
                CropCheck(instance_id=instance.id, candidate=index, match=bool(said["match"]), reason=str(said["reason"]))
            )
            return checks[-1]

        sample_id, seed, number = key
        blank = Grounding(
            sample_id=sample_id, seed=seed, frame=number, method=self.method, candidates=tuple(candidates), status="failed"
        )
        try:
            places, _ = assign(wanted, candidates, verify if verifier is not None else None, self._config.unverified)
        except InquiryError as error:
            usage = {**add_usage([*took, error.usage]), "kind": error.kind}
            return replace(blank, checks=tuple(checks), reason=f"verifying failed: {error}", usage=usage)
        except (BudgetError, RefusedError) as error:
            if not any(item.get("requests") for item in took):
                raise
            usage = {**add_usage(took), "kind": "cost limit" if isinstance(error, BudgetError) else "refused"}
            return replace(blank, checks=tuple(checks), reason=str(error), usage=usage)
        return replace(blank, checks=tuple(checks), places=places, status="ok", usage=add_usage(took))


def add_usage(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what several inquiries took together, in the form of one record's `usage`; empty where there was none."""
    sums: Counter[str] = Counter()
    more: dict[str, Counter[str]] = {"failures": Counter(), "served": Counter()}
    cost = 0.0
    for part in parts:
        for name in ("requests", "input_tokens", "cached_tokens", "output_tokens", "cached"):
            sums[name] += int(part.get(name, 0))
        cost += float(part.get("cost", 0.0))
        for name, counts in more.items():
            counts.update(part.get(name, {}))
    found: dict[str, Any] = {name: count for name, count in sums.items() if count}
    if cost:
        found["cost"] = cost
    return {**found, **{name: dict(sorted(counts.items())) for name, counts in more.items() if counts}}
