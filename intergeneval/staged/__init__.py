"""The staged world: procedural videos whose truth is known.

`scenes(seed, count)` draws scenes, `perform(scene, Request(policy=...))` turns one into frames and their Truth; ``POLICIES``
names the synthetic models. Knows nothing of judges, trackers or scores: it examines them.
"""

from intergeneval.staged.by_seed import scene, scene_of, scenes, twin_scenes
from intergeneval.staged.faults import FAULTS
from intergeneval.staged.perform import FPS, FRAMES, Performance, Request, perform
from intergeneval.staged.policies import MIXTURES, POLICIES, ROLE_POLICIES, plan
from intergeneval.staged.scene import DEVELOPMENT_SEED, SIZE, TEST_SEED, Scene
from intergeneval.staged.scripts import SCRIPTS

__all__ = [
    "DEVELOPMENT_SEED",
    "FAULTS",
    "FPS",
    "FRAMES",
    "MIXTURES",
    "POLICIES",
    "ROLE_POLICIES",
    "SCRIPTS",
    "SIZE",
    "TEST_SEED",
    "Performance",
    "Request",
    "Scene",
    "perform",
    "plan",
    "scene",
    "scene_of",
    "scenes",
    "twin_scenes",
]
