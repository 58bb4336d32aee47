"""Settings of a build: a TOML file, overridden by options of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from intergeneval.bench import UNSTATED
from intergeneval.config import AUTO, GroundingConfig, shard_of
from intergeneval.records import Record
from intergeneval.records.codec import LATER

NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildConfig(Record):
    """Everything that can be set for `intergeneval bench build`; each field is also a key of the TOML file."""

    source: str = ""
    """Folder with ``prompts.jsonl``, ``.csv`` or ``.txt``, or such a file."""
    out: str = ""
    """Folder of the benchmark."""
    judge: str = NONE
    """Judge spec of the model that reads prompts and verifies crops, such as ``openai:MODEL``; ``none``: prompts
    are read by rules, and crops by nobody."""
    detector: str = AUTO
    """Detector spec; ``none``: boxes are the user's own; ``auto``: ``grounding_dino`` where it and its weights can be had, else
    ``none``."""
    tracker: str = AUTO
    """Tracker spec: cuts boxes out and follows the masks through videos; ``auto``: ``hf`` where it and its weights can be
    had, else ``flow``."""
    name: str = ""
    """Name of the benchmark; empty: that of the folder."""
    version: str = "1"
    """Version text."""
    description: str = ""
    """One sentence; empty: what it was built from."""
    licence: str = UNSTATED
    """Licence of prompts and pictures, with attribution."""
    text_to_image: str = field(default="", metadata=LATER)
    """Folder or hub id of a text-to-image pipeline of diffusers, or a painter spec: paints first frames of rows that bring an
    ``image_prompt`` and no picture; empty: nobody does."""
    image_seed: int = field(default=0, metadata=LATER)
    """Seed of painted first frames, where a row names none."""
    image_tries: int = field(default=1, metadata=LATER)
    """Most pictures painted from one text, seed after seed, until one shows all instances; the one that shows most is taken."""
    text_only: bool = False
    """Build for text-to-video models: prompts with instances and interactions, no first frames."""
    shard: str = field(default="", metadata=LATER)
    """``I/N``: bring every N-th prompt, from the I-th on, through the steps; a plain build finishes."""
    limit: int | None = None
    """Build only the first so many prompts."""
    anchors: int = 3
    """Frames of a video in which instances are looked for, until one shows all of them; the first is always among them."""
    min_contact: int = 1
    """Interactions that the model rates lower (1 to 5) are left out."""
    min_dynamism: int = 1
    """Interactions that the model rates lower (1 to 5) are left out."""
    touching: bool | None = field(default=None, metadata=LATER)
    """Whether the judge is shown first frames and says what touches there; None: yes, but not in builds begun without."""
    accept_doubts: bool = field(default=False, metadata=LATER)
    """Whether samples whose masks are doubtful get into the benchmark all the same."""
    grounding: GroundingConfig = field(default_factory=GroundingConfig)
    """How instances are found in a picture."""
    prompts: str = ""
    """Folder with templates that replace ours; empty: those that come with the package."""
    cache: str = ""
    """File that remembers answers; empty: the user's cache folder; ``off``: none."""
    max_cost: float | None = None
    """Cost, in the price table's currency, at which nothing more is asked; None: no limit."""
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Settings of single backends, by plug-in name, such as ``[settings.openai]``."""

    def __post_init__(self) -> None:
        for name, low, high in (("anchors", 1, 20), ("image_tries", 1, 50), ("min_contact", 1, 5), ("min_dynamism", 1, 5)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} {value} is not between {low} and {high}")
        shard_of(self.shard)
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit {self.limit} is below 1")
        if self.image_seed < 0:
            raise ValueError(f"image_seed {self.image_seed} is below 0")
        if self.text_only and self.text_to_image:
            raise ValueError(f"text_only and text_to_image {self.text_to_image!r}: a text-only build has no first frames")
        if self.max_cost is not None and self.max_cost <= 0:
            raise ValueError(f"max_cost {self.max_cost} is not above 0")
        for name in ("version", "licence"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} is empty")
