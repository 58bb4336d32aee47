#!/usr/bin/env bash
# An HDR file in ProRes loses its transfer function in PyAV (FFmpeg's libraries) when its first frame is decoded.
#
# Let the colour tags be set once, on the encoder's context, and not on each frame. H.264, HEVC, VP9 and FFV1 then come back with PQ and
# BT.2020 on every frame; ProRes does not. Its encoders write the context's tags into the container only, and "unspecified", the tag of
# the frame, into the frame's own header; and its decoder lets that "unspecified" win over the container's PQ. So
# codec_context.color_trc says PQ (16) after opening and unspecified (2) after one frame, and each frame says unspecified:
# whoever asks the frames takes the file for one of ordinary range. Matroska and MOV are alike. Ask the stream before decoding.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.6
cat > "$work/probe.py" <<'PY'
import sys

import av
import numpy as np

print("PyAV", av.__version__, "FFmpeg", av.ffmpeg_version_info)
PQ, BT2020, BT2020_MATRIX, UNSPECIFIED = 16, 9, 9, 2
HDR, LOST = (PQ, BT2020, BT2020_MATRIX), (UNSPECIFIED,) * 3
TEN = "yuv420p10le"


def tags(of):
    return int(of.color_trc), int(of.color_primaries), int(of.colorspace)


def tag(of):
    of.color_trc, of.color_primaries, of.colorspace = HDR


seen = {}
for codec, layout, kind in (
    ("libx264", TEN, "mov"),
    ("libx265", TEN, "mov"),
    ("libvpx-vp9", "yuv420p", "mkv"),
    ("ffv1", TEN, "mkv"),
    ("prores_ks", "yuv422p10le", "mov"),
    ("prores_ks", "yuv422p10le", "mkv"),
    ("prores_aw", "yuv422p10le", "mov"),
):
    for each in (False, True):
        path = f"{sys.argv[1]}/clip.{kind}"
        with av.open(path, "w") as out:
            stream = out.add_stream(codec, rate=25, options={"x265-params": "log-level=none"} if codec == "libx265" else {})
            stream.width, stream.height, stream.pix_fmt = 128, 64, layout
            tag(stream.codec_context)
            for _ in range(3):
                frame = av.VideoFrame.from_ndarray(np.full((64, 128, 3), 100, np.uint8), format="rgb24").reformat(format=layout)
                if each:
                    tag(frame)
                out.mux(stream.encode(frame))
            out.mux(stream.encode())
        with av.open(path) as found:
            stream = found.streams.video[0]
            opened = tags(stream.codec_context)
            frames = {tags(frame) for frame in found.decode(stream)}
            seen[codec, kind, each] = opened, tags(stream.codec_context), frames
        told, after, frames = seen[codec, kind, each]
        how = "encoder and frames" if each else "encoder"
        print(f"{codec} in {kind}, {how} tagged: transfer, primaries, matrix {told} when opened, {after} afterwards; frames {frames}")
for (codec, kind, each), found in seen.items():
    kept = each or not codec.startswith("prores")
    assert found == (HDR, HDR if kept else LOST, {HDR if kept else LOST}), f"the behaviour has changed: {codec} in {kind}: {found}"
print("as described")
PY
"$work/venv/bin/python" "$work/probe.py" "$work"
