"""Training data reads masks with the reader of the benchmarks: rightly for the whole track, or not at all."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from intergeneval.errors import MediaError
from intergeneval.masks import encode, track_of
from intergeneval.masks.track_records import tracks_of
from intergeneval.records import Tracks, TrackState
from intergeneval.videos import write_video
from matrix_train.cli import main
from matrix_train.data import clips
from matrix_train.data.checking import examine
from matrix_train.data.clips import mask_tracks, misread
from matrix_train.data.reading import read_dataset
from matrix_train.data.windows import Timing
from tests.masks import ways

LOSSY = ("255, noise where hidden", "JPEG", "red JPEG", "soft edges")
"""Read here and not in a benchmark: cut at the middle."""
REFUSED = {
    "white background": "it looks like a dark thing on a white background",
    "red on white": "000.png: the mask has the values (255, 0, 0), 255",
    "both in one picture": "000.png: the mask has the values 0, 1, 2",
    "both in one palette": "000.png: the mask has the values 0, (0, 128, 0), (128, 0, 0)",
    "0 and 1, noise where hidden": "003.png: its",
    "0 and 1 with noise": "000.png: the mask has the values 0, 1, 2",
    "255 here and 1 there": "000.png: the mask has the values 0, 1: a patch of 1 and nothing brighter",
    "three greys": "000.png: the mask has the values 0, 100, 255",
    "a mean up to 127": "000.png: the mask has the values 0, 1, 2, 3...",
}


def dataset(root):
    (root / "videos").mkdir(parents=True)
    frames = [np.full((*ways.SIZE, 3), 60 + at, np.uint8) for at in range(ways.FRAMES)]
    write_video(root / "videos" / "a.mp4", iter(frames), 8.0)
    return root


def release(root, way):
    dataset(root)
    (root / "metadata.json").write_text(json.dumps([{"video": "a.mp4", "prompt": "A <id1> red box pushes a <id2> blue block."}]))
    ways.write(root / "mask_annotation" / "a", way, brackets=True)
    return root


def check(root):
    return CliRunner().invoke(main, ["check", str(root), "--frames", str(ways.FRAMES)])


@pytest.mark.parametrize("way", ways.WAYS)
def test_pictures_are_read_pixel_by_pixel_or_refused_with_file_and_values(tmp_path, way):
    root = release(tmp_path / "data", way)
    told = check(root)
    if way in REFUSED:
        assert told.exit_code != 0
        assert REFUSED[way] in told.output.replace("\n", " ")
        with pytest.raises(MediaError):
            mask_tracks(root, read_dataset(root)[0])
        return
    assert told.exit_code == 0, told.output
    tracks = mask_tracks(root, read_dataset(root)[0])
    for name in ways.PIXELS:
        # Loss moves an edge by less than a pixel.
        slack = 100 if way in LOSSY else 0
        assert np.abs(tracks[name].sum(axis=(1, 2)) - ways.pixels_of(name)).max() <= slack
    assert not tracks["id2"][ways.HIDDEN].any()


def own(root, change):
    dataset(root)
    made = []
    for name in ways.PIXELS:
        masks = [ways.mask_of(name, at) > 0 for at in range(ways.FRAMES)]
        value = track_of(name, masks, [TrackState.VISIBLE] * ways.FRAMES, [1.0] * ways.FRAMES).to_json()
        made.append(value | {"masks": [change(mask) for mask in masks]})
    whole = Tracks(sample_id="a", seed=0, tracker="hand", size=ways.SIZE, tracks=()).to_json()
    (root / "a.json").write_text(json.dumps(whole | {"tracks": made}))
    clip = {
        "id": "a", "video": "videos/a.mp4", "caption": "a red box pushes a ball", "tracks": "a.json",
        "instances": [{"id": "id1"}, {"id": "id2"}],
        "interactions": [{"subject": "id1", "object": "id2", "verb": "pushes", "subject_spans": [[2, 9]],
                          "verb_spans": [[10, 16]], "object_spans": [[19, 23]]}],
    }  # fmt: skip
    (root / "clips.jsonl").write_text(json.dumps(clip) + "\n")
    return root


def test_run_lengths_in_the_forms_of_pycocotools_are_read(tmp_path):
    root = own(tmp_path / "data", lambda mask: {"size": list(mask.shape), "counts": encode(mask)})
    assert check(root).exit_code == 0
    assert mask_tracks(root, read_dataset(root)[0])["id1"].sum(axis=(1, 2)).tolist() == ways.pixels_of("id1")


def test_a_check_parses_stored_tracks_once_whatever_it_asks_of_them(tmp_path, monkeypatch):
    root = own(tmp_path / "data", encode)
    (clip,) = read_dataset(root)
    parsed = []
    monkeypatch.setattr(clips, "tracks_of", lambda value, where: parsed.append(where) or tracks_of(value, where))
    assert examine(root, clip, Timing(frames=ways.FRAMES)).faults == ()
    assert len(parsed) == 1


def test_run_lengths_that_contradict_their_boxes_are_refused(tmp_path):
    told = check(own(tmp_path / "data", lambda mask: encode(mask.T)))
    assert told.exit_code != 0
    assert "a.json: instance 'id1', frame 0: the mask lies in" in told.output.replace("\n", " ")
    assert "counted row by row they fit" in told.output.replace("\n", " ")


def test_masks_that_are_empty_throughout_are_told(tmp_path):
    root = release(tmp_path / "data", "255")
    for path in (root / "mask_annotation" / "a" / "<id2>").iterdir():
        path.write_bytes(ways.png(np.zeros(ways.SIZE)))
    assert "id2 has no pixel in any of its masks" in check(root).output.replace("\n", " ")


@pytest.mark.parametrize(
    "way", ["255", "0 and 1", "one bit", "JPEG", "palette as DAVIS writes it", "pure red", "ids of sixteen bits"]
)
def test_a_cache_from_before_is_kept_where_the_masks_were_read_rightly_then(tmp_path, way):
    root = release(tmp_path / "data", way)
    assert misread(root, read_dataset(root)[0]) == (way in ("palette as DAVIS writes it", "pure red", "ids of sixteen bits"))


def test_a_cache_from_before_of_contradicting_run_lengths_is_not_kept(tmp_path):
    assert misread(own(tmp_path / "wrong", lambda mask: encode(mask.T)), read_dataset(tmp_path / "wrong")[0])
    assert not misread(own(tmp_path / "right", encode), read_dataset(tmp_path / "right")[0])
