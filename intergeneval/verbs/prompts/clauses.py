"""From a sentence to its deeds: which verb, whose, at what, and with which prepositions beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from intergeneval.verbs.prompts.phrases import Noun, NounReader, Words
from intergeneval.verbs.prompts.vocabulary import BASE, ING, PARTICIPLE, PAST, PERCEIVED, THIRD, Vocabulary

PARTICLES = frozenset(
    str.split("up down off out over away back on in open apart together around forward aside along through shut across")
)
_SPREAD = frozenset({"wide", "out", "up", "down", "open", "apart"})
"""Words behind a part of the body that tell how it is held."""
_WAYS = frozenset([*str.split("from into through across past toward towards down up around over"), "out of", "away from"])
"""Prepositions of where somebody goes."""
_LEFT_SO = frozenset({"send", "leave", "keep", "set", "get", "have"})
"""Verbs after whose object a word in -ing tells how it ends: "sends snow flying"."""
_BUSY_WITH = frozenset(
    str.split(
        "hold carry ride eat drink chew read drive push pull sell play feed walk fly paint drag lift wash clean build dig "
        "juggle chase"
    )
)
"""Verbs that tell with what the one they follow is busy, where they stand behind an object."""
_TELLING = frozenset(str.split("teach train ask tell order force help urge command invite encourage beg get allow"))
"""Verbs after whose object "to" begins what that one is to do."""
_SAYING = frozenset(str.split("say tell think know claim shout whisper dream believe see notice show mean hope"))
"""Verbs after which "that" begins what is said."""
_STILL = frozenset(str.split("sit stand lie kneel crouch squat look seem appear become stay remain"))
"""Verbs whose object no bare noun is: "stands guard"."""
_HOW = ("less", "ful", "ous", "legged", "footed", "handed", "ing", "ed", "ant", "ent")
"""Endings of words that tell how somebody is, where no list knows them as nouns."""
_SHOWING = frozenset(str.split("photo picture photograph video selfie portrait painting drawing sketch image snapshot"))
"""What shows the one of whom "that" tells: "a photo of a bear that is eating berries"."""
_WITNESSED = frozenset({"help", "let", "make", "watch", "see"})
ORDERED = frozenset(str.split("then next afterwards afterward finally subsequently later before after once"))


@dataclass(slots=True, kw_only=True)
class Deed:
    """One verb with what belongs to it, as the sentence says it."""

    verb: str
    """Base of the verb."""
    subjects: tuple[Noun, ...]
    """Who does it; in the passive, to whom it is done."""
    objects: list[Noun] = field(default_factory=list)
    """What follows without preposition, in order; those after "and" are in `more`."""
    more: list[Noun] = field(default_factory=list)
    """Further objects, beside the last."""
    particles: list[str] = field(default_factory=list)
    """Words such as "up" that belong to the verb."""
    beside: list[tuple[str, tuple[Noun, ...]]] = field(default_factory=list)
    """(preposition, nouns) of what follows with one."""
    passive: bool = False
    """Whether the subject is the one it is done to."""
    turned: bool = False
    """Whether it was said in the passive, and stands here with the one who does it as its subject."""
    negated: bool = False
    """Whether it is said not to happen."""
    described: bool = False
    """Whether it only tells who is meant, as in "a man holding a cup"."""
    ordered: bool = False
    """Whether it is said to follow the deed before it."""
    first: bool = False
    """Whether the deed before it in the text follows it: "after picking up the cup"."""
    under: bool = False
    """Whether its clause only goes with the one before it: "as he jumps", "while a man films it"."""
    joined: bool = False
    """Whether it stands beside the deed before it with "and" or a comma, with the same subject."""
    tools: tuple[Noun, ...] = ()
    """What was said to be used, before or beside the verb."""
    seen: int = 0
    """How many nouns of the sentence stand before it."""


@dataclass(slots=True, kw_only=True)
class Sentence:
    """What one sentence says."""

    deeds: list[Deed] = field(default_factory=list)
    """The deeds, in the order of the text."""
    seen: list[Noun] = field(default_factory=list)
    """Every noun, in the order of the text."""
    unread: list[str] = field(default_factory=list)
    """What could not be read."""


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


class ClauseReader:
    """Reads one sentence."""

    def __init__(self, words: Words, known: Vocabulary) -> None:
        self.words = words
        self.known = known
        self.nouns = NounReader(words, known)
        self.found = Sentence()
        self._ordered = False
        self._first = False
        self._under = False
        self._tools: tuple[Noun, ...] = ()
        self._acting: tuple[Noun, ...] = ()
        self._verbs: set[int] = set()
        self._headline = False

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

    def _parts(self, index: int) -> bool:
        word = self.words.at(index)
        return word == "," or any(self.known.has(name, word) for name in ("conjunctions", "subordinators", "relatives"))

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

    def _worn(self, nouns: Sequence[Noun]) -> None:
        """Take as a deed that an animal wears something, since none does of itself; of a person it is a look."""
        for noun in nouns:
            beast = noun.count == 1 and self.known.is_living(noun.head) and not self.known.is_person(noun.head)
            if beast and "wearing" in noun.words:
                before = sum(word in ("with", "in", "on") for word in noun.words[: noun.words.index("wearing")])
                worn = noun.inner[before : before + 1]
                seen = len(self.found.seen)
                self.found.deeds += [Deed(verb="wear", subjects=(noun,), objects=[one], seen=seen) for one in worn]

    def _said(self, start: int, end: int) -> str:
        return " ".join(self.words.raw[start:end]).replace(" 's", "'s").replace(" ,", ",")

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
        theirs = THIRD in kinds and known.is_plural(word) and known.is_noun(word) and not known.is_noun(after)
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
            or (one.determiner in ("a", "an") and self.nouns._looks_finite(end, one.determiner))
            for one, end in checked
        )

    def _goes_beside(self, noun: Noun, index: int) -> bool:
        """Whether a second one acts beside the first in a headline: "a boy flipping coins and a girl counting them"."""
        known, word = self.known, self.words.at(index)
        opens = any(known.has(name, self.words.at(index + 1)) for name in ("determiners", "possessives", "object_pronouns"))
        doing = ING in known.verb_forms.get(word, {}) and known.verb_forms[word][ING] not in known.words["states"]
        base = known.form(word, ING) or ""
        alone = known.has("intransitive", base) and not known.has("transitive", base) and not self.nouns._nominal(index + 1)
        return doing and (opens or alone) and not noun.pronoun and known.is_living(noun.head)

    def _finite_verb(self, index: int, noun: Noun) -> bool:
        index, word = self._past_adverbs(index)
        kinds = self.known.verb_forms.get(word, {})
        if noun.pronoun.endswith(" of them") and (THIRD in kinds or BASE in kinds):
            return True
        if noun.count == 1 and (THIRD in kinds or (PAST in kinds and self.words.at(index + 1) not in ("by", "in", "with", "on"))):
            return True
        return noun.count != 1 and BASE in kinds

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

    def _reduced(self, index: int) -> bool:
        after, known = self.words.at(index + 1), self.known
        named = known.has("determiners", after) or known.has("object_pronouns", after)
        return not self.nouns._nominal(index + 1) and not named

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

    def _finite_here(self, index: int, nouns: Sequence[Noun]) -> bool:
        index, word = self._past_adverbs(index)
        kinds = self.known.verb_forms.get(word, {})
        many = len(nouns) > 1 or any(noun.count != 1 for noun in nouns)
        return THIRD in kinds or (BASE in kinds and many) or PAST in kinds or self.nouns._looks_finite(index)

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

    def _leading_tool(self, index: int) -> int:
        named = self._noun_list(index + 1, subject=False)
        if named is None:
            return index + 1
        self._tools = tuple(noun for noun in named[0] if self.words.at(index) == "using" or self._is_tool(noun))
        end = named[1]
        while self.known.has("adjectives", self.words.at(end)):
            end += 1  # "with its mouth wide open"
        return end

    def _is_tool(self, noun: Noun) -> bool:
        tools = self.known.words["tools"]
        return noun.head in tools or self.known.singular(noun.head) in tools or noun.head.split()[-1] in tools

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

    def _clause_end(self, index: int) -> int:
        while index < len(self.words) and self.words.at(index) != ",":
            index += 1
        return index

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

    def _done_to(self, index: int) -> bool:
        """Whether a word after "gets" is a participle, so that something is done to the one who gets it."""
        word = self.words.at(index)
        if kinds := self.known.verb_forms.get(word, {}):
            return PARTICIPLE in kinds
        return word.endswith("ed") and not self.known.has("adjectives", word) and "by" in self.words.low[index:]

    def _which(self, index: int, after_be: bool) -> tuple[str | None, bool]:  # noqa: PLR0911  # one case a kind of word
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
        for kind in (THIRD, BASE, PAST, PARTICIPLE):
            if kind in kinds:
                return kinds[kind], False
        return None, False

    def _still_passive(self, index: int) -> bool:
        """Whether a word after "and" goes on with a passive: "is dropped by a man and eaten by his dog"."""
        deeds = self.found.deeds
        if not deeds or not deeds[-1].passive or deeds[-1].subjects != self._acting:
            return False
        while self.known.has("adverbs", self.words.at(index - 1)) or self.words.at(index - 1) in ORDERED:
            index -= 1
        return self.words.at(index - 1) in ("and", ",", "or", "but")

    def _object_later(self, index: int) -> bool:
        return self.nouns.read(index + 1, subject=False) is not None

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
            if known.has("prepositions", word):
                further = deed.verb in ("go", "keep", "carry", "end") and ING in known.verb_forms.get(
                    self.words.at(index + 1), {}
                )
                if word in PARTICLES and not deed.objects and (further or self._bare_ing(index + 1)):
                    deed.particles.append(word)  # "walks around whistling"
                    index += 1
                    continue
                named = self._noun_list(index + 1, subject=False, finite=alone)
                if named is None:
                    if word in ("while", "before", "after") or ING in known.verb_forms.get(self.words.at(index + 1), {}):
                        return index
                    if word in PARTICLES or word in ("by", "with"):
                        deed.particles.append(word) if word in PARTICLES and not deed.objects else None
                    index += 1
                    continue
                if word in ("before", "after") and self._clause_follows((named[0][-1], named[1]), index + 1):
                    return index
                if word in ("as", "like"):
                    return index
                if word == "with" and (end := self._held_so(named[0][-1], named[1])) is not None:
                    index = end
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
                self._noun_list(index, subject=False, finite=alone, embedded=deed.verb in _WITNESSED)
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
        still = deed.verb in _STILL
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

    def _goes_on(self, deed: Deed, index: int) -> bool:
        """Whether a word in -ing after a verb or its particle tells what is done, "bursts out laughing", and names nothing."""
        known, word = self.known, self.words.at(index)
        known_form = ING in known.verb_forms.get(word, {})
        if known.is_noun(word) or word.endswith("thing") or not (known_form or (word.endswith("ing") and len(word) > 6)):
            return False
        alone = known.has("intransitive", deed.verb) and not known.has("transitive", deed.verb)
        if deed.particles or deed.verb in _STILL or alone:
            return True
        return known_form and not self.nouns._nominal(index + 1)

    def _bare_ing(self, index: int) -> bool:
        """Whether a word in -ing that describes no noun after it stands here."""
        known, word = self.known, self.words.at(index)
        return ING in known.verb_forms.get(word, {}) and not known.is_noun(word) and not self.nouns._nominal(index + 1)

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
        if deed.objects and self.nouns.read(index + 1, subject=False) is not None:
            return False  # "pushes a crate up a ramp"
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

    def _after_noun(self, deed: Deed, nouns: Sequence[Noun], index: int) -> int:  # noqa: PLR0911  # one case a kind of word
        """Read a participle or relative clause after an object: what the object does, or how it looks."""
        known, noun = self.known, nouns[-1]
        at = index + (self.words.at(index) == "," and known.has("relatives", self.words.at(index + 1)))
        word = self.words.at(at)
        noun = self._who(noun, word)
        if (end := self._relative(noun, at)) is not None:
            return end
        kinds = known.verb_forms.get(word, {})
        if ING in kinds and (deed.verb in PERCEIVED or (known.is_living(noun.head) and ING in kinds and deed.verb in PERCEIVED)):
            return self._verb_phrase(at, (noun,))[0]
        if BASE in kinds and deed.verb in _WITNESSED:
            return self._skip_phrase(at) if deed.verb == "help" else self._verb_phrase(at, (noun,))[0]
        if (
            ING in kinds
            and not known.is_living(noun.head)
            and word in ("lying", "sitting", "standing", "hanging", "resting", "floating", "containing", "leaning")
        ):
            return self._skip_phrase(at)
        if ING in kinds and deed.objects and known.is_living(noun.head) and kinds[ING] in known.words["states"]:
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

    def _relative(self, noun: Noun, at: int) -> int | None:
        """Read "who chases a cat" or "that a boy walks" after an object; return where it ends, None where none stands."""
        if self.known.has("relatives", self.words.at(at)) and (self._auxiliary(at + 1) or self._is_verb(at + 1, [noun])):
            end = self._verb_phrase(at + 1, (noun,))[0]
            # Behind a comma it is a tale of its own, which goes on: "pushes a man, who stumbles and grabs a railing".
            while self.words.at(at - 1) == "," and (further := self._told_further(end, noun)) is not None:
                end = self._verb_phrase(further, (noun,))[0]
            return end
        return self._told_of((noun,), at, last=True)

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
