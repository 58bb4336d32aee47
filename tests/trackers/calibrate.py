"""What the confidence of tracker `flow` is fitted on: `python -m tests.trackers.calibrate` prints its weights anew.

Staged scenes of the development split, blurred and recompressed, crossings in which one hides another and goes out, and the two
drawn clips. A mask is right when its box and the
true one have IoU above .5 and at least 70 % of it lies in the true box. The same frames give the same weights.
"""

import io
from itertools import chain
from pathlib import Path

import av
import cv2
import numpy as np

from intergeneval import bench, staged
from intergeneval.masks import box, box_iou, decode
from intergeneval.trackers import confidence
from intergeneval.trackers.assembly import TrackBuilder
from intergeneval.trackers.flow import Following
from tests.trackers import hard_states

DRAWN = Path(__file__).parents[1] / "fixtures" / "clips"
POLICIES = (("perfect", 6), ("identity-swap", 3), ("fused", 3), ("vanishes", 3), ("mix-08", 3))
BLURS, RATES = (0.0, 0.8, 1.6), ("20", "28", "34")
FRAMES = (0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 48)
START = (1.0, 1.0, 1.0, 4.0, 1.0, 1.0, 2.0)
"""Where the weights begin, the base last ..."""
RIDGE = 2.0
"""... and the pull towards it, in examples: evidence counts until the examples say otherwise. Staged masks hardly ever grow, real
ones do, so the start alone says what size is worth."""
ROUNDS = 50
PIECES = ("colour", "look", "contrast", "size", "part", "rooted")


def recompressed(frames, rate, blur):
    """Frames blurred by a standard deviation and put through H.264 at a constant rate factor."""
    height, width = frames[0].shape[:2]
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=8, options={"crf": rate, "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            soft = cv2.GaussianBlur(np.asarray(frame), (0, 0), blur) if blur else np.ascontiguousarray(frame)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(soft, format="rgb24")))
        container.mux(stream.encode(None))
    buffer.seek(0)
    with av.open(buffer) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def staged_clips():
    """Yield frames and true masks (frame -> id -> mask) of staged scenes."""
    number = 0
    for policy, count in POLICIES:
        for scene in staged.scenes(staged.DEVELOPMENT_SEED, count):
            frames, truth = staged.perform(scene, staged.Request(policy=policy)).record(keep_frames=True)
            yield recompressed(frames, RATES[number % 3], BLURS[number // 3 % 3]), _masks(truth.visible)
            number += 1


def crossings():
    """Yield frames and true masks of staged crossings, while a thing is hidden by less than a half or nearly whole."""
    for index in hard_states.CROSSINGS:
        shown, moving, masks = hard_states.crossing_clip(staged.scene(staged.DEVELOPMENT_SEED, index))
        true = {0: masks} | {at: moving[at] for at in FRAMES[1:]}
        yield recompressed(hard_states.blurred(shown), "32", 0.0), true


def _masks(true):
    return {at: {track.instance_id: decode(track.masks[at], true.size) for track in true.tracks} for at in FRAMES}


def drawn_clips():
    """Yield frames and true masks of the two clips."""
    root, clips = bench.folder_of("clips"), bench.load("clips")
    for sample in clips.samples:
        with av.open(str(root / "videos" / f"{sample.id}.mp4")) as container:
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        true = {0: bench.load_masks(clips, sample)}
        for folder in sorted((DRAWN / sample.id).iterdir()):
            true[int(folder.name)] = {
                path.stem: cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 127 for path in sorted(folder.glob("*.png"))
            }
        yield frames, true


def is_right(mask, true):
    """Whether a mask lies where the true one does."""
    found, wanted = box(mask), box(true)
    if found is None or wanted is None or box_iou(found, wanted) <= 0.5:
        return False
    x0, y0, x1, y1 = (int(side) for side in wanted)
    return mask[y0:y1, x0:x1].sum() >= 0.7 * mask.sum()


def examples(clips):
    """Evidence (n, 6) of every mask that is shown in a frame with known truth, and whether it is right (n)."""
    seen, right = [], []
    for frames, true in clips:
        masks = {name: mask for name, mask in true[0].items() if mask.any()}
        builder = TrackBuilder(list(masks), masks)
        run = Following(list(masks), masks, builder)
        for at, frame in enumerate(frames):
            run.step(frame)
            if at == 0 or at not in true:
                continue
            tracks = {track.instance_id: track for track in builder.tracks()}
            for name, evidence in run.evidence.items():
                mask = decode(tracks[name].masks[at], frame.shape[:2])
                if name in true[at] and mask.any():
                    seen.append([getattr(evidence, piece) for piece in PIECES])
                    right.append(is_right(mask, true[at][name]))
    return np.array(seen), np.array(right)


def fit(seen, right):
    """Weights (6 and a base) of the logistic regression on logarithms of the evidence, none below 0, by Newton's method."""
    wide = np.column_stack([np.log(np.maximum(seen, confidence.LEAST)), np.ones(len(seen))])
    start = np.array(START)
    weights, free = start.copy(), np.ones(len(start), dtype=bool)
    for _ in range(ROUNDS):
        belief = 1 / (1 + np.exp(-wide @ weights))
        slope = wide.T @ (right - belief) - RIDGE * (weights - start)
        bend = (wide * (belief * (1 - belief))[:, None]).T @ wide + RIDGE * np.eye(len(start))
        weights[free] += np.linalg.solve(bend[np.ix_(free, free)], slope[free])
        # What speaks against a mask where there is more of it says nothing; the rest is fitted without it.
        free[:-1] &= weights[:-1] > 0
        weights[~free] = 0.0
    return weights


if __name__ == "__main__":
    cv2.setNumThreads(1)
    evidence, outcome = examples(chain(drawn_clips(), staged_clips(), crossings()))
    for piece, weight in zip((*PIECES, "base"), fit(evidence, outcome), strict=True):
        print(f"{piece.upper()} = {weight:.2f}")  # noqa: T201  # what this is run for
    print(f"{len(outcome)} masks, {outcome.mean():.3f} right")  # noqa: T201
