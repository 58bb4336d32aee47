"""The header of an imported run: what the release's files tell of how the answers were made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from intergeneval import provenance
from intergeneval.ids import sha256_file, sha256_json
from intergeneval.official.hallucination import Assessed
from intergeneval.official.layout import ResultFiles
from intergeneval.official.verification import Verified
from intergeneval.records import RUN_SCHEMA, Comparability, Consistency, Profile, RunHeader, Sample

Asked = tuple[str, tuple[tuple[str, tuple[str, ...]], ...]]
"""Prompt of a video, and text and questions of each of its interactions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One video as it was found in either file, or in both."""

    kind: str
    """Its type."""
    number: str
    """Its number in that type."""
    sample: Sample
    """The sample made of it."""
    verified: Verified
    """Its questions and answers."""
    assessed: Assessed | None
    """Its emergence and disappearance, where the file has them."""
    consistency: Consistency
    """The same as a record, or why there is none."""

    @property
    def asked(self) -> Asked:
        """What was asked of it."""
        return self.sample.prompt, tuple((item.text, item.questions) for item in self.verified.items)


def common_questions(models: Iterable[Sequence[Part]]) -> dict[str, Asked]:
    """Return what was asked of each sample, for those of which all models that were asked at all were asked the same.

    A model whose results lack a video is comparable with one that has it: both were run on the same set.
    """
    found: dict[str, set[Asked]] = {}
    for parts in models:
        for part in parts:
            asked = found.setdefault(part.sample.id, set())
            if part.verified.known:
                asked.add(part.asked)
    return {name: asked.pop() for name, asked in found.items() if len(asked) == 1}


def run_header(
    model: str,
    root: Path,
    files: Sequence[ResultFiles],
    parts: Sequence[Part],
    common: Mapping[str, Asked],
    command: Sequence[str],
) -> RunHeader:
    """Return the header of a model's run; the profile is the paper's, as the release computes it. Raises OSError."""
    judges = sorted({part.verified.judge for part in parts if part.verified.judge})
    assessors = sorted({part.assessed.judge for part in parts if part.assessed and part.assessed.judge})
    looked = any(part.consistency.emergence is not None for part in parts)
    asked = {**common, **{part.sample.id: part.asked for part in parts if part.verified.known}}
    prompts = {part.sample.id: part.sample.prompt for part in parts} | {name: prompt for name, (prompt, _) in common.items()}
    comparability = Comparability(
        bench=sha256_json(sorted(prompts.items())),
        questions=sha256_json(sorted(asked.items())),
        judge="+".join(judges) or "unknown",
        judge_revision="",
        tracker="official",
        detector=f"judge:{'+'.join(assessors) or 'unknown'}" if looked else "none",
        sampling=_sampling(parts),
        profile=Profile.PAPER,
        samples="all",
        partial=() if looked else ("emergence",),
    )
    named = [place for item in files for place in (item.verification, item.hallucination) if place is not None]
    hashes = {place.relative_to(root).as_posix(): sha256_file(place) for place in named}
    kinds = [item.kind for item in files]
    return RunHeader(
        schema=RUN_SCHEMA,
        model=model,
        source=f"official:{model}",
        source_hash=sha256_json(hashes),
        bench="+".join(kinds),
        bench_version="official",
        samples=len(parts),
        bench_samples=len(parts),
        seeds=(0,),
        comparability=comparability,
        key=comparability.key,
        config={"layout": "official", "types": kinds, "files": hashes},
        versions=provenance.versions(),
        commit=provenance.commit(Path.cwd()),
        command=provenance.redact(command),
        created=provenance.now(),
    )


def _sampling(parts: Sequence[Part]) -> str:
    """Return ``paper`` or ``stride:N`` when every video was sampled so, else ``unknown``: it is read off the frames."""
    lists = {part.verified.frames for part in parts if len(part.verified.frames) > 1}
    strides = {frames[1] - frames[0] for frames in lists if len(frames) > 2}
    if len(strides) != 1:
        return "unknown"
    stride = strides.pop()
    # The count first: it costs nothing, and a list is built only where it is as long as the one in the file.
    if any(
        len(range(0, frames[-1], stride)) + 1 != len(frames) or (*range(0, frames[-1], stride), frames[-1]) != frames
        for frames in lists
    ):
        return "unknown"
    return "paper" if stride == 5 else f"stride:{stride}"
