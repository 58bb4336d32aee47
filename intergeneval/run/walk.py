"""One walk over a video's frames, for everybody who looks at all of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from intergeneval import videos
from intergeneval.errors import MediaError
from intergeneval.videos.cuts import CutWatch
from intergeneval.videos.motion import MotionWatch

Frame = npt.NDArray[np.uint8]


class Walk:
    """Gives a reader's frames, looks for cuts and motion on the way, and remembers when the video failed, and not the tracker."""

    def __init__(self, reader: videos.Reader, *, motion: bool = False) -> None:
        """`motion` asks for the motion in the pictures as well."""
        self._frames = iter(reader)
        self._first: Frame | None = None
        self._watch = CutWatch()
        self.motion = MotionWatch() if motion else None
        """What sees the motion; None where nobody asks."""
        self.error: MediaError | None = None

    @property
    def cuts(self) -> tuple[int, ...]:
        """Frames at which another shot begins; final after the walk."""
        return self._watch.cuts

    def peek(self) -> Frame | None:
        """Return the first frame, which the walk still gives; None where there is none. Raises MediaError."""
        if self._first is None:
            self._first = next(self, None)
        return self._first

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        try:
            frame = next(self._frames)
        except MediaError as error:
            self.error = error
            raise
        self._watch.see(frame)
        if self.motion is not None:
            self.motion.see(frame)
        return frame

    def finish(self) -> None:
        """Walk over the frames the tracker left, so that the frame count and the sampled frames are whole."""
        for _ in self:
            pass
