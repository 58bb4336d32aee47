import importlib
import importlib.metadata

import pytest

from intergeneval import plugins
from intergeneval.errors import MissingDependencyError, UnknownPluginError


def test_a_name_nobody_registered_lists_those_that_exist():
    with pytest.raises(UnknownPluginError, match="no tracker is called 'nope'; registered are"):
        plugins.build("trackers", "nope")


def test_a_spec_splits_at_its_first_colon():
    assert plugins.split_spec("openai:org/model:v2") == ("openai", "org/model:v2")
    assert plugins.split_spec("flow") == ("flow", "")


@pytest.mark.parametrize(
    ("package", "value", "command"),
    [
        ("torch", "intergeneval.trackers.hf:create", "pip install 'intergeneval[models]'"),
        ("torch", "matrix_train.sample.source:create", "pip install 'intergeneval[train]'"),
        ("hydra", "intergeneval.trackers.sam2:create", "pip install 'intergeneval[models]'"),
        ("httpx", "intergeneval.judges.openai:create", "pip install 'intergeneval[openai]'"),
        ("scipy", "intergeneval.trackers.hf:create", "pip install --force-reinstall intergeneval"),
        ("nobody_has_this", "intergeneval.trackers.hf:create", "install nobody_has_this"),
    ],
)
def test_a_missing_package_is_told_with_the_command_that_installs_it(tmp_path, monkeypatch, package, value, command):
    (tmp_path / "lacking.py").write_text(f"raise ModuleNotFoundError(name={package + '.inner'!r})")
    monkeypatch.syspath_prepend(tmp_path)

    class Lacking(importlib.metadata.EntryPoint):
        def load(self):
            importlib.import_module("lacking")

    dist = importlib.metadata.distribution("intergeneval")
    point = Lacking("learned", value, "intergeneval.trackers")._for(dist)
    monkeypatch.setattr(plugins, "entry_points", lambda group: [point])
    with pytest.raises(MissingDependencyError) as caught:
        plugins.build("trackers", "learned")
    assert str(caught.value) == f"tracker 'learned' needs the package {package!r}, which is not installed; {command}"
