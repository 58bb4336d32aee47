import pytest

from tests import tiny_world


@pytest.fixture
def tiny(tmp_path):
    """A small benchmark and a folder of its videos with stored tracks, as two paths."""
    return tiny_world.write_benchmark(tmp_path / "bench"), tiny_world.write_videos(tmp_path / "model")
