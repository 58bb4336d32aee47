"""From a prompt to sentences, and from a sentence to its words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from intergeneval.verbs.forms import progressive
from intergeneval.verbs.prompts.asides import without_camera, without_looks, without_set_phrases
from intergeneval.verbs.prompts.vocabulary import BASE, PARTICIPLE, THIRD, Vocabulary, vocabulary

_TOKEN = re.compile(r"[^\W_]+(?:['.&-][^\W_]+)*|[,:()]|—|–|-{1,2}(?=\s)")
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
_NUMBERED = frozenset({"one", "this", "of"})
_SHOWS = frozenset({"shows", "depicts", "captures", "features", "shots", "views", "videos", "clips", "scenes"})


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
    return not before or named or before in (",", "and", "then", "to") or is_adverb(before, known)


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


def is_adverb(word: str, known: Vocabulary) -> bool:
    """Whether a word is an adverb by its ending."""
    return word.endswith("ly") and len(word) > 4 and not known.has("not_adverbs", word)
