"""Whether an instance moves by itself, told from the motion inside its mask; from its outline where nobody saw the pictures.

Outlines tremble with the tracker, and a picture that breathes as a whole moves everything in it. So what is inside must move more
than the surroundings do, and farther than a compressed still picture seems to.
"""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from intergeneval.judges.geometry import thresholds
from intergeneval.judges.geometry.measurements import Flags, Floats, Scene, Stretch
from intergeneval.records import Step


def stirs(scene: Scene, name: str) -> Flags:
    """Return per measured frame whether an instance moves or bends by itself in the stretch that ends there, (T,)."""
    flags = np.zeros(len(scene.frames), dtype=np.bool_)
    for start, end, own, limit in _windows(scene, name):
        flags[start + 1 : end + 1] = own >= limit
    return flags


def strength(scene: Scene, name: str) -> float:
    """Return how far the liveliest stretch of an instance lies above what counts as motion: 1 at the limit."""
    return max((own / limit for _, _, own, limit in _windows(scene, name)), default=0.0)


def still(scene: Scene, *names: str) -> bool:
    """Return whether none of the instances moves by itself in any frame."""
    return all(strength(scene, name) < 1.0 for name in names)


def first_stir(scene: Scene, name: str) -> int | None:
    """Return the measured frame at the end of the first stretch in which it moves by itself; None where it never does."""
    return next((end for _, end, own, limit in _windows(scene, name) if own >= limit), None)


def _windows(scene: Scene, name: str) -> list[Stretch]:
    if name not in scene.stretches:
        told = scene.motion is not None and name in scene.motion.inside
        scene.stretches[name] = _inside(scene, name) if told else _outlined(scene, name)
    return scene.stretches[name]


def _inside(scene: Scene, name: str) -> list[Stretch]:
    """Return every stretch in which the instance is seen, from the motion in the pictures."""
    assert scene.motion is not None
    found: list[Stretch] = []
    start = 0
    size = scene.sights[name].size
    for end, camera, step in zip(scene.motion.ends, scene.motion.camera, scene.motion.inside[name], strict=True):
        if step is not None:
            limit = max(
                thresholds.STIR_SIZES * size, thresholds.STIR_SIDE * max(scene.shape), thresholds.STIR_ABOVE * camera.bend
            )
            found.append((_index(scene, start), _index(scene, end), own_motion(step), limit))
        start = end
    return found


def own_motion(step: Step) -> float:
    """Return how far an instance goes or bends in one stretch, in pixels."""
    return max(step.most, step.bend)


def _outlined(scene: Scene, name: str) -> list[Stretch]:
    """The same from outlines alone: how much of it changes place or shape within each stretch."""
    reach = scene.count(thresholds.STIR_SECONDS)
    seen = scene.sights[name].visible
    found: list[Stretch] = []
    for start in range(0, len(scene.frames) - 1, reach):
        end = min(len(scene.frames) - 1, start + reach)
        if not (seen[start] and seen[end]):
            continue
        inner = [index for index in range(start + 1, end + 1) if seen[index]]
        shape = max(max(scene.change(name, index, start), scene.gained(name, index, start)[0]) for index in inner)
        way = scene.place(name)[inner] - scene.place(name)[start]
        far = float(np.hypot(*way.T).max()) / max(1.0, thresholds.STIR_FAR * scene.sights[name].size)
        found.append((start, end, max(shape / thresholds.STIR_SHARE, far), 1.0))
    return found


def _index(scene: Scene, frame: int) -> int:
    return min(bisect_left(scene.frames, frame), len(scene.frames) - 1)


def path(scene: Scene, name: str) -> Floats | None:
    """Return where the inside of an instance has gone against the background since the first frame, (T, 2) in pixels.

    None where nobody looked at the pictures; what it does while it is not seen is left out.
    """
    if scene.motion is None or name not in scene.motion.inside:
        return None
    ends, places = [0], [np.zeros(2)]
    for end, step in zip(scene.motion.ends, scene.motion.inside[name], strict=True):
        ends.append(end)
        places.append(places[-1] + (np.zeros(2) if step is None else (step.x, step.y)))
    known = np.array(places)
    return np.stack([np.interp(scene.frames, ends, known[:, axis]) for axis in (0, 1)], axis=1)
