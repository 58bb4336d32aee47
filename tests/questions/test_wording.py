"""The words of version 3: what they call for, held against the truth of staged videos and against their own rules."""

import re
from pathlib import Path

import pytest

from intergeneval.errors import ConfigError
from intergeneval.questions import embedded, instance_name, parse, questions_for
from intergeneval.records import AnswerValue, Direction
from intergeneval.staged import Request, scenes
from intergeneval.staged.perform import Performance
from intergeneval.verbs import look_up_whole, patterns
from tests.questions.readings import OTHERWISE, SECTIONS, SITUATIONS, page, reading, texts
from tests.questions.test_templates import COMMON

PLAYED = {
    "done": "perfect",
    "not done": "stops-short",
    "roles swapped": "roles-swapped",
    "bystander did it": "wrong-agent",
    "nothing moves": "no-action",
    "other target": "wrong-recipient",
}
"""Situation -> the staged policy that plays it."""


def section_of(interaction):
    """The section of the readings that a staged interaction is asked by."""
    entry = look_up_whole(interaction.verb)
    if f"verbs.{entry.lemma}" in SECTIONS:
        return f"verbs.{entry.lemma}"
    return entry.pattern.name + (".mutual" if interaction.direction is Direction.BIDIRECTIONAL else "")


@pytest.mark.parametrize("situation", PLAYED)
def test_what_the_words_call_for_is_the_truth_of_every_staged_verb(situation):
    wrong, verbs = [], set()
    for scene in scenes(2, 144):
        played = Performance(scene, Request(policy=PLAYED[situation]))
        if situation != "done" and not played.plan.dial.faults:
            continue
        interaction = scene.sample().interactions[played.plan.dial.act or 0]
        true = {
            item.question_id: item.value for item in played.verdict().event if item.interaction == (played.plan.dial.act or 0)
        }
        told = "".join("y" if true[number] is AnswerValue.YES else "n" for number in range(1, 11))
        verbs.add(interaction.verb)
        if told != reading(section_of(interaction))[situation]:
            wrong.append((scene.id, interaction.verb, told, reading(section_of(interaction))[situation]))
    assert wrong == []
    assert len(verbs) >= (5 if situation == "roles swapped" else 10)


def test_every_pattern_is_read_in_every_situation_that_can_be_for_it():
    assert set(patterns()) <= set(SECTIONS)
    assert set(OTHERWISE) <= set(SECTIONS)
    for section in SECTIONS:
        assert set(SITUATIONS) - set(reading(section)) == (set() if section.endswith(".mutual") else {"one-sided"})
        assert all(re.fullmatch("[yn-]{10}", letters) for letters in reading(section).values())
        assert len(texts(section)) == 10


def test_the_page_of_the_docs_shows_the_templates_and_readings_as_they_are():
    assert Path("docs/wording.md").read_text(encoding="utf-8") == page() + "\n"


def test_no_pronoun_stands_for_an_instance():
    for section, asked in embedded(3).sections.items():
        for number, text in asked.items():
            assert not re.search(r"\b(it|its|itself|he|she|him|her|they|them|their)\b", text, re.IGNORECASE), (section, number)


@pytest.mark.parametrize(
    ("never", "why"),
    [
        (r"\bnot yet\b", "a bare no may mean yes"),
        (r"\bstill in view after\b|\bonce there\b", "takes for granted that it was done"),
        (r"\bcomes? to touch\b|\bcome into contact\b", "takes for granted that they were apart"),
        (r"\bnot by (walking|climbing)\b", "there are other ways to move by oneself"),
    ],
)
def test_no_question_says_what_a_critical_reader_found_wanting(never, why):
    assert [
        where for where, asked in embedded(3).sections.items() if any(re.search(never, text) for text in asked.values())
    ] == [], why


def test_the_words_without_names_are_fewer_than_before():
    def letters(version):
        found = 0
        for sample in (scene.sample() for scene in scenes(1, 24)):
            names = [instance_name(item, version) for item in sample.instances]
            for item in questions_for(sample, embedded(version)):
                found += len(item.text) - sum(item.text.count(name) * len(name) for name in names)
        return found

    assert letters(3) < 0.95 * letters(2)


def test_a_verb_is_asked_in_the_words_of_another():
    made = embedded(3)
    assert made.text("manipulate", 3, verb="slice") == ("verbs.slice", made.text("manipulate", 3, verb="cut")[1])
    with pytest.raises(ConfigError, match=r"\[verbs.slice\] as = 'cut'"):
        parse((COMMON + '[verbs.slice]\nas = "cut"\n').encode(), "mine.toml")
