"""Where a prompt names the roles of a benchmark's interactions."""

import pytest

from intergeneval import bench
from intergeneval.records import Instance, Interaction, Sample
from matrix_train.phrases import spans_of


def found(prompt, verb="lifts", appearances=("man in a red hat with boots", "heavy wooden box"), classes=("man", "box")):
    instances = tuple(
        Instance(id=f"id{index}", class_=class_, appearance=appearance, colour=("red", "blue")[index])
        for index, (class_, appearance) in enumerate(zip(classes, appearances, strict=True))
    )
    interaction = Interaction(subject="id0", verb=verb, object="id1")
    sample = Sample(id="s", prompt=prompt, instances=instances, interactions=(interaction,))
    return {role: [prompt[first:last] for first, last in spans] for role, spans in spans_of(sample, interaction).items()}


def test_a_noun_takes_its_modifiers_where_the_prompt_words_it_otherwise():
    roles = found("A tall man in a red hat is slowly lifting the old heavy box, and the box wobbles.")
    assert roles == {"sub": ["tall man in a red hat"], "verb": ["lifting"], "obj": ["old heavy box"]}


def test_a_verb_takes_its_auxiliaries_and_particles():
    assert found("The man is lifting the box.")["verb"] == ["is lifting"]
    assert found("The man picks the box up.", verb="picks ... up")["verb"] == ["picks", "up"]
    assert found("The man has pushed over the box.", verb="pushes over")["verb"] == ["has pushed over"]


def test_of_two_men_the_subject_is_the_first_and_the_object_the_one_behind_the_verb():
    prompt = "The man lifts the man."
    instances = tuple(
        Instance(id=name, class_="man", appearance="man", colour=colour) for name, colour in (("a", "red"), ("b", "blue"))
    )
    interaction = Interaction(subject="a", verb="lifts", object="b")
    spans = spans_of(Sample(id="s", prompt=prompt, instances=instances, interactions=(interaction,)), interaction)
    assert spans["sub"] == ((4, 7),)
    assert spans["obj"] == ((18, 21),)


def test_what_the_prompt_does_not_name_has_no_words():
    assert found("Somebody moves.") == {"sub": [], "verb": [], "obj": []}


@pytest.mark.parametrize("name", ["staged", "clips"])
def test_every_subject_and_object_of_the_project_s_own_benchmarks_is_found(name):
    for sample in bench.load(name).samples:
        for interaction in sample.interactions:
            spans = spans_of(sample, interaction)
            assert spans["sub"], sample.prompt
            assert spans["obj"], sample.prompt
            assert spans["verb"] or name == "clips", sample.prompt
