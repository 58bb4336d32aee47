"""The geometry between first frames and videos: what goes in comes back at its place, for every shape into every other."""

import numpy as np
import pytest

from intergeneval.config import RunConfig
from intergeneval.plugins.fitting import OF_A_RUN, Fitting
from intergeneval.plugins.video_models import TABLE
from intergeneval.records import Fit
from tests.shaped_things import SHAPES, scene, worst

SIZES = {row.name: row.size for row in TABLE}


@pytest.mark.parametrize("fit", ["crop", "scale"])
@pytest.mark.parametrize("model", SIZES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_video_of_the_picture_it_was_given_comes_back_under_its_masks(shape, model, fit):
    picture, masks = scene(SHAPES[shape])
    way = Fitting.of(SIZES[model], SHAPES[shape], fit)
    given = way.give(picture)
    assert given.shape[:2] == SIZES[model]
    assert worst(masks, way.apply(given)) >= 0.95
    # Masks that a model is shown lie on the things of the picture that it is shown.
    assert worst({name: way.give_mask(mask) for name, mask in masks.items()}, given, least=1000) >= 0.95


def test_what_is_black_around_a_picture_is_cut_away_again_and_nothing_of_the_picture_with_it():
    way = Fitting.of((480, 720), (720, 1280), "crop")
    white = np.full((720, 1280, 3), 255, np.uint8)
    given = way.give(white)
    assert (given.min(axis=2) == 255).sum() == 405 * 720
    assert (given.max(axis=2) == 0).sum() == 75 * 720
    assert way.apply(given).min() == 255
    assert way.cut(given).shape == (405, 720, 3)
    assert way.geometry() == "first frames as 720x405 in the middle of 720x480, black around"


def test_a_run_without_settings_reads_videos_as_first_frames_are_given_without_a_run():
    assert RunConfig().fit == OF_A_RUN


def test_shapes_within_two_percent_are_one_and_get_no_bars():
    way = Fitting.of((480, 832), (468, 816), "crop")
    assert (way.fit, way.geometry()) == (Fit.SCALE, "")
    assert way.give(np.full((468, 816, 3), 255, np.uint8)).min() == 255
