"""Contrast over twins: worked by hand, by chance, under a biased judge, and with answers missing."""

from dataclasses import replace

import numpy as np
import pytest

from intergeneval.records import TWIN_IDS, Answer, AnswerStatus, AnswerValue, Contrast, Instance, Interaction, Sample
from intergeneval.stats import contrast

YES, NO = AnswerValue.YES, AnswerValue.NO


def sample(sample_id, *twins, verbs=()):
    """A sample with an interaction for each of `twins` (None: without a twin)."""
    verbs = verbs or ("lifts",) * len(twins)
    return Sample(
        id=sample_id,
        prompt="p",
        instances=tuple(Instance(id=name, class_="man", appearance=name, colour="red") for name in ("id1", "id2")),
        interactions=tuple(
            Interaction(subject="id1", verb=verb, object="id2", twin_of=twin) for twin, verb in zip(twins, verbs, strict=True)
        ),
    )


def about(sample_id, interaction, yes, seed=0):
    """Answers to the questions of twins about one interaction: `yes` is how many of them are yes, or one truth value each."""
    truths = [place < yes for place in range(len(TWIN_IDS))] if isinstance(yes, int) else yes
    return [
        Answer(
            sample_id=sample_id,
            seed=seed,
            interaction=interaction,
            question_id=number,
            status=AnswerStatus.OK,
            value=YES if truth else NO,
        )
        for number, truth in zip(TWIN_IDS, truths, strict=True)
    ]


def video(sample_id, own, other, seed=0):
    """Answers about a video of a sample with one interaction."""
    return [*about(sample_id, 0, own, seed), *about(sample_id, 1, other, seed)]


def without(answers, number, interaction, status=AnswerStatus.UNANSWERABLE, reason=""):
    """The answers with one of them turned into none."""
    return [
        replace(item, status=status, value=None, reason=reason)
        if (item.question_id, item.interaction) == (number, interaction)
        else item
        for item in answers
    ]


TWINS = [sample("a", "b"), sample("b", "a")]


def test_two_pairs_worked_out_by_hand():
    samples = [*TWINS, sample("c", "d"), sample("d", "c")]
    answers = [*video("a", 7, 1), *video("b", 5, 3), *video("c", 6, 2), *video("d", 2, 4)]
    found = contrast(samples, answers)
    # a + b: both show their own: 1, (6/7 + 2/7) / 2 = 4/7. c + d: d shows the twin's: 0, (4/7 - 2/7) / 2 = 1/7.
    assert (found.contrast, found.sensitivity) == (0.5, pytest.approx(5 / 14))
    assert [(pair.first_own, pair.first_other) for pair in found.pairs] == [(1.0, 1 / 7), (6 / 7, 2 / 7)]
    # t on one degree of freedom is 12.706: the halves, 12.706 * 0.5 and 12.706 * 3 / 14, would reach beyond both scales.
    assert (found.contrast_low, found.contrast_high) == pytest.approx((0.0, 1.0), abs=1e-9)
    assert -1 < found.sensitivity_low < -0.98
    assert 0.99 < found.sensitivity_high < 1
    assert found.unjudged == {}
    assert Contrast.from_json(found.to_json()) == found


def test_the_interval_is_that_of_a_mean_over_pairs():
    samples = [sample(name, twin) for n in range(4) for name, twin in ((f"a{n}", f"b{n}"), (f"b{n}", f"a{n}"))]
    answers = [item for n in range(4) for item in (*video(f"a{n}", 3 + n, 2), *video(f"b{n}", 3, 2))]
    found = contrast(samples, answers, level=0.9)
    values = np.array([(1 + n + 1) / 14 for n in range(4)])
    # t on three degrees of freedom, on the logit of the mean's place between -1 and 1.
    place = (values.mean() + 1) / 2
    half = 2.3534 * values.std(ddof=1) / 2 / 2 / (place * (1 - place))
    ends = [2 / (1 + np.exp(-(np.log(place / (1 - place)) + sign * half))) - 1 for sign in (-1, 1)]
    assert found.sensitivity == pytest.approx(values.mean())
    assert (found.sensitivity_low, found.sensitivity_high) == pytest.approx(tuple(ends), abs=1e-4)
    assert found.level == 0.9


def test_a_tie_counts_half_in_its_comparison_and_two_ties_are_as_good_as_guessing():
    for (first, second), worth in {((5, 5), (5, 1)): 0.5, ((5, 5), (0, 0)): 0.25, ((5, 5), (1, 5)): 0.0}.items():
        assert contrast(TWINS, [*video("a", *first), *video("b", *second)]).contrast == worth


def test_an_implausible_no_is_no_yes():
    answers = [*video("a", 4, 4), *video("b", 7, 0)]
    answers[0] = replace(answers[0], value=AnswerValue.IMPLAUSIBLE)
    assert contrast(TWINS, answers).contrast == 0.0


def simulated(count, own, other, bias=0.0, seed=0):
    """Answers about `count` pairs: chances that the own and the twin's deed are seen, and that a judge says yes to a no."""
    rng = np.random.default_rng(seed)
    answers = []
    for name in (name for n in range(count) for name in (f"a{n:04d}", f"b{n:04d}")):
        for place, chance in enumerate((own, other)):
            truths = (rng.random(len(TWIN_IDS)) < chance) | (rng.random(len(TWIN_IDS)) < bias)
            answers += about(name, place, list(truths))
    samples = [
        sample(name, twin) for n in range(count) for name, twin in ((f"a{n:04d}", f"b{n:04d}"), (f"b{n:04d}", f"a{n:04d}"))
    ]
    return contrast(samples, answers)


@pytest.mark.parametrize("chance", [0.2, 0.5, 0.9])
def test_who_guesses_gets_a_quarter_however_often_the_guess_is_yes(chance):
    found = simulated(2000, chance, chance)
    assert found.contrast == pytest.approx(0.25, abs=0.03)
    assert found.contrast_low < 0.25 < found.contrast_high
    assert found.sensitivity == pytest.approx(0.0, abs=0.01)


def test_a_judge_s_bias_towards_yes_makes_nobody_sensitive_and_turns_no_order_of_models_around():
    for bias in (0.0, 0.3, 0.6):
        # The second does everything to everybody, which earns it more yes about its own interaction.
        careful, careless = simulated(400, 0.6, 0.2, bias, seed=1), simulated(400, 0.9, 0.9, bias, seed=2)
        assert sum(pair.first_own for pair in careless.pairs) > sum(pair.first_own for pair in careful.pairs)
        assert careless.sensitivity == pytest.approx(0.0, abs=0.02)
        assert careful.sensitivity == pytest.approx(0.4 * (1 - bias), abs=0.03)
        assert careful.contrast_low > careless.contrast_high
    deaf = simulated(20, 0.6, 0.2, bias=1.0)
    assert (deaf.contrast, deaf.sensitivity) == (0.25, 0.0)


def test_what_cannot_be_answered_about_one_interaction_is_left_out_for_the_other_of_that_video_alone():
    answers = without([*video("a", 7, 7), *video("b", 7, 0)], TWIN_IDS[0], 1)
    found = contrast(TWINS, answers)
    # Were the gap counted as no on one side only, a would be ahead: 7 of 7 against 6 of 7.
    assert (found.pairs[0].first_own, found.pairs[0].first_other, found.contrast) == (1.0, 1.0, 0.5)
    shifted = contrast(TWINS, without([*video("a", 3, 3), *video("b", 7, 0)], TWIN_IDS[0], 0))
    assert (shifted.pairs[0].first_own, shifted.pairs[0].first_other) == (2 / 6, 2 / 6)


def test_with_four_of_seven_left_there_is_a_value_and_with_three_there_is_none():
    answers = [*video("a", 7, 0), *video("b", 7, 0)]
    for number, interaction in zip(TWIN_IDS[:3], (0, 1, 0), strict=True):
        answers = without(answers, number, interaction)
    found = contrast(TWINS, answers)
    assert found.contrast == 1.0
    found = contrast(TWINS, without(answers, TWIN_IDS[3], 1))
    assert (found.contrast, found.sensitivity, found.pairs) == (None, None, ())
    assert found.unjudged == {
        "a + b, seed 0": "a: 3 of 7 questions could be answered about both interactions, at least 4 are needed"
    }


@pytest.mark.parametrize("status", [AnswerStatus.FAILED, AnswerStatus.REFUSED, AnswerStatus.UNPARSED])
def test_an_error_is_never_a_score_and_says_whose_it_was(status):
    answers = without([*video("a", 7, 0), *video("b", 7, 0)], 8, 1, status, "the server hung up")
    found = contrast(TWINS, answers)
    assert (found.contrast, found.contrast_low, found.pairs) == (None, None, ())
    assert found.unjudged == {"a + b, seed 0": f"a: question 8 about its twin's interaction: {status} (the server hung up)"}


def test_an_answer_not_there_and_a_video_not_there_are_told_apart():
    answers = [item for item in (*video("a", 7, 0), *video("b", 7, 0)) if (item.sample_id, item.question_id) != ("b", 10)]
    assert contrast(TWINS, answers).unjudged == {"a + b, seed 0": "b: question 10 about its own interaction: was not answered"}
    assert contrast(TWINS, video("a", 7, 0)).unjudged == {"a + b, seed 0": "b has no answer of this seed"}
    assert contrast(TWINS, []).unjudged == {"a + b": "neither of the two has an answer"}


def test_questions_that_are_not_asked_about_twins_neither_count_nor_are_missed():
    answers = [*video("a", 4, 4), *video("b", 7, 0)]
    extra = [replace(answers[0], question_id=number, value=YES) for number in (1, 2, 7)]
    assert contrast(TWINS, [*answers, *extra]).contrast == 0.5


def test_a_pair_weighs_as_one_however_many_seeds_it_has_and_only_common_seeds_count():
    samples = [*TWINS, sample("c", "d"), sample("d", "c")]
    answers = [*video("c", 0, 7), *video("d", 0, 7)]
    for seed in range(3):
        answers += [*video("a", 7, 0, seed), *video("b", 7, 0 if seed else 7, seed)]
    answers += video("a", 0, 7, 3)
    found = contrast(samples, answers)
    assert [(pair.first, pair.seed, pair.contrast) for pair in found.pairs] == [
        ("a", 0, 0.5),
        ("a", 1, 1.0),
        ("a", 2, 1.0),
        ("c", 0, 0.0),
    ]
    assert found.contrast == pytest.approx((2.5 / 3 + 0.0) / 2)
    assert found.unjudged == {"a + b, seed 3": "b has no answer of this seed"}


def test_pairs_are_found_once_whatever_the_order_of_samples_and_answers():
    samples = [*TWINS, sample("c", "d"), sample("d", "c"), sample("e", None)]
    answers = [*video("a", 7, 1), *video("b", 5, 3), *video("c", 6, 2), *video("d", 2, 4)]
    found = contrast(samples, answers)
    assert [(pair.first, pair.second) for pair in found.pairs] == [("a", "b"), ("c", "d")]
    assert contrast(samples[::-1], answers[::-1]) == found


def test_of_several_interactions_those_of_one_verb_belong_together_and_each_counts_once():
    samples = [sample("a", None, "b", "b", verbs=("waves", "lifts", "pulls")), sample("b", "a", "a", verbs=("pulls", "Lifts "))]
    answers = [*about("a", 1, 7), *about("a", 4, 0), *about("a", 2, 1), *about("a", 5, 2)]
    answers += [*about("b", 0, 3), *about("b", 2, 4), *about("b", 1, 6), *about("b", 3, 5)]
    found = contrast(samples, answers)
    shares = [(pair.first_own, pair.first_other, pair.second_own, pair.second_other) for pair in found.pairs]
    assert shares == [pytest.approx(np.array(row) / 7) for row in ((7, 0, 6, 5), (1, 2, 3, 4))]
    assert contrast(samples, []).unjudged.keys() == {"a + b, interaction 1", "a + b, interaction 2"}


def test_a_twin_that_is_not_there_or_does_not_point_back_is_named():
    found = contrast([sample("a", "b"), sample("c", "d"), sample("d", None)], [*video("a", 7, 0), *video("c", 7, 0)])
    assert found.contrast is None
    assert found.unjudged == {"a + b, seed 0": "there is no sample b", "c + d, seed 0": "d does not call c its twin"}


def test_the_answer_that_counts_is_the_last_of_the_first_asking():
    answers = [*video("a", 0, 7), *video("b", 7, 0)]
    again = [replace(item, repeat=1) for item in video("a", 0, 7)]
    assert contrast(TWINS, [*answers, *video("a", 7, 0), *again]).contrast == 1.0


def test_samples_without_twins_have_no_contrast_and_one_pair_has_no_interval():
    found = contrast([sample("a", None)], video("a", 7, 0))
    assert (found.contrast, found.sensitivity, found.pairs, found.unjudged) == (None, None, (), {})
    found = contrast(TWINS, [*video("a", 7, 0), *video("b", 7, 0)])
    assert (found.contrast, found.contrast_low, found.contrast_high, found.sensitivity_low) == (1.0, None, None, None)


def test_several_pairs_of_the_same_two_samples_are_one_cluster():
    samples = [sample("a", "b", "b", verbs=("lifts", "pushes")), sample("b", "a", "a", verbs=("lifts", "pushes"))]
    answers = [
        item
        for name, shares in (("a", (7, 5)), ("b", (6, 4)))
        for place, yes in enumerate(shares)
        for item in (*about(name, place, yes), *about(name, 2 + place, 1))
    ]
    found = contrast(samples, answers)
    assert len(found.pairs) == 2
    assert (found.contrast, found.contrast_low, found.contrast_high) == (1.0, None, None)


def test_a_twin_with_the_benchmark_s_own_questions_is_unjudged_with_the_reason():
    own = tuple(f"{number}?" for number in range(1, 11))
    first, second = TWINS
    worded = replace(first, interactions=(replace(first.interactions[0], questions=own),))
    found = contrast([worded, second], [*video("a", 7, 1), *video("b", 7, 1)])
    assert found.pairs == ()
    assert list(found.unjudged) == ["a + b, seed 0"]
    assert "nobody words them for the exchanged roles" in found.unjudged["a + b, seed 0"]
