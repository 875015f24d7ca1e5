"""A finished model has the thresholds and the novelty of the scores that it gives."""

import dataclasses

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import ram
from ram.evaluation.calibration import calibrate
from ram.models.config import EnsembleConfig
from ram.training.data.training_set import TrainingSet
from ram.training.data.triplets import Triplets
from ram.training.data.views import PixelSource
from ram.training.finishing import SHARED_PRIOR, calibrate_model, held_out_logits
from ram.training.initial import set_novelty
from ram.training.loop import train
from tests.tiny import tiny_bank, whole_config, whole_model
from tests.toy_run import draw, make_data, toy_recipe, use_hash_text_encoder

IMAGES = 24
ENSEMBLE = EnsembleConfig(
    3.0, 2.0, unseen_classifier_weight=1.0, remembered_tags=4, prior_correction=0.4, pca_components=4
)


@pytest.fixture
def held_out(tmp_path):
    """Images with random tags out of three."""
    colours = [("red", "blue"), ("green", "white"), ("black", "yellow")] * 8
    paths = tuple(tmp_path / f"{number}.png" for number in range(IMAGES))
    for number, path in enumerate(paths):
        draw(*colours[number], seed=number).save(path)
    targets = torch.rand(IMAGES, 3) > 0.6
    return TrainingSet(
        Triplets(paths, ((),) * IMAGES, targets, torch.ones_like(targets)),
        PixelSource(paths, whole_config().image),
        tiny_bank(),
        torch.zeros(1, 1),
        torch.zeros(IMAGES + 1, dtype=torch.long),
    )


@pytest.fixture
def ensemble():
    """A model that scores tags it was not taught, whose decoder logits the ensemble damps."""
    return whole_model(config=dataclasses.replace(whole_config(), ensemble=ENSEMBLE)).eval()


def test_thresholds_fit_the_scores_of_the_shifted_model(ensemble, held_out):
    ensemble.head.bias.data += 2.0  # as the asymmetric loss leaves it
    before = ensemble.head.bias.item()
    bank = calibrate_model(ensemble, held_out, batch=8)
    scores = held_out_logits(ensemble, held_out, 8).sigmoid().numpy()
    targets = held_out.triplets.targets.numpy()
    assert ensemble.head.bias.item() != before
    np.testing.assert_allclose(bank.vocabulary.thresholds, calibrate(scores, targets, SHARED_PRIOR), atol=1e-4)


def test_novelty_is_that_of_evaluation_without_a_dev_set(tmp_path, monkeypatch):
    use_hash_text_encoder(monkeypatch)
    data = make_data(tmp_path / "data", dev=2)
    config = dataclasses.replace(whole_config(), ensemble=ENSEMBLE)
    recipe = toy_recipe(config, epochs=1)
    recipe = dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, dev=()))
    captured = []
    monkeypatch.setattr(
        "ram.training.finishing.set_novelty",
        lambda model, *sets: (captured.append((model, *sets)), set_novelty(model, *sets)),
    )
    train(recipe, data, tmp_path / "run")
    saved = load_file(tmp_path / "run/model/model.safetensors")
    ((_, training, *_),) = captured
    model = ram.load(tmp_path / "run/model", dtype="float32").model
    with torch.no_grad():
        ids = torch.arange(len(training.triplets))
        pooled = training.pictures.look_plainly(model.image_encoder, ids).pooled
    (center,) = (tensor for name, tensor in saved.items() if name.endswith("novelty.center"))
    expected = torch.nn.functional.normalize(pooled, dim=-1).mean(0)
    torch.testing.assert_close(center.float(), expected, atol=2e-3, rtol=0)
