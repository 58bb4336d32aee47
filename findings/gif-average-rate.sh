#!/usr/bin/env bash
# A GIF's average_rate, as PyAV (FFmpeg's libraries) gives it, is not its average rate.
#
# GIF counts delays in hundredths of a second, so a writer alternates them: at 24 frames a second 4, 4, 5, 4, 4, 4, ... One would
# expect that the average over the file is 24 again. What is given is the rate of the shortest delay in the file instead: 25 for 24,
# 50/3 for 16, 25/2 for 12, 25/3 for 8, 100/3 for 30 and 100 for 60 frames a second, though the times of the frames are right.
# Whoever takes a clip's duration as frames / average_rate, or samples frames by it, is off by 4 to 67 percent.
# Frames over the time from the first to the end of the last frame's delay give the right rate.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.6
cat > "$work/probe.py" <<'PY'
import sys
from fractions import Fraction

import av
import numpy as np

print("PyAV", av.__version__)
seen = {}
for rate in (8, 10, 12, 16, 24, 25, 30, 60):
    path = f"{sys.argv[1]}/{rate}.gif"
    with av.open(path, "w") as out:
        stream = out.add_stream("gif", rate=rate)
        stream.width = stream.height = 64
        stream.pix_fmt = "rgb8"
        for place in range(48):
            picture = np.zeros((64, 64, 3), np.uint8)
            picture[:, place : place + 4] = 255
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode())
    with av.open(path) as found:
        stream = found.streams.video[0]
        told = Fraction(stream.average_rate)
        times = [frame.pts * frame.time_base for frame in found.decode(stream)]
    measured = Fraction(len(times) - 1) / (times[-1] - times[0])
    seen[rate] = told
    print(f"written at {rate}: {len(times)} frames, times say {float(measured):.2f} a second, average_rate says {float(told):.2f}")
expected = {8: "25/3", 10: "10", 12: "25/2", 16: "50/3", 24: "25", 25: "25", 30: "100/3", 60: "100"}
assert seen == {rate: Fraction(text) for rate, text in expected.items()}, f"the behaviour has changed: {seen}"
print("as described")
PY
"$work/venv/bin/python" "$work/probe.py" "$work"
