"""Measure whether training harms the built-in base: denoising on held-out clips, for plain LoRA and MATRIX, before and with care.

Run by hand, on a CPU too: ``python tests/gpu/measure_harm.py --folder runs/harm --out reports/harm.json``. Each arm is trained
with each seed for 300 steps on staged clips, of which 64 are held out, and goes on where it stopped when it is run again. Written
are, by arm and seed, the change of the denoising loss against the base at each timestep with its paired 95 % interval over clips,
how far predictions moved, the mean ratio of each alignment loss's gradient to denoising's, each loss with its parts on held-out
clips, and AAS and lift beside the base's; over the seeds also the highest upper end at each timestep and the least movement.
``--clips 16 --held 4 --steps 4 --seeds 0`` shows in minutes that it works and measures nothing.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from matrix_train.alignment import HeldoutConfig
from matrix_train.config import (
    ConditionConfig,
    Config,
    DataConfig,
    DecoderConfig,
    LayersConfig,
    LoraConfig,
    LossConfig,
    ModelConfig,
    TrainConfig,
)
from matrix_train.data.staged import write_staged_clips
from matrix_train.train.loop import Run

SEED = 1001
FRAMES, SIZE = 17, (96, 144)
TERMS = ("base", "aas", "lift", "sga", "spa")
"""What is kept of the held-out clips beside the verdict: attention, also the base's, and the losses with their parts."""
LORA, ALIGNED = (1, 2, 7), LayersConfig(v2t=(2, 7), v2v=(1,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is trained and looked at."""

    clips: int
    """Clips altogether."""
    held: int
    """Clips of them that are held out."""
    steps: int
    """Optimiser steps of each arm and seed."""
    batch: int
    """Clips of a step."""
    rate: float
    """Peak rate of the arms that take care."""


def arms(scale: Scale) -> dict[str, Config]:
    """Return the config of each arm, without its seed."""
    before = Config(
        model=ModelConfig(path="builtin:staged-base", dtype="float32", gradient_checkpointing=False),
        data=DataConfig(frames=FRAMES, height=SIZE[0], width=SIZE[1]),
        lora=LoraConfig(rank=32, alpha=16, layers=LORA),
        layers=ALIGNED,
        decoder=DecoderConfig(widths=(16, 8, 8), scale=2),
        train=TrainConfig(steps=scale.steps, batch=scale.batch, rate=1e-3, decoder_rate=3e-3, warmup=20),
        heldout=HeldoutConfig(clips=scale.held, most=scale.held, every=0),
    )
    clean = ConditionConfig(image_noise="base", projection="grown")
    careful = replace(
        before,
        condition=clean,
        train=replace(before.train, rate=scale.rate, clip_apart=True, ema=0.98),
    )
    return {
        "plain LoRA": replace(careful, loss=LossConfig(sga=0.0, spa=0.0)),
        "MATRIX as before": before,
        "MATRIX as before, clean first frames, grown channels": replace(before, condition=clean),
        "MATRIX balanced, monotone": replace(
            careful,
            decoder=replace(before.decoder, shape="monotone"),
            loss=LossConfig(balance=0.3),
            train=replace(careful.train, tie_decoder=True),
        ),
        "log mass, balanced": replace(careful, loss=LossConfig(kind="log_mass", balance=0.1)),
    }


def ratios(folder: Path) -> dict[str, float]:
    """Return the mean of each logged ratio."""
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    names = sorted({name for row in rows for name in row if name.startswith("ratio/")})
    return {name: sum(row[name] for row in rows if name in row) / sum(name in row for row in rows) for name in names}


def measured(name: str, config: Config, folder: Path, seeds: list[int]) -> dict[str, Any]:
    """Train an arm with each seed and return what held-out clips say."""
    found = []
    for seed in seeds:
        out = folder / name.replace(" ", "-").replace(",", "") / str(seed)
        verdict = Run(replace(config, train=replace(config.train, seed=seed)), out, print).fit().verdict
        assert verdict is not None
        last = json.loads((out / "log.jsonl").read_text().splitlines()[-1])
        # Of denoising the verdict tells more.
        terms = {key: value for key, value in last.items() if key.startswith("heldout/") and key.split("/")[1] in TERMS}
        found.append({"seed": seed, "line": verdict.line(), "verdict": verdict.to_json(), "ratios": ratios(out), **terms})
    highest = {time: max(item["verdict"]["times"][time]["high"] for item in found) for time in found[0]["verdict"]["times"]}
    return {"seeds": found, "highest_end": highest, "least_moved": min(item["verdict"]["moved"] for item in found)}


def main() -> None:
    """Train all arms and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=304)
    parser.add_argument("--held", type=int, default=64)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    scale = Scale(clips=given.clips, held=given.held, steps=given.steps, batch=given.batch, rate=given.rate)
    data = given.folder / "data"
    write_staged_clips(data, seed=SEED, count=scale.clips, frames=FRAMES, size=SIZE)
    found = {}
    for name, config in arms(scale).items():
        placed = replace(config, data=replace(config.data, path=str(data)))
        found[name] = measured(name, placed, given.folder, given.seeds)
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(found, indent=1) + "\n")
    for name, item in found.items():
        print(
            name, {time: f"{100 * end:+.2f} %" for time, end in item["highest_end"].items()}, f"{100 * item['least_moved']:.2f} %"
        )


if __name__ == "__main__":
    main()
