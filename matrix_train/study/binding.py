"""The pieces of a study in which binding is the outcome: the gate, what is written down before, the measuring, the findings."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from intergeneval.errors import ConfigError, RecordError
from intergeneval.ids import canonical_json, sha256_json
from intergeneval.records import Record
from intergeneval.records.disk import read_text
from intergeneval.store import write_atomically
from matrix_train.binding.denoising import DENOISED_AT, denoising
from matrix_train.binding.measure import ASKED, Measured, Sampling, outcomes, summed
from matrix_train.binding.outcomes import Outcome, by_scene
from matrix_train.study.arms import config_of, is_trained
from matrix_train.study.binding_plots import dose_plot, effects_plot
from matrix_train.study.effects import LEVEL, METRICS, ArmEffects, Values, effects
from matrix_train.study.findings import csv_rows, markdown
from matrix_train.study.ledger import made_of
from matrix_train.study.made import Made, Say
from matrix_train.study.pieces import Kind, Piece
from matrix_train.study.plan import OutcomesPlan, StudyPlan

RESULT = "result"
"""Folder of what is found."""
EFFECTS, DOSES = "effects.svg", "doses.svg"
"""Plots beside the page."""
OUTCOMES, MEASURED = "outcomes.jsonl", "measured.json"
"""Files of a measured arm: one line a scene, and the means."""
REGISTRATION = "registration.json"
"""What was written down before the first arm was trained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneOutcomes(Record):
    """One line of a measured arm."""

    scene: int
    """Index of the scene."""
    outcomes: tuple[Outcome, ...]
    """What its videos show, one for each deed that was asked for."""
    denoising: tuple[float, ...]
    """Minus the logarithm of the denoising error on its true videos, at each of DENOISED_AT."""


def values_of(lines: Sequence[SceneOutcomes]) -> dict[str, npt.NDArray[np.float64]]:
    """Return what was measured of a model, each of METRICS scene by scene."""
    shown = [line.outcomes for line in lines]
    found = {name: by_scene(shown, name) for name in ("object", "margin", "subject")}
    for column, time in enumerate(DENOISED_AT):
        found[f"denoising at {time:g}"] = np.array([line.denoising[column] for line in lines])
    return {name: found[name] for name in METRICS}


class BindingWork:
    """Does these pieces in a study's folder."""

    def __init__(self, plan: StudyPlan, folder: Path, say: Say) -> None:
        if plan.outcomes is None:
            raise ConfigError(f"study {plan.name}: has no [outcomes]")
        self._plan, self._folder, self._say = plan, folder, say
        self._own: OutcomesPlan = plan.outcomes

    def gate(self, piece: Piece) -> Made:
        """Measure the base. Raises ConfigError where it is outside its band: no arm may begin then."""
        measured = self._measured(piece, None)
        own, found = self._own, measured.object
        self._say(f"gate: the base: {measured.text()}")
        if not own.least <= found <= own.most:
            way = (
                "train it on (matrix-train pretrain dit with more dit.steps)"
                if found < own.least
                else "take an earlier checkpoint of it, or pretrain one with more faulty captions (world.faulty)"
            )
            raise ConfigError(
                f"the base's share of right objects is {found:.3f}, outside of {own.least:.2f} to {own.most:.2f} "
                f"(outcomes.least and most), where arms could be told apart; {way}"
            )
        return self._made(piece)

    def register(self) -> Made:
        """Write down what will be compared and how, with a hash, before the first arm is trained."""
        own = self._own
        arms = [arm.name for arm in self._plan.arms if arm.name != own.reference]
        told = {
            "primary": f"difference in the share of right objects to {own.reference}, two-sided, paired by scene",
            "secondary": [f"difference in {name} to {own.reference}" for name in METRICS[1:]],
            "arms": arms,
            "level": f"{LEVEL} for all {len(arms)} arms together (Bonferroni)",
            "error": "standard error over scenes, each averaged over videos and training seeds, and the spread over seeds",
            "words": {
                "helps": "the whole interval lies above 0",
                "harms": "the whole interval lies below 0",
                "no difference": f"the whole interval lies within plus and minus {own.bound}",
                "not decided": "anything else",
            },
            "gate": f"base between {own.least} and {own.most} right objects; measured {self._gate_value():.4f}",
            "void": f"unless {own.control} differs from {own.reference} in the share of right objects",
            "exclusions": "none: every scene and every video counts",
            "scenes": {"seed": own.seed, "count": own.scenes, "deeds": list(ASKED)},
            "plan": sha256_json(self._plan.to_json()),
        }
        write_atomically(self._folder / REGISTRATION, json.dumps(told, indent=1, ensure_ascii=False) + "\n")
        digest = sha256_json(told)
        self._say(f"register: what will be compared is written down in {self._folder / REGISTRATION} ({digest[:12]})")
        return Made(digest=digest, units=1, notes={})

    def _gate_value(self) -> float:
        return Measured.from_line(read_text(self._folder / "gate" / MEASURED), where=str(self._folder / "gate")).object

    def measure(self, piece: Piece, adapter: Path) -> Made:
        """Read off the videos of an arm how often it binds."""
        measured = self._measured(piece, adapter)
        self._say(f"{piece.name}: {measured.text()}")
        return self._made(piece)

    def _measured(self, piece: Piece, adapter: Path | None) -> Measured:
        """Measure the base, or an adapter on it, unless that was done; write lines and means."""
        import torch

        from matrix_train.backbones.files import resolve
        from matrix_train.backbones.loading import load_pipeline
        from matrix_train.model.checkpoint import load_matrix

        folder, shape = self._folder / piece.name, self._plan.shape
        base = resolve(self._plan.base.model)
        pipeline = load_pipeline(base, getattr(torch, self._plan.base.dtype))
        if adapter is not None and load_matrix(pipeline, adapter).info.projection:
            raise ConfigError(f'{adapter}: outcomes are measured without an id map; set training.condition.id_map = "none"')
        guidance = self._plan.generation.get("guidance", 1.0)
        sampling = Sampling(
            frames=shape.frames, size=(shape.height, shape.width), steps=self._own.steps, guidance=float(guidance)
        )
        pipeline.to("cuda" if torch.cuda.is_available() else "cpu")
        found = outcomes(pipeline, seed=self._own.seed, scenes=self._own.scenes, sampling=sampling)
        errors = denoising(pipeline, base, seed=self._own.seed, scenes=self._own.scenes, sampling=sampling)
        lines = [
            SceneOutcomes(scene=index, outcomes=item, denoising=tuple(float(value) for value in row))
            for index, (item, row) in enumerate(zip(found, errors, strict=True))
        ]
        measured = summed(found)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / OUTCOMES, "".join(canonical_json(line.to_json()) + "\n" for line in lines))
        write_atomically(folder / MEASURED, canonical_json(measured.to_json()) + "\n")
        return measured

    def _made(self, piece: Piece) -> Made:
        digest = made_of(read_text(self._folder / piece.name / OUTCOMES))
        return Made(digest=digest, units=piece.units, notes={})

    def findings(self, pieces: Sequence[Piece], folder: str = RESULT, note: str = "") -> Made:
        """Hold the arms against the reference by the measured `pieces`; write page, table and numbers. `note` heads the page."""
        arms: dict[str, dict[int | None, Values]] = {arm.name: {} for arm in self._plan.arms}
        for piece in pieces:
            if piece.kind is Kind.MEASURE:
                arms[piece.arm][piece.seed] = self._read(piece)
        found = effects(arms, self._own.reference, self._own.bound)
        seeds = sorted({piece.seed for piece in pieces if piece.kind is Kind.MEASURE and piece.seed is not None})
        registration = sha256_json(json.loads(read_text(self._folder / REGISTRATION)))
        files = {
            "binding.md": markdown(self._plan, self._own, found, registration, self._gate_value(), seeds, note),
            "binding.csv": _csv(found),
            "binding.json": json.dumps([item.to_json() for item in found], indent=1, allow_nan=False) + "\n",
        }
        place = self._folder / folder
        place.mkdir(exist_ok=True)
        for name, text in files.items():
            write_atomically(place / name, text)
        effects_plot(place / EFFECTS, found, self._own.reference, self._own.bound)
        trained = [arm for arm in self._plan.arms if arm.recipe and is_trained(self._plan, arm)]
        configs = {arm.name: config_of(self._plan, arm, None) for arm in trained}
        dose_plot(place / DOSES, found, configs, self._own.reference)
        self._say(f"findings: {place / 'binding.md'}")
        return Made(digest=made_of(sha256_json(files)), units=1, notes={})

    def _read(self, piece: Piece) -> Values:
        path = self._folder / piece.name / OUTCOMES
        try:
            lines = [SceneOutcomes.from_line(line, where=str(path)) for line in read_text(path).splitlines()]
        except RecordError as error:
            raise ConfigError(f"{error}; remove the record of {piece.name} in pieces/, and it is measured again") from None
        return values_of(lines)


def _csv(found: Sequence[ArmEffects]) -> str:
    stream = io.StringIO()
    rows: list[list[Any]] = csv_rows(found)
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()
