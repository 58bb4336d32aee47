"""A key that was pasted into any setting is refused by its value, and none is left of it in a text, whole or cut."""

import json

import pytest

from intergeneval.config import RunConfig
from intergeneval.errors import ConfigError
from intergeneval.judges.openai.settings import read_settings
from intergeneval.plugins import secrets
from intergeneval.provenance import redact
from intergeneval.run.run import Run

KEY = "sk-live0123456789abcdefghij"
PLACE = {"base_url": "http://127.0.0.1:9/v1"}


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.mark.parametrize(
    "settings",
    [
        {**PLACE, "key_variable": KEY},
        {**PLACE, "key_variable": "sklive0123456789abcdefghij"},
        {**PLACE, "parameters": {"user": KEY}},
        {**PLACE, "parameters": {"metadata": [{"x": f"Bearer {KEY}"}]}},
        {**PLACE, "parameters": {KEY: 1}},
        {**PLACE, "revision": f"v1-{KEY}"},
        {"base_url": f"http://127.0.0.1:9/{KEY}/v1"},
    ],
)
def test_no_setting_of_the_judge_may_hold_the_key_and_no_message_repeats_it(settings):
    with pytest.raises(ConfigError) as caught:
        read_settings("m", settings)
    assert KEY not in str(caught.value)
    assert "0123456789" not in str(caught.value)


@pytest.mark.parametrize("field", ["name", "model", "out", "settings"])
def test_no_setting_of_a_run_may_hold_it(tiny, tmp_path, field):
    bench, videos = tiny
    given = {"model": str(videos), "bench": str(bench), "tracker": "stored", "out": str(tmp_path / "run"), "cache": "off"}
    value = {"flow": {"note": KEY}} if field == "settings" else f"my-{KEY}"
    with pytest.raises(ConfigError, match="holds a secret") as caught:
        Run(RunConfig.from_json({**given, field: value})).execute()
    assert KEY not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_variable_of_the_users_own_choice_is_watched_too(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("MY_SERVER", "hunter2-hunter2")
    bench, videos = tiny
    given = {"model": str(videos), "bench": str(bench), "name": "hunter2-hunter2", "out": str(tmp_path / "run")}
    with pytest.raises(ConfigError, match="name: holds a secret"):
        Run(RunConfig.from_json({**given, "settings": {"openai": {"key_variable": "MY_SERVER"}}})).execute()


def test_a_dummy_key_of_a_letter_blanks_nothing(monkeypatch):
    assert secrets.blanked("a banana", ("a",)) == "a banana"
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    assert read_settings("x-model", {**PLACE, "revision": "x1"}).revision == "x1"


def test_an_authors_name_is_no_secret(monkeypatch):
    monkeypatch.setenv("GIT_AUTHOR_NAME", "somebody")
    assert read_settings("m", {**PLACE, "revision": "by somebody"}).revision == "by somebody"


def test_a_command_line_is_stored_without_it():
    assert KEY not in redact(["intergeneval", "run", "--name", f"a{KEY}b"])
    assert json.loads('"***"') in redact(["run", f"--x={KEY}"])
