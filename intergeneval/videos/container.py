"""A video in a container file, untrusted, whose pictures are given once, in order.

Files are untrusted. Only plain video containers are opened (never playlists or lists that name other files), a frame may have at
most MAX_PIXELS pixels, a video at most MAX_FRAMES frames.

When a damaged file is still a video: never when a picture is missing or damaged *before* one that can be decoded; a damaged or
missing *tail* of at most TAIL_SHARE of the frames is dropped and noted; a longer one makes the file undecodable. What is
missing is told by the file's own counts: the samples in the index of an mp4, the frames in the header of an AVI, the duration
of a Matroska file. A file that does not say how long it should be (a GIF, a fragmented mp4, a stream that was recorded as it
ran or written to a pipe) must be whole, and so must every image of a folder; what was put behind its end is no part of it.
Damage that leaves a valid stream (a flipped bit inside a codec without checksums, a fragmented mp4 cut between two fragments)
cannot be told from a bad video and is judged as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import av

from intergeneval.errors import MediaError
from intergeneval.videos.clock import Clock, Stamp, clock_of
from intergeneval.videos.decoding import ASSUMED_RATE, FAULTS, cause, check_volume, decoded
from intergeneval.videos.packets import Listing, list_packets
from intergeneval.videos.pixels import UPRIGHT, Converter, Frame, Notes, turn_by_matrix
from intergeneval.videos.structure import Structure, structure_of

TAIL_SHARE = 0.05
"""Largest share of the frames that may be damaged or missing at the end of a file that is still accepted."""
VIDEO_SUFFIXES = (".mp4", ".webm", ".mov", ".gif", ".mkv", ".m4v", ".avi")
"""File names that hold a video, lower case."""
LEADING = 16
"""Most frames that a decoder may leave out without a word: those shown before the first key frame of a stream that was cut out of
a longer one; no codec reorders more."""
_VARIABLE = "variable frame rate"
_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,gif,avi"


def look(path: Path) -> None:
    """Look at the beginning of a file, before anybody reads it to its end. Raises MediaError where it is no video.

    A file of gigabytes that holds nothing takes a minute to hash.
    """
    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
    try:
        with av.open(str(path.resolve()), mode="r", options=options) as container:
            if not container.streams.video:
                raise MediaError(f"{path}: holds no video stream")
    except FAULTS as error:
        raise MediaError(f"{path}: cannot be read as a video: {cause(error)}") from error


class VideoFile:
    """A video in a container file."""

    def __init__(self, path: Path, notes: Notes) -> None:
        self._path = path
        self._notes = notes
        self._dropped = ""
        self._listing = self._list()
        self.announced = self._listing.frames
        self._check_tail(self._listing.missing, self._listing.trouble)
        self._set(self._listing.clock)

    def _set(self, clock: Clock) -> None:
        self.fps = clock.fps or self._listing.rate or ASSUMED_RATE
        self.times = clock.times
        if not clock.fps and not self._listing.rate:
            self._notes.add(f"frame rate taken as {ASSUMED_RATE:g}: the file gives no times")
        if clock.noted:
            self._notes.add(_VARIABLE)
        else:
            self._notes.drop(_VARIABLE)

    def _list(self) -> Listing:
        structure = Structure()
        try:
            structure = structure_of(self._path)
            with self._open() as container:
                if container.format.name == "gif" and structure.trouble:
                    raise MediaError(f"{self._path}: is a damaged GIF: {structure.trouble}")
                stream = self._stream(container)
                shape = stream.sample_aspect_ratio
                if shape and shape != 1:
                    self._notes.add(f"pixels of {shape.numerator}:{shape.denominator} taken as square")
                return list_packets(container, stream, structure, self._open)
        except FAULTS as error:
            said = cause(error)
            if structure.trouble not in said:
                said = f"{structure.trouble} ({said})"
            raise MediaError(f"{self._path}: cannot be read as a video: {said}") from error

    def _open(self, more: Mapping[str, str] = MappingProxyType({})) -> Any:
        if self._path.stat().st_size == 0:
            raise MediaError(f"{self._path}: the file is empty")
        # An absolute path cannot be taken for a URL; both lists keep a file from making the library open others.
        options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file", **more}
        return av.open(str(self._path.resolve()), mode="r", options=options)

    def _stream(self, container: Any) -> Any:
        for stream in container.streams.video:
            if not stream.disposition & stream.disposition.attached_pic:
                if stream.codec_context is None:
                    raise MediaError(f"{self._path}: its codec is not known")
                return stream
        raise MediaError(f"{self._path}: holds no video stream")

    def pictures(self) -> Iterator[Frame]:
        """Yield every picture in order, decoded once. Raises MediaError by the rule in this module's text."""
        try:
            container = self._open()
        except FAULTS as error:
            raise MediaError(f"{self._path}: cannot be read as a video: {cause(error)}") from error
        with container:
            yield from self._walk(container)

    def _walk(self, container: Any) -> Iterator[Frame]:
        size: tuple[int, int] | None = None
        stream = self._stream(container)
        turn, converter = UPRIGHT, Converter(self._notes, stream.codec_context)
        seen, trouble, fields = 0, "", False
        shown: list[int | None] = []
        for picture, problem in decoded(container, stream):
            trouble = trouble or problem
            if picture is None:
                continue
            if trouble:
                raise MediaError(f"{self._path}: frame {seen} of {self.announced} cannot be decoded: {trouble}")
            if size is None:
                size, turn = (picture.height, picture.width), turn_by_matrix(picture)
                check_volume(self._path, self.announced, size)
            if (picture.height, picture.width) != size:
                raise MediaError(
                    f"{self._path}: frame {seen} is {picture.width}x{picture.height}, the first is {size[1]}x{size[0]}"
                )
            shown.append(picture.pts)
            fields = fields or picture.interlaced_frame
            try:
                frame = converter.rgb(picture, turn)
            except MediaError as error:
                raise MediaError(f"{self._path}: {error}") from None
            except FAULTS as error:
                raise MediaError(f"{self._path}: frame {seen} cannot be turned into RGB: {cause(error)}") from error
            seen += 1
            yield frame
        self._close(shown, trouble, fields=fields)

    def _close(self, shown: Sequence[int | None], trouble: str, *, fields: bool) -> None:
        """Compare what was decoded with what was announced: its number, and its times."""
        missing = self.announced - len(shown)
        if fields:
            self._notes.add("interlaced: its fields were not taken apart")
        if trouble or not shown:
            self._check_tail(max(1, self._listing.missing + max(0, missing)), trouble or "no frame can be decoded")
        elif missing > max(LEADING, TAIL_SHARE * self.announced) and not (fields and self.announced - 2 * len(shown) <= 1):
            raise MediaError(f"{self._path}: only {len(shown)} of its {self.announced} frames can be decoded")
        given = [item for item in shown if item is not None]
        lasts = {item.shown: item.lasts for item in self._listing.stamps}
        if len(given) < len(shown) or sorted(given) == sorted(item.shown for item in self._listing.stamps):
            return
        # Packets that show nothing, or samples that an edit list leaves out.
        clock = clock_of([Stamp(shown=item, lasts=lasts.get(item, 0)) for item in given], self._listing.unit)
        if clock.times or self.times or abs(clock.fps - self.fps) > 0.01 * self.fps:
            self._set(clock)

    def _check_tail(self, missing: int, trouble: str) -> None:
        """Accept a short damaged tail with a note, refuse a long one; nothing is missing where `trouble` is empty."""
        if not trouble:
            return
        whole = self.announced + self._listing.missing
        if missing > TAIL_SHARE * whole:
            raise MediaError(f"{self._path}: about {missing} of {whole} frames at the end cannot be decoded: {trouble}")
        self._notes.drop(self._dropped)
        self._dropped = f"damaged end: the last {missing} of {whole} frames dropped"
        self._notes.add(self._dropped)
