"""The study as a whole: its pieces one after another, each locked while it is done and recorded when it is finished.

Several processes may work on one folder: each takes the first piece that is free.
"""

from __future__ import annotations

import contextlib
import enum
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from intergeneval.errors import ConfigError, StoreError
from intergeneval.ids import canonical_json
from intergeneval.store import locked, write_atomically
from matrix_train.study.effort import Standing, left_of, standings
from matrix_train.study.ledger import FOLDER, Done, Ledger
from matrix_train.study.pieces import DERIVED, Kind, Piece, choose, pieces_of
from matrix_train.study.plan import StudyPlan
from matrix_train.study.work import Made, Say, Workshop, base_hash

PLAN = "study.json"
"""The plan as the folder's last sitting had it."""
BASE = "base.json"
"""Hash of the base pipeline, so that no sitting goes on with another one."""
WAIT_SECONDS = 1.0
"""Where other processes hold all that is left, it is tried again this often."""


class _End(enum.Enum):
    """How trying a piece ended."""

    DONE = "done"
    INCOMPLETE = "incomplete"
    HELD = "held by another process"
    BLOCKED = "needs a piece that is not done yet"


class Study:
    """A plan and its folder."""

    def __init__(self, plan: StudyPlan, folder: Path, say: Say = lambda _: None) -> None:
        self.plan, self.folder, self._say = plan, folder, say
        self.pieces = pieces_of(plan)
        self._by_name = {item.name: item for item in self.pieces}
        self._ledger = Ledger(folder)

    @classmethod
    def open(cls, folder: Path, say: Say = lambda _: None) -> Study:
        """Open a study's folder with the plan it was last run with. Raises ConfigError where it is none."""
        path = folder / PLAN
        try:
            return cls(StudyPlan.from_line(path.read_text(encoding="utf-8"), where=str(path)), folder, say)
        except OSError:
            raise ConfigError(f"{folder}: not a study ({PLAN} is missing); give the folder that --out named") from None

    def standings(self) -> tuple[Standing, ...]:
        """Return where each piece stands; reads only."""
        return standings(self.folder, self.pieces, self._ledger)

    def run(self, only: Sequence[str] = (), until: str = "") -> bool:
        """Do the chosen pieces that are not done; return whether all of them are done now.

        A piece that another process works on is passed by, and waited for once nothing else is left to do. Raises
        ConfigError for a changed plan or base and for a chosen piece that needs one that is not done and not chosen.
        """
        chosen = choose(self.pieces, only, until)
        self.standings()  # tells a changed plan before anything is done
        self.folder.mkdir(parents=True, exist_ok=True)
        self._check_base()
        write_atomically(self.folder / PLAN, canonical_json(self.plan.to_json()) + "\n")
        return self._work_through(chosen)

    def _work_through(self, chosen: Sequence[Piece]) -> bool:
        names, left, incomplete, waiting = {item.name for item in chosen}, list(chosen), set[str](), ""
        while left:
            held = []
            # From the first one each time: a part of a study is to be whole seeds, whoever does them.
            for piece in left:
                end = self._do(piece, names, incomplete)
                if end in (_End.DONE, _End.INCOMPLETE):
                    break
                held += [piece.name] if end is _End.HELD else []
            else:
                if not held:
                    raise StoreError(f"{left[0].name} needs a piece whose record is gone again; run the same command once more")
                if waiting != (waiting := ", ".join(held)):
                    self._say(f"waiting for another process: {waiting}")
                time.sleep(WAIT_SECONDS)
                continue
            left.remove(piece)
            if end is _End.INCOMPLETE:
                incomplete.add(piece.name)
        return not incomplete

    def take_labels(self, path: Path) -> tuple[int, int]:
        """Keep a file of labels and write the table anew; return how many clips it labels whole, and how many there are.

        Raises ConfigError for labels of another sheet, and StoreError while another process writes the table.
        """
        from matrix_train.study.labels import LabelBook

        book = LabelBook(self.folder)
        labels = book.check(path)
        table = self._by_name["table"]
        with self._locked(table) as free:
            if not free:
                raise StoreError(f"{self.folder}: another process writes the table; give the labels when it is done")
            # In this order, so that a table that lacks the labels never counts as done.
            self._ledger.forget(table)
            found = book.keep(labels)
        self.run(only=("table",))
        return found

    def _check_base(self) -> None:
        path, found = self.folder / BASE, {"model": self.plan.base.model, "hash": base_hash(self.plan.base.model)}
        if not path.is_file():
            write_atomically(path, json.dumps(found) + "\n")
        elif json.loads(path.read_text(encoding="utf-8"))["hash"] != found["hash"]:
            raise ConfigError(f"{path}: the base pipeline {self.plan.base.model} is not the one that this study began with")

    def _do(self, piece: Piece, chosen: set[str], incomplete: set[str]) -> _End:
        """Do one piece unless it is done; `incomplete` are those that this sitting tried in vain."""
        with self._locked(piece) as free:
            if not free:
                return _End.HELD
            if self._ledger.is_done(piece, self._by_name):
                return _End.DONE
            missing = [name for name in piece.needs if not self._ledger.is_done(self._by_name[name], self._by_name)]
            if incomplete.intersection(missing):  # it was said why
                return _End.INCOMPLETE
            if not chosen.issuperset(missing):
                raise ConfigError(f"{piece.name} needs {', '.join(missing)}; do these first, or leave --only away")
            needs = self._ledger.needed(piece, self._by_name)
            if missing or needs is None:
                return _End.BLOCKED
            self._say(f"{piece.name}: begins")
            began = time.monotonic()
            made = self._made(piece)
            if not made.digest:
                return _End.INCOMPLETE
            seconds = time.monotonic() - began
            record = Done(
                piece=piece.name,
                inputs=json.loads(canonical_json(piece.inputs)),
                needs=needs,
                made=made.digest,
                units=made.units,
                seconds=seconds,
                notes=made.notes,
            )
            self._ledger.write(record, piece)
            minutes, unknown = left_of(self.standings())
            rest = f"; about {minutes / 60:.0f} min left" + (f" and {unknown} pieces of unknown length" if unknown else "")
            self._say(f"{piece.name}: done in {seconds:.1f} s{rest}")
            return _End.DONE

    def _made(self, piece: Piece) -> Made:
        if piece.kind not in DERIVED:
            return Workshop(self.plan, self.folder, self._say).do(piece)
        from matrix_train.study.results import Results

        results = Results(self.plan, self.folder, [item for item in self.pieces if item.kind is Kind.RUN])
        if piece.kind is Kind.LABELS:
            return results.sheet(self._say)
        return results.table(self._say) if piece.kind is Kind.TABLE else results.report()

    @contextlib.contextmanager
    def _locked(self, piece: Piece) -> Iterator[bool]:
        """Yield whether a piece is held alone, which it is not while another process works on it."""
        folder = self.folder / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f".lock-{piece.name.replace('/', '~')}").open("a") as stream:
            yield locked(stream)
