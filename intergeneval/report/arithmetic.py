"""A score's arithmetic spelled out with its own numbers, line by line, as a reader would check it by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intergeneval.records import (
    KISA_IDS,
    SGI_IDS,
    Answer,
    AnswerStatus,
    AnswerValue,
    Consistency,
    Profile,
    Score,
)
from intergeneval.report.formats import num

LAMBDA = 5
"""Weight of the two ratios in SPI, as the protocol fixes it; a stored SPI that does not follow from it is pointed out."""
_CLOSE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One step of the sum."""

    name: str
    """What is computed."""
    formula: str
    """How, with the numbers put in, rounded to three digits."""
    value: float | None
    """The result, unrounded; None where there is none."""
    bound: bool = False
    """Whether the result is an upper bound, since a part was not assessed."""
    note: str = ""
    """What a reader should know, such as that a part was not assessed."""


def spell_out(score: Score, answers: Sequence[Answer], consistency: Consistency | None, profile: Profile) -> tuple[Line, ...]:
    """Return the steps from answers and ratios to IF; empty for a video that was never looked at."""
    if not score.interactions and score.kisa_raw is None:
        return ()
    bound = "emergence" in score.partial
    kisa, sgi = _notes(score, KISA_IDS, score.kisa_bounds), _notes(score, SGI_IDS, score.sgi_bounds)
    lines = [
        Line(name="KISA raw", formula=_share(score, answers, KISA_IDS), value=score.kisa_raw, note=kisa),
        Line(name="SGI raw", formula=_share(score, answers, SGI_IDS), value=score.sgi_raw, note=sgi),
        _spi(score, consistency, profile),
        Line(name="KISA", formula=_times("KISA raw", score.kisa_raw, score.spi), value=score.kisa, bound=bound),
        Line(name="SGI", formula=_times("SGI raw", score.sgi_raw, score.spi), value=score.sgi, bound=bound),
    ]
    if score.plausibility is not None:
        lines.append(_plausible(score, consistency))
    note = _bounds(score.if_bounds)
    return (*lines, Line(name="IF", formula=_half(score), value=score.if_, bound=bool(score.partial), note=note))


def in_one_line(score: Score) -> str:
    """Return IF as a product of what a video's cells show and what they do not: ``½ (0.17 + 0.50) × 0.38``.

    KISA raw and SGI raw in the brackets, then SPI, then plausibility where a profile has it. Empty where IF did not come of them.
    """
    if score.kisa_raw is None or score.sgi_raw is None or score.spi is None or score.if_ is None:
        return ""
    factors = [score.spi, *([] if score.plausibility is None else [score.plausibility])]
    product = (score.kisa_raw + score.sgi_raw) / 2
    for factor in factors:
        product *= factor
    if abs(product - score.if_) > _CLOSE:
        return ""
    return f"½ ({num(score.kisa_raw, 2)} + {num(score.sgi_raw, 2)})" + "".join(f" × {num(factor, 2)}" for factor in factors)


def _share(score: Score, answers: Sequence[Answer], ids: tuple[int, ...]) -> str:
    """Return yes / answered, for each interaction, and their mean where there are several."""
    parts = []
    for part in score.interactions:
        counting = [number for number in ids if number not in part.left_out]
        mine = [item for item in answers if item.interaction == part.interaction and item.question_id in counting]
        answered = sum(item.status is AnswerStatus.OK for item in mine)
        yes = sum(item.verdict is AnswerValue.YES for item in mine)
        parts.append(f"{yes}/{answered}")
    if not parts:
        return "as imported" if score.kisa_raw is not None else ""
    if len(parts) == 1:
        return f"yes / answered = {parts[0]}"
    return f"mean over {len(parts)} interactions of yes / answered = ({' + '.join(parts)}) / {len(parts)}"


def _spi(score: Score, consistency: Consistency | None, profile: Profile) -> Line:
    if score.spi is None or (score.disappearance_ratio is None and score.emergence_ratio is None):
        return Line(name="SPI", formula="", value=score.spi, note=score.reason)
    frames = len(consistency.frames) if consistency else 0
    emergence, disappearance = score.emergence_ratio or 0.0, score.disappearance_ratio or 0.0
    plain = ((1 - LAMBDA * emergence) + (1 - LAMBDA * disappearance)) / 2
    terms = [f"(1 − {LAMBDA} × {ratio(value, frames)})" for value in (emergence, disappearance)]
    formula = f"½ [{terms[0]} + {terms[1]}] = {num(plain)}"
    notes = ["emergence ratio first, disappearance ratio second"]
    if score.emergence_ratio is None:
        notes.append("emergence was not assessed and stands at its best value, 0")
    expected = min(max(plain, 0.0), 1.0) if profile is not Profile.PAPER else plain
    if expected != plain:
        notes.append("clipped to [0, 1]")
    if abs(expected - score.spi) > _CLOSE:
        notes.append(f"the stored SPI differs from this sum ({expected!r})")
    return Line(name="SPI", formula=formula, value=score.spi, bound="emergence" in score.partial, note="; ".join(notes))


def ratio(value: float, frames: int) -> str:
    """Return a ratio as frames over frames where it is one of at most `frames`, else as a number."""
    for assessed in range(frames, 0, -1):
        hits = round(value * assessed)
        if abs(hits / assessed - value) < _CLOSE:
            return f"{hits}/{assessed}"
    return f"{value:.3f}"


def _times(name: str, raw: float | None, spi: float | None) -> str:
    return "" if raw is None or spi is None else f"{name} × SPI = {num(raw)} × {num(spi)}"


def _half(score: Score) -> str:
    if score.kisa is None or score.sgi is None:
        return ""
    plain = f"(KISA + SGI) / 2 = ({num(score.kisa)} + {num(score.sgi)}) / 2"
    if score.plausibility is None:
        return plain
    return f"(KISA + SGI) / 2 × plausibility = ({num(score.kisa)} + {num(score.sgi)}) / 2 × {num(score.plausibility)}"


def _plausible(score: Score, consistency: Consistency | None) -> Line:
    marks = [mark for mark in (consistency.implausible if consistency else None) or () if mark is not None]
    if not marks:
        note = "no judge looked for bodies that cannot be, so it stands at its best value, 1"
        return Line(name="Plausibility", formula="", value=score.plausibility, bound=True, note=note)
    formula = f"1 − {sum(marks)}/{len(marks)} sampled frames that show what cannot be"
    return Line(name="Plausibility", formula=formula, value=score.plausibility)


def _notes(score: Score, ids: tuple[int, ...], bounds: tuple[float, float] | None) -> str:
    """Return what a reader should know of a raw share: questions that the profile leaves out, and what is unanswered."""
    several = len(score.interactions) > 1
    out = []
    for part in score.interactions:
        numbers = [str(number) for number in part.left_out if number in ids]
        if numbers:
            what = f"{'questions' if len(numbers) > 1 else 'question'} {' and '.join(numbers)}"
            out.append(f"{what} of interaction {part.interaction + 1}" if several else what)
    left_out = f"left out by the profile: {', '.join(out)}" if out else ""
    return "; ".join(filter(None, [left_out, _bounds(bounds)]))


def _bounds(bounds: tuple[float, float] | None) -> str:
    if bounds is None or abs(bounds[0] - bounds[1]) < _CLOSE:
        return ""
    return f"between {bounds[0]:.3f} and {bounds[1]:.3f}, were the unanswered all no or all yes"
