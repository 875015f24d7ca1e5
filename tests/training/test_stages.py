"""A backbone cut in two is the whole backbone, only its end learns, and what is cached of it is its own."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

import ram
from ram.models.image_encoder import create_backbone, patch_tokens
from ram.training.data.training_set import read_training_set
from ram.training.data.views import cached_patches
from ram.training.data_engine.imagenet import class_glosses
from ram.training.initial import initial_model
from ram.training.loop import train
from ram.training.objectives import Batch, retention
from ram.training.stages import cut
from tests.tiny import HashTextEncoder, tiny_model
from tests.toy_run import curve, draw, make_data, toy_model, toy_recipe, use_hash_text_encoder

BACKBONE = "image_encoder.backbone."
LEARNING = ("blocks.3.", "blocks.4.", "conv_head.", "bn2.")
"""The last two stages of the five, and what follows them."""


def quiet(*_):
    """A progress callback that says nothing."""


@pytest.fixture
def data(tmp_path, monkeypatch):
    use_hash_text_encoder(monkeypatch)
    return make_data(tmp_path / "data", train=12, dev=4)


@pytest.fixture
def classifier(monkeypatch):
    """An ImageNet classifier over the toy backbone, which comes without."""
    weight, bias = 20 * torch.randn(1000, 256), torch.randn(1000)
    for module in ("data.class_reading", "initial"):
        monkeypatch.setattr(f"ram.training.{module}.load_classifier", lambda name: (weight, bias))
    monkeypatch.setattr("ram.training.initial.load_pretrained", lambda backbone, name: None)


def staged(last=2, image=None, **recipe):
    return dataclasses.replace(toy_recipe(toy_model(**image or {}), **recipe), learning_stages=last)


def retaining(**schedule):
    """A run that must not forget what the classifier knew."""
    recipe = staged(image={"classes": 1000, "grid": 1, "dropout": 0.1}, pretrained=True, views=1, **schedule)
    return dataclasses.replace(recipe, objectives={"tagging": 1.0, "retention": 1.0})


def learns(name):
    return name.removeprefix(BACKBONE).startswith(LEARNING) or not name.startswith(BACKBONE)


@pytest.mark.parametrize("last", [1, 2, 4])
def test_beginning_and_then_finishing_is_the_whole_backbone(last):
    backbone = create_backbone("test_efficientnet", {}).eval()
    stages, pixels = cut(backbone, last), torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        places = stages.begin(pixels)
        torch.testing.assert_close(stages.finish(places), patch_tokens(backbone, pixels), atol=1e-5, rtol=1e-4)
        features = nn.Sequential(*stages.frozen)(pixels)  # (batch, channels, rows, columns)
    assert torch.equal(places[:, 1], features[:, :, 0, 1]) and torch.equal(places[:, -2], features[:, :, -1, -2])


@pytest.mark.parametrize(
    ("name", "last", "said"),
    [
        ("test_efficientnet", 5, "learning_stages is 5 of 5 stages: to train them all, set freeze_backbone = false"),
        ("test_vit", 1, "learning_stages works for EfficientNets, and VisionTransformer is none"),
    ],
)
def test_what_cannot_be_cut_is_refused(name, last, said):
    with pytest.raises(ValueError, match=said):
        cut(create_backbone(name, {}), last)


def test_only_the_last_stages_and_the_head_require_gradients(data):
    model = initial_model(staged(), data)
    assert {name: p.requires_grad for name, p in model.named_parameters()} == {
        name: learns(name) for name, _ in model.named_parameters()
    }


def test_a_run_changes_the_last_stages_alone(data, tmp_path, classifier):
    recipe = retaining(epochs=2, learning_rate=1e-2)
    before = initial_model(recipe, data).state_dict()
    train(recipe, data, tmp_path / "run")
    after = load_file(tmp_path / "run/state.safetensors")
    for name, tensor in before.items():
        if name.startswith(BACKBONE):
            is_weight = name.endswith((".weight", ".bias"))
            changed = not torch.equal(after[f"model/{name}"], tensor)
            assert changed == (learns(name) and is_weight), name
        elif ".words." in name:
            assert torch.equal(after[f"model/{name}"], tensor), name
    assert [record["epoch"] for record in curve(tmp_path / "run")] == [1, 2]
    assert len(ram.load(tmp_path / "run/model").tag(draw("red", "blue"))) == 6


def test_retention_is_zero_at_first_and_trains_the_last_stages(data, tmp_path, classifier):
    recipe = retaining()
    model = initial_model(recipe, data)
    training = read_training_set(recipe, data, tmp_path, tmp_path, model.image_encoder, quiet)
    ids = torch.tensor([5, 0, 3])

    def loss():
        (view,) = training.pictures.views([(ids, torch.tensor([9, 8, 7]))])
        features = training.pictures.look(model.image_encoder, view)
        targets, none = training.triplets.targets[ids], torch.zeros(3, 1, 16)
        tags, captioned, before = training.bank.embedded, torch.zeros(3).bool(), training.probabilities[ids]
        return retention(model, Batch(features, tags, targets, targets, none, captioned, probabilities=before))

    assert loss().item() == pytest.approx(0, abs=1e-4)
    with torch.no_grad():
        model.image_encoder.backbone.conv_head.weight.mul_(2)
    assert loss().item() > 0.01
    loss().backward()
    taught = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert taught == {n for n, _ in model.named_parameters() if n.startswith(BACKBONE) and learns(n)}


def test_class_words_must_fit_the_width_and_the_classes(data, classifier):
    narrow = dataclasses.replace(toy_model(classes=1000), dim=12)
    with pytest.raises(ValueError, match="model.dim is 12: hash needs 16"):
        initial_model(toy_recipe(narrow, pretrained=True), data)
    with pytest.raises(ValueError, match="model.image.classes is 5: the classifier of 'test_efficientnet' has 1000"):
        initial_model(toy_recipe(toy_model(classes=5), pretrained=True), data)


def test_class_words_are_the_glosses_of_imagenets_classes(data, classifier):
    words = initial_model(toy_recipe(toy_model(classes=1000), pretrained=True), data).image_encoder.words
    glosses = class_glosses()
    assert len(glosses) == 1000 and glosses[504].startswith("coffee mug: ")
    for place in (0, 504):
        wanted = HashTextEncoder.vector(glosses[place]) - words.center
        assert F.cosine_similarity(words.words[place], wanted, dim=0).item() == pytest.approx(1, abs=1e-5)


def cache_name(recipe, data, folder, seed=0):
    """The patches that a run of this recipe makes or takes."""
    before = set(folder.glob("patches-*.npy"))
    read_training_set(recipe, data, folder, folder, tiny_model(recipe.model, seed).image_encoder, quiet)
    made = set(folder.glob("patches-*.npy")) - before
    return made.pop().name if made else None


def test_a_cache_belongs_to_one_backbone(data, tmp_path):
    plain, toy = {"objectives": {"tagging": 1.0}}, tmp_path / "run"
    toy.mkdir()
    assert cache_name(staged(0, **plain), data, toy)
    assert cache_name(staged(0, {"grid": 2}, **plain), data, toy)
    assert cache_name(staged(2, **plain), data, toy)
    assert cache_name(staged(1, **plain), data, toy)
    assert cache_name(staged(2, **plain), data, toy, seed=1)  # other weights


def test_what_comes_after_the_cache_shares_it(data, tmp_path):
    plain, toy = {"objectives": {"tagging": 1.0}}, tmp_path / "run"
    toy.mkdir()
    assert cache_name(staged(2, **plain), data, toy)
    for image in ({"dropout": 0.3}, {"grid": 1}, {"normalize_tokens": False}):
        assert cache_name(staged(2, image, **plain), data, toy) is None
    assert cache_name(staged(0, {"grid": 1}, **plain), data, toy)
    assert cache_name(staged(0, {"grid": 1, "dropout": 0.3, "standardize": False}, **plain), data, toy) is None


def test_cached_stages_are_finished_by_the_present_encoder(data, tmp_path):
    pictures, image = sorted((data / "pictures").glob("train*.png"))[:4], toy_model(grid=1).image
    encoder = tiny_model(toy_model(grid=1)).image_encoder
    halfway = cached_patches(tmp_path / "half.npy", pictures, image, encoder, 1, quiet, 2)
    whole = cached_patches(tmp_path / "whole.npy", pictures, image, encoder, 1, quiet)
    with torch.no_grad():
        ids = torch.arange(4)
        torch.testing.assert_close(
            halfway.plain_patches(encoder, ids), whole.plain_patches(encoder, ids), atol=0.05, rtol=0.05
        )
        mean, _ = halfway.statistics(encoder)
        torch.testing.assert_close(mean, halfway.plain_patches(encoder, ids).flatten(0, 1).mean(0))
        encoder.backbone.bn2.bias.add_(1.0)
        assert (halfway.plain_patches(encoder, ids) - whole.plain_patches(encoder, ids)).mean() > 0.5


def test_runs_share_a_cache_that_is_not_in_their_output(data, tmp_path, monkeypatch):
    recipe = staged(epochs=1)
    train(recipe, data, tmp_path / "first", cache=tmp_path / "cache")
    kept = {file.name for file in (tmp_path / "cache").iterdir() if file.suffix in (".npy", ".safetensors")}
    assert sorted(name.split("-")[0] for name in kept) == ["captions", "descriptions", "dev", "patches"]
    assert not any((tmp_path / "first").glob("*.npy")) and not any((tmp_path / "first").glob("captions-*"))

    def never(*_):
        raise AssertionError("a picture was opened again")

    monkeypatch.setattr("ram.training.data.patch_cache.open_training_picture", never)
    train(recipe, data, tmp_path / "second", cache=tmp_path / "cache")
    models = [load_file(tmp_path / run / "model/model.safetensors") for run in ("first", "second")]
    assert all(torch.equal(tensor, models[1][name]) for name, tensor in models[0].items())
