"""From the lines of all steps to the samples of the benchmark, and to the list of what did not get into it, with reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from intergeneval.bench.wording import in_words
from intergeneval.build.config import BuildConfig
from intergeneval.build.folder import BuildFolder
from intergeneval.build.records import Cut, Drop, Scene
from intergeneval.build.reviews import Standing, standing
from intergeneval.build.source import Item
from intergeneval.records import Interaction, Sample


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
    items: Sequence[Item], folder: BuildFolder, config: BuildConfig, outdated: frozenset[str] = frozenset()
) -> Assembled:
    """Put everything together; looks at lines only. Samples of `outdated` ids wait for lines that fit their prompt."""
    samples, drops, reviewed = [], list[Drop](), []
    for item in items:
        if item.id in outdated and standing(folder.decided(item.id)).dropped is None:
            reason = "what was asked about it has changed; the same command asks again"
            drops.append(Drop(sample_id=item.id, step="scene", reason=reason, pending=True))
            continue
        made = _sample(item, folder, config, drops)
        if made is None:
            continue
        samples.append(made)
        if standing(folder.decided(item.id)).kept:
            reviewed.append(item.id)
    return Assembled(samples=tuple(samples), drops=tuple(drops), reviewed=tuple(reviewed))


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
    if not scene.interactions:
        drop("scene", "the prompt tells of no active interaction of a living subject with a distinct target")
        return None
    gone = _gone(item, scene, folder, config, now)
    if isinstance(gone, Drop):
        drops.append(gone)
        return None
    drops += [Drop(sample_id=item.id, instance_id=name, step=step, reason=why) for name, (step, why) in gone.items()]
    kept = _interactions(item, scene, config, gone, drops)
    if not kept:
        drop("places" if gone else "scene", "no interaction is left")
        return None
    acting = {name for act, _ in kept for name in (act.subject, act.object)}
    alone = [one.id for one in scene.instances if one.id not in gone and one.id not in acting and _acted(scene, one.id)]
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
        interactions=tuple(act for act, _ in kept),
        image=None if config.text_only else f"first_frames/{item.id}.png",
        size=None if config.text_only or cut is None else cut.size,
        scene=item.row.scene,
        tags=(*item.row.tags, *_tags([rating for _, rating in kept if rating is not None])),
    )


def _gone(item: Item, scene: Scene, folder: BuildFolder, config: BuildConfig, now: Standing) -> dict[str, tuple[str, str]] | Drop:
    """Return (step, reason) of instances that are left out, or a drop of the whole sample where a step failed."""
    gone = {name: ("review", why) for name, why in now.gone.items()}
    if config.text_only:
        return gone
    placing, cut = folder.placing(item), folder.latest(Cut, item.id)
    blank = Drop(sample_id=item.id, step="places", reason="not looked for yet; the same command goes on", pending=True)
    if placing is not None and placing.status != "ok":
        return replace(blank, reason=placing.reason)
    if placing is not None:
        gone |= {one.instance_id: ("places", one.reason) for one in placing.grounding.places if one.box is None}
    if cut is None:
        everybody = placing is not None and all(one.id in gone for one in scene.instances)
        return gone if everybody else blank
    if cut.status != "ok":
        return replace(blank, step="cuts", reason=cut.reason)
    gone |= {name: ("cuts", why) for name, why in cut.gone.items() if name not in gone}
    gone |= {one.id: ("cuts", "it has no mask") for one in scene.instances if one.id not in gone and one.id not in cut.masks}
    return gone


def _interactions(
    item: Item, scene: Scene, config: BuildConfig, gone: dict[str, tuple[str, str]], drops: list[Drop]
) -> list[tuple[Interaction, tuple[int, int] | None]]:
    """Return the interactions that stay, with their ratings."""
    sample = Sample(id=item.id, prompt="", instances=scene.instances, interactions=scene.interactions)
    kept = []
    for index, act in enumerate(scene.interactions):
        rating = scene.ratings[index] if index < len(scene.ratings) else None
        lost = [name for name in (act.subject, act.object) if name in gone]
        step, reason = "places", f"it needs {lost[0]}, which is left out" if lost else ""
        if not lost and rating is not None:
            step = "scene"
            if rating[0] < config.min_contact:
                reason = f"its contact is rated {rating[0]}, below min_contact {config.min_contact}"
            elif rating[1] < config.min_dynamism:
                reason = f"its dynamism is rated {rating[1]}, below min_dynamism {config.min_dynamism}"
        if reason:
            drops.append(Drop(sample_id=item.id, interaction=in_words(sample, act), step=step, reason=reason))
        else:
            kept.append((act, rating))
    return kept


def _acted(scene: Scene, name: str) -> bool:
    return any(name in (act.subject, act.object) for act in scene.interactions)


def _tags(ratings: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    if not ratings:
        return ()
    return f"contact:{max(contact for contact, _ in ratings)}", f"dynamism:{max(dynamism for _, dynamism in ratings)}"
