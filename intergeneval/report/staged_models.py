"""What the staged models of a report are, in words: they are drawn with faults that are known, and no generator made them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from intergeneval.report.load import LoadedRun

_SOURCE = re.compile(r"^staged:([a-z0-9-]+)$")
_MIXTURE = re.compile(r"^mix-(\d\d)$")
WHAT = {
    "perfect": "shows every prompt as it is worded",
    "no-action": "nobody does the first deed that is asked",
    "stops-short": "the deed begins and stops before it happens",
    "wrong-agent": "somebody else does it",
    "wrong-recipient": "it is done to somebody or something else",
    "roles-swapped": "the object does it to the subject",
    "no-contact": "the motion is made at a distance",
    "outcome-missing": "it is done, then undone",
    "pre-state": "the video begins in the middle of it",
    "vanishes": "somebody or something is gone from some moment on",
    "flickers": "somebody or something is gone at times",
    "duplicate": "a double appears",
    "foreign": "a stranger appears",
    "identity-swap": "two of a kind change places at once",
    "drift": "somebody or something slowly takes another look",
    "fused": "subject and object grow into each other",
    "limbs": "the subject grows limbs",
    "either-role": "a coin says who does it to whom",
    "one-role": "twins of one first frame get the same video",
}
"""Name of a staged policy, or of the fault that it commits in every video with a place for it -> what is seen."""


def staged_models(runs: Iterable[LoadedRun]) -> list[tuple[str, str]]:
    """Return (name on the page, what it shows) of each run whose videos are staged; empty where none is."""
    found = []
    for run in runs:
        match = _SOURCE.match(run.header.source)
        if match:
            found.append((run.label, _what(match[1])))
    return found


def _what(policy: str) -> str:
    mixture = _MIXTURE.match(policy)
    if mixture:
        grade = int(mixture[1])
        # One video in so many is ruined, and of the others one in so many has a fault.
        ruined = grade * grade
        faulty = ruined + (100 - ruined) * grade // 10
        some = f"about {faulty} % of its videos have a fault, {ruined} % show nothing of what was asked"
        return f"a mixture: {some}; a few may have none"
    return WHAT.get(policy, "staged in a way that this version has no words for")
