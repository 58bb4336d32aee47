"""How far a study is and how long the rest takes, from the pace of what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from intergeneval.records import Record
from intergeneval.records.disk import read_bytes
from matrix_train.study.ledger import Ledger
from matrix_train.study.pieces import DERIVED, Kind, Piece, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing(Record):
    """One piece in the list of a study's pieces."""

    piece: str
    """Its name."""
    state: State
    """done, begun or open."""
    units: int
    """Clips, scenes, steps or videos in all."""
    left: int
    """Of these, still to do."""
    seconds: float | None
    """What it took, or what the rest is estimated to take; None where nothing alike was done yet."""


def standings(folder: Path, pieces: Sequence[Piece], ledger: Ledger) -> tuple[Standing, ...]:
    """Return where each piece stands. Raises ConfigError where one was made from another plan."""
    by_name = {item.name: item for item in pieces}
    paces = _paces(pieces, ledger)
    found = []
    for piece in pieces:
        done = ledger.read(piece)
        if done is not None and ledger.is_done(piece, by_name):
            found.append(Standing(piece=piece.name, state=State.DONE, units=piece.units, left=0, seconds=done.seconds))
            continue
        finished = min(_finished(folder, piece), piece.units)
        left = piece.units - finished
        pace = paces.get((piece.kind, piece.arm), paces.get((piece.kind, "")))
        seconds = 0.0 if piece.kind in DERIVED else None if pace is None else pace * left
        state = State.BEGUN if finished else State.OPEN
        found.append(Standing(piece=piece.name, state=state, units=piece.units, left=left, seconds=seconds))
    return tuple(found)


def left_of(found: Sequence[Standing]) -> tuple[float, int]:
    """Return the seconds that the open pieces take, and how many of them nothing is known of."""
    open_ = [item for item in found if item.state is not State.DONE]
    return sum(item.seconds or 0.0 for item in open_), sum(item.seconds is None for item in open_)


def _paces(pieces: Sequence[Piece], ledger: Ledger) -> Mapping[tuple[Kind, str], float]:
    """Return the seconds a unit took, by kind and arm, and by kind alone (arm ``""``) over all that were done."""
    sums: dict[tuple[Kind, str], tuple[float, int]] = {}
    for piece in pieces:
        done = ledger.read(piece)
        if done is None or not done.units:
            continue
        for key in {(piece.kind, piece.arm), (piece.kind, "")}:
            seconds, units = sums.get(key, (0.0, 0))
            sums[key] = seconds + done.seconds, units + done.units
    return {key: seconds / units for key, (seconds, units) in sums.items()}


def _finished(folder: Path, piece: Piece) -> int:
    """Return how many units of an unfinished piece lie in its folder already."""
    if piece.kind is Kind.TRAIN:
        return steps_saved(folder / piece.name)
    if piece.kind is Kind.RUN:
        lines = folder / piece.name / "consistency.jsonl"
        return read_bytes(lines).count(b"\n") if lines.is_file() else 0
    return 0


def steps_saved(training: Path) -> int:
    """Return the steps of the newest whole checkpoint in a training's folder, 0 without one."""
    saved = [path.parent.name for path in training.glob("checkpoint-*/trainer_state.pt")]
    return max((int(name.rpartition("-")[2]) for name in saved), default=0)
