"""Words of any script into pictures: the fonts of this machine, a letter from the first that has it, and lines that fit a width.

What no font here has is drawn as the font draws what it lacks, and named, so that a card says what cannot be read on it.
"""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

from PIL import ImageDraw, ImageFont, features

Font = ImageFont.FreeTypeFont
Colour = tuple[int, int, int]

PREFERRED = ("dejavusans", "notosans-regular", "liberationsans-regular", "segoeui", "arial", "helvetica", "sfns")
"""File names of plain fonts with many scripts, without extension, in the order in which they are taken."""
BOLD = ("dejavusans-bold", "notosans-bold", "liberationsans-bold", "segoeuib", "arialbd", "arial bold")
"""The same for titles."""
MOST_FONTS = 600
"""Font files that are looked at."""
MOST_FONT_BYTES = 64 << 20
"""Largest font file that is opened; those with all Chinese characters have 20 MB."""
_TRIED = 40
"""Fonts that are tried for one letter."""
_HINTS = ("cjk", "noto", "unicode", "unifont", "droid", "wqy", "hei", "gothic", "ming", "song", "pingfang", "freesans", "symbol")
"""Parts of names of fonts that have what the plain ones lack; these are tried first."""
_ABSENT = "\U0010fffe"
"""A letter that no font has."""
_PIECES = re.compile(r"\s+|[^\s]+")
_WIDE = re.compile(r"([\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff])")
_JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of text, ready to be drawn."""

    runs: tuple[tuple[str, Font], ...]
    """Pieces that are drawn with one font each, in the order of reading."""
    width: int
    """How wide it is, in pixels."""
    leftward: bool
    """Whether it is read from right to left."""


class Lettering:
    """Measures and draws text of one size; collects the letters that no font has."""

    def __init__(self, size: int, *, bold: bool = False) -> None:
        self.size = size
        self.height = round(size * 1.35)
        self._bold = bold
        self._fonts: dict[str, Font] = {}
        self.lacking: dict[str, None] = {}

    def width(self, text: str) -> int:
        """Return how wide a text is on one line, in pixels."""
        return sum(round(font.getlength(piece)) for piece, font in self._runs(text))

    def lines(self, text: str, width: int, most: int) -> list[Line]:
        """Return a text in lines of at most `width` pixels; of more than `most` the rest is cut off behind an ellipsis."""
        shown = plain(text)
        leftward = is_leftward(shown)
        rows = list(islice(self._wrapped(shown, width), most + 1))
        if len(rows) > most:
            last = rows[most - 1]
            while last and self.width(last + "…") > width:
                last = last[:-1]
            rows = [*rows[: most - 1], last.rstrip() + "…"]
        return [Line(runs=tuple(self._runs(row)), width=self.width(row), leftward=leftward) for row in rows]

    def draw(self, canvas: ImageDraw.ImageDraw, at: tuple[int, int], line: Line, colour: Colour, width: int) -> None:
        """Draw a line into a column that begins at `at` and is `width` pixels wide; what is read leftward ends on its right."""
        x, y = at[0] + (width - line.width if line.leftward else 0), at[1]
        for piece, font in reversed(line.runs) if line.leftward else line.runs:
            canvas.text((x, y + self.size), piece, font=font, fill=colour, anchor="ls")
            x += round(font.getlength(piece))

    def _wrapped(self, text: str, width: int) -> Iterator[str]:
        row = ""
        for piece in _pieces(text):
            if row and self.width(row + piece.rstrip()) > width:
                yield row.rstrip()
                row = piece.lstrip()
            else:
                row += piece
            while self.width(row) > width and len(row) > 1:
                # A word that is wider than the line is cut where the line ends.
                fits = self._fitting(row, width)
                yield row[:fits]
                row = row[fits:]
        if row.strip():
            yield row.rstrip()

    def _fitting(self, text: str, width: int) -> int:
        low, high = 1, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.width(text[:middle]) <= width else (low, middle - 1)
        return low

    def _runs(self, text: str) -> list[tuple[str, Font]]:
        """Return a text in pieces of one font each; spaces, joiners and marks stay with the letter before them."""
        found: list[tuple[str, Font]] = []
        for letter in text:
            stays = found and (letter.isspace() or letter in _JOINERS or unicodedata.combining(letter))
            font = found[-1][1] if stays else self._font(letter)
            if found and found[-1][1] is font:
                found[-1] = (found[-1][0] + letter, font)
            else:
                found.append((letter, font))
        return found

    def _font(self, letter: str) -> Font:
        if letter not in self._fonts:
            path = font_file(letter, bold=self._bold)
            if path is None and not letter.isspace():
                self.lacking[letter] = None
            self._fonts[letter] = opened(path or first_font(bold=self._bold), self.size)
        return self._fonts[letter]


def plain(text: str) -> str:
    """Return a text on one line, without what moves a cursor or turns the direction of what follows."""
    kept = (letter for letter in text if letter in _JOINERS or letter.isspace() or unicodedata.category(letter) not in _UNSEEN)
    return " ".join("".join(kept).split())


_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn")


def is_leftward(text: str) -> bool:
    """Whether a text is read from right to left: by its first letter that has a direction."""
    kinds = (unicodedata.bidirectional(letter) for letter in text)
    return next((kind in ("R", "AL") for kind in kinds if kind in ("L", "R", "AL")), False)


def lacking_text(letters: Iterable[str]) -> str:
    """Return which scripts no font here has, and the way out; empty for none."""
    scripts = dict.fromkeys(unicodedata.name(letter, "UNKNOWN").split()[0] for letter in letters)
    if not scripts:
        return ""
    named = ", ".join(word if word == "CJK" else word.capitalize() for word in list(scripts)[:6])
    return (
        f"no font on this machine has letters of {named}{' and more' if len(scripts) > 6 else ''}: install one, such as Noto Sans"
    )


def leftward_fault(texts: Sequence[str]) -> str:
    """Return why what is read from right to left stands in the wrong order here; empty where it does not, or there is none."""
    if features.check("raqm") or not any(is_leftward(text) for text in texts):
        return ""
    return "Pillow has no libraqm on this machine, so what is read from right to left is drawn from left to right"


def _pieces(text: str) -> Iterator[str]:
    """Give what may stand on a line of its own: words with the space after them, and each letter of scripts without spaces."""
    for piece in _PIECES.findall(text):
        yield from (part for part in _WIDE.split(piece) if part)


def font_file(letter: str, *, bold: bool = False) -> Path | None:
    """Return the first font of this machine that has a letter, or None; the built-in font is the path ``.``."""
    chosen = first_font(bold=bold)
    if has(chosen, letter):
        return chosen
    return next((path for path in _others()[:_TRIED] if has(path, letter)), None)


@cache
def first_font(*, bold: bool = False) -> Path:
    """Return the font that text is drawn with: the first of the preferred ones, else the one built into Pillow."""
    names = {path.stem.lower(): path for path in reversed(font_files())}
    return next((names[name] for name in (*(BOLD if bold else ()), *PREFERRED) if name in names), BUILT_IN)


BUILT_IN = Path()
"""Stands for the font that Pillow brings along: Latin letters without accents."""


@cache
def _others() -> tuple[Path, ...]:
    """Return the other fonts, those that are known to have many scripts first."""
    files = [path for path in font_files() if "mono" not in path.stem.lower()]
    return tuple(sorted(files, key=lambda path: (not any(hint in path.stem.lower() for hint in _HINTS), path.as_posix())))


@cache
def font_files() -> tuple[Path, ...]:
    """Return the font files of this machine, where systems keep them, in a fixed order."""
    found: list[Path] = []
    for folder in font_folders():
        for place, folders, names in os.walk(folder):
            folders.sort()
            found += [Path(place) / name for name in sorted(names) if name.lower().endswith((".ttf", ".otf", ".ttc"))]
            if len(found) >= MOST_FONTS:
                return tuple(found[:MOST_FONTS])
    return tuple(found)


def font_folders() -> tuple[Path, ...]:
    """Return the folders in which this system keeps fonts."""
    home = Path.home()
    if sys.platform == "darwin":
        return Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"
    return Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".local/share/fonts", home / ".fonts"


@cache
def has(path: Path, letter: str) -> bool:
    """Whether a font has a letter: it draws another picture than of what it lacks."""
    if letter.isspace() or letter in _JOINERS:
        return True
    try:
        font = opened(path, 24)
        return bytes(font.getmask(letter)) != _blank(path) or not _blank(path)
    except OSError:
        return False


@cache
def _blank(path: Path) -> bytes:
    return bytes(opened(path, 24).getmask(_ABSENT))


@cache
def opened(path: Path, size: int) -> Font:
    """Return a font at a size in pixels. Raises OSError for what is none."""
    if path == BUILT_IN:
        found = ImageFont.load_default(size)
        assert isinstance(found, ImageFont.FreeTypeFont)
        return found
    if path.stat().st_size > MOST_FONT_BYTES:
        raise OSError(f"{path}: larger than a font")
    return ImageFont.truetype(str(path), size)
