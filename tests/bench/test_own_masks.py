"""First-frame masks of single models: where they lie, what is taken of them, and every fault of them."""

import json
import shutil

import cv2
import numpy as np
import pytest

from intergeneval import bench
from intergeneval.bench import own_masks
from intergeneval.errors import BenchError
from intergeneval.records import Fit
from tests.bench.small_benchmarks import SIZE, own_benchmark, sample_json, square, write_image, write_samples


def draw(root, model, *names, left=10, size=SIZE):
    """Write masks at the paths below a model's folder."""
    for name in names:
        write_image(root / "masks" / own_masks.model_folder(model) / name, square(left, size))


def faults_of(root):
    return [(fault.file, fault.problem) for fault in bench.check(root)]


@pytest.mark.parametrize(
    ("model", "folder"),
    [
        ("model-b", "model-b"),
        ("Wan 2.1 é", "Wan 2.1 é"),
        ("staged:perfect", "staged%3Aperfect"),
        ("OWNER/NAME", "OWNER%2FNAME"),
        ("100%", "100%25"),
        ("..", "%2E%2E"),
        (".hidden ", "%2Ehidden%20"),
        ("a\\b\n", "a%5Cb%0A"),
        ("what?", "what%3F"),
    ],
)
def test_every_name_of_a_model_has_one_folder_that_names_it_back(tmp_path, model, folder):
    assert own_masks.model_folder(model) == folder
    assert own_masks.model_of(folder) == model
    (tmp_path / folder).mkdir()
    assert [item.name for item in tmp_path.iterdir()] == [folder]


def test_a_model_s_own_masks_change_no_hash_and_are_no_fault(tmp_path):
    root = own_benchmark(tmp_path / "b", ("one", "two"))
    before = bench.load(root)
    draw(root, "staged:perfect", "one/id1.png", "two/3/id1.png")
    draw(root, "staged:perfect", "one/id2.png", "two/3/id2.png", left=20)
    found = bench.load(root)
    assert (found.hash, found.samples) == (before.hash, before.samples)
    assert before.own_masks == ()
    assert found.own_masks == ("staged%3Aperfect",)
    assert bench.check(root) == []
    assert bench.models_with_masks(found) == {"staged:perfect": 2}
    assert bench.models_with_masks(found.narrow(ids=["two"])) == {"staged:perfect": 1}
    assert [item.name for item in bench.sets_of(found, "staged:perfect")] == ["one", "two/3"]


def test_a_seed_s_masks_come_before_those_for_every_seed_and_these_before_the_benchmark_s(tmp_path):
    root = own_benchmark(tmp_path / "b", ("one", "two"))
    draw(root, "m", "one/id1.png", "one/id2.png", left=10)
    draw(root, "m", "one/7/id1.png", "one/7/id2.png", left=14)
    found = bench.load(root)
    one, two = found.samples

    def left(sample, **whose):
        masks = bench.masks_for(found, sample, SIZE, **whose)
        assert (bench.load_mask(found, sample, "id1", **whose) == masks["id1"]).all()
        return int(np.flatnonzero(masks["id1"].any(axis=0))[0])

    assert [left(one), left(one, model="other", seed=7), left(two, model="m", seed=7)] == [2, 2, 2]
    assert [left(one, model="m"), left(one, model="m", seed=0), left(one, model="m", seed=7)] == [10, 10, 14]


def test_own_masks_of_a_sample_without_a_size_are_never_scaled(tmp_path):
    root = own_benchmark(tmp_path / "b")
    row = sample_json(root)
    row |= {"size": None, "image": None, "instances": [{**item, "mask": None} for item in row["instances"]], "hashes": {}}
    write_samples(root, [row])
    draw(root, "m", "one/id1.png", "one/id2.png")
    found = bench.load(root)
    assert bench.masks_for(found, found.samples[0], SIZE, model="m")["id1"].shape == SIZE
    with pytest.raises(BenchError, match="mask of 'id1' is 36x24, the video is judged at 72x48"):
        bench.masks_for(found, found.samples[0], (48, 72), Fit.SCALE, model="m")


def colours(path):
    write_image(path, np.dstack([square(2), square(3), square(4)]))


CHANGES = {
    "an unknown sample": (
        lambda at: shutil.copytree(at / "one", at / "onee"),
        "masks/m/onee",
        "the benchmark has no sample 'onee'",
    ),
    "an unknown instance": (
        lambda at: shutil.copy(at / "one/id1.png", at / "one/id3.png"),
        "masks/m/one/id3.png",
        "sample 'one' has no instance of that name; it has id1, id2",
    ),
    "a missing instance": (
        lambda at: ((at / "one/id2.png").unlink(), shutil.rmtree(at / "one/7")),
        "masks/m/one/id2.png",
        "the mask does not exist, and a model's own masks of a sample are all its instances' or none",
    ),
    "a seed that is no number": (
        lambda at: shutil.copytree(at / "one/7", at / "one/seed7"),
        "masks/m/one/seed7",
        "'seed7' is no whole number as a seed is written",
    ),
    "a seed written in two ways": (
        lambda at: shutil.copytree(at / "one/7", at / "one/07"),
        "masks/m/one/07",
        "'07' is no whole number as a seed is written",
    ),
    "half of the masks for every seed and half for one": (
        lambda at: ((at / "one/id2.png").unlink(), (at / "one/7/id1.png").unlink()),
        "masks/m/one/id2.png",
        "the mask does not exist; masks/m/one/7/id2.png does not complete the set, because each folder is one by itself",
    ),
    "a folder below a seed": (
        lambda at: shutil.copytree(at / "one/7", at / "one/7/more"),
        "masks/m/one/7/more",
        "a folder where the masks of one seed lie",
    ),
    "a file beside the samples": (
        lambda at: shutil.copy(at / "one/id1.png", at / "id1.png"),
        "masks/m/id1.png",
        "a file where the model has a folder for each sample",
    ),
    "a damaged mask": (
        lambda at: (at / "one/id1.png").write_bytes((at / "one/id1.png").read_bytes()[:40]),
        "masks/m/one/id1.png",
        "the PNG image ends too early",
    ),
    "a mask in colours": (
        lambda at: colours(at / "one/id1.png"),
        "masks/m/one/id1.png",
        "the mask has the values 0, (0, 0, 255)",
    ),
    "a grey mask": (
        lambda at: write_image(at / "one/id1.png", square(2) // 2 + square(20)),
        "masks/m/one/id1.png",
        "the mask has the values 0, 127, 255",
    ),
    "an empty mask": (
        lambda at: write_image(at / "one/7/id1.png", np.zeros(SIZE, np.uint8)),
        "masks/m/one/7/id1.png",
        "the mask is empty",
    ),
    "a mask of another size": (
        lambda at: write_image(at / "one/id1.png", square(2, (48, 72))),
        "masks/m/one/id1.png",
        "the mask is 72x48, the sample 36x24",
    ),
    "a mask under another": (
        lambda at: shutil.copy(at / "one/id1.png", at / "one/id2.png"),
        "masks/m/one/id2.png",
        "every pixel of the mask of 'id2' is part of 'id1' too",
    ),
    "a link out of the benchmark": (
        lambda at: ((at / "one/id1.png").unlink(), (at / "one/id1.png").symlink_to(at.parents[2] / "outside.png")),
        "masks/m/one/id1.png",
        "the path 'masks/m/one/id1.png' is a link that leaves the benchmark folder",
    ),
    "a linked folder": (
        lambda at: (shutil.move(at / "one", at.parents[2] / "away"), (at / "one").symlink_to(at.parents[2] / "away")),
        "masks/m/one",
        "the path 'masks/m/one' is a link that leaves the benchmark folder",
    ),
}


@pytest.mark.parametrize(("change", "file", "problem"), CHANGES.values(), ids=list(CHANGES))
def test_a_fault_of_own_masks_names_the_file_and_keeps_only_that_model_from_running(tmp_path, change, file, problem):
    write_image(tmp_path / "outside.png", square(2))
    root = own_benchmark(tmp_path / "b")
    for model in ("m", "other"):
        draw(root, model, "one/id1.png", "one/7/id1.png", left=2)
        draw(root, model, "one/id2.png", "one/7/id2.png", left=20)
    assert bench.check(root) == []
    change(root / "masks/m")
    found = faults_of(root)
    assert (file, problem) in [(where, what[: len(problem)]) for where, what in found]
    assert all(where.startswith("masks/m/") for where, _ in found)
    assert all(fault.fix for fault in bench.check(root))
    assert len(bench.sets_of(bench.load(root), "other")) == 2


def test_faults_of_own_masks_are_named_beside_those_of_the_text_files_and_none_is_made_up(tmp_path):
    root = own_benchmark(tmp_path / "b", ("one", "two"))
    rows = [json.loads(line) for line in (root / "samples.jsonl").read_text().splitlines()]
    write_samples(root, [rows[0], {**rows[1], "prompt": 3}])
    draw(root, "m", "one/id1.png", "two/id1.png", "two/id2.png")
    files = [fault.file for fault in bench.check(root)]
    assert files == ["samples.jsonl:2", "masks/m/one/id2.png"]


def test_a_folder_that_no_model_is_called_like_is_a_fault(tmp_path):
    root = own_benchmark(tmp_path / "b")
    for left, name in ((2, "id1"), (20, "id2")):
        write_image(root / f"masks/OWNER%2fNAME/one/{name}.png", square(left))
    (fault,) = bench.check(root)
    assert (fault.file, fault.fix) == ("masks/OWNER%2fNAME", "call it 'OWNER%2FNAME'")


def test_a_folder_that_a_sample_names_files_in_is_no_model_s_and_a_model_of_that_name_is_told(tmp_path):
    root = own_benchmark(tmp_path / "b", ("one", "two"))
    assert bench.sets_of(bench.load(root), "one") == ()
    draw(root, "one", "two/id1.png", "two/id2.png")
    found = bench.load(root)
    assert found.own_masks == ()
    (fault,) = bench.check(root)
    assert fault.file == "masks/one/two"
    assert "belongs to a sample" in fault.problem
    assert "give the model another name (--name)" in fault.fix
    with pytest.raises(BenchError, match="masks/one belongs to a sample"):
        bench.sets_of(found, "one")
    assert bench.sets_of(found, "m") == ()


def test_a_model_may_be_called_like_a_sample_that_names_no_file_in_that_folder(tmp_path):
    root = own_benchmark(tmp_path / "b", ("one",))
    row = sample_json(root)
    for item in row["instances"]:
        item["mask"] = item["mask"].replace("masks/one/", "masks/one-")
        shutil.copy(root / f"masks/one/{item['id']}.png", root / item["mask"])
    write_samples(root, [{**row, "hashes": {}}])
    shutil.rmtree(root / "masks/one")
    draw(root, "one", "one/id1.png", left=2)
    draw(root, "one", "one/id2.png", left=20)
    assert bench.check(root) == []
    assert [item.name for item in bench.sets_of(bench.load(root), "one")] == ["one"]


def test_masks_that_a_benchmark_left_behind_are_no_fault(tmp_path):
    root = own_benchmark(tmp_path / "b", ("one", "two"))
    write_samples(root, [sample_json(root, "one")])
    assert (root / "masks/two/id1.png").is_file()
    assert bench.check(root) == []
    assert bench.load(root).own_masks == ()


def test_in_a_text_to_video_benchmark_masks_a_level_too_high_are_a_fault(tmp_path):
    root = own_benchmark(tmp_path / "b")
    row = sample_json(root)
    row |= {"size": None, "image": None, "instances": [{**item, "mask": None} for item in row["instances"]], "hashes": {}}
    write_samples(root, [row])
    toml = root / "bench.toml"
    toml.write_text(toml.read_text() + 'task = "text-to-video"\n')
    assert bench.check(root) == []
    draw(root, "m", "id1.png", "id2.png")
    (fault,) = bench.check(root)
    assert (fault.file, fault.fix) == ("masks/m", "move them to masks/<model>/<sample>/")
    shutil.rmtree(root / "masks/m")
    draw(root, "m", "one/id1.png")
    draw(root, "m", "one/id2.png", left=20, size=(48, 72))
    (fault,) = bench.check(root)
    assert fault.problem == "the mask is 72x48, the first mask of the set 36x24"


def test_the_release_s_layout_has_own_masks_too(tmp_path):
    from tests.bench.small_benchmarks import official_type

    folder = official_type(tmp_path / "synthetic")
    draw(folder, "m", "000/id1.png", left=3)
    draw(folder, "m", "000/id2.png", left=21)
    found = bench.load(folder)
    assert bench.check(folder) == []
    assert bench.load_mask(found, found.samples[0], "id1", model="m")[5, 3:11].all()
    assert json.dumps(found.samples[0].to_json()).count("masks/m") == 0
    assert cv2.imread(str(folder / "masks/000/id1.png"), 0)[5, 2]
