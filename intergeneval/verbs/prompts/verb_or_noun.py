"""Where a noun phrase ends: whether a word is its noun, or the verb of those it names."""

from __future__ import annotations

from collections.abc import Mapping

from intergeneval.verbs.prompts.vocabulary import BASE, ING, PARTICIPLE, PAST, THIRD, Vocabulary
from intergeneval.verbs.prompts.words import Words, is_adverb

_ONE_ONLY = frozenset({"a", "an", "this", "that", "another", "each", "every", "one"})
"""Determiners of one alone."""


class NounEnds:
    """Where a noun phrase ends: whether a word is its noun or already the verb of those it names."""

    def __init__(self, words: Words, known: Vocabulary) -> None:
        self.words = words
        self.known = known
        self.many = False
        """Whether one of several who act was read before, so that a plural verb may follow what is read next."""
        self.telling = False
        """Whether the objects of a verb that only describes the one who acts are read."""
        self.single: bool | None = None
        """Whether the one whose verb is still to come is one: within what is told of them, a noun's own number says nothing of
        the verb. None where it is not known."""

    def _opens(self, index: int) -> bool:
        """Whether a word begins what follows a verb."""
        word, known = self.words.at(index), self.known
        return not word or any(
            known.has(name, word) for name in ("determiners", "possessives", "prepositions", "object_pronouns", "reciprocal")
        )

    def _nominal(self, index: int) -> bool:
        """Whether a word may stand inside a noun phrase, before or as its noun."""
        word, known = self.words.at(index), self.known
        if not word or word in (",", "'s", "how", "why", "whether", "what") or not word[0].isalnum():
            return False
        if word in ("back", "inside", "outside", "front") and index and self._inside_phrase(index - 1):
            return True
        if word == "can" and index and not known.verb_forms.get(self.words.at(index + 1)) and self.words.at(index + 1) != "be":
            return True
        closed = ("prepositions", "conjunctions", "relatives", "auxiliaries", "helpers", "negations", "reciprocal", "reflexives")
        if any(known.has(name, word) for name in closed) or known.has("subordinators", word):
            return False
        if known.has("subject_pronouns", word) or known.has("object_pronouns", word) or known.has("determiners", word):
            return False
        return not (known.has("adverbs", word) or is_adverb(word, known)) or known.has("adjectives", word)

    def _inside_phrase(self, index: int) -> bool:
        """Whether a word is a determiner, or an adjective behind one: "its back", "a silver back"."""
        known = self.known
        while known.has("adjectives", self.words.at(index)) and not known.has("determiners", self.words.at(index)):
            index -= 1
        word = self.words.at(index)
        return word in ("the", "a", "an", "'s") or known.has("possessives", word)

    def _finite(self, index: int) -> bool:
        kinds = self.known.verb_forms.get(self.words.at(index), {})
        return THIRD in kinds or PAST in kinds

    def _acts(self, index: int) -> bool:
        """Whether a word after "another" is the verb of that one, not its noun: "another kicks", but "another frame"."""
        known, word, after = self.known, self.words.at(index), self.words.at(index + 1)
        kinds = known.verb_forms.get(word, {})
        if THIRD in kinds and any(known.has(name, after) for name in ("determiners", "possessives", "object_pronouns")):
            return True  # "the other watches it"
        past = BASE not in kinds and (PAST in kinds or PARTICIPLE in kinds)
        return not known.is_noun(word) and (THIRD in kinds or ING in kinds or past)

    def _verb_here(self, index: int, first: int, subject: bool, plural: bool, determiner: str, count: int | None) -> bool:  # noqa: C901, PLR0911, PLR0912  # one case a kind of word
        """Whether the word at `index`, with words of the phrase before it, is a verb rather than its noun."""
        known, low = self.known, self.words.low
        word, before = low[index], low[index - 1]
        kinds = known.verb_forms.get(word, {})
        things = ("tools", "substances", "compounds")
        headed = not known.has("adjectives", before) or known.is_living(before) or any(known.has(name, before) for name in things)
        headed = headed or (not determiner and index == first + 1 and known.has("clothing", before))  # "a boy in green pokes"
        headed = headed or (known.has("materials", before) and THIRD in kinds and not known.is_noun(word))  # "a glass falls"
        if ING in kinds and determiner and self._compound(index):
            return False  # "a fire breathing dragon"
        if ING in kinds and index == first + 1 and determiner and _only_participle(known.verb_forms.get(before, {})):
            return False  # "a stolen painting"
        headed = headed or (PARTICIPLE in kinds and BASE not in kinds and self.words.at(index + 1) == "by")  # "a glass held by"
        if not kinds:
            return subject and headed and self._looks_finite(index, determiner)
        if not headed or (determiner in ("a", "an") and known.has("substances", before) and kinds.keys() <= {BASE}):
            return False  # "two hands shaping a clay bowl"
        after = self.words.at(index + 1)
        opens = not after or after == "," or not self._nominal(index + 1)
        if ING in kinds:
            return not known.is_noun(word) or opens
        if subject and not determiner and self._needs_object(index, kinds):
            return False  # "eating potato chips on a couch"
        if self.single is not None and subject and THIRD in kinds:
            theirs = THIRD in known.verb_forms.get(after, {}) and known.is_plural(word) and known.is_noun(word)
            if theirs or ((count or 1) > 1 and not known.is_plural(before)):
                return False  # "with wild curls plays", "with three rings"
            return self.single and not (known.is_noun(word) and self._finite_later(index + 1))  # "with big hands plays"
        if PARTICIPLE in kinds and BASE not in kinds:
            return subject or after in ("by", "in", "with", "on", "to", "from", "of", "at", "around", "over") or opens
        if not subject:
            return False
        if self._same_plural(before, determiner) and BASE in kinds and THIRD not in kinds and after and self._opens(index + 1):
            return True  # "mounted samurai chase a train"
        many = (
            plural
            or self.many
            or self.single is False
            or (count or 1) > 1
            or known.is_plural(before)
            or (known.has("groups", before) and _opens_group(self.words, index, known))
        )
        if THIRD in kinds and not determiner and _in_ing(after, known) and known.is_plural(word):
            following = self.words.at(index + 2)
            if not following or following == "," or not self._nominal(index + 2):
                return False  # "neon signs glowing in the rain": a noun, of which the word in -ing tells
        one = bool(determiner) and (count or 1) == 1 and known.is_living(before) and not known.is_plural(before)
        if THIRD in kinds and determiner in ("a", "an") and known.is_living(before) and known.is_plural(word):
            return True  # "a seal claps": no plural stands after "a"
        if THIRD in kinds and not after and not known.has("intransitive", kinds[THIRD]) and known.is_plural(word) and not one:
            return False  # "stacking toy blocks": a verb that needs an object has none
        many_may = THIRD in kinds and known.is_plural(word) and not (determiner in ("a", "an") and known.is_living(before))
        many_may = many_may and kinds[THIRD] != "get"
        if many_may and BASE in known.verb_forms.get(after, {}) and not known.is_noun(after):
            following = self.words.at(index + 2)
            if (not following or known.has("prepositions", following)) and not known.has("prepositions", after):
                return False  # "the ocean waves crash on the shore"
        if THIRD in kinds and opens and self.words.at(first - 1) == "of" and known.has("groups", self.words.at(first - 2)):
            return True  # "a flock of birds flies over"
        if THIRD in kinds:
            return not (many and known.is_noun(word)) and (not known.is_noun(word) or opens or known.is_noun(before))
        if PAST in kinds and not many:
            return word not in ("found", "saw", "felt", "left", "lit", "cast", "set") or opens
        return many and (opens or known.has("adjectives", after) or not known.is_noun(word) or BASE in kinds)

    def _needs_object(self, index: int, kinds: Mapping[str, str]) -> bool:
        """Whether what looks like a verb of one within what is told of somebody needs an object and has none: then a plural."""
        known, word, after, base = self.known, self.words.at(index), self.words.at(index + 1), kinds.get(THIRD, "")
        if not self.telling or not known.is_plural(word) or known.is_living(self.words.at(index - 1)):
            return False
        following = known.verb_forms.get(after, {})
        if THIRD in following and not known.is_noun(after) and known.is_plural(word):
            return True  # "carrying bread rolls trips over a cat"
        if not known.has("transitive", base) or known.has("intransitive", base):
            return False
        phrase = f"{base} {after}"
        held = known.has("targeted", phrase) or phrase in known.words["lexicon"] or known.has("phrasal", phrase)
        return not held and (after in ("", ",") or known.has("prepositions", after) or known.has("conjunctions", after))

    def _same_plural(self, word: str, determiner: str) -> bool:
        """Whether a noun whose plural is like its singular may name several: "sheep", "the samurai"."""
        return self.known.pairs["irregular_plurals"].get(word) == word and determiner not in _ONE_ONLY

    def _many_follow(self, index: int) -> bool:
        """Whether a verb of several stands at a word."""
        while self.known.has("adverbs", self.words.at(index)) or is_adverb(self.words.at(index), self.known):
            index += 1
        kinds = self.known.verb_forms.get(self.words.at(index), {})
        return self.words.at(index) in ("are", "were", "have") or (
            BASE in kinds and THIRD not in kinds and self._opens(index + 1)
        )

    def _finite_later(self, index: int) -> bool:
        """Whether the clause goes on to a verb of one, so that a plural before it is a noun: "with tennis shoes kicks"."""
        known = self.known
        while (word := self.words.at(index)) and word != "," and not known.has("conjunctions", word):
            if known.has("relatives", word) or known.has("subordinators", word):
                return False
            named = known.has("determiners", self.words.at(index - 1)) or known.has("adjectives", self.words.at(index - 1))
            if known.has("auxiliaries", word) or (
                not named and THIRD in known.verb_forms.get(word, {}) and not known.is_noun(word)
            ):
                return True
            index += 1
        return False

    def _compound(self, index: int) -> bool:
        """Whether noun and word in -ing only describe who is named next, whose verb follows."""
        known = self.known
        kinds = known.verb_forms.get(self.words.at(index + 2), {})
        return (
            not known.is_living(self.words.at(index - 1))
            and known.is_living(self.words.at(index + 1))
            and (THIRD in kinds or known.has("auxiliaries", self.words.at(index + 2)))
        )

    def _looks_finite(self, index: int, determiner: str = "") -> bool:
        """Whether a word that no list knows stands as a verb of one subject does.

        It ends in s or ed, and an object follows it, or "a" before its subject says that it is no plural.
        """
        known, word, after = self.known, self.words.at(index), self.words.at(index + 1)
        if len(word) < 4 or any(
            known.has(name, word) for name in ("subordinators", "prepositions", "determiners", "auxiliaries")
        ):
            return False
        one = determiner in ("a", "an") and word.endswith("s")
        if not word.endswith(("s", "ed")) or word.endswith(("ss", "us", "is")) or not word.isalpha():
            return False
        if known.is_noun(word) and not one:
            return False
        opens = any(known.has(name, after) for name in ("determiners", "possessives", "object_pronouns"))
        if self.words.at(index - 1) == "," and _in_ing(after, known):
            return False  # ", sunbeams piercing the surface"
        following = known.verb_forms.get(after, {})
        return opens or (determiner in ("a", "an", "another", "one") and word.endswith("s") and THIRD not in following)

    def _outcome(self, index: int, first: int) -> bool:
        """Whether the last word of a phrase tells what becomes of it: "paints the dog green", "licks the bowl clean"."""
        known, word, before = self.known, self.words.at(index), self.words.at(index - 1)
        if index <= first or not known.has("adjectives", word) or known.has("materials", word):
            return False
        if self.words.at(index + 1) == "of":
            return False
        named = known.is_living(before) or not known.has("adjectives", before)
        return named and before != "egg" and (not self._nominal(index + 1) or known.has("adverbs", self.words.at(index + 1)))

    def _two_named(self, first: int, end: int) -> bool:
        """Whether a plural of living beings is followed by what they are given: "gives the children apples"."""
        known, low = self.known, self.words.low
        if end - first != 2 or not (known.is_living(low[first]) and known.is_plural(low[first])):
            return False
        return known.is_plural(low[first + 1]) and not known.is_living(low[first + 1])


def _in_ing(word: str, known: Vocabulary) -> bool:
    return ING in known.verb_forms.get(word, {}) or (word.endswith("ing") and len(word) > 5 and not known.is_noun(word))


def _only_participle(kinds: Mapping[str, str]) -> bool:
    return PARTICIPLE in kinds and BASE not in kinds and THIRD not in kinds


def _opens_group(words: Words, index: int, known: Vocabulary) -> bool:
    """Whether a word after "couple", "pair" or "family" is the verb of many: "an old couple feed ducks"."""
    word, after = words.at(index), words.at(index + 1)
    return BASE in known.verb_forms.get(word, {}) and (
        not known.is_noun(word)
        or any(known.has(name, after) for name in ("determiners", "prepositions", "reciprocal", "object_pronouns"))
    )
