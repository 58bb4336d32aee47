"""What stands ahead in a sentence: whether a word begins a verb, a further noun or a clause of its own."""

from __future__ import annotations

from collections.abc import Sequence

from intergeneval.verbs.prompts.deeds import Deed, Sentence
from intergeneval.verbs.prompts.nouns import Noun, is_name
from intergeneval.verbs.prompts.phrases import NounReader
from intergeneval.verbs.prompts.vocabulary import BASE, ING, PARTICIPLE, PAST, THIRD, Vocabulary
from intergeneval.verbs.prompts.words import Words

PARTICLES = frozenset(
    str.split("up down off out over away back on in open apart together around forward aside along through shut across")
)
_WAYS = frozenset([*str.split("from into through across past toward towards down up around over"), "out of", "away from"])
"""Prepositions of where somebody goes."""
STILL = frozenset(str.split("sit stand lie kneel crouch squat look seem appear become stay remain"))
"""Verbs whose object no bare noun is: "stands guard"."""
_HOW = ("less", "ful", "ous", "legged", "footed", "handed", "ing", "ed", "ant", "ent")
"""Endings of words that tell how somebody is, where no list knows them as nouns."""
WITNESSED = frozenset({"help", "let", "make", "watch", "see"})
"""Verbs after whose object a plain verb tells what that one does: "helps a boy climb"."""
ORDERED = frozenset(str.split("then next afterwards afterward finally subsequently later before after once"))
"""Words that say which of two deeds comes first."""


class Ahead:
    """The words of one sentence, what was found in them so far, and questions about what follows a word."""

    def __init__(self, words: Words, known: Vocabulary) -> None:
        self.words = words
        self.known = known
        self.nouns = NounReader(words, known)
        self.found = Sentence()
        self._ordered = False
        """Whether a word such as "then" stands before the next deed."""
        self._first = False
        """Whether the next deed comes before the last one: "after picking it up"."""
        self._under = False
        """Whether the clause only goes with the one before it: "as he jumps"."""
        self._tools: tuple[Noun, ...] = ()
        """What was said to be used, of a deed that is still to come."""
        self._acting: tuple[Noun, ...] = ()
        """Who does what is being read."""
        self._verbs: set[int] = set()
        """Places of the words that were read as verbs."""
        self._headline = False
        """Whether the verb being read is one in -ing that stands for a whole clause: "a boy flipping coins"."""

    def _parts(self, index: int) -> bool:
        word = self.words.at(index)
        return word == "," or any(self.known.has(name, word) for name in ("conjunctions", "subordinators", "relatives"))

    def _said(self, start: int, end: int) -> str:
        return " ".join(self.words.raw[start:end]).replace(" 's", "'s").replace(" ,", ",")

    def _clause_end(self, index: int) -> int:
        while index < len(self.words) and self.words.at(index) != ",":
            index += 1
        return index

    def _is_link(self, word: str) -> bool:
        known = self.known
        return (
            word in (",", "'s")
            or known.has("conjunctions", word)
            or (known.has("subordinators", word) and not known.has("supposed", word))
            or (known.has("adverbs", word) or (word.endswith("ly") and not known.has("not_adverbs", word)))
        )

    def _past_adverbs(self, index: int) -> tuple[int, str]:
        known = self.known
        while (word := self.words.at(index)) and (
            (known.has("adverbs", word) and word not in PARTICLES)
            or (word.endswith("ly") and len(word) > 4 and not known.has("not_adverbs", word))
        ):
            index += 1
        return index, self.words.at(index)

    def _auxiliary(self, index: int) -> bool:
        word = self._past_adverbs(index)[1]
        return any(self.known.has(name, word) for name in ("auxiliaries", "helpers", "negations"))

    def _opens_verb(self, index: int) -> bool:
        """Whether a word in -ing is a verb here: not one that only describes the noun after it, as in "running water"."""
        if (
            index
            and self.words.at(index - 1) not in (",", "and", "while", "when", "before", "after", "by", "then", "as", "or")
            and not self.known.has("adverbs", self.words.at(index - 1))
            and not self.words.at(index - 1).endswith("ly")
        ):
            return False
        after = self.words.at(index + 1)
        known = self.known
        return (
            not after
            or known.has("determiners", after)
            or not self.nouns._nominal(index + 1)
            or known.is_noun(after)
            or index > 0
        )

    def _names_anew(self, index: int) -> bool:
        """Whether a word after a comma that may be a verb of many opens a phrase of its own: ", warm evening light"."""
        known, word, after = self.known, self.words.at(index), self.words.at(index + 1)
        kinds = known.verb_forms.get(word, {})
        if THIRD in kinds and index and self.words.at(index - 1) == "," and after.endswith("ing") and not known.is_noun(after):
            return True  # ", lights flashing"
        noun = known.is_noun(word) or known.has("air", word)
        theirs = THIRD in kinds and known.is_plural(word) and noun and not known.is_noun(after)
        if theirs and BASE in known.verb_forms.get(after, {}) and self._parts(index - 1) and self.nouns._opens(index + 2):
            return True  # "as hands shape the clay"
        if self.words.at(index - 1) != "," or not index or THIRD in kinds or ING in kinds or BASE not in kinds:
            return False
        opens = any(
            known.has(name, after) for name in ("determiners", "possessives", "object_pronouns", "prepositions", "reciprocal")
        )
        return not opens and (known.has("adjectives", word) or known.is_noun(word) or self.nouns._nominal(index + 1))

    def _is_verb(self, index: int, subjects: Sequence[Noun]) -> bool:
        index, word = self._past_adverbs(index)
        kinds = self.known.verb_forms.get(word, {})
        many = (
            len(subjects) > 1
            or any(noun.count != 1 for noun in subjects)
            or any(noun.pronoun in ("they", "we", "you", "i", "them") for noun in subjects)
        )
        if THIRD in kinds or PAST in kinds or (BASE in kinds and many) or ING in kinds or PARTICIPLE in kinds:
            return True
        return self.nouns._looks_finite(index, "" if many else subjects[0].determiner)

    def _finite_verb(self, index: int, noun: Noun) -> bool:
        index, word = self._past_adverbs(index)
        kinds = self.known.verb_forms.get(word, {})
        if noun.pronoun.endswith(" of them") and (THIRD in kinds or BASE in kinds):
            return True
        if noun.count == 1 and (THIRD in kinds or (PAST in kinds and self.words.at(index + 1) not in ("by", "in", "with", "on"))):
            return True
        return noun.count != 1 and BASE in kinds

    def _finite_here(self, index: int, nouns: Sequence[Noun]) -> bool:
        index, word = self._past_adverbs(index)
        kinds = self.known.verb_forms.get(word, {})
        many = len(nouns) > 1 or any(noun.count != 1 for noun in nouns)
        return THIRD in kinds or (BASE in kinds and many) or PAST in kinds or self.nouns._looks_finite(index)

    def _told(self, index: int) -> bool:
        """Whether another verb of the clause around a word was read."""
        start = index
        while start and not self._parts(start - 1):
            start -= 1
        end = index
        while end < len(self.words) and not self._parts(end):
            end += 1
        return any(
            at in self._verbs and (THIRD in self.known.verb_forms.get(self.words.at(at), {}) or self._auxiliary(at))
            for at in range(start, end)
        )

    def _noun_list(
        self, index: int, *, subject: bool, finite: bool = False, embedded: bool = False
    ) -> tuple[tuple[Noun, ...], int] | None:
        """Return nouns joined by "and", and where they end.

        `finite`: the verb of those who act is still to come; `embedded`: a verb of the nouns' own may follow, without ending.
        """
        known, stops = self.known, subject or finite or embedded
        first = self.nouns.read(index, subject=stops, plural=embedded, wide=subject)
        if first is None:
            return None
        nouns, end = [first[0]], first[1]
        while True:
            at = end
            if self.words.at(at) == ",":
                at += 1
            if self.words.at(at) in ("and", "&", "or"):
                at += 1
            elif at == end or not self._list_goes_on(at):
                break
            if not subject and self._another_verb(at):
                break
            self.nouns.many = subject
            following = self.nouns.read(at, subject=stops, plural=subject or embedded, wide=subject)
            self.nouns.many = False
            if following is None or following[0].pronoun in ("they", "he", "she", "it"):
                break
            carried = finite and not known.is_living(following[0].head) and not known.has("vehicles", following[0].head)
            if not subject and not carried and self._clause_follows(following, at):
                break
            nouns.append(following[0])
            end = following[1]
        self.found.seen += [one for noun in nouns for one in (*noun.inner, noun)]
        return tuple(nouns), end

    def _another_verb(self, index: int) -> bool:
        """Whether a word after "and" is a verb of those who act rather than a further noun."""
        known, (index, word) = self.known, self._past_adverbs(index)
        kinds, after = known.verb_forms.get(word, {}), self.words.at(index + 1)
        many = len(self._acting) > 1 or any(noun.count != 1 or noun.pronoun == "they" for noun in self._acting)
        passive = bool(self.found.deeds) and self.found.deeds[-1].passive
        if passive and PARTICIPLE in kinds and THIRD not in kinds and (after == "by" or not self.nouns._nominal(index + 1)):
            return True
        if not (THIRD in kinds or PAST in kinds or ING in kinds or (BASE in kinds and many)):
            return self.nouns._looks_finite(index)
        opens = known.has("determiners", after) or known.has("possessives", after) or known.has("object_pronouns", after)
        if THIRD in kinds and not many:
            phrase = f"{kinds[THIRD]} {after}"
            opens = opens or known.has("targeted", phrase) or known.has("lexicon", phrase) or known.has("substances", after)
        return opens or not known.is_noun(word) or (after in PARTICLES and not many)

    def _list_goes_on(self, index: int) -> bool:
        """Whether after a comma another noun of a list that ends in "and" stands."""
        following = None if self._another_verb(index) else self.nouns.read(index, subject=False)
        if following is None:
            return False
        at = following[1] + (self.words.at(following[1]) == ",")
        if self.words.at(at) not in ("and", "&"):
            return False
        last = self.nouns.read(at + 1, subject=True, plural=True)
        return last is not None and not self._clause_follows(last, at + 1)

    def _clause_follows(self, noun: tuple[Noun, int], begin: int) -> bool:
        """Whether a noun after "and" is one who acts rather than a further object."""
        again = self.nouns.read(begin, subject=True)
        checked = [entry for entry in (noun, again) if entry is not None]
        if self._headline and any(self._goes_beside(one, end) for one, end in checked):
            return True
        return any(
            self._finite_verb(end, one)
            or self._auxiliary(end)
            or (not {"before", "after"} & set(self.words.low[begin:end]) and self._also_called(one, end) is not None)
            or (one.determiner in ("a", "an") and self.nouns._looks_finite(end, one.determiner))
            for one, end in checked
        )

    def _also_called(self, noun: Noun, index: int) -> tuple[Noun, int, int] | None:
        """Return what else somebody is called between commas, where that phrase ends, and where the verb stands behind it.

        None where none is: "her teacher, a stern man with a cane, taps".
        """
        known = self.known
        if self.words.at(index) != "," or not (known.is_living(noun.head) or is_name(noun, known)):
            return None
        named = self.nouns.read(index + 1, subject=True)
        if named is None or named[0].pronoun or not named[0].determiner or not known.is_living(named[0].head):
            return None
        told = self.words.at(named[1])
        if told != "," and not (ING in known.verb_forms.get(told, {}) or known.has("relatives", told)):
            return None
        verb = self._clause_end(named[1]) + 1
        return (named[0], named[1], verb) if self._finite_verb(verb, noun) or self._auxiliary(verb) else None

    def _goes_beside(self, noun: Noun, index: int) -> bool:
        """Whether a second one acts beside the first in a headline: "a boy flipping coins and a girl counting them"."""
        known, word = self.known, self.words.at(index)
        opens = any(known.has(name, self.words.at(index + 1)) for name in ("determiners", "possessives", "object_pronouns"))
        doing = ING in known.verb_forms.get(word, {}) and known.verb_forms[word][ING] not in known.words["states"]
        base = known.form(word, ING) or ""
        alone = known.has("intransitive", base) and not known.has("transitive", base) and not self.nouns._nominal(index + 1)
        return doing and (opens or alone) and not noun.pronoun and known.is_living(noun.head)

    def _reduced(self, index: int) -> bool:
        after, known = self.words.at(index + 1), self.known
        named = known.has("determiners", after) or known.has("object_pronouns", after)
        return not self.nouns._nominal(index + 1) and not named

    def _bare_ing(self, index: int) -> bool:
        """Whether a word in -ing that describes no noun after it stands here."""
        known, word = self.known, self.words.at(index)
        return ING in known.verb_forms.get(word, {}) and not known.is_noun(word) and not self.nouns._nominal(index + 1)

    def _goes_on(self, deed: Deed, index: int) -> bool:
        """Whether a word in -ing after a verb or its particle tells what is done, "bursts out laughing", and names nothing."""
        known, word = self.known, self.words.at(index)
        known_form = ING in known.verb_forms.get(word, {})
        if known.is_noun(word) or word.endswith("thing") or not (known_form or (word.endswith("ing") and len(word) > 6)):
            return False
        alone = known.has("intransitive", deed.verb) and not known.has("transitive", deed.verb)
        if deed.particles or deed.verb in STILL or alone:
            return True
        return known_form and not self.nouns._nominal(index + 1)

    def _only_how(self, index: int) -> bool:
        """Whether a word in -ing between a verb and where it goes only tells how: "runs screaming from a bear"."""
        known, base = self.known, self.known.form(self.words.at(index), ING)
        alone = base is not None and known.has("intransitive", base) and not known.has("transitive", base)
        return alone and self.words.at(index + 1) in _WAYS

    def _unknown(self, deed: Deed, noun: Noun) -> bool:
        """Whether a bare word that no list knows may tell how it is done rather than to whom: "jumps headlong"."""
        known, word = self.known, noun.words[-1] if noun.words else ""
        bare = not (noun.pronoun or noun.determiner or noun.owner or noun.inner) and len(noun.words) == 1
        if not bare or deed.passive or (known.is_plural(word) and deed.verb not in ("go", "come", "fall")):
            return False
        if known.has("ridden_so", word):
            return True
        if known.has("adjectives", word) and not (known.is_noun(word) or known.has("materials", word)):
            return not known.is_living(word)  # "drives drunk into a wall"
        if known.is_noun(word) or known.is_living(word) or known.has("vehicles", word) or known.has("materials", word):
            return False
        if f"{deed.verb} {word}" in known.words["together"] or f"{deed.verb}+{word}" in known.pairs["light"]:
            return False
        takes = any(known.has(name, deed.verb) for name in ("transitive", "lexicon", "vague"))
        return (
            not takes or word.count("-") > 1 or (known.has("movements", deed.verb) and word.islower())
        )  # "swings hand-over-hand"

    def _is_tool(self, noun: Noun) -> bool:
        tools = self.known.words["tools"]
        return noun.head in tools or self.known.singular(noun.head) in tools or noun.head.split()[-1] in tools

    def _of_body(self, word: str) -> bool:
        known = self.known
        return word in known.pairs["parts"] or known.has("clothing", word) or word in ("sleeves", "fists", "mouths", "pockets")

    def _so(self, word: str) -> bool:
        kinds = self.known.verb_forms.get(word, {})
        return (PARTICIPLE in kinds and THIRD not in kinds) or (word.endswith("ed") and len(word) > 4)

    def _tells_how(self, word: str) -> bool:
        known = self.known
        if known.has("materials", word):
            return False
        return known.has("adjectives", word) or (not known.is_noun(word) and word.endswith(_HOW) and len(word) > 5)

    def _infinitive(self, index: int) -> bool:
        """Whether "to" begins a purpose, "to open a crate", rather than a place."""
        word, after = self.words.at(index + 1), self.words.at(index + 2)
        if BASE not in self.known.verb_forms.get(word, {}):
            return False
        known = self.known
        opens = any(known.has(name, after) for name in ("determiners", "possessives", "object_pronouns")) or after in PARTICLES
        return opens or not known.is_noun(word)

    def _is_particle(self, deed: Deed, index: int) -> bool:
        """Whether "up", "down" and the like belong to the verb rather than to a place after them."""
        word = self.words.at(index)
        phrase = f"{deed.verb} {word}"
        known = self.known
        if (deed.objects or deed.passive) and self.nouns.read(index + 1, subject=False) is not None:
            return False  # "pushes a crate up a ramp", "is put on the cart"
        if known.has("phrasal", phrase) or phrase in known.words["lexicon"]:
            if known.has("targeted", phrase) and not deed.objects and not known.has("phrasal", phrase):
                return False
            # "put on the table" beside "put on the hat": with an object before it, a place follows "on" and "in".
            if word in ("on", "in", "over", "off", "through", "around") and self.nouns.read(index + 1, subject=False) is not None:
                return not deed.objects and not known.has("targeted", phrase) and known.has("phrasal", phrase)
            return True
        return self.nouns.read(index + 1, subject=False) is None or (
            word in ("up", "down", "out", "away", "back", "apart", "together") and not self._place_after(word, index)
        )

    def _place_after(self, word: str, index: int) -> bool:
        named = self.nouns.read(index + 1, subject=False)
        return (
            named is not None
            and word in ("up", "down")
            and (named[0].head in self.known.words["places"] or named[0].head in ("stairs", "ladder", "tree", "steps", "slide"))
        )

    def _done_to(self, index: int) -> bool:
        """Whether a word after "gets" is a participle, so that something is done to the one who gets it."""
        word = self.words.at(index)
        if kinds := self.known.verb_forms.get(word, {}):
            return PARTICIPLE in kinds
        return word.endswith("ed") and not self.known.has("adjectives", word) and "by" in self.words.low[index:]

    def _still_passive(self, index: int) -> bool:
        """Whether a word after "and" goes on with a passive: "is dropped by a man and eaten by his dog"."""
        deeds = self.found.deeds
        if not deeds or not deeds[-1].passive or deeds[-1].subjects != self._acting:
            return False
        while self.known.has("adverbs", self.words.at(index - 1)) or self.words.at(index - 1) in ORDERED:
            index -= 1
        return self.words.at(index - 1) in ("and", ",", "or", "but")

    def _by_somebody(self, index: int, *, named: bool) -> bool:
        """Whether a participle with a place behind it has its agent behind that: "a hat taken off a hook by a boy".

        `named`: the word may be a verb of many too, "put"; then those before it must be things.
        """
        known = self.known
        if not known.has("prepositions", self.words.at(index + 1)) or self.words.at(index + 1) == "by":
            return False
        if named and any(noun.pronoun or known.is_living(noun.head) for noun in self._acting):
            return False
        at = index + 1
        while at < len(self.words) and not self._parts(at) and self.words.at(at) != "by":
            kinds = known.verb_forms.get(self.words.at(at), {})
            if ING in kinds or (PARTICIPLE in kinds and not {BASE, THIRD} & kinds.keys()):
                return False  # "looked at the boy sitting by a dog", "pointed at a car parked by a nurse"
            at += 1
        agent = self.nouns.read(at + 1, subject=False) if self.words.at(at) == "by" else None
        return agent is not None and not agent[0].pronoun and known.is_living(agent[0].head)

    def _object_later(self, index: int) -> bool:
        return self.nouns.read(index + 1, subject=False) is not None
