"""What a user may hand in, and what is said about what is wrong with it."""

import json

import pytest

from intergeneval.build.media import even_frames
from intergeneval.build.source import read_source
from intergeneval.errors import BenchError, UsageError
from tests.build import workshop


def test_every_fault_of_a_list_is_named_with_its_line(tmp_path):
    source = tmp_path / "source"
    workshop.write_picture(source / "a.png")
    act = {"subject": "id1", "verb": "lifts", "object": "id9"}
    rows = [
        {"id": "a", "prompt": " "},
        {"id": "a", "prompt": "A man lifts a mug."},
        {"id": "gone", "prompt": "A man lifts a mug.", "image": "gone.png"},
        {"id": "lost", "prompt": "A man lifts a mug."},
        {"id": "out", "prompt": "A man lifts a mug.", "image": "../secret.png"},
        {"id": "b", "prompt": "x", "image": "a.png", "instances": [{"id": "id1", "class": "man"}], "interactions": [act]},
        {"id": "c", "prompt": "x", "image": "a.png", "instances": [{"id": "id1", "class": "man"}]},
        {"id": "d/e", "prompt": "x", "image": "a.png"},
        {"id": "f", "prompt": "x", "image": "a.png", "colour": "red"},
        {"id": "g", "prompt": "x", "image": "a.png", "anchor": 3},
        {"id": "h", "prompt": "x", "image": "prompts.jsonl"},
        {"id": "ok", "prompt": "x", "image": "a.png"},
        {"id": "ok", "prompt": "x", "image": "a.png"},
    ]
    workshop.write_list(source, rows)
    with (source / "prompts.jsonl").open("a") as stream:
        stream.write("{torn\n")
    with pytest.raises(BenchError) as caught:
        read_source(source, text_only=False)
    said = str(caught.value)
    for part in (
        "prompts.jsonl:1: prompt: sample 'a': the prompt is empty",
        "prompts.jsonl:3: image: sample 'gone': there is no file 'gone.png'",
        "prompts.jsonl:4: image: sample 'lost': the row names no image or video, and no file called 'lost' lies beside the list",
        "'../secret.png' leaves the benchmark folder",
        "prompts.jsonl:6: interactions[0].object: sample 'b': no instance is called 'id9'",
        "prompts.jsonl:7: instances: sample 'c': instances and interactions come together",
        "'d/e' holds '/'",
        "prompts.jsonl:9: unknown field 'colour'",
        "prompts.jsonl:10: anchor: sample 'g': 3 is no frame of a video",
        "'prompts.jsonl' is no image",
        "prompts.jsonl:13: id: sample 'ok': the id 'ok' stands in prompts.jsonl:12 already",
        "prompts.jsonl:14: the line is not JSON",
    ):
        assert part in said
    assert "12 faults" in said


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("prompts.csv", 'id,prompt,image\npour,"A man, in red, lifts a mug.",pour.png\n'),
        ("prompts.txt", "pour.png\tA man, in red, lifts a mug.\n"),
        ("prompts.jsonl", json.dumps({"image": "pour.png", "prompt": "A man, in red, lifts a mug."}) + "\n"),
    ],
)
def test_three_kinds_of_list_say_the_same(tmp_path, name, text):
    workshop.write_picture(tmp_path / "pour.png")
    (tmp_path / name).write_text(text)
    (item,) = read_source(tmp_path, text_only=False).items
    assert (item.id, item.row.prompt, item.media) == ("pour", "A man, in red, lifts a mug.", tmp_path / "pour.png")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("prompts.csv", "id,words\na,b\n", "there is no column 'prompt'"),
        ("prompts.csv", "id,prompt,size\na,b,c\n", "unknown column 'size'"),
        ("prompts.csv", "id,prompt\na\n", "does not have 2 columns"),
        ("prompts.txt", "a man lifts a mug\n", "not of the form name<TAB>prompt"),
        ("prompts.jsonl", "", "there is no prompt"),
        ("prompts.jsonl", b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_list_that_is_none_is_refused_in_a_sentence(tmp_path, name, text, said):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BenchError, match=said):
        read_source(tmp_path, text_only=False)


def test_a_folder_without_a_list_or_with_two_is_refused(tmp_path):
    with pytest.raises(UsageError, match="holds no list of prompts"):
        read_source(tmp_path, text_only=False)
    (tmp_path / "prompts.txt").write_text("a\tb\n")
    (tmp_path / "prompts.csv").write_text("id,prompt\n")
    with pytest.raises(UsageError, match=r"prompts\.csv and prompts\.txt; keep one"):
        read_source(tmp_path, text_only=False)
    with pytest.raises(UsageError, match="no such folder"):
        read_source(tmp_path / "nowhere", text_only=False)


def test_a_person_sees_ten_frames_of_a_clip_first_and_last_among_them():
    assert even_frames(49, 10) == (0, 5, 11, 16, 21, 27, 32, 37, 43, 48)
    assert even_frames(4, 10) == (0, 1, 2, 3)
    assert even_frames(49, 1) == (0,)


def test_of_two_files_of_one_name_none_is_guessed_and_a_link_that_leads_out_is_refused(tmp_path):
    workshop.write_picture(tmp_path / "other/secret.png")
    source = workshop.write_list(tmp_path / "source", [{"id": name, "prompt": "x"} for name in ("a", "b", "c.png")])
    for name in ("a.png", "a.jpg", "c.png", "c.jpg"):
        workshop.write_picture(source / name)
    (source / "b.png").symlink_to(tmp_path / "other/secret.png")
    with pytest.raises(BenchError) as caught:
        read_source(source, text_only=False)
    said = str(caught.value)
    assert "a.jpg and a.png lie beside the list" in said
    assert "'b.png' is a link that leaves the benchmark folder" in said
    assert "2 faults" in said


def test_a_quotation_mark_left_open_is_told_in_a_sentence(tmp_path):
    (tmp_path / "prompts.csv").write_text('id,prompt\na,"' + "x" * 200_000)
    with pytest.raises(BenchError, match="is a quotation mark left open"):
        read_source(tmp_path, text_only=True)


def test_half_a_character_is_a_fault_of_its_row(tmp_path):
    source = workshop.write_list(tmp_path / "source", [{"id": "a", "prompt": "a \ud800 man"}])
    with pytest.raises(BenchError, match="half of a character"):
        read_source(source, text_only=True)
