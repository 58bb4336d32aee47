"""The exam (`validate`): a judge, a tracker and a detector on staged videos whose truth is known.

`hold` runs it and gives the judge card; docs/validate.md says what every figure is.
"""

from intergeneval.exam.holding import Exam, hold
from intergeneval.exam.paper import SCENES, SPLITS, Paper, policies_of

__all__ = ["SCENES", "SPLITS", "Exam", "Paper", "hold", "policies_of"]
