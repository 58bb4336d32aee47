"""Who and what a prompt speaks of: which words mean one that was named before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from intergeneval.verbs.prompts.nouns import Noun, is_name
from intergeneval.verbs.prompts.vocabulary import Vocabulary

_ORDINALS = ("first", "second", "third", "fourth")
_NEW = frozenset({"another", "other", "second", "third", "different"})
_TELL_NOTHING = frozenset({*_NEW, "first", "last", "one", "same"})
"""Adjectives that do not tell how one looks."""


@dataclass(slots=True, kw_only=True)
class Entity:
    """One who or that is spoken of."""

    head: str
    """Its class noun."""
    words: tuple[str, ...]
    """How it was first told."""
    count: int | None = 1
    """How many it stands for; None: several."""
    noun: Noun
    """As it was first named."""
    twin: int | None = None
    """Which of two of one name it is, from 0; None: it is not one of two."""
    pair: int | None = None
    """The other of the two."""
    by: list[str] = field(default_factory=list)
    """Every determiner it was named with."""


def _contradict(one: Noun, other: Noun) -> bool:
    """Whether two nouns of one name are told by different things: "the man in a checked waistcoat", "the man in a cardigan"."""
    mine, theirs = ({item.text.lower() for item in noun.inner} for noun in (one, other))
    return bool(mine and theirs) and mine.isdisjoint(theirs)


class Entities:
    """Those a prompt names so far, and what of them the next words depend on."""

    def __init__(self, known: Vocabulary) -> None:
        self.known = known
        self.entities: list[Entity] = []
        self.recent: list[int] = []
        """Indices in the order in which they were last named."""
        self.objects: tuple[int, ...] = ()
        """What was last acted upon."""
        self.last: list[Any] = []
        self.last_verbs: tuple[str, ...] = ()
        self.subject: tuple[int, ...] = ()
        """Who acted last."""
        self.topic: tuple[int, ...] = ()
        """Of whom the clause before told: in the passive not the one who acted."""
        self.idle = False
        """Whether the clause before told of no one or nothing that something was done to."""
        self.verb = ""
        """What the pronoun's own clause says is done."""
        self.ranks: dict[str, int] = {}
        """Which of two is "the older" or "the black one", by the first words that tell them apart."""
        self.done_to: tuple[int, ...] = ()
        """To whom the pronoun's own clause says in words that it is done: not the one who does it."""
        self.acting: dict[int, tuple[Noun, tuple[int, ...]]] = {}
        """Whom a pronoun that acts was taken to mean, by its identity: further verbs of it are theirs."""
        self.under = False
        """Whether that clause only goes with the one before it: "as he jumps"."""

    def appearances(self, order: Sequence[int]) -> dict[int, str]:
        """Return how each looks, in words that tell them apart."""
        looks = {}
        for index in order:
            one = self.entities[index]
            text = " ".join(one.words).replace(" 's", "'s") or one.head
            looks[index] = text if one.twin is None else f"{self._which_of_two(index)} {text}"
        seen: dict[tuple[str, str], int] = {}
        for index in order:
            key = (self.entities[index].head, looks[index])
            if key in seen:
                looks[index] = f"other {looks[index]}"
            seen[key] = index
        return looks

    def _which_of_two(self, index: int) -> str:
        """Return the word that tells one of two from the other: "taller" where the prompt says so, "first" where it does not."""
        told = {i: word for word, i in reversed(self.ranks.items()) if word not in _TELL_NOTHING | {"former", "latter"}}
        twin = self.entities[index].twin or 0
        return told.get(index) or ("other" if self.entities[index].pair in told else _ORDINALS[twin])

    def sex(self, index: int) -> str:
        """Return "masculine", "feminine", or nothing where no word says it."""
        one = self.entities[index]
        for name in ("masculine", "feminine"):
            if one.head in self.known.words[name] or self._said(index, name):
                return name
        return ""

    def others_with(self, possessive: str, actors: Sequence[int]) -> list[int]:
        """Return those but the ones who act whom "his", "her" or "its" may mean, the last named first."""
        known = self.known
        wanted = {"his": "masculine", "her": "feminine"}.get(possessive)
        found = []
        for index in reversed(self.recent):
            head = self.entities[index].head
            if index in actors or self.entities[index].count != 1 or not known.is_living(head):
                continue
            if possessive == "its" and not known.is_person(head):
                found.append(index)
            if wanted is not None and self.sex(index) in ("", wanted) and (known.is_person(head) or self.sex(index)):
                found.append(index)
        return found

    def apart(self, noun: Noun, look: tuple[str, ...]) -> Noun:
        """Take in one of a name that is taken as another, with the words that tell how it looks; return it with them."""
        told = replace(noun, words=(*noun.words, *look))
        fitting = [i for i, one in enumerate(self.entities) if one.noun == told]
        if not fitting:
            self._added(told)
        return told

    def two_of(self, index: int) -> tuple[int, ...] | None:
        """Return any two of a group that do something to each other; None where there is no group of living beings."""
        one = self.entities[index]
        if one.count == 1 or one.pair is not None:
            return None
        head = self.known.singular(one.head)
        if not self.known.is_living(head) and not (one.count == 2 and self.known.has("vehicles", head)):
            return None
        if one.count == 2:
            plain = replace(one.noun, owner=None)
            first, second = self._added(plain, twin=0), self._added(plain, twin=1)
            self.entities[first].pair, self.entities[second].pair = second, first
            return first, second
        if len(one.words) > 2 and one.words[1] == "of" and self.known.has("groups", one.words[0]):
            one = replace(one, words=one.words[2:])
        article = () if one.words[:1] and one.words[0] in ("his", "her", "its", "their") else ("the",)
        noun = replace(one.noun, head=head, count=1, words=one.words, inner=())
        made = []
        for word in ("one", "another"):
            self.entities.append(
                Entity(head=head, words=(word, "of", *article, *one.words), count=1, noun=replace(noun, determiner=word))
            )
            made.append(len(self.entities) - 1)
        return tuple(made)

    def _pair_or(self, noun: Noun, old: int | None) -> tuple[int, ...]:
        if old is not None:
            one = self.entities[old]
            if noun.count == 1 or one.pair is None:
                return (old,)
            return tuple(sorted((old, one.pair)))
        if noun.count == 2 and self.known.is_living(noun.head):
            first = self._added(noun, twin=0)
            second = self._added(noun, twin=1)
            self.entities[first].pair, self.entities[second].pair = second, first
            return first, second
        return (self._added(noun),)

    def find(self, noun: Noun) -> int | None:
        """Return one named before that a noun means: the same class, and nothing told that contradicts."""
        if (told := self._told_apart(noun)) is not None:
            return told
        words = {word.lower() for word in noun.words}
        again = [i for i, one in enumerate(self.entities) if one.noun.words == noun.words and one.count == noun.count]
        if again and noun.determiner == "the" and words & _NEW and self.entities[again[-1]].twin is None:
            return again[-1]
        if (noun.determiner in ("another", "a", "an") and not noun.others) or words & _NEW:
            same = [i for i, one in enumerate(self.entities) if one.noun is noun]
            return same[0] if same else None
        exact = [index for index, one in enumerate(self.entities) if one.noun == noun and noun.words and noun.determiner]
        if exact:
            return exact[-1]
        singular = self.known.singular(noun.head)
        fitting = [
            index
            for index, one in enumerate(self.entities)
            if self.known.singular(one.head) == singular
            and not _contradict(noun, one.noun)
            and (noun.determiner or noun.count != 1 or one.noun is noun or one.words == noun.words)
            and (
                words <= {word.lower() for word in one.words} or {word.lower() for word in one.words} <= words or one.noun is noun
            )
            and (noun.count == one.count or one.pair is not None)
        ]
        if not fitting and noun.determiner == "the" and len(noun.words) == 1 and noun.count == 1:
            fitting = self._described_as(singular)
        recent = [index for index in reversed(self.recent) if index in fitting]
        return recent[0] if recent else fitting[-1] if fitting else None

    def _described_as(self, head: str) -> list[int]:
        """Return a person who was called otherwise and may be called so: "the man" of a chef, where he is the only one."""
        known = self.known
        if head in ("animal", "creature", "pet"):
            fitting = [i for i, one in enumerate(self.entities) if known.is_living(one.head) and not known.is_person(one.head)]
        elif head in ("man", "woman", "person", "boy", "girl"):
            fitting = [
                i for i, one in enumerate(self.entities)
                if known.is_person(one.head) and one.head not in ("man", "woman", "boy", "girl") and one.count == 1
                and not (head in ("man", "boy") and one.head in known.words["feminine"])
                and not (head in ("woman", "girl") and one.head in known.words["masculine"])
            ]  # fmt: skip
        else:
            fitting = []
        return fitting if len(fitting) == 1 else []

    def _added(self, noun: Noun, twin: int | None = None) -> int:
        head = self.known.singular(noun.head) if twin is not None else noun.head
        words = noun.words
        if twin is not None and words:
            position = next(
                (i for i, word in enumerate(words) if self.known.singular(word.lower()) in (head, head.split()[-1])), None
            )
            if position is not None:
                words = (*words[:position], self.known.singular(words[position].lower()), *words[position + 1 :])
        elif noun.owner is not None:
            words = (f"{noun.owner.text}'s", *words)
        elif noun.count is not None and noun.count > 1 and noun.determiner and not noun.others:
            words = (noun.determiner, *words) if noun.determiner not in ("the", "both", "these", "those") else words
        one = Entity(head=head, words=words, count=1 if twin is not None else noun.count, noun=noun, twin=twin)
        self.entities.append(one)
        self.recent.append(len(self.entities) - 1)
        return len(self.entities) - 1

    def _so_told(self, word: str, pair: int | None = None) -> tuple[int, ...]:
        """Return who is told from the rest by a word: of two alike the first, and by another word the second."""
        if word in self.ranks:
            return (self.ranks[word],)
        if pair is None:
            named = [i for i, one in enumerate(self.entities) if word in [item.lower() for item in one.words] and one.count == 1]
            if named:
                return (named[0],) if len(named) == 1 else ()
            if word in ("former", "latter"):
                pair = next((i for i in reversed(self.recent) if self.entities[i].pair is not None), None)
                two = [i for i, one in enumerate(self.entities) if one.count == 1 and self.known.is_living(one.head)]
                return (two[word == "latter"],) if len(two) == 2 else ()
            pair = next((i for i in reversed(self.recent) if self.entities[i].pair is not None), None)
        if pair is None:
            return ()
        free = [i for i in sorted((pair, self.entities[pair].pair or 0)) if i not in self.ranks.values()]
        if not free:
            return ()
        one = free[-1] if word == "second" else free[0]
        self.ranks[word] = one
        return (one,)

    def _told_apart(self, noun: Noun) -> int | None:
        """Return which of "two brothers" is "the older brother"; None for other words."""
        if noun.determiner != "the" or noun.count != 1 or len(noun.words) != 2 or noun.inner or noun.owner is not None:
            return None
        head, word = self.known.singular(noun.head), noun.words[0].lower()
        pair = next((i for i, one in enumerate(self.entities) if one.twin == 0 and one.head == head), None)
        telling = word not in _TELL_NOTHING and (self.known.has("adjectives", word) or word.endswith(("er", "est")))
        if pair is None or not telling or word in [item.lower() for item in self.entities[pair].words]:
            return None
        if any(one.twin is None and one.head == head for one in self.entities):
            return None
        return next(iter(self._so_told(word, pair)), None)

    def _one_of_two(self, noun: Noun) -> int | None:
        """Return whom "one boy" and then "the other boy" mean; None for other words."""
        head = self.known.singular(noun.head)
        pair = next((i for i, one in enumerate(self.entities) if one.twin == 0 and one.head == head), None)
        other = noun.determiner == "another" or "other" in {word.lower() for word in noun.words}
        if noun.determiner == "one":
            if pair is None:
                plain = Noun(noun.head, noun.words, "two", 2)
                pair = self._pair_or(plain, None)[0]
            return pair
        if other and pair is not None:
            second = self.entities[pair].pair or 0
            return pair if second in self.subject else second
        return None

    def _animal(self, index: int) -> bool:
        head = self.entities[index].head
        return self.known.is_living(head) and not self.known.is_person(head) and self._single(index)

    def _single(self, index: int) -> bool:
        """Whether "it" may mean this one: one thing, or one group that is named as one."""
        one = self.entities[index]
        grouped = bool(one.words) and any(self.known.has("groups", word) for word in (one.words[0], one.head))
        return one.count == 1 or (one.count is None and (grouped or not self.known.is_plural(one.head)))

    def _person(self, index: int) -> bool:
        """Whether one is a person, by the class or by a name."""
        one = self.entities[index]
        return self.known.is_person(one.head) or is_name(one.noun, self.known)

    def _capital(self, index: int) -> bool:
        """Whether one is written with a capital: "the Joker"."""
        words = self.entities[index].words
        return bool(words) and words[-1][:1].isupper()

    def _said(self, index: int, sex: str) -> bool:
        return any(word.lower() in self.known.words[sex] for word in self.entities[index].words)

    def _only_how(self, noun: Noun) -> bool:
        """Whether a bare word tells how somebody is, "the robot was sad", and names nobody."""
        known = self.known
        named = known.is_noun(noun.head) or known.is_living(noun.head) or known.has("materials", noun.head)
        return not (noun.determiner or noun.owner or named) and all(known.has("adjectives", word.lower()) for word in noun.words)
