"""A run begins with fresh weights, with a pretrained backbone, or with another model as it is."""

import dataclasses

import pytest
import torch
from torch import nn

from ram.checkpoints.model_folder import load_model, save_model
from ram.models.config import ImageConfig
from ram.training.initial import initial_model, set_learning
from ram.training.loop import train
from tests.tiny import tiny_bank, tiny_model, whole_config, whole_model
from tests.toy_run import curve, make_data, toy_model, toy_recipe, toy_tag2text, use_hash_text_encoder


def saved(folder, config, seed=5):
    """A model folder with the weights it holds."""
    model = tiny_model(config, seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):  # fresh ones would not tell
            module.running_mean.normal_()
    save_model(folder, config, model, tiny_bank())
    return model.state_dict()


def test_all_weights_of_another_model_are_taken_over(tmp_path):
    weights = saved(tmp_path / "before/model", toy_model())
    model = initial_model(dataclasses.replace(toy_recipe(), initialize="before/model"), tmp_path)
    assert model.state_dict().keys() == weights.keys()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())


def test_tokens_are_made_of_the_described_classes_only_where_the_recipe_says_so(tmp_path):
    before = whole_model()
    before.words.describe(torch.randn(before.words.words.shape))
    save_model(tmp_path / "before", whole_config(), before, tiny_bank())
    recipe = dataclasses.replace(toy_recipe(whole_config()), initialize="before")
    kept = initial_model(recipe, tmp_path)
    new = initial_model(dataclasses.replace(recipe, described_words=True), tmp_path)
    assert torch.equal(kept.words.words, before.words.words)
    assert torch.equal(new.words.words, before.words.described / before.words.described.std())
    assert torch.equal(new.words.described, before.words.described)


def test_without_one_weights_are_fresh_and_depend_on_the_seed(tmp_path):
    first, again, other = (initial_model(toy_recipe(seed=seed), tmp_path).head.weight for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_swin_tables_grow_with_the_window(tmp_path):
    options = {"embed_dim": 8, "depths": (1, 1), "num_heads": (1, 2), "patch_size": 4}
    before, after = (
        dataclasses.replace(
            toy_model(),
            image=ImageConfig(
                "swin_tiny_patch4_window7_224", size, options={**options, "img_size": size, "window_size": window}
            ),
        )
        for size, window in ((32, 2), (64, 4))
    )
    weights = saved(tmp_path / "before", before)
    recipe = dataclasses.replace(toy_recipe(after), initialize="before")
    state = initial_model(recipe, tmp_path).state_dict()
    tables = [name for name in weights if name.endswith("relative_position_bias_table")]
    assert [len(weights[name]) for name in tables] == [9, 9] and [len(state[name]) for name in tables] == [49, 49]
    for name, tensor in weights.items():
        if name in tables:  # the middle is the distance 0 in both
            torch.testing.assert_close(state[name][24], tensor[4], atol=1e-5, rtol=1e-4)
        else:
            assert torch.equal(state[name], tensor), name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("before", "initialize is 'before', which is another architecture than .*: .*'before'"),
        ("nothing", "there is no model or model folder 'nothing': choose ram-plus-lite"),
    ],
)
def test_a_model_that_does_not_fit_or_is_not_there_is_refused(tmp_path, name, said):
    saved(tmp_path / "before", toy_model(normalize_tokens=False))
    with pytest.raises(ValueError, match=said):
        initial_model(dataclasses.replace(toy_recipe(), initialize=name), tmp_path)


def test_parts_of_another_architecture_are_taken_alone(tmp_path):
    weights = saved(tmp_path / "before", toy_model(standardize=False))
    recipe = dataclasses.replace(toy_recipe(toy_tag2text(), {"tagging": 1.0}), initialize="before")
    with pytest.raises(ValueError, match="another architecture"):
        initial_model(recipe, tmp_path)
    parts = dataclasses.replace(recipe, initialize_parts=("image_encoder.backbone",))
    state = initial_model(parts, tmp_path).state_dict()
    taken = [name for name in state if name.startswith("image_encoder.backbone.")]
    assert taken and all(torch.equal(state[name], weights[name]) for name in taken)
    with pytest.raises(ValueError, match="initialize_parts names 'image_encoder.wheels', which is no part of both"):
        initial_model(dataclasses.replace(recipe, initialize_parts=("image_encoder.wheels",)), tmp_path)


def test_further_training_keeps_the_statistics_of_the_model(tmp_path, monkeypatch):
    use_hash_text_encoder(monkeypatch)
    data = make_data(tmp_path / "data")
    train(toy_recipe(epochs=8, learning_rate=1e-2), data, data / "first")
    further = dataclasses.replace(toy_recipe(epochs=1, learning_rate=1e-6, seed=9), initialize="first/model")
    fresh = dataclasses.replace(further, initialize="")
    train(further, data, tmp_path / "further")
    train(fresh, data, tmp_path / "fresh")
    (further_line,), (fresh_line,) = curve(tmp_path / "further"), curve(tmp_path / "fresh")
    assert further_line["tagging"] < fresh_line["tagging"] and further_line["dev_mAP"] > fresh_line["dev_mAP"]
    first, second = (load_model(folder)[1] for folder in (data / "first/model", tmp_path / "further/model"))
    for part in ("image_encoder", "queries"):
        assert torch.equal(getattr(first, part).standardize.mean, getattr(second, part).standardize.mean)


def test_batch_norms_of_the_backbone_stay_in_evaluation_mode():
    model = tiny_model(toy_model())
    set_learning(model, freeze_backbone=False)
    norms = [m for m in model.image_encoder.backbone.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms and not any(norm.training for norm in norms)
    assert model.image_encoder.backbone.training and model.decoder.training
    set_learning(model, freeze_backbone=True)
    assert not any(module.training for module in model.image_encoder.backbone.modules()) and model.decoder.training


def test_a_backbone_that_cannot_recompute_is_told(tmp_path, monkeypatch):
    def refuse(self, enable=True):
        assert not enable, "gradient checkpointing not supported"

    recipe = toy_recipe(freeze_backbone=False, checkpointing=True)
    backbone = type(tiny_model(recipe.model).image_encoder.backbone)
    monkeypatch.setattr(backbone, "set_grad_checkpointing", refuse)
    with pytest.raises(ValueError, match="'test_efficientnet' cannot recompute its activations: set sched"):
        initial_model(recipe, tmp_path)
