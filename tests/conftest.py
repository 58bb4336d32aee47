import pytest

from tests import tiny_world


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_session(tmp_path_factory):
    """Keep answers and tracks of tests that name no cache out of the user's own, and of earlier sessions' out of these."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INTERGENEVAL_CACHE", str(tmp_path_factory.mktemp("cache") / "answers.sqlite"))
        yield


@pytest.fixture
def tiny(tmp_path):
    """A small benchmark and a folder of its videos with stored tracks, as two paths."""
    return tiny_world.write_benchmark(tmp_path / "bench"), tiny_world.write_videos(tmp_path / "model")
