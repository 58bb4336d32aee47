"""Consistency of one video: what disappeared, what emerged, and how healthy each track is; pure functions.

States come from tracks; which of them count as missing is decided later by the profile. Emergence needs detections: without
them it is None, not assessed, and every score that uses it is an upper bound; doubles that are seen even so are told beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from intergeneval.consistency import emergence as emerging
from intergeneval.consistency.diagnostics import diagnose, with_looks
from intergeneval.consistency.looks import Looks, look_at
from intergeneval.consistency.sightings import sightings
from intergeneval.records import AnswerStatus, Consistency, Detections, Diagnostics, Sample, Tracks, TrackState, Video

__all__ = ["assess"]

Frame = npt.NDArray[np.uint8]
"""One RGB frame, shape (H, W, 3), values 0..255."""


def assess(
    sample: Sample,
    video: Video,
    tracks: Tracks,
    detections: Detections | None,
    kept_frames: Mapping[int, Frame] | None = None,
) -> Consistency:
    """Return the consistency of one video at its sampled frames after frame 0.

    `kept_frames` holds plain RGB frames by index, of the tracks' size, for colour drift; without them drift is None. An instance
    that has no track counts as lost in every frame. When tracking failed as a whole there is no statement, and when detection
    failed or left frames out there is only half of one: status failed, with the reason, never a clean record.
    """
    frames = tuple(frame for frame in video.sampled if frame > 0)
    assessors = {"disappearance": tracks.tracker}
    if detections is not None:
        assessors["emergence"] = detections.detector
    if tracks.status != "ok":
        return Consistency(
            sample_id=sample.id,
            seed=video.seed,
            frames=frames,
            assessors=assessors,
            status=AnswerStatus.FAILED,
            reason=f"tracking failed: {tracks.reason or 'the tracker gave no reason'}",
        )
    states = {item.id: _states(tracks, item.id, frames) for item in sample.instances}
    found = emerging.assess(sample, tracks, detections, frames) if detections is not None else None
    if found is not None and video.cuts:
        found = emerging.until_cut(found, frames, video.cuts[0])
    # What another shot shows is no double of what the first one showed.
    looks = look_at(tracks, kept_frames, [frame for frame in frames if not video.cuts or frame < video.cuts[0]])
    status, reason = AnswerStatus.OK, ""
    if found is not None and found.failure:
        status, reason = AnswerStatus.FAILED, found.failure
    elif tracks.reason:
        # Tracks that stand but lack an instance: nobody can ever say what became of it.
        status, reason = AnswerStatus.UNANSWERABLE, tracks.reason
    return Consistency(
        sample_id=sample.id,
        seed=video.seed,
        frames=frames,
        states=states,
        emergence=found.values if found is not None else None,
        assessors=assessors,
        reasons=_reasons(sample, states, found.reasons if found is not None else ("",) * len(frames)),
        diagnostics=tuple(_diagnostics(sample, tracks, frames, _Seen(kept=kept_frames, times=video.times, looks=looks))),
        sightings=sightings(sample, looks) if detections is None and looks is not None else (),
        status=status,
        reason=reason,
    )


def _states(tracks: Tracks, instance_id: str, frames: Sequence[int]) -> tuple[TrackState, ...]:
    track = tracks.track(instance_id)
    if track is None:
        return (TrackState.LOST,) * len(frames)
    return tuple(track.states[frame] if frame < len(track.states) else TrackState.LOST for frame in frames)


def _reasons(sample: Sample, states: Mapping[str, Sequence[TrackState]], emerged: Sequence[str]) -> tuple[str, ...]:
    """Return one text a frame: who is not visible and why, then what emerged; empty where there is nothing to say."""
    texts = []
    for index, text in enumerate(emerged):
        parts = [
            f"{item.id} ({item.class_}) {states[item.id][index].value}"
            for item in sample.instances
            if states[item.id][index] is not TrackState.VISIBLE
        ]
        texts.append("; ".join([*parts, text] if text else parts))
    return tuple(texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What of the video is at hand beside its tracks."""

    kept: Mapping[int, Frame] | None
    times: Sequence[float]
    looks: Looks | None


def _diagnostics(sample: Sample, tracks: Tracks, frames: Sequence[int], seen: _Seen) -> list[Diagnostics]:
    found = []
    for item in sample.instances:
        track = tracks.track(item.id)
        if track is None:
            found.append(Diagnostics(instance_id=item.id, lost_share=1.0))
        else:
            found.append(with_looks(diagnose(tracks, track, frames, seen.kept, seen.times), seen.looks))
    return found
