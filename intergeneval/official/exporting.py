"""A run folder in the release's layout, so that scripts written for the release go on working.

Written are both result files, the metadata beside them (``eval_metas``) and, where the run has tracks, one PNG a frame and
instance. An answer that failed is written as ``error`` and one that is unanswerable as ``unanswerable``: the release's scorer
reads both as no, our import as what they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from intergeneval.bench.official_fields import written_fields
from intergeneval.errors import StoreError, UsageError
from intergeneval.official.layout import EVAL_RESULTS, HALLUCINATION, SCORE_RESULTS, VERIFICATION
from intergeneval.official.tracks import write_tracks
from intergeneval.official.verification import QUESTION_IDS, UNANSWERABLE
from intergeneval.records import (
    Answer,
    AnswerStatus,
    Consistency,
    Profile,
    Question,
    Sample,
    Tracks,
    TrackState,
    Video,
    VideoStatus,
    counted,
)
from intergeneval.records.disk import read_bytes, write_atomically
from intergeneval.records.limits import id_fault
from intergeneval.records.wording import in_words
from intergeneval.scores import ABSENT, propagate
from intergeneval.store import RunStore

TYPE_TAG = "type:"
_WORDS = {
    AnswerStatus.FAILED: "error",
    AnswerStatus.REFUSED: "refused",
    AnswerStatus.UNPARSED: "unparsed",
    AnswerStatus.UNANSWERABLE: UNANSWERABLE,
}


def export_run(store: RunStore, out: Path, *, seed: int | None = None, kind: str = "all") -> Path:
    """Write a run below `out` in the release's layout and return `out`; one seed of it, since the release knows none.

    `kind` is the type under which samples are filed that carry none of their own. Raises UsageError when the run has several
    seeds and none is chosen, when its profile left out some of the ten questions that the release counts, or when `out` holds
    results of the model already, StoreError when it cannot be written.
    """
    # A missing video has no entry in the release's files either.
    videos = {video.sample_id: video for video in _of_seed(store, seed) if video.status is not VideoStatus.MISSING}
    run = _Run(store, videos)
    _check_whole(store, run.samples)
    _check_name(store, "the model", store.header.model, "give the run another --name")
    by_kind: dict[str, list[Sample]] = {}
    for sample in run.samples:
        name = kind_of(sample, kind)
        _check_name(store, f"the type of sample {sample.id!r}", name, "correct its tag, or choose another --type")
        _check_name(store, f"the number of sample {sample.id!r} within its type", _number(sample, name), "rename the sample")
        by_kind.setdefault(name, []).append(sample)
    try:
        results = [made for name, samples in by_kind.items() for made in run.results(samples, name, out)]
        for target, text in results:
            if target.exists() and (not target.is_file() or read_bytes(target) != text.encode("utf-8")):
                raise UsageError(f"{target}: exists already; choose another --out or remove it")
        # The results come last: where they stand, the rest is whole, and an export that was interrupted is simply repeated.
        for name, samples in by_kind.items():
            run.write(samples, name, out)
        for target, text in results:
            _write(target, text)
    except OSError as error:
        raise StoreError(f"{error.filename or out}: cannot be written ({error.strerror or error})") from None
    return out


def _check_name(store: RunStore, what: str, name: str, way_out: str) -> None:
    """Raise UsageError for a name that is no part of a file name: the run may be somebody else's, and write anywhere with it."""
    if fault := id_fault(name):
        raise UsageError(f"{store.folder}: {what} becomes a folder, and it {fault}; {way_out}")


def _check_whole(store: RunStore, samples: Sequence[Sample]) -> None:
    """Raise UsageError for a run whose profile left out questions: the release would count them as broken."""
    profile = store.header.comparability.profile
    for sample in samples:
        for index, item in enumerate(sample.interactions):
            kisa, sgi = counted(item, profile)
            if len(kisa) + len(sgi) < len(QUESTION_IDS):
                left_out = [str(number) for number in QUESTION_IDS if number not in kisa + sgi]
                raise UsageError(
                    f"{store.folder}: sample {sample.id!r}, interaction {index}: profile {profile} left out question"
                    f"{'s' if len(left_out) > 1 else ''} {' and '.join(left_out)}, and the release counts ten; run with "
                    f"--profile paper to export"
                )


def kind_of(sample: Sample, default: str) -> str:
    """Return the release's type of a sample, from its tag."""
    return next((tag.removeprefix(TYPE_TAG) for tag in sample.tags if tag.startswith(TYPE_TAG)), default)


def _of_seed(store: RunStore, seed: int | None) -> list[Video]:
    videos = store.read("videos", Video)
    seeds = sorted({video.seed for video in videos})
    if seed is None and len(seeds) > 1:
        raise UsageError(
            f"{store.folder}: has the seeds {', '.join(map(str, seeds))}; the release knows none, choose one with --seed"
        )
    wanted = seeds[0] if seed is None and seeds else seed
    chosen = [video for video in videos if video.seed == wanted]
    if not chosen:
        raise UsageError(f"{store.folder}: has no video of seed {wanted}")
    return chosen


class _Run:
    """The records of one seed of a run, and how they are written."""

    def __init__(self, store: RunStore, videos: Mapping[str, Video]) -> None:
        self._header = store.header
        self._videos = videos
        self._store = store
        self.samples = [item for item in {item.id: item for item in store.read("samples", Sample)}.values() if item.id in videos]
        self._questions = {
            (item.sample_id, item.interaction, item.question_id): item.text for item in store.read("questions", Question)
        }
        self._answers = {
            (item.sample_id, item.interaction, item.question_id): item
            for item in store.read("answers", Answer)
            if item.repeat == 0 and self._is_current(item)
        }
        self._consistency = {item.sample_id: item for item in store.read("consistency", Consistency) if self._is_current(item)}
        self._tracks = {item.sample_id: item for item in store.read("tracks", Tracks) if self._is_current(item)}

    def _is_current(self, record: Answer | Consistency | Tracks) -> bool:
        video = self._videos.get(record.sample_id)
        return video is not None and record.seed == video.seed and record.video == video.sha256

    def results(self, samples: Sequence[Sample], kind: str, out: Path) -> list[tuple[Path, str]]:
        """Return both result files of one type, with their text."""
        where = Path(self._header.model) / kind
        targets = [out / SCORE_RESULTS / folder / where / name for folder, name in (VERIFICATION, HALLUCINATION)]
        numbers = {sample.id: _number(sample, kind) for sample in samples}
        contents = [
            [self._verification(sample, numbers) for sample in samples],
            [self._hallucination(numbers[sample.id], sample) for sample in samples],
        ]
        return [(target, _text(content)) for target, content in zip(targets, contents, strict=True)]

    def write(self, samples: Sequence[Sample], kind: str, out: Path) -> None:
        """Write what lies beside the results of one type: metadata and tracks."""
        folder = out / EVAL_RESULTS / self._header.model / kind
        for sample in samples:
            number = _number(sample, kind)
            _write(folder / "eval_metas" / f"{number}.json", _text(_meta(number, sample)))
            if (tracks := self._tracks.get(sample.id)) is not None and tracks.status == "ok":
                write_tracks(tracks, folder / "tracks" / number)

    def _verification(self, sample: Sample, numbers: Mapping[str, str]) -> dict[str, Any]:
        video = self._videos[sample.id]
        entry: dict[str, Any] = {
            "video_id": numbers[sample.id],
            "prompt": sample.prompt,
            "frames_analyzed": len(video.sampled),
            "frame_indices": list(video.sampled),
            "model_used": self._header.comparability.judge,
            "items": [],
        }
        if video.status is VideoStatus.OK:
            entry["items"] = [self._item(sample, index, numbers) for index in range(len(sample.interactions))]
        else:
            entry["error"] = video.reason
        return entry

    def _item(self, sample: Sample, index: int, numbers: Mapping[str, str]) -> dict[str, Any]:
        return {
            "item_index": index,
            "key_interaction": in_words(sample, sample.interactions[index], full=True),
            **written_fields(sample, index, numbers),
            "questions": [self._questions.get((sample.id, index, question), "") for question in QUESTION_IDS],
            "question_verification_results": [
                _answer(question, self._answers.get((sample.id, index, question))) for question in QUESTION_IDS
            ],
        }

    def _hallucination(self, number: str, sample: Sample) -> dict[str, Any]:
        video, found = self._videos[sample.id], self._consistency.get(sample.id)
        profile = self._header.comparability.profile
        entry: dict[str, Any] = {
            "video_id": number,
            "prompt": sample.prompt,
            "entity": [item.class_ for item in sample.instances],
            "colors": [item.colour for item in sample.instances],
            "frames_analyzed": len(video.sampled),
            "model_used": _assessor(found, self._header.comparability.judge),
            "hallucination_results": [],
        }
        propagation = propagate(found, profile)
        if video.status is not VideoStatus.OK:
            entry["error"] = video.reason
        elif found is None or propagation.spi is None:
            # No row at all: the release's scorer would read a row without a "yes" as a perfect frame.
            entry["error"] = propagation.reason
        else:
            rows = _rows(found, profile)
            entry |= {"frames_analyzed": len(rows) + 1, "hallucination_results": rows}
        return entry


def _rows(found: Consistency, profile: Profile) -> list[dict[str, Any]]:
    """Return one row a frame.

    A frame without a statement has no row, so it leaves the ratio there as it does here; emergence that nobody assessed is left
    out rather than written as no.
    """
    rows = []
    for index, frame in enumerate(found.frames):
        disappeared = _disappeared(found, index, profile)
        if disappeared is None:
            continue
        row: dict[str, Any] = {"frame_idx": frame}
        if found.emergence is not None:
            row["emergence"] = "yes" if found.emergence[index] else "no"
        row["disappearance"] = "yes" if disappeared else "no"
        row["disappearance_reason"] = found.reasons[index] if found.reasons else ""
        rows.append(row)
    return rows


def _disappeared(found: Consistency, index: int, profile: Profile) -> bool | None:
    if found.states is None:
        return None if found.disappearance is None else found.disappearance[index]
    states = [states[index] for states in found.states.values()]
    return None if TrackState.LOST in states else any(state in ABSENT[profile] for state in states)


def _answer(question: int, answer: Answer | None) -> dict[str, Any]:
    if answer is None:
        return {"question_id": question, "answer": "error", "frame_index": None}
    word = answer.verdict.value if answer.verdict else _WORDS[answer.status]
    return {"question_id": question, "answer": word, "frame_index": answer.frame}


def _assessor(found: Consistency | None, default: str) -> str:
    named = sorted(set(found.assessors.values())) if found else []
    return "+".join(named) or default


def _meta(number: str, sample: Sample) -> dict[str, Any]:
    return {
        "video_id": number,
        "prompt": sample.prompt,
        "entity": [item.class_ for item in sample.instances],
        "appearance": [item.appearance for item in sample.instances],
        "colors": [item.colour for item in sample.instances],
    }


def _number(sample: Sample, kind: str) -> str:
    """Return the name a sample has within its type: the id without the type before it."""
    return sample.id.removeprefix(f"{kind}-") if f"{TYPE_TAG}{kind}" in sample.tags else sample.id


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text)
