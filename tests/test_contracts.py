"""The import contracts name every room there is; `tox run -e imports` checks that they are kept."""

import ast
import configparser
import fnmatch
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LEARNED = {"torch", "torchvision", "transformers", "diffusers", "sam2", "groundingdino"}


def contracts():
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    return parser


def layers(package):
    """The layers of a package, from the top, each a set of the names in it."""
    found = [
        [set(re.findall(r"\w+", line)) for line in section["layers"].splitlines() if line.strip()]
        for section in contracts().values()
        if section.get("type") == "layers" and section.get("containers", "").split() == [package]
    ]
    assert len(found) == 1
    return found[0]


def rooms(package):
    return {
        path.stem
        for path in (ROOT / package).iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").is_file()
    }


@pytest.mark.parametrize("package", ["intergeneval", "matrix_train"])
def test_every_top_level_module_has_its_place_in_a_layer(package):
    named = layers(package)
    assert set().union(*named) == rooms(package)
    assert sum(map(len, named)) == len(rooms(package)), "a room stands in two layers"


@pytest.mark.parametrize(("package", "most"), [("intergeneval", 34), ("matrix_train", 20)])
def test_a_package_has_no_more_rooms_than_one_can_remember(package, most):
    assert len(rooms(package)) <= most


def test_what_stages_may_not_touch_is_said_of_every_stage():
    stages = next(layer for layer in layers("intergeneval") if "trackers" in layer)
    said = contracts()["importlinter:contract:stages-touch-no-disk-state"]["source_modules"].split()
    assert {name.removeprefix("intergeneval.") for name in said} == stages


def test_every_module_that_imports_a_learned_model_library_is_protected():
    protected = set(contracts()["importlinter:contract:learned-backends"]["protected_modules"].split())
    heavy = set()
    for path in (ROOT / "intergeneval").rglob("*.py"):
        # At the top of a module; inside a function a library is loaded only when that function is called.
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if LEARNED & {name.partition(".")[0] for name in names}:
                heavy.add(".".join(path.relative_to(ROOT).with_suffix("").parts))
    assert heavy
    assert heavy == protected


def test_both_packages_are_held_free_of_circles_at_every_level():
    found = [section for section in contracts().values() if section.get("type") == "acyclic_siblings"]
    assert [set(section["ancestors"].split()) for section in found] == [{"intergeneval", "matrix_train"}]
    assert "skip_descendants" not in found[0]
    assert "ignore_imports" not in found[0]


def test_no_room_of_tests_is_passed_by(pytestconfig):
    passed = pytestconfig.getini("norecursedirs")
    rooms_of_tests = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    hidden = [
        str(room.relative_to(ROOT))
        for room in sorted(rooms_of_tests)
        if any(fnmatch.fnmatch(part, pattern) for part in room.relative_to(ROOT).parts for pattern in passed)
    ]
    assert not hidden, "pytest does not look into these folders"
