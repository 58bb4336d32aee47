"""English verb forms: enough to find a verb of a prompt in the lexicon and to put it into a question.

Regular forms follow the spelling rules (carry -> carries, carrying, carried; chase -> chasing; pat -> patting); the lexicon lists
the irregular ones. Only the final consonant of words of one syllable is doubled, which holds for the lexicon's verbs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_VOWELS = "aeiou"
_SIBILANTS = ("s", "x", "z", "ch", "sh", "o")
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_ASCII_WORD = re.compile(r"[a-z]+(?:['-][a-z]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """The written forms of one verb without its particles."""

    base: str
    """Infinitive, such as ``carry``."""
    third: str
    """Third person singular, such as ``carries``."""
    progressive: str
    """The -ing form, such as ``carrying``."""
    past: str
    """Past tense, such as ``carried``."""
    participle: str
    """Past participle, such as ``carried``."""


def words_of(text: str, *, ascii_only: bool = False) -> list[str]:
    """Return the lower-case words of a text; hyphens and apostrophes inside a word stay.

    `ascii_only` breaks words at letters beyond a to z, as question templates of version 1 had them.
    """
    return (_ASCII_WORD if ascii_only else _WORD).findall(text.lower().replace("’", "'"))


def forms_of(base: str, irregular: Mapping[str, tuple[str, str]]) -> Forms:
    """Return all forms of the verb `base`; `irregular` maps base to (past tense, past participle)."""
    regular = _with_suffix(base, "ed")
    past, participle = irregular.get(base, (regular, regular))
    return Forms(base=base, third=third(base), progressive=_with_suffix(base, "ing"), past=past, participle=participle)


def third(base: str) -> str:
    """Return the third person singular of a base form."""
    if base.endswith("y") and base[-2:-1] not in _VOWELS:
        return base[:-1] + "ies"
    return base + ("es" if base.endswith(_SIBILANTS) else "s")


def progressive(base: str) -> str:
    """Return the -ing form of a base form."""
    return _with_suffix(base, "ing")


def guess_base(word: str) -> str | None:
    """Return a likely base form of a third-person form (``juggles`` -> ``juggle``), None where `word` is not one."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "zzes", "ches", "shes", "oes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith("ss") and len(word) > 2:
        return word[:-1]
    return None


def _with_suffix(base: str, suffix: str) -> str:
    if base.endswith("ie") and suffix == "ing":
        return base[:-2] + "ying"
    if base.endswith("e") and not (suffix == "ing" and base.endswith(("ee", "oe", "ye"))):
        return base[:-1] + suffix
    if base.endswith("y") and suffix == "ed" and base[-2:-1] not in _VOWELS:
        return base[:-1] + "ied"
    return (base + base[-1] if _doubles(base) else base) + suffix


def _doubles(base: str) -> bool:
    """Whether the final consonant is doubled: one syllable that ends consonant, vowel, consonant."""
    if len(base) < 3 or base[-1] in _VOWELS + "wxy":
        return False
    syllables = len(re.findall(r"[aeiouy]+", base.replace("qu", "q")))
    return syllables == 1 and base[-2] in _VOWELS and base[-3] not in _VOWELS
