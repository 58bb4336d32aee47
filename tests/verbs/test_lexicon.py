"""The verb lexicon: prompts bend verbs, the lexicon finds them, and questions bend them back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intergeneval import verbs
from intergeneval.records import Category, Direction

SEEN_IN_PROMPTS = {
    "lifts": "lift",
    "is lifting": "lift",
    "lifted up": "lift up",
    "pours coffee into": "pour into",
    "picks up": "pick up",
    "picks the ball up": "pick up",
    "kicks": "kick",
    "is chasing": "chase",
    "quickly runs after": "run after",
    "throws": "throw",
    "throws the ball to": "throw to",
    "points at": "point at",
    "waves to": "wave to",
    "shakes hands with": "shake hands with",
    "high-fives": "high-five",
    "looks up at": "look at",
    "carried": "carry",
    "begins to push": "push",
    "sits down on": "sit on",
    "lies on": "lie on",
    "lifts and carries": "lift",
    "puts down": "put down",
}


@pytest.mark.parametrize(("words", "lemma"), SEEN_IN_PROMPTS.items())
def test_a_verb_is_found_however_the_prompt_bends_it(words, lemma):
    entry = verbs.look_up(words)
    assert entry is not None
    assert entry.lemma == lemma


@pytest.mark.parametrize("words", ["photobombs", "", "zzz", "a red ball", "the"])
def test_an_unknown_verb_is_none_and_no_error(words):
    assert verbs.look_up(words) is None


def test_a_passive_is_not_taken_for_its_active_verb():
    assert verbs.look_up("is lifted by") is None
    assert verbs.phrase("is lifted by").progressive == "being lifted by"


@pytest.mark.parametrize("entry", verbs.entries(), ids=lambda entry: entry.lemma)
def test_every_entry_is_found_again_in_each_of_its_forms(entry):
    bent = verbs.phrase(entry.lemma)
    assert bent.base == entry.lemma
    for words in (bent.base, bent.third, bent.progressive):
        assert verbs.look_up(words) == entry


@pytest.mark.parametrize(
    ("words", "third", "progressive"),
    [
        ("carry", "carries", "carrying"),
        ("is chasing", "chases", "chasing"),
        ("pats", "pats", "patting"),
        ("ties", "ties", "tying"),
        ("pours coffee into", "pours coffee into", "pouring coffee into"),
        ("lifts and carries", "lifts and carries", "lifting and carrying"),
        ("pushed", "pushes", "pushing"),
        ("photobombs", "photobombs", "photobombing"),
        ("snuggling", "snuggles", "snuggling"),
        ("gently pats", "gently pats", "gently patting"),
        ("is hugging", "hugs", "hugging"),
        ("opens", "opens", "opening"),
        ("fixes", "fixes", "fixing"),
    ],
)
def test_a_phrase_is_bent_into_the_forms_questions_need(words, third, progressive):
    bent = verbs.phrase(words)
    assert (bent.third, bent.progressive) == (third, progressive)


def test_the_lexicon_covers_every_category_both_directions_and_non_contact_verbs():
    found = verbs.entries()
    assert len(found) >= 80
    assert {entry.category for entry in found} == set(Category)
    assert {entry.direction for entry in found} == set(Direction)
    without = {entry.lemma for entry in found if not entry.contact}
    assert {"point at", "wave to", "chase", "look at", "talk to", "throw to"} <= without


def test_only_physical_categories_give_an_unknown_verb_a_pattern():
    assert verbs.by_category(Category.CONTACT).contact
    assert verbs.by_category(Category.SOCIAL) is None
    assert verbs.by_category(None) is None


@given(st.text(max_size=40))
def test_any_text_can_be_looked_up_and_bent(words):
    verbs.look_up(words)
    assert isinstance(verbs.phrase(words).progressive, str)
