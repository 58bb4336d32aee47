import json

import cv2
import numpy as np
import pytest

from intergeneval import plugins
from intergeneval.errors import BackendError, ConfigError, MediaError
from intergeneval.masks import decode, encode, track_of
from intergeneval.records import Instance, Sample, Tracks, TrackState, Video, VideoStatus
from intergeneval.trackers import TrackRequest
from intergeneval.trackers.stored import create

SIZE = (40, 60)
FRAMES = 5


def masks_of(name):
    masks = []
    for index in range(FRAMES):
        mask = np.zeros(SIZE, dtype=bool)
        start = 4 * index + (30 if name == "id2" else 0)
        if not (name == "id1" and index == 4):
            mask[10:20, start : start + 8] = True
        masks.append(mask)
    return masks


def request_of(tmp_path, sample_id="s", seed=0, frames=FRAMES, size=SIZE, ids=("id1", "id2")):
    instances = tuple(Instance(id=name, class_="cup", appearance="a cup", colour="red") for name in ids)
    return TrackRequest(
        sample=Sample(id=sample_id, prompt="p", instances=instances, interactions=()),
        video=Video(sample_id=sample_id, seed=seed, status=VideoStatus.OK, size=size, frames=frames, fps=8.0),
        masks={name: masks_of(name)[0] for name in ids},
        frames=iter([np.zeros((*SIZE, 3), np.uint8)] * FRAMES),
        path=tmp_path / f"{sample_id}.mp4",
    )


def record(sample_id="s", seed=0, **changes):
    tracks = []
    for name in ("id1", "id2"):
        masks = masks_of(name)
        states = [TrackState.VISIBLE if mask.any() else TrackState.VANISHED for mask in masks]
        tracks.append(track_of(name, masks, states, [0.5] * FRAMES))
    whole = Tracks(sample_id=sample_id, seed=seed, tracker="other", size=SIZE, tracks=tuple(tracks)).to_json()
    return whole | changes


def write_images(folder, ids=("id1", "id2")):
    for name in ids:
        (folder / name).mkdir(parents=True)
        for index, mask in enumerate(masks_of(name)):
            cv2.imwrite(str(folder / name / f"{index:03d}.png"), mask.astype(np.uint8) * 255)


def check(found):
    for track in found.tracks:
        for mask, counts in zip(masks_of(track.instance_id), track.masks, strict=True):
            assert np.array_equal(mask, decode(counts, SIZE))
    assert [track.instance_id for track in found.tracks] == ["id1", "id2"]
    assert found.track("id1").states == (TrackState.VISIBLE,) * 4 + (TrackState.VANISHED,)
    assert found.track("id1").boxes[0] == (0.0, 10.0, 8.0, 20.0)
    assert found.track("id1").boxes[4] is None
    assert found.track("id2").areas == (80, 80, 80, 80, 80)


@pytest.mark.parametrize("place", ["s.tracks.json", "s.tracks", "s"])
def test_tracks_beside_the_video_are_found(tmp_path, place):
    if place.endswith("json"):
        (tmp_path / place).write_text(json.dumps(record()))
    else:
        write_images(tmp_path / place)
    check(plugins.build("trackers", "stored").track(request_of(tmp_path)))


@pytest.mark.parametrize("place", ["s.tracks.json", "s/0.tracks.json", "tracks.jsonl", "s", "real/tracks/000"])
def test_tracks_in_a_folder_are_found(tmp_path, place):
    folder = tmp_path / "given"
    sample_id = "real-000" if place.startswith("real") else "s"
    (folder / place).parent.mkdir(parents=True)
    if place == "tracks.jsonl":
        lines = [record("other"), record(tracks=[]), record()]
        (folder / place).write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"sample_id": "s", "se')
    elif place.endswith("json"):
        (folder / place).write_text(json.dumps(record()))
    else:
        write_images(folder / place)
    check(plugins.build("trackers", f"stored:{folder}").track(request_of(tmp_path, sample_id)))


def test_no_frame_is_looked_at_where_the_count_is_known_and_all_are_counted_where_it_is_not(tmp_path):
    (tmp_path / "s.tracks.json").write_text(json.dumps(record()))
    known = request_of(tmp_path)
    create("", {}).track(known)
    assert len(list(known.frames)) == FRAMES
    create("", {}).track(request_of(tmp_path, frames=0))


def test_lost_frames_of_a_record_stay_lost(tmp_path):
    value = record()
    value["tracks"][0]["states"][4] = "lost"
    (tmp_path / "s.tracks.json").write_text(json.dumps(value))
    assert create("", {}).track(request_of(tmp_path)).track("id1").states[4] is TrackState.LOST


def broken_masks(value):
    value["tracks"][1]["masks"][3] = encode(np.zeros((7, 7), dtype=bool))
    return value


def lost_with_mask(value):
    value["tracks"][1]["states"][2] = "lost"
    return value


def short(value):
    for name in ("masks", "boxes", "areas", "confidence", "states"):
        value["tracks"][0][name] = value["tracks"][0][name][:3]
    return value


def renamed(value):
    value["tracks"][0]["instance_id"] = "../id1"
    return value


def doubled(value):
    value["tracks"][0]["instance_id"] = "id2"
    return value


def sure(value):
    value["tracks"][0]["confidence"][1] = 7.0
    return value


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (lambda value: value | {"size": [9, 9]}, MediaError, "'size' is (9, 9)"),
        (lambda value: value | {"status": "failed", "reason": "no memory"}, BackendError, "no memory"),
        (lambda value: value | {"sample_id": "t"}, MediaError, "sample 't'"),
        (lambda value: value | {"odd": 1}, MediaError, "unknown field 'odd'"),
        (lambda value: value | {"tracks": value["tracks"][:1]}, BackendError, "lack instance 'id2'"),
        (broken_masks, MediaError, "instance 'id2', frame 3"),
        (lost_with_mask, MediaError, "'lost' beside a mask"),
        (short, MediaError, "has 3 masks, the video 5 frames"),
        (renamed, MediaError, "'../id1'"),
        (doubled, BackendError, "'id2' twice"),
        (sure, MediaError, "confidence of 7.0"),
    ],
)
def test_a_record_that_does_not_fit_is_refused_with_what_is_wrong(tmp_path, change, error, text):
    (tmp_path / "s.tracks.json").write_text(json.dumps(change(record())))
    with pytest.raises(error) as caught:
        create("", {}).track(request_of(tmp_path))
    assert text in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b'{"a":', b"[" * 100000])
def test_a_file_that_is_not_a_record_is_refused_by_name(tmp_path, content):
    (tmp_path / "s.tracks.json").write_bytes(content)
    with pytest.raises(MediaError, match=r"s\.tracks\.json"):
        create("", {}).track(request_of(tmp_path))


def rewrite(path, pixels):
    assert cv2.imwrite(str(path), pixels)


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda path: path.unlink(), "missing; the video has 5 frames"),
        (lambda path: path.write_bytes(path.read_bytes()[:-20]), "002.png"),
        (lambda path: path.write_bytes(path.read_bytes()[:60] + b"\x00" + path.read_bytes()[61:]), "damaged PNG"),
        (lambda path: path.write_bytes(b"GIF89a"), "not a PNG"),
        (lambda path: rewrite(path, np.zeros((9, 9), np.uint8)), "the mask is 9x9 where 60x40 is wanted"),
        (lambda path: rewrite(path, np.full(SIZE, 128, np.uint8)), "the value 128; other pictures of the track have 255"),
        (lambda path: rewrite(path, np.full((*SIZE, 3), (0, 0, 255), np.uint8)), "the value (255, 0, 0); other pictures"),
        (lambda path: path.rename(path.with_name("mask.png")), "named 000.png"),
        (lambda path: rewrite(path.with_name("02.png"), np.zeros(SIZE, np.uint8)), "second mask"),
        (lambda path: rewrite(path.with_name("005.png"), np.zeros(SIZE, np.uint8)), "5 frames, the folder 6"),
    ],
)
def test_a_damaged_folder_of_masks_is_refused_by_file(tmp_path, damage, text):
    write_images(tmp_path / "s")
    damage(tmp_path / "s" / "id2" / "002.png")
    with pytest.raises(MediaError) as caught:
        create("", {}).track(request_of(tmp_path))
    assert text in str(caught.value)
    assert "id2" in str(caught.value)


def test_masks_of_zero_and_one_and_grey_in_three_channels_are_taken(tmp_path):
    write_images(tmp_path / "s")
    for index, mask in enumerate(masks_of("id1")):
        rewrite(tmp_path / "s" / "id1" / f"{index:03d}.png", mask.astype(np.uint8))
    for index, mask in enumerate(masks_of("id2")):
        rewrite(tmp_path / "s" / "id2" / f"{index:03d}.png", np.dstack([mask.astype(np.uint8) * 255] * 3))
    check(create("", {}).track(request_of(tmp_path)))


@pytest.mark.parametrize("sample_id", ["../s", "/etc", "a/../../s", "..", "a\\b"])
def test_a_sample_id_cannot_lead_out_of_the_folder(tmp_path, sample_id):
    (tmp_path / "in").mkdir()
    write_images(tmp_path / "s")
    with pytest.raises(BackendError, match="leads out"):
        create(str(tmp_path / "in"), {}).track(request_of(tmp_path, sample_id))


def test_a_link_cannot_lead_out_of_the_folder(tmp_path):
    write_images(tmp_path / "outside")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "s").symlink_to(tmp_path / "outside")
    with pytest.raises(BackendError, match="leads out"):
        create(str(tmp_path / "in"), {}).track(request_of(tmp_path))


def test_missing_tracks_name_every_place_that_was_looked_at(tmp_path):
    with pytest.raises(MediaError, match=r"s\.tracks\.json.*s\.tracks"):
        create("", {}).track(request_of(tmp_path))
    with pytest.raises(MediaError, match=r"tracks\.jsonl"):
        create(str(tmp_path), {}).track(request_of(tmp_path))


def test_a_wrong_argument_or_setting_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match="not a folder"):
        create(str(tmp_path / "none"), {})
    with pytest.raises(ConfigError, match="no setting 'fast'"):
        create("", {"fast": True})


@pytest.mark.parametrize("word", ["NaN", "-Infinity", "1e999"])
def test_a_record_with_what_is_no_number_is_refused(tmp_path, word):
    (tmp_path / "s.tracks.json").write_text(json.dumps(record(fps="HERE")).replace('"HERE"', word))
    with pytest.raises(MediaError, match="no number that JSON can hold"):
        create("", {}).track(request_of(tmp_path))


def moved(mask, right=0, down=0):
    return np.roll(mask, (down, right), axis=(0, 1))


def tracks_where_first(change):
    """A record whose masks in the first frame are changed by `change(name, mask)`."""
    tracks = []
    for name in ("id1", "id2"):
        masks = masks_of(name)
        masks[0] = change(name, masks[0])
        states = [TrackState.VISIBLE if mask.any() else TrackState.VANISHED for mask in masks]
        tracks.append(track_of(name, masks, states, [0.5] * FRAMES))
    return Tracks(sample_id="s", seed=0, tracker="other", size=SIZE, tracks=tuple(tracks)).to_json()


def other(name, mask):
    return masks_of("id2" if name == "id1" else "id1")[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (other, "it is the mask of 'id2', so instances are exchanged"),
        (lambda name, mask: np.ascontiguousarray(mask).reshape(SIZE[::-1]).T, "counted row by row it fits"),
        (lambda name, mask: moved(mask, down=20), "they show another thing"),
    ],
    ids=["exchanged", "row by row", "elsewhere"],
)
def test_stored_masks_of_something_else_in_the_first_frame_are_refused(tmp_path, change, words):
    (tmp_path / "s.tracks.json").write_text(json.dumps(tracks_where_first(change)))
    with pytest.raises(MediaError) as caught:
        create(str(tmp_path), {}).track(request_of(tmp_path))
    assert words in str(caught.value)
    assert "s.tracks.json" in str(caught.value)


def test_what_lies_beside_a_video_may_begin_otherwise_than_the_benchmark_and_is_noted(tmp_path):
    value = tracks_where_first(lambda name, mask: moved(mask, down=20))
    (tmp_path / "s.tracks.json").write_text(json.dumps(value))
    assert [note for note in create("", {}).track(request_of(tmp_path)).notes if "agree by 0.0" in note]


def test_exchanged_folders_of_mask_images_are_told_by_the_first_frame(tmp_path):
    write_images(tmp_path / "s")
    (tmp_path / "s" / "id1").rename(tmp_path / "s" / "kept")
    (tmp_path / "s" / "id2").rename(tmp_path / "s" / "id1")
    (tmp_path / "s" / "kept").rename(tmp_path / "s" / "id2")
    with pytest.raises(MediaError, match="it is the mask of 'id2', so instances are exchanged"):
        create("", {}).track(request_of(tmp_path))


def test_stored_masks_a_little_beside_the_benchmark_s_are_taken_and_far_beside_noted(tmp_path):
    for right, notes in ((1, 0), (5, 1)):
        value = tracks_where_first(lambda name, mask, right=right: moved(mask, right=right))
        (tmp_path / "s.tracks.json").write_text(json.dumps(value))
        found = create("", {}).track(request_of(tmp_path)).notes
        assert len([note for note in found if "agree by" in note and "'id1'" in note]) == notes


def test_a_track_that_begins_empty_where_the_benchmark_shows_the_thing_is_refused_and_noted_where_it_is_lost(tmp_path):
    value = tracks_where_first(lambda name, mask: mask & (name != "id1"))
    (tmp_path / "s.tracks.json").write_text(json.dumps(value))
    with pytest.raises(MediaError, match=r"s\.tracks\.json: first frame: the stored mask of 'id1' is empty, .* has 80 pixels"):
        create(str(tmp_path), {}).track(request_of(tmp_path))
    # What lies beside the video is of that video, so that one is noted only.
    assert [note for note in create("", {}).track(request_of(tmp_path)).notes if "'id1' is empty" in note]
    value["tracks"][0]["states"][0] = "lost"
    (tmp_path / "s.tracks.json").write_text(json.dumps(value))
    (note,) = create(str(tmp_path), {}).track(request_of(tmp_path)).notes
    assert "the stored mask of 'id1' is empty" in note


def test_a_contradiction_in_a_line_of_a_stage_file_names_the_line(tmp_path):
    wrong = record()
    wrong["tracks"][1]["masks"][2] = encode(np.zeros(SIZE, dtype=bool))
    (tmp_path / "tracks.jsonl").write_text("".join(json.dumps(line) + "\n" for line in (record("other"), wrong)))
    with pytest.raises(MediaError, match=r"tracks\.jsonl line 2 .*instance 'id2', frame 2: the mask is empty, its box says"):
        create(str(tmp_path), {}).track(request_of(tmp_path))
