"""Where those in a clip are: boxes by class, one each, in an anchor frame; and their masks, both ways from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np

from intergeneval import plugins
from intergeneval.build.ground_step import placed, proposed
from intergeneval.build.media import open_media
from intergeneval.build.records import Proposals, Scene
from intergeneval.build.segment_step import cut_out, followed
from intergeneval.config import GroundingConfig
from intergeneval.detectors import Detector
from intergeneval.errors import BackendError
from intergeneval.grounding import Grounder, Wanted
from intergeneval.ids import sha256_bytes, short
from intergeneval.judges.inquiries import Inquires
from intergeneval.judges.prompting import CROP_NAMES, Prompts
from intergeneval.records import Basis, Box
from intergeneval.records.disk import write_atomically
from intergeneval.run.attempt import Failure
from intergeneval.trackers import Segments, Tracker
from intergeneval.videos import Frame
from matrix_train.curate.captions import sample_of
from matrix_train.curate.config import NONE
from matrix_train.curate.form import WORK
from matrix_train.curate.records import Known
from matrix_train.curate.stage import Made, Stage, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A plug-in that each worker builds for itself."""

    kind: str
    """``detectors`` or ``trackers``."""
    spec: str
    """Its spec; ``none``: there is none."""
    settings: Mapping[str, Any]
    """Its settings."""
    id: str
    """Its id."""

    def made(self) -> Any:
        """Build it. Raises what it raises."""
        return plugins.build(self.kind, self.spec, dict(self.settings))

    def to_json(self) -> Any:
        """Return what a line that it made depends on: not on which device it runs."""
        return [self.id, {name: value for name, value in self.settings.items() if name != "device"}]


def _given_boxes(clip: Known) -> dict[str, Any]:
    """Return the boxes that came with a clip: they are of its first frame, so only the first clip of a file has them."""
    entry = clip.value("entry")
    first = clip.value("form")["picks"][0] == 0 and clip.value("captions")["by"] == "given"
    return {one["id"]: one["box"] for one in entry.get("instances") or () if one["box"] is not None and first}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalsStage(Stage):
    """Has a detector propose boxes by class in some frames; where every box is given, none is looked for."""

    name: ClassVar[str] = "proposals"
    heavy: ClassVar[bool] = True
    out: Path
    """Folder of the curation."""
    detector: Backend
    """Who proposes."""
    config: GroundingConfig
    """Settings."""
    anchors: int
    """Frames that are looked at."""
    alone: bool = False
    """Whether only one process may have the detector."""

    def settings(self) -> Any:
        """Return nothing: where nobody looks, nothing depends on the detector."""
        return None

    def given(self, clip: Known) -> Mapping[str, Any]:
        """Return the hash of the video, the classes, and who looks where; nothing but that where no box is wanted."""
        scene, boxes = clip.value("kept")["scene"], _given_boxes(clip)
        if self.detector.spec == NONE or all(one["id"] in boxes for one in scene["instances"]):
            return {"nobody": True}
        asked = [self.detector.to_json(), self.config.candidates, self.anchors]
        # Boxes that are given are of the first frame, so all are looked for there.
        return {"sha256": clip.value("form")["sha256"], "scene": scene, "by": asked, "first": bool(boxes)}

    def beside(self, clip: Known) -> Mapping[str, Any]:
        """Return where the video lies."""
        return {"video": clip.value("form")["video"]}

    @property
    def places(self) -> Sequence[Path]:
        """The folder of the curation."""
        return (self.out,)

    def maker(self) -> Callable[[Task], Made]:
        """Return what proposes; the detector is built for the first clip that needs it."""
        held: list[Grounder] = []

        def make(task: Task) -> Made:
            if "nobody" in task.given:
                return Made(value={"frames": [0], "found": [[]]})
            if not held:
                detector = cast(Detector, self.detector.made())
                held.append(Grounder(detector, None, Prompts(None, CROP_NAMES), self.config))
            anchor = 0 if task.given["first"] else None
            media = open_media(self.out / task.beside["video"], task.clip, is_video=True, anchor=anchor, anchors=self.anchors)
            scene = Scene.from_json(task.given["scene"])
            found = proposed(held[0], sample_of(task.clip, "", scene, media.size), media, anchor, "")
            if found.status != "ok":
                raise BackendError(found.reason)
            told = found.to_json()
            return Made(value={"frames": told["frames"], "found": told["found"]})

        return make


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacesStage(Stage):
    """Gives each instance one box, verified crop by crop where a model can look, in the frame that shows most of them."""

    name: ClassVar[str] = "places"
    out: Path
    """Folder of the curation."""
    detector: str
    """Id of who proposed."""
    config: GroundingConfig
    """Settings."""
    judge: Inquires | None = None
    """Who verifies; None: nobody."""
    prompts: Prompts | None = None
    """Words to ask with; there where a judge is."""
    asks: bool = False
    """Whether anybody is asked."""

    def settings(self) -> Any:
        """Return how boxes are chosen."""
        asked = [] if self.judge is None or self.prompts is None else [self.judge.inquirer, self.prompts.hash]
        return [self.config.to_json(), asked]

    def given(self, clip: Known) -> Mapping[str, Any]:
        """Return the scene, the proposals, and the boxes that are given."""
        found = clip.value("proposals")
        given = {"scene": clip.value("kept")["scene"], "proposals": found, "boxes": _given_boxes(clip)}
        return given if self.judge is None else {**given, "sha256": clip.value("form")["sha256"]}

    def beside(self, clip: Known) -> Mapping[str, Any]:
        """Return where the video lies."""
        return {"video": clip.value("form")["video"]}

    def maker(self) -> Callable[[Task], Made]:
        """Return what chooses."""
        return self._made

    def _made(self, task: Task) -> Made:
        scene = Scene.from_json(task.given["scene"])
        told = {"sample_id": task.clip, "input": "", "detector": self.detector, **task.given["proposals"]}
        found = Proposals.from_json(told)
        boxes: Mapping[str, Any] = task.given["boxes"]
        wishes = [
            Wanted(instance=one, box=cast(Box, tuple(boxes[one.id])), basis=Basis.GIVEN)
            if one.id in boxes
            else Wanted(instance=one)
            for one in scene.instances
        ]
        frames = [pair for pair in zip(found.frames, found.found, strict=True) if not boxes or pair[0] == 0]
        grounder = Grounder(None, self.judge, self.prompts or Prompts(None, CROP_NAMES), self.config)
        best = placed(grounder, task.clip, frames, self._pictures(task, found.frames), wishes)
        if isinstance(best, Failure):
            raise BackendError(f"verifying broke: {best}")
        grounding, _ = best
        if grounding.status != "ok":
            raise BackendError(grounding.reason)
        gone = {one.instance_id: one.reason for one in grounding.places if one.box is None}
        if len(gone) == len(grounding.places):
            return Made(kind="nobody", reason=next(iter(gone.values())), value={"gone": gone})
        kept = {one.instance_id: list(one.box) for one in grounding.places if one.box is not None}
        return Made(
            value={"frame": grounding.frame, "boxes": kept, "gone": gone},
            measured={"placed": len(kept), "wanted": len(grounding.places)},
        )

    def _pictures(self, task: Task, frames: Sequence[int]) -> Mapping[int, Frame]:
        """Return the frames that a model is shown parts of; empty ones where nobody looks."""
        if self.judge is None:
            return dict.fromkeys(frames, np.zeros((1, 1, 3), dtype=np.uint8))
        # The same even steps in which the detector looked.
        return open_media(self.out / task.beside["video"], task.clip, is_video=True, anchor=None, anchors=len(frames)).frames


@dataclass(frozen=True, slots=True, kw_only=True)
class CutsStage(Stage):
    """Cuts boxes out and follows the masks through the clip, both ways from the anchor frame."""

    name: ClassVar[str] = "cuts"
    heavy: ClassVar[bool] = True
    files: ClassVar[tuple[str, ...]] = ("tracks",)
    out: Path
    """Folder of the curation."""
    tracker: Backend
    """Who cuts out and follows."""
    alone: bool = False
    """Whether only one process may have the tracker."""

    def settings(self) -> Any:
        """Return who follows."""
        return self.tracker.to_json()

    def given(self, clip: Known) -> Mapping[str, Any]:
        """Return the hash of the video, the boxes, and who they are of."""
        places = clip.value("places")
        instances = [one for one in clip.value("kept")["scene"]["instances"] if one["id"] in places["boxes"]]
        return {
            "sha256": clip.value("form")["sha256"],
            "frame": places["frame"],
            "boxes": places["boxes"],
            "instances": instances,
        }

    def beside(self, clip: Known) -> Mapping[str, Any]:
        """Return where the video lies."""
        return {"video": clip.value("form")["video"]}

    @property
    def places(self) -> Sequence[Path]:
        """The folder of the curation."""
        return (self.out,)

    def maker(self) -> Callable[[Task], Made]:
        """Return what cuts; the tracker is built for the first clip."""
        held: list[Tracker] = []

        def make(task: Task) -> Made:
            if not held:
                held.append(cast(Tracker, self.tracker.made()))
            return self._made(task, held[0])

        return make

    def _made(self, task: Task, tracker: Tracker) -> Made:
        path, anchor = self.out / task.beside["video"], int(task.given["frame"])
        media = open_media(path, task.clip, is_video=True, anchor=anchor, anchors=1)
        boxes = {name: cast(Box, tuple(edges)) for name, edges in task.given["boxes"].items()}
        masks, gone = cut_out(cast(Segments, tracker), media.frames[anchor], boxes)
        if not masks:
            return Made(kind="empty", reason=next(iter(gone.values())), value={"gone": gone})
        scene = Scene.from_json({"sample_id": task.clip, "input": "", "by": "", "instances": task.given["instances"]})
        tracks = followed(tracker, sample_of(task.clip, "", scene, media.size), path, masks, anchor)
        content = json.dumps(tracks.to_json()).encode()
        target = self.out / WORK / "tracks" / f"{task.clip}.{short(task.input, 12)}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, content)
        return Made(value={"tracks": target.relative_to(self.out).as_posix(), "sha256": sha256_bytes(content), "gone": gone})
