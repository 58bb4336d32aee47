"""Roles of a sample: the words of its prompt that name subject, verb and object, and the instances they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intergeneval.errors import ConfigError
from intergeneval.records import BOX_COLOURS, Instance, Interaction, Sample
from matrix_train.phrases import spans_of
from matrix_train.roles import Span, find_phrase, is_cut, token_indices


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One role of one interaction."""

    name: str
    """sub, obj or verb."""
    phrase: str
    """Its words, as they stand in the prompt."""
    spans: tuple[Span, ...]
    """Where they stand in the prompt."""
    instances: tuple[str, ...]
    """Instances whose regions it is cut from: the verb has those of both."""


def roles_of(sample: Sample, wanted: Sequence[str]) -> tuple[Role, ...]:
    """Return the wanted roles of a sample's interactions, in order.

    An instance is looked for by its appearance and then as the analysis does, by its class noun with modifiers; the object behind
    the verb where it stands there. Raises ConfigError with the phrase that the prompt does not hold: no role is left out quietly.
    """
    if not sample.interactions:
        raise ConfigError(f"sample {sample.id}: CMG needs to know who does what to whom, and there is no interaction")
    found, start = [], 0
    for item in sample.interactions:
        if item.subject is None or item.object is None:
            raise ConfigError(f"sample {sample.id}: the interaction {item.text!r} names no instances, which CMG needs")
        verb = spans_of(sample, item)["verb"]
        if verb and verb[-1][1] <= start:
            # An earlier interaction has this place; the same verb may stand behind it once more.
            verb = find_phrase(sample.prompt, item.verb, start) or verb
        if not verb and "verb" in wanted:
            raise ConfigError(_absent(sample, "verb", item.verb))
        start = verb[-1][1] if verb else start
        for name, instance_id, after in (("sub", item.subject, 0), ("obj", item.object, start)):
            if name in wanted:
                found.append(_instance_role(sample, item, name, instance_id, after))
        if "verb" in wanted:
            both = tuple(dict.fromkeys((item.subject, item.object)))
            found.append(Role(name="verb", phrase=_words(sample.prompt, verb), spans=verb, instances=both))
    return tuple(found)


def _instance_role(sample: Sample, interaction: Interaction, name: str, instance_id: str, after: int) -> Role:
    item = sample.instance(instance_id)
    spans = find_phrase(sample.prompt, item.appearance, after)
    if not spans:
        spans = spans_of(sample, interaction)[name]
        alike = [other.id for other in sample.instances if other.class_ == item.class_]
        if spans and len(alike) > 1:
            raise ConfigError(
                f"sample {sample.id}: {item.appearance!r} does not stand in the prompt, and {item.class_!r} would not tell "
                f"{' from '.join(alike)}; word one like the other"
            )
    if not spans:
        raise ConfigError(_absent(sample, {"sub": "subject", "obj": "object"}[name], item.appearance))
    return Role(name=name, phrase=_words(sample.prompt, spans), spans=spans, instances=(instance_id,))


def _words(prompt: str, spans: Sequence[Span]) -> str:
    return " ... ".join(prompt[first:last] for first, last in spans)


def _absent(sample: Sample, what: str, phrase: str) -> str:
    shown = sample.prompt if len(sample.prompt) <= 160 else f"{sample.prompt[:157]}..."
    return (
        f"sample {sample.id}: the {what} {phrase!r} does not stand in the prompt {shown!r}; "
        "word them alike, or leave that role out of attention_guidance.roles"
    )


def tokens_of(role: Role, offsets: Sequence[Span], prompt: str) -> tuple[int, ...]:
    """Return the positions of a role's text tokens. Raises ConfigError where the text encoder cuts them off."""
    tokens = token_indices(offsets, prompt, role.spans)
    if not tokens or is_cut(offsets, role.spans):
        raise ConfigError(f"the text encoder does not read {role.phrase!r} to its end: the prompt is too long; shorten it")
    return tokens


def described_sample(prompt: str, interactions: Sequence[str], masks: int) -> Sample:
    """Make a sample of a prompt and interactions written as ``SUBJECT|VERB|OBJECT``, in the prompt's own words.

    Subject and object may begin with the number of their mask and a colon; without one the subject has the first mask and the
    object the second. Raises ConfigError for another form, or for a mask that was not given.
    """
    phrases: dict[int, str] = {}
    found = []
    for text in interactions:
        pieces = [piece.strip() for piece in text.split("|")]
        if len(pieces) != 3 or not all(pieces):
            raise ConfigError(f"interaction {text!r} is not of the form SUBJECT|VERB|OBJECT, such as 'red box|pushes|blue ball'")
        ids = []
        for piece, usual in ((pieces[0], 1), (pieces[2], 2)):
            number, phrase = _numbered(piece, usual)
            if number > masks or number < 1:
                raise ConfigError(
                    f"interaction {text!r} speaks of mask {number}, and {masks} were given; repeat --mask in that order"
                )
            if phrases.setdefault(number, phrase) != phrase:
                raise ConfigError(f"mask {number} is called {phrases[number]!r} and {phrase!r}; name an instance by one phrase")
            ids.append(f"id{number}")
        found.append(Interaction(subject=ids[0], verb=pieces[1], object=ids[1]))
    instances = tuple(
        Instance(
            id=f"id{number}",
            class_=phrases.get(number, f"instance {number}"),
            appearance=phrases.get(number, f"instance {number}"),
            colour=BOX_COLOURS[(number - 1) % len(BOX_COLOURS)],
        )
        for number in range(1, masks + 1)
    )
    return Sample(id="video", prompt=prompt, instances=instances, interactions=tuple(found))


def _numbered(piece: str, usual: int) -> tuple[int, str]:
    head, colon, tail = piece.partition(":")
    return (int(head), tail.strip()) if colon and head.strip().isdigit() else (usual, piece)
