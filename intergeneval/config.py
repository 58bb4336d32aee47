"""Settings of a run: a TOML file, overridden by options of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from intergeneval.errors import ConfigError, RecordError
from intergeneval.records import LATER, Profile, Record
from intergeneval.records.disk import read_toml

AUTO = "auto"
SHARED = {"openai-batch": "openai"}
"""Plug-in -> the one whose settings hold for it as well: the same model, asked in another way."""
RAY = "ray"
"""Engine setting: a Ray cluster, ``ray:HOST:PORT`` one that is there, ``ray`` one of this machine for the time of the run."""
OFF = "off"
"""Cache setting: judge answers are not remembered."""


def check_engine(name: str) -> None:
    """Raise ValueError for the name of no engine; an empty one is that of none."""
    if name not in ("", "processes", RAY) and not name.startswith(f"{RAY}:"):
        raise ValueError(f"engine {name!r} is neither 'processes' nor 'ray' nor of the form 'ray:HOST:PORT'")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundingConfig(Record):
    """How instances are found in a picture; the table ``[grounding]`` of a TOML file."""

    candidates: int = 8
    """Most proposals of one class that are looked at, the most confident ones."""
    unverified: str = "only"
    """What is taken where no model verifies crops: ``only`` a class's single candidate for its one instance, or ``best``."""

    def __post_init__(self) -> None:
        if not 1 <= self.candidates <= 100:
            raise ValueError(f"candidates {self.candidates} is not between 1 and 100")
        if self.unverified not in ("only", "best"):
            raise ValueError(f"unverified {self.unverified!r} is neither 'only' nor 'best'")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig(Record):
    """Everything that can be set for `intergeneval run`; each field is also a key of the TOML file."""

    model: str = ""
    """Folder of videos, or ``source:argument``."""
    bench: str = ""
    """Benchmark name or path; empty: told from the model's files."""
    tracker: str = AUTO
    """Tracker spec; ``auto``: ``stored`` for staged videos, else ``flow``."""
    judge: str = "geometry"
    """Judge spec."""
    detector: str = AUTO
    """Detector spec; ``none``: emergence is not assessed; ``auto``: ``staged`` for staged videos, else ``none``."""
    profile: Profile = Profile.BOUNDED
    """Score profile: ``bounded``, ``paper`` or ``informative``."""
    sampling: str = "equal-time"
    """Frames a judge sees: ``equal-time``, ``paper`` (stride 5) or ``stride:N``."""
    fit: str = "scale"
    """What to do with a video of another shape than the first frame: ``scale`` or ``crop``. A source that makes its videos gives
    first frames to its model by the same way (`intergeneval.plugins.fitting`)."""
    seeds: tuple[int, ...] = ()
    """Seeds to score; empty: those the source has."""
    samples: tuple[str, ...] = ()
    """Sample ids to score; empty: all."""
    limit: int | None = None
    """Score only the first so many samples."""
    out: str = ""
    """Run folder; empty: ``runs/<model>/<bench>-<key>``."""
    name: str = ""
    """Name of the model in tables; empty: the source's."""
    workers: int = 0
    """Parallel processes; 0: one a core, at most 8."""
    worker_memory: float | None = field(default=None, metadata=LATER)
    """Most memory that a worker process may take for its data, in GiB; a video that needs more has no score. None: no limit."""
    workers_per_gpu: int = field(default=1, metadata=LATER)
    """Workers that share a GPU, where a backend holds one: as many as its memory has room for."""
    carry: bool = field(default=False, metadata=LATER)
    """Whether videos, and the files that are made of them, travel with the jobs: for a cluster whose machines see no common
    folder."""
    engine: str = field(default="", metadata=LATER)
    """Who does the videos: ``processes``, several or one; ``ray`` or ``ray:HOST:PORT``, a cluster; empty: processes, but none
    beside this one where one is enough."""
    shard: str = ""
    """``I/N``: take every N-th sample, from the I-th on."""
    allowed_unscored: float = 0.1
    """Share of videos that may be missing or without a score, for whatever reason, before the run counts as incomplete (exit
    code 3)."""
    consistency: str = "tracks"
    """Who says what disappeared and emerged: ``tracks`` (with the detector, where there is one) or ``judge``."""
    templates: int = field(default=0, metadata=LATER)
    """Version of the question templates; 0: the newest, or the one with which the run folder was begun. Version 1 leaves
    the optional fields of interactions aside, as runs did before there were any."""
    controls: bool = field(default=True, metadata=LATER)
    """Whether one question that must be no is asked for each interaction of one direction; it counts for no score."""
    unknown_verbs: str = "templates"
    """Who words questions for verbs the lexicon does not know: ``templates`` (general ones) or ``judge``."""
    prompts: str = ""
    """Folder with templates that replace the judge's own prompts; empty: those that come with the package."""
    cache: str = ""
    """File that remembers judge answers; empty: the user's cache folder; ``off``: none."""
    pack_above: int = field(default=10_000, metadata=LATER)
    """Videos above which a run packs its tracks once it has them all: a large file of lines becomes small ones."""
    until_decided: str = field(default="", metadata=LATER)
    """Baseline (run folder, file or stored name) against which the run stops once order or gate is decided; empty: it runs all
    videos."""
    max_cost: float | None = None
    """Cost, in the price table's currency, at which the run stops asking its judge; None: no limit."""
    overlay: bool = False
    """Write a video with boxes, masks and states for each sample."""
    grounding: GroundingConfig = field(default_factory=GroundingConfig)
    """How instances are found in the first frames of text-to-video models."""
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Settings of single backends, by plug-in name, such as ``[settings.flow]``."""

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit {self.limit} is below 1")
        self._check_workers()
        if not 0 <= self.allowed_unscored <= 1:
            raise ValueError(f"allowed_unscored {self.allowed_unscored} is not between 0 and 1")
        if self.fit not in ("scale", "crop"):
            raise ValueError(f"fit {self.fit!r} is neither 'scale' nor 'crop'")
        if self.consistency not in ("tracks", "judge"):
            raise ValueError(f"consistency {self.consistency!r} is neither 'tracks' nor 'judge'")
        if self.unknown_verbs not in ("templates", "judge"):
            raise ValueError(f"unknown_verbs {self.unknown_verbs!r} is neither 'templates' nor 'judge'")
        if self.pack_above < 0:
            raise ValueError(f"pack_above {self.pack_above} is below 0")
        if self.max_cost is not None and self.max_cost <= 0:
            raise ValueError(f"max_cost {self.max_cost} is not above 0")
        if self.shard:
            self.shard_of()
        if self.shard_of()[1] > 1 and self.until_decided:
            raise ValueError(f"until_decided {self.until_decided!r} and shard {self.shard!r}: a shard sees too little to decide")

    def _check_workers(self) -> None:
        if self.workers < 0:
            raise ValueError(f"workers {self.workers} is below 0")
        if not 1 <= self.workers_per_gpu <= 64:
            raise ValueError(f"workers_per_gpu {self.workers_per_gpu} is not between 1 and 64")
        check_engine(self.engine)
        if self.carry and self.engine.partition(":")[0] != RAY:
            raise ValueError(f"carry and engine {self.engine!r}: workers of this machine see its folders; give ray:HOST:PORT")
        if self.worker_memory is not None and not 0.25 <= self.worker_memory <= 1 << 20:
            raise ValueError(f"worker_memory {self.worker_memory} is not at least 0.25, in GiB")

    def shard_of(self) -> tuple[int, int]:
        """Return (I, N) as the function `shard_of` does."""
        return shard_of(self.shard)

    def settings_for(self, spec: str, kind: str = "") -> Mapping[str, Any]:
        """Return a plug-in's settings by its spec, as `plugin_settings` does."""
        return plugin_settings(self.settings, spec, kind)


def shard_of(text: str) -> tuple[int, int]:
    """Return (I, N) of ``I/N``, counted from 1; (1, 1) for an empty text: no shard. Raises ValueError."""
    if not text:
        return 1, 1
    first, slash, last = text.partition("/")
    if not (slash and first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
        raise ValueError(f"shard {text!r} is not of the form I/N with 1 <= I <= N")
    return int(first), int(last)


def shard_name(first: int, count: int) -> str:
    """Return what a shard's own files are called by, ``I-of-N``; empty where there is no shard."""
    return f"{first}-of-{count}" if count > 1 else ""


def plugin_settings(settings: Mapping[str, Mapping[str, Any]], spec: str, kind: str = "") -> Mapping[str, Any]:
    """Return a plug-in's settings by its spec: ``[settings.<kind>.<name>]`` where given, else ``[settings.<name>]``.

    `kind` is ``tracker``, ``judge`` and so on: plug-ins of two kinds may share a name. Where the settings of another plug-in hold
    as well (`SHARED`), its own stand above them. Above both stand those of the whole spec,
    ``[settings.<kind>."<name>:<argument>"]``, so that two judges of one kind may have a server each.
    """
    exact = settings.get(kind, {}).get(spec) if ":" in spec else None
    if isinstance(exact, Mapping):
        return {**plugin_settings({**settings, kind: {**settings[kind], spec: None}}, spec, kind), **exact}
    name = spec.partition(":")[0]
    own = settings.get(kind, {}).get(name)
    found = own if isinstance(own, Mapping) else settings.get(name, {})
    return {**plugin_settings(settings, SHARED[name], kind), **found} if name in SHARED else found


def read_config(path: Path | None, changes: Mapping[str, Any]) -> RunConfig:
    """Return the settings of a TOML file (or none) with `changes` over them. Raises ConfigError naming file, field and value."""
    return read_settings(RunConfig, path, changes)


C = TypeVar("C", bound=Record)


def read_settings(cls: type[C], path: Path | None, changes: Mapping[str, Any]) -> C:
    """Return a record of settings from a TOML file (or none) with `changes` over it. Raises ConfigError as `read_config` does."""
    base = cls() if path is None else _read(cls, path)
    # Through JSON, so that what a notebook passes is held to the same types as what stands in a file.
    plain = {name: str(value) if isinstance(value, Path) else value for name, value in changes.items()}
    return _checked(cls, {**base.to_json(), **plain}, "settings")


def _read(cls: type[C], path: Path) -> C:
    try:
        content = read_toml(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from None
    except ValueError as error:
        raise ConfigError(f"{path}: not TOML ({error})") from None
    return _checked(cls, content, str(path))


def _checked(cls: type[C], content: Mapping[str, Any], where: str) -> C:
    try:
        return cls.from_json(content, where=where)
    except RecordError as error:
        raise ConfigError(str(error)) from None
