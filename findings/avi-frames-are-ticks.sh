#!/usr/bin/env bash
# The number of frames that PyAV (FFmpeg's libraries) gives of an AVI is its length in ticks; frames that are not there are counted.
#
# stream.frames is described as the number of frames in the stream, and for an mp4 of the same frames it is. AVI has no times: for a frame
# that is shown longer, the writer puts empty chunks after it, and FFmpeg's writer counts them in the header while its reader hands
# none of them out. 41 frames at steps of 1, 2, 3 and 5 ticks are 111 by stream.frames, while 41 packets and 41 decoded frames come out.
# average_rate is 25 where 9.23 are shown. The file is whole; whoever compares the two numbers takes it for cut off, and
# whoever picks every n-th of stream.frames asks for frames past the end. The times of the frames are right.
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
TICK = Fraction(1, 25)
seen = {}
for name, steps in {"constant": [1] * 40, "variable": [1, 2, 3, 5] * 10}.items():
    ticks = list(accumulate(steps, initial=0))
    for kind, codec, layout in (("avi", "mjpeg", "yuvj420p"), ("avi", "mpeg4", "yuv420p"), ("mp4", "mpeg4", "yuv420p")):
        path = f"{sys.argv[1]}/clip.{kind}"
        with av.open(path, "w") as out:
            stream = out.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 64, layout
            for place, tick in enumerate(ticks):
                picture = np.zeros((64, 64, 3), np.uint8)
                picture[:, place : place + 4] = 255
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = tick, TICK
                out.mux(stream.encode(frame))
            out.mux(stream.encode())
        with av.open(path) as found:
            packets = sum(packet.size > 0 for packet in found.demux(video=0))
        with av.open(path) as found:
            stream = found.streams.video[0]
            told, rate = stream.frames, round(float(stream.average_rate), 2)
            frames = list(found.decode(stream))
        assert [frame.pts * frame.time_base for frame in frames] == [tick * TICK for tick in ticks], "not the times written"
        seen[name, kind, codec] = told, packets, len(frames), rate
        print(f"{name}, {codec} in {kind}: stream.frames {told}, {packets} packets, {len(frames)} frames; average_rate {rate}")
expected = {
    ("constant", "avi", "mjpeg"): (41, 41, 41, 25.0),
    ("constant", "avi", "mpeg4"): (41, 41, 41, 25.0),
    ("constant", "mp4", "mpeg4"): (41, 41, 41, 25.0),
    ("variable", "avi", "mjpeg"): (111, 41, 41, 25.0),
    ("variable", "avi", "mpeg4"): (111, 41, 41, 25.0),
    ("variable", "mp4", "mpeg4"): (41, 41, 41, 9.23),
}
assert seen == expected, f"the behaviour has changed: {seen}"
print("as described")
PY
"$work/venv/bin/python" "$work/probe.py" "$work"
