#!/usr/bin/env bash
# Polygons that supervision makes of a mask lose a row and a column when pycocotools fills them.
#
# supervision's polygons run through the centres of the mask's outermost pixels, and its own polygon_to_mask fills them to the mask again. COCO's
# polygons run along the edges of pixels, and pycocotools fills what lies inside. Both are flat lists of x and y, so one passes for the
# other without a word: a mask of 20 x 20 pixels comes back as 19 x 19, one of 3 x 2 as 2 x 1, and of one that is one pixel wide
# there is no polygon at all. The same convention is in its boxes: mask_to_xyxy names the last pixel itself, so that width and height are one less than those of pycocotools'
# toBbox. Run lengths (mask_to_rle) agree in both. Hand masks over as run lengths, not as polygons.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet supervision==0.31.2 pycocotools==2.0.11 numpy==2.4.6
cat > "$work/probe.py" <<'PY'
import numpy as np
import supervision
from pycocotools import mask as coco

print("supervision", supervision.__version__)
seen = []
for height, width in ((20, 20), (2, 3), (6, 1)):
    mask = np.zeros((32, 32), bool)
    mask[4 : 4 + height, 5 : 5 + width] = True
    # A line of pixels is a contour of two points, which supervision leaves out.
    polygons = supervision.mask_to_polygons(mask)
    own = sum(int(supervision.polygon_to_mask(polygon, (32, 32)).sum()) for polygon in polygons)
    flat = [polygon.reshape(-1).astype(float).tolist() for polygon in polygons]
    filled = int(coco.area(coco.merge(coco.frPyObjects(flat, 32, 32)))) if flat else 0
    x0, y0, x1, y1 = supervision.mask_to_xyxy(mask[None])[0].tolist()
    box = coco.toBbox(coco.encode(np.asfortranarray(mask.astype(np.uint8)))).tolist()
    counts = [int(item) for item in supervision.mask_to_rle(mask)]
    again = coco.decode(coco.frPyObjects({"size": [32, 32], "counts": counts}, 32, 32))
    seen.append((int(mask.sum()), len(polygons), own, filled, (x1 - x0, y1 - y0), tuple(box[2:]), bool((again == mask).all())))
    print(
        f"{height} x {width} pixels: {seen[-1][0]}; {len(polygons)} polygon(s), filled by supervision {own}, by pycocotools {filled}; "
        f"box {seen[-1][4]} against {seen[-1][5]}; run lengths agree: {seen[-1][6]}"
    )
expected = [
    (400, 1, 400, 361, (19, 19), (20.0, 20.0), True),
    (6, 1, 6, 2, (2, 1), (3.0, 2.0), True),
    (6, 0, 0, 0, (0, 5), (1.0, 6.0), True),
]
assert seen == expected, f"the behaviour has changed: {seen}"
print("as described")
PY
"$work/venv/bin/python" "$work/probe.py"
