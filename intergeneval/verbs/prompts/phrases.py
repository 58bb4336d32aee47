"""Words of one sentence, and the noun phrases in it: who or what is spoken of, in which words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from intergeneval.verbs.forms import progressive
from intergeneval.verbs.prompts.asides import without_camera, without_looks, without_set_phrases
from intergeneval.verbs.prompts.vocabulary import BASE, ING, PARTICIPLE, PAST, THIRD, Vocabulary, vocabulary

_TOKEN = re.compile(r"[^\W_]+(?:['.&-][^\W_]+)*|[,:()]|—|–|-{1,2}(?=\s)")
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
_OPENERS = re.compile(
    r"^(?:(?:close|tight|focus|focused|cut|zoom)(?: in| up)? (?:on|to)\b\s*|"
    r"(?:in|on|at) (?:this|the|a) (?:video|clip|scene|shot|footage|image)\W*|"
    r"(?:the |this |a |an )?(?:(?!who|that)[\w'-]+[ ,]+){0,5}?(?:close-?ups?|shots?|videos?|clips?|footage|"
    r"scenes?|views?|photos?|photographs?|"
    r"images?|pictures?|animations?|portraits?|renders?|renderings?|depictions?|timelapse|time-lapse|hyperlapse|film|illustration|"
    r"painting|pov|angle|perspective|sequence|montage|recording|still|gif|sketch|macro|panorama|snapshot)"
    r"(?: (?:shot|view|video|footage|scene|clip))? "
    r"(?:of|showing|shows|where|in which|depicting|depicts|captures|capturing|featuring|features|with)\b\s*|"
    r"(?:a |the )?(?:slow |gentle |smooth )?(?:zoom|push|dolly|pan|tilt)(?:s|ing)? (?:in|out|over|across|down|up)"
    r"(?: (?:on|to|from|towards?))?\b\s*|"
    r"there (?:is|are)\b\s*|(?:we|you|one)(?: can)? see\b\s*)",
    re.IGNORECASE,
)
_SOME = frozenset(str.split("one another each both all some many several most half two three few none neither others rest"))
"""Words that may stand for some of those named before."""
_COMPARED = frozenset(
    str.split(
        "older elder younger taller shorter bigger smaller larger fatter thinner heavier lighter stronger weaker faster slower "
        "longer"
    )
)
"""Words that tell one of two from the other."""
_ONE_ONLY = frozenset({"a", "an", "this", "that", "another", "each", "every", "one"})
"""Determiners of one alone."""
_WHERE = frozenset(str.split("inside outside above below behind nearby around opposite across beside beneath underneath"))
"""Words that tell where somebody is without naming a place."""
_SHARES = frozenset(str.split("half most dozens hundreds thousands lots plenty tons"))
"""Words before "of" that say how many of those named after it."""
_NUMBERED = frozenset({"one", "this", "of"})
_SHOWS = frozenset({"shows", "depicts", "captures", "features", "shots", "views", "videos", "clips", "scenes"})
_SIDES = re.compile(r"(left|right|side|front|back|middle|center|centre|foreground|background|far left|far right)$")


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun phrase."""

    head: str
    """Its class noun, in the singular where it names one."""
    words: tuple[str, ...] = ()
    """The phrase without determiner, as the prompt words it."""
    determiner: str = ""
    """Determiner or possessive pronoun; empty where there is none."""
    count: int | None = 1
    """How many it names; None: several, and not said how many."""
    owner: Noun | None = None
    """Whose it is, where a noun says so."""
    pronoun: str = ""
    """The pronoun, where it is one."""
    others: int = 0
    """How many more would do as well: two for "one of three balloons"."""
    inner: tuple[Noun, ...] = ()
    """Nouns inside its modifiers, which a pronoun may mean."""

    @property
    def text(self) -> str:
        """The phrase in words."""
        return " ".join(self.words).replace(" 's", "'s")

    @property
    def kind(self) -> str:
        """The word that says of which sort it is, of compound nouns the last too."""
        return self.head


def is_name(noun: Noun, known: Vocabulary) -> bool:
    """Whether a noun is a name, "Emma": with a capital, without determiner, and in no list."""
    if noun.determiner or noun.pronoun or noun.owner is not None or noun.count != 1 or not noun.words:
        return False
    low = noun.words[-1].lower()
    return noun.words[-1][:1].isupper() and not (known.is_noun(low) or known.is_living(low) or known.has("vehicles", low))


@dataclass(slots=True)
class Words:
    """The words of a sentence, lower case for looking up, and as they were written."""

    raw: tuple[str, ...]
    """As written; entries of several words are joined by spaces."""
    low: tuple[str, ...] = field(init=False)
    """In lower case."""

    def __post_init__(self) -> None:
        self.low = tuple(word.lower() for word in self.raw)

    def __len__(self) -> int:
        return len(self.raw)

    def at(self, index: int) -> str:
        """Return the word in lower case, empty beyond the end."""
        return self.low[index] if 0 <= index < len(self.low) else ""


def sentences(text: str) -> list[str]:
    """Return the sentences of a prompt, without what only says that it is a video."""
    plain = text.replace("’", "'").replace("`", "'").replace("“", '"').replace("”", '"').replace('"', " ")
    parts = re.split(r"[.;!?\n]+(?=\s|$)", without_set_phrases(plain))
    known = vocabulary()
    return [cut for part in parts if (cut := _opened(without_looks(without_camera(_opened(part.strip()), known), known)))]


def _opened(sentence: str) -> str:
    """Return a sentence less an opening such as "a close-up shot of"; "a painter paints a portrait of" is none."""
    found = _OPENERS.match(sentence)
    if found is None:
        return sentence
    known = vocabulary()
    words = re.findall(r"[\w'-]+", found.group(0).lower())[:-1]
    if any(THIRD in known.verb_forms.get(word, {}) and word not in _SHOWS for word in words):
        return sentence
    # "A woman is painting a portrait of": somebody does something before the picture is named.
    inner = words[1:] if words[0] not in ("in", "on", "at", "there", "we", "you", "one") else []
    if any(known.has("auxiliaries", word) or (known.has("determiners", word) and word not in _NUMBERED) for word in inner):
        return sentence
    if any(known.is_living(word) for word in words[:-1]):
        return sentence
    return sentence[found.end() :].strip()


def split_words(sentence: str, known: Vocabulary) -> Words:
    """Return the words of a sentence; possessive endings are words of their own, and known entries of several words are one."""
    found: list[str] = []
    for word in _TOKEN.findall(sentence):
        low = word.lower()
        if low.endswith("'s") and low not in ("it's", "he's", "she's", "that's", "there's", "who's"):
            found += [word[:-2], "'s"]
        elif low in ("it's", "he's", "she's", "that's", "who's"):
            found += [word[:-2], "is"]
        elif word in ("—", "–", "-", "--", "(", ")", ":"):
            found.append(",")
        else:
            found.append(word)
    _done_before(found, known)
    found = [word for place, word in enumerate(found) if not _between(found, place, known)]
    _round_as_preposition(found, known)
    # "the boys' kites": the ending is lost by the pattern above, and the plural stands as a noun before a noun.
    joined: list[str] = []
    index = 0
    while index < len(found):
        size = 1
        for entry in known.joined.get(found[index].lower(), ()):
            if tuple(word.lower() for word in found[index : index + len(entry)]) == entry and not (
                entry[-1] == "to" and _doing(found, index + len(entry), known)
            ):
                size = len(entry)
                break
        joined.append(" ".join(found[index : index + size]))
        index += size
    return Words(tuple(_verbs_joined(joined, known)))


def _done_before(found: list[str], known: Vocabulary) -> None:
    """Write "having stolen" as "stealing": who does the one and then the other is the same."""
    place = 0
    while place + 1 < len(found):
        base = known.verb_forms.get(found[place + 1].lower(), {}).get(PARTICIPLE)
        if found[place].lower() == "having" and base is not None:
            found[place : place + 2] = [progressive(base)]
        place += 1


def _verbs_joined(found: list[str], known: Vocabulary) -> list[str]:
    """Return words with those verbs in one that are written in two: "grandma arm wrestling a gorilla"."""
    joined: list[str] = []
    index = 0
    while index < len(found):
        whole = "-".join(found[index : index + 2])
        one = known.verb_forms.get(whole.lower()) if index + 1 < len(found) else None
        if (
            one
            and not known.has("prepositions", found[index + 1].lower())
            and _acts_here(joined[-1].lower() if joined else "", found[index].lower(), known)
        ):
            joined.append(whole)
            index += 2
        else:
            joined.append(found[index])
            index += 1
    return joined


def _acts_here(before: str, word: str, known: Vocabulary) -> bool:
    """Whether a verb may begin behind a word: behind one who acts, or where a sentence or a part of it begins."""
    if word in known.pairs["parts"] and before in ("robot", "android", "cyborg", "skeleton"):
        return False  # "a robot hand feeds a baby"
    named = known.is_living(before) or known.has("auxiliaries", before) or known.has("subject_pronouns", before)
    return not before or named or before in (",", "and", "then", "to") or _is_adverb(before, known)


def _between(words: list[str], place: int, known: Vocabulary) -> bool:
    """Whether a word only tells amid what it is done: "catches her mid-leap"."""
    before = words[place - 1].lower() if place else ""
    named = known.has("prepositions", before) or (known.has("determiners", before) and before != "her")
    return words[place].lower().startswith("mid-") and place > 0 and not named


def _doing(words: list[str], index: int, known: Vocabulary) -> bool:
    """Whether a verb with its object stands at a word, so that "down to" is no preposition: "bends down to kiss a dog"."""
    word, after = (words[at].lower() if at < len(words) else "" for at in (index, index + 1))
    opens = any(known.has(name, after) for name in ("determiners", "possessives", "object_pronouns"))
    return BASE in known.verb_forms.get(word, {}) and opens


def _round_as_preposition(found: list[str], known: Vocabulary) -> None:
    """Write "round" as "around" where it is no adjective: "an arm round her shoulders", "swings round and"."""
    for place, word in enumerate(found):
        after = found[place + 1].lower() if place + 1 < len(found) else ""
        opens = not after or after in (",", "and") or any(known.has(name, after) for name in ("determiners", "possessives"))
        if word.lower() == "round" and place and opens and not known.has("determiners", found[place - 1].lower()):
            found[place] = "around"


class NounReader:
    """Reads noun phrases from a sentence's words."""

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

    def _acts(self, index: int) -> bool:
        """Whether a word after "another" is the verb of that one, not its noun: "another kicks", but "another frame"."""
        known, word, after = self.known, self.words.at(index), self.words.at(index + 1)
        kinds = known.verb_forms.get(word, {})
        if THIRD in kinds and any(known.has(name, after) for name in ("determiners", "possessives", "object_pronouns")):
            return True  # "the other watches it"
        past = BASE not in kinds and (PAST in kinds or PARTICIPLE in kinds)
        return not known.is_noun(word) and (THIRD in kinds or ING in kinds or past)

    def _one_so(self, index: int) -> tuple[Noun, int] | None:
        """Return "the older one", "the former" or "the taller", which tell one of those named before from the rest."""
        word, after, known = self.words.at(index + 1), self.words.at(index + 2), self.known
        if self.words.at(index) != "the" or not word:
            return None
        if word in ("former", "latter") and (not self._nominal(index + 2) or self._acts(index + 2)):
            return Noun(word, (word,), "the", pronoun=f"{word} one"), index + 2
        compared = word in _COMPARED or (word.endswith("est") and word[:-3] + "er" in _COMPARED)
        if after == "one" and (compared or known.has("adjectives", word)) and word != "other":
            return Noun(word, (word, "one"), "the", pronoun=f"{word} one"), index + 3
        if compared and (not self._nominal(index + 2) or self._acts(index + 2)):
            return Noun(word, (word,), "the", pronoun=f"{word} one"), index + 2
        return None

    def _some_of_them(self, index: int) -> tuple[Noun, int] | None:
        """Return "one of them", "both" or "the others" where such words stand for somebody."""
        word, after = self.words.at(index), self.words.at(index + 1)
        if word == "the" and after in ("others", "rest"):
            index, word, after = index + 1, after, self.words.at(index + 2)
        if word not in _SOME:
            return None
        if after == "of" and self.words.at(index + 2) in ("them", "these", "those", "us", "whom", "which"):
            end = index + 3
        elif after == "of" or (word not in ("others", "rest") and (word == "one" or not self._theirs(index + 1, word))):
            return None
        else:
            end = index + 1
        one = word in ("one", "each", "another", "neither", "none")
        return Noun(word, (word,), count=1 if one else None, pronoun=f"{word} of them"), end

    def _theirs(self, index: int, word: str) -> bool:
        """Whether a verb of those whom "both" or "each" stands for follows."""
        kinds = self.known.verb_forms.get(self.words.at(index), {})
        if self.known.has("auxiliaries", self.words.at(index)) or (PAST in kinds and BASE not in kinds):
            return True
        if word in ("each", "another", "neither"):
            return THIRD in kinds and not self.known.is_noun(self.words.at(index))
        return BASE in kinds and self._opens(index + 1)

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
        return not (known.has("adverbs", word) or _is_adverb(word, known)) or known.has("adjectives", word)

    def _inside_phrase(self, index: int) -> bool:
        """Whether a word is a determiner, or an adjective behind one: "its back", "a silver back"."""
        known = self.known
        while known.has("adjectives", self.words.at(index)) and not known.has("determiners", self.words.at(index)):
            index -= 1
        word = self.words.at(index)
        return word in ("the", "a", "an", "'s") or known.has("possessives", word)

    def _verb(self, index: int) -> str | None:
        return next(iter(self.known.verb_forms.get(self.words.at(index), {}).values()), None)

    def _finite(self, index: int) -> bool:
        kinds = self.known.verb_forms.get(self.words.at(index), {})
        return THIRD in kinds or PAST in kinds

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
            if word in _SOME and word != "one" and self.words.at(index) == "of":
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
                and (known.has("adverbs", word) or _is_adverb(word, known))
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

    def _two_named(self, first: int, end: int) -> bool:
        """Whether a plural of living beings is followed by what they are given: "gives the children apples"."""
        known, low = self.known, self.words.low
        if end - first != 2 or not (known.is_living(low[first]) and known.is_plural(low[first])):
            return False
        return known.is_plural(low[first + 1]) and not known.is_living(low[first + 1])

    def _outcome(self, index: int, first: int) -> bool:
        """Whether the last word of a phrase tells what becomes of it: "paints the dog green", "licks the bowl clean"."""
        known, word, before = self.known, self.words.at(index), self.words.at(index - 1)
        if index <= first or not known.has("adjectives", word) or known.has("materials", word):
            return False
        if self.words.at(index + 1) == "of":
            return False
        named = known.is_living(before) or not known.has("adjectives", before)
        return named and before != "egg" and (not self._nominal(index + 1) or known.has("adverbs", self.words.at(index + 1)))

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
        while self.known.has("adverbs", self.words.at(index)) or _is_adverb(self.words.at(index), self.known):
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


def _is_adverb(word: str, known: Vocabulary) -> bool:
    return word.endswith("ly") and len(word) > 4 and not known.has("not_adverbs", word)


def _lowered(word: str, opens: bool) -> str:
    """Return a sentence's first word as it is written inside one; names and abbreviations stay."""
    return word.lower() if opens and not word.isupper() and not any(letter.isupper() for letter in word[1:]) else word


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
