"""What a benchmark holds: samples with their instances and interactions."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from intergeneval.records.codec import LATER, Record
from intergeneval.records.limits import BenchFile, Id, Size

BOX_COLOURS = ("red", "blue", "green", "yellow", "purple", "orange", "cyan", "pink", "magenta")
"""Names of the box colours, in the order in which a sample's instances take them; the last is there for the release's sets."""


class Category(enum.StrEnum):
    """Kind of an interaction (protocol, section 1)."""

    CONTACT = "contact"
    FORCE = "force"
    TRANSPORT = "transport"
    MANIPULATION = "manipulation"
    SOCIAL = "social"


class Direction(enum.StrEnum):
    """Whether one side acts on the other or both act on each other."""

    UNIDIRECTIONAL = "unidirectional"
    BIDIRECTIONAL = "bidirectional"


class Relation(enum.StrEnum):
    """How the object stands to its destination at the end."""

    IN = "in"
    ON = "on"
    AT = "at"


class Part(enum.StrEnum):
    """Part of the subject's body that the action is done with."""

    MOUTH = "mouth"
    HAND = "hand"
    FOOT = "foot"


class TouchingAtStart(enum.StrEnum):
    """Whether two touch in the first frame, as somebody who looked at it says; overlap of masks tells nothing."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance(Record):
    """One person, animal or thing of the first frame."""

    id: Id
    """Name of the instance inside its sample, such as ``id1``."""
    class_: str
    """Class noun, such as ``man``; JSON field ``class``."""
    appearance: str
    """Noun phrase that tells it from others of its class, such as ``man in a white T-shirt``."""
    colour: str
    """Name of its box colour, one of BOX_COLOURS."""
    mask: BenchFile | None = None
    """Path of its first-frame mask image, relative to the benchmark; None where there is none yet."""

    def __post_init__(self) -> None:
        if self.colour not in BOX_COLOURS:
            raise ValueError(f"colour {self.colour!r} is not one of {', '.join(BOX_COLOURS)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction(Record):
    """One key interaction: who does what to whom."""

    subject: str | None
    """Instance id of the one who acts; None where the benchmark gives the interaction as text only."""
    verb: str
    """The action as the prompt words it, such as ``pours coffee into``; empty where only `text` is known."""
    object: str | None
    """Instance id of the one acted upon; None where the benchmark gives the interaction as text only."""
    category: Category | None = None
    """Kind of interaction; None where the benchmark does not say."""
    direction: Direction = Direction.UNIDIRECTIONAL
    """Whether the object acts on the subject too."""
    text: str = ""
    """The interaction as the benchmark words it, where it does."""
    questions: tuple[str, ...] = ()
    """Ten questions asked verbatim, in the order of their ids; empty: they come from templates."""
    instrument: str | None = field(default=None, metadata=LATER)
    """Instance id of the thing the subject acts with, such as a spatula, a rope or a stick; None: its own body, or not told."""
    destination: str | None = field(default=None, metadata=LATER)
    """Where the object is to end: an instance id, or words such as ``the far side of the pool``; None: nowhere in particular."""
    relation: Relation | None = field(default=None, metadata=LATER)
    """How the object then stands to the destination; needed where there is one, and None where there is none."""
    after: int | None = field(default=None, metadata=LATER)
    """Index of the interaction of the same sample that this one follows; None: it begins with the video."""
    alternatives: tuple[str, ...] = field(default=(), metadata=LATER)
    """Instance ids that would serve as object just as well, such as the other two of three pancakes."""
    part: Part | None = field(default=None, metadata=LATER)
    """Part of the subject's body that it is done with; None: not told."""
    touching_at_start: TouchingAtStart = field(default=TouchingAtStart.UNKNOWN, metadata=LATER)
    """Whether what does it (the instrument, the part, or else the subject) touches the object in the first frame already."""
    twin_of: str | None = field(default=None, metadata=LATER)
    """Id of the sample that asks for the same with the roles of subject and object exchanged; videos of this one are asked about
    that too, unless `questions` are given."""

    @property
    def plain(self) -> Interaction:
        """The same without the optional fields: as benchmarks had it before there were any."""
        return Interaction(
            subject=self.subject,
            verb=self.verb,
            object=self.object,
            category=self.category,
            direction=self.direction,
            text=self.text,
            questions=self.questions,
        )

    @property
    def exchanged(self) -> Interaction:
        """The same with the roles of subject and object exchanged: what the twin asks for.

        What would do as object, and a destination that is one of the two, belong to the roles as they were, and fall away.
        """
        roles = (self.subject, self.object)
        stays = self.destination not in roles
        return replace(
            self,
            subject=self.object,
            object=self.subject,
            questions=(),
            text="",
            alternatives=(),
            destination=self.destination if stays else None,
            relation=self.relation if stays else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(Record):
    """One prompt with its first frame, instances and key interactions."""

    id: Id
    """Name of the sample, unique in its benchmark; also the file name of its video."""
    prompt: str
    """Text that a video model is given."""
    instances: tuple[Instance, ...]
    """The instances of the first frame, in box-colour order."""
    interactions: tuple[Interaction, ...]
    """The key interactions; empty: still to be written, and the sample cannot be scored."""
    image: BenchFile | None = None
    """Path of the first frame, relative to the benchmark."""
    size: Size | None = None
    """Height and width of first frame and masks, in pixels."""
    scene: str | None = None
    """Name shared by prompts of one scene: the cluster of statistics; None: the sample is its own cluster."""
    tags: tuple[str, ...] = ()
    """Free labels for slicing."""
    hashes: Mapping[BenchFile, str] = field(default_factory=dict)
    """sha256 of each file the sample names, by its path."""
    image_prompt: str = field(default="", metadata=LATER)
    """Text that a first frame can be drawn from, of which the prompt can go on; empty: none was written."""

    @property
    def plain(self) -> Sample:
        """The same without the optional fields of interactions."""
        return replace(self, interactions=tuple(item.plain for item in self.interactions))

    def instance(self, instance_id: str) -> Instance:
        """Return the instance with that id. Raises KeyError."""
        for item in self.instances:
            if item.id == instance_id:
                return item
        raise KeyError(instance_id)
