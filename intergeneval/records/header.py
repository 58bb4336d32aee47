"""What a run was: enough to repeat it, and to tell what it may be compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from intergeneval.ids import sha256_json
from intergeneval.records.codec import LATER, Record
from intergeneval.records.score import Profile

RUN_SCHEMA = 1
_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparability(Record):
    """All that must agree before two runs may be compared (the model is not in it)."""

    bench: str
    """Hash of the benchmark: samples, masks and first frames."""
    questions: str
    """Hash of the questions as asked, with the question templates and the verb lexicon."""
    judge: str
    """Judge id."""
    judge_revision: str
    """Revision the judge reports of itself."""
    tracker: str
    """Tracker id with its revision."""
    detector: str
    """Detector id with its revision; ``none`` without one."""
    sampling: str
    """How frames were sampled: ``equal-time``, ``paper`` or ``stride:N``."""
    profile: Profile
    """Score profile."""
    samples: str
    """``all``, or how many of how many samples the run was narrowed to, with a hash of their ids."""
    partial: tuple[str, ...] = ()
    """Parts that were not assessed."""

    @property
    def key(self) -> str:
        """64 hex digits; equal for runs that may be compared."""
        return sha256_json(self.to_json())

    def differences(self, other: Comparability) -> tuple[str, ...]:
        """Return the names of the fields in which `other` differs."""
        mine, theirs = self.to_json(), other.to_json()
        return tuple(name for name in mine if mine[name] != theirs[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHeader(Record):
    """``run.json``: how a run was made."""

    schema: int
    """RUN_SCHEMA of the software that wrote it."""
    model: str
    """Name of the model in tables: the last part of PATH, or what ``--name`` said."""
    source: str
    """Source with its argument, such as ``folder:out/cogvideox`` or ``staged:perfect``."""
    source_hash: str
    """Hash of the source's configuration."""
    bench: str
    """Benchmark name."""
    bench_version: str
    """Benchmark version."""
    samples: int
    """Samples in the run, after narrowing."""
    bench_samples: int
    """Samples in the benchmark."""
    seeds: tuple[int, ...]
    """Seeds that were asked for; empty: whatever the source holds."""
    comparability: Comparability
    """The comparability key's fields."""
    key: str
    """Comparability key, 64 hex digits."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Every setting of the run, as used."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of Python, this package and the libraries that touch numbers."""
    commit: str = ""
    """Git commit of the working tree with ``+dirty`` if changed; empty outside a checkout."""
    command: str = ""
    """The command as typed, secrets replaced."""
    created: str = ""
    """UTC time of the first start, ISO 8601."""
    device: str = "cpu"
    """Device the models ran on."""
    templates: str = ""
    """Hash of the question templates, without the samples they were filled for: what a judge card is matched by."""
    own_masks: tuple[str, ...] = field(default=(), metadata=LATER)
    """Samples (``sample`` or ``sample/seed``) whose first-frame masks were the model's own instead of the benchmark's; they
    change no key, so that models with first frames of their own can be compared, and are named wherever runs are."""
    own_masks_hash: str = field(default="", metadata=LATER)
    """Hash over the content of these masks, which is part of `source_hash` too; empty where there are none."""

    geometry: str = field(default="", metadata=LATER)
    """How first frames of another shape than its videos were given to the model, part of `source_hash` too; empty where none
    were. Older versions let the model's pipeline stretch them and cut the videos, and say nothing here."""

    @property
    def own_masks_text(self) -> str:
        """What a reader is told of these masks, without the model's name; empty where there are none."""
        if not self.own_masks:
            return ""
        names = {name.partition("/")[0] for name in self.own_masks}
        shown = ", ".join(self.own_masks[:_SHOWN]) + (
            f" and {len(self.own_masks) - _SHOWN} more" * (len(self.own_masks) > _SHOWN)
        )
        return f"first-frame masks of its own for {len(names)} of {self.samples} samples ({shown})"
