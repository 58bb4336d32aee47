"""Where a benchmark's prompt names subject, verb and object: nouns with their modifiers, verbs with particles and auxiliaries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from intergeneval.records import Instance, Interaction, Sample
from matrix_train.roles import Span, find_phrase

_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_DETERMINERS = frozenset({"a", "an", "the", "his", "her", "its", "their", "this", "that", "another", "one", "two", "some"})
_AUXILIARIES = frozenset(
    {"is", "are", "was", "were", "be", "been", "being", "has", "have", "had", "will", "begins", "starts", "to"}
)
_REACH = 4
"""Words between a determiner and its noun that are taken for modifiers."""


def spans_of(sample: Sample, interaction: Interaction) -> dict[str, tuple[Span, ...]]:
    """Return the characters of ``sub``, ``verb`` and ``obj`` in the prompt; a role that is not named has none.

    Of two phrases that fit alike the subject takes the first and the object the first behind the verb.
    """
    verb = _verb(sample.prompt, interaction.verb)
    behind = verb[-1][1] if verb else 0
    found = {"sub": (), "verb": verb, "obj": ()}
    for role, name, start in (("sub", interaction.subject, 0), ("obj", interaction.object, behind)):
        if name is not None:
            found[role] = noun_span(sample.prompt, sample.instance(name), start)
    return found


def noun_span(prompt: str, instance: Instance, start: int = 0) -> tuple[Span, ...]:
    """Return the characters of a prompt that name an instance, the first that do at or after `start`; empty where none do."""
    whole = find_phrase(prompt, instance.appearance, start)
    if whole:
        return whole
    # The prompt may word it shorter, or in another order: take the phrase around the class noun that shares most words.
    wanted = {word.lower() for word in _WORD.findall(instance.appearance)}
    phrases = list(_phrases(prompt, instance))
    if not phrases:
        return ()
    shared = [len(wanted & {word.lower() for word in _WORD.findall(prompt[first:last])}) for first, last in phrases]
    best = [phrase for phrase, count in zip(phrases, shared, strict=True) if count == max(shared)]
    return (next((phrase for phrase in best if phrase[0] >= start), best[0]),)


def _phrases(prompt: str, instance: Instance) -> Iterator[Span]:
    """Yield each place of the class noun, back to behind its determiner and on through what its appearance says after it."""
    tail = _WORD.findall(instance.appearance.lower().partition(instance.class_.lower())[2])
    for match in re.finditer(rf"\b{re.escape(instance.class_)}\b", prompt, re.IGNORECASE):
        first, last = match.span()
        before = list(_WORD.finditer(prompt, 0, first))[-_REACH - 1 :]
        for word, modifier in pairwise(before):
            # The last determiner within reach counts; beyond a comma it belongs to something else.
            if word.group().lower() in _DETERMINERS and not re.search(r"[.,;:]", prompt[word.end() : match.start()]):
                first = modifier.start()
        for word, following in zip(tail, _WORD.finditer(prompt, last), strict=False):
            if following.group().lower() != word:
                break
            last = following.end()
        yield first, last


def _verb(prompt: str, verb: str) -> tuple[Span, ...]:
    found = find_phrase(prompt, verb)
    if not found and verb.strip():
        head, *rest = verb.split()
        for word in _WORD.finditer(prompt):
            if _stem(word.group()) == _stem(head):
                found = find_phrase(prompt, " ".join([word.group(), *rest]), word.start()) or (word.span(),)
                break
    if not found:
        return ()
    first, last = found[0]
    for word in reversed(list(_WORD.finditer(prompt, 0, first))):
        if word.group().lower() not in _AUXILIARIES or prompt[word.end() : first].strip():
            break
        first = word.start()
    return ((first, last), *found[1:])


def _stem(word: str) -> str:
    """Return a verb without its ending, near enough to tell ``lifts``, ``lifting`` and ``lifted`` from other words."""
    stem = re.sub(r"(?:ing|ed|es|s|e)$", "", word.lower())
    return re.sub(r"(.)\1$", r"\1", re.sub(r"i$", "y", stem)) if len(stem) > 2 else word.lower()
