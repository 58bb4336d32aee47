"""Walk a GIF's blocks: the format has no index and no length, so a cut file otherwise reads as a shorter animation."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from intergeneval.ids import open_plain

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B


def gif_damage(path: Path) -> str:
    """Return in one sentence why a GIF is not whole, or an empty text. Raises OSError.

    One that ends inside a block, holds an unknown block or lacks its closing byte is not: nothing else says where it should end.
    """
    with open_plain(path) as stream:
        head = stream.read(13)
        if len(head) < 13 or head[:6] not in {b"GIF87a", b"GIF89a"}:
            return "it is not a GIF"
        _skip_colours(stream, head[10])
        end = path.stat().st_size
        images = 0
        while True:
            kind = stream.read(1)
            if not kind:
                return f"the file ends after {images} frames without its closing byte, so more may have followed"
            if kind[0] == _TRAILER:
                return ""
            if kind[0] not in {_EXTENSION, _IMAGE}:
                return f"after frame {images} stands a block of unknown kind {kind[0]:#04x}"
            if kind[0] == _IMAGE:
                _skip_colours(stream, stream.read(9)[8:][:1].ljust(1, b"\0")[0])
                images += 1
            stream.read(1)  # the kind of the extension, or the code size of the image
            if not _skip_blocks(stream, end):
                return f"the file ends inside a block after {images} frames began"


def _skip_colours(stream: BinaryIO, packed: int) -> None:
    if packed & 0x80:
        stream.seek(3 << ((packed & 7) + 1), 1)


def _skip_blocks(stream: BinaryIO, end: int) -> bool:
    """Skip a chain of data blocks; False when the file ends before the chain does."""
    while length := stream.read(1):
        if length[0] == 0:
            return True
        if stream.seek(length[0], 1) > end:
            return False
    return False
