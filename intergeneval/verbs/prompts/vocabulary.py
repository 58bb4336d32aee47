"""The words a reader of prompts knows: what each may be in a sentence, and which verb it is a form of."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Set
from dataclasses import dataclass
from importlib import resources

from intergeneval import verbs
from intergeneval.verbs import forms

BASE, THIRD, ING, PAST, PARTICIPLE = "base", "third", "ing", "past", "participle"
PERCEIVED = frozenset({"watch", "observe", "see", "help", "let", "make", "film", "photograph", "record", "hear", "look at"})
"""Verbs after whose object a second verb tells what the object does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Lists of words; an entry of several words has spaces."""

    words: Mapping[str, frozenset[str]]
    """List -> its words."""
    pairs: Mapping[str, Mapping[str, str]]
    """List of ``a=b`` -> its pairs."""
    verb_forms: Mapping[str, Mapping[str, str]]
    """Written form -> kind of form -> the verb's base."""
    joined: Mapping[str, tuple[tuple[str, ...], ...]]
    """First word -> entries of several words that are read as one, longest first."""

    def has(self, name: str, word: str) -> bool:
        """Whether a list holds a word."""
        return word in self.words[name]

    def form(self, word: str, kind: str) -> str | None:
        """Return the base of which a word is that form, None where it is none."""
        return self.verb_forms.get(word, {}).get(kind)

    def singular(self, word: str) -> str:
        """Return the singular of a noun's last word; the noun itself where it is none of many."""
        head, space, last = word.rpartition(" ")
        return head + space + self._singular(last)

    def _singular(self, word: str) -> str:
        if word in self.pairs["irregular_plurals"]:
            return self.pairs["irregular_plurals"][word]
        if not self.is_plural(word):
            return word
        if word.endswith("ies") and len(word) > 4:
            return word[:-3] + "y"
        if word.endswith(("sses", "xes", "zzes", "ches", "shes")) or word in ("potatoes", "tomatoes", "heroes"):
            return word[:-2]
        return word[:-1]

    def is_plural(self, word: str) -> bool:
        """Whether a noun names several."""
        word = word.rpartition(" ")[2]
        if (one := self.pairs["irregular_plurals"].get(word)) is not None:
            return one != word
        if word.endswith("as"):
            return len(word) > 4 and word not in _ONE_IN_AS
        return word.endswith("s") and not word.endswith(("ss", "us", "is", "'s")) and len(word) > 3

    def is_living(self, noun: str) -> bool:
        """Whether a class noun names a person or an animal."""
        one = self.singular(noun)
        last = one.rpartition(" ")[2]
        if self.has("lifeless", one) or "toy" in one.split() or "stuffed" in one.split() or "teddy" in one.split():
            return False
        return self.is_person(noun) or any(word in self.words["animals"] for word in (noun, one, last))

    def is_person(self, noun: str) -> bool:
        """Whether a class noun names a person."""
        one = self.singular(noun)
        last = one.rpartition(" ")[2]
        if self.has("lifeless", one):
            return False
        return any(word in self.words["people"] for word in (noun, one, last)) or (
            last.endswith(_PERSON) and len(last) > 5 and not self.is_noun(last)
        )

    def is_noun(self, word: str) -> bool:
        """Whether one of the lists of nouns holds a word, in singular or plural."""
        one = self.singular(word)
        return any(item in self.words[name] for item in (word, one) for name in _NOUNS) or word in self.pairs["parts"]


_PERSON = ("maid", "man", "woman", "ologist", "ician", "person", "keeper")
"""Endings of words for people."""
_ONE_IN_AS = frozenset(
    str.split(
        "canvas atlas christmas bias texas kansas vegas overseas whereas thomas lucas nicolas nicholas dallas elias jonas "
        "andreas matthias silas tobias pancreas ananas madras arkansas"
    )
)
"""Words in -as that name one, unlike "pandas"."""
_NOUNS = ("people", "animals", "clothing", "features", "tools", "substances", "places", "compounds", "lifeless")
_PAIRS = {"irregular_plurals", "light", "parts"}


@functools.cache
def vocabulary() -> Vocabulary:
    """Return the words of ``vocabulary.toml`` and of the verb lexicon, read once."""
    text = resources.files("intergeneval.verbs.prompts").joinpath("vocabulary.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    lists: dict[str, frozenset[str]] = {}
    pairs: dict[str, dict[str, str]] = {}
    for part in ("closed", "verbs", "nouns"):
        for name, content in data[part].items():
            entries = [item.replace("_", " ") for item in content.split()]
            if name in _PAIRS:
                pairs[name] = dict(item.split("=", 1) for item in entries)
            elif name != "irregular":
                lists[name] = frozenset(entries)
    irregular = {}
    for item in data["verbs"]["irregular"].split():
        base, _, both = item.partition("=")
        past, _, participle = both.partition(",")
        irregular[base] = (past, participle)
    irregular |= _lexicon_irregular()
    lemmas = {entry.lemma for entry in verbs.entries()}
    lists["lexicon"] = frozenset(lemmas)
    heads = {entry.split()[0] for name in _VERBS for entry in lists[name]} | {lemma.split()[0] for lemma in lemmas}
    known = _verb_forms(heads - {"-"}, irregular)
    whole = [entry for name in _JOINED for entry in lists[name] if " " in entry]
    joined: dict[str, list[tuple[str, ...]]] = {}
    for entry in {*whole, *(_plural(entry) for name in _NOUNS for entry in lists[name] if " " in entry)}:
        joined.setdefault(entry.split()[0], []).append(tuple(entry.split()))
    return Vocabulary(
        words=lists,
        pairs=pairs,
        verb_forms=known,
        joined={first: tuple(sorted(items, key=len, reverse=True)) for first, items in joined.items()},
    )


_VERBS = (
    "transitive",
    "intransitive",
    "states",
    "vague",
    "phrasal",
    "targeted",
    "together",
    "giving",
    "pouring",
    "placing",
    "moving",
)
_JOINED = ("prepositions", "reciprocal", *_NOUNS)


def _plural(noun: str) -> str:
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


def _lexicon_irregular() -> Mapping[str, tuple[str, str]]:
    text = resources.files("intergeneval.verbs").joinpath("lexicon.toml").read_text(encoding="utf-8")
    return {base: (past, participle) for base, (past, participle) in tomllib.loads(text)["irregular"].items()}


def _verb_forms(bases: Set[str], irregular: Mapping[str, tuple[str, str]]) -> dict[str, dict[str, str]]:
    known: dict[str, dict[str, str]] = {}

    def add(word: str, kind: str, base: str) -> None:
        # Of two verbs with one form ("lay", "found") the one whose base it is not comes second.
        known.setdefault(word, {}).setdefault(kind, base)

    for base in sorted(bases - {"be"}):
        # The forms of "be" are auxiliaries; "bed" is none of them.
        made = forms.forms_of(base, irregular)
        add(base, BASE, base)
        add(made.third, THIRD, base)
        add(made.progressive, ING, base)
        add(made.past, PAST, base)
        add(made.participle, PARTICIPLE, base)
        if made.past.endswith("ed"):
            add(made.past, PARTICIPLE, base)  # "shorn" and "sheared"
        if base.endswith("o"):
            add(base + "s", THIRD, base)
        if base[-1] in "bdglmnprtkp" and base[-2:-1] in "aeiou" and len(base) > 3 and base not in irregular:
            # "unzipping", "travelled": doubled in words of more than one syllable too.
            for word, kind in (
                (base + base[-1] + "ing", ING),
                (base + base[-1] + "ed", PAST),
                (base + base[-1] + "ed", PARTICIPLE),
            ):
                add(word, kind, base)
        if base in irregular and not irregular[base][0].endswith("ed"):
            add(
                base + base[-1] + "ing" if len(base) > 3 and base[-1] in "tnp" and base[-2] in "aeiou" else made.progressive,
                ING,
                base,
            )
    return known
