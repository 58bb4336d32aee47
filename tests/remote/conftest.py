"""Folders behind URLs: of this machine, of memory, and of an S3 server on loopback; collected only where their libraries are.

`tox run -e remote` installs them and sets REMOTE_TESTS=1, with which a missing one is a failure.
"""

import importlib.util
import os
import shutil
import uuid
from pathlib import Path

import pytest

from intergeneval.config import RunConfig
from tests import tiny_world

MISSING = [name for name in ("fsspec", "s3fs", "moto") if importlib.util.find_spec(name) is None]

collect_ignore_glob: list[str] = []
if MISSING:
    if os.environ.get("REMOTE_TESTS") == "1":
        raise pytest.UsageError(f"REMOTE_TESTS=1, and these are not installed: {', '.join(MISSING)}")
    collect_ignore_glob = ["test_*.py"]

IDS = ("a", "b", "c", "d")


@pytest.fixture(scope="session")
def s3():
    """An S3 server on loopback, to which the environment leads; gives the URL of its bucket."""
    import fsspec
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name, value in (("ACCESS_KEY_ID", "nobody"), ("SECRET_ACCESS_KEY", "nothing"), ("DEFAULT_REGION", "us-east-1")):
            patch.setenv(f"AWS_{name}", value)
        fsspec.filesystem("s3").mkdir("bucket")
        yield "s3://bucket"
    server.stop()


@pytest.fixture(params=["file", "memory", "s3"])
def home(request, tmp_path):
    """A URL below which a test may write."""
    if request.param == "file":
        return f"file://{tmp_path}/elsewhere"
    base = f"{request.getfixturevalue('s3')}/" if request.param == "s3" else "memory://"
    return f"{base}{uuid.uuid4().hex}"


class World:
    """A benchmark here, and its videos there and, for comparison, here."""

    def __init__(self, home: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import fsspec

        self.home, self.root, self._patch = home, root, monkeypatch
        self.bench, self.model = tiny_world.write_benchmark(root / "bench", IDS), tiny_world.write_videos(root / "model", IDS)
        self.files, self.base = fsspec.core.url_to_fs(home)
        self.files.makedirs(f"{self.base}/model", exist_ok=True)
        for path in self.model.iterdir():
            self.files.put_file(str(path), f"{self.base}/model/{path.name}")
        self.other_machine()

    def other_machine(self) -> None:
        """Have what comes next run where nothing was copied yet."""
        place = self.root / f"machine-{uuid.uuid4().hex}"
        place.mkdir()
        self._patch.setenv("INTERGENEVAL_CACHE", str(place / "answers.sqlite"))

    def config(self, **changes: object) -> RunConfig:
        given = {"model": f"{self.home}/model", "bench": str(self.bench), "tracker": "stored", "out": f"{self.home}/run"}
        return RunConfig(**{**given, "workers": 1, "cache": "off", **changes})

    def read(self, name: str) -> bytes:
        return self.files.cat_file(f"{self.base}/{name}")

    def names(self, folder: str) -> set[str]:
        self.files.invalidate_cache()
        start = f"{self.base.rstrip('/')}/{folder}/"
        return {path.removeprefix(start) for path in self.files.find(f"{self.base}/{folder}")}


@pytest.fixture
def world(home, tmp_path, monkeypatch):
    made = World(home, tmp_path, monkeypatch)
    yield made
    shutil.rmtree(tmp_path / "elsewhere", ignore_errors=True)
