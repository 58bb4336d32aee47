import hashlib
import json

import cv2
import numpy as np
import pytest

from intergeneval import bench
from intergeneval.errors import BenchError
from tests.bench.small_benchmarks import SIZE, TOML, own_benchmark, sample_json, square, write_image, write_samples


def faults_after(root, change):
    """Check a benchmark after `change` has damaged the one sample (hashes brought up to date)."""
    own_benchmark(root)
    raw = sample_json(root)
    change(root, raw)
    for path in raw.get("hashes", {}):
        if isinstance(path, str) and (root / path).is_file():
            raw["hashes"][path] = hashlib.sha256((root / path).read_bytes()).hexdigest()
    write_samples(root, [raw])
    return bench.check(root)


def put(*keys_and_value):
    """Return a change that sets a value deep inside the sample."""
    *keys, last, value = keys_and_value

    def change(_, raw):
        for key in keys:
            raw = raw[key]
        raw[last] = value

    return change


def drop(*keys):
    *keys, last = keys

    def change(_, raw):
        for key in keys:
            raw = raw[key]
        del raw[last]

    return change


def mask(image):
    return lambda root, raw: write_image(root / "masks/one/id1.png", image)


SHAPES = {
    "unknown field": (put("colour_of_box", 1), "colour_of_box", "unknown field"),
    "unknown instance field": (put("instances", 0, "size", 1), "instances[0].size", "unknown field"),
    "unknown interaction field": (put("interactions", 0, "who", 1), "interactions[0].who", "unknown field"),
    "missing field": (drop("prompt"), "prompt", "the field is missing"),
    "missing instance field": (drop("instances", 1, "class"), "instances[1].class", "the field is missing"),
    "wrong type": (put("prompt", 3), "prompt", "expected a text, got 3"),
    "wrong list": (put("instances", "id1"), "instances", "expected a list"),
    "wrong entry": (put("instances", 1, "cup"), "instances[1]", "expected an object"),
    "unknown category": (put("interactions", 0, "category", "magic"), "interactions[0].category", "one of 'contact'"),
    "unknown direction": (put("interactions", 0, "direction", "both"), "interactions[0].direction", "one of 'unidirectional'"),
    "unknown colour": (put("instances", 0, "colour", "mauve"), "instances[0].colour", "'mauve' is not one of red"),
    "odd size": (put("size", [24]), "size", "expected a list of 2"),
    "no size": (put("size", [0, 36]), "size", "is no size"),
    "empty prompt": (put("prompt", " "), "prompt", "the prompt is empty"),
    "empty class": (put("instances", 0, "class", ""), "instances[0].class", "the class is empty"),
    "empty appearance": (put("instances", 0, "appearance", " "), "instances[0].appearance", "the appearance is empty"),
    "empty id": (put("id", ""), "id", "is empty"),
    "id with a slash": (put("id", "a/b"), "id", "holds '/'"),
    "id with a NUL": (put("id", "a\0b"), "id", "cannot be part of a file name"),
    "id upwards": (put("id", ".."), "id", "starts with a dot"),
    "id too long": (put("id", "x" * 200), "id", "longer than"),
    "half a character": (put("prompt", "\ud800"), "prompt", "half of a character"),
    "same instance twice": (put("instances", 1, "id", "id1"), "instances[1].id", "taken twice"),
    "same colour twice": (put("instances", 1, "colour", "red"), "instances[1].colour", "the colour of 'id1' too"),
    "no instance": (put("instances", []), "instances", "no instance"),
    "unknown subject": (put("interactions", 0, "subject", "id9"), "interactions[0].subject", "no instance is called 'id9'"),
    "acts on itself": (put("interactions", 0, "object", "id1"), "interactions[0].object", "is the subject too"),
    "no verb": (put("interactions", 0, "verb", ""), "interactions[0]", "not all given"),
    "nine questions": (put("interactions", 0, "questions", ["q?"] * 9), "interactions[0].questions", "there are 9"),
    "an empty question": (put("interactions", 0, "questions", ["q?"] * 9 + [""]), "interactions[0].questions", "is empty"),
    "no interaction": (put("interactions", []), "interactions", "no interaction yet"),
    "no mask": (put("instances", 0, "mask", None), "instances[0].mask", "has no mask"),
    "absolute path": (put("image", "/etc/passwd"), "image", "is absolute"),
    "path upwards": (put("instances", 0, "mask", "../../secret.png"), "instances[0].mask", "leaves the benchmark folder"),
    "path with a NUL": (put("image", "a\0.png"), "image", "no file name can have"),
    "hash of a stranger": (put("hashes", "other.png", "0" * 64), "hashes", "not a file that the sample names"),
    "no hash": (put("hashes", "masks/none.png", 7), "hashes.masks/none.png", "expected a text"),
}


@pytest.mark.parametrize(("change", "field", "problem"), SHAPES.values(), ids=SHAPES)
def test_a_fault_in_a_sample_names_line_field_and_fix(tmp_path, change, field, problem):
    found = [fault for fault in faults_after(tmp_path / "b", change) if fault.field == field and problem in fault.problem]
    assert found, bench.check(tmp_path / "b")
    assert found[0].file == "samples.jsonl:1"
    assert found[0].fix


FILES = {
    "missing mask": (lambda root, raw: (root / "masks/one/id1.png").unlink(), "masks/one/id1.png", "does not exist"),
    "a folder": (
        lambda root, raw: ((root / "masks/one/id1.png").unlink(), (root / "masks/one/id1.png").mkdir()),
        "masks/one/id1.png",
        "does not exist",
    ),
    "empty mask": (mask(np.zeros(SIZE, np.uint8)), "masks/one/id1.png", "the mask is empty"),
    "mask of another size": (mask(square(2, (48, 72))), "masks/one/id1.png", "the mask is 72x48, the first frame 36x24"),
    "grey mask": (mask(np.arange(SIZE[0] * SIZE[1], dtype=np.uint8).reshape(SIZE)), "masks/one/id1.png", "the values"),
    "mask without background": (mask(np.full(SIZE, 40, np.uint8)), "masks/one/id1.png", "the value 40"),
    "mask in several colours": (
        mask(np.dstack([square(2), square(3), square(4)])),
        "masks/one/id1.png",
        "the values 0, (0, 0, 255)",
    ),
    "mask on white": (mask(255 - square(2)), "masks/one/id1.png", "a dark thing on a white background"),
    "same mask twice": (mask(square(20)), "masks/one/id2.png", "part of 'id1' too"),
    "mask inside another": (mask(square(20)[:, :] * (np.arange(36) < 24).astype(np.uint8)), "masks/one/id1.png", "part of 'id2'"),
    "frame of another size": (
        lambda root, raw: write_image(root / "first_frames/one.png", np.zeros((10, 10, 3), np.uint8)),
        "first_frames/one.png",
        "the first frame is 10x10",
    ),
    "text for a frame": (
        lambda root, raw: (root / "first_frames/one.png").write_text("not a picture"),
        "first_frames/one.png",
        "neither PNG nor JPEG",
    ),
    "torn frame": (
        lambda root, raw: (root / "first_frames/one.png").write_bytes((root / "first_frames/one.png").read_bytes()[:60]),
        "first_frames/one.png",
        "does not decode",
    ),
    "huge frame": (
        lambda root, raw: (root / "first_frames/one.png").write_bytes(
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (60000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
        ),
        "first_frames/one.png",
        "the image is 60000x60000",
    ),
}


@pytest.mark.parametrize(("change", "file", "problem"), FILES.values(), ids=FILES)
def test_a_fault_of_an_image_names_the_file_and_the_line_that_names_it(tmp_path, change, file, problem):
    (found,) = faults_after(tmp_path / "b", change)
    assert found.file == file
    assert problem in found.problem
    assert found.field.startswith("samples.jsonl:1 ")
    assert found.sample == "one"


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    outside = tmp_path / "secret.png"
    write_image(outside, square(2))

    def link(root, raw):
        (root / "masks/one/id1.png").unlink()
        (root / "masks/one/id1.png").symlink_to(outside)

    found = faults_after(tmp_path / "b", link)
    assert "a link that leaves the benchmark folder" in found[0].problem


def test_a_changed_file_is_told_by_its_hash(tmp_path):
    root = own_benchmark(tmp_path / "b")
    write_image(root / "masks/one/id1.png", square(3))
    (found,) = bench.check(root)
    assert (found.file, found.problem[:10]) == ("masks/one/id1.png", "the sha256")


def test_all_faults_are_named_at_once(tmp_path):
    root = own_benchmark(tmp_path / "b")
    raw = sample_json(root)
    bad = sample_json(root, "bad")
    bad["prompt"] = 5
    bad["mood"] = "good"
    bad["instances"][0]["colour"] = "mauve"
    bad["instances"][1]["class"] = None
    bad["interactions"][0]["category"] = "magic"
    write_samples(root, [raw, bad, raw, "{torn", "[1]"])
    (root / "bench.toml").write_text('name = "small"\nversion = 1\nauthor = "x"\nvideos = "nowhere"\n')
    (root / "masks/one/id2.png").unlink()
    places = {(fault.file, fault.field) for fault in bench.check(root)}
    assert places == {
        ("bench.toml", "version"),
        ("bench.toml", "author"),
        ("bench.toml", "description"),
        ("bench.toml", "licence"),
        ("bench.toml", "videos"),
        ("samples.jsonl:2", "prompt"),
        ("samples.jsonl:2", "mood"),
        ("samples.jsonl:2", "instances[0].colour"),
        ("samples.jsonl:2", "instances[1].class"),
        ("samples.jsonl:2", "interactions[0].category"),
        ("samples.jsonl:3", "id"),
        ("samples.jsonl:4", ""),
        ("samples.jsonl:5", ""),
        ("masks/one/id2.png", "samples.jsonl:1 instances[1].mask"),
    }


def test_a_fault_of_shape_hides_no_other_fault_of_its_line(tmp_path):
    root = own_benchmark(tmp_path / "b")
    bad = sample_json(root)
    bad |= {"mood": "good", "image": 3, "prompt": " "}
    bad["instances"][0] |= {"colour": "mauve", "class": ""}
    bad["instances"][1]["colour"] = "red"
    bad["interactions"] = [
        {"subject": "id9", "verb": 7, "object": "id2"},
        {"subject": "id1", "verb": "lifts", "object": "id1"},
    ]
    write_samples(root, [bad, sample_json(root)])
    assert {(fault.file, fault.field) for fault in bench.check(root)} == {
        ("samples.jsonl:1", "mood"),
        ("samples.jsonl:1", "image"),
        ("samples.jsonl:1", "prompt"),
        ("samples.jsonl:1", "instances[0].colour"),
        ("samples.jsonl:1", "instances[0].class"),
        ("samples.jsonl:1", "interactions[0].verb"),
        ("samples.jsonl:1", "interactions[0].subject"),
        ("samples.jsonl:1", "interactions[1].object"),
        ("samples.jsonl:2", "id"),
    }


@pytest.mark.parametrize("change", [{"instances": 3}, {"interactions": None}, {"id": 4}, {"hashes": []}, {"hashes": {"x": 2}}])
def test_a_field_of_the_wrong_shape_brings_no_fault_but_its_own(tmp_path, change):
    root = own_benchmark(tmp_path / "b")
    write_samples(root, [{**sample_json(root), **change}])
    (found,) = bench.check(root)
    assert found.field.partition(".")[0] == next(iter(change))


@pytest.mark.parametrize("value", [None, 7, "gone"])
@pytest.mark.parametrize("key", ["id", "colour", "mask", "class"])
def test_an_instance_of_the_wrong_shape_brings_no_fault_but_its_own(tmp_path, key, value):
    root = own_benchmark(tmp_path / "b")
    bad = sample_json(root)
    bad["instances"][0][key] = [value]
    write_samples(root, [bad])
    assert [fault.field for fault in bench.check(root)] == [f"instances[0].{key}"]


def test_a_line_with_what_is_no_number_is_a_fault(tmp_path):
    root = own_benchmark(tmp_path / "b")
    write_samples(root, [{**sample_json(root), "scene": float("inf")}])
    (found,) = bench.check(root)
    assert "Infinity is no number that JSON can hold" in found.problem


def test_what_forbids_loading_is_said_when_it_is_loaded(tmp_path):
    root = own_benchmark(tmp_path / "b")
    write_samples(root, ["{"] * 20)
    with pytest.raises(BenchError, match=r"20 faults .*\n  samples\.jsonl:1: .*(\n.*)+and 12 more"):
        bench.load(root)


@pytest.mark.parametrize("content", ["", "name = ", "[hashes]\n'../x' = 'a'\n", "hashes = 3", "\x00"])
def test_a_damaged_toml_is_a_fault_and_no_crash(tmp_path, content):
    root = own_benchmark(tmp_path / "b")
    (root / "bench.toml").write_text(content)
    assert [fault for fault in bench.check(root) if fault.file == "bench.toml"]


def test_reference_videos_are_held_against_their_hashes(tmp_path):
    root = own_benchmark(tmp_path / "b", ("one", "two"))
    (root / "videos").mkdir()
    (root / "videos/one.mp4").write_bytes(b"video")
    listed = json.dumps("0" * 64)
    (root / "bench.toml").write_text(
        f'{TOML}videos = "videos"\n[hashes]\n"videos/one.mp4" = {listed}\n"videos/x.mp4" = {listed}\n'
    )
    found = [(fault.file, fault.sample) for fault in bench.check(root)]
    assert found == [("videos/one.mp4", ""), ("videos/x.mp4", ""), ("bench.toml", "two")]


def test_a_jpeg_first_frame_is_read_with_its_size(tmp_path):
    root = own_benchmark(tmp_path / "b")
    raw = sample_json(root)
    done, content = cv2.imencode(".jpg", np.full((*SIZE, 3), 90, np.uint8))
    assert done
    (root / "first_frames/one.jpg").write_bytes(content.tobytes())
    raw |= {"image": "first_frames/one.jpg", "hashes": {}, "size": None}
    write_samples(root, [raw])
    assert bench.check(root) == []
    assert bench.load(root).samples[0].size == SIZE
