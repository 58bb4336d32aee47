#!/usr/bin/env bash
# PySceneDetect's content detector says nothing of a hard cut within the first 15 frames of a video.
#
# By default two cuts must lie 15 frames apart, and the start of the video counts as the first. One might expect an early cut to be reported late
# or merged with the next; it is dropped, whatever follows, and a video with that cut alone gives an empty list, as a video without
# any cut does (and not a list with the whole video as its one scene). The limit is in frames, not in time: at 8 frames a second, the
# rate of many generated videos, it hides every cut of the first 1.9 seconds of 6. A cut just before the end is found, however short the rest.
# With min_scene_len=1 all are found.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet scenedetect==0.7.2 opencv-python-headless==5.0.0.93 av==18.1.0 numpy==2.4.6
cat > "$work/probe.py" <<'PY'
import sys

import av
import numpy as np
import scenedetect
from scenedetect import ContentDetector, detect

print("PySceneDetect", scenedetect.__version__)
RED, BLUE = (200, 30, 30), (30, 60, 200)


def scenes(rate, lengths, **settings):
    path = f"{sys.argv[1]}/clip.mp4"
    with av.open(path, "w") as out:
        stream = out.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for colour, length in zip((RED, BLUE, RED), lengths):
            for _ in range(length):
                out.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((96, 160, 3), colour, np.uint8), format="rgb24")))
        out.mux(stream.encode())
    return [(first.frame_num, last.frame_num) for first, last in detect(path, ContentDetector(**settings))]


found = {}
for rate in (8, 24):
    for lengths in ((49,), (14, 35), (15, 34), (46, 3), (10, 20, 19)):
        found[rate, lengths] = scenes(rate, lengths)
        print(f"{rate} frames a second, scenes of {lengths} frames: {found[rate, lengths]}")
short = scenes(8, (10, 20, 19), min_scene_len=1)
print("with min_scene_len=1:", short)
for rate in (8, 24):
    expected = [[], [], [(0, 15), (15, 49)], [(0, 46), (46, 49)], [(0, 30), (30, 49)]]
    assert [found[key] for key in found if key[0] == rate] == expected, f"the behaviour has changed: {found}"
assert short == [(0, 10), (10, 30), (30, 49)], f"the behaviour has changed: {short}"
print("as described")
PY
"$work/venv/bin/python" "$work/probe.py" "$work"
