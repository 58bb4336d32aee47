"""From clips to a benchmark of our own, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from intergeneval.bench import Benchmark, load_masks
from intergeneval.bench.files import image_size
from intergeneval.bench.own import SAMPLES
from intergeneval.bench_paths import TOML
from intergeneval.build.formats.clip import MOST_INSTANCES, Clip, Named, inside
from intergeneval.build.formats.wording import acts_of_prompt
from intergeneval.errors import MediaError, UsageError
from intergeneval.ids import canonical_json, few, sha256_bytes
from intergeneval.masks import area, decode, encode
from intergeneval.masks.writing import encode_picture
from intergeneval.records import BOX_COLOURS, Instance, Sample, Track, Tracks, TrackState
from intergeneval.records.disk import growing_folder, read_bytes, write_new
from intergeneval.sources.folder import FolderSource
from intergeneval.videos.clip import open_clip
from intergeneval.videos.pixels import Notes

_VIDEO = (".mp4", ".webm", ".mov", ".mkv", ".m4v", ".avi", ".gif")
_PICTURE = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of the clips."""

    samples: tuple[Sample, ...]
    """The samples of the benchmark."""
    videos: bool
    """Whether it holds the videos with their tracks."""
    said: tuple[str, ...]
    """What is missing or was left out, one sentence each."""


def write_benchmark(
    clips: Sequence[Clip], out: Path, folder: Path, *, name: str, source: str, prompts: Mapping[str, str]
) -> Imported:
    """Write a benchmark with first frames, masks, and videos with their tracks, there whole or not at all.

    `folder` holds the pictures or videos, `prompts` a prompt for samples of which the file says none. Raises UsageError for a
    folder that is there already and pictures that are not, MediaError for what cannot be read.
    """
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out}: exists already; choose another --out or remove it")
    said: list[str] = []
    ids = [clip.id for clip in clips]
    twice = next((name for name in ids if ids.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"{source}: two pictures or videos are called {twice!r}; give each its own name")
    moving = all(clip.frames > 1 for clip in clips)
    if not moving and any(clip.frames > 1 for clip in clips):
        said.append(
            f"{source}: holds pictures and videos, so of videos only the first frame is taken; import each apart for tracks"
        )
    samples = []
    out.parent.mkdir(parents=True, exist_ok=True)
    with growing_folder(out) as place:
        for clip in clips:
            told = replace(clip, prompt=clip.prompt or prompts.get(clip.id, ""))
            sample = _sample(told, place, folder, said, moving=moving)
            if sample is not None:
                samples.append(sample)
        if not samples:
            raise UsageError(f"{source}: no sample could be made of it: " + "; ".join(said[:3]))
        if loose := [name for name in prompts if name not in ids]:
            said.append(f"prompts of names that nothing is annotated under: {few(loose, 4)}; those are {', '.join(ids[:4])}")
        write_new(place / SAMPLES, "".join(canonical_json(item.to_json()) + "\n" for item in samples).encode())
        write_new(place / TOML, _head(name, source, len(samples), moving=moving).encode())
    return Imported(samples=tuple(samples), videos=moving, said=tuple(said))


def _head(name: str, source: str, count: int, *, moving: bool) -> str:
    fields = {
        "name": name, "version": "1", "description": f"{count} samples out of {source}.",
        "licence": "as its source", **({"videos": "videos"} if moving else {}),
    }  # fmt: skip
    return "".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n".replace("\x7f", "\\u007f") for key, value in fields.items()
    )


def _sample(clip: Clip, place: Path, folder: Path, said: list[str], *, moving: bool) -> Sample | None:
    size = clip.tracks.size
    seen = {track.instance_id for track in clip.tracks.tracks if area(decode(track.masks[0], size))}
    late = [item.id for item in clip.instances if item.id not in seen]
    if late:
        said.append(f"{clip.id}: not in the first frame and left out: {', '.join(late)}")
    kept = [item for item in clip.instances if item.id in seen]
    if not kept:
        return None
    if len(kept) > MOST_INSTANCES:
        classes = ", ".join(sorted({item.class_ for item in kept})[:8])
        said.append(
            f"{clip.id}: left out: {len(kept)} annotated instances, and a sample has at most {MOST_INSTANCES}; "
            f"choose with --classes (of {classes})"
        )
        return None
    content, suffix = _first_frame(clip, folder)
    _check_size(content, size, clip)
    hashes = {}
    image = f"first_frames/{clip.id}{suffix}"
    hashes[image] = _put(place / image, content)
    instances = []
    for number, item in enumerate(kept):
        path = f"masks/{clip.id}/{item.id}.png"
        track = clip.tracks.track(item.id)
        assert track is not None
        hashes[path] = _put(place / path, encode_picture(decode(track.masks[0], size)))
        instances.append(
            Instance(id=item.id, class_=item.class_, appearance=item.appearance, colour=BOX_COLOURS[number], mask=path)
        )
    if moving:
        _put_video(clip, place, folder, kept)
    acts, unread = clip.interactions, list[str]()
    if not acts and clip.prompt:
        acts, unread = acts_of_prompt(clip.prompt, kept)
    acts = tuple(act for act in acts if {act.subject, act.object} <= {*seen, None})
    if not clip.prompt:
        said.append(f"{clip.id}: has no prompt; give --prompts FILE, or write it into {SAMPLES}")
    elif not acts:
        said.append(f"{clip.id}: no interaction could be told{': ' + unread[0] if unread else ''}; connect them with 'annotate'")
    if any(item.class_ == "object" for item in kept):
        said.append(f"{clip.id}: the file says of no object what it is; name them with 'intergeneval annotate'")
    return Sample(
        id=clip.id, prompt=clip.prompt, instances=tuple(instances), interactions=acts, image=image, size=size, tags=clip.tags,
        hashes=hashes,
    )  # fmt: skip


def _put(path: Path, content: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_new(path, content)
    return sha256_bytes(content)


def _first_frame(clip: Clip, folder: Path) -> tuple[bytes, str]:
    """Return the file of the first frame and its ending."""
    if clip.contents:
        content = clip.contents[0]
        return content, ".jpg" if content.startswith(b"\xff\xd8") else ".png"
    path = _found(clip.files[0], folder, clip.id)
    if path.suffix.lower() in _VIDEO:
        frame = next(iter(open_clip(path, Notes()).pictures()), None)
        if frame is None:
            raise MediaError(f"{path}: holds no frame")
        return encode_picture(frame), ".png"
    return _bytes(path), path.suffix.lower()


def _bytes(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None


def _found(name: str, folder: Path, where: str) -> Path:
    """Return a picture or video; where a name has no ending, the file with one."""
    if Path(name).suffix.lower() in (*_VIDEO, *_PICTURE):
        return inside(folder, name, where)
    for ending in (*_PICTURE, *_VIDEO):
        if (folder / f"{name}{ending}").is_file():
            return inside(folder, f"{name}{ending}", where)
    raise UsageError(f"{where}: there is no picture {name!r} in {folder}; give --media DIR with the pictures or videos")


def _check_size(content: bytes, size: tuple[int, int], clip: Clip) -> None:
    found = image_size(content)
    if found != size:
        way = "give --media DIR with those that were annotated"
        raise MediaError(f"{clip.id}: its picture is {found[1]}x{found[0]}, its masks are {size[1]}x{size[0]}; {way}")


def _put_video(clip: Clip, place: Path, folder: Path, kept: Sequence[Named]) -> None:
    """Copy the video, or its pictures, and write the tracks of those who stay beside it, for the tracker ``stored``."""
    if len(clip.files) == 1:
        path = _found(clip.files[0], folder, clip.id)
        _put(place / "videos" / f"{clip.id}{path.suffix.lower()}", _bytes(path))
    else:
        for at, name in enumerate(clip.files):
            path = _found(name, folder, clip.id)
            _put(place / "videos" / clip.id / f"{at:05d}{path.suffix.lower()}", _bytes(path))
    names = {item.id for item in kept}
    tracks = replace(
        clip.tracks, sample_id=clip.id, tracks=tuple(item for item in clip.tracks.tracks if item.instance_id in names)
    )
    _put(place / "videos" / f"{clip.id}.tracks.json", (canonical_json(tracks.to_json()) + "\n").encode())


def clips_of(
    benchmark: Benchmark,
    tracks: Mapping[str, Tracks] | None = None,
    model: FolderSource | None = None,
    *,
    whole_videos: bool = False,
) -> list[Clip]:
    """Return a benchmark's samples as clips: with first-frame masks, or with the tracks of a run, by sample id.

    `model`: the videos that the tracks were made from, whose pictures travel along, or the files themselves (`whole_videos`).
    Raises UsageError where a sample has no masks, BenchError where they cannot be read.
    """
    found = []
    for sample in benchmark.samples:
        followed = None if tracks is None else tracks.get(sample.id)
        if tracks is not None and (followed is None or not followed.tracks):
            continue
        named = tuple(Named(id=item.id, class_=item.class_, appearance=item.appearance) for item in sample.instances)
        if followed is None and not all(item.mask for item in sample.instances):
            way = "give --run RUN for the tracks of a run"
            raise UsageError(f"benchmark {benchmark.name!r}: sample {sample.id!r} has no masks of its own; {way}")
        used = followed if followed is not None else _still(benchmark, sample)
        order = [(item, track) for item in named if (track := used.track(item.id)) is not None]
        if followed is None:
            files, contents = _picture(benchmark, sample)
        else:
            files, contents = _video(sample, used, model, whole_videos=whole_videos)
        found.append(
            Clip(
                id=sample.id,
                instances=tuple(item for item, _ in order),
                files=files,
                contents=contents,
                prompt=sample.prompt,
                tracks=replace(used, tracks=tuple(track for _, track in order)),
                interactions=sample.interactions,
                tags=sample.tags,
            )
        )
    if not found:
        raise UsageError(f"benchmark {benchmark.name!r}: nothing to write: the run holds no tracks of its samples")
    return found


def _still(benchmark: Benchmark, sample: Sample) -> Tracks:
    masks = load_masks(benchmark, sample)
    size = next(iter(masks.values())).shape
    tracks = [
        Track(
            instance_id=item.id, masks=(encode(masks[item.id]),), boxes=(None,), areas=(area(masks[item.id]),), confidence=(1.0,),
            states=(TrackState.VISIBLE,),
        )
        for item in sample.instances
    ]  # fmt: skip
    return Tracks(sample_id=sample.id, seed=0, tracker="first frame", size=(size[0], size[1]), tracks=tuple(tracks))


def _picture(benchmark: Benchmark, sample: Sample) -> tuple[tuple[str, ...], tuple[bytes, ...]]:
    if sample.image is None:
        return (), ()
    return (sample.image,), (_bytes(benchmark.root / sample.image),)


def _video(
    sample: Sample, used: Tracks, model: FolderSource | None, *, whole_videos: bool
) -> tuple[tuple[str, ...], tuple[bytes, ...]]:
    """Return names and contents of the frames that tracks lie on, or of the video itself."""
    path = None if model is None else model.video(sample, used.seed).path
    if path is None:
        return (), ()
    if whole_videos and path.is_file():
        return (path.name,), (_bytes(path),)
    frames = []
    for frame in open_clip(path, Notes()).pictures():
        shown = frame if frame.shape[:2] == used.size else cv2.resize(frame, used.size[::-1], interpolation=cv2.INTER_AREA)
        frames.append(encode_picture(np.asarray(shown, dtype=np.uint8)))
    return tuple(f"{at:05d}.png" for at in range(len(frames))), tuple(frames)
