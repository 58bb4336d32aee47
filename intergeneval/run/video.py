"""One video through the stages: decode once, track, detect, assess, judge; gives records and touches no stage file.

Whatever the run folder already holds about the video is handed in and not made again. A backend that fails on this video is
recorded as failed with its message, and the next run asks again; a video that cannot be decoded is recorded as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from intergeneval import consistency, videos
from intergeneval.bench import Benchmark
from intergeneval.config import RunConfig
from intergeneval.detectors import Detector, DetectRequest
from intergeneval.errors import MediaError
from intergeneval.ids import canonical_json
from intergeneval.judges import JudgeRequest, bodies_revision
from intergeneval.records import (
    AnswerStatus,
    Beginning,
    Consistency,
    Detection,
    Detections,
    Fit,
    Profile,
    Tracks,
    Video,
    VideoStatus,
)
from intergeneval.run.attempt import Failure, attempt
from intergeneval.run.backends import Backends
from intergeneval.run.beginnings import begins
from intergeneval.run.job import FAILED, Job, Outcome, Pending, Result
from intergeneval.run.judge_stage import ask, concurrency, failed
from intergeneval.run.tracking import Decoded, Tracking, of_length
from intergeneval.run.walk import Walk
from intergeneval.sources import SourceVideo
from intergeneval.store import write_atomically, writing
from intergeneval.trackers.assembly import until_cut
from intergeneval.videos.beginning import is_foreign, told

Frame = npt.NDArray[np.uint8]
JPEG_QUALITY = 90
"""Quality of the frames that are handed to a judge as files."""
_SETTLED = (VideoStatus.UNDECODABLE, VideoStatus.FOREIGN_FIRST_FRAME)
"""Of such a video nothing more is to be found out, as long as its file is the same."""
_LOOKED_AT_FIRST = 256 << 20
"""Bytes of a file from which on its beginning is looked at before it is read to the end for its hash."""


class VideoPipeline:
    """Brings jobs through the stages; one a process."""

    def __init__(self, config: RunConfig, folder: Path, backends: Backends, benchmark: Benchmark) -> None:
        self._config = config
        self._folder = folder
        self._backends = backends
        self._bench = benchmark
        self._tracking = Tracking(config, backends, benchmark)
        self._bodies = config.profile is Profile.INFORMATIVE and bool(bodies_revision(backends.judge))

    def run(self, job: Job) -> tuple[Outcome, ...]:
        """Do what is missing for one video; a result, and after it what is still to be asked in the parent process, if anything.

        Raises StoreError or OSError when the run folder cannot be written.
        """
        result = Result(sample_id=job.sample.id, seed=job.seed)
        found = self._find(job, result)
        if isinstance(found, str):
            return (_without_video(job, VideoStatus.MISSING, found),)
        try:
            if found.path.is_file() and found.path.stat().st_size > _LOOKED_AT_FIRST:
                videos.look(found.path)
            digest = videos.video_sha256(found.path)
        except (MediaError, OSError) as error:
            known = job.video is not None and job.video.status is VideoStatus.UNDECODABLE and job.video.reason == str(error)
            return (result if known else _without_video(job, VideoStatus.UNDECODABLE, str(error)),)
        if job.video is not None and job.video.status in _SETTLED and job.video.sha256 == digest:
            return (result,)
        try:
            if job.video is None or job.video.sha256 != digest:
                # New, or another file than the one the records speak of: everything about it is made anew.
                job = replace(
                    job, video=None, grounding=None, tracks=None, detections=None, consistency=None, questions=job.all_questions
                )
            seen = self._see(job, result, found, digest)
        except MediaError as error:
            return (_without_video(job, VideoStatus.UNDECODABLE, str(error), found.label, digest),)
        if seen is None:
            return (result,)
        pending = self._judge(job, result, found.path, seen) if job.questions or seen.assess is not None else None
        return (result,) if pending is None else (result, pending)

    def _find(self, job: Job, result: Result) -> _Found | str:
        """Return the video's file, written first if the source renders it, or the reason why there is none."""
        recorded = job.video
        if recorded is not None and recorded.generated and (self._folder / recorded.path).is_file():
            place = self._folder / recorded.path
            return _Found(path=place, label=recorded.path, generated=True, window=recorded.window)
        given = attempt(lambda: self._backends.source.video(job.sample, job.seed), due=SourceVideo)
        if isinstance(given, Failure):
            return f"the source failed: {given}"
        if given.truth is not None and given.truth != job.truth:
            result.truth = given.truth
        if given.frames is not None:
            return self._write(job, given)
        if given.path is None:
            return given.missing or "the source has no video"
        return _Found(path=given.path, label=given.label or given.path.name, generated=False)

    def _write(self, job: Job, given: SourceVideo) -> _Found | str:
        """Encode frames that a source rendered, once, with their stored tracks beside them."""
        label = f"videos/{job.sample.id}/{job.seed}.mp4"
        path = self._folder / label
        path.parent.mkdir(parents=True, exist_ok=True)
        if given.truth is not None:
            write_atomically(path.with_suffix(".tracks.json"), canonical_json(given.truth.visible.to_json()) + "\n")
        written = attempt(lambda: videos.write_video(path, given.made(), given.fps))
        if isinstance(written, Failure):
            return f"the source failed: {written}"
        window = given.fitting.window if given.fitting is not None and given.fitting.fit is Fit.CROP else None
        return _Found(path=path, label=label, generated=True, window=window)

    def _see(self, job: Job, result: Result, found: _Found, digest: str) -> _Seen | None:
        """Decode the video once, for the tracker and for the sampled frames, and make what is missing before the judge.

        None of a video that begins with another picture: nothing more is done with it.
        """
        detector = self._backends.detector
        if job.video and job.tracks and job.consistency and (detector is None or job.detections):
            return _Seen(video=job.video, tracks=job.tracks)
        reader = self._reader(job, found.path)
        walk = Walk(reader, motion=job.tracks is None and bool(getattr(self._backends.judge, "wants_motion", False)))
        beginning = begins(
            self._bench, job, walk, lambda: self._tracking.masks(job), known=(result.truth or job.truth) is not None
        )
        foreign = beginning is not None and is_foreign(beginning)
        decoded = Decoded(path=found.path, reader=reader, walk=walk, digest=digest)
        tracks = job.tracks if job.tracks or foreign else self._tracking.track(job, result, decoded, beginning)
        walk.finish()
        self._stills(job, result, reader.kept, digest)
        video = _video(job, found, digest, reader, beginning, walk.cuts)
        if video != job.video:
            result.video = video
        if tracks is None:
            return None
        if result.grounding is not None:
            result.grounding = replace(result.grounding, video=digest)
        if job.tracks is None:
            tracks = until_cut(of_length(tracks, video.frames), video.cuts)
            tracks = replace(tracks, fps=video.fps, video=digest)
            if walk.motion is not None and tracks.status != FAILED:
                tracks = replace(tracks, motion=walk.motion.measure(tracks))
            result.tracks = tracks
        if detector is not None and job.detections is None:
            request = DetectRequest(
                sample=job.sample,
                video=video,
                frames=reader.kept,
                classes=tuple(dict.fromkeys(instance.class_ for instance in job.sample.instances)),
                truth=(result.truth or job.truth) if detector.needs_truth else None,
            )
            result.detections = replace(_detect(detector, request), video=digest)
        detected = result.detections or job.detections
        assessed = replace(consistency.assess(job.sample, video, tracks, detected, reader.kept), video=digest)
        to_assess = self._config.consistency == "judge" and assessed.status is AnswerStatus.OK
        if not to_assess:
            result.consistency = assessed
        if self._config.overlay and tracks.status != FAILED:
            self._overlay(job, found.path, tracks, video.times)
        return _Seen(video=video, tracks=tracks, kept=reader.kept, assess=assessed if to_assess else None)

    def _stills(self, job: Job, result: Result, kept: Mapping[int, Frame], digest: str) -> None:
        """Write poster and strip beside the records, where those of this version of the video do not lie there yet."""
        places = videos.still_paths(self._folder, job.sample.id, job.seed)
        if job.stills is not None and job.stills.video == digest and all(place.is_file() for place in places):
            return
        made = videos.pictures(kept, (job.sample.id, job.seed), digest)
        with writing(self._folder):
            places[0].parent.mkdir(parents=True, exist_ok=True)
            for place, content in zip(places, (made.poster, made.strip), strict=True):
                write_atomically(place, content)
        if made.record != job.stills:
            result.stills = made.record

    def _reader(self, job: Job, path: Path) -> videos.Reader:
        sampled = job.video.sampled if job.video is not None else ()
        return videos.Reader(path, size=job.sample.size, sampling=self._config.sampling, fit=self._config.fit, sampled=sampled)

    def _judge(self, job: Job, result: Result, path: Path, seen: _Seen) -> Pending | None:
        """Ask every open question; return what is to be asked in the parent process instead, where the judge is asked there."""
        judge = self._backends.judge
        truth = result.truth or job.truth

        colours = {instance.id: instance.colour for instance in job.sample.instances}
        decoded: dict[int, Frame] = dict(seen.kept or {})

        def kept() -> dict[int, Frame]:
            if not decoded:
                reader = self._reader(job, path)
                for _ in reader:
                    pass
                decoded.update(reader.kept)
            return decoded

        def frames() -> dict[int, Frame]:
            return videos.outlined_frames(kept(), seen.tracks, colours)

        def plain() -> Frame:
            return kept()[min(kept())]

        def clip() -> bytes:
            walk = videos.outlined_clip(self._reader(job, path), seen.tracks, colours)
            return videos.video_bytes(walk, seen.tracks.fps, seen.video.times)

        request = JudgeRequest(
            sample=job.sample,
            video=seen.video,
            tracks=seen.tracks,
            questions=job.questions,
            assess=seen.assess,
            bodies=seen.assess is not None and self._bodies,
            truth=truth if judge.needs_truth else None,
        )
        looks = judge.needs_frames and seen.tracks.status != FAILED
        if looks and getattr(judge, "wants_clip", False):
            shown = attempt(clip)
            if isinstance(shown, Failure):
                result.answers, judged = failed(judge, request, f"its frames cannot be drawn: {shown}")
                result.consistency = judged or result.consistency
                return None
            request = replace(request, clip=shown)
        if concurrency(judge):
            drawn = attempt(frames) if looks else {}
            if isinstance(drawn, Failure):
                result.answers, judged = failed(judge, request, f"its frames cannot be drawn: {drawn}")
                result.consistency = judged or result.consistency
                return None
            jpegs = {index: videos.encode_jpeg(frame, JPEG_QUALITY) for index, frame in drawn.items()}
            first = videos.encode_jpeg(plain(), JPEG_QUALITY) if drawn else None
            return Pending(request=replace(request, jpegs=jpegs, plain_jpeg=first))
        given = replace(request, frames=frames, plain=plain) if judge.needs_frames else request
        result.answers, judged = ask(judge, given)
        result.consistency = judged or result.consistency
        return None

    def _overlay(self, job: Job, path: Path, tracks: Tracks, times: tuple[float, ...]) -> None:
        target = self._folder / "overlays" / job.sample.id / f"{job.seed}.mp4"
        target.parent.mkdir(parents=True, exist_ok=True)
        colours = {instance.id: instance.colour for instance in job.sample.instances}
        videos.write_overlay(target, self._reader(job, path), tracks, colours, tracks.fps, times)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A video file that exists."""

    path: Path
    label: str
    generated: bool
    window: tuple[int, int, int, int] | None = None
    """Part of it that shows the first frame, where there is black around it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the stages before the judge know of a video."""

    video: Video
    tracks: Tracks
    kept: Mapping[int, Frame] | None = None
    """The sampled frames, where the video was decoded just now."""
    assess: Consistency | None = None
    """Consistency as the tracks tell it, where the judge is to state it itself; None where tracks have the word."""


def _video(
    job: Job, found: _Found, digest: str, reader: videos.Reader, beginning: Beginning | None, cuts: tuple[int, ...]
) -> Video:
    foreign = beginning is not None and is_foreign(beginning)
    return Video(
        sample_id=job.sample.id,
        seed=job.seed,
        status=VideoStatus.FOREIGN_FIRST_FRAME if foreign else VideoStatus.OK,
        reason=told(beginning) if beginning is not None and foreign else "",
        path=found.label,
        generated=found.generated,
        sha256=digest,
        size=reader.size,
        source_size=reader.source_size,
        fit=reader.fit,
        frames=reader.frames,
        fps=reader.fps,
        sampled=reader.sampled,
        notes=reader.notes,
        times=reader.times,
        window=found.window,
        beginning=beginning,
        cuts=cuts,
    )


def _without_video(job: Job, status: VideoStatus, reason: str, label: str = "", digest: str = "") -> Result:
    video = Video(sample_id=job.sample.id, seed=job.seed, status=status, reason=reason, path=label, sha256=digest)
    return Result(sample_id=job.sample.id, seed=job.seed, video=None if video == job.video else video)


def _detect(detector: Detector, request: DetectRequest) -> Detections:
    made = attempt(lambda: detector.detect(request), due=Detections)
    if isinstance(made, Failure):
        reason = made.text
    elif left_out := sorted(set(request.frames) - set(made.frames)):
        # Kept as it is, a gap would be assessed again and again and never looked at.
        reason = f"the detector left out frames {left_out}"
    else:
        return made
    frames = tuple(request.frames)
    empty: tuple[Detection, ...] = ()
    return Detections(
        sample_id=request.sample.id,
        seed=request.video.seed,
        detector=detector.id,
        frames=frames,
        found=(empty,) * len(frames),
        status=FAILED,
        reason=reason,
    )
