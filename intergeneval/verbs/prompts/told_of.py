"""What is told of those who are named: relative clauses, participles, and asides behind a noun."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from intergeneval.verbs.prompts.ahead import ORDERED, WITNESSED, Ahead
from intergeneval.verbs.prompts.deeds import Deed
from intergeneval.verbs.prompts.nouns import Noun
from intergeneval.verbs.prompts.vocabulary import BASE, ING, PARTICIPLE, PAST, PERCEIVED, THIRD

_LEFT_SO = frozenset({"send", "leave", "keep", "set", "get", "have"})
"""Verbs after whose object a word in -ing tells how it ends: "sends snow flying"."""
_BUSY_WITH = frozenset(
    str.split(
        "hold carry ride eat drink chew read drive push pull sell play feed walk fly paint drag lift wash clean build dig "
        "juggle chase"
    )
)
"""Verbs that tell with what the one they follow is busy, where they stand behind an object."""
_SHOWING = frozenset(str.split("photo picture photograph video selfie portrait painting drawing sketch image snapshot"))
"""What shows the one of whom "that" tells: "a photo of a bear that is eating berries"."""


class ToldOf(Ahead, ABC):
    """Reads what a sentence tells of a noun in passing."""

    @abstractmethod
    def _verb_phrase(self, index: int, subjects: tuple[Noun, ...], *, alone: bool = False) -> tuple[int, tuple[Noun, ...]]:
        """Read a verb with what belongs to it, and add it to the deeds; return where it ends, and who acts."""

    def _described(self, nouns: tuple[Noun, ...], end: int) -> int:
        """Read participles and relative clauses after those who act; return where the verb itself is to stand."""
        known = self.known
        while True:
            at = end + (self.words.at(end) == ",")
            word = self.words.at(at)
            if (whom := self._told_of(nouns, at)) is not None:
                end = whom
                continue
            if known.has("relatives", word) and (self._auxiliary(at + 1) or self._is_verb(at + 1, nouns)):
                after = self._try_described(nouns, at + 1)
                if after is None:
                    return end
                end = after
                continue
            kinds = known.verb_forms.get(word, {})
            participle = PARTICIPLE in kinds and THIRD not in kinds
            if not (ING in kinds or participle) or (participle and at == end and not self._reduced(at)):
                return end
            after = self._try_described(nouns, at)
            if after is None:
                return end
            end = after

    def _told_of(self, nouns: tuple[Noun, ...], at: int, *, last: bool = False) -> int | None:  # noqa: PLR0911  # many kinds
        """Read "that the girl is holding": what another does to the one who is told of; None where no such clause stands."""
        if not self.known.has("relatives", self.words.at(at)) or self.words.at(at) == "whose":
            return None
        named = self.nouns.read(at + 1, subject=True)
        if named is None or self._is_verb(at + 1, nouns) or self._auxiliary(at + 1):
            return None
        index = named[1]
        while self._auxiliary(index):
            index = self._past_adverbs(index)[0] + 1
        index, word = self._past_adverbs(index)
        kinds = self.known.verb_forms.get(word, {})
        if not kinds:
            return None
        after = index + 1
        phrase = f"{next(iter(kinds.values()))} {self.words.at(after)}"
        deed = Deed(
            verb=next(iter(kinds.values())), subjects=(named[0],), described=True, seen=len(self.found.seen),
            joined=False, under=True,
        )  # fmt: skip
        if self.known.has("prepositions", self.words.at(after)) and self.nouns.read(after + 1, subject=False) is None:
            deed.beside.append((self.words.at(after), (nouns[-1],)))
            after += 1
        elif self.known.has("phrasal", phrase) or phrase in self.known.words["lexicon"]:
            deed.particles.append(self.words.at(after))
            after += 1
        if not deed.beside:
            deed.objects.append(nouns[-1])
        following = self._past_adverbs(after + (self.words.at(after) == ","))[0]
        if last and self.nouns.read(after, subject=False) is not None:
            return None
        if not last and not (self._finite_here(following, nouns) or self._auxiliary(following)):
            return None
        self._verbs.add(index)
        if nouns[-1].inner and self.words.at(at) in ("that", "which"):
            self.found.unread.append(f"of whom it is told may be read in two ways: {self._said(at, after)}")
            return after
        self.found.seen += [named[0], *nouns]
        self.found.deeds.append(deed)
        return after

    def _try_described(self, nouns: tuple[Noun, ...], index: int) -> int | None:
        """Read a describing verb phrase; None, with nothing kept, where no finite verb follows it."""
        deeds, seen, unread = len(self.found.deeds), len(self.found.seen), len(self.found.unread)
        group = any(self.known.has("groups", word) for noun in nouns for word in (noun.words[:1] or (noun.head,)))
        self.nouns.single = None if group else len(nouns) == 1 and nouns[0].count == 1
        self.nouns.telling = self.nouns.single is not None
        end, _ = self._verb_phrase(index, nouns, alone=True)
        self.nouns.single, self.nouns.telling = None, False
        after = end + (self.words.at(end) == ",")
        if after < len(self.words) and (self._finite_here(after, nouns) or self._auxiliary(after)):
            for deed in self.found.deeds[deeds:]:
                deed.described = True
            return after
        # A relative clause or participle at the end of the sentence is what it has to say.
        del self.found.deeds[deeds:]
        del self.found.unread[unread:]
        del self.found.seen[seen:]
        return None

    def _aside(self, nouns: tuple[Noun, ...], end: int) -> int | None:
        """Return where the verb stands after ", the mug in his hand," beside those who act; None where there is none."""
        at = end
        if self.words.at(at) != ",":
            if self.known.has("relatives", self.words.at(at)) and (self._auxiliary(at + 1) or self._is_verb(at + 1, nouns)):
                return at + 1
            return None
        close = at + 1
        while close < len(self.words) and self.words.at(close) != ",":
            close += 1
        if close >= len(self.words) or not (self._finite_here(close + 1, nouns) or self._auxiliary(close + 1)):
            return None
        inside = at + 1
        while inside < close:
            named = self.nouns.read(inside, subject=False)
            if named is not None:
                self.found.seen += [*named[0].inner, named[0]]
            inside = named[1] if named is not None else inside + 1
        return close + 1

    def _with_other_name(self, nouns: tuple[Noun, ...], end: int) -> tuple[tuple[Noun, ...], int]:
        """Return those who act, with what a second name tells, "her teacher, a man with a cane,", and where it ends."""
        also = self._also_called(nouns[-1], end)
        if also is None:
            return nouns, end
        name, at, verb = also
        if at + 1 < verb:
            self.found.unread.append(f"what is told in passing was not read: {self._said(at, verb - 1)}")
        told = replace(nouns[-1], inner=(*nouns[-1].inner, *name.inner))
        self.found.seen = [told if one is nouns[-1] else one for one in self.found.seen] + list(name.inner)
        return (*nouns[:-1], told), verb

    def _worn(self, nouns: Sequence[Noun]) -> None:
        """Take as a deed that an animal wears something, since none does of itself; of a person it is a look."""
        for noun in nouns:
            beast = noun.count == 1 and self.known.is_living(noun.head) and not self.known.is_person(noun.head)
            if beast and "wearing" in noun.words:
                before = sum(word in ("with", "in", "on") for word in noun.words[: noun.words.index("wearing")])
                worn = noun.inner[before : before + 1]
                seen = len(self.found.seen)
                self.found.deeds += [Deed(verb="wear", subjects=(noun,), objects=[one], seen=seen) for one in worn]

    def _after_noun(self, deed: Deed, nouns: Sequence[Noun], index: int) -> int:  # noqa: PLR0911  # one case a kind of word
        """Read a participle or relative clause after an object: what the object does, or how it looks."""
        known, noun = self.known, nouns[-1]
        at = index + (self.words.at(index) == "," and known.has("relatives", self.words.at(index + 1)))
        word = self.words.at(at)
        noun = self._who(noun, word)
        if (end := self._relative(noun, at, deed.subjects)) is not None:
            return end
        kinds = known.verb_forms.get(word, {})
        if ING in kinds and (deed.verb in PERCEIVED or (known.is_living(noun.head) and ING in kinds and deed.verb in PERCEIVED)):
            return self._verb_phrase(at, (noun,))[0]
        if BASE in kinds and deed.verb in WITNESSED:
            return self._skip_phrase(at) if deed.verb == "help" else self._verb_phrase(at, (noun,))[0]
        if (
            ING in kinds
            and not known.is_living(noun.head)
            and word in ("lying", "sitting", "standing", "hanging", "resting", "floating", "containing", "leaning")
        ):
            return self._skip_phrase(at)
        states = known.words["states"] - _BUSY_WITH
        if ING in kinds and deed.objects and known.is_living(noun.head) and kinds[ING] in states:
            return self._skip_phrase(at)
        if ING in kinds and deed.verb in _LEFT_SO and deed.objects and at == index:
            end = self._skip_phrase(at)
            self.found.deeds.remove(deed)
            self.found.unread.append(f"what comes of it is no deed on somebody: {deed.verb} {noun.text} {self._said(at, end)}")
            return end
        if ING in kinds and at == index and kinds[ING] in _BUSY_WITH and known.is_living(noun.head):
            return self._busy(deed, noun, at)
        thing = known.is_noun(noun.head) and not known.is_living(noun.head) and not known.has("vehicles", noun.head)
        if ING in kinds and at == index and word != "using" and (deed.objects or not thing):
            end = self._skip_phrase(at)
            self.found.unread.append(f"whose deed it is may be read in two ways: {self._said(at, end)}")
            return end
        if ING in kinds and at == index and word != "using":
            return self._verb_phrase(at, deed.subjects)[0]
        if PARTICIPLE in kinds and word not in ("felt",) and not deed.passive:
            if self.words.at(at + 1) == "by":
                return self._verb_phrase(at, (noun,))[0]
            return self._skip_phrase(at)
        return index

    def _relative(self, noun: Noun, at: int, subjects: Sequence[Noun]) -> int | None:
        """Read "who chases a cat" or "that a boy walks" after an object; return where it ends, None where none stands."""
        if self.known.has("relatives", self.words.at(at)) and (self._auxiliary(at + 1) or self._is_verb(at + 1, [noun])):
            simple = not self._auxiliary(at + 1)
            end = self._verb_phrase(at + 1, (noun,))[0]
            # Behind a comma it is a tale of its own, which goes on: "pushes a man, who stumbles and grabs a railing".
            while self.words.at(at - 1) == "," and (further := self._told_further(end, noun)) is not None:
                end = self._verb_phrase(further, (noun,))[0]
            return self._of_either(end, noun, subjects) if simple else end
        return self._told_of((noun,), at, last=True)

    def _of_either(self, end: int, noun: Noun, subjects: Sequence[Noun]) -> int:
        """Read a verb behind "who sits and": who is told of does it where only their number fits; else it may be either's."""
        further = self._told_further(end, noun)
        if further is None:
            return end
        many = len(subjects) > 1 or any(one.count != 1 for one in subjects)
        deeds = len(self.found.deeds)
        after = self._verb_phrase(further, (noun,))[0]
        if many == (noun.count != 1) and any(deed.objects or deed.beside for deed in self.found.deeds[deeds:]):
            del self.found.deeds[deeds:]
            self.found.unread.append(f"whose deed it is may be read in two ways: {self._said(further, after)}")
        return after

    def _told_further(self, end: int, noun: Noun) -> int | None:
        """Return where the next verb of one who is told of stands, behind "and" or "but"; None where none does.

        Behind a comma the sentence goes on: "throws a stone, which breaks a window, and hugs a dog".
        """
        if self.words.at(end) not in ("and", "but"):
            return None
        index = end + 1
        if self.words.at(index) in ORDERED:
            self._ordered = True
            index += 1
        index, word = self._past_adverbs(index)
        kinds, one = self.known.verb_forms.get(word, {}), noun.count == 1
        fits = THIRD in kinds if one else BASE in kinds
        named = self.known.is_noun(word) and self.nouns.read(index + 1, subject=False) is None
        return index if (fits or PAST in kinds) and not named else None

    def _who(self, noun: Noun, word: str) -> Noun:
        """Return of whom "who" tells: in "a photo of a performer who swallows a sword" of the performer."""
        living = [one for one in noun.inner if self.known.is_living(one.head)]
        shown = word == "who" or (noun.head in _SHOWING and self.known.has("relatives", word))
        return living[-1] if shown and living and not self.known.is_living(noun.head) else noun

    def _busy(self, deed: Deed, noun: Noun, index: int) -> int:
        """Read what somebody who is acted upon is busy with: "charges at a matador holding a cape"."""
        before = len(self.found.deeds)
        end, _ = self._verb_phrase(index, (noun,))
        new = self.found.deeds[before:]
        self._acting = deed.subjects
        if any(one.pronoun for other in new for one in other.objects) or not any(other.objects for other in new):
            # "hugs a child holding him": of whom it is told cannot be known.
            del self.found.deeds[before:]
            self.found.unread.append(f"whose deed it is may be read in two ways: {self._said(index, end)}")
        for other in new:
            other.described = other.verb in self.known.words["states"]
        return end

    def _skip_phrase(self, index: int) -> int:
        """Return where a phrase that only says where a thing lies ends."""
        deeds, seen = len(self.found.deeds), len(self.found.seen)
        end, _ = self._verb_phrase(index, ())
        del self.found.deeds[deeds:]
        del self.found.seen[seen:]
        return end
