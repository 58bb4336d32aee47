"""Tests with learned-model libraries, collected only where these are installed.

`tox run -e models` installs them and sets MODEL_TESTS=1, with which a missing one is a failure.
"""

import importlib.util
import os

import pytest

LIBRARIES = ("torch", "torchvision", "transformers", "diffusers", "sam2")
FOR_ONE = {
    "groundingdino": "test_groundingdino_py.py",
    "fastapi": "test_taught_judge.py",
    "xllamacpp": "test_llama_cpp_server.py",
}
"""Library that a single file of tests needs -> that file."""
MISSING = [name for name in (*LIBRARIES, *FOR_ONE) if importlib.util.find_spec(name) is None]

collect_ignore_glob: list[str] = []
if MISSING and os.environ.get("MODEL_TESTS") == "1":
    raise pytest.UsageError(f"MODEL_TESTS=1, and these are not installed: {', '.join(MISSING)}")
if set(MISSING) & set(LIBRARIES):
    collect_ignore_glob = ["*"]
else:
    collect_ignore_glob = [FOR_ONE[name] for name in MISSING]
    os.environ["HF_HUB_OFFLINE"] = "1"

    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def sam2_folder(tmp_path_factory):
    """A folder with a tiny random SAM 2 video model."""
    from tests.models import checkpoints

    return checkpoints.sam2(tmp_path_factory.mktemp("weights") / "tiny-sam2")


@pytest.fixture(scope="session")
def taught(tmp_path_factory):
    """A tiny vision-language model that knows how to reply; see `tests.models.taught`."""
    from tests.models import taught

    return taught.make(tmp_path_factory.mktemp("taught"))
