"""Datasets of the Hugging Face library ``datasets``, as local files: benchmarks in and out, and the scores of runs out.

A row has ``prompt`` (or ``caption``, ``text``) and, for masks, ``image`` with ``instances``: a list of rows with ``id``,
``class``, ``appearance`` and ``mask`` (``size`` and ``counts`` as ``pycocotools`` writes them). Rows without are prompts alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from intergeneval.build.formats.clip import Clip, Marked, Named, Pictures, Times, tracks
from intergeneval.build.formats.suites import SuitePrompt, slug
from intergeneval.build.formats.wording import acts_from_json, acts_to_json, plain_text
from intergeneval.errors import UsageError
from intergeneval.ids import canonical_json, strict_json
from intergeneval.records import Score
from intergeneval.records.disk import growing_folder
from intergeneval.records.limits import id_fault, size_fault

LAYOUT = "hf"
_TOLD = ("prompt", "caption", "text", "prompt_en")
_NAMES = ("id", "sample_id", "name", "file_name")


def _library() -> Any:
    try:
        import datasets
    except ImportError:
        raise UsageError("--layout hf needs the library 'datasets': pip install 'intergeneval[datasets]'") from None
    datasets.disable_progress_bars()
    return datasets


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """Give the rows of a saved data set, or of Parquet, Arrow, JSON lines or CSV files, pictures undecoded. Raises UsageError."""
    library = _library()
    kinds = {".parquet": "parquet", ".arrow": "arrow", ".jsonl": "json", ".json": "json", ".csv": "csv"}
    try:
        if path.is_dir() and any((path / name).is_file() for name in ("dataset_info.json", "dataset_dict.json", "state.json")):
            found = library.load_from_disk(str(path))
        else:
            files = [path] if path.is_file() else sorted(item for item in path.rglob("*") if item.suffix in kinds)
            if not files:
                raise UsageError(f"{path}: is no data set that was saved, and holds no Parquet, Arrow, JSON or CSV file")
            kind = kinds.get(files[0].suffix)
            if kind is None:
                raise UsageError(f"{path}: a data set is a folder, or ends in {', '.join(kinds)}")
            names = [str(item) for item in files if item.suffix == files[0].suffix]
            found = library.load_dataset(kind, data_files=names, split="train")
    except (OSError, ValueError, library.exceptions.DatasetsError) as error:
        raise UsageError(
            f"{path}: the data set cannot be read ({str(error).splitlines()[0] if str(error) else error!r})"
        ) from None
    splits = found.values() if isinstance(found, library.DatasetDict) else [found]
    for split in splits:
        for name, feature in split.features.items():
            if isinstance(feature, library.Image | library.Video):
                # Its bytes are read by the one reader of pictures, and nothing is fetched.
                split = split.cast_column(name, type(feature)(decode=False))  # noqa: PLW2901  # the same rows
        yield from split


def read(path: Path, pictures: Pictures) -> list[Clip]:
    """Return the rows that have instances with masks. Raises UsageError, MediaError."""
    found, left = [], 0
    for place, row in enumerate(_rows(path)):
        where = f"{path}: row {place}"
        listed = _json(row.get("instances"), where)
        if not isinstance(listed, list) or not any(isinstance(item, dict) and item.get("mask") for item in listed):
            left += 1
            continue
        shown: list[Marked] = []
        size: list[int] | None = None
        for item in listed:
            name, class_ = plain_text(item.get("id")), plain_text(item.get("class"))
            mask = item.get("mask")
            if id_fault(name) or not class_ or not isinstance(mask, dict) or not isinstance(mask.get("size"), list):
                raise UsageError(f"{where}: an instance needs 'id', 'class' and 'mask' (size, counts), got {item!r:.80}")
            if not pictures.wanted(class_):
                continue
            size = size or mask["size"]
            counts = mask.get("counts")
            form = {"size": mask["size"], "counts": counts.decode("ascii", "replace") if isinstance(counts, bytes) else counts}
            who = Named(id=name, class_=class_, appearance=plain_text(item.get("appearance")) or class_)
            shown.append(Marked(named=who, forms={0: form}))
        if not shown or size is None:
            left += 1
            continue
        if len(size) != 2 or not all(isinstance(side, int) and side > 0 for side in size) or size_fault((size[0], size[1])):
            raise UsageError(f"{where}: a mask of size {size!r:.40} cannot be read")
        name = _name(row, place)
        content, file = _picture(row.get("image"), where)
        found.append(
            Clip(
                id=name,
                instances=tuple(one.named for one in shown),
                prompt=_told(row),
                files=(file or f"{name}.png",),
                tracks=tracks(name, LAYOUT, (size[0], size[1]), shown, Times(frames=1), where=where),
                interactions=acts_from_json(_json(row.get("interactions"), where), where),
                tags=tuple(tag for tag in row.get("tags") or () if isinstance(tag, str)),
                contents=(content,) if content else (),
            )
        )
    if found and left:
        pictures.said.append(
            f"{path}: {left} rows have no instance with a mask{' of the classes read' if pictures.classes else ''}"
        )
    return found


def read_prompts(path: Path) -> list[SuitePrompt]:
    """Return the prompts of a data set without masks."""
    found: dict[str, SuitePrompt] = {}
    for place, row in enumerate(_rows(path)):
        prompt = _told(row)
        if not prompt:
            columns = ", ".join(sorted(row))
            raise UsageError(f"{path}: row {place} has no text under {', '.join(_TOLD)}; there are {columns}")
        name = _name(row, -1) or slug(prompt)
        found.setdefault(name, SuitePrompt(id=name, prompt=prompt, tags=()))
    return list(found.values())


def _name(row: Mapping[str, Any], place: int) -> str:
    told = next((str(row[key]) for key in _NAMES if row.get(key) not in (None, "")), "")
    stem = Path(told).stem if "." in told else told
    return stem if stem and id_fault(stem) is None else f"row-{place:06d}" if place >= 0 else ""


def _told(row: Mapping[str, Any]) -> str:
    return next((told for key in _TOLD if (told := plain_text(row.get(key)))), "")


def _json(value: Any, where: str) -> Any:
    """Return a column that may be JSON text, which libraries without nested columns write."""
    if not isinstance(value, str):
        return value
    try:
        return strict_json(value)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: is not JSON ({error})") from None


def _picture(value: Any, where: str) -> tuple[bytes, str]:
    if not isinstance(value, dict):
        return b"", ""
    content = value.get("bytes")
    if isinstance(content, bytes):
        return content, Path(str(value.get("path") or "picture.png")).name
    raise UsageError(f"{where}: its picture is not in the data set but at {value.get('path')!r}; save it with the bytes embedded")


def write(clips: Sequence[Clip], out: Path) -> None:
    """Write clips as a data set that ``datasets.load_from_disk`` reads, with pictures, instances and interactions."""
    library = _library()
    made = [
        {
            "id": clip.id, "prompt": clip.prompt, "tags": list(clip.tags),
            "image": {"bytes": clip.contents[0], "path": Path(clip.files[0]).name} if clip.contents else None,
            "instances": [
                {
                    "id": item.id, "class": item.class_, "appearance": item.appearance,
                    "mask": {"size": list(clip.tracks.size), "counts": track.masks[0]},
                }
                for item, track in zip(clip.instances, clip.tracks.tracks, strict=True)
            ],
            "interactions": canonical_json(acts_to_json(clip.interactions)),
        }
        for clip in clips
    ]  # fmt: skip
    plain = library.Value("string")
    mask = {"size": library.List(library.Value("int64")), "counts": plain}
    features = library.Features(
        {
            "id": plain, "prompt": plain, "tags": library.List(plain), "image": library.Image(),
            "instances": library.List({"id": plain, "class": plain, "appearance": plain, "mask": mask}), "interactions": plain,
        }
    )  # fmt: skip
    _save(library.Dataset.from_list(made, features=features), out)


def write_scores(scores: Sequence[Score], model: str, prompts: Mapping[str, str], out: Path) -> None:
    """Write the scores of a run as a data set: a row a video."""
    library = _library()
    made = [{"model": model, "prompt": prompts.get(score.sample_id, ""), **_flat(score)} for score in scores]
    _save(library.Dataset.from_list(made), out)


def _flat(score: Score) -> dict[str, Any]:
    """Return a score's columns; what is nested stands as JSON text."""
    return {
        key: value if value is None or isinstance(value, str | int | float | bool) else canonical_json(value)
        for key, value in score.to_json().items()
    }


def _save(data: Any, out: Path) -> None:
    with growing_folder(out) as place:
        data.save_to_disk(str(place))


__all__ = ["read", "read_prompts", "write", "write_scores"]
