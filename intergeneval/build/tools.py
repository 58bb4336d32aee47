"""What finds and cuts out instances on this machine, by what can really be loaded; and what is missing for it, in one list.

`bench build`, `run --prompts` and `annotate` have one set of defaults: the detector ``grounding_dino`` and the tracker ``hf``
where their packages are installed and their weights are in the cache or can be fetched; else nobody finds (``none``, a person
draws) and ``flow`` cuts out. Each of the two is decided by itself.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, replace

from intergeneval.build.config import BuildConfig
from intergeneval.config import AUTO
from intergeneval.ids import few
from intergeneval.plugins.weights import DEFAULTS, Standing, standing

_NEEDED = ("torch", "transformers")
"""Packages that the learned detector and segmenter need."""
DETECTOR, TRACKER = "grounding_dino", "hf"
_SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The best of what is there, and why not more."""

    packages: bool
    """Whether the packages of the learned detector and segmenter are installed."""
    found: Mapping[str, Standing]
    """How the weights of each stand; empty without packages."""

    @property
    def detector(self) -> str:
        """The detector that ``auto`` stands for where instances are to be found."""
        return DETECTOR if self._usable(DETECTOR) else "none"

    @property
    def tracker(self) -> str:
        """The tracker that ``auto`` stands for where instances are to be cut out."""
        return TRACKER if self._usable(TRACKER) else "flow"

    def _usable(self, name: str) -> bool:
        return name in self.found and self.found[name].usable

    def text(self, detector: str, tracker: str) -> str:
        """Return in a line who finds, cuts out and follows the instances, and what is fetched for it."""
        fetched = [one.source for name, one in self.found.items() if name in (detector, tracker) and one.usable and not one.here]
        more = f"; fetched from the model hub first: {', '.join(fetched)}" if fetched else ""
        if detector == "none":
            return f"instances are followed by {tracker} (--tracker), and nobody looks for what emerges (--detector none){more}"
        return f"instances are found by {detector} (--detector), cut out and followed by {tracker} (--tracker){more}"

    @property
    def lacking(self) -> tuple[str, ...]:
        """What keeps instances from being found here, with the way out, a line each."""
        if not self.packages:
            return ("pip install 'intergeneval[models]', and the same command again",)
        missing = [one for one in self.found.values() if not one.usable]
        if not missing:
            return ("leave --detector out, and the same command again",)
        names = " and ".join(one.source for one in missing)
        why = "; ".join(dict.fromkeys(one.lacking for one in missing))
        folders = " ".join(f"--{'detector' if name == DETECTOR else 'tracker'} {name}:DIR" for name in self.found)
        return (
            f"the packages are here, the weights {names} are not, and cannot be fetched ({why}):",
            f"the same command where the model hub can be reached, or {folders} with folders that hold them",
        )


def best_tools() -> Tools:
    """Return what finds and cuts out here; loads and fetches nothing, and asks the model hub for a few seconds at most."""
    packages = all(importlib.util.find_spec(name) is not None for name in _NEEDED)
    return Tools(packages=packages, found={name: standing(DEFAULTS[name]) for name in (DETECTOR, TRACKER)} if packages else {})


def with_best_tools(config: BuildConfig) -> BuildConfig:
    """Return the settings with the best of what is there for detector and tracker, where nobody said."""
    if config.text_only or AUTO not in (config.detector, config.tracker):
        # Nothing is looked for, so nobody is asked.
        detector = "none" if config.detector == AUTO else config.detector
        return replace(config, detector=detector, tracker="flow" if config.tracker == AUTO else config.tracker)
    tools = best_tools()
    return replace(
        config,
        detector=tools.detector if config.detector == AUTO else config.detector,
        tracker=tools.tracker if config.tracker == AUTO else config.tracker,
    )


def how_to_find() -> str:
    """Return the ways to boxes and masks in words."""
    return f"'intergeneval annotate' lets a person draw them; to have them found: {' '.join(best_tools().lacking)}"


def missing_text(videos: Mapping[tuple[str, int], str], annotate: str, tools: Tools | None) -> str:
    """Return what is missing before a score, each with the command that brings it: masks of videos, by (sample, seed).

    A video whose masks do not count is told with the reason. `tools` is None where the user chose them.
    """
    shown = few([f"{sample}/{seed}" if seed else sample for sample, seed in videos], _SHOWN)
    unfit = [f"  {sample}/{seed} has masks that are not of it: {why}" for (sample, seed), why in videos.items() if why]
    if unfit:
        unfit = [
            *unfit[:_SHOWN],
            "  if these are videos of another model, give it a name of its own, --name NAME, here and with 'annotate'",
        ]
    first, *rest = (best_tools() if tools is None else tools).lacking
    lines = [
        f"missing before there can be scores: first-frame masks of {len(videos)} "
        f"video{'s' if len(videos) > 1 else ''} ({shown}). Either of these brings them:",
        f"  draw them:        {annotate}",
        f"  have them found:  {first}",
        *(f"                    {line}" for line in rest),
        *unfit,
    ]
    return "\n".join(lines)
