"""From a folder of videos and their prompts to a benchmark: lists in every form, names as other suites write them."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from intergeneval import bench
from intergeneval.build.prompted import prompted_benchmark, prompts_of
from intergeneval.cli import main
from intergeneval.cli.prompted import with_benchmark
from intergeneval.errors import UsageError
from intergeneval.records import Sample
from intergeneval.sources.folder import FolderSource
from intergeneval.sources.naming import prompt_of_name, seed_of_name
from intergeneval.videos.encoding import write_video

LIFT, CHASE = "A man lifts a red box.", "a dog chases a cat"


def videos(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        write_video(folder / name, [np.full((48, 64, 3), 30 * place, np.uint8) for place in range(4)], 8.0)
    return folder


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.txt", f"0\t{LIFT}\n1\t{CHASE}\n"),
        ("list.txt", f"{LIFT}\n{CHASE}\n"),
        ("list.csv", f'video,prompt\n0.mp4,"{LIFT}"\n1.mp4,{CHASE}\n'),
        ("list.csv", f"video;prompt\r\n0.mp4;{LIFT}\r\n1.mp4;{CHASE}\r\n"),
        ("list.tsv", f"video\tprompt\n0.mp4\t{LIFT}\n1.mp4\t{CHASE}\n"),
        ("list.tsv", f"video\tprompt\tnotes, if any\n0.mp4\t{LIFT}\t\n1.mp4\t{CHASE}\t\n"),
        ("list.jsonl", json.dumps({"id": "0", "prompt": LIFT}) + "\n" + json.dumps({"id": "1", "caption": CHASE}) + "\n"),
        ("list.json", json.dumps({"0": LIFT, "1": CHASE})),
    ],
)
def test_a_list_in_any_form_gives_each_video_its_prompt(tmp_path, name, text):
    folder = videos(tmp_path / "model", "0.mp4", "1.mp4")
    (tmp_path / name).write_text(text)
    assert [(row.id, row.prompt) for row in prompts_of(folder, str(tmp_path / name))] == [("0", LIFT), ("1", CHASE)]


def test_names_as_vbench_writes_them_are_prompts_and_seeds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = videos(tmp_path / "model", f"{CHASE}-0.mp4", f"{CHASE}-1.mp4", "A_man_lifts_a_red_box.mp4")
    made = prompted_benchmark(folder, "names")
    samples = {sample.prompt: sample for sample in bench.load(made.home.folder).samples}
    assert set(samples) == {CHASE, "A man lifts a red box"}
    assert FolderSource(folder).seeds(samples[CHASE], ()) == (0, 1)


@pytest.mark.parametrize(
    ("stem", "seed"),
    [
        ("-3", 3),
        ("_00012_", 12),
        ("_seed7", 7),
        ("-seed-41", 41),
        (" (seed 42)", 42),
        (" seed=5", 5),
        ("", 0),
        (" 3", 0),
        ("s3", 0),
        (" (aged 30_40)", 0),
    ],
)
def test_seeds_as_generators_write_them_are_no_words_of_the_prompt(stem, seed):
    name = f"a dog chases a cat{stem}"
    assert seed_of_name(name) == seed
    assert prompt_of_name(name) == (CHASE if seed or not stem else name.replace("_", " "))


def test_videos_that_differ_in_one_number_alone_follow_the_list_also_where_one_is_missing(tmp_path):
    prompts = tmp_path / "list.txt"
    prompts.write_text(f"{LIFT}\n{CHASE}\na dog bites a ball\n")
    folder = videos(tmp_path / "model", "ComfyUI_00001_.mp4", "ComfyUI_00003_.mp4")
    assert [row.id for row in prompts_of(folder, str(prompts))] == [f"ComfyUI_0000{number}_" for number in (1, 2, 3)]


def test_a_single_video_stands_for_itself(tmp_path):
    folder = videos(tmp_path / "model", f"{CHASE}.mp4", "other thing here.mp4")
    source = FolderSource(folder / f"{CHASE}.mp4")
    assert source.files() == (f"{CHASE}.mp4",)
    assert source.has(Sample(id="x", prompt=CHASE, instances=(), interactions=()))


def test_prompts_that_belong_to_no_video_by_name_or_number_are_refused_with_the_way_out(tmp_path):
    folder = videos(tmp_path / "model", "sunrise.mp4", "walk.mp4")
    (tmp_path / "list.txt").write_text(f"{LIFT}\n{CHASE}\n")
    with pytest.raises(UsageError, match="NAME<TAB>PROMPT"):
        prompts_of(folder, str(tmp_path / "list.txt"))


def test_a_run_says_what_is_missing_in_one_list_before_anything_long_begins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("intergeneval.build.tools._NEEDED", ("no_such_package",))
    videos(tmp_path / "model", f"{CHASE}-0.mp4", "the sea is calm-0.mp4")
    done = CliRunner().invoke(main, ["run", "--model", "model", "--prompts", "names"])
    assert done.exit_code == 2
    assert "not read: the-sea-is-calm" in done.output
    assert "first-frame masks of 1 video (a-dog-chases-a-cat)" in done.output
    assert "intergeneval annotate model --prompts names" in done.output
    assert "pip install 'intergeneval[models]'" in done.output
    assert not Path("runs").exists()


def test_what_the_settings_file_chooses_is_not_chosen_anew(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    videos(tmp_path / "model", f"{CHASE}-0.mp4")
    (tmp_path / "run.toml").write_text('detector = "grounding_dino"\ntracker = "flow"\n')
    settled = with_benchmark({"model": "model", "prompts": "names"}, tmp_path / "run.toml", lambda _: None)
    assert not {"detector", "tracker"} & set(settled)


def test_weights_of_an_adapter_are_no_folder_of_videos_with_prompts_either(tmp_path):
    (tmp_path / "adapter").mkdir()
    name = "base_model.model.blocks.0.attn.to_q.lora_A.weight"
    header = json.dumps({name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    content = len(header).to_bytes(8, "little") + header + bytes(4)
    (tmp_path / "adapter" / "adapter_model.safetensors").write_bytes(content)
    done = CliRunner().invoke(main, ["run", "--model", str(tmp_path / "adapter"), "--prompts", "names"])
    assert done.exit_code == 2
    assert "holds weights of a LoRA adapter" in done.output
    assert "bench build LIST --text-only" in done.output
