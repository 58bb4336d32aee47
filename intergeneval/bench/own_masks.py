"""First-frame masks of single models: which there are, and where they lie beside the masks that samples name.

``masks/<model>/<sample>/<instance>.png`` holds a model's own masks of a sample for every seed, and
``masks/<model>/<sample>/<seed>/<instance>.png`` those of one seed, which come first. They are for models whose first frames are
not the benchmark's: text to video, stretched or cropped inputs. They are no part of the benchmark's hash. Names alone tell here
which sets there are and what is wrong with them; what the files hold is read in `files`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from intergeneval.bench.benchmark import Benchmark
from intergeneval.bench.faults import Fault
from intergeneval.bench.names import path_fault
from intergeneval.errors import BenchError
from intergeneval.ids import sha256_json
from intergeneval.records import Sample

MASKS = "masks"
"""Folder of a benchmark that models' own masks lie in."""

_SEED = re.compile(r"0|-?[1-9]\d{0,17}", re.ASCII)
_NOT_IN_FOLDERS = frozenset('%/\\:*?"<>|')
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMasks:
    """One model's own masks of one sample: every instance has one."""

    sample_id: str
    """The sample."""
    seed: int | None
    """The seed they are for; None: every seed that has none of its own."""
    folder: str
    """Folder they lie in, relative to the benchmark."""
    paths: Mapping[str, str]
    """Instance id -> path, relative to the benchmark."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """Path -> sha256 that the file must have; empty: any."""

    @property
    def name(self) -> str:
        """``sample``, or ``sample/seed`` for those of one seed."""
        return self.sample_id if self.seed is None else f"{self.sample_id}/{self.seed}"


def model_folder(model: str) -> str:
    r"""Return the name of the folder that a model's own masks lie in; no two models share one.

    It is the model's name, in which ``% / \ : * ? " < > |``, control characters, and a dot or space at the start or the end are
    written as ``%`` and two hex digits a byte: ``staged%3Aperfect``.
    """
    last = len(model) - 1
    return "".join(
        "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
        if char in _NOT_IN_FOLDERS or unicodedata.category(char) in ("Cc", "Cs") or (char in ". " and place in (0, last))
        else char
        for place, char in enumerate(model)
    )


def model_of(folder: str) -> str:
    """Return the model whose own masks lie in a folder of that name."""
    return unquote(folder, errors="surrogatepass")


def model_folders(root: Path, samples: Iterable[Sample]) -> tuple[str, ...]:
    """Return the names of the folders below ``masks/`` that are models': no sample names files in them, and they hold folders.

    A folder without folders in it holds masks of nobody, such as of a sample that was taken out.
    """
    taken = {parts[1] for parts in _named(samples)}
    return tuple(item.name for item in _entries(root / MASKS) if item.name not in taken and item.is_dir() and any(_folders(item)))


def sets_of(benchmark: Benchmark, model: str) -> tuple[OwnMasks, ...]:
    """Return a model's own masks in a benchmark, in the order of samples and seeds.

    The benchmark is the whole one, not a part. Raises BenchError where something in the model's folder cannot be meant: a sample
    whose name is misspelt there would quietly be scored with the benchmark's masks.
    """
    folder = model_folder(model)
    faults = [fault for name, fault in clashes(benchmark.root, benchmark.samples) if name == folder]
    for other in benchmark.own_masks:
        if other != folder and model_of(other) == model:
            # Spelt as no folder may be, they are meant for this model all the same.
            faults += survey(benchmark.root, other, benchmark.samples)[1]
    found: list[OwnMasks] = []
    if folder in benchmark.own_masks:
        found, faults = survey(benchmark.root, folder, benchmark.samples)
    if faults:
        raise refusal(benchmark, model, faults)
    return tuple(found)


def models_with_masks(benchmark: Benchmark) -> dict[str, int]:
    """Return how many of the benchmark's samples each model has own masks of, by the model's name; only whole sets count."""
    found = {}
    for folder in benchmark.own_masks:
        if model_folder(model_of(folder)) != folder:
            continue
        sets, _ = survey(benchmark.root, folder, benchmark.samples, all_known=False)
        found[model_of(folder)] = len({item.sample_id for item in sets})
    return found


def find(benchmark: Benchmark, sample: Sample, model: str, seed: int | None) -> OwnMasks | None:
    """Return a model's own masks of one sample and seed; None where it has none, and the benchmark's are meant.

    Without a `seed` those for every seed are looked for. Raises BenchError where a set is not whole or cannot be read.
    """
    folder = model_folder(model)
    place = f"{MASKS}/{folder}/{sample.id}"
    if folder not in benchmark.own_masks or not (benchmark.root / place).is_dir():
        return None
    faults: list[Fault] = []
    found = {item.seed: item for item in _sets(benchmark.root, place, sample, faults)}
    if faults:
        raise refusal(benchmark, model, faults)
    return found.get(seed, found.get(None))


def refusal(benchmark: Benchmark, model: str, faults: Sequence[Fault]) -> BenchError:
    """Return the error that a run of a model ends with where its own masks are not as they must be."""
    lines = [f"  {fault}" for fault in faults[:_SHOWN]]
    if len(faults) > _SHOWN:
        lines.append(f"  and {len(faults) - _SHOWN} more; 'intergeneval bench check' names them all")
    return BenchError(f"benchmark {benchmark.name!r}: the own masks of model {model!r} cannot be used:\n" + "\n".join(lines))


def own_masks_hash(sets: Iterable[OwnMasks]) -> str:
    """Return the hash over the content of sets with hashes; empty for no set."""
    content = {item.name: {name: item.hashes[path] for name, path in sorted(item.paths.items())} for item in sets}
    return sha256_json(content) if content else ""


def clashes(root: Path, samples: Sequence[Sample]) -> Iterator[tuple[str, Fault]]:
    """Give (folder, fault) for what looks like a model's masks in a folder that belongs to a sample."""
    named = _named(samples)
    ids = {sample.id for sample in samples}
    for folder in dict.fromkeys(parts[1] for parts in named):
        inside = {parts[2] for parts in named if parts[1] == folder}
        for item in _entries(root / MASKS / folder):
            if item.name in ids and item.name not in inside and item.is_dir():
                problem = (
                    f"{MASKS}/{folder} belongs to a sample, which names files in it, so the model of that name has no place here"
                )
                yield (
                    folder,
                    Fault(
                        file=f"{MASKS}/{folder}/{item.name}",
                        field="",
                        problem=problem,
                        fix="give the model another name (--name) and its folder that name, or remove the folder",
                        sample=item.name,
                    ),
                )


def survey(root: Path, folder: str, samples: Sequence[Sample], *, all_known: bool = True) -> tuple[list[OwnMasks], list[Fault]]:
    """Return the sets in a model's folder, in the order of samples and seeds, and the faults that names alone tell.

    Where not `all_known`, the benchmark has more samples than these, and folders of others are passed over.
    """
    place = f"{MASKS}/{folder}"
    faults: list[Fault] = []
    if _leaves(root, place, faults):
        return [], faults
    if model_folder(model_of(folder)) != folder:
        problem, fix = f"no model's folder is called {folder!r}", f"call it {model_folder(model_of(folder))!r}"
        faults.append(Fault(file=place, field="", problem=problem, fix=fix))
    known = {sample.id: sample for sample in samples}
    there: set[str] = set()
    for item in _listed(root, place, faults):
        path = f"{place}/{item.name}"
        if not item.is_dir():
            problem, fix = "a file where the model has a folder for each sample", f"move it into {place}/<sample>/, or remove it"
            faults.append(Fault(file=path, field="", problem=problem, fix=fix))
        elif item.name not in known and not all_known:
            continue
        elif item.name not in known:
            problem, fix = f"the benchmark has no sample {item.name!r}", "name the folder after a sample, or remove it"
            faults.append(Fault(file=path, field="", problem=problem, fix=fix))
        elif not _leaves(root, path, faults):
            there.add(item.name)
    found = [
        own for sample in known.values() if sample.id in there for own in _sets(root, f"{place}/{sample.id}", sample, faults)
    ]
    return found, faults


def loose_masks(root: Path, samples: Sequence[Sample]) -> Iterator[Fault]:
    """Give a fault for each folder of masks that are no sample's and lie a level too high to be a model's.

    For text-to-video benchmarks, whose samples name no masks. A folder with a sample's name is what a benchmark with first frames
    left there, and nothing is made of it.
    """
    taken = {sample.id for sample in samples}
    for item in _entries(root / MASKS):
        if item.is_dir() and item.name not in taken and not any(_folders(item)) and any(_entries(item)):
            problem = "the folder holds files and no folder for a sample, so they are no model's masks"
            yield Fault(file=f"{MASKS}/{item.name}", field="", problem=problem, fix=f"move them to {MASKS}/<model>/<sample>/")


def _sets(root: Path, place: str, sample: Sample, faults: list[Fault]) -> list[OwnMasks]:
    """Return the whole sets of one sample: the one for every seed, then those of single seeds, rising."""
    folders: dict[int | None, str] = {}
    files: list[str] = []
    for item in _listed(root, place, faults):
        path = f"{place}/{item.name}"
        if not item.is_dir():
            files.append(item.name)
        elif not _SEED.fullmatch(item.name):
            problem, fix = f"{item.name!r} is no whole number as a seed is written", "name the folder after a seed, such as 0"
            faults.append(Fault(file=path, field="", problem=problem, fix=fix, sample=sample.id))
        elif not _leaves(root, path, faults):
            folders[int(item.name)] = path
    names: dict[int | None, list[str]] = {} if folders and not files else {None: files}
    for seed in sorted(item for item in folders if item is not None):
        names[seed] = []
        for item in _listed(root, folders[seed], faults):
            if item.is_dir():
                problem, fix = "a folder where the masks of one seed lie", f"put the masks into {folders[seed]} itself"
                faults.append(Fault(file=f"{folders[seed]}/{item.name}", field="", problem=problem, fix=fix, sample=sample.id))
            else:
                names[seed].append(item.name)
    folders[None] = place
    given = {seed: _masks(root, folders[seed], listed, sample, faults) for seed, listed in names.items()}
    return [
        OwnMasks(sample_id=sample.id, seed=seed, folder=folders[seed], paths=paths)
        for seed, paths in given.items()
        if _whole(folders[seed], paths, sample, given, faults)
    ]


def _masks(root: Path, place: str, names: Iterable[str], sample: Sample, faults: list[Fault]) -> dict[str, str]:
    """Return instance id -> path of the masks in one folder."""
    wanted = {f"{item.id}.png": item.id for item in sample.instances}
    found = {}
    for name in names:
        if name in wanted:
            _leaves(root, f"{place}/{name}", faults)
            found[wanted[name]] = f"{place}/{name}"
        else:
            problem = f"sample {sample.id!r} has no instance of that name; it has {', '.join(wanted.values())}"
            fix = "call it <instance>.png, or remove it"
            faults.append(Fault(file=f"{place}/{name}", field="", problem=problem, fix=fix, sample=sample.id))
    return {item.id: found[item.id] for item in sample.instances if item.id in found}


def _whole(
    place: str, paths: Mapping[str, str], sample: Sample, given: Mapping[int | None, Mapping[str, str]], faults: list[Fault]
) -> bool:
    """Whether a set has a mask of every instance; add a fault for each that it lacks."""
    lacking = [item.id for item in sample.instances if item.id not in paths]
    for name in lacking:
        elsewhere = next((other[name] for other in given.values() if name in other), None)
        problem = "the mask does not exist, and a model's own masks of a sample are all its instances' or none"
        fix = "draw it, or remove the others of that folder"
        if elsewhere is not None:
            problem = f"the mask does not exist; {elsewhere} does not complete the set, because each folder is one by itself"
            fix = f"put all masks for every seed into {MASKS}/<model>/<sample>, and all of one seed into the seed's folder"
        faults.append(Fault(file=f"{place}/{name}.png", field="", problem=problem, fix=fix, sample=sample.id))
    return not lacking


def _named(samples: Iterable[Sample]) -> set[tuple[str, ...]]:
    """Return the paths that samples name in folders below ``masks/``, in parts."""
    paths = (path for item in samples for path in (item.image, *(one.mask for one in item.instances)) if path is not None)
    return {parts for path in paths if (parts := PurePosixPath(path).parts)[:1] == (MASKS,) and len(parts) > 2}


def _leaves(root: Path, path: str, faults: list[Fault]) -> bool:
    """Whether a path leads out of the benchmark; add the fault."""
    problem = path_fault(path, root)
    if problem is not None:
        fix = "put the files themselves into the benchmark folder"
        faults.append(Fault(file=path, field="", problem=f"the path {problem}", fix=fix))
    return problem is not None


def _listed(root: Path, place: str, faults: list[Fault]) -> list[Path]:
    try:
        return _sorted(root / place)
    except OSError as error:
        problem = f"the folder cannot be listed ({error.strerror})"
        faults.append(Fault(file=place, field="", problem=problem, fix="make it readable"))
        return []


def _entries(folder: Path) -> list[Path]:
    """Return what lies in a folder, nothing where there is none or it may not be listed."""
    try:
        return _sorted(folder)
    except OSError:
        return []


def _folders(folder: Path) -> Iterator[Path]:
    """Give the folders in a folder; the folder itself where it may not be listed, so that it is not passed over."""
    try:
        yield from (item for item in _sorted(folder) if item.is_dir())
    except OSError:
        yield folder


def _sorted(folder: Path) -> list[Path]:
    return sorted(item for item in folder.iterdir() if not item.name.startswith("."))
