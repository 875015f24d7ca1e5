"""Of pictures unlike those of training, what was frequent there is no more likely than elsewhere."""

import dataclasses
import math

import pytest
import torch

from ram.checkpoints.model_folder import load_model
from ram.models.config import EnsembleConfig
from ram.models.lite.ensemble import DAMPING, GlobalSimilarity
from ram.models.lite.familiarity import ELSEWHERE, Familiarity
from ram.models.lite.novelty import Novelty
from ram.models.reweighting import DescriptionEmbeddings
from ram.training.loop import train
from tests.tiny import DIM, HashTextEncoder, tiny_pixels, whole_model
from tests.toy_run import make_data, toy_model, toy_recipe, use_hash_text_encoder


def flat(pictures, seed=0, off=0.0):
    """Pooled tokens around one place that differ in two directions only, and a little in a third."""
    draws = torch.randn(pictures, 3, generator=torch.Generator().manual_seed(seed))
    tokens = torch.zeros(pictures, 6)
    tokens[:, 0], tokens[:, 1:3], tokens[:, 3] = 5, draws[:, :2], 0.05 * draws[:, 2]
    tokens[:, 4] = off
    return tokens


@pytest.fixture
def novelty():
    fitted = Novelty(2, 6)
    fitted.fit(flat(200), flat(400, seed=1))
    return fitted


def test_pictures_like_those_of_training_are_not_new_and_others_are_the_further_the_more(novelty):
    assert (novelty(flat(500, seed=2)) == 0).float().mean() == pytest.approx(0.9, abs=0.04)
    assert (novelty(flat(500, seed=2)) > 1).float().mean() < 0.04
    near, far = novelty(flat(20, seed=3, off=0.5)), novelty(flat(20, seed=3, off=3.0))
    assert near.min() > 0.3 and (far > 3 * near).all()


def test_only_the_direction_of_a_pooled_token_counts(novelty):
    tokens = flat(20, seed=4, off=1.0)
    torch.testing.assert_close(novelty(9 * tokens), novelty(tokens), atol=1e-4, rtol=1e-4)


def test_before_a_fit_nothing_is_new_and_few_pictures_are_enough_for_one():
    fresh = Novelty(4, 6)
    assert fresh(flat(3)).tolist() == [0, 0, 0]
    fresh.fit(flat(3), flat(9, seed=1))
    assert torch.isfinite(fresh(flat(9, seed=1))).all() and fresh.axes[3].tolist() == [0] * 6


def test_a_tag_owes_what_it_was_more_frequent_in_training_than_elsewhere():
    memory, axes = Familiarity(3, 3, frequency=True), torch.eye(3)
    memory.remember(axes, torch.tensor([499, 1, 59]), of=998)
    odds = math.log(ELSEWHERE / (1 - ELSEWHERE))
    asked = torch.stack([*axes, torch.tensor([0.6, 0.8, 0.0])])
    wanted = [-odds, 0, math.log(0.06 / 0.94) - odds, 0.6**4 * -odds]
    assert memory.owed(asked).tolist() == pytest.approx(wanted, abs=1e-5)
    memory.remember(axes[:1], torch.tensor([10_000]))  # of pictures that are not counted
    assert memory.surplus[0] == 0


def test_that_is_taken_back_as_far_as_a_picture_is_new():
    model = whole_model().requires_grad_(False)
    features, words = model.look(tiny_pixels(2)), model.image_encoder.words
    bank = DescriptionEmbeddings(torch.stack([HashTextEncoder.vector(str(i)) for i in range(3)])[:, None])
    similarity = GlobalSimilarity(3.0, 2.0, 0.0, words, Familiarity(3, DIM, True), 0.4, Novelty(2, DIM))
    similarity.remember(bank, torch.tensor([150, 150, 0]), of=200)
    before = similarity(torch.zeros(2, 3), features, bank)  # not fitted: nothing is new
    pooled = features.pooled
    similarity.novelty.fit(*(pooled[:1] + 0.01 * torch.randn(2, 30, DIM)))
    new = similarity.novelty(pooled)
    assert new[1] > new[0] and new[1] > 1
    owed = similarity.familiarity.owed(similarity.around(bank.mean()))
    assert owed[0] > 3 and owed[0] == pytest.approx(owed[1].item(), abs=1e-4)
    heard = 1 - DAMPING * (1 - similarity.familiarity(similarity.around(bank.mean())))
    found = similarity(torch.zeros(2, 3), features, bank)
    torch.testing.assert_close(found, before - heard * 0.4 * new[:, None] * owed, atol=1e-4, rtol=1e-4)


def test_a_run_fits_it_at_its_end_and_a_further_run_keeps_it(tmp_path, monkeypatch):
    use_hash_text_encoder(monkeypatch)
    data = make_data(tmp_path / "data")
    ensemble = EnsembleConfig(
        pooled_weight=1.0, unseen_classifier_weight=1.0, remembered_tags=8, prior_correction=0.4, pca_components=3
    )
    config = dataclasses.replace(toy_model(classes=5), ensemble=ensemble)
    train(toy_recipe(config, epochs=1), data, data / "first")
    first = load_model(data / "first/model")[1].similarity
    assert 0 < first.novelty.usual[0] < first.novelty.usual[1] and first.familiarity.surplus.max() > 1
    further = dataclasses.replace(toy_recipe(config, epochs=1, seed=9), initialize="first/model")
    train(further, data, data / "second")
    second = load_model(data / "second/model")[1].similarity
    assert torch.equal(second.novelty.usual, first.novelty.usual)
    assert torch.equal(second.novelty.axes, first.novelty.axes)


@pytest.mark.parametrize(
    "wrong",
    [{"prior_correction": 0.3}, {"pca_components": 3}, {"prior_correction": 0.3, "pca_components": -1}],
)
def test_one_without_the_other_is_refused(wrong):
    with pytest.raises(ValueError, match="ensemble.prior_correction is .* set all three"):
        EnsembleConfig(unseen_classifier_weight=1.0, remembered_tags=4, **wrong)
    with pytest.raises(ValueError, match="0 remembered_tags"):
        EnsembleConfig(prior_correction=0.3, pca_components=2)
