"""The study as a whole: its pieces one after another, each locked while it is done and recorded when it is finished.

Several processes may work on one folder: each takes the first piece that is free and whose needs are done.
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
from intergeneval.records.disk import read_text
from intergeneval.store import locked, open_lock, write_atomically
from matrix_train.study.ledger import FOLDER, Done, Ledger
from matrix_train.study.made import Made, Say
from matrix_train.study.pieces import DERIVED, Kind, Piece, choose, pieces_of
from matrix_train.study.plan import StudyPlan
from matrix_train.study.progress import Standing, left_of, standings
from matrix_train.study.work import Workshop, base_hash

PLAN = "study.json"
"""The plan as the folder's last sitting had it."""
BASE = "base.json"
"""Hash of the base pipeline, so that no sitting goes on with another one."""
SO_FAR = "so-far"
"""Folder of what the finished part of a study says."""
WAIT_SECONDS = 1.0
"""Seconds between two looks while other processes hold what is left to do."""


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
        self._line = canonical_json(plan.to_json()) + "\n"

    @classmethod
    def open(cls, folder: Path, say: Say = lambda _: None) -> Study:
        """Open a study's folder with the plan it was last run with. Raises ConfigError where it is none."""
        path = folder / PLAN
        try:
            return cls(StudyPlan.from_line(read_text(path), where=str(path)), folder, say)
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
        write_atomically(self.folder / PLAN, self._line)
        return self._work_through(chosen)

    def _work_through(self, chosen: Sequence[Piece]) -> bool:
        names, left, incomplete, waiting = {item.name for item in chosen}, list(chosen), set[str](), ""
        while left:
            held = []
            # From the first one each time: a part of a study is to be whole seeds, whoever does them.
            for piece in left:
                end = self._do(piece, names, incomplete)
                if end in (_End.DONE, _End.INCOMPLETE):
                    left.remove(piece)
                    incomplete |= {piece.name} if end is _End.INCOMPLETE else set()
                    break
                held += [piece.name] if end is _End.HELD else []
            else:
                if not held:
                    self._check_plan(left[0])
                    raise StoreError(f"{left[0].name}: the record of a piece that it needs is gone; run the same command again")
                if waiting != (waiting := ", ".join(held)):
                    self._say(f"waiting for another process: {waiting}")
                self._pause()
        # Another process may have finished what was incomplete here.
        return all(self._ledger.is_done(piece, self._by_name) for piece in chosen)

    def _pause(self) -> None:
        time.sleep(WAIT_SECONDS)

    def take_labels(self, path: Path) -> tuple[int, int]:
        """Keep a file of labels and write the table anew; return how many clips it labels whole, and how many there are.

        Raises ConfigError for labels of another sheet and while runs are open, and StoreError while another process is at the
        sheet or the table; nothing is kept then.
        """
        from matrix_train.study.labels import LabelBook

        book, table = LabelBook(self.folder), self._by_name["table"]
        with self._locked(self._by_name["labels"]) as sheet, self._locked(table) as free:
            if not (sheet and free):
                raise StoreError(f"{self.folder}: another process is at the sheet or the table; give the labels when it is done")
            labels = book.check(path)
            missing = self._missing(table)
            if missing:
                raise ConfigError(f"{self.folder}: {', '.join(missing)} not done yet; give the labels when the study is")
            # In this order, so that a table that lacks the labels never counts as done.
            self._ledger.forget(table)
            found = book.keep(labels)
        self.run(only=("table",))
        return found

    def so_far(self) -> Path:
        """Write what the finished part of a binding study says, into a folder of its own, and return it.

        That are the training seeds of which every arm is measured, and of the harness whatever is scored too. Raises ConfigError
        where there is none, and for a study without outcomes.
        """
        from matrix_train.study.binding import BindingWork
        from matrix_train.study.results import Results

        self.standings()
        work, place = BindingWork(self.plan, self.folder, self._say), self.folder / SO_FAR
        done = [item for item in self.pieces if self._ledger.is_done(item, self._by_name)]
        measured = [item for item in self.pieces if item.kind is Kind.MEASURE]
        seeds = [seed for seed in self.plan.seeds if all(item in done for item in measured if item.seed in (None, seed))]
        if not seeds:
            raise ConfigError(f"{self.folder}: of no training seed has every arm been measured; findings so far need one")
        shown = [item for item in measured if item.seed is None or item.seed in seeds]
        note = (
            f"Not finished: training seeds {', '.join(map(str, seeds))} of {', '.join(map(str, self.plan.seeds))}. Whoever looks "
            "before the end sees what chance brings first: what counts is the whole study."
        )
        work.findings(shown, SO_FAR, note if seeds != list(self.plan.seeds) else "")
        runs = [item for item in done if item.kind is Kind.RUN and item.seed in (None, *seeds)]
        if runs:
            Results(self.plan, self.folder, runs).harness(self._say, SO_FAR)
        return place

    def _check_base(self) -> None:
        path, found = self.folder / BASE, {"model": self.plan.base.model, "hash": base_hash(self.plan.base.model)}
        if not path.is_file():
            write_atomically(path, json.dumps(found) + "\n")
        elif json.loads(read_text(path))["hash"] != found["hash"]:
            raise ConfigError(f"{path}: the base pipeline {self.plan.base.model} is not the one that this study began with")

    def _check_plan(self, piece: Piece) -> None:
        """Raise ConfigError where another process took up the folder with a changed plan: what is shown is then its matter."""
        if read_text(self.folder / PLAN) != self._line:
            raise ConfigError(f"{self.folder}: another process goes on with a changed plan; {piece.name} is left to it")

    def _do(self, piece: Piece, chosen: set[str], incomplete: set[str]) -> _End:
        """Do one piece if it is free, ready and not done yet, and return how that ended.

        `chosen` are the names that this call may do, `incomplete` those of them that it could not finish.
        """
        # Looked at without the lock first, so that who waits is never taken for one who works.
        end = self._without_work(piece, chosen, incomplete)
        if end is not None:
            return end
        with self._locked(piece) as free:
            if not free:
                return _End.HELD
            # Another process may have done it a moment ago.
            return self._without_work(piece, chosen, incomplete) or self._work(piece)

    def _without_work(self, piece: Piece, chosen: set[str], incomplete: set[str]) -> _End | None:
        """Return how a piece ends that there is nothing to do for; None for one that is ready."""
        if self._ledger.is_done(piece, self._by_name):
            return _End.DONE
        missing = self._missing(piece)
        if incomplete.intersection(missing):  # it was said why
            return _End.INCOMPLETE
        if not chosen.issuperset(missing):
            raise ConfigError(f"{piece.name} needs {', '.join(missing)}; do these first")
        return _End.BLOCKED if missing else None

    def _work(self, piece: Piece) -> _End:
        needs = self._ledger.needed(piece, self._by_name)
        if needs is None:
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
        rest = f"; about {minutes / 60:.0f} min of work left" + (f" and {unknown} pieces of unknown length" if unknown else "")
        self._say(f"{piece.name}: done in {seconds:.1f} s{rest}")
        return _End.DONE

    def _missing(self, piece: Piece) -> list[str]:
        """Return the names of the pieces that a piece needs and that are not done."""
        return [name for name in piece.needs if not self._ledger.is_done(self._by_name[name], self._by_name)]

    def _made(self, piece: Piece) -> Made:
        if piece.kind not in DERIVED:
            return Workshop(self.plan, self.folder, self._say).do(piece)
        self._check_plan(piece)
        if piece.kind is Kind.FINDINGS:
            from matrix_train.study.binding import BindingWork

            return BindingWork(self.plan, self.folder, self._say).findings(self.pieces)
        from matrix_train.study.results import Results

        results = Results(self.plan, self.folder, [item for item in self.pieces if item.kind is Kind.RUN])
        if piece.kind is Kind.HARNESS:
            return results.harness(self._say)
        if piece.kind is Kind.LABELS:
            return results.sheet(self._say)
        return results.table(self._say) if piece.kind is Kind.TABLE else results.report()

    @contextlib.contextmanager
    def _locked(self, piece: Piece) -> Iterator[bool]:
        """Yield whether a piece is held alone, which it is not while another process works on it."""
        folder = self.folder / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        with open_lock(folder / f".lock-{piece.name.replace('/', '~')}") as stream:
            yield locked(stream)
