"""Words that stand for some of those named before: "one of them", "the taller", "the former"."""

from __future__ import annotations

from intergeneval.verbs.prompts.nouns import Noun
from intergeneval.verbs.prompts.verb_or_noun import NounEnds
from intergeneval.verbs.prompts.vocabulary import BASE, PAST, THIRD

SOME = frozenset(str.split("one another each both all some many several most half two three few none neither others rest"))
"""Words that may stand for some of those named before."""
_COMPARED = frozenset(
    str.split(
        "older elder younger taller shorter bigger smaller larger fatter thinner heavier lighter stronger weaker faster slower "
        "longer"
    )
)
"""Words that tell one of two from the other."""


class StandIns(NounEnds):
    """Reads words that stand for one or some of those named before."""

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
        if word not in SOME:
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
