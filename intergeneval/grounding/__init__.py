"""Where the instances of a prompt stand in a picture (protocol, section 2): propose by class, verify crop by crop, segment.

A detector is asked for class nouns only; its proposals are looked at from the most confident down; a model is shown each crop and
says whether it is the instance; the first that it confirms is taken and leaves the pool of its class. What is not found stays
without a box and without a guess. Benchmark building and the first frames of text-to-video models both come here.
"""

from intergeneval.grounding.first_frame import FirstFrame
from intergeneval.grounding.grounder import Grounder, add_usage
from intergeneval.grounding.matching import Wanted, assign, distinct
from intergeneval.grounding.overlaps import apart

__all__ = ["FirstFrame", "Grounder", "Wanted", "add_usage", "apart", "assign", "distinct"]
