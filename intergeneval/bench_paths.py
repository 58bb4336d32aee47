"""Where benchmarks lie on disk: a path, the folder ``./benchmarks``, or the copy inside the installed package.

Foundation: both the readers of benchmarks and the source that shows a benchmark's own videos look here. Benchmarks that a plug-in
registers have no folder of their own and are looked up under their entry point instead.
"""

from __future__ import annotations

from pathlib import Path

TOML = "bench.toml"
"""File that makes a folder a benchmark in our own format."""
_HERE = Path("benchmarks")
META = "meta.json"
"""File that makes a folder one type of the release's ``EVAL_DATA``."""


def folders() -> tuple[Path, ...]:
    """Return the folders that hold benchmarks by name, in the order in which they are searched, without repeats."""
    package = Path(__file__).parent
    found = [_HERE, package / "_benchmarks"]
    if (package.parent / "setup.cfg").is_file():
        # An editable installation: the benchmarks lie in the checkout, beside the package.
        found.append(package.parent / "benchmarks")
    kept: dict[Path, Path] = {}
    for folder in found:
        if folder.is_dir():
            kept.setdefault(folder.resolve(), folder)
    return tuple(kept.values())


def names() -> tuple[str, ...]:
    """Return the names of all benchmarks in these folders, sorted."""
    return tuple(sorted({item.name for folder in folders() for item in folder.iterdir() if is_benchmark(item)}))


def by_name(name: str) -> Path | None:
    """Return the folder of the benchmark with exactly this name in the first folder that has it, or None."""
    for folder in folders():
        for item in folder.iterdir():
            if item.name == name and is_benchmark(item):
                return item
    return None


def own_place(folder: Path) -> Path:
    """Return where what a user adds to a benchmark belongs: a copy in ``./benchmarks`` of one that came with the package.

    Files inside an installed package go with its next version. Any other folder is its own place.
    """
    shipped = [place.resolve() for place in folders() if place != _HERE]
    here = _HERE.resolve()
    parent = folder.resolve().parent
    return _HERE / folder.name if parent in shipped and parent != here else folder


def is_name(text: str) -> bool:
    """Whether a text can be the name of a benchmark rather than a path."""
    return bool(text.strip()) and not any(char in text for char in "/\\\0") and text not in (".", "..")


def at_path(text: str) -> Path | None:
    """Return the benchmark folder that a text names as a path, or by name in ``./benchmarks``; None where there is none."""
    if not text.strip() or "\0" in text:
        return None
    places = [Path(text)] + ([Path("benchmarks") / text] if is_name(text) else [])
    return next((place for place in places if is_benchmark(place)), None)


def is_benchmark(folder: Path) -> bool:
    """Whether a folder holds a benchmark in our format or in the release's layout."""
    try:
        return folder.is_dir() and ((folder / TOML).is_file() or bool(official_types(folder)))
    except OSError:  # not allowed to look, or a name longer than the file system has
        return False


def official_types(folder: Path) -> tuple[Path, ...]:
    """Return the release's type folders (those with a ``meta.json``) of `folder`, sorted by name; `folder` itself may be one."""
    if (folder / META).is_file():
        return (folder,)
    if not folder.is_dir():
        return ()
    return tuple(sorted((item for item in folder.iterdir() if (item / META).is_file()), key=lambda item: item.name))
