"""The noun phrases of a sentence, with what tells how somebody looks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from intergeneval.verbs.prompts.nouns import Noun
from intergeneval.verbs.prompts.stand_ins import SOME, StandIns
from intergeneval.verbs.prompts.vocabulary import BASE, PARTICIPLE, THIRD
from intergeneval.verbs.prompts.words import is_adverb

_NUMBERS = {"two": 2, "both": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_NUMBERS["dozen"] = 12
_MEASURES = frozenset(
    str.split(
        "piece slice pile stack bunch bit lump block sheet strip pinch handful drop spoonful chunk pair group crowd herd "
        "flock couple gang squad swarm mob "
        "pack trio team family lot kind type variety set"
    )
)
"""What stands before "of" without being the thing itself."""
_WHERE = frozenset(str.split("inside outside above below behind nearby around opposite across beside beneath underneath"))
"""Words that tell where somebody is without naming a place."""
_SHARES = frozenset(str.split("half most dozens hundreds thousands lots plenty tons"))
"""Words before "of" that say how many of those named after it."""
_SIDES = re.compile(r"(left|right|side|front|back|middle|center|centre|foreground|background|far left|far right)$")


class NounReader(StandIns):
    """Reads noun phrases from a sentence's words."""

    def read(
        self, index: int, *, subject: bool, plural: bool = False, modifiers: bool = True, wide: bool | None = None
    ) -> tuple[Noun, int] | None:
        """Return the noun phrase that begins at a word, and where it ends; None where none does.

        `subject`: a finite verb may follow; `plural`: it is not the first of several subjects, so that a plural verb may;
        `wide`: everything up to the verb belongs to it, which is so of a subject.
        """
        found = self._pronoun(index) or self._whole(index, subject, plural)
        if found is None or found[0].pronoun or not modifiers:
            return found
        wide = subject if wide is None else wide
        if not subject or not wide or self.single is not None:
            return self._modified(found[0], found[1], wide, finite=subject)
        group = self.known.has("groups", found[0].words[0] if found[0].words else "") or self.known.has(
            "groups", self.words.at(found[1] - 1)
        )
        self.single = None if group else found[0].count == 1 and not self.many and not plural
        told = self._modified(found[0], found[1], wide, finite=subject)
        self.single = None
        return told

    def _pronoun(self, index: int) -> tuple[Noun, int] | None:  # noqa: PLR0911  # one case a kind of word
        word, after = self.words.at(index), self.words.at(index + 1)
        known = self.known
        if known.has("reciprocal", word) and after == "'s":
            thing = self._whole(index + 2, False, False)
            if thing is not None:
                return Noun(word, (word,), pronoun=word, inner=(thing[0],)), thing[1]
        if known.has("reciprocal", word) or known.has("reflexives", word):
            return Noun(word, (word,), pronoun=word), index + 1
        if (found := self._some_of_them(index) or self._one_so(index)) is not None:
            return found
        if word in ("someone", "somebody", "everyone"):
            return Noun("person", (word,)), index + 1
        if word == "her" and self._nominal(index + 1) and not known.has("prepositions", after):
            return None
        if word in ("other", "another") or (word == "the" and after == "other"):
            at = index + (2 if word == "the" else 1)
            nxt = self.words.at(at)
            if nxt == "one" and (not self._nominal(at + 1) or self._finite(at + 1)):
                return Noun("other", (), pronoun="other"), at + 1
            if not self._nominal(at) or self._acts(at):
                return Noun("other", (), pronoun="other"), at
            return None
        if word == "one" and (not self._nominal(index + 1) or self._finite(index + 1)) and after != "of":
            return Noun("one", (), pronoun="one"), index + 1
        if known.has("subject_pronouns", word) or known.has("object_pronouns", word):
            return Noun(word, (word,), pronoun=word), index + 1
        return None

    def _determined(self, index: int) -> tuple[str, int | None, int, int] | None:
        """Return (determiner, count, others, next index) of what stands before adjectives and noun."""
        word, known = self.words.at(index), self.known
        determiner, count, others = "", None, 0
        if word == "one" and self.words.at(index + 1) == "of":
            inner = self._determined(index + 2)
            if inner is None:
                return None
            return "a", 1, (inner[1] or 2) - 1, inner[3]
        if word in _SHARES and self.words.at(index + 1) == "of":
            return self._determined(index + 2)
        while known.has("determiners", word) or known.has("possessives", word) or word.isdecimal():
            if known.has("possessives", word):
                determiner = word
            elif word in _NUMBERS or word.isdecimal():
                count = count or _NUMBERS.get(word, int(word) if word.isdecimal() else 1)
                determiner = word if determiner in ("", "a", "the") and word == "dozen" else determiner or word
            elif word not in ("all", "of"):
                determiner = word if not determiner or word in ("another",) else determiner
            index += 1
            if word in SOME and word != "one" and self.words.at(index) == "of":
                index += 1
            word = self.words.at(index)
        return determiner, count, others, index

    def _whole(self, start: int, subject: bool, plural: bool) -> tuple[Noun, int] | None:
        """Return a noun phrase without what follows its noun."""
        determined = self._determined(start)
        if determined is None:
            return None
        determiner, count, others, index = determined
        known, low = self.known, self.words.low
        first = index
        while index < len(low):
            word = low[index]
            if known.has("determiners", word) and index == first:
                break
            if (
                word == ","
                and index > first
                and known.has("adjectives", low[index - 1])
                and known.has("adjectives", self.words.at(index + 1))
            ):
                index += 1
                continue
            if (
                word == "and"
                and index > first
                and known.has("adjectives", low[index - 1])
                and known.has("adjectives", self.words.at(index + 1))
                and self._nominal(index + 2)
                and (not known.is_noun(low[index - 1]) or determiner in ("a", "an"))
            ):
                index += 1
                continue
            if (
                index == first
                and (known.has("adverbs", word) or is_adverb(word, known))
                and self._nominal(index + 1)
                and determiner
            ):
                index += 1
                continue
            if not self._nominal(index) or (index > first and self._verb_here(index, first, subject, plural, determiner, count)):
                break
            index += 1
        while index > first and low[index - 1] in (",", "and"):
            index -= 1
        if not subject and determiner and self._two_named(first, index):
            index = first + 1
        if not subject and self._outcome(index - 1, first):
            index -= 1
        if index == first:
            return None
        return self._built(start, first, index, determiner, count, others, subject, plural)

    def _built(  # noqa: PLR0913, PLR0917  # what was read of one phrase, used here alone
        self, start: int, first: int, end: int, determiner: str, count: int | None, others: int, subject: bool, plural: bool
    ) -> tuple[Noun, int] | None:
        known, words = self.known, [word for word in self.words.raw[first:end] if word != ","]
        last = self._naming(words)
        if self.words.low[start] == "both" and not known.is_plural(last):
            count = 1  # "both the teacher and the student"
        many = known.is_plural(last) and not (count == 1 and others == 0 and determiner in ("a", "an", "this", "that", "another"))
        if others or (determiner in ("a", "an", "another", "this", "that", "each", "every") and not known.is_plural(last)):
            number: int | None = 1
        elif many or (count or 1) > 1 or (subject and self._same_plural(last, determiner) and self._many_follow(end)):
            number = count
        else:
            number = 1
        words = self._as_inside(words, start, first)
        head = known.singular(last) if number == 1 or (number or 9) == 2 else last
        noun = Noun(head, tuple(words), determiner, number, others=others)
        if head == "couple" and self.words.at(end) != "of":
            noun = replace(noun, head="person", words=(*words[:-1], "person"), count=2)
        if others and known.is_plural(last):
            noun = replace(noun, words=(*words[:-1], head), head=head)
        if self.words.at(end) == "'s" or (last.endswith("s'")):
            owned = self._whole(end + 1, subject, plural)
            if owned is None:
                return None
            thing, after = owned
            return replace(thing, owner=noun, determiner="the", inner=(noun,)), after
        if known.singular(last) in _MEASURES and self.words.at(end) == "of":
            inner = self._whole(end + 1, subject, plural)
            if inner is not None:
                return self._measured(noun, inner[0], known.singular(last)), inner[1]
        return noun, end

    def _naming(self, words: Sequence[str]) -> str:
        """Return the word of a phrase that says of which class it is, in lower case: "friend" of "her friend Leo"."""
        known, last = self.known, words[-1].lower()
        called = len(words) > 1 and words[-1][:1].isupper() and not known.is_noun(last)
        return words[-2].lower() if called and known.is_person(words[-2].lower()) else last

    def _as_inside(self, words: list[str], start: int, first: int) -> list[str]:
        """Return the words of a phrase as they are written inside a sentence."""
        if self.words.low[start] in _SHARES:
            return [*self.words.low[start:first], *words]
        if first == start and self.words.low[first] == self.words.raw[first]:
            return words
        opens = first == 0 and not (len(words) == 1 and self._unlisted(words[0]))
        return [_lowered(word, position == 0 and opens) for position, word in enumerate(words)]

    def _unlisted(self, word: str) -> bool:
        """Whether a bare word with a capital that no list knows opens the sentence: a name, "Emma opens a door"."""
        known, low = self.known, word.lower()
        listed = known.is_noun(low) or known.is_living(low) or low in known.verb_forms
        listed = listed or any(known.has(name, low) for name in ("adjectives", "materials", "vehicles", "groups", "abstract"))
        return not (listed or known.is_plural(low))

    def _measured(self, noun: Noun, thing: Noun, measure: str) -> Noun:
        """Return what a measure is of: two for a pair of boys, a piece of cake for a piece of cake."""
        if measure in ("pair", "couple") and self.known.is_living(thing.head):
            return replace(thing, count=2, head=self.known.singular(thing.head), determiner=noun.determiner)
        if measure in self.known.words["groups"] or measure in ("lot", "variety", "crowd"):
            return replace(thing, count=None, words=(*noun.words, "of", *thing.words), determiner=noun.determiner)
        return replace(thing, words=(*noun.words, "of", *thing.words), determiner=noun.determiner, count=noun.count)

    def _modified(self, noun: Noun, index: int, subject: bool, *, finite: bool) -> tuple[Noun, int]:
        """Take in what follows a noun and tells how it looks; `finite`: a finite verb may follow."""
        known = self.known
        while True:
            word = self.words.at(index)
            if word == "of" or (word in ("made of", "full of")):
                inner = self._whole(index + 1, finite, False)
                if inner is None:
                    return noun, index
                inner = self._modified(inner[0], inner[1], subject, finite=finite)
                if noun.head in known.pairs["parts"] and known.is_living(inner[0].head):
                    noun = replace(noun, owner=inner[0], inner=(*noun.inner, inner[0]))
                else:
                    noun = replace(
                        noun, words=(*noun.words, "of", *self.words.raw[index + 1 : inner[1]]), inner=(*noun.inner, inner[0])
                    )
                index = inner[1]
                continue
            ahead = self._look(noun, index, subject)
            if ahead is None:
                return noun, index
            end, inner_nouns, keep = ahead
            if keep:
                noun = replace(noun, words=(*noun.words, *self.words.raw[index:end]), inner=(*noun.inner, *inner_nouns))
            else:
                noun = replace(noun, inner=(*noun.inner, *inner_nouns))
            index = end

    def _look(self, noun: Noun, index: int, subject: bool) -> tuple[int, tuple[Noun, ...], bool] | None:  # noqa: C901, PLR0911, PLR0912  # one case a kind of word
        """Return (end, nouns, whether it says how the noun looks) of one modifier; None where none follows."""
        known, word = self.known, self.words.at(index)
        at = index
        if word in ("dressed", "clad", "clothed", "wrapped") and self.words.at(index + 1) in ("in", "as"):
            at, word = index + 1, "in"
        elif word in (
            "covered",
            "filled",
            "decorated",
            "topped",
            "equipped",
            "armed",
            "loaded",
            "lined",
            "adorned",
        ) and self.words.at(index + 1) in ("in", "with"):
            inner = self.read(index + 2, subject=subject, modifiers=False)
            return None if inner is None else (inner[1], (inner[0],), True)
        elif word == "wearing" or (word in ("with",) and self.words.at(index + 1) == ""):
            inner = self.read(index + 1, subject=subject)
            return None if inner is None else (self._more_clothes(inner[1], subject), (inner[0],), True)
        if (
            word in ("on", "in", "at", *(("to",) if subject else ()))
            and self.words.at(index + 1) == "the"
            and not self._on_body(noun, index, subject)
        ):
            found = self._whole(index + 2, subject, False)
            if found is not None and _SIDES.search(found[0].text.lower()) and self.words.at(found[1]) not in ("of",):
                return found[1], (), True
        if subject and word in _WHERE and self._theirs_follows(index + 1):
            return index + 1, (), True
        if word not in ("in", "with", "without") and not (subject and known.has("prepositions", word)):
            return None
        if known.has("prepositions", word) and word in (
            "like",
            "back",
            "open",
            "shut",
            "together",
            "apart",
            "away",
            "out",
            "up",
            "down",
            "off",
            "by",
        ):
            return None
        inner = self.read(at + 1, subject=subject, modifiers=word == "with" or subject)
        if inner is None:
            return None
        thing, end = inner
        last = known.singular(thing.head)
        if (
            word == "in"
            and not subject
            and thing.head in known.pairs["parts"]
            and not (thing.determiner == "" and len(thing.words) > 1)
        ):
            return None  # "punches a man in the face"
        worn = any(item in known.words[name] for item in (thing.head, last) for name in ("clothing", "features"))
        if word == "in" and worn and (subject or known.is_living(noun.head)):
            return self._more_clothes(end, subject), (thing,), True
        if word in ("with", "without"):
            if not subject and thing.head in known.pairs["parts"] and thing.determiner in ("his", "her", "its", "their"):
                return None
            if subject or (worn and not (thing.head in known.words["tools"] or last in known.words["tools"])):
                end = self._held_so(thing, end) if subject else end
                keep = thing.head not in known.pairs["parts"] or worn or len(thing.words) > 1
                return self._more_clothes(end, subject), (thing,), keep
            return None
        if subject:
            return end, (thing,), False
        return None

    def _held_so(self, noun: Noun, index: int) -> int:
        """Return where "with his arms crossed" beside the one who acts ends, whose last word is not what is done."""
        known, word = self.known, self.words.at(index)
        kinds = known.verb_forms.get(word, {})
        own = known.has("possessives", noun.determiner) or not noun.determiner
        held = (PARTICIPLE in kinds and THIRD not in kinds and BASE not in kinds) or known.has("adjectives", word)
        after = self.words.at(index + 1)
        finite = THIRD in known.verb_forms.get(after, {}) or any(
            known.has(name, after) for name in ("prepositions", "auxiliaries")
        )
        if own and noun.head in known.pairs["parts"] and held and finite:
            return index + 1
        return index

    def _theirs_follows(self, index: int) -> bool:
        """Whether the verb of the one who is told of stands at a word: "an office worker inside waves at him"."""
        word, kinds = self.words.at(index), self.known.verb_forms.get(self.words.at(index), {})
        if self.known.has("auxiliaries", word):
            return True
        if self.single is None and THIRD in kinds:
            return True
        if not self.single:
            return BASE in kinds and (self._opens(index + 1) or not self.known.is_noun(word))
        return THIRD in kinds and (self._opens(index + 1) or not self.known.is_noun(word))

    def _on_body(self, noun: Noun, index: int, subject: bool) -> bool:
        """Whether "on the back" after somebody names the body rather than a place in the picture."""
        after = self.words.at(index + 2)
        return (
            not subject and self.words.at(index) in ("on", "in") and after in ("back", "side") and self.known.is_living(noun.head)
        )

    def _more_clothes(self, index: int, subject: bool) -> int:
        """Return where "and a hat" after a piece of clothing ends."""
        known = self.known
        while self.words.at(index) in ("and", ","):
            at = index + 1 + (self.words.at(index) == "," and self.words.at(index + 1) == "and")
            inner = self.read(at, subject=subject, modifiers=False)
            if inner is None or not any(
                item in known.words[name]
                for item in (inner[0].head, known.singular(inner[0].head))
                for name in ("clothing", "features")
            ):
                return index
            index = inner[1]
        return index


def _lowered(word: str, opens: bool) -> str:
    """Return a sentence's first word as it is written inside one; names and abbreviations stay."""
    return word.lower() if opens and not word.isupper() and not any(letter.isupper() for letter in word[1:]) else word
