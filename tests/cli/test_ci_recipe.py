"""The workflows in docs/ci are what users copy: each of their commands must be one that this version understands."""

import re
import shlex
from pathlib import Path

import pytest

from intergeneval import __version__
from intergeneval.cli import VERBS, main

DOCS = Path(__file__).parents[2] / "docs"
RECIPES = sorted(DOCS.glob("ci/*.yml"))


def commands(text):
    """The `intergeneval ...` lines of a workflow or a page's blocks, without what the shell makes of their exit code."""
    return [
        shlex.split(line.partition(" || ")[0])
        for line in re.findall(r"^(?:\s*(?:-|run:)?\s+|)(intergeneval (?!:).+)$", text, re.MULTILINE)
    ]


def understood(words):
    """Parse a command's words with its own parser; click raises for an unknown option or a missing argument."""
    with main.make_context("intergeneval", words[1:], resilient_parsing=False) as context:
        name, command, rest = main.resolve_command(context, words[1:])
        command.make_context(name, rest, parent=context)
    return name


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_a_recipe_runs_and_then_gates_with_options_that_exist(path):
    assert [understood(words) for words in commands(path.read_text(encoding="utf-8"))] == ["run", "gate"]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_a_recipe_gates_an_incomplete_run_as_well(path):
    text = path.read_text(encoding="utf-8")
    goes_on = {
        "github.yml": r"if: \$\{\{ !cancelled\(\) \}\}\n +run: intergeneval gate",
        "gitlab.yml": r"intergeneval run [^\n]+ \|\| \[ \$\? -eq 3 \]\n",
    }
    assert re.search(goes_on[path.name], text)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_a_recipe_installs_this_version(path):
    assert f"pip install intergeneval=={__version__}\n" in path.read_text(encoding="utf-8")


def test_the_page_uses_verbs_and_options_that_exist():
    found = [understood(words) for words in commands((DOCS / "ci.md").read_text(encoding="utf-8")) if words[1] in VERBS]
    assert found == ["run", "gate", "gate", "power", "power", "gate", "gate", "power"]


def test_there_is_a_recipe_for_each_service_the_page_names():
    text = (DOCS / "ci.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"\(ci/(\w+\.yml)\)", text)) == [path.name for path in RECIPES] != []
