"""From a sentence to its deeds: which verb, whose, at what, and with which prepositions beside it."""

from __future__ import annotations

from intergeneval.verbs.prompts.ahead import ORDERED
from intergeneval.verbs.prompts.complements import Complements
from intergeneval.verbs.prompts.deeds import Deed, Sentence
from intergeneval.verbs.prompts.nouns import Noun
from intergeneval.verbs.prompts.vocabulary import BASE, ING, PARTICIPLE, PAST, PERCEIVED, THIRD


def _base_of(participle: str) -> str:
    """Return the base that a participle in -ed, of a verb that no list knows, is most likely of."""
    stem = participle[:-2]
    if stem.endswith("i"):
        return stem[:-1] + "y"
    if stem[-1] == stem[-2] and stem[-1] in "bdgmnprt":
        return stem[:-1]
    silent = stem.endswith(("at", "iz", "is", "ur", "ut", "c", "g", "v", "u", "bl", "dl", "gl", "pl", "tl", "zl")) or (
        stem.endswith("s") and not stem.endswith("ss")
    )
    return stem + "e" if silent else stem


class ClauseReader(Complements):
    """Reads one sentence."""

    def read(self) -> Sentence:
        """Return what the sentence says."""
        index, subjects = 0, tuple[Noun, ...]()
        waiting: list[Deed] = []
        while index < len(self.words):
            index, subjects = self._step(index, subjects, waiting)
        for deed in waiting:
            self.found.unread.append(f"who does it is not said: {deed.verb}")
            self.found.deeds.remove(deed)
        self._passed_over()
        return self.found

    def _passed_over(self) -> None:
        """Say which verbs of one who acts were read as no verb, so that nothing is lost without a word."""
        known, told = self.known, " ".join(self.found.unread)
        for index, word in enumerate(self.words.low):
            named = known.is_noun(word) or known.has("adverbs", word) or word in self.known.words["prepositions"]
            if index in self._verbs or named or THIRD not in known.verb_forms.get(word, {}):
                continue
            before, after = self.words.at(index - 1), self.words.at(index + 1)
            plain = index and self.nouns._nominal(index - 1) and not known.has("adjectives", before) and after
            if plain and self.nouns._opens(index + 1) and self.words.raw[index] not in told.split() and not self._told(index):
                self.found.unread.append(f"it was read as no deed: {self._said(max(index - 3, 0), self._clause_end(index))}")

    def _step(self, index: int, subjects: tuple[Noun, ...], waiting: list[Deed]) -> tuple[int, tuple[Noun, ...]]:  # noqa: C901, PLR0911, PLR0912  # one case a kind of word
        """Read what begins at a word; return where it ends, and who acts from there on."""
        known, word, after = self.known, self.words.at(index), self.words.at(index + 1)
        if word in ORDERED and not (word in ("before", "after", "once") and index == 0):
            self._ordered = word not in ("after", "once")
            self._first = word in ("after", "once") and bool(self.found.deeds)
        if word in (",", "and", "but", "then"):
            self._under = self._under and word == "," and not self.found.deeds
        if known.has("subordinators", word) and word not in ("so", "before", "after", "until", "once"):
            self._under = bool(self.found.deeds)
        if known.has("supposed", word):
            end = self._clause_end(index)
            self.found.unread.append(f"a condition is no deed: {self._said(index, end)}")
            return end, subjects
        if word == "to" and BASE in known.verb_forms.get(self._past_adverbs(index + 1)[1], {}):
            return self._purpose(index, subjects)
        if word in ("fails", "fail", "failed", "failing") and after != "to" and self.found.deeds:
            self.found.deeds[-1].negated = True
            return index + 1, subjects
        if self._is_link(word):
            return index + 1, subjects
        # "Holding a knife, ..." tells of the one named after it.
        led = index == 0 and after == "by" and PARTICIPLE in known.verb_forms.get(word, {})
        if led or (ING in known.verb_forms.get(word, {}) and self._opens_verb(index)):
            return self._participle(index, subjects, waiting)
        if word in ("using", "with") and not subjects:
            return self._leading_tool(index), subjects
        if known.has("auxiliaries", word) or known.has("helpers", word) or known.has("negations", word):
            return self._verb_phrase(index, subjects) if subjects else (index + 1, subjects)
        if subjects and self._is_verb(index, subjects) and not self._names_anew(index):
            return self._verb_phrase(index, subjects)
        if word == "by" and subjects and self.found.deeds and self._bare_ing(index + 1):
            return self._verb_phrase(index + 1, subjects)[0], subjects  # "wakes a farmer by pecking his nose"
        if known.has("prepositions", word):
            inner = self._noun_list(index + 1, subject=False)
            if inner is not None and (word in ("with",)) and not self.found.deeds and not subjects:
                self._tools = tuple(noun for noun in inner[0] if self._is_tool(noun))
            return (inner[1] if inner is not None else index + 1), subjects
        named = self._noun_list(index, subject=True)
        if named is None:
            if (known.verb_forms.get(word) or {}).get(BASE) and not subjects and index == 0:
                self.found.unread.append(f"who does it is not said: {self._said(index, self._clause_end(index))}")
                return self._clause_end(index), subjects
            return index + 1, subjects
        return self._subject(named[0], named[1], index, subjects, waiting, after)

    def _subject(
        self, nouns: tuple[Noun, ...], end: int, start: int, subjects: tuple[Noun, ...], waiting: list[Deed], after: str
    ) -> tuple[int, tuple[Noun, ...]]:
        """Take nouns as those who act, where a verb follows."""
        del after
        end = self._described(nouns, end)
        nouns, end = self._with_other_name(nouns, end)
        if not self._is_verb(end, nouns) and not self._auxiliary(end):
            aside = self._aside(nouns, end)
            if aside is None:
                if waiting or not subjects:
                    self.found.unread.append(f"no verb was found for: {self._said(start, end)}")
                # What follows at once is theirs, so that it is not said of those named before.
                return end, () if self._finite_here(end, ()) else subjects
            end = aside
        for deed in waiting:
            deed.subjects = nouns
        waiting.clear()
        self._worn(nouns)
        return self._verb_phrase(end, nouns)

    def _leading_tool(self, index: int) -> int:
        named = self._noun_list(index + 1, subject=False)
        if named is None:
            return index + 1
        self._tools = tuple(noun for noun in named[0] if self.words.at(index) == "using" or self._is_tool(noun))
        end = named[1]
        while self.known.has("adjectives", self.words.at(end)):
            end += 1  # "with its mouth wide open"
        return end

    def _participle(self, index: int, subjects: tuple[Noun, ...], waiting: list[Deed]) -> tuple[int, tuple[Noun, ...]]:
        if self.words.at(index) == "using":
            named = self._noun_list(index + 1, subject=False)
            if named is not None:
                if self.found.deeds and subjects and self.words.at(named[1]) != "to":
                    self.found.deeds[-1].tools += named[0]
                else:
                    self._tools = named[0]
                return named[1], subjects
        before = len(self.found.deeds)
        end, _ = self._verb_phrase(index, subjects)
        if not subjects or (index == 0 or (self.words.at(index - 1) in ("while", "after", "before", "when") and index == 1)):
            waiting += self.found.deeds[before:]
        return end, subjects

    def _purpose(self, index: int, subjects: tuple[Noun, ...]) -> tuple[int, tuple[Noun, ...]]:
        """Read "to pet the dog": what somebody bends down or uses a tool for happens; what he picks something up for may not."""
        deeds = self.found.deeds
        last = deeds[-1] if deeds else None
        if not subjects or last is None:
            return index + 1, subjects
        if self.words.at(index - 1) in ("how", "whether", "what", "where", "when"):
            end = self._clause_end(index)
            self.found.unread.append(f"what is taught or said is no deed: {self._said(index, end)}")
            return end, subjects
        using = last.verb == "use" and last.objects
        happens = not last.negated and (using or not last.objects or last.verb in ("stop", "lean", "bend", "reach"))
        before = len(deeds)
        end, _ = self._verb_phrase(index + 1, last.subjects)
        new = deeds[before:]
        if not happens:
            del deeds[before:]
            self.found.unread.append(f"a purpose is not said to happen: {self._said(index, end)}")
        elif using:
            for deed in new:
                deed.tools += tuple(last.objects)
            deeds.remove(last)
        return end, subjects

    def _verb_phrase(self, index: int, subjects: tuple[Noun, ...], *, alone: bool = False) -> tuple[int, tuple[Noun, ...]]:
        """Read a verb with what belongs to it, and add it to the deeds."""
        start, self._acting = index, subjects
        negated = supposed = passive = False
        while index < len(self.words):
            index, word = self._past_adverbs(index)
            self._verbs.add(index)
            after = self._past_adverbs(index + 1)[1]
            if self.known.has("negations", word):
                negated = True
            elif self.known.has("supposing", word) and (word in ("would", "could", "may", "might", "should") or after == "to"):
                supposed = True
            elif self.known.has("auxiliaries", word) or (
                word in ("gets", "get", "getting", "got") and self._done_to(self._past_adverbs(index + 1)[0])
            ):
                passive = True
            elif (
                self.known.has("helpers", word)
                and (
                    self.known.verb_forms.get(after) or self.known.has("auxiliaries", after) or self.known.has("negations", after)
                )
                and after != "to"
            ):
                passive = passive and word != "being"
            elif (word == "to" and index > start) or (
                self.known.has("going_on", word) and (after == "to" or ING in self.known.verb_forms.get(after, {}))
            ):
                pass
            elif word == "about" and after == "to":
                supposed = True
            else:
                break
            index += 1
        word = self.words.at(index)
        doing = self.known.form(word, ING)
        self._headline = index == start and not alone and doing is not None and doing not in PERCEIVED
        self._verbs.add(index)
        base, passive = self._which(index, passive)
        if base is None:
            if negated or passive or self._auxiliary(start):
                return max(index, start + 1), subjects  # "is tall": nothing happens
            return max(index + 1, start + 1), subjects
        deed = Deed(
            verb=base, subjects=subjects, passive=passive, negated=negated or supposed, tools=self._tools, ordered=self._ordered,
            first=self._first, seen=len(self.found.seen), under=self._under,
            joined=bool(self.found.deeds) and self.found.deeds[-1].subjects == subjects,
        )  # fmt: skip
        self._tools, self._ordered, self._first = (), False, False
        self.found.deeds.append(deed)
        end = self._complements(deed, index + 1, alone=alone)
        kinds = self.known.verb_forms.get(word, {})
        if not deed.passive and not deed.objects and PARTICIPLE in kinds and not {THIRD, BASE} & kinds.keys():
            # "a rabbit pulled out of a hat by a magician"
            agents = [noun for prep, nouns in deed.beside if prep == "by" for noun in nouns]
            deed.passive = any(self.known.is_living(noun.head) or noun.pronoun for noun in agents)
        return self._also(deed, start, index, end, subjects), subjects

    def _which(self, index: int, after_be: bool) -> tuple[str | None, bool]:  # noqa: C901, PLR0911  # one case a kind of word
        """Return the verb that a word is a form of, and whether it stands in the passive."""
        word = self.words.at(index)
        kinds = self.known.verb_forms.get(word, {})
        if not kinds:
            if after_be and word.endswith("ed") and len(word) > 5 and not self.known.has("adjectives", word):
                return _base_of(word), True
            one = self._acting[0].determiner if len(self._acting) == 1 and self._acting[0].count == 1 else ""
            if self.nouns._looks_finite(index, one) or (word.endswith("ing") and len(word) > 5 and not self.known.is_noun(word)):
                from intergeneval import verbs

                return verbs.phrase(word).base.removeprefix("be "), False
            return None, after_be
        if ING in kinds:
            return kinds[ING], False
        if after_be:
            return (kinds[PARTICIPLE], True) if PARTICIPLE in kinds else (None, True)
        if PARTICIPLE in kinds and self.words.at(index + 1) == "by" and not self.nouns.read(index + 1, subject=False):
            return kinds[PARTICIPLE], True
        if PARTICIPLE in kinds and BASE not in kinds and self._reduced(index) and not self._object_later(index):
            following = self.words.at(index + 1)
            if following in ("by",):
                return kinds[PARTICIPLE], True
        if PARTICIPLE in kinds and THIRD not in kinds and self._still_passive(index):
            return kinds[PARTICIPLE], True
        if PARTICIPLE in kinds and THIRD not in kinds and self._by_somebody(index, named=BASE in kinds):
            return kinds[PARTICIPLE], True
        for kind in (THIRD, BASE, PAST, PARTICIPLE):
            if kind in kinds:
                return kinds[kind], False
        return None, False
