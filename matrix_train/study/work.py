"""What each long piece does: write clips and benchmark, encode, train, generate and score; each goes on where it was stopped."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from itertools import count, islice
from pathlib import Path

from intergeneval import bench
from intergeneval.config import RunConfig, read_config
from intergeneval.errors import ConfigError
from intergeneval.ids import sha256_file, sha256_json
from intergeneval.records import ScoreStatus
from intergeneval.run.run import Progress
from intergeneval.run.run import Run as Evaluation
from intergeneval.staged import scene
from intergeneval.staged.write import write as write_bench
from matrix_train.config import Config
from matrix_train.study.arms import cache_of, config_of, is_trained, settings_of
from matrix_train.study.ledger import made_of
from matrix_train.study.made import Made, Say
from matrix_train.study.pieces import OVERSAMPLING, Kind, Piece
from matrix_train.study.plan import Arm, StudyPlan
from matrix_train.study.progress import steps_saved

SAY_SECONDS = 60.0
"""A run says how far it is this often."""
DETECTORS_OF_STAGED = ("staged",)
"""Detectors that read the truth of staged videos, which generated ones have not."""
REPEATED = frozenset({ScoreStatus.UNANSWERED, ScoreStatus.MISSING})
"""What the same command may still change: an answer that failed, a video that was not made.

What else has no score (lost tracks, another first frame) is a result of the arm; the table and the rule count it.
"""


class Workshop:
    """A study's folder and the means to fill it; heavy libraries are imported when a piece needs them."""

    def __init__(self, plan: StudyPlan, folder: Path, say: Say) -> None:
        self.plan, self.folder, self.say = plan, folder, say
        self._doers: dict[Kind, Callable[[Piece], Made]] = {
            Kind.BENCH: self._bench,
            Kind.DATA: self._data,
            Kind.ENCODE: self._encode,
            Kind.TRAIN: self._train,
            Kind.RUN: self._run,
            Kind.GATE: self._gate,
            Kind.REGISTER: self._register,
            Kind.MEASURE: self._measure,
        }

    @property
    def clips(self) -> Path:
        """Folder of the training clips."""
        return Path(self.plan.clips.path) if self.plan.clips.path else self.folder / "data"

    @property
    def bench(self) -> str:
        """Name or folder of the benchmark."""
        return self.plan.bench.path or str(self.folder / "bench")

    def do(self, piece: Piece) -> Made:
        """Do one long piece, or the rest of it. Raises what its stages raise; what was finished stays."""
        return self._doers[piece.kind](piece)

    def _bench(self, piece: Piece) -> Made:
        plan = self.plan.bench
        if not plan.path:
            size = (OVERSAMPLING * self.plan.shape.height, OVERSAMPLING * self.plan.shape.width)
            self._whole(self.folder / "bench", lambda folder: write_bench(folder, plan.seed, plan.scenes, size))
        found = bench.load(self.bench)
        if len(found.samples) < plan.scenes:
            raise ConfigError(f"bench.scenes is {plan.scenes}, and {self.bench} has {len(found.samples)} samples")
        return Made(digest=made_of(found.hash), units=piece.units, notes={"samples": len(found.samples)})

    def _data(self, piece: Piece) -> Made:
        from matrix_train.data.reading import read_dataset

        if not self.plan.clips.path:
            self._write_clips(self.folder / "data")
        clips = read_dataset(self.clips)
        return Made(digest=made_of([clip.to_json() for clip in clips]), units=piece.units, notes={"clips": len(clips)})

    def _write_clips(self, folder: Path) -> None:
        """Write the first scenes of a seed that have enough instances; those that are there already stay."""
        from matrix_train.binding.write import write_clips
        from matrix_train.data.clips import read_own, write_own
        from matrix_train.data.staged import write_staged_clips

        plan, shape = self.plan.clips, self.plan.shape
        if plan.world == "binding":
            write_clips(folder, seed=plan.seed, count=plan.count, frames=shape.frames, size=(shape.height, shape.width))
            return
        rich = (index for index in count() if len(scene(plan.seed, index).figures) >= plan.least_instances)
        last = list(islice(rich, plan.count))[-1]
        size = (shape.height, shape.width)
        write_staged_clips(folder, seed=plan.seed, count=last + 1, frames=shape.frames, size=size, fps=shape.fps or None)
        # The others were painted in vain, a tenth of a second each; they leave the list.
        write_own(folder, tuple(clip for clip in read_own(folder) if len(clip.instances) >= plan.least_instances))

    def _encode(self, piece: Piece) -> Made:
        import torch

        from matrix_train.backbones.files import resolve
        from matrix_train.backbones.load_encoders import late_encoder
        from matrix_train.backbones.loading import load_backbone, load_outline
        from matrix_train.data.cache import INDEX, fill, folder_of
        from matrix_train.data.precompute import state_notes
        from matrix_train.data.reading import read_dataset
        from matrix_train.model.aligned import AlignedModel

        name = piece.name.partition("/")[2]
        arm = self._trained_on(name)[0]
        config = config_of(self.plan, arm, None, data=str(self.clips), cache=str(self.folder / "cache" / name))
        base, dtype = resolve(config.model.path), getattr(torch, config.model.dtype)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        clips = read_dataset(self.clips)
        # Layers and widths that cannot be are told here, before the first arm is trained.
        for item in self._trained_on(name):
            AlignedModel(load_backbone(base, dtype), config_of(self.plan, item, None))
        state = fill(config, clips, late_encoder(base, dtype, device), load_outline(base))
        notes = state_notes(config, state)
        for note in notes:
            self.say(f"{piece.name}: note: {note}")
        digest = made_of(sha256_file(folder_of(config) / INDEX), [clip.to_json() for clip in clips])
        return Made(digest=digest, units=state.encoded, notes={"clips": len(clips), "left_out": len(notes)})

    def _told(self, config: Config) -> frozenset[str]:
        """Return the notes on clips that encoding them has told already: once a study is enough."""
        from matrix_train.data.cache import folder_of, notes_of
        from matrix_train.data.reading import read_dataset

        return frozenset(f"note: {note}" for note in notes_of(folder_of(config), read_dataset(self.clips)))

    def _trained_on(self, cache: str) -> list[Arm]:
        """Return the arms that train on a cache."""
        trained = [arm for arm in self.plan.arms if arm.recipe and is_trained(self.plan, arm)]
        return [arm for arm in trained if cache_of(config_of(self.plan, arm, None)) == cache]

    def _train(self, piece: Piece) -> Made:
        from matrix_train.model import checkpoint
        from matrix_train.train.loop import Run

        arm = self.plan.arm(piece.arm)
        name = cache_of(config_of(self.plan, arm, piece.seed))
        config = config_of(self.plan, arm, piece.seed, data=str(self.clips), cache=str(self.folder / "cache" / name))
        before = steps_saved(self.folder / piece.name)
        told = self._told(config) if config.train.steps else frozenset()

        def say(line: str) -> None:
            if line not in told:
                self.say(f"{piece.name}: {line}")

        done = Run(config, self.folder / piece.name, say).fit()
        files = [done.folder / part for part in (checkpoint.LORA, checkpoint.REST)]
        digest = made_of([sha256_file(path) for path in files if path.is_file()], config.train.steps)
        notes = {"seconds_per_step": done.seconds_per_step, "loss": done.loss}
        return Made(digest=digest, units=config.train.steps - before, notes=notes)

    def _run(self, piece: Piece) -> Made:
        run = Evaluation(self.run_config(piece))
        began = spoken = time.monotonic()

        def say(progress: Progress) -> None:
            nonlocal spoken
            if time.monotonic() - spoken > SAY_SECONDS or progress.done == progress.total:
                spoken = time.monotonic()
                pace = progress.seconds / progress.done
                left = pace * (progress.total - progress.done) / 60
                self.say(f"{piece.name}: video {progress.done}/{progress.total}  {pace:.2f} s a video, {left:.0f} min left")

        result = run.execute(say)
        seconds = time.monotonic() - began
        notes = {"videos": len(result.scores), "seconds_per_video": seconds / result.observed if result.observed else None}
        open_ = [score for score in result.scores if score.status in REPEATED]
        if result.stopped or result.waiting or open_:
            lacking = f"{len(open_)} of {len(result.scores)} videos lack " + " or ".join(
                sorted({"an answer" if score.status is ScoreStatus.UNANSWERED else "a video" for score in open_})
            )
            self.say(f"{piece.name}: incomplete ({result.stopped or result.waiting or lacking}); run the same command again")
            return Made(digest="", units=result.observed, notes=notes)
        return Made(digest=made_of(sha256_file(result.store.folder / "scores.jsonl")), units=result.observed, notes=notes)

    def adapter(self, piece: Piece) -> Path:
        """Return the folder of the adapter that a piece's arm samples."""
        source = self.plan.source(self.plan.arm(piece.arm))
        return self.folder / "train" / source.name / ("" if piece.seed is None else str(piece.seed)) / "adapter"

    def run_config(self, piece: Piece) -> RunConfig:
        """Return the settings of the run that generates and scores an arm's videos."""
        plan, arm = self.plan, self.plan.arm(piece.arm)
        folder, scoring = self.adapter(piece), plan.scoring
        if scoring.detector in DETECTORS_OF_STAGED:
            raise ConfigError(f"scoring.detector {scoring.detector!r} reads the truth of staged videos; generated ones have none")
        return read_config(
            None,
            {
                "model": f"matrix:{folder}",
                "bench": self.bench,
                "limit": plan.bench.scenes if plan.bench.path else None,
                "tracker": scoring.tracker,
                "judge": scoring.judge,
                "detector": scoring.detector,
                "profile": scoring.profile.value,
                "seeds": list(plan.bench.noise_seeds),
                "out": str(self.folder / piece.name),
                "name": arm.name if piece.seed is None else f"{arm.name}, training seed {piece.seed}",
                "settings": {**scoring.settings, "source": {"matrix": settings_of(plan, arm)}},
            },
        )

    def _gate(self, piece: Piece) -> Made:
        from matrix_train.study.binding import BindingWork

        return BindingWork(self.plan, self.folder, self.say).gate(piece)

    def _register(self, piece: Piece) -> Made:  # noqa: ARG002  # it is made from the whole plan
        from matrix_train.study.binding import BindingWork

        return BindingWork(self.plan, self.folder, self.say).register()

    def _measure(self, piece: Piece) -> Made:
        from matrix_train.study.binding import BindingWork

        return BindingWork(self.plan, self.folder, self.say).measure(piece, self.adapter(piece))

    def _whole(self, target: Path, write: Callable[[Path], object]) -> None:
        """Fill a folder beside its place and move it there when it is whole; one that is there already stays."""
        if target.exists():
            return
        partial = target.with_name(f".{target.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        write(partial)
        partial.replace(target)


def base_hash(model: str) -> str:
    """Return a hash of the base pipeline's parts. Raises ConfigError where it cannot be found."""
    from matrix_train.backbones.files import describe, resolve

    folder = resolve(model)
    parts = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))
    return sha256_json(describe(folder, parts))
