"""The training tests need the train extra; where torch is not installed they are not collected at all."""

import importlib.util

if importlib.util.find_spec("torch") is None or importlib.util.find_spec("diffusers") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    import torch

    torch.set_num_threads(1)
