"""Who and what a prompt speaks of: which words mean one that was named before, and whom a pronoun means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from intergeneval.verbs.prompts.nouns import Noun, is_name
from intergeneval.verbs.prompts.vocabulary import Vocabulary

_ORDINALS = ("first", "second", "third", "fourth")
_NEW = frozenset({"another", "other", "second", "third", "different"})
_TELL_NOTHING = frozenset({*_NEW, "first", "last", "one", "same"})
"""Adjectives that do not tell how one looks."""
_ONTO = frozenset(str.split("climb cross enter leave circle jump leap land perch hop run fly swim walk crawl pass"))
"""What is done about a thing that is only where somebody is."""
_BLOWS = frozenset(str.split("kick hit punch slap poke attack fight stab spear whack lick chase sting bite scratch claw peck"))
"""What is done to animals as well as to things."""
_POSSESSED = frozenset({"his", "her", "their"})
_DAMAGE = frozenset({"break", "smash", "shatter", "crack", "damage"})
_THROWN = frozenset({"throw", "toss", "hurl", "fling", "kick", "hit"})
"""What is broken by these need not be what is thrown."""
_AFTER = frozenset(str.split("chase follow run flee race pursue sprint dodge board"))
"""What is done about one who moves."""
_PERSONS = {"he": "he", "him": "he", "she": "she", "her": "she"}
"""Pronouns that name somebody where the prompt names nobody whom they may mean."""


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


class Cast:
    """Those a prompt names so far."""

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

    def mention(self, nouns: Sequence[Noun]) -> None:
        """Take in nouns that only a pronoun of a later sentence may mean."""
        for noun in nouns:
            if (
                not noun.pronoun
                and noun.head not in self.known.words["places"]
                and not self._only_how(noun)
                and not any(one.noun is noun for one in self.entities)
            ):
                self.resolve(noun)

    def _only_how(self, noun: Noun) -> bool:
        """Whether a bare word tells how somebody is, "the robot was sad", and names nobody."""
        known = self.known
        named = known.is_noun(noun.head) or known.is_living(noun.head) or known.has("materials", noun.head)
        return not (noun.determiner or noun.owner or named) and all(known.has("adjectives", word.lower()) for word in noun.words)

    def appearances(self, order: Sequence[int]) -> dict[int, str]:
        """Return how each looks, in words that tell them apart."""
        looks = {}
        for index in order:
            one = self.entities[index]
            text = " ".join(one.words).replace(" 's", "'s") or one.head
            looks[index] = text if one.twin is None else f"{_ORDINALS[one.twin]} {text}"
        seen: dict[tuple[str, str], int] = {}
        for index in order:
            key = (self.entities[index].head, looks[index])
            if key in seen:
                looks[index] = f"other {looks[index]}"
            seen[key] = index
        return looks

    def resolve(self, noun: Noun, *, role: str = "object") -> tuple[int, ...]:
        """Return the entities that a noun means; empty for a pronoun that nobody fits."""
        if noun.pronoun:
            kept = self.acting.get(id(noun)) if role == "subject" else None
            found = kept[1] if kept is not None else self._meant(noun.pronoun, role)
            if found and role == "subject":
                self.acting[id(noun)] = (noun, found)
            if not found and noun.pronoun in _PERSONS and not self._persons_of(noun.pronoun):
                found = self._nobody_named(_PERSONS[noun.pronoun])
        else:
            if noun.owner is not None and noun.head in self.known.pairs["parts"]:
                return self.resolve(noun.owner, role=role)
            if (one := self._told_apart(noun)) is not None:
                self.recent = [index for index in self.recent if index != one] + [one]
                return (one,)
            if noun.count == 1 and self.known.is_living(noun.head) and (one := self._one_of_two(noun)) is not None:
                found = (one,)
                self.recent = [index for index in self.recent if index != one] + [one]
                return found
            old = self.find(noun)
            found = (old,) if old is not None and self.entities[old].pair is None else self._pair_or(noun, old)
        for index in found:
            if index in self.recent:
                self.recent.remove(index)
            self.recent.append(index)
        return found

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

    def _meant(self, pronoun: str, role: str) -> tuple[int, ...]:  # noqa: C901, PLR0911, PLR0912  # one case a kind of word
        known = self.known
        back = [i for i in reversed(self.recent) if role != "subject" or i not in self.done_to]
        if pronoun in ("he", "him", "she", "her"):
            other = "feminine" if pronoun in ("he", "him") else "masculine"
            mine = "masculine" if other == "feminine" else "feminine"
            fitting = [i for i in back if self._person(i) and self.entities[i].count == 1]
            fitting = [i for i in fitting if self.entities[i].head not in known.words[other] and not self._said(i, other)]
            if role == "object":
                fitting = [i for i in fitting if i not in self.subject]
            sure = [i for i in fitting if self.entities[i].head in known.words[mine] or self._said(i, mine)]
            likely = self._likely(fitting, sure, role)
            if likely is not None:
                return likely
            animals = [
                i for i in back if known.is_living(self.entities[i].head) and i not in (self.subject if role == "object" else ())
            ]
            return tuple((sure or fitting or animals)[:1])
        if pronoun == "it":
            back = [i for i in back if self.entities[i].head not in known.pairs["parts"]]
            acting = self.subject if role == "object" else ()
            if (likely := self._likely_thing(role)) is not None:
                return likely
            last = [
                i
                for i in self.objects
                if i in back and i not in acting and not known.is_person(self.entities[i].head) and self._single(i)
            ]
            if last:
                return (last[-1],)
            fitting = [i for i in back if not known.is_person(self.entities[i].head) and self._single(i)]
            if role == "object":
                fitting = [i for i in fitting if i not in self.subject]
                things = fitting
            else:
                things = [i for i in fitting if known.is_living(self.entities[i].head)]
            return tuple((things or fitting)[:1])
        if pronoun in ("they", "them", "who"):
            if role == "subject" and len(self.subject) > 1:
                return self.subject if not self._others_acted_on() else ()
            if role == "object":
                return self._those()
            many = [i for i in back if self.entities[i].count != 1]
            paired = [i for i in back if self.entities[i].pair is not None and i not in self.subject]
            living = [i for i in many if known.is_living(self.entities[i].head)]
            if living and len(living) < len(many) and not paired and not known.has("falling", self.verb):
                return (living[0],) if len(living) == 1 else ()
            if many:
                return (many[0],)
            if paired:
                return tuple(sorted((paired[0], self.entities[paired[0]].pair or 0)))
            if role == "subject":
                people = [i for i in back if known.is_living(self.entities[i].head)]
                return tuple(sorted(people[:2])) if len(people) > 1 else tuple(people)
            return ()
        if pronoun in ("one of them", "another of them"):
            return self._one_of_them(pronoun == "one of them")
        if pronoun in ("both of them", "all of them", "each of them"):
            them = self._meant("they", role)
            return them if len(them) == 2 or pronoun != "both of them" else ()
        if pronoun.endswith(" one"):
            return self._so_told(pronoun.removesuffix(" one"))
        if pronoun in ("one", "other"):
            pair = next((i for i in back if self.entities[i].pair is not None), None)
            if pair is None:
                return ()
            two = sorted((pair, self.entities[pair].pair or 0))
            if pronoun == "one":
                return (two[0],) if role == "subject" else (two[1],)
            taken = self.subject if role == "object" else ()
            return tuple(i for i in two if i not in (taken or (two[0],)))[:1]
        return ()

    def _others_acted_on(self) -> bool:
        """Whether those acted upon last are several living beings too, so that "they" may mean them."""
        several = [i for i in self.objects if i not in self.subject and self.known.is_living(self.entities[i].head)]
        return len(several) > 1 or any(self.entities[i].count != 1 for i in several)

    def _those(self) -> tuple[int, ...]:
        """Return whom "them" means, nobody where two groups are as likely."""
        known = self.known
        back = [i for i in reversed(self.recent) if i not in self.subject]
        alive = {i: known.is_living(self.entities[i].head) or self.entities[i].head in known.words["groups"] for i in back}
        last = [i for i in self.objects if i in alive]
        groups: list[tuple[int, ...]] = []
        for i in back:
            pair = self.entities[i].pair
            if self.entities[i].count == 1 and pair is None:
                continue
            group = (i,) if pair is None else tuple(sorted((i, pair)))
            if group not in groups:
                groups.append(group)
        if len(last) > 1 and len({alive[i] for i in last}) == 1:
            # "feeds birds and squirrels": all of what was acted upon.
            groups = [tuple(last), *(group for group in groups if not set(group) & set(last))]
        living = [group for group in groups if alive[group[0]]]
        things = [group for group in groups if not alive[group[0]]]
        acted = [group for group in groups if set(group) & set(last)]
        if known.has("alive", self.verb):
            if living:
                return living[0] if len(living) == 1 else ()
            singles = self._two_named(alive)
            return singles or (acted[0] if len(acted) == 1 else ())
        if not groups:
            return self._two_named(alive)
        if len(groups) == 1:
            return groups[0]
        if len(acted) == 1 and (not living or acted[0] in things or len(living) == 1):
            return acted[0]
        return ()

    def _two_named(self, alive: Mapping[int, bool]) -> tuple[int, ...]:
        """Return the two whom the clause before names as one and the other, nobody where they are not two."""
        named = sorted(i for i, lives in alive.items() if lives and self.entities[i].count == 1)
        if len(named) > 2:
            named = [i for i in named if i in (*self.topic, *self.objects)]
        return tuple(named) if len(named) == 2 else ()

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

    def _likely(self, fitting: list[int], sure: list[int], role: str) -> tuple[int, ...] | None:
        """Return whom of several persons "he" or "she" means, nobody where two are as likely; None where it is no question."""
        told = [i for i in fitting if i in self.topic]
        equal = sure or fitting
        if role == "subject" and not self.under and self._either(told, sure, fitting):
            return ()
        if len(equal) < 2 and not (self.under and told and sure and told[0] not in equal):
            return None
        if len(told) != 1:
            return None if role == "object" and not told else ()
        kin = all(self.entities[i].noun.determiner in ("his", "her") for i in equal if i not in told)
        if told[0] not in equal and not kin:
            return None
        return (told[0],) if self.under and role == "subject" else ()

    def _either(self, told: list[int], sure: list[int], fitting: list[int]) -> bool:
        """Whether one of fitting sex acted on another whose word says no sex: "a policeman stops a biker and he shouts"."""
        others = [i for i in fitting if i in self.objects and i not in told]
        if len(told) != 1 or sure != told or len(others) != 1 or self.entities[others[0]].noun.determiner in _POSSESSED:
            return False
        return self.known.is_person(self.entities[others[0]].head)

    def _likely_thing(self, role: str) -> tuple[int, ...] | None:  # noqa: PLR0911  # one case a kind of word
        """Return whom "it" means where an animal did something to something; nobody where both are as likely, None else."""
        known = self.known
        if self.under and self.idle and role == "object":
            alone = [i for i in self.topic if not known.is_person(self.entities[i].head) and self._single(i)]
            return tuple(alone) if len(alone) == 1 and alone[0] not in self.subject else None
        if self.idle and role == "object" and any(self._animal(i) for i in self.topic if i not in self.subject):
            # "A mole pops out of a hole, and a gardener whacks it": the hole is only where it was.
            sure = known.has("alive", self.verb) or self.verb in _BLOWS
            return tuple(i for i in self.topic if self._animal(i))[:1] if sure else ()
        none = self.subject if role == "object" else self.done_to
        told = [i for i in self.topic if self._animal(i) and i not in none]
        last = [i for i in self.objects if i not in (*self.subject, *told) and self._single(i)]
        last = [i for i in last if role == "object" or i not in self.done_to]
        last = [i for i in last if not known.is_person(self.entities[i].head)]
        if not told and last and role == "object":
            return self._thing_or(last[-1])
        if len(told) != 1 or not last:
            return None
        living = self._animal(last[-1])
        if role == "subject":
            return None if not living and known.has("falling", self.verb) else (told[0],) if self.under else ()
        if not living and self.last_verbs and self.last_verbs[0] in _ONTO and self.verb in _AFTER:
            return (told[0],)  # "a squirrel climbs a tree, and a dog chases it"
        if not living and self.last_verbs and self.last_verbs[0] in _ONTO and not known.has("alive", self.verb):
            return ()  # "a bear climbs a tree, and a hunter films it"
        if not living and self.verb in _BLOWS and role == "object":
            return ()  # "a shark bites a surfboard, and a surfer kicks it"
        if known.has("alive", self.verb) and not living:
            animals = any(self._animal(i) for i in self.subject) and not known.has("called_to", self.verb)
            return () if animals else (told[0],)
        if self.under:
            return (told[0],) if living else ()
        return () if living and known.has("alive", self.verb) else None

    def _thing_or(self, last: int) -> tuple[int, ...] | None:
        """Return whether "it" means the thing that acted rather than the one acted upon; nobody where both are as likely."""
        known = self.known
        if self.verb in _DAMAGE and _THROWN & set(self.last_verbs):
            # What is broken by a throw at something need not be what is thrown.
            beside = [i for i, one in enumerate(self.entities) if i > last and not known.is_living(one.head) and one.count == 1]
            if beside:
                return ()
        acting = [i for i in self.topic if i not in self.subject and not known.is_living(self.entities[i].head) and i != last]
        if len(acting) != 1 or not self._single(acting[0]) or known.is_living(self.entities[last].head):
            return None
        ridden, other = (known.has("vehicles", self.entities[i].head.split()[-1]) for i in (acting[0], last))
        if known.has("called_to", self.verb) and ridden and not other:
            return (acting[0],)
        struck = any(known.has("falling", verb.split()[0]) for verb in self.last_verbs)
        return () if known.has("alive", self.verb) or struck or (ridden and self.verb in _AFTER) else None

    def _animal(self, index: int) -> bool:
        head = self.entities[index].head
        return self.known.is_living(head) and not self.known.is_person(head) and self._single(index)

    def _one_of_them(self, first: bool) -> tuple[int, ...]:
        """Return one of those named last: of two the first, of a group one of them."""
        for index in reversed(self.recent):
            one = self.entities[index]
            if one.pair is not None:
                two: tuple[int, ...] | None = tuple(sorted((index, one.pair)))
            else:
                two = self.two_of(index)
            if two is not None:
                return two[:1] if first else two[1:]
        return ()

    def _nobody_named(self, word: str) -> tuple[int, ...]:
        """Return whom "he" means where no person is named: one of a name that no list knows, or else somebody new."""
        known = self.known
        unknown = [
            i for i in self.recent
            if i not in self.subject and self.entities[i].count == 1 and not known.is_noun(self.entities[i].head)
            and (not self.entities[i].noun.determiner or i in self.topic or self._capital(i))
            and not known.is_living(self.entities[i].head) and not known.has("vehicles", self.entities[i].head)
        ]  # fmt: skip
        if unknown:
            return (unknown[0],) if len(unknown) == 1 else ()
        return (self._added(Noun("person", (word,), "the")),)

    def _persons_of(self, pronoun: str) -> list[int]:
        """Return every person whom "he" or "she" may mean."""
        other = "feminine" if pronoun in ("he", "him") else "masculine"
        return [
            i for i in self.recent
            if (self._person(i) or self.known.is_living(self.entities[i].head)) and self.entities[i].count == 1
            and self.sex(i) != other
            and i not in self.subject
        ]  # fmt: skip

    def _capital(self, index: int) -> bool:
        """Whether one is written with a capital: "the Joker"."""
        words = self.entities[index].words
        return bool(words) and words[-1][:1].isupper()

    def _person(self, index: int) -> bool:
        """Whether one is a person, by the class or by a name."""
        one = self.entities[index]
        return self.known.is_person(one.head) or is_name(one.noun, self.known)

    def _single(self, index: int) -> bool:
        """Whether "it" may mean this one: one thing, or one group that is named as one."""
        one = self.entities[index]
        grouped = bool(one.words) and any(self.known.has("groups", word) for word in (one.words[0], one.head))
        return one.count == 1 or (one.count is None and (grouped or not self.known.is_plural(one.head)))

    def _said(self, index: int, sex: str) -> bool:
        return any(word.lower() in self.known.words[sex] for word in self.entities[index].words)
