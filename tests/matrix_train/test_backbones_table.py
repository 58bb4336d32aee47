"""The table of backbones: one folder, one row, one name."""

import importlib
from pathlib import Path

import diffusers
import diffusers.loaders
import pytest

from intergeneval.errors import ConfigError
from matrix_train import backbones
from matrix_train.backbones.table import FAMILIES, by_name, by_pipeline
from matrix_train.backbones.transformer import DiffusersBackbone
from matrix_train.guidance import config as guidance


def test_every_folder_has_its_row_and_every_row_its_folder():
    folders = {path.parent.name for path in Path(backbones.__file__).parent.glob("*/__init__.py")}
    assert folders == {row.name for row in FAMILIES}


@pytest.mark.parametrize("row", FAMILIES, ids=lambda row: row.name)
def test_a_row_names_what_there_is(row):
    assert by_name(row.name) is by_pipeline(row.pipeline) is row
    assert hasattr(diffusers, row.pipeline)
    assert hasattr(diffusers, row.transformer)
    writer = getattr(diffusers.loaders, row.lora)
    assert getattr(diffusers, row.pipeline).save_lora_weights.__func__ is writer.save_lora_weights.__func__
    module = importlib.import_module(f"matrix_train.backbones.{row.name}.transformer")
    classes = [item for item in vars(module).values() if isinstance(item, type) and issubclass(item, DiffusersBackbone)]
    assert [item.name for item in classes if item is not DiffusersBackbone] == [row.name]


def test_layers_that_the_paper_does_not_name_must_be_set(monkeypatch):
    bare = type("Row", (), {"dominant": {}, "dominant_depth": 0})
    monkeypatch.setattr(guidance, "by_name", lambda _: bare)
    with pytest.raises(
        ConfigError, match="cmg_layers is not set, and the paper names no layers of a new; name layers from 0 to 3"
    ):
        guidance.layers_of(guidance.GuidanceConfig(kinds=("cmg",)), "new", 4)
