"""Novelty is the error of a principal component analysis, measured against held-out images."""

import dataclasses

import pytest
import torch

from ram.checkpoints.model_folder import load_model
from ram.models.config import EnsembleConfig
from ram.models.lite.novelty import Novelty
from ram.training.loop import train
from tests.toy_run import make_data, toy_model, toy_recipe, use_hash_text_encoder


def flat(pictures, seed=0, off=0.0):
    """Pooled tokens around one place that differ in two directions only, and a little in a third."""
    draws = torch.randn(pictures, 3, generator=torch.Generator().manual_seed(seed))
    tokens = torch.zeros(pictures, 6)
    tokens[:, 0], tokens[:, 1:3], tokens[:, 3] = 5, draws[:, :2], 0.05 * draws[:, 2]
    tokens[:, 4] = off
    return tokens


def config(components):
    return EnsembleConfig(
        unseen_classifier_weight=1.0, remembered_tags=1, prior_correction=0.4, pca_components=components
    )


@pytest.fixture
def novelty():
    fitted = Novelty(config(2), 6)
    fitted.fit(flat(200), flat(400, seed=1))
    return fitted


def test_novelty_grows_with_the_distance_from_training(novelty):
    assert (novelty(flat(500, seed=2)) == 0).float().mean() == pytest.approx(0.9, abs=0.04)
    assert (novelty(flat(500, seed=2)) > 1).float().mean() < 0.04
    near, far = novelty(flat(20, seed=3, off=0.5)), novelty(flat(20, seed=3, off=3.0))
    assert near.min() > 0.3 and (far > 3 * near).all()


def test_only_the_direction_of_a_pooled_token_counts(novelty):
    tokens = flat(20, seed=4, off=1.0)
    torch.testing.assert_close(novelty(9 * tokens), novelty(tokens), atol=1e-4, rtol=1e-4)


def test_nothing_is_novel_before_a_fit_to_a_few_images():
    fresh = Novelty(config(4), 6)
    assert fresh(flat(3)).tolist() == [0, 0, 0]
    fresh.fit(flat(3), flat(9, seed=1))
    assert torch.isfinite(fresh(flat(9, seed=1))).all() and fresh.components[3].tolist() == [0] * 6


def test_a_first_run_fits_novelty_and_a_further_run_keeps_it(tmp_path, monkeypatch):
    use_hash_text_encoder(monkeypatch)
    data = make_data(tmp_path / "data")
    ensemble = EnsembleConfig(
        pooled_weight=1.0, unseen_classifier_weight=1.0, remembered_tags=8, prior_correction=0.4, pca_components=3
    )
    toy = dataclasses.replace(toy_model(classes=5), ensemble=ensemble)
    train(toy_recipe(toy, epochs=1), data, data / "first")
    first = load_model(data / "first/model")[1].ensemble
    assert 0 < first.novelty.bounds[0] < first.novelty.bounds[1] and first.familiarity.surplus.max() > 1
    further = dataclasses.replace(toy_recipe(toy, epochs=1, seed=9), initialize="first/model")
    train(further, data, data / "second")
    second = load_model(data / "second/model")[1].ensemble
    assert torch.equal(second.novelty.bounds, first.novelty.bounds)
    assert torch.equal(second.novelty.components, first.novelty.components)


@pytest.mark.parametrize(
    "wrong",
    [{"prior_correction": 0.3}, {"pca_components": 3}, {"prior_correction": 0.3, "pca_components": -1}],
)
def test_one_without_the_other_is_refused(wrong):
    with pytest.raises(ValueError, match="ensemble.prior_correction is .* set all three"):
        EnsembleConfig(unseen_classifier_weight=1.0, remembered_tags=4, **wrong)
    with pytest.raises(ValueError, match="0 remembered_tags"):
        EnsembleConfig(prior_correction=0.3, pca_components=2)
