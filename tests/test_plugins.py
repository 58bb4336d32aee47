import pytest

from intergeneval import plugins
from intergeneval.errors import UnknownPluginError


def test_a_name_nobody_registered_lists_those_that_exist():
    with pytest.raises(UnknownPluginError, match="no tracker is called 'nope'; registered are"):
        plugins.build("trackers", "nope")


def test_a_spec_splits_at_its_first_colon():
    assert plugins.split_spec("openai:org/model:v2") == ("openai", "org/model:v2")
    assert plugins.split_spec("flow") == ("flow", "")
