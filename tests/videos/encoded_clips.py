"""Small encoded videos for the tests, made by the same library that users' tools are built on."""

from fractions import Fraction

import av
import numpy as np


def pattern(count, size=(64, 96)):
    """Frames whose mean grey tells their index: a moving texture over a level that rises with the index."""
    height, width = size
    texture = np.random.default_rng(7).integers(0, 40, (height, width + count, 3)).astype(np.uint8)
    for index in range(count):
        level = 20 + index * 160 // max(1, count - 1)
        yield np.ascontiguousarray(texture[:, index : index + width] + np.uint8(level))


CODECS = {
    ".mp4": ("libx264", "yuv420p"),
    ".webm": ("libvpx-vp9", "yuv420p"),
    ".mov": ("mpeg4", "yuv420p"),
    ".gif": ("gif", "rgb8"),
    ".mkv": ("ffv1", "yuv420p"),
}
QUICK = {"libx264": {"preset": "ultrafast", "crf": "18"}, "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"}}


def encode(path, frames, *, rate=8, codec=None, layout=None, stamps=None, turn=None, source="rgb24", options=None, crf=None):
    """Write `frames` by the container's usual codec; `stamps` are times in milliseconds, `turn` a rotation flag in degrees.

    `options` are the container's, `crf` the quality of libx264: 18 good, 40 poor.
    """
    usual, usual_layout = CODECS[path.suffix]
    container = av.open(str(path), "w", options=options or {})
    stream = None
    for index, pixels in enumerate(frames):
        if stream is None:
            stream = container.add_stream(
                codec or usual, rate=rate, options=QUICK.get(codec or usual, {}) | ({} if crf is None else {"crf": str(crf)})
            )
            stream.height, stream.width = pixels.shape[:2]
            stream.pix_fmt = layout or usual_layout
            if stamps is not None:
                stream.codec_context.time_base = Fraction(1, 1000)
            if turn is not None:
                stream.set_display_rotation(turn)
        picture = av.VideoFrame.from_ndarray(pixels, format=source).reformat(format=layout or usual_layout)
        if stamps is not None:
            picture.pts, picture.time_base = stamps[index], Fraction(1, 1000)
        container.mux(stream.encode(picture))
    container.mux(stream.encode(None))
    container.close()
    return path


def frames_of(path):
    """All frames of a video, RGB uint8 (H, W, 3)."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
