"""Three nodes of a Ray cluster on this machine, and a world for runs on them; collected only where Ray is installed.

`tox run -e ray` installs it and sets RAY_TESTS=1, with which its absence is a failure.
"""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from intergeneval.config import RunConfig
from tests import tiny_world
from tests.run import fatal_tracker

collect_ignore_glob: list[str] = []
if importlib.util.find_spec("ray") is None:
    if os.environ.get("RAY_TESTS") == "1":
        raise pytest.UsageError("RAY_TESTS=1, and ray is not installed")
    collect_ignore_glob = ["test_*.py"]

ROOT = Path(__file__).parents[2]
STORE = {"object_store_memory": 80 << 20}
IDS = tuple(f"s{number}" for number in range(12))


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """A folder on the path of all processes to come, with the tracker that ends its process."""
    folder = fatal_tracker.install(tmp_path_factory.mktemp("package"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), str(ROOT), os.environ.get("PYTHONPATH")])))
        patch.syspath_prepend(str(folder))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("INTERGENEVAL_CACHE", str(tmp_path_factory.mktemp("cache") / "answers.sqlite"))
        yield folder


@pytest.fixture(scope="session")
def nodes(package):
    """A head without cores and three nodes with one core each."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **STORE})
    for _ in range(3):
        made.add_node(num_cpus=1, **STORE)
    yield made
    made.shutdown()


@pytest.fixture
def cluster(nodes):
    """The three nodes, which nobody has joined."""
    import ray

    if ray.is_initialized():
        ray.shutdown()
    yield nodes
    if ray.is_initialized():
        ray.shutdown()


@pytest.fixture(scope="session")
def tiny_files(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    return tiny_world.write_benchmark(root / "bench", IDS), tiny_world.write_videos(root / "model", IDS)


@pytest.fixture
def world(tiny_files, package, tmp_path):
    """Settings of a run over twelve videos, whose tracker does as it is told, on an engine."""
    bench, model = tiny_files

    def config(out, engine="", workers=1, **told):
        settings = {"fatal": {"log": str(tmp_path / f"{out}.log"), **told}}
        return RunConfig(
            model=str(model),
            bench=str(bench),
            tracker="fatal",
            out=str(tmp_path / out),
            workers=workers,
            cache="off",
            settings=settings,
            engine=engine,
        )

    return config


def command(config, *more):
    """Return the command line of a run, as a subprocess is given it, and the place of its settings."""
    place = Path(f"{config.out}.toml")
    told = "".join(f"{name} = {value!r}\n" for name, value in config.settings["fatal"].items())
    place.write_text(f'cache = "off"\n[settings.fatal]\n{told}')
    given = ["run", "--model", config.model, "--bench", config.bench, "--tracker", "fatal", "--out", config.out]
    given += ["--config", str(place), "--engine", config.engine, "--workers", str(config.workers), *more]
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from intergeneval.cli import main; main()"
    return [sys.executable, "-c", code, *given]
