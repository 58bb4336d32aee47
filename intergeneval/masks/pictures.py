"""The one reader of mask pictures, for benchmarks, stored tracks and training data: what an instance's pictures mean together.

A mask is written by value: 255, 1, an id, a colour, an index of a palette, an alpha channel. Which of them it is stands in no
file, and one picture may be empty, or hold nothing but noise. So the pictures of a whole track are looked at before any is read:
0 is the background and the one other value the instance. Pictures between the two, of a lossy format or with soft edges, are cut
at the middle where the reader asks for it and the track leaves no doubt. What cannot be told is refused with the values seen.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from intergeneval.masks import Mask, decode, encode, runs
from intergeneval.masks.pixels import (
    INDEXED,
    JPEG,
    PNG,
    PictureError,
    Pixels,
    Values,
    brightest,
    colour_of,
    is_one,
    read_pixels,
    strength_of,
    told,
)
from intergeneval.masks.soft import BRIGHT, COLOUR, DARK, Cut, cut, hole_share, patches, runs_around, scattered

FIX = "use 255 on the instance, 0 elsewhere"
LEAST_HOLE = 1 / 300
"""Share of the frame from which one hole may be a thing on white. COCO calls 32x32 pixels of 640x480, a 300th, small; below lie
the pinholes that segmentation leaves in water and floors."""
LARGEST_HOLE = 1 / 3
"""Share up to which it may. A thing that fills more reaches the border; a window's frame or a pool's edge has such a hole."""
_SHOWN = 4
_VARIED = -1


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one picture holds, as little as it takes to read it later."""

    values: tuple[int, ...]
    """The codes in it, sorted; of many the first few."""
    many: bool
    """Whether there are more."""
    pattern: str
    """Its pixels other than 0, run-length coded."""
    around: bool | None
    """As `runs_around` says of these."""
    soft: Cut | None
    """The picture cut at its middle, where that was asked for."""
    alpha: int | None
    """The code of its transparency where that is one throughout, or `_VARIED`; None: it has no alpha channel."""
    opaque: tuple[tuple[int, ...], bool] = ((), False)
    """Where transparency varies: the codes of the colours shown, of many the first few, and whether there are more."""
    lossy: bool = False
    """Whether its file format keeps no value exactly."""


class MaskTrack:
    """The masks of one instance in the order of its pictures, held run-length coded."""

    def __init__(self, size: tuple[int, int], coded: list[str], *, around: bool) -> None:
        """`size` is height, width; `around` says that every mask with a hole runs around the frame."""
        self.size, self._coded, self.around = size, coded, around

    def __len__(self) -> int:
        return len(self._coded)

    def mask(self, index: int) -> Mask:
        """Return the mask (H, W) of a picture."""
        return decode(self._coded[index], self.size)

    def __iter__(self) -> Iterator[Mask]:
        return (self.mask(index) for index in range(len(self)))


def read_pictures(contents: Iterable[bytes], *, soft: bool, size: tuple[int, int] | None = None) -> MaskTrack:
    """Return the masks of one instance out of the files of its pictures, in frame order; one is decoded at a time.

    Where not `soft`, pictures have two values; else blurred and noisy ones are cut at the middle too. `size` (height, width) is
    that of the first picture if None. Raises PictureError, with the place of the picture, for what is damaged, of another size,
    or cannot be told.
    """
    seen: list[_Seen] = []
    for place, content in enumerate(contents):
        try:
            if size is not None and content.startswith(PNG) and len(content) >= 24:
                # Before it is decoded: a small file may hold a very large picture.
                width, height = struct.unpack(">II", content[16:24])
                _check_size((height, width), size)
            pixels = read_pixels(content)
            shape = (pixels.strength.shape[0], pixels.strength.shape[1])
            size = size or shape
            _check_size(shape, size)
            seen.append(_look(pixels, soft=soft, lossy=content.startswith(JPEG)))
        except PictureError as problem:
            problem.place = place
            raise
    if size is None:
        raise PictureError("there is no mask image", "give one a frame")
    by_alpha = any(item.alpha == _VARIED for item in seen)
    if by_alpha:
        _refuse_canvas(seen)
        seen = [_by_alpha(item, place, size) for place, item in enumerate(seen)]
    else:
        clear = next((place for place, item in enumerate(seen) if item.alpha == 0 and item.values != (0,)), None)
        if clear is not None:
            raise PictureError("every pixel of it is transparent", "save it without an alpha channel: " + FIX[4:], clear)
    return MaskTrack(size, _read(seen, size, soft=soft), around=not by_alpha and _around(seen))


def read_picture(content: bytes, *, soft: bool) -> MaskTrack:
    """Return the mask of a picture that stands alone. Raises PictureError, also for an empty one."""
    found = read_pictures([content], soft=soft)
    if not found.mask(0).any():
        raise PictureError("the mask is empty", "mark the instance's pixels with 255")
    return found


def backgrounds(masks: Mapping[str, Mask], around: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Give (instance, problem, fix) for masks of one picture that mark what is around their instance, as white paper does.

    `masks` are those of all instances, and `around` the names of those that run around the frame. Such a mask is believed, as
    255 is the thing by convention, where no hole of it has a thing's size, or another instance stands in its hole: a wall has a
    hole where the person stands. One that stands before the wall's own pixels speaks against it: it would have a hole there too.
    """
    for name in around:
        if not LEAST_HOLE <= hole_share(masks[name]) <= LARGEST_HOLE:
            continue
        hole = ~masks[name]
        inside = [other for other, mask in masks.items() if other not in around and (mask & hole).sum() * 2 > mask.sum() > 0]
        if not inside:
            share = 100 * float(masks[name].mean())
            problem = (
                f"the mask has all four corners and {share:.0f} % of the frame, and no other instance stands in its hole: "
                "it looks like a dark thing on a white background"
            )
            yield (
                name,
                problem,
                "exchange the two values; or, where the instance is really all around, tell it by an alpha channel, opaque on it",
            )


def _check_size(shape: tuple[int, int], size: tuple[int, int]) -> None:
    if shape != size:
        shown = f"{shape[1]}x{shape[0]} where {size[1]}x{size[0]} is wanted (width x height)"
        raise PictureError(f"the mask is {shown}", "draw it at that size")


def _look(pixels: Pixels, *, soft: bool, lossy: bool) -> _Seen:
    """Return what a picture holds: by its alpha channel where that varies, else by its colours; `lossy` as of `_Seen`."""
    chosen, alpha, colours, strength = pixels.values, None, pixels.colours, pixels.strength
    opaque: tuple[tuple[int, ...], bool] = ((), False)
    values, many = chosen.distinct(_SHOWN + 1)
    if pixels.alpha is not None:
        clearness = pixels.alpha.distinct(_SHOWN + 1)
        alpha = clearness[0][0] if len(clearness[0]) == 1 else _VARIED
        if alpha == _VARIED:
            if len(values) == 2 and values[0] == 0 and (chosen.on() != pixels.alpha.on()).any():
                raise PictureError(
                    "its colours mark one thing and its alpha channel another", "save it with one channel: " + FIX[4:]
                )
            opaque = Values(chosen.keys[pixels.alpha.on()], chosen.table).distinct(_SHOWN + 1)
            chosen, (values, many), colours, strength = pixels.alpha, clearness, None, pixels.alpha.strength()
    on = chosen.on()
    blurred = None
    if soft and (many or len(values) > 2 or (len(values) == 2 and values[0] != 0)) and (alpha == _VARIED or not pixels.palette):
        blurred = cut(strength, colours, lossy=lossy)
    return _Seen(values, many, encode(on), runs_around(on), blurred, alpha, opaque, lossy)


def background_tracks(tracks: Mapping[str, MaskTrack]) -> Iterator[tuple[str, str, str]]:
    """Give (instance, problem, fix) as `backgrounds` for the tracks of one video, each in its first picture with such a hole."""
    around = [name for name, track in tracks.items() if track.around]
    for name in around:
        holes = (index for index, mask in enumerate(tracks[name]) if LEAST_HOLE <= hole_share(mask) <= LARGEST_HOLE)
        place = next(holes, None)
        if place is None:
            continue
        masks = {other: track.mask(place) for other, track in tracks.items() if place < len(track)}
        yield from (found for found in backgrounds(masks, around) if found[0] == name)


def _refuse_canvas(seen: list[_Seen]) -> None:
    """Refuse an opaque picture of one colour in a track of cut-outs with others: it may well be an empty canvas."""
    for place, item in enumerate(seen):
        if not item.alpha or item.alpha == _VARIED or len(item.values) != 1:
            continue
        colour = item.values[0]
        for other, cutout in enumerate(seen):
            shown, many = cutout.opaque
            # Of many colours one may be any; but black throughout is no part of a coloured thing.
            if (colour == 0 and any(shown)) or (shown and not many and colour not in shown):
                raise PictureError(
                    f"it is opaque and {told(colour)} throughout, and picture {other} of the track shows other colours: "
                    "whether the instance fills the frame or is hidden cannot be told",
                    "save it transparent where the instance is hidden, and in the instance's colours where it fills the frame",
                    place,
                )


def _by_alpha(item: _Seen, place: int, size: tuple[int, int]) -> _Seen:
    """Return a picture of a track whose alpha channels tell the instance."""
    if item.alpha == _VARIED:
        return item
    if item.alpha is None:
        raise PictureError("it has no alpha channel, and in other pictures of the track that tells the instance", FIX, place)
    every = np.full(size, item.alpha > 0)
    return replace(item, values=(item.alpha,), many=False, pattern=encode(every), around=None, soft=None)


def _around(seen: list[_Seen]) -> bool:
    told_of = [item.soft.around if item.soft is not None else item.around for item in seen]
    holes = [item for item in told_of if item is not None]
    return bool(holes) and all(holes)


def _read(seen: list[_Seen], size: tuple[int, int], *, soft: bool) -> list[str]:
    """Settle what the values of a track mean, and return its masks."""
    places: dict[int, int] = {}
    for place, item in enumerate(seen):
        for value in item.values:
            places.setdefault(value, place)
    others = [value for value in places if value]
    # A value that is kept exactly may be any; a lossy file must have one that loss cannot be taken for.
    kept = not any(item.lossy for item in seen) or all(strength_of(value) >= BRIGHT for value in others)
    if kept and len(others) <= 1 and (0 in places or not others or brightest(others[0]) or is_one(others[0])):
        found = [item.pattern for item in seen]
    elif soft:
        found = _cut_all(seen, places, size)
    else:
        raise _refusal(seen, places)
    faint = all(strength_of(value) <= DARK for value in others)
    _refuse_noise(found, size, faint=faint)
    return found


def _refuse_noise(found: list[str], size: tuple[int, int], *, faint: bool) -> None:
    """Refuse a track in which some pictures hold scattered pixels and others a thing; `faint` as of `scattered`."""
    noise = [scattered(mask, size, faint=faint) for mask in found]
    things = [place for place, mask in enumerate(found) if not noise[place] and _area(mask)]
    if any(noise) and things:
        place = noise.index(True)
        raise PictureError(
            f"its {_area(found[place])} pixels lie scattered, and those of picture {things[0]} of the track together: "
            "that is noise",
            "save a black picture where the instance is hidden",
            place,
        )


def _area(counts: str) -> int:
    return sum(runs(counts)[1::2])


def _cut_all(seen: list[_Seen], places: Mapping[int, int], size: tuple[int, int]) -> list[str]:
    """Return the masks of a track with more than two values, cut at the middle; or refuse it."""
    few = len(places) <= 3 and not any(item.many for item in seen)
    found, bright, colours = [], False, dict[int, tuple[int, int, int]]()
    for place, item in enumerate(seen):
        if item.soft is None and (item.many or len(item.values) > 2 or (len(item.values) == 2 and item.values[0] != 0)):
            raise _refusal(seen, places, place)
        made = item.soft or _two_valued(item, size)
        problem = made.problem or ("a third value forms patches" if few and made.drawn else "")
        if problem:
            raise _refusal(seen, places, place, problem)
        bright = bright or made.bright
        if made.colour is not None:
            colours[place] = made.colour
        found.append(made.coded)
    if not bright:
        raise _refusal(seen, places, 0, f"no picture of the track reaches {BRIGHT}")
    first = next(iter(colours.values()), None)
    for place, colour in colours.items():
        if first is not None and max(abs(one - other) for one, other in zip(colour, first, strict=True)) > COLOUR:
            raise _refusal(seen, places, place, f"the mask is {colour} here and {first} in a picture before")
    return found


def _two_valued(item: _Seen, size: tuple[int, int]) -> Cut:
    """Return a picture of at most two values as it is in a track that has more."""
    value = max(item.values)
    level = 0 if not value else strength_of(value)
    on = decode(item.pattern, size)
    if DARK < level < BRIGHT or value & INDEXED:
        return Cut(item.pattern, item.around, False, f"its value {told(value)} lies between dark and bright", False, None)
    if level <= DARK:
        drawn = patches((on * np.uint8(level)).astype(np.uint8), np.ones_like(on))
        problem = f"a patch of {told(value)} and nothing brighter" if drawn else ""
        return Cut(encode(np.zeros_like(on)), False, False, problem, drawn, None)
    return Cut(item.pattern, item.around, True, "", False, colour_of(value))


def _refusal(seen: list[_Seen], places: Mapping[int, int], place: int | None = None, why: str = "") -> PictureError:
    """Return what is wrong with a track whose values do not tell an instance from the background."""
    values = sorted(places)
    # The picture that is named is the first with a value that the track began without, or else its first.
    odd = max(places.values()) if place is None else place
    here = seen[odd].values
    shown = ", ".join(told(value) for value in here[:_SHOWN]) + ("..." if seen[odd].many or len(here) > _SHOWN else "")
    problem = f"the mask has the {'values' if len(here) > 1 else 'value'} {shown}"
    if why:
        problem += f": {why}"
    before = [value for value in values if value not in here and value]
    if before and not why:
        problem += f"; other pictures of the track have {', '.join(told(value) for value in before[:_SHOWN])}"
    fix = FIX
    if 0 not in places and len(values) > 1 and not any(item.many for item in seen):
        problem += "; none of them is the background, 0"
    elif len(here) > 2 and not seen[odd].many and not why:
        fix += "; of several instances in one picture, give each its own"
    return PictureError(problem, fix, odd)
