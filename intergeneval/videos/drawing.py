"""Draw instances on frames for people: boxes, masks, states. What a judge sees is drawn in `outlines`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import cv2
import numpy as np

from intergeneval.errors import MediaError
from intergeneval.masks import COLOUR_RGB, Mask, box, decode
from intergeneval.records import Box, Track, Tracks, TrackState
from intergeneval.videos.pixels import Frame

_TINT = 0.45
"""Share of the instance colour inside a mask, 0 to 1."""
_SURE, _FAIR = 0.9, 0.7
"""Confidence from which the box of an overlay is drawn whole, and from which with long dashes; below it with short ones."""


def annotate(
    frame: Frame,
    boxes: Mapping[str, Box | None],
    colours: Mapping[str, str],
    masks: Mapping[str, Mask] | None = None,
) -> Frame:
    """Return a copy of `frame` (H, W, 3) with each instance's mask tinted and outlined and its box drawn in its colour.

    `boxes` and `masks` go by instance id, `colours` gives each id the name of a colour of COLOUR_RGB; a None box is not drawn.
    Lines are as thick as 1/160 of the shorter side, at least 1 pixel, and unsmoothed, so colours stay exact.
    Raises KeyError for an id without a colour, ValueError for a mask of another size than the frame.
    """
    drawn = frame.copy()
    for instance_id, mask in (masks or {}).items():
        _tint(drawn, mask, COLOUR_RGB[colours[instance_id]])
    for instance_id, edges in boxes.items():
        if edges is not None:
            _outline(drawn, edges, COLOUR_RGB[colours[instance_id]])
    return drawn


def overlay_frames(frames: Iterable[Frame], tracks: Tracks, colours: Mapping[str, str]) -> Iterator[Frame]:
    """Yield every frame with masks, boxes and a legend that gives each instance's state and confidence in that frame.

    A box is the more broken the less its mask is believed; where an instance is out of sight a cross in its colour stands where
    it was last seen. What a judge sees has none of this.
    Raises MediaError for a frame the tracks do not reach or a stored mask that is damaged.
    """
    for index, frame in enumerate(frames):
        boxes = boxes_at(tracks, index)
        check_size(tracks, frame)
        drawn = annotate(frame, {}, colours, masks_at(tracks, index))
        for track in tracks.tracks:
            edges, colour = boxes[track.instance_id], COLOUR_RGB[colours[track.instance_id]]
            if edges is not None:
                _outline(drawn, edges, colour, _dash(track.confidence[index], drawn))
            elif last := next((box for box in track.boxes[index::-1] if box is not None), None):
                _cross(drawn, last, colour)
        _legend(drawn, [_told(track, index) for track in tracks.tracks], colours)
        yield drawn


def boxes_at(tracks: Tracks, index: int) -> dict[str, Box | None]:
    """Return each instance's box in a frame. Raises MediaError for a frame the tracks do not reach."""
    for track in tracks.tracks:
        if not 0 <= index < len(track.boxes):
            raise MediaError(f"{tracks.sample_id}: frame {index} has no entry in the track of {track.instance_id}")
    return {track.instance_id: track.boxes[index] for track in tracks.tracks}


def check_size(tracks: Tracks, frame: Frame) -> None:
    """Raise MediaError for a frame of another size than the tracks'."""
    if tracks.size != frame.shape[:2]:
        raise MediaError(f"{tracks.sample_id}: tracks are for {tracks.size}, the frames are {frame.shape[:2]} (height, width)")


def masks_at(tracks: Tracks, index: int) -> dict[str, Mask]:
    """Return the masks (H, W) of those who are seen in a frame. Raises MediaError for a stored mask that is damaged."""
    return {track.instance_id: _mask(tracks, track, index) for track in tracks.tracks if track.areas[index]}


def _mask(tracks: Tracks, track: Track, index: int) -> Mask:
    try:
        return decode(track.masks[index], tracks.size)
    except ValueError as error:
        raise MediaError(f"{tracks.sample_id}: mask of {track.instance_id} in frame {index}: {error}") from error


def line_width(frame: Frame) -> int:
    """Return how thick lines are on a frame of this size, in pixels."""
    height, width = frame.shape[:2]
    return max(1, round(min(int(height), int(width)) / 160))


def _tint(frame: Frame, mask: Mask, colour: tuple[int, int, int]) -> None:
    if mask.shape != frame.shape[:2]:
        raise ValueError(f"a mask of {mask.shape} does not fit a frame of {frame.shape[:2]} (height, width)")
    extent = box(mask)
    if extent is None:
        return
    left, top, right, bottom = map(int, extent)
    part, inside = frame[top:bottom, left:right], mask[top:bottom, left:right].astype(np.uint8)
    paint = np.empty_like(part)
    paint[:] = colour
    cv2.copyTo(cv2.addWeighted(part, 1 - _TINT, paint, _TINT, 0), inside, part)
    edges, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE, offset=(left, top))
    cv2.drawContours(frame, edges, -1, colour, max(1, line_width(frame) - 1))


def _dash(confidence: float, frame: Frame) -> int:
    """Return how long the dashes of a box are, in pixels; 0 for whole lines."""
    if confidence >= _SURE:
        return 0
    return (8 if confidence >= _FAIR else 3) * line_width(frame)


def _outline(frame: Frame, edges: Box, colour: tuple[int, int, int], dash: int = 0) -> None:
    """Draw the box so that its lines lie inside it and inside the frame; with a `dash` gaps of the same length."""
    height, width = frame.shape[:2]
    left, top = max(0, round(edges[0])), max(0, round(edges[1]))
    right, bottom = min(width, round(edges[2])), min(height, round(edges[3]))
    if right <= left or bottom <= top:
        return
    thick = line_width(frame)
    step = 2 * dash if dash else max(right - left, bottom - top)
    for start in range(left, right, step):
        end = min(start + dash, right) if dash else right
        frame[top : min(top + thick, bottom), start:end] = colour
        frame[max(bottom - thick, top) : bottom, start:end] = colour
    for start in range(top, bottom, step):
        end = min(start + dash, bottom) if dash else bottom
        frame[start:end, left : min(left + thick, right)] = colour
        frame[start:end, max(right - thick, left) : right] = colour


def _cross(frame: Frame, edges: Box, colour: tuple[int, int, int]) -> None:
    """Draw a small cross, rimmed in black, in the middle of a box."""
    thick = line_width(frame)
    height, width = frame.shape[:2]
    x = min(max(round((edges[0] + edges[2]) / 2), 0), width - 1)
    y = min(max(round((edges[1] + edges[3]) / 2), 0), height - 1)
    for paint, extra in (((0, 0, 0), 2), (colour, 0)):
        cv2.drawMarker(frame, (x, y), paint, cv2.MARKER_TILTED_CROSS, 8 * thick, thick + extra)


def _told(track: Track, index: int) -> tuple[str, str]:
    """Return an instance's id and what is known of it in a frame: its state, and how far a mask is believed."""
    state = track.states[index]
    return track.instance_id, f"{state} {track.confidence[index]:.2f}" if state is TrackState.VISIBLE else str(state)


def _legend(frame: Frame, states: list[tuple[str, str]], colours: Mapping[str, str]) -> None:
    """Write one line an instance into the upper left corner: a patch of its colour, its id and its state."""
    scale = max(0.3, min(frame.shape[:2]) / 900)
    thick = max(1, round(scale * 1.6))
    step = round(30 * scale) + 4
    for row, (instance_id, state) in enumerate(states):
        top = 4 + row * step
        text = f"{instance_id}: {state}"
        (length, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
        cv2.rectangle(frame, (4, top), (4 + step + length + 8, top + step), (0, 0, 0), cv2.FILLED)
        cv2.rectangle(frame, (7, top + 3), (step, top + step - 3), COLOUR_RGB[colours[instance_id]], cv2.FILLED)
        place = (8 + step, top + step - round(step * 0.3))
        cv2.putText(frame, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), thick, cv2.LINE_AA)
