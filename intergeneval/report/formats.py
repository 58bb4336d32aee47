"""How numbers and texts are written on the pages: the template filters, all pure."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import Any

from markupsafe import Markup

from intergeneval.ids import canonical_json, short
from intergeneval.records import Answer, AnswerStatus, AnswerValue, Interaction, Sample, Score
from intergeneval.records.wording import fields_in_words
from intergeneval.stats import metric_name

NOTHING = "–"
"""Stands where there is no value."""
SPREADLESS = 1e-9
"""Width under which an interval has none."""
_WORDS = {AnswerValue.YES: "yes", AnswerValue.NO: "no", AnswerValue.IMPLAUSIBLE: "no, implausible"}


def num(value: float | None, digits: int = 3) -> str:
    """Return a number with fixed digits and a true minus sign; a dash where there is none."""
    return NOTHING if value is None else _minus(f"{value:.{digits}f}")


def signed(value: float | None, digits: int = 3) -> str:
    """Return a difference with its sign."""
    return NOTHING if value is None else _minus(f"{value:+.{digits}f}")


def percent(share: float | None) -> str:
    """Return a share as a percentage that says 100 only where nothing is missing."""
    if share is None:
        return NOTHING
    shown = round(100 * share, 1)
    return f"{99.9 if shown >= 100 and share < 1 else shown:.1f}".removesuffix(".0") + "\u202f%"


def p_value(p: float | None) -> str:
    """Return a p value; small ones as a bound."""
    return NOTHING if p is None else "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def plain(value: float | None) -> str:
    """Return a number with four significant digits."""
    return NOTHING if value is None else _minus(f"{value:.4g}")


def count(value: float | None) -> str:
    """Return a whole number with thin spaces between thousands."""
    return NOTHING if value is None else f"{value:,.0f}".replace(",", "\u202f")


def duration(seconds: float | None) -> str:
    """Return a time in the unit people would use."""
    if seconds is None:
        return NOTHING
    if seconds < 90:
        return f"{seconds:.1f}\u202fs"
    return f"{seconds / 60:.1f}\u202fmin" if seconds < 5400 else f"{seconds / 3600:.1f}\u202fh"


def tick(value: float) -> str:
    """Return an axis label."""
    return _minus(f"{value:.2f}".rstrip("0").rstrip(".") if value else "0")


def shorten(text: str, length: int) -> str:
    """Return at most `length` characters of a text, on one line, with an ellipsis where it was cut."""
    flat = " ".join(str(text).split())
    return flat if len(flat) <= length else flat[: length - 1].rstrip() + "…"


def as_json(value: Any) -> str:
    """Return a number, or null, as JSON writes it: unrounded."""
    # A page has hundreds of them, and this is what the library comes to after looking at everything else.
    return repr(value) if type(value) is float and math.isfinite(value) else json.dumps(value)


def plain_json(value: Any) -> str:
    """Return a value of an answer's evidence as text; floats with four significant digits."""
    if isinstance(value, float):
        return plain(value)
    if isinstance(value, list | tuple):
        return ", ".join(plain_json(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def embed(value: Any) -> Markup:
    """Return JSON for a script block of type application/json: no character in it can end the block or start a comment."""
    text = canonical_json(value)
    for character, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029")):
        text = text.replace(character, escape)
    return Markup(text)  # noqa: S704  # every character that could leave the block was replaced above


def spans(numbers: Iterable[int]) -> str:
    """Return whole numbers as text, runs of neighbours as ranges; empty for none."""
    parts: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][1] == number - 1:
            parts[-1] = (parts[-1][0], number)
        else:
            parts.append((number, number))
    return ", ".join(str(low) if low == high else f"{low}–{high}" for low, high in parts)


def heat(value: float) -> int:
    """Return the shade of a score from 0 to 10."""
    return round(min(max(value, 0.0), 1.0) * 10)


def spreadless(item: Any) -> bool:
    """Return whether an interval has no width: nothing varied, so how far it would reach elsewhere is not known."""
    return item.low is not None and item.high is not None and item.high - item.low < SPREADLESS


def sentence(text: str) -> str:
    """Return a remark as a sentence of its own; empty stays empty."""
    return f"{text[0].upper()}{text[1:]}." if text else ""


def bound_of(score: Score) -> str:
    """Return the sign of an upper bound before a number that is one."""
    return "<= " if score.partial and score.if_ is not None and score.spi is not None and score.interactions else ""


def counted(number: int, noun: str) -> str:
    """Return a number with what it counts: ``1 prompt``, ``2 prompts``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def commit(text: str) -> str:
    """Return a short commit with its mark of uncommitted changes."""
    digest, plus, rest = text.partition("+")
    return short(digest) + plus + rest


def answer_word(answer: Answer) -> str:
    """Return an answer, or why there is none, in a word or two."""
    return _WORDS[answer.verdict] if answer.verdict is not None else answer.status.value


def answer_class(answer: Answer) -> str:
    """Return the style of an answer."""
    if answer.verdict is AnswerValue.YES:
        return "yes"
    if answer.verdict is AnswerValue.IMPLAUSIBLE:
        return "odd"
    if answer.verdict is AnswerValue.NO:
        return "no"
    return "none" if answer.status is AnswerStatus.UNANSWERABLE else "failed"


def who(instance_id: str, sample: Sample) -> str:
    """Return an instance's appearance; its id where the sample does not know it."""
    return next((item.appearance for item in sample.instances if item.id == instance_id), instance_id)


def act(interaction: Interaction, sample: Sample) -> str:
    """Return an interaction as text."""
    if interaction.subject is None or interaction.object is None:
        return interaction.text or interaction.verb
    return f"{who(interaction.subject, sample)} {interaction.verb} {who(interaction.object, sample)}"


def fields(interaction: Interaction, sample: Sample) -> list[str]:
    """Return what an interaction's optional fields say."""
    return fields_in_words(sample, interaction)


def _minus(text: str) -> str:
    # A negative zero is zero to a reader.
    return text.lstrip("-") if not text.strip("-0.") and text.startswith("-") else text.replace("-", "−")


FILTERS: dict[str, Callable[..., Any]] = {
    "act": act,
    "answer_class": answer_class,
    "answer_word": answer_word,
    "bound_of": bound_of,
    "commit": commit,
    "count": count,
    "counted": counted,
    "duration": duration,
    "embed": embed,
    "fields": fields,
    "hash": short,
    "heat": heat,
    "json": as_json,
    "metric": metric_name,
    "num": num,
    "p_value": p_value,
    "percent": percent,
    "plain": plain,
    "plain_json": plain_json,
    "sentence": sentence,
    "shorten": shorten,
    "signed": signed,
    "spans": spans,
    "spreadless": spreadless,
    "tick": tick,
    "who": who,
}
"""Name in templates -> function."""
