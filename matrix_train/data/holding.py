"""Which clips are held out of training, and how they are looked at: with the same noise and timesteps every time."""

from __future__ import annotations

from collections.abc import Sequence

from intergeneval.ids import sha256_json
from matrix_train.config import HeldoutConfig
from matrix_train.data.clips import VALIDATION, Clip


def kept_apart(clips: Sequence[Clip]) -> tuple[int, ...]:
    """Return the indices of the clips that the dataset itself keeps for validation: none of them is ever trained on."""
    return tuple(index for index, clip in enumerate(clips) if clip.split == VALIDATION)


def held_out(clips: Sequence[Clip], config: HeldoutConfig) -> tuple[int, ...]:
    """Return the indices of the clips that are held out, in an order of their own; none where they would be over half of all.

    Where the dataset itself keeps clips for validation it is up to `config.most` of these, and `config.share` says whether there
    are any. Else they are chosen by the video's name alone, so that each arm and each seed of a comparison holds out the same
    ones, and all clips of one video fall on the same side.
    """
    if not config.share:
        return ()
    named = kept_apart(clips)
    if named:
        return tuple(sorted(named, key=lambda index: sha256_json(["held out", clips[index].id]))[: config.most])
    wanted = min(config.most, max(config.clips, round(config.share * len(clips))))
    if 2 * wanted > len(clips):
        return ()
    videos: dict[str, list[int]] = {}
    for index, clip in enumerate(clips):
        videos.setdefault(clip.video, []).append(index)
    found: list[int] = []
    for name in sorted(videos, key=lambda video: sha256_json(["held out", video])):
        members = videos[name]
        # A video with so many clips that nothing would be left to train on is passed over.
        if len(found) < wanted and 2 * (len(found) + len(members)) <= len(clips):
            found += members
    return tuple(found)


def holding_note(clips: int, held: int, config: HeldoutConfig, apart: int = 0) -> str:
    """Return what is to be said of the split, one sentence; `apart` clips the dataset itself keeps for validation."""
    if apart:
        what = f"{held} of them compare the adapter with the base" if held else "none is looked at (heldout.share = 0)"
        return f"{apart} of {clips} clips are kept for validation by the dataset and not trained on; {what}"
    if held:
        return f"{held} of {clips} clips are held out to compare with the base"
    if not config.share:
        return "no clip is held out (heldout.share = 0), so the adapter is not compared with its base"
    return (
        f"{clips} clips are too few to hold {config.clips} out, so the adapter is not compared with its base; "
        "set heldout.clips to at most half of them"
    )
