"""Lists of prompts and folders of videos that are called alike: nobody is shown another's masks, and nothing is written over."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from intergeneval import bench
from intergeneval.build import parse_step
from intergeneval.cli import main
from intergeneval.cli.annotate import opened
from intergeneval.errors import UsageError
from intergeneval.videos.encoding import write_video
from tests.build.prompted_videos import CHASE, LIFT, draw, picture, read, videos


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def listed(place, *rows):
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("".join(f"{name}\t{prompt}\n" for name, prompt in rows))
    return place


def run(*options):
    done = CliRunner().invoke(main, ["run", *map(str, options), "--tracker", "flow", "--detector", "none", "--workers", "1"])
    return done.exit_code, done.output


def test_another_list_of_the_same_name_gets_a_benchmark_of_its_own_and_no_masks_of_the_first(here):
    one, two = videos(here / "one/videos", "0.mp4"), videos(here / "two/videos", "0.mp4", shade=40)
    first, second = listed(here / "one/list.txt", ("0", LIFT)), listed(here / "two/list.txt", ("0", CHASE))
    root = draw(one, first).root
    before = {file: file.read_bytes() for file in sorted(root.rglob("*")) if file.is_file()}
    found, said = read(two, second)
    assert found.home.folder != root
    assert "benchmarks/list is the benchmark of another list (one/list.txt), and stays as it is" in said
    code, text = run("--model", two, "--prompts", second)
    assert code == 2
    assert "first-frame masks of 1 video (0)" in text
    assert {file: file.read_bytes() for file in sorted(root.rglob("*")) if file.is_file()} == before
    # The same list again, here or copied, goes on with what is there.
    assert read(two, second)[0].home.folder == found.home.folder
    assert read(one, listed(here / "copied/list.txt", ("0", LIFT)))[0].home.folder == Path("benchmarks/list")


def test_masks_of_one_folder_of_videos_do_not_serve_another_of_the_same_name(here):
    one, two = videos(here / "one/videos", "0.mp4"), videos(here / "two/videos", "0.mp4", shade=40)
    prompts = listed(here / "list.txt", ("0", LIFT))
    draw(one, prompts)
    code, text = run("--model", two, "--prompts", prompts)
    assert code == 2
    assert "0/0 has masks that are not of it: they were drawn on another first frame" in text
    assert "--name NAME, here and with 'annotate'" in text
    with pytest.raises(UsageError, match="--name NAME"):
        draw(two, prompts)
    draw(two, prompts, name="second")
    assert sorted(item.name for item in Path("benchmarks/list/masks").iterdir()) == ["second", "videos"]
    assert run("--model", one, "--prompts", prompts, "--accept-doubts")[0] == 0
    # A plain run is told as well.
    code, text = run("--model", two, "--bench", "list")
    assert code == 2
    assert "not of what is there now, under the name of model 'videos'" in text


def test_the_same_video_encoded_anew_keeps_its_masks_and_a_new_one_in_its_place_is_drawn_anew(here, capsys):
    folder = videos(here / "videos", "0.mp4")
    prompts = listed(here / "list.txt", ("0", LIFT))
    draw(folder, prompts)
    (folder / "0.mp4").unlink()
    write_video(folder / "0.webm", [picture(120, step) for step in range(6)], 8.0)
    (folder / "0.webm").rename(folder / "0.mp4")
    assert run("--model", folder, "--prompts", prompts, "--accept-doubts")[0] == 0
    videos(folder, "0.mp4", shade=40)
    assert run("--model", folder, "--prompts", prompts, "--accept-doubts")[0] == 2
    capsys.readouterr()
    root = draw(folder, prompts).root
    assert "masks of 1 first frame do not fit any more" in capsys.readouterr().err
    assert any((root / "annotate/aside/videos/0/0").glob("*/drawn.json"))
    assert run("--model", folder, "--prompts", prompts, "--accept-doubts")[0] == 0


def test_a_changed_list_says_what_changed_and_masks_of_other_words_are_laid_aside_and_come_back(here):
    folder = videos(here / "videos", "0.mp4", "1.mp4")
    prompts = listed(here / "list.txt", ("0", LIFT), ("1", CHASE))
    root = draw(folder, prompts).root
    listed(prompts, ("0", CHASE))
    _, said = read(folder, prompts)
    assert "its list has changed: 1 with another prompt (0); 1 gone (1)" in said
    assert "masks of videos/0/0, videos/1/0 were drawn for other words and are laid aside" in said
    assert not (root / "masks").exists() or not any((root / "masks").rglob("*.png"))
    code, text = run("--model", folder, "--prompts", prompts)
    assert code == 2
    assert "missing before there can be scores: first-frame masks of 1 video (0)" in text
    listed(prompts, ("0", LIFT), ("1", CHASE))
    assert "which were laid aside, fit again and are used" in read(folder, prompts)[1]
    assert run("--model", folder, "--prompts", prompts, "--accept-doubts")[0] == 0


def test_masks_of_two_wordings_are_both_kept_however_often_the_list_changes(here):
    """Changed, drawn, changed back: what was promised to come back is there, byte by byte, and so is the other."""
    folder, prompts = videos(here / "videos", "0.mp4"), here / "list.txt"
    kept = {}
    for text in (LIFT, CHASE):
        root = draw(folder, listed(prompts, ("0", text))).root
        kept[text] = {file.name: file.read_bytes() for file in (root / "masks/videos/0/0").iterdir()}
    work = json.loads((root / "annotate/videos.json").read_text())["work"]
    for text in (LIFT, CHASE, LIFT):
        assert "fit again and are used" in read(folder, listed(prompts, ("0", text)))[1]
        assert {file.name: file.read_bytes() for file in (root / "masks/videos/0/0").iterdir()} == kept[text]
        assert json.loads((root / "annotate/videos.json").read_text())["work"].keys() == work.keys()
        assert run("--model", folder, "--prompts", prompts, "--accept-doubts")[0] == 0


def test_half_done_work_comes_back_and_is_not_said_to_be_masks_in_use(here):
    folder, prompts = videos(here / "videos", "0.mp4"), listed(here / "list.txt", ("0", LIFT))
    session = opened(str(folder), prompts=str(prompts), bench=None, name="", tracker="flow")
    session.draw(0, "id1", (4, 9, 21, 41))
    read(folder, listed(prompts, ("0", CHASE)))
    assert "fit again" not in read(folder, listed(prompts, ("0", LIFT)))[1]
    again = opened(str(folder), prompts=str(prompts), bench=None, name="", tracker="flow")
    assert [one["id"] for one in again.told(0)["instances"] if one["mask"]] == ["id1"]


def test_masks_put_there_by_hand_are_doubted_where_the_video_is_another_than_was_drawn_on(here):
    folder, prompts = videos(here / "videos", "0.mp4"), listed(here / "list.txt", ("0", LIFT))
    one, two = sorted((draw(folder, prompts).root / "masks/videos/0/0").glob("*.png"))
    one.write_bytes(two.read_bytes())
    assert "changed by hand" not in run("--model", folder, "--prompts", prompts)[1]
    videos(folder, "0.mp4", shade=40)
    text = run("--model", folder, "--prompts", prompts)[1]
    assert "0 (seed 0) id1: its mask was changed by hand, and before that drawn on another first frame" in text


@pytest.mark.parametrize("killed", ["aside", "back"])
def test_a_kill_while_masks_are_moved_loses_none_of_them(killed, here, monkeypatch):
    """The second mask is not moved, as after a kill; the same command goes on."""
    folder, prompts = videos(here / "videos", "0.mp4"), here / "list.txt"
    root = draw(folder, listed(prompts, ("0", LIFT))).root
    before = {file.name: file.read_bytes() for file in (root / "masks/videos/0/0").iterdir()}
    move, moved = Path.rename, []

    def rename(self, target):
        if self.suffix == ".png":
            moved.append(self)
            if len(moved) == 2:
                raise KeyboardInterrupt
        return move(self, target)

    for text, step in ((CHASE, "aside"), (LIFT, "back")):
        listed(prompts, ("0", text))
        if step == killed:
            with monkeypatch.context() as patched:
                patched.setattr(Path, "rename", rename)
                with pytest.raises(KeyboardInterrupt):
                    read(folder, prompts)
        read(folder, prompts)
    assert {file.name: file.read_bytes() for file in (root / "masks/videos/0/0").iterdir()} == before
    assert run("--model", folder, "--prompts", prompts, "--accept-doubts")[0] == 0


def test_masks_that_were_changed_while_they_lay_aside_are_not_said_to_fit(here):
    folder, prompts = videos(here / "videos", "0.mp4"), here / "list.txt"
    root = draw(folder, listed(prompts, ("0", LIFT))).root
    read(folder, listed(prompts, ("0", CHASE)))
    one, two = sorted((root / "annotate/aside/videos/0/0").glob("*/*.png"))
    one.write_bytes(two.read_bytes())
    said = read(folder, listed(prompts, ("0", LIFT)))[1]
    assert "fit again" not in said
    assert "masks of videos/0/0, which were laid aside, are back, but are not the files that were drawn" in said


def test_masks_of_a_video_that_was_replaced_come_back_with_it(here, capsys):
    folder = videos(here / "videos", "0.mp4")
    prompts = listed(here / "list.txt", ("0", LIFT))
    root = draw(folder, prompts).root
    first = {file.name: file.read_bytes() for file in (root / "masks/videos/0/0").iterdir()}
    old = (folder / "0.mp4").read_bytes()
    videos(folder, "0.mp4", shade=40)
    draw(folder, prompts)
    assert "drawn on another first frame, of what videos/0.mp4 was then" in capsys.readouterr().err
    (folder / "0.mp4").write_bytes(old)
    code, text = run("--model", folder, "--prompts", prompts, "--accept-doubts")
    assert code == 0, text
    assert "masks that were drawn on these videos before are back: 0/0" in text
    assert {file.name: file.read_bytes() for file in (root / "masks/videos/0/0").iterdir()} == first
    # And those of the other one with that, on the page.
    videos(folder, "0.mp4", shade=40)
    opened(str(folder), prompts=str(prompts), bench=None, name="", tracker="flow")
    assert "drawn on these videos before are back: 0/0" in capsys.readouterr().err


def test_the_same_pictures_in_another_size_are_another_video_and_the_page_draws_on_them(here, capsys):
    folder = videos(here / "videos", "0.mp4")
    prompts = listed(here / "list.txt", ("0", LIFT))
    draw(folder, prompts)
    old = (folder / "0.mp4").read_bytes()
    write_video(folder / "0.mp4", [np.repeat(np.repeat(picture(120, step), 2, 0), 2, 1) for step in range(6)], 8.0)
    said = "drawn on a first frame of 64x48 pixels, and this one has 128x96"
    assert said in run("--model", folder, "--bench", "benchmarks/list")[1]
    draw(folder, prompts)
    assert said in capsys.readouterr().err
    assert run("--model", folder, "--prompts", prompts, "--accept-doubts")[0] == 0
    (folder / "0.mp4").write_bytes(old)
    assert "masks that were drawn on these videos before are back: 0/0" in run("--model", folder, "--prompts", prompts)[1]


def test_masks_that_an_earlier_version_laid_aside_come_back(here):
    """They lay there without a word of what they were drawn on, which stood in the file of work alone."""
    folder, prompts = videos(here / "videos", "0.mp4"), here / "list.txt"
    root = draw(folder, listed(prompts, ("0", LIFT))).root
    (root / "annotate/aside/videos/0").mkdir(parents=True)
    (root / "masks/videos/0/0").rename(root / "annotate/aside/videos/0/0")
    read(folder, listed(prompts, ("0", CHASE)))
    assert "fit again and are used" in read(folder, listed(prompts, ("0", LIFT)))[1]
    assert run("--model", folder, "--prompts", prompts, "--accept-doubts")[0] == 0


def test_a_copy_of_work_that_an_earlier_version_made_is_named_and_comes_back_on_the_page_with_its_video(here, capsys):
    """It copied the file of work where a video was replaced, and wrote over the masks."""
    folder = videos(here / "videos", "0.mp4")
    prompts = listed(here / "list.txt", ("0", LIFT))
    root = draw(folder, prompts).root
    first = {file.name: file.read_bytes() for file in (root / "masks/videos/0/0").iterdir()}
    old, work = (folder / "0.mp4").read_bytes(), (root / "annotate/videos.json").read_bytes()
    videos(folder, "0.mp4", shade=40)
    draw(folder, prompts)
    shutil.rmtree(root / "annotate/aside")
    (root / "annotate/videos.before-1.json").write_bytes(work)
    capsys.readouterr()
    opened(str(folder), prompts=str(prompts), bench=None, name="", tracker="flow")
    said = capsys.readouterr().err
    assert "work of an earlier version on videos/0/0 is kept in benchmarks/list/annotate/aside now" in said
    (folder / "0.mp4").write_bytes(old)
    opened(str(folder), prompts=str(prompts), bench=None, name="", tracker="flow")
    assert "drawn on these videos before are back: 0/0" in capsys.readouterr().err
    assert {file.name: file.read_bytes() for file in (root / "masks/videos/0/0").iterdir()} == first
    assert run("--model", folder, "--prompts", prompts, "--accept-doubts")[0] == 0
    assert (root / "annotate/aside/videos.before-1.json").read_bytes() == work


def test_a_model_that_is_called_as_such_copies_are_keeps_its_masks(here):
    folder, prompts = videos(here / "take.before-2", "0.mp4"), listed(here / "list.txt", ("0", LIFT))
    root = draw(folder, prompts).root
    assert "masks of take.before-2/0/0 were drawn for other words" in read(folder, listed(prompts, ("0", CHASE)))[1]
    assert "fit again and are used" in read(folder, listed(prompts, ("0", LIFT)))[1]
    assert (root / "annotate/take.before-2.json").is_file()


def test_who_is_renamed_on_the_page_keeps_the_masks_of_every_model(here):
    one, two = videos(here / "one", "0.mp4"), videos(here / "two", "0.mp4", shade=40)
    prompts = listed(here / "list.txt", ("0", LIFT))
    draw(one, prompts)
    session = draw(two, prompts)
    sample = session.samples["0"]
    people = [{"id": one.id, "class": one.class_, "appearance": f"the {one.class_}"} for one in sample.instances]
    session.describe(0, people, [{"subject": "id1", "verb": "lifts", "object": "id2"}])
    for model in (one, two):
        assert run("--model", model, "--prompts", prompts, "--accept-doubts")[0] == 0


def test_a_benchmark_of_before_lists_were_remembered_goes_on(here):
    folder = videos(here / "videos", "0.mp4")
    prompts = listed(here / "list.txt", ("0", LIFT))
    root = draw(folder, prompts).root
    (root / "list.json").unlink()
    work = root / "annotate/videos.json"
    kept = json.loads(work.read_text())
    del kept["drawn"]
    work.write_text(json.dumps(kept))
    assert run("--model", folder, "--prompts", prompts, "--accept-doubts")[0] == 0
    assert (root / "list.json").is_file()


def test_videos_without_a_prompt_and_prompts_without_a_video_are_named(here):
    folder = videos(here / "videos", "a.mp4", "extra.mp4", "sub/b.mp4")
    prompts = listed(here / "list.txt", ("a.mp4", LIFT), ("sub/b.mp4", CHASE), ("c.mp4", CHASE))
    found, said = read(folder, prompts)
    assert "no prompt: extra.mp4: not scored" in said
    assert "no video: c: counted as missing" in said
    assert found.held == ("a", "sub-b")
    assert bench.load(found.home.folder).sample("sub-b").tags == ("type:sub",)


def test_a_single_video_of_a_folder_that_was_annotated_uses_its_masks_and_nothing_else_is_missing(here):
    folder = videos(here / "videos", "0.mp4", "1.mp4")
    for prompts in (listed(here / "list.txt", ("0", LIFT), ("1", CHASE)), listed(here / "plain.txt", ("", LIFT))):
        if prompts.stem == "plain":
            prompts.write_text(f"{LIFT}\n{CHASE}\n")
        draw(folder, prompts)
        code, text = run("--model", folder / "1.mp4", "--prompts", prompts, "--accept-doubts")
        assert code == 0, text
        assert "counts as a video of 'videos'" in text


def test_a_single_video_that_is_called_by_its_prompt_belongs_to_the_benchmark_of_its_folder(here):
    folder = videos(here / "videos", f"{CHASE}-0.mp4", "a man lifts a box-0.mp4")
    draw(folder, "names")
    code, text = run("--model", folder / f"{CHASE}-0.mp4", "--prompts", "names", "--accept-doubts")
    assert code == 0, text
    assert [item.name for item in Path("benchmarks").iterdir()] == ["videos"]
    assert len(bench.load("videos").samples) == 2


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("list.txt", f"0\t{LIFT}\n\n0.mp4\t{CHASE}\n", "list.txt:3: two prompts have the id '0'"),
        ("list.txt", f"0\t{LIFT}\n1\t\n", "list.txt:2: '1' has no prompt"),
        ("list.csv", "video,prompt\n0.mp4,A man, tall, lifts a box\n", "list.csv:2: the row has more columns"),
        ("list.csv", "video,prompt\n0.mp4,a man lifts a box\n1.mp4,\n", "list.csv:3: the row has no prompt"),
        ("list.csv", "video|prompt\n0.mp4|a man lifts a box\n", "list.csv:1: no column is called"),
        ("list.jsonl", '{"id": "0", "prompt": "a man lifts a box"}\n\n{"id": "1"\n', "list.jsonl:3: the line is not JSON"),
        ("list.jsonl", '\n{"id": "0", "words": "a man"}\n', "list.jsonl:2: has no text called prompt"),
        ("list.jsonl", '{"id": "0", "prompt": "x", "instances": 3, "interactions": []}\n', "list.jsonl:1"),
        ("list.json", "3", "must hold a list of prompts"),
        ("list.txt", f"7\t{LIFT}\n", "none of its 1 prompts belongs to a video"),
        ("list.txt", "\n", "there is no prompt in it; write one a line"),
    ],
)
def test_what_is_wrong_with_a_list_names_the_users_file_and_line(name, text, told, here):
    folder = videos(here / "videos", "0.mp4", "1.mp4")
    (here / name).write_text(text)
    code, said = run("--model", folder, "--prompts", here / name)
    assert code == 2
    assert told in said
    assert not Path("benchmarks").exists()


def test_masks_stay_whoever_reads_the_prompts_afterwards(here, monkeypatch):
    """A later version of the rules calls the box otherwise; what was drawn is read as when it was drawn."""
    folder = videos(here / "videos", "0.mp4", "1.mp4")
    prompts = listed(here / "list.txt", ("0", LIFT), ("1", CHASE))
    session = draw(folder, prompts)
    session.erase(1, "id1")
    before = {sample.id: sample for sample in bench.load("list").samples}
    reader = parse_step.read_prompt

    def other(prompt):
        found = reader(prompt)
        return replace(found, instances=tuple(replace(one, appearance=f"some {one.class_}") for one in found.instances))

    monkeypatch.setattr(parse_step, "read_prompt", other)
    monkeypatch.setattr(parse_step, "REVISION", 1 << 20)
    _, said = read(folder, prompts)
    assert "laid aside" not in said
    after = {sample.id: sample for sample in bench.load("list").samples}
    assert after["0"] == before["0"]
    assert [one.appearance for one in after["1"].instances] == ["some dog", "some cat"]


def test_a_video_that_cannot_be_read_is_named_and_the_others_are_scored(here, capsys):
    """One is cut off, one is empty: nobody can draw on them, and they must not stop the third."""
    folder = videos(here / "videos", "0.mp4", "1.mp4", "2.mp4")
    prompts = listed(here / "list.txt", ("0", LIFT), ("1", CHASE), ("2", CHASE))
    (folder / "1.mp4").write_bytes((folder / "1.mp4").read_bytes()[:300])
    (folder / "2.mp4").write_bytes(b"")
    session = draw(folder, prompts)
    said = capsys.readouterr().err
    assert [item.sample_id for item in session.items] == ["0"]
    assert "cannot be read, so nothing is drawn on it" in said
    assert "1.mp4" in said
    assert "2.mp4: the file is empty" in said
    code, text = run("--model", folder, "--prompts", prompts, "--accept-doubts")
    assert code == 3, text
    assert "not readable" in text
    assert "1 of 3 ok" in text
    assert run("--model", folder, "--bench", "list")[0] == code
    (folder / "0.mp4").write_bytes(b"")
    code, text = run("--model", folder, "--prompts", prompts)
    assert code == 2
    assert "no video can be read" in text


def test_numbered_videos_of_which_one_is_missing_are_matched_by_their_number(here):
    """The one that failed to be generated is missing; the others are not refused, and not shifted."""
    folder = videos(here / "videos", "0.mp4", "2.mp4", "3.mp4")
    (here / "list.txt").write_text(f"{LIFT}\n{CHASE}\na man pushes a cart\na dog bites a ball\n")
    found, said = read(folder, here / "list.txt")
    assert "no video: 1: counted as missing" in said
    assert {sample.id: sample.prompt for sample in bench.load(found.home.folder).samples}["2"] == "a man pushes a cart"
    for name in ("0", "3"):
        (folder / f"{name}.mp4").unlink()
    videos(folder, "1.mp4")
    # It is known whose the first prompt is; of another list it is not.
    assert read(folder, here / "list.txt")[0].held == ("1", "2")
    (here / "list.txt").rename(here / "new.txt")
    with pytest.raises(UsageError, match="the first prompt may be that of 0 or of 1"):
        read(folder, here / "new.txt")


def test_a_list_that_is_not_there_is_said_to_be_not_there(here):
    folder = videos(here / "videos", "0.mp4")
    code, text = run("--model", folder, "--prompts", "nothere")
    assert code == 2
    assert "--prompts nothere: there is no such list" in text


def test_a_video_put_in_the_place_of_a_scored_one_and_videos_of_no_sample_are_named(here):
    folder = videos(here / "videos", "0.mp4")
    prompts = listed(here / "list.txt", ("0", LIFT))
    draw(folder, prompts)
    options = ("--model", folder, "--bench", "list", "--out", here / "runs/one")
    code, text = run(*options)
    assert code == 0, text
    assert "written over" not in text
    videos(folder, "extra.mp4")
    write_video(folder / "0.mp4", [picture(120, step // 2) for step in range(8)], 8.0)
    code, text = run(*options)
    assert code == 0, text
    assert "1 video is not the file that was scored before (0/0): the results are written over" in text
    assert "of no sample of list, so not scored: extra.mp4" in text


def test_a_run_that_is_stopped_on_its_way_has_its_doubts_beside_its_scores(here, monkeypatch):
    folder, prompts = videos(here / "videos", "0.mp4"), listed(here / "list.txt", ("0", LIFT))
    draw(folder, prompts)

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("intergeneval.run.run.score_run", stopped)
    assert run("--model", folder, "--bench", "list", "--out", here / "runs/one")[0] != 0
    assert '"sample_id":"0"' in (here / "runs/one/doubts.jsonl").read_text()
