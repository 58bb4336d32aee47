"""Writes the benchmark of the binding world, ``python -m matrix_train.binding.write DIR``, and clips of it to train adapters on.

Equal arguments give equal pixels and equal lines.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from intergeneval.errors import ConfigError
from intergeneval.ids import sha256_bytes
from intergeneval.masks import track_of
from intergeneval.records import Sample, Tracks, TrackState
from intergeneval.records.disk import write_atomically
from matrix_train.binding.play import paint, play, rate
from matrix_train.binding.scene import LETTERS, TEST_SEED, Deed, Scene, scene
from matrix_train.data.clips import Clip, ClipInstance, ClipInteraction, write_own
from matrix_train.data.staged import write_frames
from matrix_train.roles import find_phrase

COUNT = 50
"""First frames of the benchmark, with four samples each."""
SIZE = (320, 320)
"""Height and width of its first frames, in pixels."""
VERSION = "1"
"""Raised when scenes, pictures or sentences change."""
TRACKER = "binding-truth"
"""Name under which true tracks are stored."""
_COVERED = 0.5


def write(folder: Path, seed: int = TEST_SEED, count: int = COUNT, size: tuple[int, int] = SIZE) -> tuple[Sample, ...]:
    """Write the benchmark of a seed into a folder and return its samples; `size` is height, width. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = tuple(sample for index in range(count) for sample in _write_scene(folder, scene(seed, index), size))
    name = "binding" if seed == TEST_SEED else f"binding-{seed}"
    lines = (json.dumps(sample.to_json(), ensure_ascii=False) for sample in samples)
    write_atomically(folder / "samples.jsonl", "".join(f"{line}\n" for line in lines))
    write_atomically(
        folder / "bench.toml",
        f'name = "{name}"\nversion = "{VERSION}"\n'
        f'description = "{count} first frames of four plain figures with {len(LETTERS)} captions each, seed {seed}: who does '
        'what to whom, which the picture does not tell."\n'
        'licence = "Apache-2.0. Drawn by matrix_train.binding."\n\n[suite]\ntwins = true\n',
    )
    return samples


def _write_scene(folder: Path, found: Scene, size: tuple[int, int]) -> tuple[Sample, ...]:
    frame, shares = paint(found, found.places, size)
    hashes: dict[str, str] = {}

    def put(path: str, image: npt.NDArray[np.uint8], *options: int) -> str:
        done, content = cv2.imencode(".png", image, (cv2.IMWRITE_PNG_COMPRESSION, 9, *options))
        if not done:
            raise OSError(f"{folder / path}: OpenCV cannot write a png image")
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / path, content.tobytes())
        hashes[path] = sha256_bytes(content.tobytes())
        return path

    image = put(f"first_frames/{found.id}.png", np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), dtype=np.uint8))
    masks = {
        figure.id: put(
            f"masks/{found.id}/{figure.id}.png", np.where(share >= _COVERED, 255, 0).astype(np.uint8), cv2.IMWRITE_PNG_BILEVEL, 1
        )
        for figure, share in zip(found.figures, shares, strict=True)
    }
    samples = []
    for letter in LETTERS:
        told = found.sample(letter)
        instances = tuple(replace(item, mask=masks[item.id]) for item in told.instances)
        samples.append(replace(told, instances=instances, image=image, size=size, hashes=hashes))
    return tuple(samples)


def write_clips(
    folder: Path,
    *,
    seed: int,
    count: int,
    frames: int,
    size: tuple[int, int],
    report: Callable[[int, str], None] = lambda *_: None,
) -> int:
    """Write the first `count` clips of a seed, four to a scene, played as they should be, as a dataset of our own layout.

    Returns their number; `size` is height, width in pixels. Clips that are there already are kept, so an interrupted call is
    finished by repeating it; `report` is told (done, clip id). Raises ConfigError for the benchmark's seed, OSError.
    """
    if seed == TEST_SEED:
        raise ConfigError(f"seed {seed} is that of the benchmark binding; train on another one")
    clips = []
    (folder / "tracks").mkdir(parents=True, exist_ok=True)
    for number in range(count):
        found, letter = scene(seed, number // len(LETTERS)), LETTERS[number % len(LETTERS)]
        clip = clip_of(found, letter)
        tracks = folder / clip.tracks
        if not tracks.is_file():
            deed = found.deeds[LETTERS.index(letter)]
            write_frames(folder / clip.video, play(found, deed, frames=frames, size=size).frames)
            # The tracks come last and at once: they say that the clip is whole.
            write_atomically(tracks, json.dumps(tracks_of(found, letter, frames=frames, size=size).to_json()))
        clips.append(clip)
        report(len(clips), clip.id)
    write_own(folder, tuple(clips))
    return len(clips)


def clip_of(found: Scene, letter: str) -> Clip:
    """Return the record of a deed's clip, with the places of subject, verb and object in its caption."""
    deed, told = found.deeds[LETTERS.index(letter)], found.sample(letter)
    spans, place = [], 0
    for phrase in (found.figures[deed.subject].words, deed.verb, found.figures[deed.object].words):
        spans.append(find_phrase(told.prompt, phrase, place))
        place = spans[-1][-1][1]
    interaction = ClipInteraction(
        subject=found.figures[deed.subject].id,
        object=found.figures[deed.object].id,
        verb=deed.verb,
        subject_spans=spans[0],
        verb_spans=spans[1],
        object_spans=spans[2],
    )
    return Clip(
        id=told.id,
        video=f"videos/{told.id}",
        caption=told.prompt,
        instances=tuple(ClipInstance(id=item.id, class_=item.class_) for item in told.instances),
        interactions=(interaction,),
        tracks=f"tracks/{told.id}.json",
    )


def tracks_of(found: Scene, letter: str, *, frames: int, size: tuple[int, int]) -> Tracks:
    """Return the true tracks of a deed that is played as it should be."""
    deed: Deed = found.deeds[LETTERS.index(letter)]
    masks = play(found, deed, frames=frames, size=size).shares >= _COVERED
    made = []
    for figure, own in zip(found.figures, masks, strict=True):
        states = [TrackState.VISIBLE if mask.any() else TrackState.OCCLUDED for mask in own]
        made.append(track_of(figure.id, list(own), states, [1.0] * len(own)))
    return Tracks(sample_id=f"{found.id}-{letter}", seed=0, tracker=TRACKER, size=size, tracks=tuple(made), fps=rate(frames))


def main() -> None:
    """Read the arguments and write."""
    parser = argparse.ArgumentParser(description="Write the benchmark of the binding world.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=TEST_SEED)
    parser.add_argument("--count", type=int, default=COUNT, help=f"First frames, {COUNT} unless told.")
    asked = parser.parse_args()
    write(asked.folder, asked.seed, asked.count)


if __name__ == "__main__":
    main()
