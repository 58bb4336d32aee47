"""What a benchmark holds: samples with their instances and interactions."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from intergeneval.records.codec import Record

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance(Record):
    """One person, animal or thing of the first frame."""

    id: str
    """Name of the instance inside its sample, such as ``id1``."""
    class_: str
    """Class noun, such as ``man``; JSON field ``class``."""
    appearance: str
    """Noun phrase that tells it from others of its class, such as ``man in a white T-shirt``."""
    colour: str
    """Name of its box colour, one of BOX_COLOURS."""
    mask: str | None = None
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(Record):
    """One prompt with its first frame, instances and key interactions."""

    id: str
    """Name of the sample, unique in its benchmark; also the file name of its video."""
    prompt: str
    """Text that a video model is given."""
    instances: tuple[Instance, ...]
    """The instances of the first frame, in box-colour order."""
    interactions: tuple[Interaction, ...]
    """The key interactions; empty: still to be written, and the sample cannot be scored."""
    image: str | None = None
    """Path of the first frame, relative to the benchmark."""
    size: tuple[int, int] | None = None
    """Height and width of first frame and masks, in pixels."""
    scene: str | None = None
    """Name shared by prompts of one scene: the cluster of statistics; None: the sample is its own cluster."""
    tags: tuple[str, ...] = ()
    """Free labels for slicing."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """sha256 of each file the sample names, by its path."""

    def instance(self, instance_id: str) -> Instance:
        """Return the instance with that id. Raises KeyError."""
        for item in self.instances:
            if item.id == instance_id:
                return item
        raise KeyError(instance_id)
