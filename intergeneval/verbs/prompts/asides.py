"""What a prompt says beside its deeds: how the picture is to look, and set phrases that name nobody; both are taken out before reading."""

from __future__ import annotations

import re

from intergeneval.verbs.prompts.vocabulary import BASE, ING, PARTICIPLE, PAST, THIRD, Vocabulary

_SET_PHRASES = re.compile(
    r",?\s*\b(?:back and forth|up and down|to and fro|in and out|(?:around|round|over|again|on|side) and (?:around|round|over|again|on)|"
    r"(?:from )?side to side|(?:from )?end to end|head over heels|upside down|inside out|back to front|"
    r"(side|cheek|shoulder|nose|hand|arm|neck|face|back|toe|head|eye|elbow|one|step|bit|two|time|page|wing|paw|knee|heart) "
    r"(?:by|in|to|and|after) \1|"
    r"in half|in two|in pieces|(?:in)?to (?:tiny |small |little )?(?:pieces|bits|shreds|slices|halves|cubes|strips|smithereens)|"
    r"(?:all )?at once|at the same time|at full (?:speed|tilt|throttle)|(?:in|at) (?:super )?slow[ -]motion|in (?:real|no) time|"
    r"in (?:fast|double|quick) (?:motion|time|succession)|in (?:the )?meantime|"
    r"(?:for|after|in) (?:a|the) (?:while|moment|second|minute|bit|first time|last time|next moment|few \w+)|"
    r"from (?:head to toe|top to bottom|time to time|left to right|right to left|above|below|behind|beneath|afar)|"
    r"on all fours|on tiptoes?|in mid[ -]?(?:air|flight|jump)|in a (?:circle|row|line|queue|hurry|rush|loop|spiral)|in (?:circles|rows|unison|sync|tandem|turn)|"
    r"all (?:the way|over(?: the place)?|around|day|night|along)|(?:a|one|the) (?:last|final|third|second|first) time|"
    r"(?:two|three|four|five|several|many|a few|a couple of) times|once more|one last time|as (?:a team|if|though)\b[^,.;]*)(?=\W|$)",
    re.IGNORECASE,
)
"""Phrases whose nouns are no instances: "side by side", "to pieces", "at the same time"."""

_LOOKS = frozenset(
    str.split(
        "shot shots lighting light lights footage style lens focus bokeh cinematic photorealistic photorealism photoreal realistic "
        "realism hyperrealistic ultra-realistic hyper-realistic lifelike 4k 8k 2k 12k hd uhd 1080p 720p detailed details detail resolution "
        "quality render rendering rendered grain film filmic palette color colors colour colours tone tones aesthetic aesthetics "
        "atmosphere mood ambiance ambience hour background foreground field view views angle angles camera handheld close-up close-ups "
        "closeup closeups macro wide-angle telephoto pov timelapse time-lapse hyperlapse slow-motion slowmo slow-mo anime cartoon "
        "watercolor watercolour pixar ghibli unreal octane fps 60fps 24fps 30fps 120fps 240fps 35mm 16mm 50mm 85mm 70mm 8mm imax hdr dramatic epic vibrant "
        "moody contrast shadows sunlight moonlight candlelight daylight backlight glow haze weather sky skies documentary video zoom "
        "dolly dolly-in dolly-out pan tilt bird's-eye perspective composition shading texture textures reflections reflection silhouette silhouettes "
        "exposure saturation flare flares blur cinematography photography cgi 3d 2d vfx animation animated drone aerial overhead gopro "
        "noir vintage retro cyberpunk surreal dreamlike serene cozy cosy minimalist hazy dreamy stylized masterpiece award-winning framing vignette "
        "frame rate aspect ratio vfx trending artstation sepia monochrome black-and-white technicolor time-of-day "
        "motion effect effects vibe vibes feel feeling scene scenery setting cam pov-shot graded grading photo photograph footage-style"
    )
)
"""Words that end or head a phrase about the picture rather than about somebody in it."""
_LED = frozenset(
    str.split("camera cameras lens shot drone handheld close-up closeup macro cinematic pov timelapse time-lapse bokeh cinematography lighting")
)
"""Words that begin such a phrase, whatever follows them."""
_SCENE = frozenset(
    str.split(
        "dust mist fog smoke steam rain snow snowflakes sparks petals blossoms leaves confetti clouds embers ash bubbles droplets sunbeams "
        "rays beams particles waves sunshine wind breeze traffic music splashes debris fireflies stars raindrops puddles lightning thunder foliage"
    )
)
"""What fills the air of a scene: named bare, with nothing done to anything, it is no instance."""


def without_set_phrases(text: str) -> str:
    """Return a text less the phrases whose nouns are nobody."""
    return _SET_PHRASES.sub("", text)


def without_looks(sentence: str, known: Vocabulary) -> str:
    """Return a sentence less those of its parts between commas that only say how the picture is to look."""
    parts = sentence.split(",")
    kept = [part for place, part in enumerate(parts) if not _of_looks(part, parts[place - 1] if place else "", known)]
    return ",".join(kept).strip(" ,")


def _of_looks(part: str, before: str, known: Vocabulary) -> bool:
    words = re.findall(r"[^\W_]+(?:['.&/-][^\W_]+)*", part.lower())
    if not words:
        return True
    if words[0] in ("and", "with", "in", "at", "under") and len(words) > 1:
        words = words[1:] if words[0] == "and" or before else words
    determined = known.has("determiners", words[0])
    bare = words[1:] if words[0] in ("the", "a", "an") else words
    if bare and bare[0] in ("camera", "cameras", "lens", "cinematography", "lighting") or (bare and _shown(bare)):
        return True
    head = _head(bare, known)
    if not bare or (head is None):
        return False
    named = [known.is_living(word) for word in bare]
    if any(named) and not (bare[0] in _LED or bare[head] in _LOOKS and not any(named[: head + 1])):
        return False
    if any(known.has("subject_pronouns", word) for word in words) and bare[0] not in _LED:
        return False
    if bare[head] in _LOOKS or (bare[0] in _LED and not determined):
        finite = any(THIRD in known.verb_forms.get(word, {}) and word not in _LOOKS for word in bare[head + 1 :])
        return (not determined or bare[head] not in ("light", "lights", "film", "sky", "field", "frame", "camera", "drone")) and not finite
    return bool(before) and not determined and bare[head] in _SCENE and _nothing_done(bare, head, known)


def _shown(words: list[str]) -> bool:
    """Whether words say from where it is seen: "wide shot", "seen from above", "shot on film"."""
    return words[0] in ("seen", "viewed", "filmed", "captured", "photographed", "rendered", "shot") and (
        len(words) == 1 or words[1] in ("from", "on", "in", "with", "at", "through", "by", "as", "using")
    )


def _head(words: list[str], known: Vocabulary) -> int | None:
    """Return the place of the noun that a part speaks of: the last word before a preposition or a participle."""
    for place, word in enumerate(words):
        kinds = known.verb_forms.get(word, {})
        if place and (
            known.has("prepositions", word)
            or ((ING in kinds or (PARTICIPLE in kinds and BASE not in kinds and PAST in kinds)) and word not in _LOOKS)
            or word.endswith("ly")
        ):
            return place - 1
    return len(words) - 1 if words else None


def _nothing_done(words: list[str], head: int, known: Vocabulary) -> bool:
    """Whether what follows the noun takes no object: "sparks flying everywhere", "steam rising"."""
    rest = words[head + 1 :]
    if not rest:
        return True
    if known.has("prepositions", rest[0]):
        return True
    following = rest[1] if len(rest) > 1 else ""
    return not following or known.has("prepositions", following) or known.has("adverbs", following) or following.endswith("ly")
