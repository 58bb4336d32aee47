"""What a study compares: one TOML file, read into frozen records, and the training config of each arm."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intergeneval.errors import ConfigError, RecordError
from intergeneval.records import LATER, Profile, Record
from intergeneval.records.disk import read_toml
from intergeneval.staged import DEVELOPMENT_SEED, FPS, FRAMES, TEST_SEED

FEWEST_SEEDS = 3
"""Training seeds under which no order counts."""
MOST_INSTANCES = 4
"""Most tracked instances of a staged scene."""
WORLDS = ("staged", "binding")
"""Worlds that a study writes clips of."""
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
PLANS = Path(__file__).parent / "plans"
"""Plans that come with the package, found by their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BasePlan(Record):
    """The pipeline that every arm starts from."""

    model: str = "builtin:staged-base"
    """Folder of a diffusers pipeline, its hub id, or a built-in model."""
    dtype: str = "float32"
    """Type of the frozen weights, in training and in sampling: float32, or bfloat16 where a processor has instructions for it."""
    gradient_checkpointing: bool = True
    """Recompute blocks in the backward pass: less memory, a third more time. A small base does without."""
    staged_seeds: tuple[int, ...] = ()
    """Seeds of the staged world whose scenes the base was trained on; clips and benchmark must have others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipsPlan(Record):
    """The clips that all arms train on."""

    path: str = ""
    """Dataset folder; empty: staged scenes are written for the study."""
    seed: int = 3101
    """Seed of the staged scenes."""
    count: int = 240
    """Staged scenes, all played without a fault."""
    least_instances: int = 3
    """Tracked instances of a staged scene at least: with two alone there is nobody to mistake for subject or object."""
    world: str = field(default="staged", metadata=LATER)
    """What is written where `path` is empty: ``staged`` scenes, or clips of the ``binding`` world."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapePlan(Record):
    """Size of clips, first frames and generated videos."""

    frames: int = 17
    """Frames, one more than a multiple of four."""
    height: int = 96
    """Height in pixels."""
    width: int = 144
    """Width in pixels."""
    fps: float = 0.0
    """Frames per second of generated videos; 0: as many as let a video last as long as a staged one."""

    @property
    def rate(self) -> float:
        """Frames per second."""
        return self.fps or FPS * (self.frames - 1) / (FRAMES - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchPlan(Record):
    """What the arms are examined on."""

    path: str = ""
    """Benchmark name or folder; empty: staged scenes are written for the study, at twice its size."""
    seed: int = TEST_SEED
    """Seed of the staged scenes."""
    scenes: int = 120
    """How many samples, from the first on."""
    noise_seeds: tuple[int, ...] = (0,)
    """Seeds of the noise that each video starts from; the same for every arm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringPlan(Record):
    """Who scores the videos, as for `intergeneval run`."""

    tracker: str = "flow"
    """Tracker."""
    judge: str = "geometry"
    """Judge."""
    detector: str = "none"
    """Detector; ``none``: emergence is not assessed, and scores are upper bounds."""
    profile: Profile = Profile.BOUNDED
    """Score profile."""
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Settings of tracker, judge and detector, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSet(Record):
    """The layers that stand in for a recipe's."""

    lora: tuple[int, ...]
    """Adapted layers."""
    v2t: tuple[int, ...] = ()
    """Layers whose video-to-text maps are grounded."""
    t2v: tuple[int, ...] = ()
    """Layers whose text-to-video maps are grounded; empty: those of `v2t`."""
    v2v: tuple[int, ...] = ()
    """Layers whose video-to-video maps are propagated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm(Record):
    """One way to train or to sample."""

    name: str
    """Name in files and tables."""
    label: str = ""
    """Name of the row in the paper's ablation, such as ``VII``; empty: it has none."""
    recipe: str = ""
    """Training recipe it starts from; empty with `adapter_of`."""
    layers: str = ""
    """Layer set that stands in for the recipe's layers, and for those of guidance; empty: the recipe's layers stay."""
    training: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Fields of the training config that differ from the recipe, by section."""
    adapter_of: str = ""
    """Arm whose adapter is sampled in another way; nothing is trained."""
    generation: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the source that differ from the study's, such as guidance by perturbed attention."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlan(Record):
    """An order that the study asks for."""

    better: str
    """Arm that is expected to score higher."""
    worse: str
    """Arm that is expected to score lower."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlan(Record):
    """The control of the layers: without this order no claim about layers is made."""

    arm: str
    """Arm that aligns the wrong layers."""
    of: str
    """Arm that it is held against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomesPlan(Record):
    """Binding as the primary outcome: read off the videos of held-out scenes of the binding world, before any harness."""

    reference: str
    """Arm that every trained arm is held against."""
    control: str
    """Arm that must differ from the reference beyond chance, or the study could not have seen anything: the positive control."""
    seed: int = 2
    """Seed of the scenes."""
    scenes: int = 600
    """Scenes, with two videos each."""
    steps: int = 10
    """Sampling steps."""
    least: float = 0.60
    """Least share of right objects that the base may have; below, no arm begins."""
    most: float = 0.75
    """Largest share of right objects that the base may have."""
    bound: float = 0.03
    """A difference whose interval lies within plus and minus this is called none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPlan(Record):
    """The blind sheet."""

    clips: int = 100
    """Generated clips that are drawn over all arms."""
    seed: int = 5
    """Seed of the draw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlan(Record):
    """All of a study."""

    name: str
    """Name of the study."""
    arms: tuple[Arm, ...]
    """The arms, in the order of the table."""
    title: str = ""
    """Title of table and report; empty: the name."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Training seeds; each is a whole training of each trained arm."""
    base: BasePlan = field(default_factory=BasePlan)
    """The base model."""
    clips: ClipsPlan = field(default_factory=ClipsPlan)
    """Training clips."""
    shape: ShapePlan = field(default_factory=ShapePlan)
    """Size of everything."""
    bench: BenchPlan = field(default_factory=BenchPlan)
    """Benchmark."""
    generation: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the source ``matrix`` for all arms, such as ``steps`` and ``guidance``."""
    scoring: ScoringPlan = field(default_factory=ScoringPlan)
    """Tracker, judge, detector."""
    layers: Mapping[str, LayerSet] = field(default_factory=dict)
    """Named layer sets, such as ``found`` and ``wrong``."""
    training: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Fields of the training config that all arms share, over their recipes, by section."""
    orders: tuple[OrderPlan, ...] = ()
    """Orders that are asked for, the primary outcomes of the study."""
    control: ControlPlan | None = None
    """The control of the layers."""
    labels: LabelPlan = field(default_factory=LabelPlan)
    """The blind sheet."""
    outcomes: OutcomesPlan | None = field(default=None, metadata=LATER)
    """Binding as the primary outcome, in a study of the binding world; None: the harness's scores alone."""

    def __post_init__(self) -> None:
        _check(self)

    def arm(self, name: str) -> Arm:
        """Return the arm of that name. Raises ConfigError naming those that exist."""
        for item in self.arms:
            if item.name == name:
                return item
        raise ConfigError(f"study {self.name}: there is no arm {name!r}; arms are {', '.join(item.name for item in self.arms)}")

    def source(self, arm: Arm) -> Arm:
        """Return the arm whose adapter an arm samples: itself, or the one it names."""
        return self.arm(arm.adapter_of) if arm.adapter_of else arm


def load(source: str | Path) -> StudyPlan:
    """Read a plan from a TOML file, or one that comes with the package by its name. Raises ConfigError naming file and field."""
    path = Path(source)
    if not path.exists():
        path = PLANS / f"{source}.toml"
    if not path.is_file():
        known = ", ".join(sorted(item.stem for item in PLANS.glob("*.toml")))
        raise ConfigError(f"{source}: there is no such study file, and no plan of that name; plans are {known}")
    try:
        table = read_toml(path)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML ({error})") from None
    try:
        return StudyPlan.from_json(table, where=str(path))
    except RecordError as error:
        raise ConfigError(str(error)) from None


def _check(plan: StudyPlan) -> None:
    """Raise ValueError for what cannot be compared."""
    names = [arm.name for arm in plan.arms]
    if len(names) < 2 or len(set(names)) < len(names):
        raise ValueError("arms: name at least two, each once")
    if not plan.seeds or len(set(plan.seeds)) < len(plan.seeds):
        raise ValueError("seeds: name at least one training seed, each once")
    if not plan.bench.noise_seeds or len(set(plan.bench.noise_seeds)) < len(plan.bench.noise_seeds):
        raise ValueError("bench.noise_seeds: name at least one, each once")
    if min(plan.bench.scenes, plan.clips.count, plan.labels.clips) < 1:
        raise ValueError("bench.scenes, clips.count and labels.clips must be at least 1")
    if not 2 <= plan.clips.least_instances <= MOST_INSTANCES:
        raise ValueError(f"clips.least_instances must be from 2 to {MOST_INSTANCES}, the most that a staged scene has")
    for arm in plan.arms:
        _check_arm(plan, arm, set(names))
    _check_named(plan, names)
    if any(order.better == order.worse for order in plan.orders):
        raise ValueError("orders: an arm cannot be better than itself")
    for section in ("model", "data"):
        if section in plan.training:
            raise ValueError(f"training.{section}: base, clips and shape stand in [base], [clips] and [shape]")
    if "layers" in plan.training or "layers" in plan.training.get("lora", {}):
        raise ValueError("training.layers: layers stand in [layers.NAME], so that arms without them stay without")
    _check_disjoint(plan)
    if plan.outcomes is not None:
        _check_outcomes(plan, plan.outcomes)


def _check_named(plan: StudyPlan, names: list[str]) -> None:
    """Raise ValueError for an arm that something names and that is not there."""
    asked = [name for order in plan.orders for name in (order.better, order.worse)]
    asked += [plan.control.arm, plan.control.of] if plan.control else []
    asked += [plan.outcomes.reference, plan.outcomes.control] if plan.outcomes else []
    unknown = next((name for name in asked if name not in names), None)
    if unknown is not None:
        raise ValueError(f"orders, control and outcomes name arms; {unknown!r} is none of {', '.join(names)}")


def _check_outcomes(plan: StudyPlan, outcomes: OutcomesPlan) -> None:
    """Raise ValueError for outcomes that cannot be measured, or that were seen in training."""
    if outcomes.reference == outcomes.control:
        raise ValueError("outcomes.control: an arm is no control of itself")
    if outcomes.scenes < 2 or outcomes.steps < 1:
        raise ValueError("outcomes.scenes must be at least 2, outcomes.steps at least 1")
    if not 0 <= outcomes.least < outcomes.most <= 1 or outcomes.bound <= 0:
        raise ValueError("outcomes.least must be below outcomes.most, both from 0 to 1, and outcomes.bound above 0")
    if outcomes.seed in (plan.clips.seed, *plan.base.staged_seeds):
        raise ValueError(f"outcomes.seed {outcomes.seed} is that of clips that base or arms are trained on; take another")
    own = next((arm.name for arm in plan.arms if arm.generation), "")
    if own or set(plan.generation) - {"steps", "guidance"} or plan.generation.get("steps", outcomes.steps) != outcomes.steps:
        told = (
            f"arm {own} has settings of its own" if own else "only steps, equal to outcomes.steps, and guidance may stand there"
        )
        raise ValueError(f"generation: outcomes are measured with the study's steps and guidance alone; {told}")
    if plan.clips.world != "binding" and not plan.clips.path:
        raise ValueError('outcomes are of the binding world; set clips.world = "binding" or clips.path')


def _check_arm(plan: StudyPlan, arm: Arm, names: set[str]) -> None:
    if not _NAME.match(arm.name):
        raise ValueError(f"arm {arm.name!r}: a name is letters, digits, '.', '-' and '_'")
    if bool(arm.recipe) == bool(arm.adapter_of):
        raise ValueError(f"arm {arm.name}: give either recipe or adapter_of")
    if arm.adapter_of and (arm.adapter_of not in names or plan.source(arm).adapter_of):
        raise ValueError(f"arm {arm.name}: adapter_of {arm.adapter_of!r} is no arm with a recipe")
    if arm.adapter_of and arm.training:
        raise ValueError(f"arm {arm.name}: with adapter_of nothing is trained, so it takes no training fields")
    for section in ("model", "data", "train"):
        if section in arm.training:
            raise ValueError(
                f"arm {arm.name}: training.{section} is shared by all arms, which are compared at equal steps and data"
            )


def _check_disjoint(plan: StudyPlan) -> None:
    """Raise ValueError where staged scenes would be seen twice."""
    bench = () if plan.bench.path else (plan.bench.seed,)
    if plan.clips.world not in WORLDS:
        raise ValueError(f"clips.world is {plan.clips.world!r}; it is one of {', '.join(WORLDS)}")
    if not plan.clips.path:
        if plan.clips.seed in (TEST_SEED, DEVELOPMENT_SEED, *bench):
            raise ValueError(f"clips.seed {plan.clips.seed} is the seed of a benchmark or of the development split; take another")
        if plan.clips.seed in plan.base.staged_seeds:
            raise ValueError(f"clips.seed {plan.clips.seed} is one that the base was trained on; take another")
    if set(bench) & set(plan.base.staged_seeds):
        raise ValueError(f"bench.seed {plan.bench.seed} is one that the base was trained on; take another")
