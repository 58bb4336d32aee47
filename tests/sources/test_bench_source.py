import pytest

from intergeneval import bench, plugins
from intergeneval.errors import ConfigError, UnknownPluginError
from tests.bench.small_benchmarks import TOML, own_benchmark


def test_the_clips_bring_their_own_videos_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = plugins.build("sources", "bench:clips")
    for sample in bench.load("clips").samples:
        found = source.video(sample, 0)
        assert found.path is not None
        assert found.path.is_file()
        assert found.label == f"{sample.id}.mp4"
    assert (source.name, source.bench) == ("clips", "clips")


def test_a_benchmark_in_a_folder_is_found_by_path(tmp_path):
    root = own_benchmark(tmp_path / "small")
    (root / "films").mkdir()
    (root / "films/one.mp4").write_bytes(b"film")
    (root / "bench.toml").write_text(TOML + 'videos = "films"\n')
    assert plugins.build("sources", f"bench:{root}").sample_ids() == ("one",)


def test_an_unknown_benchmark_lists_those_there_are():
    with pytest.raises(UnknownPluginError, match=r"no benchmark is called 'nope'; there are: .*clips"):
        plugins.build("sources", "bench:nope")


def test_a_benchmark_without_videos_says_so(tmp_path):
    with pytest.raises(ConfigError, match="brings no reference videos"):
        plugins.build("sources", f"bench:{own_benchmark(tmp_path / 'small')}")


def test_videos_outside_the_benchmark_are_refused(tmp_path):
    root = own_benchmark(tmp_path / "small")
    (root / "bench.toml").write_text(TOML + 'videos = "../"\n')
    with pytest.raises(ConfigError, match="lies outside the benchmark"):
        plugins.build("sources", f"bench:{root}")
