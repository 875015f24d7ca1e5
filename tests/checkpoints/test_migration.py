"""Model folders of earlier versions load as they did."""

import json

import pytest

from ram.checkpoints.migration import migrate_config
from ram.checkpoints.model_folder import load_model
from ram.checkpoints.registry import find_model
from ram.errors import CheckpointError
from ram.models.config import EnsembleConfig, ModelConfig

OLD = {"pooled": 4.0, "classes": 10.0, "unfamiliar": 3.0, "familiar": 623, "elsewhere": 0.4, "axes": 64}


def old_config():
    """The configuration of the shipped model as earlier versions wrote it."""
    values = json.loads((find_model("ram-plus-lite") / "config.json").read_text(encoding="utf-8"))
    del values["ensemble"]
    return {**values, "similarity": OLD}


def test_the_former_section_similarity_becomes_ensemble():
    config = ModelConfig.from_dict(migrate_config(old_config()))
    assert config.ensemble == EnsembleConfig(4.0, 10.0, 3.0, 623, 0.4, 64)
    assert config == load_model(find_model("ram-plus-lite"))[0]


def test_a_present_configuration_is_left_as_it_is():
    values = json.loads((find_model("ram-plus-lite") / "config.json").read_text(encoding="utf-8"))
    assert migrate_config(values) is values
    assert migrate_config([1]) == [1]


def test_an_unknown_old_field_is_reported(tmp_path):
    values = {**old_config(), "similarity": {**OLD, "colour": 1}}
    (tmp_path / "config.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(CheckpointError, match="colour"):
        load_model(tmp_path)
