"""What the alignment adds to a training step in CPU seconds, at two decoder scales; for a machine that does nothing else."""

import math
import time
from statistics import median

from small_step import small_config, small_mass, small_step


def test_the_cpu_step_is_at_most_15_percent_longer_with_a_decoder_at_twice_the_token_grid():
    steps = {
        "plain": small_step(small_config()),
        2: small_step(small_config(scale=2, widths=(8, 4, 4))),
        8: small_step(small_config(scale=8, widths=(8, 4, 4, 4))),
    }
    # In turns, so that a processor that slows down slows down both; the first round finds caches and memory cold. A fixed number
    # of rounds: to stop at the first one that passes would lean towards passing.
    seconds = dict.fromkeys(steps, math.inf)
    for rounds in range(8):
        for name in ("plain", 2):
            taken = cpu_seconds(steps[name])
            seconds[name] = min(seconds[name], taken) if rounds else math.inf
    seconds[8] = cpu_seconds(steps[8])
    shown = ", ".join(f"x{seconds[scale] / seconds['plain']:.3f} at scale {scale}" for scale in (2, 8))
    print(f"\nCPU step at 1,312 tokens, batch 4: {seconds['plain']:.2f} s; with 8 maps {shown}")
    assert seconds[2] <= 1.15 * seconds["plain"]


def mass_against_plain(pairs):
    """Median ratio of CPU seconds of a step with the mass loss to a plain one, over interleaved pairs."""
    plain, mass = small_step(small_config()), small_step(small_mass())
    cpu_seconds(plain), cpu_seconds(mass)
    found = []
    for number in range(pairs):
        # Who goes first changes, so that neither always finds the other's caches.
        order = (plain, mass) if number % 2 else (mass, plain)
        taken = {id(step): cpu_seconds(step) for step in order}
        found.append(taken[id(mass)] / taken[id(plain)])
    return median(found)


def test_the_mass_loss_adds_at_most_2_percent_to_a_cpu_step():
    ratio = mass_against_plain(50)
    print(f"\nCPU step at 1,312 tokens, batch 4, with the mass loss: x{ratio:.4f} (median of 50 pairs)")
    assert ratio <= 1.02


def cpu_seconds(step):
    began = time.process_time()
    step()
    return time.process_time() - began
