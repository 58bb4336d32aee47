"""Fourth step: boxes become masks, and on videos masks become tracks, forth and back from the anchor frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from intergeneval import videos
from intergeneval.bench.files import ImageError, decode_mask_picture, read_bytes
from intergeneval.build.folder import FOLDER, BuildFolder
from intergeneval.build.media import even_frames, open_media
from intergeneval.build.pictures import FRAMES_A_CLIP, write_frames, write_png
from intergeneval.build.records import Cut, Placing, Scene
from intergeneval.build.rows import needs_boxes
from intergeneval.build.source import Item
from intergeneval.build.standing import standing
from intergeneval.errors import BackendError, MediaError
from intergeneval.grounding import apart
from intergeneval.ids import sha256_file, sha256_json
from intergeneval.masks import Mask, box, decode, encode
from intergeneval.masks.pictures import backgrounds
from intergeneval.records import Box, Sample, Tracks
from intergeneval.run.attempt import Failure, attempt
from intergeneval.trackers import Frame, Segments, Tracker, TrackRequest

FIRST = "first_frames"
OVERLAYS = "overlays"


@dataclass(frozen=True, slots=True, kw_only=True)
class CutJob:
    """An item that is to be cut out; it is pickled."""

    item: Item
    """The item."""
    scene: Scene
    """Its scene."""
    placing: Placing | None
    """Where its instances are; None where all masks are given."""
    gone: frozenset[str]
    """Instances that a person took out."""
    blank: Cut
    """Its line, without what comes of the work."""

    def failed(self, reason: str) -> Cut:
        """Return its line where that came to nothing."""
        return replace(self.blank, status="failed", reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentStep:
    """Says what is to be cut out."""

    folder: BuildFolder
    """Where lines go."""
    tracker: Tracker | None
    """Segmenter and tracker; None: pictures whose masks are all given."""
    root: Path
    """Folder that given masks are relative to."""

    def open(self, item: Item) -> bool:
        """Whether an item's line is still to be made: there is something to cut, and the line or its first frame is missing."""
        scene = self.folder.latest(Scene, item.id)
        if scene is None or scene.status != "ok" or not scene.interactions:
            return False
        if standing(self.folder.decided(item.id)).dropped is not None:
            return False
        placing = self.folder.placing(item)
        if placing is None and needs_boxes(item.row, scene.instances):
            return False
        if placing is not None and placing.status != "ok":
            return False
        wanted = self.wanted(item)
        there = (self.folder.out / FIRST / f"{item.id}.png").is_file()
        return not there or self.folder.line(Cut, item.id, wanted) is None

    def wanted(self, item: Item) -> str:
        """Return the hash of what the line of an item is made from; empty where a given mask is not there any more."""
        placing = self.folder.placing(item)
        gone = sorted(standing(self.folder.decided(item.id)).gone)
        assert item.media is not None
        try:
            files = {name: sha256_file(self.root / path) for name, path in _given_masks(item).items()}
            media = videos.video_sha256(item.media)
        except (OSError, MediaError):
            return ""
        tracker = self.tracker.id if self.tracker is not None else "none"
        return sha256_json([media, placing.input if placing is not None else "", files, gone, item.row.anchor, tracker])

    def job(self, item: Item) -> CutJob:
        """Return what is to be done about an open item."""
        scene = self.folder.latest(Scene, item.id)
        assert scene is not None
        tracker = self.tracker.id if self.tracker is not None else "none"
        return CutJob(
            item=item,
            scene=scene,
            placing=self.folder.placing(item),
            gone=frozenset(standing(self.folder.decided(item.id)).gone),
            blank=Cut(sample_id=item.id, input=self.wanted(item), tracker=tracker),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutter:
    """Cuts instances out and follows them, in whatever process: it appends no line."""

    tracker: Tracker | None
    """Segmenter and tracker; None: pictures whose masks are all given."""
    root: Path
    """Folder that given masks are relative to."""
    out: Path
    """Folder of the benchmark."""

    def make(self, job: CutJob) -> Cut:
        """Cut, follow, write the first frame and what the page shows, and return an item's line. Raises StoreError."""
        made = attempt(lambda: self._made(job))
        return job.failed(made.text) if isinstance(made, Failure) else made

    def _made(self, job: CutJob) -> Cut:
        item, scene, placing, blank = job.item, job.scene, job.placing, job.blank
        assert item.media is not None
        anchor = placing.grounding.frame if placing is not None else item.row.anchor or 0
        media = open_media(item.media, item.id, is_video=item.is_video, anchor=anchor, anchors=1)
        boxes = {} if placing is None else {one.instance_id: one.box for one in placing.grounding.places if one.box is not None}
        masks, gone = self._masks(job, media.frames[anchor], boxes)
        if not masks:
            return replace(blank, size=media.size, gone=gone)
        sample = Sample(
            id=item.id, prompt=item.row.prompt, instances=scene.instances, interactions=scene.interactions, size=media.size
        )
        colours = {instance.id: instance.colour for instance in scene.instances}
        write_png(self.out / FIRST / f"{item.id}.png", media.frames[0])
        if not item.is_video:
            drawn = videos.annotate(media.frames[0], {name: box(mask) for name, mask in masks.items()}, colours, masks)
            write_frames(self.out / FOLDER, item.id, blank.input, {0: drawn})
            write_png(self.out / OVERLAYS / f"{item.id}.png", drawn)
            return replace(blank, size=media.size, gone=gone, masks={name: encode(mask) for name, mask in masks.items()})
        assert self.tracker is not None
        tracks = followed(self.tracker, sample, media.path, masks, anchor)
        seen, hidden = first_masks(tracks)
        gone |= hidden
        self._show(item, blank.input, tracks, colours)
        return replace(
            blank, size=media.size, gone=gone, masks={name: encode(mask) for name, mask in seen.items()}, tracks=tracks
        )

    def _masks(self, job: CutJob, frame: Frame, boxes: Mapping[str, Box]) -> tuple[dict[str, Mask], dict[str, str]]:
        """Return a mask an instance on the anchor frame, given or cut out, and why some have none."""
        item = job.item
        found: dict[str, Mask] = {}
        around = []
        for name, path in _given_masks(item).items():
            if name in boxes or name in job.gone:
                continue
            try:
                picture = decode_mask_picture(read_bytes(self.root, path, {}))
            except ImageError as error:
                raise MediaError(f"{path}: {error.problem}; {error.fix}") from None
            if picture.size != frame.shape[:2]:
                raise MediaError(
                    f"{path}: the mask is {picture.size[1]}x{picture.size[0]}, the picture {frame.shape[1]}x{frame.shape[0]}"
                )
            found[name] = picture.mask(0)
            around += [name] * picture.around
        for name, problem, fix in backgrounds(found, around):
            raise MediaError(f"{_given_masks(item)[name]}: {problem}; {fix}")
        if not boxes:
            masks, empty = apart(found)
            return masks, empty
        segmenter = cast(Segments, self.tracker)  # the build refuses any other before it begins
        return cut_out(segmenter, frame, boxes, found)

    def _show(self, item: Item, state: str, tracks: Tracks, colours: Mapping[str, str]) -> None:
        """Write the overlay video, and the frames of it that a person looks at."""
        assert item.media is not None
        count = len(tracks.tracks[0].states)
        wanted = set(even_frames(count, FRAMES_A_CLIP))
        target = self.out / OVERLAYS / f"{item.id}.mp4"
        target.parent.mkdir(parents=True, exist_ok=True)
        videos.write_overlay(target, videos.Reader(item.media, keep=False), tracks, colours, tracks.fps or 8.0)
        drawn = videos.overlay_frames(videos.Reader(item.media, keep=False), tracks, colours)
        write_frames(self.out / FOLDER, item.id, state, {index: frame for index, frame in enumerate(drawn) if index in wanted})


def _given_masks(item: Item) -> dict[str, str]:
    return {instance.id: instance.mask for instance in item.row.instances or () if instance.mask is not None}


def cut_out(
    segmenter: Segments, frame: Frame, boxes: Mapping[str, Box], given: Mapping[str, Mask] | None = None
) -> tuple[dict[str, Mask], dict[str, str]]:
    """Return the masks (H, W) of boxes in a frame, beside those that are given, and why an instance has none, by its id.

    Raises BackendError.
    """
    height, width = frame.shape[:2]
    inside = {
        name: (edges[0], edges[1], min(edges[2], float(width)), min(edges[3], float(height)))
        for name, edges in boxes.items()
        if edges[0] < width and edges[1] < height
    }
    outside = {name: "its box lies outside the picture" for name in boxes if name not in inside}
    found = {**(given or {}), **(segmenter.segment(frame, inside) if inside else {})}
    masks, empty = apart(found)
    return masks, {**outside, **empty}


def followed(tracker: Tracker, sample: Sample, path: Path, masks: Mapping[str, Mask], anchor: int) -> Tracks:
    """Return the tracks of masks through a whole video, forth and back from its anchor frame.

    Raises BackendError for a tracker that fails or cannot follow backwards, MediaError.
    """
    if anchor and not getattr(tracker, "both_ways", False):
        raise BackendError(f"its boxes are on frame {anchor}, and {tracker.id} follows from the first frame only; use hf or sam2")
    reader = videos.Reader(path, keep=False)
    walk = iter(reader)
    video = open_media(path, sample.id, is_video=True, anchor=None, anchors=1).video
    tracks = tracker.track(TrackRequest(sample=sample, video=video, masks=masks, frames=walk, path=path, anchor=anchor))
    if tracks.status != "ok":
        raise BackendError(f"tracking failed: {tracks.reason}")
    for _ in walk:
        pass
    if any(len(track.states) != reader.frames for track in tracks.tracks):
        raise BackendError(f"the tracker followed for another number of frames than the {reader.frames} of the video")
    return tracks


def first_masks(tracks: Tracks) -> tuple[dict[str, Mask], dict[str, str]]:
    """Return the masks (H, W) of tracks in the first frame, none of them within another, and why an instance has none there."""
    first = {track.instance_id: decode(track.masks[0], tracks.size) for track in tracks.tracks}
    gone = {name: "it is not in the first frame of the video" for name, mask in first.items() if not mask.any()}
    seen, hidden = apart({name: mask for name, mask in first.items() if mask.any()})
    return seen, gone | hidden
