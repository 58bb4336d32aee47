"""Find a benchmark by path or name, in whatever layout it is in."""

from __future__ import annotations

from pathlib import Path

from intergeneval import bench_paths, plugins
from intergeneval.bench import official, own
from intergeneval.bench.benchmark import Benchmark
from intergeneval.bench.reading import Reading
from intergeneval.errors import BenchError, UnknownPluginError, UsageError


def names() -> tuple[str, ...]:
    """Return the names of all benchmarks that can be loaded without a path: those on disk and those that plug-ins register."""
    return tuple(sorted({*bench_paths.names(), *plugins.names("benchmarks")}))


def load(name_or_path: str | Path) -> Benchmark:
    """Load a benchmark: looked up as a path, in ``./benchmarks``, among the plug-ins, then in the package's own copy.

    Raises UnknownPluginError with all names where there is none, BenchError with the faults where it is damaged, and UsageError
    for a path that is not a benchmark.
    """
    text = str(name_or_path)
    if is_made(text):
        return _from_plugin(text)
    return read(folder_of(text)).benchmark()


def is_made(name: str) -> bool:
    """Whether a plug-in makes the benchmark of that name, so that it has no folder to be read from."""
    return bench_paths.is_name(name) and bench_paths.at_path(name) is None and name in plugins.names("benchmarks")


def folder_of(name_or_path: str | Path) -> Path:
    """Return the folder of a benchmark: a path, or a name in ``./benchmarks`` or in the package's own copy.

    Raises UnknownPluginError with all names where there is none, UsageError for a text that can be neither. A folder that
    exists is returned whether or not it holds a benchmark.
    """
    text = str(name_or_path)
    if (place := bench_paths.at_path(text)) is not None:
        return place
    if bench_paths.is_name(text) and (found := bench_paths.by_name(text)) is not None:
        return found
    known = ", ".join(names()) or "none"
    if bench_paths.is_name(text) and not _exists(Path(text)):
        raise UnknownPluginError(f"no benchmark is called {text!r}; there are: {known}")
    if not text.strip() or "\0" in text:
        raise UsageError(f"{text!r} names no benchmark; there are: {known}")
    return Path(text)


def read(root: Path) -> Reading:
    """Read the folder in the layout it is in, faults and all. Raises UsageError where it is no benchmark."""
    nested = root / "EVAL_DATA"
    if not _exists(root) or not root.is_dir():
        raise UsageError(f"{root}: there is no such folder; give a benchmark folder or one of: {', '.join(names()) or 'none'}")
    if (root / bench_paths.TOML).is_file():
        return own.read(root)
    if bench_paths.official_types(root):
        return official.read(root)
    if nested.is_dir() and bench_paths.official_types(nested):
        return official.read(nested)
    raise UsageError(
        f"{root}: this is no benchmark; it holds neither {bench_paths.TOML} with {own.SAMPLES} "
        f"nor the release's {{type}}/{bench_paths.META}"
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name longer than the file system has
        return False


def _from_plugin(name: str) -> Benchmark:
    made = plugins.load("benchmarks", name)  # a benchmark's factory takes no argument
    benchmark = made()  # type: ignore[call-arg]  # see above
    if not isinstance(benchmark, Benchmark):
        raise BenchError(f"the plug-in benchmark {name!r} returned {type(benchmark).__name__} instead of a Benchmark")
    return benchmark
