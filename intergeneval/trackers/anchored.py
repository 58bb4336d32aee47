"""From one anchor frame in both directions: what a prompted video segmenter needs around it, whatever library it comes from.

The way back is the way forth over the frames in reverse order, so a segmenter only ever has to follow. Frames before the anchor
wait in a temporary file, not in memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from types import TracebackType

import numpy as np

from intergeneval.errors import BackendError
from intergeneval.masks import Mask, decode, encode
from intergeneval.records import Track
from intergeneval.trackers import Frame, TrackRequest
from intergeneval.trackers.assembly import TrackBuilder


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a segmenter says of one frame."""

    masks: Mapping[str, Mask]
    """Instance id -> mask (H, W)."""
    confidence: Mapping[str, float]
    """Instance id -> belief that it is in the frame, 0 to 1."""
    lost: tuple[str, ...] = ()
    """Instances of which it makes no statement; their masks are empty."""


Follow = Callable[[Iterable[Frame], Mapping[str, Mask]], Iterator[Seen]]
"""(frames from the anchor on, masks on the anchor) -> one entry a frame, the anchor's first."""


def track_both_ways(request: TrackRequest, follow: Follow) -> tuple[Track, ...]:
    """Return one track for each instance with a mask, in the sample's order, over every frame of the request.

    Raises BackendError for an anchor beyond the video's end or a mask without a pixel, and what `follow` raises.
    """
    names = [item.id for item in request.sample.instances if item.id in request.masks]
    for name in names:
        if not request.masks[name].any():
            raise BackendError(
                f"sample {request.sample.id}: the mask of {name} on frame {request.anchor} is empty; nothing to follow"
            )
    builder = TrackBuilder(names, {} if request.anchor else request.masks)
    if not names:
        return ()
    frames = iter(request.frames)
    with FrameFile() as before:
        for frame in islice(frames, request.anchor):
            before.append(frame)
        anchor = next(frames, None)
        if anchor is None:
            raise BackendError(
                f"sample {request.sample.id}: the anchor is frame {request.anchor}, the video has {len(before)} frames"
            )
        for masks, confidence, lost in reversed(_earlier(anchor, before, request, follow)):
            builder.add({name: decode(counts, anchor.shape[:2]) for name, counts in masks.items()}, confidence, lost)
    for seen in follow(chain([anchor], frames), request.masks):
        builder.add(seen.masks, seen.confidence, seen.lost)
    return builder.tracks()


def probe_scene() -> tuple[list[Frame], dict[str, Mask]]:
    """Return three small frames with a square, and its mask: what ``intergeneval doctor`` has a tracker follow."""
    frame = np.full((64, 96, 3), 60, dtype=np.uint8)
    mask = np.zeros((64, 96), dtype=np.bool_)
    mask[20:44, 30:60] = True
    frame[mask] = 200
    return [frame] * 3, {"id1": mask}


_Packed = tuple[dict[str, str], dict[str, float], tuple[str, ...]]


def _earlier(anchor: Frame, before: FrameFile, request: TrackRequest, follow: Follow) -> list[_Packed]:
    """Return what is seen in the frames before the anchor, the nearest first; masks as run lengths, to be held cheaply."""
    if not len(before):
        return []
    backwards = follow(chain([anchor], before.backwards()), request.masks)
    return [
        ({name: encode(mask) for name, mask in seen.masks.items()}, dict(seen.confidence), seen.lost)
        for seen in islice(backwards, 1, None)
    ]


class FrameFile:
    """Frames of one size in a temporary file, read back from the last to the first."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # this object is the context manager
        self._shape: tuple[int, ...] = ()
        self._count = 0

    def __enter__(self) -> FrameFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self._count

    def append(self, frame: Frame) -> None:
        """Add a frame (H, W, 3)."""
        self._shape = frame.shape
        self._file.write(np.ascontiguousarray(frame).tobytes())
        self._count += 1

    def backwards(self) -> Iterator[Frame]:
        """Yield the frames, the last one first."""
        size = int(np.prod(self._shape))
        for index in reversed(range(self._count)):
            self._file.seek(index * size)
            # Copied, because libraries expect arrays that they could write to.
            yield np.frombuffer(self._file.read(size), dtype=np.uint8).reshape(self._shape).copy()
