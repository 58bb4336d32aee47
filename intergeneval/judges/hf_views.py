"""Which pictures a local model is shown of a video, and what each of them is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from intergeneval.judges import Frame, JudgeRequest


def pictures(request: JudgeRequest, images: Mapping[int, Frame]) -> list[Frame]:
    """Return all pictures in the order in which they are shown: frame 0 as it is, where it is at hand, and the frames."""
    first = [request.plain()] if request.plain is not None else []
    return [*first, *images.values()]


def views(request: JudgeRequest, frames: Sequence[int]) -> list[tuple[int, bool]]:
    """Return the frame that each picture shows, and whether as it is."""
    first = [(min(frames), True)] if request.plain is not None and frames else []
    return [*first, *((index, False) for index in frames)]
