"""Settings of a curation: a TOML file, overridden by options of the command line; a table for each stage that has some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from intergeneval.config import AUTO, RAY, GroundingConfig, shard_of
from intergeneval.records import Record

NONE = "none"


def _within(config: Record, **limits: tuple[float, float]) -> None:
    """Raise ValueError naming the first field that is out of its limits."""
    for name, (low, high) in limits.items():
        value = getattr(config, name)
        if not low <= value <= high:
            raise ValueError(f"{name} {value} is not between {low:g} and {high:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotsConfig(Record):
    """Where one shot ends and the next begins; the table ``[shots]``."""

    detector: str = "content"
    """``content``: PySceneDetect's content detector; ``none``: every file is one shot."""
    threshold: float = 20.0
    """Change of hue, saturation and lightness (mean, 0 to 255) from which two frames belong to two shots; lower than the
    library's own 27, since a cut that is passed over spoils a clip and one too many only shortens it."""
    shortest: float = 0.5
    """Seconds that a shot lasts at least: cuts that follow sooner are passed over."""

    def __post_init__(self) -> None:
        if self.detector not in ("content", NONE):
            raise ValueError(f"detector {self.detector!r} is neither 'content' nor 'none'")
        _within(self, threshold=(1, 255), shortest=(0, 60))


@dataclass(frozen=True, slots=True, kw_only=True)
class FormConfig(Record):
    """The shape of every clip in time; the table ``[form]``."""

    frames: int = 49
    """Frames of a clip, from the beginning of its shot."""
    fps: float = 8.0
    """Frames per second; frames are taken by their times."""

    def __post_init__(self) -> None:
        _within(self, frames=(2, 10_000), fps=(0.1, 240))

    @property
    def seconds(self) -> float:
        """How long a shot must be: from the first frame's time to the last one's."""
        return (self.frames - 1) / self.fps


@dataclass(frozen=True, slots=True, kw_only=True)
class FiltersConfig(Record):
    """Which clips are left out for how they look; the table ``[filters]``. A limit at the end of its range lets all pass."""

    smallest: int = 256
    """Pixels that the shorter side has at least."""
    darkest: float = 0.12
    """Mean lightness, 0 to 1, that a clip has at least."""
    moving: float = 0.25
    """Share of the steps from frame to frame in which anything moves, at least: less is a frozen clip."""
    rate: float = 0.9
    """Different pictures a second that the file shows at least, as a share of ``form.fps``: with less, frames are repeated."""
    text: float = 0.04
    """Share of the picture that is covered by what looks like writing, at most, in the middle one of the frames looked at."""

    def __post_init__(self) -> None:
        _within(self, smallest=(1, 8192), darkest=(0, 1), moving=(0, 1), rate=(0, 1), text=(0, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class DoublesConfig(Record):
    """Which clips show the same; the table ``[doubles]``."""

    distance: float = 0.16
    """Share of the bits of the perceptual hashes in which two clips may differ and still be one; -1: none is looked for."""

    def __post_init__(self) -> None:
        _within(self, distance=(-1, 0.5))


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionsConfig(Record):
    """Where captions come from; the table ``[captions]``."""

    ask: str = "missing"
    """Which clips the judge is asked about: ``missing``, those without a caption; ``all``; ``never``."""
    names: bool = False
    """Whether files without a caption are called by it."""
    pictures: int = 6
    """Frames of a clip that the judge is shown."""

    def __post_init__(self) -> None:
        if self.ask not in ("missing", "all", "never"):
            raise ValueError(f"ask {self.ask!r} is neither 'missing' nor 'all' nor 'never'")
        _within(self, pictures=(1, 50))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenesConfig(Record):
    """Which interactions are kept; the table ``[scenes]``."""

    min_contact: int = 1
    """Interactions that the model rates lower (1 to 5) are left out; the rules rate none."""
    min_dynamism: int = 1
    """Interactions that the model rates lower (1 to 5) are left out; the rules rate none."""

    def __post_init__(self) -> None:
        _within(self, min_contact=(1, 5), min_dynamism=(1, 5))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksConfig(Record):
    """What of the masks is not believed; the table ``[checks]``."""

    lost: float = 0.2
    """Share of its frames in which an instance's track may be lost."""
    seen: float = 0.5
    """Share of its frames in which an instance is seen, at least."""
    jump: float = 0.5
    """How far the middle of a mask may go from frame to frame, as a share of the picture's diagonal."""
    accept_doubts: bool = False
    """Whether clips whose masks may not show what they are called are taken all the same."""

    def __post_init__(self) -> None:
        _within(self, lost=(0, 1), seen=(0, 1), jump=(0, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class CurateConfig(Record):
    """Everything that can be set for `matrix-train curate`; each field is also a key of the TOML file."""

    source: str = ""
    """Folder of videos, list (.jsonl, .csv), WebDataset archive or folder of them (.tar), or saved Hugging Face data set."""
    out: str = ""
    """Folder of the dataset."""
    judge: str = NONE
    """Judge spec of the model that captions, reads captions and verifies crops, such as ``openai:MODEL``; ``none``: captions are
    given and read by rules, and nobody verifies."""
    detector: str = AUTO
    """Detector spec; ``none``: boxes are given; ``auto``: ``grounding_dino`` where it can be had, else ``none``."""
    tracker: str = AUTO
    """Tracker spec: cuts boxes out and follows them; ``auto``: ``hf`` where it can be had, else ``flow``."""
    licence: str = ""
    """Licence of clips for which the source states none; empty: not stated."""
    collection: str = ""
    """What clips are said to be from, where the source does not say; empty: the name of the source."""
    anchors: int = 3
    """Frames in which instances are looked for until one shows all; 1 for a tracker that cannot follow backwards."""
    limit: int | None = None
    """Only the first so many videos of the source; None: all."""
    workers: int = 0
    """Processes at once; 0: one a core, at most 8."""
    engine: str = ""
    """``processes``, ``ray`` or ``ray:HOST:PORT``; empty: processes, but this one alone for one worker."""
    shard: str = ""
    """``I/N``: every N-th video, from the I-th on; a curation without a shard finishes."""
    prompts: str = ""
    """Folder with templates that replace ours; empty: those of the package."""
    cache: str = ""
    """File that remembers answers; empty: the user's; ``off``: none."""
    max_cost: float | None = None
    """Cost at which nothing more is asked; None: no limit."""
    shots: ShotsConfig = field(default_factory=ShotsConfig)
    """Cutting."""
    form: FormConfig = field(default_factory=FormConfig)
    """Rate and length."""
    filters: FiltersConfig = field(default_factory=FiltersConfig)
    """What is left out."""
    doubles: DoublesConfig = field(default_factory=DoublesConfig)
    """What shows the same."""
    captions: CaptionsConfig = field(default_factory=CaptionsConfig)
    """Captions."""
    scenes: ScenesConfig = field(default_factory=ScenesConfig)
    """Interactions."""
    grounding: GroundingConfig = field(default_factory=GroundingConfig)
    """How instances are found in a frame."""
    checks: ChecksConfig = field(default_factory=ChecksConfig)
    """Masks."""
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Settings of single backends, by plug-in name, such as ``[settings.openai]``."""

    def __post_init__(self) -> None:
        _within(self, anchors=(1, 20), workers=(0, 1024))
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit {self.limit} is below 1")
        if self.engine not in ("", "processes", RAY) and not self.engine.startswith(f"{RAY}:"):
            raise ValueError(f"engine {self.engine!r} is neither 'processes' nor 'ray' nor of the form 'ray:HOST:PORT'")
        if self.max_cost is not None and self.max_cost <= 0:
            raise ValueError(f"max_cost {self.max_cost} is not above 0")
        shard_of(self.shard)
