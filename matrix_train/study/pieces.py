"""The pieces of a study: what there is to do, in which order, what each needs, and what it left behind.

A finished piece has a record in ``pieces/``: what it was made from and a hash of what it made. It counts while that still holds.
So a study goes on wherever it was stopped, and a changed plan is told instead of mixed with what is there.
"""

from __future__ import annotations

import enum
import fnmatch
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intergeneval.errors import ConfigError, RecordError
from intergeneval.ids import canonical_json, sha256_json
from intergeneval.records import Record
from intergeneval.store import write_atomically
from matrix_train.study.arms import cache_of, config_of, is_trained, seeds_of, settings_of
from matrix_train.study.plan import Arm, StudyPlan

FOLDER = "pieces"


class Kind(enum.StrEnum):
    """What a piece does."""

    DATA = "data"
    """Writes the training clips."""
    BENCH = "bench"
    """Writes the benchmark."""
    ENCODE = "encode"
    """Encodes the clips into one cache."""
    TRAIN = "train"
    """Trains one arm with one seed."""
    RUN = "run"
    """Generates and scores the videos of one arm and training seed."""
    LABELS = "labels"
    """Draws the blind sheet."""
    TABLE = "table"
    """Compares the arms and writes the table."""
    REPORT = "report"
    """Writes the HTML report over all runs."""


OVERSAMPLING = 2
"""Staged first frames and clips are painted this many times larger and averaged down: so the base was taught."""
_FREE = frozenset(
    {"gradient_checkpointing", "maps_per_call", "save_every", "validate_every", "validate_clips", "log_every", "cache"}
)
"""Training fields that change nothing in the result, so that they may change while a study is under way."""
DERIVED = frozenset({Kind.LABELS, Kind.TABLE, Kind.REPORT})
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Record):
    """The record of a finished piece."""

    piece: str
    """Its name."""
    inputs: Mapping[str, Any]
    """What it was made from."""
    needs: Mapping[str, str]
    """Hash of each piece that it needed, by name."""
    made: str
    """Hash of what it made."""
    units: int
    """How much the sitting that finished it had to do: less than all where it was stopped before."""
    seconds: float
    """Wall time of that sitting."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What it has to say, such as seconds a step."""


def pieces_of(plan: StudyPlan) -> tuple[Piece, ...]:
    """Return all pieces in the order in which they are done: seed by seed, so that a part of a study is whole seeds."""
    trained = [arm for arm in plan.arms if arm.recipe and is_trained(plan, arm)]
    others = [arm for arm in plan.arms if arm.recipe and not is_trained(plan, arm)]
    caches = sorted({cache_of(config_of(plan, arm, plan.seeds[0])) for arm in trained})
    found = [_bench(plan)]
    if trained:
        found += [_data(plan), *(_encode(plan, name) for name in caches)]
    found += [_train(plan, arm, None) for arm in others]
    found += [_run(plan, arm, None) for arm in plan.arms if seeds_of(plan, arm) == (None,)]
    for seed in plan.seeds:
        found += [_train(plan, arm, seed) for arm in trained]
        found += [_run(plan, arm, seed) for arm in plan.arms if None not in seeds_of(plan, arm)]
    runs = tuple(item.name for item in found if item.kind is Kind.RUN)
    found.append(Piece(kind=Kind.LABELS, name="labels", units=plan.labels.clips, needs=runs, inputs=plan.labels.to_json()))
    shown = {"arms": [[arm.name, arm.label] for arm in plan.arms], "orders": [item.to_json() for item in plan.orders]}
    shown |= {"control": plan.control.to_json() if plan.control else None, "title": plan.title or plan.name}
    found.append(Piece(kind=Kind.TABLE, name="table", units=1, needs=(*runs, "labels"), inputs=shown))
    found.append(Piece(kind=Kind.REPORT, name="report", units=1, needs=runs, inputs={"title": plan.title or plan.name}))
    return tuple(found)


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
    inputs = {
        name: {key: item for key, item in section.items() if key not in _FREE} for name, section in config.to_json().items()
    }
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


class Ledger:
    """The records of finished pieces in a study's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    def path(self, piece: Piece) -> Path:
        """Return the file of a piece's record."""
        return self._folder / f"{piece.name.replace('/', '~')}.json"

    def read(self, piece: Piece) -> Done | None:
        """Return a piece's record; None where it was never finished. Raises RecordError for a damaged one."""
        try:
            text = self.path(piece).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        try:
            return Done.from_line(text, where=str(self.path(piece)))
        except RecordError as error:
            raise RecordError(f"{error}; remove the file, and the piece is looked at anew") from None

    def write(self, done: Done, piece: Piece) -> None:
        """Write a piece's record, whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path(piece), canonical_json(done.to_json()) + "\n")

    def forget(self, piece: Piece) -> None:
        """Take back a piece's record, so that it is done anew."""
        self.path(piece).unlink(missing_ok=True)

    def needed(self, piece: Piece, pieces: Mapping[str, Piece]) -> dict[str, str] | None:
        """Return the hash of what each needed piece made; None where one is not done."""
        found = {}
        for name in piece.needs:
            done = self.read(pieces[name])
            if done is None or self.differing(done, pieces[name], pieces):
                return None
            found[name] = done.made
        return found

    def is_done(self, piece: Piece, pieces: Mapping[str, Piece]) -> bool:
        """Whether a piece is finished and was made from what the plan says now.

        Raises ConfigError where a piece that takes long was made from something else.
        """
        done = self.read(piece)
        if done is None:
            return False
        differing = self.differing(done, piece, pieces)
        if differing and piece.kind not in DERIVED:
            raise ConfigError(
                f"{self.path(piece)}: {piece.name} was made with another {differing}; give the changed study another --out, "
                "or remove this file and what the piece made"
            )
        return not differing and self.needed(piece, pieces) is not None

    def differing(self, done: Done, piece: Piece, pieces: Mapping[str, Piece]) -> str:
        """Return the first thing in which a record differs from what the piece would be made from now; empty where none does."""
        first = _difference(done.inputs, _plain(piece.inputs))
        if first:
            return first
        for name in piece.needs:
            other = self.read(pieces[name])
            if other is not None and done.needs.get(name) != other.made:
                return name
        return "" if set(done.needs) == set(piece.needs) else "set of pieces"


def _difference(before: Any, now: Any, name: str = "") -> str:
    """Return the dotted name of the first value that differs, with both values; empty where none does."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in sorted({*before, *now}):
            found = _difference(before.get(key), now.get(key), f"{name}.{key}" if name else str(key))
            if found:
                return found
        return ""
    return "" if before == now else f"{name} ({before!r}, now {now!r})"


def _plain(value: Mapping[str, Any]) -> Any:
    """Return a value as JSON gives it back, so that tuples equal lists."""
    return json.loads(canonical_json(value))


def made_of(*parts: Any) -> str:
    """Return the hash of what a piece made."""
    return sha256_json(list(parts))
