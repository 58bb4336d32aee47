"""Real generated videos, no part of the project: `INTERGENEVAL_REAL` names their folder, and without it these tests fail.

`INTERGENEVAL_REAL_LABELS` names another file of labels for another folder, `INTERGENEVAL_REAL_TRACKER` another tracker.
"""

import os
from pathlib import Path

import pytest

from intergeneval.config import RunConfig
from intergeneval.records import Tracks, Video
from intergeneval.run.run import Run
from tests.real.scoring import looks, read_labels


@pytest.fixture(scope="session")
def real():
    """The folder of real videos."""
    place = os.environ.get("INTERGENEVAL_REAL", "")
    assert place, "set INTERGENEVAL_REAL to the folder of real videos"
    assert (Path(place) / "models").is_dir(), f"{place}: has no folder models"
    return Path(place)


@pytest.fixture(scope="session")
def tracker():
    """The tracker that is measured."""
    return os.environ.get("INTERGENEVAL_REAL_TRACKER", "flow")


@pytest.fixture(scope="session")
def seen():
    """(model, sample) -> what a reader saw."""
    return read_labels(Path(os.environ.get("INTERGENEVAL_REAL_LABELS") or Path(__file__).with_name("labels.jsonl")))


@pytest.fixture(scope="session")
def runs(real, tracker, tmp_path_factory):
    """Model -> samples and result of the default judge over its videos, all on one benchmark."""
    out = tmp_path_factory.mktemp("real")
    found = {}
    for model in sorted(path.name for path in (real / "models").iterdir()):
        given = {"model": str(real / "models" / model), "bench": str(real / "bench"), "tracker": tracker}
        run = Run(RunConfig(**given, out=str(out / model), workers=1))
        found[model] = (run.plan.bench.samples, run.execute())
    return found


@pytest.fixture(scope="session")
def videos(runs):
    """(model, sample) -> the record of the video."""
    return {(model, item.sample_id): item for model, (_, result) in runs.items() for item in result.store.read("videos", Video)}


@pytest.fixture(scope="session")
def tracks(runs):
    """(model, sample) -> its tracks."""
    return {(model, item.sample_id): item for model, (_, result) in runs.items() for item in result.store.read("tracks", Tracks)}


@pytest.fixture(scope="session")
def all_looks(seen, tracks):
    """Every labelled instance-frame against the tracks."""
    return [look for key, label in seen.items() if key in tracks for look in looks(label, tracks[key])]
