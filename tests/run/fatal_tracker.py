"""A tracker of stored tracks that ends its process at the videos that it is told; installed as a plug-in where tests want it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from intergeneval.records import Tracks
from intergeneval.trackers import TrackRequest
from intergeneval.trackers.stored import StoredTracker


class FatalTracker(StoredTracker):
    """Does as `stored`; writes down what it begins, and kills its process at samples ``kills`` the first ``times`` times.

    With ``parent`` it kills every other process before it is ready; with ``exclusive`` it holds a GPU.
    """

    def __init__(self, argument: str, settings: Mapping[str, Any]) -> None:
        super().__init__(Path(argument) if argument else None)
        self._settings = settings
        self.parallel = not settings.get("exclusive", False)
        if os.getpid() != settings.get("parent", os.getpid()):
            os.kill(os.getpid(), signal.SIGKILL)

    def track(self, request: TrackRequest) -> Tracks:
        name, log = request.sample.id, Path(self._settings["log"])
        begun = time.monotonic()
        with log.open("a") as stream:
            stream.write(f"begun {name} {begun}\n")
        times = log.read_text().count(f"begun {name} ")
        if name in self._settings.get("kills", ()) and times <= self._settings.get("times", 99):
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self._settings.get("seconds", 0.0))
        with log.open("a") as stream:
            stream.write(f"ended {name} on {os.environ.get('CUDA_VISIBLE_DEVICES')} in {os.getpid()}\n")
        return super().track(request)


def install(folder: Path) -> Path:
    """Write the distribution that registers the tracker as ``fatal`` into a folder, which is then to stand on the path."""
    info = folder / "fatal-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fatal\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[intergeneval.trackers]\nfatal = tests.run.fatal_tracker:FatalTracker\n")
    return folder
