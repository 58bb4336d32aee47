"""What is annotated: the samples of a benchmark, with its own first frames or with those of a model's videos.

Every step is on disk before the next: boxes, scribbles and masks in ``annotate/<model>.json`` of the benchmark, and a set of
masks where the run looks for it as soon as every instance of a video has one, with what it was drawn on (`bench.drawn`).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from intergeneval import bench, videos
from intergeneval.bench import Benchmark
from intergeneval.bench.alike import close_ups, look_of
from intergeneval.bench.drawn import EDITS, WORK, Drawn, fit, words_of, work_file
from intergeneval.bench.structure import sample_faults
from intergeneval.bench_paths import TOML
from intergeneval.build.laid_aside import ASIDE, LaidAside, bring_back, lay_aside
from intergeneval.build.older_work import gather
from intergeneval.errors import MediaError, RecordError, UsageError
from intergeneval.ids import canonical_json, sha256_file, strict_json
from intergeneval.masks import Mask, box, decode, encode
from intergeneval.pages.annotate.cutting import Frame, cut, mended, png
from intergeneval.pages.annotate.items import Item, inside, items_of, nothing_text
from intergeneval.pages.annotate.work import Work, read_work, reword_others, reworded, write_mask, write_work
from intergeneval.records import BOX_COLOURS, Instance, Interaction, Sample
from intergeneval.sources.folder import FolderSource
from intergeneval.store import write_atomically
from intergeneval.trackers import Segments

_SHOWN = 4


class Session:
    """The state of one annotating page; every method may be called from several threads."""

    def __init__(self, root: Path, segmenter: Segments, *, model: Path | None = None, name: str = "") -> None:
        """Open a benchmark; with a `model`, its videos' first frames are annotated. Raises UsageError and BenchError."""
        self.root = root
        self._segmenter = segmenter
        self._lock = threading.RLock()
        self._bench: Benchmark = bench.load(root)
        if not (self._bench.root / TOML).is_file():
            raise UsageError(f"{root}: masks are drawn in benchmarks of our own format; this one is in the release's layout")
        self.root = self._bench.root
        self._source = None if model is None else FolderSource(model, name)
        self.model = "" if self._source is None else self._source.name
        self.samples: dict[str, Sample] = {sample.id: sample for sample in self._bench.samples}
        found = items_of(self._bench, self._source)
        broken = {item.path: videos.unreadable(item.path) for item in found if item.seed is not None}
        self.unreadable: tuple[str, ...] = tuple(why for why in broken.values() if why)
        """What is said of videos that cannot be read, a line each; nothing can be drawn on them."""
        self.items = tuple(item for item in found if not broken.get(item.path))
        if found and not self.items:
            raise UsageError(f"{root}: no video can be read: {'; '.join(self.unreadable[:_SHOWN])}")
        if not self.items:
            raise UsageError(nothing_text(self._bench, self._source))
        older = gather(self.root)
        self._work, self._drawn = read_work(self._place)
        self._strange: dict[str, tuple[tuple[str, str], ...]] = {}
        self.set_aside: tuple[str, ...] = older + self._leave_others()
        """What is said of masks that were drawn before on something else, a line each."""

    @property
    def _place(self) -> Path:
        return work_file(self.root, self.model)

    def _leave_others(self) -> tuple[str, ...]:
        """Lay work aside that was done on other videos, bring back what was drawn on these, and say so.

        Raises UsageError where it is that of another folder of videos, which must not be drawn over.
        """
        told = []
        for index, item in enumerate(self.items):
            drawn = self._drawn.get(item.key)
            found = bench.Fit() if drawn is None else self._fit(index, drawn)
            self._strange[item.key] = found.doubts
            why = found.fault
            if drawn is None or not why:
                continue
            before = os.path.normpath(self.root / drawn.video)
            if Path(before).parent.resolve() != item.path.parent.resolve() and Path(before).exists():
                raise UsageError(
                    f"{self.root}: the masks of the model {self.model!r} are of other videos of that name "
                    f"({os.path.relpath(before)}): {why}; give these videos a name of their own, --name NAME, here and with 'run'"
                )
            told.append(f"{item.key}: {why}")
        other = {line.partition(": ")[0] for line in told}
        for key in sorted(other):
            lay_aside(self.root, self.model, key, for_words=False)
        back = self._bring_back()
        if other or back:
            self._work, self._drawn = read_work(self._place)
            self._make_masks(back)
        lines = []
        if told:
            more = [f"  and {len(told) - _SHOWN} more"] if len(told) > _SHOWN else []
            count = "1 first frame" if len(told) == 1 else f"{len(told)} first frames"
            what = f"masks of {count} do not fit any more; what was drawn is kept in {self.root / WORK / ASIDE}"
            lines += [f"{what} and comes back with its video:", *(f"  {line}" for line in told[:_SHOWN]), *more]
        if back:
            lines.append(f"masks that were drawn on these videos before are back: {', '.join(back)}")
        return tuple(lines)

    def _bring_back(self) -> list[str]:
        """Bring back what was laid aside and was drawn on the videos that are there now; return whose masks are back."""
        back = []
        for index, item in enumerate(self.items):
            if item.seed is None:
                continue

            def right(one: LaidAside, index: int = index) -> bool:
                return not one.changed and not self._fit(index, one.drawn).fault

            if bring_back(self.root, self.model, item.key, right) is not None:
                back.append(item.key)
        return back

    def _make_masks(self, keys: Sequence[str]) -> None:
        """Write the masks of videos whose work came back whole and without them, as an earlier version kept it."""
        for index, item in enumerate(self.items):
            if item.key in keys and self.done(index) and not self._drawn[item.key].masks:
                self._save(item, self.frame(index))

    def _fit(self, index: int, drawn: Drawn) -> bench.Fit:
        """Return whether what was drawn is of an item and its words."""
        item = self.items[index]
        video = None if item.seed is None else item.path
        return fit(drawn, self.samples[item.sample_id], self.root, video, lambda: self._seen(index))

    def _seen(self, index: int) -> Frame | None:
        """Return an item's first frame; None where it cannot be decoded, which the page says when it is shown."""
        try:
            return self.frame(index)
        except MediaError:
            return None

    def frame(self, index: int) -> Frame:
        """Return an item's first frame, RGB uint8 (H, W, 3), at the size that it is judged at. Raises MediaError."""
        item = self.items[index]
        if item.seed is None:
            return videos.read_picture(item.path)
        return next(iter(videos.Reader(item.path, size=self.samples[item.sample_id].size, keep=False)))

    def told(self, index: int) -> dict[str, Any]:
        """Return everything the page shows of an item, as plain JSON values."""
        with self._lock:
            return self._told(index, self.frame(index))

    def _told(self, index: int, frame: Frame) -> dict[str, Any]:
        item = self.items[index]
        sample, work, masks = self.samples[item.sample_id], self._work.get(item.key, {}), self._masks(item, frame)
        found = bench.doubts(sample.instances, masks, frame)
        return {
            "index": index, "key": item.key, "prompt": sample.prompt, "size": list(frame.shape[:2]),
            "instances": [
                {
                    "id": one.id, "class": one.class_, "appearance": one.appearance, "colour": one.colour,
                    "mask": png(masks[one.id]) if one.id in masks else None,
                    "box": _box(work.get(one.id), masks.get(one.id)),
                }
                for one in sample.instances
            ],
            "interactions": [
                {"subject": act.subject, "verb": act.verb, "object": act.object} for act in sample.interactions
            ],
            "doubts": [*map(str, found), *(f"{name}: {why}" for name, why in self._strange.get(item.key, ()))],
            "faults": [f"{fault.field}: {fault.problem}; {fault.fix}" for fault in sample_faults(sample, self.root, "")],
            "done": self.done(index),
        }  # fmt: skip

    def done(self, index: int) -> bool:
        """Whether every instance of an item has a mask."""
        item = self.items[index]
        work = self._work.get(item.key, {})
        sample = self.samples[item.sample_id]
        return all(
            (one.id in work and work[one.id].mask) or (item.seed is None and one.mask is not None) for one in sample.instances
        )  # fmt: skip

    def _masks(self, item: Item, frame: Frame) -> dict[str, Mask]:
        size = (frame.shape[0], frame.shape[1])
        found = {name: decode(work.mask, size) for name, work in self._work.get(item.key, {}).items() if work.mask}
        if item.seed is None:
            sample = self.samples[item.sample_id]
            there = {one.id for one in sample.instances if one.mask is not None and (self.root / one.mask).is_file()}
            if there - set(found) and sample == next((s for s in self._bench.samples if s.id == sample.id), None):
                found = {**bench.load_masks(self._bench, sample), **found}
        return found

    def draw(self, index: int, instance: str, edges: Sequence[float]) -> dict[str, Any]:
        """Cut a box out as an instance's mask and save it. Raises UsageError for an unknown instance or no box."""
        with self._lock:
            item, frame = self.items[index], self.frame(index)
            self._known(item, instance)
            (left, top), (right, bottom) = inside(edges[:2], frame), inside(edges[2:], frame)
            (x0, x1), (y0, y1) = sorted((left, right)), sorted((top, bottom))
            if x1 - x0 < 3 or y1 - y0 < 3:
                raise UsageError("the box is smaller than three pixels; draw it around the whole instance")
            mask = cut(self._segmenter, frame, (x0, y0, x1, y1))
            if not mask.any():
                mask[round(y0) : round(y1), round(x0) : round(x1)] = True
            self._work.setdefault(item.key, {})[instance] = Work(box=(x0, y0, x1, y1), mask=encode(mask))
            self._save(item, frame)
            return self._told(index, frame)

    def scribble(self, index: int, instance: str, stroke: Sequence[Sequence[float]], *, plus: bool) -> dict[str, Any]:
        """Take what is under a line into an instance's mask, or out of it, and save. Raises UsageError without a box."""
        with self._lock:
            item, frame = self.items[index], self.frame(index)
            self._known(item, instance)
            masks = self._masks(item, frame)
            work = self._work.get(item.key, {}).get(instance)
            if work is None and instance in masks:
                work = Work(box=box(masks[instance]) or (0.0, 0.0, 1.0, 1.0))
            if work is None:
                raise UsageError("draw a box around the instance first")
            line = [inside((x, y), frame) for x, y in stroke]
            on, off = [*work.plus, *([line] if plus else [])], [*work.minus, *([] if plus else [line])]
            mask = mended(frame, masks[instance], work.box, on, off)
            if not mask.any():
                raise UsageError("nothing would be left of the mask, so this line is not taken")
            made = Work(box=work.box, plus=on, minus=off, mask=encode(mask))
            self._work.setdefault(item.key, {})[instance] = made
            self._save(item, frame)
            return self._told(index, frame)

    def erase(self, index: int, instance: str) -> dict[str, Any]:
        """Forget what was drawn of an instance, and save."""
        with self._lock:
            item = self.items[index]
            self._work.get(item.key, {}).pop(instance, None)
            frame = self.frame(index)
            self._save(item, frame)
            return self._told(index, frame)

    def describe(self, index: int, instances: Sequence[Mapping[str, Any]], acts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Take names and interactions as a person wrote them, for every model. Raises UsageError naming what is wrong."""
        with self._lock:
            item = self.items[index]
            old = self.samples[item.sample_id]
            kept = {one.id: one for one in old.instances}
            if not 1 <= len(instances) <= len(BOX_COLOURS):
                raise UsageError(f"there are {len(instances)} instances; a sample has 1 to {len(BOX_COLOURS)}")
            try:
                made = tuple(
                    Instance(
                        id=str(one["id"]), class_=" ".join(str(one["class"]).split()), colour=BOX_COLOURS[place],
                        appearance=" ".join(str(one["appearance"] or one["class"]).split()),
                        mask=kept[one["id"]].mask if one["id"] in kept else None,
                    )
                    for place, one in enumerate(instances)
                )  # fmt: skip
                were = list(old.interactions)
                written = tuple(
                    replace(were[place], subject=act["subject"], verb=" ".join(act["verb"].split()), object=act["object"])
                    if place < len(were)
                    else Interaction(subject=act["subject"], verb=" ".join(act["verb"].split()), object=act["object"])
                    for place, act in enumerate(acts)
                )
            except (KeyError, AttributeError, RecordError, ValueError) as error:
                raise UsageError(f"cannot be read: {error}") from None
            sample = replace(old, instances=made, interactions=written)
            faults = list(sample_faults(sample, self.root, ""))
            if faults:
                raise UsageError("; ".join(f"{fault.field}: {fault.problem}" for fault in faults[:3]))
            self.samples[item.sample_id] = sample
            gone = set(kept) - {one.id for one in made}
            for work in self._work.values():
                for name in gone:
                    work.pop(name, None)
            self._write_samples()
            self._write_edits(sample)
            self._drawn = reworded(self._drawn, old, sample)
            reword_others(self._place, old, sample)
            frame = self.frame(index)
            self._save(item, frame)
            return self._told(index, frame)

    def _known(self, item: Item, instance: str) -> None:
        if instance not in {one.id for one in self.samples[item.sample_id].instances}:
            raise UsageError(f"sample {item.sample_id!r} has no instance {instance!r}")

    def _save(self, item: Item, frame: Frame) -> None:
        """Write the work, and the masks where the run looks for them. Raises StoreError."""
        masks = self._masks(item, frame)
        if item.seed is not None:
            # The masks first: of a set that nothing is known of, it is taken as it is, and not as that of another video.
            self._write_set(item, frame, masks)
        write_work(self._place, self.model, self._work, self._drawn)
        if item.seed is None:
            self._write_bench_masks(self.samples[item.sample_id], masks)

    def _write_set(self, item: Item, frame: Frame, masks: Mapping[str, Mask]) -> None:
        """Write the masks of a model's video where the run looks for them, if there is one of every instance, else none."""
        sample = self.samples[item.sample_id]
        folder = self.root / bench.MASKS / bench.model_folder(self.model) / item.sample_id / str(item.seed)
        wanted = {one.id for one in sample.instances}
        for old in folder.glob("*.png") if folder.is_dir() else ():
            if not wanted <= set(masks) or old.stem not in wanted:
                old.unlink()
        whole = sorted(wanted) if wanted <= set(masks) else []
        for name in whole:
            write_mask(folder / f"{name}.png", masks[name])
        if not whole and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
            if not any(folder.parent.iterdir()):
                folder.parent.rmdir()
        self._strange.pop(item.key, None)
        self._drawn[item.key] = Drawn(
            video=Path(os.path.relpath(item.path.resolve(), self.root.resolve())).as_posix(),
            prompt=sample.prompt,
            words=words_of(sample),
            look=look_of(frame),
            masks={name: sha256_file(folder / f"{name}.png") for name in whole},
            sha256=sha256_file(item.path),
            size=frame.shape[:2],
            close_ups=close_ups(frame, {name: masks[name] for name in sorted(masks)}),
        )

    def _write_bench_masks(self, sample: Sample, masks: Mapping[str, Mask]) -> None:
        made = []
        for one in sample.instances:
            path = one.mask
            if one.id in masks:
                path = path or f"{bench.MASKS}/{sample.id}/{one.id}.png"
                write_mask(self.root / path, masks[one.id])
            made.append(replace(one, mask=path))
        named = [path for path in (sample.image, *(one.mask for one in made)) if path is not None]
        hashes = {path: sha256_file(self.root / path) for path in named if (self.root / path).is_file()}
        self.samples[sample.id] = replace(sample, instances=tuple(made), hashes=hashes)
        self._write_samples()

    def _write_samples(self) -> None:
        lines = "".join(canonical_json(sample.to_json()) + "\n" for sample in self.samples.values())
        write_atomically(self.root / "samples.jsonl", lines)

    def _write_edits(self, sample: Sample) -> None:
        (self.root / WORK).mkdir(exist_ok=True)
        place = self.root / WORK / f"{EDITS}.json"
        edits = strict_json(place.read_text(encoding="utf-8")) if place.is_file() else {}
        edits[sample.id] = {
            "prompt": sample.prompt,
            "instances": [{"id": one.id, "class": one.class_, "appearance": one.appearance} for one in sample.instances],
            "interactions": [act.to_json() for act in sample.interactions],
        }
        write_atomically(place, canonical_json(edits) + "\n")


def _box(work: Work | None, mask: Mask | None) -> list[float] | None:
    if work is not None:
        return list(work.box)
    edges = None if mask is None else box(mask)
    return None if edges is None else list(edges)
