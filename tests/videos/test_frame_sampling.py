from itertools import pairwise

import pytest

from intergeneval.errors import ConfigError
from intergeneval.videos import sample_frames


def test_paper_sampling_of_49_frames_gives_the_eleven_published_ones():
    assert sample_frames(49, "paper") == (0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 48)


@pytest.mark.parametrize(("count", "stride"), [(17, 2), (49, 5), (81, 8), (129, 13)])
def test_equal_time_has_the_protocols_strides_and_ends_on_the_last_frame(count, stride):
    indices = sample_frames(count, "equal-time")
    assert indices[0] == 0
    assert indices[1] == stride
    assert indices[-1] == count - 1
    assert all(later - earlier == stride for earlier, later in pairwise(indices[:-1]))


@pytest.mark.parametrize("count", range(13, 2000, 37))
def test_equal_time_is_about_eleven_frames_at_any_length(count):
    assert 9 <= len(sample_frames(count)) <= 14


@pytest.mark.parametrize("count", [1, 2, 3, 6, 11, 100])
@pytest.mark.parametrize("sampling", ["equal-time", "paper", "stride:1", "stride:3", "stride:1000"])
def test_indices_rise_from_the_first_frame_to_the_last_without_repeats(count, sampling):
    indices = sample_frames(count, sampling)
    assert indices[0] == 0
    assert indices[-1] == count - 1
    assert list(indices) == sorted(set(indices))


@pytest.mark.parametrize(
    "sampling", ["", "Paper", "stride", "stride:", "stride:0", "stride:-1", "stride:1.5", "stride:²", "stride:9999999999", "5"]
)
def test_another_sampling_is_a_config_error_that_names_it(sampling):
    with pytest.raises(ConfigError, match="equal-time"):
        sample_frames(49, sampling)


def test_a_video_without_frames_has_no_samples():
    with pytest.raises(ValueError, match="0 frames"):
        sample_frames(0)
