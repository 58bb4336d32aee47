"""Builds Track records frame by frame: a mask is run-length coded as it comes, so a long video is never held as pixels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from intergeneval.masks import Mask, area, box, empty, encode
from intergeneval.records import Box, Track, Tracks, TrackState
from intergeneval.trackers.states import StateRule


class TrackBuilder:
    """Collects one frame of all instances at a time and derives their states."""

    def __init__(self, instance_ids: Iterable[str], anchors: Mapping[str, Mask]) -> None:
        """`instance_ids` in the order of the tracks; `anchors` are the first-frame masks (H, W)."""
        self._ids = tuple(instance_ids)
        self._rule = StateRule(self._ids, anchors)
        self._masks: dict[str, list[str]] = {name: [] for name in self._ids}
        self._boxes: dict[str, list[Box | None]] = {name: [] for name in self._ids}
        self._areas: dict[str, list[int]] = {name: [] for name in self._ids}
        self._states: dict[str, list[TrackState]] = {name: [] for name in self._ids}
        self._confidence: dict[str, list[float]] = {name: [] for name in self._ids}

    def expected(self, name: str, others: Iterable[Mask]) -> TrackState:
        """Return the state that an empty mask of this instance would get in the next frame beside the others' masks (H, W)."""
        return self._rule.expected(name, others)

    def add(
        self, masks: Mapping[str, Mask], confidence: Mapping[str, float], lost: Collection[str] = ()
    ) -> dict[str, TrackState]:
        """Append a frame: each instance's mask (H, W) and confidence (0 to 1), and who is lost; return the states."""
        states = self._rule.step(masks, lost)
        for name in self._ids:
            self._masks[name].append(encode(masks[name]))
            self._boxes[name].append(box(masks[name]))
            self._areas[name].append(area(masks[name]))
            self._states[name].append(states[name])
            self._confidence[name].append(float(confidence[name]))
        return states

    def tracks(self) -> tuple[Track, ...]:
        """Return what was collected, one track an instance, in order."""
        return tuple(
            Track(
                instance_id=name,
                masks=tuple(self._masks[name]),
                boxes=tuple(self._boxes[name]),
                areas=tuple(self._areas[name]),
                confidence=tuple(self._confidence[name]),
                states=tuple(self._states[name]),
            )
            for name in self._ids
        )


def until_cut(tracks: Tracks, cuts: Sequence[int]) -> Tracks:
    """Return the tracks with every instance lost from the first cut on: what another shot shows is nobody's to say."""
    if not cuts or not tracks.tracks:
        return tracks
    at, nothing = cuts[0], empty(tracks.size)
    ended = tuple(
        replace(
            track,
            masks=(*track.masks[:at], *[nothing] * len(track.masks[at:])),
            boxes=(*track.boxes[:at], *[None] * len(track.boxes[at:])),
            areas=(*track.areas[:at], *[0] * len(track.areas[at:])),
            confidence=(*track.confidence[:at], *[0.0] * len(track.confidence[at:])),
            states=(*track.states[:at], *[TrackState.LOST] * len(track.states[at:])),
        )
        for track in tracks.tracks
    )
    return replace(tracks, tracks=ended, notes=(*tracks.notes, f"cut at frame {at}: instances are lost from there on"))
