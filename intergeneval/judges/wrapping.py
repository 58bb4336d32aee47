"""What models and servers put around the one JSON object of a reply: thinking, special tokens, a fence, a sentence.

The object is taken when it is the only one that stands outside of thinking. What stands inside is no answer, whatever it says;
thinking that does not end is none either. Nothing is chosen between two objects, and no part of a damaged one is taken for whole.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

_THOUGHT = "(?:think|thinking|thoughts?|reasoning)"
_TAGS = (
    *("think", "thinking", "thought", "thoughts", "reason", "reasoning", "reflection", "analysis", "scratchpad"),
    *("chain_of_thought", "inner_monologue", "rationale", "deliberation"),
)
_MARKS = (
    *((rf"<\s*(?:\w+:)?{name}(?:\s[^<>]*)?(?<!/)>", rf"<\s*/\s*(?:\w+:)?{name}\s*>") for name in _TAGS),
    *((rf"\[{name}\]", rf"\[/{name}\]") for name in ("think", "thinking", "reasoning")),
    (r"◁\s*think(?:ing)?\s*▷", r"◁\s*/\s*think(?:ing)?\s*▷"),
    (rf"<\|{_THOUGHT}\|>", rf"<\|/{_THOUGHT}\|>"),
    (rf"<[|｜](?:begin|start)[_▁](?:of[_▁])?{_THOUGHT}[|｜]>", rf"<[|｜]end[_▁](?:of[_▁])?{_THOUGHT}[|｜]>"),
    (rf"<[|｜]{_THOUGHT}[_▁](?:begin|start)[|｜]>", rf"<[|｜]{_THOUGHT}[_▁]end[|｜]>"),
    (r"<\|inner_prefix\|>", r"<\|inner_suffix\|>"),
    (r"<unused94>", r"<unused95>"),
    (r"<\|channel>", r"<channel\|>"),
)
"""How a model's thinking begins and ends, one pair a way of writing."""
_MARK = re.compile(
    "|".join(f"(?P<open{number}>{first})|(?P<close{number}>{last})" for number, (first, last) in enumerate(_MARKS)),
    re.IGNORECASE,
)
# Looking at one character first spares most places of a long reply all the rest.
_MARK_OR_BRACE = re.compile(rf"(?=[{{<\[◁])(?:\{{|{_MARK.pattern})", re.IGNORECASE)
_TRIES = 200
"""How many braces of a reply that are no objects are looked into, before braces are passed over."""
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)[^<{]*(?:<\|constrain\|>[^<{]*)?<\|message\|>")
_BARE_CHANNEL = re.compile(r"\s*(?:assistant)?(?:analysis|commentary)(?=[A-Z{*])")
"""How a reply in channels begins whose special tokens the server has dropped."""
_CHANNEL_TOKENS = frozenset(("<|channel|>", "<|message|>", "<|constrain|>", "<|start|>"))
_BARE_FINAL = "assistantfinal"
_FENCED = re.compile(r"\A```(?:json)?[ \t]*\n(.*)\n```\Z", re.DOTALL)
_SPECIAL = r"<[|｜][^<>{}]*[|｜]>|</?(?:s|eos|bos|pad|answer|end_of_turn|start_of_turn|end_of_utterance)>|<turn\|>"
_FENCE = r"(?:```|~~~)[\w+-]*"
_BEFORE = re.compile(rf"(?:\s|\ufeff|{_SPECIAL}|{_FENCE})*", re.IGNORECASE)
_AFTER = re.compile(rf"(?:\s|{_SPECIAL}|```|~~~)*", re.IGNORECASE)
_ENDS = re.compile(rf"\}}(?:\s|{_SPECIAL}|```|~~~)*\Z", re.IGNORECASE)
_BRACKET = re.compile(r"[][{}]")
_ASIDE = re.compile(r"\[[^][{}]*\]")
_PLAIN = json.JSONDecoder()
_CUT_NUMBER = re.compile(r"[.eE+-]+")


class NotJsonError(ValueError):
    """A reply is not one JSON object."""


class _CutError(Exception):
    """A text ends in the middle of a JSON value."""


def sole_object(text: str, *, cut: bool = False) -> dict[str, Any]:
    """Return the one JSON object of a reply. Raises ValueError saying what else it is; a repeated name is a fault as well.

    A reply that was `cut` off by a limit of tokens may be thinking whose beginning the chat template wrote, and may have gone on
    to say more. So there only fence and special tokens may stand around the object, and words before it after an end of thinking.
    """
    bare = _bare(text)
    if bare is not None:
        return bare
    said = spoken(text)
    if not said.strip():
        raise NotJsonError("the reply is empty" if not text.strip() else "the reply holds nothing beside its thinking")
    found, start, end = _only(said)
    if cut and not (_may_begin(text, said, start) and _AFTER.fullmatch(said, end)):
        raise NotJsonError("the reply is not one JSON object: it is cut off amid other words")
    return found


def begun_object(text: str) -> dict[str, Any]:
    """Return what is complete of the object of a reply that was cut off: its fields, and of a list the entries that are closed.

    Raises ValueError where no object has begun, or where it is damaged before it is cut off.
    """
    said = spoken(text)
    start = said.find("{")
    if start < 0 or not _may_begin(text, said, start):
        raise NotJsonError("the reply is cut off before its JSON object begins")
    found: dict[str, Any] = {}
    try:
        for name, value in _fields(said, start + 1):
            if name in found:
                raise NotJsonError("an object of the reply has the same name twice")
            found[name] = value
    except _CutError:
        return found
    raise NotJsonError("the reply is not one JSON object: it is cut off amid other words")


def spoken(text: str) -> str:
    """Return what a reply says after its thinking; all of it where there is none. Raises ValueError where thinking does not end.

    Whatever stands before the last mark that ends thinking is thinking, for chat templates often write the mark that begins it.
    """
    text = _final(text)
    depth, end = Counter[str](), 0
    for mark in _marks(text):
        opens, number = _kind(mark)
        if opens:
            depth[number] += 1
        else:
            depth[number] = max(0, depth[number] - 1)
            end = mark.end()
    if any(depth.values()):
        raise NotJsonError("the reply is thinking that does not end")
    return text[end:]


def without_thinking(text: str) -> str:
    """Return a reply as it may be shown to the model again: less its thinking, and nothing where that does not end."""
    try:
        return spoken(text)
    except ValueError:
        return ""


def ends_in_object(text: str) -> bool:
    """Return whether nothing but a fence and special tokens follow the last brace of a text."""
    return _ENDS.search(text) is not None


def is_blank(text: str) -> bool:
    """Return whether a text holds nothing but spaces, fences and special tokens."""
    return _BEFORE.fullmatch(text) is not None


def thinks(mark: str) -> bool:
    """Return whether a token is one that tells thinking or channels from the reply."""
    return _MARK.fullmatch(mark.strip()) is not None or mark.strip() in _CHANNEL_TOKENS


def open_thought(text: str) -> str:
    """Return the mark with which the end of a prompt begins the thinking of the reply; empty where it begins none."""
    end = text[-200:]
    marks = list(_MARK.finditer(end))
    return marks[-1].group() if marks and _kind(marks[-1])[0] and not end[marks[-1].end() :].strip() else ""


def _kind(mark: re.Match[str]) -> tuple[bool, str]:
    """Return whether a mark begins thinking, and which pair it belongs to."""
    name = str(mark.lastgroup)
    return name.startswith("open"), name.removeprefix("open").removeprefix("close")


def _bare(text: str) -> dict[str, Any] | None:
    """Return the object that a reply is, bare or in one fence; None where it may be another thing with an object in it."""
    fenced = _FENCED.match(text.strip())
    body = fenced.group(1) if fenced else text.strip()
    try:
        found = json.loads(body, object_pairs_hook=_unique, parse_constant=_no_constant)
    except NotJsonError:
        raise
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        raise NotJsonError("the reply is JSON, but not an object")
    return found


def _final(text: str) -> str:
    """Return the one message of a reply in channels that is meant for the reader; the text where it has no channels."""
    if "<|channel|>" not in text:
        if _BARE_CHANNEL.match(text) is None:
            return text
        _, known, last = text.rpartition(_BARE_FINAL)
        if not known:
            raise NotJsonError("the reply is thinking that does not end")
        return last
    headers = list(_CHANNEL.finditer(text))
    finals = [number for number, header in enumerate(headers) if header.group(1).lower() == "final"]
    if len(finals) != 1:
        raise NotJsonError(f"the reply has {len(finals)} final messages instead of one")
    after = headers[finals[0] + 1 :]
    return text[headers[finals[0]].end() : after[0].start() if after else len(text)]


def _marks(text: str) -> Iterator[re.Match[str]]:
    """Give the marks of thinking that stand outside of whole JSON objects, whose texts may quote them."""
    place = tried = failed = 0
    while found := _MARK_OR_BRACE.search(text, place):
        place = found.end()
        if found.lastgroup is not None:
            yield found
        elif found.start() >= tried:
            try:
                _, place = _PLAIN.raw_decode(text, found.start())
            except (ValueError, RecursionError) as error:
                # What lies inside of a failed attempt is not tried again, or a hostile reply would take time squared.
                failed += 1
                tried = getattr(error, "pos", len(text)) if failed < _TRIES else len(text)


def _only(text: str) -> tuple[dict[str, Any], int, int]:
    """Return the only object of a text, with where it begins and ends."""
    found: tuple[dict[str, Any], int, int] | None = None
    place = 0
    while bracket := _BRACKET.search(text, place):
        start = bracket.start()
        if bracket.group() == "[":
            place = _aside(text, start)
        elif bracket.group() != "{":
            raise NotJsonError(f"the reply is not one JSON object (a {bracket.group()!r} too many)")
        elif found is not None:
            raise NotJsonError("the reply is not one JSON object: there is another, or a brace, beside it")
        else:
            value, place = _decode(text, start)
            found = (value, start, place)
    if found is None:
        raise NotJsonError("the reply is not one JSON object (it holds none)")
    return found


def _aside(text: str, start: int) -> int:
    """Return where brackets end that belong to a sentence, such as ``[0.1]`` or ``[sic]``; a list with a statement is none."""
    try:
        value, end = _PLAIN.raw_decode(text, start)
    except (ValueError, RecursionError):
        aside = _ASIDE.match(text, start)
        if aside is None:
            raise NotJsonError("the reply is not one JSON object: a bracket beside it does not close") from None
        return aside.end()
    if any(type(item) not in (int, float) for item in value):
        raise NotJsonError("the reply is not one JSON object: there is a list beside it")
    return end


def _decode(text: str, start: int) -> tuple[Any, int]:
    try:
        return json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant).raw_decode(text, start)
    except NotJsonError:
        raise
    except (ValueError, RecursionError) as error:
        raise NotJsonError(f"the reply is not one JSON object ({str(error)[:80]})") from None


def _may_begin(text: str, said: str, start: int) -> bool:
    """Return whether what stands before the object of a reply that was cut off cannot be thinking."""
    ended = len(said) < len(text) and _BRACKET.search(said, 0, start) is None
    return ended or _BEFORE.fullmatch(said, 0, start) is not None


def _fields(text: str, place: int) -> Iterator[tuple[str, Any]]:
    """Give name and value of what is complete in an object that opens before `place`. Raises _CutError where the text ends."""
    while True:
        name, place = _complete(text, _skip(text, place))
        if not isinstance(name, str):
            raise NotJsonError("the reply is not one JSON object (a name is no text)")
        place = _skip(text, _past(text, place, ":"))
        if text[place] == "[":
            items: list[Any] = []
            try:
                place = _items(text, place + 1, items)
            except _CutError:
                yield name, items
                raise
            yield name, items
        else:
            value, place = _complete(text, place)
            # A number that ends where the text ends may have had more digits.
            _skip(text, place)
            yield name, value
        if text[_skip(text, place)] == "}":
            return
        place = _past(text, place, ",")


def _items(text: str, place: int, items: list[Any]) -> int:
    """Add to `items` what is complete in a list, and return where it ends. Raises _CutError where the text ends before."""
    if text[_skip(text, place)] == "]":
        return _skip(text, place) + 1
    while True:
        value, place = _complete(text, _skip(text, place))
        if not isinstance(value, dict):
            # A number that ends where the text ends may have had more digits; a closed object is whole.
            _skip(text, place)
        items.append(value)
        if text[_skip(text, place)] == "]":
            return _skip(text, place) + 1
        place = _past(text, place, ",")


def _complete(text: str, start: int) -> tuple[Any, int]:
    """Return a value that is written to its end. Raises _CutError where the text ends in it, ValueError where it is damaged."""
    try:
        return json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant).raw_decode(text, start)
    except json.JSONDecodeError as error:
        if _runs_out(text, error):
            raise _CutError from None
        raise NotJsonError(f"the reply is not one JSON object ({str(error)[:80]})") from None
    except NotJsonError:
        raise
    except (ValueError, RecursionError) as error:
        raise NotJsonError(f"the reply is not one JSON object ({str(error)[:80]})") from None


def _runs_out(text: str, error: json.JSONDecodeError) -> bool:
    rest = text[error.pos :].strip()
    if not rest or error.msg.startswith("Unterminated string") or _CUT_NUMBER.fullmatch(rest):
        return True
    if error.msg.startswith("Invalid \\"):
        return len(text) - error.pos <= len("\\u0000")
    return any(word.startswith(rest) for word in ("true", "false", "null"))


def _skip(text: str, place: int) -> int:
    """Return the place of the next character that is no space. Raises _CutError where there is none."""
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    if place == len(text):
        raise _CutError
    return place


def _past(text: str, place: int, mark: str) -> int:
    place = _skip(text, place)
    if text[place] != mark:
        raise NotJsonError(f"the reply is not one JSON object ({mark!r} is missing)")
    return place + 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotJsonError("an object of the reply has the same name twice")
    return found


def _no_constant(text: str) -> Any:
    raise NotJsonError(f"the reply holds {text}, which JSON does not have")
