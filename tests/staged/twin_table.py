"""Contrast of policies on the staged twins, from their truth alone: ``python -m tests.staged.twin_table`` prints the table.

Nothing is painted, so it takes seconds; the oracle judge comes to the same on painted videos.
"""

import sys

import numpy as np

from intergeneval.records import TWIN_IDS, AnswerValue, TwinScore, TwinState, TwinVideo
from intergeneval.staged import Request, perform, twin_scenes
from intergeneval.staged.write import PAIRS
from intergeneval.stats import twin_estimates

SHOWN = ("perfect", "mix-05", "either-role", "one-role", "no-action")


def truth(policy, count=PAIRS, seed=0):
    """Return the true IF of every video, and the pairs."""
    fidelity, pairs = [], []
    for index in range(count):
        videos = []
        for scene in twin_scenes(1, index):
            verdict = perform(scene, Request(policy=policy, seed=seed)).verdict()
            yes = {(item.interaction, item.question_id) for item in verdict.sampled if item.value is AnswerValue.YES}
            own, other = ("".join("ny"[(act, question) in yes] for question in TWIN_IDS) for act in (0, 1))
            videos.append(TwinVideo(sample_id=scene.id, state=TwinState.SEEN, own=own, other=other))
            fidelity.append(verdict.scores["bounded"]["if"])
        pairs.append(TwinScore(pair=str(index), cluster=str(index), seed=seed, first=videos[0], second=videos[1]))
    return fidelity, pairs


def main():
    sys.stdout.write("| policy | IF | contrast | 95 % interval | sensitivity | 95 % interval |\n|---|---|---|---|---|---|\n")
    for policy in SHOWN:
        fidelity, pairs = truth(policy)
        right, moved = twin_estimates(pairs).values()
        cells = [policy, f"{np.mean(fidelity):.3f}", f"{right.mean:.3f}", f"{right.low:.3f} to {right.high:.3f}"]
        cells += [f"{moved.mean:+.3f}", f"{moved.low:+.3f} to {moved.high:+.3f}"]
        sys.stdout.write(f"| {' | '.join(cells)} |\n")


if __name__ == "__main__":
    main()
