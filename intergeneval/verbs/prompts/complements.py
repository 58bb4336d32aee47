"""What follows a verb: its objects, particles and prepositions, and how it is done."""

from __future__ import annotations

from abc import ABC

from intergeneval.verbs.prompts.ahead import PARTICLES, STILL, WITNESSED
from intergeneval.verbs.prompts.deeds import Deed
from intergeneval.verbs.prompts.nouns import Noun
from intergeneval.verbs.prompts.told_of import ToldOf
from intergeneval.verbs.prompts.vocabulary import BASE, ING

_SPREAD = frozenset({"wide", "out", "up", "down", "open", "apart"})
"""Words behind a part of the body that tell how it is held."""
_TELLING = frozenset(str.split("teach train ask tell order force help urge command invite encourage beg get allow"))
"""Verbs after whose object "to" begins what that one is to do."""
_SAYING = frozenset(str.split("say tell think know claim shout whisper dream believe see notice show mean hope"))
"""Verbs after which "that" begins what is said."""


class Complements(ToldOf, ABC):
    """Reads what belongs to a verb behind it."""

    def _complements(self, deed: Deed, index: int, *, alone: bool) -> int:  # noqa: C901, PLR0911, PLR0912, PLR0915  # one case a kind of word
        """Read objects, particles and prepositions after a verb; return where they end."""
        known = self.known
        while index < len(self.words):
            word = self.words.at(index)
            if word in PARTICLES and self._is_particle(deed, index):
                # "slaps him across the face and off": behind a place it belongs to nothing that was read.
                deed.particles += [word] if not deed.beside else []
                index += 1
                continue
            if word in ("using",) or (
                word == "with" and self.words.at(index + 1) == "the" and self.words.at(index + 2) == "help"
            ):
                at = index + (1 if word == "using" else 4)
                named = self._noun_list(at, subject=False, finite=alone)
                if named is None:
                    return index + 1
                deed.tools += named[0]
                index = named[1]
                continue
            told = deed.verb in _TELLING and deed.objects and BASE in known.verb_forms.get(self.words.at(index + 1), {})
            if word == "to" and (told or self._infinitive(index)):
                return index
            if known.has("prepositions", word) and deed.passive and word != "by" and self.words.at(index + 1) == "by":
                deed.particles.append(word)  # "is run over by a bus"
                index += 1
                continue
            if word == "by" and not deed.passive and self._bare_ing(index + 1):
                return index
            if word in ("before", "after") and self._bare_ing(index + 1):
                return index  # "hides a book before handing it to a boy"
            if known.has("prepositions", word):
                further = deed.verb in ("go", "keep", "carry", "end") and ING in known.verb_forms.get(
                    self.words.at(index + 1), {}
                )
                if word in PARTICLES and not deed.objects and (further or self._bare_ing(index + 1)):
                    deed.particles.append(word)  # "walks around whistling"
                    index += 1
                    continue
                witnessed = deed.verb in WITNESSED and bool(deed.objects)
                seen = len(self.found.seen)
                named = self._noun_list(index + 1, subject=False, finite=alone, embedded=witnessed)
                if named is None:
                    if word in ("while", "before", "after") or ING in known.verb_forms.get(self.words.at(index + 1), {}):
                        return index
                    if word in PARTICLES or word in ("by", "with"):
                        deed.particles.append(word) if word in PARTICLES and not deed.objects else None
                    index += 1
                    continue
                if word in ("before", "after") and self._clause_follows((named[0][-1], named[1]), index + 1):
                    del self.found.seen[seen:]  # "before the referee separates them" names no "referee separates"
                    return index
                if word in ("before", "after") and self._unknown_verb(named[0][-1]):
                    del self.found.seen[seen:]
                    self.found.unread.append(f"no verb was found for: {self._said(index + 1, named[1])}")
                    index = named[1]
                    continue
                if word in ("as", "like"):
                    return index
                if word == "with" and (end := self._held_so(named[0][-1], named[1])) is not None:
                    index = end
                    continue
                on, whom = self.words.at(named[1]), self.words.at(named[1] + 1)
                if word == "with" and on in ("on", "in", "inside") and whom in ("it", "them"):
                    index = named[1] + 2  # "a raft with two survivors on it": no tool
                    continue
                if word == "with" and ING in known.verb_forms.get(self.words.at(named[1]), {}) and not named[0][-1].inner:
                    # "with a car driving by": what goes on beside it.
                    index = self._skip_phrase(named[1])
                    continue
                deed.beside.append((word, named[0]))
                index = self._after_noun(deed, named[0], named[1])
                continue
            if word not in ("then",) and (
                (known.has("adverbs", word) and word not in PARTICLES)
                or (word.endswith("ly") and not known.has("not_adverbs", word) and len(word) > 4)
            ):
                index += 1
                continue
            if word == ",":
                return index
            if word == "that" and self._reported(deed, index):
                return self._clause_end(index)
            if known.has("conjunctions", word) or known.has("subordinators", word) or (word == "to" and not deed.objects):
                return index
            if not deed.objects and not deed.beside and self._goes_on(deed, index):
                if self._only_how(index):
                    # "runs screaming from a bear"
                    self.found.unread.append(f"nobody and nothing it is done to is named: {known.verb_forms[word][ING]}")
                    index += 1
                    continue
                return self._verb_phrase(index, deed.subjects, alone=alone)[0]
            if not deed.objects and not deed.beside and (end := self._manner(deed, index)) is not None:
                index = end
                continue
            named = (
                self._noun_list(index, subject=False, finite=alone, embedded=deed.verb in WITNESSED)
                if len(deed.objects) < 2 and not deed.beside and not (deed.passive and deed.objects)
                else None
            )
            if named is None:
                return index
            if not deed.objects and self._unknown(deed, named[0][0]):
                self.found.unread.append(f"whether this is somebody or something is not known: {deed.verb} {named[0][0].text}")
                index = named[1]
                continue
            deed.objects.append(named[0][0])
            deed.more += named[0][1:]
            index = self._after_noun(deed, named[0], named[1])
            if alone and self._finite_here(index, deed.subjects):
                return index
        return index

    def _unknown_verb(self, noun: Noun) -> bool:
        """Whether a phrase ends as a verb of the one named before it does, though no list knows it: "the judge intervenes"."""
        if len(noun.words) < 2 or (noun.count == 1 and noun.determiner in ("a", "an")):
            return False
        before, last = (word.lower() for word in noun.words[-2:])
        alone = self.known.is_living(before) and not self.known.is_plural(before)
        return alone and last.endswith("s") and not last.endswith("ss") and not self.known.is_noun(last)

    def _reported(self, deed: Deed, index: int) -> bool:
        """Say what follows "says that", which is no deed, and return whether such a clause stands."""
        known, after = self.known, self.words.at(index + 1)
        opens = any(known.has(name, after) for name in ("determiners", "possessives", "subject_pronouns"))
        if deed.verb not in _SAYING or deed.objects or not opens:
            return False
        self.found.unread.append(f"what is taught or said is no deed: {self._said(index, self._clause_end(index))}")
        return True

    def _manner(self, deed: Deed, index: int) -> int | None:
        """Return where a word that tells how somebody is ends, "sits motionless", which is nothing that a deed is done to.

        None where something may follow that it is done to.
        """
        known, word = self.known, self.words.at(index)
        still = deed.verb in STILL
        if deed.passive or known.has("determiners", word) or not (still or known.has("intransitive", deed.verb)):
            return None
        named = self.nouns.read(index, subject=False, modifiers=False)
        if named is None or named[0].pronoun or named[0].owner is not None or "of" in named[0].words:
            return None
        last = named[0].words[-1].lower()
        if self._tells_how(last):
            return named[1]
        if not still or known.is_plural(last):
            return None
        self.found.unread.append(f"nobody and nothing it is done to is named: {deed.verb} {named[0].text}")
        return named[1]

    def _held_so(self, noun: Noun, index: int) -> int | None:
        """Return where "with their arms spread wide", which is no tool, ends; None where a noun after "with" stands otherwise."""
        known, words = self.known, [word.lower() for word in noun.words]
        own = known.has("possessives", noun.determiner) or not noun.determiner
        if not own or not words or noun.owner is not None or self._is_tool(noun):
            return None
        kinds, told = known.verb_forms.get(self.words.at(index), {}), self.words.at(index)
        inside = len(words) > 1 and any(self._of_body(word) for word in words[:-1]) and self._so(words[-1])
        after = self._of_body(words[-1]) and (self._so(told) or ING in kinds or known.has("adjectives", told) or told in _SPREAD)
        if not (inside or after):
            return None
        if ING in kinds:
            return self._skip_phrase(index)
        index += after
        while (told := self.words.at(index)) and (told in ("wide", "open") or known.has("adjectives", told) or told in PARTICLES):
            if self.nouns.read(index + 1, subject=False) is not None and told in PARTICLES:
                break
            index += 1
        return index

    def _also(self, deed: Deed, start: int, at: int, end: int, subjects: tuple[Noun, ...]) -> int:
        """Read a second verb that shares the object: "hugs and kisses the baby"."""
        del start, at
        if deed.objects or deed.beside or self.words.at(end) not in ("and", ",") or deed.verb in self.known.words["states"]:
            return end
        if deed.particles and not self.known.has("phrasal", f"{deed.verb} {deed.particles[-1]}"):
            return end  # "reaches over and touches the poodle"
        following = end + 1
        kinds = self.known.verb_forms.get(self._past_adverbs(following)[1], {})
        if (
            not kinds
            or (ING in kinds and self.words.at(end) == ",")
            or not self._is_verb(following, subjects)
            or not (deed.verb in self.known.words["lexicon"] or self.known.has("transitive", deed.verb))
        ):
            return end
        if self.known.has("intransitive", deed.verb):
            return end
        after, _ = self._verb_phrase(following, subjects)
        last = self.found.deeds[-1]
        if last is not deed:
            deed.objects, deed.more = list(last.objects), list(last.more)
        return after
