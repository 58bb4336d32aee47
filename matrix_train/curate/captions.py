"""What happens in a clip: its caption, the interactions in it, those that are kept, and how the caption words those in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from intergeneval.build.acts import needed_by, staying
from intergeneval.build.config import BuildConfig
from intergeneval.build.parse_step import GIVEN, RULES, ask_scene, by_rules
from intergeneval.build.records import Scene
from intergeneval.build.rows import Row
from intergeneval.build.source import Item
from intergeneval.build.standing import Standing
from intergeneval.errors import BackendError
from intergeneval.judges.captions import caption_inquiry, words_inquiry
from intergeneval.judges.inquiries import Inquires
from intergeneval.judges.prompting import Prompts
from intergeneval.judges.scenes import MOST
from intergeneval.records import Instance, Sample
from intergeneval.verbs.prompts import REVISION
from intergeneval.videos import Reader, encode_jpeg
from matrix_train.curate.config import CaptionsConfig, ScenesConfig
from matrix_train.curate.records import Entry, Known
from matrix_train.curate.sources import instances_of
from matrix_train.curate.stage import Made, Stage, Task
from matrix_train.phrases import noun_span

_PLACE = re.compile(
    r"\s*,?\s*((?:(?:standing|sitting|lying|waiting)\s+)?"
    r"(?:on the (?:left|right)|in the (?:middle|cent(?:er|re)|background|foreground|corner)|"
    r"at the (?:front|back|top|bottom|left|right|edge)|to the (?:left|right) of|"
    r"next to|beside|behind|in front of|between|near)\b[^.,;:]*)",
    re.IGNORECASE,
)
"""Words that say where somebody or something is, right behind those that name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionsStage(Stage):
    """Takes the caption that a clip comes with, or asks for one."""

    name: ClassVar[str] = "captions"
    out: Path
    """Folder of the curation."""
    config: CaptionsConfig
    """Settings."""
    seconds: float
    """How long a clip is."""
    judge: Inquires | None = None
    """Who is asked; None: captions are given."""
    prompts: Prompts | None = None
    """Words to ask with; there where a judge is."""
    asks: bool = False
    """Whether anybody is asked."""

    def settings(self) -> Any:
        """Return nothing: what is asked depends on the clip, and stands in what its line is made from."""
        return None

    def given(self, clip: Known) -> Mapping[str, Any]:
        """Return the caption, or the hash of the video and who is asked about it in which words."""
        told = clip.value("entry")["caption"]
        if self.judge is None or self.config.ask == "never" or (told and self.config.ask == "missing"):
            return {"caption": told}
        assert self.prompts is not None
        asked = [self.judge.inquirer, self.prompts.hash, self.config.pictures, self.seconds]
        return {"sha256": clip.value("form")["sha256"], "asked": asked}

    def beside(self, clip: Known) -> Mapping[str, Any]:
        """Return where the video lies."""
        return {"video": clip.value("form")["video"]}

    def maker(self) -> Callable[[Task], Made]:
        """Return what captions."""
        return self._made

    def _made(self, task: Task) -> Made:
        if "caption" in task.given:
            caption = str(task.given["caption"])
            reason = "it comes without a caption, and nobody is asked for one: give it one, or --judge openai:MODEL"
            return Made(value={"caption": caption, "by": GIVEN}) if caption else Made(kind="none", reason=reason)
        assert self.judge is not None and self.prompts is not None  # noqa: PT018  # both or neither
        jpegs = _jpegs(self.out / task.beside["video"], self.config.pictures)
        found = self.judge.inquire(caption_inquiry(self.prompts, jpegs, self.seconds))
        return Made(value={"caption": found.value, "by": self.judge.id})


def _jpegs(path: Path, number: int) -> list[bytes]:
    reader = Reader(path, keep=False)
    count = reader.frames
    wanted = {round(index * (count - 1) / max(1, number - 1)) for index in range(number)}
    return [encode_jpeg(frame) for index, frame in enumerate(reader) if index in wanted]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenesStage(Stage):
    """Reads who does what to whom in a caption: given, by a model, or by rules."""

    name: ClassVar[str] = "scenes"
    heavy: ClassVar[bool] = True
    judge: Inquires | None = None
    """Who is asked; None: the rules read."""
    prompts: Prompts | None = None
    """Words to ask with; there where a judge is."""
    asks: bool = False
    """Whether anybody is asked."""

    def settings(self) -> Any:
        """Return nothing: who reads stands in what a line is made from."""
        return None

    def given(self, clip: Known) -> Mapping[str, Any]:
        """Return what was given, or the caption and who reads it."""
        entry, caption = clip.value("entry"), clip.value("captions")
        if entry.get("instances") and caption["by"] == GIVEN:
            return {"instances": entry["instances"], "interactions": entry["interactions"]}
        if self.judge is None:
            return {"caption": caption["caption"], "by": [RULES, REVISION]}
        assert self.prompts is not None
        return {"caption": caption["caption"], "by": [self.judge.inquirer, self.prompts.hash]}

    def maker(self) -> Callable[[Task], Made]:
        """Return what reads."""
        return self._made

    def _made(self, task: Task) -> Made:
        scene = self._scene(task)
        if scene.status != "ok" and scene.by != RULES:
            raise BackendError(scene.reason)
        if not scene.interactions:
            told = "the caption tells of no active interaction of a living subject with a distinct target"
            return Made(kind="none", reason=scene.reason or told)
        return Made(value={"scene": replace(scene, usage={}).to_json()}, measured={"interactions": len(scene.interactions)})

    def _scene(self, task: Task) -> Scene:
        given = task.given
        if "instances" in given:
            entry = Entry.from_json({**_NOWHERE, **given})
            return Scene(
                sample_id=task.clip,
                input="",
                by=GIVEN,
                instances=instances_of(entry.instances or ()),
                interactions=entry.interactions or (),
            )
        if self.judge is None:
            return by_rules(task.clip, "", given["caption"])
        assert self.prompts is not None
        return ask_scene(self.judge, self.prompts, given["caption"], sample_id=task.clip, wanted="")


_NOWHERE: Mapping[str, Any] = {"id": "given", "place": {"path": "given"}, "stamp": []}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptStage(Stage):
    """Keeps the interactions above the limits, those who take part in them, and at most five of these."""

    name: ClassVar[str] = "kept"
    config: ScenesConfig
    """Settings."""

    def settings(self) -> Any:
        """Return the limits."""
        return self.config.to_json()

    def given(self, clip: Known) -> Mapping[str, Any]:
        """Return the scene."""
        return {"scene": clip.value("scenes")["scene"]}

    def maker(self) -> Callable[[Task], Made]:
        """Return what keeps."""
        return self._made

    def _made(self, task: Task) -> Made:
        scene = Scene.from_json(task.given["scene"])
        kept, left = staying_of(scene, {}, self.config)
        if not kept.interactions:
            return Made(kind="rated", reason=left[0], value={"left": left})
        while len(kept.instances) > MOST:
            # The last told ones go: a caption names first what it is about.
            last = kept.interactions[-1]
            left.append(f"interaction {last.verb!r}: with it the clip has more than {MOST} instances")
            kept = pruned(replace(kept, interactions=kept.interactions[:-1], ratings=kept.ratings[:-1]))
        if not kept.interactions:
            return Made(kind="many", reason=left[-1], value={"left": left})
        return Made(value={"scene": kept.to_json(), "left": left}, measured={"interactions": len(kept.interactions)})


def staying_of(scene: Scene, gone: Mapping[str, str], config: ScenesConfig) -> tuple[Scene, list[str]]:
    """Return a scene less interactions below the limits and those that need somebody who is gone, and why each went.

    `gone` is why instances are left out, by id. Whom no interaction needs goes too.
    """
    item = Item(id=scene.sample_id, row=Row(prompt=""), media=None, is_video=True)
    limits = BuildConfig(min_contact=config.min_contact, min_dynamism=config.min_dynamism)
    acts, drops = staying(item, scene, limits, gone, Standing())
    left = [f"{drop.interaction}: {drop.reason}" for drop in drops]
    kept = replace(
        scene,
        instances=tuple(one for one in scene.instances if one.id not in gone),
        interactions=tuple(act.interaction for act in acts),
        ratings=tuple(act.rating for act in acts if act.rating is not None),
    )
    return pruned(kept), left


def pruned(scene: Scene) -> Scene:
    """Return a scene less the instances that no interaction needs."""
    needed = {name for act in scene.interactions for name in needed_by(act)}
    return replace(scene, instances=tuple(one for one in scene.instances if one.id in needed))


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsStage(Stage):
    """Says of each instance how the caption names it, how it looks and where it is."""

    name: ClassVar[str] = "words"
    judge: Inquires | None = None
    """Who is asked; None: what stands in the caption."""
    prompts: Prompts | None = None
    """Words to ask with; there where a judge is."""
    asks: bool = False
    """Whether anybody is asked."""

    def settings(self) -> Any:
        """Return nothing: who is asked stands in what a line is made from."""
        return None

    def given(self, clip: Known) -> Mapping[str, Any]:
        """Return caption and instances, and who is asked."""
        scene = clip.value("kept")["scene"]
        asked = [] if self.judge is None or self.prompts is None else [self.judge.inquirer, self.prompts.hash]
        return {"caption": clip.value("captions")["caption"], "instances": scene["instances"], "by": asked}

    def maker(self) -> Callable[[Task], Made]:
        """Return what words."""
        return self._made

    def _made(self, task: Task) -> Made:
        caption = task.given["caption"]
        instances = [Instance.from_json(one) for one in task.given["instances"]]
        if self.judge is None:
            return Made(value={"words": [words_of(caption, one) for one in instances]})
        assert self.prompts is not None
        return Made(value={"words": self.judge.inquire(words_inquiry(self.prompts, caption, instances)).value})


def words_of(caption: str, instance: Instance) -> dict[str, str]:
    """Return phrase, appearance and place of an instance as far as the caption says them; empty texts where it does not."""
    spans = noun_span(caption, instance)
    phrase = caption[spans[0][0] : spans[-1][1]] if spans else ""
    behind = _PLACE.match(caption, spans[-1][1]) if spans else None
    return {"id": instance.id, "phrase": phrase, "appearance": instance.appearance, "place": behind[1].strip() if behind else ""}


def sample_of(clip: str, caption: str, scene: Scene, size: tuple[int, int] | None = None) -> Sample:
    """Return a clip as the steps of a build know it."""
    return Sample(id=clip, prompt=caption, instances=scene.instances, interactions=scene.interactions, size=size)
