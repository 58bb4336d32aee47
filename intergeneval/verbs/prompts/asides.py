"""What a prompt says beside its deeds, taken out before reading: how the picture is to look, and phrases that name nobody."""

from __future__ import annotations

import re

from intergeneval.verbs.prompts.vocabulary import BASE, ING, PARTICIPLE, PAST, THIRD, Vocabulary

_SET_PHRASES = re.compile(
    r",?\s*\b(?:back and forth|up and down|to and fro|in and out|(?:around|round|over|again|on|side) and "
    r"(?:around|round|over|again|on)|"
    r"(?:from )?side to side|(?:from )?end to end|head over heels|upside down|inside out|back to front|"
    r"(side|cheek|shoulder|nose|hand|arm|neck|face|back|toe|head|eye|elbow|one|step|bit|two|time|page|wing|paw|knee|heart) "
    r"(?:by|in|to|and|after) \1|"
    r"(?:from )?(?:the )?(?:far )?(?:left|right|top|bottom)(?: side)? to (?:the )?(?:far )?(?:left|right|top|bottom)"
    r"(?: side)?(?: of the screen)?|"
    r"(?:to|from) the (?:left|right)(?: side)?(?= (?:of|in|on|at|across|through)\b|\W|$)|in (?:wait|awe|rhythm|harmony)|"
    r"in half|in two|in pieces|(?:in)?to (?:tiny |small |little )?(?:pieces|bits|shreds|slices|halves|cubes|strips|smithereens)|"
    r"(?:all )?at once|at the same time|at full (?:speed|tilt|throttle)|(?:in|at) (?:super )?slow[ -]motion|in (?:real|no) time|"
    r"in (?:fast|double|quick) (?:motion|time|succession)|in (?:the )?meantime|"
    r"face[ -](?:down|up)(?=\W*$| (?:in|on|into|onto|beside|at)\b|,)|"
    r"(?:for|after|in) (?:a|the) (?:while|moment|second|minute|bit|first time|last time|next moment|few \w+)|"
    r"from (?:head to toe|top to bottom|time to time|left to right|right to left|above|below|behind|beneath|afar)|"
    r"on all fours|on tiptoes?|in mid[ -]?(?:air|flight|jump)|in a (?:circle|row|line|queue|hurry|rush|loop|spiral)|"
    r"in (?:circles|rows|unison|sync|tandem|turn)|"
    r"all (?:the way|over(?: the place)?|around|day|night|along)|(?:a|one|the) (?:last|final|third|second|first) time|"
    r"(?:two|three|four|five|several|many|a few|a couple of) times|once more|one last time|"
    r"as (?:a team|if|though)\b[^,.;]*)(?=\W|$)",
    re.IGNORECASE,
)
"""Phrases whose nouns are no instances: "side by side", "to pieces", "at the same time"."""


_SIDEWAYS = re.compile(
    r"\b((?:roll|fl[yi]|dash|drift|driv|mov|slid|turn|run|walk|dart|step|swim|sail|swerv|glid)\w*(?: slowly| quickly)?)"
    r" (?:left|right)(?=\W*$| (?:while|as|and|towards?|past|across|over|on|in|at)\b|,)",
    re.IGNORECASE,
)
"""A side that somebody moves to, which without "to the" looks like what is done to: "a ball rolls left"."""


_VIEWS = frozenset(str.split("shot shots view angle footage close-up closeup perspective"))
"""Words that end what names a view: "low-angle tracking shot"."""

_FILMED = re.compile(
    r"^(?:the |a |an )?(?:[\w-]+ ){0,2}?(?:camera|lens|shot|video|footage|clip) (?:\w+ly )?"
    r"(?:follows|tracks|trails|films|captures|reveals|circles|orbits|watches|(?:pans|tilts|moves|zooms|pushes|pulls|glides|cuts|focuses)"
    r"(?: \w+ly)?(?: (?:in|out|over|up|down|back|around|across|past))?(?: (?:on|to|of|towards?))?) "
    r"(?=(?:a|an|the|two|three|several|some|one|his|her|their)\b)",
    re.IGNORECASE,
)
"""How a camera is said to come to somebody, who may do something: "the camera follows a man carrying a child"."""


def without_camera(sentence: str, known: Vocabulary) -> str:
    """Return a sentence less that a camera follows those of whom a word in -ing or a relative clause tells."""
    found = _FILMED.match(sentence)
    if found is None:
        return sentence
    rest = sentence[found.end() :]
    words = re.findall(r"[\w'-]+", rest.partition(",")[0].lower())
    if {"as", "while"} & set(words):
        return sentence  # which is read with the camera as the one who acts
    told = any(word in ("who", "that", "which", "where") or ING in known.verb_forms.get(word, {}) for word in words)
    return rest if told and any(known.is_living(word) or known.has("vehicles", word) for word in words) else sentence


_ASLEEP = re.compile(r"\b(falls?|falling|fell) (?:fast |sound |off )?(?:asleep|to sleep)\b", re.IGNORECASE)
"""Who falls asleep on a bench does not fall on it."""


def _sleeping(found: re.Match[str]) -> str:
    form = found.group(1).lower()
    return {"falls": "sleeps", "falling": "sleeping", "fell": "slept"}.get(form, "sleep")


def without_set_phrases(text: str) -> str:
    """Return a text less the phrases whose nouns are nobody."""
    return _SIDEWAYS.sub(r"\1", _SET_PHRASES.sub("", _ASLEEP.sub(_sleeping, text)))


def without_looks(sentence: str, known: Vocabulary) -> str:
    """Return a sentence less those of its parts between commas that only say how the picture is to look."""
    parts = re.sub(r"[:()—–]|\s-{1,2}\s", ",", sentence).split(",")
    kept = [part for place, part in enumerate(parts) if not _of_looks(part, parts[place - 1] if place else "", known)]
    return ",".join(kept).strip(" ,")


def _of_looks(part: str, before: str, known: Vocabulary) -> bool:
    words = re.findall(r"[^\W_]+(?:['.&/-][^\W_]+)*", part.lower())
    if words and (words[0] == "and" or (before and words[0] in ("with", "in", "at", "under"))):
        words = words[1:]
    if not words:
        return True
    bare = words[1:] if words[0] in ("the", "a", "an") else words
    if not bare or known.has("filming", bare[0]) or _shown(bare):
        # "the camera follows a girl as she chases a butterfly" tells of the girl.
        return not {"as", "while"} & set(words)
    return _picture_told(words, bare, known) or (bool(before) and _air_told(words, known))


def _picture_told(words: list[str], bare: list[str], known: Vocabulary) -> bool:
    """Whether a phrase is headed by a word for the picture, and nobody does anything in it."""
    head, determined, led = _head(bare, known), known.has("determiners", words[0]), known.has("looks_led", bare[0])
    looks = known.has("looks", bare[head])
    if bare[-1] in _VIEWS and not any(known.is_living(word) or known.has("prepositions", word) for word in bare):
        return not any(THIRD in known.verb_forms.get(word, {}) and not known.has("looks", word) for word in bare)
    named = [known.is_living(word) for word in bare]
    if any(named) and not led and not (looks and not any(named[: head + 1])):
        return False
    if any(known.has("subject_pronouns", word) for word in words) and not led:
        return False
    if not looks and (not led or determined):
        return False
    rest = bare[head + 1 :]
    finite = any(THIRD in known.verb_forms.get(word, {}) and not known.has("looks", word) for word in rest)
    return not finite and not (determined and known.has("looks_things", bare[head]))


def _air_told(words: list[str], known: Vocabulary) -> bool:
    return (
        not known.has("determiners", words[0])
        and not (THIRD in known.verb_forms.get(words[0], {}) and words[1:2] in (["to"], ["at"]))  # "waves to the crowd"
        and known.has("air", words[head := _head(words, known)])
        and _nothing_done(words, head, known)
    )


def _shown(words: list[str]) -> bool:
    """Whether words say from where it is seen: "wide shot", "seen from above", "shot on film"."""
    return words[0] in ("seen", "viewed", "filmed", "captured", "photographed", "rendered", "shot") and (
        len(words) == 1 or words[1] in ("from", "on", "in", "with", "at", "through", "by", "as", "using")
    )


def _head(words: list[str], known: Vocabulary) -> int:
    """Return the place of the noun that a part speaks of: the last word before a preposition or a participle."""
    for place, word in enumerate(words[1:]):
        if known.has("prepositions", word) or word.endswith("ly") or (_participle(word, known) and not known.has("looks", word)):
            return place
    return len(words) - 1


def _participle(word: str, known: Vocabulary) -> bool:
    kinds = known.verb_forms.get(word, {})
    in_ing = ING in kinds or (word.endswith("ing") and not known.is_noun(word))
    return in_ing or (PARTICIPLE in kinds and BASE not in kinds and PAST in kinds)


def _nothing_done(words: list[str], head: int, known: Vocabulary) -> bool:
    """Whether what follows the noun takes no object: "sparks flying everywhere", "steam rising"."""
    rest = words[head + 1 :]
    if not rest:
        return True
    if known.has("prepositions", rest[0]):
        return True
    following = rest[1] if len(rest) > 1 else ""
    return not following or known.has("prepositions", following) or known.has("adverbs", following) or following.endswith("ly")
