"""The pieces of a study: what there is to do, in which order, and what each needs."""

from __future__ import annotations

import enum
import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from intergeneval.errors import ConfigError
from matrix_train.study.arms import cache_of, config_of, is_trained, seeds_of, settings_of
from matrix_train.study.plan import Arm, StudyPlan


class Kind(enum.StrEnum):
    """What a piece does."""

    DATA = "data"
    """Writes the training clips."""
    BENCH = "bench"
    """Writes the benchmark."""
    ENCODE = "encode"
    """Encodes the clips into one cache."""
    GATE = "gate"
    """Measures the base, and ends the study where it binds too badly or too well to tell arms apart."""
    REGISTER = "register"
    """Writes down what will be compared and how, before the first arm."""
    TRAIN = "train"
    """Trains one arm with one seed."""
    RUN = "run"
    """Generates and scores the videos of one arm and training seed."""
    MEASURE = "measure"
    """Reads off the videos of one arm and training seed how often it binds."""
    FINDINGS = "findings"
    """Holds the arms against the reference by how often they bind."""
    HARNESS = "harness"
    """Holds the harness's scores against how often models bind."""
    LABELS = "labels"
    """Draws the blind sheet."""
    TABLE = "table"
    """Compares the arms and writes the table."""
    REPORT = "report"
    """Writes the HTML report over all runs."""


OVERSAMPLING = 2
"""Staged first frames and clips are painted this many times larger and averaged down: so the base was taught."""
_FREE = frozenset(
    {
        *("gradient_checkpointing", "maps_per_call", "cache", "prefetch"),
        *("save_every", "validate_every", "validate_clips", "log_every", "trackers"),
    }
)
"""Training fields that change nothing in the result, so that they may change while a study is under way."""
DERIVED = frozenset({Kind.FINDINGS, Kind.HARNESS, Kind.LABELS, Kind.TABLE, Kind.REPORT})
"""Pieces that take seconds: made anew whenever what they are made from has changed."""


class State(enum.StrEnum):
    """Where a piece stands."""

    DONE = "done"
    BEGUN = "begun"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One thing to do."""

    kind: Kind
    """What it does."""
    name: str
    """Its name, such as ``train/matrix/0``."""
    units: int
    """How much there is to do: clips, scenes, steps or videos."""
    needs: tuple[str, ...] = ()
    """Pieces that must be done before it."""
    arm: str = ""
    """The arm of a training or run."""
    seed: int | None = None
    """Its training seed; None where nothing is trained."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """What it is made from beside what it needs, plain JSON values."""


def pieces_of(plan: StudyPlan) -> tuple[Piece, ...]:
    """Return all pieces in the order in which they are done: seed by seed, so that a part of a study is whole seeds."""
    trained = [arm for arm in plan.arms if arm.recipe and is_trained(plan, arm)]
    others = [arm for arm in plan.arms if arm.recipe and not is_trained(plan, arm)]
    caches = sorted({cache_of(config_of(plan, arm, plan.seeds[0])) for arm in trained})
    found = [*_before(plan), _bench(plan)]
    if trained:
        found += [_data(plan), *(_encode(plan, name) for name in caches)]
    found += [_train(plan, arm, None) for arm in others]
    found += _videos(plan, [arm for arm in plan.arms if seeds_of(plan, arm) == (None,)], None)
    for seed in plan.seeds:
        found += [_train(plan, arm, seed) for arm in trained]
        found += _videos(plan, [arm for arm in plan.arms if None not in seeds_of(plan, arm)], seed)
    if plan.outcomes is not None:
        measured = tuple(item.name for item in found if item.kind is Kind.MEASURE)
        arms = [arm.name for arm in plan.arms]
        inputs = {"arms": arms, "outcomes": plan.outcomes.to_json(), "title": plan.title or plan.name}
        found.append(Piece(kind=Kind.FINDINGS, name="findings", units=1, needs=("register", *measured), inputs=inputs))
    runs = tuple(item.name for item in found if item.kind is Kind.RUN)
    if plan.outcomes is not None:
        inputs = {"title": plan.title or plan.name}
        found.append(Piece(kind=Kind.HARNESS, name="harness", units=1, needs=("findings", *runs), inputs=inputs))
    found.append(Piece(kind=Kind.LABELS, name="labels", units=plan.labels.clips, needs=runs, inputs=plan.labels.to_json()))
    shown = {"arms": [[arm.name, arm.label] for arm in plan.arms], "orders": [item.to_json() for item in plan.orders]}
    shown |= {"control": plan.control.to_json() if plan.control else None, "title": plan.title or plan.name}
    found.append(Piece(kind=Kind.TABLE, name="table", units=1, needs=(*runs, "labels"), inputs=shown))
    found.append(Piece(kind=Kind.REPORT, name="report", units=1, needs=runs, inputs={"title": plan.title or plan.name}))
    return tuple(found)


def _before(plan: StudyPlan) -> list[Piece]:
    """Return what is done before anything is trained where binding is the outcome: the gate, and what is written down."""
    if plan.outcomes is None:
        return []
    outcomes = plan.outcomes.to_json()
    gate = {"base": plan.base.model, "outcomes": outcomes, "shape": plan.shape.to_json()}
    # All that decides what is claimed; the harness's own orders are written down with it.
    told = {"plan": plan.to_json()}
    return [
        Piece(kind=Kind.GATE, name="gate", units=2 * plan.outcomes.scenes, inputs=gate),
        Piece(kind=Kind.REGISTER, name="register", units=1, needs=("gate",), inputs=told),
    ]


def _videos(plan: StudyPlan, arms: Sequence[Arm], seed: int | None) -> list[Piece]:
    """Return the pieces that make videos of arms: measured where binding is the outcome, and scored by the harness."""
    found = [_measure(plan, arm, seed) for arm in arms] if plan.outcomes is not None else []
    return [*found, *(_run(plan, arm, seed) for arm in arms)]


def _measure(plan: StudyPlan, arm: Arm, seed: int | None) -> Piece:
    assert plan.outcomes is not None
    outcomes = plan.outcomes
    inputs = {"scenes": outcomes.scenes, "seed": outcomes.seed, "steps": outcomes.steps, "generation": settings_of(plan, arm)}
    return Piece(
        kind=Kind.MEASURE,
        name=_name(Kind.MEASURE, arm, seed),
        units=2 * outcomes.scenes,
        needs=("register", _name(Kind.TRAIN, plan.source(arm), seed)),
        arm=arm.name,
        seed=seed,
        inputs=inputs,
    )


def _bench(plan: StudyPlan) -> Piece:
    size = [OVERSAMPLING * plan.shape.height, OVERSAMPLING * plan.shape.width]
    inputs = {"path": plan.bench.path} if plan.bench.path else {"seed": plan.bench.seed, "size": size}
    return Piece(kind=Kind.BENCH, name="bench", units=plan.bench.scenes, inputs={**inputs, "scenes": plan.bench.scenes})


def _data(plan: StudyPlan) -> Piece:
    own = {"path": plan.clips.path}
    inputs = own if plan.clips.path else {**plan.clips.to_json(), "shape": plan.shape.to_json()}
    return Piece(kind=Kind.DATA, name="data", units=plan.clips.count, inputs=inputs)


def _encode(plan: StudyPlan, cache: str) -> Piece:
    inputs = {"base": plan.base.model, "dtype": plan.base.dtype, "cache": cache, "shape": plan.shape.to_json()}
    return Piece(kind=Kind.ENCODE, name=f"encode/{cache}", units=plan.clips.count, needs=("data",), inputs=inputs)


def _train(plan: StudyPlan, arm: Arm, seed: int | None) -> Piece:
    config = config_of(plan, arm, seed)
    needs = (f"encode/{cache_of(config)}",) if config.train.steps else ()
    if plan.outcomes is not None:
        needs = ("register", *needs)
    # Where no clip is held out, nothing of that section changes the result, and pieces made before there was one stay.
    told = {name: section for name, section in config.to_json().items() if name != "heldout" or config.heldout.share}
    # A study's own clips have the rate at which they are seen; pieces made before it was named stay.
    free = _FREE if plan.clips.path else _FREE | {"fps"}
    inputs = {name: {key: item for key, item in section.items() if key not in free} for name, section in told.items()}
    return Piece(
        kind=Kind.TRAIN,
        name=_name(Kind.TRAIN, arm, seed),
        units=config.train.steps,
        needs=needs,
        arm=arm.name,
        seed=seed,
        inputs=inputs,
    )


def _run(plan: StudyPlan, arm: Arm, seed: int | None) -> Piece:
    inputs = {"generation": settings_of(plan, arm), "scoring": plan.scoring.to_json(), "noise": list(plan.bench.noise_seeds)}
    return Piece(
        kind=Kind.RUN,
        name=_name(Kind.RUN, arm, seed),
        units=plan.bench.scenes * len(plan.bench.noise_seeds),
        needs=("bench", _name(Kind.TRAIN, plan.source(arm), seed)),
        arm=arm.name,
        seed=seed,
        inputs=inputs,
    )


def _name(kind: Kind, arm: Arm, seed: int | None) -> str:
    return f"{kind}/{arm.name}" + ("" if seed is None else f"/{seed}")


def choose(pieces: Sequence[Piece], only: Sequence[str] = (), until: str = "") -> tuple[Piece, ...]:
    """Return the pieces whose names match one of `only` (``train/*/0`` takes a pattern), up to and with `until`.

    Raises ConfigError for words that name no piece.
    """
    names = [item.name for item in pieces]
    for word in only:
        if not fnmatch.filter(names, word):
            raise ConfigError(f"--only {word}: no piece of that name; pieces are {', '.join(names)}")
    if until and until not in names:
        raise ConfigError(f"--until {until}: no piece of that name; pieces are {', '.join(names)}")
    kept = pieces[: names.index(until) + 1] if until else pieces
    return tuple(item for item in kept if not only or any(fnmatch.fnmatch(item.name, word) for word in only))
