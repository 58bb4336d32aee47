"""A stage read video by video: the same records as all at once, whatever the order of lines, and the same words for damage."""

import json
import random

import pytest

from intergeneval.errors import RecordError, StoreError
from intergeneval.records import Answer
from intergeneval.store import read_lines
from intergeneval.store.line_index import LineIndex
from tests.report.report_world import World, build


@pytest.fixture
def files(tmp_path):
    """The answers of six samples and two seeds in two files, shuffled, one torn at its end, with blank lines between."""
    [folder] = build(tmp_path, World(models=("atlas",), samples=6, seeds=(0, 1), tracks=False))
    lines = (folder / "answers.jsonl").read_bytes().splitlines(keepends=True)
    random.Random(3).shuffle(lines)
    half = len(lines) // 2
    (tmp_path / "one.jsonl").write_bytes(b"\n".join([b"".join(lines[:9]), b"".join(lines[9:half])]) + b'{"sample_id": "torn')
    (tmp_path / "two.jsonl").write_bytes(b"".join(lines[half:]))
    return [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]


@pytest.mark.parametrize("alike", [False, True])
def test_it_gives_every_record_of_a_video_in_the_order_of_the_files(files, alike):
    expected = {}
    for path in files:
        for item in read_lines(path, Answer):
            expected.setdefault((item.sample_id, item.seed), []).append(item)
    index = LineIndex(files, Answer, alike=alike)
    assert list(index) == list(expected)
    assert {key: list(index.read(key)) for key in index} == expected
    assert list(index.read(("nobody", 0))) == []
    assert ("nobody", 0) not in index


def test_a_damaged_line_is_named_by_its_number_when_it_is_read_and_the_rest_stays_readable(files):
    lines = files[1].read_bytes().splitlines(keepends=True)
    broken = json.loads(lines[4])
    broken["question_id"] = "four"
    lines[4] = json.dumps(broken).encode() + b"\n"
    files[1].write_bytes(b"".join(lines))
    index = LineIndex(files, Answer)
    key = broken["sample_id"], broken["seed"]
    with pytest.raises(RecordError, match=r"two\.jsonl:5\.question_id: expected a whole number, got 'four'"):
        list(index.read(key))
    assert all(list(index.read(other)) for other in index if other != key)


@pytest.mark.parametrize("line", [b"[1, 2]", b'{"seed": 0}', b"nonsense", b'{"sample_id": 3, "seed": 0}'])
def test_a_line_that_does_not_say_whom_it_speaks_of_is_refused_at_once(files, line):
    files[0].write_bytes(line + b"\n" + files[0].read_bytes())
    with pytest.raises(RecordError, match=r"one\.jsonl:1"):
        LineIndex(files, Answer)


def test_text_that_is_not_utf8_is_refused_as_everywhere(files):
    raw = files[1].read_bytes()
    first = json.loads(raw.splitlines()[0])
    files[1].write_bytes(raw.replace(b'"judge": "geometry"', b'"judge": "\xff\xfe"', 1))
    index = LineIndex(files, Answer)
    with pytest.raises(RecordError, match="not UTF-8 text"):
        list(index.read((first["sample_id"], first["seed"])))


def test_a_file_that_was_cut_in_between_is_said_to_have_become_shorter(files):
    index = LineIndex(files, Answer)
    files[1].write_bytes(b"")
    with pytest.raises(StoreError, match="became shorter while it was read"):
        [list(index.read(key)) for key in index]
