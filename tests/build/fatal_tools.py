"""A detector and a tracker that write down which process they work in and end it where they are told; plug-ins of tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from intergeneval.detectors.stored import StoredDetector
from intergeneval.trackers.flow import FlowTracker


class FatalDetector(StoredDetector):
    """Does as ``stored``; ends its process at the samples ``kills``."""

    def __init__(self, argument: str, settings: Mapping[str, Any]) -> None:
        super().__init__(Path(argument))
        self._settings = settings

    def detect(self, request):
        _begin(self._settings, "found", request.sample.id, request.sample.id in self._settings.get("kills", ()))
        return super().detect(request)


class FatalTracker(FlowTracker):
    """Does as ``flow``; ends its process at pictures of the width ``kills``."""

    def __init__(self, _: str, settings: Mapping[str, Any]) -> None:
        super().__init__()
        self._settings = settings

    def segment(self, frame, boxes):
        _begin(self._settings, "cut", str(frame.shape[1]), frame.shape[1] == self._settings.get("kills"))
        return super().segment(frame, boxes)


def _begin(settings: Mapping[str, Any], what: str, name: str, kills: bool) -> None:
    with Path(settings["log"]).open("a") as stream:
        stream.write(f"{what} {name} {os.getpid()}\n")
    if kills:
        os.kill(os.getpid(), signal.SIGKILL)


def install(folder: Path) -> Path:
    """Write the distribution that registers both into a folder, which is then to stand on the path."""
    info = folder / "fatal_tools-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fatal-tools\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[intergeneval.detectors]\nfatal-finder = tests.build.fatal_tools:FatalDetector\n"
        "[intergeneval.trackers]\nfatal-cutter = tests.build.fatal_tools:FatalTracker\n"
    )
    return folder
