"""Which clips are held out of training, and how they are looked at: with the same noise and timesteps every time."""

from __future__ import annotations

from collections.abc import Sequence

from intergeneval.ids import sha256_json
from matrix_train.config import HeldoutConfig
from matrix_train.data.clips import Clip


def held_out(clips: Sequence[Clip], config: HeldoutConfig) -> tuple[int, ...]:
    """Return the indices of the clips that are held out, in an order of their own; none where they would be over half of all.

    Chosen by the video's name alone, so that each arm and each seed of a comparison holds out the same ones, and all clips of one
    video fall on the same side.
    """
    if not config.share:
        return ()
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


def holding_note(clips: int, held: int, config: HeldoutConfig) -> str:
    """Return what is to be said of the split, one sentence."""
    if held:
        return f"{held} of {clips} clips are held out to compare with the base"
    if not config.share:
        return "no clip is held out (heldout.share = 0), so the adapter is not compared with its base"
    return (
        f"{clips} clips are too few to hold {config.clips} out, so the adapter is not compared with its base; "
        "set heldout.clips to at most half of them"
    )
