"""Controls and undone interactions, counted from answers."""

import pytest

from intergeneval.records import CONTROL_ID, Answer, AnswerStatus, AnswerValue
from intergeneval.stats import controls, controls_text, undone, undone_text

YES, NO = AnswerValue.YES, AnswerValue.NO


def answer(number, value, *, sample="a", reason="", repeat=0):
    status = AnswerStatus.FAILED if value is None else AnswerStatus.OK
    return Answer(
        sample_id=sample,
        seed=0,
        interaction=0,
        question_id=number,
        status=status,
        value=value,
        reason=reason,
        judge="j",
        repeat=repeat,
    )


def asked(yes, no):
    return [answer(CONTROL_ID, value, sample=str(place)) for place, value in enumerate([YES] * yes + [NO] * no)]


@pytest.mark.parametrize(
    ("yes", "no", "flatters"),
    [(0, 50, False), (5, 45, False), (12, 38, True), (1, 2, True), (1, 5, False), (50, 0, True)],
)
def test_a_judge_flatters_when_plainly_more_than_a_tenth_of_its_controls_are_yes(yes, no, flatters):
    found = controls(asked(yes, no))
    assert (found.yes, found.answered, found.flatters) == (yes, yes + no, flatters)
    assert ("FLATTERS" in controls_text(found)) == flatters


def test_only_first_answers_to_controls_count():
    rows = [*asked(0, 4), answer(8, YES), answer(CONTROL_ID, YES, repeat=1), answer(CONTROL_ID, None, sample="z")]
    found = controls(rows)
    assert (found.asked, found.answered, found.yes) == (5, 4, 0)
    assert controls([answer(8, YES)]) is None
    assert "none of 1 answered" in controls_text(controls([answer(CONTROL_ID, None)]))


@pytest.mark.parametrize(
    ("reason", "nine", "expected"),
    [("nobody", NO, 1), ("“Nobody” does that.", NO, 1), ("nobody", YES, 0), ("another woman, nobody near her", NO, 0)],
)
def test_nobody_is_what_question_8_says_where_9_and_10_do_not_contradict(reason, nine, expected):
    found = undone([answer(8, NO, reason=reason), answer(9, nine), answer(10, NO)])
    assert (found.asked, found.undone) == (1, expected)
    assert found.where == ((("a", 0, 0),) if expected else ())
    assert ("in 1 of 1" in undone_text(found)) == bool(expected)


def test_an_interaction_without_all_three_answers_is_not_counted():
    assert undone([answer(8, NO, reason="nobody"), answer(9, NO)]) is None
