"""The training loop, readable from top to bottom: draw, forward, backward, clip, step, log, save.

Everything random is a function of (seed, step, clip), so a run that was stopped continues exactly as if it had not been.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object

from intergeneval.errors import BackendError, ConfigError
from matrix_train.backbones.files import resolve
from matrix_train.backbones.loading import load_backbone, shape_notes
from matrix_train.config import Config
from matrix_train.data.batches import Batches
from matrix_train.data.cache import folder_of
from matrix_train.data.empty_text import is_wanted
from matrix_train.data.encoding import sizes_of
from matrix_train.data.holding import held_out, holding_note, kept_apart
from matrix_train.model import checkpoint, resuming
from matrix_train.model.aligned import AlignedModel
from matrix_train.model.beginning import begin_with
from matrix_train.train.average import Average
from matrix_train.train.balance import Balance, gradient_norms
from matrix_train.train.estimate import estimate
from matrix_train.train.heldout import Heldout, read_verdict, write_verdict
from matrix_train.train.rates import learning_factor, make_optimiser, peak_of
from matrix_train.train.signals import STOP, Asked
from matrix_train.train.start import Say, check_supervised, prepare_cache, take_up_log
from matrix_train.train.terms import bins, mean, numbers
from matrix_train.train.trackers import checked_trackers
from matrix_train.train.validate import validate
from matrix_train.train.verdict import Verdict

LOG = "log.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What a training run came to."""

    folder: Path
    """The adapter."""
    steps: int
    """Optimiser steps done, those before a resume included."""
    loss: float | None
    """Loss of the last step; None when no step was left to do, or it was skipped."""
    seconds_per_step: float | None
    """Mean wall time of a step of this run."""
    verdict: Verdict | None = None
    """What held-out clips say of it beside the base; None where none is held out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one optimiser step came to, over all processes."""

    terms: Mapping[str, float]
    """Mean of every term; of a step that was skipped too."""
    odd: str = ""
    """Why it was skipped; empty for a step that was taken."""
    clips: tuple[str, ...] = ()
    """Clips of a step that was skipped, those whose loss was not finite where there are such."""
    asked: int = 0
    """What a signal asked for."""


class Run:
    """One training run in one folder."""

    def __init__(self, config: Config, out: Path, say: Say = lambda _: None, *, fold_alpha: bool = False) -> None:
        config = resuming.holding_as_begun(config, out)
        self.config, self.out, self.say, self._fold = config, out, say, fold_alpha
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"--out {out}: the folder cannot be made ({error.strerror})") from None
        self.accelerator = Accelerator(
            gradient_accumulation_steps=config.train.accumulate, log_with=checked_trackers(config.train), project_dir=str(out)
        )
        started = int(os.environ.get("WORLD_SIZE", "1"))
        if started != self.accelerator.num_processes:
            # Each would train alone and write over the others' files.
            raise ConfigError(
                f"{started} processes were started and {self.accelerator.num_processes} found one another; "
                "without a GPU for each, set ACCELERATE_USE_CPU=true"
            )
        self.folder = resolve(config.model.path)
        for note in shape_notes(self.folder, config.data.frames, sizes_of(config)) if config.train.steps else ():
            self._tell(f"note: {note}")
        self.backbone = load_backbone(self.folder, getattr(torch, config.model.dtype))
        # Layers and widths that cannot be are told before hours of encoding.
        self.model = AlignedModel(self.backbone, config).train()
        self.optimiser = make_optimiser(self.model, config.train)
        self.balance = Balance(self.model.weights, config.loss.balance, config.train.log_every)
        self.average = Average(self.model, config.train.ema)
        self.heldout: Heldout | None = None
        if config.train.steps:
            is_wanted(config, self.backbone)
            # The base arm trains nothing and needs no clips.
            clips = prepare_cache(config, self.folder, self.backbone, self.accelerator, self._tell)
            held = held_out(clips, config.heldout)
            self._tell(f"note: {holding_note(len(clips), len(held), config.heldout, len(kept_apart(clips)))}")
            self.batches = Batches(
                config, self.backbone, clips, folder_of(config),
                processes=self.accelerator.num_processes, device=self.accelerator.device, held=held,
            )  # fmt: skip
            for note in check_supervised(config, self.batches.entries()):
                self._tell(f"note: {note}")
            if held:
                self.heldout = Heldout(self.model, self.batches, config.heldout, self.accelerator)
        self._progress, self._asked = resuming.Progress(), Asked()

    def _tell(self, line: str) -> None:
        if self.accelerator.is_main_process:
            self.say(line)

    def fit(self) -> Fitted:
        """Train to the configured number of steps, from the newest checkpoint of the folder where there is one.

        SIGUSR1 has a checkpoint written at the end of the step, SIGTERM one and then KeyboardInterrupt raised. Raises
        BackendError once more steps than `train.skip_limit` had a loss or a gradient that is not finite.
        """
        config, accelerator = self.config, self.accelerator
        found = self._begin()
        wrapped = accelerator.prepare_model(self.model)
        optimiser = accelerator.prepare_optimizer(self.optimiser)
        if found is not None:
            self._progress, kept = resuming.load_state(found, self.optimiser)
            self.balance.restore(kept)
            self.average.restore(kept, str(found))
        self.model.weights = self.balance.weights
        done = self._progress.step
        if done:
            self._tell(f"going on from {found} after {done} steps")
        if accelerator.is_main_process:
            take_up_log(self.out / LOG, done)
        # TensorBoard's files have always lain in a folder of that name; for the others it is the project's.
        accelerator.init_trackers("tensorboard" if config.train.trackers == ("tensorboard",) else "matrix-train")
        if not done:
            # A run that goes on has said it when it began.
            self._estimate()
        began, first, loss = time.monotonic(), done, None
        try:
            with self._asked:
                for step in range(done, config.train.steps):
                    loss = self._advance(wrapped, optimiser, step, (began, first))
        except torch.OutOfMemoryError:
            raise BackendError(
                "the GPU has no memory left; set model.gradient_checkpointing = true, decoder.maps_per_call = 1, "
                "train.batch = 1 with train.accumulate, or a smaller data.height and data.width"
            ) from None
        finally:
            if config.train.steps:
                self.batches.close()
            accelerator.end_training()
        final, whole = self.out / "adapter", max(done, config.train.steps)
        if accelerator.is_main_process:
            with self.average.shown():
                checkpoint.save(self.model, final, whole, fold_alpha=self._fold, held_out=self._figures(whole))
        steps = config.train.steps - first
        pace = (time.monotonic() - began) / steps if steps > 0 else None
        return Fitted(folder=final, steps=whole, loss=loss, seconds_per_step=pace, verdict=self._verdict(whole))

    def _verdict(self, done: int) -> Verdict | None:
        """Return what held-out clips said after so many steps; None where they were not looked at."""
        return read_verdict(self.out, done) if self.heldout is not None else None

    def _figures(self, done: int) -> Sequence[str]:
        """Return the lines of an adapter's card after so many steps."""
        verdict = self._verdict(done)
        return () if verdict is None else verdict.lines()

    def _look(self, done: int) -> dict[str, float]:
        """Return what held-out clips say after so many steps, where it is time; keep the verdict."""
        config = self.config
        last, every = done == config.train.steps, config.heldout.every
        if self.heldout is None or not (last or (every and done % every == 0)):
            return {}
        with self.average.shown():
            told, verdict = self.heldout.see(done)
        if self.accelerator.is_main_process:
            write_verdict(self.out, verdict)
        self._tell(f"step {done}/{config.train.steps}  {verdict.line()}")
        return told

    def _begin(self) -> Path | None:
        """Put back the tensors of the newest checkpoint, or those of another adapter that the run begins with; say so.

        Held-out clips are shown to the base before that.
        """
        config = self.config
        found, start = resuming.latest(self.out), config.train.init_from
        if found is not None:
            for name in resuming.check_config(found, config, self.accelerator.num_processes):
                self._tell(f"note: {name} is not what {found} was made with")
        if self.heldout is not None and (found is None or resuming.step_of(found) < config.train.steps):
            self.model.to(self.accelerator.device)
            self.heldout.see_base()
        if found is not None:
            checkpoint.restore(self.model, found)
        elif start:
            for note in begin_with(self.model, Path(start)):
                self._tell(f"note: {note}")
            self._tell(f"begun with {start}")
        return found

    def _advance(self, wrapped: Any, optimiser: Any, step: int, since: tuple[float, int]) -> float | None:
        """Do one step, log it, keep what is to be kept, and heed what was asked; return its loss, None for a skipped one."""
        done = self._step(wrapped, optimiser, step)
        skipped = self._progress.skipped + bool(done.odd)
        self._progress = resuming.Progress(step=step + 1, skipped=skipped, processes=self.accelerator.num_processes)
        if done.odd:
            self._skip(step, done)
        else:
            self.average.follow(step)
            self._log(step, {**done.terms, **self._look(step + 1)}, time.monotonic() - since[0], step + 1 - since[1])
        self._keep(step + 1, asked=done.asked > 0)
        if done.asked >= STOP:
            self._tell(f"stopped by SIGTERM after step {step + 1}; a checkpoint was written")
            raise KeyboardInterrupt
        return None if done.odd else done.terms["loss"]

    def _estimate(self) -> None:
        if self.config.train.steps and self.accelerator.is_main_process:
            batch = self.batches.draw(0)
            for line in estimate(self.backbone, self.config, batch, self.accelerator.device).lines():
                self.say(line)

    def _step(self, wrapped: Any, optimiser: Any, step: int) -> Step:
        """Do one optimiser step over its accumulated batches and return the mean of every term.

        Where the loss or the gradient is not finite on any process, none of them takes the step.
        """
        config, accelerator = self.config, self.accelerator
        place, seen = accelerator.process_index, []
        odd: list[str] = []
        clips: list[str] = []
        for group in self.optimiser.param_groups:
            group["lr"] = peak_of(group, step, config.train) * learning_factor(step, config.train)
        before, measured = self.balance.state(), {}
        for part in range(config.train.accumulate):
            batch = self.batches.draw(step, part, place)
            self.batches.read_ahead(step, part, place, config.train.steps)
            batch = batch.to(accelerator.device, getattr(torch, config.model.dtype))
            with accelerator.accumulate(wrapped):
                output = wrapped(batch)
                if part == 0 and self.balance.due(step):
                    measured = self._measured(output["parts"])
                if config.loss.balance:
                    # The weights that the step goes by may be of its own measurement.
                    output["loss"] = self.model.total(output["parts"])
                    output["terms"]["loss"] = output["loss"].detach()
                accelerator.backward(output["loss"])
            clips += batch.clips
            if not torch.isfinite(output["loss"]):
                odd += batch.clips
            seen.append({**numbers(output["terms"]), **bins(output["clips"], batch.time_B)})
        norms = self._norms()
        told = gather_object([{"terms": seen, "odd": odd, "clips": clips, "asked": self._asked.take()}])
        odd = [clip for item in told for clip in item["odd"]]
        reason = "the loss" if odd else "" if all(map(math.isfinite, norms.values())) else "the gradient"
        if reason:
            # No later step may rest on what was measured in one that was not taken.
            self.balance.restore(before)
        else:
            self._clip()
            optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        return Step(
            terms={**mean([terms for item in told for terms in item["terms"]]), **norms, **measured},
            odd=reason,
            clips=tuple(odd or [clip for item in told for clip in item["clips"]]) if reason else (),
            asked=max(item["asked"] for item in told),
        )

    def _skip(self, step: int, found: Step) -> None:
        """Note a step that was not taken. Raises BackendError where that makes too many."""
        count, limit = self._progress.skipped, self.config.train.skip_limit
        clips = ", ".join(found.clips)
        self._tell(f"step {step + 1} is skipped ({count} of at most {limit}): {found.odd} is not finite on {clips}")
        # Held-out clips are looked at when it is time, whatever became of the step.
        looked = self._look(step + 1) if count <= limit else {}
        if self.accelerator.is_main_process:
            self._write({"step": step + 1, "skipped": count, "why": found.odd, "clips": list(found.clips), **looked})
            if looked:
                self.accelerator.log(looked, step=step + 1)
        if count > limit:
            raise BackendError(
                f"{found.odd} is not finite at step {step + 1} on clips {clips}, and {count} steps were skipped; "
                f"look at those clips, lower train.rate, or set train.skip_limit above {limit} to go on"
            )

    def _write(self, row: Mapping[str, Any]) -> None:
        with (self.out / LOG).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")

    def _measured(self, parts: Mapping[str, torch.Tensor]) -> dict[str, float]:
        """Measure the gradient of each loss on the adapter, as the mean over processes, and let the weights follow."""
        adapter = [item for _, item in self.model.groups().get("lora", [])]
        return self.balance.take(mean(gather_object([gradient_norms(parts, adapter)])))

    def _clip(self) -> None:
        """Bound the norm of the gradient: of all that trains together, or of each group."""
        groups = [[item for _, item in members] for members in self.model.groups().values()]
        together = [[item for members in groups for item in members]]
        for chosen in groups if self.config.train.clip_apart else together:
            self.accelerator.clip_grad_norm_(chosen, self.config.train.clip_norm)

    def _norms(self) -> dict[str, float]:
        found = {}
        for name, members in self.model.groups().items():
            squares = [item.grad.square().sum() for _, item in members if item.grad is not None]
            found[f"gradient/{name}"] = math.sqrt(sum(float(value) for value in squares))
        return found

    def _log(self, step: int, terms: Mapping[str, float], seconds: float, steps: int) -> None:
        every = self.config.train.log_every
        looked = "heldout/change" in terms
        if not self.accelerator.is_main_process or ((step + 1) % every and step + 1 != self.config.train.steps and not looked):
            return
        rate = self.optimiser.param_groups[0]["lr"]
        self._write({"step": step + 1, "rate": rate, **terms})
        self.accelerator.log({**terms, "rate": rate}, step=step + 1)
        left = seconds / steps * (self.config.train.steps - step - 1)
        shown = "  ".join(f"{name} {terms[name]:.4f}" for name in ("loss", "denoising", "sga", "spa") if name in terms)
        pace = f"{seconds / steps:.2f} s/step, {left / 60:.0f} min left"
        self.say(f"step {step + 1}/{self.config.train.steps}  {shown}  {pace}")

    def _keep(self, done: int, *, asked: bool = False) -> None:
        train = self.config.train
        own = done % train.save_every == 0 or done == train.steps
        if own or asked:
            if self.accelerator.is_main_process:
                progress = replace(self._progress, asked=not own)
                # Before the average is shown: beside it the weights themselves are kept.
                more = {**self.balance.state(), **self.average.state()}
                resuming.save_checkpoint(
                    self.model, self.out, progress, self.optimiser, more,
                    shown=self.average.shown(), held_out=self._figures(done),
                )  # fmt: skip
            self.accelerator.wait_for_everyone()
        if train.validate_every and done % train.validate_every == 0:
            if self.accelerator.is_main_process:
                with self.average.shown():
                    validate(self.model, self.batches, self.folder, self.out / "validation" / f"{done:07d}")
            self.accelerator.wait_for_everyone()
