"""Ten questions for each interaction: what they name, how they read, and what decides them."""

import re
from dataclasses import replace

import pytest

from intergeneval import questions
from intergeneval.errors import BenchError, ConfigError
from intergeneval.questions.templates import FIRST_MODES, MODES, VERSIONS, embedded, parse
from intergeneval.records import BOX_COLOURS, Category, Direction, Instance, Interaction, Sample, Stage
from intergeneval.verbs import entries, patterns

COMMON = "version = 3\n[common]\n" + "".join(f'{number} = "question {number}?"\n' for number in range(1, 11))


def sample(verb="lifts", **options):
    people = ("man in a white T-shirt", "A man with a hat.", "the silver kettle")
    return Sample(
        id="s",
        prompt="",
        instances=tuple(
            Instance(id=f"id{index}", class_="man" if index < 3 else "kettle", appearance=text, colour=BOX_COLOURS[index - 1])
            for index, text in enumerate(people, start=1)
        ),
        interactions=(Interaction(subject="id1", verb=verb, object="id2", **options),),
    )


def test_each_interaction_gets_ten_questions_with_stages_and_names_of_the_protocol():
    asked = questions.questions_for(sample())
    assert [item.question_id for item in asked] == list(range(1, 11))
    assert [item.stage for item in asked] == [Stage.PRE, *[Stage.DURING] * 4, Stage.POST, *[Stage.GROUNDING] * 4]
    assert asked[6].names == ("id1",)
    assert asked[9].names == ("id2",)
    assert all(item.names == ("id1", "id2") for item in asked if item.question_id not in (6, 7, 10))
    assert asked[5].names == ("id2",), "whether it was raised is asked of the object alone"


def test_questions_name_instances_by_appearance_and_box_colour():
    asked = questions.questions_for(sample())
    assert "the man in a white T-shirt (red outline)" in asked[2].text
    assert "the man with a hat (blue outline)" in asked[2].text


def test_question_7_does_not_name_the_action():
    asked = questions.questions_for(sample("kicks"))
    assert "kick" not in asked[6].text


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.lemma)
@pytest.mark.parametrize("direction", list(Direction))
def test_every_verb_reads_as_ten_whole_questions(entry, direction):
    for item in questions.questions_for(sample(entry.lemma, direction=direction)):
        assert item.text.endswith(("?", "“nobody”.)"))
        assert item.text[0].isupper()
        assert "{" not in item.text
        assert "  " not in item.text
        named = {"id1": "(red outline)" in item.text, "id2": "(blue outline)" in item.text}
        assert {name for name, there in named.items() if there} == set(item.names)
        assert not re.search(r"\bthe (a|an|the)\b", item.text)


def test_ten_questions_of_the_benchmark_are_asked_verbatim_without_predicate():
    own = tuple(f"Own question {number}?" for number in range(1, 11))
    asked = questions.questions_for(sample(questions=own))
    assert tuple(item.text for item in asked) == own
    assert {item.predicate for item in asked} == {None}
    assert {item.template for item in asked} == {"verbatim"}


def test_nine_verbatim_questions_are_refused():
    with pytest.raises(BenchError, match="9 questions; give ten"):
        questions.questions_for(sample(questions=("Why?",) * 9))


def test_an_interaction_without_roles_names_sample_and_way_out():
    broken = Sample(id="s", prompt="", instances=(), interactions=(Interaction(subject=None, verb="", object=None),))
    with pytest.raises(BenchError, match="'s', interaction 0"):
        questions.questions_for(broken)
    stranger = replace(sample(), interactions=(Interaction(subject="id9", verb="lifts", object="id1"),))
    with pytest.raises(BenchError, match="no instance is called 'id9'"):
        questions.questions_for(stranger)


def test_an_unknown_verb_gets_general_questions_and_only_what_geometry_soundly_knows():
    asked = questions.questions_for(sample("photobombs"))
    assert {item.question_id for item in asked if item.predicate is not None} == {7}
    known_kind = questions.questions_for(sample("photobombs", category=Category.CONTACT))
    assert known_kind[2].predicate.name == "makes_contact"


def test_handing_over_needs_a_thing_that_is_tracked():
    asked = questions.questions_for(sample("throws the ball to"))
    assert asked[4].predicate.name == "thing_reaches_object"
    pair = sample("throws the ball to")
    alone = Sample(id="s", prompt="", instances=pair.instances[:2], interactions=pair.interactions)
    assert questions.questions_for(alone)[4].predicate is None


def test_a_door_opens_within_its_frame_so_its_outline_decides_nothing():
    base = sample("opens")
    door = Instance(id="id2", class_="door", appearance="green door", colour="blue")
    item = Sample(id="s", prompt="", instances=(base.instances[0], door), interactions=base.interactions)
    assert [asked.predicate for asked in questions.questions_for(item)[4:6]] == [None, None]
    assert questions.questions_for(sample("opens"))[5].predicate.name == "reshaped_at_end"


def test_the_hash_changes_with_a_word_of_a_template():
    one, other = parse(COMMON.encode(), "a"), parse(COMMON.replace("question 4", "question four").encode(), "a")
    assert questions.templates_hash(one) != questions.templates_hash(other)
    assert questions.templates_hash() == questions.templates_hash(embedded())


def test_own_templates_replace_the_words_and_carry_their_version():
    asked = questions.questions_for(sample(), parse(COMMON.encode(), "mine.toml"))
    assert asked[0].text == "question 1?"
    assert asked[0].template == "common-1/v3"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[common", "not a TOML file"),
        ("[common]\n1 = 'a'\n", "version is None"),
        ("version = 1\n[common]\n1 = 'a?'\n", "lacks question 2, 3"),
        (COMMON + '[touch]\n11 = "x"\n', "number from 1 to 10"),
        (COMMON + '[touch]\n1 = "{who}?"\n', "placeholder 'who'"),
        (COMMON + "touch = 3\n".replace("touch", "[touch]\nmutual"), "section"),
    ],
)
def test_a_damaged_template_file_is_named_with_field_and_fix(content, told):
    with pytest.raises(ConfigError, match=told):
        parse(content.encode(), "mine.toml")


def test_every_section_of_the_templates_belongs_to_a_pattern():
    known = {"common", "control", *patterns(), *(f"verbs.{entry.lemma}" for entry in entries())}
    for version in VERSIONS:
        for section in embedded(version).sections:
            base, _, mode = section.rpartition(".")
            assert section in known | {*FIRST_MODES, *MODES} or (base in known and mode in (*FIRST_MODES, *MODES)), section
