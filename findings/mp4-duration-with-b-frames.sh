#!/usr/bin/env bash
# An mp4 of variable rate says another duration or average rate when its encoder uses B-frames, though the same frames are shown at the same times.
#
# A stream's duration is expected to reach to the end of its last frame, a frame's duration to the next frame, and average_rate to be frames by
# duration. With B-frames PyAV (FFmpeg's libraries) writes and reads steps between decoding times instead, which are moved against the times of
# showing. Of a clip that slows down, from 25 to 2 frames a second, the last frame begins 0.88 seconds after the stream is said to have
# ended, and average_rate is 8.94 where 7.11 is right; for a clip that speeds up it is 5.90, and the duration is right. In both, some frames
# have the duration of a neighbour. All frames come out, at right times, and at a constant rate all is right, with B-frames too.
# libx264 uses B-frames unless it is told not to. The times of the frames are right; take span and rate from them.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.6
cat > "$work/probe.py" <<'PY'
import sys
from fractions import Fraction
from itertools import accumulate

import av
import numpy as np

print("PyAV", av.__version__, "FFmpeg", av.ffmpeg_version_info)
STEPS = {"slows down": [40] * 24 + [500] * 7, "speeds up": [500] * 7 + [40] * 24, "is constant": [40] * 31}
MILLISECOND = Fraction(1, 1000)


def read(steps, most_b_frames):
    path = f"{sys.argv[1]}/clip.mp4"
    with av.open(path, "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"bf": str(most_b_frames), "x264-params": "b-adapt=0"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.codec_context.time_base = MILLISECOND
        for place, time in enumerate(accumulate(steps, initial=0)):
            picture = np.zeros((64, 64, 3), np.uint8)
            picture[:, place : place + 4] = 255
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = time, MILLISECOND
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    with av.open(path) as found:
        stream = found.streams.video[0]
        duration, rate = float(stream.duration * stream.time_base), round(float(stream.average_rate), 2)
        frames = [(frame.pts * frame.time_base, frame.duration * frame.time_base) for frame in found.decode(stream)]
    times = [time for time, _ in frames]
    assert times == [time * MILLISECOND for time in accumulate(steps, initial=0)], "the times of the frames are not those written"
    wrong = sum(time + length != after for (time, length), after in zip(frames, times[1:]))
    return duration, rate, float(times[-1]), wrong


seen = {}
for name, steps in STEPS.items():
    for most_b_frames in (0, 2):
        duration, rate, last, wrong = seen[name, most_b_frames] = read(steps, most_b_frames)
        print(
            f"{name}, {'with' if most_b_frames else 'without'} B-frames: 32 frames, the last begins at {last:.2f} s; "
            f"duration {duration:.2f} s, average_rate {rate:.2f}, {wrong} frame(s) with another duration than the time to the next"
        )
told = {key: found[:3] for key, found in seen.items()}
expected = {
    ("slows down", 0): (4.5, 7.11, 4.46),
    ("slows down", 2): (3.58, 8.94, 4.46),
    ("speeds up", 0): (4.5, 7.11, 4.46),
    ("speeds up", 2): (4.5, 5.9, 4.46),
    ("is constant", 0): (1.28, 25.0, 1.24),
    ("is constant", 2): (1.28, 25.0, 1.24),
}
assert told == expected, f"the behaviour has changed: {told}"
assert [found[3] > 0 for found in seen.values()] == [False, True, False, True, False, False], f"the behaviour has changed: {seen}"
print("as described")
PY
"$work/venv/bin/python" "$work/probe.py" "$work"
