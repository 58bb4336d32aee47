"""What a judge is sent, written to disk for a reader, and the reader's replies given back to the judge.

A run over each case asks a loopback server as it would ask any other. To write, the server keeps each request; to read, it
answers a request by its bytes with what the reader wrote. So what is read and scored is what any model would have brought.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intergeneval.config import RunConfig
from intergeneval.exam.grading import GradedVideo, grade_run
from intergeneval.ids import canonical_json
from intergeneval.run.run import Run
from intergeneval.store import RunStore
from tests.fakes.chat_server import Asked, ChatServer, Fault, good, reply

README = """# {count} requests

Each folder holds one request about one short video, as a model is sent it:

- `request.txt`: all words, in order; `[picture-01.jpg]` stands where that picture stands in the request
- `picture-NN.jpg`: the pictures
- `schema.json`: the JSON schema to which a reply is held

Look at the pictures of a folder in their order, do what `request.txt` says, and write the one JSON object into `reply.json`
in the same folder. Judge each folder by itself. If a folder holds `request-2.txt` later on, answer that into `reply-2.json`.
"""
KEPT = ("run.json", "samples.jsonl", "questions.jsonl", "videos.jsonl", "answers.jsonl", "consistency.jsonl")
"""Files of a run folder that `replay:` needs, and those that say what they are about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Videos of one model."""

    model: str
    bench: str
    samples: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of its run folder."""
        return Path(self.model.removeprefix("staged:")).name


def cases_of(path: Path) -> list[Case]:
    """Read a file of lines with ``sample_id`` and ``policy``, or ``model`` and ``bench``; videos of one model come together."""
    found: dict[tuple[str, str], list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        model = row["model"] if "model" in row else f"staged:{row['policy']}"
        found.setdefault((model, row.get("bench", "staged")), []).append(row["sample_id"])
    return [Case(model=model, bench=bench, samples=tuple(names)) for (model, bench), names in found.items()]


def parts_of(request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return text and pictures of a request in order, the rules first."""
    found: list[Mapping[str, Any]] = []
    for message in request["messages"]:
        content = message["content"]
        found += [{"type": "text", "text": content}] if isinstance(content, str) else content
    return found


def size_of(request: Mapping[str, Any]) -> dict[str, int]:
    """Return characters of text, of the schema as it is sent, and the number of pictures."""
    parts = parts_of(request)
    schema = request.get("response_format")
    return {
        "text": sum(len(part["text"]) for part in parts if part["type"] == "text"),
        "schema": len(json.dumps(schema, separators=(",", ":"), ensure_ascii=False)) if schema else 0,
        "pictures": sum(part["type"] == "image_url" for part in parts),
    }


def write(cases: Iterable[Case], folder: Path, seed: int = 17, **settings: Any) -> list[dict[str, Any]]:
    """Write one folder a video, in an order drawn from `seed`; return what was sent. Nothing in them tells who made a video."""
    sent: list[dict[str, Any]] = []

    def keep(asked: Asked) -> dict[str, Any]:
        sent.append(asked.request)
        return reply(good(asked))

    with tempfile.TemporaryDirectory() as runs, ChatServer(keep) as server:
        for case in cases:
            _run(case, server.url, Path(runs) / case.name, settings)
    random.Random(seed).shuffle(sent)
    folder.mkdir(parents=True)
    (folder / "README.md").write_text(README.format(count=len(sent)), encoding="utf-8")
    for number, request in enumerate(sent, start=1):
        place = folder / f"{number:02d}"
        place.mkdir()
        _write_request(place, request)
        (place / "request.sha256").write_text(_hash(request) + "\n", encoding="utf-8")
    return sent


def _write_request(place: Path, request: Mapping[str, Any]) -> None:
    lines, count = [], 0
    for part in parts_of(request):
        if part["type"] == "text":
            lines.append(part["text"])
            continue
        count += 1
        name = f"picture-{count:02d}.jpg"
        (place / name).write_bytes(base64.b64decode(part["image_url"]["url"].partition(",")[2]))
        lines.append(f"[{name}]")
    (place / "request.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    schema = request["response_format"]["json_schema"]["schema"]
    (place / "schema.json").write_text(json.dumps(schema, indent=1) + "\n", encoding="utf-8")


def read(cases: Iterable[Case], folder: Path, out: Path, **settings: Any) -> tuple[list[RunStore], list[str]]:
    """Run the cases with the reader's replies into a folder each; return the run folders, and what the reader still owes."""
    known = {(place / "request.sha256").read_text(encoding="utf-8").strip(): place for place in sorted(folder.glob("[0-9]*"))}
    owed: list[str] = []

    def answer(asked: Asked) -> dict[str, Any] | Fault:
        first = {**asked.request, "messages": asked.request["messages"][:2]}
        second = len(asked.request["messages"]) > 2
        # A second turn holds its reply to a schema of its own; rules, pictures and first words tell whose it is.
        place = next((known[key] for key in known if key in (_hash(asked.request), _hash(first))), None)
        place = place or next((item for item in known.values() if _begins(item, first)), None)
        if place is None:
            owed.append("a request that no folder has: the folders were written by another version")
            return Fault(status=500)
        path = place / ("reply-2.json" if second else "reply.json")
        if not path.is_file():
            if second:
                words = asked.request["messages"][-1]["content"]
                (place / "request-2.txt").write_text(f"{words}\n", encoding="utf-8")
            owed.append(f"{path} is not there" + (f": answer {place / 'request-2.txt'}" if second else ""))
            return Fault(status=500)
        return reply(path.read_text(encoding="utf-8"))

    stores = []
    with ChatServer(answer) as server:
        for case in cases:
            target = out / case.name
            if target.exists():
                shutil.rmtree(target)
            stores.append(_run(case, server.url, target, settings))
    return stores, owed


def _begins(place: Path, request: Mapping[str, Any]) -> bool:
    words = "\n".join(part["text"] for part in parts_of(request) if part["type"] == "text")
    kept = (place / "request.txt").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in kept if not line.startswith("[picture-")) == words.rstrip("\n")


def grade(stores: Sequence[RunStore]) -> dict[str, Any]:
    """Hold staged runs against their truth: right answers, right frame statements, and every error."""
    videos: list[tuple[str, GradedVideo]] = []
    for store in stores:
        videos += [(store.folder.name, item) for item in grade_run(store, store.folder.name, "sampled")]
    # A control must be no and counts for nothing.
    given = [(name, video, item) for name, video in videos for item in video.answers if 1 <= item.question_id <= 10]
    controls = [item for _, video in videos for item in video.answers if not 1 <= item.question_id <= 10]
    wrong = [(name, video, item) for name, video, item in given if not item.right]
    statements = [
        (name, video.sample_id, kind, frame, pair)
        for name, video in videos
        for kind, pairs in (("emergence", video.emergence), ("disappearance", video.disappearance))
        for frame, pair in zip(video.frames, pairs or ((None, None),) * len(video.frames), strict=True)
    ]
    return {
        "videos": len(videos),
        "answers": len(given),
        "right": len(given) - len(wrong),
        "statements": len(statements),
        "statements_right": sum(pair[0] is not None and pair[0] == pair[1] for *_, pair in statements),
        "errors_by_question": dict(sorted(Counter(item.question_id for *_, item in wrong).items())),
        "controls": len(controls),
        "controls_right": sum(bool(item.right) for item in controls),
        "errors": [
            f"{name} {video.sample_id} {item.interaction}.{item.question_id} {item.verb}: true {item.truth}, said "
            f"{item.given or item.status} at frame {item.frame}: {item.text} | {item.reason}"
            for name, video, item in wrong
        ],
        "statement_errors": [
            f"{name} {sample} {kind} in frame {frame}: true {pair[0]}, said {pair[1]}"
            for name, sample, kind, frame, pair in statements
            if pair[0] is None or pair[0] != pair[1]
        ],
    }


def keep(stores: Sequence[RunStore], folder: Path) -> None:
    """Copy what `replay:` needs of each run into a folder of its name."""
    for store in stores:
        target = folder / store.folder.name
        target.mkdir(parents=True, exist_ok=True)
        for name in KEPT:
            shutil.copyfile(store.folder / name, target / name)
        # Where the folder lay on the reader's machine is nobody's business.
        header = target / "run.json"
        content = json.loads(header.read_text(encoding="utf-8"))
        content["config"]["out"] = store.folder.name
        header.write_text(canonical_json(content) + "\n", encoding="utf-8")


def replay(cases: Iterable[Case], kept: Path, out: Path) -> list[RunStore]:
    """Run the cases again with the answers that `keep` kept."""
    stores = []
    for case in cases:
        judge = f"replay:{kept / case.name}"
        common = {"model": case.model, "bench": case.bench, "samples": case.samples, "workers": 1}
        config = RunConfig(judge=judge, consistency="judge", cache="off", out=str(out / case.name), **common)
        stores.append(Run(config).execute().store)
    return stores


def _run(case: Case, url: str, out: Path, settings: Mapping[str, Any]) -> RunStore:
    config = RunConfig(
        model=case.model,
        bench=case.bench,
        samples=case.samples,
        judge="openai:reader",
        consistency="judge",
        cache="off",
        out=str(out),
        workers=1,
        settings={"openai": {"base_url": url, "attempts": 1, "timeout": 60.0, **settings}},
    )
    return Run(config).execute().store


def _hash(request: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
