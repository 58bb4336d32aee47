"""Files of other tools become benchmarks, and benchmarks files for them; fixtures bear the version that wrote them."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from pycocotools import mask as coco
from pycocotools.coco import COCO

from intergeneval import bench
from intergeneval.build.formats import Pictures, reader
from intergeneval.build.formats.palette import palette_png
from intergeneval.cli import main
from intergeneval.cli.annotate import opened
from intergeneval.ids import canonical_json
from intergeneval.masks import decode, encode
from intergeneval.records import Track, Tracks, TrackState
from intergeneval.store import RunStore
from intergeneval.videos.encoding import write_video

FIXTURES = Path(__file__).parents[2] / "fixtures" / "formats"
SIZE = (60, 80)
PERSON, DOG = 584, 375
"""Pixels of the two in the fixtures' picture."""


def shown(step=0):
    """Return the picture of the fixtures and its two masks, after some steps to each other."""
    picture = np.full((*SIZE, 3), 120, np.uint8)
    person, dog = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
    person[10:50, 5 + step : 20 + step] = True
    person[10:14, 5 + step : 9 + step] = False
    dog[35:52, 45 - step : 70 - step] = True
    dog[35:40, 45 - step : 55 - step] = False
    picture[person], picture[dog] = (40, 40, 200), (200, 60, 40)
    return picture, person, dog


def called(*arguments):
    found = CliRunner().invoke(main, ["bench", *map(str, arguments)], catch_exceptions=False)
    return found.exit_code, found.output


def areas(folder):
    made = bench.load(str(folder))
    return [{name: int(mask.sum()) for name, mask in bench.load_masks(made, sample).items()} for sample in made.samples]


def coded(mask):
    found = coco.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": found["size"], "counts": found["counts"].decode()}


def picture_at(folder, name="a.png", step=0):
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / name), shown(step)[0])


def prompts(folder, *names):
    place = folder / "prompts.txt"
    place.write_text("".join(f"{name}\tA man kicks a dog\n" for name in names))
    return place


def by_pycocotools(folder):
    """Write a COCO file with compressed run lengths."""
    picture_at(folder)
    _, person, dog = shown()
    marked = [
        {"id": number, "image_id": 7, "category_id": number, "iscrowd": 0, "segmentation": coded(mask),
         "area": int(mask.sum()), "bbox": coco.toBbox(coded(mask)).tolist()}
        for number, mask in ((1, person), (2, dog))
    ]  # fmt: skip
    value = {
        "images": [{"id": 7, "file_name": "a.png", "height": SIZE[0], "width": SIZE[1], "tags": ["dimension:motion"]}],
        "annotations": marked,
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}],
    }
    (folder / "instances.json").write_text(json.dumps(value))
    return folder / "instances.json"


@pytest.mark.parametrize(
    ("file", "layout", "person", "dog"),
    [
        # Its polygons go through the outer pixels' middles, of which pycocotools leaves out half.
        ("supervision-0.31.2.json", "coco", 531, 335),
        ("supervision-0.31.2-holes.json", "coco", PERSON - 80, 335),
        ("cvat-datumaro-1.13.12.xml", "cvat", PERSON, DOG),
        ("label-studio-sdk-2.1.2.json", "label-studio", PERSON, DOG),
    ],
)
def test_what_a_real_tool_wrote_becomes_a_benchmark_that_can_be_run(file, layout, person, dog, tmp_path):
    listed = prompts(tmp_path, "a")
    code, text = called("import", FIXTURES / file, "--layout", layout, "--out", tmp_path / "out", "--prompts", listed)
    assert code == 0, text
    (sample,) = bench.load(str(tmp_path / "out")).samples
    assert areas(tmp_path / "out") == [{"id1": person, "id2": dog}]
    assert [(act.subject, act.verb, act.object) for act in sample.interactions] == [("id1", "kicks", "id2")]
    assert bench.check(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("layout", "file"),
    [
        ("coco", "annotations.json"),
        ("cvat", "annotations.xml"),
        ("label-studio", "tasks.json"),
        ("youtube-vis", "instances.json"),
        ("davis", "."),
        ("sa-v", "."),
        # A folder that we wrote may be given itself.
        ("coco", "."),
        ("cvat", "."),
        ("label-studio", "."),
        ("youtube-vis", "."),
    ],
)
def test_a_benchmark_goes_out_and_comes_back_as_it_was(layout, file, tmp_path):
    first, out, again = tmp_path / "first", tmp_path / "out", tmp_path / "again"
    called(
        "import", by_pycocotools(tmp_path), "--layout", "coco", "--out", first, "--prompts", prompts(tmp_path, "a")
    )  # fmt: skip
    assert called("export", first, "--layout", layout, "--out", out)[0] == 0
    code, text = called("import", out / file, "--layout", layout, "--out", again)
    assert code == 0, text
    assert (again / "samples.jsonl").read_text() == (first / "samples.jsonl").read_text()
    assert '"tags":["dimension:motion"]' in (again / "samples.jsonl").read_text()


# pycocotools 2.0.11 hands NumPy 2 arrays that do not know its copy keyword.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_what_we_write_pycocotools_reads(tmp_path):
    listed = prompts(tmp_path, "a")
    called("import", by_pycocotools(tmp_path), "--layout", "coco", "--out", tmp_path / "own", "--prompts", listed)
    called("export", tmp_path / "own", "--layout", "coco", "--out", tmp_path / "out")
    found = COCO(str(tmp_path / "out" / "annotations.json"))
    assert [int(found.annToMask(item).sum()) for item in found.anns.values()] == [PERSON, DOG]


def test_videos_bring_their_tracks_and_who_comes_late_is_said(tmp_path):
    segments = [[], [], []]
    for step in range(4):
        picture_at(tmp_path / "JPEGImages" / "v1", f"{step:05d}.png", 3 * step)
        _, person, dog = shown(3 * step)
        segments[0].append(coded(person))
        segments[1].append(coded(dog) if step != 2 else None)
        segments[2].append(coded(dog) if step else None)
    value = {
        "videos": [{"id": 1, "file_names": [f"v1/{at:05d}.png" for at in range(4)], "height": 60, "width": 80, "length": 4}],
        "annotations": [
            {"id": number + 1, "video_id": 1, "category_id": min(number + 1, 2), "segmentations": masks}
            for number, masks in enumerate(segments)
        ],
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}],
    }
    (tmp_path / "instances.json").write_text(json.dumps(value))
    listed, out = prompts(tmp_path, "v1"), tmp_path / "out"
    code, text = called("import", tmp_path / "instances.json", "--layout", "youtube-vis", "--out", out, "--prompts", listed)
    assert code == 0, text
    assert "v1: not in the first frame and left out: id3" in text
    tracks = Tracks.from_json(json.loads((out / "videos" / "v1.tracks.json").read_text()))
    assert [[bool(mask.sum()) for mask in decoded(track, tracks)] for track in tracks.tracks] == [
        [True] * 4,
        [True, True, False, True],
    ]
    assert bench.check(out) == []
    assert f"run --model bench:{out} --bench {out} --tracker stored" in text


def decoded(track, tracks):
    return [decode(counts, tracks.size) for counts in track.masks]


def test_sa_v_is_annotated_every_fourth_frame_and_nothing_is_claimed_of_the_others(tmp_path):
    frames = [[coded(shown(step)[1]), coded(shown(step)[2])] for step in (0, 4, 8)]
    value = {"video_id": "sav_1", "video_frame_count": 9.0, "video_height": 60.0, "video_width": 80.0, "masklet": frames}
    (tmp_path / "sav_1_manual.json").write_text(json.dumps({**value, "masklet_id": [0, 1]}))
    (clip,) = reader("sa-v")(tmp_path, Pictures())
    assert [state.value for state in clip.tracks.tracks[0].states] == ["visible", *["lost"] * 3] * 2 + ["visible"]
    assert clip.files == ("sav_1.mp4",)


def test_palette_indices_count_whatever_their_colours(tmp_path):
    """The palette is that of a picture that PIL wrote: (128, 0, 0) and (0, 128, 0) are objects 1 and 2."""
    place = tmp_path / "Annotations" / "480p" / "walk"
    place.mkdir(parents=True)
    picture_at(tmp_path / "JPEGImages" / "480p" / "walk", "00000.jpg")
    _, person, dog = shown()
    (place / "00000.png").write_bytes(palette_png((person + 2 * dog).astype(np.uint8)))
    (tmp_path / "davis_semantics.json").write_text(json.dumps({"walk": {"1": "man", "2": "dog"}}))
    code, text = called(
        "import", tmp_path, "--layout", "davis", "--out", tmp_path / "out", "--prompts", prompts(tmp_path, "walk")
    )
    assert code == 0, text
    assert areas(tmp_path / "out") == [{"id1": PERSON, "id2": DOG}]
    assert [item.class_ for item in bench.load(str(tmp_path / "out")).samples[0].instances] == ["man", "dog"]


def damaged(folder, change):
    place = by_pycocotools(folder)
    value = json.loads(place.read_text())
    change(value)
    place.write_text(json.dumps(value))
    return place


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda value: value["annotations"][0].update(bbox=[60, 40, 10, 10]), "its box says"),
        (lambda value: value["annotations"][0]["segmentation"].update(size=[80, 60]), "its mask has size"),
        (lambda value: value["annotations"][0].update(segmentation=[[1, 2, 3]]), "even number"),
        (lambda value: value["annotations"][0].update(segmentation=[[1, 2, 3, 4, 5, float("inf")]]), "instances.json"),
        (lambda value: value["annotations"][0].update(segmentation=[]), "no segmentation"),
        (lambda value: value["annotations"][0].update(category_id=9), "category_id 9"),
        (lambda value: value["images"][0].update(width=1 << 40), "cannot be read"),
        (lambda value: value["images"][0].update(file_name="../a.png"), "name of a picture"),
        (lambda value: value["images"][0].update(file_name="b.png"), "--media DIR"),
        (lambda value: value["annotations"].extend([value["annotations"][0]] * 9), "at most 9"),
        (lambda value: value.pop("categories"), "categories"),
        (lambda value: value["categories"].append({"id": 1, "name": "cat"}), "the id 1 is 'person' already, and 'cat' here"),
        (lambda value: value["images"].append({**value["images"][0], "file_name": "b.png"}), "the id 7 is that of images[0]"),
        (lambda value: value["images"][0].update(sample_id="../../b"), "'sample_id'"),
        (lambda value: value["annotations"][0].update(category_id=None), "annotations[0]: 'category_id'"),
        (lambda value: [item.update(image_id=8) for item in value["annotations"]], "2 annotations are of image_id 8"),
    ],
)
def test_a_file_that_cannot_be_true_is_refused_in_one_sentence_and_nothing_is_left(change, told, tmp_path):
    place = damaged(tmp_path / "in", change)
    code, text = called("import", place, "--layout", "coco", "--out", tmp_path / "out")
    assert code == 2
    assert told in text
    assert "Traceback" not in text
    assert not (tmp_path / "out").exists()


def test_xml_with_entities_is_not_read(tmp_path):
    place = tmp_path / "annotations.xml"
    place.write_text('<!DOCTYPE a [<!ENTITY b "c">]><annotations>&b;</annotations>')
    code, text = called("import", place, "--layout", "cvat", "--out", tmp_path / "out")
    assert code == 2
    assert "declares entities" in text


def test_a_relation_of_label_studio_says_who_does_it(tmp_path):
    called("import", FIXTURES / "label-studio-sdk-2.1.2.json", "--layout", "label-studio", "--out", tmp_path / "out")
    (sample,) = bench.load(str(tmp_path / "out")).samples
    assert [(act.subject, act.verb, act.object) for act in sample.interactions] == [("id1", "kicks", "id2")]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two staged videos, whose tracks are the truth."""
    out = tmp_path_factory.mktemp("runs") / "perfect"
    ids = ",".join(sample.id for sample in bench.load("staged").samples[:2])
    done = CliRunner().invoke(
        main,
        ["run", "--model", "staged:perfect", "--bench", "staged", "--samples", ids, "--judge", "oracle", "--out", str(out)],
        catch_exceptions=False,
    )
    assert done.exit_code == 0, done.output
    return out


@pytest.mark.parametrize("layout", ["youtube-vis", "davis", "sa-v", "cvat"])
def test_the_tracks_of_a_run_go_out_as_videos_and_come_back(layout, run, tmp_path):
    assert called("export", "staged", "--layout", layout, "--run", run, "--out", tmp_path / "out")[0] == 0
    file = {"youtube-vis": "instances.json", "davis": ".", "sa-v": ".", "cvat": "."}[layout]
    places = sorted((tmp_path / "out").glob("*.xml")) if layout == "cvat" else [tmp_path / "out" / file]
    clips = {clip.id: clip for place in places for clip in reader(layout)(place, Pictures())}
    for tracks in RunStore.open(run).read("tracks", Tracks):
        found = clips[tracks.sample_id].tracks
        for track in tracks.tracks:
            mine = found.track(track.instance_id)
            assert mine is not None
            pairs = list(zip(decoded(track, tracks), decoded(mine, found), strict=True))
            # Palette pictures hold one object a pixel: where two overlap the later one stays.
            same = [bool((one == other).all()) or (layout == "davis" and not (other & ~one).any()) for one, other in pairs]
            assert all(same)


def test_pictures_cannot_hold_the_tracks_of_a_run(run, tmp_path):
    code, text = called("export", "staged", "--layout", "coco", "--run", run, "--out", tmp_path / "out")
    assert code == 2
    assert "youtube-vis" in text


def test_what_is_left_out_of_a_file_is_counted_and_named(tmp_path):
    def more(value):
        value["images"].append({"id": 8, "file_name": "b.png", "height": 60, "width": 80})
        value["annotations"].append({**value["annotations"][0], "id": 3, "image_id": 99})

    code, text = called("import", damaged(tmp_path / "in", more), "--layout", "coco", "--out", tmp_path / "out")
    assert code == 0, text
    assert "1 annotation is of image_id 99, which the file does not list: left out" in text
    assert "1 of 2 have no annotation and are no samples" in text


def test_tasks_without_a_result_and_regions_that_are_no_masks_are_named(tmp_path):
    value = json.loads((FIXTURES / "label-studio-sdk-2.1.2.json").read_text())
    empty = {**value[0], "id": 77, "annotations": [{"id": 1, "was_cancelled": False, "result": None}]}
    value[0]["annotations"][0]["result"].append({"type": "keypointlabels", "id": "k", "value": {}})
    (tmp_path / "tasks.json").write_text(json.dumps([*value, empty]))
    picture_at(tmp_path)
    code, text = called("import", tmp_path / "tasks.json", "--layout", "label-studio", "--out", tmp_path / "out")
    assert code == 0, text
    assert "1 of 2 tasks have no annotation that counts: task 77" in text
    assert "regions that are no masks are left out: keypointlabels" in text


@pytest.fixture(scope="module")
def fleeting(tmp_path_factory):
    """A benchmark of one video and a run of it in which the dog is lost in one frame and hidden in another."""
    root = tmp_path_factory.mktemp("fleeting")
    listed = prompts(root, "a")
    called("import", by_pycocotools(root), "--layout", "coco", "--out", root / "own", "--prompts", listed)
    (root / "model").mkdir()
    write_video(root / "model" / "a.mp4", [shown(step)[0][:, :, ::-1] for step in range(4)], 8.0)
    done = CliRunner().invoke(
        main, ["run", "--model", str(root / "model"), "--bench", str(root / "own"), "--out", str(root / "run"), "--workers", "1"],
        catch_exceptions=False,
    )  # fmt: skip
    assert done.exit_code in (0, 3), done.output
    (tracks,) = RunStore.open(root / "run").read("tracks", Tracks)
    states = (TrackState.VISIBLE, TrackState.LOST, TrackState.OCCLUDED, TrackState.VISIBLE)
    whole = [shown(step)[2] for step in range(4)]
    masks = [mask & (state is TrackState.VISIBLE) for mask, state in zip(whole, states, strict=True)]
    dog = Track(
        instance_id="id2", masks=tuple(encode(mask) for mask in masks), boxes=(None,) * 4,
        areas=tuple(int(mask.sum()) for mask in masks), confidence=(1.0,) * 4, states=states,
    )  # fmt: skip
    value = replace(tracks, tracks=(tracks.tracks[0], dog))
    (root / "run" / "tracks.jsonl").write_text(canonical_json(value.to_json()) + "\n")
    return root, [state.value for state in states]


@pytest.mark.parametrize("layout", ["youtube-vis", "davis", "sa-v", "cvat"])
def test_what_is_lost_stays_lost_and_a_folder_of_videos_comes_back_whole(layout, fleeting, tmp_path):
    root, states = fleeting
    code, text = called(
        "export", root / "own", "--layout", layout, "--run", root / "run", "--media", root / "model", "--out", tmp_path / "out"
    )
    assert code == 0, text
    code, text = called("import", tmp_path / "out", "--layout", layout, "--out", tmp_path / "again")
    assert code == 0, text
    tracks = Tracks.from_json(json.loads((tmp_path / "again/videos/a.tracks.json").read_text()))
    dog = tracks.track("id2")
    assert [state.value for state in dog.states] == states
    sample, first = (bench.load(str(place)).samples[0] for place in (tmp_path / "again", root / "own"))
    assert (sample.prompt, sample.interactions, sample.tags) == (first.prompt, first.interactions, first.tags)
    assert bench.check(tmp_path / "again") == []


def test_classes_choose_among_the_objects_of_sa_v_too(fleeting, tmp_path):
    root, _ = fleeting
    called("export", root / "own", "--layout", "sa-v", "--out", tmp_path / "out")
    code, text = called("import", tmp_path / "out", "--layout", "sa-v", "--classes", "dog", "--out", tmp_path / "again")
    assert code == 0, text
    assert areas(tmp_path / "again") == [{"id2": DOG}]
    code, text = called("import", tmp_path / "out", "--layout", "sa-v", "--classes", "cat", "--out", tmp_path / "none")
    assert code == 2
    assert "holds no object of the classes read" in text


def test_masks_that_say_nothing_else_are_given_prompts_and_opened_on_the_page(tmp_path, capsys):
    for name in ("walk", "run"):
        picture_at(tmp_path / "davis/JPEGImages" / name, "00000.jpg")
        place = tmp_path / "davis/Annotations" / name
        place.mkdir(parents=True)
        _, person, dog = shown()
        (place / "00000.png").write_bytes(palette_png((person + 2 * dog).astype(np.uint8)))
    out = tmp_path / "out"
    code, text = called("import", tmp_path / "davis", "--layout", "davis", "--out", out)
    assert code == 0, text
    assert f"annotate {out} --prompts FILE, with a line NAME<TAB>PROMPT for each of run, walk" in text
    session = opened(str(out), prompts=str(prompts(tmp_path, "walk", "run")), bench=None, name="", tracker="flow")
    assert "walk: no interaction could be told" in capsys.readouterr().err
    people = [{"id": "id1", "class": "man", "appearance": "man"}, {"id": "id2", "class": "dog", "appearance": "dog"}]
    for index in range(2):
        session.describe(index, people, [{"subject": "id1", "verb": "kicks", "object": "id2"}])
    assert bench.check(out) == []


def test_a_suite_of_which_nothing_could_be_read_is_no_success(tmp_path):
    (tmp_path / "prompt700.txt").write_text("A beautiful sunset over the ocean\n")
    (tmp_path / "requirements.txt").write_text("numpy\n")
    code, text = called("import", tmp_path, "--layout", "evalcrafter", "--out", tmp_path / "out")
    assert code == 3
    assert "0 samples" in text
    assert "--judge openai:MODEL" in text
    assert json.loads((tmp_path / "out/prompts.jsonl").read_text())["id"] == "0000"


def task(tmp_path, change):
    """Write the fixture of Label Studio with a change, and import it."""
    value = json.loads((FIXTURES / "label-studio-sdk-2.1.2.json").read_text())
    change(value[0])
    (tmp_path / "tasks.json").write_text(json.dumps(value))
    picture_at(tmp_path)
    return called("import", tmp_path / "tasks.json", "--layout", "label-studio", "--out", tmp_path / "out")


def region(kind, **value):
    size = {"original_width": SIZE[1], "original_height": SIZE[0], "image_rotation": 0}
    return {**size, "id": "r9", "type": kind, "value": {kind: ["dog"], **value}}


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (region("polygonlabels", points=[[10, 10], [50, 10], [30, 140]]), "a point is at 140 %"),
        (region("rectanglelabels", x=60, y=10, width=60, height=20), "its box is at 120 %"),
        (region("rectanglelabels", x=60, y=10, width=-20, height=20), "-20 % wide"),
    ],
)
def test_a_region_outside_the_picture_is_refused(made, told, tmp_path):
    """Points in pixels would else be a mask of the picture's edge."""
    code, text = task(tmp_path, lambda one: one["annotations"][0]["result"].append(made))
    assert code == 2
    assert told in text


def test_whose_annotation_is_taken_and_which_relations_join_nobody_is_said(tmp_path):
    def change(one):
        first = {**one["annotations"][0], "id": 5, "completed_by": {"email": "ann@example.org"}}
        last = {**one["annotations"][0], "id": 6, "completed_by": 12}
        last["result"] = [*last["result"], {"type": "relation", "from_id": "gone", "to_id": "r2", "labels": ["kicks"]}]
        one["annotations"] = [first, last]

    code, text = task(tmp_path, change)
    assert code == 0, text
    assert "has 2 annotations; the last, annotation 6 by 12, is taken, and left out annotation 5 by ann@example.org" in text
    assert "1 relation joins regions that are not there" in text


@pytest.mark.parametrize(
    ("box", "told"),
    [
        ('xtl="40" ytl="10" xbr="20" ybr="30"', "right and bottom must lie beyond left and top"),
        ('xtl="90" ytl="10" xbr="99" ybr="30"', "its box covers no pixel of the picture"),
        ('xtl="10" ytl="10" xbr="20" ybr="30" rotation="30"', "is rotated"),
    ],
)
def test_a_box_of_cvat_that_marks_nothing_is_refused(box, told, tmp_path):
    picture_at(tmp_path)
    shape = f'<box label="dog" {box}/>'
    image = f'<image id="0" name="a.png" width="80" height="60">{shape}</image>'
    (tmp_path / "annotations.xml").write_text(f"<annotations><version>1.1</version>{image}</annotations>")
    code, text = called("import", tmp_path / "annotations.xml", "--layout", "cvat", "--out", tmp_path / "out")
    assert code == 2
    assert told in text


def test_a_class_of_two_words_is_found_by_its_noun_and_a_teddy_bear_is_no_bear(tmp_path):
    place = damaged(tmp_path / "in", lambda value: value["categories"][1].update(name="sports ball"))
    (tmp_path / "list.txt").write_text("a\tA man kicks a ball\n")
    code, text = called("import", place, "--layout", "coco", "--out", tmp_path / "out", "--prompts", tmp_path / "list.txt")
    assert code == 0, text
    (sample,) = bench.load(str(tmp_path / "out")).samples
    assert [(act.subject, act.object) for act in sample.interactions] == [("id1", "id2")]
    place = damaged(tmp_path / "in", lambda value: value["categories"][1].update(name="teddy bear"))
    (tmp_path / "list.txt").write_text("a\tA man kicks a bear\n")
    code, text = called("import", place, "--layout", "coco", "--out", tmp_path / "other", "--prompts", tmp_path / "list.txt")
    assert "0 interactions" in text


def test_a_box_that_does_not_fit_is_told_in_words_of_the_file(tmp_path):
    place = damaged(tmp_path / "in", lambda value: value["annotations"][0].update(bbox=[60, 40, 10, 10]))
    text = called("import", place, "--layout", "coco", "--out", tmp_path / "out")[1]
    assert "leave its bbox out of the file" in text
    assert "None" not in text


def walk(folder, frames, annotated):
    """Write a DAVIS folder of frames, of which some are annotated."""
    place = folder / "Annotations" / "walk"
    place.mkdir(parents=True)
    for at in frames:
        picture_at(folder / "JPEGImages" / "walk", f"{at:05d}.jpg", step=at)
        _, person, dog = shown(at)
        if at in annotated:
            (place / f"{at:05d}.png").write_bytes(palette_png((person + 2 * dog).astype(np.uint8)))
    return folder


def test_a_frame_of_davis_without_annotation_stays_and_nothing_is_claimed_of_it(tmp_path):
    """Without it the video would jump, and be judged so."""
    source = walk(tmp_path / "in", range(6), {1, 2, 4, 5})
    code, text = called("import", source, "--layout", "davis", "--out", tmp_path / "out", "--prompts", prompts(tmp_path, "walk"))
    assert code == 0, text
    assert "1 of 5 frames have no annotation (00003): they stay" in text
    assert "begins with frame 00001, the first that is annotated" in text
    assert len(list((tmp_path / "out/videos/walk").iterdir())) == 5
    tracks = Tracks.from_json(json.loads((tmp_path / "out/videos/walk.tracks.json").read_text()))
    assert [track.states[2] for track in tracks.tracks] == [TrackState.LOST] * 2
    assert all(track.states[3] is TrackState.VISIBLE for track in tracks.tracks)


def test_masks_that_leave_frames_out_of_which_there_are_no_pictures_are_refused(tmp_path):
    source = walk(tmp_path / "in", range(6), {0, 1, 4, 5})
    (source / "JPEGImages/walk").rename(source / "JPEGImages/elsewhere")
    code, text = called("import", source, "--layout", "davis", "--out", tmp_path / "out")
    assert code == 2
    assert "after frame 00001 comes 00004" in text


def test_masks_that_came_with_stored_tracks_are_doubted_like_any_other(tmp_path):
    """A dog that is marked by its box: the run that tracks nothing itself must say so beside its score."""
    source = walk(tmp_path / "in", range(6), set())
    for at in range(6):
        _, person, _ = shown(at)
        marked = person.astype(np.uint8)
        marked[30:56, 40:76] = 2
        (source / "Annotations/walk" / f"{at:05d}.png").write_bytes(palette_png(marked))
    (source / "davis_semantics.json").write_text(json.dumps({"walk": {"1": "man", "2": "dog"}}))
    out = tmp_path / "out"
    called("import", source, "--layout", "davis", "--out", out, "--prompts", prompts(tmp_path, "walk"))
    options = ["run", "--model", f"bench:{out}", "--bench", str(out), "--tracker", "stored", "--detector", "none"]
    done = CliRunner().invoke(main, [*options, "--out", str(tmp_path / "run"), "--workers", "1"])
    assert done.exit_code == 0, done.output
    assert "walk (seed 0) id2: dog: it fills 100% of its box" in done.output
    assert '"kind":"box"' in (tmp_path / "run/doubts.jsonl").read_text()
