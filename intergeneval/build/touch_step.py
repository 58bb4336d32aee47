"""Fifth step: a model that is shown the first frame says of each interaction whether its two sides touch there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from intergeneval import videos
from intergeneval.build.acts import Act, corrected, gone_from, scene_hash, staying
from intergeneval.build.config import BuildConfig
from intergeneval.build.folder import BuildFolder
from intergeneval.build.pictures import boxed_jpeg
from intergeneval.build.records import Cut, Drop, Scene, Touch, Touched
from intergeneval.build.segment_step import FIRST
from intergeneval.build.source import Item
from intergeneval.build.standing import standing
from intergeneval.errors import IntergenevalError, MediaError
from intergeneval.ids import sha256_file, sha256_json
from intergeneval.judges.inquiries import Found, Inquires, InquiryError
from intergeneval.judges.prompting import Prompts
from intergeneval.judges.touching import Pair, touching_inquiry
from intergeneval.masks import box, decode
from intergeneval.records import Interaction, TouchingAtStart
from intergeneval.run.attempt import Failure, attempt

_WAY_OUT = "the same command asks again; or say it on the review page, or set touching = false"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What there is to ask about a first frame."""

    pairs: tuple[Pair, ...]
    """Whom and what; at least one pair."""
    about: str
    """Hash of the picture, the masks and the pairs."""
    settled: bool
    """Whether a person has said it of every pair."""


def asked_of(folder: BuildFolder, item: Item, config: BuildConfig) -> Asked | None:
    """Return what there is to ask about an item's first frame; None where there is none, and where the list says it all."""
    scene, cut, now = folder.latest(Scene, item.id), folder.latest(Cut, item.id), standing(folder.decided(item.id))
    first = folder.out / FIRST / f"{item.id}.png"
    if config.text_only or scene is None or cut is None or cut.status != "ok" or now.dropped is not None or not first.is_file():
        return None
    gone = gone_from(item, scene, folder, config, now)
    if isinstance(gone, Drop):
        return None
    looks = {one.id: one for one in scene.instances}
    pairs = []
    for act in staying(item, scene, config, gone, now)[0]:
        one, given = act.interaction, scene.interactions[act.index].touching_at_start
        if given is TouchingAtStart.UNKNOWN and one.subject is not None and one.object is not None:
            pairs.append(Pair(interaction=act.index, first=looks[one.instrument or one.subject], second=looks[one.object]))
    if not pairs:
        return None
    shown = [[pair.interaction, *([one.to_json(), cut.masks[one.id]] for one in (pair.first, pair.second))] for pair in pairs]
    said = _said_by_a_person(folder, item, scene)
    return Asked(
        pairs=tuple(pairs),
        about=sha256_json([sha256_file(first), shown]),
        settled=all(pair.interaction in said for pair in pairs),
    )


def seen_by_a_model(folder: BuildFolder, item: Item, config: BuildConfig) -> dict[int, TouchingAtStart]:
    """Return what a model said of an item's first frame as it is now, by the interaction's index in its scene."""
    line, asked, scene = folder.latest(Touch, item.id), asked_of(folder, item, config), folder.latest(Scene, item.id)
    if line is None or line.status != "ok" or asked is None or scene is None or line.about != asked.about:
        return {}
    person = _said_by_a_person(folder, item, scene)
    return {one.interaction: one.touching for one in line.said if one.interaction not in person}


def acts_now(folder: BuildFolder, item: Item, config: BuildConfig) -> tuple[Interaction, ...]:
    """Return all interactions of an item's scene as a person sees and corrects them, those that are left out among them."""
    scene = folder.latest(Scene, item.id)
    if scene is None:
        return ()
    seen = seen_by_a_model(folder, item, config)
    acts = corrected(scene, standing(folder.decided(item.id)))
    return tuple(replace(act, touching_at_start=seen.get(index, act.touching_at_start)) for index, act in enumerate(acts))


def with_touching(acts: Sequence[Act], seen: Mapping[int, TouchingAtStart]) -> list[Act]:
    """Return interactions that stay, with what a model saw."""
    return [
        replace(act, interaction=replace(act.interaction, touching_at_start=seen[act.index])) if act.index in seen else act
        for act in acts
    ]


def _said_by_a_person(folder: BuildFolder, item: Item, scene: Scene) -> set[int]:
    now, about = standing(folder.decided(item.id)), scene_hash(scene)
    return {index for (of, index), fields in now.fields.items() if of == about and "touching_at_start" in fields}


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchStep:
    """Has first frames looked at."""

    folder: BuildFolder
    """Where lines go."""
    config: BuildConfig
    """Settings."""
    judge: Inquires
    """Who looks."""
    prompts: Prompts
    """Words to ask with."""

    def _wanted(self, asked: Asked) -> str:
        return sha256_json([asked.about, self.judge.inquirer, self.prompts.hash])

    def open(self, item: Item) -> bool:
        """Whether an item's line is still to be made."""
        asked = asked_of(self.folder, item, self.config)
        return asked is not None and not asked.settled and self.folder.line(Touch, item.id, self._wanted(asked)) is None

    def waiting(self, item: Item) -> str:
        """Return why an item cannot go into the benchmark yet; empty where nothing is to be waited for."""
        if not self.open(item):
            return ""
        found = self.folder.latest(Touch, item.id)
        return (
            found.reason if found is not None and found.status != "ok" else "its first frame was not looked at yet; " + _WAY_OUT
        )

    def make(self, item: Item) -> None:
        """Ask and append an item's line. Raises BudgetError when the cost limit lets nothing be asked."""
        asked = asked_of(self.folder, item, self.config)
        assert asked is not None
        blank = Touch(sample_id=item.id, input=self._wanted(asked), about=asked.about, by=self.judge.id, status="failed")
        try:
            found = attempt(lambda: self._inquired(item, asked), passing=(IntergenevalError,))
        except MediaError as error:
            made = replace(blank, reason=f"its first frame cannot be shown: {error}")
        except InquiryError as error:
            reason = f"{self.judge.id} gave no usable answer on what touches in the first frame: {error}; {_WAY_OUT}"
            made = replace(blank, reason=reason, usage={**error.usage, "kind": error.kind})
        else:
            if isinstance(found, Failure):
                reason = f"{self.judge.id} broke over the first frame: {found}; {_WAY_OUT}"
                made = replace(blank, reason=reason, usage={"kind": found.kind})
            else:
                said = tuple(
                    Touched(interaction=one["pair"], touching=TouchingAtStart(one["touching"]), reason=one["reason"])
                    for one in found.value
                )
                made = replace(blank, status="ok", said=said, usage=found.usage)
        self.folder.add(made)

    def _inquired(self, item: Item, asked: Asked) -> Found:
        cut = self.folder.latest(Cut, item.id)
        assert cut is not None
        shown = {one.id: one for pair in asked.pairs for one in (pair.first, pair.second)}
        boxes = {name: box(decode(cut.masks[name], cut.size)) for name in shown}
        frame = videos.read_picture(self.folder.out / FIRST / f"{item.id}.png")
        jpeg = boxed_jpeg(frame, boxes, {name: one.colour for name, one in shown.items()})
        return self.judge.inquire(touching_inquiry(self.prompts, jpeg, asked.pairs))
