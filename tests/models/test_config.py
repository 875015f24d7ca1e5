"""A model is described by plain values that survive JSON, and a wrong value is named."""

import dataclasses
import json

import pytest

from ram.checkpoints.registry import PUBLISHED
from ram.models.config import DecoderConfig, EnsembleConfig, ImageConfig, ModelConfig
from tests.tiny import tiny_config, whole_config


def as_json(config):
    return json.loads(json.dumps(config.to_dict()))


CONFIGS = [*(model.config for model in PUBLISHED.values()), tiny_config(3), whole_config()]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
def test_a_config_survives_json(config):
    assert ModelConfig.from_dict(as_json(config)) == config


def test_what_is_left_out_takes_the_values_of_the_paper():
    least = {"name": "m", "image": {"backbone": "b", "size": 8}, "text_encoder": "t", "dim": 4}
    config = ModelConfig.from_dict(least)
    assert config.decoder == DecoderConfig(hidden=768, heads=4, intermediate=3072, layers=2)
    assert config.image.mean == (0.485, 0.456, 0.406)
    assert config.max_descriptions is config.unlike_below is None
    assert (config.image.classes, config.decoder.matching, config.ensemble) == (0, False, EnsembleConfig())


@pytest.mark.parametrize(
    "place, field, value, sentence",
    [
        ((), "colour", 1, r"config has unknown fields \['colour'\]"),
        (("image",), "pixels", 1, r"config\.image has unknown fields \['pixels'\]"),
        (("image",), "size", "big", r"config\.image\.size is 'big': it must be a valid integer"),
        (("image",), "size", True, r"config\.image\.size is True"),
        (("image",), "mean", ["a", "b", "c"], r"config\.image\.mean\.0 is 'a': it must be a valid number"),
        (("image",), "mean", [0.5, 0.5], r"config\.image\.mean is \[0.5, 0.5\]: it has the wrong number of values"),
        (("image",), "std", [0.5, 0.5, 0], "3 means and 3 positive stds"),
        (("image",), "interpolation", "nearest", "interpolation is 'nearest': it must be 'bilinear' or"),
        (("image",), "options", [1], r"config\.image\.options is \[1\]"),
        (("image",), "size", 0, "image size is 0"),
        (("decoder",), "heads", 5, "width 24 does not divide into 5 heads"),
        (("decoder",), "layers", 0, "decoder sizes must all be at least 1"),
        ((), "decoder", 7, r"config\.decoder must be an object with fields, not 7"),
        (("image",), "classes", -1, "classes is -1, grid 0"),
        (("image",), "grid", -2, "grid -2"),
        (("image",), "dropout", 1.0, "dropout is 1.0: it must be at least 0 and under 1"),
        (("decoder",), "matching", 1, r"config\.decoder\.matching is 1"),
        (("ensemble",), "pooled_weight", float("nan"), "ensemble weights are nan, 0.0: each"),
        (("ensemble",), "pooled_weight", -1, "ensemble weights are -1.0, 0.0: each"),
        (("ensemble",), "classifier_weight", float("inf"), "ensemble weights are 0.0, inf: each"),
        (("ensemble",), "damping", 0.7, r"config\.ensemble has unknown fields \['damping'\]"),
        (("ensemble",), "classifier_weight", 2.0, "ensemble.classifier_weight needs image.classes"),
        ((), "dim", 0, "embedding width is 0"),
        ((), "dim", None, r"config\.dim is None"),
        ((), "max_descriptions", 0, "max_descriptions is 0"),
        ((), "max_descriptions", "all", r"config\.max_descriptions is 'all'"),
        ((), "unlike_below", float("nan"), "unlike_below is nan: it must be a finite number, or null"),
        ((), "unlike_below", float("-inf"), "unlike_below is -inf: it must be a finite number, or null"),
        ((), "unlike_below", "2.5", r"config\.unlike_below is '2.5': it must be a valid number"),
        ((), "unlike_below", True, r"config\.unlike_below is True"),
    ],
)
def test_a_wrong_value_is_refused_by_name(place, field, value, sentence):
    values = as_json(tiny_config())
    target = values
    for step in place:
        target = target[step]
    target[field] = value
    with pytest.raises(ValueError, match=sentence):
        ModelConfig.from_dict(values)


@pytest.mark.parametrize("place, field", [((), "dim"), ((), "image"), (("image",), "backbone")])
def test_a_missing_field_is_named(place, field):
    values = as_json(tiny_config())
    target = values
    for step in place:
        target = target[step]
    del target[field]
    with pytest.raises(ValueError, match=rf"lacks the fields \['{field}'\]"):
        ModelConfig.from_dict(values)


@pytest.mark.parametrize("document", [[], "config", None, 3])
def test_what_is_no_object_is_refused(document):
    with pytest.raises(ValueError, match="config must be an object with fields"):
        ModelConfig.from_dict(document)


def test_a_config_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        tiny_config().dim = 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        tiny_config().image.size = 3


def test_whole_numbers_may_stand_for_fractions():
    assert ImageConfig("b", 8, std=(1, 1, 1)).std == (1, 1, 1)
    values = as_json(tiny_config())
    values["decoder"]["dropout"] = 0
    values["unlike_below"] = 2
    config = ModelConfig.from_dict(values)
    assert config.decoder.dropout == 0 and config.unlike_below == 2.0


def test_published_ram_has_one_description_per_tag():
    most = {name: model.config.max_descriptions for name, model in PUBLISHED.items()}
    assert most.pop("ram-swin-large") == most.pop("tag2text-swin-base") == 1
    assert set(most.values()) == {None}
