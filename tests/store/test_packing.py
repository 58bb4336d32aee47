"""Packs of lines: the same lines by another way, whole or not at all, and no file of somebody else does harm."""

import io

import pytest
import zstandard

from intergeneval.errors import RecordError
from intergeneval.ids import canonical_json
from intergeneval.records import Tracks, packs
from intergeneval.records.packs import is_pack, stage_files
from intergeneval.store import packing
from intergeneval.store.line_index import LineIndex
from intergeneval.store.packing import pack

LINES = 400


def record(number, note):
    notes = (note * 2000,)
    return Tracks(sample_id=f"s{number:03d}", seed=number % 2, tracker="t", size=(4, 4), tracks=(), notes=notes)


def write(folder, notes="a", numbers=range(LINES)):
    text = "".join(canonical_json(record(number, notes).to_json()) + "\n" for number in numbers)
    (folder / "tracks.jsonl").write_text(text)
    return text


def packed(folder):
    pack(folder, "tracks", Tracks)
    return stage_files(folder, "tracks")


def test_every_line_is_found_by_its_video_in_packs_as_in_the_file(tmp_path, monkeypatch):
    text = write(tmp_path)
    plain = {key: list(index.read(key)) for index in [LineIndex(stage_files(tmp_path, "tracks"), Tracks)] for key in index}
    monkeypatch.setattr(packing, "PACK_BYTES", 300_000)
    files = packed(tmp_path)
    assert len(files) == 3
    assert all(map(is_pack, files))
    assert sum(path.stat().st_size for path in files) < len(text) / 10
    index = LineIndex(files, Tracks)
    assert {key: list(index.read(key)) for key in index} == plain
    # Out of order, from one frame and from another.
    assert [index.last(key) for key in reversed(list(plain))] == [found[-1] for found in reversed(plain.values())]


def test_a_pack_is_what_any_tool_of_its_format_reads(tmp_path):
    text = write(tmp_path)
    (path,) = packed(tmp_path)
    reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(path.read_bytes()), read_across_frames=True)
    # Skippable frames are none of its business.
    assert b"".join(iter(lambda: reader.read(1 << 20), b"")).decode() == text


def test_lines_that_came_later_replace_those_in_packs_and_are_packed_behind_them(tmp_path):
    write(tmp_path, "a")
    packed(tmp_path)
    write(tmp_path, "b", range(3))
    for found in (stage_files, lambda folder, _: packed(folder)):
        files = found(tmp_path, "tracks")
        index = LineIndex(files, Tracks)
        assert index.last(("s001", 1)).notes == ("b" * 2000,)
        assert index.last(("s003", 1)).notes == ("a" * 2000,)
    assert [path.name for path in files] == ["tracks.pack-00001.jsonl.zst", "tracks.pack-00002.jsonl.zst"]


def test_what_a_kill_left_in_packs_and_file_is_packed_once(tmp_path, monkeypatch):
    text = write(tmp_path)
    monkeypatch.setattr(packing, "PACK_BYTES", 300_000)
    whole = [path.read_bytes() for path in packed(tmp_path)]
    for number in (1, 2, 3):
        for path in stage_files(tmp_path, "tracks")[number:]:
            path.unlink()
        (tmp_path / "tracks.jsonl").write_text(text)
        assert [path.read_bytes() for path in packed(tmp_path)] == whole


def test_a_line_as_long_as_one_may_be_is_read_from_a_pack_whatever_stands_before_it(tmp_path, monkeypatch):
    monkeypatch.setattr(packs, "MOST_BYTES", 300_000)
    lines = [canonical_json(record(number, note).to_json()) + "\n" for number, note in enumerate(["a" * 50, "b" * 140])]
    assert max(map(len, lines)) < packs.MOST_BYTES < sum(map(len, lines))
    (tmp_path / "tracks.jsonl").write_text("".join(lines))
    index = LineIndex(packed(tmp_path), Tracks)
    assert [next(index.lines(key)).decode() + "\n" for key in index] == lines


def _cut(content):
    return content[:-7]


def _flipped(content):
    return content[:40] + bytes([content[40] ^ 255]) + content[41:]


def _foreign(content):
    return b"PK\x03\x04" + content


def _lying(content):
    return content[:8] + (1 << 29).to_bytes(4, "little") + content[12:]


def _torn(content):
    frame = zstandard.ZstdCompressor().compress(b'{"sample_id":"a"')
    return content[:8] + len(frame).to_bytes(4, "little") + frame


def _empty(content):
    return content[:8] + b"\0\0\0\0"


def _bomb(content):
    """A frame that says it unpacks to 64 GiB."""
    frame = bytes.fromhex("28b52ffde0") + (64 << 30).to_bytes(8, "little") + b"\x01\x00\x00"
    return content[:8] + len(frame).to_bytes(4, "little") + frame


@pytest.mark.parametrize("damage", [_cut, _flipped, _foreign, _lying, _torn, _empty, _bomb], ids=lambda made: made.__name__)
def test_a_damaged_pack_is_named(tmp_path, damage):
    write(tmp_path)
    (path,) = packed(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(RecordError, match=r"tracks\.pack-00001\.jsonl\.zst: a damaged pack of lines"):
        LineIndex([path], Tracks)


def test_what_is_wrong_with_a_line_of_a_pack_is_told_with_file_and_line(tmp_path):
    text = write(tmp_path)
    (tmp_path / "tracks.jsonl").write_text(text.replace('"sample_id":"s007","seed":1', '"sample_id":"s007","seed":1,"x":1'))
    files = packed(tmp_path)
    with pytest.raises(RecordError, match=r"tracks\.pack-00001\.jsonl\.zst:8: .*'x'"):
        list(LineIndex(files, Tracks).read(("s007", 1)))
