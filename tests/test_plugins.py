import importlib
import importlib.metadata
import subprocess
import sys

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


def test_an_embedded_model_without_its_libraries_is_one_message_and_doctor_says_the_same():
    """Where torch is not installed, the README's own command ended in a traceback while doctor called the source fine."""
    blocked = (
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('torch', 'diffusers', 'peft', 'safetensors'):\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Block())\n"
        "from intergeneval.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    words = ["run", "--model", "builtin:staged-base", "--bench", "staged", "--limit", "1"]
    done = subprocess.run([sys.executable, "-c", blocked, *words], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "needs the package 'torch'" in done.stderr
    told = subprocess.run([sys.executable, "-c", blocked, "doctor"], check=False, capture_output=True, text=True).stdout
    (line,) = [line for line in told.splitlines() if line.split()[1:3] == ["source", "builtin"]]
    assert line.startswith("MISSING")
    assert "``" not in told
