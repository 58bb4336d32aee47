#!/usr/bin/env bash
# Masks that supervision writes as COCO polygons come back smaller from pycocotools.
#
# DetectionDataset.as_coco follows a mask's outline through the middles of its outer pixels. pycocotools, by which COCO is read and
# evaluated, fills what lies inside the outline, so that the outer pixels count half or not at all; supervision's own reader fills
# them. One would expect that a mask written as COCO is the same mask for every reader of COCO. A rectangle of 40x15 pixels is read
# with 39x14; the smaller the thing, the more is lost. Run lengths (of masks with holes) are exact.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet supervision==0.31.2 pycocotools==2.0.11
cat > "$work/probe.py" <<'PY'
import sys

import cv2
import numpy as np
import supervision as sv
from pycocotools.coco import COCO

work = sys.argv[1]
print("supervision", sv.__version__)
picture = f"{work}/a.png"
cv2.imwrite(picture, np.zeros((60, 80, 3), np.uint8))
mask = np.zeros((1, 60, 80), bool)
mask[0, 10:50, 5:20] = True
found = sv.Detections(xyxy=sv.mask_to_xyxy(mask), mask=mask, class_id=np.array([0]))
made = sv.DetectionDataset(classes=["person"], images=[picture], annotations={picture: found})
made.as_coco(images_directory_path=f"{work}/images", annotations_path=f"{work}/coco.json")
data = COCO(f"{work}/coco.json")
(read,) = (int(data.annToMask(item).sum()) for item in data.anns.values())
print("pixels written", int(mask.sum()), "read", read)
assert (int(mask.sum()), read) == (600, 546), f"the behaviour has changed: {read}"
print("as described")
PY
"$work/venv/bin/python" "$work/probe.py" "$work"
