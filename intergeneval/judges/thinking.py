"""What models think before they reply, told from what they say: tags, special tokens, channels.

What stands inside of thinking is no answer, whatever it says, and thinking that does not end is none either.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator

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
_CHANNEL = re.compile(r"<\|channel\|>\s{0,9}(\w{1,40})\b[^<{]{0,200}(?:<\|constrain\|>[^<{]{0,200})?<\|message\|>")
_BARE_CHANNEL = re.compile(r"\s*(?:assistant)?(?:analysis|commentary)(?=[A-Z{*])")
"""How a reply in channels begins whose special tokens the server has dropped."""
_CHANNEL_TOKENS = frozenset(("<|channel|>", "<|message|>", "<|constrain|>", "<|start|>"))
_BARE_FINAL = "assistantfinal"
_PLAIN = json.JSONDecoder()


class NotJsonError(ValueError):
    """A reply is not one JSON object."""


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


def thinks(mark: str) -> bool:
    """Return whether a token is one that tells thinking or channels from the reply."""
    return _MARK.fullmatch(mark.strip()) is not None or mark.strip() in _CHANNEL_TOKENS


def open_thought(text: str) -> str:
    """Return the mark with which the end of a prompt begins the thinking of the reply; empty where it begins none."""
    end = text[-200:]
    marks = list(_MARK.finditer(end))
    return marks[-1].group() if marks and _kind(marks[-1])[0] and not end[marks[-1].end() :].strip() else ""


def _final(text: str) -> str:
    """Return the one message of a reply in channels that is meant for the reader; the text where it has no channels."""
    if "<|channel|>" not in text:
        if _BARE_CHANNEL.match(text) is None:
            return text
        messages = text.split(_BARE_FINAL)
        if len(messages) == 1:
            raise NotJsonError("the reply is thinking that does not end")
        if len(messages) > 2:
            raise NotJsonError(f"the reply has {len(messages) - 1} final messages instead of one")
        return messages[1]
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


def _kind(mark: re.Match[str]) -> tuple[bool, str]:
    """Return whether a mark begins thinking, and which pair it belongs to."""
    name = str(mark.lastgroup)
    return name.startswith("open"), name.removeprefix("open").removeprefix("close")
