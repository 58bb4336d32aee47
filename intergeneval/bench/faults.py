"""One fault of a benchmark: where, what, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intergeneval.errors import BenchError
from intergeneval.records import Record

_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault(Record):
    """Something wrong with a benchmark."""

    file: str
    """File it stands in, relative to the benchmark, with the line after a colon where there is one."""
    field: str
    """Field in that file, such as ``instances[1].colour``; empty: the file as a whole."""
    problem: str
    """What is wrong, with the value."""
    fix: str
    """What to do about it."""
    sample: str = ""
    """Id of the sample it concerns; empty: the benchmark as a whole."""

    def __str__(self) -> str:
        """Return the fault as one line of text."""
        place = f"{self.file}: {self.field}" if self.field else self.file
        who = f"sample {self.sample!r}: " if self.sample else ""
        return f"{place}: {who}{self.problem}; {self.fix}"


def refuse(name: str, faults: Sequence[Fault]) -> BenchError:
    """Return the error that lists the faults which keep a benchmark from being loaded."""
    lines = [f"  {fault}" for fault in faults[:_SHOWN]]
    if len(faults) > _SHOWN:
        lines.append(f"  and {len(faults) - _SHOWN} more")
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return BenchError(f"benchmark {name} has {count} ('intergeneval bench check' lists all):\n" + "\n".join(lines))
