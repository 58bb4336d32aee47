"""Prompts read without a model: who does what to whom, by the verb lexicon, lists of words and rules of English.

What the rules cannot read they say, so that a model (``--judge``) or a person can read it instead; they never guess. Nothing is
downloaded, and the same prompt is always read the same way.
"""

from intergeneval.verbs.prompts.reading import Reading, read_prompt

__all__ = ["REVISION", "Reading", "read_prompt"]

REVISION = 6
"""Number of the rules: raised when the same prompt is read otherwise."""
