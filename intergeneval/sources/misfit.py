"""What to say of a folder in which no file is a video of any sample: what is there, what it may be meant for, how to say so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path, PurePosixPath

from intergeneval.ids import few
from intergeneval.sources.manifest import MANIFEST

_SHOWN = 20
"""Files that are listed and guessed at; more would hide the way out."""
_LEAST = 0.4
"""Likeness of two names, 0 to 1, under which none is suggested."""
_UNKNOWN = "WHICH SAMPLE?"


def misfit_text(folder: Path, files: Sequence[str], samples: Sequence[str], bench: str) -> str:
    """Return why nothing of a folder can be scored: the files found, the nearest sample ids, and a manifest to copy.

    `files` are paths inside the folder, `samples` the ids of the benchmark's samples.
    """
    wanted = few(list(samples), 8)
    if not files:
        return (
            f"{folder}: no video lies here; benchmark {bench} wants one for each of its {len(samples)} samples, such as"
            f" {samples[0] if samples else 'SAMPLE'}.mp4 or {samples[0] if samples else 'SAMPLE'}/SEED.mp4 (samples: {wanted})"
        )
    guesses = nearest(files[:_SHOWN], samples)
    near = {file: guesses.get(file) or nearest([file], samples).get(file) for file in files[:_SHOWN]}
    told = [f"  {file}" + (f"  (nearest sample: {name})" if name else "") for file, name in near.items()]
    more = [f"  and {len(files) - _SHOWN} more"] if len(files) > _SHOWN else []
    lines = [json.dumps({"sample_id": guesses.get(file, _UNKNOWN), "path": file}, ensure_ascii=False) for file in files[:_SHOWN]]
    return "\n".join(
        [
            f"{folder}: none of {len(files)} files is a video of a sample of benchmark {bench}, whose samples are {wanted}:",
            *told,
            *more,
            f"name them after their samples, or put this into {folder / MANIFEST}, with every line put right:",
            *(f"  {line}" for line in lines),
        ]
    )


def nearest(files: Sequence[str], samples: Sequence[str]) -> dict[str, str]:
    """Return for each file the sample id most like its name, each sample once, the likest first; files like none are absent."""
    likeness = sorted(
        ((_alike(file, sample), file, sample) for file in files for sample in samples), key=lambda item: (-item[0], item[1:])
    )
    found: dict[str, str] = {}
    for ratio, file, sample in likeness:
        if ratio >= _LEAST and file not in found and sample not in found.values():
            found[file] = sample
    return found


def _alike(file: str, sample: str) -> float:
    """Return how like a file's name, or its folder's, is to a sample id, 0 to 1; case and separators do not count."""
    path = PurePosixPath(file)
    names = {path.stem, path.parent.name, f"{path.parent.name}-{path.stem}"}
    return max(SequenceMatcher(None, _plain(name), _plain(sample)).ratio() for name in names if name)


def _plain(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())
