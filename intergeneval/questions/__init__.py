"""Interactions to questions: ten for each key interaction, from versioned templates or verbatim from the benchmark.

The verb lexicon says which step of an action each question asks for and which predicate of the geometry judge can decide it.
Question 7 names the subject alone and not the action, question 10 the object alone (protocol, section 1). What a profile does not
count is not asked. An interaction with a twin is asked about once more with the roles exchanged, for `contrast`. Pure functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from intergeneval.errors import BenchError
from intergeneval.ids import sha256_bytes, sha256_json
from intergeneval.questions.deciding import control_predicate, predicate_of
from intergeneval.questions.scene import Scene, entry_of, instance_name
from intergeneval.questions.templates import (
    CONTROL,
    CONTROL_SLOT,
    NEWEST,
    QUESTION_IDS,
    VERSIONS,
    Templates,
    embedded,
    parse,
    placeholders,
)
from intergeneval.records import (
    CONTROL_ID,
    TWIN_IDS,
    Interaction,
    Profile,
    Question,
    Sample,
    Stage,
    control_roles,
    counted,
)
from intergeneval.verbs import lexicon_hash

__all__ = [
    "NEWEST",
    "VERSIONS",
    "QuestionWriter",
    "Templates",
    "embedded",
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
_NAMES_BOTH = 2
"""Last version of the templates in which questions 1 to 6 name both sides always; since then some look at the object alone."""
_SUBJECT = frozenset({"subject", "actor", "earlier"})
"""Placeholders that name the subject."""
_NEEDED = {"actor": "instrument", "tool": "instrument", "with": "instrument", "destination": "destination"}
"""Placeholder -> field of the interaction whose instance it names."""


def questions_for(
    sample: Sample,
    templates: Templates | None = None,
    writer: QuestionWriter | None = None,
    profile: Profile = Profile.PAPER,
    *,
    controls: bool = False,
) -> tuple[Question, ...]:
    """Return the questions of a sample that a profile counts, in the order of interactions and question ids; last those of twins.

    There are ten for each key interaction under ``paper``, and at most ten under another profile. Questions that a benchmark
    brings itself are asked verbatim and carry no predicate. `writer` words those of verbs the lexicon does not know; without it
    the general templates do, and what it raises passes. Raises BenchError when an interaction has neither questions nor subject,
    verb and object, or names an instance the sample does not have.

    With `controls` each interaction of one direction brings one question that must be no, where the templates word one. It is
    asked like the others; nothing but its number tells. Where there are several interactions it stands at a place drawn from the
    sample's name; of one alone it is the last, since replies that count questions from 1 are read by their order.
    """
    chosen = templates or embedded()
    asked: list[Question] = []
    for index, interaction in enumerate(sample.interactions):
        kisa, sgi = counted(interaction, profile)
        made = _worded(sample, index, interaction, chosen, writer)
        mine = [item for item in made if item.question_id in kisa + sgi]
        control = _control(sample, index, chosen) if controls else None
        if control is not None:
            mine.insert(_place(sample, index, len(mine)), control)
        asked.extend(mine)
    for index in _twins(sample):
        twin = sample.interactions[index - len(sample.interactions)]
        made = _worded(sample, index, twin.exchanged, chosen, writer)
        asked.extend(replace(item, twin=twin.twin_of or "") for item in made if item.question_id in TWIN_IDS)
    return tuple(asked)


def unknown_interactions(sample: Sample, version: int = NEWEST) -> tuple[int, ...]:
    """Return the indices of the interactions whose questions `questions_for` has worded by a `writer`, where there is one.

    Those of twins follow those of the sample: the twin of interaction 0 has the index ``len(sample.interactions)``.
    """
    acts = sample.interactions
    own = [index for index, item in enumerate(acts) if _is_unknown(item, version)]
    return (*own, *(index for index in _twins(sample) if _is_unknown(acts[index - len(acts)].exchanged, version)))


def words_of(sample: Sample, index: int) -> tuple[str, str, str]:
    """Return what the wording of an interaction's questions depends on: verb, subject and object as questions call them.

    `index` is one that `unknown_interactions` gives.
    """
    scene = Scene.of(sample, index, NEWEST)
    return (scene.interaction.verb, *_names(scene))


def templates_hash(templates: Templates | None = None) -> str:
    """Return the sha256 of the templates and the verb lexicon: what decides the questions and their predicates."""
    return sha256_json([(templates or embedded()).sha256, lexicon_hash()])


def _twins(sample: Sample) -> tuple[int, ...]:
    """Return the indices that questions about the interactions of twins carry.

    Where a benchmark words an interaction's questions itself, nobody words them alike for the exchanged roles.
    """
    acts = sample.interactions
    return tuple(len(acts) + index for index, item in enumerate(acts) if item.twin_of is not None and not item.questions)


def _worded(
    sample: Sample, index: int, interaction: Interaction, templates: Templates, writer: QuestionWriter | None
) -> list[Question]:
    if interaction.questions:
        return _verbatim(sample, index, interaction)
    scene = Scene.of(sample, index, templates.version)
    if writer is None or not _is_unknown(interaction, templates.version):
        return _from_templates(scene, templates)
    written = replace(interaction, questions=tuple(writer(sample, index % len(sample.interactions), _names(scene))))
    return [replace(item, template=WRITTEN) for item in _verbatim(sample, index, written)]


def _control(sample: Sample, index: int, templates: Templates) -> Question | None:
    """Return the question of an interaction that must be no; None where there is none, or the templates word none."""
    roles, text = control_roles(sample, index), templates.sections.get(CONTROL, {}).get(CONTROL_SLOT)
    if roles is None or text is None:
        return None
    scene = Scene.of(sample, index, templates.version)
    subject, object_ = (sample.instance(name) for name in roles)
    words = {**scene.words(), "subject": scene.name(subject), "object": scene.name(object_)}
    return Question(
        sample_id=sample.id,
        interaction=index,
        question_id=CONTROL_ID,
        stage=Stage.GROUNDING,
        text=text.format(**words),
        names=roles,
        verb=scene.interaction.verb,
        predicate=control_predicate(scene, roles),
        template=f"{CONTROL}-{CONTROL_SLOT}/v{templates.version}",
    )


def _place(sample: Sample, index: int, count: int) -> int:
    """Return where among `count` questions the control stands."""
    if len(sample.interactions) == 1:
        return count
    return int(sha256_bytes(f"{sample.id}/{index}".encode())[:8], 16) % (count + 1)


def _is_unknown(interaction: Interaction, version: int) -> bool:
    return not interaction.questions and entry_of(interaction.verb, version) is None


def _names(scene: Scene) -> tuple[str, str]:
    return scene.name(scene.subject), scene.name(scene.object)


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


def _from_templates(scene: Scene, templates: Templates) -> list[Question]:
    pattern = scene.pattern.name if scene.pattern is not None else "generic"
    words, modes = scene.words(), scene.modes
    asked = []
    for number in QUESTION_IDS:
        section, text = templates.text(pattern, number, modes=modes, verb=scene.lemma)
        asked.append(
            Question(
                sample_id=scene.sample.id,
                interaction=scene.index,
                question_id=number,
                stage=_STAGES.get(number, Stage.GROUNDING),
                text=text.format(**words),
                names=_named(scene, number, text),
                verb=scene.interaction.verb,
                predicate=predicate_of(scene, number, section),
                template=f"{section}-{number}/v{templates.version}",
            )
        )
    return asked


def _named(scene: Scene, number: int, text: str) -> tuple[str, ...]:
    """Return the instances that a question names and needs; what would serve as object just as well is not needed."""
    both: tuple[str, ...] = (scene.subject.id, scene.object.id)
    if number in (7, 10):
        return both[:1] if number == 7 else both[1:]
    fields = {_NEEDED[name] for name in placeholders(text) if name in _NEEDED}
    known = {item.id for item in scene.sample.instances}
    if scene.version > _NAMES_BOTH and number <= 6 and not placeholders(text) & _SUBJECT:
        both = both[1:]
    more = [getattr(scene.interaction, name) for name in ("instrument", "destination") if name in fields]
    return (*both, *(name for name in more if name in known and name not in both))
