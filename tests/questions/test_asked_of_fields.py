"""What a benchmark says of an interaction changes what is asked and what decides it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from intergeneval import questions
from intergeneval.errors import BenchError
from intergeneval.questions.templates import FIRST_MODES, MODES, embedded, parse
from intergeneval.records import (
    CONTROL_ID,
    TWIN_IDS,
    Direction,
    Interaction,
    Part,
    Profile,
    Relation,
    Sample,
    TouchingAtStart,
)

SCENES = [
    Sample.from_json(json.loads(line))
    for line in (Path(__file__).parent.parent / "fixtures/scenes.jsonl").read_text(encoding="utf-8").splitlines()
]
BY_ID = {sample.id: sample for sample in SCENES}


def asked(name, number, interaction=0, profile=Profile.PAPER):
    """The question of that number about a scene, or None where it is not asked."""
    found = {(item.interaction, item.question_id): item for item in questions.questions_for(BY_ID[name], profile=profile)}
    return found.get((interaction, number))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.id)
@pytest.mark.parametrize("profile", list(Profile))
def test_every_question_about_a_scene_is_a_whole_sentence(scene, profile):
    for item in questions.questions_for(scene, profile=profile):
        assert item.text.endswith(("?", "“nobody”.)"))
        assert item.text[0].isupper()
        assert "  " not in item.text
        assert "{" not in item.text
        assert set(item.names) <= {one.id for one in scene.instances}
        assert len(set(item.names)) == len(item.names)


def test_questions_1_and_2_are_left_out_where_the_first_frame_decides_them():
    for profile, numbers in {
        Profile.PAPER: set(range(1, 11)),
        Profile.BOUNDED: set(range(3, 11)),
        Profile.INFORMATIVE: {3, 4, 5, 6, 8, 9, 10},
    }.items():
        assert {item.question_id for item in questions.questions_for(BY_ID["dog-stroke"], profile=profile)} == numbers
    apart = questions.questions_for(BY_ID["window-wipe"], profile=Profile.BOUNDED)
    assert {item.question_id for item in apart} == set(range(1, 11))
    apart = questions.questions_for(BY_ID["window-wipe"], profile=Profile.INFORMATIVE)
    assert {item.question_id for item in apart} == {2, 3, 4, 5, 6, 8, 9, 10}


def test_nobody_is_asked_to_come_into_contact_since_a_benchmark_need_not_say_that_two_touch_already():
    assert asked("dog-stroke", 3).text.startswith("Does a hand of the old woman in a blue cardigan (red outline) actively touch")
    assert asked("frisbee-catch", 3).text.startswith("Does the mouth of the border collie (red outline) touch the orange frisbee")


def test_an_instrument_does_what_the_subject_does_with_it():
    for number in (3, 4, 5):
        item = asked("nail-hammer", number)
        assert "the hammer with a wooden handle (green outline) as used by the carpenter with a beard (red outline)" in item.text
        assert item.names == ("id1", "id2", "id3")
        assert (item.predicate.subject, item.predicate.object) == ("id3", "id2")
        assert "id1" not in item.predicate.arguments["others"]
    assert asked("nail-hammer", 6).predicate.name == "displaced"
    # Masks show that the hammer did it, and whom it touched when it did.
    assert asked("nail-hammer", 8).predicate.name == "agent_through"
    assert asked("nail-hammer", 8).predicate.subject == "id1"
    assert asked("nail-hammer", 9).predicate.subject == "id3"
    assert asked("nail-hammer", 10).names == ("id2",)


def test_a_destination_is_asked_in_question_6():
    item = asked("apple-bowl", 6)
    assert "visibly in the wooden bowl (green outline)" in item.text
    assert item.names == ("id2", "id3")
    assert (item.predicate.name, item.predicate.subject, item.predicate.object) == ("contact_at_end", "id2", "id3")
    words = asked("crate-push", 6)
    assert "visibly at the yellow line on the floor" in words.text
    assert words.names == ("id2",)
    assert words.predicate is None


def test_what_follows_begins_where_the_earlier_one_does_and_may_undo_its_outcome():
    first = asked("apple-eat", 1, 1)
    assert "the young woman with a ponytail (red outline) lifts the red apple (blue outline)" in first.text
    assert "At the very start of the video" not in first.text
    assert first.predicate is None
    assert asked("door-open", 1, 1).predicate.name == "apart_at_start"
    assert asked("bag-take", 6, 1).text.startswith("At some point,")
    assert asked("bag-take", 6, 2).text.startswith("In the end,")
    # Carried on with what is held already: nobody comes into contact.
    assert asked("bag-take", 3, 1).text.startswith("Does the woman in a trench coat (red outline) actively touch")


def test_alternatives_stand_in_for_the_object_and_are_no_rivals():
    for number in (3, 9, 10):
        item = asked("balloon-any", number)
        assert (
            "any of the red balloon (blue outline), the white balloon (green outline) and the blue balloon (yellow outline)"
            in item.text
        )
        assert item.predicate.arguments["alternatives"] == ["id3", "id4"]
        assert item.predicate.arguments["others"] == []
        assert set(item.names) <= {"id1", "id2"}


def test_what_follows_with_the_same_object_leaves_as_open_which_it_is():
    base = BY_ID["balloon-any"]
    first = base.interactions[0]
    later = Interaction(subject="id1", verb="carries", object="id2", after=0)
    scene = replace(base, interactions=(first, later))
    item = next(one for one in questions.questions_for(scene) if (one.interaction, one.question_id) == (1, 9))
    assert "any of the red balloon (blue outline), the white balloon (green outline)" in item.text
    assert item.predicate.arguments["alternatives"] == ["id3", "id4"]
    other = replace(scene, interactions=(first, replace(later, object="id3")))
    item = next(one for one in questions.questions_for(other) if (one.interaction, one.question_id) == (1, 9))
    assert "any of" not in item.text


def test_it_stays_open_over_several_deeds():
    base = BY_ID["balloon-any"]
    acts = (
        base.interactions[0],
        Interaction(subject="id1", verb="lifts", object="id2", after=0),
        Interaction(subject="id1", verb="drops", object="id2", after=1),
    )
    asked_last = [item for item in questions.questions_for(replace(base, interactions=acts)) if item.interaction == 2]
    assert all("any of the red balloon" in item.text for item in asked_last if item.question_id != 7)


def test_an_unknown_instrument_is_named_as_other_instances_are():
    base = BY_ID["dog-stroke"]
    for fields in ({"instrument": "id9"}, {"alternatives": ("id9",)}):
        broken = replace(base, interactions=(replace(base.interactions[0], **fields),))
        with pytest.raises(BenchError, match="no instance is called 'id9'"):
            questions.questions_for(broken)


def test_what_belongs_to_the_roles_falls_away_when_they_are_exchanged():
    act = Interaction(subject="id1", verb="pulls", object="id2", destination="id1", relation=Relation.AT, alternatives=("id3",))
    assert (act.exchanged.subject, act.exchanged.object) == ("id2", "id1")
    assert (act.exchanged.destination, act.exchanged.relation, act.exchanged.alternatives) == (None, None, ())
    kept = replace(act, destination="the wall", instrument="id3", alternatives=()).exchanged
    assert (kept.destination, kept.relation, kept.instrument) == ("the wall", Relation.AT, "id3")


def test_the_part_of_the_body_does_it():
    assert "a foot of the player in a white jersey (red outline)" in asked("ball-kick", 3).text
    assert "the mouth of the border collie (red outline)" in asked("frisbee-catch", 4).text
    assert "with a hand" in asked("guitar-play", 6).text


def test_eating_is_at_the_mouth_and_holding_decides_nothing():
    assert "reach the mouth" in asked("apple-eat", 3, 1).text
    found = [asked("apple-eat", number, 1).predicate for number in (3, 4, 5)]
    assert [item and item.name for item in found] == ["at_mouth", "stays_at_mouth", None]


def test_a_thing_handed_over_is_the_one_that_is_looked_at():
    item = asked("book-give", 5)
    assert "the green book (green outline)" in item.text
    assert item.predicate.arguments["others"] == ["id3"]


def test_a_phrase_that_only_begins_with_a_known_verb_is_asked_about_in_general_words():
    base = BY_ID["dog-stroke"]
    halted = replace(base, interactions=(Interaction(subject="id1", verb="brings to a halt", object="id2"),))
    made = questions.questions_for(halted)
    assert made[2].text.startswith("Is something that the old woman in a blue cardigan (red outline) does, more than looking")
    assert questions.unknown_interactions(halted) == (0,)
    assert questions.unknown_interactions(halted, 1) == ()
    before = questions.questions_for(halted, embedded(1))
    assert before[2].text.startswith("Does the thing that was with")


def test_a_verb_with_letters_beyond_a_to_z_stays_whole():
    base = BY_ID["dog-stroke"]
    scene = replace(base, interactions=(Interaction(subject="id1", verb="flambés", object="id2"),))
    assert "flambéing the brown dog" in questions.questions_for(scene)[0].text
    assert "flambing s the brown dog" in questions.questions_for(scene, embedded(1))[0].text


PLAIN = Interaction(subject="id1", verb="pushes", object="id2")


def test_a_twin_is_asked_about_with_the_roles_exchanged():
    base = replace(BY_ID["boys-shove"], interactions=(replace(PLAIN, twin_of="other"),))
    made = questions.questions_for(base)
    own, twin = [item for item in made if not item.twin], [item for item in made if item.twin]
    assert [item.question_id for item in own] == list(range(1, 11))
    assert [(item.interaction, item.question_id, item.twin) for item in twin] == [(1, number, "other") for number in TWIN_IDS]
    mirrored = replace(base, interactions=(PLAIN.exchanged,))
    expected = {item.question_id: item.text for item in questions.questions_for(mirrored)}
    assert {item.question_id: item.text for item in twin} == {number: expected[number] for number in TWIN_IDS}


def test_a_twin_without_a_bystander_has_no_control_since_its_yes_would_be_the_models():
    twin = replace(BY_ID["boys-shove"], interactions=(replace(PLAIN, twin_of="other"),))
    alone = replace(twin, interactions=(PLAIN,))
    made = [{item.question_id for item in questions.questions_for(one, embedded(), controls=True)} for one in (twin, alone)]
    assert [CONTROL_ID in ids for ids in made] == [False, True]


def test_a_twin_of_an_unknown_verb_is_worded_by_the_same_writer_with_the_names_turned_round():
    base = replace(BY_ID["boys-shove"], interactions=(replace(PLAIN, verb="outwits", twin_of="other"),))
    heard = []

    def writer(sample, index, names):
        heard.append((index, names))
        return [f"{number} {names[0]} {names[1]}?" for number in range(1, 11)]

    made = questions.questions_for(base, writer=writer)
    assert [index for index, _ in heard] == [0, 0]
    assert heard[0][1] == heard[1][1][::-1]
    assert {item.template for item in made} == {"written"}
    assert questions.unknown_interactions(base) == (0, 1)
    assert [questions.words_of(base, index)[1:] for index in (0, 1)] == [heard[0][1], heard[1][1]]


def test_an_interaction_with_its_own_questions_is_asked_nothing_about_its_twin():
    own = tuple(f"{number}?" for number in range(1, 11))
    base = replace(BY_ID["boys-shove"], interactions=(replace(PLAIN, questions=own, twin_of="other"),))
    assert [item.text for item in questions.questions_for(base)] == list(own)


def test_templates_of_version_1_say_what_they_said():
    plain = [question for scene in SCENES for question in questions.questions_for(scene.plain, embedded(1))]
    assert {item.template.rpartition("/")[2] for item in plain} == {"v1"}
    assert questions.templates_hash(embedded(1)) == "3d35249b29301075c56fbd18d560237f8b83755a0448f21196408fec7554a472"
    assert questions.templates_hash() != questions.templates_hash(embedded(1))


COMMON = "version = 9\n[common]\n" + "".join(f'{number} = "common {number}?"\n' for number in range(1, 11))


@pytest.mark.parametrize("mode", [*FIRST_MODES, *MODES])
def test_a_mode_is_looked_for_under_the_verb_then_the_pattern_then_alone(mode):
    def text(*sections):
        made = parse((COMMON + "".join(f'[{name}]\n5 = "{name}"\n' for name in sections)).encode(), "t")
        return made.text("push", 5, modes=(mode,), verb="shove")[1]

    assert text() == "common 5?"
    assert text("push") == "push"
    assert text("push", mode) == mode
    assert text("push", mode, f"push.{mode}") == f"push.{mode}"
    assert text("push", f"push.{mode}", f"verbs.shove.{mode}") == f"verbs.shove.{mode}"
    # The verb's own words give way to what the question is about, and to nothing else.
    assert text("verbs.shove", f"push.{mode}") == (f"push.{mode}" if mode in FIRST_MODES else "verbs.shove")


def test_all_fields_together_give_whole_questions():
    full = Interaction(
        subject="id1",
        verb="puts",
        object="id2",
        instrument="id3",
        destination="the tray",
        relation=Relation.ON,
        alternatives=("id4",),
        part=Part.HAND,
        touching_at_start=TouchingAtStart.YES,
        direction=Direction.UNIDIRECTIONAL,
    )
    base = BY_ID["pancake-flip"]
    scene = replace(base, interactions=(full, replace(full, after=0, destination="id5", alternatives=())))
    made = questions.questions_for(scene)
    assert len(made) == 20
    assert all(item.text.endswith(("?", "“nobody”.)")) and "{" not in item.text for item in made)
