"""Learned weights: where they lie, how a run names them, and on which device and in which precision they work.

Weights come from a folder, a checkpoint file or the id of a repository on the model hub; the libraries' own loaders read them
(safetensors, or pickles restricted to tensors). Nothing here imports a learned-model library before it is asked for a device.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from intergeneval.errors import BackendError, ConfigError, IntergenevalError
from intergeneval.ids import open_plain, short

T = TypeVar("T")

DEVICE_SETTINGS = ("device", "dtype")
"""Settings that every learned backend takes: ``device`` (``cpu``, ``cuda``, ``cuda:1``) and ``dtype`` (a name below)."""
DEFAULTS: Mapping[str, str] = {
    "grounding_dino": "IDEA-Research/grounding-dino-base",
    "hf": "facebook/sam2.1-hiera-large",
}
"""Learned backend -> id on the model hub of the weights that its name alone stands for."""
DTYPES = ("float32", "bfloat16", "float16")
"""Precisions a backend can be told to use; unset: bfloat16 on a GPU, float32 on a CPU."""

_PATIENCE = 5.0
"""Seconds that the model hub has to answer when it is asked whether weights can be had."""
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
_WITHOUT = {
    "tracker": "; --tracker flow needs none",
    "detector": "; --detector none needs none, where a person draws with 'intergeneval annotate'",
}
"""Kind of backend -> how to do without its weights."""
_PIECES = 16
_PIECE = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Weights that are known to exist, without having been loaded."""

    source: str
    """Folder, checkpoint file, or id on the model hub, as the loaders take it."""
    name: str
    """Last part of the source: what tables show."""
    revision: str
    """Eight hex digits: of the files' fingerprint, or of the hub's commit."""

    @property
    def label(self) -> str:
        """Name with revision, such as ``sam2.1-hiera-large@1a2b3c4d``: equal weights in another folder of that name keep it."""
        return f"{self.name}@{self.revision}"


def locate(owner: str, source: str, marker: str) -> Weights:
    """Find weights: a folder that holds `marker` (such as ``config.json``), or a hub id whose `marker` can be fetched.

    Raises ConfigError naming `owner` (the backend), the source and the way out.
    """
    path = Path(source)
    if path.is_file():
        return Weights(source=source, name=path.stem, revision=short(fingerprint(path)))
    if path.is_dir():
        if not (path / marker).is_file():
            raise ConfigError(f"{owner}: {source!r} holds no {marker}; give the folder that save_pretrained wrote")
        return Weights(source=source, name=path.resolve().name, revision=short(fingerprint(path)))
    if source.count("/") != 1 or source.startswith(("/", ".", "~")):
        raise ConfigError(f"{owner}: there is no file or folder {source!r}, and it is no hub id of the form OWNER/NAME")
    return Weights(source=source, name=source.rpartition("/")[2], revision=short(_commit(owner, source, marker)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether weights of the model hub are here, or can be had; nothing is loaded or fetched to know it."""

    source: str
    """Id on the model hub."""
    here: bool
    """Whether they lie in the cache."""
    lacking: str = ""
    """Why they cannot be had where they are not here; empty: they can."""

    @property
    def usable(self) -> bool:
        """Whether a backend can be loaded with them."""
        return self.here or not self.lacking


def standing(source: str, marker: str = "config.json") -> Standing:
    """Return how weights of the model hub stand: in the cache, to be fetched, or neither; at most a few seconds are waited."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.constants import HF_HUB_OFFLINE

    cached = {name for name in (marker, *_WEIGHTS) if isinstance(try_to_load_from_cache(source, name), str)}
    if marker in cached and len(cached) > 1:
        return Standing(source=source, here=True)
    if HF_HUB_OFFLINE:
        return Standing(source=source, here=False, lacking="HF_HUB_OFFLINE is set")
    try:
        get_hf_file_metadata(hf_hub_url(source, marker), timeout=_PATIENCE)
    except Exception as error:  # noqa: BLE001  # its errors share no base; every one of them means: not reachable
        return Standing(source=source, here=False, lacking=f"{type(error).__name__}: {_first_line(error)}")
    return Standing(source=source, here=False)


def fingerprint(path: Path) -> str:
    """Return a sha256 over the names, sizes and samples (16 pieces of 64 KiB each) of a file, or of all files of a folder.

    Whole hashes of tens of gigabytes would take longer than scoring does. Raises OSError.
    """
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(item for item in path.rglob("*") if item.is_file() and not _hidden(item, path))
    for item in files:
        size = item.stat().st_size
        digest.update(f"{item.relative_to(path).as_posix() if item != path else ''}\0{size}\0".encode())
        with open_plain(item) as stream:
            last = max(size - _PIECE, 0)
            for start in sorted({last * piece // (_PIECES - 1) for piece in range(_PIECES)}):
                stream.seek(start)
                digest.update(stream.read(_PIECE))
    return digest.hexdigest()


def _hidden(item: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in item.relative_to(root).parts)


def _commit(owner: str, source: str, marker: str) -> str:
    from huggingface_hub import hf_hub_download

    try:
        place = Path(hf_hub_download(source, marker))
    except Exception as error:  # noqa: BLE001  # its errors share no base; every one of them means: not reachable
        raise ConfigError(
            f"{owner}: {source!r} is no folder here, and {marker} of the hub's repository of that name cannot be had "
            f"({type(error).__name__}: {_first_line(error)}); give a folder with the weights, or an id that can be reached"
            f"{_WITHOUT.get(owner.partition(' ')[0], '')}"
        ) from None
    return place.parent.name


class Once(Generic[T]):
    """Something that takes long to load: loaded when first needed; a failure is kept, so that no video tries it again."""

    def __init__(self, owner: str, load: Callable[[], T]) -> None:
        self._owner = owner
        self._load = load
        self._value: T | None = None
        self._failure = ""

    def get(self) -> T:
        """Return it. Raises BackendError when it cannot be loaded, with the loader's reason."""
        if self._failure:
            raise BackendError(self._failure)
        if self._value is None:
            try:
                self._value = self._load()
            except IntergenevalError as error:
                self._failure = str(error)
                raise
            except Exception as error:
                # Loaders raise whatever a damaged file leads them to.
                self._failure = f"{self._owner}: the weights cannot be loaded ({type(error).__name__}: {_first_line(error)})"
                raise BackendError(self._failure) from error
        return self._value


def check_known(owner: str, settings: Iterable[str], known: Sequence[str]) -> None:
    """Raise ConfigError for a setting that the backend does not know."""
    for name in settings:
        if name not in known:
            raise ConfigError(f"{owner} has no setting {name!r}; it knows {', '.join(sorted(known))}")


def check_settings(owner: str, settings: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raise ConfigError for a setting that the backend does not know, or a device setting it cannot mean."""
    check_known(owner, settings, known)
    dtype = settings.get("dtype")
    if dtype is not None and dtype not in DTYPES:
        raise ConfigError(f"{owner}: dtype {dtype!r} is not one of {', '.join(DTYPES)}")


def number(owner: str, settings: Mapping[str, Any], name: str, default: float, low: float, high: float) -> float:
    """Return a numeric setting. Raises ConfigError with name, value and range where it is none or lies outside."""
    value = settings.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ConfigError(f"{owner}: {name} is {value!r}; it is a number from {low:g} to {high:g}")
    return float(value)


def place(owner: str, settings: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return (torch device, torch dtype) of the settings, by default the GPU in half precision where there is one.

    Raises ConfigError for a device that is not there.
    """
    import torch

    wanted = str(settings.get("device") or ("cuda" if torch.cuda.is_available() else "cpu"))
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise ConfigError(f"{owner}: {wanted!r} is no device; use cpu, cuda or cuda:N") from None
    if device.type == "cuda" and (not torch.cuda.is_available() or (device.index or 0) >= torch.cuda.device_count()):
        raise ConfigError(f"{owner}: device {wanted!r} is not there; this machine has {torch.cuda.device_count()} GPUs")
    return device, getattr(torch, settings.get("dtype") or ("bfloat16" if device.type == "cuda" else "float32"))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0][:300]
