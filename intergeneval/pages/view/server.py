"""What the viewing page shows: runs below a folder, and of one run its samples with answers, as far as they are there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from intergeneval.errors import IntergenevalError
from intergeneval.pages.loopback import LoopbackServer
from intergeneval.records import CONTROL_ID, Answer, Question, RunHeader, Sample, Score, Video
from intergeneval.store import HEADER, RunStore, read_doubts

_DEEP = 3
"""How many folders below the one given a run may lie."""


class ViewServer(LoopbackServer):
    """Serves the runs below a folder."""

    package = "intergeneval.pages.view"
    page = "view"

    def __init__(self, root: Path, port: int = 0) -> None:
        self.root = root
        super().__init__(port)

    def give(self, name: str, asked: Mapping[str, str]) -> Any:
        """Return the list of runs, or what one holds by now. Raises KeyError for a run that is not below the folder."""
        if name == "api/runs":
            return {"root": str(self.root), "runs": [_short(self.root, folder) for folder in run_folders(self.root)]}
        if name == "api/run":
            folders = {str(folder.relative_to(self.root)): folder for folder in run_folders(self.root)}
            return _whole(folders[asked["run"]])
        raise KeyError(name)


def run_folders(root: Path) -> list[Path]:
    """Return the run folders at or below a folder, by name."""
    found = [root] if (root / HEADER).is_file() else []
    for depth in range(1, _DEEP + 1):
        found += [place.parent for place in root.glob("/".join(["*"] * depth) + f"/{HEADER}") if place.is_file()]
    return sorted(found)


def _short(root: Path, folder: Path) -> dict[str, Any]:
    name = str(folder.relative_to(root))
    try:
        store = RunStore.open(folder)
        header, videos, scores = store.header, store.read("videos", Video), _scores(store)
    except IntergenevalError as error:
        return {"run": name, "error": str(error)}
    return {"run": name, **_head(header), "seen": len(videos), "scored": len(scores), "expected": _expected(header, videos)}


def _head(header: RunHeader) -> dict[str, Any]:
    return {"model": header.model, "bench": header.bench, "created": header.created, "judge": header.comparability.judge}


def _expected(header: RunHeader, videos: list[Video]) -> int:
    seeds = len(header.seeds) or max(Counter(video.sample_id for video in videos).values(), default=1)
    return header.samples * seeds


def _scores(store: RunStore) -> list[Score]:
    return store.read("scores", Score) if (store.folder / "scores.jsonl").is_file() else []


def _whole(folder: Path) -> dict[str, Any]:
    store = RunStore.open(folder)
    scores = {(score.sample_id, score.seed): score for score in _scores(store)}
    prompts = {sample.id: sample.prompt for sample in store.read("samples", Sample)}
    texts = {(one.sample_id, one.interaction, one.question_id): one.text for one in store.read("questions", Question)}
    answers: dict[tuple[str, int], dict[tuple[int, int], Answer]] = {}
    for one in store.current_answers():
        # What is asked again only tells whether the judge says the same.
        if one.repeat == 0:
            answers.setdefault((one.sample_id, one.seed), {})[one.interaction, one.question_id] = one
    doubts: dict[tuple[str, int], list[str]] = {}
    for doubt in read_doubts(folder):
        doubts.setdefault((doubt.sample_id, doubt.seed), []).append(f"{doubt.instance_id}: {doubt.problem}")
    videos = {(video.sample_id, video.seed): video for video in store.read("videos", Video)}
    rows = []
    for key in videos:
        score = scores.get(key)
        rows.append(
            {
                "sample": key[0],
                "seed": key[1],
                "prompt": prompts.get(key[0], ""),
                "status": score.status.value if score is not None else "going on",
                "reason": score.reason if score is not None else "",
                "if": None if score is None else score.if_,
                "bounds": None if score is None or score.if_bounds is None else list(score.if_bounds),
                "doubts": doubts.get(key, []),
                "answers": [
                    {
                        "control": question == CONTROL_ID,
                        "text": texts.get((key[0], number, question), f"question {question}"),
                        "answer": one.value.value if one.value is not None else one.status.value,
                        "frame": one.frame,
                        "reason": one.reason,
                    }
                    for (number, question), one in sorted(answers.get(key, {}).items())
                ],
            }
        )
    header = store.header
    return {**_head(header), "folder": str(folder), "expected": _expected(header, list(videos.values())), "rows": rows}
