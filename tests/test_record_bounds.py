"""Records of other people: bounds hold on both ways in, lines by msgspec and values field by field."""

import functools
import importlib
import json
import os
import pkgutil
import typing
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import intergeneval
from intergeneval.errors import RecordError
from intergeneval.gate.baselines import ScoredRun
from intergeneval.ids import bounded_json, canonical_json
from intergeneval.records import Answer, Record, RunHeader, Sample, Tracks, Video
from intergeneval.records import limits as bounds
from intergeneval.records.lines import schema
from intergeneval.store.run_folder import STAGES

EXAMPLES = 10_000 if os.environ.get("NIGHTLY_TESTS") else 400
LEARNED = ("sam2", "groundingdino_py", "hf", "sam3", "grounding_dino", "diffusers", "phrases", "hf_model")


def classes():
    """Every record class of the package, by walking its modules."""
    for module in pkgutil.walk_packages(intergeneval.__path__, "intergeneval."):
        if module.name.rpartition(".")[2] not in LEARNED and ".cli" not in module.name:
            importlib.import_module(module.name)
    found = [Record]
    for cls in found:
        found += cls.__subclasses__()
    return sorted({cls for cls in found if is_dataclass(cls) and cls.__module__.startswith("intergeneval")}, key=str)


SCHEMA = Path(__file__).parents[1] / "docs" / "records.schema.json"


def schema_text():
    """The JSON Schema of what a run folder holds, one kind a stage, and of its header and a baseline."""
    return json.dumps(schema([RunHeader, ScoredRun, *STAGES.values()]), indent=1, sort_keys=True) + "\n"


TEXTS = st.one_of(
    st.text(max_size=8), st.sampled_from(["", "..", "../x", "/etc/passwd", "a/b", "\x1b]0;x\x07", "\ud800", ".", " a"])
)
NUMBERS = st.one_of(
    st.integers(-3, 30),
    st.sampled_from([2**63, -(2**63) - 1, 10**399, 2**31, 10**8]),
    st.floats(allow_nan=False, allow_infinity=False),
)
PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


def values(hint):
    """A strategy for the JSON of a type, mostly right and now and then anything at all."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        named = {"id": st.sampled_from(["a", "coffee 1", "é", "日本"]), "path": st.just("a/b.png")}
        right = named[inner[1].name] if inner[1].name in named else values(inner[0])
    elif inner and type(None) in inner:
        right = st.one_of(*(values(one) for one in inner))
    elif origin is tuple and len(inner) == 2 and inner[1] is Ellipsis:
        right = st.lists(values(inner[0]), max_size=3)
    elif origin is tuple:
        right = st.tuples(*(values(one) for one in inner)).map(list)
    elif origin is typing.Literal:
        right = st.sampled_from(inner)
    elif inner:
        right = st.dictionaries(values(inner[0]), values(inner[1]), max_size=2) if len(inner) == 2 else PLAIN
    elif isinstance(hint, type) and is_dataclass(hint):
        right = objects(hint)
    elif isinstance(hint, type) and hasattr(hint, "__members__"):
        right = st.sampled_from([item.value for item in hint])
    else:
        right = {str: TEXTS, int: st.integers(0, 30), bool: st.booleans(), float: NUMBERS, type(None): st.none()}.get(hint, PLAIN)
    return right


@functools.cache
def objects(cls):
    hints = typing.get_type_hints(cls, include_extras=True)
    needed = {item.name: item.default is MISSING and item.default_factory is MISSING for item in fields(cls)}
    told = {name.rstrip("_"): values(hints[name]) for name in needed}
    must = {name.rstrip("_") for name, wanted in needed.items() if wanted}
    return st.fixed_dictionaries({n: told[n] for n in told if n in must}, optional={n: told[n] for n in told if n not in must})


@st.composite
def mutated(draw):
    """A record class and JSON text of it: as its type has it, with a value or a name replaced, or cut as text."""
    cls = draw(st.sampled_from(CLASSES))
    value = draw(objects(cls))
    for _ in range(draw(st.integers(0, 2))):
        value = draw(st.one_of(st.just({**value, draw(st.sampled_from([*value, "strange"])): draw(PLAIN)}), st.just(value)))
    text = json.dumps(value)
    if draw(st.integers(0, 9)) == 0:
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(st.sampled_from(["", "[" * 2000, "NaN", "1e999", "9" * 5000, "\x00", "}"])) + text[place + 1 :]
    return cls, text


CLASSES = classes()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutated())
@example((Answer, "[" * 100_000))
@example((Answer, '{"usage": {"tokens": ' + "9" * 4000 + "}}"))
def test_a_line_is_a_record_or_a_record_error_and_both_ways_in_agree(case):
    """Users would meet a traceback, or a value that one reader takes and another refuses."""
    cls, text = case
    try:
        slow = cls.from_json(bounded_json(text))
    except (RecordError, ValueError):
        slow = None
    try:
        fast = cls.from_line(text, where="file:1")
    except RecordError:
        assert slow is None
        return
    assert fast == slow
    assert cls.from_line(canonical_json(fast.to_json())) == fast


def test_every_record_class_of_the_package_is_among_the_tried():
    assert len(CLASSES) >= 55
    assert {Answer, Sample, Tracks, Video} <= set(CLASSES)


ANSWER = {"sample_id": "a", "seed": 0, "interaction": 0, "question_id": 1, "status": "failed", "value": None}
VIDEO = {"sample_id": "a", "seed": 0, "status": "ok"}


@pytest.mark.parametrize(
    ("cls", "raw", "said"),
    [
        (Answer, {**ANSWER, "sample_id": "../../etc"}, "the id '../../etc' starts with a dot"),
        (Answer, {**ANSWER, "usage": {"tokens": 10**300}}, "more than 64 bits"),
        (Answer, {**ANSWER, "seed": 2**63}, "more than 64 bits"),
        (Answer, {**ANSWER, "reason": "x" * (bounds.MOST_TEXT + 1)}, "characters"),
        (Answer, {**ANSWER, "frame": -1}, "-1 is not between 0 and"),
        (Video, {**VIDEO, "path": "/etc/passwd"}, "is absolute"),
        (Video, {**VIDEO, "path": "a/../../b"}, "leaves its folder"),
        (Video, {**VIDEO, "size": [100_000, 100_000]}, "pixels"),
        (Video, {**VIDEO, "frames": 10**12}, "not between"),
        (Video, {**VIDEO, "fps": 10**400}, "beyond"),
    ],
)
def test_what_is_beyond_a_bound_is_refused_with_its_place_on_both_ways(cls, raw, said):
    for read in (lambda: cls.from_json(raw, where="f:1"), lambda: cls.from_line(json.dumps(raw), where="f:1")):
        with pytest.raises(RecordError, match="f:1") as caught:
            read()
        assert said in str(caught.value) or "digits" in str(caught.value)


def test_nesting_beyond_every_record_is_one_message():
    deep = {**ANSWER, "evidence": json.loads("[" * 40 + "]" * 40)}
    with pytest.raises(RecordError, match="nested too deeply"):
        Answer.from_line(json.dumps({**ANSWER, "evidence": {"a": deep["evidence"]}}))
    with pytest.raises(RecordError, match="nested too deeply"):
        Answer.from_line("[" * 200_000)


def test_the_published_schema_is_made_of_the_types_that_lines_are_decoded_with():
    """Write it anew with ``python -m tests.test_record_bounds``."""
    assert SCHEMA.read_text(encoding="utf-8") == schema_text()
    told = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]
    assert told["Answer"]["additionalProperties"] is False
    assert told["Video"]["properties"]["frames"]["maximum"] == bounds.MOST_FRAMES


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), encoding="utf-8")
