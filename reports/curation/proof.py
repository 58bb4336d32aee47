"""A proof at small size: staged clips as raw videos through `matrix-train curate`, and their masks held against the truth.

`python reports/curation/proof.py FOLDER [CLIPS]` writes CLIPS (100) staged videos with captions, boxes and interactions into
FOLDER/raw, curates them with `flow` into FOLDER/dataset, and prints what was left out, J and F of the masks after the first
frame, and the share of masks that overlap more with somebody else than with whom they are to follow. FOLDER/dataset is for `fit`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from intergeneval.exam.tracking import boundary
from intergeneval.staged import scene
from intergeneval.videos import write_video
from matrix_train.data.clips import mask_tracks, read_own, read_picture
from matrix_train.data.staged import write_staged_clips

SEED, FRAMES, SIZE, FPS = 3777, 17, (192, 288), 8 / 3
SETTINGS = f"""workers = 1
detector = "none"
tracker = "flow"
licence = "Apache-2.0"
[shots]
detector = "none"
[form]
frames = {FRAMES}
fps = {FPS}
[filters]
smallest = 96
"""


def write_raw(truth: Path, raw: Path, count: int) -> None:
    """Write clips with their truth, and the same as raw videos with a caption and what is known of the first frame."""
    write_staged_clips(truth, seed=SEED, count=count, frames=FRAMES, size=SIZE)
    for index, clip in enumerate(read_own(truth)):
        frames = [read_picture(path) for path in sorted((truth / clip.video).iterdir())]
        write_video(raw / f"{clip.id}.mp4", frames, FPS)
        sample, masks = scene(SEED, index).sample(), mask_tracks(truth, clip)
        (raw / f"{clip.id}.txt").write_text(clip.caption + "\n", encoding="utf-8")
        instances = [
            {"id": item.id, "class": item.class_, "appearance": item.appearance, "box": box(masks[item.id][0])}
            for item in sample.instances
        ]
        acts = [
            {"subject": act.subject, "verb": act.verb, "object": act.object, "category": str(act.category)}
            for act in sample.interactions
        ]
        (raw / f"{clip.id}.json").write_text(json.dumps({"instances": instances, "interactions": acts}), encoding="utf-8")


def box(mask: np.ndarray) -> list[int]:
    """Return x0, y0, x1, y1 of a mask (H, W)."""
    rows, columns = np.nonzero(mask)
    return [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]


def main(folder: Path, count: int) -> None:
    """Write, curate, compare."""
    truth, raw, dataset = folder / "truth", folder / "raw", folder / "dataset"
    write_raw(truth, raw, count)
    (folder / "curate.toml").write_text(SETTINGS)
    command = [sys.executable, "-c", "from matrix_train.cli import main; main()", "curate", str(raw), "--out", str(dataset)]
    done = subprocess.run([*command, "--config", str(folder / "curate.toml")], check=False)
    dropped = [json.loads(line) for line in (dataset / "dropped.jsonl").read_text().splitlines()]
    kept, true = read_own(dataset), {clip.id: clip for clip in read_own(truth)}
    print(f"exit code {done.returncode}; {len(kept)} of {count} clips kept; left out:", Counter(item["kind"] for item in dropped))
    regions, edges, others, masks = [], [], 0, 0
    for clip in kept:
        name = Path(str(clip.source)).stem if clip.source else clip.id
        found, wanted = mask_tracks(dataset, clip), mask_tracks(truth, true[name])
        for key, track in found.items():
            for frame in range(1, FRAMES):
                if not wanted[key][frame].any():
                    continue
                shared = {other: int((track[frame] & own[frame]).sum()) for other, own in wanted.items()}
                union = (track[frame] | wanted[key][frame]).sum()
                regions.append(shared[key] / union)
                edges.append(boundary(track[frame], wanted[key][frame]))
                masks += 1
                others += max(shared, key=lambda other: shared[other]) != key and max(shared.values()) > 0
    print(f"masks {masks}: J {np.mean(regions):.3f}, F {np.mean(edges):.3f}, on somebody else {others / masks:.4f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100)
