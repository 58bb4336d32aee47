"""Templates of other people, bounded: how long a text they make, how often they loop, how long they take.

The sandbox of jinja2 keeps a template from the machine; it does not keep one line from taking hours or gigabytes. Every loop,
call, filter and operator that can is therefore counted while a template is rendered, and nothing is computed when it is compiled.
"""

from __future__ import annotations

import contextvars
import functools
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass
from typing import Any

from jinja2 import StrictUndefined, Template, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Macro
from jinja2.sandbox import SandboxedEnvironment

MOST_TEMPLATE = 100_000
"""Characters of a template."""
MOST_MADE = 4_000_000
"""Characters that one rendering may put together, those in between too."""
MOST_STEPS = 200_000
"""Rounds of loops and calls of one rendering."""
SECONDS = 10.0
"""One rendering; the package's own take milliseconds."""
MOST_TEXT = 100_000
"""Characters or entries of what a filter or a method works on."""
MOST_ARGUMENT = 2_000
"""Characters of a text, or size of a whole number, that a filter or a method is given beside it."""
_WIDTH = re.compile(r"\d{4}|\*|\{[^{}]*\{")
"""A width in a format that would fill up to thousands of characters, or is not told yet."""


@dataclass(slots=True)
class _Left:
    steps: int
    characters: int
    until: float


_left: contextvars.ContextVar[_Left | None] = contextvars.ContextVar("left", default=None)


def render(template: Template, values: Mapping[str, Any]) -> str:
    """Return the text of a template. Raises SecurityError for one that goes beyond a bound, and whatever else it raises."""
    token = _left.set(_Left(MOST_STEPS, MOST_MADE, time.monotonic() + SECONDS))
    try:
        return "".join(template.generate(values))
    finally:
        _left.reset(token)


class BoundedEnvironment(SandboxedEnvironment):
    """The sandbox, counting; what it compiles is rendered by `render`."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def __init__(self) -> None:
        # Plain text for a model, so nothing is escaped.
        super().__init__(
            undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False, optimized=False, finalize=_made
        )
        self.filters = {name: _bounded(name, function) for name, function in self.filters.items()}
        self.filters |= {_ROUNDS: _rounds, _PUT: _made}
        del self.globals["lipsum"]

    def from_string(self, source: Any, *args: Any, **kwargs: Any) -> Template:
        """Compile a template. Raises SecurityError also for one that is too long."""
        if len(source) > MOST_TEMPLATE:
            raise SecurityError(f"it has {len(source)} characters, and {MOST_TEMPLATE} are the most")
        return super().from_string(source, *args, **kwargs)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in list(tree.find_all(nodes.For)):
            loop.iter = _through(_ROUNDS, loop.iter)
        for put in list(tree.find_all(nodes.AssignBlock)):
            put.filter = _through(_PUT, put.filter)
        for filtered in list(tree.find_all(nodes.FilterBlock)):
            filtered.filter = _through(_PUT, filtered.filter)
        _wrap_joined(tree)
        return tree

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute what an operator makes, unless it would be too long."""
        _step()
        sizes = [len(item) for item in (left, right) if isinstance(item, Sized)]
        numbers = [abs(item) for item in (left, right) if isinstance(item, int)]
        if operator == "%" and isinstance(left, str):
            _refuse(bool(_WIDTH.search(left)), "a format has a width of more than 999")
        elif operator == "+" and sizes:
            _refuse(sum(sizes) > MOST_TEXT, "a sum is too long")
        elif operator == "*" and sizes:
            _refuse(sum(sizes) * max(numbers, default=0) > MOST_TEXT, "a product is too long")
        elif operator in ("*", "**"):
            _refuse(any(item > (1 << 64 if operator == "*" else 1000) for item in numbers), "a number is too large")
        return _made(super().call_binop(context, operator, left, right))

    def call(self, context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a macro or a method, counted."""
        _step()
        if not isinstance(obj, Macro):
            told, named = getattr(obj, "__self__", ""), getattr(obj, "__name__", "")
            _refuse(named == "join" and _length(told) > MOST_ARGUMENT, "a text between others is too long")
            _check(told, args, kwargs, most=MOST_TEXT if obj in self.globals.values() else MOST_ARGUMENT)
        return _made(super().call(context, obj, *args, **kwargs))

    def wrap_str_format(self, value: Any) -> Any:
        """Wrap a text's method that formats, unless it would fill up to thousands of characters."""
        told = getattr(value, "__self__", None)
        if isinstance(told, str) and getattr(value, "__name__", "") in ("format", "format_map"):
            _refuse(bool(_WIDTH.search(told)), "a format has a width of more than 999")
        return super().wrap_str_format(value)


_ROUNDS, _PUT = "counted rounds", "counted text"


def _through(name: str, node: Any) -> Any:
    return nodes.Filter(node, name, [], [], None, None, lineno=getattr(node, "lineno", 1))


def _wrap_joined(node: nodes.Node) -> None:
    """Count what ``~`` puts together, and what it is put together from, wherever it stands."""
    if isinstance(node, nodes.Concat):
        node.nodes = [_through(_PUT, item) for item in node.nodes]
    for field, value in node.iter_fields():
        if isinstance(value, nodes.Node):
            _wrap_joined(value)
            if isinstance(value, nodes.Concat):
                setattr(node, field, _through(_PUT, value))
        elif isinstance(value, list):
            for place, item in enumerate(value):
                if isinstance(item, nodes.Node):
                    _wrap_joined(item)
                    if isinstance(item, nodes.Concat):
                        value[place] = _through(_PUT, item)


def _refuse(too_much: bool, what: str) -> None:  # reads as a sentence where it is called
    if too_much:
        raise SecurityError(what)


def _step() -> None:
    left = _left.get()
    if left is not None:
        left.steps -= 1
        _refuse(left.steps < 0, f"more than {MOST_STEPS} rounds of loops and calls are too many")
        _refuse(not left.steps % 64 and time.monotonic() > left.until, f"more than {SECONDS:g} seconds are too long")


def _made(value: Any) -> Any:
    """Count a text that was put together or put out, and return it."""
    left = _left.get()
    if left is None:
        return value
    if isinstance(value, list | tuple | dict):
        # Put out, it becomes a text with all that it holds.
        _refuse(_length(value) > MOST_TEXT, "a list holds too much")
    elif isinstance(value, str):
        left.characters -= len(value)
        _refuse(left.characters < 0, f"more than {MOST_MADE} characters in all are too many")
    return value


def _rounds(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        _step()
        yield item


def _length(value: Any, most: int = MOST_TEXT) -> int:
    """Return how many characters and entries a value holds, at all depths; somewhat more than `most` where it is more."""
    if not isinstance(value, list | tuple | dict):
        return len(value) if isinstance(value, Sized) else 1
    found = 1
    for item in [*value, *value.values()] if isinstance(value, dict) else value:
        found += _length(item, most - found)
        if found > most:
            break
    return found


def _check(subject: Any, args: Iterable[Any], kwargs: Mapping[str, Any], most: int = MOST_ARGUMENT) -> None:
    _refuse(_length(subject) > MOST_TEXT, "what a filter or a method works on is too long")
    for item in (*args, *kwargs.values()):
        large = abs(item) > most if isinstance(item, int) else isinstance(item, str) and len(item) > most
        _refuse(large, "what a filter or a method is given is too large")
        _refuse(_length(item) > MOST_TEXT, "what a filter or a method is given is too long")


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that is counted; jinja2 hands some of them the environment or the context first."""

    @functools.wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        _step()
        given = args[1:] if hasattr(function, "jinja_pass_arg") else args
        subject, rest = given[0] if given else None, given[1:]
        _check(subject, rest, kwargs)
        if name == "format":
            _refuse(bool(_WIDTH.search(str(subject))), "a format has a width of more than 999")
        return _made(function(*args, **kwargs))

    return counted
