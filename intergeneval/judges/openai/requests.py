"""What is sent: the chat request for a video's open questions, and the content key of each of them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from intergeneval.errors import BackendError
from intergeneval.ids import canonical_json, sha256_json
from intergeneval.judges import JudgeRequest, parsing, walking
from intergeneval.judges.openai import cutting
from intergeneval.judges.openai.settings import OpenAISettings
from intergeneval.judges.prompting import Asking, JudgePrompts, label
from intergeneval.judges.walking import Look
from intergeneval.records import Question, Sample

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one request asks about a video."""

    questions: Sequence[Question]
    """Questions; may be empty when `look` is given."""
    look: Look | None
    """What is to be said of the frames; None: nothing."""
    bodies: bool = False
    """Whether a reply in the layout before must mark frames that show a body or thing that cannot be."""
    given: Mapping[int, str] = field(default_factory=dict)
    """Lines on frames that were said before."""

    @property
    def labels(self) -> list[str]:
        """Labels of the questions, in order."""
        return [label(question) for question in self.questions]

    @property
    def frames(self) -> list[int]:
        """Frames to speak of."""
        return list(self.look.frames) if self.look is not None else []

    @property
    def anything(self) -> bool:
        """Whether it asks anything at all."""
        return bool(self.questions) or self.look is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a model is shown of one video."""

    jpegs: Mapping[int, bytes]
    """Frames with outlines as JPEG files, by index."""
    plain: bytes | None = None
    """Frame 0 as it is; None: it is not at hand."""
    clip: bytes | None = None
    """The whole video with outlines, in place of the frames after frame 0; None: frames are shown."""
    seconds: Mapping[int, float] = field(default_factory=dict)
    """When each frame is shown."""
    end: float = 0.0
    """When the last frame is shown."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """What to know of an instance's outline, by id."""

    @classmethod
    def of(cls, request: JudgeRequest, jpegs: Mapping[int, bytes], plain: bytes | None) -> Shown:
        """Return what is shown of the video of a request."""
        last = max(request.video.frames - 1, *jpegs, 0)
        return cls(
            jpegs=dict(sorted(jpegs.items())),
            plain=plain,
            clip=request.clip,
            seconds={index: request.second(index) for index in jpegs},
            end=request.second(last),
            notes=request.unmarked(),
        )

    def only(self, frames: Sequence[int]) -> Shown:
        """Return the same with these frames alone."""
        return replace(self, jpegs={index: content for index, content in self.jpegs.items() if index in frames})

    @property
    def pictures(self) -> int:
        """Number of pictures."""
        return (1 if self.clip is not None else len(self.jpegs)) + (self.plain is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A server as far as it is known: whose answers are kept under other keys than those of another."""

    place: str
    """Host, and port where it is not the scheme's own."""
    served: str
    """Revision of the model, in the server's words; empty where it named none yet."""
    json_schema: bool
    """Whether its replies are held to a schema."""


class Composer:
    """Writes the requests about one video: rules, then its pictures, then what is asked, so that servers share the prefix."""

    def __init__(
        self, settings: OpenAISettings, prompts: JudgePrompts, sample: Sample, shown: Shown, frames: Sequence[int] = ()
    ) -> None:
        """`frames` are those an answer may name, where they are more than are shown here."""
        self._settings = settings
        self._prompts = prompts
        self._sample = sample
        self.shown = shown
        self._frames = list(frames) or list(shown.jpegs)
        self._rules = {"role": "system", "content": prompts.render("system", {})}
        self._digests: dict[bytes, str] = {}
        self._prefix: tuple[Message, ...] = ()
        self._keys: dict[tuple[str, Known, int, bool, Look | None], str] = {}

    @property
    def sample(self) -> Sample:
        """The sample."""
        return self._sample

    @property
    def frames(self) -> list[int]:
        """Frames that an answer may name."""
        return self._frames

    def text(self, asked: Asked, *, named_only: bool = False) -> str:
        """Return the question part of a request; with `named_only` it introduces nobody whom the questions do not name."""
        how = Asking(given=asked.given, notes=self.shown.notes, named_only=named_only, bodies=asked.bodies)
        return self._prompts.ask(self._sample, asked.questions, asked.look, how)

    def messages(self, asked: Asked, *, digests: bool = False) -> list[Message]:
        """Return the messages; with `digests` each picture stands for itself by its hash, and only who is named is introduced."""
        # Every key of a video holds its pictures by hash; they are put together once.
        if digests and not self._prefix:
            self._prefix = tuple(self._pictures(digests=True))
        content = list(self._prefix) if digests else self._pictures(digests=False)
        content.append({"type": "text", "text": self.text(asked, named_only=digests and asked.look is None)})
        return [self._rules, {"role": "user", "content": content}]

    def _pictures(self, *, digests: bool) -> list[Message]:
        """Return what stands before the questions: each picture after its label."""
        content: list[Message] = []
        shown, first = self.shown, min(self.shown.jpegs, default=0)
        if shown.plain is not None:
            content += [self._label(first, plain=True), self._picture(shown.plain, digests)]
        for index, jpeg in shown.jpegs.items():
            content.append(self._label(index))
            if index == first or shown.clip is None:
                content.append(self._picture(jpeg, digests))
        if shown.clip is not None:
            url = self._url(shown.clip, "video/mp4", digests)
            content.append({"type": "video_url", "video_url": {"url": url}})
        return content

    def _label(self, index: int, *, plain: bool = False) -> Message:
        second = self.shown.seconds.get(index, 0.0)
        values = {"index": index, "seconds": f"{second:.1f}", "end": f"{self.shown.end:.1f}", "plain": plain}
        return {"type": "text", "text": self._prompts.render("frame", values)}

    def _picture(self, jpeg: bytes, digests: bool) -> Message:
        url = self._url(jpeg, "image/jpeg", digests)
        detail = {"detail": self._settings.detail} if self._settings.detail else {}
        return {"type": "image_url", "image_url": {"url": url, **detail}}

    def _url(self, content: bytes, kind: str, digests: bool) -> str:
        if not digests:
            return f"data:{kind};base64," + base64.b64encode(content).decode("ascii")
        if content not in self._digests:
            self._digests[content] = hashlib.sha256(content).hexdigest()
        return self._digests[content]

    def payload(self, messages: Sequence[Message], asked: Asked, *, json_schema: bool, room: bool = False) -> dict[str, Any]:
        """Return the request with all its settings; with `room` its reply may be longer than they say."""
        shape = self._schema(asked) if json_schema else None
        return payload(self._settings, messages, shape, room=room)

    def _schema(self, asked: Asked) -> Mapping[str, Any]:
        if self._prompts.walks:
            return walking.schema(asked.labels, asked.look)
        ids = [item.id for item in self._sample.instances]
        return parsing.schema(asked.labels, self.frames, asked.frames, ids, bodies=asked.bodies)

    def keys(self, asked: Asked, server: Known, repeat: int) -> dict[str, str]:
        """Return the content key of every question to a server by its label, and of what is said of the frames under no label.

        The key of a part is the hash of the request that would ask for it alone, so it does not move with what else is open.
        """
        parts = [Asked(questions=[question], look=None) for question in asked.questions]
        names = asked.labels
        if asked.look is not None:
            parts.append(Asked(questions=[], look=asked.look, bodies=asked.bodies))
            names = [*names, ""]
        found = {}
        for name, part in zip(names, parts, strict=True):
            known = (name, server, repeat, part.bodies, part.look)
            if known not in self._keys:
                request = self.payload(self.messages(part, digests=True), part, json_schema=server.json_schema)
                # How the frames are gone through bears on the answers, so its words count for them too.
                words = {"words": self._prompts.hash} if self._prompts.walks else {}
                self._keys[known] = content_key(self._settings, {**request, **words}, server, repeat)
            found[name] = self._keys[known]
        return found

    def seen_keys(self, asked: Asked, server: Known, repeat: int) -> list[str]:
        """Return the content keys under which what is asked of the frames may be known.

        A run that has what emerged and is missing on record asks for the walk alone, which was told with that.
        """
        looks = [] if asked.look is None else [asked.look, asked.look.fuller]
        parts = [Asked(questions=[], look=look, bodies=asked.bodies) for look in looks if look is not None]
        return [self.keys(part, server, repeat)[""] for part in parts]


def payload(
    settings: OpenAISettings, messages: Sequence[Message], shape: Mapping[str, Any] | None, *, room: bool = False
) -> dict[str, Any]:
    """Return a request; `shape` is the JSON schema its reply is held to, None for none; `room` lets it be longer than is set."""
    parameters = cutting.roomier(settings.parameters) if room else settings.parameters
    # Equal settings give equal bytes, in whatever order a file holds them.
    plain = json.loads(canonical_json(dict(parameters)))
    request: dict[str, Any] = {"model": settings.model, "messages": list(messages), **plain}
    if shape is not None:
        schema = {"name": "reply", "strict": True, "schema": shape}
        request["response_format"] = {"type": "json_schema", "json_schema": schema}
    return request


def content_key(settings: OpenAISettings, request: Mapping[str, Any], server: Known, repeat: int) -> str:
    """Return the cache key of a request, whose pictures stand by hashes, to a server."""
    judge = {"judge": f"openai:{settings.model}", "revision": settings.revision, "served": server.served}
    return sha256_json({**judge, "host": server.place, "repeat": repeat, "request": request})


def part_key(key: str) -> str:
    """Return the cache key of what is known of some of the frames, from the key of what is asked about all."""
    return sha256_json({"part of": key})


def body(request: Mapping[str, Any]) -> bytes:
    """Return a request as it is sent: in the order in which it was put together.

    A server that holds a model to a schema has it write the fields in that order, so a reason stands before its answer. Only
    keys of the cache are made of the canonical form. Raises BackendError for a number that JSON cannot hold.
    """
    try:
        text = json.dumps(request, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise BackendError(f"a request cannot be written as JSON ({error})") from None
    return text.encode("utf-8", "replace")
