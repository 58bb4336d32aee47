"""The binding world: what its pictures show, what its captions may not tell, and how a video's outcome is read off."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from intergeneval.errors import ConfigError
from matrix_train.binding.outcomes import CHANCE_OBJECT, CHANCE_SUBJECT, outcome
from matrix_train.binding.play import paint, places_at, play
from matrix_train.binding.scene import FIGURES, LETTERS, RADIUS, SIDE, TOUCH, VERBS, Deed, ends, scene, scene_named

SCENES = [scene(7, index) for index in range(120)]
SIZE = (80, 80)


def last(found, deed, size=SIZE):
    return play(found, deed, frames=2, size=size).frames[-1]


def shares(found):
    """Share of the scenes' deeds that a guess gets right: subject, object."""
    return np.mean([item[0] for item in found]), np.mean([item[1] for item in found])


def three_errors(chance, count):
    return 3 * math.sqrt(chance * (1 - chance) / count)


def test_equal_seeds_give_equal_scenes_and_every_first_frame_has_four_captions():
    assert scene.__wrapped__(7, 3) == SCENES[3]
    for found in SCENES:
        assert len({found.caption(deed) for deed in found.deeds}) == len(LETTERS)


def test_it_takes_both_words_to_name_one_of_the_two_that_share_a_hue():
    for found in SCENES:
        looks = [(item.hue, item.shape) for item in found.figures]
        assert len(set(looks)) == FIGURES
        pairs = [look for look in looks if sum(look[0] == other[0] for other in looks) == 2]
        assert len(pairs) == 2
        for _, shape in pairs:
            assert sum(shape == other for _, other in looks) == 2


def test_every_deed_of_every_pair_ends_inside_the_picture_and_clear_of_everybody_else():
    for found in SCENES[:40]:
        for verb in VERBS:
            subject_ends, object_ends = ends(found.places, verb)
            for subject in range(FIGURES):
                for object_ in set(range(FIGURES)) - {subject}:
                    for place in (subject_ends[subject, object_], object_ends[subject, object_]):
                        assert (place > RADIUS).all()
                        assert (place < SIDE - RADIUS).all()
                        for other in set(range(FIGURES)) - {subject, object_}:
                            assert np.linalg.norm(place - found.places[other]) >= TOUCH


def test_twins_exchange_the_roles_the_object_and_the_subject_of_one_first_frame():
    for found in SCENES[:20]:
        a, b, c, d = found.deeds
        assert (b.subject, b.object, d.subject, d.object) == (a.object, a.subject, c.object, c.subject)
        assert (a.subject, a.verb) == (c.subject, c.verb)
        assert (b.object, b.verb) == (d.object, d.verb)
        assert a.object != c.object
        assert b.subject != d.subject


def test_a_first_frame_does_not_tell_which_deed_follows():
    for deed in SCENES[0].deeds[1:]:
        shown = [play(SCENES[0], item, frames=9, size=SIZE) for item in (SCENES[0].deeds[0], deed)]
        assert (shown[0].frames[0] == shown[1].frames[0]).all()
        assert (shown[0].frames[-1] != shown[1].frames[-1]).any()


@pytest.mark.parametrize("size", [(40, 40), (80, 80), (96, 144), (320, 480)])
def test_the_same_deed_ends_alike_at_any_size_and_number_of_frames(size):
    found = SCENES[1]
    long, short = (play(found, found.deeds[0], frames=frames, size=size) for frames in (17, 3))
    assert long.frames.shape == (17, *size, 3)
    assert (long.frames[-1] == short.frames[-1]).all()
    assert long.shares.shape == (FIGURES, 17, *size)
    side = min(size)
    wanted = places_at(found, found.deeds[0], 1.0)
    for share, place in zip(long.shares[:, -1], wanted, strict=True):
        rows, columns = np.nonzero(share > 0.5)
        middle = (np.array((columns.mean() - size[1] / 2, rows.mean() - size[0] / 2)) + side / 2) * SIDE / side
        # The middle of what is seen: a triangle's lies below its centre, and who is on top hides a part.
        assert np.linalg.norm(middle - place) < 2.2


def test_a_push_moves_the_object_once_the_two_have_met_and_never_through_each_other():
    found = next(item for item in SCENES if item.deeds[0].verb == "pushes")
    deed = found.deeds[0]
    ways = [places_at(found, deed, moment) for moment in np.linspace(0, 1, 40)]
    gaps = [np.linalg.norm(place[deed.subject] - place[deed.object]) for place in ways]
    moved = [np.linalg.norm(place[deed.object] - found.places[deed.object]) for place in ways]
    assert moved[-1] > 3
    assert all(gap >= TOUCH - 1e-6 for gap in gaps)
    assert all(gap < TOUCH + 0.1 for gap, way in zip(gaps, moved, strict=True) if way > 0)


def test_videos_that_do_what_the_caption_says_are_right_in_both():
    found = [outcome(item, deed, last(item, deed)) for item in SCENES[:60] for deed in item.deeds]
    assert all(item.subject and item.object and item.margin > 0.5 for item in found)


@pytest.mark.parametrize("verb", list(VERBS))
def test_an_exchanged_object_is_seen_and_so_is_an_exchanged_subject(verb):
    for item in SCENES[:40]:
        for deed in (replace(item.deeds[0], verb=verb), replace(item.deeds[2], verb=verb)):
            others = sorted(set(range(FIGURES)) - {deed.subject, deed.object})
            swapped = outcome(item, deed, last(item, replace(deed, object=others[0])))
            assert (swapped.subject, swapped.object) == (True, False)
            assert swapped.margin < -0.5
            assert not outcome(item, deed, last(item, replace(deed, subject=others[1]))).subject


def test_whoever_knows_the_layout_alone_guesses():
    """The nearest pair, the farthest, the leftmost to the rightmost, and nobody moves: none beats chance."""

    def nearest(item):
        ways = np.linalg.norm(item.places[:, None] - item.places[None], axis=-1) + 1e3 * np.eye(FIGURES)
        return np.unravel_index(ways.argmin(), ways.shape)

    def farthest(item):
        ways = np.linalg.norm(item.places[:, None] - item.places[None], axis=-1)
        return np.unravel_index(ways.argmax(), ways.shape)

    def across(item):
        return item.places[:, 0].argmin(), item.places[:, 0].argmax()

    drawn = [scene(8, index) for index in range(500)]
    for guess in (nearest, farthest, across):
        right = []
        for item in drawn:
            subject, object_ = guess(item)
            right += [(deed.subject == subject, deed.object == object_) for deed in item.deeds[:1]]
        got_subject, got_object = shares(right)
        assert abs(got_subject - CHANCE_SUBJECT) < three_errors(CHANCE_SUBJECT, len(drawn))
        # Of three that it could be once the subject is known, of four while it is not.
        assert abs(got_object - 1 / FIGURES) < three_errors(1 / FIGURES, len(drawn))
    still = [outcome(item, item.deeds[0], paint(item, item.places, SIZE)[0]) for item in drawn]
    assert abs(np.mean([item.object for item in still]) - CHANCE_OBJECT) < three_errors(CHANCE_OBJECT, len(drawn))


def test_videos_of_shuffled_captions_and_of_no_caption_are_right_by_chance():
    """Of a model that obeys whatever it is told: told another deed it is right by chance, as with no words at all."""
    rng = np.random.default_rng(0)
    found = []
    for item in (scene(9, index) for index in range(500)):
        subject, object_ = rng.permutation(FIGURES)[:2]
        told = Deed(subject=int(subject), verb=item.deeds[0].verb, object=int(object_))
        found.append(outcome(item, item.deeds[0], last(item, told)))
    assert abs(np.mean([item.subject for item in found]) - CHANCE_SUBJECT) < three_errors(CHANCE_SUBJECT, len(found))
    # Whoever moves somebody else toward the object shows neither end; what is nearest is still no better than a guess.
    assert abs(np.mean([item.object for item in found]) - CHANCE_OBJECT) < three_errors(CHANCE_OBJECT, len(found))


def test_a_sample_says_which_deed_it_is_and_its_twin_asks_for_the_exchanged_roles():
    found = SCENES[5]
    a, b = found.sample("a"), found.sample("b")
    assert scene_named(a.id) == (found, "a")
    assert (a.interactions[0].twin_of, b.interactions[0].twin_of) == (b.id, a.id)
    assert a.interactions[0].exchanged.subject == b.interactions[0].subject
    assert a.prompt == found.caption(found.deeds[0])
    with pytest.raises(ConfigError, match="binding-1-0042-a"):
        scene_named("staged-1-001")
