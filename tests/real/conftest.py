"""Real generated videos, no part of the project: `INTERGENEVAL_REAL` names their folder, and without it these tests fail."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real():
    """The folder of real videos."""
    place = os.environ.get("INTERGENEVAL_REAL", "")
    assert place, "set INTERGENEVAL_REAL to the folder of real videos"
    assert (Path(place) / "models").is_dir(), f"{place}: has no folder models"
    return Path(place)
