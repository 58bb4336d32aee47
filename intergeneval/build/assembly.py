"""From the lines of all steps to the samples of the benchmark, and to the list of what did not get into it, with reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from intergeneval.bench.fields import twin_faults
from intergeneval.build.acts import borne_out, gone_from, needed_by, staying
from intergeneval.build.config import BuildConfig
from intergeneval.build.doubted import doubted_masks
from intergeneval.build.folder import BuildFolder
from intergeneval.build.paint_step import lacks_picture
from intergeneval.build.records import Cut, Drop, Scene
from intergeneval.build.source import Item
from intergeneval.build.standing import standing
from intergeneval.build.touch_step import TouchStep, seen_by_a_model, with_touching
from intergeneval.records import Sample
from intergeneval.records.wording import in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """What the steps came to."""

    samples: tuple[Sample, ...]
    """The samples of the benchmark, in the order of the prompts; masks are named, hashes are still to be added."""
    drops: tuple[Drop, ...]
    """What was left out."""
    reviewed: tuple[str, ...] = ()
    """Ids of samples that a person said to keep."""

    @property
    def pending(self) -> tuple[Drop, ...]:
        """What another run may mend."""
        return tuple(drop for drop in self.drops if drop.pending)


def assemble(
    items: Sequence[Item],
    folder: BuildFolder,
    config: BuildConfig,
    outdated: frozenset[str] = frozenset(),
    touching: TouchStep | None = None,
) -> Assembled:
    """Put everything together; asks nobody.

    Samples of `outdated` ids wait for lines that fit their prompt; where first frames are looked at, all wait for `touching`.
    """
    samples, drops, reviewed = [], list[Drop](), []
    for item in items:
        if item.id in outdated and standing(folder.decided(item.id)).dropped is None:
            reason = "what was asked about it has changed; the same command asks again"
            drops.append(Drop(sample_id=item.id, step="scene", reason=reason, pending=True))
            continue
        made = _sample(item, folder, config, drops)
        if made is not None and touching is not None and (why := touching.waiting(item)):
            drops.append(Drop(sample_id=item.id, step="touching", reason=why, pending=True))
            continue
        if made is not None and (why := doubted_masks(item, made, folder, config)):
            drops.append(Drop(sample_id=item.id, step="cuts", reason=why, pending=True))
            continue
        if made is None:
            continue
        samples.append(made)
        if standing(folder.decided(item.id)).kept:
            reviewed.append(item.id)
    return Assembled(samples=_with_twins(samples, drops), drops=tuple(drops), reviewed=tuple(reviewed))


def _sample(item: Item, folder: BuildFolder, config: BuildConfig, drops: list[Drop]) -> Sample | None:
    scene, now = folder.latest(Scene, item.id), standing(folder.decided(item.id))

    def drop(step: str, reason: str, *, pending: bool = False) -> None:
        drops.append(Drop(sample_id=item.id, step=step, reason=reason, pending=pending))

    if now.dropped is not None:
        drop("review", now.dropped)
        return None
    if scene is None or scene.status != "ok":
        drop("scene", scene.reason if scene is not None else "not read yet; the same command goes on", pending=True)
        return None
    if not scene.interactions or (unpainted := lacks_picture(folder, item)):
        if scene.interactions:
            drop("painting", unpainted, pending=True)
        else:
            drop("scene", "the prompt tells of no active interaction of a living subject with a distinct target")
        return None
    gone = gone_from(item, scene, folder, config, now)
    if isinstance(gone, Drop):
        drops.append(gone)
        return None
    drops += [Drop(sample_id=item.id, instance_id=name, step=step, reason=why) for name, (step, why) in gone.items()]
    kept, left = staying(item, scene, config, gone, now)
    drops += left
    if not kept:
        drop("places" if gone else "scene", "no interaction is left")
        return None
    kept = with_touching(kept, seen_by_a_model(folder, item, config))
    kept, doubted = borne_out(item, scene, kept, folder.latest(Cut, item.id))
    drops += doubted
    acting = {name for act in kept for name in needed_by(act.interaction)}
    acted = {name for act in scene.interactions for name in needed_by(act)}
    alone = [one.id for one in scene.instances if one.id not in gone and one.id not in acting and one.id in acted]
    drops += [
        Drop(sample_id=item.id, instance_id=name, step="places", reason="no interaction is left that needs it") for name in alone
    ]
    cut = folder.latest(Cut, item.id)
    instances = [one for one in scene.instances if one.id not in gone and one.id not in alone]
    masks = {} if config.text_only else {one.id: f"masks/{item.id}/{one.id}.png" for one in instances}
    return Sample(
        id=item.id,
        prompt=item.row.prompt.strip(),
        instances=tuple(replace(one, mask=masks.get(one.id)) for one in instances),
        interactions=tuple(act.interaction for act in kept),
        image=None if config.text_only else f"first_frames/{item.id}.png",
        size=None if config.text_only or cut is None else cut.size,
        scene=item.row.scene,
        tags=(*item.row.tags, *_tags([act.rating for act in kept if act.rating is not None])),
        image_prompt=item.row.image_prompt,
    )


def _with_twins(samples: Sequence[Sample], drops: list[Drop]) -> tuple[Sample, ...]:
    """Return the samples less twins that are none among them, and say so: a benchmark whose twins are not there is refused."""
    kept = list(samples)
    # A sample that loses its twin is no twin for the other any more, so it is looked again until nothing goes.
    while faults := twin_faults(kept, [sample.id for sample in kept]):
        for fault in faults:
            place = next(index for index, sample in enumerate(kept) if sample.id == fault.sample)
            sample, number = kept[place], int(fault.field.partition("[")[2].partition("]")[0])
            acts, reason = list(sample.interactions), f"{fault.problem}; {fault.fix}"
            words = in_words(sample, acts[number])
            drops.append(Drop(sample_id=sample.id, interaction=words, field="twin_of", step="twins", reason=reason))
            acts[number] = replace(acts[number], twin_of=None)
            kept[place] = replace(sample, interactions=tuple(acts))
    return tuple(kept)


def _tags(ratings: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    if not ratings:
        return ()
    return f"contact:{max(contact for contact, _ in ratings)}", f"dynamism:{max(dynamism for _, dynamism in ratings)}"
