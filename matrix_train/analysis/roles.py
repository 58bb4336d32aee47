"""The roles of one video: which text tokens and which first-frame tokens each is made of, and where its masks are later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from intergeneval.records import Record
from matrix_train.backbones import Grid
from matrix_train.model.readout import RoleWeights
from matrix_train.roles import Span, is_cut, token_indices
from matrix_train.targets import Masks, latent_frames, of_role, on_tokens

ROLE_ORDER = ("sub", "obj", "verb")


@dataclass(frozen=True, slots=True, kw_only=True)
class Act(Record):
    """One interaction as the analysis sees it."""

    subject: str | None
    """Instance id of the one who acts."""
    object: str | None
    """Instance id of the one acted upon."""
    spans: Mapping[str, tuple[Span, ...]]
    """Role -> characters of the caption that name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot(Record):
    """One role of one interaction."""

    interaction: int
    """Index of the interaction in its sample or clip."""
    role: str
    """sub, obj or verb."""
    subject: str | None
    """Instance id of the one who acts."""
    object: str | None
    """Instance id of the one acted upon."""
    tokens: tuple[int, ...]
    """Positions of its words in the model's text; never padding. Empty where the caption does not name it."""
    has_cells: bool
    """Whether its first-frame mask covers a video token."""

    def masks(self, tracks: Mapping[str, Masks]) -> Masks | None:
        """Return the masks it is compared with, those of the verb being subject or object; None where one of them is missing.

        A union of which one half is unknown would call attention on that half wrong.
        """
        wanted = {"sub": (self.subject,), "obj": (self.object,), "verb": (self.subject, self.object)}[self.role]
        if any(name is not None and name not in tracks for name in wanted):
            return None
        found = [None if name is None else tracks.get(name) for name in (self.subject, self.object)]
        return of_role(self.role, *found)


def slots_of(
    acts: Sequence[Act], caption: str, offsets: Sequence[Span], firsts: Mapping[str, Masks], grid: Grid
) -> tuple[tuple[Slot, ...], RoleWeights, tuple[str, ...]]:
    """Return the slots, their weights (of one clip) and what is left out, one sentence each.

    `firsts` are first-frame masks (1, H, W) by instance, cut as the video is. Roles without a mask are left out.
    """
    slots, cells, notes = [], [], []
    for index, act in enumerate(acts):
        for role in ROLE_ORDER:
            bare = Slot(interaction=index, role=role, subject=act.subject, object=act.object, tokens=(), has_cells=False)
            mask = bare.masks(firsts)
            if mask is None:
                notes.append(f"interaction {index}: {role} has no mask and is left out")
                continue
            spans = act.spans.get(role, ())
            tokens = token_indices(offsets, caption, spans)
            if not tokens:
                notes.append(f"interaction {index}: the words of {role} are not found in the prompt; it has no text maps")
            elif is_cut(offsets, spans):
                notes.append(f"interaction {index}: the text encoder cuts the prompt before the end of the words of {role}")
            covered = on_tokens(mask, (grid.height, grid.width))[0].reshape(-1)
            if not covered.any():
                notes.append(f"interaction {index}: the first mask of {role} is empty; it has no video-to-video map")
            cells.append(covered)
            slots.append(
                Slot(
                    interaction=index,
                    role=role,
                    subject=act.subject,
                    object=act.object,
                    tokens=tokens,
                    has_cells=bool(covered.any()),
                )
            )
    text_1RT = torch.zeros(1, len(slots), len(offsets))
    cells_1RC = torch.zeros(1, len(slots), grid.cells)
    for row, (slot, covered) in enumerate(zip(slots, cells, strict=True)):
        if slot.tokens:
            text_1RT[0, row, list(slot.tokens)] = 1 / len(slot.tokens)
        if slot.has_cells:
            cells_1RC[0, row] = torch.from_numpy(covered) / float(covered.sum())
    return tuple(slots), RoleWeights(text_BRT=text_1RT, cells_BRC=cells_1RC), tuple(notes)


def on_grid(masks: Masks, grid: Grid, stride: int) -> Masks:
    """Bring masks (frames, H, W) to the video tokens (F, H, W): the frame in the middle of each latent frame, nearest neighbour.

    A pipeline whose decoder gives more or fewer frames than the latents stand for is followed by its share of the time.
    """
    expected = 1 + stride * (grid.frames - 1)
    picks = latent_frames(expected, stride)
    if len(masks) != expected:
        picks = np.rint(picks * (len(masks) - 1) / max(1, expected - 1)).astype(np.int64)
    return on_tokens(masks[picks], (grid.height, grid.width))
