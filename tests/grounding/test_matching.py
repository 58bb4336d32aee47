"""Candidates to instances: one to one within a class, the first that is verified, and never a guess."""

import numpy as np

from intergeneval.grounding import Wanted, apart, assign, distinct
from intergeneval.records import Basis, CropCheck, Detection, Instance

LEFT, MIDDLE, RIGHT = (0.0, 0.0, 10.0, 20.0), (30.0, 0.0, 40.0, 20.0), (60.0, 0.0, 70.0, 20.0)


def instance(name, class_="man"):
    return Instance(id=name, class_=class_, appearance=f"{class_} {name}", colour="red")


def wanted(*names):
    return [Wanted(instance=instance(name)) for name in names]


def candidates(*boxes, class_="man"):
    return tuple(Detection(class_=class_, box=box, score=0.9 - 0.1 * index) for index, box in enumerate(boxes))


def says(truth, asked):
    """A verifier that knows where everybody is, and notes who was asked about what."""

    def verify(item, index):
        asked.append((item.id, index))
        return CropCheck(instance_id=item.id, candidate=index, match=truth.get(item.id) == index)

    return verify


def test_the_first_verified_candidate_is_taken_from_the_most_confident_down():
    asked = []
    (place,), _ = assign(wanted("a"), candidates(LEFT, MIDDLE, RIGHT), says({"a": 1}, asked), "only")
    assert (place.box, place.basis) == (MIDDLE, Basis.VERIFIED)
    assert asked == [("a", 0), ("a", 1)]


def test_a_box_once_taken_leaves_the_pool_of_its_class_only():
    asked = []
    found = (*candidates(LEFT, MIDDLE), *candidates(LEFT, class_="coat"))
    wishes = [*wanted("a", "b"), Wanted(instance=instance("c", "coat"))]
    places, _ = assign(wishes, found, says({"a": 0, "b": 0, "c": 2}, asked), "only")
    assert [place.box for place in places] == [LEFT, None, LEFT]
    assert asked == [("a", 0), ("b", 1), ("c", 2)]
    assert places[1].reason == "the only candidate of class 'man' was not verified"


def test_nothing_found_and_nothing_verified_are_told_apart():
    places, _ = assign(wanted("a"), (), says({}, []), "only")
    assert places[0].reason == "the detector found no 'man' that is not taken"
    places, checks = assign(wanted("a"), candidates(LEFT, RIGHT), says({}, []), "only")
    assert places[0].reason.startswith("none of 2 candidates of class 'man' was verified")
    assert len(checks) == 2


def test_without_a_verifier_only_what_cannot_be_mistaken_is_taken():
    single, _ = assign(wanted("a"), candidates(LEFT), None, "only")
    assert (single[0].box, single[0].basis) == (LEFT, Basis.ONLY)
    several, _ = assign(wanted("a"), candidates(LEFT, RIGHT), None, "only")
    assert several[0].box is None
    twins, _ = assign(wanted("a", "b"), candidates(LEFT, RIGHT), None, "best")
    assert [place.box for place in twins] == [None, None]
    assert "could tell them apart" in twins[0].reason
    best, _ = assign(wanted("a"), candidates(LEFT, RIGHT), None, "best")
    assert (best[0].box, best[0].basis) == (LEFT, Basis.BEST)


def test_settled_boxes_come_first_and_rejected_ones_never_come_back():
    settled = Wanted(instance=instance("b"), box=LEFT, basis=Basis.REVIEW)
    rejecting = Wanted(instance=instance("a"), rejected=(MIDDLE,))
    places, _ = assign([rejecting, settled], candidates(LEFT, MIDDLE, RIGHT), says({"a": 2}, []), "only")
    assert [place.box for place in places] == [RIGHT, LEFT]
    assert places[1].basis is Basis.REVIEW


def test_doubles_count_once_and_only_so_many_are_looked_at():
    near = (0.5, 0.0, 10.0, 20.0)
    found = distinct((*candidates(LEFT, near, MIDDLE, RIGHT), *candidates(near, class_="coat")), 2)
    assert [(item.class_, item.box) for item in found] == [("coat", near), ("man", LEFT), ("man", MIDDLE)]


def test_of_nested_masks_the_smaller_keeps_its_pixels_and_equal_ones_are_one_thing():
    whole, part = np.zeros((10, 10), dtype=bool), np.zeros((10, 10), dtype=bool)
    whole[2:9, 2:9] = True
    part[4:6, 4:6] = True
    kept, gone = apart({"a": whole, "b": part, "c": part.copy(), "d": np.zeros((10, 10), dtype=bool)})
    assert sorted(kept) == ["a", "b"]
    assert not (kept["a"] & kept["b"]).any()
    assert (kept["a"] | kept["b"]).sum() == whole.sum()
    assert gone == {"c": "its mask is that of b", "d": "the segmenter found nothing in its box"}
