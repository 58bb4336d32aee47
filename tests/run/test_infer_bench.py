import json

import pytest

from intergeneval.config import RunConfig
from intergeneval.errors import UsageError
from intergeneval.run.infer_bench import infer_benchmark
from intergeneval.run.plan import Plan
from intergeneval.sources.folder import FolderSource
from tests.bench.small_benchmarks import own_benchmark


@pytest.fixture
def videos(tmp_path, monkeypatch):
    """A working folder whose ./benchmarks holds two benchmarks that share one sample id."""
    monkeypatch.chdir(tmp_path)
    own_benchmark(tmp_path / "benchmarks/small", ("one", "two"))
    own_benchmark(tmp_path / "benchmarks/large", ("one", "three", "four"))
    (tmp_path / "model").mkdir()
    return tmp_path / "model"


def put(folder, *names):
    for name in names:
        (folder / f"{name}.mp4").write_bytes(b"film")


@pytest.mark.parametrize(("files", "samples"), [(("two",), 2), (("one", "three"), 3), (("coffee",), 2)])
def test_matching_sample_ids_tell_the_benchmark(videos, files, samples):
    put(videos, *files)
    found = infer_benchmark(videos)
    assert len(found.samples) == samples
    assert set(files) <= {sample.id for sample in found.samples}


def test_the_manifest_s_word_counts_first(videos):
    put(videos, "one")
    (videos / "manifest.jsonl").write_text('{"bench": "large"}\n{"sample_id": "one", "path": "one.mp4"}\n')
    assert len(infer_benchmark(videos).samples) == 3


def test_when_it_cannot_be_told_the_candidates_are_listed(videos):
    put(videos, "one")
    with pytest.raises(UsageError, match=r"small \(1 of its 2 samples\).*--bench"):
        infer_benchmark(videos)


def test_when_nothing_matches_all_benchmarks_are_listed(videos):
    put(videos, "nothing")
    with pytest.raises(UsageError, match=r"\(nothing\); say which with --bench: .*clips.*large.*small"):
        infer_benchmark(videos)


def test_a_damaged_benchmark_is_passed_over_and_named(videos):
    (videos.parent / "benchmarks/large/samples.jsonl").write_text("{")
    put(videos, "one")
    assert len(infer_benchmark(videos).samples) == 2
    put(videos, "zero")
    (videos / "one.mp4").unlink()
    with pytest.raises(UsageError, match="could not be loaded: large"):
        infer_benchmark(videos)


def test_a_folder_without_a_video_of_any_sample_lists_its_files_the_nearest_names_and_a_manifest(videos):
    put(videos, "One_final", "TWO v2", "holiday")
    with pytest.raises(UsageError) as raised:
        Plan.of(RunConfig(model=str(videos), bench="small", tracker="stored"))
    text = str(raised.value)
    assert "One_final.mp4  (nearest sample: one)" in text
    assert "  holiday.mp4\n" in text
    kept = [json.loads(line) for line in text.splitlines() if line.startswith("  {")]
    assert {"sample_id": "two", "path": "TWO v2.mp4"} in kept
    # Put right and copied, it is the manifest of the folder.
    known = [item for item in kept if item["sample_id"] in ("one", "two")]
    (videos / "manifest.jsonl").write_text("".join(json.dumps(item) + "\n" for item in known))
    assert FolderSource(videos).sample_ids() == ("one", "two")
    Plan.of(RunConfig(model=str(videos), bench="small", tracker="stored"))


def test_an_empty_folder_is_a_usage_error_that_says_what_is_wanted(videos):
    with pytest.raises(UsageError, match=r"no video lies here; .* each of its 2 samples, such as one.mp4"):
        Plan.of(RunConfig(model=str(videos), bench="small", tracker="stored"))


@pytest.mark.parametrize("name", ["/etc", "../other", "a/b"])
def test_a_manifest_cannot_name_a_path(videos, name):
    (videos / "manifest.jsonl").write_text(f'{{"bench": "{name}"}}\n')
    with pytest.raises(UsageError, match="by a path"):
        infer_benchmark(videos)


def test_a_manifest_that_names_no_benchmark_we_have_says_so(videos):
    (videos / "manifest.jsonl").write_text('{"bench": "gone"}\n')
    with pytest.raises(UsageError, match=r"no benchmark is called 'gone'; there are: .*clips"):
        infer_benchmark(videos)
