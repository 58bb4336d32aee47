"""The exam (`validate`): a judge, a tracker and a detector on staged videos whose truth is known.

`examine` runs it and gives the judge card; docs/validate.md says what every figure is.
"""

from intergeneval.exam.examine import Exam, examine, together
from intergeneval.exam.labels import Labelled
from intergeneval.exam.spec import SCENES, SPLITS, ExamSpec, policies_of

__all__ = ["SCENES", "SPLITS", "Exam", "ExamSpec", "Labelled", "examine", "policies_of", "together"]
