"""What the golden files hold and how they are made; ``python -m tests.golden.recipe`` writes them anew.

A golden file is rewritten only by a change that means to change numbers, and the commit says which and why.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
from pathlib import Path

from intergeneval import staged
from intergeneval.config import RunConfig
from intergeneval.report import write_report
from intergeneval.run.run import Run, RunResult

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SAMPLE = ROOT / "reports" / "sample"
POLICIES = ("perfect", "wrong-agent", "vanishes", "duplicate", "mix-05")
"""Policies of the golden run: one without fault, one for each kind of number that can move, one mixture."""
SCENES = 8
FLOW_SCENES = 2
SAMPLE_POLICIES = ("perfect", "mix-08", "mix-04", "no-action")
SAMPLE_SCENES = 8
RENDERED = (("perfect", 4), ("identity-swap", 2), ("fused", 2))
"""Policy and number of scenes whose frames are hashed."""


def run_staged(policy: str, folder: Path, scenes: int, tracker: str = "stored") -> RunResult:
    """Run one policy over the first scenes of the staged benchmark."""
    settings = RunConfig(model=f"staged:{policy}", bench="staged", tracker=tracker, limit=scenes, out=str(folder), workers=1)
    with contextlib.chdir(ROOT):
        return Run(settings).execute()


def frame_hashes() -> dict[str, str]:
    """Return the sha256 of the frame arrays of a few performances: what was drawn, whatever encodes it."""
    found = {}
    for policy, count in RENDERED:
        for scene in staged.scenes(staged.TEST_SEED, count):
            performance = staged.perform(scene, staged.Request(policy=policy, size=(160, 240), frames=17))
            digest = hashlib.sha256()
            for frame in performance.frames():
                digest.update(frame.tobytes())
            found[f"{policy} {scene.id}"] = digest.hexdigest()
    return found


def build_sample(folder: Path) -> None:
    """Build the sample leaderboard from the stored runs, videos included, so that no encoder has a say."""
    with contextlib.chdir(ROOT):
        write_report([SAMPLE.relative_to(ROOT) / "stored" / policy for policy in SAMPLE_POLICIES], folder)


def write() -> None:
    """Write every golden file anew."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for policy in POLICIES:
            folder = run_staged(policy, scratch / policy, SCENES).store.folder
            shutil.copy(folder / "scores.jsonl", HERE / f"{policy}.scores.jsonl")
        folder = run_staged("perfect", scratch / "flow", FLOW_SCENES, "flow").store.folder
        shutil.copy(folder / "scores.jsonl", HERE / "flow.scores.jsonl")
        shutil.rmtree(SAMPLE / "stored", ignore_errors=True)
        for policy in SAMPLE_POLICIES:
            folder = run_staged(policy, SAMPLE.relative_to(ROOT) / "stored" / policy, SAMPLE_SCENES).store.folder
            # The leaderboard shows what was measured; the truth behind it is rendered from the seed whenever it is wanted.
            for path in (ROOT / folder / "truth.jsonl", *(ROOT / folder).rglob("*.tracks.json"), *(ROOT / folder).glob(".lock*")):
                path.unlink()
    (HERE / "frames.json").write_text(json.dumps(frame_hashes(), indent=1) + "\n")
    build_sample(SAMPLE / "report")


if __name__ == "__main__":
    write()
