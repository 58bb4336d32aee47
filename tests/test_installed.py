"""The installed command, outside the checkout: the benchmark that travels in the wheel is found and scored."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

COMMAND = Path(sysconfig.get_path("scripts")) / "intergeneval"


@pytest.fixture
def outside(tmp_path):
    if not COMMAND.exists():
        pytest.fail(f"{COMMAND} is missing: install the package before running its tests")
    return tmp_path


def test_the_real_clips_are_scored_from_the_installed_package(outside):
    words = ["run", "--model", "bench:clips", "--bench", "clips", "--samples", "juggle", "--workers", "1", "--json"]
    done = subprocess.run([COMMAND, *words], cwd=outside, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    samples = json.loads(done.stdout)["samples"]
    assert [sample["sample_id"] for sample in samples] == ["juggle"]
    assert samples[0]["partial"] == ["emergence"]
    assert [path.name for path in outside.iterdir()] == ["runs"]


def test_a_notebook_outside_the_checkout_imports_it_with_types(outside):
    code = "import intergeneval, pathlib; print((pathlib.Path(intergeneval.__file__).parent / 'py.typed').exists())"
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=outside, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
