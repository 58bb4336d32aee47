"""What of the masks is believed: doubted ones, tracks that are lost, unseen or jump, roles that the caption does not word."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

from intergeneval.bench import doubts
from intergeneval.build.records import Scene
from intergeneval.build.segment_step import first_masks
from intergeneval.ids import canonical_json, sha256_bytes, short
from intergeneval.records import Track, Tracks, TrackState
from intergeneval.records.disk import read_json, write_atomically
from intergeneval.videos import Reader
from matrix_train.curate.captions import sample_of, staying_of
from matrix_train.curate.config import ChecksConfig, ScenesConfig
from matrix_train.curate.form import WORK
from matrix_train.curate.records import Known
from matrix_train.curate.stage import Made, Stage, Task
from matrix_train.data.clips import Clip, ClipInstance, ClipInteraction, line_of
from matrix_train.phrases import spans_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksStage(Stage):
    """Takes what can be believed of a clip into its line of the dataset, and drops the clip where no interaction is left."""

    name: ClassVar[str] = "checks"
    heavy: ClassVar[bool] = True
    files: ClassVar[tuple[str, ...]] = ("tracks",)
    out: Path
    """Folder of the curation."""
    config: ChecksConfig
    """Settings."""

    def settings(self) -> Any:
        """Return the limits."""
        return self.config.to_json()

    def given(self, clip: Known) -> Mapping[str, Any]:
        """Return the scene, the caption, the words, who is gone, and the hashes of video and tracks."""
        entry, cuts = clip.value("entry"), clip.value("cuts")
        return {
            "scene": clip.value("kept")["scene"],
            "caption": clip.value("captions")["caption"],
            "words": clip.value("words")["words"],
            "gone": {**clip.value("places")["gone"], **cuts["gone"]},
            "video": clip.value("form")["sha256"],
            "tracks": cuts["sha256"],
            "licence": entry["licence"],
            "source": f"{entry['source']}/{entry['id']}",
            "collection": entry["source"],
            "hash": clip.value("look")["fingerprint"],
        }

    def beside(self, clip: Known) -> Mapping[str, Any]:
        """Return where video and tracks lie."""
        return {"video": clip.value("form")["video"], "tracks": clip.value("cuts")["tracks"]}

    @property
    def places(self) -> Sequence[Path]:
        """The folder of the curation."""
        return (self.out,)

    def maker(self) -> Callable[[Task], Made]:
        """Return what checks."""
        return self._made

    def _made(self, task: Task) -> Made:
        tracks = Tracks.from_json(read_json(self.out / task.beside["tracks"]))
        scene = Scene.from_json(task.given["scene"])
        health = {track.instance_id: health_of(track, tracks.size) for track in tracks.tracks}
        gone: dict[str, str] = {**task.given["gone"], **dict(self._unseen(tracks, scene, task))}
        for name, found in health.items():
            if name not in gone and (why := self._unhealthy(found)):
                gone[name] = why
        measured = _worst(health)
        kept, left = staying_of(scene, gone, ScenesConfig())
        if not kept.interactions:
            why = f"{left[0]}: {next(iter(gone.values()))}" if gone else left[0]
            return Made(kind="masks", reason=why, measured=measured, value={"gone": gone})
        clip, unworded = self._clip(task, kept)
        left += unworded
        if not clip.interactions:
            return Made(kind="roles", reason=left[-1], measured=measured, value={"gone": gone})
        names = {one.id for one in clip.instances}
        content = json.dumps(
            replace(tracks, tracks=tuple(track for track in tracks.tracks if track.instance_id in names)).to_json()
        ).encode()
        target = self.out / WORK / "kept" / f"{task.clip}.{short(task.input, 12)}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, content)
        value = {
            "clip": line_of(clip),
            "tracks": target.relative_to(self.out).as_posix(),
            "sha256": sha256_bytes(content),
            "gone": gone,
            "left": left,
        }
        return Made(value=value, measured=measured)

    def _unseen(self, tracks: Tracks, scene: Scene, task: Task) -> Iterator[tuple[str, str]]:
        """Give who has no mask in the first frame, or one that may show something else, and why."""
        masks, hidden = first_masks(tracks)
        yield from hidden.items()
        if self.config.accept_doubts:
            return
        reader = Reader(self.out / task.beside["video"], keep=False)
        frame = next(iter(reader))
        for doubt in doubts(scene.instances, masks, frame):
            yield doubt.instance_id, f"doubtful mask: {doubt.problem}"

    def _unhealthy(self, found: Mapping[str, float]) -> str:
        if found["lost"] > self.config.lost:
            return f"its track is lost in {found['lost']:.0%} of the frames"
        if found["seen"] < self.config.seen:
            return f"it is seen in {found['seen']:.0%} of the frames"
        if found["jump"] > self.config.jump:
            return f"its mask jumps over {found['jump']:.0%} of the picture's diagonal in one step"
        return ""

    def _clip(self, task: Task, scene: Scene) -> tuple[Clip, list[str]]:
        """Return the clip's line, less interactions of which the caption lacks a role, and why each of these went."""
        caption = task.given["caption"]
        sample = sample_of(task.clip, caption, scene)
        acts, ratings, left = [], [], []
        for index, act in enumerate(scene.interactions):
            spans = spans_of(sample, act)
            lacking = [role for role in ("sub", "verb", "obj") if not spans[role]]
            if lacking or act.subject is None:
                left.append(f"interaction {act.verb!r}: the caption has no text for its {', '.join(lacking)}")
                continue
            acts.append(
                ClipInteraction(
                    subject=act.subject,
                    object=act.object,
                    verb=act.verb,
                    subject_spans=spans["sub"],
                    verb_spans=spans["verb"],
                    object_spans=spans["obj"],
                    category=act.category,
                )
            )
            ratings.append(list(scene.ratings[index]) if index < len(scene.ratings) else None)
        acting = {name for act in acts for name in (act.subject, act.object)}
        words = [one for one in task.given["words"] if one["id"] in acting]
        more = {"collection": task.given["collection"], "hash": task.given["hash"], "words": words}
        if any(ratings):
            more["ratings"] = ratings
        return (
            Clip(
                id=task.clip,
                video=f"videos/{task.clip}.mp4",
                caption=caption,
                instances=tuple(ClipInstance(id=one.id, class_=one.class_) for one in scene.instances if one.id in acting),
                interactions=tuple(acts),
                tracks=f"tracks/{task.clip}.json",
                source=task.given["source"],
                licence=task.given["licence"],
                more=canonical_json(more),
            ),
            left,
        )


def health_of(track: Track, size: tuple[int, int]) -> dict[str, float]:
    """Return in which share of its frames a track is lost and seen, and how far it jumps at most, in diagonals of the picture."""
    count = len(track.states)
    middles = [None if edges is None else ((edges[0] + edges[2]) / 2, (edges[1] + edges[3]) / 2) for edges in track.boxes]
    steps = [math.dist(one, other) for one, other in pairwise(middles) if one is not None and other is not None]
    return {
        "lost": round(sum(state is TrackState.LOST for state in track.states) / count, 4),
        "seen": round(sum(edges is not None for edges in track.boxes) / count, 4),
        "jump": round(max(steps, default=0.0) / math.hypot(*size), 4),
    }


def _worst(health: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    rows = list(health.values())
    return {
        "lost": max((row["lost"] for row in rows), default=0.0),
        "seen": min((row["seen"] for row in rows), default=0.0),
        "jump": max((row["jump"] for row in rows), default=0.0),
    }
