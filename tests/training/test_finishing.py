"""A finished model has the thresholds of the scores that it gives."""

import numpy as np
import pytest
import torch

from ram.evaluation.calibration import calibrate
from ram.training.data.training_set import TrainingSet
from ram.training.data.triplets import Triplets
from ram.training.data.views import PixelSource
from ram.training.finishing import SHARED_PRIOR, calibrate_model, held_out_logits
from tests.tiny import tiny_bank, whole_config, whole_model
from tests.toy_run import draw

IMAGES = 24


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
    """A model whose logits have the terms of an ensemble beside the decoder's."""
    return whole_model()


def test_thresholds_fit_the_scores_of_the_shifted_model(ensemble, held_out):
    ensemble.head.bias.data += 2.0  # as the asymmetric loss leaves it
    before = ensemble.head.bias.item()
    bank = calibrate_model(ensemble, held_out, batch=8)
    scores = held_out_logits(ensemble, held_out, 8).sigmoid().numpy()
    targets = held_out.triplets.targets.numpy()
    assert ensemble.head.bias.item() != before
    np.testing.assert_allclose(bank.vocabulary.thresholds, calibrate(scores, targets, SHARED_PRIOR), atol=1e-4)
