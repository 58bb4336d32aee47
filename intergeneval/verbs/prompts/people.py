"""Whom the words of a prompt mean: one that was named before, by a noun or by a pronoun, or somebody new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from intergeneval.verbs.prompts.entities import Entities
from intergeneval.verbs.prompts.nouns import Noun

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
_OPENABLE = frozenset(str.split("clam oyster mussel scallop cyborg android skeleton humanoid"))
"""Living beings, as the lists have them, that are opened and filled as things are."""
_BABIES = frozenset({"baby", "infant", "newborn", "toddler"})
"""Persons who are "it" where something is done to them that is done to the living."""
_PERSONS = {"he": "he", "him": "he", "she": "she", "her": "she"}
"""Pronouns that name somebody where the prompt names nobody whom they may mean."""


class Cast(Entities):
    """Those a prompt names, as nouns and pronouns mean them."""

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

    def resolve(self, noun: Noun, *, role: str = "object") -> tuple[int, ...]:
        """Return the entities that a noun means; empty for a pronoun that nobody fits."""
        if noun.pronoun:
            kept = self.acting.get(id(noun)) if role == "subject" else None
            found = kept[1] if kept is not None else self._meant(noun.pronoun, role)
            if noun.pronoun == "it" and role == "object":
                found = self._thing_rather(found)
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
            if not (sure or fitting) and role == "subject" and len(animals) > 1:
                return ()  # "a lion chases a zebra, and he bites it"
            return tuple((sure or fitting or animals)[:1])
        if pronoun == "it":
            back = [i for i in back if self.entities[i].head not in known.pairs["parts"]]
            acting = self.subject if role == "object" else ()
            if len(babies := self._babies(acting)) == 1:
                return tuple(babies)  # "wraps her baby in a blanket and rocks it"
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

    def _babies(self, acting: Sequence[int]) -> list[int]:
        """Return the babies acted upon last, where something is done that is done to the living."""
        soothed = self.known.has("alive", self.verb)
        return [i for i in self.objects if soothed and i not in acting and self.entities[i].head in _BABIES]

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

    def _thing_rather(self, found: tuple[int, ...]) -> tuple[int, ...]:
        """Return whom "it" means where something is done that is done to things, "opens it", though an animal was named last.

        Of an animal that acted the thing named beside it, where it is the only one; nobody where several may be meant.
        """
        known, heads = self.known, [self.entities[i].head for i in found]
        only, often = known.has("done_to_things", self.verb), known.has("rather_to_things", self.verb)
        if len(found) != 1 or not (only or often) or known.is_person(heads[0]) or not self._animal(found[0]):
            return found
        if heads[0] in _OPENABLE or known.has("vehicles", heads[0]) or (found[0] in self.objects and not only):
            return found
        things = [
            i for i in self.recent
            if i not in self.subject and self._single(i) and not known.is_living(self.entities[i].head)
            and self.entities[i].head not in known.pairs["parts"]
        ]  # fmt: skip
        if not things:
            return () if only else found
        return (things[0],) if len(things) == 1 and found[0] not in self.objects else ()

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
