"""The training tests need the train extra; where torch is not installed they are not collected at all."""

import importlib.util
import os

if importlib.util.find_spec("torch") is None or importlib.util.find_spec("diffusers") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    import torch

    torch.set_num_threads(1)
    # Seconds against a limit that other work on the machine would use up: `tox run -e nightly`, on a machine that is free.
    collect_ignore_glob = [] if os.environ.get("NIGHTLY_TESTS") else ["test_nightly_*.py"]
