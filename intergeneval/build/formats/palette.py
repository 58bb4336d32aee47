"""DAVIS and MOSE: a folder of pictures a video, and a palette picture a frame whose indices are the objects."""

from __future__ import annotations

import itertools
import json
import re
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from intergeneval.build.formats.clip import Clip, Marked, Named, Pictures, Times, load, sample_ids, tracks
from intergeneval.build.formats.wording import clip_words, plain_text, states_of, told_states, told_words
from intergeneval.errors import MediaError, UsageError
from intergeneval.masks import decode, encode
from intergeneval.masks.pixels import PNG, PictureError, read_pixels
from intergeneval.records.disk import read_bytes, write_atomically
from intergeneval.records.limits import id_fault
from intergeneval.videos import IMAGE_SUFFIXES

LAYOUT = "davis"
WORDS = "intergeneval.json"
"""Words of our own beside the masks: who the indices are, and who does what to whom."""
_FRAME = re.compile(r"\d{1,9}")
_SHOWN = 5
_VOID = 255
"""Index of what DAVIS leaves undecided."""


def read(path: Path, pictures: Pictures) -> list[Clip]:
    """Return the videos of a folder that holds ``Annotations/`` (and ``JPEGImages/``), or the folders of masks themselves."""
    root = path / "Annotations" if (path / "Annotations").is_dir() else path
    # DAVIS has a folder of its resolution in between.
    if root.is_dir() and (root / "480p").is_dir():
        root /= "480p"
    folders = [item for item in sorted(root.iterdir()) if item.is_dir()] if root.is_dir() else []
    if not folders and root.is_dir() and any(_masks(root)):
        folders = [root]
    if not folders:
        raise UsageError(f"{path}: holds no folder of palette pictures (Annotations/<video>/00000.png)")
    words = load(path / WORDS) if (path / WORDS).is_file() else {}
    semantics = _semantics(path)
    ids = sample_ids([f"{folder.name}.x" for folder in folders])
    found = []
    for folder, name in zip(folders, ids, strict=True):
        told = words.get(folder.name) if isinstance(words, dict) else None
        clip = _clip(folder, name, told, semantics.get(folder.name), pictures, _shown(path, folder, pictures))
        if clip is None:
            pictures.said.append(f"{folder}: no object{' of the classes read' if pictures.classes else ''} is marked: left out")
        else:
            found.append(clip)
    return found


def _masks(folder: Path) -> list[Path]:
    return sorted(
        (item for item in folder.glob("*.png") if _FRAME.fullmatch(item.stem)), key=lambda item: (int(item.stem), item.name)
    )


def _shown(path: Path, folder: Path, pictures: Pictures) -> list[str]:
    """Return the stems of a video's pictures in frame order, where they lie beside the masks; none where they do not."""
    home = pictures.beside(path)
    places = [base / folder.name for base in (home, home / "JPEGImages" / "480p", home / "JPEGImages")]
    place = next((item for item in places if item.is_dir() and item.resolve() != folder.resolve()), None)
    files = place.iterdir() if place is not None else ()
    stems = {item.stem for item in files if item.suffix.lower() in IMAGE_SUFFIXES and _FRAME.fullmatch(item.stem)}
    return sorted(stems, key=lambda stem: (int(stem), stem))


def _frames(folder: Path, files: Sequence[Path], shown: Sequence[str], pictures: Pictures) -> tuple[list[str], dict[int, Path]]:
    """Return the stems of all frames, and the masks by frame.

    A frame without an annotation among annotated ones stays, or the video would jump; before the first one nothing could begin.
    Raises UsageError where the masks leave frames out and no picture says which there are.
    """
    stems = [file.stem for file in files]
    if len(files) == 1:
        # A picture, or the first frame that a tracker is to go on from.
        return stems, {0: files[0]}
    if not set(stems) <= set(shown):
        steps = {int(later) - int(one) for one, later in itertools.pairwise(stems)}
        if len(steps) > 1:
            at = next(place for place, step in enumerate(map(_step, stems, stems[1:])) if step != min(steps))
            raise UsageError(
                f"{folder}: after frame {stems[at]} comes {stems[at + 1]}, so some have no annotation; give --media DIR with the "
                f"pictures of all frames, of which nothing is claimed then"
            )
        return stems, dict(enumerate(files))
    kept = [stem for stem in shown if int(stem) >= int(stems[0])]
    if len(kept) < len(shown):
        pictures.said.append(f"{folder}: begins with frame {stems[0]}, the first that is annotated")
    bare = [stem for stem in kept if stem not in set(stems)]
    if bare:
        told = ", ".join(bare[:_SHOWN]) + (", ..." if len(bare) > _SHOWN else "")
        pictures.said.append(
            f"{folder}: {len(bare)} of {len(kept)} frames have no annotation ({told}): they stay, and nothing is claimed of them"
        )
    place = {stem: at for at, stem in enumerate(kept)}
    return kept, {place[file.stem]: file for file in files}


def _step(one: str, later: str) -> int:
    return int(later) - int(one)


def _semantics(path: Path) -> dict[str, Any]:
    """Return video -> object -> class of ``davis_semantics.json``, where the set has it."""
    for place in (path, path.parent):
        if (place / "davis_semantics.json").is_file():
            found = load(place / "davis_semantics.json")
            return found if isinstance(found, dict) else {}
    return {}


def _clip(
    folder: Path, name: str, told: Any, semantics: Any, pictures: Pictures, shown: Sequence[str]
) -> Clip | None:  # fmt: skip
    files, where = _masks(folder), str(folder)
    if not files:
        raise UsageError(f"{where}: holds no palette picture called by its frame (00000.png)")
    told = told if isinstance(told, dict) else {}
    stems, by_frame = _frames(folder, files, shown, pictures)
    size: tuple[int, int] | None = None
    forms: dict[int, dict[int, str]] = {}
    for at, file in by_frame.items():
        found, indices = _indices(file)
        size = size or found
        if found != size:
            raise MediaError(f"{file}: is {found[1]}x{found[0]}, the frames before it are {size[1]}x{size[0]}")
        for number in (int(one) for one in np.unique(indices) if one not in (0, _VOID)):
            forms.setdefault(number, {})[at] = encode(indices == number)
    assert size is not None
    named = {number: _named(number, told, semantics) for number in sorted(forms)}
    kept = {number: item for number, item in named.items() if pictures.wanted(item.class_)}
    if not kept:
        return None
    states = told.get("states")
    of = states if isinstance(states, dict) else {}
    marked = [Marked(named=item, forms=forms[number], states=told_states(of.get(str(number)))) for number, item in kept.items()]
    return Clip(
        instances=tuple(kept.values()),
        tracks=tracks(name, LAYOUT, size, marked, Times(frames=len(stems), known=frozenset(by_frame)), where=where),
        files=tuple(f"{folder.name}/{stem}" for stem in stems),
        **told_words(told, name, where),
    )


def _indices(file: Path) -> tuple[tuple[int, int], np.ndarray[Any, np.dtype[np.int64]]]:
    """Return size and object indices (H, W) of one picture. Raises MediaError."""
    try:
        pixels = read_pixels(read_bytes(file))
    except PictureError as error:
        raise MediaError(f"{file}: {error.problem}; {error.fix}") from None
    except OSError as error:
        raise MediaError(f"{file}: cannot be read ({error.strerror})") from None
    if pixels.palette:
        # The keys of a palette picture are its indices, whatever their colours.
        indices = pixels.values.keys.astype(np.int64)
    elif pixels.colours is None:
        indices = pixels.strength.astype(np.int64)
    else:
        raise MediaError(f"{file}: is a picture in colours; DAVIS and MOSE mark objects by palette indices or grey values")
    if len(np.unique(indices)) > _VOID:
        raise MediaError(f"{file}: has more values than objects can be; is it a photograph?")
    return (indices.shape[0], indices.shape[1]), indices


def _named(number: int, told: dict[str, Any], semantics: Any) -> Named:
    rows = told.get("instances")
    row = rows.get(str(number)) if isinstance(rows, dict) else None
    if isinstance(row, dict) and id_fault(str(row.get("id", ""))) is None and plain_text(row.get("class")):
        return Named(
            id=str(row["id"]), class_=plain_text(row["class"]), appearance=plain_text(row.get("appearance")) or row["class"]
        )
    class_ = plain_text(semantics.get(str(number))) if isinstance(semantics, dict) else ""
    # The pictures say of no object what it is.
    return Named(id=f"id{number}", class_=class_ or "object", appearance=f"{class_ or 'object'} {number}")


def write(clips: Sequence[Clip], out: Path) -> None:
    """Write palette pictures below ``Annotations/``, ``JPEGImages/`` beside them, and who is who in words of ours."""
    words: dict[str, Any] = {}
    for clip in clips:
        size = clip.tracks.size
        place = out / "Annotations" / clip.id
        place.mkdir(parents=True, exist_ok=True)
        for at in range(clip.frames):
            indices = np.zeros(size, dtype=np.uint8)
            for number, track in enumerate(clip.tracks.tracks, start=1):
                indices[decode(track.masks[at], size)] = number
            write_atomically(place / f"{at:05d}.png", palette_png(indices))
        for at, content in enumerate(clip.contents):
            frame = out / "JPEGImages" / clip.id / f"{at:05d}{clip.suffix}"
            frame.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(frame, content)
        words[clip.id] = {
            **clip_words(clip),
            "states": {str(number): states_of(track) for number, track in enumerate(clip.tracks.tracks, start=1)},
            "instances": {
                str(number): {"id": item.id, "class": item.class_, "appearance": item.appearance}
                for number, item in enumerate(clip.instances, start=1)
            },
        }
    write_atomically(out / WORDS, json.dumps(words, ensure_ascii=False, indent=1))


def palette_png(indices: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    """Return a palette PNG with the colours of DAVIS: the bits of an index, three by three, from the highest bit on."""
    colours = bytearray()
    for index in range(256):
        channels, rest = [0, 0, 0], index
        for shift in range(7, -1, -1):
            for channel in range(3):
                channels[channel] |= ((rest >> channel) & 1) << shift
            rest >>= 3
        colours += bytes(channels)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    high, wide = indices.shape
    lines = b"".join(b"\0" + row.tobytes() for row in indices)
    head = PNG + chunk(b"IHDR", struct.pack(">IIBBBBB", wide, high, 8, 3, 0, 0, 0))
    return head + chunk(b"PLTE", bytes(colours)) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
