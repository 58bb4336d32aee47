"""What a person says of interactions: read strictly, one decision at a time, and then all that is said of a sample together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from intergeneval.bench.fields import FIELDS, field_faults
from intergeneval.build.acts import corrected, scene_hash, with_fields
from intergeneval.build.config import BuildConfig
from intergeneval.build.folder import BuildFolder
from intergeneval.build.records import Decision, Scene
from intergeneval.build.source import Item
from intergeneval.build.standing import standing
from intergeneval.build.touch_step import acts_now
from intergeneval.errors import RecordError
from intergeneval.records import Sample, TouchingAtStart


@dataclass(frozen=True, slots=True, kw_only=True)
class ActReading:
    """Reads decisions on interactions against what a build holds."""

    folder: BuildFolder
    """The build."""
    items: Mapping[str, Item]
    """Its prompts, by sample id."""
    config: BuildConfig
    """Settings."""

    def decision(self, blank: Decision, index: int, fields: Mapping[str, Any] | None) -> Decision | str:
        """Return a decision on the interaction of that index, or why it cannot be carried out."""
        scene = self.folder.latest(Scene, blank.sample_id)
        count = 0 if scene is None else len(scene.interactions)
        if scene is None or not 0 <= index < count:
            return f"there is no interaction {index}; there {'is' if count == 1 else 'are'} {count}, counted from 0"
        made = replace(blank, interaction=index, about=scene_hash(scene))
        return made if blank.decision == "drop" else self._with_fields(made, index, fields or {})

    def _with_fields(self, made: Decision, index: int, fields: Mapping[str, Any]) -> Decision | str:
        if strange := sorted(set(fields) - set(FIELDS)):
            return f"no field is called {strange[0]!r}; an interaction may have {', '.join(FIELDS)}"
        now = acts_now(self.folder, self.items[made.sample_id], self.config)[index]
        try:
            wanted = with_fields(now, fields)
        except RecordError as error:
            return str(error)
        changed = [name for name in FIELDS if getattr(wanted, name) != getattr(now, name)]
        if made.decision == "keep":
            # Nobody may have looked at the first frame when the line was written; to keep the unknown is no contradiction.
            unseen = wanted.touching_at_start is TouchingAtStart.UNKNOWN
            said = [name for name in changed if not (unseen and name == "touching_at_start")]
            return f"{said[0]} is not what stands, and the decision is keep; write fix to change it" if said else made
        if not fields:
            return f"an interaction to fix needs fields, such as {FIELDS[0]}; write those that are to be different"
        if wanted.twin_of is not None and "twin_of" in changed and wanted.twin_of not in self.items:
            return f"twin_of: the build has no sample {wanted.twin_of!r}; write the id of a sample of this build, or null"
        # What stays as it is stays open to whoever knows better later.
        plain = wanted.to_json()
        return replace(made, fields={name: plain.get(name) for name in FIELDS if name in changed})

    def together(self, found: Sequence[Decision]) -> Iterator[tuple[int, str]]:
        """Yield (index of a decision, what is wrong) of fields that do not fit each other; `found` are all of a review."""
        for sample_id in dict.fromkeys(item.sample_id for item in found if item.fields is not None):
            scene = self.folder.latest(Scene, sample_id)
            assert scene is not None
            own = [item for item in found if item.sample_id == sample_id]
            now = standing([*self.folder.decided(sample_id), *own])
            sample = Sample(id=sample_id, prompt="", instances=scene.instances, interactions=corrected(scene, now))
            said = {item.interaction: index for index, item in enumerate(found) if item.fields is not None and item in own}
            for field, problem, fix in field_faults(sample):
                number, _, name = field.removeprefix("interactions[").partition("].")
                # A circle is found at every interaction of it, also at those that nobody spoke of.
                yield said.get(int(number), next(iter(said.values()))), f"{name}: {problem}; {fix}"
