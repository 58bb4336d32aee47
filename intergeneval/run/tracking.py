"""The tracks of one video: the masks that it begins with, given or found in its first frame, and who follows them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from intergeneval import bench, videos
from intergeneval.bench import Benchmark
from intergeneval.config import OFF, RunConfig
from intergeneval.grounding import FirstFrame
from intergeneval.masks import Mask
from intergeneval.records import Beginning, Tracks, Video, VideoStatus
from intergeneval.records.disk import cache_file
from intergeneval.run.attempt import Failure, attempt
from intergeneval.run.backends import Backends
from intergeneval.run.beginnings import moved_masks
from intergeneval.run.job import FAILED, Job, Result
from intergeneval.run.preflight import first_frame_finder, model_name
from intergeneval.run.track_key import track_key
from intergeneval.run.walk import Walk
from intergeneval.store.track_cache import TrackCache
from intergeneval.trackers import TrackRequest
from intergeneval.videos.beginning import told

Frame = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """One video while it is decoded."""

    path: Path
    """Its file."""
    reader: videos.Reader
    """What reads it."""
    walk: Walk
    """Its frames, once."""
    digest: str
    """sha256 of its content."""


class Tracking:
    """Makes tracks of videos; one a process."""

    def __init__(self, config: RunConfig, backends: Backends, benchmark: Benchmark) -> None:
        self._config = config
        self._backends = backends
        self._bench = benchmark
        self._first_frame: FirstFrame | None = None
        place = Path(config.cache) if config.cache else cache_file(os.environ)
        self._kept = None if config.cache == OFF else TrackCache(place)

    def track(self, job: Job, result: Result, decoded: Decoded, beginning: Beginning | None) -> Tracks:
        """Track all instances over the frames of a video. Raises MediaError when the video itself cannot be decoded."""
        tracker, sample = self._backends.tracker, job.sample
        reader, walk = decoded.reader, decoded.walk
        masks = self.masks(job)
        frames: Iterator[Frame] = walk
        blank = Tracks(sample_id=sample.id, seed=job.seed, tracker=tracker.id, size=reader.size, tracks=(), fps=reader.fps)
        finder = None if masks else self._finder(job)
        if finder is not None:
            first = next(walk)
            given = self._ground(job, result, reader, first, finder)
            frames = chain([first], walk)
        else:
            given = _wrong_size(job, masks, reader.size) or (masks, "")
        if isinstance(given, str):
            return replace(blank, status=FAILED, reason=given)
        masks, missing = given if beginning is None else moved_masks(given[0], beginning)
        if missing and not masks:
            return replace(blank, reason=missing)
        request = TrackRequest(
            sample=sample,
            video=Video(sample_id=sample.id, seed=job.seed, status=VideoStatus.OK, size=reader.size, fps=reader.fps),
            masks=masks,
            frames=frames,
            path=decoded.path,
            truth=(result.truth or job.truth) if tracker.needs_truth else None,
        )
        key = track_key(self._config, tracker, sample, masks, reader.size, decoded.digest) if finder is None else ""
        kept = self._kept.get(key, sample.id, job.seed) if key and self._kept is not None else None
        made = attempt(lambda: kept if kept is not None else tracker.track(request), due=Tracks)
        if walk.error is not None:
            raise walk.error
        if isinstance(made, Failure):
            return replace(blank, status=FAILED, reason=made.text)
        if key and kept is None and self._kept is not None and made.status == "ok":
            self._kept.put(key, made)
        if job.own is not None:
            return replace(made, notes=(*made.notes, f"first frame: the model's own masks, {job.own.folder}"))
        how = f"first frame: {finder.method}" if finder is not None else told(beginning) if beginning is not None else ""
        return replace(made, reason=missing, notes=(*made.notes, how)) if how and made.status != FAILED else made

    def masks(self, job: Job) -> dict[str, Mask]:
        """Return the first-frame masks that are given of a video, by instance id."""
        if job.masks is not None:
            return {name: packed.unpack() for name, packed in job.masks.items()}
        # Tracked before, and the video turned out to be another.
        if job.own is not None:
            return bench.load_own_masks(self._bench, job.sample, job.own, model_name(self._config, self._backends))
        return bench.load_masks(self._bench, job.sample)

    def _finder(self, job: Job) -> FirstFrame | None:
        """Return what finds instances in the first frame of a video that no masks are given of; None where nothing does."""
        if self._first_frame is None:
            lacking = [(job.sample.id, job.seed)]
            self._first_frame = first_frame_finder(self._config, self._backends, self._bench, lacking)
        return self._first_frame

    def _ground(
        self, job: Job, result: Result, reader: videos.Reader, first: Frame, finder: FirstFrame
    ) -> tuple[dict[str, Mask], str] | str:
        """Return masks of the instances found in the first frame and who is missing from it, or why looking failed."""
        video = Video(
            sample_id=job.sample.id, seed=job.seed, status=VideoStatus.OK, size=reader.size, fps=reader.fps, sampled=(0,)
        )
        if job.grounding is not None:
            known = job.grounding
            given = attempt(lambda: finder.cut(known, first))
        else:
            given = attempt(lambda: finder.find(job.sample, video, first, result.truth or job.truth))
        if isinstance(given, Failure):
            return given.text
        grounding, masks = given
        if grounding != job.grounding:
            result.grounding = grounding
        if grounding.status == FAILED:
            return grounding.reason
        gone = [
            f"{item.instance_id} was not found in the first frame: {item.reason}" for item in grounding.places if not item.box
        ]
        return masks, "; ".join(gone)


def _wrong_size(job: Job, masks: Mapping[str, Mask], size: tuple[int, int]) -> str:
    """Return why a model's own masks do not fit its video; they are never resized, since they were drawn on its first frame."""
    wrong = next((mask.shape for mask in masks.values() if job.own is not None and mask.shape != size), None)
    if job.own is None or wrong is None:
        return ""
    return (
        f"the model's own first-frame masks in {job.own.folder} are {wrong[1]}x{wrong[0]}, the video is {size[1]}x{size[0]}; "
        f"draw them on the first frame of this video"
    )


def of_length(tracks: Tracks, frames: int) -> Tracks:
    """Return the tracks, or failed ones where their length is not the video's: no score may come from shifted masks."""
    for track in tracks.tracks:
        if len(track.states) != frames:
            reason = f"the track of {track.instance_id} has {len(track.states)} frames, the video {frames}"
            return replace(tracks, tracks=(), status=FAILED, reason=reason)
    return tracks
