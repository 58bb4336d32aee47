"""The words a model is asked with: versioned jinja2 templates, each replaceable by a file of the same name in a user's folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import SandboxedEnvironment

from intergeneval.errors import ConfigError
from intergeneval.ids import sha256_json, short
from intergeneval.judges.bounded import PLAIN_TEXT, BoundedEnvironment, render
from intergeneval.judges.naming import long_name, short_names, shortened
from intergeneval.judges.walking import Look
from intergeneval.records import Question, Sample
from intergeneval.records.disk import read_text

NAMES = ("system", "frame", "ask", "repair", "write_system", "write")
"""The templates: rules, what stands before each picture, questions and frames, the one repair turn, and writing questions."""
SCENE_NAMES = ("scene_system", "scene", "correct")
"""Templates of benchmark building: from a prompt to instances and interactions, and their repair turn."""
SCENES_BEFORE = ("383abd87ffd86b72d80b819d485cb170234da6861a11f867c499deace61d471d",)
"""Hashes of the embedded SCENE_NAMES of earlier versions: what was read in a prompt with those words is not read again."""
CROP_NAMES = ("crop_system", "crop", "correct")
"""Templates that ask whether a crop shows an instance, and their repair turn."""
BODIES_NAMES = ("ask_bodies",)
"""What stands for ``ask`` where frames are also marked that show a body that cannot be; apart, so that its hash stands apart."""
TOUCHING_NAMES = ("touching_system", "touching", "correct")
"""Templates that ask whether the two sides of an interaction touch in the first frame, and their repair turn."""
CAPTION_NAMES = ("caption_system", "caption", "correct")
"""Templates that ask for the caption of a clip, and their repair turn."""
WORDS_NAMES = ("words_system", "words", "correct")
"""Templates that ask how a caption words those in it, and their repair turn."""
SUFFIX = ".j2"
_KNOWN = tuple(dict.fromkeys((*NAMES, *SCENE_NAMES, *CROP_NAMES, *BODIES_NAMES, *TOUCHING_NAMES, *CAPTION_NAMES, *WORDS_NAMES)))


def label(question: Question) -> str:
    """Return how a request calls a question: interaction and question id, such as ``0.7``."""
    return f"{question.interaction}.{question.question_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How a request asks, beside what."""

    given: Mapping[int, str] = field(default_factory=dict)
    """Lines on frames that were said before."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """What to know of an instance's outline, by id."""
    named_only: bool = False
    """Whether nobody is introduced whom the questions do not name."""
    choices: bool = False
    """Whether the answer is one of three words and nothing is written before it."""
    bodies: bool = False
    """Whether an own ``ask`` of before has frames marked whose bodies cannot be."""


class Prompts:
    """One set of templates.

    `folder` holds files that replace embedded ones of the same name; of its files only those called as one of `names` count here.
    Raises ConfigError for a folder that is none, a file that is no template of ours, and a template that does not compile.
    """

    def __init__(self, folder: Path | None = None, names: Sequence[str] = NAMES) -> None:
        embedded = resources.files("intergeneval.judges").joinpath("prompts")
        texts = {name: embedded.joinpath(name + SUFFIX).read_text(encoding="utf-8") for name in names}
        replaced = {name: text for name, text in _read(folder).items() if name in names} if folder is not None else {}
        self.replaced = frozenset(replaced)
        """The templates that `folder` replaces."""
        self.hash = sha256_json({**texts, **replaced})
        """sha256 over these templates: other words are another judge."""
        version = embedded.joinpath("VERSION").read_text(encoding="utf-8").strip()
        self.version = f"{version}{'+own' if replaced else ''}-{short(self.hash)}"
        """Version of the embedded templates, ``+own`` where some are replaced, and the first digits of the hash."""
        # Sandboxed and bounded, because a prompts folder may come from anywhere; counting the package's own only costs time.
        environment = BoundedEnvironment() if replaced else SandboxedEnvironment(**PLAIN_TEXT)
        self._templates = {}
        self._sources = {**texts, **replaced}
        for name, text in {**texts, **replaced}.items():
            try:
                self._templates[name] = environment.from_string(text)
            except (TemplateError, RecursionError) as error:
                raise ConfigError(f"{_place(folder, name)}: not a jinja2 template ({error})") from None
        self._folder = folder

    def source(self, name: str) -> str:
        """Return the text of a template as it was written."""
        return self._sources[name]

    def render(self, name: str, values: Mapping[str, Any]) -> str:
        """Return the text of a template. Raises ConfigError when it uses what it is not given, or fails in another way."""
        try:
            return render(self._templates[name], values).strip()
        except Exception as error:  # noqa: BLE001  # a template of the user is a program, and may raise what a program may
            raise ConfigError(f"{_place(self._folder, name)}: cannot be rendered ({error})") from None


class JudgePrompts(Prompts):
    """The templates of a judge, `NAMES`, and beside them the one that also asks for bodies that cannot be."""

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__(folder)
        self._bodies = Prompts(folder, BODIES_NAMES)

    @property
    def bodies_version(self) -> str:
        """Version of the words that ask for bodies. Raises ConfigError where ``ask`` is replaced and they are not.

        They repeat what ``ask`` says, so a judge with an ``ask`` of its own would be asked in two ways.
        """
        if self.walks:
            return self.version
        if "ask_bodies" not in self._bodies.replaced:
            raise ConfigError(
                f"{_place(self._folder, 'ask')}: profile 'informative' also asks which frames show a body that cannot be, with "
                f"ask_bodies.j2 in place of ask.j2; put an ask_bodies.j2 of your own beside it, or choose another profile"
            )
        return self._bodies.version

    @property
    def walks(self) -> bool:
        """Whether the words ask for a walk through the frames; an own ``ask`` of before asks for statements a frame."""
        return "ask" not in self.replaced or '"walk"' in self.source("ask")

    def look(self, shown: Iterable[int], *, assess: bool, questions: bool) -> Look | None:
        """Return what is to be said of the frames that are shown, where something is to be assessed or `questions` are asked.

        None where nothing is, as in the words of before, and without frames after the first: there is nothing to go through.
        """
        frames = tuple(frame for frame in shown if frame > 0)
        wanted = assess or (self.walks and questions)
        return Look(frames=frames, assess=assess, all=True) if frames and wanted else None

    def ask(
        self,
        sample: Sample,
        questions: Sequence[Question],
        look: Look | None,
        how: Asking | None = None,
    ) -> str:
        """Return the part of a request that asks: questions, and what is to be said of the frames of `look`.

        Raises as `render`.
        """
        how = how or Asking()
        asked, named = [], set[str]()
        for item in questions:
            text, names = shortened(item.text, sample.instances) if self.walks else (item.text, set())
            asked.append({"label": label(item), "text": text})
            named |= names
        letters = short_names(sample.instances)
        told = [item for item in sample.instances if not how.named_only or item.id in named]
        values = {
            "questions": asked,
            "names": [
                {
                    "short": letters[item.id],
                    "long": long_name(item),
                    "colour": item.colour,
                    "note": how.notes.get(item.id, ""),
                }
                for item in told
            ],
            "walk": look is not None,
            "assess": look is not None and look.assess,
            "frames": list(look.frames) if look is not None else [],
            "all": look is not None and look.all,
            "given": sorted(how.given.items()),
            "choices": how.choices,
            "instances": sample.instances if look is not None else (),
            "classes": list(dict.fromkeys(item.class_ for item in sample.instances)),
        }
        if not self.walks and how.bodies and look is not None:
            return self._bodies.render("ask_bodies", values)
        return self.render("ask", values)


def _read(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise ConfigError(f"prompts {str(folder)!r}: there is no such folder")
    known = ", ".join(name + SUFFIX for name in _KNOWN)
    found = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        if path.stem not in _KNOWN:
            raise ConfigError(f"{path}: no prompt is called {path.name}; a folder may replace {known}")
        try:
            found[path.stem] = read_text(path)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: cannot be read as text ({error})") from None
    if not found:
        raise ConfigError(f"prompts {str(folder)!r}: the folder replaces nothing; it may hold {known}")
    return found


def _place(folder: Path | None, name: str) -> str:
    path = folder / (name + SUFFIX) if folder is not None else None
    return str(path) if path is not None and path.is_file() else f"prompt {name}{SUFFIX}"
