"""What is sent: the chat request for a video's open questions, and the content key of each of them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from intergeneval.ids import canonical_json, sha256_json
from intergeneval.judges import parsing
from intergeneval.judges.openai import cutting
from intergeneval.judges.openai.settings import OpenAISettings
from intergeneval.judges.prompting import JudgePrompts, label
from intergeneval.records import Consistency, Question, Sample

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one request asks about a video."""

    questions: Sequence[Question]
    """Questions; may be empty when `assess` is given."""
    assess: Consistency | None
    """Where emergence and disappearance are to be assessed; None: not at all."""
    bodies: bool = False
    """Whether frames are also to be marked that show a body or thing that cannot be; only together with `assess`."""

    @property
    def labels(self) -> list[str]:
        """Labels of the questions, in order."""
        return [label(question) for question in self.questions]

    @property
    def frames(self) -> list[int]:
        """Frames to assess."""
        return list(self.assess.frames) if self.assess is not None else []


class Composer:
    """Writes the requests about one video: rules, then its pictures, then what is asked, so that servers share the prefix."""

    def __init__(self, settings: OpenAISettings, prompts: JudgePrompts, sample: Sample, jpegs: Mapping[int, bytes]) -> None:
        self._settings = settings
        self._prompts = prompts
        self._sample = sample
        self._jpegs = dict(sorted(jpegs.items()))
        self._rules = {"role": "system", "content": prompts.render("system", {})}
        self._labels = {index: {"type": "text", "text": prompts.render("frame", {"index": index})} for index in self._jpegs}
        self._digests = {index: hashlib.sha256(content).hexdigest() for index, content in self._jpegs.items()}
        self._keys: dict[tuple[str, str, int, bool, bool], str] = {}

    @property
    def sample(self) -> Sample:
        """The sample."""
        return self._sample

    @property
    def frames(self) -> list[int]:
        """Frames that are shown."""
        return list(self._jpegs)

    def text(self, asked: Asked) -> str:
        """Return the question part of a request."""
        return self._prompts.ask(self._sample, asked.questions, asked.assess, bodies=asked.bodies)

    def messages(self, asked: Asked, *, digests: bool = False) -> list[Message]:
        """Return the messages; with `digests` each picture stands for itself by its hash."""
        content: list[Message] = []
        for index, jpeg in self._jpegs.items():
            url = self._digests[index] if digests else "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
            content.append(self._labels[index])
            content.append({"type": "image_url", "image_url": {"url": url}})
        content.append({"type": "text", "text": self.text(asked)})
        return [self._rules, {"role": "user", "content": content}]

    def payload(self, messages: Sequence[Message], asked: Asked, *, json_schema: bool, room: bool = False) -> dict[str, Any]:
        """Return the request with all its settings; with `room` its reply may be longer than they say."""
        ids = [item.id for item in self._sample.instances]
        shape = parsing.schema(asked.labels, list(self._jpegs), asked.frames, ids, bodies=asked.bodies)
        return payload(self._settings, messages, shape if json_schema else None, room=room)

    def keys(self, asked: Asked, served: str, repeat: int, *, json_schema: bool) -> dict[str, str]:
        """Return the content key of every question by its label, and of the assessment under an empty label.

        The key of a part is the hash of the request that would ask for it alone, so it does not move with what else is open.
        """
        parts = [Asked(questions=[question], assess=None) for question in asked.questions]
        names = asked.labels
        if asked.assess is not None:
            parts.append(Asked(questions=[], assess=asked.assess, bodies=asked.bodies))
            names = [*names, ""]
        found = {}
        for name, part in zip(names, parts, strict=True):
            known = (name, served, repeat, json_schema, part.bodies)
            if known not in self._keys:
                request = self.payload(self.messages(part, digests=True), part, json_schema=json_schema)
                self._keys[known] = content_key(self._settings, request, served, repeat)
            found[name] = self._keys[known]
        return found


def payload(
    settings: OpenAISettings, messages: Sequence[Message], shape: Mapping[str, Any] | None, *, room: bool = False
) -> dict[str, Any]:
    """Return a request; `shape` is the JSON schema its reply is held to, None for none; `room` lets it be longer than is set."""
    parameters = cutting.roomier(settings.parameters) if room else settings.parameters
    request: dict[str, Any] = {"model": settings.model, "messages": list(messages), **parameters}
    if shape is not None:
        schema = {"name": "reply", "strict": True, "schema": shape}
        request["response_format"] = {"type": "json_schema", "json_schema": schema}
    return request


def content_key(settings: OpenAISettings, request: Mapping[str, Any], served: str, repeat: int) -> str:
    """Return the cache key of a request, whose pictures stand by hashes, to a host and port that serve revision `served`."""
    judge = {"judge": f"openai:{settings.model}", "revision": settings.revision, "served": served}
    return sha256_json({**judge, "host": settings.place, "repeat": repeat, "request": request})


def part_key(key: str) -> str:
    """Return the cache key of what is known of some of the frames, from the key of what is asked about all."""
    return sha256_json({"part of": key})


def body(request: Mapping[str, Any]) -> bytes:
    """Return a request as it is sent."""
    return canonical_json(request).encode("utf-8", "replace")
