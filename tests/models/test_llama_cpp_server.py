"""Judging through llama.cpp's own server: what it does with pictures, a schema, parameters and too long a prompt."""

import json
from importlib.metadata import version

import numpy as np
import pytest

from intergeneval.errors import BackendError, RefusedError
from intergeneval.judges.inquiries import Inquiry
from intergeneval.judges.openai import cutting
from intergeneval.judges.openai.jpegs import encode_jpeg
from intergeneval.plugins import build
from intergeneval.records import AnswerStatus
from tests import judged_world, tiny_world
from tests.models import llama_cpp


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return llama_cpp.write(tmp_path_factory.mktemp("gguf"))


@pytest.fixture
def world(tmp_path):
    tiny_world.write_benchmark(tmp_path / "bench")
    tiny_world.write_videos(tmp_path / "model")
    return tmp_path


WITHOUT_SPACE = {str(llama_cpp.token(character)): -100 for character in "\n\t "}
"""Bias under which a random model does not fill a reply with the white space that JSON allows."""
DARK = {
    "type": "object",
    "properties": {"dark": {"type": "boolean"}},
    "required": ["dark"],
    "additionalProperties": False,
}
FAST = {"attempts": 2, "timeout": 120.0, "backoff": 0.02}


def judged(world, url, **parameters):
    """One video through the judge, in twenty tokens: what the server does with a request shows in its usage."""
    asked = {"temperature": 0, "max_tokens": 20, "logit_bias": WITHOUT_SPACE, **parameters}
    settings = {**FAST, "parameters": {name: value for name, value in asked.items() if value is not None}}
    result = judged_world.run(world, url, judge_settings=settings, limit=1, consistency="tracks", cache="off")
    assert result.scores[0].if_ is None
    return judged_world.answers(result.store)


def test_it_takes_pictures_and_its_grammar_holds_even_a_random_model_to_the_schema(world, files, capsys):
    with llama_cpp.served(*files, world / "log") as url:
        judge = build("judges", "openai:any", {"base_url": url, **FAST, "parameters": {"logit_bias": WITHOUT_SPACE}})
        # What a random model says in that shape answers nothing, and doctor is not content with it.
        with pytest.raises(BackendError, match="could not be scored"):
            judge.probe()
        picture = encode_jpeg(np.zeros((64, 96, 3), dtype=np.uint8))
        found = judge.inquire(
            Inquiry(
                system="You look at pictures.",
                text="Is it dark?",
                schema=DARK,
                read=json.loads,
                correct=lambda problem: problem,
                pictures=(picture, picture),
            )
        )
        judge.close()
    assert found.value in ({"dark": True}, {"dark": False})
    assert (found.usage["requests"], found.usage["failures"]) == (1, {})
    with capsys.disabled():
        print(f"\nllama.cpp of xllamacpp {version('xllamacpp')}: pictures taken, schema kept: {found.value}")


def test_it_knows_the_newer_name_of_max_tokens_and_takes_no_notice_of_a_parameter_it_does_not_know(world, files):
    with llama_cpp.served(*files, world / "log") as url:
        answers = judged(world, url, max_tokens=None, max_completion_tokens=20, frobnicate=3)
    usage = answers[0].usage
    assert usage["failures"] == {}
    # A reply that was cut off at its limit is followed by one, with more room, for what it left open.
    assert usage["requests"] == 2
    assert usage["output_tokens"] <= 20 + cutting.TIMES * 20
    assert all(f"cut off at max_completion_tokens {cutting.TIMES * 20}" in item.reason for item in answers)
    assert usage["input_tokens"] > 1000
    assert {item.status for item in answers} == {AnswerStatus.UNPARSED}


def test_without_an_eye_it_refuses_pictures_with_the_status_of_a_passing_fault_and_the_run_stops_and_says_so(world, files):
    with (
        llama_cpp.served(files[0], "", world / "log") as url,
        pytest.raises(RefusedError, match=r"takes no pictures here \(status 500\): name one that looks at pictures"),
    ):
        judged(world, url)


def test_a_prompt_that_is_too_long_is_refused_and_not_cut_off_in_silence(world, files):
    with llama_cpp.served(*files, world / "log", context=1024) as url:
        answers = judged(world, url)
    assert {item.status for item in answers} == {AnswerStatus.FAILED}
    assert set(answers[0].usage["failures"]) == {"context length"}
