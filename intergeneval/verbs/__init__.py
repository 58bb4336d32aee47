"""The verb lexicon: from the words of a prompt to what an action looks like, and the forms a question needs.

`look_up` finds a verb phrase however the prompt bends it (``is pouring coffee into``, ``quickly lifts``, ``picked up``); a verb
that is not in the lexicon gives None, which is no error. The data lie in ``lexicon.toml``; pure functions, read once.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from intergeneval.ids import sha256_json
from intergeneval.records import Category, Direction
from intergeneval.verbs.entry import Pattern, VerbEntry
from intergeneval.verbs.forms import Forms, forms_of, guess_base, progressive, third, words_of

__all__ = [
    "Forms",
    "Pattern",
    "VerbEntry",
    "VerbPhrase",
    "by_category",
    "entries",
    "framed_classes",
    "lexicon_hash",
    "look_up",
    "look_up_whole",
    "patterns",
    "phrase",
]

_CATEGORY_PATTERN = {
    Category.CONTACT: "touch",
    Category.FORCE: "push",
    Category.TRANSPORT: "carry",
    Category.MANIPULATION: "manipulate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VerbPhrase:
    """A verb phrase in the forms that questions use, its nouns and particles kept."""

    base: str
    """Infinitive, such as ``pour coffee into``."""
    third: str
    """Third person singular, such as ``pours coffee into``."""
    progressive: str
    """The -ing form, such as ``pouring coffee into``."""


@dataclass(frozen=True, slots=True)
class _Lexicon:
    patterns: Mapping[str, Pattern]
    entries: Mapping[str, VerbEntry]
    heads: Mapping[str, tuple[VerbEntry, ...]]
    """Head verb -> entries that begin with it, longest first."""
    forms: Mapping[str, str]
    """Any form of a head verb -> the head verb."""
    participles: frozenset[str]
    auxiliaries: frozenset[str]
    framed: frozenset[str]
    digest: str


_TRAILING = frozenset(
    {"again", "along", "around", "away", "back", "down", "from", "hard", "high", "open", "out", "shut", "together", "up"}
)
"""Words that may follow a verb and its particles without changing what is done to the object."""
_INTO = frozenset({"bite", "chop", "cut", "dig", "drill", "saw", "slice"})
"""Verbs to which ``into`` adds nothing: cutting into a cake is cutting it."""


def look_up_whole(verb: str) -> VerbEntry | None:
    """Return the lexicon's entry for a verb phrase of which it covers the whole, None otherwise.

    As `look_up`, but words that follow the verb and its particles may turn the deed into another: who ``brings to a halt`` brings
    nothing, who ``holds up a palm to`` a taxi lifts no taxi. Such a phrase is no known verb.
    """
    for entry, rest in _fitting(verb):
        head, *particles = entry.lemma.split()
        after = rest if not particles else rest[len(rest) - rest[::-1].index(particles[-1]) :]
        allowed = _TRAILING | ({"into"} if head in _INTO else set())
        if all(word in allowed or word.endswith("ly") for word in after):
            return entry
    return None


def look_up(verb: str) -> VerbEntry | None:
    """Return the lexicon's entry for a verb phrase as a prompt words it, or None for an unknown verb.

    Auxiliaries and adverbs before the verb are skipped and nouns inside the phrase ignored; of the entries that share the head
    verb, the one with the most of its particles present wins. A passive (``is lifted by``) turns the roles round, so it counts as
    unknown rather than as its active verb.
    """
    return next((entry for entry, _ in _fitting(verb)), None)


def by_category(category: Category | None) -> Pattern | None:
    """Return the pattern that an unknown verb of a known category gets; None for social verbs and unknown categories."""
    name = _CATEGORY_PATTERN.get(category) if category is not None else None
    return _lexicon().patterns[name] if name else None


def phrase(verb: str, *, ascii_only: bool = False) -> VerbPhrase:
    """Return base, third person and -ing form of a verb phrase; words that follow the verb are kept as they are.

    The head of an unknown verb is its first word that is neither auxiliary nor adverb. A second verb after ``and`` is bent too.
    """
    lexicon = _lexicon()
    words = words_of(verb, ascii_only=ascii_only)
    position = _head_position(words, lexicon)
    if position is None:
        position = next((i for i, word in enumerate(words) if not _is_filler(word, lexicon)), None)
    if position is None:
        return VerbPhrase(base=verb.strip(), third=verb.strip(), progressive=verb.strip())
    adverbs = [word for word in words[:position] if word.endswith("ly")]
    if _is_passive(words, position, lexicon):
        rest = " ".join(adverbs + words[position:])
        return VerbPhrase(base=f"be {rest}", third=f"is {rest}", progressive=f"being {rest}")
    return VerbPhrase(
        base=" ".join(adverbs + _bend(words[position:], 0, lexicon)),
        third=" ".join(adverbs + _bend(words[position:], 1, lexicon)),
        progressive=" ".join(adverbs + _bend(words[position:], 2, lexicon)),
    )


def entries() -> tuple[VerbEntry, ...]:
    """Return every entry of the lexicon, by lemma."""
    return tuple(item for _, item in sorted(_lexicon().entries.items()))


def patterns() -> Mapping[str, Pattern]:
    """Return every pattern by name."""
    return _lexicon().patterns


def framed_classes() -> frozenset[str]:
    """Return the classes of things that move within a frame of their own, such as doors: their outline hides it."""
    return _lexicon().framed


def lexicon_hash() -> str:
    """Return the sha256 of the lexicon's content: two equal hashes decide the same predicates."""
    return _lexicon().digest


def _fitting(verb: str) -> Iterator[tuple[VerbEntry, Sequence[str]]]:
    """Yield the entries whose verb and particles a phrase has, most particles first, each with the words after the head verb."""
    lexicon = _lexicon()
    words = words_of(verb)
    position = _head_position(words, lexicon)
    if position is None or _is_passive(words, position, lexicon):
        return
    rest = words[position + 1 :]
    for entry in lexicon.heads[lexicon.forms[words[position]]]:
        if _is_subsequence(entry.lemma.split()[1:], rest):
            yield entry, rest


def _bend(words: Sequence[str], form: int, lexicon: _Lexicon) -> list[str]:
    """Bend the head (and a verb after ``and``) to base (0), third person (1) or -ing form (2)."""
    bent = list(words)
    heads = [0] + [i + 1 for i, word in enumerate(words[:-1]) if word == "and" and words[i + 1] in lexicon.forms]
    for index in heads:
        word = words[index]
        known = lexicon.forms.get(word)
        if known is None and word.endswith("ing") and form == 2:
            continue
        base = known or _unknown_base(word)
        bent[index] = (base, third(base), progressive(base))[form]
    return bent


def _unknown_base(word: str) -> str:
    """Return the likely base form of a verb the lexicon does not know."""
    if word.endswith("ing") and len(word) > 5:
        stem = word[:-3]
        silent_e = stem.endswith(("v", "c", "z", "g", "u")) or (stem.endswith("l") and stem[-2] not in "aeioul")
        for candidate in (stem + "e", stem) if silent_e else (stem[:-1], stem, stem + "e"):
            if progressive(candidate) == word:
                return candidate
    return guess_base(word) or word


def _head_position(words: Sequence[str], lexicon: _Lexicon) -> int | None:
    """Return the index of the first word that is a form of a known verb; None when something else comes first."""
    for index, word in enumerate(words):
        if word in lexicon.forms:
            return index
        if not _is_filler(word, lexicon):
            return None
    return None


def _is_passive(words: Sequence[str], position: int, lexicon: _Lexicon) -> bool:
    return words[position] in lexicon.participles and words[-1] == "by"


def _is_filler(word: str, lexicon: _Lexicon) -> bool:
    return word in lexicon.auxiliaries or word.endswith("ly")


def _is_subsequence(needed: Sequence[str], present: Sequence[str]) -> bool:
    remaining = iter(present)
    return all(word in remaining for word in needed)


@functools.cache
def _lexicon() -> _Lexicon:
    text = resources.files("intergeneval.verbs").joinpath("lexicon.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    known = {
        name: Pattern(
            name=name,
            contact=item["contact"],
            motion=item["motion"],
            outcome=item["outcome"],
            deed=item["deed"],
            thing=item.get("thing", False),
            predicates={int(key): value for key, value in item["predicates"].items()},
        )
        for name, item in data["patterns"].items()
    }
    found: dict[str, VerbEntry] = {}
    for row in data["verbs"]:
        direction = Direction(row.get("direction", "unidirectional"))
        for lemma in row["lemmas"]:
            if lemma in found:
                raise ValueError(f"lexicon.toml: the verb {lemma!r} is listed twice")
            found[lemma] = VerbEntry(
                lemma=lemma, category=Category(row["category"]), direction=direction, pattern=known[row["pattern"]]
            )
    return _index(known, found, data)


def _index(known: Mapping[str, Pattern], found: Mapping[str, VerbEntry], data: Mapping[str, object]) -> _Lexicon:
    words = data["words"]
    irregular = data["irregular"]
    assert isinstance(words, dict)
    assert isinstance(irregular, dict)
    heads: dict[str, list[VerbEntry]] = {}
    for entry in found.values():
        heads.setdefault(entry.lemma.split()[0], []).append(entry)
    forms: dict[str, str] = {}
    participles = set()
    bent = {head: forms_of(head, {key: (past, participle) for key, (past, participle) in irregular.items()}) for head in heads}
    # A base form wins over another verb's past ("saw" is a tool before it is a glance), so bases come last.
    for head, item in bent.items():
        forms.update({item.third: head, item.progressive: head, item.past: head, item.participle: head})
        participles.add(item.participle)
    forms.update({head: head for head in heads})
    return _Lexicon(
        patterns=known,
        entries=found,
        heads={head: tuple(sorted(items, key=lambda item: -len(item.lemma.split()))) for head, items in heads.items()},
        forms=forms,
        participles=frozenset(participles),
        auxiliaries=frozenset(words["auxiliaries"]),
        framed=frozenset(words["framed"]),
        digest=sha256_json(data),
    )
