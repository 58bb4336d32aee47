"""A failure as a picture and as a clip: the question, what was answered and why, over the frames that decided it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from intergeneval.masks import COLOUR_RGB
from intergeneval.records import Sample
from intergeneval.report.failures.lettering import Colour, Lettering, Line, lacking_text, leftward_fault
from intergeneval.report.failures.losses import Loss
from intergeneval.report.failures.moments import Seen
from intergeneval.videos import Frame, video_bytes

MARGIN, GAP, FRAME = 24, 12, 4
"""Pixels around a card, between its parts, and of the line around the frame that the evidence names."""
NARROWEST = 880
"""Width of a card at least: of narrow videos the frames leave room, and the words need some."""
LONGEST_TEXT = 6
"""Lines of a question, a sentence or a prompt at most; the whole of it stands beside the card in words."""
UNKNOWN_RATE = 8.0
"""Frames per second of the clip of a video whose rate nobody stated; its frames carry no seconds then."""
INK: Colour = (28, 30, 34)
FAINT: Colour = (98, 103, 112)
PAPER: Colour = (255, 255, 255)
LOST: Colour = (176, 24, 34)
WON: Colour = (20, 110, 60)
MARK: Colour = (176, 24, 34)
EMPTY: Colour = (236, 237, 240)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One model's video of a failure."""

    label: str
    """Name of the model, with ``before`` or ``now`` in front where two are compared."""
    answer: str
    """What was answered, or what is known instead."""
    sentence: str
    """Why."""
    cost: str
    """What it cost, in words; empty where it cost nothing."""
    seen: Seen | None
    """What its video shows; None where there is no video at all."""
    missing: str = ""
    """Why there is no picture, in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A card."""

    png: bytes
    """The picture."""
    clip: bytes
    """The clip, H.264 in mp4; empty where no side has a video."""
    notes: tuple[str, ...]
    """What of it cannot be seen or read, one sentence each."""


@dataclass(frozen=True, slots=True)
class _Words:
    """The sizes of letters of one card."""

    title: Lettering
    strong: Lettering
    text: Lettering
    small: Lettering

    @classmethod
    def new(cls) -> _Words:
        return cls(Lettering(24, bold=True), Lettering(19, bold=True), Lettering(18), Lettering(14))

    @property
    def lacking(self) -> list[str]:
        """Letters that no font has."""
        return list({letter: None for one in (self.title, self.strong, self.text, self.small) for letter in one.lacking})


def draw(loss: Loss, sides: Sequence[Side]) -> Drawn:
    """Return a failure as a card: one row of frames a side, below each other; in the clip the sides stand side by side."""
    words = _Words.new()
    width = max([NARROWEST, *(_row_width(side) + 2 * MARGIN for side in sides)])
    page = _Page(width, words)
    page.write(words.title, loss.question or loss.name, INK)
    page.write(words.small, " · ".join([loss.sample.id, f"seed {loss.seed}", loss.name]), FAINT)
    for side in sides:
        page.skip(GAP)
        page.side(side)
    page.skip(GAP)
    page.write(words.text, loss.sample.prompt, INK)
    page.cast(loss.sample)
    clip = _clip(loss, sides, words)
    texts = (loss.question, loss.sample.prompt, *(side.sentence for side in sides))
    unread = [text for text in (lacking_text(words.lacking), leftward_fault(texts)) if text]
    if unread:
        page.write(words.small, f"{'; '.join(unread)}. The words stand in index.md.", FAINT)
    return Drawn(png=page.png(), clip=clip, notes=(*dict.fromkeys(_notes(sides)), *unread))


def _notes(sides: Sequence[Side]) -> Iterator[str]:
    for side in sides:
        said = [side.missing] if side.seen is None else [side.seen.note, side.seen.moment.note]
        yield from (f"{side.label}: {text}" for text in said if text)


def _row_width(side: Side) -> int:
    """Return how wide the frames of a side are together, in pixels."""
    seen = side.seen
    shown = [int(seen.pictures[frame].shape[1]) for frame in seen.moment.frames if frame in seen.pictures] if seen else []
    return sum(shown) + GAP * max(len(shown) - 1, 0)


class _Page:
    """A card that grows downward while it is written."""

    def __init__(self, width: int, words: _Words) -> None:
        self._words = words
        self._width = width
        self._y = MARGIN
        self._parts: list[tuple[int, int, Image.Image]] = []
        self._lines: list[tuple[Lettering, int, int, Line, Colour, int]] = []
        self._boxes: list[tuple[tuple[int, int, int, int], Colour]] = []

    @property
    def inner(self) -> int:
        """Width between the margins."""
        return self._width - 2 * MARGIN

    def skip(self, pixels: int) -> None:
        """Leave some room."""
        self._y += pixels

    def write(self, letters: Lettering, text: str, colour: Colour, *, indent: int = 0) -> None:
        """Write a paragraph."""
        for line in letters.lines(text, self.inner - indent, LONGEST_TEXT):
            self._lines.append((letters, MARGIN + indent, self._y, line, colour, self.inner - indent))
            self._y += letters.height

    def side(self, side: Side) -> None:
        """Write one model's answer, its reason, and its frames."""
        words = self._words
        said = " · ".join(filter(None, [side.label, side.answer, side.cost]))
        self.write(words.strong, said, LOST if side.cost else WON)
        self.write(words.text, side.sentence, INK)
        self.skip(GAP // 2)
        if side.seen is None or not side.seen.pictures:
            why = side.missing if side.seen is None else side.seen.note
            top = self._y
            self.skip(GAP)
            self.write(words.text, f"no picture: {why}", FAINT, indent=GAP)
            self.skip(GAP)
            self._boxes.append(((MARGIN, top, self._width - MARGIN, self._y), EMPTY))
            return
        self._frames(side.seen)
        for note in filter(None, (side.seen.moment.note, side.seen.note)):
            self.write(words.small, note, FAINT)

    def _frames(self, seen: Seen) -> None:
        small, x, tallest = self._words.small, MARGIN, 0
        for frame in seen.moment.frames:
            picture = seen.pictures.get(frame)
            if picture is None:
                continue
            height, width = picture.shape[:2]
            marked = frame == seen.moment.marked
            if marked:
                self._boxes.append(((x - FRAME, self._y - FRAME, x + width + FRAME, self._y + height + FRAME), MARK))
            self._parts.append((x, self._y, Image.fromarray(picture)))
            told = f"{seen.when(frame)}{' · decides' if marked else ''}"
            for line in small.lines(told, max(width, 160), 2)[:1]:
                self._lines.append((small, x, self._y + height + FRAME + 2, line, MARK if marked else FAINT, width))
            x, tallest = x + width + GAP, max(tallest, height)
        self._y += tallest + FRAME + 2 + small.height

    def cast(self, sample: Sample) -> None:
        """Write who is outlined in which colour."""
        words = self._words.small
        for item in sample.instances:
            top = self._y + 3
            self._boxes.append(((MARGIN, top, MARGIN + 12, top + 12), COLOUR_RGB[item.colour]))
            self.write(words, f"{item.colour}: {item.appearance}", FAINT, indent=20)

    def png(self) -> bytes:
        """Return the card as a PNG file."""
        image = Image.new("RGB", (self._width, self._y + MARGIN), PAPER)
        canvas = ImageDraw.Draw(image)
        for box, colour in self._boxes:
            canvas.rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=colour)
        for x, y, part in self._parts:
            image.paste(part, (x, y))
        for letters, x, y, line, colour, width in self._lines:
            letters.draw(canvas, (x, y), line, colour, width)
        stream = io.BytesIO()
        image.save(stream, "PNG")
        return stream.getvalue()


def _clip(loss: Loss, sides: Sequence[Side], words: _Words) -> bytes:
    """Return the frames around the failure with question and answers below, as an mp4; empty without any picture."""
    shown = [side for side in sides if side.seen is not None and side.seen.pictures]
    if not shown:
        return b""
    rate = next((side.seen.fps for side in reversed(shown) if side.seen and side.seen.fps), UNKNOWN_RATE)
    return video_bytes(_clip_frames(loss, shown, words), min(rate, 60.0))


def _clip_frames(loss: Loss, sides: Sequence[Side], words: _Words) -> Iterator[Frame]:
    columns = [(side, side.seen) for side in sides if side.seen is not None]
    frames = [[index for index in range(*seen.moment.clip) if index in seen.pictures] for _, seen in columns]
    sizes = [seen.pictures[indices[0]].shape for (_, seen), indices in zip(columns, frames, strict=True)]
    width = max(sum(size[1] for size in sizes) + GAP * (len(sizes) - 1), 320) + 2 * FRAME
    height = max(size[0] for size in sizes) + 2 * FRAME
    caption = _caption(loss, [side for side, _ in columns], words, width, [size[1] for size in sizes])
    for step in range(max(map(len, frames))):
        canvas = np.full((height + caption.shape[0], width, 3), PAPER, dtype=np.uint8)
        canvas[height:] = caption
        x = FRAME
        for (_, seen), indices, size in zip(columns, frames, sizes, strict=True):
            index = indices[min(step, len(indices) - 1)]
            if index == seen.moment.marked:
                canvas[: size[0] + 2 * FRAME, x - FRAME : x + size[1] + FRAME] = MARK
            canvas[FRAME : FRAME + size[0], x : x + size[1]] = seen.pictures[index]
            x += size[1] + GAP
        yield canvas


def _caption(loss: Loss, sides: Sequence[Side], words: _Words, width: int, columns: Sequence[int]) -> Frame:
    """Return what stands below the frames of a clip: the question, and below each side its answer."""
    room = width - 2 * FRAME
    title = words.text.lines(loss.question or loss.name, room, 3)
    below = [
        [
            *words.strong.lines(f"{side.label} · {side.answer}", max(column, 200), 2),
            *words.small.lines(side.sentence, max(column, 200), 4),
        ]
        for side, column in zip(sides, columns, strict=True)
    ]
    height = GAP + len(title) * words.text.height + max(len(lines) for lines in below) * words.strong.height + GAP
    image = Image.new("RGB", (width, height + height % 2), PAPER)
    canvas, y = ImageDraw.Draw(image), GAP // 2
    for line in title:
        words.text.draw(canvas, (FRAME, y), line, INK, room)
        y += words.text.height
    x = FRAME
    for side, column, lines in zip(sides, columns, below, strict=True):
        strong = words.strong.lines(f"{side.label} · {side.answer}", max(column, 200), 2)
        for place, line in enumerate(lines):
            letters, colour = (words.strong, LOST if side.cost else WON) if place < len(strong) else (words.small, INK)
            letters.draw(canvas, (x, y + place * words.strong.height), line, colour, max(column, 200))
        x += column + GAP
    return np.asarray(image)
