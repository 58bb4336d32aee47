"""A benchmark out of a folder of videos and their prompts alone: a list, or the files' own names.

The videos are a model's own, so the benchmark holds prompts, instances and interactions and no first frames: two models that were
given one list of prompts are asked the same questions. Masks lie beside it, a set a model. Which folder is a list's benchmark is
told in `list_home`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from intergeneval.bench.drawn import EDITS, WORK, words_of
from intergeneval.bench.faults import Fault
from intergeneval.bench.names import id_fault
from intergeneval.bench.own import SAMPLES
from intergeneval.build.build import Build, BuildResult
from intergeneval.build.config import NONE, BuildConfig
from intergeneval.build.list_home import Home, home_of, remembered_ids
from intergeneval.build.list_masks import drawn_for
from intergeneval.build.prompt_list import SUFFIXES, Listed, read_list
from intergeneval.build.rows import Row, row_faults
from intergeneval.errors import RecordError, UsageError
from intergeneval.ids import canonical_json, few, sha256_bytes, short, strict_json
from intergeneval.records import Sample
from intergeneval.records.disk import read_text
from intergeneval.sources.folder import TYPE_TAG, VIDEO_SUFFIXES, FolderSource
from intergeneval.sources.naming import plain_prompt, prompt_of_name
from intergeneval.store import write_atomically

NAMES = "names"
"""What stands for the list where the files' own names are the prompts."""
LIST = "prompts.jsonl"
_NUMBERED = re.compile(r"\d{1,9}")
_AROUND = re.compile(r"(.*?)(\d{1,9})(\D*)", re.DOTALL)
"""What stands before the last number of a name, the number, and what stands behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompted:
    """One prompt of the list."""

    id: str
    """Id of its sample: the name of its video without ending, or words of the prompt."""
    prompt: str
    """The prompt."""
    more: Mapping[str, object]
    """What else a JSONL row brings, such as instances and interactions."""
    where: str = ""
    """File and line of the list, or the file whose name it is."""

    def sample(self) -> Sample:
        """Return a sample without instances, by which its videos are found."""
        tags = self.more.get("tags")
        kept = tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()
        return Sample(id=self.id, prompt=self.prompt, instances=(), interactions=(), tags=kept)

    def row(self) -> dict[str, object]:
        """Return it as a row of the benchmark's own list."""
        return {"id": self.id, "prompt": self.prompt, **self.more}


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptedResult:
    """A benchmark out of prompts, and what of videos and prompts has no counterpart."""

    build: BuildResult
    """How the build ended."""
    home: Home
    """The benchmark's folder."""
    alone: tuple[str, ...] = field(default=())
    """Videos without a prompt, as paths inside their folder."""
    idle: tuple[str, ...] = field(default=())
    """Ids of the prompts without a video."""
    held: tuple[str, ...] = field(default=())
    """Ids of the prompts with a video."""


def is_prompt_list(text: str) -> bool:
    """Whether ``--prompts`` names prompts (``names`` or a file) rather than a folder of templates."""
    return text == NAMES or Path(text).is_file() or Path(text).suffix.lower() in SUFFIXES


def prompts_of(model: Path, prompts: str) -> tuple[Prompted, ...]:
    """Return the prompts of a folder of videos, or of one video. Raises UsageError naming what cannot be read or told."""
    source = FolderSource(model)
    files = source.files()
    if not files:
        raise UsageError(f"{model}: holds no video; videos end in {', '.join(VIDEO_SUFFIXES)}")
    if prompts != NAMES:
        return _distinct(_with_ids(read_list(Path(prompts)), model, files, Path(prompts)))
    found: dict[str, Prompted] = {}
    for file in files:
        place = PurePosixPath(file)
        inside = place.parent.name if _NUMBERED.fullmatch(place.stem) and place.parent.name else ""
        text = plain_prompt(inside) if inside else prompt_of_name(place.stem)
        if len(text.split()) < 2:
            raise UsageError(f"{model}: the name {file!r} is no prompt; give --prompts FILE with the prompt of each video")
        more = {}
        name = inside or _slug(text, place.stem)
        if place.parent.name and not inside:
            # One folder down a video is found by the folder's tag.
            name, more = f"{place.parent.name}-{place.stem}", {"tags": [f"{TYPE_TAG}{place.parent.name}"]}
        found.setdefault(plain_prompt(text), Prompted(id=name, prompt=text, more=more, where=str(model / file)))
    return _distinct(list(found.values()))


def _slug(text: str, stem: str) -> str:
    """Return the id of a prompt that a file is called by: the file's own name where that is the prompt alone."""
    if stem == text and not id_fault(stem) and len(stem) <= 60:
        return stem
    words = re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")
    return words if words and len(words) <= 60 else f"{words[:48].strip('-')}-{short(sha256_bytes(text.encode()), 6)}".strip("-")


def _distinct(rows: Sequence[Prompted]) -> tuple[Prompted, ...]:
    """Return the rows, each of which can be a sample. Raises UsageError naming file and line of the first that cannot."""
    seen: dict[str, Prompted] = {}
    for row in rows:
        if problem := id_fault(row.id):
            raise UsageError(f"{row.where}: the name {problem}; call the video, and it here, otherwise")
        if (other := seen.get(row.id)) is not None:
            raise UsageError(
                f"{row.where}: two prompts have the id {row.id!r}: {other.prompt!r} ({other.where}) and {row.prompt!r}; give "
                f"each its own"
            )
        seen[row.id] = row
        try:
            made = Row.from_json(row.row(), where=row.where)
        except RecordError as error:
            raise UsageError(f"{error}; correct the row") from None
        for name, problem, fix in row_faults(made, Path(), is_video=False, text_only=True):
            raise UsageError(str(Fault(file=row.where, field=name, problem=problem, fix=fix)))
    return tuple(rows)


def _with_ids(rows: list[Listed], model: Path, files: Sequence[str], path: Path) -> list[Prompted]:
    """Return the prompts with the ids after which the folder's videos are called. Raises UsageError where that cannot be told."""
    if any(row.name for row in rows):
        return [_of_name(row, files) for row in rows]
    # A single video is one of those in its folder, which the list may number.
    folder = FolderSource(model.parent if model.is_file() else model)
    named = {plain_prompt(prompt_of_name(PurePosixPath(file).stem)) for file in folder.files()}
    if any(plain_prompt(row.prompt) in named for row in rows):
        return [Prompted(id=_slug(row.prompt, ""), prompt=row.prompt, more=row.more, where=row.where) for row in rows]
    for source in (folder, FolderSource(model)):
        ids = [name for name in source.sample_ids() if not name.startswith(".")]
        numbers = all(_NUMBERED.fullmatch(name.rpartition("-")[2].rpartition("_")[2]) for name in ids) or _numbered_alike(ids)
        if len(ids) == len(rows) and (numbers or len(ids) == 1):
            # Numbered videos, in the order of the list, as most generators write them.
            ordered = sorted(ids, key=lambda name: (int(re.findall(r"\d+", name)[-1]) if re.search(r"\d", name) else 0, name))
            return [
                Prompted(id=name, prompt=row.prompt, more=row.more, where=row.where)
                for name, row in zip(ordered, rows, strict=True)
            ]
        if numbers and 0 < len(ids) < len(rows) and (names := _numbered_names(ids, rows, path)):
            return [
                Prompted(id=name, prompt=row.prompt, more=row.more, where=row.where)
                for name, row in zip(names, rows, strict=True)
            ]
    raise UsageError(
        f"{path}: its {len(rows)} prompts bear no names, and the {len(ids)} videos ({few(ids, 4)}) are neither called by them "
        f"nor numbered: write NAME<TAB>PROMPT, or a csv with the columns video,prompt"
    )


def _numbered_names(ids: Sequence[str], rows: Sequence[Listed], path: Path) -> list[str]:
    """Return the names of all videos of a list, of which some are not there; none where they are not numbered alike.

    Raises UsageError where the first or the last may be missing.
    """
    # As they were called when all were there.
    before = remembered_ids(path, str(path), [row.prompt for row in rows])
    if before and set(ids) <= set(before):
        return before
    count = len(rows)
    if not _numbered_alike(ids):
        return []
    parts = [part for name in ids if (part := _AROUND.fullmatch(name))]
    there = {int(part[2]) for part in parts}
    begins = [first for first in (0, 1) if min(there) >= first and max(there) < count + first]
    if not begins:
        return []
    if len(begins) > 1:
        raise UsageError(
            f"{path}: it has {count} prompts, and the {len(ids)} numbered videos go from {min(there)} to {max(there)}: "
            f"the first prompt may be that of 0 or of 1; write NAME<TAB>PROMPT, or a csv with the columns video,prompt"
        )
    by_number = {int(part[2]): part[0] for part in parts}
    head, written, tail = parts[0].groups()
    return [by_number.get(number, f"{head}{number:0{len(written)}d}{tail}") for number in range(begins[0], begins[0] + count)]


def _numbered_alike(ids: Sequence[str]) -> bool:
    """Whether names differ in one number alone: ``ComfyUI_00001_``, ``clip-3``, ``7``."""
    parts = [_AROUND.fullmatch(name) for name in ids]
    alike = {(part[1], part[3]) for part in parts if part}
    return None not in parts and len(alike) == 1 and len({int(part[2]) for part in parts if part}) == len(ids)


def _of_name(row: Listed, files: Sequence[str]) -> Prompted:
    """Return the prompt of a row that names its video, with the folder that the video lies in where it is named too."""
    place = PurePosixPath(row.name.replace("\\", "/"))
    folder = place.parent.name
    if not row.name or not folder or f"{folder}/{place.name}" not in files:
        return Prompted(id=row.stem or _slug(row.prompt, ""), prompt=row.prompt, more=row.more, where=row.where)
    if _NUMBERED.fullmatch(place.stem):
        return Prompted(id=folder, prompt=row.prompt, more=row.more, where=row.where)
    tags = row.more.get("tags")
    more = {**row.more, "tags": [*(tags if isinstance(tags, list) else ()), f"{TYPE_TAG}{folder}"]}
    return Prompted(id=f"{folder}-{row.stem}", prompt=row.prompt, more=more, where=row.where)


def _as_drawn(rows: Sequence[Prompted], home: Path) -> tuple[Prompted, ...]:
    """Return the prompts as a person left them: with what was written on the page, and read as when their masks were drawn.

    Another reader, a model or a later version of the rules, might call the instances otherwise, and their masks were nobody's.
    """
    drawn = drawn_for(home)
    there = {}
    if drawn and (home / SAMPLES).is_file():
        lines = read_text(home / SAMPLES).splitlines()
        there = {one.id: one for one in (Sample.from_line(line, where=f"{home / SAMPLES}") for line in lines if line.strip())}
    found = []
    for row in rows:
        edited = _edited(row, home)
        sample = there.get(row.id)
        words = [dict(one.words) for one in drawn.get(row.id, ()) if one.prompt == row.prompt]
        asked = edited is row and "instances" not in row.more
        if asked and sample is not None and sample.prompt == row.prompt and words_of(sample) in words:
            edited = replace(row, more={**row.more, **_as_row(sample)})
        found.append(edited)
    return tuple(found)


def _as_row(sample: Sample) -> dict[str, object]:
    return {
        "instances": [{"id": one.id, "class": one.class_, "appearance": one.appearance} for one in sample.instances],
        "interactions": [act.to_json() for act in sample.interactions],
    }


def _edited(row: Prompted, home: Path) -> Prompted:
    """Return a prompt with what a person wrote about it on the annotating page, as long as it is still the same prompt."""
    place = home / WORK / f"{EDITS}.json"
    if not place.is_file():
        return row
    try:
        found = strict_json(place.read_text(encoding="utf-8")).get(row.id)
        if found is None or found["prompt"] != row.prompt:
            return row
        return replace(row, more={**row.more, **{name: found[name] for name in ("instances", "interactions")}})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{place}: cannot be read ({error}); move it away, and the prompts are read anew") from None


def matched(rows: Sequence[Prompted], source: FolderSource) -> tuple[list[str], list[str]]:
    """Return the ids of the prompts that have a video, and the videos without a prompt. Raises UsageError for a doubtful one."""
    held, used = [], set()
    for row in rows:
        sample = row.sample()
        if not source.has(sample):
            continue
        held.append(row.id)
        used |= {source.video(sample, seed).label for seed in source.seeds(sample, ())}
    return held, [file for file in source.files() if file not in used]


def prompted_benchmark(
    model: Path, prompts: str, *, judge: str = NONE, out: Path | None = None, cache: str = "", max_cost: float | None = None,
    on_notice: Callable[[str], None] = lambda _: None,
) -> PromptedResult:  # fmt: skip
    """Read the prompts into a benchmark for text-to-video models, or go on with the one that is there.

    Raises UsageError and BenchError for a list that cannot be read or belongs to no video, StoreError where it cannot be written.
    """
    rows = prompts_of(model, prompts)
    held, alone = matched(rows, FolderSource(model))
    if not held:
        shown, ids = ", ".join(alone[:4]), ", ".join(row.id for row in rows[:4])
        raise UsageError(
            f"{prompts}: none of its {len(rows)} prompts belongs to a video of {model}: the videos are called {shown}, the "
            f"prompts {ids}; write VIDEO<TAB>PROMPT a line, or a csv with the columns video,prompt"
        )
    home = home_of(model, prompts, [row.row() for row in rows], out)
    single = model.is_file() and prompts == NAMES and home.rows is not None
    if single:
        # One of the videos whose names were read before: the others' prompts stay in the benchmark.
        rows = _distinct([Prompted(id=str(row["id"]), prompt=str(row["prompt"]), more={}) for row in home.rows or ()])
        held, alone = matched(rows, FolderSource(model))
    rows = _as_drawn(rows, home.folder)
    home.folder.mkdir(parents=True, exist_ok=True)
    text = "".join(canonical_json(row.row()) + "\n" for row in rows)
    place = home.folder / LIST
    if not place.is_file() or place.read_text(encoding="utf-8") != text:
        write_atomically(place, text)
    home.remember()
    config = BuildConfig(
        source=str(place), out=str(home.folder), judge=judge, detector=NONE, tracker=NONE, text_only=True, cache=cache,
        max_cost=max_cost, name=home.folder.name,
        description=f"{len(rows)} prompts of {model.name if prompts == NAMES else Path(prompts).name}.",
    )  # fmt: skip
    made = Build(config, sys.argv).execute(on_notice=on_notice)
    known = set(held)
    idle = () if model.is_file() else tuple(row.id for row in rows if row.id not in known)
    return PromptedResult(build=made, home=home, alone=tuple(alone), idle=idle, held=tuple(held))
