"""What finds and cuts out instances on this machine, and what is missing for it, in one list."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import replace

from intergeneval.build.config import BuildConfig
from intergeneval.config import AUTO

_NEEDED = ("torch", "transformers")
"""Packages that the learned detector and segmenter need."""


def has_models() -> bool:
    """Whether the packages of the learned detector and segmenter are installed; loads none of them."""
    return all(importlib.util.find_spec(name) is not None for name in _NEEDED)


def best_detector() -> str:
    """Return the detector that ``auto`` stands for where instances are to be found."""
    return "grounding_dino" if has_models() else "none"


def best_tracker() -> str:
    """Return the tracker that ``auto`` stands for where instances are to be cut out."""
    return "hf" if has_models() else "flow"


def with_best_tools(config: BuildConfig) -> BuildConfig:
    """Return the settings with the best of what is there for detector and tracker, where nobody said."""
    detector = best_detector() if config.detector == AUTO else config.detector
    tracker = best_tracker() if config.tracker == AUTO else config.tracker
    return replace(config, detector=detector, tracker=tracker)


def how_to_find() -> str:
    """Return the ways to boxes and masks in words."""
    return "pip install 'intergeneval[models]' brings grounding_dino and hf; 'intergeneval annotate' lets a person draw them"


def missing_text(videos: Sequence[tuple[str, int]], annotate: str) -> str:
    """Return what is missing before a score, each with the command that brings it: masks of videos, as (sample, seed)."""
    shown = ", ".join(f"{sample}/{seed}" if seed else sample for sample, seed in videos[:4])
    more = f" and {len(videos) - 4} more" if len(videos) > 4 else ""
    lines = [
        f"missing before there can be scores: first-frame masks of {len(videos)} "
        f"video{'s' if len(videos) > 1 else ''} ({shown}{more}). Either of these brings them:",
        f"  draw them:        {annotate}",
        "  have them found:  pip install 'intergeneval[models]', and the same command again",
    ]
    return "\n".join(lines)
