"""The classifier reads every training image once, whole and in parts; a later run takes what it left."""

from types import SimpleNamespace

import pytest
import torch

from ram.errors import InputError
from ram.text.vocabulary import TagVocabulary
from ram.training.data import class_reading
from ram.training.data.class_reading import read_classes
from ram.training.data.triplets import Triplets
from ram.training.recipe_sections import GeneratedRecipe
from tests.toy_run import toy_model, toy_recipe

CLASSES, CHANNELS, CORGI = 1000, 3, 263
TAGS = TagVocabulary(("cat", "corgi", "dog"), (0.5, 0.5, 0.5))
DENSE = GeneratedRecipe(dense_sure=0.5, dense_agreed=0.2)


class Pictures:
    """Their patches are these; ``asked`` counts the images that were read."""

    def __init__(self, patches):
        self.patches, self.asked = patches, 0

    def plain_patches(self, encoder, ids):
        self.asked += len(ids)
        return self.patches[ids]


@pytest.fixture
def classifier(monkeypatch):
    """The first channel is a corgi."""
    weight, bias = torch.randn(CLASSES, CHANNELS) * torch.tensor([0, 1, 1]), torch.randn(CLASSES)
    weight[CORGI, 0] = 90
    monkeypatch.setattr(class_reading, "load_classifier", lambda name: (weight, bias))
    monkeypatch.setattr(class_reading, "BATCH", 2)
    return weight, bias


@pytest.fixture
def pictures():
    """Three images of 4 x 4 patches; the second shows a corgi in a corner."""
    patches = torch.zeros(3, 16, CHANNELS)
    patches[1, [0, 1, 4, 5], 0] = 1
    patches[2, :, 1:] = 0.1 * torch.randn(16, 2)
    return Pictures(patches)


def read(pictures, folder, generated=DENSE, backbone=None, told=None):
    count = len(pictures.patches)
    names, nothing = tuple(f"{number}.jpg" for number in range(count)), torch.zeros(count, len(TAGS)).bool()
    encoder = SimpleNamespace(backbone=backbone or torch.nn.Identity())

    def progress(what, done, total):
        if told is not None:
            told.append((done, total))

    triplets = Triplets(names, ((),) * count, nothing, nothing)
    recipe = toy_recipe(generated=generated, pretrained=True)
    return read_classes(recipe, pictures, triplets, TAGS, encoder, folder, progress)


def test_the_classifier_looks_at_the_mean_patch_and_at_parts(classifier, pictures, tmp_path):
    weight, bias = classifier
    told = []
    reading = read(pictures, tmp_path, told=told)
    torch.testing.assert_close(reading.logits, pictures.patches.mean(dim=1) @ weight.T + bias)
    assert reading.dense.tolist() == [[False] * 3, [False, True, True], [False] * 3]
    assert told == [(2, 3), (3, 3)]


def test_a_later_run_takes_what_is_there(classifier, pictures, tmp_path):
    first = read(pictures, tmp_path)
    again = read(pictures, tmp_path)
    assert pictures.asked == 3
    assert torch.equal(first.logits, again.logits) and torch.equal(first.dense, again.dense)


def test_other_weights_or_thresholds_are_read_anew(classifier, pictures, tmp_path):
    read(pictures, tmp_path)
    read(pictures, tmp_path, GeneratedRecipe(dense_sure=0.9, dense_agreed=0.5))
    read(pictures, tmp_path, backbone=torch.nn.Linear(2, 2))
    assert pictures.asked == 9


def test_a_run_that_stops_leaves_nothing_behind(classifier, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "plain_patches", lambda encoder, ids: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        read(pictures, tmp_path)
    assert not list(tmp_path.glob("*.safetensors"))


def test_without_a_dense_teacher_the_grid_may_have_any_side(classifier, tmp_path):
    reading = read(Pictures(torch.zeros(2, 9, CHANNELS)), tmp_path, GeneratedRecipe())
    assert reading.logits.shape == (2, CLASSES) and reading.dense.shape == (2, 0)


def test_a_grid_that_the_dense_teacher_cannot_read_is_refused_before_anything_is_looked_at():
    with pytest.raises(InputError, match="grid is 6, and the dense teacher .* take 4, 8, ... or 0"):
        toy_recipe(toy_model(grid=6), generated=DENSE, pretrained=True)
