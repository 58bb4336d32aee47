"""Pictures, videos and a list of prompts on disk, a model behind a real loopback server, and boxes in a file: a user's build."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import numpy as np
from click.testing import CliRunner

from intergeneval import videos
from intergeneval.cli import main
from intergeneval.records import Detection, Detections
from tests.fakes.chat_server import Asked, ChatServer, reply

SIZE = (96, 144)
BOXES = {"man": (12, 20, 42, 84), "woman": (100, 18, 130, 86), "mug": (60, 56, 80, 84)}
COLOURS = {"man": (200, 40, 40), "woman": (40, 150, 60), "mug": (40, 60, 210)}
PROMPT = "A man in a red coat lifts a blue mug."


def picture(shift: int = 0, names: tuple[str, ...] = ("man", "woman", "mug")) -> np.ndarray:
    """A grey room with coloured figures; the mug moves by `shift` pixels."""
    noise = np.random.default_rng(0).integers(-6, 6, (*SIZE, 1))
    frame = np.clip(np.full((*SIZE, 3), 120) + noise, 0, 255).astype(np.uint8)
    for name in names:
        x0, y0, x1, y1 = BOXES[name]
        move = shift if name == "mug" else 0
        texture = np.random.default_rng(1).integers(-15, 15, (y1 - y0, x1 - x0, 1))
        frame[y0:y1, x0 + move : x1 + move] = np.clip(np.array(COLOURS[name]) + texture, 0, 255)
    return frame


def write_picture(path: Path, frame: np.ndarray | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), (picture() if frame is None else frame)[:, :, ::-1])
    return path


def write_clip(path: Path, frames: int = 12) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    videos.write_video(path, (picture(index) for index in range(frames)), 8.0)
    return path


def write_list(folder: Path, rows: list[dict], name: str = "prompts.jsonl") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def found(*items: tuple[str, tuple[float, ...], float]) -> tuple[Detection, ...]:
    return tuple(Detection(class_=name, box=box, score=score) for name, box, score in items)


EVERYBODY = found(("man", BOXES["man"], 0.9), ("woman", BOXES["woman"], 0.8), ("mug", BOXES["mug"], 0.7))


def write_boxes(path: Path, boxes: dict[str, tuple[Detection, ...] | dict[int, tuple[Detection, ...]]]) -> Path:
    """A file for ``stored:``; boxes of frame 0, or by frame."""
    lines = []
    for sample_id, given in boxes.items():
        by_frame = given if isinstance(given, dict) else {0: given}
        lines.append(
            Detections(
                sample_id=sample_id, seed=0, detector="made", frames=tuple(by_frame), found=tuple(by_frame.values())
            ).to_json()
        )
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def scene(*names: str, verb: str = "lifts", source: str = "lifts a blue mug") -> dict:
    """What a model reads in a prompt: the first acts on the second."""
    looks = {"man": "man in a red coat", "woman": "woman in a green coat", "mug": "blue mug"}
    return {
        "instances": [
            {"id": f"id{number}", "class": name, "appearance": looks[name], "living": name != "mug"}
            for number, name in enumerate(names, start=1)
        ],
        "interactions": [
            {
                "subject": "id1",
                "verb": verb,
                "object": "id2",
                "category": "manipulation",
                "direction": "unidirectional",
                "contact": 5,
                "dynamism": 2,
                "instrument": None,
                "destination": None,
                "relation": None,
                "after": None,
                "alternatives": [],
                "part": None,
                "source": source,
            }
        ],
    }


def pairs_of(asked: Asked) -> list[int]:
    """The pairs that a question about touching in the first frame asks about; none where it is another question."""
    return [int(number) for number in re.findall(r"^- pair (\d+):", asked.text, re.MULTILINE)]


def touching(pairs: list[int], said: str = "no") -> str:
    return json.dumps({"pairs": [{"pair": number, "reason": "a gap", "touching": said} for number in pairs]})


class Model:
    """Reads prompts and looks at pictures: it knows what it is told, and says yes to a crop whose colour is the class's."""

    def __init__(self) -> None:
        self.scenes: dict[str, dict | str] = {PROMPT: scene("man", "mug")}
        self.refuses: set[str] = set()
        self.crops = 0
        self.looks = 0
        self.touching = "no"
        self.read = 0

    def __call__(self, asked: Asked) -> dict:
        if asked.turns > 2:
            return reply("I am sorry, I cannot do that.")
        if pairs := pairs_of(asked):
            self.looks += 1
            return reply(touching(pairs, self.touching))
        if asked.pictures:
            self.crops += 1
            return reply(json.dumps({"reason": "looked", "match": self._match(asked)}))
        self.read += 1
        prompt = re.search(r'"""\n(.*)\n"""', asked.text, re.DOTALL).group(1)
        given = self.scenes[prompt]
        return reply(given if isinstance(given, str) else json.dumps(given))

    def _match(self, asked: Asked) -> bool:
        name = re.search(r"What is meant: (.*)", asked.text).group(1)
        if name in self.refuses:
            return False
        import base64

        url = asked.request["messages"][1]["content"][0]["image_url"]["url"]
        data = np.frombuffer(base64.b64decode(url.partition(",")[2]), np.uint8)
        seen = cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1]
        height, width = seen.shape[:2]
        middle = seen[height // 3 : -height // 3, width // 3 : -width // 3].reshape(-1, 3).mean(axis=0)
        nearest = min(COLOURS, key=lambda other: float(np.abs(np.array(COLOURS[other]) - middle).sum()))
        return nearest == name


def settings(path: Path, server: ChatServer | None = None, more: str = "") -> Path:
    text = more + "\n"
    if server is not None:
        text += f'[settings.openai]\nbase_url = "{server.url}"\nattempts = 2\nbackoff = 0.01\ntimeout = 5\nconcurrency = 1\n'
    path.write_text(text)
    return path


def build(root: Path, *arguments: object, server: ChatServer | None = None, more: str = "", out: str = "bench"):
    """Run the command over ``root/source`` into ``root/<out>``, with the model where there is a server."""
    config = settings(root / "build.toml", server, more)
    judge = ("--judge", "openai:test-model") if server is not None else ()
    command = ["bench", "build", root / "source", "--out", root / out, "--config", config, "--cache", root / "cache.sqlite"]
    command.append("--accept-doubts")  # what is drawn here is discs, whatever it is called
    return CliRunner().invoke(main, [str(part) for part in (*command, *judge, *arguments)])


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]
