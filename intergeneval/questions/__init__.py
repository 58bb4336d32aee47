"""Interactions to questions: ten for each key interaction, from versioned templates or verbatim from the benchmark.

The verb lexicon says which step of an action each question asks for and which predicate of the geometry judge can decide it.
Question 7 names the subject alone and not the action, question 10 the object alone (protocol, section 1). Pure functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from intergeneval.errors import BenchError
from intergeneval.ids import sha256_json
from intergeneval.questions.templates import QUESTION_IDS, Templates, embedded, parse
from intergeneval.records import Direction, Instance, Interaction, Predicate, Question, Sample, Stage
from intergeneval.verbs import Pattern, by_category, framed_classes, lexicon_hash, look_up, phrase

__all__ = [
    "QuestionWriter",
    "Templates",
    "instance_name",
    "parse",
    "questions_for",
    "templates_hash",
    "unknown_interactions",
    "words_of",
]

VERBATIM = "verbatim"
"""Template name of questions that a benchmark brings itself."""
WRITTEN = "written"
"""Template name of questions that a judge worded."""
QuestionWriter = Callable[[Sample, int, tuple[str, str]], Sequence[str]]
"""(sample, index of the interaction, names of subject and object) -> ten questions in the order of their ids."""

_STAGES = {1: Stage.PRE, 2: Stage.DURING, 3: Stage.DURING, 4: Stage.DURING, 5: Stage.DURING, 6: Stage.POST}
_ARTICLES = ("a ", "an ", "the ")
_OUTLINE = ("reshapes", "reshaped_at_end")
"""Predicates that look at the object's outline: what swings within a frame keeps it, whatever happens."""
_GROUNDING = {8: "agent", 9: "recipient", 10: "receives"}


@dataclass(frozen=True, slots=True)
class _Scene:
    """What all questions of one interaction share."""

    sample: Sample
    interaction: Interaction
    index: int
    pattern: Pattern | None
    subject: Instance
    object: Instance

    @property
    def mutual(self) -> bool:
        return self.interaction.direction is Direction.BIDIRECTIONAL


def questions_for(
    sample: Sample, templates: Templates | None = None, writer: QuestionWriter | None = None
) -> tuple[Question, ...]:
    """Return ten questions for each key interaction of a sample, in the order of interactions and question ids.

    Questions that a benchmark brings itself are asked verbatim and carry no predicate. `writer` words those of verbs the lexicon
    does not know; without it the general templates do, and what it raises passes. Raises BenchError when an interaction has
    neither questions nor subject, verb and object, or names an instance the sample does not have.
    """
    chosen = templates or embedded()
    asked: list[Question] = []
    for index, interaction in enumerate(sample.interactions):
        if interaction.questions:
            asked.extend(_verbatim(sample, index, interaction))
        else:
            scene = _scene(sample, index, interaction)
            if writer is not None and _is_unknown(interaction):
                written = replace(interaction, questions=tuple(writer(sample, index, _names(scene))))
                asked.extend(replace(item, template=WRITTEN) for item in _verbatim(sample, index, written))
            else:
                asked.extend(_from_templates(scene, chosen))
    return tuple(asked)


def unknown_interactions(sample: Sample) -> tuple[int, ...]:
    """Return the indices of the interactions whose questions `questions_for` has worded by a `writer`, where there is one."""
    return tuple(index for index, interaction in enumerate(sample.interactions) if _is_unknown(interaction))


def words_of(sample: Sample, index: int) -> tuple[str, str, str]:
    """Return what the wording of an interaction's questions depends on: verb, subject and object as questions call them."""
    scene = _scene(sample, index, sample.interactions[index])
    return (scene.interaction.verb, *_names(scene))


def templates_hash(templates: Templates | None = None) -> str:
    """Return the sha256 of the templates and the verb lexicon: what decides the questions and their predicates."""
    return sha256_json([(templates or embedded()).sha256, lexicon_hash()])


def instance_name(instance: Instance) -> str:
    """Return how questions call an instance: ``the man in a white T-shirt (red box)``."""
    words = " ".join((instance.appearance or instance.class_).split()).rstrip(".")
    lowered = words.lower()
    for article in _ARTICLES:
        if lowered.startswith(article):
            words = words[len(article) :]
            break
    return f"the {words} ({instance.colour} box)"


def _is_unknown(interaction: Interaction) -> bool:
    return not interaction.questions and look_up(interaction.verb) is None


def _names(scene: _Scene) -> tuple[str, str]:
    return instance_name(scene.subject), instance_name(scene.object)


def _verbatim(sample: Sample, index: int, interaction: Interaction) -> list[Question]:
    if len(interaction.questions) != len(QUESTION_IDS):
        raise BenchError(
            f"sample {sample.id!r}, interaction {index}: {len(interaction.questions)} questions; give ten, or none for templates"
        )
    named = {7: (interaction.subject,), 10: (interaction.object,)}
    both = (interaction.subject, interaction.object)
    return [
        Question(
            sample_id=sample.id,
            interaction=index,
            question_id=number,
            stage=_STAGES.get(number, Stage.GROUNDING),
            text=text,
            names=tuple(name for name in named.get(number, both) if name is not None),
            verb=interaction.verb,
            template=VERBATIM,
        )
        for number, text in zip(QUESTION_IDS, interaction.questions, strict=True)
    ]


def _scene(sample: Sample, index: int, interaction: Interaction) -> _Scene:
    where = f"sample {sample.id!r}, interaction {index}"
    if interaction.subject is None or interaction.object is None or not interaction.verb.strip():
        raise BenchError(f"{where}: subject, verb or object is missing; write all three, or bring ten questions")
    pair = []
    for role in (interaction.subject, interaction.object):
        try:
            pair.append(sample.instance(role))
        except KeyError:
            known = ", ".join(item.id for item in sample.instances)
            raise BenchError(f"{where}: no instance is called {role!r}; the sample has {known}") from None
    entry = look_up(interaction.verb)
    pattern = entry.pattern if entry is not None else by_category(interaction.category)
    return _Scene(sample, interaction, index, pattern, pair[0], pair[1])


def _from_templates(scene: _Scene, templates: Templates) -> list[Question]:
    pattern = scene.pattern.name if scene.pattern is not None else "generic"
    verb = phrase(scene.interaction.verb)
    words: Mapping[str, str] = {
        "subject": instance_name(scene.subject),
        "object": instance_name(scene.object),
        "base": verb.base,
        "third": verb.third,
        "doing": verb.progressive,
    }
    both = (scene.subject.id, scene.object.id)
    named = {7: both[:1], 10: both[1:]}
    asked = []
    for number in QUESTION_IDS:
        section, text = templates.text(pattern, number, mutual=scene.mutual)
        asked.append(
            Question(
                sample_id=scene.sample.id,
                interaction=scene.index,
                question_id=number,
                stage=_STAGES.get(number, Stage.GROUNDING),
                text=text.format(**words),
                names=named.get(number, both),
                verb=scene.interaction.verb,
                predicate=_predicate(scene, number),
                template=f"{section}-{number}/v{templates.version}",
            )
        )
    return asked


def _predicate(scene: _Scene, number: int) -> Predicate | None:
    """Return what geometry would check for a question; None where it cannot know."""
    pattern = scene.pattern
    roles = {"subject": scene.subject.id, "object": scene.object.id}
    others = [item.id for item in scene.sample.instances if item.id not in roles.values()]
    if number == 7:
        deed = pattern.deed if pattern is not None else ""
        return Predicate(name="acts", **roles, arguments={"deed": deed, "mutual": scene.mutual, "others": others})
    if pattern is None or (pattern.thing and not others):
        return None
    arguments: dict[str, object] = {"mutual": scene.mutual, "others": others, "deed": pattern.deed}
    if number in _GROUNDING:
        if not pattern.deed:
            return None
        return Predicate(name=_GROUNDING[number], **roles, arguments=arguments)
    name = pattern.predicates.get(number)
    if name in _OUTLINE and scene.object.class_.lower() in framed_classes():
        return None
    return Predicate(name=name, **roles, arguments=arguments) if name is not None else None
