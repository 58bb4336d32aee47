"""What the wheel holds, and what starting the command costs."""

import configparser
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "cv2", "pandas", "av", "scipy", "numpy", "jinja2", "rich")


def setup_cfg():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def test_every_package_is_in_the_wheel():
    listed = set(setup_cfg()["options"]["packages"].split())
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for top in ("intergeneval", "matrix_train")
        for path in (ROOT / top).rglob("__init__.py")
    }
    assert listed - {"intergeneval._benchmarks"} == found


def test_every_data_file_beside_the_code_is_in_the_wheel():
    patterns = {
        package: value.replace(",", " ").split()
        for package, value in setup_cfg()["options.package_data"].items()
        if package != "intergeneval._benchmarks"
    }
    for path in (*ROOT.glob("intergeneval/**/*"), *ROOT.glob("matrix_train/**/*")):
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            holders = [parent for parent in path.relative_to(ROOT).parents if (ROOT / parent / "__init__.py").exists()]
            assert any(
                path.relative_to(ROOT / holder).match(pattern) or path in (ROOT / holder).glob(pattern)
                for holder in holders
                for pattern in patterns.get(".".join(holder.parts), ())
            ), f"{path} is not in [options.package_data]"


def test_help_loads_no_heavy_library():
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom intergeneval.cli import main\n"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("package", ["intergeneval", "matrix_train"])
def test_no_verb_loads_a_learned_model_library_for_its_help(package):
    code = (
        f"import sys\nfrom click.testing import CliRunner\nfrom {package}.cli import VERBS, main\n"
        "for verb in VERBS:\n    assert CliRunner().invoke(main, [verb, '--help']).exit_code == 0, verb\n"
        "print(sorted({'torch', 'transformers', 'diffusers', 'sam2', 'openai'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
