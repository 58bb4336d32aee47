"""First-frame masks for a video whose benchmark has none: text-to-video models draw their own first frame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from intergeneval.config import GroundingConfig
from intergeneval.detectors import Detector
from intergeneval.grounding.grounder import Grounder
from intergeneval.grounding.matching import Wanted
from intergeneval.grounding.overlaps import apart
from intergeneval.judges import Judge
from intergeneval.judges.inquiries import Inquires
from intergeneval.judges.prompting import CROP_NAMES, Prompts
from intergeneval.masks import Mask
from intergeneval.records import Grounding, Place, Sample, Truth, Video
from intergeneval.trackers import Segments


class FirstFrame:
    """Finds a sample's instances in a video's first frame and cuts them out."""

    def __init__(
        self, detector: Detector, judge: Judge, segmenter: Segments, config: GroundingConfig, prompts: Path | None
    ) -> None:
        """The judge verifies crops where it can be asked; `prompts` is a folder of templates that replace ours, or None."""
        verifier = judge if isinstance(judge, Inquires) else None
        self._grounder = Grounder(detector, verifier, Prompts(prompts, CROP_NAMES), config)
        self._segmenter = segmenter

    @property
    def method(self) -> str:
        """Where first-frame boxes come from; part of the comparability key."""
        return self._grounder.method

    def find(
        self, sample: Sample, video: Video, frame: npt.NDArray[np.uint8], truth: Truth | None
    ) -> tuple[Grounding, dict[str, Mask]]:
        """Return what was found in `frame` (H, W, 3), and a mask (H, W) for each instance that was.

        Raises BackendError when detector or segmenter fails, BudgetError when nothing could be asked for the cost limit.
        """
        candidates = self._grounder.propose(sample, video, {0: frame}, truth)[0]
        wanted = [Wanted(instance=item) for item in sample.instances]
        grounding = self._grounder.place((sample.id, video.seed, 0), frame, wanted, candidates)
        return self.cut(grounding, frame)

    def cut(self, grounding: Grounding, frame: npt.NDArray[np.uint8]) -> tuple[Grounding, dict[str, Mask]]:
        """Return masks for the boxes of a grounding, which loses the places that turn out empty. Raises BackendError."""
        boxes = {item.instance_id: item.box for item in grounding.places if item.box is not None}
        masks, gone = apart(self._segmenter.segment(frame, boxes)) if boxes else ({}, {})
        places = tuple(
            Place(instance_id=item.instance_id, box=None, reason=gone[item.instance_id]) if item.instance_id in gone else item
            for item in grounding.places
        )
        return replace(grounding, places=places), masks
