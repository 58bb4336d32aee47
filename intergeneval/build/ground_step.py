"""Second and third step: a detector proposes boxes by class, and each instance gets one that was verified, or none."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from intergeneval.build.config import BuildConfig
from intergeneval.build.folder import BuildFolder
from intergeneval.build.media import Frame, Media, open_media
from intergeneval.build.pictures import write_crops
from intergeneval.build.records import Placing, Proposals, Scene
from intergeneval.build.rows import needs_boxes
from intergeneval.build.source import Item
from intergeneval.build.standing import Standing, standing
from intergeneval.errors import BudgetError, IntergenevalError, MediaError, StoreError
from intergeneval.grounding import Grounder, Wanted, add_usage
from intergeneval.ids import sha256_json
from intergeneval.records import Basis, Detection, Grounding, Instance, Sample
from intergeneval.run.attempt import Failure, attempt
from intergeneval.videos import video_sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """An item whose proposals are there, to be verified."""

    item: Item
    """The item."""
    scene: Scene
    """Its scene."""
    media: Media
    """Its picture or frames."""
    proposals: Proposals
    """The proposals."""
    wanted: str
    """Hash of what its line is made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeJob:
    """An item whose proposals are missing; it is pickled."""

    item: Item
    """The item."""
    scene: Scene
    """Its scene."""
    anchor: int | None
    """The frame that was named; None where it is free."""
    anchors: int
    """Frames to look at where it is free."""
    wanted: str
    """Hash of what its line is made from."""

    def opened(self) -> Media:
        """Return its picture or frames. Raises MediaError."""
        item = self.item
        assert item.media is not None
        return open_media(item.media, item.id, is_video=item.is_video, anchor=self.anchor, anchors=self.anchors)

    def sample(self, media: Media) -> Sample:
        """Return what is asked for in its picture or frames."""
        scene, item = self.scene, self.item
        return Sample(
            id=item.id, prompt=item.row.prompt, instances=scene.instances, interactions=scene.interactions, size=media.size
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundStep:
    """Finds boxes."""

    folder: BuildFolder
    """Where lines go."""
    config: BuildConfig
    """Settings."""
    grounder: Grounder
    """Proposes and verifies."""
    failed: dict[str, Proposals] = field(default_factory=dict)
    """Proposals that failed in workers of this build, by item: nobody tries them a second time."""

    def proposals_input(self, item: Item, scene: Scene) -> str:
        """Return the hash of what proposals are made from. Raises MediaError for a file that cannot be read."""
        assert item.media is not None
        classes = sorted({instance.class_ for instance in scene.instances})
        anchors = [self._anchor(item), self.config.anchors] if item.is_video else []
        most = self.config.grounding.candidates
        return sha256_json([video_sha256(item.media), classes, anchors, self.grounder.detector, most])

    def wanted(self, item: Item, scene: Scene) -> str:
        """Return the hash of what places are made from. Raises MediaError."""
        now = standing(self.folder.decided(item.id))
        asked = [instance.to_json() for instance in _alive(scene, now)]
        settled = [[item.instance.id, item.box, item.basis, item.rejected] for item in self._wishes(item, scene, now)]
        return sha256_json([self.proposals_input(item, scene), asked, settled, self.grounder.method])

    def outdated(self, item: Item) -> bool:
        """Whether an item's line was made from something else than what it would be made from now. Raises MediaError."""
        scene, found = self.folder.latest(Scene, item.id), self.folder.placing(item)
        if scene is None or found is None or found.status != "ok":
            return False
        return found.input != self.wanted(item, scene)

    def _open(self, item: Item) -> Scene | None:
        """Return the scene of an item whose instances are to be looked for; None where they are not."""
        scene = self.folder.latest(Scene, item.id)
        if scene is None or scene.status != "ok" or not scene.interactions or not needs_boxes(item.row, scene.instances):
            return None
        return None if standing(self.folder.decided(item.id)).dropped is not None else scene

    def _job(self, item: Item, scene: Scene) -> ProposeJob:
        wanted = self.proposals_input(item, scene)
        return ProposeJob(item=item, scene=scene, anchor=self._anchor(item), anchors=self.config.anchors, wanted=wanted)

    def job(self, item: Item) -> ProposeJob | None:
        """Return what a worker is to propose boxes for; None where nothing is missing, or `prepare` will say why it cannot be."""
        scene = self._open(item)
        if scene is None:
            return None
        try:
            job = self._job(item, scene)
            there = self.folder.line(Placing, item.id, self.wanted(item, scene)) or self.folder.line(
                Proposals, item.id, job.wanted
            )
        except MediaError:
            return None
        return job if there is None else None

    def take(self, made: Proposals) -> None:
        """Append what a worker proposed. Raises StoreError."""
        self.folder.add(made)
        if made.status != "ok":
            self.failed[made.sample_id] = made

    def prepare(self, item: Item) -> Ready | None:
        """Return an item with its proposals, made and appended where they are missing; None where there is nothing to do."""
        scene = self._open(item)
        if scene is None:
            return None
        try:
            wanted = self.wanted(item, scene)
            if self.folder.line(Placing, item.id, wanted) is not None:
                return None
            job = self._job(item, scene)
            media = job.opened()
        except (BudgetError, StoreError):
            raise
        except IntergenevalError as error:
            self.folder.add(self._failed(item, "", str(error)))
            return None
        proposals = self._proposals(job, media)
        if proposals.status != "ok":
            self.folder.add(self._failed(item, wanted, proposals.reason))
            return None
        return Ready(item=item, scene=scene, media=media, proposals=proposals, wanted=wanted)

    def _proposals(self, job: ProposeJob, media: Media) -> Proposals:
        known = self.folder.line(Proposals, job.item.id, job.wanted) or self.failed.get(job.item.id)
        if known is not None and known.input == job.wanted:
            return known
        made = proposed(self.grounder, job.sample(media), media, job.anchor, job.wanted)
        self.folder.add(made)
        return made

    def make(self, ready: Ready) -> None:
        """Verify, choose the frame and append an item's line. Raises BudgetError when nothing can be asked."""
        item, scene = ready.item, ready.scene
        wishes = self._wishes(item, scene, standing(self.folder.decided(item.id)))
        found = placed(self.grounder, item.id, self._frames(ready), ready.media.frames, wishes)
        if isinstance(found, Failure):
            self.folder.add(self._failed(item, ready.wanted, f"verifying broke: {found}"))
            return
        best, usage = found
        write_crops(self.folder.root, item.id, ready.wanted, ready.media.frames[best.frame], best.candidates)
        self.folder.add(
            Placing(
                sample_id=item.id,
                input=ready.wanted,
                grounding=best,
                size=ready.media.size,
                usage=usage,
            )
        )

    def _frames(self, ready: Ready) -> list[tuple[int, tuple[Detection, ...]]]:
        """Return the frames to try: where one is named or a box is settled, only the one that it belongs to."""
        found = list(zip(ready.proposals.frames, ready.proposals.found, strict=True))
        anchor = self._anchor(ready.item)
        return found if anchor is None else [entry for entry in found if entry[0] == anchor]

    def _anchor(self, item: Item) -> int | None:
        """Return the frame that a person's boxes, or given boxes and masks, belong to; None where it is free."""
        if not item.is_video:
            return None
        settled = standing(self.folder.decided(item.id)).boxes
        if settled:
            return next(frame for _, frame in settled.values())
        bound = any(instance.box is not None or instance.mask is not None for instance in item.row.instances or ())
        return item.row.anchor if item.row.anchor is not None else 0 if bound else None

    def _wishes(self, item: Item, scene: Scene, now: Standing) -> list[Wanted]:
        given = {instance.id: instance for instance in item.row.instances or ()}
        wishes = []
        for instance in _alive(scene, now):
            own = given.get(instance.id)
            if instance.id in now.boxes:
                box, basis = now.boxes[instance.id][0], Basis.REVIEW
            elif own is not None and own.box is not None and not now.rejected.get(instance.id):
                box, basis = own.box, Basis.GIVEN
            elif own is not None and own.mask is not None:
                continue
            else:
                wishes.append(Wanted(instance=instance, rejected=now.rejected.get(instance.id, ())))
                continue
            wishes.append(Wanted(instance=instance, box=box, basis=basis))
        return wishes

    def _failed(self, item: Item, wanted: str, reason: str) -> Placing:
        grounding = Grounding(sample_id=item.id, seed=0, frame=0, method=self.grounder.method, status="failed", reason=reason)
        return Placing(sample_id=item.id, input=wanted, grounding=grounding)


def proposed(grounder: Grounder, sample: Sample, media: Media, anchor: int | None, wanted: str) -> Proposals:
    """Return what a detector proposes in the frames of a picture or video; failed, with the reason, where it breaks.

    The frames stand in the order in which they are to be tried: the `anchor` that was named first, else the first frame, which a
    benchmark starts from. `wanted` is the hash of what the line is made from.
    """
    frames = tuple(sorted(media.frames, key=lambda index: (index != anchor, index)))
    blank = Proposals(sample_id=sample.id, input=wanted, detector=grounder.detector, frames=frames)
    found = attempt(lambda: grounder.propose(sample, media.video, media.frames))
    if isinstance(found, Failure):
        return replace(blank, frames=(), status="failed", reason=f"detecting failed: {found}")
    return replace(blank, found=tuple(found[index] for index in frames))


def placed(
    grounder: Grounder,
    sample_id: str,
    frames: Sequence[tuple[int, tuple[Detection, ...]]],
    pictures: Mapping[int, Frame],
    wishes: Sequence[Wanted],
) -> tuple[Grounding, dict[str, Any]] | Failure:
    """Return where instances are in the first of the frames that shows all of them, or in the one that shows most, and the usage.

    `frames` are tried in their order, each with its candidates; `pictures` are RGB (H, W, 3) by index. A failure is a verifier
    that broke. Raises BudgetError when the cost limit lets nothing be asked, RefusedError when the server does.
    """
    tried: list[Grounding] = []
    for frame, candidates in frames:
        seen = (sample_id, 0, frame), pictures[frame], wishes, candidates
        found = attempt(functools.partial(grounder.place, *seen), passing=(IntergenevalError,))
        if isinstance(found, Failure):
            return found
        tried.append(found)
        if found.status != "ok" or all(place.box is not None for place in found.places):
            break
    # The first of those that show most; a failed one would show as complete what was never looked at.
    best = tried[-1] if tried[-1].status != "ok" else max(tried, key=_placed)
    return best, add_usage(one.usage for one in tried)


def _alive(scene: Scene, now: Standing) -> list[Instance]:
    return [instance for instance in scene.instances if instance.id not in now.gone]


def _placed(grounding: Grounding) -> int:
    return sum(place.box is not None for place in grounding.places)
