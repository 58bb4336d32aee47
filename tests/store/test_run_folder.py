import json
from dataclasses import replace

import pytest

from intergeneval.errors import ComparabilityError, RecordError, StoreError, UsageError
from intergeneval.records import RUN_SCHEMA, Comparability, Profile, RunHeader, Video, VideoStatus
from intergeneval.store import RunStore, write_atomically


def header(**changes):
    comparability = Comparability(
        bench="b", questions="q", judge="geometry", judge_revision="1", tracker="flow-1", detector="none",
        sampling="equal-time", profile=Profile.BOUNDED, samples="all",
    )  # fmt: skip
    base = RunHeader(
        schema=RUN_SCHEMA, model="m", source="folder:m", source_hash="h", bench="clips", bench_version="1", samples=2,
        bench_samples=2, seeds=(), comparability=comparability, key=comparability.key,
    )  # fmt: skip
    return replace(base, **changes)


def video(sample_id="s", seed=0):
    return Video(sample_id=sample_id, seed=seed, status=VideoStatus.MISSING, reason="nö\u2028x")


@pytest.fixture
def store(tmp_path):
    return RunStore.create(tmp_path / "run", header())


def test_what_was_appended_is_read_back(store):
    with store.writer() as writer:
        writer.append("videos", [video("a"), video("b")])
        writer.append("videos", [video("c")])
    assert store.read("videos", Video) == [video("a"), video("b"), video("c")]
    assert store.read("answers", Video) == []


@pytest.mark.parametrize("torn", [b'{"sample_id": "x', b"{", b"\xc3"])
def test_a_torn_last_line_is_ignored_by_readers_and_cut_by_the_next_writer(store, torn):
    with store.writer() as writer:
        writer.append("videos", [video("a")])
    path = store.folder / "videos.jsonl"
    with path.open("ab") as stream:
        stream.write(torn)
    assert store.read("videos", Video) == [video("a")]
    with store.writer() as writer:
        writer.append("videos", [video("b")])
    assert store.read("videos", Video) == [video("a"), video("b")]


def test_a_file_that_is_one_torn_line_is_cut_to_nothing(store):
    (store.folder / "videos.jsonl").write_bytes(b"x" * 200_000)
    with store.writer() as writer:
        writer.append("videos", [video("b")])
    assert store.read("videos", Video) == [video("b")]


def test_a_damaged_line_in_the_middle_is_named_and_never_skipped(store):
    (store.folder / "videos.jsonl").write_text('{"nonsense": 1}\n')
    with pytest.raises(RecordError, match=r"videos\.jsonl:1: unknown field 'nonsense'"):
        store.read("videos", Video)


def test_two_writers_are_kept_apart(store):
    with store.writer(), pytest.raises(StoreError, match="another run is writing here"), store.writer():
        pass


def test_shards_write_beside_each_other_and_are_merged_without_loss_or_doubles(store):
    with store.writer("1-of-2") as first, store.writer("2-of-2") as second:
        first.append("videos", [video("a")])
        second.append("videos", [video("b"), video("a")])
    assert {item.sample_id for item in store.read("videos", Video)} == {"a", "b"}
    store.merge_shards()
    assert store.read("videos", Video) == [video("a"), video("b")]
    assert sorted(path.name for path in store.folder.glob("videos*")) == ["videos.jsonl"]


def test_a_folder_that_holds_another_run_is_refused_with_the_fields_that_differ(store):
    other = replace(header().comparability, tracker="sam2")
    with pytest.raises(ComparabilityError, match="tracker: flow-1 there, sam2 here"):
        RunStore.create(store.folder, header(comparability=other, key=other.key))
    with pytest.raises(ComparabilityError, match="source"):
        RunStore.create(store.folder, header(source_hash="another"))


def test_the_same_run_is_opened_again_with_its_first_header(store):
    again = RunStore.create(store.folder, header(created="later"))
    assert again.header == header()


def test_a_folder_without_header_is_no_run(tmp_path):
    with pytest.raises(UsageError, match="not a run folder"):
        RunStore.open(tmp_path)


def test_a_run_of_another_schema_is_refused(store):
    (store.folder / "run.json").write_text(json.dumps({**header().to_json(), "schema": 99}))
    with pytest.raises(UsageError, match="schema 99"):
        RunStore.open(store.folder)


def test_an_atomic_write_leaves_the_old_file_when_it_fails(tmp_path):
    path = tmp_path / "x"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "\ud800")
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["x"]


def test_a_stage_takes_only_its_own_records(store):
    with store.writer() as writer, pytest.raises(TypeError, match="holds Answer, not Video"):
        writer.append("answers", [video()])


def test_a_shard_that_still_writes_is_not_merged_away(store):
    with store.writer("1-of-2") as first:
        first.append("videos", [video("a")])
        with pytest.raises(StoreError, match="shard-1-of-2 is still being written"):
            store.merge_shards()
    store.merge_shards()
    assert store.read("videos", Video) == [video("a")]


def test_a_folder_that_cannot_be_gone_on_with_is_a_message(store):
    (store.folder / ".lock").mkdir()
    with pytest.raises(StoreError, match="cannot be written"), store.writer():
        pass
    (store.folder / "scores.jsonl").mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        store.write_scores([])
    with pytest.raises(StoreError, match="cannot be written"):
        RunStore.create(store.folder / ("x" * 300), header())
