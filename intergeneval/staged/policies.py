"""Policies: named mixtures of faults, which play the part of video models.

``perfect`` makes no fault, each fault's name is a policy that commits it wherever the scene has a place for it, and ``mix-01`` to
``mix-10`` commit more and graver ones, so that the true IF of the family runs from nearly 1 to nearly 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from intergeneval.errors import ConfigError
from intergeneval.staged.dial import Dial
from intergeneval.staged.faults import FAULTS
from intergeneval.staged.scene import Scene, rng_of

MIXTURES = tuple(f"mix-{step:02d}" for step in range(1, 11))
"""Names of the graded family, best first."""
POLICIES = ("perfect", *FAULTS, *MIXTURES)
"""Every policy that the exam goes through."""
ROLE_POLICIES = ("either-role", "one-role")
"""Policies that do the deed and do not ask who is to do it: ``either-role`` tosses a coin for every video, ``one-role`` shows the
same for both twins of a first frame. For twins; elsewhere a scene whose roles cannot be exchanged is played as written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a policy does in one video."""

    dial: Dial
    """The settings."""
    severity: float
    """0 to 1; 0 where there is no fault."""


def plan(policy: str, scene: Scene, seed: int = 0) -> Plan:
    """Return what a policy does in one scene. Equal arguments give equal plans. Raises ConfigError for an unknown policy."""
    if policy in ROLE_POLICIES:
        return _either(policy, scene, seed)
    if policy not in POLICIES:
        raise ConfigError(f"no staged policy is called {policy!r}; there are: {', '.join((*POLICIES, *ROLE_POLICIES))}")
    rng = rng_of("policy", policy, scene.id, seed)
    severity = rng.random()
    if policy == "perfect":
        return Plan(dial=Dial(), severity=0.0)
    if policy in FAULTS:
        return _faulty(policy, scene, seed, severity)
    grade = int(policy.removeprefix("mix-")) / 10.0
    if rng.random() < grade * grade:
        ruined = _faulty("no-action", scene, seed, 1.0)
        act = scene.acts[0]
        dial = replace(ruined.dial, faults=("no-action", "vanishes"), hidden={act.subject: ((0.12, 1.01),)})
        return Plan(dial=dial, severity=1.0)
    if rng.random() < grade:
        names = [name for name in FAULTS if FAULTS[name].turn(scene, rng_of("place", scene.id), 0.5) is not None]
        return _faulty(names[int(rng.random() * len(names))], scene, seed, severity)
    return Plan(dial=Dial(), severity=0.0)


def _either(policy: str, scene: Scene, seed: int) -> Plan:
    """Let either of the two do it, without a look at the caption."""
    act = scene.acts[0]
    if policy == "one-role":
        drawn = rng_of("role", policy, scene.stage_id, seed).random() < 0.5
        named = act.subject == (min if drawn else max)(act.subject, act.object)
    elif scene.twin:
        # Over every four pairs each of the four outcomes comes once, so that the contrast is at chance and not near it by luck.
        outcomes = [(True, True), (True, False), (False, True), (False, False)]
        rng_of("role", policy, scene.seed, scene.index // 4, seed).shuffle(outcomes)
        named = outcomes[scene.index % 4]["ab".index(scene.twin)]
    else:
        named = rng_of("role", policy, scene.id, seed).random() < 0.5
    if named or FAULTS["roles-swapped"].turn(scene, rng_of("place", scene.id), 0.0) is None:
        return Plan(dial=Dial(), severity=0.0)
    return Plan(dial=Dial(subject=act.object, object=act.subject, faults=("roles-swapped",)), severity=0.0)


def _faulty(name: str, scene: Scene, seed: int, severity: float) -> Plan:
    dial = FAULTS[name].turn(scene, rng_of("fault", name, scene.id, seed), severity)
    if dial is None:
        return Plan(dial=Dial(), severity=0.0)
    return Plan(dial=replace(dial, faults=(name,)), severity=severity)
