#!/usr/bin/env bash
# The duration of a Matroska file, as PyAV (FFmpeg's libraries) writes and reads it, is the time at which it ends and not how long it lasts.
#
# The same 50 frames at 25 a second, beginning at 4 seconds, as a clip cut out of a longer video may: container.duration is 2 seconds for
# mp4, MOV and MPEG-TS, as expected, and 6 seconds for Matroska and WebM. start_time is 4 seconds in all of them, so that start plus
# duration, the end in mp4, is 10 seconds in Matroska. The stream's own DURATION tag says 6 seconds too, and stream.duration is None.
# Frames counted as rate times duration are then 150 instead of 50, and a file is taken as cut off where nothing is missing.
# Files that begin at 0 are right, so that tests seldom meet it. The duration less the start, or the times of the frames, give the length.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.6
cat > "$work/probe.py" <<'PY'
import sys
from fractions import Fraction

import av
import numpy as np

print("PyAV", av.__version__, "FFmpeg", av.ffmpeg_version_info)
seen = {}
for begin in (0, 4):
    for kind, codec in (("mp4", "libx264"), ("mov", "libx264"), ("ts", "libx264"), ("mkv", "libx264"), ("webm", "libvpx-vp9")):
        path = f"{sys.argv[1]}/clip.{kind}"
        with av.open(path, "w") as out:
            stream = out.add_stream(codec, rate=25, options={"bf": "0"} if codec == "libx264" else {})
            stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
            for place in range(50):
                frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 4 * place, np.uint8), format="rgb24")
                frame.pts, frame.time_base = 25 * begin + place, Fraction(1, 25)
                out.mux(stream.encode(frame))
            out.mux(stream.encode())
        with av.open(path) as found:
            stream = found.streams.video[0]
            start, duration, tag = found.start_time / 1e6, found.duration / 1e6, stream.metadata.get("DURATION")
            own = None if stream.duration is None else float(stream.duration * stream.time_base)
            times = [float(frame.pts * frame.time_base) for frame in found.decode(stream)]
        seen[begin, kind] = len(times), round(start, 2), round(duration, 2), own, tag
        print(
            f"{kind}: {len(times)} frames at {times[0]:.2f} to {times[-1]:.2f} s; container: start {start:.2f}, duration {duration:.2f}; "
            f"stream: duration {own}, DURATION {tag}"
        )
for begin in (0, 4):
    length = f"00:00:0{begin + 2}.000000000"
    for kind in ("mp4", "mov", "ts"):
        assert seen[begin, kind] == (50, begin, 2.0, 2.0, None), f"the behaviour has changed: {kind} {seen[begin, kind]}"
    for kind in ("mkv", "webm"):
        assert seen[begin, kind] == (50, begin, begin + 2.0, None, length), f"the behaviour has changed: {kind} {seen[begin, kind]}"
print("as described")
PY
"$work/venv/bin/python" "$work/probe.py" "$work"
