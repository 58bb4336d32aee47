"""A benchmark of hand-made scenes for tiny pipelines: first frames, masks and prompts that name their instances."""

from __future__ import annotations

import json

import cv2
import numpy as np
import tiny_pipeline

from intergeneval import masks as rle
from intergeneval.records import Tracks, TrackState


def benchmark(root, samples=2, side=tiny_pipeline.SIDE):
    """Our own benchmark layout with `samples` scenes of two squares, and their tracks for the tracker ``stored:ROOT/tracks``.

    Random weights make videos in which nothing can be followed; the scene's own motion stands in for what a tracker would find.
    """
    (root / "first_frames").mkdir(parents=True)
    (root / "tracks").mkdir()
    (root / "bench.toml").write_text('name = "tiny"\nversion = "1"\nlicence = "none"\ndescription = "Squares."\n')
    lines = []
    for index in range(samples):
        pictures, first, second = tiny_pipeline.scene(index, side=side)
        name = f"scene-{index}"
        (root / "masks" / name).mkdir(parents=True)
        cv2.imwrite(str(root / "first_frames" / f"{name}.png"), pictures[0][:, :, ::-1])
        for instance, masks in (("id1", first), ("id2", second)):
            cv2.imwrite(str(root / "masks" / name / f"{instance}.png"), masks[0].astype(np.uint8) * 255)
        states, sure = [TrackState.VISIBLE] * len(first), [1.0] * len(first)
        made = (rle.track_of("id1", first, states, sure), rle.track_of("id2", second, states, sure))
        tracks = Tracks(sample_id=name, seed=0, tracker="hand", size=(side, side), tracks=made)
        (root / "tracks" / f"{name}.tracks.json").write_text(json.dumps(tracks.to_json()))
        subject, verb, target = tiny_pipeline.PHRASES[index]
        lines.append(
            {
                "id": name,
                "prompt": tiny_pipeline.CAPTIONS[index],
                "instances": [
                    {
                        "id": instance,
                        "class": phrase.split()[-1],
                        "appearance": phrase,
                        "colour": colour,
                        "mask": f"masks/{name}/{instance}.png",
                    }
                    for instance, phrase, colour in (("id1", subject, "red"), ("id2", target, "blue"))
                ],
                "interactions": [{"subject": "id1", "verb": verb, "object": "id2"}],
                "image": f"first_frames/{name}.png",
                "size": [side, side],
            }
        )
    (root / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return root
