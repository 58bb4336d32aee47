import pytest

from intergeneval.config import RunConfig, read_config
from intergeneval.errors import ConfigError


def test_options_stand_over_the_file_and_the_file_over_defaults(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text('judge = "oracle"\nlimit = 3\n[settings.flow]\nlongest_side = 320\n')
    config = read_config(path, {"limit": 5})
    assert (config.judge, config.limit, config.tracker) == ("oracle", 5, "auto")
    assert config.settings_for("flow:x") == {"longest_side": 320}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("jugde = 'x'", "unknown field 'jugde'"),
        ("limit = 'three'", "limit: expected a whole number"),
        ("limit = 0", "limit 0 is below 1"),
        ("shard = '3/2'", "not of the form I/N"),
        ("profile = 'strict'", "one of 'paper', 'bounded'"),
        ("fit = 'stretch'", "neither 'scale' nor 'crop'"),
        ("limit = ", "not TOML"),
    ],
)
def test_a_wrong_setting_is_refused_with_file_field_and_value(tmp_path, text, said):
    path = tmp_path / "run.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        read_config(path, {})
    assert "run.toml" in str(caught.value)


def test_a_wrong_option_is_refused_too():
    with pytest.raises(ConfigError, match="workers -1 is below 0"):
        read_config(None, {"workers": -1})


def test_a_shard_is_counted_from_one():
    assert RunConfig(shard="2/4").shard_of() == (2, 4)
    assert RunConfig().shard_of() == (1, 1)


def test_an_absent_file_is_a_message(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path / "none.toml", {})
