"""Pseudo ground truth: prompts with images or videos become a benchmark in our own format (protocol, section 2).

Prompt -> scene (instances, interactions) -> proposals -> places (verified boxes) -> cuts (masks, on videos tracks) -> touching
(what is in contact in the first frame) -> files. Each arrow is one JSONL file in the build folder, so a build goes on where it
was stopped; a person reviews what came of it, and the review is an input like any other.
"""

from intergeneval.build.build import Build, BuildResult, Progress
from intergeneval.build.config import BuildConfig

__all__ = ["Build", "BuildConfig", "BuildResult", "Progress"]
