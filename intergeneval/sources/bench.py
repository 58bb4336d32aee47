"""A benchmark's own reference videos (``--model bench:NAME``): what a perfect model would have made of it.

Looks for the benchmark where ``--bench NAME`` would, so that the demonstration runs wherever the package is installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from intergeneval import bench_paths, plugins
from intergeneval.errors import ConfigError, UnknownPluginError
from intergeneval.records.disk import read_toml
from intergeneval.sources.folder import FolderSource


class BenchSource(FolderSource):
    """The folder of reference videos of a benchmark."""

    def __init__(self, folder: Path, benchmark: str) -> None:
        super().__init__(folder, name=benchmark)
        self._benchmark = benchmark

    @property
    def bench(self) -> str:
        """Name of the benchmark whose videos these are."""
        return self._benchmark

    def describe(self) -> Mapping[str, Any]:
        """Return the benchmark's name."""
        return {**super().describe(), "source": "bench"}


def create(argument: str, settings: Mapping[str, Any]) -> BenchSource:
    """Make the source of a benchmark's reference videos. Raises UsageError when it has none or is unknown."""
    if settings:
        raise ConfigError(f"source 'bench' has no setting {sorted(settings)[0]!r}; it knows none")
    root, videos = _place(argument)
    if videos is None:
        raise ConfigError(f"benchmark {argument!r} brings no reference videos; give a folder of videos as --model")
    folder = root / videos
    if not folder.resolve().is_relative_to(root.resolve()):
        raise ConfigError(f"benchmark {argument!r}: its folder of videos {videos!r} lies outside the benchmark")
    return BenchSource(folder, argument if bench_paths.is_name(argument) else root.resolve().name)


def _place(name: str) -> tuple[Path, str | None]:
    """Return the benchmark's folder, and in it the folder of videos."""
    folder = bench_paths.at_path(name)
    if folder is None and name in plugins.names("benchmarks"):
        # A plug-in hands over a finished benchmark; its factory takes no argument.
        made = plugins.load("benchmarks", name)()  # type: ignore[call-arg]  # see above
        return made.root, made.videos
    folder = folder or (bench_paths.by_name(name) if bench_paths.is_name(name) else None)
    if folder is None:
        known = ", ".join(sorted({*bench_paths.names(), *plugins.names("benchmarks")})) or "none"
        raise UnknownPluginError(f"no benchmark is called {name!r}; there are: {known}")
    place = folder / bench_paths.TOML
    if not place.is_file():
        return folder, None
    try:
        videos = read_toml(place).get("videos")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{place}: cannot be read ({error})") from None
    return folder, videos if isinstance(videos, str) else None
