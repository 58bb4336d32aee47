"""First step: from a prompt to its instances and interactions, by a model or by the user's own list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from intergeneval.build.folder import BuildFolder
from intergeneval.build.records import Scene
from intergeneval.build.source import Item
from intergeneval.build.standing import standing
from intergeneval.errors import IntergenevalError
from intergeneval.ids import sha256_json
from intergeneval.judges.inquiries import Inquires, InquiryError
from intergeneval.judges.prompting import SCENES_BEFORE, Prompts
from intergeneval.judges.scenes import scene_inquiry
from intergeneval.records import BOX_COLOURS, Category, Direction, Instance, Interaction, Part, Relation
from intergeneval.run.attempt import Failure, attempt
from intergeneval.verbs.prompts import REVISION, read_prompt

GIVEN = "given"
RULES = "rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseStep:
    """Reads prompts."""

    folder: BuildFolder
    """Where lines go."""
    judge: Inquires | None
    """Who reads prompts; None: the rules of `intergeneval.verbs.prompts`, where a row does not bring its own instances."""
    prompts: Prompts
    """Words to ask with."""

    def wanted(self, item: Item) -> str:
        """Return the hash of what the line of an item is made from."""
        return self._accepted(item)[0]

    def _accepted(self, item: Item) -> tuple[str, ...]:
        """Return the hash of what the line of an item is made from, and those of lines of earlier versions that stand."""
        if item.row.instances is not None:
            instances = [instance.to_json() for instance in item.row.scene_instances()]
            return (sha256_json([GIVEN, instances, [act.to_json() for act in item.row.interactions or ()]]),)
        if self.judge is None:
            return (sha256_json([RULES, REVISION, item.row.prompt]),)
        prompt, inquirer, note = item.row.prompt, self.judge.inquirer, self._note(item)
        # Our own words of before asked less, which is no reason to ask again; the user's own, when they change, are.
        words = (self.prompts.hash, *(() if self.prompts.replaced else SCENES_BEFORE))
        return tuple(sha256_json([prompt, inquirer, one, note]) for one in words)

    def _note(self, item: Item) -> str:
        return standing(self.folder.decided(item.id)).note

    def open(self, item: Item) -> bool:
        """Whether an item's line is still to be made."""
        return all(self.folder.line(Scene, item.id, one) is None for one in self._accepted(item))

    def outdated(self, item: Item) -> bool:
        """Whether an item's line was made from something else than what it would be made from now."""
        found = self.folder.latest(Scene, item.id)
        return found is not None and found.input not in self._accepted(item)

    def make(self, item: Item) -> None:
        """Make and append an item's line. Raises BudgetError when the cost limit lets nothing be asked."""
        wanted = self.wanted(item)
        if item.row.instances is not None:
            made = Scene(
                sample_id=item.id,
                input=wanted,
                by=GIVEN,
                instances=item.row.scene_instances(),
                interactions=item.row.interactions or (),
            )
        elif self.judge is None:
            made = by_rules(item.id, wanted, item.row.prompt)
        else:
            made = ask_scene(self.judge, self.prompts, item.row.prompt, self._note(item), sample_id=item.id, wanted=wanted)
        self.folder.add(made)


def ask_scene(judge: Inquires, prompts: Prompts, prompt: str, note: str = "", *, sample_id: str, wanted: str) -> Scene:
    """Return the line for what a model reads in a prompt; failed, with the reason, where it gives nothing that can be used.

    `note` is what a reviewer remarked. Raises BudgetError when the cost limit lets nothing be asked, RefusedError when the server
    does.
    """
    inquiry = scene_inquiry(prompts, prompt, note)
    try:
        found = attempt(lambda: judge.inquire(inquiry), passing=(IntergenevalError,))
    except InquiryError as error:
        reason, usage = f"{judge.id} gave no usable reading of the prompt: {error}", {**error.usage, "kind": error.kind}
    else:
        if not isinstance(found, Failure):
            return scene_of(sample_id, wanted, judge.id, found.value, found.usage)
        reason, usage = f"{judge.id} broke: {found}", {"kind": found.kind}
    return Scene(sample_id=sample_id, input=wanted, by=judge.id, status="failed", reason=reason, usage=usage)


def scene_of(sample_id: str, wanted: str, by: str, value: Any, usage: Any) -> Scene:
    """Return the line for what a model read in a prompt, as `intergeneval.judges.scenes` hands it over."""
    return Scene(
        sample_id=sample_id,
        input=wanted,
        by=by,
        instances=tuple(
            Instance(id=item["id"], class_=item["class"], appearance=item["appearance"], colour=BOX_COLOURS[index])
            for index, item in enumerate(value["instances"])
        ),
        interactions=tuple(
            Interaction(
                subject=item["subject"],
                verb=item["verb"],
                object=item["object"],
                category=Category(item["category"]),
                direction=Direction(item["direction"]),
                instrument=item["instrument"],
                destination=item["destination"],
                relation=None if item["relation"] is None else Relation(item["relation"]),
                after=item["after"],
                alternatives=tuple(item["alternatives"]),
                part=None if item["part"] is None else Part(item["part"]),
            )
            for item in value["interactions"]
        ),
        ratings=tuple((item["contact"], item["dynamism"]) for item in value["interactions"]),
        usage=usage,
    )


def by_rules(sample_id: str, wanted: str, prompt: str) -> Scene:
    """Return the line for what the rules read in a prompt; failed, with what they could not read, where that is nothing."""
    found = read_prompt(prompt)
    if found.interactions:
        return Scene(
            sample_id=sample_id, input=wanted, by=RULES, instances=found.instances, interactions=found.interactions,
            reason="; ".join(found.unread),
        )  # fmt: skip
    reason = f"no interaction could be read by rules ({'; '.join(found.unread)}): give --judge openai:MODEL, or write it down"
    return Scene(sample_id=sample_id, input=wanted, by=RULES, status="failed", reason=reason)


def reader_of(judge: object) -> Inquires | None:
    """Return the judge as one that can be asked about prompts; None where there is none, and the rules read them."""
    return judge if isinstance(judge, Inquires) else None
