"""Failures in one picture: for each question that was lost the frames and the sentence that decided it, as a card and a clip.

`losses` finds what cost a score and what got worse between two runs, `moments` the frames that show it, `lettering` draws words
in any script, `drawing` makes picture and clip, and `folder` writes them with a list that can be pasted into a pull request.
"""

from intergeneval.report.failures.folder import MOST_CARDS, CardFolder, write_gate_cards, write_run_cards
from intergeneval.report.failures.losses import Loss, losses_of, worse

__all__ = ["MOST_CARDS", "CardFolder", "Loss", "losses_of", "worse", "write_gate_cards", "write_run_cards"]
